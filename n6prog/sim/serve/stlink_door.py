"""The ST-LINK server's protocol (TCP 7184) over a simulated ST-Link V3, as OpenOCD's `st-link backend tcp` speaks it.

    byte 0 of a request   length   answer
    6 server version      4        api, major, minor, build
    0 refresh list        2        status
    1 number of devices   1        number
    2 device info         8        status, id, serial[32], vid, pid (16 bits each), used (8 bits); 1: which
    3 open device         8        status, connection; 4: id
    4 close device        8        status
    5 USB command         32       status, data

A USB command has the connection at 4, the ST-Link's command at 8 (16 bytes), the direction at 24 (8 bits) and the size
of its data at 28; data to be written follow it.

All numbers little-endian, 32 bits unless said. Source: sim.md 4.
"""

from __future__ import annotations

import struct

from n6prog.sim.errors import SimError
from n6prog.sim.serve.session import Nonsense, Session
from n6prog.sim.usb.stlink import StLinkV3

PORT = 7184
API_VERSION = 2  # below 3 OpenOCD sends no batches of register accesses
OK, TIMEOUT, BAD_PARAMETER, OPEN_ERROR = 1, 0x1001, 0x1002, 0x1003
WRITE, READ, READ_TRACE = 0, 1, 3
_DEVICE = 1
_CONNECTION = 1
_LENGTHS = {0: 2, 1: 1, 2: 8, 3: 8, 4: 8, 5: 32, 6: 4}
_MOST = 10240  # OpenOCD's own buffer; the longest ST-Link data phase is 6144


class StLinkDoor:
    """The door; one probe for all clients that come one after another."""

    name = "ST-LINK server"
    debugs = True
    sets_time = False

    def __init__(self, probe: StLinkV3) -> None:
        self._probe = probe

    def welcome(self) -> Session:
        """A session that reaches the probe."""
        return _Session(self._probe, free=True)

    def refuse(self, reason: str) -> Session:
        """A session that shows the probe as used and cannot open it."""
        return _Session(self._probe, free=False)


class _Session:
    def __init__(self, probe: StLinkV3, *, free: bool) -> None:
        self._probe = probe
        self._free = free
        self._open = False
        self._waiting = bytearray()

    def feed(self, data: bytes) -> bytes:
        self._waiting += data
        answers = bytearray()
        while self._waiting:
            length = self._length()
            if len(self._waiting) < length:
                break
            request = bytes(self._waiting[:length])
            del self._waiting[:length]
            answers += self._answer(request)
        return bytes(answers)

    def poll(self) -> bytes:
        return b""

    def end(self) -> None:
        if self._open:
            self._probe.close()
            self._open = False

    def _length(self) -> int:
        code = self._waiting[0]
        length = _LENGTHS.get(code)
        if length is None:
            raise Nonsense(f"no ST-LINK server command {code:#04x}")
        if code != 5 or len(self._waiting) < length:
            return length
        direction, size = self._waiting[24], int.from_bytes(self._waiting[28:32], "little")
        if size > _MOST:
            raise Nonsense(f"a USB command with {size} bytes of data")
        return length + size if direction == WRITE else length

    def _answer(self, request: bytes) -> bytes:
        code = request[0]
        if code == 6:
            return struct.pack("<4I", API_VERSION, 1, 0, 0)
        if code == 0:
            return struct.pack("<I", OK)
        if code == 1:
            return struct.pack("<I", 1)
        if code == 2:
            return self._info(request[1])
        if code == 3:
            return self._open_device(int.from_bytes(request[4:8], "little"))
        if code == 4:
            self.end()
            return struct.pack("<I", OK)
        return self._usb(request)

    def _info(self, index: int) -> bytes:
        status = OK if index == 0 else BAD_PARAMETER
        serial = self._probe.serial_number.encode("ascii", "replace")[:32].ljust(32, b"\0")
        used = 0 if self._free else 1
        return struct.pack("<II32sHHB", status, _DEVICE, serial, 0x0483, 0x374E, used)

    def _open_device(self, device: int) -> bytes:
        if not self._free or device != _DEVICE:
            return struct.pack("<II", BAD_PARAMETER if self._free else OPEN_ERROR, 0)
        self._probe.open()
        self._open = True
        return struct.pack("<II", OK, _CONNECTION)

    def _usb(self, request: bytes) -> bytes:
        direction, size = request[24], int.from_bytes(request[28:32], "little")
        nothing = bytes(size) if direction != WRITE else b""
        if not self._open or direction not in (WRITE, READ, READ_TRACE):
            return struct.pack("<I", BAD_PARAMETER) + nothing
        command, out = request[8:24], request[32:]
        try:
            if direction == READ_TRACE:
                data: bytes = bytes(self._probe.read_swv(size))
            elif direction == READ:
                data = self._probe.transfer(command, None, size) or b""
            else:
                data = self._probe.transfer(command, out) or b""
        except SimError:  # the probe is gone, or hangs
            return struct.pack("<I", TIMEOUT) + nothing
        return struct.pack("<I", OK) + data
