"""Sound inputs that the fuzzer starts from, made with the writers of the tests: nothing here is read from n6prog."""

from __future__ import annotations

from pathlib import Path

from tests.helpers.elfmaker import NOBITS, Section, make_elf
from tests.helpers.stm2maker import make_stm2, vectors

ROOT = Path(__file__).parents[2]
XIP = Section(".isr_vector", 0x70100400, vectors(0x34008000, 0x70100501, 32))
FSBL = vectors(0x34200000, 0x34180501, 160)
APP = vectors(0x34100000, 0x34000501, 160)


def stm2() -> list[bytes]:
    """Signed images of both versions."""
    return [
        make_stm2(FSBL),
        make_stm2(APP),
        make_stm2(FSBL, version="2.1"),
        make_stm2(FSBL, align=False),
        make_stm2(make_stm2(FSBL)),
    ]


def elf() -> list[bytes]:
    """Programs in the forms that linkers write."""
    copied = Section(".data", 0x34000000, bytes(range(64)), lma=0x70100800)
    cleared = Section(".bss", 0x34001000, type=NOBITS, claims=4096)
    return [
        make_elf(XIP, copied, cleared),
        make_elf(XIP, Section(".pool", 0, bytes(300))),
        make_elf(Section(".isr_vector", 0x34180400, FSBL), header_in_first_segment=0x400),
        make_elf(XIP, copied, section_headers=False),
        make_elf(XIP, bits=64, machine=183),
        make_elf(XIP, big_endian=True),
        make_elf(Section(".boot", 0x70000000, make_stm2(FSBL))),
    ]


def ihex() -> list[bytes]:
    """Intel HEX with the record types in use."""
    data = [_ihex(0, address, bytes(range(16))) for address in range(0, 128, 16)]
    signed = make_stm2(FSBL)
    image = [_ihex(0, at, signed[at : at + 16]) for at in range(0, len(signed), 16)]
    end = _ihex(1, 0, b"")
    return [
        "\n".join([_ihex(4, 0, b"\x71\x00"), *data, end]).encode(),
        "\r\n".join([_ihex(4, 0, b"\x70\x00"), *image, _ihex(5, 0, b"\x34\x18\x05\x01"), end]).encode(),
        "\n".join(
            [_ihex(2, 0, b"\x70\x00"), *data, _ihex(3, 0, bytes(4)), _ihex(4, 0, b"\xff\xff"), *data, end]
        ).encode(),
    ]


def _ihex(kind: int, address: int, data: bytes) -> str:
    body = bytes([len(data), address >> 8, address & 0xFF, kind]) + data
    return f":{(body + bytes([-sum(body) & 0xFF])).hex().upper()}"


def srec() -> list[bytes]:
    """S-records of all widths."""
    files = []
    for kind, width in ((1, 2), (2, 3), (3, 4)):
        base = 0x71000000 & (1 << 8 * width) - 1
        rows = [_srec(0, 2, 0, b"HDR")]
        rows += [_srec(kind, width, base + at, bytes(range(16))) for at in range(0, 128, 16)]
        rows += [_srec(5, 2, 8, b""), _srec(10 - kind, width, base, b"")]
        files.append("\n".join(rows).encode())
    return files


def _srec(kind: int, width: int, address: int, data: bytes) -> str:
    body = bytes([width + len(data) + 1]) + address.to_bytes(width, "big") + data
    return f"S{kind}{(body + bytes([~sum(body) & 0xFF])).hex().upper()}"


def raw() -> list[bytes]:
    """Raw bytes: programs, data, a Git LFS pointer."""
    return [FSBL, APP, bytes(256), b"\xff" * 4096, b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"]


def boards() -> list[bytes]:
    """The board files that ship, and one with a part of its own."""
    files = [path.read_bytes() for path in sorted((ROOT / "targets" / "boards").glob("*.toml"))]
    return [*files, files[0].replace(b'"MX25UM51245G"', b'"part.toml"')]


def parts() -> list[bytes]:
    """The part files that ship."""
    return [path.read_bytes() for path in sorted((ROOT / "targets" / "nor").glob("*.toml"))]


def projects() -> list[bytes]:
    """Project files with every kind of setting."""
    flat = (
        b'board = "nucleo-n657x0-q"\nprobe = "sim"\nswd_clock = "8M"\nwait = 2.5\nmap = ["0x34000400=0x70100400"]\n'
        b'no_verify = true\nafter = "halt"\nverbose = 1\nslot = "app"\n'
    )
    return [
        flat,
        b"[tool.other]\nx = 1\n[tool.n6prog]\n" + flat,
        b'board = "my.toml"\nlog = "../log.txt"\n[slots]\na = 1\n',
    ]


def specs() -> list[bytes]:
    """What is typed: files with addresses, and maps."""
    return [
        b"w.raw@0x71000000",
        b"a@b.elf@0x7100_0000",
        b"0x34000400=0x70100400",
        b"0x0+64K=0x70100000",
        b"1-2=3",
        b"x@1M",
    ]
