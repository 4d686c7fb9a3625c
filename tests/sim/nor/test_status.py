"""SR while it changes: live within a frame, sampled early or late, and polled (hw-flash 2.2, 4.1)."""

from __future__ import annotations

import pytest

from tests.sim.nor.bench import Bench


@pytest.mark.parametrize(("mode", "unit"), [("1S", 8), ("8S", 1), ("8D", 1)])
@pytest.mark.parametrize("after", [-1, 0, 1])
def test_wip_falls_from_one_status_byte_to_the_next(bench, mode, unit, after):
    bench.octal(mode)
    bench.enable()
    bench.send(0x21, 0)
    head = {"1S": 8, "8S": 2 + 4 + 4, "8D": 1 + 2 + 4}[mode] * bench.clock
    unit *= bench.clock
    bench.now = bench.nor.busy_until - head - 3 * unit + after
    answer = bench.get(0x05, 0, 6)
    # byte n goes out at n units: with `after` 0 the end falls exactly on byte 3, a picosecond earlier still on it
    busy = 3 if after >= 0 else 4
    assert answer == b"\x03" * busy + b"\0" * (6 - busy)


def test_late_status_samples_see_what_goes_out_then(bench):
    bench.octal("8S")
    bench.enable()
    bench.send(0x21, 0)
    bench.now = bench.nor.busy_until - (2 + 4 + 4) * bench.clock - 2 * bench.clock
    # bytes 0 and 1 still say busy; the controller samples from byte 3 on
    assert bench.frame(0x05, bytes(4), want=3, dummy=7, mode="8S") == b"\0\0\0"
    bench.enable()
    bench.send(0x21, 0)
    bench.now = bench.nor.busy_until - (2 + 4 + 4) * bench.clock - 5 * bench.clock
    assert bench.frame(0x05, bytes(4), want=4, dummy=7, mode="8S") == b"\3\3\0\0"


@pytest.mark.parametrize(("mode", "head", "unit"), [("1S", 8, 8), ("8S", 10, 1), ("8D", 7, 1)])
def test_early_status_samples_come_before_its_first_byte(make_bench, mode, head, unit):
    bench = make_bench(undriven="00")
    bench.octal(mode)
    bench.enable()
    bench.send(0x21, 0)
    bench.now = bench.nor.busy_until - (head + 2 * unit) * bench.clock
    if mode == "1S":
        assert bench.frame(0x05, want=3) == b"\3\3\0"
    else:
        early = 2 * (2 if mode == "8D" else 1)
        busy = 2 * (2 if mode == "8D" else 1)
        answer = bench.frame(0x05, bytes(4), want=early + busy + 2, dummy=2, mode=mode)
        assert answer == bytes(early) + b"\3" * busy + b"\0\0"


def test_a_status_read_that_is_over_before_the_end_ends_nothing(bench, mode):
    bench.octal(mode)
    unit = bench.clock * (8 if mode == "1S" else 1)
    head = {"1S": 8, "8S": 2 + 4 + 4, "8D": 1 + 2 + 4}[mode] * bench.clock
    for after in (1, unit):
        bench.enable()
        bench.send(0x21, 0)
        end = bench.nor.busy_until
        bench.now = end - head - 2 * unit - after
        assert bench.get(0x05, 0, 3) == b"\x03" * 3
        assert bench.nor.operation is not None
        bench.wait()


def test_a_command_is_heard_when_wip_fell_before_its_opcode_was_in(bench, mode):
    clocks = {"1S": 8, "8S": 2, "8D": 1}[mode]
    bench.octal(mode)
    for early, heard in ((0, True), (1, False)):
        bench.enable()
        bench.send(0x21, 0)
        bench.now = bench.nor.busy_until - clocks * bench.clock - early
        bench.enable()
        bench.wait()
        assert bench.nor.wel is heard
        bench.send(0x04)


def test_polls_are_counted_while_wip_is_set(bench):
    bench.enable()
    bench.send(0x21, 0)
    assert bench.nor.status_polls == 0
    for count in (1, 2, 3):
        assert bench.sr == 3
        assert bench.nor.status_polls == count
    bench.get(0x2B)
    assert bench.nor.status_polls == 0
    assert bench.sr == 3
    assert bench.nor.status_polls == 1
    bench.wait()
    assert bench.sr == 0
    assert bench.nor.status_polls == 0
    bench.nor.status_polls = 5
    bench.enable()
    assert bench.nor.status_polls == 0


def test_a_late_poll_sees_the_end_and_ends_the_row_of_polls(bench: Bench, mode: str) -> None:
    """WIP falls between the opcode and the first data byte."""
    bench.octal(mode)
    bench.enable()
    bench.send(0x21, 0)
    assert bench.sr == 3
    assert bench.nor.status_polls == 1
    head = {"1S": 8, "8S": 2 + 4 + 4, "8D": 1 + 2 + 4}[mode] * bench.clock
    bench.now = bench.nor.busy_until - head + (0 if mode == "1S" else bench.clock)
    assert bench.sr == 0
    assert bench.nor.status_polls == 0
    bench.nor.status_polls = 5
    assert bench.sr == 0
    assert bench.nor.status_polls == 0


def test_other_commands_end_a_row_of_polls(bench, mode):
    bench.octal(mode)
    bench.nor.status_polls = 5
    bench.send(0x04)
    assert bench.nor.status_polls == 0


def test_a_reset_ends_a_row_of_polls(bench):
    assert bench.nor.status_polls == 0
    bench.enable()
    bench.send(0x21, 0)
    assert bench.sr == 3
    bench.nor.drive_reset(True, bench.now)
    assert bench.nor.status_polls == 0
