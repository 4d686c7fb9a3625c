"""From file names to a placement on a board: the part of every flow that needs no probe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from n6prog.errors import N6ProgError, UsageError, error_for
from n6prog.findings import finding
from n6prog.layout.types import Goal, Placement
from n6prog.targets import schema
from n6prog.targets.schema import BoardProfile, Device
from n6prog.values import did_you_mean

if TYPE_CHECKING:
    from n6prog.image.types import Image

Files: TypeAlias = "str | PathLike[str] | Image"
"""A file as the command line names it, or an image that is in memory already."""


def profile(board: str | PathLike[str] | BoardProfile) -> BoardProfile:
    """The board profile of a name or path; a profile is given back as it is.

    Raises UsageError: E-USAGE for a name that is not known, E-CONFIG for a profile with a mistake (file and line).
    """
    if isinstance(board, BoardProfile):
        return board
    try:
        return schema.load_board(board)
    except schema.SchemaError as error:
        name = fspath(board)
        if error.path != name or name.lower().endswith(".toml"):
            raise _mistake(error) from error
        cure = f"{did_you_mean(name, schema.board_names())} A board of your own is a file: --board FILE.toml."
        raise UsageError.of("E-USAGE", name, reason=f"{name!r} is no board that is known", cure=cure) from error


def _mistake(error: schema.SchemaError) -> N6ProgError:
    """A mistake in a TOML file, as path, line, and what is wrong."""
    where = f"{error.path}:{error.line}" if error.line else error.path
    reason = f"{error.key}: {error.reason}" if error.key else error.reason
    return UsageError.of("E-CONFIG", where, reason=reason)


def assumed_device(board: BoardProfile) -> Device:
    """The device a profile promises, before anything was measured."""
    try:
        return Device(board, schema.load_part(board.part))
    except schema.SchemaError as error:
        raise _mistake(error) from error


def read_images(files: Sequence[Files]) -> tuple[Image, ...]:
    """Read all files. Raises UsageError when one cannot be opened; faults of content are findings of the images."""
    from n6prog.image import Image, read

    if not files:
        raise UsageError.of("E-USAGE", "files", reason="no file was given", cure="Name at least one file.")
    return tuple(file if isinstance(file, Image) else read(file) for file in files)


def place_images(
    images: Sequence[Image], device: Device, *, header: str = "auto", slot: str | None = None, maps: Sequence[str] = ()
) -> Placement:
    """Place images on a device; errors are findings of the placement."""
    from n6prog.layout import place

    placement = place(images, device, Goal.FLASH, header=header, slot=slot, maps=maps)
    unsigned = dict.fromkeys(found.subject for found in placement.findings if found.code == "E-HDR-NONE")
    beside = [
        finding("N-SIGNED-BESIDE", file, signed=str(signed))
        for file in unsigned
        if (signed := _signed_beside(Path(file))) is not None
    ]
    beside += [
        finding("W-SIGNED-STALE", image.file, unsigned=str(newer))
        for image in images
        if (newer := _unsigned_beside(image)) is not None
    ]
    return replace(placement, findings=(*placement.findings, *beside)) if beside else placement


_SIGNED_NAMES = ("-trusted", "_trusted", "-signed", "_signed", "_sign", ".signed")
"""What the tools in use append to the name of a signed file (STM32CubeN6, model zoo, Zephyr)."""
_LARGEST_PROGRAM = 64 << 20  # bytes


def _signed_beside(file: Path) -> Path | None:
    """A file with a boot header that lies beside this one and has its name, as signing tools leave it."""
    for ending in _SIGNED_NAMES:
        try:
            path = file.with_name(f"{file.stem}{ending}.bin")
            with path.open("rb") as content:
                if content.read(4) == b"STM2":
                    return path
        except (OSError, ValueError):
            continue
    return None


def _unsigned_beside(image: Image) -> Path | None:
    """The file without header that a signed one was made from by its name, where it was not by its bytes.

    Signing tools leave their output read-only and do not overwrite it: then the build is new and the signed file old.
    """
    from n6prog.image import Kind, stm2

    file = Path(image.file)
    ending = next((item for item in _SIGNED_NAMES if file.stem.endswith(item) and file.stem != item), "")
    if image.kind is not Kind.STM2 or not ending or not image.chunks:
        return None
    data = image.chunks[0].data
    head = stm2.parse(data)
    path = file.with_name(f"{file.stem.removesuffix(ending)}.bin")
    try:
        if head is None or head.encrypted or not path.is_file() or not 4 <= path.stat().st_size <= _LARGEST_PROGRAM:
            return None
        program = path.read_bytes()
    except (OSError, ValueError):
        return None
    if program[:4] == b"STM2" or any(
        data[start : start + len(program)] == program for start in (head.size, stm2.VECTORS)
    ):
        return None
    return path


def place_files(
    files: Sequence[Files],
    board: BoardProfile,
    *,
    header: str = "auto",
    slot: str | None = None,
    maps: Sequence[str] = (),
) -> Placement:
    """Read and place files on the device a board profile promises."""
    return place_images(read_images(files), assumed_device(board), header=header, slot=slot, maps=maps)


def accepted(placement: Placement) -> Placement:
    """The placement. Raises what the table gives to its first error, with all findings: ImageRefused or UsageError."""
    if placement.ok:
        return placement
    raise error_for(placement.findings)
