"""Cycles and picoseconds of a core whose clock changes (hand calculation)."""

from __future__ import annotations

from n6prog.sim.clock import STLINK_V3, Timeline
from n6prog.sim.core.cpu_clock import CpuClock


def test_a_switch_counts_on_with_the_new_length_of_a_cycle():
    time = Timeline()
    clock = CpuClock(time, STLINK_V3)
    time.now = 15_625 * 100  # 100 cycles of 64 MHz
    clock.follow(32_000_000)
    assert clock.cycles() == 100
    time.now += 31_250 * 7 - 1
    assert clock.cycles() == 106
    time.now += 1
    assert clock.cycles() == 107
    assert clock.instruction == 13 * 31_250
    assert clock.duration(12) == 12 * 31_250


def test_the_time_of_a_cycle_is_its_first_picosecond():
    time = Timeline()
    clock = CpuClock(time, STLINK_V3)
    time.now = 15_625 * 10
    clock.follow(600_000_000)  # a cycle is 1666.67 ps
    assert clock.time_of(11) == 15_625 * 10 + 1667
    assert clock.time_of(13) == 15_625 * 10 + 5000
    time.now = clock.time_of(11) - 1
    assert clock.cycles() == 10
    time.now += 1
    assert clock.cycles() == 11


def test_a_halt_costs_no_cycles_before_and_after_a_switch():
    time = Timeline()
    clock = CpuClock(time, STLINK_V3)
    time.now, clock.idle = 15_625 * 50, 15_625 * 20
    clock.follow(32_000_000)
    assert clock.cycles() == 30
    time.now += 31_250 * 5
    clock.idle += 31_250 * 2
    assert clock.cycles() == 33
    assert clock.time_of(33) == time.now


def test_the_state_can_be_kept():
    time = Timeline(10**9)
    clock = CpuClock(time, STLINK_V3)
    clock.idle = 5
    clock.follow(48_000_000)
    again = CpuClock(time, STLINK_V3)
    again.restore(clock.snapshot())
    time.now += 10**6
    assert (again.cycles(), again.hz, again.idle) == (clock.cycles(), 48_000_000, 5)
