"""The client of a served board: what a simulated probe speaks to where the board lives in another process.

`ServedBoard` is the connection; `ServedStLink` and `ServedCmsisDap` stand where the USB devices stand otherwise. The
protocol is `serve/remote.py`; no pyOCD here.
"""

from __future__ import annotations

import json
import os
import platform
import socket
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from n6prog.sim.clock import Timeline
from n6prog.sim.errors import NotServed, ServedBusy, SimTripwire
from n6prog.sim.faults import ProbeGone, ProbeHung
from n6prog.sim.serve import remote
from n6prog.sim.serve.remote import Kind, Outcome
from n6prog.sim.spec import endpoint
from n6prog.sim.tripwire import Tripwire

_PATIENCE = 600.0  # seconds of wall time for one answer: the board may have minutes of its own to make up
_CHUNK = 1 << 16


class ServedBoard:
    """A board at the other end of a TCP connection.

    `host` is the time of the program here, `tripwire` holds what the board's caught since. Raises NotServed (nobody
    there, or no door of this kind), ServedBusy, ValueError (another board than `board`).
    """

    def __init__(self, address: str, board: str, link: str, host: Timeline, reason: str = "probe") -> None:
        self.address = address
        self.host = host
        self.clock_hz = 0
        self.tripwire = Tripwire()
        self._stream = bytearray()
        self._channel: socket.socket | None = None
        try:
            self._channel = socket.create_connection(endpoint(address), _PATIENCE)
            self._channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as problem:
            raise NotServed(address, problem.strerror or str(problem)) from problem
        try:
            served = self._hello(link, reason)
            if served != board:
                raise ValueError(f"the board served at {address} is {served}: write sim:{served},connect={address}")
        except BaseException:
            self._hang_up()
            raise

    def _hello(self, link: str, reason: str) -> object:
        since = datetime.now(UTC).isoformat(timespec="seconds")
        who = {"link": link, "pid": os.getpid(), "host": platform.node(), "since": since, "reason": reason}
        try:
            facts = json.loads(self.ask(Kind.HELLO, remote.GREETING + json.dumps(who).encode()))
            return facts["board"]
        except (ProbeGone, ValueError, LookupError, TypeError):
            raise NotServed(self.address, "no n6prog sim serve of this version answers there") from None

    def ask(self, kind: Kind, payload: bytes = b"") -> bytes:
        """One request and its answer, with time kept on both sides.

        Raises ProbeGone (unplugged, or the connection is lost), ProbeHung, TimeoutError (no packet is under way),
        SimTripwire, ServedBusy.
        """
        if self._channel is None:
            raise ProbeGone
        try:
            self._channel.sendall(remote.request(kind, self.host.now, payload))
            outcome, now, self.clock_hz, result = remote.parse_answer(self._receive())
        except (OSError, ValueError) as problem:
            self._hang_up()
            raise ProbeGone from problem
        except BaseException:  # an interrupt: what comes next would be the answer to this
            self._hang_up()
            raise
        self.host.advance_to(now)
        if outcome is Outcome.OK:
            return result
        raise self._problem(outcome, result)

    def _receive(self) -> bytes:
        assert self._channel is not None
        while (message := next(remote.messages(self._stream), None)) is None:
            piece = self._channel.recv(_CHUNK)
            if not piece:
                raise ConnectionResetError("the board's server has gone")
            self._stream += piece
        return message

    def _problem(self, outcome: Outcome, result: bytes) -> Exception:
        if outcome is Outcome.TRIPPED:
            caught = [str(text) for text in json.loads(result)]
            for text in caught:
                self.tripwire.violation(text)
            return SimTripwire(caught)
        if outcome is Outcome.BUSY:
            return ServedBusy(self.address, _holder(json.loads(result)))
        simple: dict[Outcome, type[Exception]] = {Outcome.HUNG: ProbeHung, Outcome.NOTHING: TimeoutError}
        return simple.get(outcome, ProbeGone)()

    def leave(self) -> None:
        """Let the board go; it has lived until this side's time then. Raises SimTripwire."""
        try:
            with suppress(ProbeGone, ProbeHung):
                self.ask(Kind.BYE)
        finally:
            self._hang_up()

    def _hang_up(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()


def _holder(told: Any) -> dict[str, object] | str:
    if isinstance(told, dict) and "who" not in told:
        return told
    return str(told["who"] if isinstance(told, dict) else told)


class _ServedProbe:
    """A USB device whose firmware runs at the server."""

    def __init__(self, board: ServedBoard) -> None:
        self._board = board
        self.is_open = False

    def open(self) -> None:
        """Claim the interface."""
        self.is_open = True
        with suppress(ProbeGone):  # the first command tells
            self._board.ask(Kind.OPEN)

    def close(self) -> None:
        """Release it."""
        self.is_open = False
        with suppress(ProbeGone):
            self._board.ask(Kind.CLOSE)

    @property
    def clock_hz(self) -> int:
        """The SWD clock in force."""
        return self._board.clock_hz


class ServedStLink(_ServedProbe):
    """What `usb.stlink.StLinkV3` is to a probe; raises the same."""

    def transfer(
        self,
        cmd: Sequence[int],
        writeData: Sequence[int] | None = None,  # noqa: N803  (pyOCD's name)
        readSize: int | None = None,  # noqa: N803
        timeout: int = 1000,
    ) -> bytes | None:
        """One command: 16 bytes out, then data out, or an answer of `readSize` bytes in."""
        head = remote.COMMAND.pack(bytes(cmd), -1 if readSize is None else readSize)
        data = self._board.ask(Kind.COMMAND, head + (bytes(writeData) if writeData is not None else b""))
        return data if readSize is not None else None

    def read_swv(self, size: int, timeout: int = 1000) -> bytearray:
        """Trace data: none is modelled."""
        return bytearray(size)


class ServedCmsisDap(_ServedProbe):
    """What `usb.cmsisdap.CmsisDapV2` is to a probe; raises the same."""

    def write(self, data: Sequence[int]) -> None:
        """A packet to the probe."""
        self._board.ask(Kind.WRITE, bytes(data))

    def read(self) -> bytes:
        """The next answer. Raises TimeoutError when no packet is under way."""
        return self._board.ask(Kind.READ)
