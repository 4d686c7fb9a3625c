"""Survey, write_block, erase, read: what is wanted is there, the rest survives, and failures are told."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from n6prog.flash_algos import mailbox
from n6prog.flash_algos.mailbox import Job, Status
from n6prog.sim import SimBoard
from tests.flash_algos.bench import Chip, reference_digest

BLOCK, SECTOR, PAGE = 0x1_0000, 0x1000, 256
MIB = 1 << 20


def noise(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)


def sectors_of(data: bytes | memoryview) -> list[bytes]:
    return [bytes(data[at : at + SECTOR]) for at in range(0, len(data), SECTOR)]


def test_survey_gives_the_digest_of_each_sector(chip: Chip) -> None:
    content = chip.board.nor.content
    corners = [
        b"\xff" * SECTOR,
        bytes(SECTOR),
        (2**64 - 40503).to_bytes(8, "little") + bytes(SECTOR - 8),
        noise(SECTOR, 1),
    ]
    corners += [bytes(SECTOR - 1) + b"\x80", b"\x01" + bytes(SECTOR - 1), b"\xfe" + b"\xff" * (SECTOR - 1)]
    content[0x7000 : 0x7000 + len(corners) * SECTOR] = b"".join(corners)
    assert chip.survey(0x7000, len(corners)) == [reference_digest(sector) for sector in corners]
    # By hand: the whitening constant itself is 0, and 0x16 in its first byte instead of 0x15 is 3.
    white = bytes.fromhex("157c4a7fb979379e") * (SECTOR // 8)
    content[0x8000 : 0x8000 + 2 * SECTOR] = white + b"\x16" + white[1:]
    assert chip.survey(0x8000, 2) == [0, 3]


def test_survey_reaches_the_end_of_the_part_and_no_further(chip: Chip) -> None:
    assert len(chip.survey(64 * MIB - SECTOR, 1)) == 1
    table = mailbox.LOADER_TABLE
    for offset, count in (
        (64 * MIB - SECTOR, 2),
        (64 * MIB, 1),
        (0, 0x4001),
        (0, 0),
        (0x800, 1),
        (0, 0xFFFF_FFFF),
        (0, 0x10_0001),
    ):
        assert chip.call("n6_survey", offset, count, table) == Status.BAD_ARGUMENT, (hex(offset), count)


def test_a_block_into_blank_flash(chip: Chip) -> None:
    data = noise(BLOCK, 2)
    result = chip.write_block(0x10_0000, data)
    assert result.status == Status.OK
    assert chip.board.nor.content[0x10_0000:0x11_0000] == data
    assert (result.sector_erases, result.block_erases, result.erased_bytes) == (0, 0, 0)
    assert (result.page_programs, result.programmed_bytes) == (256, BLOCK)
    assert list(result.digests) == [reference_digest(sector) for sector in sectors_of(data)]
    assert (result.failed_at, result.reserved) == (mailbox.NO_OFFSET, 0)


def test_the_same_again_does_nothing(chip: Chip) -> None:
    data = noise(BLOCK, 3)
    chip.write_block(0, data)
    chip.board.nor.frames.clear()
    result = chip.write_block(0, data)
    assert result.status == Status.OK
    assert (result.page_programs, result.sector_erases, result.block_erases) == (0, 0, 0)
    assert {opcode for _, opcode in chip.opcodes()} == {0x0C}
    assert list(result.digests) == [reference_digest(sector) for sector in sectors_of(data)]


def test_sectors_that_were_not_asked_for_survive(chip: Chip) -> None:
    content, before = chip.board.nor.content, noise(3 * BLOCK, 4)
    content[0 : 3 * BLOCK] = before
    data = noise(BLOCK, 5)
    result = chip.write_block(BLOCK, data, sectors=0x8005)
    assert result.status == Status.OK
    # By hand: 3 * 25 ms + 48 pages is cheaper than 256 ms + 256 pages.
    assert (result.sector_erases, result.block_erases, result.erased_bytes) == (3, 0, 3 * SECTOR)
    wanted = bytearray(before)
    for number in (0, 2, 15):
        at = BLOCK + number * SECTOR
        wanted[at : at + SECTOR] = data[number * SECTOR : (number + 1) * SECTOR]
    assert content[0 : 3 * BLOCK] == wanted
    assert list(result.digests) == [reference_digest(sector) for sector in sectors_of(wanted[BLOCK : 2 * BLOCK])]


@pytest.mark.parametrize("beside", [b"\xff", b"\x5a"], ids=["blank", "content"])
def test_a_block_is_erased_whole_only_where_nothing_else_lies_in_it(chip: Chip, beside: bytes) -> None:
    content = chip.board.nor.content
    content[0:BLOCK] = noise(15 * SECTOR, 6) + beside * SECTOR
    data = noise(BLOCK, 7)
    chip.board.nor.frames.clear()
    result = chip.write_block(0, data, sectors=0x7FFF)
    # By hand: 15 * 25 = 375 ms against 256 ms for the block, the programs are the same.
    erases = (1, 0) if beside == b"\xff" else (0, 15)
    assert (result.status, result.block_erases, result.sector_erases) == (Status.OK, *erases)
    assert (result.erased_bytes, result.page_programs) == (BLOCK if erases[0] else 15 * SECTOR, 240)
    assert content[0:BLOCK] == data[: 15 * SECTOR] + beside * SECTOR


def test_only_blank_chunks_are_programmed_without_an_erase(chip: Chip) -> None:
    content = chip.board.nor.content
    content[0:16] = noise(16, 8)
    data = bytearray(b"\xff" * BLOCK)
    data[0:16] = content[0:16]
    data[32:48] = bytes(16)  # behind a blank chunk that stays blank
    data[80:96] = bytes(16)
    chip.board.nor.frames.clear()
    result = chip.write_block(0, bytes(data), sectors=1)
    assert (result.status, result.sector_erases, result.page_programs, result.programmed_bytes) == (Status.OK, 0, 1, 64)
    program = next(frame for frame in chip.board.nor.frames if frame.opcode == 0x12)
    assert (program.address, program.length) == (32, 64)
    assert not chip.board.nor.double_programmed


def test_erase_all_set_erases_what_is_equal_too(chip: Chip) -> None:
    data = noise(BLOCK, 9)
    chip.board.nor.content[0:BLOCK] = data
    result = chip.write_block(0, data, sectors=0x0006, flags=mailbox.JOB_ERASE_ALL_SET)
    assert (result.status, result.sector_erases, result.page_programs) == (Status.OK, 2, 32)
    assert chip.board.nor.content[0:BLOCK] == data


@given(
    edits=st.lists(st.tuples(st.integers(0, 4095), st.integers(1, 600), st.integers(0, 3)), max_size=6),
    bitmap=st.integers(1, 0xFFFF),
    seed=st.integers(0, 2**16),
)
@examples(max_examples=12)
def test_any_change_ends_as_wanted_and_leaves_every_ecc_intact(
    edits: list[tuple[int, int, int]], bitmap: int, seed: int
) -> None:
    with SimBoard("nucleo-n657x0-q") as board:
        chip = Chip(board).opened()
        old = bytearray(noise(BLOCK // 2, seed) + b"\xff" * (BLOCK // 2))
        new = bytearray(old)
        for first, count, kind in edits:
            at, end = first * 16, min((first + count) * 16, BLOCK)
            for buffer in ((new,), (old, new), (old,), (new,))[kind]:
                buffer[at:end] = b"\xff" * (end - at) if kind in (1, 3) else noise(end - at, seed + first)
        assert chip.write_block(0x2_0000, bytes(old)).status == Status.OK
        result = chip.write_block(0x2_0000, bytes(new), sectors=bitmap)
        wanted = b"".join((new if bitmap >> n & 1 else old)[n * SECTOR : (n + 1) * SECTOR] for n in range(16))
        assert result.status == Status.OK
        assert board.nor.content[0x2_0000:0x3_0000] == wanted
        assert board.nor.content[0x1_F000:0x2_0000] == b"\xff" * SECTOR
        assert board.nor.content[0x3_0000:0x3_1000] == b"\xff" * SECTOR
        assert not board.nor.double_programmed
        assert chip.write_block(0x2_0000, wanted).page_programs == 0


BUFFER, KEEP = mailbox.LOADER_BUFFER, mailbox.LOADER_KEEP
WRONG_JOBS = {
    "offset": Job(0x1000, 1, 0, BUFFER),
    "beyond": Job(64 * MIB, 1, 0, BUFFER),
    "no sector": Job(0, 0, 0, BUFFER),
    "sector 16": Job(0, 0x1_0000, 0, BUFFER),
    "flags": Job(0, 1, 2, BUFFER),
    "alignment": Job(0, 1, 0, BUFFER + 4),
    "keep": Job(0, 1, 0, KEEP),
    "into keep": Job(0, 1, 0, KEEP - 8),
    "out of keep": Job(0, 1, 0, KEEP + BLOCK - 8),
}


@pytest.mark.parametrize("job", WRONG_JOBS.values(), ids=WRONG_JOBS.keys())
def test_a_job_that_makes_no_sense_is_refused(chip: Chip, job: Job) -> None:
    chip.board.nor.frames.clear()
    assert chip.write_job(job).status == Status.BAD_ARGUMENT
    assert not chip.board.nor.frames


def test_a_part_that_ignores_write_enable_is_told(chip: Chip) -> None:
    chip.board.nor.faults.no_wel = True
    result = chip.write_block(0x3_0000, noise(BLOCK, 10))
    assert (result.status, result.failed_at, result.page_programs) == (Status.WEL_NOT_SET, 0x3_0000, 0)


def test_a_failed_program_is_told_with_its_place(chip: Chip) -> None:
    chip.board.nor.faults.fail_program = frozenset({0x3_2000})
    result = chip.write_block(0x3_0000, noise(BLOCK, 11))
    assert (result.status, result.failed_at, result.page_programs) == (Status.PROGRAM_FAIL, 0x3_2000, 32)
    assert result.scur & 0x20


def test_a_failed_erase_is_told_with_its_place(chip: Chip) -> None:
    chip.board.nor.content[0x3_0000:0x4_0000] = bytes(BLOCK)
    chip.board.nor.faults.fail_erase = frozenset({0x3_1000})
    result = chip.write_block(0x3_0000, noise(BLOCK, 12), sectors=3)
    assert (result.status, result.failed_at, result.sector_erases) == (Status.ERASE_FAIL, 0x3_1000, 1)
    assert result.scur & 0x40


def test_protection_is_told_apart_from_failure(chip: Chip) -> None:
    chip.board.nor.registers.bp = 15  # the whole part
    assert chip.open().sr & 0x3C == 0x3C
    result = chip.write_block(0, bytes(BLOCK))
    assert (result.status, result.failed_at) == (Status.PROTECTED, 0)
    assert chip.call("n6_erase", 0, SECTOR) == Status.PROTECTED


@pytest.mark.parametrize("fault", ["drop_page", "flip_page"])
def test_a_page_that_did_not_take_is_a_mismatch(chip: Chip, fault: str) -> None:
    setattr(chip.board.nor.faults, fault, frozenset({20}))
    data = noise(BLOCK, 13)
    result = chip.write_block(0, data)
    assert (result.status, result.failed_at // PAGE) == (Status.MISMATCH, 19)
    expected = [reference_digest(sector) for sector in sectors_of(data)]
    assert [n for n in range(16) if result.digests[n] != expected[n]] == [1]


def test_an_operation_that_never_ends_is_a_time_out(chip: Chip) -> None:
    chip.board.nor.faults.stuck_wip = True
    before = chip.board.virtual_time
    result = chip.write_block(0, noise(BLOCK, 14))
    assert (result.status, result.failed_at) == (Status.TIMEOUT, 0)
    assert 0.010 <= chip.board.virtual_time - before < 0.2  # 10 ms for a page, and the block read before it
    chip.board.nor.faults.stuck_wip = False
    assert chip.open().status == Status.OK


def test_erase_takes_blocks_where_it_can(chip: Chip) -> None:
    content = chip.board.nor.content
    content[0 : 4 * BLOCK] = bytes(4 * BLOCK)
    chip.board.nor.frames.clear()
    assert chip.call("n6_erase", 0xF000, 0x1_2000) == Status.OK
    erases = [(frame.opcode, frame.address) for frame in chip.board.nor.frames if frame.opcode in (0x21, 0xDC)]
    assert erases == [(0x21, 0xF000), (0xDC, 0x1_0000), (0x21, 0x2_0000)]
    assert content[0xF000:0x2_1000] == b"\xff" * 0x1_2000
    assert content[0:0xF000] == bytes(0xF000)
    assert content[0x2_1000 : 4 * BLOCK] == bytes(4 * BLOCK - 0x2_1000)


@pytest.mark.parametrize(
    ("offset", "size"),
    [(0x800, 0x1000), (0, 0x800), (0, 0), (64 * MIB, SECTOR), (64 * MIB - SECTOR, 2 * SECTOR), (SECTOR, 0xFFFF_F000)],
)
def test_erase_outside_of_the_grid_or_the_part_is_refused(chip: Chip, offset: int, size: int) -> None:
    chip.board.nor.content[0:SECTOR] = bytes(SECTOR)
    assert chip.call("n6_erase", offset, size) == Status.BAD_ARGUMENT
    assert chip.board.nor.content[0:SECTOR] == bytes(SECTOR)


@pytest.mark.parametrize(
    ("offset", "size", "shift"),
    [(0, 1, 0), (3, 31, 1), (1, 32, 2), (5, 33, 3), (250, 64, 0), (777, 5000, 1), (0, BLOCK, 0)],
)
def test_read_gives_any_bytes_to_any_place(chip: Chip, offset: int, size: int, shift: int) -> None:
    data, to = noise(2 * BLOCK, 15), mailbox.LOADER_BUFFER + shift
    chip.board.nor.content[0 : 2 * BLOCK] = data
    chip.board.write(mailbox.LOADER_BUFFER, b"\xee" * 8)
    chip.board.write(to + size, b"\xee" * 4)
    assert chip.call("n6_read", offset, size, to) == Status.OK
    assert chip.board.read(to, size) == data[offset : offset + size]
    assert chip.board.read(mailbox.LOADER_BUFFER, shift) == b"\xee" * shift
    assert chip.board.read(to + size, 4) == b"\xee" * 4


def test_read_stops_at_the_end_of_the_part(chip: Chip) -> None:
    assert chip.call("n6_read", 64 * MIB - 1, 1, mailbox.LOADER_BUFFER) == Status.OK
    assert chip.call("n6_read", 64 * MIB - 1, 2, mailbox.LOADER_BUFFER) == Status.BAD_ARGUMENT


def test_a_block_takes_the_time_of_its_parts(chip: Chip) -> None:
    chip.board.nor.content[0:BLOCK] = bytes(BLOCK)
    before = chip.board.virtual_time
    chip.write_block(0, noise(BLOCK, 16))
    # By hand: erase 256 ms; 256 pages of 152 us and 261 bytes at 32 MHz; one read of 64 KiB, as of what was there only
    # the part that forces the erase is looked at. 10 % for everything else.
    floor = 0.256 + 256 * (152e-6 + 261 * 8 / 32e6) + BLOCK * 8 / 32e6
    assert floor < chip.board.virtual_time - before < 1.1 * floor
