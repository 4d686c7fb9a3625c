"""Would it boot: what the boot ROM finds in the flash, as far as the files of a placement say."""

from __future__ import annotations

from dataclasses import dataclass

from n6prog.image import stm2
from n6prog.layout.checks import BOOT_ADDRESSES, silicon_of
from n6prog.layout.types import Piece, Placement
from n6prog.layout.vectors import has_header


@dataclass(frozen=True, slots=True)
class Boot:
    """What starts from flash with BOOT1 = 0. Empty names: the files of the placement say nothing of it.

    `first_stage` and `application` name files; `header` and `entry` are those of the first stage.
    """

    first_stage: str
    header: str
    entry: int | None
    application: str
    text: str


def boot(placement: Placement) -> Boot:
    """What starts from flash once the pieces of a placement are there."""
    first = next((p for at in BOOT_ADDRESSES for p in placement.flash if p.address == at and has_header(p)), None)
    application = _application(placement)
    name = application.origin.file if application else ""
    if not placement.ok:
        return Boot("", "", None, name, "no: nothing is flashed before the errors are mended")
    if first is None:
        text = (
            f"nothing here goes to {BOOT_ADDRESSES[0]:#010x}, where the boot ROM looks: with BOOT1 = 0 the first stage "
            "that is in the flash already decides; without one nothing starts"
        )
        return Boot("", "", None, name, text)
    head = stm2.parse(first.data)
    assert head is not None
    file = first.origin.file
    silicon = silicon_of(head.version)
    then = f", then whatever that stage looks for: {name} is there" if name else ""
    text = f"with BOOT1 = 0 the boot ROM of silicon {silicon} starts {file} at {head.entry:#010x}{then}"
    return Boot(file, head.version, head.entry, name, text)


def _application(placement: Placement) -> Piece | None:
    """The piece at the application's slot, or behind the place of its boot header."""
    starts = (stm2.APP_FLASH, stm2.APP_FLASH + stm2.VECTORS)
    return next((piece for piece in placement.flash if piece.address in starts), None)
