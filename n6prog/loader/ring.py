"""Where jobs and their outcomes lie in the chip's RAM, and what is written there. Pure.

Jobs are numbered from 1; job n lies in slot (n - 1) % SLOT_COUNT, right-aligned: the payload, then the descriptor,
whose last word is the number. Written upwards in one go, that word arrives last and is the doorbell.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from n6prog.flash_algos.mailbox import (
    BLOCK_SIZE,
    CHECK_FACTOR,
    OP_WRITE,
    PAYLOAD_ALIGN,
    RESULT_COUNT,
    SECTORS_PER_BLOCK,
    SERVICE_RESULTS,
    SERVICE_SLOTS,
    SLOT_COUNT,
    SLOT_STRIDE,
    Descriptor,
    Outcome,
)
from n6prog.nor.digest import digests
from n6prog.nor.geometry import SECTOR, bits

_WORDS = struct.Struct(f"<{Descriptor.SIZE // 4}I")


@dataclass(frozen=True, slots=True)
class Order:
    """A job before it has a number: its descriptor (seq 0) and payload."""

    descriptor: Descriptor
    payload: bytes = b""


def slot_end(number: int) -> int:
    """The first address behind the slot of a job."""
    return SERVICE_SLOTS + (number - 1) % SLOT_COUNT * SLOT_STRIDE + SLOT_STRIDE


def outcome_at(number: int) -> int:
    """The address of the outcome of a job."""
    return SERVICE_RESULTS + (number - 1) % RESULT_COUNT * Outcome.SIZE


def outcome_runs(first: int, last: int) -> list[tuple[int, int]]:
    """Jobs `first` to `last` as (first of the run, count) that lie side by side in the ring of outcomes."""
    found: list[tuple[int, int]] = []
    while first <= last:
        count = min(last - first + 1, RESULT_COUNT - (first - 1) % RESULT_COUNT)
        found.append((first, count))
        first += count
    return found


def write_order(offset: int, sectors: int, data: bytes, flags: int = 0, payload: bytes | None = None) -> Order:
    """The job that brings `data`, the bytes of the set sectors in ascending order, into the block at `offset`.

    `payload`: the same bytes as they are to travel (JOB_DEFLATE in `flags` when packed); None: as they are.
    """
    numbers = bits(sectors)
    if len(data) != len(numbers) * SECTOR:
        raise ValueError(f"{len(numbers)} sectors are set and {len(data)} bytes given")
    values = [0] * SECTORS_PER_BLOCK
    for number, value in zip(numbers, digests(data), strict=True):
        values[number] = value
    travels = data if payload is None else payload
    descriptor = Descriptor(
        digests=tuple(values), op=OP_WRITE, offset=offset, sectors=sectors, flags=flags, count=len(travels)
    )
    return Order(descriptor, travels)


def check_word(descriptor: Descriptor) -> int:
    """What `check` must be for a job that has its number: the chip takes no other for what was sent."""
    *words, _, number = _WORDS.unpack(descriptor.pack())
    value = 0
    for word in (*words, number):
        value = (value ^ word) * CHECK_FACTOR & 0xFFFF_FFFF
        value ^= value >> 15
    return value


def wire(order: Order, number: int) -> tuple[int, bytes]:
    """(address, bytes) of the one write that posts a job under this number. Raises ValueError for too much payload."""
    size = len(order.payload)
    if size > BLOCK_SIZE:
        raise ValueError(f"a slot holds {BLOCK_SIZE} bytes of payload, not {size}")
    room = -(-size // PAYLOAD_ALIGN) * PAYLOAD_ALIGN
    numbered = replace(order.descriptor, seq=number)
    job = order.payload.ljust(room, b"\0") + replace(numbered, check=check_word(numbered)).pack()
    return slot_end(number) - len(job), job
