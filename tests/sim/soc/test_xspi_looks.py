"""What takes the fast way to XSPI's registers, and that a look at them lets no more time pass than it may."""

from __future__ import annotations

import pytest

from n6prog.sim.soc.xspi import Xspi
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
    IR,
    NO_DATA,
    OCTAL,
    PIR,
    PSMAR,
    PSMKR,
    SINGLE,
    SMF,
    SR,
    TCR,
    TOF,
    XSPI2,
    Way,
)


@pytest.fixture
def counted(monkeypatch, make_bench):
    """A bench whose plain ways note who came."""
    taken = []

    def noting(plain):
        def access(xspi, address, *rest):
            if address & 0x3FF != SR:
                taken.append(address & 0x3FF)
            return plain(xspi, address, *rest)

        return access

    def look(xspi, plain=Xspi.look):
        taken.append(SR)
        return plain(xspi)

    monkeypatch.setattr(Xspi, "read", noting(Xspi.read))
    monkeypatch.setattr(Xspi, "write", noting(Xspi.write))
    monkeypatch.setattr(Xspi, "look", look)
    way = Way(make_bench(CLK), fast=True)
    way.taken = taken
    return way


def test_only_the_ends_of_a_page_of_data_take_the_plain_way(counted):
    counted.taken.clear()
    counted.begin("write", OCTAL, 256, 3 << 8)
    assert counted.taken == [CR]  # the first one has no EN
    counted.taken.clear()
    for _ in range(64):
        assert counted.read(SR) & FTF
        counted.write(DR, 0)
    assert counted.taken == [DR, DR]  # the first begins the transfer, the last ends it


@pytest.mark.parametrize("pages", [1, 4])
def test_only_the_first_word_of_a_page_in_runs_takes_the_plain_way(counted, pages):
    counted.begin("write", OCTAL, 64 * pages, 3 << 8)
    counted.taken.clear()
    take = counted.bench.soc.hot_runs[XSPI2 + DR]
    for _ in range(pages):
        assert take(bytes(64), counted.bench.time.now + 1000 * CLK)
    assert counted.taken == [DR]  # the first begins the transfer


def test_only_the_ends_of_a_read_take_the_plain_way(counted):
    counted.bench.wait(1000)
    counted.begin("read", OCTAL, 256, 31 << 8)
    counted.taken.clear()
    for _ in range(8):
        while not counted.read(SR) & FTF:
            pass
        for _ in range(8):
            counted.read(DR)
    # the first burst is waited for; behind the last word of each nothing is known to be there; the last one ends it
    assert counted.taken == [SR, SR] + 7 * [DR] + [SR, DR]


def test_a_last_byte_alone_leaves_the_word_before_it_to_the_fast_way(counted):
    counted.begin("read", OCTAL, 5, 0)
    counted.bench.wait(100)
    counted.read(SR)
    counted.taken.clear()
    assert counted.read(DR) == 0x0302_0100
    assert counted.taken == []
    counted.begin("write", OCTAL, 9, 0)
    counted.write(DR, 0)
    counted.taken.clear()
    counted.write(DR, 0)
    assert counted.taken == []


def test_a_command_is_set_up_and_looked_at_the_fast_way(counted):
    counted.write(CR, 1)
    counted.taken.clear()
    for offset in (FCR, DLR, PSMKR, PSMAR, PIR, TCR):
        counted.write(offset, 0)
        assert counted.read(SR) == FTF
    counted.write(CCR, NO_DATA[OCTAL])
    assert counted.taken == []
    counted.write(IR, 6)
    counted.write(AR, 0)
    counted.taken.clear()
    assert counted.read(SR) == BUSY | FTF
    assert counted.taken == []


def test_looks_at_polls_take_the_fast_way_until_one_matches(counted):
    counted.begin("busy", OCTAL, 1, 0)  # WIP falls 700 CLK on
    counted.taken.clear()
    looks = 1
    while not counted.read(SR) & SMF:
        looks += 1
    assert looks == 3  # at once; until the poll that WIP falls in, which does not see it; until the next
    assert counted.taken == []


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("mode", [0, 1])
@pytest.mark.parametrize(("offset", "value"), [(FCR, 0), (DLR, 7), (CR, 1), (TCR, 0), (DR, None), (CCR, None)])
def test_looks_between_accesses_are_never_held_up(make_bench, mode, offset, value, fast):
    way = Way(make_bench(CLK), fast)
    way.write(CR, mode << 28 | 1)
    begun = way.bench.time.now
    for _ in range(200):
        if value is None:
            way.read(offset)
        else:
            way.write(offset, value | (mode << 28 if offset == CR else 0))
        way.read(SR)
    assert way.bench.time.now == begun + 400 * CLK


