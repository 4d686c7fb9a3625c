"""The NOR flash: what it does with each frame between CS# falling and CS# rising.

Rules are those of hw-flash 2.4 (Macronix's Verilog model); times come in as picoseconds of virtual time. An operation
takes effect when somebody looks at a time past its end, so nothing has to run while the NOR is busy.
"""

from __future__ import annotations

from typing import TypedDict

from n6prog.sim.nor.array import Array
from n6prog.sim.nor.commands import COMMANDS, Command
from n6prog.sim.nor.faults import NorFaults
from n6prog.sim.nor.floating import FloatingBus
from n6prog.sim.nor.frames import FrameLog, Operation, frame_of
from n6prog.sim.nor.operations import Operations
from n6prog.sim.nor.parts import NorFacts
from n6prog.sim.nor.reads import Reads
from n6prog.sim.nor.registers import CR2_CRC, CR2_DEFAULT, TB, WEL, WIP, Registers
from n6prog.sim.nor.wire import Framing, as_seen, edges
from n6prog.sim.tripwire import Tripwire

_BUSY_BY_ADDRESS = frozenset({"RDCR2", "WRCR2"})
_IN_POWER_DOWN = frozenset({"RDP", "RSTEN", "RST"})


class NorState(TypedDict):
    """The volatile state, JSON-able."""

    mode: str
    bp: int
    cr: int
    scur: int
    cr2: dict[str, int]
    wel: bool
    powered: bool
    power_down: bool
    otp: bool
    burst: int
    reset_enabled: bool
    ready_at: int
    operation: dict[str, object] | None
    suspended: dict[str, object] | None
    double_programmed: list[int]
    floating: dict[str, int]


