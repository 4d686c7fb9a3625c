"""Which debug probes there are, and the one that is meant. Never prompts, never waits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from n6prog.errors import N6ProgError, ProbeNotFound, UsageError
from n6prog.link import lock
from n6prog.link.holder import Holder, holder_of_file
from n6prog.link.pyocd_import import load_pyocd
from n6prog.link.types import ProbeInfo


def is_simulated(probe: str | None) -> bool:
    """Whether this `--probe` value names the simulated board."""
    return probe is not None and (probe.lower() == "sim" or probe.lower().startswith("sim:"))


def list_probes() -> list[ProbeInfo]:
    """The probes that are plugged in, without opening any of them; simulated boards are never among them."""
    return [describe(probe) for probe in _plugged_in()]


def describe(probe: Any) -> ProbeInfo:
    """What is known of a pyOCD probe object, more of it once it is open."""
    link = getattr(probe, "_link", None)
    is_open = getattr(probe, "is_open", False)
    return ProbeInfo(
        unique_id=probe.unique_id,
        name=probe.product_name,
        firmware=getattr(link, "version_str", None) or getattr(probe, "firmware_version", None) or "",
        voltage=getattr(link, "target_voltage", None) or None if is_open else None,
        holder=None if is_open else holder_of(probe),
    )


def choose(wanted: str | None) -> Any:
    """The pyOCD probe object for a `--probe` value: None (the only one there is), a part of an id, or "sim...".

    Raises ProbeNotFound (E-NO-PROBE, E-PROBE-AMBIGUOUS, E-SIM-EXTRA) or UsageError (E-SIM-SPEC).
    """
    if wanted is not None and is_simulated(wanted):
        return _simulated(wanted)
    probes = _plugged_in()
    looked_for = f' whose id holds "{wanted}"' if wanted else ""
    fitting = [probe for probe in probes if not wanted or wanted.lower() in probe.unique_id.lower()]
    exact = [probe for probe in fitting if wanted and probe.unique_id.lower() == wanted.lower()]
    fitting = exact or fitting
    if not fitting:
        if probes:
            looked_for += f" (plugged in: {_names(probes)})"
        raise ProbeNotFound.of("E-NO-PROBE", looked_for=looked_for)
    if len(fitting) > 1:
        raise ProbeNotFound.of("E-PROBE-AMBIGUOUS", looked_for=looked_for, count=len(fitting), probes=_names(fitting))
    return fitting[0]


def _names(probes: list[Any]) -> str:
    return ", ".join(f"{probe.unique_id} ({probe.product_name})" for probe in probes)


def _plugged_in() -> list[Any]:
    load_pyocd()
    from pyocd.probe.aggregator import DebugProbeAggregator

    return list(DebugProbeAggregator.get_all_connected_probes())


def _simulated(spec: str) -> Any:
    try:
        import unicorn  # noqa: F401
    except ImportError as exc:
        raise ProbeNotFound.of("E-SIM-EXTRA", spec, reason=str(exc)) from None
    load_pyocd()

    from n6prog.sim.probe import probe_for

    try:
        return probe_for(spec)
    except N6ProgError:
        raise
    except (ValueError, OSError) as exc:
        raise UsageError.of("E-SIM-SPEC", spec, reason=str(exc)) from None


def holder_of(probe: Any) -> Holder | None:
    """Who has this probe: by our lock, or by its USB device being open (Linux); None for nobody, or nobody known."""
    held = lock.holder_of(probe.unique_id)
    if held is not None:
        return held
    device = getattr(getattr(getattr(probe, "_link", None), "_device", None), "_dev", None)
    bus, address = getattr(device, "bus", None), getattr(device, "address", None)
    if bus is None or address is None:
        return None
    return holder_of_file(Path(f"/dev/bus/usb/{bus:03d}/{address:03d}"))
