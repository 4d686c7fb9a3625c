"""Inputs from seeds: sound files are changed in a few places; some are noise. Same generator state, same bytes."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from random import Random

LONGEST = 4 << 20
"""Bytes; longer inputs are cut."""

_WORDS = (0, 1, 2, 3, 4, 0x7F, 0x80, 0xFF, 0x100, 0x3FF, 0x400, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x240, 0x1A0)
_LONGS = (
    *_WORDS,
    0x7000_0000,
    0x7100_0000,
    0x3418_0400,
    0x3400_0400,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFF0,
    0xFFFF_FFFF,
)

Mutation = Callable[[bytearray, Random], None]


def _flip(data: bytearray, rng: Random) -> None:
    at = rng.randrange(len(data))
    data[at] ^= 1 << rng.randrange(8)


def _byte(data: bytearray, rng: Random) -> None:
    data[rng.randrange(len(data))] = rng.randrange(256)


def _word(data: bytearray, rng: Random) -> None:
    """A value at the edge of something, in either byte order, mostly where words stand."""
    size, pool = rng.choice(((2, _WORDS), (4, _LONGS)))
    if len(data) < size:
        return
    at = rng.randrange(len(data) - size + 1)
    if rng.random() < 0.8:
        at -= at % size
    value = rng.choice(pool) + rng.choice((0, 0, 0, -1, 1)) & (1 << 8 * size) - 1
    struct.pack_into(rng.choice("<<<>") + ("H" if size == 2 else "I"), data, at, value)


def _header_word(data: bytearray, rng: Random) -> None:
    """The same where headers are: in the first 0x240 bytes."""
    head = data[:0x240]
    if len(head) >= 4:
        _word(head, rng)
        data[: len(head)] = head


def _cut(data: bytearray, rng: Random) -> None:
    del data[rng.randrange(len(data)) :]


def _drop(data: bytearray, rng: Random) -> None:
    at = rng.randrange(len(data))
    del data[at : at + rng.randrange(1, 64)]


def _double(data: bytearray, rng: Random) -> None:
    at = rng.randrange(len(data))
    part = data[at : at + rng.randrange(1, 256)]
    where = rng.randrange(len(data))
    data[where:where] = part


def _noise(data: bytearray, rng: Random) -> None:
    at = rng.randrange(len(data))
    data[at:at] = rng.randbytes(rng.randrange(1, 32))


def _grow(data: bytearray, rng: Random) -> None:
    """The same part many times over: what takes time or memory in proportion to more than its size shows here."""
    at = rng.randrange(len(data))
    part = bytes(data[at : at + rng.randrange(1, 128)])
    data[at:at] = part * (rng.choice((1 << 10, 1 << 14, 1 << 16, 1 << 18)) // len(part))


_BINARY: Sequence[Mutation] = (
    _flip,
    _byte,
    _word,
    _word,
    _word,
    _header_word,
    _header_word,
    _cut,
    _drop,
    _double,
    _noise,
)


def _line(data: bytearray, rng: Random) -> None:
    """Lines left out, doubled, or changed round."""
    lines = bytes(data).splitlines(keepends=True)
    if not lines:
        return
    at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    way = rng.randrange(3)
    if way == 0:
        del lines[at]
    elif way == 1:
        lines.insert(other, lines[at])
    else:
        lines[at], lines[other] = lines[other], lines[at]
    data[:] = b"".join(lines)


def _digit(data: bytearray, rng: Random) -> None:
    data[rng.randrange(len(data))] = rng.choice(b"0123456789ABCDEFabcdef :S\r\n\x00\xff")


_TEXT: Sequence[Mutation] = (_digit, _digit, _digit, _line, _line, _flip, _byte, _cut, _drop, _double, _noise)

_VALUES = (
    *(
        "true",
        "false",
        "0",
        "-1",
        "1",
        "1.5",
        "-0.0",
        "1e400",
        "nan",
        "-inf",
        '""',
        "[]",
        "{}",
        "[[]]",
        "[{}]",
        "{a=1}",
    ),
    *("0x70000000", "0xffffffff", "0x100000000", "9" * 30, "9" * 5000, "0x" + "f" * 5000, "1979-05-27T07:32:00Z"),
    *(
        "07:32:00",
        '"\\u0000"',
        "'''x'''",
        '"' + "x" * 3000 + '"',
        "[" * 2000 + "]" * 2000,
        "[true, 1]",
        '"PN1"',
        '"../x"',
    ),
    *('"../../../../dev/zero"', '"x.toml"', '"MX25UM51245G"', '["0x34000400=0x70100400"]', '"8M"', '"nowhere.toml"'),
)
_KEYS = (
    "name",
    "part",
    "slots",
    "wiring",
    "size",
    "start",
    "pins",
    "board",
    "probe",
    "map",
    "swd_clock",
    "a.b",
    '"x y"',
)


def _value(data: bytearray, rng: Random) -> None:
    """Another value for a key, a key of another name, or a table of another name."""
    lines = data.decode("utf-8", "replace").split("\n")
    at = rng.randrange(len(lines))
    key, equals, _ = lines[at].partition("=")
    way = rng.randrange(4)
    if equals and way < 2:
        lines[at] = f"{key}= {rng.choice(_VALUES)}"
    elif equals and way == 2:
        lines[at] = f"{rng.choice(_KEYS)} ={lines[at].partition('=')[2]}"
    else:
        table = rng.choice(_KEYS)
        lines.insert(
            at, rng.choice((f"[{table}]", f"[[{table}]]", f"{table} = {rng.choice(_VALUES)}", f"[a.{table}.b]"))
        )
    data[:] = "\n".join(lines).encode("utf-8", "replace")


_TOML: Sequence[Mutation] = (_value, _value, _value, _value, _line, _line, _byte, _flip, _cut, _drop, _double)


def mutated(seeds: Sequence[bytes], rng: Random, mutations: Sequence[Mutation]) -> bytes:
    """One input: a seed with one to eight changes; one in forty is noise, one in two hundred is blown up."""
    kind = rng.randrange(200)
    if kind < 5:
        return rng.randbytes(rng.randrange(512))
    data = bytearray(rng.choice(seeds))
    if kind < 15:  # the head of one and the tail of another
        other = rng.choice(seeds)
        data = data[: rng.randrange(len(data) + 1)] + bytearray(other[rng.randrange(len(other) + 1) :])
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4, 8))):
        if not data:
            break
        rng.choice(mutations)(data, rng)
    if kind == 199 and data:
        _grow(data, rng)
    return bytes(data[:LONGEST])


def binary(seeds: Sequence[bytes], rng: Random) -> bytes:
    """An input for a binary format."""
    return mutated(seeds, rng, _BINARY)


def toml(seeds: Sequence[bytes], rng: Random) -> bytes:
    """An input for a TOML reader."""
    return mutated(seeds, rng, _TOML)


_RECORD = re.compile(rb"^(:|S\d)([0-9A-Fa-f]{4,})", re.MULTILINE)


def records(seeds: Sequence[bytes], rng: Random) -> bytes:
    """An input for a reader of hexadecimal records; in half of them lengths and checksums are made right again, so
    that what stands behind those checks is reached."""
    data = mutated(seeds, rng, _TEXT)
    if rng.random() < 0.5 or len(data) > 1 << 16:
        return data
    return _RECORD.sub(_repaired, data)


def _repaired(match: re.Match[bytes]) -> bytes:
    start, digits = match[1], match[2][: len(match[2]) // 2 * 2]
    body = bytearray.fromhex(digits.decode("ascii"))[:-1]
    if start == b":":
        body[0] = max(0, len(body) - 4) & 0xFF
        body.append(-sum(body) & 0xFF)
    else:
        body[0] = len(body) & 0xFF
        body.append(~sum(body) & 0xFF)
    return start + body.hex().upper().encode("ascii")
