"""The ST-Link V3 personality: command answers as pyOCD's driver and OpenOCD read them, and its status codes."""

from __future__ import annotations

import struct

import pytest

from n6prog.sim import SimBoard
from n6prog.sim.clock import STLINK_V3
from n6prog.sim.faults import ProbeGone, ProbeHung
from n6prog.sim.usb.stlink import StLinkV3

RAM = 0x3407_0000
HOLE = 0x1010_0000  # hw-soc 3
OK, AP_WAIT, AP_FAULT, AP_ERROR, AP_PARITY, DP_ERROR, DP_PARITY = 0x80, 0x10, 0x11, 0x12, 0x13, 0x16, 0x17
ALIGNMENT, BAD_AP, UNKNOWN, NO_IDCODE, WDATA_ERROR = 0x0A, 0x1D, 0x42, 0x09, 0x18


class Link:
    """The probe's commands by name."""

    def __init__(self, board: SimBoard) -> None:
        self.usb = StLinkV3(board, "test", STLINK_V3)
        self.usb.open()

    def ask(self, text: str, size: int) -> bytes:
        return self.usb.transfer(bytes.fromhex(text), readSize=size) or b""

    def enter(self) -> None:
        assert self.ask("f2 30 a3 00", 2) == b"\x80\0"

    def read_memory(self, address: int, size: int, code: int = 0x07, port: int = 1) -> bytes:
        command = struct.pack("<BBIHB", 0xF2, code, address, size, port)
        return self.usb.transfer(command, readSize=size) or b""

    def write_memory(self, address: int, data: bytes, code: int = 0x08) -> None:
        self.usb.transfer(struct.pack("<BBIHB", 0xF2, code, address, len(data), 1), writeData=data)

    def status(self) -> tuple[int, int]:
        status, _, address, _ = struct.unpack("<HHII", self.ask("f2 3e", 12))
        return status, address

    def read_register(self, port: int, register: int) -> tuple[int, int]:
        answer = self.usb.transfer(struct.pack("<BBHH", 0xF2, 0x45, port, register), readSize=8) or b""
        status, _, value = struct.unpack("<HHI", answer)
        return status, value

    def write_register(self, port: int, register: int, value: int) -> int:
        answer = self.usb.transfer(struct.pack("<BBHHI", 0xF2, 0x46, port, register, value), readSize=2) or b""
        return int.from_bytes(answer, "little")


@pytest.fixture(scope="module")
def idle(shared_board: SimBoard) -> Link:
    link = Link(shared_board)
    link.enter()
    return link


@pytest.fixture
def link(board: SimBoard) -> Link:
    link = Link(board)
    link.enter()
    return link


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("f1", "34 4a 83 04 4e 37"),  # 3 << 12 | 17 << 6 | 10, high byte first; VID 0x0483, PID 0x374E
        ("fb", "03 00 11 0a 00 00 00 00 83 04 4e 37"),  # V3, no SWIM, J17, M10
        ("f2 31", "80 00 00 00 77 24 a0 6b 00 00 00 00"),  # DPIDR: hw-soc 1.1
        ("f2 4b 01", "80 00"),
        ("f2 4b 07", "1d 00"),  # no such access port
        ("f2 63 01", "80 00"),
        ("f2 40 00 10 00 09 3d 00", "80 00"),  # trace on: accepted, and nothing ever comes
        ("f2 42", "00 00"),
        ("f2 41", "80 00"),
        ("f2 51", "42 00"),  # batches of register accesses: not modelled
        ("f2 56", "80 00 4e 36 35 37"),
    ],
)
def test_answers(idle: Link, command: str, answer: str) -> None:
    assert idle.ask(command, len(bytes.fromhex(answer))).hex(" ") == answer


def test_the_target_voltage_is_a_ratio(idle: Link) -> None:
    reference, target = struct.unpack("<II", idle.ask("f7", 8))
    assert 2.4 * target / reference == pytest.approx(3.29)  # volts, as pyOCD reckons


def test_the_mode_follows_enter_and_exit(link: Link) -> None:
    assert link.ask("f5", 2) == b"\x02\0"
    link.ask("f2 21", 2)
    assert link.ask("f5", 2) == b"\x01\0"


@pytest.mark.parametrize(("asked", "granted"), [(24000, 24000), (23999, 8000), (8000, 8000), (1, 5)])
def test_clocks_are_rounded_down_to_a_step(idle: Link, shared_board: SimBoard, asked: int, granted: int) -> None:
    answer = idle.ask(f"f2 61 00 00 {asked.to_bytes(4, 'little').hex()}", 8)
    assert struct.unpack("<HHI", answer) == (OK, 0, granted)
    assert struct.unpack_from("<3I", idle.ask("f2 62 00", 52), 4) == (granted, 7, 24000)
    assert idle.usb.clock_hz == shared_board.dp.clock_hz == granted * 1000


def test_memory_in_three_widths(link: Link, board: SimBoard) -> None:
    link.write_memory(RAM, bytes(range(8)))
    link.write_memory(RAM + 1, b"\xaa", code=0x0D)
    link.write_memory(RAM + 2, b"\xbb\xcc", code=0x48)
    assert link.status() == (OK, 0)
    assert board.read(RAM, 8) == link.read_memory(RAM, 8) == bytes((0, 0xAA, 0xBB, 0xCC, 4, 5, 6, 7))
    assert link.read_memory(RAM + 1, 3, code=0x0C) == b"\xaa\xbb\xcc"
    assert link.read_memory(RAM + 2, 2, code=0x47) == b"\xbb\xcc"


