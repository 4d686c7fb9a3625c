"""From the text that names a simulated board to the board: for whoever opens one, with a probe or without."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from n6prog.sim.clock import Timeline, TimeModel
from n6prog.sim.nor.parts import nor_facts
from n6prog.sim.soc.boards import board_facts
from n6prog.sim.spec import SimSpec, parse_spec
from n6prog.sim.state import default_folder

if TYPE_CHECKING:
    from n6prog.sim.board import SimBoard


def named(text: str) -> SimSpec:
    """The spec behind a text, with the board's full name, and its folder as it is meant here and now.

    Raises ValueError for a bad one, an unknown board or part.
    """
    from n6prog.sim import board_faults

    spec = parse_spec(text)
    try:
        facts = board_facts(spec.board)
        part = nor_facts(spec.part or facts.part)
    except KeyError as problem:
        raise ValueError(str(problem.args[0])) from None
    try:
        board_faults.check(spec.faults, part)
    except ValueError as problem:
        raise ValueError(f"{text!r}: {problem}") from None
    spec = replace(spec, board=facts.name)
    if spec.connect is not None:
        return spec
    return replace(spec, state=str(folder_of(spec) or "none"))


def folder_of(spec: SimSpec) -> Path | None:
    """The state folder a spec means, as an absolute path; None where nothing is kept, or elsewhere."""
    if spec.connect is not None:
        return None
    if spec.state is None:
        return default_folder(spec.board).resolve()
    return None if spec.state == "none" else Path(spec.state).expanduser().resolve()


def probe_name(spec: SimSpec) -> str:
    """The unique id of a probe: the spec that names the same board again."""
    if spec.connect is not None:
        return f"sim:{spec.board},connect={spec.connect}"
    folder = folder_of(spec)
    terms = ["state=none"] if folder is None else [f"state={str(folder).replace('%', '%25').replace(',', '%2C')}"]
    return ",".join([f"sim:{spec.board}", *terms])


def board_of(spec: SimSpec, model: TimeModel, reason: str, host: Timeline | None = None) -> SimBoard:
    """The board, not yet entered; `reason` is told to whoever finds it busy.

    Raises ImportError (no Unicorn), ValueError for a board that another process has (`connect=`).
    """
    if spec.connect is not None:
        raise ValueError(f"connect={spec.connect}: another process has that board")
    from n6prog.sim.board import SimBoard

    return SimBoard(
        spec.board,
        rev=spec.rev,
        boot1=spec.boot1,
        part=spec.part,
        state=folder_of(spec),
        seed=spec.seed,
        faults=spec.faults,
        undriven=spec.undriven,
        schedule=spec.schedule,
        uart_file=Path(spec.uart).expanduser() if spec.uart is not None else None,
        model=model,
        reason=reason,
        host=host,
    )
