"""The NOR flash: what it does with each frame between CS# falling and CS# rising.

Rules are those of hw-flash 2.4 (Macronix's Verilog model); times come in as picoseconds of virtual time. An operation
takes effect when somebody looks at a time past its end, so nothing has to run while the NOR is busy.
"""

from __future__ import annotations

from collections.abc import Callable

from n6prog.sim.faults import NEVER
from n6prog.sim.nor import state as saved
from n6prog.sim.nor.array import Array
from n6prog.sim.nor.commands import COMMANDS, UNDOABLE, Command
from n6prog.sim.nor.control import Control
from n6prog.sim.nor.decoding import DECODED, OPCODE_BYTES
from n6prog.sim.nor.ecc import EccStatus
from n6prog.sim.nor.faults import NorFaults
from n6prog.sim.nor.floating import FloatingBus
from n6prog.sim.nor.frames import FrameLog
from n6prog.sim.nor.operation import Operation
from n6prog.sim.nor.operations import Operations
from n6prog.sim.nor.parts import NorFacts
from n6prog.sim.nor.protection import Protection
from n6prog.sim.nor.reads import Reads
from n6prog.sim.nor.registers import (
    BP_SHIFT,
    CR2_BANKS,
    CR2_CRC,
    CR2_DEFAULT,
    CR2_DQS,
    DOS,
    DQSPRC,
    TB,
    WEL,
    WIP,
    Registers,
)
from n6prog.sim.nor.state import NorState
from n6prog.sim.nor.timing import SHORTEST
from n6prog.sim.nor.wire import Framing, as_seen, edges
from n6prog.sim.tripwire import Tripwire

__all__ = ["NorDevice", "NorState"]

OTP_SIZE = 0x400  # 512 bytes for the customer, 512 of the factory; blank here
_OPCODE_CLOCKS = {"1S": 8, "8S": 2, "8D": 1}
_BITS = {"1S": 1, "8S": 8, "8D": 16}  # bits a clock carries
_IN_POWER_DOWN = frozenset({"RDP", "RSTEN", "RST"})
# Bytes sampled from another bus mode's frame that a part in 1S takes for a page of zeros at one bit for two bytes. More
# change nothing but the odd bits at the end, and those come again every 64 bytes.
_PAGE_OF_LOW = 4096
# What a loader sends over and over: (head, mode, clocks of the head, bytes sampled), and which command it is. In 8D a
# register byte is sampled twice.
_USUAL = {
    (b"\x05", "1S", 8, 1): "RDSR",
    (b"\x06", "1S", 8, 0): "WREN",
    (b"\x05\xfa\0\0\0\0", "8D", 7, 2): "RDSR",
    (b"\x2b\xd4\0\0\0\0", "8D", 7, 2): "RDSCUR",
    (b"\x06\xf9", "8D", 1, 0): "WREN",
}
_OF_A_BANK = frozenset({"program", "sector", "block"})


