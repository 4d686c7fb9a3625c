"""Faults of the board and of its NOR: power, rails, how the NOR was left, identities."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("unicorn")

from n6prog.sim import SimAccess, SimBoard, SimFault
from n6prog.sim.clock import PS_PER_SECOND, PS_PER_US
from n6prog.sim.fault_terms import Fault
from n6prog.sim.nor.wire import framing

RAM = 0x3407_0000
MS = PS_PER_SECOND // 1000
CLOCK = 20_000


def send(board: SimBoard, now: int, opcode: int, address: bytes = b"", data: bytes = b"") -> None:
    frame = framing("1S", len(address), bool(data))
    board.nor.transaction(now, CLOCK, frame, bytes((opcode,)) + address, data)


def erase_block(board: SimBoard, offset: int) -> int:
    """Start a 64 KiB erase now; when it will be over."""
    send(board, board.host.now, 0x06)
    send(board, board.host.now + PS_PER_US, 0xDC, offset.to_bytes(4, "big"))
    return board.nor.busy_until


def after(board: SimBoard, duration: int) -> SimBoard:
    board.host.advance(duration)
    board.catch_up()
    return board


# ---- power ---------------------------------------------------------------------------------------------------------


def test_power_goes_at_its_time_and_stays_away_until_switched_on() -> None:
    with SimBoard(faults=["power-cut@5ms"]) as board:
        opened = board.host.now
        board.write(RAM, b"here")
        after(board, 5 * MS - 1)
        assert board.powered
        after(board, 1)
        assert not board.powered
        assert board.voltage == 0.0
        with pytest.raises(SimAccess, match="no power"):
            board.read(RAM, 4)
        after(board, 3 * MS)
        assert not board.powered
        board.power_on()
        assert board.read(RAM, 4) != b"here"
        after(board, 50 * MS)
        assert board.powered  # it is cut once
        assert board.host.now > opened + 50 * MS


@pytest.mark.parametrize("beyond", [0, 1, 7 * MS, 900 * MS])
def test_an_erase_is_cut_at_the_moment_of_the_cut_whenever_somebody_looks(beyond: int) -> None:
    with SimBoard(faults=["power-cut@20ms"], seed=3) as board:
        board.nor.content[0:0x2_0000] = bytes(0x2_0000)
        over = erase_block(board, 0x1_0000)
        assert over > board.host.now + 20 * MS
        after(board, 20 * MS + beyond)
        assert not board.powered
        spoilt = bytes(board.nor.content[0x1_0000:0x2_0000])
        assert spoilt not in (bytes(0x1_0000), b"\xff" * 0x1_0000)  # an undefined region
        assert bytes(board.nor.content[0:0x1_0000]) == bytes(0x1_0000)
    with SimBoard(faults=["power-cut@20ms"], seed=3) as board:
        board.nor.content[0:0x2_0000] = bytes(0x2_0000)
        erase_block(board, 0x1_0000)
        after(board, 20 * MS)
        assert bytes(board.nor.content[0x1_0000:0x2_0000]) == spoilt


@pytest.mark.parametrize("late", [-1, 0, 1])
def test_what_the_nor_finished_before_the_cut_is_finished(late: int) -> None:
    with SimBoard() as board:
        over = erase_block(board, 0) - board.host.now
    fault = Fault("power-cut", after=over - late)
    with SimBoard(faults=[fault]) as board:
        board.nor.content[0:0x1_0000] = bytes(0x1_0000)
        erase_block(board, 0)
        after(board, over + MS)
        content = bytes(board.nor.content[0:0x1_0000])
        assert (content == b"\xff" * 0x1_0000) == (late <= 0)


def test_a_core_that_ran_ahead_does_nothing_to_the_nor_after_the_cut() -> None:
    """The core waits for the NOR and so jumps past the cut; its next commands are not heard."""
    with SimBoard(faults=["power-cut@20ms"]) as board:
        board.nor.content[0:0x10] = bytes(16)
        cut = board.host.now + 20 * MS
        erase_block(board, 0x1_0000)
        ahead = board.nor.busy_until
        board.nor.settle(ahead)  # as a status read at that time would
        send(board, ahead, 0x06)
        send(board, ahead + PS_PER_US, 0x21, bytes(4))  # sector erase at 0
        assert not board.nor.powered
        after(board, 900 * MS)
        assert bytes(board.nor.content[0:16]) == bytes(16)
        assert cut < board.host.now


def test_a_command_that_the_cut_broke_off_never_began() -> None:
    with SimBoard(faults=["power-cut@1ms"]) as board:
        cut = board.host.now + MS
        send(board, cut - 10 * PS_PER_US, 0x06)
        send(board, cut - PS_PER_US // 2, 0x12, (0x5000).to_bytes(4, "big"), bytes(256))  # 42 us on one line
        after(board, 5 * MS)
        assert bytes(board.nor.content[0x5000:0x5100]) == b"\xff" * 256


def test_power_goes_in_the_middle_of_running_code() -> None:
    with SimBoard(faults=["power-cut@5ms"]) as board:
        opened = board.host.now
        board.write(RAM, bytes.fromhex("00bf fde7"))  # nop; b .-2
        with pytest.raises(SimFault, match="the power was cut"):
            board.call(RAM | 1, sp=0x3407_8000, sanitise=True)
        assert not board.powered
        assert board.host.now == opened + 5 * MS


def test_power_goes_at_a_transfer() -> None:
    with SimBoard(faults=["power-cut@#6"]) as board:
        board.dp.write_dp(4, 0x5000_0000, 0)
        ack, where = board.dp.write_block(1, RAM, bytes(40), 4)
        assert (ack.name, where) == ("NONE", RAM + 16)
        assert not board.powered


def test_a_board_without_power_is_found_without_power(tmp_path: Path) -> None:
    with SimBoard(state=tmp_path, faults=["power-cut@1ms"]) as board:
        after(board, 2 * MS)
    with SimBoard(state=tmp_path) as board:
        assert not board.powered
        board.power_on()
        assert board.ap1_open()


# ---- the NOR from outside ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("term", "mode"), [("left-8d", "8D"), ("left-8s", "8S")])
def test_the_nor_was_left_in_an_octal_mode(term: str, mode: str, tmp_path: Path) -> None:
    with SimBoard(state=tmp_path, faults=[term]) as board:
        assert board.nor.mode == mode
    with SimBoard(state=tmp_path, faults=["left-8s"]) as board:
        assert board.nor.mode == "8S"  # also where it was found in another one
    with SimBoard(state=tmp_path, boot1=None) as board:
        board.power_cycle()
        assert board.nor.mode == "1S"


def test_the_nor_was_left_in_deep_power_down() -> None:
    with SimBoard(faults=["left-dpd"]) as board:
        assert board.nor.power_down


@pytest.mark.parametrize(("term", "place"), [("mid-erase", 0x3FF_0000), ("mid-erase:0x12345", 0x1_0000)])
def test_the_nor_was_left_in_the_middle_of_an_erase(term: str, place: int) -> None:
    with SimBoard(faults=[term]) as board:
        board.nor.content[place : place + 0x1_0000] = bytes(0x1_0000)
        assert board.nor.status & 1  # WIP
        board.nor.settle(board.nor.busy_until)
        assert bytes(board.nor.content[place : place + 0x1_0000]) == b"\xff" * 0x1_0000


def test_the_nor_was_left_suspended() -> None:
    with SimBoard(faults=["left-suspended:0x20000"]) as board:
        board.nor.settle(board.host.now + 10 * MS)
        assert board.nor.suspended is not None
        assert not board.nor.status & 1


def test_a_nor_with_another_identity() -> None:
    with SimBoard(faults=["wrong-id"]) as board:
        assert board.nor.jedec_id == bytes.fromhex("c28039")
    with SimBoard(faults=["wrong-id:20bb1a"]) as board:
        assert board.nor.jedec_id == bytes.fromhex("20bb1a")
        assert len(board.nor.content) == 64 << 20


@pytest.mark.parametrize(("term", "name"), [("no-wel", "no_wel"), ("stuck-wip", "stuck_wip"), ("mute", "mute")])
def test_a_fault_of_the_nor_begins_at_its_time_or_transfer(term: str, name: str) -> None:
    with SimBoard(faults=[f"{term}@3ms"]) as board:
        after(board, 3 * MS - 1)
        assert not getattr(board.nor.faults, name)
        after(board, 1)
        assert getattr(board.nor.faults, name)
    with SimBoard(faults=[f"{term}@#2"]) as board:
        board.dp.read_dp(0, 0)
        assert not getattr(board.nor.faults, name)
        board.dp.read_dp(0, 0)
        assert getattr(board.nor.faults, name)


def test_sectors_that_fail_are_named_by_any_offset_in_them() -> None:
    with SimBoard(faults=["fail-erase:0x12345", "fail-program:0", "fail-erase:0x3000"]) as board:
        assert board.nor.faults.fail_erase == {0x1_2000, 0x3000}
        assert board.nor.faults.fail_program == {0}


def test_without_vddio3_the_nor_is_not_reached() -> None:
    with SimBoard(faults=["no-vddio3"]) as board:
        board.soc.pwr.words[0x3C] = 1 << 9  # SVMCR3.VDDIO3SV: the program says it is there
        assert not board.soc.route(2).sends
    with SimBoard(faults=["no-vddio3@1ms"]) as board:
        assert "vddio3" not in board.soc.pwr.rail_missing
        after(board, MS)
        assert "vddio3" in board.soc.pwr.rail_missing


# ---- always the same -----------------------------------------------------------------------------------------------


def content_after(seed: int, state: Any = None) -> bytes:
    random.seed(state)
    with SimBoard(faults=["power-cut@20ms", "flip:0.05"], seed=seed) as board:
        board.nor.content[0:0x1_0000] = bytes(0x1_0000)
        erase_block(board, 0)
        board.dp.write_dp(4, 0x5000_0000, 0)
        board.dp.write_block(1, RAM, bytes(400), 4)
        read = board.dp.read_dp(4, 0)[1].to_bytes(4, "little")
        after(board, 30 * MS)
        return bytes(board.nor.content[0:0x1_0000]) + read


def test_the_same_seed_goes_wrong_in_the_same_way() -> None:
    assert content_after(1, 1) == content_after(1, 2)
    assert content_after(1) != content_after(2)


# ---- one opening after the other ------------------------------------------------------------------------------------


def test_a_closed_ap1_is_closed_for_one_opening_only(tmp_path: Path) -> None:
    def closed() -> None:
        with SimBoard(state=tmp_path, faults=["ap1-closed"]) as board:
            assert not board.ap1_open()
            assert not board.soc.dbgmcu.ap1_enabled
            with pytest.raises(SimAccess, match="AP1 is closed"):
                board.read(RAM, 4)

    closed()
    with SimBoard(state=tmp_path) as board:
        assert board.soc.dbgmcu.ap1_enabled
        assert board.soc.bsec.opened_by_rom
        board.write(RAM, b"kept")
    closed()  # though the ROM opened it long ago
    with SimBoard(state=tmp_path) as board:
        assert board.read(RAM, 4) == b"kept"  # the power never went


def test_a_port_that_boot1_keeps_closed_stays_closed_when_the_fault_is_gone(tmp_path: Path) -> None:
    with SimBoard(state=tmp_path, boot1=0, faults=["ap1-closed"]):
        pass
    with SimBoard(state=tmp_path, boot1=None) as board:
        assert not board.ap1_open()


def test_page_faults_add_up() -> None:
    terms = "drop-page:1+drop-page:2+flip-page:4+flip-page:5"
    with SimBoard(faults=[terms]) as board:
        for page in range(5):
            send(board, board.host.now, 0x06)
            send(board, board.host.now + PS_PER_US, 0x12, (page * 256).to_bytes(4, "big"), b"\x5a")
            board.host.advance(10 * MS)
            board.nor.settle(board.host.now)
        assert [board.nor.content[page * 256] for page in range(5)] == [0xFF, 0xFF, 0x5A, 0x5B, 0x5B]
