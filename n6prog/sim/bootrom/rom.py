"""The boot ROM page and the state in which development boot leaves the core.

Nothing of ST's code is here: the page is seeded noise with a vector table, a loop where real boards are seen to loop
(PC 0x1800_3514, hw-soc 1.7) and the revision words where the tools read them (hw-soc 1.5).
"""

from __future__ import annotations

import random
import struct

SIZE = 0x2_0000
BASE = 0x1800_0000
LOOP = BASE + 0x3514
FAULT_HANDLER = BASE + 0x3540
RETURN_TRAP = BASE + 0x1_FFFC  # a BKPT: where SimBoard.call lets code return to

STACK_TOP = 0x3420_0000
STACK_LIMIT = 0x341F_F800  # MSPLIM as left by the ROM: real value unpublished, one board showed 0x341F_F800
CCR = 0x0000_0201  # asserted over 69 runs on a board (hw-soc 1.3)

REVISION_WORDS = {"B": 0x0000_0200, "Z": 0x0000_0101}
SCRATCH = (0x3410_0000, 0x8000)  # low AXISRAM2: the ROM works here (traces at 0x3410_37F0; the extent is a guess)

_BRANCH_TO_SELF = 0xE7FE
_PUSH_R7_LR = 0xB580
_BKPT = 0xBE00


def page(revision: str) -> bytearray:
    """The 128 KiB of the boot ROM for silicon revision "B" or "Z"."""
    data = bytearray(random.Random("boot rom").randbytes(SIZE))  # noqa: S311  (filler)
    vectors = [STACK_TOP, LOOP | 1] + [FAULT_HANDLER | 1] * 14
    struct.pack_into(f"<{len(vectors)}I", data, 0, *vectors)
    struct.pack_into("<H", data, LOOP - BASE, _BRANCH_TO_SELF)
    # A handler that pushes: below the stack limit this is what ends in lockup, as on boards.
    struct.pack_into("<HH", data, FAULT_HANDLER - BASE, _PUSH_R7_LR, _BRANCH_TO_SELF)
    struct.pack_into("<HH", data, RETURN_TRAP - BASE, _BKPT, _BKPT)
    word = REVISION_WORDS[revision]
    struct.pack_into("<I", data, 0x1004, word)
    struct.pack_into("<I", data, 0x47EC, word)
    return data