class NorDevice:
    """One NOR part over `content` (writable, as long as the part). `seed` and `undriven` shape the floating bus.

    `on_change`, where given, is called whenever what a read gives may have changed: bus mode, WIP, power, burst, OTP
    area, dummy clocks, reset.
    """

    def __init__(
        self,
        part: NorFacts,
        content: memoryview,
        seed: int = 0,
        *,
        tripwire: Tripwire | None = None,
        undriven: str = "last",
        faults: NorFaults | None = None,
    ) -> None:
        if len(content) != part.size:
            raise ValueError(f"{part.name} holds {part.size} bytes, the content has {len(content)}")
        self.part = part
        self.content = content
        self.seed = seed
        self.array = Array(content, part.page, part.ecc_chunk)
        self.otp_area = Array(memoryview(bytearray(b"\xff") * OTP_SIZE), part.page, part.ecc_chunk)
        self.tripwire = tripwire or Tripwire()
        self.floating = FloatingBus(seed, undriven)
        self.faults = faults or NorFaults()
        self.registers = Registers()
        self.protection = Protection(part, self.registers)
        self.ecc = EccStatus(part.dies)
        self.frames = FrameLog()
        self._note = self.frames.note
        self.on_change: Callable[[], None] | None = None
        self.mode = "1S"
        self.wel = False
        self.powered = True
        self.dies_at = NEVER  # when power goes, where that is known beforehand: whoever comes later finds none
        self.power_down = False
        self.otp = False
        self.burst = 0  # bytes of a wrapped read, 0 for linear
        self.reset_enabled = False
        self.reset_low = False  # the RESET# pin
        self.boot_read = False  # the next CS# low is a fast-boot read
        self.ready_at = 0  # nothing is heard before (power-up, recovery after a reset)
        self.status_polls = 0  # status reads in a row that found WIP set
        self.operation: Operation | None = None
        self.suspended: Operation | None = None  # its `end` is what was left, counted from 0
        self._reads = Reads(self)
        self.operations = Operations(self)
        self._acts = {**self.operations.acts, **Control(self).acts}

    # ---- what can be seen from outside -------------------------------------------------------------------------

    @property
    def jedec_id(self) -> bytes:
        """The three identity bytes."""
        return self.part.jedec

    @property
    def busy_until(self) -> int:
        """When WIP falls, in picoseconds; 0 when nothing is under way."""
        return self.operation.end if self.operation else 0

    @property
    def double_programmed(self) -> set[int]:
        """Numbers of the 16-byte chunks changed more than once since their erase: their ECC is off."""
        return self.array.double_programmed

    @property
    def status(self) -> int:
        """SR as it stands."""
        return (WIP if self.operation else 0) | (WEL if self.wel else 0) | (self.registers.bp << BP_SHIFT)

    @property
    def drives_dqs(self) -> bool:
        """Whether reads come with a strobe: always in 8D, in 8S when CR2 200h says so, never in 1S."""
        return self.mode == "8D" or (self.mode == "8S" and bool(self.registers.cr2.get(CR2_DQS, 0) & DOS))

    @property
    def busy_bank(self) -> int | None:
        """The bank that is busy; -1 when all are, None when none is."""
        operation = self.operation
        if operation is None:
            return None
        work = self.suspended if operation.kind == "suspending" else operation
        return work.address // self.part.bank_size if work and work.kind in _OF_A_BANK else -1

    def next_change(self, moment: int) -> int | None:
        """The next time after `moment` at which the NOR changes by itself, None when it stays as it is."""
        operation, ready = self.operation, self.ready_at
        if operation is None:
            return ready if ready > moment else None
        if self.faults.stuck_wip:
            return None
        end = operation.end
        if ready > moment:
            return ready if ready < end or end <= moment else end
        return end if end > moment else None

    def settle(self, moment: int) -> None:
        """Let everything happen that is over by `moment`, as long as there is power."""
        operation = self.operation
        if operation is not None and operation.end <= min(moment, self.dies_at) and not self.faults.stuck_wip:
            self.operations.complete(operation)

    def changed(self) -> None:
        """Tell whoever wants to know that reads may give something else now."""
        if self.on_change is not None:
            self.on_change()

    # ---- one frame ---------------------------------------------------------------------------------------------

    def transaction(
        self,
        start: int,
        clock: int,
        frame: Framing,
        head: bytes,
        out: bytes = b"",
        want: int = 0,
        end: int | None = None,
    ) -> bytes | None:
        """One frame from CS# falling at `start` to CS# rising at `end`, by default as soon as all bits are through.

        `clock` is the length of a clock in picoseconds, `head` the instruction, address and alternate bytes, `out` the
        data the controller sends, `want` the number of bytes it samples. All in the order of the wire. Returns `want`
        bytes as sampled, or None when the device drove nothing.
        """
        if start >= self.dies_at:
            self.power_off(self.dies_at)
        self._note((frame, start, head, out, want))
        mode = self.mode
        operation = self.operation
        if operation is not None:
            # what the device hears is decided when the opcode is in
            if operation.end <= start + _OPCODE_CLOCKS[mode] * clock:
                self.settle(operation.end)
            elif start < operation.start + self.part.program_settle and operation.kind == "program":
                self._cancel(operation)
        if start < self.ready_at or not self.powered or self.reset_low or self.faults.mute:
            return None
        foreign = frame.mode != mode
        if self.boot_read:
            self.boot_read = False
            self.changed()
            return None if foreign else self._reads.boot(frame, want)
        if clock < SHORTEST[mode]:
            self.reset_enabled = False
            return None
        usual = None if out or foreign else _USUAL.get((head, mode, frame.head_clocks, want))
        if usual is not None:
            quick = self._usual(usual, frame, start + frame.head_clocks * clock)
            if quick is not None:
                return bytes((quick,)) * want or None
        sent, extra_bits = head + out, 0
        if foreign:
            # lines that nobody drives while the controller samples count as low; what is a write stays one by its bits
            sent, extra_bits = as_seen(mode, edges(frame, head, out or bytes(min(want, _PAGE_OF_LOW + want % 64))))
        elif frame.dummy and not want:
            # the device takes what stands on the undriven lines for data
            length, extra_bits = divmod(frame.dummy * _BITS[mode], 8)
            sent = head + self.floating.fill(length) + out
        data_start = start + frame.head_clocks * clock
        stop = data_start + (len(out) + want) * frame.byte_halves * clock // 2 if end is None else end
        answer = self._obey(frame, sent, extra_bits, foreign, (data_start, stop, clock), want)
        if answer:
            self.floating.last = answer[-1]
        return answer

    def _usual(self, name: str, frame: Framing, data_start: int) -> int | None:
        """One of the usual frames in the usual state of the part: a short way to the same.

        Gives the register byte that is driven (any number where nothing is); None when this is another case.
        """
        if self.power_down or (frame.dqs and self.registers.cr2.get(CR2_DQS, 0) & DQSPRC):
            return None
        if name == "WREN":
            if self.operation is not None:
                return None
            self.status_polls = 0
            self._acts["WREN"](0, b"", 0)  # it looks at none of these
            self.reset_enabled = False
            return 0
        if name == "RDSCUR":
            self.status_polls = 0
            value = self.registers.scur
        else:
            if self.operation is not None:
                self.settle(data_start)
            self.status_polls = self.status_polls + 1 if self.operation else 0
            value = self.status
        self.reset_enabled = False
        self.floating.last = value
        return value

    def _cancel(self, operation: Operation) -> None:
        """CS# was not high for long enough after a page program: no program, WEL stays (Verilog model)."""
        if not operation.left:
            self.operation = None
            self.changed()

    def _obey(
        self, frame: Framing, sent: bytes, extra_bits: int, foreign: bool, times: tuple[int, int, int], want: int
    ) -> bytes | None:
        """Decode what arrived and do it."""
        after_enable, self.reset_enabled = self.reset_enabled, False
        opcode_bytes = OPCODE_BYTES[self.mode]
        decoded = DECODED[self.mode].get(sent[:opcode_bytes])
        if decoded is None:
            return None
        command, count = decoded.command, decoded.address
        rest = sent[opcode_bytes:]
        missing = count - len(rest)
        if command.kind != "write":
            if foreign:
                return None
            if missing > 0:
                rest += self.floating.fill(missing)  # it takes dummy clocks for the rest of its address
            address = int.from_bytes(rest[:count], "big")
            if not self._hears(command, address):
                return None
            return self._reads.answer(command, address, frame, times, want)
        if want and not foreign:
            # to the device a read phase is data like any other: it takes what stands on the undriven lines
            length, extra_bits = divmod(frame.dummy * _BITS[self.mode], 8)
            rest += self.floating.fill(length + want)
            missing = count - len(rest)
        # a write acts only on its exact number of bits; the tripwire does not bet a part on that
        exact = not extra_bits and decoded.least <= -missing <= decoded.most
        guarded = decoded.guarded
        if not exact and (foreign or not guarded):
            return None
        address, data = int.from_bytes(rest[:count], "big"), rest[count:]
        if not self._hears(command, address):
            return None
        self.status_polls = 0
        if (guarded or self.otp) and self._forbidden(command, address, data):
            return None
        if not exact:
            return None
        if command.wel and not self.wel:
            return None
        act = self._acts.get(command.name)
        if act is not None and (command.name != "RST" or after_enable):
            act(address, data, times[1])
        return None

    def _hears(self, command: Command, address: int) -> bool:
        """Whether the device listens to this command now (hw-flash 2.4, rules 4, 9 to 12)."""
        if self.power_down:
            return command.name in _IN_POWER_DOWN
        if self.operation is not None and not self._hears_busy(command, address):
            return False
        if self.suspended is not None and not command.suspended:
            return False
        if self.otp and not command.otp:
            return False
        return not command.individual or self.registers.individual

    def _hears_busy(self, command: Command, address: int) -> bool:
        """While WIP is 1: status and reset, and what concerns another bank; a part without banks is one bank."""
        assert self.operation is not None
        name = command.name
        if name in ("RDCR2", "WRCR2"):
            return address == CR2_CRC or (name == "RDCR2" and address >= CR2_BANKS)
        if name == "WRDI":
            return self.operation.kind == "suspending"
        if command.kind == "array":
            return self.busy_bank not in (-1, address % self.part.size // self.part.bank_size)
        return command.busy

    def _forbidden(self, command: Command, address: int, data: bytes) -> bool:
        """Whether this would stay on a real part for good; if so it is written down and not done."""
        why, where = command.forbidden, ""
        if self.otp and command.name in ("PP3B", "PP4B"):
            why, where = UNDOABLE, " into the OTP area"
        elif command.name == "WRCR2" and address == CR2_DEFAULT:
            why, where = UNDOABLE, " to 0x40000000"
        elif command.name == "WRSR" and not self.registers.cr & TB:
            # CR is the second byte in 1S, and what goes to address 1 in 8S and 8D
            control = data[1:] if self.mode == "1S" else data if address == 1 else b""
            if control and control[0] & TB:
                why, where = UNDOABLE, " with CR.TB"
        if why:
            self.tripwire.violation(f"NOR command {command.opcode:02X}h ({command.name}){where}: {why}")
        return bool(why)

    def serves_content(self, frame: Framing, head: bytes, now: int) -> bool:
        """Whether this read frame, sent at `now` with a clock that the part keeps up with, gives the plain array."""
        if now >= self.dies_at:
            self.power_off(self.dies_at)
        self.settle(now)
        if self.operation or self.suspended or self.otp or self.power_down or self.faults.mute or self.boot_read:
            return False
        if not self.powered or self.reset_low or now < self.ready_at or frame.mode != self.mode or not head:
            return False
        return self._reads.is_plain(COMMANDS.get(head[0]), frame, head)

    def drive_on(self, end: int) -> None:
        """A read of the plain array goes on up to address `end`, which is even; its last byte stays on the lines."""
        last = end - 2 if self.mode == "8D" else end - 1
        self.floating.last = self.content[last % self.part.size]

    def keeps_up(self, opcode: int, clock: int) -> bool:
        """Whether a read with `opcode` gives right data at a clock of this many picoseconds (hw-flash 4.3)."""
        command = COMMANDS.get(opcode)
        return command is not None and self._reads.keeps_up(command, clock)

    # ---- reset, power and state ----------------------------------------------------------------------------------

    def reset(self, at: int) -> None:
        """66h 99h, in any state: what was under way is lost, recovery time by what that was (hw-flash 4.2)."""
        self.ready_at = at + self.operations.recovery()
        self.operations.abort(at)
        self._to_defaults()

    def drive_reset(self, low: bool, now: int) -> None:
        """The RESET# pin. Low resets at once, however short the pulse (GUESS); nothing is heard until it is high."""
        if low == self.reset_low or not self.powered:
            self.reset_low = low
            return
        self.reset_low = low
        if low:
            self.settle(now)
            pulse = self.part.reset_pulse if self.power_down else 0
            self.reset(now)
            self.ready_at += pulse
        else:
            self.ready_at = max(self.ready_at, now + self.part.reset_high)
        self.changed()

    def _to_defaults(self) -> None:
        """The volatile state after any reset or power-up; the non-volatile bits stay."""
        self.registers.reset()
        self.protection.reset()
        self.ecc.clear()
        self.mode = self.registers.reset_mode
        self.wel = self.power_down = self.otp = self.reset_enabled = False
        self.boot_read = self.registers.boots
        self.burst = 0
        self.status_polls = 0
        self.changed()

    def power_off(self, now: int) -> None:
        """Power goes: what was under way leaves its region undefined, everything volatile is lost."""
        if not self.powered:
            return
        self.settle(now)
        self.operations.abort(now)
        self.powered = False
        self._to_defaults()

    def power_on(self, now: int) -> None:
        """Power comes; the part listens tVSL later."""
        if self.powered:
            return
        self.powered = True
        self.ready_at = now + self.part.power_up
        self.changed()

    def snapshot(self) -> NorState:
        """The state (the content is kept by its owner), JSON-able."""
        return saved.snapshot(self)

    def restore(self, state: NorState) -> None:
        """Take back what `snapshot` gave. Raises KeyError, TypeError, ValueError on anything else."""
        saved.restore(self, state)
