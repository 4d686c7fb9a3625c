"""Failures of boot mode and closed debug (users.md F01 to F09), through the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from n6prog.sim.bootrom import rom
from n6prog.targets import chip
from tests.helpers.stm2maker import make_stm2, vectors

from .conftest import Case, Outcome

JUMPERS = (
    "NUCLEO: JP2 (BOOT1) on 2-3. DK: BOOT1 switch on 1-3. BOOT0 does not matter. Then unplug and replug the power."
)


def closed(case: Case, *, options: str = "", faults: str = "") -> dict[str, object]:
    """The finding of a flash on a board whose debug is closed."""
    done = case.flash(options=options, faults=faults)
    assert done.code == 5
    found: dict[str, object] = done.findings["E-AP1-CLOSED"]
    evidence = found["evidence"]
    assert isinstance(evidence, dict)
    assert evidence["DPIDR"] == "0x6BA02477"
    assert (evidence["AP0"], evidence["DBGMCU_SR.17"]) == ("ok", 0)
    assert evidence["AP1"].startswith("closed")
    assert evidence["voltage"] == "3.29 V"
    return found


def test_f01_flash_boot_closes_debug_and_the_next_flash_in_development_boot_works(case: Case) -> None:
    found = closed(case, options=",boot1=0")
    assert found["cure"] == JUMPERS
    assert case.flash(options=",boot1=1").code == 0


def test_f02_the_cure_names_both_boards_jumpers_by_position(case: Case) -> None:
    cure = str(closed(case, options=",boot1=0")["cure"])
    assert "JP2 (BOOT1) on 2-3" in cure
    assert "BOOT1 switch on 1-3" in cure


def test_f03_closed_debug_is_not_a_dead_chip_and_the_doctor_says_the_same(case: Case) -> None:
    found = closed(case, faults="ap1-closed")
    done = case.doctor(faults="ap1-closed")
    assert done.code == 5
    told = done.findings["E-AP1-CLOSED"]
    assert (told["text"], told["cure"], told["not_this"]) == (found["text"], found["cure"], found["not_this"])
    assert done.checks["debug ports"]["verdict"] == "fail"
    assert done.checks["probe"]["evidence"]["firmware"] == "V3J17M10"
    assert done.checks["voltage"]["says"] == "3.29 V"
    assert done.checks["NOR"] == {
        "name": "NOR",
        "verdict": "not checked",
        "says": "no connection to the chip (E-AP1-CLOSED)",
        "evidence": {},
        "advice": "",
        "findings": [],
    }
    assert case.flash().code == 0


def test_f04_it_says_that_this_is_no_read_out_protection(case: Case) -> None:
    assert "no read-out protection" in str(closed(case, options=",boot1=0")["not_this"])


def test_f05_serial_boot_is_closed_too(case: Case) -> None:
    with case.board(boot1=0) as board:
        board.boot0 = 1
        board.power_cycle()
    found = closed(case)
    assert "BOOT0 does not matter" in str(found["cure"])
    assert case.flash(options=",boot1=1").code == 0


OPENS_DEBUG = vectors(0x34200000, 0x34180801, 256) + bytes.fromhex(  # hw-soc 1.9: BSEC_AP_UNLOCK = B4h
    "0148 B421 0160 FEE7 909E0056"  # ldr r0, =0x56009E90; movs r1, #0xB4; str r1, [r0]; b .
)


def test_f08_where_boot1_is_tied_a_first_stage_that_opens_debug_lets_us_in(case: Case, tmp_path: Path) -> None:
    profile = (Path(chip.__file__).parent / "boards" / "nucleo-n657x0-q.toml").read_text()
    mine = tmp_path / "mine.toml"
    tied = 'boot_help = "BOOT1 is tied to ground: cut R12, or flash a first stage that opens debug"'
    mine.write_text(profile.replace('boot_help = "NUCLEO: JP2 (BOOT1) on 2-3"', tied))
    done = case.flash(case.file, "--board", str(mine), options=",boot1=0")
    assert done.code == 5
    assert "cut R12, or flash a first stage that opens debug" in done.findings["E-AP1-CLOSED"]["cure"]
    with case.board() as board:  # as the factory, or serial boot, brings it in
        image = make_stm2(OPENS_DEBUG)
        board.nor.content[: len(image)] = image
        board.power_cycle()
    for _ in range(2):  # it runs again after the reset that ends the first
        done = case.flash(case.file, "--board", str(mine))
        assert done.code == 0
        found = done.findings["I-DONE-BOOT"]
        assert found["evidence"]["mode"] == "flash boot"
        assert "I-DONE-DEV" not in done.findings
    with case.board() as board:
        assert board.boot1 == 0


def test_f06_after_a_flash_it_says_that_the_pins_still_mean_development_boot(case: Case) -> None:
    done = case.flash()
    assert done.code == 0
    found = done.findings["I-DONE-DEV"]
    assert "still in development boot" in found["text"]
    assert "JP1 (BOOT0) and JP2 (BOOT1) on 1-2, then power-cycle" in found["cure"]
    checks = case.doctor().checks
    assert (checks["boot mode"]["evidence"]["BOOT1"], checks["core"]["evidence"]["owner"]) == (1, "the boot ROM")


def moved_jumper(case: Case) -> None:
    """BOOT1 is set to 1 on a board that runs in flash boot, and the power stays: pins count at a reset only."""
    with case.board(boot1=0) as board:
        board.boot1 = 1


@pytest.mark.parametrize("connect", ["halt", "attach"])
def test_f07_where_no_reset_is_wanted_the_cure_asks_for_power_since_pins_count_at_reset_only(
    case: Case, connect: str
) -> None:
    moved_jumper(case)
    done = case.flash(case.file, "--connect", connect)
    assert done.code == 5
    found = done.findings["E-AP1-CLOSED"]
    assert "Then unplug and replug the power." in found["cure"]
    assert (found["evidence"]["AP0"], found["evidence"]["DBGMCU_SR.17"]) == ("ok", 0)
    with case.board() as board:
        board.power_cycle()
    again = case.flash(case.file, "--connect", connect)
    assert again.code == 0
    assert "W-RESET-TO-CONNECT" not in again.findings


def test_f07_a_jumper_that_was_moved_without_a_power_cycle_needs_a_reset_only_and_that_is_said(case: Case) -> None:
    moved_jumper(case)
    done = case.flash()
    assert done.code == 0
    found = done.findings["W-RESET-TO-CONNECT"]
    assert found["evidence"]["failure"] == "E-AP1-CLOSED"
    assert "not in development boot" in found["evidence"]["reason"]
    assert "--connect halt or attach never reset it" in found["cure"]
    assert "W-RESET-TO-CONNECT" not in case.flash().findings


def test_f09_a_program_that_was_only_in_ram_is_not_in_the_flash(case: Case) -> None:
    with case.link() as link:
        link.write(0x3418_0400, vectors(0x3420_0000, 0x3418_0441))
    done = case.doctor()
    assert done.code == 0
    found = done.findings["W-IMAGE-NONE"]
    assert (found["evidence"]["address"], found["evidence"]["slot"]) == (0x7000_0000, "fsbl")
    assert "n6prog flash FSBL-trusted.bin" in found["cure"]


def test_f68_unknown_silicon_is_not_guessed(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(rom.REVISION_WORDS, "B", 0x300)
    done = case.doctor()
    found = done.findings["W-REVISION"]
    assert found["evidence"]["word_47EC"] == "0x300"
    assert "package code B, 2.1 for Z" in found["cure"]
    assert done.checks["silicon"]["verdict"] == "warn"


@pytest.mark.parametrize("rev", ["B", "Z"])
def test_f67_f68_an_image_for_the_other_silicon_is_told_by_the_boot_roms_own_word(case: Case, rev: str) -> None:
    fits, other = ("2.3", "2.1") if rev == "B" else ("2.1", "2.3")
    image = make_stm2(vectors(0x3420_0000, 0x3418_0441) + bytes(0x100), version=other)
    with case.board(rev=rev) as board:
        board.nor.content[0 : len(image)] = image
    found = case.doctor().findings["W-IMAGE-VERSION"]
    assert (found["evidence"]["version"], found["evidence"]["wanted"]) == (other, fits)
    assert "Rev Z when it cannot read it" in found["not_this"]


def test_f66_an_image_signed_without_align_is_seen_in_the_flash(case: Case) -> None:
    image = make_stm2(vectors(0x3420_0000, 0x3418_0441) + bytes(0x200), align=False)
    with case.board() as board:
        board.nor.content[0 : len(image)] = image
    found = case.doctor().findings["W-IMAGE-ALIGN"]
    assert found["evidence"]["table"] == "0x240"
    assert "-align" in found["cure"]


def test_f69_an_entry_point_without_thumb_bit_is_seen_in_the_flash(case: Case) -> None:
    image = make_stm2(vectors(0x3420_0000, 0x3418_0441) + bytes(0x100), entry=0x3418_0440)
    with case.board() as board:
        board.nor.content[0 : len(image)] = image
    found = case.doctor().findings["W-IMAGE-ENTRY"]
    assert found["evidence"]["entry"] == "0x34180440"
    assert "Thumb bit" in found["evidence"]["entry_reason"]


@pytest.mark.parametrize(
    ("data", "reason"), [(b"\xff" * 16, "it reads FF"), (b"\x00\x00\x20\x34" * 4, "not with STM2")]
)
def test_f45_f65_what_the_boot_rom_would_not_start_is_told(case: Case, data: bytes, reason: str) -> None:
    with case.board() as board:
        board.nor.content[0 : len(data)] = data
    found = case.doctor().findings["W-IMAGE-NONE"]
    assert reason in found["text"]
    assert "STM32_SigningTool_CLI -align" in found["cure"]


def test_f79_a_board_that_stays_dark_is_told_apart_by_what_is_in_the_flash(case: Case) -> None:
    """Both switches low and nothing in the flash: the pins, the light and AP1 look as they do with a sound image."""
    for connect in ((), ("--connect", "attach")):
        assert case.doctor(*connect, options=",boot1=0").findings["E-AP1-CLOSED"]
    with case.board(boot1=1) as board:
        board.power_cycle()
    found = case.doctor().findings["W-IMAGE-NONE"]
    assert "erased or never written" in found["text"]
    image = make_stm2(vectors(0x34200000, 0x34180801, 256))
    with case.board() as board:
        board.nor.content[: len(image)] = image
    assert "W-IMAGE-NONE" not in case.doctor().findings


def test_f06_an_image_that_would_boot_is_told_as_one_that_waits(case: Case) -> None:
    image = make_stm2(vectors(0x3420_0000, 0x3418_0441) + bytes(0x100))
    with case.board() as board:
        board.nor.content[0 : len(image)] = image
    done = case.doctor()
    assert done.checks["images"]["verdict"] == "ok"
    found = done.findings["N-IMAGE-WAITS"]
    assert (found["evidence"]["address"], found["evidence"]["BOOT1"]) == (0x7000_0000, 1)
    assert "set BOOT1 to 0 and cycle the power" in found["cure"]
    assert done.checks["images"]["evidence"]["fsbl"] == f"STM2 2.3, {len(image)} bytes, entry 0x34180441"
    assert done.code == 0


def stored_image(case: Case, image: bytes, offset: int = 0) -> Outcome:
    """The doctor on a board in development boot with this in its flash."""
    with case.board() as board:
        board.nor.content[offset : offset + len(image)] = image
    return case.doctor()


@pytest.mark.parametrize(("slot", "offset"), [("fsbl", 0), ("fsbl-b", 0x4_0000), ("app", 0x10_0000)])
def test_f73_a_body_in_the_flash_that_does_not_sum_up_is_told_as_check_tells_it(
    case: Case, slot: str, offset: int
) -> None:
    image = bytearray(make_stm2(vectors(0x3420_0000, 0x3418_0441) + bytes(0x1000)))
    image[-1] = 0x5A  # one byte of the body, which was 0
    done = stored_image(case, bytes(image), offset)
    assert done.code == 8
    found = done.findings["E-HDR-SUM"]
    evidence = found["evidence"]
    assert (evidence["slot"], evidence["address"]) == (slot, 0x7000_0000 + offset)
    assert evidence["computed"] - evidence["stored"] == 0x5A
    assert "flash the signed file again" in found["cure"]
    check = done.checks["images"]
    assert (check["verdict"], check["evidence"][f"{slot} body"]) == ("fail", "checksum wrong")
    assert "N-IMAGE-WAITS" not in done.findings


@pytest.mark.parametrize("left", ["", "left-8s", "left-8d"])
def test_a_body_that_sums_up_is_said_to_be_right_in_every_bus_mode(case: Case, left: str) -> None:
    image = make_stm2(vectors(0x3420_0000, 0x3418_0441) + bytes(range(1, 256)) * 17)
    with case.board() as board:
        board.nor.content[0 : len(image)] = image
    evidence = case.doctor(faults=left).checks["images"]["evidence"]
    assert (evidence["fsbl body"], evidence["fsbl-b"]) == ("checksum right", "blank")


def test_an_image_that_ends_with_its_vector_table_is_summed_up_too(case: Case) -> None:
    image = make_stm2(vectors(0x3420_0000, 0x3418_0441, count=2)[:8], length=0x1C8)  # 0x408 bytes in all
    assert stored_image(case, image).checks["images"]["evidence"]["fsbl body"] == "checksum right"


def test_bodies_are_read_up_to_128_kib_in_all_and_the_others_are_said_to_be_unread(case: Case) -> None:
    first = make_stm2(vectors(0x3420_0000, 0x3418_0441) + bytes(64 << 10))
    second = bytearray(make_stm2(vectors(0x3420_0000, 0x3418_0441) + bytes(80 << 10)))
    second[-1] = 1
    with case.board() as board:
        board.nor.content[0 : len(first)] = first
        board.nor.content[0x4_0000 : 0x4_0000 + len(second)] = second
    done = case.doctor()
    evidence = done.checks["images"]["evidence"]
    assert evidence["fsbl body"] == "checksum right"
    assert evidence["fsbl-b body"] == "not checked: 81 KiB"  # 80 KiB behind 0x200 bytes: gap and vector table
    assert "fsbl-b STM2 2.3" in done.checks["images"]["says"]
    assert done.code == 0


def test_a_length_that_is_damaged_reads_nothing_beyond(case: Case) -> None:
    image = make_stm2(vectors(0x3420_0000, 0x3418_0441) + bytes(0x100), length=0xFFFF_FFE0)
    assert stored_image(case, image).checks["images"]["evidence"]["fsbl body"] == "not checked: 4194304 KiB"
