"""The CMSIS-DAP v2 personality: packets as the CMSIS-DAP 2.1 specification lays them out, and their time."""

from __future__ import annotations

import struct

import pytest

from n6prog.sim import SimBoard
from n6prog.sim.faults import ProbeGone, ProbeHung
from tests.sim.usb.conftest import IDLE, JTAG_TO_SWD, LINE_RESET, READ_DPIDR, Dap

RAM = 0x3407_0000


def words(*values: int) -> str:
    return struct.pack(f"<{len(values)}I", *values).hex(" ")


def open_memory(dap: Dap, address: int) -> None:
    """AP1, CSW for words with auto-increment, TAR: three writes."""
    packet = "05 00 03 08 00 00 00 01 01 12 00 00 23 05 " + words(address)
    assert dap(packet) == "05 03 01"


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("04", "00 06 32 2e 31 2e 30 00"),  # protocol version, "2.1.0" and its zero
        ("f0", "00 01 11"),  # capabilities: SWD and atomic commands
        ("fe", "00 01 04"),  # packets under way
        ("ff", "00 02 00 02"),  # bytes of a packet
        ("05", "00 00"),  # target vendor: the probe is not made for one chip
        ("f1", "00 00"),  # no test domain timer
    ],
)
def test_info(fresh_probe: Dap, code: str, answer: str) -> None:
    assert fresh_probe(f"00 {code}") == answer


@pytest.mark.parametrize("code", ["14", "15", "16", "17", "1a", "1f", "21", "80"])
def test_commands_that_are_not_there_answer_ff(fresh_probe: Dap, code: str) -> None:
    assert fresh_probe(code + " 00 00") == "ff"


@pytest.mark.parametrize(
    ("packet", "answer"),
    [
        ("01 00 01", "01 00"),
        ("02 00", "02 01"),
        ("02 01", "02 01"),
        ("02 02", "02 00"),  # JTAG
        ("03", "03 00"),
        ("04 02 50 00 00 00", "04 00"),
        ("09 0a 00", "09 00"),
        ("0a", "0a 00 00"),
        ("11 00 12 7a 00", "11 00"),
        ("11 00 00 00 00", "11 ff"),
        ("13 00", "13 00"),
        # pins: nothing driven, and SWCLK, SWDIO and nRESET high; TDI, TDO and nTRST are pulled up
        ("10 00 00 00 00 00 00", "10 af"),
    ],
)
def test_general_commands(fresh_probe: Dap, packet: str, answer: str) -> None:
    assert fresh_probe(packet) == answer


def test_several_commands_in_one_packet_are_executed_in_order(dap: Dap) -> None:
    # the specification's example: pins, a delay, pins
    packet = "7f 03 10 00 80 00 00 00 00 09 e8 03 10 80 80 00 00 00 00"
    assert dap(packet) == "7f 03 10 2f 09 00 10 af"


def test_queued_commands_wait_for_the_packet_that_starts_them(fresh_probe: Dap) -> None:
    fresh_probe.usb.write(bytes.fromhex("7e 01 02 01"))
    with pytest.raises(TimeoutError):
        fresh_probe.usb.read()
    fresh_probe.usb.write(bytes.fromhex("01 00 01"))
    assert [fresh_probe.usb.read().hex(" ") for _ in range(2)] == ["7f 01 02 01", "01 00"]


def test_the_debug_port_is_silent_until_it_is_switched_to_swd(dap: Dap) -> None:
    assert dap(READ_DPIDR) == "05 00 07"
    dap(LINE_RESET)
    assert dap(READ_DPIDR) == "05 00 07"
    for packet in (LINE_RESET, JTAG_TO_SWD, LINE_RESET, IDLE):
        dap(packet)
    assert dap(READ_DPIDR) == "05 01 01 77 24 a0 6b"  # hw-soc 1.1


def test_after_a_line_reset_only_a_read_of_dpidr_wakes_the_port(connected: Dap) -> None:
    connected(LINE_RESET)
    assert connected("05 00 01 06") == "05 00 07"  # CTRL/STAT
    assert connected(READ_DPIDR) == "05 00 07"
    connected(LINE_RESET)
    assert connected(READ_DPIDR) == "05 01 01 77 24 a0 6b"


