"""`n6prog list` and `n6prog config`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from n6prog.config import SETTINGS
from n6prog.link.holder import Holder
from n6prog.link.types import ProbeInfo

HOLDER = Holder(7, "openocd", "anna", since="2026-01-31T12:00:00+00:00", reason="debug")


@pytest.fixture
def probes(monkeypatch: pytest.MonkeyPatch) -> list[ProbeInfo]:
    found: list[ProbeInfo] = []
    monkeypatch.setattr("n6prog.link.list_probes", lambda: found)
    return found


def test_list_names_the_simulated_boards_also_without_a_probe(n6: Any, probes: list[ProbeInfo]) -> None:
    done = n6("list")
    assert done.code == 0
    assert "no probe is connected" in done.out
    assert "sim:nucleo-n657x0-q" in done.out
    assert "sim:stm32n6570-dk" in done.out


def test_list_without_the_extra_says_what_to_install(
    n6: Any, probes: list[ProbeInfo], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("n6prog.cli.list_.find_spec", lambda name: None)
    assert 'pip install "n6prog[sim]"' in n6("list").out


def test_list_tells_firmware_and_who_holds_a_probe(n6: Any, probes: list[ProbeInfo]) -> None:
    probes += [ProbeInfo("003A", "STLINK-V3", "V3J17M10"), ProbeInfo("004B", "STLINK-V3", holder=HOLDER)]
    done = n6("list", "--json")
    assert [probe["unique_id"] for probe in done.end["probes"]] == ["003A", "004B"]
    lines = done.err.splitlines()
    assert lines[0].split() == ["003A", "STLINK-V3", "V3J17M10"]
    assert lines[1].split(maxsplit=2)[2] == f"in use by {HOLDER}"
    assert done.end["probes"][0]["holder"] is None
    assert done.end["probes"][1]["holder"]["pid"] == 7
    assert "process 7 (openocd), user anna" in str(HOLDER)


def test_list_tells_who_has_a_simulated_board(n6: Any, probes: list[ProbeInfo]) -> None:
    from n6prog.sim import SimBoard
    from n6prog.sim.state import default_folder

    with SimBoard(state=default_folder("nucleo-n657x0-q"), reason="night run"):
        done = n6("list", "--json")
    line = next(line for line in done.err.splitlines() if line.startswith("sim:nucleo"))
    assert f"in use by process {os.getpid()} (" in line
    assert line.endswith("for night run")
    assert done.end["simulated_holders"]["sim:nucleo-n657x0-q"]["reason"] == "night run"
    assert not n6("list", "--json").end["simulated_holders"]


def test_config_shows_every_setting_with_its_origin(n6: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "n6prog.toml").write_text('\nswd_clock = "3300k"\n')
    monkeypatch.setenv("N6PROG_AFTER", "halt")
    done = n6("config", "--erase", "chip")
    assert done.code == 0
    rows = {line.split()[0]: line.split()[1:] for line in done.out.splitlines()[1:]}
    assert set(rows) == {setting.name for setting in SETTINGS}
    assert rows["swd_clock"] == ["3.3", "MHz", f"{tmp_path / 'n6prog.toml'}:2"]
    assert rows["after"] == ["halt", "N6PROG_AFTER"]
    assert rows["erase"] == ["chip", "--erase"]
    assert rows["board"] == ["-", "default"]


def test_config_warns_of_a_variable_that_is_none(n6: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("N6PROG_PORBE", "sim")
    done = n6("config")
    assert done.code == 0
    assert "warning W-VARIABLE: N6PROG_PORBE" in done.err
    assert "Did you mean N6PROG_PROBE?" in done.err


def test_a_wrong_file_stops_every_command_with_its_line(n6: Any, tmp_path: Path) -> None:
    (tmp_path / "n6prog.toml").write_text('board = "x"\nerase = "never"\n')
    done = n6("config")
    assert done.code == 2
    assert f"error E-CONFIG: {tmp_path / 'n6prog.toml'}:2: erase" in done.err


def test_settings_as_json(n6: Any) -> None:
    end = n6("config", "--json", "-f", "8M").end
    assert end["settings"]["swd_clock"] == {"value": 8_000_000, "place": "command line", "origin": "--swd-clock"}
