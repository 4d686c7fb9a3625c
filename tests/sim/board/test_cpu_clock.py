"""The core runs at the clock that RCC gives it (hw-soc 4: HSICFGR.HSIDIV, CFGR1.CPUSW, PLL1, IC1)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

pytest.importorskip("unicorn")

from n6prog.sim import SimBoard

RCC, CODE = 0x5602_8000, 0x3407_0000
PLL1_ON, PLL1_READY = 1 << 8, 1 << 8
IC1 = 1


def _word(board: SimBoard, address: int) -> int:
    return int.from_bytes(board.read(address, 4), "little")


def _rcc(board: SimBoard, offset: int, value: int) -> None:
    board.write(RCC + offset, value.to_bytes(4, "little"))


@pytest.fixture
def board() -> Iterator[SimBoard]:
    with SimBoard() as board:
        # r0 rounds of: subs r0,#1; bne. Two instructions, 2.6 cycles as the time model has it
        board.write(CODE, struct.pack("<3H", 0x3801, 0xD1FD, 0x4770))
        yield board


def _microseconds(board: SimBoard, rounds: int) -> float:
    before = board.virtual_time
    board.call(CODE | 1, rounds, sp=0x3408_0000, sanitise=True)
    return (board.virtual_time - before) * 1e6


def test_a_divided_hsi_halves_the_speed(board):
    assert _microseconds(board, 6400) == pytest.approx(6400 * 2.6 / 64, rel=0.01)
    _rcc(board, 0x048, 1 << 7)
    assert _microseconds(board, 6400) == pytest.approx(6400 * 2.6 / 32, rel=0.01)


def _to_600_mhz(board: SimBoard) -> None:
    """PLL1: 64 MHz / 4 * 75 = 1200 MHz; IC1 halves it. What ai_fsbl.hex does."""
    _rcc(board, 0x080, 4 << 20 | 75 << 8)
    _rcc(board, 0x088, 1 << 30 | 1 << 27 | 1 << 24)
    _rcc(board, 0x800, PLL1_ON)
    assert _word(board, RCC + 4) & PLL1_READY
    for divider, ratio in ((1, 2), (2, 3), (6, 4), (11, 3)):
        _rcc(board, 0x0C4 + 4 * (divider - 1), ratio - 1 << 16)
        _rcc(board, 0xA40, 1 << divider - 1)  # DIVENSR
    _rcc(board, 0x020, 3 << 24 | 3 << 16)


def test_pll1_through_ic1(board):
    _to_600_mhz(board)
    assert _word(board, RCC + 0x020) >> 20 & 3 == 3
    assert _microseconds(board, 60_000) == pytest.approx(60_000 * 2.6 / 600, rel=0.01)


def test_a_system_reset_goes_back_to_64_mhz(board):
    _to_600_mhz(board)
    board.system_reset()
    board.host.advance(25 * 10**9)  # the boot ROM opens AP1 after 20 ms
    board.write(CODE, struct.pack("<3H", 0x3801, 0xD1FD, 0x4770))
    assert _microseconds(board, 6400) == pytest.approx(6400 * 2.6 / 64, rel=0.01)


def test_a_kept_board_comes_back_at_its_clock(tmp_path):
    with SimBoard(state=tmp_path) as board:
        _to_600_mhz(board)
    with SimBoard(state=tmp_path) as board:
        board.write(CODE, struct.pack("<3H", 0x3801, 0xD1FD, 0x4770))
        assert _microseconds(board, 60_000) == pytest.approx(60_000 * 2.6 / 600, rel=0.01)
