"""The STM2 boot header of signed images: where its fields are, and whether they fit the bytes that follow.

Layout and rules: public ST documentation and open-source code (ST wiki "STM32 header for binary files", TF-A
boot_api.h, stm32wrapper4dbg), checked against 154 public images. All numbers are little endian. Sizes and offsets in
bytes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from n6prog.findings import Finding, finding

MAGIC = b"STM2"
VECTORS = 0x400
"""File offset of the vector table: the boot ROM copies the file, header included, and images are linked 0x400 above."""

FSBL_BASE = 0x3418_0000
FSBL_END = 0x3420_0000
"""Where the boot ROM copies the first stage, and the end of that window (ST linker scripts: 511 KiB at 0x34180400)."""

FSBL_LIMIT = 0x8_0000
"""Most bytes of a first stage, header included (ST wiki: 512 KiB)."""

APP_RUN_BASE = 0x3400_0000
FSBL_FLASH = 0x7000_0000
APP_FLASH = 0x7010_0000
"""Where ST's first-stage template looks for the application (EXTMEM_HEADER_OFFSET lies behind it)."""

PSRAM_BASE, PSRAM_END = 0x9000_0000, 0xA000_0000
"""The window of XSPI1, where boards with a PSRAM have it."""

AUTOMATIC = 0xFFFF_FFFF
SUPPORTED = ("2.1", "2.3")

_EXTENSION_NAMES = {0xFFFF_5453: "padding", 0x0200_5453: "authentication", 0x0100_5453: "encryption"}
_AUTHENTICATED, _ENCRYPTED = 1, 2
_LARGEST_EXTENSIONS = 0x1A0


@dataclass(frozen=True, slots=True)
class Geometry:
    """Offsets of the fields in one header version; the four words from `checksum` on are contiguous in all."""

    base: int
    checksum: int
    load: int
    image_version: int
    flags: int
    post_length: int
    binary_type: int


_V2_OLD = Geometry(0x80, 0x44, 0x58, 0x60, 0x64, 0x68, 0x6C)
_V21 = Geometry(
    0x80, 0x44, 0x58, 0x60, 0x64, 0x68, 0x70
)  # type at 0x70: the one v2.1 N6 image with a type has it there
_V23 = Geometry(0xA0, 0x64, 0x78, 0x80, 0x84, 0x88, 0x8C)
GEOMETRIES = {"2.0": _V2_OLD, "2.1": _V21, "2.2": _V2_OLD, "2.3": _V23}


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension header: its type word, its offset in the file, its length (with the 8 bytes of type and length)."""

    type: int
    offset: int
    length: int

    @property
    def name(self) -> str:
        """The extension's name, or its type in hexadecimal."""
        return _EXTENSION_NAMES.get(self.type, f"{self.type:#010x}")


@dataclass(frozen=True, slots=True)
class Header:
    """A boot header as it stands in the file; nothing in it has been checked.

    `version` is "2.3" and the like, or "" where the file is too short or the version word is none that is known; then
    the other fields are zero. `length` counts the body, which is everything after the last extension header.
    """

    version: str
    version_word: int = 0
    checksum: int = 0
    length: int = 0
    entry: int = 0
    load_address: int = AUTOMATIC
    image_version: int = 0
    flags: int = 0
    post_length: int = 0
    binary_type: int = 0
    base_size: int = 0
    signed: bool = False
    extensions: tuple[Extension, ...] = field(default=())

    @property
    def size(self) -> int:
        """Bytes of the base header and the extension headers: the offset of the body."""
        return self.base_size + self.post_length

    @property
    def total(self) -> int:
        """Bytes of headers and body."""
        return self.size + self.length

    @property
    def encrypted(self) -> bool:
        """Whether the body is ciphertext by the header's own word (an MCE-encrypted body says nothing here)."""
        return bool(self.flags & _ENCRYPTED)

    @property
    def in_psram(self) -> bool:
        """Whether the program starts in the window of the PSRAM on XSPI1."""
        return PSRAM_BASE <= self.entry < PSRAM_END

    def load_hint(self) -> int | None:
        """Where in the NOR an image without an address belongs, by its entry point; None where that does not tell.

        First stages run at 0x34180400 and lie at 0x70000000. Applications that a first stage copies to 0x34000400 or
        into PSRAM, or that run in place at 0x70100400, lie at 0x70100000. The binary type does not
        decide: public applications carry 0x10 and public first stages 0x00.
        """
        if FSBL_BASE + VECTORS <= self.entry < FSBL_END:
            return FSBL_FLASH
        if APP_RUN_BASE + VECTORS <= self.entry < FSBL_BASE:
            return APP_FLASH
        if self.in_psram or APP_FLASH + VECTORS <= self.entry < APP_FLASH + self.total:
            return APP_FLASH
        return None


