"""Runs in processes of their own on a served board, so that one can be killed and the board lives on."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

from n6prog.sim import SimBoard
from n6prog.sim.clock import STLINK_V3, ps
from n6prog.sim.named import board_of, named
from n6prog.sim.serve import remote
from n6prog.sim.serve.own_door import OwnDoor
from n6prog.sim.serve.pace import Pace
from n6prog.sim.serve.remote import Kind
from n6prog.sim.serve.server import Server
from n6prog.sim.serve.serving import LOOPBACK
from n6prog.sim.serve.session import Door, Session

from .cases import Case, Strike
from .flow import flashed, spec
from .judge import Run
from .scene import Damage, Scene

_COMMANDS = (Kind.COMMAND, Kind.WRITE)


def served_runs(case: Case, strike: Strike, files: Sequence[str], state: Path, scene: Scene) -> tuple[Run, Damage, Run]:
    """The first run is sent a signal at a command; then time passes, and a second run goes to its end.

    Gives both, and the damage to the flash between them.
    """
    clients = [_Client(case, files), _Client(case, files)]  # forked before there is a board that they would share
    number = signal.SIGKILL if case.kind == "sigkill" else signal.SIGINT
    try:
        with board_of(named(spec(case, state)), STLINK_V3, "endurance") as board:
            door = OwnDoor(board, "SERVED", lambda _: None)
            first = clients[0].run(board, _TappedDoor(door, _Sender(clients[0].pid, strike, number, board)))
            board.host.advance(ps(case.pause))
            board.catch_up()
            after = scene.damage(state / "nor.bin")
            second = clients[1].run(board, door)
        return first, after, second
    finally:
        for client in clients:
            client.end()


class _Sender:
    """Sends the signal when the command comes that it is meant for; true while the client is to be heard."""

    def __init__(self, pid: int, strike: Strike, number: signal.Signals, board: SimBoard) -> None:
        self._pid = pid
        self._board = board
        self._opened = board.host.now
        self._strike = strike
        self._number = number
        self._seen = 0
        self._sent = False
        self.heard = True

    def before(self, now: int) -> None:
        """A command has come; the client's time is `now`."""
        self._seen += 1
        if self._strike.after is not None and not self._sent and now >= self._opened + self._strike.after:
            self._board.host.advance_to(self._opened + self._strike.after)
            self._send()
        elif self._seen == self._strike.command and not self._strike.done:
            self._send()

    def after(self) -> None:
        """It is done; its answer was not sent yet."""
        if self._seen == self._strike.command and self._strike.done:
            self._send()

    def _send(self) -> None:
        os.kill(self._pid, self._number)
        self._sent = True
        self.heard = self._number is not signal.SIGKILL


class _TappedDoor:
    """The door, with the commands of its clients counted."""

    debugs, sets_time = True, True

    def __init__(self, door: OwnDoor, sender: _Sender) -> None:
        self.name = door.name
        self._door = door
        self._sender = sender

    def welcome(self) -> Session:
        return _Tapped(self._door.welcome(), self._sender)

    def refuse(self, reason: str) -> Session:
        return self._door.refuse(reason)


class _Tapped:
    """A session whose commands are counted."""

    def __init__(self, session: Session, sender: _Sender) -> None:
        self._session = session
        self._sender = sender
        self._stream = bytearray()

    def feed(self, data: bytes) -> bytes:
        self._stream += data
        answers = b""
        for message in remote.messages(self._stream):
            kind, now, _ = remote.parse_request(message)
            counts = kind in _COMMANDS
            if counts:
                self._sender.before(now)
            if self._sender.heard:
                answers += self._session.feed(len(message).to_bytes(4, "little") + message)
            if counts:
                self._sender.after()
        return answers

    def poll(self) -> bytes:
        return b""

    def end(self) -> None:
        self._session.end()


class _Client:
    """A forked process that waits for a port, flashes through it and tells its events."""

    def __init__(self, case: Case, files: Sequence[str]) -> None:
        port_read, self._port = os.pipe()
        self._events, events_write = os.pipe()
        self.pid = os.fork()
        self._over = False
        if self.pid:
            os.close(port_read)
            os.close(events_write)
            return
        code = 1
        try:
            os.close(self._port)
            os.close(self._events)
            code = _client(case, files, port_read, events_write)
        finally:
            os._exit(code)

    def run(self, board: SimBoard, door: Door) -> Run:
        """Let it flash through `door`, served here, until it has ended."""
        lines: list[bytes] = []
        status: list[int] = []
        server = Server([(door, 0)], Pace(board, 0), lambda _: None)

        def wait() -> None:
            with os.fdopen(self._events, "rb") as events:
                lines.extend(events)
            status.append(os.waitpid(self.pid, 0)[1])
            self._over = True
            server.stop()

        os.write(self._port, str(server.ports[door.name]).encode() + b"\n")
        waiter = threading.Thread(target=wait)
        waiter.start()
        try:
            server.run()
        finally:
            server.close()
            waiter.join()
        events = [json.loads(line) for line in lines if line.endswith(b"\n")]
        improper = "".join(event["data"] for event in events if event["type"] == "traceback")
        told = tuple(event for event in events if event["type"] != "traceback")
        killed = os.WIFSIGNALED(status[0])
        return Run(None if killed else os.WEXITSTATUS(status[0]), told, improper)

    def end(self) -> None:
        """End it whatever happened."""
        os.close(self._port)
        if not self._over:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


def _client(case: Case, files: Sequence[str], port: int, events: int) -> int:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with os.fdopen(port, "rb") as source, os.fdopen(events, "wb") as out:
        number = source.readline().strip().decode()
        if not number:
            return 1

        def tell(event: dict[str, object]) -> None:
            out.write(json.dumps(event).encode() + b"\n")
            out.flush()

        probe = f"sim:connect={LOOPBACK}:{number},link={case.link}"
        code, improper = flashed(case, probe, files, tell)
        if improper:
            tell({"type": "traceback", "data": improper})
    return code
