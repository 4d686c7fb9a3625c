"""The other end of a UART."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from n6prog.sim import SimBoard
from n6prog.sim.clock import STLINK_V3
from n6prog.sim.named import board_of
from n6prog.sim.spec import parse_spec

USART1, LPUART1 = 0x5200_1000, 0x5600_0C00


def _write(board: SimBoard, address: int, value: int) -> None:
    board.write(address, value.to_bytes(4, "little"))


def _say(board: SimBoard, text: bytes, base: int = USART1) -> None:
    for byte in text:
        while not board.read(base + 0x1C, 1)[0] & 0x80:
            pass
        _write(board, base + 0x28, byte)


def _enable(board: SimBoard) -> None:
    """Both UARTs at 115200 bit/s from 32 MHz."""
    _write(board, 0x5602_8A6C, 0x10)
    _write(board, 0x5602_8A74, 0x08)
    for base, divider in ((USART1, 278), (LPUART1, 71111)):
        _write(board, base + 0x0C, divider)
        _write(board, base, 0x0D)


@pytest.fixture
def board() -> Iterator[SimBoard]:
    with SimBoard() as board:
        _enable(board)
        yield board


def test_what_the_board_says_is_read_once(board):
    _say(board, b"hello")
    assert board.console.read() == b"hello"
    assert board.console.read() == b""
    _say(board, b"!")
    assert board.console.read() == b"!"
    assert board.uart == b"hello!"


def test_a_callable_gets_every_byte(board):
    heard: list[int] = []
    board.console.on_byte = heard.append
    _say(board, b"ab")
    assert heard == [0x61, 0x62]


def test_sinks_get_every_byte_while_they_are_attached(board):
    first, second = io.BytesIO(), io.BytesIO()
    board.console.attach(first)
    board.console.attach(second)
    _say(board, b"one")
    board.console.detach(second)
    _say(board, b"two")
    assert (first.getvalue(), second.getvalue()) == (b"onetwo", b"one")


def test_the_two_uarts_are_apart_and_uart_shows_both(board):
    _say(board, b"low", LPUART1)
    _say(board, b"high")
    assert board.console.read() == b"high"
    assert board.consoles["LPUART1"].read() == b"low"
    assert board.uart == b"highlow"


def test_what_is_typed_reaches_the_program(board):
    board.console.send(b"hi")
    heard = b""
    for _ in range(2):
        while not board.read(USART1 + 0x1C, 1)[0] & 0x20:
            pass
        heard += board.read(USART1 + 0x24, 1)
    assert heard == b"hi"


def test_typing_takes_the_time_of_its_frames(board):
    before = board.host.now
    board.console.send(b"hi")
    assert not board.read(USART1 + 0x1C, 1)[0] & 0x20
    board.host.advance(86_875_000 - (board.host.now - before) - 1)  # 10 bits of 278 / 32 MHz
    assert not board.soc.uart.irq_level(board.host.now)
    board.host.advance(1)
    assert board.read(USART1 + 0x1C, 1)[0] & 0x20


def test_what_was_said_stays_when_power_goes(board):
    _say(board, b"bye")
    board.power_cycle()
    assert board.uart == b"bye"
    assert board.console.read() == b"bye"


def test_a_file_gets_all_that_is_sent_behind_what_it_held(tmp_path: Path) -> None:
    log = tmp_path / "console.log"
    log.write_bytes(b"before ")
    with SimBoard(uart_file=log) as board:
        _enable(board)
        _say(board, b"after")
        assert log.read_bytes() == b"before after"


def test_a_spec_names_the_file(tmp_path: Path) -> None:
    log = tmp_path / "a,b.log"
    spec = parse_spec(f"sim:nucleo-n657x0-q,state=none,uart={str(log).replace(',', '%2C')}")
    with board_of(spec, STLINK_V3, "test") as board:
        _enable(board)
        _say(board, b"named")
    assert log.read_bytes() == b"named"
    with pytest.raises(ValueError, match="wants a file"):
        parse_spec("sim:nucleo-n657x0-q,uart=")