def test_without_increment_one_word_is_accessed_again_and_again(link: Link, board: SimBoard) -> None:
    board.write(RAM, bytes(8))
    link.write_memory(RAM, struct.pack("<3I", 1, 2, 3), code=0x50)
    assert board.read(RAM, 8) == struct.pack("<2I", 3, 0)
    assert link.read_memory(RAM, 8, code=0x54) == struct.pack("<2I", 3, 3)


@pytest.mark.parametrize(
    ("code", "address", "size"),
    [(0x07, RAM + 2, 4), (0x07, RAM, 6), (0x07, RAM, 6148), (0x47, RAM + 1, 2), (0x0C, RAM, 513)],
)
def test_unaligned_and_oversized_blocks_are_refused(idle: Link, code: int, address: int, size: int) -> None:
    idle.read_memory(address, size, code=code)
    assert idle.status() == (ALIGNMENT, address)


def test_a_bus_fault_is_told_with_its_address_and_does_not_last(link: Link) -> None:
    link.read_memory(HOLE, 16)
    assert link.status() == (AP_FAULT, HOLE)
    link.read_memory(RAM, 16)
    assert link.status() == (OK, 0)
    link.write_memory(HOLE, bytes(4))
    assert link.status() == (AP_FAULT, HOLE)


def test_a_fault_through_the_registers_stays_until_abort(link: Link) -> None:
    # AP1: CSW for words, TAR; DRW then faults
    assert link.write_register(1, 0x00, 0x2300_0012) == OK
    assert link.write_register(1, 0x04, HOLE) == OK
    assert link.read_register(1, 0x0C)[0] == AP_FAULT
    assert link.read_register(1, 0x04)[0] == AP_FAULT
    assert link.write_register(0xFFFF, 0x0, 0x1E) == OK
    assert link.read_register(1, 0x04) == (OK, HOLE)


def test_banked_registers_of_the_debug_port(idle: Link) -> None:
    assert idle.read_register(0xFFFF, 0x34) == (OK, 0x1)  # DLPIDR, bank 3: SWD protocol 2
    assert idle.read_register(1, 0xFC) == (OK, 0x8477_0001)


def test_nrst_low_closes_the_core_port_and_high_opens_it_again(link: Link, board: SimBoard) -> None:
    link.ask("f2 3c 00", 2)
    assert not board.ap1_open()
    link.ask("f2 3c 01", 2)
    board.host.advance(20_000_000_000)  # the boot ROM's 20 ms
    board.catch_up()
    assert board.ap1_open()


def test_without_power_no_idcode_is_found(board: SimBoard) -> None:
    board.power_off()
    link = Link(board)
    assert link.ask("f2 30 a3 00", 2) == bytes((NO_IDCODE, 0))
    assert link.read_register(0xFFFF, 0)[0] == DP_ERROR


@pytest.mark.parametrize(
    ("fault", "dp_status", "ap_status"), [("flip:1", DP_PARITY, AP_PARITY), ("lost:1", DP_ERROR, AP_ERROR)]
)
def test_a_damaged_read_has_a_status_of_its_own(fault: str, dp_status: int, ap_status: int) -> None:
    with SimBoard(faults=[fault]) as board:
        board.dp.ctrl = 0x5000_0000
        link = Link(board)
        assert link.read_register(0xFFFF, 4)[0] == dp_status
        assert link.read_register(1, 0xFC)[0] == ap_status


def test_a_write_that_arrived_broken_is_a_data_error(link: Link, board: SimBoard) -> None:
    with SimBoard(faults=["flip:1"]) as broken:
        broken.dp.ctrl = 0x5000_0000
        other = Link(broken)
        assert other.write_register(1, 0x04, RAM) == WDATA_ERROR
    assert link.write_register(1, 0x04, RAM) == OK


@pytest.mark.parametrize(("length", "status"), [(16, OK), (1000, AP_WAIT)])
def test_the_firmware_is_patient_with_wait_but_not_for_ever(length: int, status: int) -> None:
    with SimBoard(faults=[f"wait:{length}"]) as board:
        board.dp.ctrl = 0x5000_0000
        link = Link(board)
        assert link.read_register(1, 0xFC)[0] == status


@pytest.mark.parametrize(("fault", "raised"), [("unplug@1ns", ProbeGone), ("hang@1ns", ProbeHung)])
def test_a_probe_that_is_lost_answers_nothing_until_it_is_opened_anew(fault: str, raised: type[Exception]) -> None:
    with SimBoard(faults=[fault]) as board:
        link = Link(board)
        board.host.advance(1_000_000)
        with pytest.raises(raised):
            link.ask("f5", 2)
        with pytest.raises(raised):
            link.ask("f5", 2)
        link.usb.open()
        link.ask("f5", 2)


def test_no_command_of_zeros_breaks_the_firmware(link: Link) -> None:
    for code in range(256):
        assert len(link.ask(f"f2 {code:02x}", 64)) == len(link.ask(f"{code:02x}", 64)) == 64