class NorDevice:
    """One NOR part over `content` (writable, as long as the part). `seed` and `undriven` shape the floating bus."""

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
        self.tripwire = tripwire or Tripwire()
        self.floating = FloatingBus(seed, undriven)
        self.faults = faults or NorFaults()
        self.registers = Registers()
        self.frames = FrameLog()
        self.mode = "1S"
        self.wel = False
        self.powered = True
        self.power_down = False
        self.otp = False
        self.burst = 0  # bytes of a wrapped read, 0 for linear
        self.reset_enabled = False
        self.ready_at = 0  # nothing is heard before (power-up, recovery after a reset)
        self.status_polls = 0  # status reads in a row that found WIP set
        self.operation: Operation | None = None
        self.suspended: Operation | None = None  # its `end` is what was left, counted from 0
        self._reads = Reads(self)
        self._operations = Operations(self)

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
        """Numbers of the 16-byte chunks programmed more than once since their erase: their ECC is off."""
        return self.array.double_programmed

    @property
    def status(self) -> int:
        """SR as it stands."""
        return (WIP if self.operation else 0) | (WEL if self.wel else 0) | (self.registers.bp << 2)

    def next_change(self, moment: int) -> int | None:
        """The next time after `moment` at which the NOR changes by itself, None when it stays as it is."""
        times = [time for time in (self.busy_until, self.ready_at) if time > moment]
        if not times or (self.operation and self.faults.stuck_wip):
            return None
        return min(times)

    def settle(self, moment: int) -> None:
        """Let everything happen that is over by `moment`."""
        if self.operation and self.operation.end <= moment and not self.faults.stuck_wip:
            self._operations.complete(self.operation)

    # ---- one frame ---------------------------------------------------------------------------------------------

    def transaction(
        self, start: int, clock: int, frame: Framing, head: bytes, out: bytes = b"", want: int = 0
    ) -> bytes | None:
        """One frame from CS# falling at `start` to CS# rising.

        `clock` is the length of a clock in picoseconds, `head` the instruction, address and alternate bytes, `out` the
        data the controller sends, `want` the number of bytes it samples. All in the order of the wire. Returns `want`
        bytes as sampled, or None when the device drove nothing.
        """
        self.frames.note(frame_of(frame, start, head, out, want or len(out)))
        operation = self.operation
        if operation is not None and operation.end <= start:
            self.settle(start)
        if not self.powered or start < self.ready_at or self.faults.mute:
            self.reset_enabled = False
            return None
        sent, extra_bits = head + out, 0
        if frame.dummy and out:
            sent, extra_bits = self._with_dummies(frame, head, out)
        foreign = frame.mode != self.mode
        if foreign:
            sent, extra_bits = as_seen(self.mode, edges(frame, head, out))
        data_start = start + frame.head_clocks * clock
        stop = data_start + (len(out) + want) * frame.byte_halves * clock // 2
        answer = self._obey(frame, sent, extra_bits, foreign, (data_start, stop, clock), want)
        if answer is None or foreign:
            return None
        if answer:
            self.floating.last = answer[-1]
        return answer

    def _with_dummies(self, frame: Framing, head: bytes, out: bytes) -> tuple[bytes, int]:
        """A write with dummy clocks: the device takes what stands on the undriven lines for data."""
        bits = frame.dummy * {"1S": 1, "8S": 8, "8D": 16}.get(frame.mode, 8)
        return head + self.floating.fill(bits // 8) + out, bits % 8

    def _obey(
        self, frame: Framing, sent: bytes, extra_bits: int, foreign: bool, times: tuple[int, int, int], want: int
    ) -> bytes | None:
        """Decode what arrived and do it."""
        spi = self.mode == "1S"
        after_enable, self.reset_enabled = self.reset_enabled, False
        if spi:
            if not sent:
                return None
            rest = sent[1:]
        else:
            if len(sent) < 2 or sent[0] ^ sent[1] != 0xFF:
                return None
            rest = sent[2:]
        command = COMMANDS.get(sent[0])
        if command is None or self.mode not in command.modes:
            return None
        count = command.spi_address if spi else command.opi_address
        address = int.from_bytes(rest[:count], "big")
        if not self._accepts(command, address):
            return None
        if command.kind == "read":
            if foreign or len(rest) < count:
                return None
            return self._reads.answer(command, address, frame, times, want)
        if want or extra_bits or len(rest) < count:
            return None  # a write acts only on its exact number of bits
        self.status_polls = 0
        self._operations.act(command, address, rest[count:], times[1], after_enable)
        return None

    def _accepts(self, command: Command, address: int) -> bool:
        """Whether the device listens to this command now (hw-flash 2.4, rules 4, 9, 11)."""
        if self.power_down:
            return command.name in _IN_POWER_DOWN
        if self.operation:
            return command.busy and (command.name not in _BUSY_BY_ADDRESS or address == CR2_CRC)
        return not (self.suspended and not command.suspended)

    def refuse_forever(self, command: Command, address: int, data: bytes) -> bool:
        """Whether this would change a real part for good; if so it is written down and not done."""
        otp_program = self.otp and command.name in ("PP3B", "PP4B")
        otp_default = command.name == "WRCR2" and address == CR2_DEFAULT
        control = data[1] if self.mode == "1S" and len(data) == 2 else data[0] if address == 1 and data else 0
        top_bottom = command.name == "WRSR" and bool(control & TB) and not self.registers.cr & TB
        if not (command.forever or otp_program or otp_default or top_bottom):
            return False
        what = f"NOR command {command.opcode:02X}h ({command.name})"
        if otp_program:
            what += " into the OTP area"
        elif otp_default:
            what += " to 0x40000000"
        elif top_bottom:
            what += " with CR.TB"
        self.tripwire.violation(f"{what}: cannot be undone on a real part")
        return True

    @property
    def drives_dqs(self) -> bool:
        """Whether reads come with a strobe: always in 8D, in 8S when CR2 200h says so, never in 1S."""
        return self.mode == "8D" or (self.mode == "8S" and bool(self.registers.cr2.get(0x200, 0) & 2))

    def serves_content(self, frame: Framing, head: bytes, now: int) -> bool:
        """Whether this read frame, sent at `now`, gives the plain bytes of the array."""
        self.settle(now)
        if self.operation or self.suspended or self.otp or self.burst or self.power_down or self.faults.mute:
            return False
        if not self.powered or now < self.ready_at or frame.mode != self.mode or not head:
            return False
        return self._reads.is_plain(COMMANDS.get(head[0]), frame, head)

    # ---- power and state ---------------------------------------------------------------------------------------

    def power_off(self, now: int) -> None:
        """Power goes: what was under way leaves its region undefined, everything volatile is lost."""
        if not self.powered:
            return
        self.settle(now)
        self._operations.abort()
        self._operations.to_defaults()
        self.powered = False

    def power_on(self, now: int) -> None:
        """Power comes; the part listens tVSL later."""
        if self.powered:
            return
        self.powered = True
        self.ready_at = now + self.part.power_up

    def snapshot(self) -> NorState:
        """The volatile state (the content is kept by its owner), JSON-able."""
        return {
            "mode": self.mode,
            "bp": self.registers.bp,
            "cr": self.registers.cr,
            "scur": self.registers.scur,
            "cr2": {str(address): value for address, value in self.registers.cr2.items()},
            "wel": self.wel,
            "powered": self.powered,
            "power_down": self.power_down,
            "otp": self.otp,
            "burst": self.burst,
            "reset_enabled": self.reset_enabled,
            "ready_at": self.ready_at,
            "operation": self.operation.as_json() if self.operation else None,
            "suspended": self.suspended.as_json() if self.suspended else None,
            "double_programmed": sorted(self.array.double_programmed),
            "floating": self.floating.snapshot(),
        }

    def restore(self, state: NorState) -> None:
        """Take back what `snapshot` gave."""
        self.mode = state["mode"]
        self.registers = Registers(
            state["bp"], state["cr"], state["scur"], {int(address): value for address, value in state["cr2"].items()}
        )
        self.wel = state["wel"]
        self.powered = state["powered"]
        self.power_down = state["power_down"]
        self.otp = state["otp"]
        self.burst = state["burst"]
        self.reset_enabled = state["reset_enabled"]
        self.ready_at = state["ready_at"]
        self.operation = Operation.from_json(state["operation"]) if state["operation"] else None
        self.suspended = Operation.from_json(state["suspended"]) if state["suspended"] else None
        self.array.double_programmed = set(state["double_programmed"])
        self.floating.restore(state["floating"])