def test_a_block_is_written_and_read_back_with_auto_increment(connected: Dap, board: SimBoard) -> None:
    open_memory(connected, RAM)
    assert connected("06 00 03 00 0d " + words(1, 2, 0xDEADBEEF)) == "06 03 00 01"
    assert board.read(RAM, 12) == struct.pack("<3I", 1, 2, 0xDEADBEEF)
    open_memory(connected, RAM)
    assert connected("06 00 03 00 0f") == "06 03 00 01 " + words(1, 2, 0xDEADBEEF)
    assert connected("05 00 01 07") == "05 01 01 " + words(RAM + 12)  # TAR


def test_auto_increment_wraps_within_its_kib(connected: Dap, board: SimBoard) -> None:
    open_memory(connected, RAM + 0x3FC)
    assert connected("06 00 02 00 0d " + words(0x11, 0x22)) == "06 02 00 01"
    assert board.read(RAM + 0x3FC, 4) == struct.pack("<I", 0x11)
    assert board.read(RAM, 4) == struct.pack("<I", 0x22)


def test_a_bus_fault_ends_the_packet_and_stays_until_abort(connected: Dap) -> None:
    # nothing lies at 0x10100000 (hw-soc 3)
    open_memory(connected, 0x1010_0000)
    assert connected("06 00 02 00 0f") == "06 00 00 04"
    assert connected("05 00 02 0f 0f") == "05 00 04"
    assert connected("08 00 04 00 00 00") == "08 00"  # STKERRCLR
    open_memory(connected, RAM)
    assert connected("05 00 01 0f").startswith("05 01 01")


def test_a_value_is_waited_for_and_then_given_up(connected: Dap) -> None:
    # match mask CDBGPWRUPACK, then CTRL/STAT until it reads so: IHI 0031 B2.2.2
    assert connected("05 00 02 20 00 00 00 20 16 00 00 00 20") == "05 02 01"
    connected("04 00 00 00 03 00")  # three more tries
    start = connected.usb.host.now
    assert connected("05 00 02 20 00 00 00 20 16 00 00 00 00") == "05 01 11"
    # 15 host, 60 + 60 and 5 firmware; 13 + 3 bytes at 30 MB/s; 4 reads of 46 clocks at 1 MHz
    assert (connected.usb.host.now - start) / 1e6 == pytest.approx(15 + 60 + 5 + 60 + 16 / 30 + 4 * 46, abs=0.001)


def test_more_reads_than_an_answer_holds_are_cut_short(connected: Dap) -> None:
    open_memory(connected, RAM)
    answer = connected("06 00 ff ff 0f")
    assert len(bytes.fromhex(answer)) == 512
    assert answer.startswith("06 7f 00 01")  # (512 - 4) / 4 words


def test_a_full_packet_of_reads_and_writes_is_executed_to_its_end(connected: Dap) -> None:
    open_memory(connected, RAM)
    packet = bytes((0x05, 0, 129)) + bytes((0x0F,)) * 127 + bytes((0x05, *RAM.to_bytes(4, "little"))) * 2
    assert connected(packet).startswith("05 81 01")


@pytest.mark.parametrize(
    "packet", ["", "05", "05 00 ff 05", "06 00 ff ff 0d 01", "12 00", "1d ff ff", "7f ff 7f ff", "7e"]
)
def test_packets_that_are_cut_off_are_answered_within_a_packet(fresh_probe: Dap, packet: str) -> None:
    assert len(fresh_probe.usb.execute(bytes.fromhex(packet))) <= 512


def test_a_raw_sequence_reads_dpidr_bit_by_bit(dap: Dap) -> None:
    for packet in (LINE_RESET, JTAG_TO_SWD, LINE_RESET, IDLE):
        dap(packet)
    # 8 bits of request out, 4 in (turnaround, then ACK OK as 1 0 0), 33 in (data and its parity, odd), 1 turnaround
    assert dap("1d 04 08 a5 84 a1 81") == "1d 00 03 77 24 a0 6b 01 01"


