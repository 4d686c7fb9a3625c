"""A run of words into DR is so many words: the same bytes and flags at the same times."""

from __future__ import annotations

import random

import pytest

from tests.sim.soc.ways import (
    BUSY,
    CLK,
    DLR,
    DR,
    INTERRUPTS,
    LENGTHS,
    OCTAL,
    OCTAL_DTR,
    SINGLE,
    SR,
    TCR,
    XSPI2,
    Way,
)


@pytest.mark.parametrize("cost", [0, CLK, 4 * CLK])
@pytest.mark.parametrize("ccr", [OCTAL, OCTAL_DTR, SINGLE])
def test_a_run_of_words_is_so_many_words_at_the_same_times(make_bench, ccr, cost):
    dice = random.Random(f"runs {ccr} {cost}")
    plain, fast = Way(make_bench(cost), fast=False), Way(make_bench(cost), fast=True)
    taken = 0
    for _ in range(100):
        begin = "write", ccr, dice.choice([*LENGTHS, *[256] * 13]), 63 << 8 | dice.choice(INTERRUPTS)
        plain.begin(*begin)
        fast.begin(*begin)
        for _ in range(dice.randrange(9)):
            words = dice.randbytes(4 * dice.choice([1, 2, 8, 14, 16, 16, 16, 20]))
            limit = plain.bench.time.now + dice.choice([8, 64, 1000, 1000]) * CLK
            done = fast.bench.soc.hot_runs[XSPI2 + DR](words, limit)
            taken += done
            for at in range(0, len(words), 4):
                value = int.from_bytes(words[at : at + 4], "little")
                plain.write(DR, value)
                if not done:
                    fast.write(DR, value)
            assert fast.seen() == plain.seen()
            assert not done or plain.bench.time.now < limit
            assert fast.bench.xspi.output.snapshot() == plain.bench.xspi.output.snapshot()
            assert fast.bench.xspi.seen == plain.bench.xspi.seen
            step = dice.choice([("wait", 20 * CLK), ("wait", 400 * CLK), ("read", DLR), ("read", SR, 2)])
            assert fast.step(*step) == plain.step(*step)
        assert fast.bench.xspi.snapshot() == plain.bench.xspi.snapshot()
    assert taken > 50


@pytest.mark.parametrize("length", [61, 62, 63, 64, 65, 68, 256])
def test_a_run_that_begins_a_transfer_is_so_many_words(make_bench, length):
    plain, fast = Way(make_bench(CLK), fast=False), Way(make_bench(CLK), fast=True)
    words = bytes(range(64))
    for way in (plain, fast):
        way.begin("write", SINGLE, length, 3 << 8)
    assert fast.bench.soc.hot_runs[XSPI2 + DR](words, plain.bench.time.now + 17 * CLK)
    for at in range(0, 64, 4):
        plain.write(DR, int.from_bytes(words[at : at + 4], "little"))
    assert fast.seen() == plain.seen()
    assert fast.bench.xspi.snapshot() == plain.bench.xspi.snapshot()


def test_a_run_that_would_be_over_at_the_limit_is_left_to_the_slow_way(make_bench):
    way = Way(make_bench(CLK), fast=True)
    way.begin("write", SINGLE, 256, 3 << 8)
    before = way.seen(), way.bench.xspi.snapshot()
    assert not way.bench.soc.hot_runs[XSPI2 + DR](bytes(64), way.bench.time.now + 16 * CLK)
    assert (way.seen(), way.bench.xspi.snapshot()) == before


@pytest.mark.parametrize("kind", ["read", "command"])
def test_a_run_that_begins_no_transfer_goes_nowhere_and_takes_its_time(make_bench, kind):
    plain, fast = Way(make_bench(CLK), fast=False), Way(make_bench(CLK), fast=True)
    for way in (plain, fast):
        way.begin(kind, SINGLE, 4, 3 << 8)
        way.bench.wait(1000)
        if kind == "read":
            way.read(DR)
        way.read(SR)
    assert fast.bench.soc.hot_runs[XSPI2 + DR](bytes(64), plain.bench.time.now + 1000 * CLK)
    for _ in range(16):
        plain.write(DR, 0)
    assert fast.seen() == plain.seen()
    assert fast.bench.xspi.snapshot() == plain.bench.xspi.snapshot()


@pytest.mark.parametrize("before", range(4, 16))
@pytest.mark.parametrize("count", [8, 9, 10, 11, 12])
def test_a_run_fills_the_fifo_as_words_do(make_bench, before, count):
    """The head of a frame in 1S takes 40 clocks, so the FIFO is full before the first byte has left."""
    plain, fast = Way(make_bench(CLK), fast=False), Way(make_bench(CLK), fast=True)
    for way in (plain, fast):
        way.begin("write", SINGLE, 256, 3 << 8)
        for _ in range(before):
            way.write(DR, 0x5A)
    assert fast.bench.soc.hot_runs[XSPI2 + DR](bytes(4 * count), plain.bench.time.now + 10_000 * CLK)
    for _ in range(count):
        plain.write(DR, 0)
    assert fast.seen() == plain.seen()
    assert fast.bench.xspi.output.snapshot() == plain.bench.xspi.output.snapshot()


@pytest.mark.parametrize("dummies", [0, 3, 4, 5, 8, 12, 31])
@pytest.mark.parametrize("before", [1, 9, 15])
@pytest.mark.parametrize("count", [8, 14])
def test_a_run_behind_a_long_head_waits_for_room_as_words_do(make_bench, dummies, before, count):
    """Words leave as fast as they come, but the head takes longer (64 clocks and the dummies) than a FIFO lasts."""
    plain, fast = Way(make_bench(4 * CLK), fast=False), Way(make_bench(4 * CLK), fast=True)
    for way in (plain, fast):
        way.begin("write", 0x0400_3131, 256, 3 << 8)  # CCR: 32-bit instruction and address on one line, data on eight
        way.write(TCR, dummies)
        for _ in range(before):
            way.write(DR, 0x5A)
    assert fast.bench.soc.hot_runs[XSPI2 + DR](bytes(4 * count), plain.bench.time.now + 10_000 * CLK)
    for _ in range(count):
        plain.write(DR, 0)
    assert fast.seen() == plain.seen()
    assert fast.bench.xspi.output.snapshot() == plain.bench.xspi.output.snapshot()


def test_a_run_that_ends_an_odd_write_in_8d_leaves_the_last_byte_behind(make_bench):
    plain, fast = Way(make_bench(CLK), fast=False), Way(make_bench(CLK), fast=True)
    for way in (plain, fast):
        way.begin("write", OCTAL_DTR, 65, 3 << 8)
        way.write(DR, 0x5A, 1)
    assert fast.bench.soc.hot_runs[XSPI2 + DR](bytes(64), plain.bench.time.now + 1000 * CLK)
    for _ in range(16):
        plain.write(DR, 0)
    for way in (plain, fast):
        way.bench.wait(1000)
        assert way.read(SR) & BUSY
    assert fast.bench.xspi.snapshot() == plain.bench.xspi.snapshot()
