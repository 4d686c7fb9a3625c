"""What a file shows before any board is there: the failures of the table that stand in the file itself.

Every file is made here, byte by byte; expected numbers come from the way it was made.
"""

from __future__ import annotations

import os
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.elfmaker import NOBITS, WRITE, Section, make_elf
from tests.helpers.stm2maker import make_stm2, vectors

NUCLEO = ("--board", "nucleo-n657x0-q")
DK = ("--board", "stm32n6570-dk")
XIP = Section(".isr_vector", 0x70100400, vectors(0x34008000, 0x70100501, 256))
FSBL = vectors(0x34200000, 0x34180501, 256)
APP = vectors(0x34100000, 0x34000501, 256)


@pytest.fixture(autouse=True)
def no_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("check opened a probe")

    monkeypatch.setattr("n6prog.api.connect", refuse)


@dataclass
class Judged:
    code: int
    findings: list[dict[str, Any]]
    boards: list[dict[str, Any]]

    def one(self, code: str) -> dict[str, Any]:
        """The one finding of this code."""
        (found,) = [item for item in self.findings if item["code"] == code]
        return found

    @property
    def codes(self) -> list[str]:
        """Errors and warnings in the order they were found."""
        return [item["code"] for item in self.findings if item["severity"] != "note"]


@pytest.fixture
def check(n6: Any, tmp_path: Path) -> Any:
    """`check({"app.elf": bytes}, "app.elf@0x7...", "--board", ...)`; names of the files when no words are given."""

    def judge(files: dict[str, bytes], *words: str) -> Judged:
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        named = words if words and not words[0].startswith("--") else (*files, *words)
        done = n6("check", *named, "--json")
        return Judged(done.code, done.end["findings"], done.end["boards"])

    return judge


# --- sections where no flash is ---------------------------------------------------------------------------------------

LINKER_SCRIPT = """
MEMORY { ROM (xr) : ORIGIN = 0x70100400, LENGTH = 15M  RAM (xrw) : ORIGIN = 0x34000000, LENGTH = 1M }
ENTRY(main)
SECTIONS
{
  .isr_vector : { *(.isr_vector) } > ROM
  .text : { *(.text*) } > ROM
  .data : { *(.data*) } > RAM AT> ROM
  .xspi1_pool : { *(.xspi1_pool) } > XSPI1
}
"""
PROGRAM = """
extern int main(void);
__attribute__((section(".isr_vector"), used)) const unsigned vectors[2] = {0x34008000u, 0x70100501u};
__attribute__((section(".xspi1_pool"), used)) unsigned char weights[3324000] = {1};
int main(void) { return weights[5]; }
"""


def seed_case(judged: Judged) -> None:
    """3324000 bytes (3.17 MiB) at 0: named with section, size, cause, warning, cure, and what it is not."""
    assert judged.code == 8
    assert judged.codes == ["E-REGION0"]
    found = judged.one("E-REGION0")
    assert found["evidence"] == {"address": 0, "bytes": 3324000, "what": "section .xspi1_pool", "region": "ITCM"}
    assert "3324000 bytes of section .xspi1_pool at address 0x00000000" in found["text"]
    for words in (
        "memory region '...' not declared",
        "Memory pools",
        "untick xSPI1/hyperRAM",
        "rebuild",
        "n6prog check",
    ):
        assert words in found["cure"]
    assert "boot jumpers and SWD speed have nothing to do with" in found["not_this"]
    assert judged.boards[0]["boot"]["text"].startswith("no: nothing is flashed")
    (refused,) = judged.boards[0]["refused"]
    assert (refused["start"], refused["length"], refused["region"]) == (0, 3324000, "ITCM")


