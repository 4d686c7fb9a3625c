"""A frame still open when the board goes: the tripwire hears of it, the NOR keeps what it has."""

from __future__ import annotations

import pytest

pytest.importorskip("unicorn")

from n6prog.sim import SimBoard, SimTripwire

XSPI2 = 0x5802_A000
WINDOW = 0x7000_0000
UP = [
    (0x5602_8A78, 1),
    (0x5602_8A5C, 0x2000),
    (0x5602_8A60, 0x3000),
    (0x5602_8A20, 0x0002_3020),
    (0x5602_9220, 0x0002_3020),
    (0x5602_483C, 0x200),
    (0x5602_3420, 0x0999_9999),
    (0x5602_3424, 0x9999),
    (0x5602_3408, 0x00FF_3FFF),
    (0x5602_340C, 4),
    (0x5602_3400, 0xFFAA_EAAA),
    (0x5802_B400, 0),
    (XSPI2 + 0x08, 0x0119_0100),
    (XSPI2 + 0x0C, 0),
    (XSPI2 + 0x220, 1),
    (XSPI2 + 0x108, 0),
    (XSPI2, 0x301),
]  # fmt: skip  (hw-soc 4.2 recipe A, 7.5)


def held(board: SimBoard, opcode: int, ccr: int, offset: int, data: bytes) -> None:
    """WREN, then a store through the window whose frame stays open."""
    for address, value in [*UP, (XSPI2 + 0x100, 1), (XSPI2 + 0x110, 6)]:
        board.write(address, value.to_bytes(4, "little"))
    board.host.advance(1_000_000_000)
    board.catch_up()
    assert board.nor.wel
    for at, value in ((0x100, 0x0100_3101), (0x110, 0x13), (0x180, ccr), (0x190, opcode), (0, 0x3000_0301)):
        board.write(XSPI2 + at, value.to_bytes(4, "little"))
    board.write(WINDOW + offset, data)
    board.host.advance(1_000_000_000)
    assert board.nor.operation is None
    assert board.tripwire.violations == []


def test_a_store_of_top_bottom_held_at_the_end_fails_the_run() -> None:
    with pytest.raises(SimTripwire, match=r"CR\.TB"), SimBoard() as board:
        held(board, 0x01, 0x0100_0001, 0, b"\x00\x0f")


def test_power_off_tells_of_it_too() -> None:
    with SimBoard() as board:
        held(board, 0x01, 0x0100_0001, 0, b"\x00\x0f")
        board.power_off()
        assert board.tripwire.violations == ["NOR command 01h (WRSR) with CR.TB: cannot be undone on a real part"]
        board.tripwire.violations.clear()


def test_a_program_held_when_power_goes_has_not_begun() -> None:
    with SimBoard() as board:
        held(board, 0x12, 0x0100_3101, 0x1000, bytes(4))
        board.power_off()
        assert bytes(board.nor.content[0x1000:0x1100]) == b"\xff" * 0x100


def test_a_program_held_at_the_end_goes_on_in_the_next_run(tmp_path) -> None:
    with SimBoard(state=tmp_path) as board:
        held(board, 0x12, 0x0100_3101, 0x1000, bytes(4))
    with SimBoard(state=tmp_path) as board:
        assert bytes(board.nor.content[0x1000:0x1004]) == b"\xff" * 4
        board.write(XSPI2, (0x3000_0303).to_bytes(4, "little"))
        board.host.advance(1_000_000_000)
        board.catch_up()
        board.nor.settle(board.host.now)
        assert bytes(board.nor.content[0x1000:0x1005]) == b"\0\0\0\0\xff"
