"""`n6prog doctor` itself: its checks, its text and JSON, its exit codes, and the bundle for a bug report."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from n6prog.doctor import CHECKS
from n6prog.sim import SimBoard

from .conftest import Case

NAMES = [name for name, _ in CHECKS]


def test_every_check_has_evidence_or_says_why_it_was_not_made(case: Case) -> None:
    done = case.doctor()
    assert list(done.checks) == NAMES
    for name, check in done.checks.items():
        assert check["verdict"] in ("ok", "warn", "fail", "not checked")
        assert check["says"], name
        assert check["evidence"] or check["verdict"] == "not checked", name
        worst = {found["severity"] for found in check["findings"]}
        assert (check["verdict"] == "warn") == ("warning" in worst)
        assert all(found["cure"] and found["evidence"] for found in check["findings"]), name


def test_it_tells_probe_chip_and_flash(case: Case) -> None:
    checks = case.doctor().checks
    assert checks["probe"]["evidence"]["firmware"] == "V3J17M10"
    assert checks["voltage"]["evidence"]["voltage"] == "3.29 V"
    ports = checks["debug ports"]["evidence"]
    assert (ports["DPIDR"], ports["AP1"]) == ("0x6BA02477", "open")
    assert int(ports["DBGMCU_IDCODE"], 16) & 0xFFF == 0x486
    assert int(ports["DBGMCU_SR"], 16) >> 17 & 1 == 1
    clock = checks["SWD clock"]["evidence"]
    assert clock == {
        "granted": "8 MHz",
        "reads": 16,
        "errors at 1 MHz": 0,
        "errors at 3.3 MHz": 0,
        "errors at 8 MHz": 0,
    }
    assert checks["boot mode"]["says"] == "development boot: SYSCFG_BOOTSR says BOOT1 = 1, BOOT0 = 0"
    bsec = checks["BSEC"]["evidence"]
    assert (bsec["state"], bsec["OTP9"]) == ("open", "0x00002000")
    assert checks["XSPI"]["evidence"]["XSPI2"] == "clock off"
    nor = checks["NOR"]["evidence"]
    assert (nor["part"], nor["rdid"], nor["mode"]) == ("MX25UM51245G", "C2 80 3A", "1S")
    assert checks["SFDP"]["evidence"]["erases"] == "4 KiB by 21h, 64 KiB by DCh"
    assert checks["NOR status"]["evidence"]["bp"] == "0000"
    assert checks["versions"]["evidence"]["connect"] == "attach"


@pytest.mark.parametrize(("rev", "header"), [("B", "2.3"), ("Z", "2.1")])
def test_the_revision_words_tell_which_header_boots(case: Case, rev: str, header: str) -> None:
    check = case.doctor(options=f",rev={rev}").checks["silicon"]
    assert check["evidence"]["header"] == header
    assert check["evidence"]["word_47EC"] == {"B": "0x200", "Z": "0x101"}[rev]


def test_the_other_board_is_examined_by_its_own_profile(case: Case) -> None:
    with SimBoard("stm32n6570-dk", state=case.folder):
        pass
    case.probe_board = "stm32n6570-dk"
    evidence = case.doctor().checks["NOR"]["evidence"]
    assert (evidence["part"], evidence["rdid"]) == ("MX66UW1G45G", "C2 81 3B")


def test_a_clock_that_was_asked_for_is_not_exceeded(case: Case) -> None:
    evidence = case.doctor("-f", "1M").checks["SWD clock"]["evidence"]
    assert [name for name in evidence if name.startswith("errors")] == ["errors at 1 MHz"]


def test_the_text_has_a_line_a_check_and_the_findings_below(case: Case) -> None:
    done = case.doctor()
    lines = done.text.splitlines()
    assert [line[13:25].strip() for line in lines[: len(NAMES) + 4] if line[:11].strip()][: len(NAMES)] == NAMES
    assert "warning W-IMAGE-NONE" in done.text
    assert "note N-" not in done.text
    assert "note N-HSLV" in case.doctor("-v").text


def test_a_healthy_board_with_an_image_has_nothing_wrong(case: Case) -> None:
    from tests.helpers.stm2maker import make_stm2, vectors

    image = make_stm2(vectors(0x3420_0000, 0x3418_0441))
    with case.board() as board:
        board.nor.content[0 : len(image)] = image
    done = case.doctor()
    assert done.code == 0
    assert "nothing is wrong" in done.text


def test_a_link_that_is_lost_on_the_way_ends_the_checks_that_need_it(case: Case) -> None:
    done = case.doctor(faults="hang@100ms")
    assert (done.code, done.end["code"]) == (5, "E-PROBE-HUNG")
    failed = [check["name"] for check in done.checks.values() if check["verdict"] == "fail"]
    assert len(failed) == 1
    after = NAMES[NAMES.index(failed[0]) + 1 :]
    assert after
    for name in after:
        assert done.checks[name]["says"] == "no connection to the chip (E-PROBE-HUNG)"


def test_a_dry_run_opens_nothing(case: Case) -> None:
    assert case.run("doctor", "-n", options=",fault=ap1-closed").code == 0
    assert not case.folder.exists()


@pytest.mark.parametrize(("fault", "code"), [("", 0), ("ap1-closed", 5), ("mute", 6)])
def test_f97_the_bundle_holds_what_was_found_and_the_log_also_when_it_fails(
    case: Case, tmp_path: Path, fault: str, code: int
) -> None:
    bundle = tmp_path / "out.zip"
    done = case.doctor("--report", str(bundle), faults=fault)
    assert done.code == code
    with zipfile.ZipFile(bundle) as held:
        assert sorted(held.namelist()) == ["doctor.json", "doctor.txt", "log.txt"]
        data = json.loads(held.read("doctor.json"))
        text, log = held.read("doctor.txt").decode(), held.read("log.txt").decode()
    assert data["checks"] == done.end["checks"]
    assert data["settings"]["connect"] == "auto"
    assert all(found["code"] in text for found in data["findings"])
    assert "pyocd" in log
    assert [path.name for path in tmp_path.glob("*.zip*")] == ["out.zip"]


def test_a_bundle_that_cannot_be_written_is_told_before_anything_is_opened(case: Case, tmp_path: Path) -> None:
    done = case.doctor("--report", str(tmp_path / "no" / "out.zip"))
    assert (done.code, done.end["code"]) == (2, "E-NO-WRITE")
    assert not case.folder.exists()
