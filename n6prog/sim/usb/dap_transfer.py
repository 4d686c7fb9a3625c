"""DAP_Transfer and DAP_TransferBlock: register accesses on the wire, with their retries and their clocks.

A word costs 44 + 2 x turnaround clocks and the idle cycles of DAP_TransferConfigure (48 with the 2 that pyOCD sets); a
WAIT or FAULT answer 11 + 2 x turnaround. AP reads are posted: a run of them, and writes at the end of a packet, cost
one more word for RDBUFF (IHI 0031, B4; sim.md 5).
"""

from __future__ import annotations

import struct

from n6prog.sim.clock import PS_PER_SECOND
from n6prog.sim.dap.dp import DRW
from n6prog.sim.dap.sw_dp import Ack
from n6prog.sim.usb.swd_line import SwdLine
from n6prog.sim.usb.target import Target

AP, READ, VALUE_MATCH, MATCH_MASK = 1 << 0, 1 << 1, 1 << 4, 1 << 5
MISMATCH = 1 << 4
# CMSIS-DAP, Transfer Response: the three ACK bits as they came, bit 3 for a wrong parity
OK, FAULT = 1, 4
RESPONSES = {Ack.OK: OK, Ack.WAIT: 2, Ack.FAULT: FAULT, Ack.NONE: 7, Ack.PARITY: 8}


