"""`n6prog check`: would these files work, and if not, why. Opens no probe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from n6prog.cli import story
from n6prog.cli.arguments import add_files, files, writable
from n6prog.cli.command import Call, Command, board_of
from n6prog.errors import UsageError, error_for
from n6prog.events import EventType
from n6prog.findings import Finding, finding

if TYPE_CHECKING:
    from n6prog.layout.types import Placement

BOARDS = ("nucleo-n657x0-q", "stm32n6570-dk")  # ST's boards, judged when none is named


def run(call: Call) -> None:
    """Judge the files. Raises ImageRefused when no board takes them."""
    names = files(call, "check")
    call.console.emit(EventType.BEGIN, action="check", files=names, board=call.settings.board)
    judge(call, names)


def judge(call: Call, names: Sequence[str]) -> None:
    """Place the files on the board that was named, or on both of ST's; print what comes of it. Raises N6ProgError."""
    from n6prog import api

    settings, console = call.settings, call.console
    board = settings.board or _simulated(settings.probe)
    placements = [
        api.check(*names, board=board_of(settings, name), header=settings.header, slot=settings.slot, maps=settings.map)
        for name in ([board] if board else BOARDS)
    ]
    for placement in placements:
        _emit(call, placement)
    shared = [found for found in placements[0].findings if all(found in other.findings for other in placements)]
    for found in shared:
        console.fault(found)
    for placement in placements:
        _tell(call, placement, [found for found in placement.findings if found not in shared])
    good = [placement for placement in placements if placement.ok]
    first = good[0] if good else placements[0]
    _picture(call, first)
    every: list[Finding] = []
    for placement in placements:
        every += [found for found in placement.findings if found not in every]
    if console.json:
        _fill_end(call, first)
    console.extra["findings"] = [found.as_dict() for found in every]
    console.extra["boards"] = [_as_dict(placement) for placement in placements]
    if not good:
        raise type(error_for(next(found for found in every if found.is_error)))(every)
    if len(good) < len(placements):
        taken, refused = good[0].device.board, next(item for item in placements if not item.ok).device.board
        console.fault(finding("W-ONE-BOARD", " ".join(names), fits=taken.title, refused=refused.title, name=taken.name))


def _fill_end(call: Call, placement: Placement) -> None:
    """The pieces and bytes of a placement for the last event, as a flash would give them."""
    from n6prog.flows.report import ByteCounts, piece_report

    call.console.extra["pieces"] = [piece_report(piece).as_dict() for piece in placement.flash]
    call.console.extra["bytes"] = ByteCounts(wanted=placement.size).as_dict()


def _picture(call: Call, placement: Placement) -> None:
    """The map of one placement in the terminal, and in the file that --svg names. Raises UsageError."""
    from n6prog.cli.map_text import map_lines
    from n6prog.targets.chip import XSPI2_BASE

    for line in map_lines(placement, XSPI2_BASE):
        call.console.say(line)
    name = call.settings.svg
    if name is None:
        return
    from n6prog.cli.map_svg import map_svg

    path = writable(name)
    try:
        path.write_text(map_svg(placement, XSPI2_BASE), encoding="utf-8")
    except OSError as problem:
        raise UsageError.of("E-NO-WRITE", name, reason=(problem.strerror or str(problem)).lower()) from problem


def _simulated(probe: str | None) -> str | None:
    """The board in `sim:BOARD`."""
    if not probe or not probe.startswith("sim:"):
        return None
    name = probe.removeprefix("sim:").split(",", 1)[0]
    return name if name and "=" not in name else None


def _emit(call: Call, placement: Placement) -> None:
    call.console.emit(EventType.PLAN, **_as_dict(placement))


def _as_dict(placement: Placement) -> dict[str, object]:
    from n6prog.layout.boot import boot

    return {
        "board": placement.device.board.name,
        "nor": placement.device.nor.name,
        "ok": placement.ok,
        "bytes": placement.size,
        "pieces": [
            {
                "name": str(piece.origin),
                "start": piece.address,
                "length": piece.size,
                "slot": piece.slot,
                "change": piece.change,
            }
            for piece in placement.flash
        ],
        "refused": [
            {
                "code": item.code,
                "name": str(item.origin),
                "start": item.address,
                "length": item.size,
                "region": item.region,
            }
            for item in placement.refused
        ],
        "boot": asdict(boot(placement)),
        "findings": [found.as_dict() for found in placement.findings],
    }


def _tell(call: Call, placement: Placement, own: Sequence[Finding]) -> None:
    """One board's part of the report."""
    console, device = call.console, placement.device
    size = device.nor.size >> 20
    verdict = "fits" if placement.ok else "refused"
    console.say(f"{device.board.title} ({device.nor.name}, {size} MiB): {verdict}")
    for line in story.placement_rows(placement):
        console.say(line)
    for found in own:
        console.fault(found)
    if placement.ok:
        from n6prog.layout.boot import boot

        console.say(f"  boot: {boot(placement).text}")


COMMAND = Command(
    name="check",
    usage="check FILE[@ADDR]...",
    summary="would these files work, and if not, why; needs no probe",
    group="Explain",
    run=run,
    settings=("header", "map", "slot", "svg"),
    arguments=add_files,
    details="Without --board the files are judged for both of ST's boards; exit code 8 when neither takes them.",
)
