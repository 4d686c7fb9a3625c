"""XSPI's memory-mapped mode: the window at 0x7000_0000 (hw-soc 7.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from n6prog.sim.nor.wire import Framing, swap_pairs
from n6prog.sim.soc.bus import BusFault, BusHang
from n6prog.sim.soc.xspi_frame import framing_of, head_of, swaps
from n6prog.sim.soc.xspi_map import ABR, CCR, CR, FIFO, IR, LPTR, NEVER, TCEN, TCR, WABR, WCCR, WIR, WTCR

if TYPE_CHECKING:
    from n6prog.sim.soc.soc import Soc
    from n6prog.sim.soc.xspi import Xspi


class Window:
    """Bus accesses turned into frames by the read set (CCR, TCR, IR) and the write set (WCCR, WTCR, WIR)."""

    def __init__(self, xspi: Xspi, soc: Soc) -> None:
        self._xspi = xspi
        self._soc = soc
        self.open_until = 0  # NCS stays low until then, and BUSY with it
        self._next = -1  # offset that goes on where the last read stopped

    def closed(self) -> None:
        """NCS is high."""
        self.open_until = 0
        self._next = -1

    def timed_out(self, now: int) -> bool:
        """Whether the time-out has raised NCS by `now`; told once."""
        if 0 < self.open_until <= now:
            self.closed()
            return True
        return False

    def read(self, address: int, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`. Raises BusHang when not mapped or without a strobe, BusFault beyond the end."""
        xspi, soc = self._xspi, self._soc
        if not xspi.is_mapped:
            raise BusHang(address)
        if offset + length > xspi.device_size():
            raise BusFault(address)
        time, clock = soc.time, xspi.clock()
        frame, head = self._frame(0)
        double = frame.byte_halves == 1  # 8D moves pairs from even addresses
        start = offset & ~1 if double else offset
        count = (offset + length - start + 1) & ~1 if double else length
        frame, head = self._frame(start)
        answer = xspi.on_wire(time.now, clock, frame, head, b"", count)
        if frame.dqs and (answer is None or not soc.nor.drives_dqs):
            raise BusHang(address)
        data = xspi.sampled(frame, answer, count)
        lead = 0 if offset == self._next and self.open_until > time.now else frame.head_clocks * clock
        bursts = -(-length // FIFO)
        time.now += lead + count * frame.byte_halves * clock // 2 + bursts * soc.model.mapped_burst
        self._next = offset + length
        timed = xspi.words.get(CR, 0) & TCEN
        self.open_until = time.now + (xspi.words.get(LPTR, 0) * clock if timed else NEVER)
        return data[offset - start : offset - start + length]

    def write(self, address: int, offset: int, data: bytes) -> None:
        """A store at `offset`. Raises BusHang when not mapped, BusFault without a write set (WCCR is 0)."""
        xspi = self._xspi
        if not xspi.is_mapped:
            raise BusHang(address)
        words = xspi.words
        if not words.get(WCCR, 0):
            raise BusFault(address)
        frame = framing_of(words[WCCR], words.get(WTCR, 0) & 0x1F)
        head = head_of(frame, words.get(WIR, 0), offset, words.get(WABR, 0))
        time, clock = self._soc.time, xspi.clock()
        start = time.now
        time.now += frame.head_clocks * clock + len(data) * frame.byte_halves * clock // 2
        self._next = -1
        xspi.on_wire(start, clock, frame, head, swap_pairs(data) if swaps(frame, xspi.memory_type()) else data)

    def serves_content(self) -> bool:
        """Whether a read gives the plain content of the NOR now, so that the window may be mapped as memory."""
        xspi, soc = self._xspi, self._soc
        if not xspi.is_mapped:
            return False
        frame, head = self._frame(0)
        route = soc.route(xspi.number)
        if not route.hears(frame.data.lines) or not route.reaches(frame.instruction.lines):
            return False
        if frame.dqs and not soc.nor.drives_dqs:
            return False
        if frame.byte_halves == 1 and not swaps(frame, xspi.memory_type()):
            return False
        return soc.nor.serves_content(frame, head, soc.time.now)

    def _frame(self, offset: int) -> tuple[Framing, bytes]:
        """The frame of a read at `offset`."""
        words = self._xspi.words
        frame = framing_of(words.get(CCR, 0), words.get(TCR, 0) & 0x1F)
        return frame, head_of(frame, words.get(IR, 0), offset, words.get(ABR, 0))
