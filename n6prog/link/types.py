"""What the link can tell about the probe and the chip."""

from __future__ import annotations

from dataclasses import dataclass

from n6prog.link.holder import Holder


@dataclass(frozen=True, slots=True)
class ProbeInfo:
    """A debug probe. `firmware` is "" and `voltage` (volts) None while unknown; `holder`: who has it."""

    unique_id: str
    name: str
    firmware: str = ""
    voltage: float | None = None
    holder: Holder | None = None


@dataclass(frozen=True, slots=True)
class ChipInfo:
    """The chip behind the link.

    `revision_words` are the two words of the boot ROM in the order of chip.REVISION_WORDS; `cut`, `letter` (package
    marking) and `header` (STM2 header version its boot ROM wants) are "" when no word is known; `boot_mode` is text;
    `bsec` the state of the chip's life cycle ("open", "closed", ...).
    """

    dev_id: int
    rev_id: int
    revision_words: tuple[int, ...]
    cut: str
    letter: str
    header: str
    boot_mode: str
    bsec: str = ""
    unique_id: str = ""
