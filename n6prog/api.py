"""The public functions: `check` judges files without a probe, `connect` gives the board behind a probe."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING

from n6prog.errors import UsageError
from n6prog.events import OnEvent, ignore
from n6prog.values import ValueFault, did_you_mean, parse_clock

if TYPE_CHECKING:
    from n6prog.flash_algos import LoaderImage
    from n6prog.flows.board import Board
    from n6prog.flows.source import Files
    from n6prog.layout.types import Placement
    from n6prog.targets.schema import BoardProfile

DEFAULT_BOARD = "nucleo-n657x0-q"


def check(
    *files: Files,
    board: str | PathLike[str] | BoardProfile | None = None,
    header: str = "auto",
    slot: str | None = None,
    maps: Sequence[str] = (),
) -> Placement:
    """Judge whether files can be flashed, and where they would go. Opens no probe, writes nothing.

    `files`: paths, "FILE@ADDR" or "FILE@SLOT". `board`: name or path of a board profile (None: the NUCLEO-N657X0-Q).
    `header`: auto, keep, none, 2.1 or 2.3. `slot`: put a headerless file into this slot. `maps`: "FROM=TO" address
    rules.
    The placement's `findings` say everything that is wrong; it raises UsageError only for what is no matter of content
    (a file that is not there, a board that is not known).
    """
    from n6prog.flows.source import place_files, profile

    return place_files(files, profile(board or DEFAULT_BOARD), header=header, slot=slot, maps=maps)


def connect(
    probe: str | None = None,
    *,
    board: str | PathLike[str] | BoardProfile | None = None,
    swd_clock: str | int = "auto",
    connect: str = "auto",
    wait: float = 0.0,
    on_event: OnEvent | None = None,
    loader: str | PathLike[str] | LoaderImage | None = None,
    lazy: bool = False,
) -> Board:
    """The board behind a probe, as a context manager.

    `probe`: unique id or part of one, "sim[:BOARD[,key=value...]]", None for the only probe there is. `board`: name or
    path of a profile; None takes the one a simulated probe names, else the NUCLEO-N657X0-Q. `swd_clock`: "auto", hertz,
    or "8M". `connect`: auto, under-reset, attach, halt. `wait`: seconds to wait for a busy or absent probe. `loader`:
    "resident" (jobs while it runs, the default), "classic" (a call a step), or another loader image. `lazy`: open the
    probe only when a call needs it, so that files are judged before any hardware is touched.

    Raises UsageError, ProbeNotFound, ProbeBusy, TargetUnreachable; with `lazy` the last three come from the first call.
    """
    from n6prog.flows.board import Board
    from n6prog.flows.source import profile

    known = profile(board_for(probe, board))
    opened = Board(
        probe,
        board=known,
        swd_clock=clock(swd_clock),
        connect=connect,
        wait=wait,
        on_event=on_event or ignore,
        loader=loader,
    )
    if not lazy:
        opened.open()
    return opened


def board_for(
    probe: str | None, board: str | PathLike[str] | BoardProfile | None
) -> str | PathLike[str] | BoardProfile:
    """The board that is meant: the one named, else a simulated probe's own, else the NUCLEO-N657X0-Q."""
    return board or board_of_probe(probe) or DEFAULT_BOARD


def clock(value: str | int) -> int | None:
    """SWD clock in hertz from "8M", "3300k" or a number of hertz; None for "auto".

    Raises UsageError for anything else, and for a bare small number, which was meant in kilohertz.
    """
    try:
        return parse_clock(str(value))
    except ValueFault as fault:
        raise UsageError.of("E-USAGE", "swd_clock", reason=fault.reason, cure=fault.cure) from fault


def board_of_probe(probe: str | None) -> str | None:
    """The board a simulated probe's name holds: "sim:BOARD[,key=value...]". Raises UsageError for one there is not."""
    from n6prog.targets.schema import board_names

    if probe is None or not probe.lower().startswith("sim:"):
        return None
    name = probe[len("sim:") :].split(",", 1)[0]
    if not name or "=" in name:
        return None
    if name.lower() not in board_names():
        reason = f"no simulated board {name!r}. {did_you_mean(name, board_names())}"
        raise UsageError.of("E-SIM-SPEC", probe, reason=reason)
    return name
