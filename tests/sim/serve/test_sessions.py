"""The doors' protocols, byte by byte: what OpenOCD sends, and what nobody should."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from contextlib import suppress

import pytest

pytest.importorskip("unicorn")

from n6prog.sim import SimBoard
from n6prog.sim.clock import STLINK_V3
from n6prog.sim.serve.dap_door import DapDoor
from n6prog.sim.serve.session import Nonsense, Session
from n6prog.sim.serve.stlink_door import StLinkDoor
from n6prog.sim.serve.uart_door import UartDoor
from n6prog.sim.usb.cmsisdap import CmsisDapV2
from n6prog.sim.usb.stlink import StLinkV3

OPEN = bytes((3, 0, 0, 0, 1, 0, 0, 0))


@pytest.fixture
def board() -> Iterator[SimBoard]:
    with SimBoard() as opened:
        yield opened


@pytest.fixture
def stlink(board: SimBoard) -> StLinkDoor:
    return StLinkDoor(StLinkV3(board, "SERIAL", STLINK_V3))


@pytest.fixture
def dap(board: SimBoard) -> DapDoor:
    return DapDoor(CmsisDapV2(board, "SERIAL"), board.host)


def usb(command: str, direction: int, size: int, data: bytes = b"") -> bytes:
    """A USB command: connection at 4, command at 8, direction at 24, size at 28 (sim.md 4)."""
    return struct.pack("<B3xI16sB3xI", 5, 1, bytes.fromhex(command).ljust(16, b"\0"), direction, size) + data


def frame(packet: str, kind: int = 1) -> bytes:
    """A DAP frame (sim.md 4)."""
    payload = bytes.fromhex(packet)
    return b"DAP\0" + struct.pack("<HBB", len(payload), kind, 0) + payload


def test_a_client_finds_the_st_link(stlink: StLinkDoor) -> None:
    session = stlink.welcome()
    assert session.feed(b"\x06\x01\0\0") == struct.pack("<4I", 2, 1, 0, 0)
    assert session.feed(b"\0\0") == struct.pack("<I", 1)
    assert session.feed(b"\x01") == struct.pack("<I", 1)
    info = session.feed(bytes((2, 0, 0, 0, 41, 0, 0, 0)))
    assert len(info) == 45
    assert struct.unpack("<II32sHHB", info) == (1, 1, b"SERIAL".ljust(32, b"\0"), 0x0483, 0x374E, 0)


def test_usb_commands_reach_the_probe_only_between_open_and_close(stlink: StLinkDoor) -> None:
    session = stlink.welcome()
    assert session.feed(usb("f5", 1, 2)) == struct.pack("<I", 0x1002) + bytes(2)
    assert session.feed(OPEN) == struct.pack("<II", 1, 1)
    assert session.feed(usb("f5", 1, 2)) == struct.pack("<I", 1) + b"\x01\0"
    assert session.feed(b"\x04\0\0\0\x01\0\0\0") == struct.pack("<I", 1)
    assert session.feed(usb("f5", 1, 2)) == struct.pack("<I", 0x1002) + bytes(2)


def test_requests_may_come_in_any_pieces(stlink: StLinkDoor, board: SimBoard) -> None:
    session = stlink.welcome()
    data = bytes(range(64))
    stream = OPEN + usb("f2 30 a3 00", 1, 2) + usb("f2 08 00 00 07 34 40 00 01", 0, 64, data) + usb("f2 3e", 1, 12)
    answers = b"".join(session.feed(bytes((byte,))) for byte in stream)
    ok = struct.pack("<I", 1)
    assert answers == ok + ok + ok + b"\x80\0" + ok + ok + b"\x80" + bytes(11)
    assert board.read(0x3407_0000, 64) == data


def test_a_second_client_sees_a_probe_in_use_and_cannot_open_it(stlink: StLinkDoor) -> None:
    session = stlink.refuse("the board is in use")
    assert session.feed(bytes((2, 0, 0, 0, 41, 0, 0, 0)))[-1] == 1
    assert session.feed(OPEN) == struct.pack("<II", 0x1003, 0)


def test_a_device_that_is_not_there_is_refused(stlink: StLinkDoor) -> None:
    session = stlink.welcome()
    assert session.feed(bytes((2, 1, 0, 0, 41, 0, 0, 0)))[:4] == struct.pack("<I", 0x1002)
    assert session.feed(bytes((3, 0, 0, 0, 9, 0, 0, 0))) == struct.pack("<II", 0x1002, 0)


def test_a_probe_that_is_gone_is_a_time_out(board: SimBoard) -> None:
    with SimBoard(faults=["unplug@1ns"]) as other:
        session = StLinkDoor(StLinkV3(other, "SERIAL", STLINK_V3)).welcome()
        session.feed(OPEN)
        other.host.advance(1_000_000)
        assert session.feed(usb("f5", 1, 2)) == struct.pack("<I", 0x1001) + bytes(2)


def test_dap_packets_are_answered_in_frames(dap: DapDoor) -> None:
    session = dap.welcome()
    assert session.feed(frame("00 f0")) == frame("00 01 11", kind=2)
    both = frame("02 01") + frame("03")
    assert session.feed(both[:11]) == frame("02 01", kind=2)
    assert session.feed(both[11:]) == frame("03 00", kind=2)


def test_queued_packets_are_answered_with_the_one_that_starts_them(dap: DapDoor) -> None:
    session = dap.welcome()
    assert session.feed(frame("7e 01 02 01")) == b""
    assert session.feed(frame("03")) == frame("7f 01 02 01", kind=2) + frame("03 00", kind=2)


@pytest.mark.parametrize(
    "data",
    [b"GET / HTTP/1.1\r\n", b"\xff", usb("f5", 0, 10241), b"\x05" * 64],
)
def test_the_st_link_door_drops_what_it_does_not_know(stlink: StLinkDoor, data: bytes) -> None:
    with pytest.raises(Nonsense):
        stlink.welcome().feed(data)


@pytest.mark.parametrize(
    "data",
    [b"GET / HTTP/1.1\r\n", b"D\xff", frame("00 f0", kind=2), b"DAP\0\0\0\x01\0", b"DAP\0\x01\x02\x01\0" + bytes(513)],
)
def test_the_dap_door_drops_what_it_does_not_know(dap: DapDoor, data: bytes) -> None:
    with pytest.raises(Nonsense):
        dap.welcome().feed(data)


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_answered_or_refused_and_nothing_else(stlink: StLinkDoor, dap: DapDoor, seed: int) -> None:
    source = random.Random(seed)
    for _ in range(100):
        noisy: list[tuple[Session, bytes]] = [
            (stlink.welcome(), OPEN + usb(source.randbytes(16).hex(), source.randrange(2), 64, source.randbytes(64))),
            (stlink.welcome(), source.randbytes(200)),
            (dap.welcome(), frame(source.randbytes(source.randrange(1, 512)).hex())),
            (dap.welcome(), source.randbytes(200)),
        ]
        for session, data in noisy:
            with suppress(Nonsense):
                assert len(session.feed(data)) < 20_000
            session.end()


class Line:
    """A UART without a board."""

    def __init__(self) -> None:
        self.sinks: list[object] = []
        self.typed = b""

    def attach(self, sink: object) -> None:
        self.sinks.append(sink)

    def detach(self, sink: object) -> None:
        self.sinks.remove(sink)

    def send(self, data: bytes) -> None:
        self.typed += data


def test_the_uart_carries_bytes_both_ways_while_somebody_is_there() -> None:
    line = Line()
    session = UartDoor(line).welcome()
    session.write(b"hel")  # type: ignore[attr-defined]
    session.write(b"lo")  # type: ignore[attr-defined]
    assert session.poll() == b"hello"
    assert session.poll() == b""
    assert session.feed(b"help\r") == b""
    assert line.typed == b"help\r"
    session.end()
    assert line.sinks == []


def test_what_a_program_writes_to_usart1_comes_out_of_the_uart_door(board: SimBoard) -> None:
    session = UartDoor(board.console).welcome()
    board.write(0x5602_8A6C, (1 << 4).to_bytes(4, "little"))  # RCC APB2ENSR: USART1
    board.write(0x5200_100C, (278).to_bytes(4, "little"))  # USART1 BRR: 115200 of 32 MHz
    board.write(0x5200_1000, (1 | 1 << 3).to_bytes(4, "little"))  # CR1: UE, TE
    for byte in b"hi":
        board.write(0x5200_1028, byte.to_bytes(4, "little"))  # TDR
        board.host.advance(100_000_000)  # a frame takes 87 us
    assert session.poll() == b"hi"
    session.end()
    board.write(0x5200_1028, b"!\0\0\0")
    assert session.poll() == b""
