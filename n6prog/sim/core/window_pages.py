"""The XSPI windows at memory speed: pages of the NOR that the core reads and executes without a call for each access.

What a page costs. The first accesses go to the controller one by one and cost what it says; those that go on where the
last one ended are more of the same frame. When a stream of them has come far enough and began where the page does, the
controller charges all the rest of the page at once, and from then on the page is memory, as is each page that the
stream comes to. So every byte is paid for once on the way in, in a frame that the NOR has answered; only the moment is
early, by less than the time of a page. An instruction fetch takes in the whole page.

What stays. Of data only the page the stream is in: what is read twice costs twice, as with the data cache off. Of code
the newest `KEPT` pages, as much as the instruction cache holds (GUESS: with that off a real core fetches again and
again). Nothing stays when the mapping changes (another mode or device state, a clock gone) or somebody writes there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

WINDOW = 1 << 28
WINDOWS = {0x7: 2, 0x8: 3, 0x9: 1}  # address >> 28: which XSPI answers there (hw-soc 3)

PAGE_BITS = 10  # Unicorn's page for this core
PAGE = 1 << PAGE_BITS
KEPT = 32
_EVIDENT = 32  # bytes read in a row that make a stream
_NO_WINDOW: tuple[int, memoryview] = -1, memoryview(b"")


class WindowSource(Protocol):
    """The chip's side of the window. All raise BusFault and BusHang as an access there would."""

    def read(self, address: int, size: int) -> int:
        """One access, on the clock of whoever makes it."""
        ...

    def read_block(self, address: int, length: int) -> bytes:
        """`length` bytes in one frame."""
        ...

    def pass_over(self, address: int, length: int) -> None:
        """The same where `mapped_content` has them: what it costs, without the bytes."""
        ...

    def mapped_content(self, number: int = 2) -> memoryview | None:
        """The NOR's bytes, if a read of XSPI `number`'s window gives exactly those now."""
        ...


class WindowPages:
    """Which pages are memory. `forget` is called before a page may be seen in another way than up to now."""

    def __init__(self, source: WindowSource, forget: Callable[[], None]) -> None:
        self._source = source
        self._forget = forget
        self._code: dict[int, None] = {}  # pages, the oldest first
        self._data = -1  # the page of the stream, when it is memory
        self._from = -1  # where the stream of reads began,
        self._next = -1  # and where it goes on: addresses
        self._plain = _NO_WINDOW  # the window, by `address` >> 28, that is known to give the NOR's bytes, and these
        self._executed = False  # code was translated
        self.stale_code = False  # and what it was translated from may have changed

    def __contains__(self, address: int) -> bool:
        """Whether the page of `address` is memory."""
        page = address >> PAGE_BITS
        return page == self._data or page in self._code

    def read(self, address: int, size: int) -> int:
        """An access to a page that is not memory (yet)."""
        goes_on = address == self._next
        if not goes_on:
            self._from = address
        content = self.content(address) if goes_on and not address & 3 and size == 4 else None
        if content is None:
            value = self._source.read(address, size)
        else:
            offset = address & WINDOW - 1
            value = int.from_bytes(content[offset : offset + 4], "little")
            if not address & PAGE - 1 and address - self._from >= _EVIDENT:
                self._take(address, PAGE)
                return value
            self._source.pass_over(address, 4)
        end = self._next = address + size
        evident = _EVIDENT <= end - self._from < _EVIDENT + size and not self._from & PAGE - 1
        if evident and self.content(address) is not None:
            self._take(end, PAGE - (end & PAGE - 1))
        return value

    def content(self, address: int) -> memoryview | None:
        """The NOR's bytes, if the window of `address` gives those. That it does is so until `clear` says otherwise."""
        window = address >> 28
        if window != self._plain[0]:
            content = self._source.mapped_content(WINDOWS[window])
            if content is None:
                return None
            self._plain = window, content
        content = self._plain[1]
        return content if address & WINDOW - 1 < len(content) else None

    def _take(self, address: int, length: int) -> None:
        """Pay for the rest of a page at once; the page is memory then."""
        self._source.pass_over(address, length)
        self._next = address + length
        self._data = address >> PAGE_BITS
        self._forget()

    def fetch(self, address: int) -> bool:
        """Code is wanted from the page of `address`. False where a read there does not give the NOR's bytes."""
        page = address >> PAGE_BITS
        if page not in self._code:
            self._source.read_block(page << PAGE_BITS, PAGE)
            if self.content(address) is None:
                return False
            self._code[page] = None
            if len(self._code) > KEPT:
                del self._code[next(iter(self._code))]
            self._forget()
        self._executed = True
        return True

    def forget_code(self) -> None:
        """No translation of code in the window is left."""
        self._executed = self.stale_code = False

    def clear(self) -> bool:
        """The mapping changed, or a write goes out to the device: accesses one by one again.

        True when translated code must be forgotten before the core goes on.
        """
        self._next = -1
        self._plain = _NO_WINDOW
        self.stale_code = self._executed
        if self._data >= 0 or self._code:
            self._data = -1
            self._code.clear()
            self._forget()
        return self.stale_code
