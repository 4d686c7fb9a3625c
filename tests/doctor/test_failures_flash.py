"""Failures of the NOR and the loader (users.md F30 to F46, F64, F85, F94 to F97), through the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from n6prog.doctor.borrow import NotNow
from n6prog.errors import TargetUnreachable
from n6prog.sim import SimBoard
from n6prog.targets import chip

from .conftest import Case

OFFSET = 0x100_0000  # where case.file goes


def dirty(case: Case) -> None:
    """Old bytes where the file goes, so that there is something to erase."""
    with case.board() as board:
        board.nor.content[OFFSET : OFFSET + 0x2000] = bytes(0x2000)


def mended(case: Case) -> None:
    """The next plain flash succeeds, with the power on all the while."""
    assert case.flash().code == 0
    assert case.run("verify", case.file).code == 0


def test_f30_the_wrong_boards_name_is_told_and_the_right_part_is_used(case: Case) -> None:
    for done in (case.flash(case.file, "--board", "stm32n6570-dk"), case.doctor("--board", "stm32n6570-dk")):
        assert done.code == 0
        found = done.findings["E-WRONGPART"]
        assert (found["evidence"]["expected"], found["evidence"]["part"]) == ("MX66UW1G45G", "MX25UM51245G")
        assert "check it: NUCLEO-N657X0-Q has MX25UM51245G (64 MiB)" in found["cure"]
    mended(case)


@pytest.mark.parametrize(("rdid", "told"), [("9d5b19", "9D 5B 19"), ("c22539", "C2 25 39")])
def test_f36_f37_a_part_in_no_table_is_used_by_its_own_tables_in_1s(case: Case, rdid: str, told: str) -> None:
    done = case.flash(faults=f"wrong-id:{rdid}")
    assert done.code == 0
    found = done.findings["W-NOR-SFDP"]
    assert (found["evidence"]["rdid"], found["evidence"]["size_mib"]) == (told, 64)
    assert "SFDP table" in found["text"]
    seen = case.doctor(faults=f"wrong-id:{rdid}")
    assert seen.checks["NOR"]["says"] == f"a part in no table (RDID {told}), found in 1S"
    assert seen.checks["SFDP"]["evidence"]["size_mib"] == 64


@pytest.mark.parametrize(("left", "mode"), [("left-8s", "8S"), ("left-8d", "8D")])
def test_f38_f39_a_flash_left_in_octal_mode_is_told_flashed_and_left_in_1s(case: Case, left: str, mode: str) -> None:
    found = case.doctor(faults=left).findings["W-OCTAL-LEFT"]
    assert found["evidence"]["mode"] == mode
    assert found["evidence"]["rdid"] == "C2 80 3A"
    assert "cannot read the flash" in found["cure"]
    mended(case)
    with case.board() as board:
        assert board.nor.mode == "1S"
    assert "W-OCTAL-LEFT" not in case.doctor().findings


@pytest.mark.parametrize("fault", ["mute", "no-vddio3"])
def test_f41_f46_a_flash_that_answers_nothing_is_told_with_what_to_look_at(case: Case, fault: str) -> None:
    done, seen = case.flash(faults=fault), case.doctor(faults=fault)
    assert (done.code, seen.code) == (6, 6)
    assert done.findings["E-FLASH-ID"]["evidence"]["board"] == "nucleo-n657x0-q"
    assert "held in reset, has no power" in done.findings["E-FLASH-ID"]["cure"]
    told = done.findings["E-FLASH-ID"]["evidence"]["rdid"]
    assert [line.split()[0] for line in told.split("; ")] == ["1S", "8S", "8D"]
    assert told in done.findings["E-FLASH-ID"]["text"]
    found = seen.findings["E-NOR-SILENT"]
    assert found["evidence"]["rdid"].startswith("1S ")
    assert "RESET#, VDDIO3, NCS" in found["cure"]
    assert "octal mode" in found["not_this"]
    mended(case)


def test_f46_pulled_up_lines_read_ff_in_every_bus_mode(case: Case) -> None:
    found = case.flash(faults="no-vddio3", options=",float=ff").findings["E-FLASH-ID"]
    assert found["evidence"]["rdid"] == "1S FF FF FF; 8S FF FF FF; 8D FF FF FF"
    mended(case)


@pytest.mark.parametrize(
    "problem", [NotNow("the port stays busy"), TargetUnreachable.of("E-LINK-LOST", "x", reason="y")]
)
def test_f41_where_nobody_can_be_asked_any_more_the_loaders_own_reading_is_told(
    case: Case, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    def refuse(*_: object) -> None:
        raise problem

    with monkeypatch.context() as patch:
        patch.setattr("n6prog.doctor.ask.rdid_answers", refuse)
        done = case.flash(faults="mute", options=",float=00")
    assert (done.code, done.end["code"]) == (6, "E-FLASH-ID")
    assert done.findings["E-FLASH-ID"]["evidence"]["rdid"] == "00 00 00"
    mended(case)


def test_f41_a_flash_in_deep_power_down_is_woken(case: Case) -> None:
    seen = case.doctor(faults="left-dpd")
    assert "deep power-down" in seen.findings["E-NOR-SILENT"]["cure"]
    mended(case)
    assert case.doctor().checks["NOR"]["verdict"] == "ok"


def test_f42_other_dummy_cycles_than_the_default_are_read_right(case: Case) -> None:
    """The program set 6 dummies (CR2 300h = 7): the images are found, and flash puts the part back to its defaults."""
    image = b"STM2" + bytes(60)
    with case.board() as board:
        board.nor.content[0 : len(image)] = image
        for head, data in ((b"\x06", b""), (b"\x72\x00\x00\x03\x00", b"\x07")):
            send(board, head, data)
    seen = case.doctor(faults="left-8d")
    assert seen.checks["images"]["evidence"]["fsbl"] == "a damaged header"
    assert seen.findings["W-OCTAL-LEFT"]["evidence"]["mode"] == "8D"
    mended(case)


def send(board: SimBoard, head: bytes, data: bytes) -> None:
    """One frame in 1S, behind everybody's back."""
    from n6prog.sim.nor.wire import framing

    now = max(board.host.now, board.nor.ready_at)
    board.nor.transaction(now, 20_000, framing("1S", len(head) - 1, bool(data)), head, data)
    board.host.advance_to(now + 10**9)


