"""The boot ROM's trace: what it wrote down in RAM about the last boot, as records and as words.

Record layout and codes have one source, ST's example STM32N6-Boot-ROM-Traces (header.md 5, hw-soc 1.7), whose
first stage prints them; nobody has told of reading them with a debugger. So what a record says is taken as it is; which
copy of the first stage it is about is inferred from the order of the records, and that a copy was refused from no start
that follows. Arguments and the timestamp's unit are not published and not used.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_START = struct.pack("<I", 0xFFDD_BB00)
_HEAD = 20  # start word, size of what follows, timestamp, level, code
_LEAST = 12  # of what follows: timestamp, level, code

_DEVELOPMENT, _SERIAL, _FELL_BACK = (0x26, 0x92), 0x1020, 0x1032
_MEDIA = {
    0x1024: "NOR", 0x1029: "HyperFlash", 0x1021: "SD or eMMC", 0x1022: "SD or eMMC", 0x1027: "SD or eMMC",
    0x1028: "SD or eMMC",
}  # fmt: skip
_LIFE_CYCLES = {0x23: "open", 0x25: "closed, unlocked", 0x28: "closed, locked"}
_DEBUG = {0x65: "open", 0x66: "locked"}
_TRIES = {0x8000_0001: "copy 1", 0x8000_0002: "copy 2"}
_JUMP = 0x2C00_4008

_HEADER: Mapping[int, str] = {
    0x1D00_0002: "it does not start with STM2",
    0x1D00_0003: "its length is too small",
    0x1D00_0004: "its length is too large",
    0x1D00_0005: "its entry point is out of range",
    0x1D00_0006: "its checksum is wrong",
    0x1D00_0007: "its header version is not the one of this silicon",
    0x1D00_0008: "it has an extension header of unknown type",
    0x1D00_000B: "an extension header has a wrong length",
    0x1D00_000D: "its flags do not fit its extension headers",
    0x2C00_0101: "it does not start with STM2",
    0x2C00_0102: "its length is wrong",
    0x2C00_0201: "its checksum is wrong",
    0x2C00_0208: "its entry point is wrong",
}
_KEYS: Mapping[int, str] = {
    0x1D00_000C: "the size of its cipher key is wrong",
    0x1D00_000E: "its number of keys is wrong",
    0x1D00_000F: "its index of the key is wrong",
    0x2C00_0103: "it is not signed",
    0x2C00_010D: "it cannot be decrypted",
    0x2C00_010F: "its public key is refused",
    0x2C00_0112: "its signature is wrong",
    0x2C00_0202: "its key is revoked",
    0x2C00_0204: "its image version is older than the fuses allow",
    0x2C00_0207: "its table of keys is not the one in the fuses",
    0x2C00_030A: "its hash is wrong after decryption",
}
_SILENT: Mapping[int, str] = {0x8000_0009: "the flash did not answer in time"}
_COMPLAINTS = {**_HEADER, **_KEYS, **_SILENT}


@dataclass(frozen=True, slots=True)
class Record:
    """One record. `time` counts in a unit that is not published; levels are 0 info, 1 warning, 2 error, 3 debug."""

    time: int
    level: int
    code: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the records say from one "trying copy" to the next.

    `copy`: "copy 1", "copy 2", or "a copy" where the record that names it is missing. `started`: the ROM jumped to it.
    """

    copy: str
    complaints: tuple[int, ...]
    started: bool

    @property
    def reasons(self) -> str:
        """What the ROM found wrong, in words."""
        return " and ".join(dict.fromkeys(_COMPLAINTS[code] for code in self.complaints))

    @property
    def codes(self) -> str:
        """The codes that say so."""
        return " ".join(f"{code:#010x}" for code in self.complaints)

    @property
    def kind(self) -> str:
        """What kind of trouble: "keys", "silent" (the flash), "header"."""
        for kind, table in (("keys", _KEYS), ("silent", _SILENT)):
            if any(code in table for code in self.complaints):
                return kind
        return "header"


@dataclass(frozen=True, slots=True)
class Boot:
    """The last boot in the trace's words; "" is what no record tells.

    `locked`: debug stayed locked in development boot, or the life cycle is closed and locked.
    """

    mode: str
    life_cycle: str
    debug: str
    locked: bool
    attempts: tuple[Attempt, ...]


def records(buffer: bytes) -> tuple[list[Record], int]:
    """The records of one buffer in their order of time, and how many bytes between them are neither a record nor 0.

    Such bytes are there where a full buffer began again at its front, or a program used the RAM.
    """
    found: list[Record] = []
    at = foreign = 0
    while at < len(buffer):
        length = _length(buffer, at)
        if length:
            found.append(Record(*struct.unpack_from("<3I", buffer, at + 8)))
            at += length
        else:
            foreign += any(buffer[at : at + 4]) * 4
            at += 4
    return sorted(found, key=lambda record: record.time), foreign


def _length(buffer: bytes, at: int) -> int:
    """Bytes of the record at `at`, 0 where none is."""
    if buffer[at : at + 4] != _START or at + _HEAD > len(buffer):
        return 0
    size, _, level = struct.unpack_from("<3I", buffer, at + 4)
    fits = size >= _LEAST and size % 4 == 0 and at + 8 + size <= len(buffer)
    return 8 + int(size) if fits and level <= 3 else 0


def interpret(found: Iterable[Record]) -> Boot:
    """What the records tell of the boot."""
    codes = [record.code for record in found]
    life = next((code for code in codes if code in _LIFE_CYCLES), 0)
    debug = next((_DEBUG[code] for code in reversed(codes) if code in _DEBUG), "")
    mode = _mode(codes)
    locked = life == 0x28 or (mode == "development boot" and debug == "locked")
    return Boot(mode, _LIFE_CYCLES.get(life, ""), debug, locked, _attempts(codes))


def _mode(codes: list[int]) -> str:
    if any(code in codes for code in _DEVELOPMENT):
        return "development boot"
    medium = next((_MEDIA[code] for code in codes if code in _MEDIA), "")
    if _FELL_BACK in codes:
        return f"boot from {medium or 'flash'}, then serial boot instead"
    if medium:
        return f"boot from {medium}"
    return "serial boot" if _SERIAL in codes else ""


def _attempts(codes: list[int]) -> tuple[Attempt, ...]:
    found: list[Attempt] = []
    copy, complaints, is_open = "a copy", list[int](), False

    def end(*, started: bool) -> None:
        if is_open or complaints:
            found.append(Attempt(copy, tuple(dict.fromkeys(complaints)), started))

    for code in codes:
        if code in _TRIES:
            end(started=False)
            copy, complaints, is_open = _TRIES[code], [], True
        elif code in _COMPLAINTS:
            complaints.append(code)
        elif code == _JUMP:
            is_open = True
            end(started=True)
            copy, complaints, is_open = "a copy", [], False
    end(started=False)
    return tuple(found)
