"""n6_unprotect: the BP bits go, in one write of the status register, and nothing else does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from n6prog.flash_algos.mailbox import Status
from n6prog.sim import SimBoard
from tests.flash_algos.bench import Chip

BLOCK = 0x1_0000
WRSR = 0x01


def status_writes(board: SimBoard) -> list[bytes]:
    """The data of every WRSR that the NOR saw."""
    return [frame.data for frame in board.nor.frames if frame.opcode == WRSR]


@pytest.mark.parametrize("bp", [1, 2, 4, 8, 15])
def test_the_bits_go_and_blocks_can_be_written(chip: Chip, bp: int) -> None:
    nor = chip.board.nor
    nor.registers.bp, nor.registers.cr = bp, 0x05
    assert chip.call("n6_unprotect") == Status.OK
    assert (nor.registers.bp, nor.registers.cr) == (0, 0x05)
    assert status_writes(chip.board) == [b"\x00"]  # one byte: CR with its one-time TB is not written
    assert chip.write_block(0, bytes(BLOCK)).status == Status.OK
    assert nor.content[:BLOCK] == bytes(BLOCK)


def test_nothing_is_written_where_no_bit_is_set(chip: Chip) -> None:
    before = len(chip.board.nor.frames)
    assert chip.call("n6_unprotect") == Status.OK
    assert {frame.opcode for frame in chip.board.nor.frames[before:]} == {0x05}  # RDSR


def test_bits_that_stay_are_told(chip: Chip) -> None:
    chip.board.nor.registers.bp = 3
    chip.board.nor.faults.no_wel = True
    assert chip.call("n6_unprotect") == Status.WEL_NOT_SET
    assert chip.board.nor.registers.bp == 3
    assert not status_writes(chip.board)


def test_another_makers_register_is_not_touched(board: SimBoard) -> None:
    board.nor.part = replace(board.nor.part, jedec=bytes.fromhex("9d5b19"))
    board.nor.registers.bp = 15
    chip = Chip(board)
    assert chip.open().jedec[:3] == b"\x9d\x5b\x19"
    assert chip.call("n6_unprotect") == Status.BAD_ARGUMENT
    assert board.nor.registers.bp == 15
    assert not status_writes(board)


def test_it_must_be_open(board: SimBoard) -> None:
    board.nor.registers.bp = 15
    assert Chip(board).call("n6_unprotect") == Status.NOT_OPEN
    assert not board.nor.frames
