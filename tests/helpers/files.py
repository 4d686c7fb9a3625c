"""What real files hold, by pyelftools' own section objects and by intelhex."""

from __future__ import annotations

import io
from pathlib import Path

from elftools.elf.elffile import ELFFile
from intelhex import IntelHex

DEMO_ELF = Path(__file__).parents[1] / "data" / "demo_app" / "demo_app.elf"


def elf_pieces(path: Path) -> dict[int, bytes]:
    """Load address -> bytes of every allocated section that is stored in the file."""
    pieces = {}
    with path.open("rb") as file:
        elf = ELFFile(file)
        loads = [s for s in elf.iter_segments() if s["p_type"] == "PT_LOAD"]
        for section in elf.iter_sections():
            if not section["sh_flags"] & 2 or section["sh_type"] == "SHT_NOBITS" or not section["sh_size"]:
                continue
            segment = next(s for s in loads if s.section_in_segment(section))
            pieces[segment["p_paddr"] + section["sh_offset"] - segment["p_offset"]] = section.data()
    return pieces


def hex_pieces(path: Path) -> dict[int, bytes]:
    """Start address -> bytes of every contiguous run of an Intel HEX file (repeated start-address records removed)."""
    text = [line for line in path.read_text().splitlines() if line[7:9] not in {"03", "05"}]
    book = IntelHex()
    book.loadhex(io.StringIO("\n".join(text)))
    return {start: book.tobinstr(start=start, size=end - start) for start, end in book.segments()}
