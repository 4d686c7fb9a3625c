"""CMSIS-DAP packets over TCP (4441), framed as OpenOCD's `cmsis-dap backend tcp` does it (sim.md 4).

A frame is "DAP" and a zero byte, the packet's length in 16 bits, 1 for a request or 2 for a response, and a zero byte.
"""

from __future__ import annotations

import struct

from n6prog.sim.clock import Timeline
from n6prog.sim.errors import SimError
from n6prog.sim.serve.session import Nonsense, Session
from n6prog.sim.usb.cmsisdap import PACKET, CmsisDapV2

PORT = 4441
SIGNATURE = b"DAP\0"
REQUEST, RESPONSE = 1, 2
_HEADER = struct.Struct("<4sHBB")


class DapDoor:
    """The door; one probe for all clients that come one after another. `board` is the board's clock."""

    name = "CMSIS-DAP"
    debugs = True
    sets_time = False

    def __init__(self, probe: CmsisDapV2, board: Timeline) -> None:
        self._probe = probe
        self._board = board

    def welcome(self) -> Session:
        """A session that reaches the probe."""
        self._probe.open()
        return _Session(self._probe, self._board)

    def refuse(self, reason: str) -> bytes:
        """The protocol has no words for it: the connection just ends."""
        return b""


class _Session:
    def __init__(self, probe: CmsisDapV2, board: Timeline) -> None:
        self._probe = probe
        self._board = board
        self._waiting = bytearray()

    def feed(self, data: bytes) -> bytes:
        self._waiting += data
        self._probe.host.advance_to(self._board.now)
        answers = bytearray()
        try:
            while (packet := self._packet()) is not None:
                self._probe.write(packet)
            while self._probe.answers:  # queued commands, and DAP_TransferAbort, have none
                answers += self._frame(self._probe.read())
            return bytes(answers)
        except SimError as lost:
            raise Nonsense(f"the connection ends: {lost}") from lost

    def poll(self) -> bytes:
        return b""

    def end(self) -> None:
        self._probe.close()

    def _packet(self) -> bytes | None:
        """The next complete packet."""
        start = bytes(self._waiting[: len(SIGNATURE)])
        if start != SIGNATURE[: len(start)]:
            raise Nonsense("no DAP frame")
        if len(self._waiting) < _HEADER.size:
            return None
        _, length, kind, _ = _HEADER.unpack_from(self._waiting)
        if kind != REQUEST or not 0 < length <= PACKET:
            raise Nonsense(f"a DAP frame of kind {kind} with {length} bytes")
        end = _HEADER.size + length
        if len(self._waiting) < end:
            return None
        packet = bytes(self._waiting[_HEADER.size : end])
        del self._waiting[:end]
        return packet

    @staticmethod
    def _frame(answer: bytes) -> bytes:
        return _HEADER.pack(SIGNATURE, len(answer), RESPONSE, 0) + answer