@pytest.mark.needs("arm-none-eabi-gcc")
def test_the_seed_case_as_a_linker_makes_it(check: Any, tmp_path: Path) -> None:
    (tmp_path / "broken.ld").write_text(LINKER_SCRIPT)
    (tmp_path / "network.c").write_text(PROGRAM)
    flags = ["-mcpu=cortex-m55", "-mthumb", "-nostdlib", "-O1", "-T", "broken.ld", "network.c", "-o", "run-9_Appli.elf"]
    log = subprocess.run(["arm-none-eabi-gcc", *flags], cwd=tmp_path, check=True, capture_output=True, text=True).stderr
    assert "not declared" in log  # the warning that the cure tells to look for
    seed_case(check({}, "run-9_Appli.elf"))


def test_the_seed_case_made_by_hand(check: Any) -> None:
    pool = Section(".xspi1_pool", 0, bytes(3324000), flags=WRITE | 2)
    seed_case(check({"run-9_Appli.elf": make_elf(XIP, pool)}))


def test_cleared_memory_in_an_undeclared_region_is_warned_about(check: Any) -> None:
    pool = Section(".activations", 0, type=NOBITS, claims=0x20000)
    judged = check({"a.elf": make_elf(XIP, pool)})
    assert judged.code == 0  # it can be flashed; it fails when it runs
    found = judged.one("W-RUN-REGION0")
    assert found["evidence"] == {"what": "section .activations", "bytes": 0x20000, "address": 0, "last": 0x1FFFF}
    assert "not declared" in found["cure"]
    behind = Section(
        ".more", 0x20000, type=NOBITS, claims=0x30000
    )  # goes on over the ITCM's 256 KiB: still one mistake
    last = Section(".last", 0x50000, type=NOBITS, claims=16)
    (found,) = check({"a.elf": make_elf(XIP, pool, behind, last)}).findings[:1]
    assert (found["code"], found["evidence"]["bytes"]) == ("W-RUN-REGION0", 0x50010)
    assert check({}, "a.elf").codes == ["W-RUN-REGION0"]
    small = Section(".itcm_bss", 0, type=NOBITS, claims=0x10000)  # all of the ITCM: as it should be
    assert check({"a.elf": make_elf(XIP, small)}).codes == []


def test_cleared_memory_in_a_psram_that_is_not_fitted_is_warned_about(check: Any) -> None:
    files = {"a.elf": make_elf(XIP, Section(".pool", 0x90000000, type=NOBITS, claims=0x100000))}
    found = check(files, *NUCLEO).one("W-RUN-MEMORY")
    assert found["evidence"]["address"] == 0x90000000
    assert found["evidence"]["region"] == "XSPI1"
    assert "NUCLEO-N657X0-Q has no memory" in found["text"]
    assert "untick xSPI1/hyperRAM" in found["cure"]
    assert check(files, *DK).codes == []  # 32 MiB are fitted there
    thread = Section(
        ".tbss", 0x90000000, type=NOBITS, claims=64, flags=WRITE | 2 | 0x400
    )  # SHF_TLS: no memory of its own
    assert check({"a.elf": make_elf(XIP, thread)}, *NUCLEO).codes == []
    beyond = {"a.elf": make_elf(XIP, Section(".pool", 0x91FFF000, type=NOBITS, claims=0x1001))}
    assert check(beyond, *DK).codes == ["W-RUN-MEMORY"]


def test_code_that_is_copied_to_the_itcm_at_start_is_fine(check: Any) -> None:
    copied = Section(".itcm", 0, bytes(512), lma=0x70101000)
    assert check({"a.elf": make_elf(XIP, copied)}).codes == []


