"""`n6prog sim`: simulated boards from outside: their power, and what lies in a state folder."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from n6prog.cli import sim_serve, text
from n6prog.cli.command import Call, Command, usage
from n6prog.errors import ProbeNotFound, UsageError
from n6prog.link import Holder, in_use
from n6prog.values import nearest

if TYPE_CHECKING:
    from n6prog.sim.board import SimBoard
    from n6prog.sim.inspection import Inspection

_SWITCH = ("on", "off", "cycle")
_MIB = 1 << 20


def run(call: Call) -> None:
    """Do what the first word says."""
    what, *words = call.items()
    action = ACTIONS.get(what)
    if action is None:
        near = nearest(what, list(ACTIONS))
        raise usage(
            f"n6prog sim has no {what!r}", (f"Did you mean {near}? " if near else "") + f"Usage: n6prog {COMMAND.usage}"
        )
    action(call, words)


def power(call: Call, words: list[str]) -> None:
    """`sim power STATE on|off|cycle [--boot1 N]`."""
    if len(words) != 2 or words[1] not in _SWITCH:
        raise usage("sim power wants a state folder and on, off or cycle", "n6prog sim power STATE on|off|cycle")
    folder, switch = _folder(words[0]), words[1]
    pin = None if call.settings.boot1 is None else int(call.settings.boot1)
    known = _look(folder)
    if pin is not None and switch == "on" and known.powered and not known.pulled and pin != known.boot1:
        raise usage(
            "BOOT1 counts when power comes on, and the board has power",
            f"n6prog sim power {words[0]} cycle --boot1 {pin}",
        )
    if call.settings.dry_run:
        call.console.say(f"dry run: {folder} stays as it is")
        return
    with _opened(folder, known) as board:
        if switch != "on":
            board.power_off()
        if pin is not None:
            board.boot1 = pin
        if switch != "off":
            board.power_on()
    _show(call, folder)


def inspect(call: Call, words: list[str]) -> None:
    """`sim inspect STATE`."""
    if len(words) != 1:
        raise usage("sim inspect wants one state folder", "n6prog sim inspect STATE")
    _show(call, _folder(words[0]))


def _folder(word: str) -> Path:
    """The folder that a word means: itself, or the one in a simulated board's name."""
    from n6prog.sim.spec import parse_spec
    from n6prog.sim.state import default_folder

    if not word.startswith("sim:") and word != "sim":
        return Path(word).expanduser().resolve()
    try:
        spec = parse_spec(word)
    except ValueError as problem:
        raise UsageError.of("E-SIM-SPEC", word, reason=str(problem)) from problem
    if spec.connect is not None:
        raise usage("a board with connect= is in another process", "Name its state folder once sim serve has ended.")
    if spec.state == "none":
        raise usage("a board with state=none ends with its process", "Name a state folder.")
    return (Path(spec.state).expanduser() if spec.state else default_folder(spec.board)).resolve()


def _look(folder: Path) -> Inspection:
    from n6prog.sim.inspection import inspect

    try:
        return inspect(folder)
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
        raise UsageError.of("E-SIM-STATE", str(folder), reason=reason) from problem


@contextmanager
def _opened(folder: Path, known: Inspection) -> Iterator[SimBoard]:
    """The board in `folder`. Raises ProbeBusy, ProbeNotFound (no Unicorn), UsageError (the folder)."""
    try:
        from n6prog.sim.board import SimBoard
    except ImportError as problem:
        raise ProbeNotFound.of("E-SIM-EXTRA", reason=str(problem)) from problem
    from n6prog.sim import BoardBusy

    try:
        name, part = known.board or _fitting(known.nor_bytes), known.part
        with SimBoard(name, boot1=None, part=part, state=folder, reason="n6prog sim power") as board:
            yield board
    except BoardBusy as busy:
        raise in_use(f"the simulated board {folder}", busy.holder) from busy
    except (OSError, ValueError, KeyError) as problem:
        raise UsageError.of("E-SIM-STATE", str(folder), reason=str(problem)) from problem


def _fitting(size: int) -> str:
    """The board whose NOR has that size, for a folder that does not tell."""
    from n6prog.sim.nor.parts import nor_facts
    from n6prog.sim.soc.boards import BOARDS

    for name, facts in BOARDS.items():
        if nor_facts(facts.part).size == size:
            return name
    raise ValueError(f"its NOR holds {size} bytes, and no board has such a part")


def _show(call: Call, folder: Path) -> None:
    found = _look(folder)
    call.console.extra["sim"] = found.as_dict()
    for line in lines(found):
        call.console.say(line)


def lines(found: Inspection) -> list[str]:
    """What lies in the folder, one fact a line."""
    unknown = "not known"
    power = {True: "on", False: "off", None: unknown}[found.powered]
    if found.holder is not None:
        power = "the board is in use; what follows is how it was taken"
    elif found.pulled:
        power = "cut when its last process died; comes on anew at the next use"
        if found.journal_problem is not None:
            power = "comes on anew at the next use, as after a power cut"
    boot = {0: "0 (flash boot)", 1: "1 (development boot)", None: unknown}[found.boot1]
    busy = f" for {text.seconds(found.nor_busy_seconds)} more" if found.nor_busy_seconds else ""
    rows = [
        ("folder", found.folder),
        ("board", f"{found.board or unknown}, silicon rev {found.rev or unknown}"),
        ("power", power),
        ("BOOT1", boot),
        ("NOR", f"{found.part or unknown}, {found.nor_bytes / _MIB:g} MiB"),
        ("virtual time", f"{found.virtual_seconds:.6f} s since power first came on"),
        ("in use by", str(Holder.of(found.holder)) if found.holder is not None else "nobody"),
    ]
    if found.journal_problem is not None:
        rows.insert(2, ("journal", found.journal_problem))
    if found.nor_mode is not None:
        rows.insert(5, ("NOR state", f"bus mode {found.nor_mode}, {found.nor_state}{busy}"))
    if found.core is not None:
        rows.insert(6, ("core", found.core))
    return text.listing(rows, indent="")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("items", nargs="+", metavar="ACTION", help="serve, power or inspect, and what they want")


ACTIONS: dict[str, Callable[[Call, list[str]], None]] = {
    "serve": sim_serve.serve,
    "power": power,
    "inspect": inspect,
}

COMMAND = Command(
    name="sim",
    usage="sim serve|power|inspect",
    summary="a simulated board: doors for OpenOCD and others, its power, what lies in its folder",
    group="More",
    run=run,
    settings=("boot1", *sim_serve.SETTINGS),
    arguments=_arguments,
    details="""\
examples:
  n6prog sim serve nucleo-n657x0-q,state=board
  n6prog sim inspect board
  n6prog sim power board cycle --boot1 0
  n6prog sim power sim:stm32n6570-dk off

STATE is the folder of a simulated board (state=DIR), or the board's name as in --probe.""",
)
