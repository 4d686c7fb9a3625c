"""Opening files: what is refused, and how content decides what a file is."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import n6prog
from n6prog.errors import UsageError
from n6prog.findings import ExitCode, Severity
from n6prog.image import Image, Kind, read
from tests.helpers.elfmaker import Section, make_elf
from tests.helpers.stm2maker import make_stm2, vectors

HEX = b":0400000001020304F2\n:00000001FF\n"  # 4 + 1 + 2 + 3 + 4 = 14 = 0x0E, checksum 0xF2
SREC = b"S107000001020304EE\nS9030000FC\n"  # 7 + 10 = 17 = 0x11, checksum 0xEE; 3, checksum 0xFC
ELF = make_elf(Section(".text", 0x70100400, b"code"))


def codes(image: Image) -> list[str]:
    return [found.code for found in image.findings]


@pytest.mark.parametrize(
    ("name", "content", "kind", "noted"),
    [
        ("a.elf", ELF, Kind.ELF, False),
        ("a.AXF", ELF, Kind.ELF, False),
        ("firmware", ELF, Kind.ELF, False),
        ("a.bin", ELF, Kind.ELF, True),
        ("a.HEX", HEX, Kind.IHEX, False),
        ("a.txt", HEX, Kind.IHEX, False),
        ("a.elf", HEX, Kind.IHEX, True),
        ("a.s19", SREC, Kind.SREC, False),
        ("a.hex", SREC, Kind.SREC, True),
        ("a.bin", b"\x01\x02\x03\x04", Kind.RAW, False),
        ("a.raw", b":not a record\n", Kind.RAW, False),
        ("a.bin", make_stm2(vectors(0x34200000, 0x34180501)), Kind.STM2, False),
        ("a.hex", make_stm2(vectors(0x34200000, 0x34180501)), Kind.STM2, True),
    ],
)
def test_content_decides_and_a_wrong_extension_is_noted(
    tmp_path: Path, name: str, content: bytes, kind: Kind, noted: bool
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    image = read(file)
    assert image.kind is kind
    assert image.file == str(file)
    assert codes(image) == (["N-FILE-KIND"] if noted else [])


@pytest.mark.parametrize(
    ("name", "code"),
    [("a.hex", "E-HEX-RECORD"), ("a.ihex", "E-HEX-RECORD"), ("a.s37", "E-HEX-RECORD"), ("a.elf", "E-ELF")],
)
def test_a_broken_text_or_elf_file_is_never_taken_for_raw_bytes(tmp_path: Path, name: str, code: str) -> None:
    file = tmp_path / name
    file.write_bytes(b"\x00\x01garbage\nmore\n")
    image = read(file)
    assert image.chunks == ()
    assert codes(image)[0].startswith(code)


def test_a_raw_file_waits_for_its_address(tmp_path: Path) -> None:
    file = tmp_path / "w.raw"
    file.write_bytes(b"weights")
    assert read(file).chunks[0].address is None
    chunk = read(f"{file}@0x71000000").chunks[0]
    assert (chunk.address, bytes(chunk.data), str(chunk.origin)) == (0x71000000, b"weights", str(file))


def test_a_raw_file_that_would_leave_the_address_space_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "w.raw"
    file.write_bytes(bytes(32))
    assert codes(read(f"{file}@0xfffffff0")) == ["E-RAW-ADDRESS"]


def test_an_address_for_a_file_that_has_its_own_is_a_usage_fault(tmp_path: Path) -> None:
    for name, content in (("a.elf", ELF), ("a.hex", HEX), ("a.s19", SREC)):
        file = tmp_path / name
        file.write_bytes(content)
        found = read(f"{file}@0x70100000").findings
        assert [(f.code, f.exit_code) for f in found] == [("E-FILE-ADDRESS", ExitCode.USAGE)]


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    for name in ("a.bin", "a.elf", "a.hex"):
        file = tmp_path / name
        file.write_bytes(b"")
        assert codes(read(file)) == ["E-FILE-EMPTY"]


def test_a_git_lfs_pointer_is_named(tmp_path: Path) -> None:
    file = tmp_path / "weights.bin"
    file.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3000000\n")
    image = read(file)
    assert codes(image) == ["E-FILE-LFS"]
    assert image.chunks == ()


def test_a_gigabyte_of_objcopy_is_refused_without_being_read(tmp_path: Path) -> None:
    file = tmp_path / "app.bin"
    with file.open("wb") as sparse:
        sparse.truncate(1_880_000_000)  # users.md: objcopy of an ELF with a section at 0 and one at 0x70100400
    image = read(file)
    assert codes(image) == ["E-FILE-SIZE"]
    assert image.findings[0].evidence["size"] == 1_880_000_000


def refusal(path: Path | str) -> str:
    with pytest.raises(UsageError) as caught:
        read(path)
    assert caught.value.code == "E-NO-FILE"
    return caught.value.findings[0].text


def test_what_is_no_regular_file_is_a_usage_error_and_never_blocks(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "none.elf")
    assert "folder" in refusal(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert "regular" in refusal(tmp_path / "pipe")
    assert "regular" in refusal("/dev/zero")
    assert "null" in refusal("a\0b")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    refusal(tmp_path / "loop")


def test_a_file_without_read_permission_is_a_usage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret.bin"
    file.write_bytes(b"x")

    def no(path: object, flags: int) -> int:  # what a user who is not root gets after chmod 0
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(os, "open", no)
    assert "permission" in refusal(file)


def test_chunks_are_views_of_what_was_read_and_outlive_the_file(tmp_path: Path) -> None:
    file = tmp_path / "w.bin"
    file.write_bytes(b"before")
    chunk = read(file).chunks[0]
    with file.open("wb") as again:
        again.write(b"af")  # a build that rewrites the file while it is being flashed
    assert isinstance(chunk.data, memoryview)
    assert chunk.data.readonly
    assert bytes(chunk.data) == b"before"


def test_a_boot_header_inside_a_hex_file_is_found_and_checked(tmp_path: Path) -> None:
    from intelhex import IntelHex

    signed = make_stm2(vectors(0x34200000, 0x34180501), checksum=1)
    book = IntelHex()
    book.puts(0x70000000, signed)
    file = tmp_path / "fsbl.hex"
    book.write_hex_file(str(file))
    image = read(file)
    assert image.header is not None
    assert image.header.version == "2.3"
    assert codes(image) == ["E-HDR-SUM"]


@pytest.mark.parametrize("broken", [b"00", b"zz"])
def test_a_header_with_broken_hex_lines_is_not_judged(tmp_path: Path, broken: bytes) -> None:
    from intelhex import IntelHex

    book = IntelHex()
    book.puts(0x70000000, make_stm2(vectors(0x34200000, 0x34180501)))
    file = tmp_path / "fsbl.hex"
    book.write_hex_file(str(file))
    lines = file.read_bytes().splitlines()
    lines[3] = lines[3][:-2] + (b"01" if lines[3][-2:] == broken else broken)
    file.write_bytes(b"\n".join(lines) + b"\n")
    found = codes(read(file))
    assert found
    assert not [code for code in found if code.startswith("E-HDR")]
    assert [item.code for item in n6prog.check(file).findings if item.is_error] == found


def run_limited(code: str, *args: str | Path) -> list[str]:
    """Runs code in a process of its own and gives its printed words."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, args)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


