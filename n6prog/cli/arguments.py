"""Positional words that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path

from n6prog.cli import habits
from n6prog.cli.command import Call, usage
from n6prog.errors import UsageError
from n6prog.findings import Finding, finding
from n6prog.values import ValueFault, nearest, parse_range


def add_files(parser: argparse.ArgumentParser) -> None:
    """`FILE[@ADDR|@SLOT]...`."""
    parser.add_argument(
        "items",
        nargs="+",
        metavar="FILE[@ADDR]",
        help="ELF, Intel HEX, S-record, STM2 image or raw bytes; the last two at ADDR or in a SLOT",
    )


def add_range(parser: argparse.ArgumentParser, *, needed: bool) -> None:
    """`RANGE`."""
    parser.add_argument(
        "items",
        nargs="+" if needed else "*",
        metavar="RANGE",
        help="START+LEN or START-END (END not included), K and M",
    )


def files(call: Call, command: str) -> list[str]:
    """The files to work on; all that are not there are told at once. Raises UsageError."""
    words = call.items()
    if answer := habits.items(command, words):
        raise usage(*answer)
    if twice := next((word for index, word in enumerate(words) if word in words[:index]), None):
        raise usage(f"{twice} is given twice", "Name each file once; at two addresses, say both: FILE@ADDR FILE@ADDR.")
    missing = [found for word in words if (found := _missing(word)) is not None]
    if missing:
        raise UsageError(missing)
    return words


def _missing(word: str) -> Finding | None:
    from n6prog.image.spec import parse_spec

    path = parse_spec(word).path
    if path.is_dir():
        return finding("E-NO-FILE", str(path), reason="it is a folder")
    if path.exists():
        return None
    if path.is_symlink():
        return finding("E-NO-FILE", str(path), reason=f"it is a link to {path.readlink()}, which is not there")
    reason = "no such file"
    if path.parent.is_dir() and (near := nearest(path.name, [item.name for item in path.parent.iterdir()])):
        reason += f"; did you mean {path.parent / near}?"
    return finding("E-NO-FILE", str(path), reason=reason)


def ranges(call: Call, command: str) -> list[tuple[int, int]]:
    """The ranges as (start, length in bytes). Raises UsageError."""
    words = call.items()
    if answer := habits.items(command, words):
        raise usage(*answer)
    found, faults = [], []
    for word in words:
        try:
            found.append(parse_range(word))
        except ValueFault as bad:
            faults.append(finding("E-USAGE", word, reason=bad.reason, cure=bad.cure))
    if faults:
        raise UsageError(faults)
    return found


def writable(name: str) -> Path:
    """The path of a file to be written, found writable before anything is read for it. Raises UsageError."""
    path = Path(name).resolve()  # through a link to the file it names
    reason = ""
    if path.is_dir():
        reason = "it is a folder"
    elif path.exists() and not path.is_file():
        reason = "it is not a regular file, and replacing it would take it away"
    elif not path.parent.is_dir():
        reason = f"there is no folder {path.parent}"
    if reason:
        raise UsageError.of("E-NO-WRITE", name, reason=reason)
    return path
