"""The simulated board as a pyOCD probe: pyOCD's own drivers over a simulated ST-Link V3 or CMSIS-DAP v2.

Importing this needs pyOCD, and Unicorn only once a probe is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from n6prog.sim.named import folder_of, named
from n6prog.sim.probe_base import ProbeBusy, ProbeState, ProbeTripwire, SimProbe, StateNotKept
from n6prog.sim.spec import SimSpec

if TYPE_CHECKING:
    from n6prog.sim.probe_cmsisdap import CmsisDapSimProbe
    from n6prog.sim.probe_stlink import StlinkSimProbe

__all__ = [
    "ProbeBusy",
    "ProbeState",
    "ProbeTripwire",
    "SimProbe",
    "StateNotKept",
    "folder_of",
    "probe_class",
    "probe_for",
]


def probe_for(text: str) -> SimProbe:
    """The probe that a spec names, not yet open. Raises ValueError for a bad spec, an unknown board or part."""
    spec = named(text)
    return probe_class(spec)(spec)


def probe_class(spec: SimSpec) -> type[StlinkSimProbe | CmsisDapSimProbe]:
    """The class whose driver of pyOCD speaks to the probe that `link=` names."""
    if spec.link == "cmsis-dap":
        from n6prog.sim.probe_cmsisdap import CmsisDapSimProbe

        return CmsisDapSimProbe
    from n6prog.sim.probe_stlink import StlinkSimProbe

    return StlinkSimProbe
