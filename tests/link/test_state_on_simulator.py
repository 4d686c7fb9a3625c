"""Folders of simulated boards that cannot be used, or that hold a board nobody can talk to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("unicorn")

from n6prog.errors import ProbeBusy, TargetUnreachable, UsageError
from tests.helpers.sim_link import connect


def _is_file(folder: Path) -> None:
    folder.write_bytes(b"")


def _wrong_size(folder: Path) -> None:
    folder.mkdir()
    (folder / "nor.bin").write_bytes(b"1234")


def _nor_is_a_folder(folder: Path) -> None:
    (folder / "nor.bin").mkdir(parents=True)


@pytest.mark.parametrize(
    ("spoil", "reason"), [(_is_file, "not a folder"), (_wrong_size, "4 bytes"), (_nor_is_a_folder, "Is a directory")]
)
def test_a_state_folder_that_cannot_be_used_is_named(
    tmp_path: Path, spoil: Callable[[Path], None], reason: str
) -> None:
    spoil(tmp_path / "board")
    with pytest.raises(UsageError) as caught:
        connect(f"sim:nucleo-n657x0-q,state={tmp_path / 'board'}")
    (found,) = caught.value.findings
    assert (found.code, found.exit_code, found.subject) == ("E-SIM-STATE", 2, str(tmp_path / "board"))
    assert reason in found.text


def test_a_nor_image_that_may_not_be_written_is_no_missing_udev_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "board"
    connect(f"sim:nucleo-n657x0-q,state={folder}").close()
    real = Path.open

    def refuse(path: Path, mode: str = "r", *rest: Any, **options: Any) -> Any:
        if path.name == "nor.bin":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, mode, *rest, **options)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UsageError) as caught:
        connect(f"sim:nucleo-n657x0-q,state={folder}")
    assert caught.value.code == "E-SIM-STATE"
    assert "Permission denied" in caught.value.findings[0].text


def test_a_journal_that_cannot_be_kept_is_told_when_the_board_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "board"
    link = connect(f"sim:nucleo-n657x0-q,state={folder}")
    (folder / "board.new").mkdir()
    with pytest.raises(UsageError) as caught:
        link.close()
    assert caught.value.code == "E-SIM-STATE"


def test_a_second_user_of_a_state_folder_is_told_who_holds_it(tmp_path: Path) -> None:
    spec = f"sim:nucleo-n657x0-q,state={tmp_path / 'board'}"
    with connect(spec):
        with pytest.raises(ProbeBusy) as caught:
            connect(spec)
        assert "process " in caught.value.findings[0].text
    connect(spec).close()


def test_a_board_that_was_switched_off_has_no_power_and_no_jumper_to_blame(tmp_path: Path) -> None:
    from n6prog.sim import SimBoard

    with SimBoard(state=tmp_path) as board:
        board.power_off()
    with pytest.raises(TargetUnreachable) as caught:
        connect(f"sim:nucleo-n657x0-q,state={tmp_path}")
    assert caught.value.code == "E-NOANSWER"
    assert "0.00 V" in str(caught.value)
