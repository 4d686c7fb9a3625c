"""Sizes that every NOR this tool writes has in common (MX25UM51245G, MX66UW1G45G: SFDP BFPT DW8, DW9, DW11). Bytes."""

from __future__ import annotations

PAGE = 256
"""One program command; addresses wrap inside it."""
SECTOR = 4096
"""The smallest erase."""
BLOCK = 65536
"""The large erase, and the unit in which work travels."""
CHUNK = 16
"""One ECC word: a second program without an erase between switches its ECC off."""
SECTORS = BLOCK // SECTOR
"""Sectors in a block: 16, one bit each in every bitmap."""
PAGES = SECTOR // PAGE
"""Pages in a sector: 16."""


def bits(bitmap: int) -> list[int]:
    """The sector numbers whose bit is set in a 16-bit bitmap, ascending."""
    return [n for n in range(SECTORS) if bitmap >> n & 1]
