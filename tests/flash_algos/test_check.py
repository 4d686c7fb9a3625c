"""n6_check: the chip reckons over its own RAM what the host reckons over the image."""

from __future__ import annotations

import random

import pytest

from n6prog.flash_algos import load_image, mailbox
from n6prog.loader.image import check_word
from n6prog.sim import SimBoard
from tests.flash_algos.bench import Chip

BUFFER = mailbox.LOADER_BUFFER


@pytest.mark.parametrize("size", [0, 4, 8, 512, 16384])
def test_chip_and_host_reckon_the_same(board: SimBoard, size: int) -> None:
    data = random.Random(size).randbytes(size)
    board.write(BUFFER, data + b"\xa5" * 16)
    assert Chip(board).call("n6_check", BUFFER, size) == check_word(data)


def test_the_rule_by_hand(board: SimBoard) -> None:
    # 1 * 0x9E3779B1; that turned left by 5 is 0xC6EF3633; XOR 2 is 0xC6EF3631; times 0x9E3779B1 again
    board.write(BUFFER, bytes([1, 0, 0, 0, 2, 0, 0, 0]))
    chip = Chip(board)
    assert chip.call("n6_check", BUFFER, 4) == 0x9E3779B1
    assert chip.call("n6_check", BUFFER, 8) == 0xC6EF3631 * 0x9E3779B1 % 2**32


def test_nothing_is_written_and_the_image_is_as_it_was_sent(board: SimBoard) -> None:
    image = load_image()
    chip = Chip(board)
    assert chip.call("n6_check", image.base, len(image.code)) == check_word(image.code)
    assert board.read(image.base, len(image.code)) == image.code
    assert not board.nor.frames


def test_all_that_it_runs_is_in_the_bytes_that_the_host_reads_back(board: SimBoard) -> None:
    """The rest of the image is overwritten with an undefined instruction: it still answers."""
    image = load_image()
    chip = Chip(board)
    board.write(image.base + 512, b"\x00\xde" * ((len(image.code) - 512) // 2))
    assert chip.call("n6_check", BUFFER, 0) == 0
    board.write(BUFFER, b"\x01\0\0\0")
    assert chip.call("n6_check", BUFFER, 4) == 0x9E3779B1
