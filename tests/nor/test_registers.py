"""The status register of Macronix's parts: BP3 to BP0 are bits 5 to 2 (hw-flash 3)."""

from __future__ import annotations

import pytest

from n6prog.nor.registers import is_protected, protection


@pytest.mark.parametrize(
    ("sr", "bits"),
    [(0x00, "0000"), (0xC3, "0000"), (0x04, "0001"), (0x20, "1000"), (0x3C, "1111"), (0xFF, "1111"), (0x14, "0101")],
)
def test_block_protection(sr: int, bits: str) -> None:
    assert protection(sr) == bits
    assert is_protected(sr) == ("1" in bits)
