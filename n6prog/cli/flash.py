"""`n6prog flash`: bring files into the NOR and verify them."""

from __future__ import annotations

from n6prog.cli.arguments import add_files, files
from n6prog.cli.command import Call, Command, open_board
from n6prog.cli.story import Story


def run(call: Call) -> None:
    """Flash the files. What goes wrong is raised as N6ProgError."""
    settings = call.settings
    names = files(call, "flash")
    story = Story(call.console, table=True)
    with open_board(call, story) as board:
        report = board.flash(
            *names,
            erase=settings.erase,
            header=settings.header,
            slot=settings.slot,
            maps=settings.map,
            verify=not settings.no_verify,
            after=settings.after,
            dry_run=settings.dry_run,
            unprotect=settings.unprotect,
        )
        story.flashed(report, after=settings.after, verify=not settings.no_verify)


COMMAND = Command(
    name="flash",
    usage="flash FILE[@ADDR]...",
    summary="bring files into the flash: only what differs is written, all of it is verified",
    group="Program",
    run=run,
    settings=("erase", "header", "map", "slot", "no_verify", "unprotect", "after", "loader"),
    arguments=add_files,
    details="""\
examples:
  n6prog flash app.elf
  n6prog flash fsbl-trusted.bin app.elf weights.raw@0x71000000
  n6prog flash app-trusted.bin --slot app --probe sim:nucleo-n657x0-q,state=board

--after halt leaves the core halted and its debug power on when the probe is let go. It stays
so until a debugger resumes it, the board is reset, or loses its power.""",
)
