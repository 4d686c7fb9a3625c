"""Files to images and back: ELF, Intel HEX, S-records, raw bytes, and the STM2 boot header."""

from n6prog.image.elf import read_elf
from n6prog.image.ihex import read_ihex
from n6prog.image.raw import read_raw
from n6prog.image.reader import read
from n6prog.image.spec import FileSpec, parse_spec
from n6prog.image.srec import read_srec
from n6prog.image.stm2 import Header
from n6prog.image.types import Chunk, Image, Kind, Origin
from n6prog.image.writer import write_ihex, write_raw, write_srec

__all__ = [
    "Chunk",
    "FileSpec",
    "Header",
    "Image",
    "Kind",
    "Origin",
    "parse_spec",
    "read",
    "read_elf",
    "read_ihex",
    "read_raw",
    "read_srec",
    "write_ihex",
    "write_raw",
    "write_srec",
]
