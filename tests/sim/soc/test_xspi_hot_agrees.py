"""Any program sees the same through the fast ways to XSPI's registers and through the plain ones, at the same time."""

from __future__ import annotations

import random

import pytest

from tests.sim.soc.ways import (
    AR,
    BUSY,
    CCR,
    CLK,
    CR,
    DLR,
    DR,
    FCR,
    FTF,
    INTERRUPTS,
    IR,
    LENGTHS,
    OCTAL,
    OCTAL_DTR,
    PIR,
    PSMAR,
    PSMKR,
    SINGLE,
    SR,
    TCF,
    TCR,
    Way,
)

THRESHOLDS = [0, 3, 3, 4, 7, 15, 31, 63]
MODES = [1, 0x301, 0x1F01, 0x1000_0301, 0x1000_0001, 0x2000_0301, 0x0002_0301, 0x3000_0301, 3, 0]
NO_KERNEL_CLOCK = 0x5602_8158, 3 << 4  # RCC CCIPR6: a source of XSPI2's clock that does not run


def steps(kind, dice):
    """What a program may do while a transfer lasts, or when it is over: mostly looks and data."""
    size = dice.choice([4, 4, 4, 4, 4, 4, 2, 1])
    look, pop = ("read", SR, size), ("read", DR, size)
    push = ("write", DR, dice.randrange(256), size)
    wait = ("wait", dice.choice([1, 1, 2, 3, 4, 5, 8, 30, 70]) * CLK)
    clear = ("write", FCR, dice.choice([0, 1, 2, 0xFF]), size)
    unusual = [
        push,
        pop,
        ("write", dice.choice([DLR, PSMKR, PSMAR, PIR, TCR]), dice.randrange(0x56), size),
        ("write", CR, dice.choice(MODES), size),
        ("write", AR, 0x40),
    ]
    data = {"read": [pop] * 12, "write": [push] * 12, "command": [look] * 4, "poll": [look] * 4, "busy": [look] * 4}[
        kind
    ]
    return dice.choice([*[look] * 5, *data, wait, wait, clear, dice.choice(unusual)])


@pytest.mark.parametrize("cost", [0, CLK, 4 * CLK])
@pytest.mark.parametrize("ccr", [OCTAL, OCTAL_DTR, SINGLE])
@pytest.mark.parametrize("kind", ["read", "write", "command", "poll", "busy"])
def test_no_program_can_tell_the_fast_way_from_the_plain_one(make_bench, kind, ccr, cost):
    dice = random.Random(f"{kind} {ccr} {cost}")
    plain, fast = Way(make_bench(cost), fast=False), Way(make_bench(cost), fast=True)
    for _ in range(30):
        begin = kind, ccr, dice.choice(LENGTHS), dice.choice(THRESHOLDS) << 8 | dice.choice(INTERRUPTS)
        plain.begin(*begin)
        fast.begin(*begin)
        looked = False
        for _ in range(dice.randrange(60)):
            step = steps(kind, dice)
            is_look = step[:2] == ("read", SR)
            if is_look and (looked or plain.sends_a_head()):
                # bytes that nobody takes out: the plain way waits for the end, the fast one lets time pass; while the
                # head of a write goes out the fast way counts it as data that wait in the FIFO
                continue
            saw = plain.step(*step)
            assert fast.step(*step) == saw, step
            assert fast.seen() == plain.seen(), step
            if step[0] != "wait":
                looked = is_look and kind == "read" and plain.bench.xspi.input.popped > 0
        assert fast.bench.xspi.snapshot() == plain.bench.xspi.snapshot()


def test_a_frame_without_an_address_begins_with_ir(make_bench):
    plain, fast = Way(make_bench(CLK), fast=False), Way(make_bench(CLK), fast=True)
    for way in (plain, fast):
        way.write(CR, 1)
        way.write(CCR, 4)  # 8S, an instruction and nothing else
        way.write(AR, 0x40)
        way.write(IR, 0x06)
        way.bench.wait(100)
        way.read(SR)
        assert [head for _, _, head, *_ in way.bench.heard] == [b"\x06"]
    assert fast.seen() == plain.seen()


@pytest.mark.parametrize("flags", [0, 1])
def test_from_the_65th_look_without_news_a_program_waits_whatever_the_width_of_its_looks(make_bench, flags):
    way = Way(make_bench(CLK), fast=True)
    way.begin("write", OCTAL, 64, 3 << 8)
    way.write(DR, 0)
    way.bench.xspi.flags = flags
    begun = way.bench.time.now
    for _ in range(65):  # a look by bytes counts when the word before it showed the same
        assert way.read(SR) & FTF
        assert way.read(SR, 1) & FTF
    assert way.bench.time.now == begun + (130 + 2) * CLK  # 128 since the first: a 64th of that


@pytest.mark.parametrize("flags", [0, 1])
def test_a_second_look_at_data_that_nobody_takes_waits_for_the_end(make_bench, flags):
    way = Way(make_bench(), fast=True)
    way.begin("read", OCTAL, 64, 3 << 8)
    begun = way.bench.time.now
    way.read(DR)
    way.bench.xspi.flags = flags
    assert way.read(SR) == BUSY | FTF | flags | 4 << 8
    assert way.bench.time.now == begun + (5 + 8) * CLK
    assert way.read(SR, 1) == BUSY | FTF | TCF | flags
    assert way.bench.time.now == begun + (5 + 64) * CLK


def test_without_its_clock_a_transfer_stands_still_on_the_fast_way_too(make_bench):
    way = Way(make_bench(), fast=True)
    way.begin("read", OCTAL, 64, 3 << 8)
    way.read(DR)
    way.bench.w(*NO_KERNEL_CLOCK)
    assert way.read(SR) == BUSY
    way = Way(make_bench(), fast=True)
    way.begin("write", OCTAL, 100, 3 << 8)
    way.write(DR, 0)
    way.bench.w(*NO_KERNEL_CLOCK)
    now = way.bench.time.now
    for _ in range(24):
        way.write(DR, 0)
    assert way.bench.time.now == now  # nobody takes them, so there is no full FIFO to wait for
    assert len(way.bench.xspi.output.sent) == 4