def parse(data: bytes | memoryview) -> Header | None:
    """The boot header at the start of `data`, or None where the magic is missing. Never raises; `verify` judges it."""
    view = memoryview(data)
    if view[:4] != MAGIC:
        return None
    version, word = _version(view)
    geometry = GEOMETRIES.get(version)
    if geometry is None or len(view) < geometry.base:
        return Header(version=version if geometry is None else "", version_word=word)
    checksum, _, length, entry = struct.unpack_from("<4I", view, geometry.checksum)
    post_length = _word(view, geometry.post_length)
    return Header(
        version=version,
        version_word=word,
        checksum=checksum,
        length=length,
        entry=entry,
        load_address=_word(view, geometry.load),
        image_version=_word(view, geometry.image_version),
        flags=_word(view, geometry.flags),
        post_length=post_length,
        binary_type=_word(view, geometry.binary_type),
        base_size=geometry.base,
        signed=any(view[4 : geometry.checksum]),
        extensions=_extensions(view, geometry.base, post_length),
    )


def size_to_verify(head: bytes | memoryview) -> int:
    """Bytes that `verify` must see of the image that starts with `head`; 0 where no header tells that."""
    header = parse(head)
    if header is None or header.version not in SUPPORTED or _broken_fields(header, ""):
        return 0
    return header.total


def _word(view: memoryview, offset: int) -> int:
    value: int = struct.unpack_from("<I", view, offset)[0]
    return value


def _version(view: memoryview) -> tuple[str, int]:
    """The version and its word: at 0x68 in v2.3 and at 0x48 in all older ones, where v2.3 has signature bytes."""
    if len(view) < 0x4C:
        return "", 0
    late = _word(view, 0x68) if len(view) >= 0x6C else 0
    if late == 0x0002_0300:
        return "2.3", late
    early = _word(view, 0x48)
    known = {0x0001_0000: "1.0", 0x0002_0000: "2.0", 0x0002_0100: "2.1", 0x0002_0200: "2.2"}
    return known.get(early, ""), early


def _extensions(view: memoryview, start: int, size: int) -> tuple[Extension, ...]:
    """The extension headers; stops at the first that does not fit, which `verify` then reports."""
    found = []
    offset, end = start, min(start + size, len(view), start + _LARGEST_EXTENSIONS)
    while offset + 8 <= end:
        kind, length = struct.unpack_from("<2I", view, offset)
        if length < 8 or offset + length > end:
            break
        found.append(Extension(kind, offset, length))
        offset += length
    return tuple(found)


def verify(header: Header, data: bytes | memoryview, file: str) -> tuple[Finding, ...]:
    """Everything that is wrong with a signed image: `data` starts with the header that `parse` gave for it.

    The checksum is recomputed (a plain sum of the body's bytes): the boot ROM seems not to check it in flash boot, so
    nobody else would. Signatures are not checked.
    """
    view = memoryview(data)
    if header.version not in SUPPORTED:
        return (_unusable(header, view, file),)
    findings = _broken_fields(header, file)
    if findings:
        return tuple(findings)
    body = view[header.size : header.total]
    if header.total > len(view):
        findings.append(
            finding(
                "E-HDR-LENGTH", file, length=header.length, header=header.size, present=max(0, len(view) - header.size)
            )
        )
    elif (computed := sum(body) & 0xFFFF_FFFF) != header.checksum:
        findings.append(finding("E-HDR-SUM", file, stored=header.checksum, computed=computed))
    findings += _entry_findings(header, view, file)
    if header.load_address not in (
        AUTOMATIC,
        FSBL_BASE,
    ):  # ST's secure scripts pass -la 0x34180000, the header's address
        findings.append(finding("W-HDR-LOAD", file, address=header.load_address))
    if header.signed or header.flags & (_AUTHENTICATED | _ENCRYPTED):
        what = "signed and encrypted" if header.encrypted else "signed"
        findings.append(finding("N-HDR-SIGNED", file, what=what))
    if header.total < len(view):
        findings.append(finding("N-HDR-TRAILING", file, size=len(view) - header.total, offset=header.total))
    return tuple(findings)


