"""`n6prog check`, on files made for it; no probe is ever opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from n6prog.findings import finding
from tests.helpers.elfmaker import Section, make_elf

XIP = Section(".text", 0x70100400, bytes(range(256)) * 8)


@pytest.fixture(autouse=True)
def no_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("check opened a probe")

    monkeypatch.setattr("n6prog.api.connect", refuse)


def write(folder: Path, name: str, *sections: Section) -> str:
    (folder / name).write_bytes(make_elf(*sections))
    return name


def test_a_good_file_fits_both_boards(n6: Any, tmp_path: Path) -> None:
    done = n6("check", write(tmp_path, "good.elf", XIP))
    assert done.code == 0
    assert "NUCLEO-N657X0-Q (MX25UM51245G, 64 MiB): fits" in done.out
    assert "STM32N6570-DK (MX66UW1G45G, 128 MiB): fits" in done.out
    assert "  0x70100400   2.00 KiB  good.elf .text" in done.out
    assert "error" not in done.err


def test_a_named_board_is_the_only_one(n6: Any, tmp_path: Path) -> None:
    done = n6("check", write(tmp_path, "good.elf", XIP), "--board", "stm32n6570-dk")
    assert "STM32N6570-DK" in done.out
    assert "NUCLEO" not in done.out
    done = n6("check", "good.elf", "-p", "sim:nucleo-n657x0-q,state=none")
    assert "STM32N6570-DK" not in done.out


def test_a_bad_file_is_refused_with_every_fault_once(n6: Any, tmp_path: Path) -> None:
    name = write(tmp_path, "bad.elf", XIP, Section(".weights", 0, bytes(300)), Section(".itcm", 0x10000100, bytes(64)))
    done = n6("check", name)
    assert done.code == 8
    assert done.err.count("error E-REGION0") == 1
    assert done.err.count("error E-TCM") == 1
    assert done.out.count("refused") == 2


def test_a_file_for_one_board_only_is_taken_with_a_warning(n6: Any, tmp_path: Path) -> None:
    (tmp_path / "w.raw").write_bytes(bytes(4096))
    done = n6("check", "w.raw@0x75000000")  # beyond 64 MiB, within 128 MiB
    assert done.code == 0
    assert "NUCLEO-N657X0-Q (MX25UM51245G, 64 MiB): refused" in done.out
    assert "error E-SIZE" in done.err
    assert "warning W-ONE-BOARD: this fits the STM32N6570-DK and not the NUCLEO-N657X0-Q" in done.err
    assert n6("check", "w.raw@0x75000000", "--board", "nucleo-n657x0-q").code == 8


def test_its_events_end_with_pieces_and_findings(n6: Any, tmp_path: Path) -> None:
    done = n6("check", write(tmp_path, "good.elf", XIP), "--json")
    assert [event["type"] for event in done.events][:3] == ["begin", "plan", "plan"]
    assert done.end["ok"] is True
    assert done.end["bytes"]["wanted"] == 2048
    (piece,) = done.end["pieces"]
    assert (piece["start"], piece["length"]) == (0x70100400, 2048)
    # sha256sum of 00 01 .. FF, eight times over
    assert piece["sha256"] == "10fc3c51a152e90e5b90319b601d92ccf37290ef53c35ff92507687d8a911a08"
    done = n6("check", write(tmp_path, "bad.elf", Section(".w", 0, bytes(300))), "--json")
    assert done.code == done.end["exit_code"] == 8
    assert done.end["code"] == "E-REGION0"
    assert [event["type"] for event in done.events].count("error") == 1


def test_an_unknown_board_is_a_usage_error(n6: Any, tmp_path: Path) -> None:
    done = n6("check", write(tmp_path, "good.elf", XIP), "--board", "nucleo")
    assert done.code == 2
    assert "nucleo-n657x0-q" in done.err


def test_an_unknown_slot_is_a_usage_error(n6: Any, tmp_path: Path) -> None:
    (tmp_path / "w.raw").write_bytes(bytes(4096))
    done = n6("check", "w.raw", "--slot", "weihgts")
    assert done.code == 2
    assert "weights" in done.err


def test_verify_as_a_dry_run_only_judges(n6: Any, tmp_path: Path) -> None:
    done = n6("verify", write(tmp_path, "good.elf", XIP), "-n")
    assert done.code == 0
    assert "nothing was compared" in done.out


def test_the_first_error_decides_the_exit_code(n6: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from n6prog import api
    from n6prog.flows.source import assumed_device, profile
    from n6prog.layout.types import Goal, Placement

    both = (finding("E-SLOT", "x", board="B", slots="app"), finding("E-NOTHING", "a"))
    device = assumed_device(profile("nucleo-n657x0-q"))
    monkeypatch.setattr(api, "check", lambda *_, **__: Placement(Goal.FLASH, device, (), (), None, both))
    done = n6("check", "app.elf")
    assert done.code == 2
    assert "E-NOTHING" in done.err
