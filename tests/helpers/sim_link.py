"""A link to a simulated board that keeps nothing, and programs to call over it."""

from __future__ import annotations

import struct
from typing import Any

from n6prog.link import Link, open_link
from n6prog.targets import chip
from n6prog.targets.schema import load_board

SIM = "sim:nucleo-n657x0-q,state=none"
CODE = chip.LOADER_BASE
STACK = chip.LOADER_STACK_TOP
# Thumb, assembled by hand
BKPT = 0xBE00
ADD_FOUR = (0x1840, 0x1880, 0x18C0, 0x4770)  # adds r0,r0,r1; adds r0,r0,r2; adds r0,r0,r3; bx lr


def connect(probe: str = SIM, **options: Any) -> Link:
    """A link to that board; whoever asks closes it."""
    return open_link(probe, board=load_board("nucleo-n657x0-q"), **options)


def load(link: Link, *code: int) -> int:
    """Put a BKPT and the code at the loader's place; gives its entry."""
    link.write(CODE, struct.pack(f"<{2 + len(code)}H", BKPT, BKPT, *code))
    return CODE + 4 | 1
