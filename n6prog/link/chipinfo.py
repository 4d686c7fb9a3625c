"""Who the chip is: identity, silicon cut, how it was booted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from n6prog.link.types import ChipInfo
from n6prog.targets import chip


def read_chip_info(target: Any, read_words: Callable[[int, int], Sequence[int]]) -> ChipInfo:
    """Identity through AP0, the rest through AP1 with `read_words(address, count)`. Raises pyOCD's errors."""
    idcode = target.read_ap0(chip.AP0_DBGMCU_IDCODE)
    words = tuple(read_words(address, 1)[0] for address in chip.REVISION_WORDS)
    cut = chip.cut_of(*words)
    nvstate = read_words(chip.BSEC_SR, 1)[0] >> 26
    uid = read_words(chip.BSEC_UID, 3)
    return ChipInfo(
        dev_id=idcode & 0xFFF,
        rev_id=idcode >> 16,
        revision_words=words,
        cut=cut.name if cut else "",
        letter=cut.letter if cut else "",
        header=cut.header if cut else "",
        boot_mode=_boot_mode(read_words(chip.SYSCFG_BOOTSR, 1)[0]),
        bsec=chip.BSEC_NVSTATES.get(nvstate, f"unknown state {nvstate:#04x}"),
        unique_id="".join(f"{word:08X}" for word in reversed(uid)),
    )


def _boot_mode(bootsr: int) -> str:
    """From the BOOT pins as SYSCFG_BOOTSR shows them: BOOT1 decides, then BOOT0."""
    if bootsr & 2:
        return "development boot"
    return "serial boot" if bootsr & 1 else "flash boot"