@pytest.mark.parametrize(
    ("address", "code", "region", "cure"),
    [
        (0x10000100, "E-TCM", "ITCM", "> ITCM AT> ROM"),
        (0x20000000, "E-TCM", "DTCM, non-secure address", "AT> ROM"),
        (0x34064000, "E-RAM", "AXISRAM1", "-trusted.bin"),
        (0x24064000, "E-RAM", "AXISRAM1, non-secure address", "-trusted.bin"),
        (0x34200000, "E-RAM", "AXISRAM3", "-trusted.bin"),
        (0x38000000, "E-RAM", "AHBSRAM1", "-trusted.bin"),
        (0x90000000, "E-PSRAM", "XSPI1", "xSPI2/octoFlash"),
        (0x08000000, "E-ROM", "boot ROM, non-secure address", "0x70100400"),
        (0x18000000, "E-ROM", "boot ROM", "0x70100400"),
        (0x07100400, "E-TYPO-07", "nothing (0x70000000 with a digit lost?)", "correct the address"),
        (0x80000000, "E-NOT-FLASH", "XSPI3", "0x70000000..0x73ffffff"),
        (0x58000000, "E-NOT-FLASH", "peripherals", "0x70000000..0x73ffffff"),
        (0x05000000, "E-NOT-FLASH", "no memory", "0x70000000..0x73ffffff"),
    ],
)
def test_a_section_where_no_flash_is_has_its_region_named(
    check: Any, address: int, code: str, region: str, cure: str
) -> None:
    judged = check({"a.elf": make_elf(XIP, Section(".data2", address, bytes(300)))}, *NUCLEO)
    assert judged.code == 8
    assert judged.codes == [code]
    found = judged.one(code)
    shown = {"address": address, "bytes": 300, "what": "section .data2", "region": region}
    assert {key: found["evidence"][key] for key in shown} == shown
    assert cure in found["cure"]
    assert f"{address:#010x}" in found["text"]


def test_a_lost_digit_is_given_back(check: Any) -> None:
    judged = check({"app.bin": bytes(64)}, "app.bin@0x07000000")
    assert judged.codes == ["E-TYPO-07"]
    assert judged.one("E-TYPO-07")["evidence"]["meant"] == 0x70000000
    assert "Did you mean 0x70000000?" in judged.one("E-TYPO-07")["text"]


def test_the_address_of_other_stm32s_is_the_boot_rom_here(check: Any) -> None:
    judged = check({"app.bin": bytes(64)}, "app.bin@0x08000000")
    assert judged.codes == ["E-ROM"]
    assert "an STM32N6 has no internal flash" in judged.one("E-ROM")["text"]


def test_a_file_beyond_the_part_fits_the_bigger_one_only(check: Any) -> None:
    judged = check({"w.raw": bytes(4097)}, "w.raw@0x73fff000", *NUCLEO)
    found = judged.one("E-SIZE")
    assert judged.code == 8
    assert (found["evidence"]["end"], found["evidence"]["limit"]) == (0x74000001, 0x74000000)
    assert (found["evidence"]["part"], found["evidence"]["capacity"]) == ("MX25UM51245G", 64)
    assert "112 MB also for the 64 MB NUCLEO" in found["cure"]
    assert check({}, "w.raw@0x73fff000", *DK).code == 0


def test_weights_in_psram_are_refused_by_what_the_board_has(check: Any) -> None:
    files = {"a.elf": make_elf(XIP, Section(".weights", 0x90000000, bytes(4096)))}
    assert "the NUCLEO-N657X0-Q has none" in check(files, *NUCLEO).one("E-PSRAM")["text"]
    assert "32 MiB of the STM32N6570-DK are empty at power-on" in check(files, *DK).one("E-PSRAM")["text"]


def test_a_program_for_psram_is_flashed_signed_where_there_is_a_psram(check: Any) -> None:
    files = {"app-trusted.bin": make_stm2(vectors(0x34100000, 0x90000501, 256))}
    there = check(files, *DK)
    assert there.code == 0
    assert [(piece["start"], piece["slot"]) for piece in there.boards[0]["pieces"]] == [(0x70100000, "app")]
    judged = check(files, *NUCLEO)
    assert judged.codes == ["E-HDR-PSRAM"]
    assert judged.one("E-HDR-PSRAM")["evidence"] == {"entry": 0x90000501, "board": "NUCLEO-N657X0-Q"}
    assert "0x34000400" in judged.one("E-HDR-PSRAM")["cure"]


# --- programs linked for RAM, headers missing -------------------------------------------------------------------------


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


# --- headers that are wrong -------------------------------------------------------------------------------------------


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


