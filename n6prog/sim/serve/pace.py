"""Wall time for a board that others look at: OpenOCD sleeps between polls and gives up by its own clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from n6prog.sim.clock import PS_PER_SECOND, Timeline, ps

_SLICE = ps(0.001)
_PATIENCE = 0.01  # seconds of wall time in one go, and as long a rest after it: clients wait meanwhile
_MOST_DEBT = ps(0.1)  # a host too slow for a core that spins, or one that was asleep, does not make it up


class Board(Protocol):
    """What has a time."""

    host: Timeline

    def catch_up(self) -> None:
        """Run the chip until the probe's time."""
        ...


class Pace:
    """Keeps the board's clock at or ahead of the wall clock times `scale`; 0 leaves it to the clients alone.

    `clock` gives wall time in seconds.
    """

    def __init__(self, board: Board, scale: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._board = board
        self._scale = scale
        self._clock = clock
        self._wall = clock()
        self._start = board.host.now
        self._rests_until = self._wall

    def rest(self) -> None:
        """Somebody else moves the board's time; what passes meanwhile on the wall is not made up later."""
        self._wall, self._start = self._clock(), self._board.host.now

    def keep_up(self) -> None:
        """Let the board run until it is no longer behind, or for 10 ms of wall time."""
        began = self._clock()
        if not self._scale or began < self._rests_until:
            return
        host = self._board.host
        due = self._start + int((began - self._wall) * self._scale * PS_PER_SECOND)
        if due - host.now > _MOST_DEBT:
            self._start -= due - host.now - _MOST_DEBT
            due = host.now + _MOST_DEBT
        while host.now < due:
            host.advance_to(min(due, host.now + _SLICE))
            self._board.catch_up()
            ended = self._clock()
            if ended - began > _PATIENCE:
                self._rests_until = ended + _PATIENCE
                break
