"""The journal of a state folder: what is believed of one that was edited, cut short or written by somebody else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("unicorn")

from n6prog.sim import SimBoard
from n6prog.sim.inspection import inspect
from n6prog.sim.journal import VERSION, encode, load

RAM = 0x3407_0000
NONSENSE = (None, 5, -5, 9, "a", "zz", "4S", "no", 1.5, [], {}, True, 1 << 70)


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a board that was left powered."""
    folder = tmp_path_factory.mktemp("journal") / "board"
    with SimBoard(state=folder) as board:
        board.write(RAM, b"kept")
        board.nor.content[3] = 1
    return folder


@pytest.fixture
def folder(left: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(left, tmp_path / "board"))


def contents(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "board.json").read_text())
    return found


def started_anew(folder: Path) -> None:
    """Opening the board is a power-on with the flash as it was."""
    with SimBoard(state=folder) as board:
        assert board.ap1_open()
        assert board.nor.content[3] == 1
        assert board.nor.mode == "1S"
        assert board.read(RAM, 4) != b"kept"


def test_a_journal_as_it_was_written_is_taken_back(folder: Path) -> None:
    assert inspect(folder).journal_problem is None
    with SimBoard(state=folder) as board:
        assert board.read(RAM, 4) == b"kept"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("nor",), 5),
        (("core",), []),
        (("core", "flags"), 5),
        (("time",), "x"),
        (("time",), -5),
        (("rev",), "X"),
        (("boot1",), 9),
        (("boot1",), "a"),
        (("powered",), "no"),
        (("opens_at",), "x"),
        (("nor", "mode"), "4S"),
        (("nor", "password"), "zz"),
        (("nor", "otp_area"), "00"),
        (("part",), None),
        (("board",), 7),
    ],
)
def test_an_edited_journal_is_a_power_cut_and_inspect_says_why(
    folder: Path, path: tuple[str, ...], value: object
) -> None:
    journal = contents(folder)
    where = journal
    for key in path[:-1]:
        where = where[key]
    where[path[-1]] = value
    (folder / "board.json").write_text(json.dumps(journal))
    found = inspect(folder)
    assert found.pulled
    assert found.journal_problem == "damaged or edited: its digest does not fit"
    started_anew(folder)
    assert inspect(folder).journal_problem is None


@pytest.mark.parametrize("text", [b"[1]", b'{"ver', b"\0", b"\xff\xfe\0", b"", b"[" * 100_000, b"1" * 5000, b"null"])
def test_what_is_no_journal_is_a_power_cut(folder: Path, text: bytes) -> None:
    (folder / "board.json").write_bytes(text)
    found = inspect(folder)
    assert found.pulled
    assert "damaged" in (found.journal_problem or "")
    started_anew(folder)


@pytest.mark.parametrize("key", ["powered", "opens_at", "core", "dap", "soc", "nor"])
@pytest.mark.parametrize("value", [None, 5, "absent"])
def test_a_state_that_another_program_saved_is_a_power_cut_though_its_digest_fits(
    folder: Path, key: str, value: object
) -> None:
    journal = contents(folder)
    del journal["sha256"]
    journal[key] = value
    if value == "absent" or key in ("powered", "opens_at"):
        del journal[key]
    (folder / "board.json").write_text(encode(journal))
    if key in ("core", "nor", "powered"):
        assert inspect(folder).journal_problem == "not as this program writes it"
    started_anew(folder)


def test_a_journal_of_another_version_is_kept_beside(folder: Path) -> None:
    journal = contents(folder)
    text = json.dumps({**journal, "version": VERSION + 1})
    (folder / "board.json").write_text(text)
    found = inspect(folder)
    assert found.pulled
    assert found.journal_problem == f"of version {VERSION + 1}, this program knows {VERSION}"
    assert (found.board, found.boot1) == ("nucleo-n657x0-q", 1)
    started_anew(folder)
    assert (folder / "board.json.old").read_text() == text
    with SimBoard(state=folder):
        pass
    assert (folder / "board.json.old").read_text() == text


def paths(tree: object, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield (*above, key)
            yield from paths(value, (*above, key))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_changed_in_a_journal_no_state_is_taken_from_it(left: Path, tmp_path: Path, data: Any) -> None:
    before = contents(left)
    journal = contents(left)
    *outer, last = data.draw(st.sampled_from(sorted(paths(before))))
    where = journal
    for key in outer:
        where = where[key]
    if data.draw(st.booleans()):
        del where[last]
    else:
        where[last] = data.draw(st.sampled_from(NONSENSE) | st.integers() | st.text())
    path = tmp_path / "board.json"
    path.write_text(json.dumps(journal))
    found = load(path)
    assert (found.state is None) == (json.dumps(journal, sort_keys=True) != json.dumps(before, sort_keys=True))
    assert found.board in (None, "nucleo-n657x0-q")
    assert found.part in (None, "MX25UM51245G", "MX66UW1G45G")
    assert found.rev in (None, "B", "Z")
    assert found.boot1 in (None, 0, 1)
    assert 0 <= found.time < 1 << 62


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_board_opens_whatever_is_changed_in_its_journal(left: Path, folder: Path, data: Any) -> None:
    journal = contents(left)
    key = data.draw(st.sampled_from(sorted(journal)))
    if data.draw(st.booleans()):
        del journal[key]
    else:
        journal[key] = data.draw(st.sampled_from(NONSENSE))
    (folder / "board.json").write_text(json.dumps(journal))
    inspect(folder)
    with SimBoard(state=folder, boot1=None) as board:
        assert board.powered
