"""Erased memory: 0xFF everywhere, writable, private."""

from __future__ import annotations

import ctypes
import errno
from pathlib import Path

import pytest

from n6prog.sim import erased

MIB = 1 << 20


@pytest.mark.parametrize("size", [4 * MIB, 64 * MIB, 3 * MIB, 4096])
def test_it_reads_0xff_from_end_to_end(size: int) -> None:
    buffer = erased.erased(size)
    assert len(buffer) == size
    assert buffer[:].count(b"\xff") == size
    buffer.close()


def test_what_is_written_stays_at_its_place_and_in_its_buffer() -> None:
    one, other = erased.erased(8 * MIB), erased.erased(8 * MIB)
    for place in (0, 2 * MIB - 2, 8 * MIB - 4):
        one[place : place + 4] = b"mine"
    assert one[:].count(b"\xff") == 8 * MIB - 12
    assert (one[0:4], one[2 * MIB - 2 : 2 * MIB + 2], one[8 * MIB - 4 :]) == (b"mine", b"mine", b"mine")
    assert other[:].count(b"\xff") == 8 * MIB
    assert erased.erased(2 * MIB)[:].count(b"\xff") == 2 * MIB  # nor did the template change


def test_a_view_of_it_has_one_address_for_good() -> None:
    buffer = erased.erased(4 * MIB)
    address = ctypes.addressof(ctypes.c_char.from_buffer(buffer))
    ctypes.memset(address + 3 * MIB, 0x5A, 2)
    assert buffer[3 * MIB - 1 : 3 * MIB + 3] == b"\xff\x5a\x5a\xff"


def test_a_system_that_cannot_map_over_fills_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.ENODEV, "no")

    monkeypatch.setattr(erased, "_remap", lambda: refuse)
    buffer = erased.erased(4 * MIB)
    assert buffer[:].count(b"\xff") == 4 * MIB


def test_an_erased_file_is_exactly_as_long_as_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "nor.bin"
    path.write_bytes(b"old" * 1000)
    for size in (64 * MIB, 3 * MIB + 5, 7):
        erased.write_erased(path, size)
        content = path.read_bytes()
        assert (len(content), content.count(b"\xff")) == (size, size)