def _unusable(header: Header, view: memoryview, file: str) -> Finding:
    if header.version:
        return finding(
            "E-HDR-VERSION", file, version=header.version, reason="is not one that an STM32N6 takes (2.1 or 2.3)"
        )
    needed = _V23.base if len(view) < 0x6C or _word(view, 0x68) == 0x0002_0300 else _V21.base
    if len(view) < needed:
        return finding("E-HDR-TRUNCATED", file, size=len(view), needed=needed)
    return finding(
        "E-HDR-VERSION",
        file,
        version=f"{header.version_word:#010x}",
        reason="is not known; an STM32N6 takes 2.1 and 2.3",
    )


def _broken_fields(header: Header, file: str) -> list[Finding]:
    """Fields without which the body cannot even be found."""
    post_offset = GEOMETRIES[header.version].post_length
    if header.post_length > _LARGEST_EXTENSIONS:
        reason = f"is more than the {_LARGEST_EXTENSIONS:#x} bytes that extension headers can take"
        return [
            finding(
                "E-HDR-FIELD",
                file,
                field="post-header length",
                value=header.post_length,
                offset=post_offset,
                reason=reason,
            )
        ]
    covered = sum(extension.length for extension in header.extensions)
    if covered != header.post_length:
        reason = f"does not fit its extension headers ({covered:#x} bytes)"
        return [
            finding(
                "E-HDR-FIELD",
                file,
                field="post-header length",
                value=header.post_length,
                offset=post_offset,
                reason=reason,
            )
        ]
    if header.length == 0:
        offset = GEOMETRIES[header.version].checksum + 8
        return [finding("E-HDR-FIELD", file, field="image length", value=0, offset=offset, reason="leaves no program")]
    return []


def _entry_findings(header: Header, view: memoryview, file: str) -> list[Finding]:
    """Whether the entry point is the reset vector of the table at 0x400 (the signing tool copies it from 0x404)."""
    findings = []
    # Signed twice: the second run of the tool took a header for the vector table.
    twice = next((at for at in (VECTORS, header.size) if view[at : at + 4] == MAGIC), None)
    if twice is not None and not header.encrypted:
        return [finding("E-HDR-TWICE", file, inner=twice)]
    if not header.entry & 1:
        reason = "is even: the Thumb bit is missing, and the core faults on its first instruction"
        findings.append(finding("E-HDR-ENTRY", file, entry=header.entry, reason=reason))
    if header.encrypted:
        return findings
    early, aligned = _vectors(view, header.size), _vectors(view, VECTORS)
    if aligned and header.entry | 1 == aligned[1]:
        return findings
    # Tool 2.21 without -align: the body follows the header at once, and the entry is still taken from 0x404.
    if early and header.size < VECTORS and header.entry | 1 != early[1]:
        findings.append(
            finding("E-HDR-ALIGN", file, table=header.size, stack=early[0], reset=early[1], entry=header.entry)
        )
    elif aligned:
        findings.append(finding("W-HDR-ENTRY", file, entry=header.entry, vector=aligned[1]))
    return findings


def _vectors(view: memoryview, offset: int) -> tuple[int, int] | None:
    """Stack pointer and reset vector at `offset`, if they look like the first words of a vector table."""
    if len(view) < offset + 8:
        return None
    stack, reset = struct.unpack_from("<2I", view, offset)
    if stack % 8 or stack >> 28 not in (0x2, 0x3, 0x9):  # RAM through either alias, or PSRAM
        return None
    if not reset & 1 or reset >> 28 not in (0x0, 0x1, 0x2, 0x3, 0x7, 0x9):
        return None
    return stack, reset


def verify_fsbl(header: Header, file: str) -> tuple[Finding, ...]:
    """What is wrong with an image that is to lie where the boot ROM looks (0x70000000, 0x70040000), beyond `verify`."""
    findings = []
    if header.total > FSBL_LIMIT:
        findings.append(finding("E-HDR-SIZE", file, size=header.total, limit=FSBL_LIMIT))
    if not FSBL_BASE + VECTORS <= header.entry < FSBL_END:
        reason = (
            f"lies outside {FSBL_BASE + VECTORS:#010x}..{FSBL_END - 1:#010x}, where the boot ROM puts a first stage"
        )
        findings.append(finding("E-HDR-ENTRY", file, entry=header.entry, reason=reason))
    return tuple(findings)
