"""XSPI's automatic polling: only the polls whose outcome can differ are made (hw-soc 7.3, RM0456 30.4.15)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from n6prog.sim.soc.xspi_map import CR, NEVER, PIR, PMM, PSMAR, PSMKR

if TYPE_CHECKING:
    from n6prog.sim.soc.soc import Soc
    from n6prog.sim.soc.xspi import Xspi

LONGEST = 4  # bytes of a poll; a longer DLR is not obeyed (RM0456)


class Poller:
    """Repeats a status read every PIR clocks. Polls are numbered from 0.

    Between two changes of the NOR all polls see the same: poll `_next` is the first whose outcome may be another, all
    before it that are not yet `_seen` have the outcome `_matching`.
    """

    def __init__(self, xspi: Xspi, soc: Soc) -> None:
        self._xspi = xspi
        self._soc = soc
        self.clear()

    def clear(self) -> None:
        """No polling."""
        self.data = b""  # what the last poll sampled
        self._begin = self._clock = 0
        self._duration, self._period = NEVER, 1
        self._length = 0
        self.matching = False
        self._next = 0
        self._seen = 0  # polls accounted for
        self._taken = 0  # polls done when DR was last read
        self._derive()

    def _derive(self) -> None:
        """The same as moments.

        Until `quiet_until` nothing can be seen but that there are polls that do not match; 0 where that is not sure.
        From `fresh_at` on there is a poll since DR was last read.
        """
        period = self._period
        first = self._begin + self._duration  # the end of poll 0
        self._due = due = min(first + self._next * period, NEVER)
        self.quiet_until = 0 if self.matching or due == NEVER else due
        self.fresh_at = first + self._taken * period

    def start(self, length: int) -> None:
        """The first poll of `length` bytes begins; the next one PIR clocks after its end, NCS high time at least."""
        xspi = self._xspi
        transfer = xspi.transfer
        frame, clock = transfer.frame, transfer.clock
        self._length = length = min(length, LONGEST)
        self._begin, self._clock = transfer.begin, clock
        self._duration = duration = frame.head_clocks * clock + length * frame.byte_halves * clock // 2
        self._period = duration + max(xspi.words.get(PIR, 0) * clock, xspi.wire.high_time(clock))
        self._seen = self._taken = 0
        self._make(0)

    def _make(self, number: int) -> None:
        """One poll."""
        xspi, nor = self._xspi, self._soc.nor
        transfer, load = xspi.transfer, xspi.words.get
        start = self._begin + number * self._period
        change = nor.next_change(start)  # before the frame, which lets what falls into it happen
        self.data, strobed = xspi.wire.get(start, self._clock, transfer.frame, transfer.head, self._length)
        mask = load(PSMKR, 0)
        differs = (int.from_bytes(self.data, "little") ^ load(PSMAR, 0)) & mask
        self.matching = strobed and (differs != mask if load(CR, 0) & PMM else differs == 0)
        if change is None:
            change = nor.next_change(start)
        self._next = NEVER
        if not strobed:
            self._duration = NEVER  # waits for edges of DQS for ever
        elif change is not None:
            # what is over by then has not seen it
            self._next = max(number + 1, (change - self._begin - self._duration) // self._period + 1)
        self._derive()

    def _done(self, now: int) -> int:
        """How many polls are over; 0 or less before the first."""
        return (now - self._begin - self._duration) // self._period + 1

    def matched(self, now: int, once: bool) -> bool:
        """Whether a poll that nobody has looked at yet had matched by `now`; `once`: the first one ends the polling."""
        found = False
        while True:
            done = self._done(now)
            known = min(done, self._next)
            if known > self._seen:
                self._seen = known
                found = found or self.matching
                if found and once:
                    return True
            if self._next >= done:
                return found
            self._make(self._next)

    def fresh(self, now: int) -> bool:
        """FTF: whether there was a poll since DR was last read."""
        return now >= self.fresh_at

    def take(self, now: int) -> int:
        """DR: the bytes of the last poll."""
        self._taken = self._done(now)
        self._derive()
        return int.from_bytes(self.data, "little")

    def next_event(self, every: bool) -> int:
        """When there can be news: a match, a poll whose outcome may differ, or (`every`) just the next poll's end."""
        if not every and not self.matching:
            return self._due
        return min(self._begin + self._seen * self._period + self._duration, NEVER)

    def snapshot(self) -> dict[str, object]:
        """The state, JSON-able."""
        return {
            "data": self.data.hex(),
            "begin": self._begin,
            "duration": self._duration,
            "clock": self._clock,
            "period": self._period,
            "length": self._length,
            "matching": self.matching,
            "next": self._next,
            "seen": self._seen,
            "taken": self._taken,
        }

    def restore(self, state: Mapping[str, int | str]) -> None:
        """Take back what `snapshot` gave."""
        self.data = bytes.fromhex(str(state["data"]))
        self._begin, self._duration = int(state["begin"]), int(state["duration"])
        self._clock, self._period, self._length = int(state["clock"]), int(state["period"]), int(state["length"])
        self.matching = bool(state["matching"])
        self._next, self._seen, self._taken = int(state["next"]), int(state["seen"]), int(state["taken"])
        self._derive()
