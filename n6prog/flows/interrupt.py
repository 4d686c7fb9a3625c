"""Ctrl-C that cannot get lost.

Python raises KeyboardInterrupt wherever it happens to be. Inside a callback from a C library (libusb, the CPU emulator)
it is printed and dropped, and the work would go on. A flow therefore also remembers that it was interrupted, and looks
at its next step. On the simulated board, where nearly all time is spent in such callbacks and no step takes long, the
first Ctrl-C is only remembered; a second one raises at once.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType


class Interrupt:
    """A context manager that notes SIGINT besides letting it raise. Leaves other handlers and other threads alone.

    `patient` says, when it comes to it, whether noting is enough for the first one.
    """

    def __init__(self, patient: Callable[[], bool]) -> None:
        self._patient = patient
        self.seen = False
        self._installed = False

    def check(self) -> None:
        """Raise KeyboardInterrupt if there was one."""
        if self.seen:
            raise KeyboardInterrupt

    def __enter__(self) -> Interrupt:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._note)
            self._installed = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self._installed = False

    def _note(self, number: int, frame: FrameType | None) -> None:
        again, self.seen = self.seen, True
        if again or not self._patient():
            signal.default_int_handler(number, frame)
