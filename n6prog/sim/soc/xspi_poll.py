"""XSPI's automatic polling: only the polls whose outcome can differ are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from n6prog.sim.soc.xspi_map import CR, NEVER, PIR, PMM, PSMAR, PSMKR

if TYPE_CHECKING:
    from n6prog.sim.soc.soc import Soc
    from n6prog.sim.soc.xspi import Xspi


class Poller:
    """Repeats a status read every PIR clocks. Between two changes of the NOR all polls see the same and are skipped."""

    def __init__(self, xspi: Xspi, soc: Soc) -> None:
        self._xspi = xspi
        self._soc = soc
        self.data = b""  # what the last poll sampled
        self._at = NEVER  # start of the next poll that matters
        self._duration = 0
        self._match_at = NEVER

    def start(self, now: int) -> None:
        """The first poll goes out at `now`."""
        self._at = now
        self._match_at = NEVER
        self._once()

    def matched(self, now: int) -> bool:
        """Whether a match was found by `now`; told once."""
        while self._match_at == NEVER and self._at != NEVER and self._at + self._duration <= now:
            self._once()
        if self._match_at > now:
            return False
        self._match_at = NEVER
        return True

    def next_event(self) -> int:
        """When there can be news; NEVER when the NOR does not change any more."""
        if self._match_at != NEVER:
            return self._match_at
        return NEVER if self._at == NEVER else self._at + self._duration

    def _once(self) -> None:
        """One status read at `_at`."""
        start = self._at
        data, self._duration, clock = self._xspi.poll_frame(start)
        self.data = data[:4]
        words = self._xspi.words
        mask = words.get(PSMKR, 0)
        control = words.get(CR, 0)
        differs = (int.from_bytes(self.data, "little") ^ words.get(PSMAR, 0)) & mask
        period = self._duration + words.get(PIR, 0) * clock
        if differs != mask if control & PMM else differs == 0:
            self._match_at = start + self._duration
            self._at = start + period  # with APMS the transfer is over and nobody asks
            return
        change = self._soc.nor.next_change(start)
        self._at = NEVER if change is None else start + max(1, -(-(change - start) // period)) * period