def test_f44_all_of_the_part_is_reached_beyond_16_mib(case: Case, tmp_path: Path) -> None:
    low, high = bytes([0x11]) * 0x1000, bytes([0x22]) * 0x1000
    for name, data in (("low.raw", low), ("high.raw", high)):
        (tmp_path / name).write_bytes(data)
    done = case.run("flash", f"{tmp_path}/low.raw@0x70000800", f"{tmp_path}/high.raw@0x72000800", "--header", "none")
    assert done.code == 0
    content = (case.folder / "nor.bin").read_bytes()
    assert content[0x800:0x1800] == low
    assert content[0x200_0800:0x200_1800] == high


def protect(case: Case) -> None:
    """All BP bits set, as a program may have left them."""
    with case.board() as board:
        for head, data in ((b"\x06", b""), (b"\x01", b"\x3c\x07")):
            send(board, head, data)


def test_protected_blocks_are_told_by_flash_and_doctor(case: Case) -> None:
    protect(case)
    done, seen = case.flash(), case.doctor()
    assert done.code == 6
    assert done.findings["E-PROTECTED"]["evidence"]["bp"] == "1111"
    assert "--unprotect" in done.findings["E-PROTECTED"]["cure"]
    found = seen.findings["W-NOR-PROTECTED"]
    assert (found["evidence"]["bp"], found["evidence"]["SR"]) == ("1111", "0x3c")
    assert "no read-out protection" in found["not_this"]
    assert seen.code == 0
    with case.board() as board:
        assert board.nor.registers.bp == 15  # nobody asked for more


@pytest.mark.parametrize("loader", ["resident", "classic"])
def test_unprotect_clears_the_bits_and_goes_on(case: Case, loader: str) -> None:
    protect(case)
    dirty(case)
    done = case.flash(case.file, "--unprotect", "--loader", loader)
    assert done.code == 0
    assert done.findings["W-UNPROTECTED"]["evidence"] == {"bp": "1111", "before": "0x3c", "after": "0x00"}
    with case.board() as board:
        assert (board.nor.registers.bp, board.nor.registers.cr) == (0, 0x07)
    assert case.run("verify", case.file).code == 0
    mended(case)


def test_unprotect_before_an_erase(case: Case) -> None:
    protect(case)
    dirty(case)
    refused = case.run("erase", f"{OFFSET + 0x7000_0000:#x}+8K")
    assert (refused.code, "E-PROTECTED" in refused.findings) == (6, True)
    done = case.run("erase", f"{OFFSET + 0x7000_0000:#x}+8K", "--unprotect")
    assert (done.code, "W-UNPROTECTED" in done.findings) == (0, True)
    assert (case.folder / "nor.bin").read_bytes()[OFFSET : OFFSET + 0x2000] == b"\xff" * 0x2000


def test_the_bits_of_a_part_in_no_table_are_not_touched(case: Case) -> None:
    protect(case)
    done = case.flash(case.file, "--unprotect", faults="wrong-id:9d5b19")
    assert done.code == 6
    assert done.findings["E-UNPROTECT"]["evidence"]["rdid"] == "9D 5B 19"
    with case.board() as board:
        assert board.nor.registers.bp == 15


