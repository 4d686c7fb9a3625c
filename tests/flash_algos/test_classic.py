"""The CMSIS entries, as pyOCD and other tools call them."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from n6prog.flash_algos import mailbox
from n6prog.flash_algos.mailbox import Status
from n6prog.sim import SimBoard
from tests.flash_algos.bench import Chip

BASE = 0x7000_0000
BUFFER = mailbox.LOADER_BUFFER
ERASE, PROGRAM, VERIFY = 1, 2, 3


@pytest.fixture
def classic(board: SimBoard) -> Chip:
    """Initialised for programming."""
    chip = Chip(board)
    assert chip.call("Init", BASE, 0, PROGRAM) == 0
    return chip


@pytest.mark.parametrize("name", ["nucleo-n657x0-q", "stm32n6570-dk"])
def test_a_session_as_pyocd_makes_it(name: str) -> None:
    with SimBoard(name) as board:
        chip, data = Chip(board), random.Random(1).randbytes(4096)
        board.nor.content[0x10_0000:0x10_2000] = bytes(0x2000)
        assert chip.call("Init", BASE, 0, ERASE) == 0
        assert chip.call("EraseSector", 0x7010_0000) == 0
        assert chip.call("UnInit", ERASE) == 0
        assert chip.call("Init", BASE, 0, PROGRAM) == 0
        board.write(BUFFER, data)
        assert chip.call("ProgramPage", 0x7010_0000, 4096, BUFFER) == 0
        assert chip.call("Init", BASE, 0, VERIFY) == 0
        assert chip.call("Verify", 0x7010_0000, 4096, BUFFER) == 0x7010_1000
        assert chip.call("UnInit", VERIFY) == 0
        assert board.read(0x7010_0000, 4096) == data
        assert board.nor.content[0x10_1000:0x10_2000] == bytes(4096)


def test_init_refuses_an_address_outside_of_the_window(board: SimBoard) -> None:
    assert Chip(board).call("Init", 0x0800_0000, 0, PROGRAM) == Status.BAD_ARGUMENT


def test_the_last_byte_of_the_larger_part_is_reached() -> None:
    with SimBoard("stm32n6570-dk") as board:
        chip = Chip(board)
        assert chip.call("Init", BASE, 0, PROGRAM) == 0
        board.write(BUFFER, b"\x5a")
        assert chip.call("ProgramPage", 0x7800_0000 - 1, 1, BUFFER) == 0
        assert board.nor.content[-1] == 0x5A
        assert chip.call("ProgramPage", 0x7800_0000, 1, BUFFER) == Status.BAD_ARGUMENT
        assert chip.call("EraseSector", 0x6FFF_F000) == Status.BAD_ARGUMENT


@given(offset=st.integers(0, 1000), size=st.integers(1, 3000), shift=st.integers(0, 3), seed=st.integers(0, 99))
@examples(max_examples=15)
def test_program_page_takes_any_size_and_alignment(offset: int, size: int, shift: int, seed: int) -> None:
    with SimBoard("nucleo-n657x0-q") as board:
        chip, data = Chip(board), random.Random(seed).randbytes(size)
        assert chip.call("Init", BASE, 0, PROGRAM) == 0
        board.write(BUFFER + shift, data)
        assert chip.call("ProgramPage", BASE + offset, size, BUFFER + shift) == 0
        assert board.nor.content[:4096] == b"\xff" * offset + data + b"\xff" * (4096 - offset - size)


def test_a_page_of_64_kib_in_one_call_skips_what_is_blank(classic: Chip) -> None:
    data = random.Random(2).randbytes(0x8000) + b"\xff" * 0x8000
    classic.board.write(BUFFER, data)
    classic.board.nor.frames.clear()
    assert classic.call("ProgramPage", BASE, len(data), BUFFER) == 0
    assert classic.board.nor.content[: len(data)] == data
    assert [opcode for _, opcode in classic.opcodes()].count(0x12) == 128


def test_erase_chip_erases_everything(classic: Chip) -> None:
    content = classic.board.nor.content
    content[0:16] = content[-16:] = bytes(16)
    before = classic.board.virtual_time
    assert classic.call("EraseChip") == 0
    assert content[0:16] == content[-16:] == b"\xff" * 16
    assert classic.board.virtual_time - before >= 192  # SFDP: the typical time


def test_verify_names_the_first_difference(classic: Chip) -> None:
    data = random.Random(3).randbytes(1000)
    classic.board.nor.content[100:1100] = data
    classic.board.write(BUFFER + 1, data)
    assert classic.call("Verify", BASE + 100, 1000, BUFFER + 1) == BASE + 1100
    for at in (0, 1, 255, 256, 700, 999):
        classic.board.nor.content[100 + at] ^= 1
        assert classic.call("Verify", BASE + 100, 1000, BUFFER + 1) == BASE + 100 + at
        classic.board.nor.content[100 + at] ^= 1


def test_blank_check(classic: Chip) -> None:
    classic.board.nor.content[0x2FFF] = 0xFE
    assert classic.call("BlankCheck", BASE + 0x1000, 0x1FFF, 0xFF) == 0
    assert classic.call("BlankCheck", BASE + 0x1000, 0x2000, 0xFF) == 1
    assert classic.call("BlankCheck", BASE + 0x2FFF, 1, 0xFE) == 0


def test_the_loaders_own_copy_is_left_alone(classic: Chip) -> None:
    classic.board.write(mailbox.LOADER_KEEP, b"\x77" * 0x1_0000)
    classic.board.write(BUFFER, bytes(0x1_0000))
    classic.call("ProgramPage", BASE, 0x1_0000, BUFFER)
    classic.call("EraseSector", BASE)
    classic.call("Verify", BASE, 0x1_0000, BUFFER)
    classic.call("BlankCheck", BASE, 0x1_0000, 0xFF)
    classic.call("Init", BASE, 0, ERASE)
    assert classic.board.read(mailbox.LOADER_KEEP, 0x1_0000) == b"\x77" * 0x1_0000
