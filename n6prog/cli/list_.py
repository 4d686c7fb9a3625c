"""`n6prog list`: the probes that can be named."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from n6prog.cli import text
from n6prog.cli.command import Call, Command
from n6prog.errors import UsageError

if TYPE_CHECKING:
    from n6prog.link import Holder


def run(call: Call) -> None:
    """List connected probes and the simulated boards."""
    from n6prog.link import list_probes
    from n6prog.targets.schema import board_names

    probes = list_probes()
    simulated = [f"sim:{name}" for name in board_names()] + _named(call.settings.probe)
    ready = find_spec("unicorn") is not None
    holders = {name: _simulated_holder(name) for name in simulated}
    call.console.extra["probes"] = [
        {
            "unique_id": probe.unique_id,
            "name": probe.name,
            "firmware": probe.firmware,
            "holder": probe.holder and probe.holder.as_dict(),
        }
        for probe in probes
    ]
    call.console.extra["simulated"] = simulated
    call.console.extra["simulated_holders"] = {name: who.as_dict() for name, who in holders.items() if who}
    rows = [
        (probe.unique_id, probe.name, f"in use by {probe.holder}" if probe.holder else probe.firmware)
        for probe in probes
    ]
    there = "always there" if ready else 'needs: pip install "n6prog[sim]"'
    rows += [(name, "simulated board", f"in use by {holders[name]}" if holders[name] else there) for name in simulated]
    if not probes:
        call.console.say("no probe is connected, or none that this user may open")
    for line in text.listing(rows, indent=""):
        call.console.say(line)


def _named(probe: str | None) -> list[str]:
    """The simulated board that `--probe` names, where it is not one of those that are always there.

    Raises UsageError (E-SIM-SPEC).
    """
    from n6prog.link.find import is_simulated
    from n6prog.sim.named import folder_of, named, probe_name
    from n6prog.sim.state import default_folder

    if probe is None or not is_simulated(probe):
        return []
    try:
        spec = named(probe)
    except ValueError as problem:
        raise UsageError.of("E-SIM-SPEC", "--probe", reason=str(problem)) from problem
    folder = folder_of(spec)
    return [] if folder is None or folder == default_folder(spec.board).resolve() else [probe_name(spec)]


def _simulated_holder(name: str) -> Holder | None:
    """Who has the simulated board of this name."""
    from n6prog.link import Holder
    from n6prog.sim.named import folder_of
    from n6prog.sim.spec import parse_spec
    from n6prog.sim.state import holder_of

    try:
        folder = folder_of(parse_spec(name))
        record = None if folder is None else holder_of(folder)
    except (OSError, RuntimeError):
        return None
    return None if record is None else Holder.of(record)


COMMAND = Command(
    name="list",
    usage="list",
    summary="probes, and who has them; the simulated boards",
    group="Explain",
    run=run,
)
