"""n6_serve: jobs through RAM while the core runs, results, refusals, and the way out."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from n6prog.flash_algos import mailbox
from n6prog.flash_algos.mailbox import Descriptor, Status
from n6prog.sim import SimBoard
from tests.flash_algos.bench import Chip, Service, reference_digest, write_job
from tests.helpers.descriptors import checked

BLOCK, SECTOR = 0x1_0000, 0x1000
WRITING = {0x12, 0x21, 0xDC, 0x12ED, 0x21DE, 0xDC23}  # programs and erases, 1S and 8D
MIB = 1 << 20


def noise(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)


def digests_of(data: bytes | memoryview) -> list[int]:
    return [reference_digest(bytes(data[at : at + SECTOR])) for at in range(0, len(data), SECTOR)]


@pytest.fixture
def service(chip: Chip) -> Service:
    """The service, waiting for its first job."""
    return Service(chip)


def test_it_says_who_it_is_and_lives(service: Service) -> None:
    before = service.state
    assert (before.magic, before.session, before.build) == (mailbox.SERVICE_MAGIC, 0x5E55_1017, 0xB017_D000)
    assert (before.phase, before.done, before.failed) == (mailbox.PHASE_IDLE, 0, 0)
    service.board.host.advance(10**10)
    assert service.state.heartbeat > before.heartbeat
    assert service.run(Descriptor(op=mailbox.OP_NOP)).status == Status.OK
    assert (service.state.done, service.state.job) == (1, 1)


def test_numbers_that_lay_in_ram_are_not_taken_for_jobs(chip: Chip) -> None:
    for slot in range(mailbox.SLOT_COUNT):
        at = mailbox.SERVICE_SLOTS + (slot + 1) * mailbox.SLOT_STRIDE - Descriptor.SIZE
        chip.board.write(at, checked(Descriptor(op=mailbox.OP_ERASE, count=SECTOR, seq=slot + 1)).pack())
    chip.board.nor.content[:SECTOR] = bytes(SECTOR)
    service = Service(chip)
    service.board.host.advance(10**11)
    assert service.state.done == 0
    assert chip.board.nor.content[:SECTOR] == bytes(SECTOR)


def test_blocks_into_blank_flash_around_the_ring(service: Service) -> None:
    count = mailbox.SLOT_COUNT + 3
    blocks = [noise(BLOCK, number) for number in range(count)]
    for number in range(mailbox.SLOT_COUNT):
        service.send(*write_job(number * BLOCK, blocks[number]))
    for number in range(count):
        outcome = service.outcome(number + 1)
        assert (outcome.status, outcome.op, outcome.offset) == (Status.OK, mailbox.OP_WRITE, number * BLOCK)
        assert list(outcome.digests) == digests_of(blocks[number])
        assert (outcome.page_programs, outcome.programmed_bytes, outcome.erased_bytes) == (256, BLOCK, 0)
        assert outcome.failed_at == mailbox.NO_OFFSET
        if number + mailbox.SLOT_COUNT < count:
            service.send(*write_job((number + mailbox.SLOT_COUNT) * BLOCK, blocks[number + mailbox.SLOT_COUNT]))
    assert service.board.nor.content[: count * BLOCK] == b"".join(blocks)
    assert service.state.page_programs == 256 * count


def test_sectors_that_were_not_sent_survive(service: Service) -> None:
    content, before = service.board.nor.content, noise(3 * BLOCK, 4)
    content[0 : 3 * BLOCK] = before
    data = noise(BLOCK, 5)
    outcome = service.write(BLOCK, data, sectors=0x8005)
    # By hand: 3 * 25 ms + 48 pages is cheaper than 256 ms + 256 pages.
    assert (outcome.status, outcome.sector_erases, outcome.block_erases) == (Status.OK, 3, 0)
    wanted = bytearray(before)
    for number in (0, 2, 15):
        at = BLOCK + number * SECTOR
        wanted[at : at + SECTOR] = data[number * SECTOR : (number + 1) * SECTOR]
    assert content[0 : 3 * BLOCK] == wanted
    assert list(outcome.digests) == digests_of(wanted[BLOCK : 2 * BLOCK])


@pytest.mark.parametrize("beside", [b"\xff", b"\x5a"], ids=["blank", "content"])
def test_a_block_is_erased_whole_only_where_nothing_else_lies_in_it(service: Service, beside: bytes) -> None:
    content = service.board.nor.content
    content[0:BLOCK] = noise(15 * SECTOR, 6) + beside * SECTOR
    data = noise(BLOCK, 7)
    service.board.nor.frames.clear()
    outcome = service.write(0, data, sectors=0x7FFF)
    # By hand: 15 * 25 = 375 ms against 256 ms for the block, the programs are the same.
    erases = (1, 0) if beside == b"\xff" else (0, 15)
    assert (outcome.status, outcome.block_erases, outcome.sector_erases) == (Status.OK, *erases)
    assert (outcome.erased_bytes, outcome.page_programs) == (BLOCK if erases[0] else 15 * SECTOR, 240)
    assert content[0:BLOCK] == data[: 15 * SECTOR] + beside * SECTOR


def test_the_same_again_does_nothing_and_forced_does(service: Service) -> None:
    data = noise(BLOCK, 8)
    service.write(0, data)
    again = service.write(0, data)
    assert (again.status, again.page_programs, again.erased_bytes) == (Status.OK, 0, 0)
    assert list(again.digests) == digests_of(data)
    forced = service.write(0, data, sectors=0x0006, flags=mailbox.JOB_ERASE_ALL_SET)
    assert (forced.status, forced.sector_erases, forced.page_programs) == (Status.OK, 2, 32)
    assert service.board.nor.content[:BLOCK] == data


def test_data_that_did_not_arrive_whole_touch_nothing(service: Service) -> None:
    service.board.nor.content[:BLOCK] = bytes(BLOCK)
    job, payload = write_job(0, noise(BLOCK, 9))
    damaged = bytearray(payload)
    damaged[7 * SECTOR + 5] ^= 0x40
    service.board.nor.frames.clear()
    assert service.run(job, bytes(damaged)).status == Status.BAD_DATA
    assert not {frame.opcode for frame in service.board.nor.frames} & {0x12, 0x21, 0xDC}
    assert service.board.nor.content[:BLOCK] == bytes(BLOCK)
    assert service.state.failed == 0
    assert service.run(job, payload).status == Status.OK  # sent again


BITS = st.sets(st.integers(0, Descriptor.SIZE * 8 - 1 - 32), min_size=1, max_size=2)


@given(bits=BITS, op=st.sampled_from([mailbox.OP_WRITE, mailbox.OP_ERASE]))
@examples(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_descriptor_with_one_or_two_flipped_bits_touches_nothing(service: Service, bits: set[int], op: int) -> None:
    """But for its number, without which it is no job at all."""
    content, old = service.board.nor.content, noise(2 * BLOCK, 18)
    content[: 2 * BLOCK] = old
    job, payload = write_job(0, noise(BLOCK, 9))
    if op == mailbox.OP_ERASE:
        job, payload = Descriptor(op=op, offset=0, count=SECTOR), b""
    raw = bytearray(checked(replace(job, seq=service.sent + 1)).pack())
    for bit in bits:
        raw[bit // 8] ^= 1 << bit % 8
    service.board.nor.frames.clear()
    assert service.outcome(service.put(payload + bytes(raw))).status == Status.BAD_DATA
    assert not {frame.opcode for frame in service.board.nor.frames} & WRITING
    assert content[: 2 * BLOCK] == old
    assert service.state.failed == 0


def test_data_with_the_digests_of_another_place_do_not_go_there(service: Service) -> None:
    """Two bits of an offset: all digests still fit."""
    job, payload = write_job(0, noise(BLOCK, 9))
    whole = checked(replace(job, seq=1))
    assert service.outcome(service.put(payload + replace(whole, offset=3 * BLOCK).pack())).status == Status.BAD_DATA
    assert service.board.nor.content[: 4 * BLOCK] == b"\xff" * 4 * BLOCK
    assert service.run(job, payload).status == Status.OK  # sent again


def test_nothing_is_written_after_a_failure(service: Service) -> None:
    board = service.board
    board.nor.faults.fail_program = frozenset({0x2000})
    first, second = (service.send(*write_job(n * BLOCK, noise(BLOCK, 10 + n))) for n in range(2))
    third = service.send(Descriptor(op=mailbox.OP_ERASE, offset=4 * BLOCK, count=SECTOR))
    fourth = service.send(Descriptor(op=mailbox.OP_SURVEY, offset=BLOCK, count=1, to=mailbox.LOADER_TABLE))
    failed = service.outcome(first)
    assert (failed.status, failed.failed_at, failed.page_programs) == (Status.PROGRAM_FAIL, 0x2000, 32)
    assert failed.scur & 0x20
    assert [service.outcome(n).status for n in (second, third, fourth)] == [Status.SKIPPED, Status.SKIPPED, Status.OK]
    assert board.nor.content[BLOCK : 2 * BLOCK] == b"\xff" * BLOCK
    assert service.state.failed == first


@pytest.mark.parametrize("fault", ["drop_page", "flip_page"])
def test_a_page_that_did_not_take_is_a_mismatch(service: Service, fault: str) -> None:
    setattr(service.board.nor.faults, fault, frozenset({20}))
    data = noise(BLOCK, 13)
    outcome = service.write(0, data)
    assert (outcome.status, outcome.failed_at // 256) == (Status.MISMATCH, 19)
    expected = digests_of(data)
    assert [n for n in range(16) if outcome.digests[n] != expected[n]] == [1]


def test_survey_read_and_erase(service: Service) -> None:
    content, data = service.board.nor.content, noise(3 * BLOCK, 14)
    content[: 3 * BLOCK] = data
    content[2 * SECTOR : 3 * SECTOR] = b"\xff" * SECTOR
    assert service.survey(SECTOR, 20) == digests_of(content[SECTOR : 21 * SECTOR])
    read = Descriptor(op=mailbox.OP_READ, offset=0x1234, count=0x778, to=mailbox.LOADER_BUFFER)
    found = service.run(read)
    assert (found.status, found.count) == (Status.OK, 0x778)
    assert service.board.read(mailbox.LOADER_BUFFER, 0x778) == content[0x1234 : 0x1234 + 0x778]
    erased = service.run(Descriptor(op=mailbox.OP_ERASE, offset=0xF000, count=0x1_2000))
    assert (erased.status, erased.count, erased.sector_erases, erased.block_erases) == (Status.OK, 0x1_2000, 2, 1)
    assert content[:0xF000] == data[: 2 * SECTOR] + b"\xff" * SECTOR + data[3 * SECTOR : 0xF000]
    assert content[0xF000:0x2_1000] == b"\xff" * 0x1_2000
    assert content[0x2_1000 : 3 * BLOCK] == data[0x2_1000:]


WRITE, DATA = write_job(0, noise(BLOCK, 15))
SURVEY = Descriptor(op=mailbox.OP_SURVEY, count=1, to=mailbox.LOADER_TABLE)
READ = Descriptor(op=mailbox.OP_READ, count=8, to=mailbox.LOADER_BUFFER)
WRONG_JOBS = {
    "op": Descriptor(op=99),
    "offset": replace(WRITE, offset=0x1000),
    "beyond": replace(WRITE, offset=64 * MIB),
    "no sector": replace(WRITE, sectors=0),
    "sector 16": replace(WRITE, sectors=0x1_FFFF),
    "flags": replace(WRITE, flags=4),
    "too little": replace(WRITE, count=BLOCK - 8),
    "too much": replace(WRITE, count=2 * BLOCK),
    "survey beyond": replace(SURVEY, offset=64 * MIB - SECTOR, count=2),
    "survey too many": replace(SURVEY, count=513),
    "survey into the loader": replace(SURVEY, to=mailbox.LOADER_BASE),
    "survey behind the table": replace(SURVEY, to=mailbox.SERVICE_CONTROL - 8, count=2),
    "survey askew": replace(SURVEY, to=mailbox.LOADER_TABLE + 4),
    "read too much": replace(READ, count=BLOCK + 1),
    "read into keep": replace(READ, to=mailbox.LOADER_KEEP),
    "read beyond": replace(READ, offset=64 * MIB - 4),
    "read askew": replace(READ, offset=2),
    "erase askew": Descriptor(op=mailbox.OP_ERASE, offset=0x800, count=SECTOR),
    "erase beyond": Descriptor(op=mailbox.OP_ERASE, offset=SECTOR, count=0xFFFF_F000),
}


@pytest.mark.parametrize("job", WRONG_JOBS.values(), ids=WRONG_JOBS.keys())
def test_a_job_that_makes_no_sense_is_refused(service: Service, job: Descriptor) -> None:
    before = service.board.nor.content[:BLOCK].tobytes()
    assert service.run(job, DATA if job.op == mailbox.OP_WRITE else b"").status == Status.BAD_ARGUMENT
    assert service.board.nor.content[:BLOCK] == before
    assert service.run(SURVEY).status == Status.OK


def test_stop_finishes_the_block_and_leaves_the_part_mapped_in_1s(service: Service) -> None:
    board = service.board
    old, new = noise(BLOCK, 16), noise(BLOCK, 17)
    board.nor.content[:BLOCK] = old
    service.send(*write_job(0, new, sectors=0x7FFF))
    service.send(*write_job(BLOCK, new))
    service.wait(lambda: service.state.phase == mailbox.PHASE_ERASE)
    assert service.stop() == Status.OK
    # what was begun is finished, what was not is not begun
    assert board.nor.content[:BLOCK] == new[: 15 * SECTOR] + old[15 * SECTOR :]
    assert board.nor.content[BLOCK : 2 * BLOCK] == b"\xff" * BLOCK
    assert service.state.done == 1
    assert board.nor.mode == "1S"
    assert board.read(0x7000_0000, 64) == new[:64]
    assert service.chip.survey(0, 1) == [reference_digest(new[:SECTOR])]  # the other entries go on working


def test_an_erase_is_broken_off_between_two_sectors(service: Service) -> None:
    number = service.send(Descriptor(op=mailbox.OP_ERASE, offset=0x1000, count=8 * SECTOR))
    service.wait(lambda: service.state.offset == 0x3000)
    service.stop()
    assert service.outcome(number).status == Status.SKIPPED
    assert service.outcome(number).count == 3 * SECTOR


def test_without_open_there_is_no_service(board: SimBoard) -> None:
    chip = Chip(board)
    assert chip.call("n6_serve", mailbox.LOADER_PARAMS) == Status.NOT_OPEN
