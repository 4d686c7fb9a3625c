"""ECC of the tightly coupled memories: which of their words were written since power came on.

A word that never was has no valid check bits: a read of it is an error, and so is a write of a part of it, which has to
read the rest first (hw-soc 3 and 9: "initialise whole words before reading"; MSCR on a board shows ECC on). GUESS: the
granule is a word in both memories, the core gets a precise BusFault, the debugger a fault of its access port, and the
boot ROM initialises nothing.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable

from n6prog.sim.soc.bus import BusFault

WORD = 4


def may_be_tcm(address: int) -> bool:
    """Quickly: whether `address` lies in the first 128 KiB of a quarter where the TCMs and their aliases are."""
    return not address & 0xCFFE_0000


class EccFault(BusFault):
    """TCM that was never written was read."""


class Ecc:
    """Over `size` bytes, by offset. `on_changed` is called when pages may have become whole, or unknown."""

    def __init__(self, size: int) -> None:
        self._known = bytearray(b"\1") * (size // WORD)
        self.on_changed: Callable[[], None] = lambda: None

    def power_on(self) -> None:
        """Nothing has valid check bits."""
        self._known[:] = bytes(len(self._known))
        self.on_changed()

    def unknown(self, offset: int, length: int) -> int | None:
        """Offset of the first word in a range that was never written, None if there is none."""
        found = self._known.find(0, offset // WORD, -(-(offset + length) // WORD))
        return None if found < 0 else max(found * WORD, offset)

    def write(self, offset: int, length: int, width: int) -> int | None:
        """A write in accesses of `width` bytes; gives the offset of the first one that fails, if any."""
        if width < WORD or (offset | length) % WORD:
            return self.unknown(offset, length)
        self._known[offset // WORD : (offset + length) // WORD] = b"\1" * (length // WORD)
        return None

    def snapshot(self) -> str:
        """The state, as text."""
        return base64.b64encode(zlib.compress(bytes(self._known))).decode()

    def restore(self, state: str) -> None:
        """Take back what `snapshot` gave."""
        self._known[:] = zlib.decompress(base64.b64decode(state))
        self.on_changed()
