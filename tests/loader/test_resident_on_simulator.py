"""The resident loader on the simulated board: a host that is gone in the middle, and links that go wrong."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

pytest.importorskip("unicorn")

import n6prog
from n6prog.errors import TargetUnreachable
from n6prog.events import Event
from n6prog.flash_algos.mailbox import PHASE_STOPPED, SERVICE_STATE, State
from n6prog.link import Link, open_link
from n6prog.loader import ResidentLoader
from n6prog.loader.ring import write_order
from n6prog.targets.schema import load_board

BOARD = "nucleo-n657x0-q"
AT, BLOCK = 0x1000000, 0x10000


def old_and_new() -> tuple[bytes, bytes]:
    rng = random.Random(1)
    return rng.randbytes(BLOCK), rng.randbytes(BLOCK)


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """The folder of a board whose block at 0x71000000 is full."""
    folder = tmp_path / "board"
    with n6prog.connect(f"sim:{BOARD},state={folder}", swd_clock="24M"):
        pass
    with (folder / "nor.bin").open("r+b") as nor:
        nor.seek(AT)
        nor.write(old_and_new()[0])
    return folder


def connect(folder: Path) -> Link:
    return open_link(f"sim:{BOARD},state={folder}", board=load_board(BOARD), swd_clock=24_000_000)


def nor(folder: Path) -> bytes:
    content = (folder / "nor.bin").read_bytes()
    return content[AT : AT + BLOCK]


def test_a_service_whose_host_is_gone_ends_its_block_before_the_next_host_halts_the_core(board: Path) -> None:
    old, new = old_and_new()
    link = connect(board)
    loader = ResidentLoader(link, load_board(BOARD))
    loader.open()
    loader.survey([AT])
    service = loader._service
    assert service is not None
    for _ in range(3):  # the second and third are never begun
        service.post(write_order(AT, 0b1111_0000_0000_0000, new[:0x4000]))
    link.sleep(0.02)
    link.drop()  # in the middle of the first erase
    with connect(board) as link:
        assert State.unpack(link.read(SERVICE_STATE, State.SIZE)).phase == PHASE_STOPPED
        assert [found.code for found in link.findings] == ["W-LEFTOVER"]
        assert link.read32(0xE000EDF0) >> 17 & 1  # DHCSR.S_HALT
    assert nor(board) == old[:0xC000] + new[:0x4000]


@pytest.mark.parametrize(
    "options",
    [
        "link=cmsis-dap,fault=flip:1e-4",
        "fault=lost:1e-4",
        "fault=unplug@300ms",
        "fault=hang@300ms",
        "fault=repeat@#12000",
        "fault=wait@#12000:40",
    ],
)
def test_a_link_that_goes_wrong_in_the_middle_is_mended(board: Path, tmp_path: Path, options: str) -> None:
    _, new = old_and_new()
    file = tmp_path / "new.bin"
    file.write_bytes(new)
    events: list[Event] = []
    probe = f"sim:{BOARD},state={board},{options}"
    with n6prog.connect(probe, swd_clock="24M", on_event=events.append, lazy=True) as connected:
        report = connected.flash(f"{file}@{0x70000000 + AT:#x}")
    assert report.ok
    assert nor(board) == new
    slower = [event for event in events if event.type == "warning" and event.data["code"] == "W-SWD-CLOCK"]
    assert len(slower) <= 1
    if "unplug" in options or "hang" in options:
        assert len(slower) == 1
        assert report.swd_clock_hz == 8_000_000


def test_a_probe_that_is_gone_for_good_is_let_go(board: Path, tmp_path: Path) -> None:
    """Before the loader runs nothing is mended; the next connection in the same process must find the board free."""
    file = tmp_path / "new.bin"
    file.write_bytes(old_and_new()[1])
    probe = f"sim:{BOARD},state={board},link=cmsis-dap,fault=unplug@#3000"
    with pytest.raises(TargetUnreachable), n6prog.connect(probe, swd_clock="24M", lazy=True) as connected:
        connected.flash(f"{file}@{0x70000000 + AT:#x}")
    connect(board).close()
