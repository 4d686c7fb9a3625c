"""The preamble of reads with CR.PBE: a pattern in the dummy clocks, for controllers that train on it (hw-flash 3)."""

from __future__ import annotations

# PPTSEL: the 16 bits of every line, and those of DQ3; the highest goes first
PATTERNS = ((0x349A, 0x3514), (0x5555, 0x5555))
_FIRST = {"1S": 2, "8S": 4, "8D": 4}  # dummy clocks before it (Verilog model)


def lead(mode: str, dummies: int, undriven: int, pattern: int) -> int:
    """The bits that stood on the lines before the data, as a number; the last one is bit 0.

    `dummies` is the number of dummy clocks; what is not pattern comes from `undriven`. `pattern` is PPTSEL.
    """
    main, third = PATTERNS[pattern]
    value = undriven
    width = 1 if mode == "1S" else 8
    per_clock = 2 if mode == "8D" else 1
    driven = (dummies - _FIRST[mode]) * per_clock  # symbols
    for symbol in range(driven):
        at = (driven - 1 - symbol) * width  # bit position of the symbol, the last one at 0
        high = main >> 15 - symbol % 16 & 1
        level = high if width == 1 else (0xF7 * high | (third >> 15 - symbol % 16 & 1) << 3)
        value = value & ~((1 << width) - 1 << at) | level << at
    return value
