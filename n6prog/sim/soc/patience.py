"""Polls that wait for something that does not come: they get longer, so that a time-out costs few of them."""

from __future__ import annotations

from n6prog.sim.clock import PS_PER_US, Timeline

_FREE = 64
_LONGEST = 1000 * PS_PER_US


class Patience:
    """Counts polls without news. From the 65th on each waits a 64th of the time so far, a millisecond at most."""

    def __init__(self) -> None:
        self._count = 0
        self._since = 0

    def reset(self) -> None:
        """There was news."""
        self._count = 0

    def wait(self, time: Timeline) -> None:
        """One more poll without news."""
        if not self._count:
            self._since = time.now
        self._count += 1
        if self._count > _FREE:
            time.advance(min((time.now - self._since) // _FREE, _LONGEST))