@pytest.mark.parametrize("size", [1, 4])
def test_looks_between_words_of_data_are_never_held_up(make_bench, size):
    way = Way(make_bench(CLK), fast=True)
    way.begin("write", OCTAL, 4000, 3 << 8)
    way.write(DR, 0)
    begun = way.bench.time.now
    for _ in range(500):
        way.read(SR, size)
        way.bench.wait(4)  # a word leaves
        way.write(DR, 0)
    assert way.bench.time.now == begun + 500 * 6 * CLK


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize(("mode", "offset"), [(0, IR), (0, AR), (1, IR)])
def test_looks_between_writes_that_start_nothing_are_never_held_up(make_bench, mode, offset, fast):
    way = Way(make_bench(CLK), fast)
    way.write(CR, mode << 28 | 1)
    way.write(CCR, OCTAL)
    begun = way.bench.time.now
    for _ in range(200):
        way.write(offset, 0xEC)
        way.read(SR)
    assert way.bench.time.now == begun + 400 * CLK


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("offset", [IR, AR])
@pytest.mark.parametrize("size", [1, 2])
def test_a_narrow_write_leaves_the_rest_of_a_register_that_starts_transfers(make_bench, offset, size, fast):
    way = Way(make_bench(), fast)
    way.write(CCR, OCTAL)
    way.write(offset, 0x4433_2211)
    way.write(offset, 0x77, size)
    assert way.read(offset) & 0xFF == 0x77
    assert way.read(offset) >> 8 * size == 0x4433_2211 >> 8 * size


def test_a_look_beyond_the_horizon_costs_no_more_than_the_plain_one(make_bench):
    found = []
    for fast in (False, True):
        way = Way(make_bench(CLK), fast)
        way.begin("read", OCTAL, 200, 31 << 8)
        way.bench.wait(40)
        for _ in range(8):
            way.read(DR)
        way.bench.soc.horizon = way.bench.time.now + 3 * CLK  # long before there are 32 bytes again
        found.append([(way.read(SR), way.bench.time.now - way.bench.soc.horizon) for _ in range(80)])
    assert found[0] == found[1]


@pytest.mark.parametrize("interval", [0, 1000])
def test_polls_looked_at_are_the_same_to_the_journal_and_at_the_horizon(make_bench, interval):
    found = []
    for fast in (False, True):
        way = Way(make_bench(CLK), fast)
        way.write(PIR, interval)
        way.begin("busy", OCTAL, 4, 0)  # WIP falls 2800 CLK on
        way.bench.wait(300)
        first = way.read(SR), way.bench.xspi.snapshot()["poller"]
        way.read(DR)
        way.bench.soc.horizon = way.bench.time.now + 4 * CLK  # with the long interval no poll ends before
        looks = [(way.read(SR), way.bench.time.now - way.bench.soc.horizon) for _ in range(80)]
        found.append((first, looks, way.bench.xspi.snapshot()["poller"]))
    assert found[0] == found[1]
    assert found[0][0][0] == BUSY | FTF
    assert found[0][0][1]["seen"] == (1 if interval else (301 - 9) // (9 + 2) + 1)  # 9 CLK, NCS high for 2


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize(("early", "shown"), [(1, BUSY | FTF), (0, BUSY | FTF | SMF)])
def test_a_first_look_at_the_end_of_a_poll_that_matches_shows_it(make_bench, early, shown, fast):
    way = Way(make_bench(CLK), fast)
    way.begin("busy", OCTAL, 4, 0)  # WIP falls 2800 CLK on, 8 accesses before the first poll; each takes 5 + 4 and 2
    begun = way.bench.time.now
    assert (2800 - 8) % 11 == 9  # so while NCS is high: the next poll is the first to see it
    way.bench.time.now = begun + (2792 // 11 + 1) * 11 * CLK + 9 * CLK - CLK - early
    assert way.read(SR) == shown


def test_looks_at_a_mapped_controller_after_a_read_whose_end_nobody_saw(make_bench):
    """NCS rises by the time-out while nobody looks; BUSY stays, as it was accessed (RM0456 30.4.15)."""
    plain, fast = Way(make_bench(CLK), fast=False), Way(make_bench(CLK), fast=True)
    for way in (plain, fast):
        way.bench.fake.answer = bytes(4)
        way.write(CR, 1)
        way.write(CCR, SINGLE)
        way.write(0x130, 1)  # LPTR
        way.write(CR, 0x3000_0009)
        for flags in (0, TOF):  # the second time it is still there from the first
            assert [way.read(SR), way.read(SR)] == [flags, flags]
            way.bench.soc.read(0x7000_0000, 4)
            way.bench.wait(1000)
            way.bench.soc.settle(way.bench.time.now)
            assert way.read(SR) == BUSY | TOF
            assert way.read(SR) == BUSY | TOF
            way.write(CR, 0)
            way.write(CR, 0x3000_0009)
    assert fast.seen() == plain.seen()


@pytest.mark.parametrize("timeout", [0, 8])
@pytest.mark.parametrize("touched", [True, False])
def test_looks_at_a_mapped_controller_take_the_same_time(make_bench, touched, timeout):
    plain, fast = Way(make_bench(4 * CLK), fast=False), Way(make_bench(4 * CLK), fast=True)
    shown = []
    for way in (plain, fast):
        soc = way.bench.soc
        way.bench.fake.answer = bytes(4)
        way.write(CR, 1)
        way.write(CCR, SINGLE)
        way.write(0x130, 64)  # LPTR
        way.write(CR, 0x3000_0001 | timeout)
        if touched:
            soc.read(0x7000_0000, 4)
        shown.append([])
        for number in range(300):
            soc.horizon = way.bench.time.now + 1000 if number == 250 else 1 << 62
            if number == 200:
                way.write(FCR, 0x10)  # CTOF
            shown[-1].append((way.read(SR), way.bench.time.now, way.bench.xspi.seen))
    assert shown[0] == shown[1]
    values = [value for value, *_ in shown[1]]
    assert (values[0] & 0x20, values[199] & 0x10) == (0x20 * touched, 0x10 * bool(touched and timeout))
    assert shown[1][199][1] - shown[1][198][1] > 4 * CLK
