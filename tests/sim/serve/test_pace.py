"""Board time against wall time."""

from __future__ import annotations

from n6prog.sim.clock import PS_PER_SECOND, Timeline
from n6prog.sim.serve.pace import Pace

MILLISECOND = PS_PER_SECOND // 1000


class Wall:
    """A clock that stands until it is moved; `cost` is what one look at the board takes."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Board:
    def __init__(self, wall: Wall, cost: float = 0.0) -> None:
        self.host = Timeline(5 * PS_PER_SECOND)
        self._wall = wall
        self._cost = cost

    def catch_up(self) -> None:
        self._wall.now += self._cost


def test_the_board_is_never_behind_the_wall_clock() -> None:
    wall = Wall()
    board = Board(wall)
    pace = Pace(board, 1.0, wall)
    wall.now += 0.03125
    pace.keep_up()
    assert board.host.now == 5 * PS_PER_SECOND + 31_250_000_000


def test_a_board_ahead_of_the_wall_clock_waits_for_nobody() -> None:
    wall = Wall()
    board = Board(wall)
    pace = Pace(board, 1.0, wall)
    board.host.advance(PS_PER_SECOND)
    wall.now += 0.5
    pace.keep_up()
    assert board.host.now == 6 * PS_PER_SECOND


def test_scale_makes_time_run_faster_and_zero_leaves_it_alone() -> None:
    for scale, expected in ((4.0, 40), (0.0, 0)):
        wall = Wall()
        board = Board(wall)
        pace = Pace(board, scale, wall)
        wall.now += 0.0078125
        pace.keep_up()
        assert board.host.now - 5 * PS_PER_SECOND == int(0.0078125 * scale * PS_PER_SECOND) <= expected * MILLISECOND


def test_a_busy_core_leaves_time_for_the_clients() -> None:
    wall = Wall()
    board = Board(wall, cost=0.004)  # a millisecond of board time takes four of wall time
    pace = Pace(board, 1.0, wall)
    wall.now += 1.0
    pace.keep_up()
    ran = board.host.now
    assert wall.now - 101.0 < 0.02
    pace.keep_up()
    assert board.host.now == ran  # a rest first
    wall.now += 0.02
    pace.keep_up()
    assert board.host.now > ran


def test_what_passes_while_another_clock_counts_is_not_made_up() -> None:
    wall = Wall()
    board = Board(wall)
    pace = Pace(board, 1.0, wall)
    wall.now += 0.0625
    board.host.advance(3 * MILLISECOND)
    pace.rest()
    pace.keep_up()
    assert board.host.now == 5 * PS_PER_SECOND + 3 * MILLISECOND
    wall.now += 0.03125
    pace.keep_up()
    assert board.host.now == 5 * PS_PER_SECOND + 3 * MILLISECOND + 31_250_000_000
