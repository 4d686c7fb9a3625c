"""`n6prog read`: copy a range of the memory map into a file."""

from __future__ import annotations

import argparse

from n6prog.cli.arguments import add_range, ranges, writable
from n6prog.cli.command import Call, Command, open_board, usage
from n6prog.cli.story import Story

_NO_DUMP = (".elf", ".axf", ".out")  # would be raw bytes, and the next tool would stumble


def run(call: Call) -> None:
    """Read one range into the file that `--output` names."""
    wanted = ranges(call, "read")
    if len(wanted) != 1:
        raise usage("read takes one range", "One file a range: n6prog read 0x70000000+64K -o dump.bin")
    if not call.settings.output:
        raise usage(
            "the file to write was not named",
            "n6prog read RANGE -o FILE; .hex makes Intel HEX, .srec S-records, others raw bytes.",
        )
    if call.settings.output == "-":
        raise usage("-o - would write a file named -", "Name a file; standard output is for words and events.")
    path = writable(call.settings.output)
    if path.suffix.lower() in _NO_DUMP:
        raise usage(
            f"a range of the memory makes no {path.suffix} file",
            f"n6prog read RANGE -o {path.stem}.bin; .hex makes Intel HEX, .srec S-records, others raw bytes.",
        )
    story = Story(call.console)
    start, length = wanted[0]
    if call.settings.dry_run:
        story.would_read(start, length, path)
        return
    with open_board(call, story) as board:
        story.read(board.read_to(path, start, length), start, length, path)


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_range(parser, needed=True)


COMMAND = Command(
    name="read",
    usage="read RANGE -o FILE",
    summary="copy a range into a file",
    group="Program",
    run=run,
    settings=("output", "loader"),
    arguments=_arguments,
    details="The file appears when it is complete; one that was there is replaced.",
)
