"""Status reads that show nothing new: they get longer, so that a wait or a time-out costs few of them.

A look lets at most as much time pass as the waiting has taken so far, so a program's own time-out is met within a
factor of two; the last look ends exactly at the event. None goes past `horizon`, when the core is to be interrupted.
"""

from __future__ import annotations

from n6prog.sim.clock import PS_PER_US, Timeline

_FREE = 64
_LONGEST = 1000 * PS_PER_US
# A page program (some 150 us, thousands of them in a row) costs 4 looks, a block erase (256 ms) 14. What is over sooner
# (every frame is) costs one. A program's time-out below this is met this much late.
_LEAST = 32 * PS_PER_US


class Patience:
    """Counts looks without news."""

    def __init__(self) -> None:
        self._count = 0
        self._since = 0

    def reset(self) -> None:
        """There was news."""
        self._count = 0

    def wait(self, time: Timeline, horizon: int) -> None:
        """One more look for what never comes: from the 65th on a 64th of the time so far, a millisecond at most."""
        now = time.now
        if not self._count:
            self._since = now
        self._count += 1
        if self._count > _FREE:
            time.advance_to(min(now + min((now - self._since) // _FREE, _LONGEST), horizon))

    def wait_for(self, time: Timeline, event: int, horizon: int) -> None:
        """One more look for what comes at `event`: as long as the waiting so far, 32 us at least."""
        now = time.now
        if not self._count:
            self._since = now
        self._count += 1
        until = now + max(now - self._since, _LEAST)
        if event < until:
            until = event
        if horizon < until:
            until = horizon
        if until > now:
            time.now = until
