"""Slots and outcomes: addresses by hand from mailbox.toml, and the property that makes the last word a doorbell."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from n6prog.flash_algos import mailbox
from n6prog.loader.ring import Order, check_word, outcome_at, outcome_runs, slot_end, wire, write_order
from n6prog.nor.digest import BLANK_SECTOR
from tests.helpers.descriptors import checked

SLOTS, STRIDE, COUNT = 0x34110000, 0x10400, 14  # SERVICE.md: AXISRAM2 above the boot ROM's traces
AXISRAM2_END = 0x34200000


def test_jobs_go_round_the_slots() -> None:
    assert slot_end(1) == SLOTS + STRIDE
    assert slot_end(COUNT) == SLOTS + COUNT * STRIDE
    assert slot_end(COUNT + 1) == slot_end(1)
    assert slot_end(COUNT) <= AXISRAM2_END


def test_outcomes_go_round_their_own_ring() -> None:
    assert outcome_at(1) == mailbox.SERVICE_RESULTS
    assert outcome_at(64) == mailbox.SERVICE_RESULTS + 63 * mailbox.Outcome.SIZE
    assert outcome_at(65) == outcome_at(1)
    assert outcome_runs(5, 9) == [(5, 5)]
    assert outcome_runs(60, 70) == [(60, 5), (65, 6)]
    assert outcome_runs(3, 2) == []


@given(st.integers(1, 1000), st.integers(0, 65536))
def test_a_job_is_one_write_that_ends_with_its_number_at_the_end_of_its_slot(number: int, size: int) -> None:
    address, data = wire(Order(mailbox.Descriptor(op=2, count=size), b"\xa5" * size), number)
    assert address + len(data) == slot_end(number)
    assert address % 8 == 0
    assert address >= slot_end(number) - STRIDE
    assert struct.unpack("<I", data[-4:]) == (number,)
    assert data[:size] == b"\xa5" * size


WORDS = st.lists(st.integers(0, 2**32 - 1), min_size=8, max_size=8)


@given(WORDS, st.lists(st.integers(0, 2**64 - 1), min_size=16, max_size=16), st.integers(1, 1000))
def test_the_check_word_is_that_of_mailbox_toml(words: list[int], digests: list[int], number: int) -> None:
    job = mailbox.Descriptor(tuple(digests), *words)
    _, data = wire(Order(job), number)
    assert mailbox.Descriptor.unpack(data) == checked(replace(job, seq=number))


def test_no_two_flipped_bits_of_the_words_behind_the_digests_give_the_same_check() -> None:
    job = mailbox.Descriptor(tuple(range(16)), mailbox.OP_WRITE, 0x123_0000, 0xFFFF, 0, 0x1_0000, 0, seq=7)
    raw = int.from_bytes(job.pack(), "little")
    words = range(128 * 8, 152 * 8)  # op to `to`
    size, right = mailbox.Descriptor.SIZE, check_word(job)
    changes = {0, *(1 << a | 1 << b for a in words for b in words)}
    found = {
        change: check_word(mailbox.Descriptor.unpack((raw ^ change).to_bytes(size, "little"))) ^ right
        for change in changes
    }
    # Two flips in the words, or one there and one in the check word itself.
    assert [change for change, value in found.items() if 1 <= change.bit_count() + value.bit_count() <= 2] == []


def test_more_than_a_block_does_not_fit() -> None:
    with pytest.raises(ValueError, match="65536"):
        wire(Order(mailbox.Descriptor(), bytes(65537)), 1)


def test_a_write_carries_the_digest_of_each_set_sector() -> None:
    order = write_order(0x30000, 0b1000_0000_0000_0101, b"\xff" * 4096 + bytes(8192))
    job = order.descriptor
    assert (job.op, job.offset, job.sectors, job.count) == (mailbox.OP_WRITE, 0x30000, 0x8005, 12288)
    assert job.digests[0] == BLANK_SECTOR
    assert job.digests[2] == job.digests[15] != BLANK_SECTOR
    assert job.digests[1] == 0


def test_bytes_must_fit_the_bitmap() -> None:
    with pytest.raises(ValueError, match="2 sectors"):
        write_order(0, 3, bytes(4096))
