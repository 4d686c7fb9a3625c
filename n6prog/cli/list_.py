"""`n6prog list`: the probes that can be named."""

from __future__ import annotations

from importlib.util import find_spec

from n6prog.cli import text
from n6prog.cli.command import Call, Command


def run(call: Call) -> None:
    """List connected probes and the simulated boards."""
    from n6prog.link import list_probes
    from n6prog.targets.schema import board_names

    probes = list_probes()
    simulated = [f"sim:{name}" for name in board_names()]
    ready = find_spec("unicorn") is not None
    call.console.extra["probes"] = [
        {"unique_id": probe.unique_id, "name": probe.name, "firmware": probe.firmware, "holder": probe.holder}
        for probe in probes
    ]
    call.console.extra["simulated"] = simulated
    rows = [
        (probe.unique_id, probe.name, f"held by {probe.holder}" if probe.holder else probe.firmware) for probe in probes
    ]
    rows += [
        (name, "simulated board", "always there" if ready else 'needs: pip install "n6prog[sim]"') for name in simulated
    ]
    if not probes:
        call.console.say("no probe is connected, or none that this user may open")
    for line in text.listing(rows, indent=""):
        call.console.say(line)


COMMAND = Command(
    name="list",
    usage="list",
    summary="probes, and the simulated boards",
    group="Explain",
    run=run,
)
