"""XSPI's outer side: its clock, the device it is set up for, and frames sent to whatever its pins lead to.

"RM0456 30.4" is ST's manual of the HSPI in the STM32U5, an older sister of this block: what stands there holds here by
analogy only, where hw-soc is silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from n6prog.sim.clock import PS_PER_SECOND
from n6prog.sim.nor.wire import Framing, swap_pairs
from n6prog.sim.soc.xspi_frame import MTYP_SWAPS
from n6prog.sim.soc.xspi_map import CALFCR, CALSIR, CALSOR, CR, CSSEL, DCR1, DCR2, MSEL, NEVER

if TYPE_CHECKING:
    from n6prog.sim.soc.soc import Soc
    from n6prog.sim.soc.xspi import Xspi

_ROUTING = CSSEL | 3 << MSEL  # what of CR says where frames go
CALIBRATION_CLOCKS = 32  # how long the delay line takes to calibrate is not published (GUESS)
_PERIOD, _QUARTER = 0x0010_0020, 0x0004_0008  # what a calibration finds: plausible (GUESS), a quarter of it by RM0456


class Wire:
    """Sends frames for one XSPI and keeps what outlives a frame: when NCS may fall again, and a calibration due."""

    def __init__(self, xspi: Xspi, soc: Soc) -> None:
        self._xspi = xspi
        self._soc = soc
        self._nor = soc.nor
        self._reaches = soc.reaches[xspi.number] = {}  # by CR's bits and lines, as long as the routes hold
        self._clock = 0  # as last worked out, 0 when it must be again
        self.clear()

    def clear(self) -> None:
        """As after a reset of the block: NCS high for long; leaving reset calls for a calibration (RM0456 30.4.18)."""
        self.free_at = 0  # NCS stays high until then
        self.calibrate = True
        self.clock_changed()
        self.device_changed()

    # ---- what the registers say -----------------------------------------------------------------------------------

    def clock(self) -> int:
        """Picoseconds of one CLK; NEVER while the kernel clock stands still."""
        if not self._clock:
            hertz = self._soc.kernel_hz(self._xspi.number)
            self._clock = PS_PER_SECOND * ((self._xspi.words.get(DCR2, 0) & 0xFF) + 1) // hertz if hertz else NEVER
        return self._clock

    def clock_changed(self) -> None:
        """RCC or DCR2 was written."""
        self._clock = 0

    def device_changed(self) -> None:
        """DCR1 was written."""
        value = self._xspi.words.get(DCR1, 0)
        self.device_size = 2 << (value >> 16 & 0x1F)  # bytes, by DEVSIZE
        self.swapping = value >> 24 & 7 in MTYP_SWAPS  # of each pair of bytes, by MTYP
        self._high_clocks = (value >> 8 & 0x3F) + 1  # CSHT

    def high_time(self, clock: int) -> int:
        """Picoseconds that NCS stays high between frames (DCR1.CSHT)."""
        return self._high_clocks * clock

    def raised(self, moment: int, clock: int) -> None:
        """NCS rises at `moment`."""
        if clock < NEVER:
            self.free_at = moment + self._high_clocks * clock

    def start(self, now: int, clock: int) -> int:
        """When a frame wanted at `now` begins: after the high time of NCS and a calibration that is due."""
        begin = max(now, self.free_at)
        if self.calibrate:
            self.calibrate = False
            words = self._xspi.words
            words[CALFCR] = _PERIOD
            words[CALSOR] = words[CALSIR] = _QUARTER
            begin += CALIBRATION_CLOCKS * clock
        return begin

    # ---- frames ----------------------------------------------------------------------------------------------------

    def reach(self, frame: Framing) -> tuple[bool, bool]:
        """Whether a frame arrives at the NOR, and whether what it answers comes back."""
        way = self._xspi.words.get(CR, 0) & _ROUTING | frame.lines  # no bits in common
        known = self._reaches.get(way)
        if known is None:
            known = self._reaches[way] = self._reach(frame.lines, way & _ROUTING)
        return known

    def _reach(self, lines: int, control: int) -> tuple[bool, bool]:
        route = self._soc.route(self._xspi.number)
        if route.chip_select(bool(control & CSSEL)) != 1 or (lines < 8 and control >> MSEL):
            return False, False  # another device is selected, or other lines than IO0 to IO3
        return route.reaches(lines), route.hears(lines)

    def put(self, start: int, clock: int, frame: Framing, head: bytes, data: bytes, end: int | None = None) -> None:
        """A frame with `data` as the program has them to whatever the pins lead to.

        NCS rises at `end`, by default when the last bit is through.
        """
        if self.reach(frame)[0]:
            out = swap_pairs(data) if frame.pairs and self.swapping else data
            self._nor.transaction(start, clock, frame, head, out, 0, end)

    def get(self, start: int, clock: int, frame: Framing, head: bytes, length: int) -> tuple[bytes, bool]:
        """`length` bytes as the data register holds them, or what floats on the lines; and whether they were sampled.

        With CCR.DQSE nothing is sampled unless the device strobes.
        """
        nor = self._nor
        arrives, heard = self.reach(frame)
        answer = nor.transaction(start, clock, frame, head, b"", length) if arrives else None
        if answer is None or not heard:
            data, strobed = nor.floating.fill(length), False
        else:
            data, strobed = answer, nor.drives_dqs
        return swap_pairs(data) if frame.pairs and self.swapping else data, strobed or not frame.dqs

    def snapshot(self) -> dict[str, int | bool]:
        """The state, JSON-able."""
        return {"free_at": self.free_at, "calibrate": self.calibrate}

    def restore(self, state: Mapping[str, int | bool]) -> None:
        """Take back what `snapshot` gave."""
        self.free_at, self.calibrate = int(state["free_at"]), bool(state["calibrate"])
        self.device_changed()
