"""A snapshot taken at any moment goes on as if nothing had happened, through JSON."""

from __future__ import annotations

import json

import pytest

CLK = 31_250


def twin(bench, make_bench):
    """A second bench with the first one's state and time, and the same answers."""
    other = make_bench()
    other.time.now = bench.time.now
    other.fake.answer, other.fake.changes = bench.fake.answer, bench.fake.changes
    other.soc.restore(json.loads(json.dumps(bench.soc.snapshot())))
    return other


def idle(_bench):
    pass


def read(bench):
    bench.begin_read(100)
    bench.wait(30)
    bench.xr(0x50)


def odd_read(bench):
    bench.xw(0x00, 0x1000_0001)
    bench.setup(0x2C00_3C1C, 0xEE11, 7)
    bench.xw(0x48, 0)
    bench.wait(100)
    bench.xr(0x50, 1)


def full_read(bench):
    bench.begin_read(200)
    bench.wait(500)
    bench.sr()


def write(bench):
    bench.begin_write(9)
    bench.xw(0x50, 0x0403_0201)
    bench.wait(7)


def full_write(bench):
    bench.begin_write(8)
    bench.xw(0x50, 0x0403_0201)
    bench.xw(0x50, 0x0807_0605)
    bench.wait(7)


def command(bench):
    bench.xw(0x00, 1)
    bench.setup(0x3404, 0x21, tcr=7)
    bench.xw(0x48, 0x1234)
    bench.wait(1)


def poll(bench):
    bench.fake.answer = b"\3"
    bench.fake.changes = [(bench.time.now + 100 * CLK, b"\2")]
    bench.xw(0x00, 0x2048_0001)
    bench.xw(0x80, 1)
    bench.xw(0x90, 16)
    bench.setup(0x0400_0004, 0x05, 1)
    bench.wait(20)
    bench.xr(0x50)


def endless_poll(bench):
    poll(bench)
    bench.wait(1000)
    bench.mode(2)


def mapped(bench):
    bench.setup(0x0400_3404, 0xEC)
    bench.xw(0x130, 10)
    bench.xw(0x00, 0x3010_0009)
    bench.r(0x7000_0010)
    bench.wait(5)


def store(bench):
    bench.setup(0x0400_3404, 0xEC)
    bench.xw(0x180, 0x0400_3404)
    bench.xw(0x190, 0x12)
    bench.xw(0x130, 10)
    bench.xw(0x00, 0x3000_0009)
    bench.w(0x7000_0010, 0x0403_0201)
    bench.wait(5)


def stuck(bench):
    write(bench)
    bench.w(0x5602_8158, 3 << 4)


def calibration(bench):
    bench.xw(0x0C, 1)


def just_ended(bench):
    bench.begin_read(1)
    bench.xr(0x50, 1)


ALL = [idle, read, odd_read, full_read, write, full_write, command, poll, endless_poll, mapped, store, stuck]
ALL += [calibration, just_ended]


def go_on(bench, heard):
    """What can be seen from here on: flags, interrupt times, data, frames."""
    seen = []
    for clocks in (0, 1, 1, 1, 2, 5, 20, 60, 10**5):
        bench.wait(clocks)
        seen.append((bench.sr(), bench.xspi.next_irq(bench.time.now)))
        if bench.sr() & 0x24 == 0x24:
            seen.append((bench.xr(0x50, 1), bench.time.now))
    if bench.soc.mapped():
        seen.append((bench.r(0x7000_0014), bench.time.now))
    bench.xw(0x00, bench.xr(0x00) | 2)
    bench.mode(0)
    bench.xw(0x24, 0x1F)
    bench.setup(0x3404, 0x99)
    bench.xw(0x48, 5)
    bench.wait(1000)
    seen.append((bench.sr(), bench.xr(0x00), bench.xr(0x210)))
    return seen, bench.heard[heard:]


@pytest.mark.parametrize("before", ALL, ids=lambda before: before.__name__)
@pytest.mark.parametrize("interrupts", [0, 0x0002_0000])
def test_it_goes_on_from_a_snapshot(bench, make_bench, before, interrupts):
    before(bench)
    bench.xw(0x00, bench.xr(0x00) | interrupts)
    other = twin(bench, make_bench)
    assert other.heard == []
    assert other.soc.snapshot() == bench.soc.snapshot()
    assert go_on(other, 0) == go_on(bench, len(bench.heard))


@pytest.mark.parametrize("before", ALL, ids=lambda before: before.__name__)
def test_a_snapshot_changes_nothing(bench, make_bench, before):
    before(bench)
    other = make_bench()
    other.bring_up()
    before(other)
    for _ in range(3):
        bench.soc.snapshot()
    assert go_on(bench, 0) == go_on(other, 0)


def test_restoring_rest_ends_what_was_under_way(bench, make_bench):
    rest = make_bench()
    rest.bring_up()
    state = rest.soc.snapshot()
    read(bench)
    bench.soc.restore(json.loads(json.dumps(state)))
    assert bench.sr() == 4
    bench.wait(1000)
    assert bench.sr() == 4


def test_a_system_reset_in_mid_write_lets_the_nor_see_what_is_out(bench):
    write(bench)
    bench.soc.reset("system")
    assert [frame[2:4] for frame in bench.heard] == [(b"\x12\0\0\0\0", b"\1\2")]


def test_power_takes_a_write_without_a_trace(bench):
    write(bench)
    bench.soc.reset("power")
    assert bench.heard == []


def test_a_finished_write_is_delivered_when_the_board_settles(bench):
    full_write(bench)
    bench.soc.settle(bench.time.now + 5 * CLK)
    assert bench.heard == []
    bench.soc.settle(bench.time.now + 6 * CLK)
    assert len(bench.heard) == 1


@pytest.mark.parametrize("before", [read, full_read, write, full_write], ids=lambda before: before.__name__)
def test_an_abort_leaves_no_data_behind(bench, before):
    before(bench)
    bench.xw(0x00, bench.xr(0x00) | 2)
    transfer = bench.soc.snapshot()["XSPI2"]["transfer"]
    assert (transfer["input"]["data"], transfer["output"]["sent"]) == ("", "")
