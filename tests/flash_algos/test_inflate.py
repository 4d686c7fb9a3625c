"""Payloads as raw deflate: what zlib packs is unpacked, and nothing that a stream may say reaches outside."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from n6prog.flash_algos import mailbox
from n6prog.flash_algos.mailbox import Descriptor, Status
from n6prog.sim import SimBoard
from tests.flash_algos.bench import Chip, Service, reference_digest, write_job

BLOCK, SECTOR = 0x1_0000, 0x1000
DECODE_END = mailbox.SERVICE_DECODE + 2 * BLOCK
GUARD = bytes(range(256))


def noise(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)


def code_like(size: int, seed: int) -> bytes:
    """Bytes of few values with repeats of all lengths and distances, as programs have them."""
    rng = random.Random(seed)
    out = bytearray(rng.choices(range(64), k=300))
    while len(out) < size:
        if rng.random() < 0.4:
            out += bytes(rng.choices(range(rng.choice((4, 64, 256))), k=rng.randrange(1, 40)))
        else:
            at, length = rng.randrange(len(out)), rng.choice((3, 4, 10, 40, 258, 700))
            out += out[at : at + length]
    return bytes(out[:size])


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """One service for all examples; what is in the flash does not matter to a payload."""
    with SimBoard("nucleo-n657x0-q") as board:
        board.write(DECODE_END, GUARD)
        yield Service(Chip(board).opened())


def pack(raw: bytes, level: int, strategy: int) -> bytes:
    packer = zlib.compressobj(level, wbits=-15, strategy=strategy)
    return packer.compress(raw) + packer.flush()


def job_for(raw: bytes, stream: bytes) -> Descriptor:
    """OP_WRITE of whole sectors from 0 on; an image that is there already would not be programmed again."""
    count = len(raw) // SECTOR
    digests = [reference_digest(raw[at : at + SECTOR]) for at in range(0, len(raw), SECTOR)]
    return Descriptor(
        tuple(digests + [0] * (16 - count)),
        mailbox.OP_WRITE,
        0,
        (1 << count) - 1,
        mailbox.JOB_DEFLATE,
        count=len(stream),
    )


def decoded(service: Service, number: int, size: int) -> bytes:
    """What job `number` was unpacked to."""
    return service.board.read(mailbox.SERVICE_DECODE + number % 2 * BLOCK, size)


def unpacked(service: Service, raw: bytes, stream: bytes) -> None:
    """The stream gives `raw`. A failed digest of the last sector, which is looked at first, keeps the NOR out of it."""
    job = job_for(raw, stream)
    wrong = tuple(value ^ 1 if value else 0 for value in job.digests)
    number = service.send(replace(job, digests=wrong), stream)
    assert service.outcome(number).status == Status.BAD_DATA
    count = len(raw) // SECTOR
    assert decoded(service, number, (count - 1) * SECTOR) == raw[: (count - 1) * SECTOR]
    assert decoded(service, number, len(raw)) == raw


STRATEGIES = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FILTERED)


@given(
    seed=st.integers(0, 2**20),
    sectors=st.integers(1, 16),
    level=st.integers(0, 9),
    strategy=st.sampled_from(STRATEGIES),
    kind=st.sampled_from(("code", "noise", "zero", "mixed")),
)
@examples(max_examples=60)
def test_what_zlib_packs_is_unpacked(
    service: Service, seed: int, sectors: int, level: int, strategy: int, kind: str
) -> None:
    size = sectors * SECTOR
    raw = {
        "code": code_like(size, seed),
        "noise": noise(size, seed),
        "zero": bytes(size),
        "mixed": code_like(size // 2, seed) + noise(size - size // 2, seed),
    }[kind]
    stream = pack(raw, level, strategy)
    if len(stream) <= BLOCK:
        unpacked(service, raw, stream)


@pytest.mark.parametrize(("sectors", "seed"), [(0xFFFF, 1), (0x8001, 2), (0x7FFE, 3), (0x0100, 4)])
def test_a_packed_block_is_written_to_the_places_of_its_sectors(sectors: int, seed: int) -> None:
    with SimBoard("nucleo-n657x0-q") as board:
        before, block = noise(BLOCK, 40 + seed), code_like(BLOCK, seed)
        board.nor.content[BLOCK : 2 * BLOCK] = before
        service = Service(Chip(board).opened())
        job, payload = write_job(BLOCK, block, sectors, mailbox.JOB_DEFLATE)
        assert len(payload) < sectors.bit_count() * SECTOR * 0.8
        assert service.run(job, payload).status == Status.OK
        wanted = b"".join((block if sectors >> n & 1 else before)[n * SECTOR : (n + 1) * SECTOR] for n in range(16))
        assert board.nor.content[BLOCK : 2 * BLOCK] == wanted


# RFC 1951 by hand, least significant bit first: BFINAL 1, then the type.
BAD_STREAMS = {
    "a block type that there is not": bytes([0b111]),
    "nothing": bytes([0]),
    "a stored block whose length is not confirmed": bytes([0b001, 16, 0, 16, 0]) + bytes(16),
    "a stored block without its bytes": bytes([0b001, 0x00, 0x10, 0xFF, 0xEF, 1, 2, 3]),
    # fixed codes: length 3 (symbol 257: 0000001), distance 1 (00000), before there is anything
    "a match before the beginning": bytes([0b0000_0011, 0b0000_0010, 0]),
    # fixed: symbol 286 (11000110) is none
    "a length that there is not": bytes([0b0001_1011, 0b0000_0011, 0]),
    # dynamic: HLIT 30 is 287 literals and more, HDIST 31 is 32 distances
    "too many distances": bytes([0b0000_0101, 0b0001_1111, 0, 0, 0, 0]),
    # dynamic: all code lengths 1 are more than there are
    "lengths that cannot be a code": bytes([0b0000_0101, 0b1110_0000, 0b0010_0101, 0x49, 0x92, 0x24, 0x49, 0x92]),
    "an end before the end": pack(bytes(SECTOR - 1), 9, zlib.Z_DEFAULT_STRATEGY),
    "more than was announced": pack(bytes(SECTOR + 1), 9, zlib.Z_DEFAULT_STRATEGY),
    "far more than was announced": pack(bytes(2 * BLOCK), 9, zlib.Z_DEFAULT_STRATEGY),
    "more literals than were announced": pack(noise(SECTOR + 1, 5), 9, zlib.Z_HUFFMAN_ONLY),
    "more stored bytes than were announced": pack(noise(SECTOR + 1, 5), 0, zlib.Z_DEFAULT_STRATEGY),
}


@pytest.mark.parametrize("stream", BAD_STREAMS.values(), ids=BAD_STREAMS.keys())
def test_a_stream_that_is_none_is_bad_data(service: Service, stream: bytes) -> None:
    board = service.board
    behind = decoded(service, service.sent + 1, 2 * SECTOR)[SECTOR:]
    board.nor.frames.clear()
    number = service.send(job_for(bytes(SECTOR), stream), stream)
    assert service.outcome(number).status == Status.BAD_DATA
    assert decoded(service, number, 2 * SECTOR)[SECTOR:] == behind
    assert not board.nor.frames


@given(
    seed=st.integers(0, 2**20),
    cuts=st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), min_size=1, max_size=4),
    keep=st.floats(0.1, 1.0),
)
@examples(max_examples=60)
def test_damaged_streams_stay_inside(service: Service, seed: int, cuts: list[tuple[int, int]], keep: float) -> None:
    raw = code_like(BLOCK, seed)
    stream = bytearray(pack(raw, 6, zlib.Z_DEFAULT_STRATEGY))
    for at, value in cuts:
        stream[at % len(stream)] = value
    damaged = bytes(stream[: max(1, round(len(stream) * keep))])
    if service.sent % 2:  # an odd number: the upper of the two places, with the guard behind it
        service.run(Descriptor(op=mailbox.OP_NOP))
    below = service.board.read(mailbox.SERVICE_DECODE, BLOCK)
    digests = tuple(value ^ 1 for value in job_for(raw, damaged).digests)
    number = service.send(replace(job_for(raw, damaged), digests=digests), damaged)
    assert number % 2
    assert service.outcome(number).status == Status.BAD_DATA
    assert service.board.read(mailbox.SERVICE_DECODE, BLOCK) == below
    assert service.board.read(DECODE_END, len(GUARD)) == GUARD


def test_unpacking_hides_behind_the_programs(service: Service) -> None:
    blocks = [code_like(BLOCK, 60 + n) for n in range(4)]
    jobs = [write_job((8 + n) * BLOCK, block, 0xFFFF, mailbox.JOB_DEFLATE) for n, block in enumerate(blocks)]
    service.survey(0, 16 * 16)
    before = service.board.virtual_time
    numbers = [service.send(*job) for job in jobs]
    assert all(service.outcome(number).status == Status.OK for number in numbers)
    # As without packing (test_pace), 2 % more, and the first block's stream on its own: 16 us for 256 bytes would be
    # the wire at 24 MHz in 46 clocks a word.
    assert service.board.virtual_time - before < 1.02 * 4 * (256 * 172e-6 + 2e-3) + 0.035