PEAK = r"""
    import re, sys
    from pathlib import Path
    from n6prog.image import read
    image = read(sys.argv[1])
    for chunk in image.chunks:
        sum(chunk.data[::4096])
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]
    print(image.size, int(peak) // 1024)
"""


@pytest.mark.parametrize("kind", ["raw", "elf"])
def test_sixty_four_megabytes_take_less_than_250(tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"big.{kind}"
    content = bytes(64 << 20)
    file.write_bytes(content if kind == "raw" else make_elf(Section(".weights", 0x71000000, content)))
    size, megabytes = map(int, run_limited(PEAK, file))
    assert size == 64 << 20
    assert megabytes < 150


def test_a_hex_file_takes_less_than_three_times_its_size_and_64_megabytes(tmp_path: Path) -> None:
    lines = bytearray()
    for high in range(64):  # 4 MiB in reverse order of 64 KiB blocks, so that they must be joined
        base = 0x7100 + 63 - high
        head = bytes([2, 0, 0, 4, base >> 8, base & 0xFF])
        lines += b":" + head.hex().encode() + b"%02X\n" % (-sum(head) & 0xFF)
        for low in range(0, 0x10000, 16):
            record = bytes([16, low >> 8, low & 0xFF, 0]) + bytes(16)
            lines += b":" + record.hex().encode() + b"%02X\n" % (-sum(record) & 0xFF)
    lines += b":00000001FF\n"
    file = tmp_path / "big.hex"
    file.write_bytes(lines)
    size, megabytes = map(int, run_limited(PEAK, file))
    assert size == 4 << 20
    assert megabytes < 3 * (len(lines) >> 20) + 64


def test_an_elf_that_claims_four_gigabytes_allocates_nothing(tmp_path: Path) -> None:
    section = Section(".huge", 0x70100400, bytes(512), claims=0xFFFF_FF00)
    file = tmp_path / "liar.elf"
    file.write_bytes(make_elf(section))
    assert file.stat().st_size < 1024
    code = """
        import resource, sys, time
        from n6prog.image import read
        resource.setrlimit(resource.RLIMIT_AS, (256 << 20, 256 << 20))
        start = time.process_time()
        image = read(sys.argv[1])
        print(*(f.code for f in image.findings), time.process_time() - start)
    """
    *found, seconds = run_limited(code, file)
    assert "E-ELF-TRUNCATED" in found
    assert float(seconds) < 1


def test_reading_imports_no_heavy_library() -> None:
    code = "import sys, n6prog.image; print(*{m.split('.')[0] for m in sys.modules})"
    assert not {"pyocd", "elftools", "intelhex", "unicorn"} & set(run_limited(code))


def test_every_finding_of_files_has_words_and_a_cure() -> None:
    from n6prog.findings.codes_files import FILES

    for code, entry in FILES.items():
        assert entry.text, code
        assert entry.severity is Severity.NOTE or entry.cure, code
        assert code[0] == {"error": "E", "warning": "W", "note": "N"}[entry.severity], code
