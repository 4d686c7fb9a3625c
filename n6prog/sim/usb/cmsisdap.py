"""A CMSIS-DAP v2 probe at the level of its packets: two bulk endpoints and a firmware.

Commands and layouts: CMSIS-DAP 2.1 specification. Timing: sim.md 5. The host writes packets without waiting for the
answers, so there are two clocks: the host's own (`host`) and the board's, which is when the probe does the work.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from n6prog.sim.clock import PS_PER_SECOND, PS_PER_US, STLINK_V3, Timeline, TimeModel
from n6prog.sim.dap.sw_dp import Ack
from n6prog.sim.usb.dap_transfer import Transfers
from n6prog.sim.usb.swd_line import SwdLine
from n6prog.sim.usb.target import Target

PACKET, PACKETS = 512, 4  # high speed
FIRMWARE = "2.1.0"
CLOCK_LIMIT = 24_000_000
CMSIS_DAP_V2 = replace(STLINK_V3, name="cmsis-dap-v2", swd_clocks_word=48, swd_steps_khz=(CLOCK_LIMIT // 1000,))

_OK, _ERROR, _INVALID = b"\x00", b"\xff", b"\xff"
_QUEUE, _EXECUTE = 0x7E, 0x7F
_SWD, _ATOMIC = 1 << 0, 1 << 4
_SWCLK, _SWDIO, _NRESET = 1 << 0, 1 << 1, 1 << 7
_PULLED_UP = 1 << 2 | 1 << 3 | 1 << 5  # TDI, TDO, nTRST: nothing is wired to them


class CmsisDapV2:
    """The probe; `write` and `read` are its two bulk endpoints.

    `target` is the board, `after` is called after each packet, `host` is the clock of the program on the computer.
    All but `close` raise ProbeGone or ProbeHung when the board's link faults say so.
    """

    vendor_name = "n6prog"
    product_name = "CMSIS-DAP v2 (simulated)"
    vid, pid = 0xC251, 0xF001  # Keil's example firmware

    def __init__(
        self,
        target: Target,
        serial_number: str,
        model: TimeModel = CMSIS_DAP_V2,
        after: Callable[[], None] | None = None,
        host: Timeline | None = None,
    ) -> None:
        self._target = target
        self._model = model
        self._after = after
        self.serial_number = serial_number
        self.host = host if host is not None else Timeline(target.host.now)
        self.is_open = False
        self._line = SwdLine(lambda: target.dp, target.catch_up)
        self.transfers = Transfers(target, self._line)
        self._pins = _SWCLK | _SWDIO | _NRESET
        self._queued: list[bytes] = []
        self._answers: deque[tuple[int, bytes]] = deque()  # when the host can have it, and what
        self._set_clock(1_000_000)

    def open(self) -> None:
        """Claim the interface; answers nobody fetched are dropped."""
        self.is_open = True
        self._target.link_faults.plugged_in()
        self._target.dp.clock_hz = self.clock_hz
        self._queued.clear()
        self._answers.clear()

    def close(self) -> None:
        """Release it."""
        self.is_open = False

    @property
    def clock_hz(self) -> int:
        """The SWD clock in force."""
        return self.transfers.clock_hz

    @property
    def answers(self) -> int:
        """How many answers wait to be read."""
        return len(self._answers)

    def write(self, data: Sequence[int]) -> None:
        """A packet to the probe. Costs the host its call; the probe works when it has it and is free."""
        self._target.link_faults.command()
        packet = bytes(data)[:PACKET]
        model, board = self._model, self._target.host
        self.host.advance(model.host_call)
        board.advance_to(self.host.now + model.usb_latency + self._bytes(len(packet)))
        if packet[:1] == bytes((_QUEUE,)):
            self._queued.append(packet)
            return
        for waiting in (*self._queued, packet):
            board.advance(model.firmware)
            answer = self.execute(waiting)
            if answer:
                self._answers.append((board.now + model.usb_latency + self._bytes(len(answer)), answer))
        self._queued.clear()
        if self._after is not None:
            self._after()

    def read(self) -> bytes:
        """The next answer. Raises TimeoutError when no packet is under way."""
        if not self._answers:
            raise TimeoutError("the probe has nothing to answer")
        ready, answer = self._answers.popleft()
        self.host.advance_to(ready)
        return answer

    def _bytes(self, count: int) -> int:
        return count * PS_PER_SECOND // self._model.usb_bytes_per_second

    # --- the firmware ---

    def execute(self, packet: bytes) -> bytes:
        """The response to one packet; empty for DAP_TransferAbort, which has none."""
        if packet[:1] and packet[0] in (_QUEUE, _EXECUTE):
            return self._several(packet)
        return self._command(packet.ljust(PACKET, b"\0"), PACKET)[0]

    def _several(self, packet: bytes) -> bytes:
        count, position = packet[1] if len(packet) > 1 else 0, 2
        answers = b""
        for done in range(count):
            command = packet[position:]
            if not command or command[0] in (_QUEUE, _EXECUTE) or len(answers) + 2 >= PACKET:
                count = done
                break
            answer, length = self._command(command.ljust(PACKET, b"\0"), PACKET - 2 - len(answers))
            answers += answer
            position += length
        return bytes((_EXECUTE, count)) + answers

    def _command(self, packet: bytes, room: int) -> tuple[bytes, int]:
        """One command: its response of at most `room` bytes, and the length of its request."""
        code = packet[0]
        if code == 0x05:
            return self.transfers.transfer(packet, room)
        if code == 0x06:
            return self.transfers.block(packet, room)
        if code == 0x07:
            return b"", 1
        row = {
            0x00: (self._info, 2),
            0x01: (self._ok, 3),  # DAP_HostStatus: two lamps
            0x02: (self._connect, 2),
            0x03: (self._ok, 1),
            0x04: (self._configure, 6),
            0x08: (self._write_abort, 6),
            0x09: (self._delay, 3),
            0x0A: (self._reset_target, 1),
            0x10: (self._swj_pins, 7),
            0x11: (self._swj_clock, 5),
            0x12: (self._swj_sequence, 2 + ((packet[1] or 256) + 7) // 8),
            0x13: (self._swd_configure, 2),
        }.get(code)
        if row is not None:
            action, length = row
            return (packet[:1] + action(packet))[:room], length
        if code == 0x1D:
            return self._swd_sequence(packet, room)
        return _INVALID, len(packet)  # JTAG, SWO, UART and vendor commands are not there

    def _ok(self, packet: bytes) -> bytes:
        return _OK

    def _info(self, packet: bytes) -> bytes:
        numbers = {
            0xF0: struct.pack("<B", _SWD | _ATOMIC),
            0xFE: struct.pack("<B", PACKETS),
            0xFF: struct.pack("<H", PACKET),
        }
        texts = {
            0x01: self.vendor_name,
            0x02: self.product_name,
            0x03: self.serial_number,
            0x04: FIRMWARE,
            0x09: FIRMWARE,
        }
        code = packet[1]
        if code in numbers:
            value = numbers[code]
        elif code in texts:
            value = texts[code].encode("ascii", "replace")[:60] + b"\0"
        else:
            value = b""  # no information
        return bytes((len(value),)) + value

    def _connect(self, packet: bytes) -> bytes:
        return b"\x01" if packet[1] in (0, 1) else b"\x00"

    def _configure(self, packet: bytes) -> bytes:
        transfers = self.transfers
        transfers.idle_cycles, transfers.wait_retry, transfers.match_retry = struct.unpack_from("<BHH", packet, 1)
        return _OK

    def _write_abort(self, packet: bytes) -> bytes:
        ack, _ = self.transfers.access(0x0, int.from_bytes(packet[2:6], "little"))
        return _OK if ack is Ack.OK else _ERROR

    def _delay(self, packet: bytes) -> bytes:
        self._target.host.advance(int.from_bytes(packet[1:3], "little") * PS_PER_US)
        return _OK

    def _reset_target(self, packet: bytes) -> bytes:
        return _OK + b"\x00"  # no reset sequence of its own

    def _swj_pins(self, packet: bytes) -> bytes:
        output, select = packet[1], packet[2]  # the wait is over at once: every pin follows what drives it
        before, self._pins = self._pins, self._pins & ~select | output & select
        if select & _NRESET:
            self._target.catch_up()
            self._target.drive_reset(not self._pins & _NRESET)
        if self._pins & ~before & _SWCLK:
            self._line.send(self._pins >> 1 & 1, 1)
        return bytes((self._pins & (_SWCLK | _SWDIO | _NRESET) | _PULLED_UP,))

    def _swj_clock(self, packet: bytes) -> bytes:
        wanted = int.from_bytes(packet[1:5], "little")
        if not wanted:
            return _ERROR
        self._set_clock(min(wanted, CLOCK_LIMIT))
        return _OK

    def _set_clock(self, hertz: int) -> None:
        self.transfers.clock_hz = hertz
        self._target.dp.clock_hz = hertz

    def _swj_sequence(self, packet: bytes) -> bytes:
        count = packet[1] or 256
        self._line.send(int.from_bytes(packet[2 : 2 + (count + 7) // 8], "little"), count)
        self.transfers.spend(count)
        return _OK

    def _swd_configure(self, packet: bytes) -> bytes:
        self.transfers.turnaround = (packet[1] & 3) + 1
        self.transfers.data_phase = bool(packet[1] & 4)
        return _OK

    def _swd_sequence(self, packet: bytes, room: int) -> tuple[bytes, int]:
        position, answers = 2, b""
        for _ in range(packet[1]):
            if position >= len(packet):
                break
            info = packet[position]
            position += 1
            count = info & 0x3F or 64
            size = (count + 7) // 8
            self.transfers.spend(count)
            if info & 0x80:
                answers += self._line.receive(count).to_bytes(size, "little")
            else:
                self._line.send(int.from_bytes(packet[position : position + size], "little"), count)
                position += size
        return (packet[:1] + _OK + answers)[:room], position