@pytest.mark.parametrize(
    ("fault", "code", "evidence"),
    [
        ("no-wel", "E-WEL", {"sr": "0x00"}),
        (f"fail-program:{OFFSET:#x}", "E-PROGRAM-FAIL", {"scur": "0x20"}),
        (f"fail-erase:{OFFSET:#x}", "E-ERASE-FAIL", {"scur": "0x40"}),
        ("stuck-wip", "E-FLASH-BUSY", {}),
    ],
)
def test_f01_what_the_flash_itself_reports_is_told_and_not_as_protection(
    case: Case, fault: str, code: str, evidence: dict[str, str]
) -> None:
    dirty(case)
    done = case.flash(faults=fault)
    assert done.code == 6
    found = done.findings[code]
    assert found["evidence"]["address"] == chip.XSPI2_BASE + OFFSET
    assert evidence.items() <= found["evidence"].items()
    assert "protect" not in found["text"] + found["cure"]
    assert "again" in found["cure"]
    mended(case)


@pytest.mark.parametrize(
    ("fault", "count", "pattern"),  # one byte of the page is FF in the file too
    [("drop-page:3", 255, "a program was lost"), ("flip-page:3", 1, "one bit differs")],
)
def test_f64_a_page_that_is_wrong_afterwards_is_told_with_its_bytes(
    case: Case, fault: str, count: int, pattern: str
) -> None:
    dirty(case)
    done = case.flash(faults=fault)
    assert done.code == 7
    found = done.findings["E-VERIFY"]
    assert (found["evidence"]["address"], found["evidence"]["bytes"]) == (0x7100_0200, count)
    assert pattern in found["evidence"]["pattern"]
    assert "Run flash again" in found["cure"]
    mended(case)


@pytest.mark.parametrize("fault", ["mid-erase:0x1000000", "left-suspended:0x1000000"])
def test_f64_a_flash_found_at_work_is_flashed(case: Case, fault: str) -> None:
    seen = case.doctor(faults=fault)
    found = seen.findings["W-NOR-WORK"]
    assert "erase" in found["evidence"]["what"]
    mended(case)


def test_f85_weights_that_are_not_there_are_told_as_blank(case: Case) -> None:
    case.doctor()
    done = case.run("verify", case.file)
    found = done.findings["E-VERIFY"]
    assert (done.code, found["evidence"]["address"]) == (7, 0x7100_0000)
    assert "all FF" in found["evidence"]["pattern"]
    assert found["cure"].startswith("Run flash")
    mended(case)


def test_f94_f95_weights_stay_when_only_the_application_changes(case: Case, tmp_path: Path) -> None:
    (tmp_path / "app.raw").write_bytes(b"\x5a" * 0x1800)
    both = [case.file, f"{tmp_path}/app.raw@0x70200000", "--header", "none"]
    assert case.run("flash", *both).code == 0
    (tmp_path / "app.raw").write_bytes(b"\xa5" * 0x1800)
    done = case.run("flash", *both)
    assert (done.code, done.end["bytes"]["erased"]) == (0, 0x2000)
    assert case.run("verify", case.file).code == 0


@pytest.mark.parametrize(("fault", "code"), [("mute", 6), ("ap1-closed", 5), ("unplug@#3000", 5), ("drop-page:1", 7)])
def test_f96_whatever_fails_leaves_with_its_exit_code(case: Case, fault: str, code: int) -> None:
    done = case.flash(faults=fault)
    assert done.code == code == done.end["exit_code"]
    assert not done.end["ok"]
    assert done.end["code"].startswith("E-")


# --- entries of the table that no F-number names ---


def test_only_1_mhz_works_and_that_is_said(case: Case) -> None:
    done = case.flash(faults="max-clock:2M")
    found = done.findings["W-SWD-CLOCK"]
    assert (done.code, found["evidence"]["granted"]) == (0, "1 MHz")
    assert "shorter cable" in found["cure"]


def test_tcm_beyond_its_size_is_a_refused_access(case: Case, tmp_path: Path) -> None:
    done = case.run("read", "0x10020000+16", "-o", tmp_path / "x.bin")
    found = done.findings["E-BUS-FAULT"]
    assert (done.code, found["evidence"]["address"], found["evidence"]["size"]) == (5, 0x1002_0000, 16)
    mended(case)


def test_a_core_port_that_stalls_is_told(case: Case) -> None:
    done = case.flash(faults="wait:5000ms")
    assert done.code == 5
    assert done.findings["E-CONNECT"]["evidence"]["voltage"] == "3.29 V"
    mended(case)


CODE = chip.LOADER_BASE + 4
CRASH = f"poke@{{}}:{CODE:#x}=00de*4096"  # udf #0
LOOP = f"poke@{{}}:{CODE:#x}=fee7*4096"  # b .
NO_XSPI_CLOCK = f"poke@{{}}:{chip.RCC + 0x1260:#x}=00300000"  # RCC_AHB5ENCR: XSPI2 and XSPIM