# --- addresses and names ----------------------------------------------------------------------------------------------


def test_weights_without_an_address_are_not_guessed_at(check: Any) -> None:
    judged = check({"model.bin": bytes(4096)})
    assert judged.code == 8
    found = judged.one("E-NO-ADDRESS")
    assert found["evidence"]["bytes"] == 4096
    for address in ("0x70180000", "0x70380000", "0x71000000", "0x72000000"):
        assert address in found["cure"]
    assert "memory pool" in found["cure"]
    found = check({"network_atonbuf.xSPI2.raw": bytes(4096)}).one("E-NO-ADDRESS")
    assert "network_atonbuf.xSPI2.raw@0x71000000 if the pool was not moved" in found["cure"]


def test_a_memory_file_of_an_npu_ram_is_told_by_its_name(check: Any) -> None:
    judged = check({"network_atonbuf.AXISRAM5.raw": bytes(4096)})
    assert judged.code == 8
    found = judged.one("E-POOL-RAM")
    assert found["evidence"] == {"bytes": 4096, "pool": "AXISRAM5"}
    assert "weights in xSPI2/octoFlash only" in found["cure"]
    assert check({}, "network_atonbuf.AXISRAM5.raw@0x71000000").code == 0  # the address is the user's word


def test_a_gigabyte_file_is_refused_unread(check: Any, tmp_path: Path) -> None:
    with (tmp_path / "app.bin").open("wb") as file:
        os.truncate(file.fileno(), 1_880_000_000)  # what objcopy makes of sections at 0 and 0x70100400
    judged = check({}, "app.bin@0x70100400")
    assert judged.code == 8
    assert judged.one("E-FILE-SIZE")["evidence"]["size"] == 1_880_000_000
    assert "give the ELF itself" in judged.one("E-FILE-SIZE")["cure"]


def test_a_file_that_is_mostly_filling_is_warned_about(check: Any) -> None:
    judged = check({"app.bin": APP + bytes(15 << 20) + b"\x55" * 4096}, "app.bin@0x70200000")
    assert judged.code == 0
    evidence = judged.one("W-RAW-GAP")["evidence"]
    # APP has 1 KiB: whole blocks of 64 KiB are counted, so the first and the last mixed one are not.
    assert evidence["offset"] == 0x10000
    assert evidence["gap"] == (15 << 20) - 0x10000
    assert evidence["fill"] == 0
    assert check({"app.bin": APP + bytes(1 << 19) + b"\x55"}, "app.bin@0x70200000").codes == ["W-LINKED-RAM"]


def test_files_that_overlap_are_told_with_the_range_and_the_slots(check: Any) -> None:
    files = {"a.elf": make_elf(XIP), "w.raw": bytes(0x200)}
    judged = check(files, "a.elf", "w.raw@0x70100700")
    assert judged.code == 8
    found = judged.one("E-OVERLAP")
    assert (found["evidence"]["start"], found["evidence"]["last"]) == (0x70100700, 0x701007FF)
    assert found["evidence"]["bytes"] == 0x100
    assert "fsbl 0x70000000" in found["cure"]


def test_sections_of_one_file_that_overlap_are_told(check: Any) -> None:
    judged = check({"a.elf": make_elf(XIP, Section(".rodata", 0x70100500, bytes(16)))})
    assert judged.code == 8
    evidence = judged.one("E-OVERLAP")["evidence"]
    assert (evidence["first"], evidence["second"], evidence["start"]) == (
        "a.elf .isr_vector",
        "a.elf .rodata",
        0x70100500,
    )


