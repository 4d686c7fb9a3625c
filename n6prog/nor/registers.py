"""What the bits of a NOR's status register mean on the parts of Macronix (hw-flash 3)."""

from __future__ import annotations

MACRONIX = 0xC2
"""First byte of RDID. Other makers' bits mean other things."""
WIP = 1
_BP_SHIFT, _BP = 2, 0xF


def is_protected(sr: int) -> bool:
    """Whether any of BP3 to BP0 is set."""
    return bool(sr >> _BP_SHIFT & _BP)


def protection(sr: int) -> str:
    """BP3 to BP0 as four digits, "0000" for none."""
    return f"{sr >> _BP_SHIFT & _BP:04b}"
