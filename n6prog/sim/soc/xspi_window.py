"""XSPI's memory-mapped mode: bus accesses as frames, prefetch, time-out (hw-soc 7.3; RM0456 30.4.15 to 30.4.19)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from n6prog.sim.nor.wire import Framing
from n6prog.sim.soc.bus import BusFault, BusHang
from n6prog.sim.soc.xspi_frame import frame_at, framing_of
from n6prog.sim.soc.xspi_map import (
    ABR,
    CCR,
    CR,
    DQSE,
    FIFO,
    IR,
    LPTR,
    NEVER,
    NOPREF,
    TCEN,
    TCR,
    WABR,
    WCCR,
    WIR,
    WTCR,
)

if TYPE_CHECKING:
    from n6prog.sim.soc.soc import Soc
    from n6prog.sim.soc.xspi import Xspi

_WHOLE_WINDOW = 1 << 28


class Window:
    """Bus accesses turned into frames by the read set (CCR, TCR, IR) and the write set (WCCR, WTCR, WIR).

    NCS stays low after an access, so a read that goes on where the last one stopped needs no new head, and stores to
    following addresses are one frame. It rises for another access, at the time-out, or when the mode is left.
    """

    def __init__(self, xspi: Xspi, soc: Soc) -> None:
        self._xspi = xspi
        self._soc = soc
        self.clear()

    def clear(self) -> None:
        """As after a reset."""
        self.open_until = 0  # NCS is low until then; 0 when it is high
        self.touched = False  # an access was made: BUSY from then on (RM0456 30.4.19)
        self._next = -1  # offset at which the last access stopped
        self._flow = 0  # since when the FIFO fills with what follows it
        self._store: bytearray | None = None  # the frame of stores under way
        self._first = 0  # its offset
        self._start = 0  # its time

    def raise_select(self, moment: int) -> None:
        """NCS rises at `moment`; a frame of stores reaches the device with that."""
        if not self.open_until:
            return
        xspi, store = self._xspi, self._store
        clock = xspi.wire.clock()
        self.open_until, self._next, self._store = 0, -1, None
        xspi.wire.raised(moment, clock)
        if store is not None:
            frame, head = self._write_frame(self._first)
            xspi.wire.put(self._start, clock, frame, head, bytes(store), moment)
            self._soc.mapping_changed()

    def timed_out(self, now: int) -> bool:
        """Whether the time-out has raised NCS by `now`; told once."""
        if 0 < self.open_until <= now:
            self.raise_select(self.open_until)
            return True
        return False

    # ---- accesses --------------------------------------------------------------------------------------------------

    def _check(self, address: int, end: int, ccr: int) -> int:
        """The clock, if an access up to offset `end` can be served. Raises BusFault, BusHang."""
        xspi = self._xspi
        size = xspi.wire.device_size
        if not xspi.is_mapped or end > size or not ccr >> 24 & 7:
            raise BusFault(address)  # RM0456 30.4.17: not mapped, beyond the device, no data phase
        clock = xspi.wire.clock()
        if clock == NEVER or end == size == _WHOLE_WINDOW:
            raise BusHang(address)  # no clock; the last address of 256 MB (ES0620 2.4.6)
        if 0 < self.open_until <= self._soc.time.now:
            xspi.settle(self._soc.time.now)
        return clock

    def read(self, address: int, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`. Raises BusFault where the block refuses, BusHang where nothing ever comes."""
        xspi, soc = self._xspi, self._soc
        time, wire, load = soc.time, xspi.wire, xspi.words.get
        clock = self._check(address, offset + length, load(CCR, 0))
        frame, head = self._frame(offset)
        start, count = offset, length
        if frame.byte_halves == 1:  # 8D moves pairs from even addresses
            if offset & 1:
                start = offset - 1
                frame, head = self._frame(start)
            count = (offset + length - start + 1) & ~1
        byte = frame.byte_halves * clock // 2 or 1  # DMODE may name no lines, as in Transfer
        if offset == self._next and self._store is None:
            begin = time.now
            data_at = self._ahead_since(byte)
        else:
            self.raise_select(time.now)
            begin = wire.start(time.now, clock)
            data_at = begin + frame.head_clocks * clock
        data, strobed = wire.get(begin, clock, frame, head, count)
        self.touched = True
        if not strobed:
            self.open_until = NEVER
            raise BusHang(address)
        self._came(offset + length, length, data_at + count * byte, byte, clock)
        return data if count == length else data[offset - start : offset - start + length]

    def pass_over(self, address: int, offset: int, length: int) -> None:
        """`read` of whole words that nobody looks at, where the window `serves_content`.

        Where the newest read goes on there is no frame to be answered: the part drives the lines on.
        """
        ccr = self._xspi.words[CCR]
        clock = self._check(address, offset + length, ccr)
        if offset != self._next or self._store is not None:
            self.read(address, offset, length)
            return
        byte = framing_of(ccr, 0).byte_halves * clock // 2 or 1  # as in `read`
        self._soc.nor.drive_on(offset + length)
        self._came(offset + length, length, self._ahead_since(byte) + length * byte, byte, clock)

    def _ahead_since(self, byte: int) -> int:
        """When the first byte of a read that goes on began to come: the FIFO goes on to fetch what follows."""
        now = self._soc.time.now
        fetched = (now - self._flow) // byte
        return now - min(fetched, self._most_ahead()) * byte

    def _most_ahead(self) -> int:
        return 0 if self._xspi.words[CR] & NOPREF else FIFO

    def _came(self, offset: int, length: int, end: int, byte: int, clock: int) -> None:
        """The last of `length` bytes of a read, the one before `offset`, came at `end`; a byte takes `byte`."""
        time = self._soc.time
        self._flow = end
        time.now = max(time.now, end) + -(-length // FIFO) * self._soc.model.mapped_burst
        self._keep_open(offset, max(time.now, end + self._most_ahead() * byte), clock)

    def write(self, address: int, offset: int, data: bytes) -> None:
        """A store at `offset`. Raises BusFault, BusHang."""
        xspi, time = self._xspi, self._soc.time
        ccr = xspi.load(WCCR)
        clock = self._check(address, offset + len(data), ccr)
        frame, _ = self._write_frame(offset)
        if frame.byte_halves == 1 and not ccr & DQSE:
            raise BusFault(address)  # RM0456 30.4.17: octal DTR without DQS
        if self._store is None or offset != self._next:
            self.raise_select(time.now)
            self._start = xspi.wire.start(time.now, clock)
            self._first, self._store = offset, bytearray()
            time.now = self._start + frame.head_clocks * clock
        self._store += data
        time.now += len(data) * frame.byte_halves * clock // 2
        self.touched = True
        self._keep_open(offset + len(data), time.now, clock)
        self._soc.mapping_changed()

    def _keep_open(self, offset: int, still: int, clock: int) -> None:
        """NCS stays low; the clock stands from `still` on, and the time-out runs if it is enabled."""
        load = self._xspi.words.get
        self._next = offset
        self.open_until = still + load(LPTR, 0) * clock if load(CR, 0) & TCEN else NEVER
        if self._xspi.interrupts:
            self._soc.irq_changed()

    def serves_content(self) -> bool:
        """Whether a read of the mapped window gives the plain content of the NOR now, so that it may be memory."""
        xspi, soc = self._xspi, self._soc
        load = xspi.load
        if self._store is not None or xspi.wire.clock() == NEVER or not load(CCR) >> 24:
            return False
        if xspi.interrupts:
            return False  # every access counts: the time-out runs from it
        frame, head = self._frame(0)
        if xspi.wire.reach(frame) != (True, True) or (frame.dqs and not soc.nor.drives_dqs):
            return False
        if frame.byte_halves == 1 and not (frame.pairs and xspi.wire.swapping):
            return False
        return soc.nor.serves_content(frame, head, soc.time.now) and soc.nor.keeps_up(head[0], xspi.wire.clock())

    def _frame(self, offset: int) -> tuple[Framing, bytes]:
        """The frame of a read at `offset`."""
        load = self._xspi.words.get
        return frame_at(load(CCR, 0), load(TCR, 0), load(IR, 0), offset, load(ABR, 0))

    def _write_frame(self, offset: int) -> tuple[Framing, bytes]:
        """The frame of a store at `offset`."""
        load = self._xspi.load
        return frame_at(load(WCCR), load(WTCR), load(WIR), offset, load(WABR))

    def snapshot(self) -> dict[str, object]:
        """The state, JSON-able."""
        return {
            "open_until": self.open_until,
            "touched": self.touched,
            "next": self._next,
            "flow": self._flow,
            "store": None if self._store is None else self._store.hex(),
            "first": self._first,
            "start": self._start,
        }

    def restore(self, state: Mapping[str, int | str | None]) -> None:
        """Take back what `snapshot` gave."""
        number = {name: int(value) for name, value in state.items() if isinstance(value, int)}
        store = state["store"]
        self.open_until, self.touched = number["open_until"], bool(number["touched"])
        self._next, self._flow = number["next"], number["flow"]
        self._store = bytearray.fromhex(store) if isinstance(store, str) else None
        self._first, self._start = number["first"], number["start"]
