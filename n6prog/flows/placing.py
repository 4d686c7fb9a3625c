"""The two placements of a flow: on the board profile before a probe is opened, and on the measured device."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from n6prog.flows.report import PieceReport, piece_report, total
from n6prog.flows.source import Files, accepted, place_images, read_images
from n6prog.layout.types import Placement
from n6prog.plan import SECTOR
from n6prog.targets.chip import XSPI2_BASE

if TYPE_CHECKING:
    from n6prog.flows.connection import Connection
    from n6prog.flows.recorder import Recorder
    from n6prog.image.types import Image


@dataclass(frozen=True, slots=True)
class Placing:
    """How files are placed: `header` auto, keep, none, 2.1, 2.3; `slot` for files without a header; `maps` FROM=TO."""

    header: str = "auto"
    slot: str | None = None
    maps: tuple[str, ...] = ()


def on_profile(
    files: Sequence[Files], placing: Placing, connection: Connection, recorder: Recorder
) -> tuple[Image, ...]:
    """Read the files and place them on what is known of the device so far, touching no probe. Raises as `accepted`."""
    images = read_images(files)
    placement = accepted(_place(images, placing, connection))
    recorder.say([found for found in placement.findings if not found.is_error])
    recorder.bytes.wanted = total(placement.flash)
    recorder.pieces = tuple(piece_report(piece) for piece in placement.flash)
    return images


def on_device(images: Sequence[Image], placing: Placing, connection: Connection, recorder: Recorder) -> Placement:
    """Place the images on the measured device. Raises what `accepted` does."""
    placement = accepted(_place(images, placing, connection))
    recorder.say([found for found in placement.findings if not found.is_error])
    recorder.bytes.wanted = total(placement.flash)
    return placement


def piece_reports(placement: Placement, changed: Collection[int]) -> tuple[PieceReport, ...]:
    """The reports of all pieces. `changed`: offsets of the sectors that are not as wanted."""
    return tuple(_with_counts(placement, index, changed) for index in range(len(placement.flash)))


def _with_counts(placement: Placement, index: int, changed: Collection[int]) -> PieceReport:
    piece = placement.flash[index]
    first = (piece.address - XSPI2_BASE) // SECTOR * SECTOR
    touched = range(first, piece.end - XSPI2_BASE, SECTOR)
    return piece_report(piece, len(touched), sum(offset in changed for offset in touched))


def _place(images: Sequence[Image], placing: Placing, connection: Connection) -> Placement:
    return place_images(images, connection.device, header=placing.header, slot=placing.slot, maps=placing.maps)
