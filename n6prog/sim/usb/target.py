"""What hangs on a probe's pins, as the probe firmware sees it."""

from __future__ import annotations

from typing import Protocol

from n6prog.sim.clock import Timeline
from n6prog.sim.dap.dp import DebugPort
from n6prog.sim.faults import LinkFaults


class Target(Protocol):
    """A board on the probe's pins. `host` is the probe's clock."""

    dp: DebugPort
    host: Timeline

    @property
    def link_faults(self) -> LinkFaults:
        """What is to go wrong on the way to the probe."""
        ...

    def catch_up(self) -> None:
        """Run the chip until the probe's time."""
        ...

    def drive_reset(self, asserted: bool) -> None:
        """The NRST line."""
        ...

    @property
    def voltage(self) -> float:
        """VDD_TARGET in volts."""
        ...
