"""What AP0 reaches: a ROM table and DBGMCU, at 0x8000_0000 (DFP, probe-rs) and at 0x4400_0000 (OpenOCD) alike.

Both views work on boards (hw-soc 1.9). Which address bits count is published nowhere;
GUESS that nothing answers elsewhere.
"""

from __future__ import annotations

from n6prog.sim.clock import Timeline
from n6prog.sim.core import idregs
from n6prog.sim.soc.bus import BusFault
from n6prog.sim.soc.soc import Soc

_DBGMCU = 0x4400_1000
_VIEWS = (0x8000_0000, 0x4400_0000)
_SIZE = 0x4000


class SystemBus:
    """The APB behind AP0; words only."""

    def __init__(self, soc: Soc, host: Timeline) -> None:
        self._soc = soc
        self._host = host
        self._table = idregs.ap0_words()

    def read(self, address: int, length: int, width: int = 4) -> bytes:
        """`length` bytes. Raises BusFault."""
        return b"".join(self._word(address + offset).to_bytes(4, "little") for offset in range(0, length, 4))

    def write(self, address: int, data: bytes | memoryview, width: int = 4) -> None:
        """Write words. Raises BusFault."""
        for offset in range(0, len(data), 4):
            place = _place(address + offset)
            if not 0x1000 <= place < 0x2000:
                continue
            self._soc.time = self._host
            self._soc.write(_DBGMCU + place - 0x1000, 4, int.from_bytes(data[offset : offset + 4], "little"))

    def _word(self, address: int) -> int:
        place = _place(address)
        if 0x1000 <= place < 0x2000 and place < 0x1FD0:
            self._soc.time = self._host
            return self._soc.read(_DBGMCU + place - 0x1000, 4)
        return self._table.get(idregs.AP0_TABLE + place, 0)


def _place(address: int) -> int:
    """The offset in either view. Raises BusFault."""
    for base in _VIEWS:
        if base <= address < base + _SIZE:
            return address - base
    raise BusFault(address)
