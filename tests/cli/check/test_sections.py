"""Sections where no flash is: regions that nobody declared, RAM, PSRAM, the boot ROM, beyond the part.

Every file is made here, byte by byte; expected numbers come from the way it was made.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.elfmaker import NOBITS, WRITE, Section, make_elf
from tests.helpers.n6files import DK, NUCLEO, XIP
from tests.helpers.stm2maker import make_stm2, vectors

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


def seed_case(judged: Any) -> None:
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
