"""The service does not wait where it need not: what is known is not read again, and RAM work hides behind the NOR."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from n6prog.flash_algos import mailbox
from n6prog.flash_algos.mailbox import Descriptor, Status
from n6prog.nor import rule
from n6prog.sim import SimBoard
from tests.flash_algos.bench import Chip, Service, reference_digest, write_job

BLOCK, SECTOR, PAGES = 0x1_0000, 0x1000, 256
PROGRAM, ERASE_BLOCK = 152e-6, 0.256  # BFPT DW10, DW11


def noise(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)


@pytest.fixture
def service(chip: Chip) -> Service:
    """The service, waiting for its first job."""
    return Service(chip)


def bytes_read_before(service: Service, opcodes: set[int]) -> int:
    """Bytes of the array read before the first frame with one of these opcodes."""
    total = 0
    for frame in service.board.nor.frames:
        if frame.opcode in opcodes:
            return total
        total += frame.length if frame.opcode == 0xEE else 0
    raise AssertionError("none of them was sent")


def seconds(service: Service, jobs: list[tuple[Descriptor, bytes]]) -> float:
    """From sending these jobs to the last outcome."""
    before = service.board.virtual_time
    numbers = [service.send(*job) for job in jobs]
    assert all(service.outcome(number).status == Status.OK for number in numbers)
    return service.board.virtual_time - before


def test_what_a_survey_found_blank_is_not_read_again(service: Service) -> None:
    service.survey(0, 32)
    service.board.nor.frames.clear()
    assert service.write(BLOCK, noise(BLOCK, 1)).status == Status.OK
    assert bytes_read_before(service, {0x12}) == 0
    service.board.nor.frames.clear()
    assert service.write(2 * BLOCK, noise(BLOCK, 2)).status == Status.OK  # not surveyed
    assert bytes_read_before(service, {0x12}) == BLOCK


def test_what_was_written_is_not_blank_any_more_and_what_was_erased_is(service: Service) -> None:
    service.survey(0, 16)
    first, second = noise(BLOCK, 3), noise(BLOCK, 4)
    assert service.write(0, first, sectors=0x00F0).status == Status.OK
    again = service.write(0, second, sectors=0x0010)
    assert (again.status, again.sector_erases) == (Status.OK, 1)
    assert service.run(Descriptor(op=mailbox.OP_ERASE, offset=4 * SECTOR, count=SECTOR)).status == Status.OK
    service.board.nor.frames.clear()
    assert service.write(0, first, sectors=0x0010).sector_erases == 0
    wanted = b"\xff" * (4 * SECTOR) + first[4 * SECTOR : 8 * SECTOR] + b"\xff" * (8 * SECTOR)
    assert service.board.nor.content[:BLOCK] == wanted


def test_an_erase_that_failed_leaves_nothing_known(service: Service) -> None:
    content, old = service.board.nor.content, noise(SECTOR, 5)
    content[:SECTOR] = old
    service.board.nor.faults.fail_erase = frozenset({0})
    erased = service.run(Descriptor(op=mailbox.OP_ERASE, offset=0, count=SECTOR))
    assert (erased.status, erased.failed_at) == (Status.ERASE_FAIL, 0)
    assert service.survey(0, 1) == [reference_digest(old)]


def test_old_content_is_read_up_to_what_forces_the_erase(service: Service) -> None:
    service.board.nor.content[:BLOCK] = noise(BLOCK, 6)
    service.board.nor.frames.clear()
    assert service.write(0, noise(BLOCK, 7)).block_erases == 1
    assert bytes_read_before(service, {0xDC}) <= 16 * 1024  # a quarter of each sector
    service.board.nor.frames.clear()
    assert service.write(0, noise(BLOCK, 8), flags=mailbox.JOB_ERASE_ALL_SET).block_erases == 1
    assert bytes_read_before(service, {0xDC}) == 0


def test_a_block_into_blank_flash_takes_its_programs_and_little_else(service: Service) -> None:
    service.survey(0, 128)
    blocks = 4
    took = seconds(service, [write_job(n * BLOCK, noise(BLOCK, 9 + n)) for n in range(blocks)])
    # By hand, a block: 256 programs with 20 us each around them, and 16 sectors read back at 64 MB/s with 0.5 us for
    # each 64 bytes (1.5 ms). Half a millisecond for all else; the first block's data must be checked before (2.5 ms).
    assert took < blocks * (PAGES * (PROGRAM + 20e-6) + 1.5e-3 + 0.5e-3) + 2.5e-3


def test_a_dirty_block_takes_its_erase_on_top(service: Service) -> None:
    blocks = 2
    service.board.nor.content[: blocks * BLOCK] = noise(blocks * BLOCK, 20)
    took = seconds(service, [write_job(n * BLOCK, noise(BLOCK, 21 + n)) for n in range(blocks)])
    # The same, and a quarter of each sector read before (0.4 ms) with the decision.
    assert took < blocks * (ERASE_BLOCK + PAGES * (PROGRAM + 20e-6) + 1.5e-3 + 1.2e-3) + 2.5e-3


def test_a_survey_takes_a_pass_over_the_window_and_the_digests(service: Service) -> None:
    service.board.nor.content[: 512 * SECTOR] = noise(512 * SECTOR, 30)
    job = Descriptor(op=mailbox.OP_SURVEY, offset=0, count=512, to=mailbox.LOADER_TABLE)
    # By hand, a sector: 64 us on the bus and 32 us for its 64 bursts; 1.2 instructions a byte of 20.3 ns: 100 us.
    assert seconds(service, [(job, b"")]) < 512 * 206e-6
    blank = Descriptor(op=mailbox.OP_SURVEY, offset=0x100_0000, count=512, to=mailbox.LOADER_TABLE)
    assert seconds(service, [(blank, b"")]) < 512 * 140e-6


TIMES = rule.RuleTimes(25_000, 256_000, 152)
EDITS = st.lists(
    st.tuples(st.integers(0, 4095), st.one_of(st.integers(1, 20), st.integers(1, 1500)), st.integers(0, 3)), max_size=6
)


# Sectors that hold something, and whether all of that is to be other bytes: from 11 on a block erase pays.
BASES = st.sampled_from([(8, False), (12, False), (12, True), (16, True)])
BITMAPS = st.one_of(st.integers(1, 0xFFFF), st.sampled_from([0x0FFF, 0xFFFF]))


@given(
    edits=EDITS,
    base=BASES,
    bitmap=BITMAPS,
    seed=st.integers(0, 2**16),
    surveyed=st.booleans(),
    forced=st.booleans(),
)
@examples(max_examples=40)
def test_the_service_does_what_the_rule_of_the_host_says(
    edits: list[tuple[int, int, int]], base: tuple[int, bool], bitmap: int, seed: int, surveyed: bool, forced: bool
) -> None:
    """With the octal bus, the blank map and old content read only in part: the same erases and programs."""
    held = base[0] * SECTOR
    old = bytearray(noise(held, seed) + b"\xff" * (BLOCK - held))
    new = bytearray(noise(held, seed + 1) + old[held:]) if base[1] else bytearray(old)
    for first, count, kind in edits:
        at, end = first * 16, min((first + count) * 16, BLOCK)
        for buffer in ((new,), (old, new), (old,), (new,))[kind]:
            buffer[at:end] = b"\xff" * (end - at) if kind in (1, 3) else noise(end - at, seed + first)
    wanted = b"".join((new if bitmap >> n & 1 else old)[n * SECTOR : (n + 1) * SECTOR] for n in range(16))
    with SimBoard("nucleo-n657x0-q") as board:
        board.nor.content[0x2_0000:0x3_0000] = old
        service = Service(Chip(board).opened())
        assert service.state.bus == mailbox.BUS_8D
        if surveyed:
            service.survey(0x1_0000, 64)
        found = service.write(0x2_0000, bytes(new), sectors=bitmap, flags=mailbox.JOB_ERASE_ALL_SET if forced else 0)
        expected = rule.decide(bytes(old), wanted, TIMES, bitmap if forced else 0)
        assert (found.status, found.block_erases, found.page_programs) == (
            Status.OK,
            int(expected.erase_block),
            expected.programs,
        )
        assert found.sector_erases == (0 if expected.erase_block else expected.erase_sectors.bit_count())
        assert board.nor.content[0x2_0000:0x3_0000] == wanted
        assert board.nor.content[0x1_F000:0x2_0000] == b"\xff" * SECTOR
        assert board.nor.content[0x3_0000:0x3_1000] == b"\xff" * SECTOR
        assert not board.nor.double_programmed
        assert list(found.digests) == [reference_digest(wanted[at : at + SECTOR]) for at in range(0, BLOCK, SECTOR)]
        again = service.write(0x2_0000, wanted)
        assert (again.status, again.page_programs, again.erased_bytes) == (Status.OK, 0, 0)
