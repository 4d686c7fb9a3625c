"""`n6prog sim power` and `n6prog sim inspect`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("unicorn")

from n6prog.sim import SimBoard
from n6prog.sim.clock import PS_PER_SECOND


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A board that was switched on and left so."""
    with SimBoard(state=tmp_path / "board"):
        pass
    return tmp_path / "board"


def journal(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "board.json").read_text())
    return found


def test_power_off_on_and_cycle(n6: Any, folder: Path) -> None:
    assert n6("sim", "power", folder, "off").code == 0
    assert journal(folder)["powered"] is False
    assert n6("sim", "power", folder, "on").code == 0
    assert journal(folder)["powered"] is True
    (folder / "ram.bin").write_bytes(b"kept" + (folder / "ram.bin").read_bytes()[4:])
    assert n6("sim", "power", folder, "on").code == 0  # nothing to do
    assert (folder / "ram.bin").read_bytes()[:4] == b"kept"
    assert n6("sim", "power", folder, "cycle").code == 0
    assert (folder / "ram.bin").read_bytes()[:4] != b"kept"


def test_power_with_the_boot_pin_set_in_between(n6: Any, folder: Path) -> None:
    done = n6("sim", "power", folder, "cycle", "--boot1", "0", "--json")
    assert done.code == 0
    assert (done.end["sim"]["boot1"], done.end["sim"]["powered"]) == (0, True)
    assert n6("sim", "power", folder, "off", "--boot1", "1").code == 0
    assert (journal(folder)["boot1"], journal(folder)["powered"]) == (1, False)


def test_a_pin_that_is_moved_under_power_is_refused_with_the_way_to_do_it(n6: Any, folder: Path) -> None:
    done = n6("sim", "power", folder, "on", "--boot1", "0")
    assert done.code == 2
    assert "E-USAGE" in done.err
    assert "cycle --boot1 0" in done.err
    assert journal(folder)["boot1"] == 1
    assert n6("sim", "power", folder, "on", "--boot1", "1").code == 0  # as it is


def test_a_dry_run_leaves_the_power_alone(n6: Any, folder: Path) -> None:
    before = (folder / "board.json").read_bytes()
    assert n6("sim", "power", folder, "off", "-n").code == 0
    assert (folder / "board.json").read_bytes() == before


