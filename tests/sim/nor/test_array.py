"""The cells: page wrap, AND, erase, chunk marks, and what a cut leaves (hw-flash 7)."""

from __future__ import annotations

import random

import pytest

from n6prog.sim.nor.array import Array

SIZE = 0x30000


@pytest.fixture
def array() -> Array:
    return Array(memoryview(bytearray(b"\xff") * SIZE))


def latched(start: int, data: bytes) -> dict[int, int]:
    """Offset in the page: byte, a later byte in the place of an earlier one."""
    return {(start + index) % 256: value for index, value in enumerate(data)}


@pytest.mark.parametrize("length", [1, 2, 255, 256, 257, 300, 511, 512, 513, 700])
@pytest.mark.parametrize("offset", [0, 1, 15, 16, 0x7F, 0xF0, 0xFE, 0xFF])
def test_a_page_program_wraps_and_the_last_256_bytes_count(array, offset, length):
    source = random.Random(offset * 1000 + length)
    old, data = source.randbytes(256), source.randbytes(length)
    array.content[0x200:0x300] = old
    want = bytearray(old)
    for at, value in latched(offset, data).items():
        want[at] &= value
    array.program(0x200 + offset, data)
    assert array.content[0x200:0x300] == want
    assert bytes(array.content[:0x200]) == b"\xff" * 0x200
    assert bytes(array.content[0x300:0x500]) == b"\xff" * 0x200


@pytest.mark.parametrize(
    ("offset", "length", "runs"),
    [(0, 256, [(0, 256)]), (1, 255, [(1, 255)]), (1, 256, [(1, 255), (0, 1)]), (0xFF, 1, [(0xFF, 1)]),
     (0xFF, 2, [(0xFF, 1), (0, 1)]), (0x10, 257, [(0x11, 239), (0, 17)])],
)  # fmt: skip
def test_the_pieces_of_a_program(array, offset, length, runs):
    pieces = array.runs(0x1100 + offset, bytes(length))
    assert [(start - 0x1100, len(piece)) for start, piece in pieces] == runs


def test_an_address_past_the_end_is_one_from_the_start(array):
    array.program(SIZE + 0x123, b"\x55")
    assert array.content[0x123] == 0x55


@pytest.mark.parametrize("start", [0x100, 0x101, 0x10F, 0x110, 0x1FF])
@pytest.mark.parametrize("length", [1, 15, 16, 17, 40])
def test_only_a_chunk_that_held_something_and_changed_is_marked(array, start, length):
    array.content[0x110:0x112] = b"\x0f\x00"  # chunk 0x11
    length = min(length, 0x200 - start)
    array.program(start, b"\x00" * length)
    changes = start <= 0x110 < start + length
    assert array.double_programmed == ({0x11} if changes else set())
    array.double_programmed.clear()
    array.program(start, b"\x00" * length)
    assert array.double_programmed == set()


def test_a_blank_chunk_programmed_in_two_halves_is_marked(array):
    array.program(0x20, b"\0" * 8)
    assert array.double_programmed == set()
    array.program(0x28, b"\xff" * 8)
    assert array.double_programmed == set()
    array.program(0x28, b"\0" * 8)
    assert array.double_programmed == {2}
    array.program(0x1030, b"\x7f")
    array.program(0x103F, b"\x7f\x7f")
    assert array.double_programmed == {2, 0x103}


def test_a_whole_blank_page_takes_its_data_as_they_are(array):
    data = bytes(range(256))
    array.program(0x300, data)
    assert array.content[0x300:0x400] == data
    assert array.double_programmed == set()


@pytest.mark.parametrize(("start", "size"), [(0x1000, 0x1000), (0x10000, 0x10000), (0, SIZE), (0x8000, 0x18000)])
def test_an_erase_is_exact_and_lifts_the_marks_inside(array, start, size):
    array.content[:] = bytes(SIZE)
    edges = {start // 16 - 1, start // 16, (start + size) // 16 - 1, (start + size) // 16}
    array.double_programmed = set(edges)
    array.erase(start, size)
    assert bytes(array.content[start : start + size]) == b"\xff" * size
    assert bytes(array.content[:start]) == bytes(start)
    assert bytes(array.content[start + size :]) == bytes(SIZE - start - size)
    assert array.double_programmed == {start // 16 - 1, (start + size) // 16}


@pytest.mark.parametrize(("start", "size"), [(0x1000, 0x1000), (0x10000, 0x10000), (0, SIZE), (0x8000, 0x18000)])
def test_an_erase_cut_short_is_noise_and_exact(array, start, size):
    array.content[:] = b"\x5a" * SIZE
    array.spoil_erase(start, size, random.Random(1))
    for at in range(start, start + size, 0x800):
        assert len(set(array.content[at : at + 0x800])) > 128
    assert bytes(array.content[:start]) == b"\x5a" * start
    assert bytes(array.content[start + size :]) == b"\x5a" * (SIZE - start - size)


@pytest.mark.parametrize("address", [0x500, 0x5FF, SIZE + 0x567])
def test_a_program_cut_short_lets_bits_of_its_page_fall(array, address):
    array.content[0x400:0x700] = b"\xfe" * 0x300
    array.spoil_page(address, random.Random(1))
    page = bytes(array.content[0x500:0x600])
    assert all(not value & 1 for value in page)
    assert 0.47 < int.from_bytes(page, "big").bit_count() / (256 * 7) < 0.53
    assert bytes(array.content[0x400:0x500]) == bytes(array.content[0x600:0x700]) == b"\xfe" * 0x100


def test_reads_are_plain(array):
    array.content[0x10:0x14] = b"\x01\x02\x03\x04"
    assert array.read(0x11, 2) == b"\x02\x03"
    assert (array.size, array.page, array.chunk) == (SIZE, 256, 16)


def test_both_halves_of_a_wrapped_program_arrive_in_a_blank_page(array):
    array.program(0x2F0, bytes(range(32)))
    assert array.content[0x2F0:0x300] == bytes(range(16))
    assert array.content[0x200:0x210] == bytes(range(16, 32))
