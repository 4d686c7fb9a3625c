"""From file names to a placement on a board: the part of every flow that needs no probe."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING

from n6prog.errors import ImageRefused, UsageError
from n6prog.layout.types import Goal, Placement
from n6prog.targets import schema
from n6prog.targets.schema import BoardProfile, Device

if TYPE_CHECKING:
    from n6prog.image.types import Image

Files = str | PathLike[str]


def profile(board: str | PathLike[str] | BoardProfile) -> BoardProfile:
    """The board profile of a name or path; a profile is given back as it is.

    Raises UsageError for a board that is not known or a profile with a mistake (file and line in the finding).
    """
    if isinstance(board, BoardProfile):
        return board
    try:
        return schema.load_board(board)
    except schema.SchemaError as error:
        raise UsageError.of("E-CONFIG", f"{error.path}", reason=str(error)) from error


def assumed_device(board: BoardProfile) -> Device:
    """The device a profile promises, before anything was measured."""
    try:
        return Device(board, schema.load_part(board.part))
    except schema.SchemaError as error:
        raise UsageError.of("E-CONFIG", board.name, reason=str(error)) from error


def read_images(files: Sequence[Files]) -> tuple[Image, ...]:
    """Read all files. Raises UsageError when one cannot be opened; faults of content are findings of the images."""
    from n6prog.image import read

    if not files:
        raise UsageError.of("E-USAGE", "files", reason="no file was given", cure="Name at least one file.")
    return tuple(read(file) for file in files)


def place_images(
    images: Sequence[Image], device: Device, *, header: str = "auto", slot: str | None = None, maps: Sequence[str] = ()
) -> Placement:
    """Place images on a device; errors are findings of the placement."""
    from n6prog.layout import place

    return place(images, device, Goal.FLASH, header=header, slot=slot, maps=maps)


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
    """The placement, or ImageRefused with all its findings."""
    if placement.ok:
        return placement
    raise ImageRefused(placement.findings)