@pytest.mark.parametrize(
    ("start", "size", "slot", "after", "at"),
    [
        (0x70100400, 0xF00000, "app", "weights", 0x71000000),  # an application that grew over its weights
        (0x70080000, 0x80001, "", "app", 0x70100000),  # firmware in the room before a slot
        (0x70001000, 0x40000, "fsbl", "fsbl-b", 0x70040000),
    ],
)
def test_a_file_that_grew_over_its_neighbour_is_told(
    check: Any, start: int, size: int, slot: str, after: str, at: int
) -> None:
    judged = check({"grown.raw": b"\x55" * size}, f"grown.raw@{start:#x}")
    assert judged.code == 0
    evidence = judged.one("W-SLOT-SPILL")["evidence"]
    assert (evidence["slot"], evidence["next"], evidence["start"]) == (slot, after, at)
    assert evidence["last"] == start + size - 1
    assert check({"grown.raw": b"\x55" * (at - start)}, f"grown.raw@{start:#x}").codes == []


def test_a_file_of_another_machine_is_refused(check: Any) -> None:
    judged = check({"a.out": make_elf(Section(".text", 0x400000, bytes(64)), machine=62, bits=64)})
    assert judged.code == 8
    found = judged.one("E-MACHINE")
    assert found["evidence"]["machine"] == "64-bit x86-64"
    assert "arm-none-eabi-gcc" in found["cure"]


def storage_info(start: int = 0x70000000) -> bytes:
    """ST's StorageInfo: name[100], type, start, size, page size, erase value, sectors; 0xC8 bytes."""
    name = b"MX25UM51245G_STM32N6570-NUCLEO".ljust(100, b"\0")
    return (name + struct.pack("<H2x3I", 3, start, 64 << 20, 0x1000) + b"\xff").ljust(0xC8, b"\0")


def test_a_flash_loader_is_no_program(check: Any) -> None:
    info = Section(".info", 0, storage_info())
    judged = check({"nucleo.stldr": make_elf(Section(".text", 0x34180404, bytes(4096)), info)})
    assert judged.code == 8
    assert judged.codes == ["E-LOADER-GIVEN"]
    assert ".stldr" in judged.one("E-LOADER-GIVEN")["evidence"]["loader"]
    assert "n6prog brings its own loader" in judged.one("E-LOADER-GIVEN")["cure"]
    fuses = Section(".info", 0, storage_info(0xF2F2F2F2))
    assert check({"OTP.stldr": make_elf(Section(".text", 0x34180404, bytes(64)), fuses)}).codes == ["E-LOADER-GIVEN"]
    cmsis = make_elf(Section("PrgCode", 0, bytes(512)), Section("DevDscr", 0x400, bytes(4256)))
    assert ".FLM" in check({"n6.FLM": cmsis}).one("E-LOADER-GIVEN")["evidence"]["loader"]
    pageless = storage_info()[:112] + bytes(4) + storage_info()[116:]
    for table in (bytes(0xC8), pageless, b"\xff" + storage_info()[1:]):  # as long, and no description of a memory
        assert check({"a.elf": make_elf(XIP, Section(".table", 0, table))}).codes == ["E-REGION0"]


def test_several_files_are_one_job_whatever_their_dates(check: Any, tmp_path: Path) -> None:
    files = {"fsbl.bin": make_stm2(FSBL), "app.elf": make_elf(XIP), "weights.raw": b"\x55" * 4096}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    os.utime(tmp_path / "weights.raw", (0, 0))  # ST's n6_loader leaves out what is 10 s older than network.c
    judged = check({}, "fsbl.bin", "app.elf", "weights.raw@0x71000000", *NUCLEO)
    assert judged.code == 0
    (board,) = judged.boards
    assert [piece["start"] for piece in board["pieces"]] == [0x70000000, 0x70100400, 0x71000000]
    assert board["boot"]["first_stage"] == "fsbl.bin"
    assert board["boot"]["header"] == "2.3"
    assert board["boot"]["entry"] == 0x34180501
    assert board["boot"]["application"] == "app.elf"


def test_without_a_first_stage_it_says_what_decides(check: Any) -> None:
    judged = check({"app.elf": make_elf(XIP)}, *NUCLEO)
    boot = judged.boards[0]["boot"]
    assert boot["first_stage"] == ""
    assert "0x70000000, where the boot ROM looks" in boot["text"]
