"""The core's clock in cycles: what RCC switches it to, and how cycles and picoseconds go over into one another."""

from __future__ import annotations

from n6prog.sim.clock import PS_PER_SECOND, Timeline, TimeModel


class CpuClock:
    """Counts the cycles of `timeline`, the core's own, at the frequency of the moment.

    `hz` is that frequency, `idle` the picoseconds for which the core was halted: they are not counted.
    """

    def __init__(self, timeline: Timeline, model: TimeModel) -> None:
        self._timeline = timeline
        self._cpi_tenths = model.cpi_tenths
        self.hz = model.cpu_hz
        self.idle = 0
        self._counted = 0  # cycles up to `_since`
        self._since = 0  # picoseconds, without the idle ones

    @property
    def now(self) -> int:
        """The core's time (picoseconds)."""
        return self._timeline.now

    @property
    def instruction(self) -> int:
        """Picoseconds of ten instructions; multiply by the count, then divide by ten."""
        return self._cpi_tenths * PS_PER_SECOND // self.hz

    def duration(self, cycles: int) -> int:
        """So many cycles in picoseconds."""
        return cycles * PS_PER_SECOND // self.hz

    def cycles(self) -> int:
        """Cycles since power came on."""
        return self._counted + (self._timeline.now - self.idle - self._since) * self.hz // PS_PER_SECOND

    def time_of(self, cycle: int) -> int:
        """When the count gets to `cycle` (picoseconds), if the core does not halt before."""
        return self._since + self.idle - (-(cycle - self._counted) * PS_PER_SECOND // self.hz)

    def follow(self, hz: int) -> None:
        """From now on a cycle lasts 1/`hz`."""
        self._counted = self.cycles()
        self._since = self._timeline.now - self.idle
        self.hz = hz

    def snapshot(self) -> dict[str, int]:
        """The state, JSON-able."""
        return {"hz": self.hz, "idle": self.idle, "counted": self._counted, "since": self._since}

    def restore(self, state: dict[str, int]) -> None:
        """Take back what `snapshot` gave."""
        self.hz, self.idle = int(state["hz"]), int(state["idle"])
        self._counted, self._since = int(state["counted"]), int(state["since"])