def test_inspect_tells_what_is_in_the_folder_and_changes_nothing(n6: Any, folder: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    done = n6("sim", "inspect", folder, "--json")
    assert done.code == 0
    told = done.end["sim"]
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert told["board"] == "nucleo-n657x0-q"
    assert (told["part"], told["nor_bytes"], told["rev"], told["boot1"]) == ("MX25UM51245G", 64 << 20, "B", 1)
    assert (told["powered"], told["pulled"], told["holder"]) == (True, False, None)
    assert (told["nor_mode"], told["nor_state"], told["core"]) == ("1S", "idle", "running")
    assert told["virtual_seconds"] == journal(folder)["time"] / PS_PER_SECOND
    text = n6("sim", "inspect", folder).out
    for line in ("power         on", "BOOT1         1 (development boot)", "in use by     nobody"):
        assert line in text


def test_inspect_tells_how_the_nor_was_left(n6: Any, tmp_path: Path) -> None:
    for fault, mode, state in (
        ("left-8d", "8D", "idle"),
        ("left-dpd", "1S", "deep power-down"),
        ("mid-erase", "1S", "busy: block"),
    ):
        with SimBoard(state=tmp_path / fault, faults=[fault]):
            pass
        told = n6("sim", "inspect", tmp_path / fault, "--json").end["sim"]
        assert (told["nor_mode"], told["nor_state"]) == (mode, state)
        assert (told["nor_busy_seconds"] > 0) == (fault == "mid-erase")


def test_inspect_names_the_holder_and_power_is_refused_to_others(n6: Any, folder: Path) -> None:
    with SimBoard(state=folder, reason="night run"):
        done = n6("sim", "inspect", folder, "--json")
        assert done.code == 0
        assert done.end["sim"]["holder"]["reason"] == "night run"
        refused = n6("sim", "power", folder, "off")
        assert refused.code == 4
        assert "night run" in refused.err
    assert n6("sim", "inspect", folder, "--json").end["sim"]["holder"] is None


def test_a_board_whose_process_was_killed_is_told_as_such(n6: Any, folder: Path) -> None:
    left = journal(folder)
    kept = {key: left[key] for key in ("board", "part", "rev", "boot1", "time", "version")}
    (folder / "board.json").write_text(json.dumps({**kept, "in_use": True}))
    done = n6("sim", "inspect", folder)
    assert "cut when its last process died" in done.out
    assert "nucleo-n657x0-q" in done.out
    assert n6("sim", "power", folder, "on").code == 0
    assert journal(folder)["powered"] is True


def test_the_board_of_a_folder_is_known_by_its_part(n6: Any, tmp_path: Path) -> None:
    with SimBoard("stm32n6570-dk", state=tmp_path / "dk"):
        pass
    (tmp_path / "dk" / "board.json").write_text("{ not json")
    assert n6("sim", "power", tmp_path / "dk", "off").code == 0
    assert journal(tmp_path / "dk")["board"] == "stm32n6570-dk"


def test_a_board_can_be_named_as_a_probe_is(n6: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert n6("sim", "inspect", f"sim:nucleo-n657x0-q,state={folder}").code == 0
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    done = n6("sim", "inspect", "sim")
    assert done.code == 2
    assert str(folder / "n6prog" / "sim" / "nucleo-n657x0-q") in done.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("powr", "x"), "Did you mean power?"),
        (("power", "x"), "wants a state folder and on, off or cycle"),
        (("power", "x", "up"), "wants a state folder and on, off or cycle"),
        (("power", "x", "on", "--boot1", "2"), "--boot1: '2' is not known"),
        (("inspect",), "wants one state folder"),
        (("inspect", "x", "y"), "wants one state folder"),
        (("inspect", "sim:nucleo-n657x0-q,state=none"), "ends with its process"),
        (("inspect", "sim:nucleo-n657x0-q,colour=red"), "no key 'colour'"),
        (("inspect", "x"), "no simulated board lives there"),
        (("power", "x", "on"), "no simulated board lives there"),
    ],
)
def test_what_is_typed_wrongly_is_a_usage_error(
    n6: Any, words: tuple[str, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = n6("sim", *words)
    assert done.code == 2
    assert says in done.err
    assert {path.name for path in tmp_path.iterdir()} == {"app.elf", "weights.raw"}  # what the fixture put there


def test_inspect_says_what_is_wrong_with_a_journal_and_the_next_use_starts_anew(n6: Any, folder: Path) -> None:
    left = journal(folder)
    (folder / "board.json").write_text(json.dumps({**left, "version": 99}))
    done = n6("sim", "inspect", folder)
    assert done.code == 0
    assert "journal       of version 99, this program knows" in done.out
    assert "comes on anew at the next use, as after a power cut" in done.out
    (folder / "board.json").write_text(json.dumps({**left, "nor": 5}))
    done = n6("sim", "inspect", folder, "--json")
    assert done.code == 0
    assert done.end["sim"]["journal_problem"] == "damaged or edited: its digest does not fit"
    assert n6("sim", "power", folder, "on").code == 0
    assert n6("sim", "inspect", folder, "--json").end["sim"]["journal_problem"] is None


@pytest.mark.parametrize("word", ["nucleo-n657x0-q,state=none", "sim:stm32n6570-dk,state=none", "sim", "SIM:"])
def test_serve_takes_the_board_as_a_word(n6: Any, word: str) -> None:
    done = n6("sim", "serve", word, "-n")
    assert (done.code, "dry run" in done.out) == (0, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nucleo",), "no simulated board"),
        (("sim", "sim"), "one word too many"),
        (("sim", "--probe", "sim"), "one word too many"),
        (
            ("--stlink-port", "off", "--cmsis-dap-port", "off", "--uart-port", "off", "--n6prog-port", "off"),
            "without doors",
        ),
    ],
)
def test_serve_refuses_what_names_no_board_and_a_board_without_doors(
    n6: Any, words: tuple[str, ...], says: str
) -> None:
    done = n6("sim", "serve", *words, "-n")
    assert done.code == 2
    assert says in done.err
