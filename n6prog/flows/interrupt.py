"""Ctrl-C that cannot get lost.

Python raises KeyboardInterrupt wherever it happens to be. Inside a callback from a C library (libusb, the CPU emulator)
it is printed and dropped, and the work would go on. A flow therefore also remembers that it was interrupted, and looks
at its next step. On the simulated board, where nearly all time is spent in such callbacks and no step takes long, the
first Ctrl-C is only remembered; a second one raises at once. SIGTERM is taken for the same: a flow that is asked to end
must not leave the flash in the middle of a block.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType

_Handler = Callable[[int, FrameType | None], None] | signal.Handlers
_DEFAULTS: dict[signal.Signals, _Handler] = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}


class Interrupt:
    """A context manager that notes SIGINT and SIGTERM besides raising. Leaves other handlers and threads alone.

    `patient` says, when it comes to it, whether noting is enough for the first one.
    """

    def __init__(self, patient: Callable[[], bool]) -> None:
        self._patient = patient
        self.seen = False
        self._installed: list[signal.Signals] = []

    def check(self) -> None:
        """Raise KeyboardInterrupt if there was one."""
        if self.seen:
            raise KeyboardInterrupt

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            for number, default in _DEFAULTS.items():
                if signal.getsignal(number) is default:
                    signal.signal(number, self._note)
                    self._installed.append(number)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._installed:
            number = self._installed.pop()
            signal.signal(number, _DEFAULTS[number])

    def _note(self, number: int, frame: FrameType | None) -> None:
        again, self.seen = self.seen, True
        if again or not self._patient():
            signal.default_int_handler(number, frame)
