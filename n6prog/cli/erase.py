"""`n6prog erase`: set ranges, a slot or the whole chip to 0xFF."""

from __future__ import annotations

import argparse

from n6prog.cli.arguments import add_range, ranges
from n6prog.cli.command import Call, Command, open_board, usage
from n6prog.cli.story import Story
from n6prog.config import Place
from n6prog.targets.schema import BoardProfile
from n6prog.values import did_you_mean


def run(call: Call) -> None:
    """Erase what was named on the command line."""
    wanted = ranges(call, "erase")
    # What to erase is taken from the command line only: a forgotten variable must never wipe a slot.
    slot = call.settings.slot if call.settings.origins["slot"].place is Place.COMMAND_LINE else None
    chip: bool = call.args.chip
    if bool(wanted) + bool(slot) + chip != 1:
        reason = (
            "what to erase was not said"
            if not (wanted or slot or chip)
            else "RANGE, --slot and --chip exclude each other"
        )
        raise usage(reason, "Say one: n6prog erase 0x70100000+64K, n6prog erase --slot app, or n6prog erase --chip.")
    story = Story(call.console, table=call.settings.dry_run)
    with open_board(call, story) as board:
        if slot:
            wanted = [slot_range(board.device.board, slot)]
        settings = call.settings
        story.erased(board.erase(wanted, chip=chip, dry_run=settings.dry_run, unprotect=settings.unprotect))


def slot_range(board: BoardProfile, name: str) -> tuple[int, int]:
    """(start, size) of a slot. Raises UsageError with the nearest name."""
    try:
        slot = board.slot(name)
    except KeyError:
        names = [item.name for item in board.slots]
        raise usage(f"{board.title} has no slot {name!r}", did_you_mean(name, names)) from None
    return slot.start, slot.size


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_range(parser, needed=False)
    parser.add_argument("--chip", action="store_true", help="erase the whole flash; minutes on a real part")


COMMAND = Command(
    name="erase",
    usage="erase RANGE... | --slot NAME | --chip",
    summary="set a range, a slot or the whole flash to 0xFF",
    group="Program",
    run=run,
    settings=("slot", "unprotect", "loader"),
    arguments=_arguments,
    details="Bytes of a 4 KiB sector outside the range are kept.",
)
