"""The door for n6prog's own probes (`sim:connect=HOST:PORT`): USB commands with the client's time.

The protocol stands in `remote.py`. A client brings its own clock: while it is there the board runs by that alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from n6prog.sim.clock import PS_PER_SECOND, STLINK_MODELS, Timeline
from n6prog.sim.errors import SimTripwire
from n6prog.sim.faults import ProbeGone, ProbeHung
from n6prog.sim.serve import remote
from n6prog.sim.serve.remote import Kind, Outcome
from n6prog.sim.serve.session import IN_USE, Nonsense, Session
from n6prog.sim.usb.cmsisdap import CmsisDapV2
from n6prog.sim.usb.stlink import StLinkV3, firmware_of

if TYPE_CHECKING:
    from n6prog.sim.board import SimBoard

_LONGEST = 3600 * PS_PER_SECOND  # of one sleep; a chip erase takes minutes
_Holder = dict[str, object]


class OwnDoor:
    """The door. `watch` is told what the board's tripwire caught, as sentences."""

    name = "n6prog"
    debugs = True
    sets_time = True

    def __init__(self, board: SimBoard, serial_number: str, watch: Callable[[list[str]], None]) -> None:
        self.board = board
        self.serial_number = serial_number
        self.watch = watch
        self.holder: _Holder = {}

    def welcome(self) -> Session:
        """A session whose client says first which probe it wants."""
        return _Session(self)

    def refuse(self, reason: str) -> Session:
        """A session that answers everything with who is there."""
        return _Refused(self.board, self.holder or {"who": reason.removeprefix(IN_USE)})


class _Refused:
    def __init__(self, board: SimBoard, holder: _Holder) -> None:
        self._answer = remote.answer(Outcome.BUSY, board.host.now, 0, json.dumps(holder).encode())
        self._waiting = bytearray()

    def feed(self, data: bytes) -> bytes:
        self._waiting += data
        try:
            return b"".join(self._answer for _ in remote.messages(self._waiting))
        except ValueError as problem:
            raise Nonsense(str(problem)) from None

    def poll(self) -> bytes:
        return b""

    def end(self) -> None:
        """Nothing was held."""


class _Session:
    def __init__(self, door: OwnDoor) -> None:
        self._door = door
        self._board = door.board
        self._host = door.board.host
        self._probe: StLinkV3 | CmsisDapV2 | None = None
        self._waiting = bytearray()

    def feed(self, data: bytes) -> bytes:
        self._waiting += data
        answers = bytearray()
        try:
            for message in remote.messages(self._waiting):
                answers += self._answer(*remote.parse_request(message))
        except ValueError as problem:
            raise Nonsense(str(problem)) from None
        return bytes(answers)

    def poll(self) -> bytes:
        return b""

    def end(self) -> None:
        """The client has gone, or was killed: the board keeps what was done to it, and the core runs on."""
        if self._probe is not None:
            self._probe.close()
        self._door.holder = {}

    def _answer(self, kind: Kind, now: int, payload: bytes) -> bytes:
        if (self._probe is None) is not (kind is Kind.HELLO):
            raise Nonsense("no greeting")
        if kind is Kind.HELLO:
            return self._hello(payload)
        if now > max(self._board.host.now, self._host.now) + _LONGEST:
            raise Nonsense("a sleep of more than an hour")
        self._host.advance_to(now)
        outcome, result = Outcome.OK, b""
        try:
            result = self._do(kind, payload)
        except SimTripwire as tripped:
            outcome, result = Outcome.TRIPPED, json.dumps(tripped.violations).encode()
        except ProbeGone:
            outcome = Outcome.GONE
        except ProbeHung:
            outcome = Outcome.HUNG
        except TimeoutError:
            outcome = Outcome.NOTHING
        assert self._probe is not None
        return remote.answer(outcome, self._host.now, self._probe.clock_hz, result)

    def _hello(self, payload: bytes) -> bytes:
        if not payload.startswith(remote.GREETING):
            raise Nonsense("no greeting that this program knows")
        try:
            hello = json.loads(payload.removeprefix(remote.GREETING))
        except RecursionError:
            hello = None
        if not isinstance(hello, dict):
            raise Nonsense("a greeting without a name")
        link = hello.pop("link", None)
        board, serial = self._board, self._door.serial_number
        if link == "cmsis-dap":
            self._host = Timeline(board.host.now)  # packets are under way while the host goes on
            self._probe = CmsisDapV2(board, serial, after=self._check_tripwire, host=self._host)
        elif link in STLINK_MODELS:
            self._probe = StLinkV3(board, serial, STLINK_MODELS[link], self._check_tripwire, firmware_of(board.faults))
        else:
            raise Nonsense(f"no link {link!r}")
        self._door.holder = hello
        facts = {"board": board.facts.name, "part": board.part.name}
        return remote.answer(Outcome.OK, board.host.now, self._probe.clock_hz, json.dumps(facts).encode())

    def _do(self, kind: Kind, payload: bytes) -> bytes:
        probe = self._probe
        assert probe is not None
        if kind is Kind.OPEN:
            probe.open()
        elif kind is Kind.CLOSE:
            probe.close()
        elif kind is Kind.BYE:
            self._board.host.advance_to(self._host.now)
            self._board.catch_up()
            self._check_tripwire()
        elif kind is Kind.COMMAND and isinstance(probe, StLinkV3) and len(payload) >= remote.COMMAND.size:
            command, size = remote.COMMAND.unpack_from(payload)
            if size > remote.MOST // 2:
                raise Nonsense(f"an answer of {size} bytes")
            return probe.transfer(command, payload[remote.COMMAND.size :], None if size < 0 else size) or b""
        elif kind is Kind.WRITE and isinstance(probe, CmsisDapV2):
            probe.write(payload)
        elif kind is Kind.READ and isinstance(probe, CmsisDapV2):
            return probe.read()
        else:
            raise Nonsense(f"{kind.name} is nothing for this probe")
        return b""

    def _check_tripwire(self) -> None:
        fresh = self._board.violations()
        if fresh:
            self._door.watch(fresh)
            raise SimTripwire(fresh)
