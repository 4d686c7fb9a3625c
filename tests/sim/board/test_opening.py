"""What a board takes, and when it refuses."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("unicorn")

from n6prog.sim import SimBoard, SimError
from n6prog.sim.fault_terms import Fault

RAM = 0x3407_0000


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"rev": "C"}, "rev='C': B or Z"),
        ({"boot1": 2}, "boot1=2: 0 or 1"),
        ({"boot1": True}, "boot1=True: 0 or 1"),
        ({"seed": "7"}, "seed='7': a whole number"),
        ({"seed": 1.5}, "seed=1.5: a whole number"),
        ({"undriven": "low"}, "undriven='low': last, ff, 00"),
        ({"schedule": "soon"}, "schedule='soon': lazy, eager"),
        ({"faults": ["gremlins"]}, "no fault 'gremlins'"),
        ({"faults": [Fault("mut")]}, "did you mean mute"),
        ({"faults": ["fail-erase:0x4000000"]}, r"fail-erase:0x4000000 lies beyond MX25UM51245G \(0x4000000\)"),
        ({"faults": ["mid-erase:0x8000000"]}, "mid-erase:0x8000000 lies beyond"),
    ],
)
def test_a_bad_argument_is_refused_at_once(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        SimBoard(**arguments)


@pytest.mark.parametrize("level", [7, -1, True, "1"])
def test_a_pin_has_two_levels_also_between_off_and_on(level: Any) -> None:
    with SimBoard() as board:
        board.write(RAM, b"kept")
        with pytest.raises(ValueError, match="0 or 1"):
            board.power_cycle(boot1=level)
        assert board.read(RAM, 4) == b"kept"  # the power never went


@pytest.mark.parametrize("use", ["read", "write", "call", "power_on", "power_off", "power_cycle", "registers"])
@pytest.mark.parametrize("over", [False, True])
def test_a_board_is_used_only_while_it_is_open(use: str, over: bool) -> None:
    board = SimBoard()
    if over:
        with board:
            pass
    actions: dict[str, Any] = {
        "read": lambda: board.read(RAM, 4),
        "write": lambda: board.write(RAM, b"abcd"),
        "call": lambda: board.call(RAM | 1),
        "power_on": board.power_on,
        "power_off": board.power_off,
        "power_cycle": board.power_cycle,
        "registers": lambda: board.registers,
    }
    with pytest.raises(SimError, match="the board is over" if over else "the board is not entered"):
        actions[use]()


def test_a_board_is_entered_once() -> None:
    board = SimBoard()
    with board:
        with pytest.raises(SimError, match="entered once"):
            board.__enter__()
        board.write(RAM, b"live")
        assert board.read(RAM, 4) == b"live"
    with pytest.raises(SimError, match="entered once"):
        board.__enter__()


def test_a_board_that_could_not_be_entered_can_be_tried_again(tmp_path: Any) -> None:
    board = SimBoard(state=tmp_path)
    with SimBoard(state=tmp_path), pytest.raises(SimError, match="in use"):
        board.__enter__()
    with board:
        assert board.powered


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"board": 5}, "board=5: a name"),
        ({"board": None}, "board=None: a name"),
        ({"part": 5}, "part=5: a name"),
        ({"faults": [5]}, "fault 5: a term"),
        ({"faults": 5}, "faults=5: a list"),
        ({"faults": None}, "faults=None: a list"),
        ({"state": ""}, "state='': a path, or None"),
        ({"state": 5}, "state=5: a path, or None"),
        ({"uart_file": ""}, "uart_file='': a path, or None"),
        ({"boot1": 1.0}, "boot1=1.0: 0 or 1"),
    ],
)
def test_an_argument_of_another_kind_is_refused_at_once(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        SimBoard(**arguments)


_USES: dict[str, Any] = {
    "system_reset": lambda board: board.system_reset(),
    "drive_reset": lambda board: board.drive_reset(True),
    "catch_up": lambda board: board.catch_up(),
    "ap1_open": lambda board: board.ap1_open(),
    "violations": lambda board: board.violations(),
    "probe": lambda board: board.probe(),
    "uart": lambda board: board.uart,
    "console": lambda board: board.console,
    "rom": lambda board: board.rom,
    "virtual_time": lambda board: board.virtual_time,
    "voltage": lambda board: board.voltage,
}


@pytest.mark.parametrize("use", _USES)
@pytest.mark.parametrize("over", [False, True])
def test_nothing_can_be_asked_of_a_board_that_is_not_open(use: str, over: bool) -> None:
    board = SimBoard()
    if over:
        with board:
            pass
    with pytest.raises(SimError, match="the board is over" if over else "the board is not entered"):
        _USES[use](board)


@pytest.mark.parametrize("part", ["nor", "core", "soc", "tripwire"])
def test_what_hangs_on_the_board_is_there_when_it_is_entered(part: str) -> None:
    board = SimBoard()
    with pytest.raises(SimError, match="not entered"):
        getattr(board, part)
    assert not hasattr(board, part)
    with board:
        assert hasattr(board, part)
        with pytest.raises(AttributeError, match="no attribute 'colour'"):
            getattr(board, "colour")  # noqa: B009


def test_a_system_reset_without_power_does_nothing() -> None:
    with SimBoard() as board:
        board.power_off()
        board.system_reset()
        board.host.advance(10**11)
        board.catch_up()
        assert board.core.held
        assert not board.ap1_open()


def test_power_that_comes_while_nrst_is_low_starts_nothing_until_it_is_let_go() -> None:
    with SimBoard() as board:
        board.power_off()
        board.drive_reset(True)
        board.power_on()
        board.host.advance(10**11)
        board.catch_up()
        assert board.core.held
        assert not board.ap1_open()
        board.drive_reset(False)
        board.host.advance(10**11)
        board.catch_up()
        assert not board.core.held
        assert board.ap1_open()
        board.write(RAM, b"live")
        assert board.read(RAM, 4) == b"live"