class Transfers:
    """The settings of a probe's transfers, and the accesses themselves. All clocks are charged to the board's time."""

    def __init__(self, target: Target, line: SwdLine) -> None:
        self._target = target
        self._line = line
        self.clock_hz = 1_000_000
        self.idle_cycles = 0
        self.wait_retry = 100
        self.match_retry = 0
        self.match_mask = 0xFFFF_FFFF
        self.turnaround = 1
        self.data_phase = False

    @property
    def word(self) -> int:
        """SWD clocks of one access."""
        return 44 + 2 * self.turnaround + self.idle_cycles

    @property
    def refusal(self) -> int:
        """SWD clocks of an access that is answered WAIT or FAULT."""
        return 11 + 2 * self.turnaround + (33 if self.data_phase else 0)

    def spend(self, clocks: int) -> None:
        """Let the wire take its time."""
        self._target.host.advance(clocks * PS_PER_SECOND // self.clock_hz)

    def access(self, request: int, value: int = 0) -> tuple[Ack, int]:
        """One register access, tried again while the answer is WAIT; gives the answer and what was read."""
        dpidr = request & 0xF == READ
        for _ in range(self.wait_retry + 1):
            if not self._line.ready(dpidr=dpidr):
                self.spend(self.word)
                return Ack.NONE, 0
            ack, result = self._once(request, value)
            if ack in (Ack.WAIT, Ack.FAULT):
                self.spend(self.refusal)
            if ack is not Ack.WAIT:
                break
        return ack, result

    def _once(self, request: int, value: int) -> tuple[Ack, int]:
        dp, address = self._target.dp, request & 0xC
        if request & AP:
            if address == DRW or dp.select & 0xF0 == 0x10:
                self._target.catch_up()
            port, register = dp.select >> 24, self._register(request)
            ack, result = dp.read_ap(port, register) if request & READ else (dp.write_ap(port, register, value), 0)
        else:
            bank = dp.select & 0xF
            ack, result = dp.read_dp(address, bank) if request & READ else (dp.write_dp(address, value, bank), 0)
        if ack not in (Ack.WAIT, Ack.FAULT):
            self.spend(self.word)
        return ack, result

    def transfer(self, packet: bytes, room: int) -> tuple[bytes, int]:
        """DAP_Transfer: response (at most `room` bytes) and length of the request."""
        count, position = packet[2], 3
        data = bytearray()
        done, response = 0, 0
        last = READ  # kind of the access before: AP and READ bits
        for _ in range(count):
            if position >= len(packet):
                break
            request = packet[position]
            if request & READ and not request & VALUE_MATCH and len(data) + 7 > room:
                break  # the host asks for more than an answer holds
            position += 1
            value = 0
            if not request & READ or request & VALUE_MATCH:
                value = int.from_bytes(packet[position : position + 4], "little")
                position += 4
            if request & MATCH_MASK and not request & READ:
                self.match_mask, response, done = value, OK, done + 1
                continue
            kind = request & (AP | READ)
            if last == AP | READ != kind:
                self.spend(self.word)  # the value of the last posted read is fetched from RDBUFF
            last = kind
            response, result = self._one(request, value)
            if response != OK:
                break
            done += 1
            if request & READ and not request & VALUE_MATCH:
                data += result.to_bytes(4, "little")
        if last & READ:
            self.spend(self.word if last & AP else 0)
        elif self._check_writes(Ack.OK if response == OK else Ack.NONE) is Ack.FAULT:
            response = FAULT
        return bytes((0x05, done, response)) + data, self._length(packet, count, position)

    @staticmethod
    def _length(packet: bytes, count: int, position: int) -> int:
        """Where the request ends, also when it was not executed to its end."""
        end = 3
        for _ in range(count):
            if end >= len(packet):
                break
            request = packet[end]
            end += 1 if request & READ and not request & VALUE_MATCH else 5
        return max(end, position)

    def _one(self, request: int, value: int) -> tuple[int, int]:
        """One item of DAP_Transfer: Transfer Response, and what was read."""
        if not request & VALUE_MATCH or not request & READ:
            ack, result = self.access(request & 0xF, value)
            return RESPONSES[ack], result
        for _ in range(self.match_retry + 1):
            ack, result = self.access(request & 0xF)
            if ack is not Ack.OK:
                return RESPONSES[ack], 0
            if result & self.match_mask == value:
                return OK, 0
        return OK | MISMATCH, 0

    def block(self, packet: bytes, room: int) -> tuple[bytes, int]:
        """DAP_TransferBlock: response (at most `room` bytes) and length of the request."""
        count, request = struct.unpack_from("<HB", packet, 2)
        if request & READ:
            length = 5
            ack, words = self._read_words(request & 0xF, min(count, (room - 4) // 4))
            done, data = len(words), struct.pack(f"<{len(words)}I", *words)
        else:
            length = min(5 + 4 * count, len(packet))
            words = list(struct.unpack_from(f"<{(length - 5) // 4}I", packet, 5))
            ack, done = self._write_words(request & 0xF, words)
            data = b""
        return struct.pack("<BHB", 0x06, done, RESPONSES[ack] if count else 0) + data, length

    def _read_words(self, request: int, count: int) -> tuple[Ack, list[int]]:
        words: list[int] = []
        ack, dp = Ack.OK, self._target.dp
        while len(words) < count and ack is Ack.OK:
            if request & AP and self._line.ready(dpidr=False):
                self._target.catch_up()
                ack, run = dp.read_run(dp.select >> 24, self._register(request), count - len(words))
                self.spend(len(run) * self.word + (self.refusal if ack in (Ack.WAIT, Ack.FAULT) else 0))
                words += run
                if ack is not Ack.WAIT:
                    break
            ack, word = self.access(request)
            words += [word] if ack is Ack.OK else []
        if request & AP:
            self.spend(self.word)
        return ack, words

    def _write_words(self, request: int, words: list[int]) -> tuple[Ack, int]:
        done, ack, dp = 0, Ack.OK, self._target.dp
        while done < len(words) and ack is Ack.OK:
            if request & AP and self._line.ready(dpidr=False):
                self.spend((len(words) - done) * self.word)  # what is sent arrives over this time
                self._target.catch_up()
                ack, run = dp.write_run(dp.select >> 24, self._register(request), words[done:])
                done += run
                if ack is not Ack.WAIT:
                    break
            ack, _ = self.access(request, words[done])
            done += ack is Ack.OK
        return self._check_writes(ack), done

    def _check_writes(self, ack: Ack) -> Ack:
        """The read of RDBUFF that ends a run of writes: what went wrong with the last one shows only now."""
        self.spend(self.word)
        return self._target.dp.after_writes() if ack is Ack.OK else ack

    def _register(self, request: int) -> int:
        return self._target.dp.select & 0xF0 | request & 0xC
