"""How often something is asked whether it is done."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from n6prog.link.waits import pauses
from n6prog.targets.probe_time import WallClock, clock_of


def polls(expect: float, takes: float) -> tuple[int, float]:
    """How many sleeps until `takes` seconds are over, and how late that is."""
    now = 0.0
    for count, pause in enumerate(pauses(expect)):
        if now >= takes:
            return count, now - takes
        now += pause
    raise AssertionError


@given(st.floats(0.001, 10.0), st.floats(0.5, 1.5))
def test_what_takes_about_as_long_as_expected_costs_few_polls(expect: float, factor: float) -> None:
    count, late = polls(expect, expect * factor)
    assert count <= 45
    assert late <= max(0.05, 0.5 * expect)


@given(st.floats(0.001, 10.0))
def test_what_takes_exactly_as_long_as_expected_is_seen_at_once(expect: float) -> None:
    count, late = polls(expect, expect)
    assert count <= 50
    assert late <= 0.03 * expect + 0.001


@given(st.floats(0.0, 60.0))
def test_without_an_expectation_the_answer_is_never_more_than_50_ms_late(takes: float) -> None:
    assert polls(0.0, takes)[1] <= 0.05


class VirtualClock:
    """A clock that is not on the wall."""

    def now(self) -> float:
        return 1.5

    def sleep(self, seconds: float) -> None:
        raise AssertionError("not waited on here")


def test_a_probe_with_a_clock_of_its_own_is_waited_for_in_it() -> None:
    class Probe:
        virtual_clock = VirtualClock()

    assert clock_of(Probe()).now() == 1.5
    assert isinstance(clock_of(object()), WallClock)
