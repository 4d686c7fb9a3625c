"""When the window is plain memory: what gives and takes that (hw-soc 7.3)."""

from __future__ import annotations

import pytest

CLK = 31_250
BASE = 0x7000_0000
TCEN, NOPREF = 8, 1 << 25
READ = 0x0400_3404  # 8S: a byte a CLK behind five of head
DTR_READ = 0x2C00_3C1C


def enter(bench, ccr=READ, *, extra=NOPREF, timeout=None, tcr=0, wccr=0):
    bench.setup(ccr, 0xEC, tcr=tcr)
    bench.xw(0x180, wccr)
    bench.xw(0x190, 0x12ED if wccr >> 27 & 1 else 0x12)
    if timeout is not None:
        bench.xw(0x130, timeout)
        extra |= TCEN
    bench.xw(0x00, 0x3000_0301 | extra)


def test_the_content_may_be_mapped_when_reads_give_it(bench):
    assert bench.soc.mapped_content() is None
    enter(bench)
    assert bench.soc.mapped_content() is bench.fake.content
    bench.fake.plain = False
    assert bench.soc.mapped_content() is None


def test_at_a_clock_too_fast_for_the_part_the_content_is_not_what_is_read(bench):
    enter(bench)
    bench.fake.fastest = CLK
    assert bench.soc.mapped_content() is not None
    bench.fake.fastest = CLK + 1
    assert bench.soc.mapped_content() is None


@pytest.mark.parametrize(("devsize", "length"), [(10, 0x800), (11, 0x1000), (12, 0x1000)])
def test_no_more_is_memory_than_the_device_size_allows(bench, devsize, length):
    bench.xw(0x08, 0x0100_0100 | devsize << 16)
    enter(bench)
    content = bench.soc.mapped_content()
    assert content is not None
    assert len(content) == length


@pytest.mark.parametrize(
    ("ccr", "mtyp", "strobe", "plain"),
    [
        (DTR_READ, 1, True, True),
        (DTR_READ, 1, False, False),
        (DTR_READ, 0, True, False),
        (READ, 0, False, True),
        (0x0000_3404, 1, True, False),
    ],
)
def test_what_the_format_makes_of_the_content(bench, ccr, mtyp, strobe, plain):
    bench.xw(0x08, 0x0019_0100 | mtyp << 24)
    bench.fake.drives_dqs = strobe
    enter(bench, ccr)
    assert (bench.soc.mapped_content() is not None) is plain


@pytest.mark.parametrize(
    "mistake",
    [
        lambda b: b.w(0x5602_483C, 0),
        lambda b: b.w(0x5602_3400, 0xFFFF_FFFF),
        lambda b: b.w(0x5602_8158, 2 << 4),
        lambda b: b.w(0x5602_9260, 1 << 12),
        lambda b: b.w(BASE, 0),
        lambda b: b.xw(0x00, 0x3100_0301),
        lambda b: b.xw(0x00, 0x0000_0301),
        lambda b: setattr(b.soc.pwr, "rail_missing", frozenset({"vddio3"})),
        lambda b: b.xw(0x08, 0x0019_0100),
    ],
    ids=["rail", "pins", "kernel clock", "bus clock", "store", "select", "mode", "missing rail", "type"],
)
def test_what_takes_the_content_away_is_told(bench, mistake):
    enter(bench, DTR_READ, wccr=0x2C00_3C1C)
    assert bench.soc.mapped_content() is not None
    told = []
    bench.soc.on_mapping_changed = lambda: told.append(bench.soc.mapped_content())
    mistake(bench)
    assert told
    assert told[-1] is None


def test_the_end_of_a_store_is_told(bench):
    enter(bench, wccr=READ, timeout=10)
    bench.w(BASE, 0)
    told = []
    bench.soc.on_mapping_changed = lambda: told.append(bench.soc.mapped_content())
    bench.wait(10)
    bench.sr()
    assert told[-1] is bench.fake.content


def test_a_reset_of_the_controller_is_told(bench):
    enter(bench)
    told = []
    bench.soc.on_mapping_changed = lambda: told.append(bench.soc.mapped_content())
    bench.xspi.reset()
    assert told == [None]


def test_what_the_nor_tells_is_passed_on(bench):
    told = []
    bench.soc.on_mapping_changed = lambda: told.append(True)
    bench.fake.on_change()
    assert told == [True]


def test_the_content_is_not_mapped_while_an_access_may_bring_an_interrupt(bench):
    enter(bench, extra=NOPREF | TCEN)
    assert bench.soc.mapped_content() is not None
    bench.xw(0x00, bench.xr(0x00) | 1 << 20)  # TOIE
    assert bench.soc.mapped_content() is None
