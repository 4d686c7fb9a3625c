"""The door for n6prog's own probes: what it answers, whose time counts, and what nobody should send."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator

import pytest

pytest.importorskip("unicorn")

from n6prog.sim import SimBoard
from n6prog.sim.clock import PS_PER_SECOND
from n6prog.sim.serve import remote
from n6prog.sim.serve.own_door import OwnDoor
from n6prog.sim.serve.remote import Kind, Outcome
from n6prog.sim.serve.session import Nonsense, Session

MODE = remote.COMMAND.pack(bytes((0xF5,)), 2)  # which mode the ST-Link is in


def door_of(board: SimBoard) -> OwnDoor:
    return OwnDoor(board, "SERIAL", lambda _: None)


@pytest.fixture
def board() -> Iterator[SimBoard]:
    with SimBoard() as opened:
        yield opened


def hello(link: str = "stlink", **who: object) -> bytes:
    return remote.request(Kind.HELLO, 0, remote.GREETING + json.dumps({"link": link, **who}).encode())


def ask(session: Session, kind: Kind, now: int = 0, payload: bytes = b"") -> tuple[Outcome, int, int, bytes]:
    (message,) = remote.messages(bytearray(session.feed(remote.request(kind, now, payload))))
    return remote.parse_answer(message)


def greeted(board: SimBoard, link: str = "stlink") -> Session:
    session = door_of(board).welcome()
    session.feed(hello(link))
    return session


def test_the_greeting_is_answered_with_the_board_and_its_time(board: SimBoard) -> None:
    (message,) = remote.messages(bytearray(door_of(board).welcome().feed(hello())))
    outcome, now, clock_hz, facts = remote.parse_answer(message)
    assert (outcome, now, clock_hz) == (Outcome.OK, board.host.now, 1_000_000)
    assert json.loads(facts) == {"board": "nucleo-n657x0-q", "part": "MX25UM51245G"}


def test_the_board_lives_until_the_time_that_the_client_says(board: SimBoard) -> None:
    session, later = greeted(board), board.host.now + 2 * PS_PER_SECOND
    outcome, now, _, mode = ask(session, Kind.COMMAND, later, MODE)
    assert (outcome, mode) == (Outcome.OK, b"\x01\0")  # mass storage
    # sim.md 5: two trips of 60 us, 15 us of the host, 5 us of the firmware; 16 and 2 bytes at 30 MB/s
    assert now - later == 140_000_000 + 533_333 + 66_666 == board.host.now - later
    assert ask(session, Kind.BYE, later + 7 * PS_PER_SECOND)[1] == later + 7 * PS_PER_SECOND


def test_a_cmsis_dap_client_has_a_clock_of_its_own(board: SimBoard) -> None:
    session, start = greeted(board, "cmsis-dap"), board.host.now
    assert ask(session, Kind.READ, start)[0] is Outcome.NOTHING
    outcome, now, _, _ = ask(session, Kind.WRITE, start, bytes((0x00, 0xFF)))  # DAP_Info: packet size
    assert (outcome, now) == (Outcome.OK, start + 15_000_000)  # the call alone: it does not wait for the probe
    outcome, now, _, packet = ask(session, Kind.READ, now)
    assert (outcome, packet) == (Outcome.OK, b"\0\x02" + struct.pack("<H", 512))
    assert now > start + 135_000_000


@pytest.mark.parametrize(("fault", "outcome"), [("unplug@1us", Outcome.GONE), ("hang@1us", Outcome.HUNG)])
def test_a_lost_probe_is_told_and_the_next_client_has_it_back(fault: str, outcome: Outcome) -> None:
    with SimBoard(faults=[fault]) as board:
        session = greeted(board)
        ask(session, Kind.OPEN)
        assert ask(session, Kind.COMMAND, board.host.now + 2_000_000, MODE)[0] is outcome
        assert ask(session, Kind.COMMAND, board.host.now, MODE)[0] is outcome
        session.end()
        session = greeted(board)
        ask(session, Kind.OPEN)
        assert ask(session, Kind.COMMAND, board.host.now, MODE)[0] is Outcome.OK


def test_what_the_tripwire_catches_goes_to_the_client_and_to_the_server(board: SimBoard) -> None:
    said: list[str] = []
    session = OwnDoor(board, "SERIAL", said.extend).welcome()
    session.feed(hello())
    board.tripwire.violation("an OTP fuse")
    outcome, _, _, caught = ask(session, Kind.COMMAND, 0, MODE)
    assert (outcome, json.loads(caught), said) == (Outcome.TRIPPED, ["an OTP fuse"], ["an OTP fuse"])
    assert ask(session, Kind.COMMAND, 0, MODE)[0] is Outcome.OK  # told once
    board.tripwire.violations.clear()


def test_a_second_client_hears_who_is_there(board: SimBoard) -> None:
    door = door_of(board)
    first = door.welcome()
    first.feed(hello(pid=17, reason="probe"))
    outcome, _, _, holder = ask(door.refuse("the board is in use by somebody"), Kind.HELLO)
    assert (outcome, json.loads(holder)) == (Outcome.BUSY, {"pid": 17, "reason": "probe"})
    first.end()
    assert json.loads(ask(door.refuse("the board is in use by OpenOCD"), Kind.HELLO)[3]) == {"who": "OpenOCD"}


@pytest.mark.parametrize(
    "noise",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        remote.request(Kind.OPEN, 0),
        hello("jtag"),
        remote.request(Kind.HELLO, 0, remote.GREETING + b"[" * 100_000),
        remote.request(Kind.HELLO, 0, remote.GREETING + b"[]"),
        remote.request(Kind.HELLO, 0, b"n6prog sim 2\n{}"),
        hello() + hello(),
        hello() + remote.request(Kind.WRITE, 0, b"\0"),
        hello() + remote.request(Kind.COMMAND, 0, b"short"),
        hello() + remote.request(Kind.COMMAND, 0, remote.COMMAND.pack(b"\xf5", 1 << 30)),
        hello() + remote.request(Kind.OPEN, 1 << 63),
        struct.pack("<IB", 1, 2),
        struct.pack("<IBQ", 9, 99, 0),
    ],
)
def test_nonsense_ends_the_connection(board: SimBoard, noise: bytes) -> None:
    with pytest.raises(Nonsense):
        door_of(board).welcome().feed(noise)


def test_a_message_may_come_in_any_pieces(board: SimBoard) -> None:
    session = door_of(board).welcome()
    stream = hello() + remote.request(Kind.COMMAND, 0, MODE)
    answers = bytearray(b"".join(session.feed(bytes((byte,))) for byte in stream))
    assert [remote.parse_answer(message)[0] for message in remote.messages(answers)] == [Outcome.OK, Outcome.OK]
