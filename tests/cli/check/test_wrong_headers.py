"""Boot headers that are wrong: alignment, version, entry, checksum, length, two of them.

Every file is made here, byte by byte; expected numbers come from the way it was made.
"""

from __future__ import annotations

import struct
from typing import Any

import pytest

from tests.helpers.n6files import APP, FSBL
from tests.helpers.stm2maker import make_stm2


def changed(image: bytes, offset: int) -> bytes:
    return image[:offset] + bytes([image[offset] ^ 0xFF]) + image[offset + 1 :]


def test_a_file_signed_without_align_is_told_by_its_vectors(check: Any) -> None:
    judged = check({"fsbl.bin": make_stm2(FSBL, align=False)})
    assert judged.code == 8
    found = judged.one("E-HDR-ALIGN")
    # The tool reads the entry at 0x404 of the file: word 0x71 of the table, which is the default handler.
    shown = {"table": 0x240, "stack": 0x34200000, "reset": 0x34180501, "entry": 0x34180541}
    assert found["evidence"] == shown
    assert "needs -align" in found["cure"]


@pytest.mark.parametrize("version", ["1.0", "2.0", "2.2"])
def test_a_header_of_another_chip_is_refused(check: Any, version: str) -> None:
    image = make_stm2(FSBL, version="2.1")
    word = {"1.0": 0x10000, "2.0": 0x20000, "2.2": 0x20200}[version]
    image = image[:0x48] + struct.pack("<I", word) + image[0x4C:]
    judged = check({"fsbl.bin": image}, "fsbl.bin@0x70000000")
    assert judged.code == 8
    found = judged.one("E-HDR-VERSION")
    assert found["evidence"]["version"] == version
    assert "-hv 2.3 for cut 2.0" in found["cure"]
    assert "Revision ID that STM32CubeProgrammer shows may be wrong" in found["not_this"]


def test_a_header_for_old_silicon_is_said_to_be_so(check: Any) -> None:
    judged = check({"fsbl.bin": make_stm2(FSBL, version="2.1")})
    assert judged.code == 0
    found = judged.one("W-HDR-CUT")
    assert found["evidence"] == {"version": "2.1", "silicon": "cut 1.0 (Z) and 1.1 (Z)"}
    assert "cut 2.0 (B) takes -hv 2.3" in found["cure"]
    assert "prints Rev Z when it cannot read it" in found["not_this"]
    assert check({"fsbl.bin": make_stm2(FSBL)}).codes == []
    assert check({"app.bin": make_stm2(APP, version="2.1")}).codes == []  # only the boot ROM looks at the version


def test_entry_and_load_address_given_by_hand(check: Any) -> None:
    judged = check({"fsbl.bin": make_stm2(FSBL, entry=0x34180500, load=0x34180400)})
    assert judged.code == 8
    assert judged.codes == ["E-HDR-ENTRY", "W-HDR-LOAD"]
    assert judged.one("E-HDR-ENTRY")["evidence"]["entry"] == 0x34180500
    assert "Thumb bit is missing" in judged.one("E-HDR-ENTRY")["text"]
    assert "without -ep and -la" in judged.one("E-HDR-ENTRY")["cure"]
    assert judged.one("W-HDR-LOAD")["evidence"]["address"] == 0x34180400


@pytest.mark.parametrize(("align", "inner"), [(True, 0x400), (False, 0x240)])
def test_a_file_signed_twice_is_told_by_the_second_header(check: Any, align: bool, inner: int) -> None:
    judged = check({"fsbl.bin": make_stm2(make_stm2(FSBL), align=align)}, "fsbl.bin@0x70000000")
    assert judged.code == 8
    found = judged.one("E-HDR-TWICE")
    assert found["evidence"] == {"inner": inner}
    assert "signed first" in found["cure"]


def test_a_first_stage_of_more_than_512_kib_is_refused(check: Any) -> None:
    program = FSBL + bytes(0x80000 - 0x400 - len(FSBL))  # exactly 512 KiB with the 0x400 in front of it
    assert "E-HDR-SIZE" not in check({"fsbl.bin": make_stm2(program)}).codes
    judged = check({"fsbl.bin": make_stm2(program + bytes(32))})
    assert judged.code == 8
    found = judged.one("E-HDR-SIZE")
    assert found["evidence"] == {"size": 0x80020, "limit": 0x80000}


def test_a_first_stage_linked_for_the_wrong_base(check: Any) -> None:
    judged = check({"fsbl.bin": make_stm2(APP)}, "fsbl.bin@0x70000000")
    assert judged.codes == ["E-HDR-ENTRY"]
    assert "lies outside 0x34180400..0x341fffff" in judged.one("E-HDR-ENTRY")["text"]


def test_bytes_changed_after_signing(check: Any) -> None:
    image = make_stm2(FSBL)
    judged = check({"fsbl.bin": changed(image, 0x600)})
    assert judged.code == 8
    stored = sum(image[0x240:])
    before = image[0x600]
    assert judged.one("E-HDR-SUM")["evidence"] == {
        "stored": stored,
        "computed": stored - before + (before ^ 0xFF),
    }
    assert "before signing, not after" in judged.one("E-HDR-SUM")["cure"]


def test_a_signed_file_that_was_cut_off(check: Any) -> None:
    image = make_stm2(FSBL)
    judged = check({"fsbl.bin": image[:-100]})
    assert judged.code == 8
    evidence = judged.one("E-HDR-LENGTH")["evidence"]
    assert evidence == {"length": len(image) - 0x240, "header": 0x240, "present": len(image) - 0x240 - 100}
    assert check({"fsbl.bin": image[:0x90]}).one("E-HDR-TRUNCATED")["evidence"] == {"size": 0x90, "needed": 0xA0}
