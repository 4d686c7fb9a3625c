"""Addresses, names and neighbours: what is given where, and what is no program at all.

Every file is made here, byte by byte; expected numbers come from the way it was made.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.elfmaker import Section, make_elf
from tests.helpers.n6files import APP, FSBL, NUCLEO, XIP
from tests.helpers.stm2maker import make_stm2


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
    assert check({"network_atonbuf.xSPI1.raw": bytes(64)}).one("E-POOL-RAM")["evidence"]["pool"] == "XSPI1"
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
