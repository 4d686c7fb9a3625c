"""Waiting in the time of the probe: a simulated probe brings its own clock, a real one lives in ours."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """A clock to wait by. Seconds throughout."""

    def now(self) -> float:
        """The time now; only differences mean anything."""

    def sleep(self, seconds: float) -> None:
        """Let this much time pass."""


class WallClock:
    """The clock on the wall, for real probes."""

    def now(self) -> float:
        """The time now, monotonic."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait; an interrupt (SIGINT) ends it at once."""
        if seconds > 0:
            threading.Event().wait(seconds)


def clock_of(probe: object) -> Clock:
    """The clock of this probe: its `virtual_clock` when it has one, else the one on the wall."""
    clock: Clock | None = getattr(probe, "virtual_clock", None)
    return clock if clock is not None else WallClock()
