"""How many instructions a block of Thumb code holds."""

from __future__ import annotations

BRANCH_TO_SELF = b"\xfe\xe7"
WAIT_HINTS = (b"\x30\xbf", b"\x20\xbf")  # WFI, WFE


def count_instructions(code: bytes | memoryview) -> int:
    """Instructions in `code`, which starts on one (Armv8-M ARM C2.2.2: 0b11101, 0b11110 and 0b11111 open 32 bits)."""
    count = 0
    offset = 0
    length = len(code)
    while offset + 1 < length:
        offset += 4 if code[offset + 1] >= 0xE8 else 2
        count += 1
    return max(count, 1)
