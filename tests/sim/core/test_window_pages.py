"""The window at memory speed: what is paid for, what stays, and that it is the NOR that is read and executed."""

from __future__ import annotations

import struct

import pytest

from n6prog.sim import SimBoard
from n6prog.sim.core.window_pages import KEPT, PAGE, WindowPages
from n6prog.sim.errors import SimFault
from n6prog.sim.soc.bus import BusHang
from tests.flash_algos.bench import Chip, poke

BASE = 0x7000_0000
CODE = 0x3406_4000
STACK = 0x3407_0000

# r0 from, r1 bytes, a multiple of 16: the sum of the words.
# ldm r0!,{r3-r6}; adds r2,rN...; subs r1,#16; bne; mov r0,r2; bx lr
SUM = struct.pack("<10H", 0x2200, 0xC878, 0x18D2, 0x1912, 0x1952, 0x1992, 0x3910, 0xD1F8, 0x4610, 0x4770)
LOAD = struct.pack("<2H", 0x6800, 0x4770)  # ldr r0,[r0]; bx lr
STORE = struct.pack("<2H", 0x6001, 0x4770)  # str r1,[r0]; bx lr


class Source:
    """A window over `data` that counts."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.plain = True
        self.singles: list[int] = []  # words read
        self.words: list[int] = []  # words that went on, and were only paid for
        self.blocks: list[tuple[int, int]] = []

    def read(self, address: int, size: int) -> int:
        self.singles.append(address - BASE)
        return int.from_bytes(self.data[address - BASE : address - BASE + size], "little")

    def read_block(self, address: int, length: int) -> bytes:
        self.blocks.append((address - BASE, length))
        return self.data[address - BASE : address - BASE + length]

    def pass_over(self, address: int, length: int) -> None:
        if length == 4:
            self.words.append(address - BASE)
        else:
            self.blocks.append((address - BASE, length))

    def mapped_content(self, number: int = 2) -> memoryview | None:
        assert number == 2
        return memoryview(self.data) if self.plain else None


def noise(size: int) -> bytes:
    return bytes(number * 167 + (number >> 8) & 0xFF for number in range(size))


@pytest.fixture
def source() -> Source:
    return Source(noise(64 * PAGE))


@pytest.fixture
def pages(source: Source) -> WindowPages:
    return WindowPages(source, lambda: None)


def stream(pages: WindowPages, start: int, end: int) -> list[int]:
    """Words as a core reads them: a page that is memory is not asked for."""
    return [pages.read(BASE + at, 4) for at in range(start, end, 4) if BASE + at not in pages]


def test_a_stream_from_the_start_of_a_page_is_read_ahead_after_eight_words(source: Source, pages: WindowPages) -> None:
    words = stream(pages, 0, PAGE)
    assert words == list(struct.unpack("<8I", source.data[:32]))
    assert source.singles == [0]
    assert source.words == list(range(4, 32, 4))
    assert source.blocks == [(32, PAGE - 32)]


def test_each_page_the_stream_comes_to_is_one_frame(source: Source, pages: WindowPages) -> None:
    words = stream(pages, 0, 3 * PAGE)
    assert source.blocks == [(32, PAGE - 32), (PAGE, PAGE), (2 * PAGE, PAGE)]
    assert words[8:] == [int.from_bytes(source.data[at : at + 4], "little") for at in (PAGE, 2 * PAGE)]


def test_every_byte_of_a_stream_is_read_once(source: Source, pages: WindowPages) -> None:
    stream(pages, 0, 16 * PAGE)
    assert 4 * len(source.singles + source.words) + sum(length for _, length in source.blocks) == 16 * PAGE


def test_a_stream_from_the_middle_of_a_page_takes_from_the_next_page_on(source: Source, pages: WindowPages) -> None:
    stream(pages, PAGE // 2, 2 * PAGE)
    assert source.singles == [PAGE // 2]
    assert source.words == list(range(PAGE // 2 + 4, PAGE, 4))
    assert source.blocks == [(PAGE, PAGE)]


def test_scattered_reads_stay_single(source: Source, pages: WindowPages) -> None:
    for at in range(0, 8 * PAGE, 64):
        pages.read(BASE + at, 4)
    assert len(source.singles) == 128
    assert not source.blocks


def test_of_data_only_the_newest_page_stays(pages: WindowPages) -> None:
    stream(pages, 0, 2 * PAGE)
    assert BASE not in pages
    assert BASE + PAGE in pages


def test_reading_twice_costs_twice(source: Source, pages: WindowPages) -> None:
    stream(pages, 0, 4 * PAGE)
    once = len(source.singles), len(source.words), len(source.blocks)
    stream(pages, 0, 4 * PAGE)
    assert (len(source.singles), len(source.words), len(source.blocks)) == tuple(2 * count for count in once)


def test_bytes_and_halfwords_are_read(source: Source, pages: WindowPages) -> None:
    assert [pages.read(BASE + at, 1) for at in range(4)] == list(source.data[:4])
    assert pages.read(BASE + 4, 2) == int.from_bytes(source.data[4:6], "little")
    assert pages.read(BASE + 6, 4) == int.from_bytes(source.data[6:10], "little")
    assert source.singles == [0, 1, 2, 3, 4, 6]
    assert not source.words


def test_what_reads_as_the_content_does_so_until_that_changes(source: Source, pages: WindowPages) -> None:
    pages.read(BASE, 4)
    pages.read(BASE + 4, 4)
    source.plain = False
    pages.clear()
    pages.read(BASE + 8, 4)
    pages.read(BASE + 12, 4)
    assert (source.singles, source.words) == ([0, 8, 12], [4])


def test_behind_the_content_the_window_is_asked(source: Source, pages: WindowPages) -> None:
    end = len(source.data)
    pages.read(BASE + end - 4, 4)
    pages.read(BASE + end, 4)
    assert source.singles == [end - 4, end]


def test_what_does_not_read_as_the_content_never_becomes_memory(source: Source, pages: WindowPages) -> None:
    source.plain = False
    stream(pages, 0, PAGE)
    assert len(source.singles) == PAGE // 4
    assert not pages.fetch(BASE)


def test_code_is_fetched_by_pages_and_stays(source: Source, pages: WindowPages) -> None:
    for _ in range(3):
        assert pages.fetch(BASE + 0x123)
        assert pages.fetch(BASE + PAGE)
    assert source.blocks == [(0, PAGE), (PAGE, PAGE)]


def test_more_code_than_the_cache_holds_is_fetched_again(source: Source, pages: WindowPages) -> None:
    for _ in range(2):
        for page in range(KEPT + 1):
            pages.fetch(BASE + page * PAGE)
    assert len(source.blocks) == 2 * (KEPT + 1)


def test_a_change_of_the_mapping_forgets_all(source: Source, pages: WindowPages) -> None:
    pages.fetch(BASE)
    stream(pages, PAGE, 2 * PAGE)
    assert pages.clear()  # code was translated
    assert BASE not in pages
    assert BASE + PAGE not in pages
    assert pages.stale_code


def test_without_code_nothing_is_stale(pages: WindowPages) -> None:
    stream(pages, 0, PAGE)
    assert not pages.clear()


# ---- on the board ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def board() -> SimBoard:
    with SimBoard(seed=7) as opened:
        chip = Chip(opened).opened()
        assert chip.call("n6_close") == 0  # mapped in 1S, no prefetch, 8 dummy clocks
        opened.nor.content[0x10000:0x18000] = noise(0x8000)
        yield opened


def run(board: SimBoard, code: bytes, *args: int) -> int:
    board.write(CODE, code)
    return board.call(CODE | 1, *args, sp=STACK, sanitise=True)


def seconds(board: SimBoard, code: bytes, *args: int) -> float:
    before = board.virtual_time
    run(board, code, *args)
    return board.virtual_time - before


def test_the_core_reads_what_the_nor_holds(board: SimBoard) -> None:
    expected = sum(struct.unpack("<8192I", noise(0x8000))) & 0xFFFF_FFFF
    assert run(board, SUM, BASE + 0x10000, 0x8000) == expected


def test_a_stream_takes_the_time_of_the_bus(board: SimBoard) -> None:
    """By hand: 8 clocks a byte at 32 MHz; at most 0.5 us a 64-byte burst and 5 % for the head and the program."""
    for _ in range(2):
        bus = 0x8000 * 8 / 32e6
        assert bus < seconds(board, SUM, BASE + 0x10000, 0x8000) < (bus + 0x8000 / 64 * 0.5e-6) * 1.05


def test_a_single_read_does_not_pay_for_a_page(board: SimBoard) -> None:
    """By hand: 48 clocks of head and 32 of data at 32 MHz are 2.5 us; a page would be 256 us."""
    assert 2.5e-6 < seconds(board, LOAD, BASE + 0x10204) < 10e-6


def test_what_was_read_ahead_is_no_copy(board: SimBoard) -> None:
    run(board, SUM, BASE + 0x10000, PAGE)
    board.nor.content[0x10000:0x10004] = b"\x78\x56\x34\x12"
    assert run(board, LOAD, BASE + 0x10000) == 0x1234_5678
    board.nor.content[0x10000:0x10004] = noise(4)


def test_code_runs_from_the_window(board: SimBoard) -> None:
    board.nor.content[0x20000:0x20014] = SUM
    expected = sum(struct.unpack("<256I", noise(0x8000)[:1024])) & 0xFFFF_FFFF
    assert board.call(BASE + 0x20001, BASE + 0x10000, 1024, sp=STACK, sanitise=True) == expected


def test_code_costs_its_pages_once(board: SimBoard) -> None:
    """By hand: 1 KiB at 4 MB/s is 256 us. SimBoard.call forgets no pages."""
    board.nor.content[0x2_4000:0x2_4004] = struct.pack("<2H", 0x2007, 0x4770)  # movs r0,#7; bx lr
    before = board.virtual_time
    assert board.call(BASE + 0x2_4001, sp=STACK, sanitise=True) == 7
    first = board.virtual_time - before
    assert board.call(BASE + 0x2_4001, sp=STACK, sanitise=True) == 7
    assert first > 256e-6
    assert board.virtual_time - before - first < 1e-6


def test_a_store_without_a_write_set_is_a_bus_fault(board: SimBoard) -> None:
    run(board, SUM, BASE + 0x10000, PAGE)  # the page is memory now
    with pytest.raises(SimFault) as caught:
        run(board, STORE, BASE + 0x10010, 0)
    assert caught.value.bfar == BASE + 0x10010
    assert board.nor.content[0x10010:0x10014] == noise(0x20)[0x10:0x14]


def test_code_is_read_anew_after_the_window_was_closed_and_changed(board: SimBoard) -> None:
    place = slice(0x2_8000, 0x2_8004)
    board.nor.content[place] = struct.pack("<2H", 0x2001, 0x4770)
    assert board.call(BASE + 0x2_8001, sp=STACK, sanitise=True) == 1
    poke(board, 0x5802_A000, 0x0000_0301 | 2)  # abort: the window is busy since it was read
    poke(board, 0x5802_A000, 0x0000_0301)  # indirect mode
    with pytest.raises((SimFault, BusHang)):
        board.call(BASE + 0x2_8001, sp=STACK, sanitise=True)
    board.power_cycle()
    chip = Chip(board).opened()
    board.nor.content[place] = struct.pack("<2H", 0x2002, 0x4770)
    assert chip.call("n6_close") == 0
    assert board.call(BASE + 0x2_8001, sp=STACK, sanitise=True) == 2