# From 0.14 s on the loader is opened, from 0.19 s on the service runs, at 0.28 s all is done.
@pytest.mark.parametrize("moment", ["100ms", "150ms", "200ms", "220ms", "250ms"])
def test_f50_a_chip_that_is_reset_in_the_middle_is_told(case: Case, moment: str) -> None:
    dirty(case)
    done = case.flash(faults=f"chip-reset@{moment}")
    assert done.code == 6
    found = done.findings["E-CHIP-RESET"]
    told = found["evidence"]  # the core port that a reset closes for 20 ms, or S_RESET_ST once it is open again
    assert told.get("AP1") == "closed" or int(told["DHCSR"], 16) >> 25 & 1
    assert "weak supply" in found["cure"]
    assert "W-SWD-CLOCK" not in done.findings  # no fault of the wire
    mended(case)


@pytest.mark.parametrize(
    ("code", "evidence", "fault"),
    [
        ("E-LOADER-FAULT", "CFSR", CRASH),
        ("E-LOADER-TIMEOUT", "PC", LOOP),
        ("E-LOADER-STUCK", "reason", NO_XSPI_CLOCK),
    ],
)
@pytest.mark.parametrize("moment", ["200ms", "220ms", "250ms"])
def test_f33_a_loader_that_crashes_or_hangs_is_told_with_its_registers(
    case: Case, moment: str, code: str, evidence: str, fault: str
) -> None:
    dirty(case)
    done = case.flash(faults=fault.format(moment))
    assert done.code == 6
    assert done.findings[code]["evidence"][evidence]
    assert "run" in done.findings[code]["cure"].lower()
    assert "n6_serve" in done.findings[code]["text"]
    assert set(done.findings) == {code, "W-DOUBT"}
    again = case.flash()
    assert again.code == 0
    assert ("W-RESET-TO-CONNECT" in again.findings) == (code == "E-LOADER-STUCK")
    mended(case)


@pytest.mark.parametrize(
    ("code", "evidence", "fault"), [("E-LOADER-FAULT", "CFSR", CRASH), ("E-LOADER-TIMEOUT", "PC", LOOP)]
)
@pytest.mark.parametrize("options", [(), ("--loader", "classic")])
def test_f33_a_loader_that_is_damaged_while_it_is_opened_is_told_with_its_registers(
    case: Case, code: str, evidence: str, fault: str, options: tuple[str, ...]
) -> None:
    dirty(case)
    done = case.flash(case.file, *options, faults=fault.format("135ms"))
    assert done.code == 6
    assert done.findings[code]["evidence"][evidence]
    assert "n6_open" in done.findings[code]["text"]
    assert "W-DOUBT" not in done.findings  # nothing was to be written yet
    mended(case)


def test_pins_that_were_moved_meanwhile_are_told_after_the_work_is_done(case: Case) -> None:
    done = case.flash(faults="boot1@150ms:0")
    assert done.code == 0
    assert "not in development boot" in done.findings["W-AFTER"]["evidence"]["reason"]
    assert case.run("verify", case.file, options=",boot1=1").code == 0


def test_a_flash_that_fails_in_the_middle_names_the_first_range_that_is_not_known_to_be_good(
    case: Case, tmp_path: Path
) -> None:
    """Three blocks of 64 KiB, and the flash refuses a program in the second."""
    data = bytes(range(1, 256)) * 0x300
    path = tmp_path / "three.raw"
    path.write_bytes(data[:0x2_8000])
    file = f"{path}@0x71000000"
    done = case.flash(file, faults=f"fail-program:{OFFSET + 0x1_0000:#x}")
    assert (done.code, done.end["code"]) == (6, "E-PROGRAM-FAIL")
    found = done.findings["W-DOUBT"]
    assert found["evidence"] == {"start": 0x7101_0000, "size": 0x1_0000}
    assert done.end["doubt"] == {"start": 0x7101_0000, "length": 0x1_0000}
    assert "what is already right is not written twice" in found["cure"]
    assert "what lies before that was proven" in found["not_this"]
    assert "0x71010000" in found["text"]
    content = (case.folder / "nor.bin").read_bytes()[OFFSET:]
    assert content[:0x1_0000] == data[:0x1_0000]
    assert content[0x2_0000:0x2_8000] == b"\xff" * 0x8000  # nothing was begun behind it
    again = case.flash(file)
    assert again.code == 0
    assert again.end["bytes"]["skipped"] >= 0x1_0000
    assert (again.end["doubt"], "W-DOUBT" in again.findings) == (None, False)
    assert (case.folder / "nor.bin").read_bytes()[OFFSET : OFFSET + 0x2_8000] == data[:0x2_8000]
