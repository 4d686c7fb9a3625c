"""Programs linked for RAM and boot headers that are missing or in the wrong place.

Every file is made here, byte by byte; expected numbers come from the way it was made.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.helpers.elfmaker import Section, make_elf
from tests.helpers.n6files import APP, FSBL
from tests.helpers.stm2maker import make_stm2, vectors


@pytest.mark.parametrize(
    ("program", "base", "slot", "start", "reader"),
    [(FSBL, 0x34180400, "fsbl", 0x70000000, "boot ROM"), (APP, 0x34000400, "app", 0x70100000, "first stage")],
)
def test_a_program_for_ram_needs_its_signed_file(
    check: Any, program: bytes, base: int, slot: str, start: int, reader: str
) -> None:
    judged = check({"Project.elf": make_elf(Section(".isr_vector", base, program))})
    assert judged.code == 8
    found = judged.one("E-HDR-NONE")
    assert (found["evidence"]["slot"], found["evidence"]["slot_start"]) == (slot, start)
    assert (found["evidence"]["address"], found["evidence"]["bytes"]) == (base, 1024)
    assert f"linked for RAM at {base:#010x}" in found["text"]
    assert reader in found["text"].replace("The ", "the ")
    assert "-trusted.bin" in found["cure"]


@pytest.mark.parametrize("address", ["0x70000000", "0x70040000", "0x70100000"])
def test_a_raw_program_at_a_boot_slot_is_refused(check: Any, address: str) -> None:
    judged = check({"Project.bin": FSBL}, f"Project.bin@{address}")
    assert judged.code == 8
    found = judged.one("E-HDR-NONE")
    assert found["evidence"]["slot_start"] == int(address, 16)
    assert "it starts with 00 00 20 34, not with STM2" in found["text"]  # the stack pointer 0x34200000
    assert "--header none" in found["cure"]


def test_a_raw_program_without_an_address_is_known_by_its_vectors(check: Any) -> None:
    found = check({"Project.bin": FSBL}).one("E-HDR-NONE")
    assert (found["evidence"]["slot"], found["evidence"]["slot_start"]) == ("fsbl", 0x70000000)
    assert "linked for RAM (reset handler 0x34180501)" in found["text"]
    assert check({"Appli.bin": APP}).one("E-HDR-NONE")["evidence"]["slot"] == "app"
    found = check({"xip.bin": vectors(0x34008000, 0x70100501, 256)}).one("E-NO-ADDRESS")
    assert "xip.bin@0x70100400 if it is linked as usual" in found["cure"]
    found = check({"xip.bin": vectors(0x34008000, 0x70300501, 256)}).one("E-NO-ADDRESS")
    assert "reset handler 0x70300501" in found["cure"]
    assert "as usual" not in found["cure"]


def test_the_signed_file_beside_an_unsigned_one_is_named(check: Any) -> None:
    files = {"Project.bin": FSBL, "Project-trusted.bin": make_stm2(FSBL)}
    judged = check(files, "Project.bin@0x70000000")
    assert judged.codes == ["E-HDR-NONE"]
    found = judged.one("N-SIGNED-BESIDE")
    assert found["evidence"] == {"signed": "Project-trusted.bin"}
    assert check({}, "Project-trusted.bin").code == 0
    plain = {"Other.bin": FSBL, "Other-trusted.bin": FSBL}  # the name alone does not make it a signed file
    judged = check(plain, "Other.bin@0x70000000")
    assert [item["code"] for item in judged.findings] == ["E-HDR-NONE"]


@pytest.mark.parametrize("align", [True, False])
def test_a_signed_file_that_the_tool_did_not_overwrite_is_told_by_the_newer_program_beside_it(
    check: Any, tmp_path: Path, align: bool
) -> None:
    old, new = FSBL + b"version 1", FSBL + b"version 2"
    signed = make_stm2(old, align=align)
    for name in ("Project-trusted.bin", "Project_sign.bin"):
        judged = check({"Project.bin": new, name: signed}, name)
        found = judged.one("W-SIGNED-STALE")
        assert found["evidence"] == {"unsigned": "Project.bin"}
        assert "delete the old one first" in found["cure"]
        again = check({"Project.bin": old}, name)
        assert "W-SIGNED-STALE" not in [item["code"] for item in again.findings]
    (tmp_path / "Project-trusted.bin").chmod(0o444)  # as the tool leaves it
    (tmp_path / "Project.bin").unlink()
    judged = check({}, "Project-trusted.bin")
    assert judged.code == (0 if align else 8)
    assert "W-SIGNED-STALE" not in [item["code"] for item in judged.findings]


def test_a_raw_program_for_ram_behind_the_header_is_warned_about(check: Any) -> None:
    judged = check({"Appli.bin": APP}, "Appli.bin@0x70100400")
    assert judged.code == 0
    found = judged.one("W-LINKED-RAM")
    assert found["evidence"] == {"address": 0x70100400, "reset": 0x34000501, "stack": 0x34100000}
    assert "copies it to where it is linked" in found["cure"]


def test_a_program_linked_for_another_place_in_the_flash_is_warned_about(check: Any) -> None:
    judged = check({"app.bin": vectors(0x34008000, 0x70100501, 256)}, "app.bin@0x70080000")
    found = judged.one("W-LINKED-ELSEWHERE")
    assert found["evidence"]["address"] == 0x70080000
    assert found["evidence"]["last"] == 0x700803FF
    assert found["evidence"]["reset"] == 0x70100501
    assert found["cure"].startswith("Did you mean 0x70100400? ")
    assert check({}, "app.bin@0x70100400").codes == []
    signed = {"signed.bin": make_stm2(vectors(0x34008000, 0x70100501, 256))}
    assert check(signed, "signed.bin@0x70200000").one("W-LINKED-ELSEWHERE")["evidence"]["reset"] == 0x70100501
    assert check(signed).codes == []


def test_a_signed_file_for_a_ram_address_is_refused(check: Any) -> None:
    judged = check({"app-trusted.bin": make_stm2(APP)}, "app-trusted.bin@0x34000400")
    assert judged.code == 8
    assert judged.codes == ["E-HDR-RAM"]
    found = judged.one("E-HDR-RAM")
    assert (found["evidence"]["address"], found["evidence"]["region"]) == (0x34000400, "FLEXRAM")
    assert "finds its own place, here 0x70100000" in found["cure"]


def test_an_application_where_the_boot_rom_looks_and_a_first_stage_where_it_does_not(check: Any) -> None:
    judged = check({"app.bin": make_stm2(APP)}, "app.bin@0x70000000")
    assert judged.code == 8
    assert judged.one("E-HDR-ENTRY")["evidence"]["entry"] == 0x34000501
    assert "0x34180400..0x341fffff" in judged.one("E-HDR-ENTRY")["text"]
    judged = check({"fsbl.bin": make_stm2(FSBL)}, "fsbl.bin@0x70100000")
    assert judged.codes == ["W-HDR-SLOT"]
    assert judged.one("W-HDR-SLOT")["evidence"]["meant"] == 0x70000000


@pytest.mark.parametrize(
    ("program", "address", "place"),
    [
        (APP, 0x70100400, "0x400 behind the start of slot app"),  # the header where the vector table belongs
        (FSBL, 0x70001000, "0x1000 behind the start of slot fsbl"),
        (FSBL, 0x71000000, "where no reader looks"),
        (APP, 0x70080000, ""),  # between slots: first stages of other projects look there
        (APP, 0x71800000, ""),
        (FSBL, 0x70040000, ""),  # the second copy
    ],
)
def test_a_signed_file_where_nobody_looks_is_warned_about(check: Any, program: bytes, address: int, place: str) -> None:
    judged = check({"a.bin": make_stm2(program)}, f"a.bin@{address:#x}")
    assert judged.code == 0
    if not place:
        assert judged.codes == []
        return
    found = judged.one("W-HDR-SLOT")
    assert found["evidence"]["address"] == address
    assert found["evidence"]["place"] == place
    assert f"it belongs at {0x70000000 if program == FSBL else 0x70100000:#010x}" in found["text"]
