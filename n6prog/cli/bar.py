"""Progress bars with a rate, on a terminal only."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import TextIO

from n6prog.cli import text

_CELLS = 24
_WORDS = 50  # columns that phase, bytes, rate and time left need at most
_EVERY = 0.1  # seconds between two drawings; a terminal over a slow line must not slow the flash down


class Bar:
    """One line at the foot of a terminal: phase, bar, bytes, rate, time left. Does nothing unless `enabled`.

    `now` gives seconds of wall time, also on the simulator: the bar says how long there is to wait. `columns` gives the
    width of the terminal: a line that wraps could not be taken away again.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        enabled: bool,
        now: Callable[[], float] = time.monotonic,
        columns: Callable[[], int] = lambda: shutil.get_terminal_size().columns,
    ) -> None:
        self._stream = stream
        self._now = now
        self._columns = columns
        self._phase = ""
        self._started = 0.0
        self._drawn_at = 0.0
        self._visible = False
        self.enabled = enabled

    def update(self, phase: str, done: int, total: int) -> None:
        """Show that `done` of `total` bytes of a phase are done; a finished phase takes its line away."""
        if not self.enabled:
            return
        now = self._now()
        if phase != self._phase:
            self._phase, self._started, self._drawn_at = phase, now, 0.0
        if total <= 0 or done >= total:
            self.clear()
            self._phase = ""
        elif now - self._drawn_at >= _EVERY:
            columns = self._columns()
            self._draw(self.line(phase, done, total, now - self._started, columns)[: columns - 1])
            self._drawn_at = now

    def line(self, phase: str, done: int, total: int, elapsed: float, columns: int = 100) -> str:
        """The line itself; `elapsed` in seconds since the phase began. The bar gives way first where room is short."""
        cells = max(0, min(_CELLS, columns - _WORDS))
        filled = cells * done // total
        parts = [f"{phase:<7}", "━" * filled + "╶" * (cells - filled), f"{text.size(done)} of {text.size(total)}"]
        if elapsed > 0 and done:
            rate = done / elapsed
            left = round((total - done) / rate)
            parts += [f"{text.size(int(rate))}/s", f"{left // 60}:{left % 60:02d}"]
        return "  ".join(part for part in parts if part)

    def clear(self) -> None:
        """Take the line away, so that others can be written."""
        if self._visible:
            self._write("\r\x1b[K")
            self._visible = False

    def _draw(self, line: str) -> None:
        self._write(f"\r{line}\x1b[K")
        self._visible = True

    def _write(self, chars: str) -> None:
        try:
            self._stream.write(chars)
            self._stream.flush()
        except (OSError, ValueError):
            self.enabled = False  # the terminal went away; the work goes on
