"""One look at the NOR through the borrowed port: which bus mode it is in, and what it says there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from n6prog.doctor.bench import Bench
from n6prog.doctor.borrow import FlashPort
from n6prog.image import stm2
from n6prog.image.stm2 import VECTORS
from n6prog.link import Link
from n6prog.targets.chip import XSPI2_BASE
from n6prog.targets.schema import BoardProfile, part_by_jedec

HEAD = VECTORS + 8
"""Bytes read of each slot: the header, and the first two words of the vector table behind it."""
IMAGES = 128 << 10
"""Most bytes read of all images together, for their checksums: 12 s at 11 KiB/s (an ST-LINK at 8 MHz; 7 KiB/s at 1)."""
SFDP_SIZE = 0x13C  # all that the tables of ST's parts take (hw-flash 1)
MODES = ("1S", "8S", "8D")

# Opcodes and dummy clocks (hw-flash 2.1, 2.2). In octal modes registers take a zero address and 4 dummies.
_RDID, _RDSR, _RDSCUR, _RDCR2, _SFDP = 0x9F, 0x05, 0x2B, 0x71, 0x5A
_FAST_READ_4B, _READ_8S, _READ_8D = 0x0C, 0xEC, 0xEE
_REGISTER_DUMMY, _SFDP_DUMMY, _SFDP_OCTAL_DUMMY, _FAST_DUMMY = 4, 8, 20, 8
_CR2_DUMMY = 0x300
_DUMMIES = (20, 18, 16, 14, 12, 10, 8, 6)  # CR2 300h [2:0]
_PIECE = 256


@dataclass(frozen=True, slots=True)
class NorReading:
    """What the NOR said. `mode` is "" where none of the three got an answer; then only `answers` is filled.

    While the NOR is at work `jedec` is empty, and so are `sfdp` and `heads`.

    `answers`: RDID as read in each mode that was tried. `heads`: the first HEAD bytes of each slot with a header, by
    its name. `images`: header and body of those that were small enough, IMAGES in all.
    """

    answers: dict[str, bytes]
    mode: str = ""
    jedec: bytes = b""
    sr: int = 0
    scur: int = 0
    sfdp: bytes = b""
    heads: dict[str, bytes] = field(default_factory=dict)
    images: dict[str, bytes] = field(default_factory=dict)


def read_nor(bench: Bench) -> NorReading:
    """Look at the NOR. Raises NotNow where the port cannot be borrowed, and what the link raises."""
    with FlashPort(bench.live, bench.board) as port:
        answers: dict[str, bytes] = {}
        for mode in MODES:
            answers[mode] = _register(port, mode, _RDID, 12)
            jedec = _identity(port, mode, answers[mode])
            if jedec:
                return _look(bench, port, mode, jedec, answers)
        for mode in MODES:
            status = _register(port, mode, _RDSR, 4)
            # At work it answers nothing but its registers, and those without end; SR has no bits 7:6 (hw-flash 2.4, 3).
            if len(set(status)) == 1 and status[0] & 0xC1 == 1 and status == _register(port, mode, _RDSR, 4):
                scur = _register(port, mode, _RDSCUR, 4)[0]
                return NorReading(answers, mode, b"", status[0], scur)
        return NorReading(answers)


def rdid_answers(link: Link, board: BoardProfile) -> dict[str, bytes]:
    """Three bytes of RDID as they read in each bus mode, whatever they are. Raises as `read_nor`."""
    with FlashPort(link, board) as port:
        return {mode: _register(port, mode, _RDID, 12)[:3] for mode in MODES}


def rdid_text(answers: Mapping[str, bytes]) -> str:
    """What RDID read, mode by mode, as "1S C2 80 3A; 8S FF FF FF"."""
    return "; ".join(f"{mode} {data[:3].hex(' ').upper()}" for mode, data in answers.items())


def _look(bench: Bench, port: FlashPort, mode: str, jedec: bytes, answers: dict[str, bytes]) -> NorReading:
    sr, scur = _register(port, mode, _RDSR, 4)[0], _register(port, mode, _RDSCUR, 4)[0]
    slots = {slot.name: slot.start - XSPI2_BASE for slot in bench.board.slots if slot.header}
    heads = {name: _array(port, mode, offset, HEAD) for name, offset in slots.items()}
    images: dict[str, bytes] = {}
    left = IMAGES
    for name, head in heads.items():
        size = stm2.size_to_verify(head)
        if size and size <= left:
            images[name] = (head + _array(port, mode, slots[name] + HEAD, size - HEAD))[:size]
            left -= size
    return NorReading(answers, mode, jedec, sr, scur, _sfdp(port, mode), heads, images)


def _identity(port: FlashPort, mode: str, answer: bytes) -> bytes:
    """Three bytes of RDID when this is an answer, b"" when it is what undriven lines read.

    An answer repeats, in 8D each byte is held for two; a manufacturer's byte is not 00 or FF; and the same comes again.
    """
    plain = answer[::2] if mode == "8D" else answer
    if mode == "8D" and plain != answer[1::2]:
        return b""
    jedec = plain[:3]
    if jedec[0] in (0x00, 0xFF) or (part_by_jedec(jedec) is None and plain[:3] != plain[3:6]):
        return b""
    return jedec if _register(port, mode, _RDID, 12) == answer else b""


def _register(port: FlashPort, mode: str, opcode: int, size: int) -> bytes:
    if mode == "1S":
        return port.read(mode, opcode, size)
    return port.read(mode, opcode, size, address=0, dummy=_REGISTER_DUMMY)


def _sfdp(port: FlashPort, mode: str) -> bytes:
    octal = mode != "1S"
    data = b""
    for at in range(0, SFDP_SIZE, _PIECE):
        size = min(_PIECE, SFDP_SIZE - at)
        dummy = _SFDP_OCTAL_DUMMY if octal else _SFDP_DUMMY
        data += port.read(mode, _SFDP, size, address=at, dummy=dummy, three_bytes=not octal)
    return data


def _array(port: FlashPort, mode: str, offset: int, size: int) -> bytes:
    """Bytes of the array, by the read command of the mode."""
    opcode = {"1S": _FAST_READ_4B, "8S": _READ_8S, "8D": _READ_8D}[mode]
    dummy = _FAST_DUMMY
    if mode != "1S":
        code = port.read(mode, _RDCR2, 4, address=_CR2_DUMMY, dummy=_REGISTER_DUMMY)[0] & 7
        dummy = _DUMMIES[code]
    data = b""
    for at in range(0, size, _PIECE):
        data += port.read(mode, opcode, min(_PIECE, size - at), address=offset + at, dummy=dummy)
    return data
