"""What can be said of Thumb code without executing it: lengths, and the state of IT blocks."""

from __future__ import annotations

BRANCH_TO_SELF = b"\xfe\xe7"


def count_instructions(code: bytes | memoryview) -> int:
    """Instructions in `code`, which starts on one (Armv8-M ARM C2.2.2: 0b11101, 0b11110 and 0b11111 open 32 bits)."""
    count = 0
    offset = 0
    length = len(code)
    while offset + 1 < length:
        offset += 4 if code[offset + 1] >= 0xE8 else 2
        count += 1
    return max(count, 1)


def is_wide(halfword: int) -> bool:
    """Whether an instruction that starts with this halfword has 32 bits."""
    return halfword >= 0xE800


def after_it(state: int, halfword: int) -> int:
    """ITSTATE behind an instruction (its first halfword given) that was reached in ITSTATE `state` (B4.1)."""
    if halfword & 0xFF00 == 0xBF00 and halfword & 0xF:
        return halfword & 0xFF
    return 0 if not state & 7 else state & 0xE0 | state << 1 & 0x1F
