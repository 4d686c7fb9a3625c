"""Waiting: in the probe's own time where it has one, and by what is expected rather than in small steps."""

from __future__ import annotations

from collections.abc import Iterator

from n6prog.targets.probe_time import Clock, WallClock, clock_of

__all__ = ["Clock", "WallClock", "clock_of", "pauses"]

_SHORTEST = 0.0005
_LONGEST = 0.05


def pauses(expect: float) -> Iterator[float]:
    """How long to sleep before each poll of something that should take `expect` seconds (0: unknown, poll at once).

    First nearly the whole expectation, then steps that grow with it: few polls for what takes as long as said, and
    never later than 50 ms or a fiftieth of the expectation.
    """
    yield max(expect, 0.0) * 0.98
    step = max(expect / 50, _SHORTEST)
    longest = max(step, _LONGEST)
    while True:
        yield step
        step = min(step * 1.25, longest)
