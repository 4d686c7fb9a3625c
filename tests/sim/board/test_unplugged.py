"""A cable that comes off and a probe that hangs, as a pyOCD session meets them; the board does not notice."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("unicorn")

from pyocd.core import exceptions
from pyocd.core.session import Session

from n6prog.sim import SimBoard

RAM = 0x3407_0000


def open_session(board: SimBoard, folder: Path) -> Session:
    options = {"target_override": "cortex_m", "no_config": True, "project_dir": str(folder), "frequency": 8_000_000}
    return Session(board.probe(), options=options)


@pytest.mark.parametrize("fault", ["unplug", "hang"])
def test_the_board_lives_on_and_a_probe_plugged_in_anew_finds_it(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # undoes pyOCD's own change of directory
    with SimBoard(faults=[f"{fault}@2s"]) as board:
        session = open_session(board, tmp_path)
        session.open()
        assert session.target is not None
        session.target.write32(RAM, 0xC0FFEE)
        board.host.advance(3 * 10**12)
        with pytest.raises((exceptions.Error, OSError), match=r"(?i)usb|disconnected|timeout"):
            session.target.read32(RAM)
        session.close()  # pyOCD's own: it logs what it cannot do any more, and lets go
        assert board.powered
        assert board.read(RAM, 4) == bytes.fromhex("eeffc000")
        with open_session(board, tmp_path) as again:
            assert again.target is not None
            assert again.target.read32(RAM) == 0xC0FFEE
