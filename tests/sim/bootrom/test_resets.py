"""Development boot, and where the core starts after each kind of reset."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from n6prog.sim import SimAccess, SimBoard

from .conftest import LOOP, events

AIRCR, VTOR = 0xE000_ED0C, 0xE000_ED08
INITSVTORCR, SYSCFG_ON = 0x5600_8010, 0x5602_8A78
TABLE, STACK = 0x3407_0000, 0x3407_8000


def _write(board: SimBoard, address: int, value: int) -> None:
    board.write(address, value.to_bytes(4, "little"))


@pytest.fixture
def board() -> Iterator[SimBoard]:
    with SimBoard() as board:
        yield board


@pytest.fixture
def redirected(board: SimBoard) -> SimBoard:
    """A program in RAM has named itself in SYSCFG, as ST's SystemInit does."""
    board.write(TABLE, struct.pack("<II", STACK, TABLE + 0x41) + bytes(56) + LOOP)
    _write(board, SYSCFG_ON, 1)
    _write(board, INITSVTORCR, TABLE)
    return board


def test_development_boot_lights_the_red_led_and_says_so(board):
    gpiog = board.soc.gpio["G"]
    assert gpiog.words[0x00] >> 20 & 3 == 1
    assert not gpiog.words.get(0x14, 0) >> 10 & 1
    seen = events(board)
    assert seen[0x1001][2] == (2,)  # BOOT1
    assert {0x23, 0x92, 0x65} <= set(seen)  # open part, development boot, debug open


def test_development_boot_leaves_the_clocks_that_systeminit_undoes(board):
    for address, bit in ((0x5602_8258, 0), (0x5602_8264, 0), (0x5602_825C, 6)):
        assert int.from_bytes(board.read(address, 4), "little") >> bit & 1


def test_development_boot_does_not_touch_the_nor(board):
    assert len(board.nor.frames) == 0
    assert not board.soc.xspi1.words


def test_the_boot_pins_can_be_read_in_syscfg(board):
    _write(board, SYSCFG_ON, 1)
    assert board.read(0x5600_8100, 1)[0] & 3 == 2
    board.boot0 = 1
    board.power_cycle()
    _write(board, SYSCFG_ON, 1)
    assert board.read(0x5600_8100, 1)[0] & 3 == 3


def test_development_boot_leaves_the_rail_of_the_flash_as_reset_does(board):
    assert not int.from_bytes(board.read(0x5602_483C, 4), "little") & 0x200  # VDDIO3SV


def test_a_system_reset_starts_where_syscfg_says_and_the_port_stays_closed(redirected):
    _write(redirected, AIRCR, 0x05FA_0004)
    redirected.host.advance(10**12)
    redirected.catch_up()
    registers = redirected.registers
    assert TABLE + 0x40 <= registers["pc"] < TABLE + 0x44
    assert (registers["sp"], registers["r0"], registers["msplim"]) == (STACK, 42, 0)
    assert not redirected.soc.dbgmcu.ap1_enabled
    with pytest.raises(SimAccess, match="AP1 is closed"):
        redirected.read(TABLE, 4)


def test_the_reset_line_brings_the_boot_rom_back(redirected):
    redirected.drive_reset(True)
    redirected.drive_reset(False)
    redirected.host.advance(10**11)
    assert redirected.read(VTOR, 4) == (0x1800_0000).to_bytes(4, "little")


def test_so_does_power(redirected):
    _write(redirected, AIRCR, 0x05FA_0004)
    redirected.catch_up()
    redirected.power_cycle()
    assert redirected.read(VTOR, 4) == (0x1800_0000).to_bytes(4, "little")


def test_a_start_in_memory_that_nobody_serves_runs_nothing(board):
    _write(board, SYSCFG_ON, 1)
    _write(board, INITSVTORCR, 0x7010_0400)  # the window, which no reset leaves mapped
    _write(board, AIRCR, 0x05FA_0004)
    board.host.advance(10**12)
    board.catch_up()
    assert not board.core.running
    assert not board.ap1_open()


def test_the_gate_that_the_rom_opened_reads_open_and_takes_no_write(board):
    assert board.read(0x5600_9E90, 4) == b"\xb4\0\0\0"
    assert board.read(0x5600_9E8C, 4) == b"\0\xb4\xb4\xb4"  # UNLOCK, AUTH_HDPL, AUTH_SEC
    _write(board, 0x5600_9E90, 0)
    assert board.read(0x5600_9E90, 1) == b"\xb4"
    assert board.ap1_open()


def test_a_held_reset_line_keeps_everything_shut(redirected):
    redirected.drive_reset(True)
    redirected.host.advance(10**12)
    assert not redirected.ap1_open()
    assert not redirected.rom.busy


def test_boot1_moved_while_the_line_is_held_counts_when_it_is_let_go(board):
    board.drive_reset(True)
    board.boot1 = 0
    board.drive_reset(False)
    board.host.advance(10**11)
    board.catch_up()
    assert board.rom.outcome is not None
    assert board.rom.outcome.mode == "failed"


def test_both_pins_stay_as_they_were_set(tmp_path):
    with SimBoard(state=tmp_path, boot1=0) as board:
        board.boot0 = 1
        board.power_cycle()
    with SimBoard(state=tmp_path, boot1=None) as board:
        assert (board.boot0, board.boot1) == (1, 0)
        board.power_cycle()
        assert board.rom.outcome is not None
        assert board.rom.outcome.mode == "serial"
