"""SysTick: a 24-bit counter of core cycles that pends exception 15 (Armv8-M ARM B14).

The count is computed from the clock when somebody looks; nothing runs in between.
"""

from __future__ import annotations

from collections.abc import Callable

CSR, RVR, CVR, CALIB = 0x10, 0x14, 0x18, 0x1C  # offsets from 0xE000_E000
ENABLE, TICKINT, CLKSOURCE, COUNTFLAG = 1, 2, 4, 1 << 16
_EXTERNAL_DIVIDER = 8  # GUESS: the reference clock is taken as the core's divided by eight


class SysTick:
    """`cycles()` gives the core's cycle count, `pend()` makes exception 15 pending."""

    def __init__(self, cycles: Callable[[], int], pend: Callable[[], None]) -> None:
        self._cycles = cycles
        self._pend = pend
        self.reset()

    def reset(self) -> None:
        """Off, all zero."""
        self._control = 0
        self._reload = 0
        self._start = 0  # tick at which `_value` was the count
        self._value = 0
        self._hits = 0  # how often the count had reached zero since `_start` when somebody last looked
        self._flag = False

    @property
    def running(self) -> bool:
        """Whether it counts."""
        return bool(self._control & ENABLE)

    def _divider(self) -> int:
        return 1 if self._control & CLKSOURCE else _EXTERNAL_DIVIDER

    def _now(self) -> int:
        return self._cycles() // self._divider()

    def _reached(self, elapsed: int) -> int:
        """How often the count reached zero `elapsed` ticks after `_start`."""
        if elapsed < self._value:
            return 0
        first = 1 if self._value else 0
        return first + ((elapsed - self._value) // (self._reload + 1) if self._reload else 0)

    def _count(self) -> int:
        if not self.running:
            return self._value
        elapsed = self._now() - self._start
        if elapsed <= self._value:
            return self._value - elapsed
        return self._reload - (elapsed - self._value - 1) % (self._reload + 1)

    def poll(self) -> None:
        """Take note of what the count did up to now."""
        if not self.running:
            return
        hits = self._reached(self._now() - self._start)
        if hits > self._hits:
            self._hits = hits
            self._flag = True
            if self._control & TICKINT:
                self._pend()

    def next_exception(self) -> int | None:
        """The core cycle at which it will next pend exception 15; None if it will not."""
        if self._control & (ENABLE | TICKINT) != ENABLE | TICKINT:
            return None
        if not self._value and not self._reload:
            return None
        if self._value and not self._hits:
            tick = self._start + self._value
        elif not self._reload:
            return None
        else:
            first = 1 if self._value else 0
            tick = self._start + self._value + (self._hits - first + 1) * (self._reload + 1)
        return tick * self._divider()

    def read(self, offset: int) -> int:
        """A register; reading CSR clears COUNTFLAG."""
        self.poll()
        if offset == CSR:
            value = self._control | (COUNTFLAG if self._flag else 0)
            self._flag = False
            return value
        if offset == RVR:
            return self._reload
        return self._count() if offset == CVR else 0  # CALIB 0: the value is not known (GUESS)

    def write(self, offset: int, value: int) -> None:
        """Set a register; any write of CVR clears the count and COUNTFLAG."""
        self.poll()
        count = self._count()
        if offset == CSR:
            self._control = value & (ENABLE | TICKINT | CLKSOURCE)
        elif offset == RVR:
            self._reload = value & 0xFF_FFFF
        elif offset == CVR:
            count, self._flag = 0, False
        self._start, self._value, self._hits = self._now(), count, 0

    def snapshot(self) -> dict[str, int]:
        """The state, JSON-able."""
        return {name: int(getattr(self, name)) for name in _STATE}

    def restore(self, state: dict[str, int]) -> None:
        """Take back what `snapshot` gave."""
        for name in _STATE:
            setattr(self, name, int(state[name]))
        self._flag = bool(self._flag)


_STATE = ("_control", "_reload", "_start", "_value", "_hits", "_flag")