def test_a_raw_sequence_writes_a_register(connected: Dap) -> None:
    # SELECT: start, DP, write, A[3:2] = 10, parity 1, stop, park = 0xB1; 5 in; 32 data and parity out
    # 0x010000F0 has five ones: parity 1
    assert connected("1d 03 08 b1 85 21 f0 00 00 01 01") == "1d 00 13"
    assert connected("05 00 01 0f") == "05 01 01 01 00 77 84"  # IDR of AP1: bank F, offset C


def test_a_wrong_parity_in_a_raw_write_is_refused(connected: Dap) -> None:
    connected("1d 03 08 b1 85 21 f0 00 00 01 00")
    answer = bytes.fromhex(connected("05 00 01 06"))  # CTRL/STAT
    assert answer[3] & 0x80  # WDATAERR


def test_the_reset_pin_resets_the_chip(connected: Dap, board: SimBoard) -> None:
    assert board.ap1_open()
    assert connected("10 00 80 00 00 00 00") == "10 2f"
    assert not board.ap1_open()
    assert connected("10 80 80 00 00 00 00") == "10 af"
    connected("7f 02 09 ff ff 09 00 00")  # 65.5 ms; the boot ROM wants 20
    board.catch_up()
    assert board.ap1_open()


def test_a_transfer_costs_48_clocks_with_two_idle_cycles(connected: Dap) -> None:
    connected("04 02 50 00 00 00")
    start = connected.usb.host.now
    connected(READ_DPIDR)
    # 15 us host, 60 us and 4 bytes at 30 MB/s out, 5 us firmware, 48 clocks at 1 MHz, 60 us and 7 bytes in
    assert connected.usb.host.now - start == 15_000_000 + 60_133_333 + 5_000_000 + 48_000_000 + 60_233_333


def test_packets_under_way_overlap(connected: Dap) -> None:
    connected("04 02 50 00 00 00")
    start = connected.usb.host.now
    for _ in range(2):
        connected.usb.write(READ_DPIDR)
    for _ in range(2):
        connected.usb.read()
    # the second is there before the first is done: only its firmware and its clocks come on top
    once = 15_000_000 + 60_133_333 + 5_000_000 + 48_000_000 + 60_233_333
    assert connected.usb.host.now - start == once + 5_000_000 + 48_000_000


def test_a_block_of_words_costs_its_clocks_and_one_word_more(connected: Dap) -> None:
    connected("04 02 50 00 00 00")
    open_memory(connected, RAM)
    start = connected.usb.host.now
    connected("06 00 64 00 0f")
    by_hand = 15 + 60 + 5 / 30 + 5 + 101 * 48 + 60 + 404 / 30
    assert (connected.usb.host.now - start) / 1e6 == pytest.approx(by_hand, abs=0.001)


@pytest.mark.parametrize(("retries", "answer"), [("03 00", "05 01 01 77 24 a0 6b"), ("02 00", "05 00 02")])
def test_wait_is_tried_again_as_often_as_configured(retries: str, answer: str) -> None:
    with SimBoard(faults=["wait:3"]) as board:
        dap = Dap(board)
        for packet in (LINE_RESET, JTAG_TO_SWD, LINE_RESET, IDLE):
            dap(packet)
        dap(f"04 02 {retries} 00 00")
        assert dap(READ_DPIDR) == answer


@pytest.mark.parametrize(("fault", "answer"), [("flip@#1", "05 00 08"), ("lost@#1", "05 00 07")])
def test_a_damaged_transfer_is_answered_as_the_firmware_does(fault: str, answer: str) -> None:
    with SimBoard(faults=[fault]) as board:
        dap = Dap(board)
        for packet in (LINE_RESET, JTAG_TO_SWD, LINE_RESET, IDLE):
            dap(packet)
        assert dap(READ_DPIDR) == answer
        assert dap(READ_DPIDR) == "05 01 01 77 24 a0 6b"


@pytest.mark.parametrize(("fault", "raised"), [("unplug@1ns", ProbeGone), ("hang@1ns", ProbeHung)])
def test_a_probe_that_is_lost_answers_nothing_until_it_is_opened_anew(fault: str, raised: type[Exception]) -> None:
    with SimBoard(faults=[fault]) as board:
        dap = Dap(board)
        dap.usb.host.advance(1_000_000)
        dap("03")  # carries the board's clock past the moment
        with pytest.raises(raised):
            dap("03")
        dap.usb.open()
        assert dap("03") == "03 00"
