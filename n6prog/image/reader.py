"""From a file to an Image: open it safely, tell by its content what it is, hand it to the right reader.

A file is read once, in whole, and closed: what was checked is what is programmed, even if a build rewrites the file in
the meantime (a mapping would give the new bytes, or end the process with SIGBUS when the file shrinks). Chunks are
views into that one buffer.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import replace
from pathlib import Path

from n6prog.errors import UsageError
from n6prog.findings import finding
from n6prog.image import stm2
from n6prog.image.collect import Collector
from n6prog.image.elf import read_elf
from n6prog.image.ihex import read_ihex
from n6prog.image.raw import read_raw
from n6prog.image.spec import FileSpec, parse_spec
from n6prog.image.srec import read_srec
from n6prog.image.types import Image, Kind

RAW_LIMIT = 256 << 20
"""The XSPI2 window (0x70000000, 256 MiB): a larger raw file fits no part."""

FILE_LIMIT = 768 << 20
"""An Intel HEX of the whole window has about 720 MiB."""

_SNIFFED = 1024
_EXTENSIONS = {
    **dict.fromkeys((".elf", ".axf", ".out"), Kind.ELF),
    **dict.fromkeys((".hex", ".ihex", ".ihx", ".h86"), Kind.IHEX),
    **dict.fromkeys((".srec", ".s19", ".s28", ".s37", ".mot"), Kind.SREC),
    **dict.fromkeys((".bin", ".raw"), Kind.RAW),
}
_TEXT = {
    Kind.ELF: "ELF",
    Kind.IHEX: "Intel HEX",
    Kind.SREC: "S-records",
    Kind.RAW: "raw bytes",
    Kind.STM2: "a signed image",
}
_IHEX = re.compile(rb"(?:\xef\xbb\xbf)?\s*:[0-9A-Fa-f]{10,}[ \t]*(?:[\r\n]|\Z)")
_SREC = re.compile(rb"\s*S[0-9][0-9A-Fa-f]{8,}[ \t]*(?:[\r\n]|\Z)")
_LFS = b"version https://git-lfs.github.com/spec/"


def read(spec: str | os.PathLike[str] | FileSpec) -> Image:
    """The image in a file, named by path, `FILE@ADDR` or `FILE@SLOT`.

    Raises UsageError for a name that cannot be read (E-USAGE, E-NO-FILE). What is wrong with the content never raises;
    it stands in `Image.findings`, all of it, and the image then holds the chunks that could still be read.
    """
    file_spec = spec if isinstance(spec, FileSpec) else parse_spec(spec)
    name = str(file_spec.path)
    content = _load(file_spec.path)
    if isinstance(content, Image):
        return content
    kind, found = _kind(content, file_spec.path)
    if found.has_errors:
        return Image((), kind, file=name, findings=found.result())
    image = _READERS[kind](content, name) if kind in _READERS else read_raw(content, name, file_spec.address)
    if kind in _READERS and file_spec.address is not None:
        found.add("E-FILE-ADDRESS", address=file_spec.address, kind=_TEXT[kind])
    if kind in _READERS and file_spec.slot:
        found.add("E-FILE-SLOT", slot=file_spec.slot, kind=_TEXT[kind])
    return replace(_with_headers(image, found), slot=file_spec.slot)


_READERS = {Kind.ELF: read_elf, Kind.IHEX: read_ihex, Kind.SREC: read_srec}


def _load(path: Path) -> bytes | Image:
    """The content of a regular file, or an image that says why it is not read. Nothing but a regular file is opened."""
    name = str(path)
    try:
        _require_regular(name, path.stat())
        flags = (
            os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        )  # never wait for a pipe's writer
        with os.fdopen(os.open(path, flags), "rb") as file:
            size = _require_regular(name, os.fstat(file.fileno()))
            start = file.read(_SNIFFED)
            limit = RAW_LIMIT if _sniff(start) in (Kind.RAW, Kind.STM2) else FILE_LIMIT
            if size > limit:
                return _refused(name, "E-FILE-SIZE", size=size, limit=f"{limit >> 20} MiB")
            file.seek(0)
            return file.read(size) or _refused(name, "E-FILE-EMPTY")
    except OSError as fault:
        reason = (fault.strerror or str(fault)).lower()
        raise UsageError.of("E-NO-FILE", name, reason=reason) from fault
    except ValueError as fault:  # a NUL in the name
        raise UsageError.of("E-NO-FILE", name, reason=str(fault)) from fault


def _refused(name: str, code: str, **evidence: str | int) -> Image:
    return Image((), Kind.RAW, file=name, findings=(finding(code, name, **evidence),))


def _require_regular(name: str, status: os.stat_result) -> int:
    """The size of a regular file; raises UsageError for anything else."""
    if stat.S_ISREG(status.st_mode):
        return status.st_size
    reason = "it is a folder" if stat.S_ISDIR(status.st_mode) else "it is not a regular file"
    raise UsageError.of("E-NO-FILE", name, reason=reason)


def _sniff(start: bytes) -> Kind:
    """What the first bytes say."""
    if start.startswith(b"\x7fELF"):
        return Kind.ELF
    if start.startswith(stm2.MAGIC):
        return Kind.STM2
    if _IHEX.match(start):
        return Kind.IHEX
    return Kind.SREC if _SREC.match(start) else Kind.RAW


def _kind(content: bytes, path: Path) -> tuple[Kind, Collector]:
    """What the file is. Content wins over the extension, but a broken HEX or ELF is never taken for raw bytes."""
    found = Collector(str(path))
    kind = _sniff(content[:_SNIFFED])
    extension = path.suffix
    named = _EXTENSIONS.get(extension.lower())
    if content.startswith(_LFS):
        found.add("E-FILE-LFS")
    elif kind is Kind.RAW and named is not None:
        kind = named
    elif named is not None and kind is not named and (named, kind) != (Kind.RAW, Kind.STM2):
        found.add("N-FILE-KIND", extension=extension, kind=_TEXT[kind])
    return kind, found


def _with_headers(image: Image, found: Collector) -> Image:
    """The image with the findings of `found` in front; boot headers in the chunks of a text file are checked."""
    header = image.header
    found.extend(image.findings)
    whole = not any(item.is_error for item in image.findings)
    if image.kind in (Kind.IHEX, Kind.SREC):
        for chunk in image.chunks:
            parsed = stm2.parse(chunk.data)
            if parsed is not None:
                if whole:  # a header without the lines that were dropped says nothing
                    found.extend(stm2.verify(parsed, chunk.data, image.file))
                header = header or parsed
    return replace(image, findings=found.result(), header=header)
