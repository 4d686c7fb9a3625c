"""The client of a served board, against a server in another thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

pytest.importorskip("unicorn")

from n6prog.sim import SimBoard
from n6prog.sim.clock import PS_PER_SECOND, Timeline
from n6prog.sim.errors import NotServed, ServedBusy, SimTripwire
from n6prog.sim.faults import ProbeGone, ProbeHung
from n6prog.sim.serve.own_door import OwnDoor
from n6prog.sim.serve.pace import Pace
from n6prog.sim.serve.remote import Kind
from n6prog.sim.serve.server import Server
from n6prog.sim.served import ServedBoard, ServedCmsisDap, ServedStLink

BOARD = "nucleo-n657x0-q"
MODE = bytes((0xF5,))  # ST-Link: which mode it is in


@contextmanager
def serving(board: SimBoard) -> Iterator[tuple[str, Callable[[], None]]]:
    """A server of `board`: its address, and what ends it."""
    server = Server([(OwnDoor(board, "SERIAL", lambda _: None), 0)], Pace(board, 0), lambda _: None)
    thread = threading.Thread(target=server.run)
    thread.start()

    def stop() -> None:
        server.stop()
        thread.join(60)
        assert not thread.is_alive()
        server.close()

    try:
        yield f"127.0.0.1:{server.ports['n6prog']}", stop
    finally:
        if thread.is_alive():
            stop()


@pytest.fixture
def board() -> Iterator[SimBoard]:
    with SimBoard() as opened:
        yield opened


def test_time_comes_along_in_both_directions(board: SimBoard) -> None:
    start = board.host.now
    with serving(board) as (address, _):
        host = Timeline()
        served = ServedBoard(address, BOARD, "stlink", host)
        assert host.now == start
        probe = ServedStLink(served)
        probe.open()
        host.advance(PS_PER_SECOND)
        assert probe.transfer(MODE, readSize=2) == b"\x01\0"
        assert host.now == board.host.now > start + PS_PER_SECOND
        host.advance(PS_PER_SECOND)
        served.leave()
        assert board.host.now == host.now  # the board has lived until the client went


def test_what_the_tripwire_catches_is_raised_and_kept(board: SimBoard) -> None:
    with serving(board) as (address, _):
        served = ServedBoard(address, BOARD, "stlink", Timeline())
        board.tripwire.violation("an OTP fuse")
        with pytest.raises(SimTripwire, match="OTP fuse"):
            ServedStLink(served).transfer(MODE, readSize=2)
        assert served.tripwire.violations == ["an OTP fuse"]
        board.tripwire.violation("a lock bit")
        with pytest.raises(SimTripwire, match="lock bit"):
            served.leave()
    board.tripwire.violations.clear()


def test_a_cmsis_dap_probe_without_a_packet_under_way_has_no_answer(board: SimBoard) -> None:
    with serving(board) as (address, _):
        served = ServedBoard(address, BOARD, "cmsis-dap", Timeline())
        probe = ServedCmsisDap(served)
        probe.open()
        with pytest.raises(TimeoutError):
            probe.read()
        probe.write(bytes((0x00, 0xFF)))
        assert probe.read() == bytes((0x00, 2, 0x00, 0x02))  # DAP_Info, packet size: 512
        served.leave()


def test_a_probe_that_hangs_does_so_here() -> None:
    with SimBoard(faults=["hang@1us"]) as board, serving(board) as (address, _):
        host = Timeline()
        served = ServedBoard(address, BOARD, "stlink", host)
        probe = ServedStLink(served)
        probe.open()
        host.advance(2_000_000)
        with pytest.raises(ProbeHung):
            probe.transfer(MODE, readSize=2)
        served.leave()


def test_a_server_that_ends_is_a_probe_that_is_gone(board: SimBoard) -> None:
    with serving(board) as (address, stop):
        served = ServedBoard(address, BOARD, "stlink", Timeline())
        probe = ServedStLink(served)
        probe.open()
        stop()
        with pytest.raises(ProbeGone):
            probe.transfer(MODE, readSize=2)
        probe.close()
        served.leave()  # nothing is left to be told


def test_after_an_interrupted_answer_nothing_is_taken_for_the_next_one(
    board: SimBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: ServedBoard) -> bytes:
        raise KeyboardInterrupt

    with serving(board) as (address, _):
        served = ServedBoard(address, BOARD, "stlink", Timeline())
        with monkeypatch.context() as patched:
            patched.setattr(ServedBoard, "_receive", interrupted)
            with pytest.raises(KeyboardInterrupt):
                served.ask(Kind.OPEN)
        with pytest.raises(ProbeGone):
            served.ask(Kind.OPEN)


def test_only_one_at_a_time_and_only_the_board_that_is_there(board: SimBoard) -> None:
    with serving(board) as (address, _):
        with pytest.raises(ValueError, match=f"write sim:{BOARD},connect="):
            ServedBoard(address, "stm32n6570-dk", "stlink", Timeline())
        first = ServedBoard(address, BOARD, "stlink", Timeline())
        with pytest.raises(ServedBusy, match="in use by process"):
            ServedBoard(address, BOARD, "cmsis-dap", Timeline())
        first.leave()
    with pytest.raises(NotServed):
        ServedBoard(address, BOARD, "stlink", Timeline())
