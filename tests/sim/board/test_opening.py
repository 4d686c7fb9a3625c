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
