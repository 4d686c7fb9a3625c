"""What is written is what our reader reads, and what stands here, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from n6prog.image import Chunk, Origin, read, write_ihex, write_raw, write_srec


def chunk(address: int, data: bytes) -> Chunk:
    return Chunk(address, memoryview(data), Origin("a"))


@settings(max_examples=60)
@given(
    st.lists(st.binary(min_size=1, max_size=1000), min_size=1, max_size=5),
    st.sampled_from([0, 0x7000_0000, 0x700F_FFF8, 0xFFFF_0000]),
)
def test_our_reader_reads_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], base: int
) -> None:
    chunks = [chunk(base + 0x400 * number, part) for number, part in enumerate(parts)]
    file = tmp_path_factory.mktemp("hex") / "a.hex"
    write_ihex(chunks, file)
    image = read(file)
    assert image.findings == ()
    assert [(c.address, bytes(c.data)) for c in image.chunks] == [(c.address, bytes(c.data)) for c in chunks]


def test_no_record_crosses_a_64_kib_border(tmp_path: Path) -> None:
    write_ihex([chunk(0x7000FFF8, b"0123456789abcdef")], tmp_path / "a.hex")
    lines = (tmp_path / "a.hex").read_text().split()
    assert lines[0] == ":0200000470008A"  # 02 + 04 + 70 = 0x76; 0x100 - 0x76 = 0x8A
    assert [line[:9] for line in lines[1:]] == [":08FFF800", ":02000004", ":08000000", ":00000001"]


def test_the_text_is_this(tmp_path: Path) -> None:
    """Checksums by hand: the sum of all bytes of a line is 0 modulo 256."""
    chunks = [chunk(0x7000FFF8, b"0123456789abcdef"), chunk(0x70010010, b"A"), chunk(0x10, b"\x01\x02")]
    write_ihex(chunks, tmp_path / "a.hex")
    assert (tmp_path / "a.hex").read_bytes() == (
        b":0200000470008A\n"
        b":08FFF800303132333435363765\n"
        b":02000004700189\n"
        b":08000000383961626364656632\n"
        b":0100100041AE\n"
        b":020000040000FA\n"  # back below 64 KiB: not said, it would lie at 0x70010010
        b":020010000102EB\n"
        b":00000001FF\n"
    )


def test_what_lies_below_64_kib_needs_no_base_address(tmp_path: Path) -> None:
    write_ihex([chunk(0, b"\x01")], tmp_path / "a.hex")
    assert (tmp_path / "a.hex").read_bytes() == b":0100000001FE\n:00000001FF\n"
    write_ihex([], tmp_path / "b.hex")
    assert (tmp_path / "b.hex").read_bytes() == b":00000001FF\n"


def test_lines_do_not_show_that_the_file_is_written_in_parts(tmp_path: Path) -> None:
    data = bytes(range(250)) * 800
    write_ihex([chunk(0x70000004, data)], tmp_path / "a.hex")
    lines = (tmp_path / "a.hex").read_text().split()
    # 65532 + 65536 + 65536 + 3396 bytes: 4095 lines and one of 12 bytes, twice 4096 lines, 212 lines and one of 4 bytes
    assert [line[:9] for line in lines if line[1:3] != "10"] == [
        *(":02000004", ":0CFFF400", ":02000004", ":02000004", ":02000004", ":040D4000", ":00000001")
    ]
    assert len(lines) == 4 + 4096 + 4096 + 4096 + 213 + 1
    assert [bytes(c.data) for c in read(tmp_path / "a.hex").chunks] == [data]


def test_raw_bytes_are_written_as_they_are(tmp_path: Path) -> None:
    write_raw([chunk(0x70000000, b"one"), chunk(0x70000003, b"two")], tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == b"onetwo"


def test_a_long_hex_is_written_line_by_line(tmp_path: Path) -> None:
    import tracemalloc

    data = bytes(512 << 10)
    write_ihex([chunk(0x70000000, b"1")], tmp_path / "a.hex")  # what is loaded once is not counted
    tracemalloc.start()
    write_ihex([chunk(0x70000000, data)], tmp_path / "a.hex")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 128 << 10


def test_s_records_are_these(tmp_path: Path) -> None:
    """Checksums by hand: count, address, data and checksum sum up to 0xFF modulo 256."""
    chunks = [chunk(0x7000_0000, bytes(range(32)) + b"A"), chunk(0x10, b"\x01\x02")]
    write_srec(chunks, tmp_path / "a.srec")
    assert (tmp_path / "a.srec").read_text().splitlines() == [
        "S00900006E3670726F679A",  # 09 + 6E 36 70 72 6F 67 = 0x265: 0x65 + 0x9A = 0xFF
        # 25 + 70 + (0 + .. + 31 = 0x1F0) = 0x285: 0x85 + 0x7A = 0xFF
        "S32570000000000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F7A",
        "S306700000204128",  # 06 + 70 + 20 + 41 = 0xD7: + 0x28 = 0xFF
        "S30700000010" + "0102" + "E5",  # 07 + 10 + 01 + 02 = 0x1A: + 0xE5 = 0xFF
        "S70500000000FA",
    ]


@settings(max_examples=40)
@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=4))
def test_our_reader_reads_the_s_records(tmp_path_factory: pytest.TempPathFactory, parts: list[bytes]) -> None:
    chunks = [chunk(0x7010_0000 + 0x400 * number, part) for number, part in enumerate(parts)]
    file = tmp_path_factory.mktemp("srec") / "a.s37"
    write_srec(chunks, file)
    image = read(file)
    assert image.findings == ()
    assert [(c.address, bytes(c.data)) for c in image.chunks] == [(c.address, bytes(c.data)) for c in chunks]
