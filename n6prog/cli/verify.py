"""`n6prog verify`: compare the NOR with files."""

from __future__ import annotations

from n6prog.cli.arguments import add_files, files
from n6prog.cli.check import judge
from n6prog.cli.command import Call, Command, open_board
from n6prog.cli.story import Story


def run(call: Call) -> None:
    """Compare. Raises VerifyMismatch when the flash holds something else."""
    settings = call.settings
    names = files(call, "verify")
    story = Story(call.console, table=True)
    if settings.dry_run:
        judge(call, names)
        call.console.say("dry run: no probe was opened, nothing was compared")
        return
    with open_board(call, story) as board:
        report = board.verify(*names, header=settings.header, slot=settings.slot, maps=settings.map, diff=settings.diff)
        story.verified(report)


COMMAND = Command(
    name="verify",
    usage="verify FILE[@ADDR]...",
    summary="compare the flash with files; exit code 7 where it differs",
    group="Program",
    run=run,
    settings=("header", "map", "slot", "loader", "diff"),
    arguments=add_files,
)
