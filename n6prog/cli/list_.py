"""`n6prog list`: the probes that can be named."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from n6prog.cli import text
from n6prog.cli.command import Call, Command

if TYPE_CHECKING:
    from n6prog.link import Holder


def run(call: Call) -> None:
    """List connected probes and the simulated boards."""
    from n6prog.link import list_probes
    from n6prog.targets.schema import board_names

    probes = list_probes()
    simulated = [f"sim:{name}" for name in board_names()]
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


def _simulated_holder(name: str) -> Holder | None:
    """Who has the simulated board of this name at the place where it lives when no other is named."""
    from n6prog.link import Holder
    from n6prog.sim.state import default_folder, holder_of

    try:
        record = holder_of(default_folder(name.removeprefix("sim:")))
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
