"""Clearing the block protection of the NOR, where the user asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from n6prog.errors import FlashFailure
from n6prog.findings import finding
from n6prog.nor.registers import MACRONIX, is_protected, protection

if TYPE_CHECKING:
    from n6prog.flows.connection import Connection
    from n6prog.flows.recorder import Recorder


def unprotect(connection: Connection, recorder: Recorder) -> None:
    """Clear the BP bits where any is set, and say so; else nothing is written.

    The bits are non-volatile, and this is the only non-volatile register that n6prog ever writes. Raises FlashFailure
    E-UNPROTECT when the part is not one whose status register is known, or keeps the bits.
    """
    loader, before, _ = connection.loader()
    if not is_protected(before.sr):
        return
    part, rdid = connection.device.nor.name, before.jedec.hex(" ").upper()
    if before.jedec[0] != MACRONIX:
        reason = "what the bits of its status register mean is known of Macronix's parts only"
        raise FlashFailure.of(
            "E-UNPROTECT", part, rdid=rdid, sr=_sr(before.sr), bp=protection(before.sr), reason=reason
        )
    try:
        loader.unprotect()
    except FlashFailure as error:
        if error.code != "E-PROTECTED":
            raise
    after = connection.identify_again()
    if is_protected(after.sr):
        reason = "its status register was written, and they are still set"
        raise FlashFailure.of("E-UNPROTECT", part, rdid=rdid, sr=_sr(after.sr), bp=protection(after.sr), reason=reason)
    recorder.say([finding("W-UNPROTECTED", part, bp=protection(before.sr), before=_sr(before.sr), after=_sr(after.sr))])


def _sr(sr: int) -> str:
    return f"{sr:#04x}"
