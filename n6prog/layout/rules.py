"""The address rules: what becomes of bytes whose load address lies in a region of this kind.

The first row that fits decides. Verdicts are `TO_FLASH`, `TO_RAM`, or the code of the finding that refuses the bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

from n6prog.image import stm2
from n6prog.layout.types import Goal
from n6prog.targets.chip import SECURE_ALIAS, region_at

TO_FLASH = "to flash"
TO_RAM = "to RAM"
HOLE = "hole"
"""The kind of an address where the memory map has no region."""

FSBL_LINKED = (stm2.FSBL_BASE + stm2.VECTORS, stm2.FSBL_END)
"""Where first stages are linked: the boot ROM copies the image to 0x34180000, header included."""
APP_LINKED = stm2.APP_RUN_BASE + stm2.VECTORS
"""Where Load&Run applications have their vector table (STM32CubeN6 Template_FSBL_LRUN)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One row. `kind` is that of the region (n6prog.targets.chip); the other conditions narrow it down.

    `within`: the address lies in [first, end). `vectors`: the file has a vector table at this address. `from_zero`: the
    bytes continue without a gap from address 0. `slot`: the slot whose boot header the bytes would need.
    """

    kind: str
    flash: str
    run: str
    within: tuple[int, int] | None = None
    vectors: int | None = None
    from_zero: bool = False
    slot: str = ""

    def verdict(self, goal: Goal) -> str:
        """What this row says for a goal."""
        return self.flash if goal is Goal.FLASH else self.run


@dataclass(frozen=True, slots=True)
class Place:
    """What a rule is asked about: an address, whether its bytes continue from 0, and the vector tables of its file."""

    address: int
    from_zero: bool = False
    vectors: frozenset[int] = frozenset()

    @property
    def kind(self) -> str:
        """The kind of region the address lies in."""
        region = region_at(self.address)
        return region.kind if region else HOLE


def _non_secure(window: tuple[int, int]) -> tuple[int, int]:
    return window[0] - SECURE_ALIAS, window[1] - SECURE_ALIAS


_RAM_KINDS = ("flexram", "axisram", "ahbsram", "bkpsram", "npuram", "vencram")
RAM_KINDS = frozenset((*_RAM_KINDS, "itcm", "dtcm"))
"""Kinds of regions that are RAM inside the chip."""

RULES: tuple[Rule, ...] = (
    Rule("nor", TO_FLASH, TO_FLASH),
    # An undeclared region of a linker script puts sections at 0, one after another, over the ITCM and beyond it.
    Rule("itcm", "E-REGION0", TO_RAM, from_zero=True),
    Rule(HOLE, "E-REGION0", "E-REGION0", from_zero=True),
    Rule("itcm", "E-TCM", TO_RAM),
    Rule("dtcm", "E-TCM", TO_RAM),
    Rule("axisram", "E-HDR-NONE", TO_RAM, within=FSBL_LINKED, slot="fsbl"),
    Rule("axisram", "E-HDR-NONE", TO_RAM, within=_non_secure(FSBL_LINKED), slot="fsbl"),
    *(Rule(kind, "E-HDR-NONE", TO_RAM, vectors=APP_LINKED, slot="app") for kind in _RAM_KINDS),
    *(Rule(kind, "E-RAM", TO_RAM) for kind in _RAM_KINDS),
    Rule("psram", "E-PSRAM", "E-PSRAM"),
    Rule("bootrom", "E-ROM", "E-ROM"),
    Rule("typo07", "E-TYPO-07", "E-TYPO-07"),
    Rule("xspi3", "E-NOT-FLASH", "E-NOT-FLASH"),
    Rule("fmc", "E-NOT-FLASH", "E-NOT-FLASH"),
    Rule("peripheral", "E-NOT-FLASH", "E-NOT-FLASH"),
    Rule("ppb", "E-NOT-FLASH", "E-NOT-FLASH"),
    Rule(HOLE, "E-NOT-FLASH", "E-NOT-FLASH"),
)


def rule_for(place: Place, rules: tuple[Rule, ...] = RULES) -> Rule:
    """The first rule that fits. Raises LookupError for a kind of region that has no row."""
    kind = place.kind
    for rule in rules:
        if (
            rule.kind == kind
            and (rule.within is None or rule.within[0] <= place.address < rule.within[1])
            and (rule.vectors is None or rule.vectors in place.vectors)
            and (place.from_zero or not rule.from_zero)
        ):
            return rule
    raise LookupError(f"no address rule for {kind} at {place.address:#010x}")
