"""`n6prog sim serve`: a simulated board that outlives its clients, behind TCP ports."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from n6prog.cli.command import Call, usage
from n6prog.config import BY_NAME
from n6prog.errors import FlashFailure, ProbeNotFound, UsageError
from n6prog.events import EventType
from n6prog.link import in_use

if TYPE_CHECKING:
    from n6prog.sim.serve.serving import Ports
    from n6prog.sim.spec import SimSpec

_PORTS = ("stlink_port", "cmsis_dap_port", "uart_port", "n6prog_port")
SETTINGS = (*_PORTS, "listen", "time_scale")


def serve(call: Call, words: list[str]) -> None:
    """Open the board that a word or `--probe` names and serve it until SIGINT or SIGTERM."""
    probe = _probe(call, words)
    spec, ports, scale = _spec(probe), _ports(call), _scale(call.settings.time_scale)
    if call.settings.dry_run:
        call.console.say("dry run: no board was opened")
        return
    try:
        _serve(call, spec, ports, scale)
    except Exception as problem:
        known = _known(problem, probe)
        if known is None:
            raise
        raise known from problem


def _serve(call: Call, spec: SimSpec, ports: Ports, scale: float) -> None:
    from n6prog.sim.serve.serving import LOOPBACK, Signals, serving

    console = call.console
    address = _address(call.settings.listen or LOOPBACK)
    with Signals() as signals, serving(spec, ports, console.say, address=address, time_scale=scale) as server:
        doors = [{"name": name, "address": address, "port": port} for name, port in server.ports.items()]
        for name, port in server.ports.items():
            console.say(f"{name}: {address} port {port}")
        if not ip_address(address).is_loopback:
            console.say("warning: whoever reaches this address controls the board; nobody is asked who they are")
        console.emit(EventType.BEGIN, action="sim serve", board=spec.board, doors=doors)
        signals.run(server)
    console.say("the board stays as it is")


def _probe(call: Call, words: list[str]) -> str:
    """The simulated board meant: the word, a name as in `--probe` with or without its sim:; `--probe`; the default."""
    if len(words) > 1 or (words and getattr(call.args, "probe", None)):
        raise usage(f"{words[-1]!r} is one word too many", "n6prog sim serve [BOARD[,state=FOLDER]]")
    if not words:
        return call.settings.probe or "sim"
    word = words[0]
    return word if word.lower() == "sim" or word.lower().startswith("sim:") else f"sim:{word}"


def _spec(probe: str) -> SimSpec:
    from n6prog.sim.named import named

    if probe.lower() != "sim" and not probe.lower().startswith("sim:"):
        raise usage(f"{probe!r} is not a simulated board", "--probe sim[:BOARD[,key=value...]]")
    try:
        return named(probe)
    except ValueError as problem:
        raise UsageError.of("E-SIM-SPEC", probe, reason=str(problem)) from problem


def _ports(call: Call) -> Ports:
    from n6prog.sim.serve.serving import Ports

    given: dict[str, int | None] = {}
    for name in _PORTS:
        typed: str | None = getattr(call.settings, name)
        if typed is None:
            continue
        if typed != "off" and not (typed.isascii() and typed.isdecimal() and int(typed) < 1 << 16):
            raise usage(f"{BY_NAME[name].option} {typed} is no port", "0 to 65535, or off.")
        given[name.removesuffix("_port")] = None if typed == "off" else int(typed)
    ports = Ports(**given)
    if ports == Ports(None, None, None, None):
        raise usage("a board without doors serves nobody", "Leave one of the ports on.")
    return ports


def _address(typed: str) -> str:
    try:
        return str(ip_address(typed))
    except ValueError:
        raise usage(
            f"--listen {typed} is no IP address", "--listen 0.0.0.0 is every network of this machine."
        ) from None


def _scale(typed: str | None) -> float:
    try:
        scale = float(typed or 1)
    except ValueError:
        scale = -1.0
    if not 0 <= scale <= 1000:
        raise usage(f"--time-scale {typed} is no factor", "0 to 1000; 1 is wall time.")
    return scale


def _known(problem: Exception, probe: str) -> Exception | None:
    """What went wrong as an error of ours; None for a defect."""
    from n6prog.sim.errors import BoardBusy, SimTripwire

    if isinstance(problem, BoardBusy):
        return in_use(probe, problem.holder)
    if isinstance(problem, SimTripwire):
        return FlashFailure.of("E-SIM-TRIPWIRE", probe, reason="; ".join(problem.violations))
    if isinstance(problem, ImportError) and problem.name in ("unicorn", None):
        return ProbeNotFound.of("E-SIM-EXTRA", probe, reason=str(problem))
    if isinstance(problem, OSError | ValueError):
        reason = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
        return usage(f"sim serve cannot start: {reason}", "Another port (0 is any), another folder in state=.")
    return None
