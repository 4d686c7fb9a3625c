"""XSPI: registers, triggers, flags, indirect write and read (hw-soc 7.2, 7.3).

A transfer is worked out as a whole when it is triggered; the flags follow from the time at which somebody looks. A
status read that shows nothing new for the second time in a row, or nothing to fetch between two bursts of a read, waits
for the next event, so polling loops cost little.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from n6prog.sim.clock import PS_PER_SECOND, Timeline
from n6prog.sim.nor.wire import Framing, swap_pairs
from n6prog.sim.soc.block import Block
from n6prog.sim.soc.patience import Patience
from n6prog.sim.soc.xspi_fifo import ReadStream, WriteStream
from n6prog.sim.soc.xspi_frame import framing_of, head_of, swaps
from n6prog.sim.soc.xspi_map import (
    ABORT,
    ABR,
    APMS,
    AR,
    BUSY,
    CALFCR,
    CCR,
    COMMAND,
    CR,
    CR_QUIET_BITS,
    DCR1,
    DCR2,
    DHQC,
    DLR,
    DR,
    EN,
    FCR,
    FIFO,
    FTF,
    IDLE,
    IR,
    MAPPED,
    NEVER,
    POLL,
    READ,
    SIDR,
    SMF,
    SR,
    TCF,
    TCR,
    TEF,
    TOF,
    WRITABLE,
    WRITE,
)
from n6prog.sim.soc.xspi_poll import Poller
from n6prog.sim.soc.xspi_window import Window

if TYPE_CHECKING:
    from n6prog.sim.soc.soc import Soc

# status reads of the NOR in a row that found it busy before the next one waits for it
_STATUS_PATIENCE = 8


class Xspi(Block):
    """One XSPI. `number` is 1, 2 or 3; the way to the NOR and the clocks are asked of the chip around it."""

    def __init__(self, number: int, base: int, soc: Soc) -> None:
        super().__init__(f"XSPI{number}", base)
        self.number = number
        self._soc = soc
        self.cost = soc.model.xspi_register
        self._patience = Patience()
        self._nor_patience = Patience()
        self._poller = Poller(self, soc)
        self.window = Window(self, soc)
        self.input = ReadStream()  # these two for life: xspi_hot holds them
        self.output = WriteStream()
        self._clear()

    def _clear(self) -> None:
        """Registers and transfer as after a reset of the block."""
        self.words = {}
        self.state = IDLE
        self.flags = 0
        self.threshold = 1
        self.seen = -1  # what the last access showed, if that was a read of SR
        self._frame: Framing = framing_of(0, 0)
        self._head = b""
        self._clock = 0
        self._byte = 1  # picoseconds of a data byte
        self._total = 0
        self._end = 0  # when a command is over
        self._finished = False  # TCF of this transfer was raised
        self.input.clear()
        self.output.clear()
        self.window.closed()

    # ---- bus side ------------------------------------------------------------------------------------------------

    def read(self, address: int, size: int) -> int:
        """A register read of `size` bytes."""
        offset = address & 0x3FF
        time = self._soc.time
        time.now += self.cost
        if offset == DR:
            self.seen = -1
            if self.state == READ:
                source = self.input
                value = source.pop(address, size, time)
                if source.popped == source.total:
                    self._finish()
                    self.state = IDLE
                return value
            return int.from_bytes(self._poller.data[:size], "little") if self.state == POLL else 0
        if offset == SR:
            return self._look(time) & ((1 << 8 * size) - 1)
        self.seen = -1
        return super().read(address, size)

    def write(self, address: int, size: int, value: int) -> None:
        """A register write of `size` bytes."""
        time = self._soc.time
        time.now += self.cost
        self.seen = -1
        if address & 0x3FF == DR:
            if (self.state == WRITE or self._start_write(time)) and self.output.push(size, value, time):
                self._complete_write()
        elif size == 4:
            self.store(address & 0x3FC, value)
        else:
            super().write(address, size, value)

    def load(self, offset: int) -> int:
        """A register other than SR and DR; what is not there reads 0."""
        if offset == SIDR:
            return 0xA3C5_DD01  # the size id OpenOCD's driver looks for (GUESS for this block)
        if offset == SR:
            return self._status(self._soc.time.now)
        return self.words.get(offset, 0)

    def store(self, offset: int, value: int) -> None:
        """Write a register other than DR."""
        now = self._soc.time.now
        if offset == FCR:
            self._status(now)
            self.flags &= ~(value & (TEF | TCF | SMF | TOF))
            return
        if offset == CR:
            self._control(value, now)
            return
        mask = WRITABLE.get(offset)
        if mask is None:
            return
        if self.state != IDLE and self._status(now) & BUSY:
            return  # command registers are not listened to while BUSY (GUESS; HAL always waits)
        self.words[offset] = value & mask
        if offset == DCR2 and not (self.words.get(0x220) or self.words.get(0x228)):
            self.words[CALFCR] = 0x0010_0020  # the calibration a prescaler write arms, done at once
        if offset in (IR, AR):
            self._trigger(offset, now)

    # ---- control and triggers ------------------------------------------------------------------------------------

    def _control(self, value: int, now: int) -> None:
        """A write to CR."""
        old = self.words.get(CR, 0)
        was_mapped = self.state == MAPPED
        busy = bool(self._status(now) & BUSY)
        if value & ABORT and busy:
            self._stop(now)
            self.flags |= TCF
            busy = False
        if busy:
            value = value & ~CR_QUIET_BITS | old & CR_QUIET_BITS
        value &= WRITABLE[CR]
        self.words[CR] = value
        self.threshold = (value >> 8 & 0x3F) + 1
        if not value & EN:
            self._stop(now)
            self.state = IDLE
        elif value >> 28 & 3 == 3:
            if self.state == IDLE:
                self.state = MAPPED
                self.window.closed()
        elif self.state == MAPPED:
            self.state = IDLE
        if was_mapped or self.state == MAPPED:
            self._soc.mapping_changed()

    def _stop(self, now: int) -> None:
        """NCS rises in mid-transfer; whole bytes of a write that are out by now have reached the device."""
        output = self.output
        if self.state == WRITE and (output.wedged or not output.complete):
            out = bytes(output.sent[: len(output.sent) - output.level(now)])
            if self._frame.byte_halves == 1:
                out = out[: len(out) & ~1]
            if out:
                self._hand_over(out, now)
        if self.state == MAPPED:
            self.window.closed()
        else:
            self.state = IDLE
        self._patience.reset()

    def _trigger(self, offset: int, now: int) -> None:
        """A write to IR or AR: does it start something? (table in hw-soc 7.3)"""
        control = self.words.get(CR, 0)
        mode = control >> 28 & 3
        if not control & EN or mode == 3:
            return
        ccr = self.words.get(CCR, 0)
        addressed = bool(ccr >> 8 & 7)
        if offset != (AR if addressed else IR):
            return
        if not ccr >> 24 & 7:
            self._begin()
            self._command(now)
        elif mode:
            self._begin()
            if self._out_of_range():
                return
            if mode == 1:
                self._start_read()
            else:
                self.state = POLL
                self._poller.start(now)

    def _begin(self) -> None:
        """Take the frame from the registers."""
        words = self.words
        self._frame = framing_of(words.get(CCR, 0), words.get(TCR, 0) & 0x1F)
        self._head = head_of(self._frame, words.get(IR, 0), words.get(AR, 0), words.get(ABR, 0))
        self._clock = self.clock()
        self._byte = max(self._frame.byte_halves * self._clock // 2, 1)
        length = words.get(DLR, 0)
        self._total = length + 1 if length != 0xFFFF_FFFF else self.device_size() - words.get(AR, 0)
        self._finished = False

    def clock(self) -> int:
        """Picoseconds of one CLK."""
        hertz = self._soc.rcc.xspi_hz(self.number)
        return PS_PER_SECOND * ((self.words.get(DCR2, 0) & 0xFF) + 1) // hertz if hertz else NEVER

    def device_size(self) -> int:
        """Bytes of the device by DCR1.DEVSIZE."""
        return 2 << (self.words.get(DCR1, 0) >> 16 & 0x1F)

    def _out_of_range(self) -> bool:
        """TEF: an indirect transfer that starts beyond the device (exact rule GUESS)."""
        if self._frame.address.lines and self.words.get(AR, 0) >= self.device_size():
            self.flags |= TEF
            return True
        return False

    def _delayed_hold_mistake(self) -> bool:
        """With the delay-hold bit on, a DTR command goes out only if CCR.DDTR is set too (HAL comment)."""
        return bool(
            self.words.get(TCR, 0) & DHQC and self._frame.instruction.dtr and not self.words.get(CCR, 0) >> 27 & 1
        )

    def on_wire(
        self, start: int, clock: int, frame: Framing, head: bytes, out: bytes = b"", want: int = 0
    ) -> bytes | None:
        """One frame to whatever the pins lead to, in the order of the wire; None when nothing answered."""
        route = self._soc.route(self.number)
        widest = max(frame.instruction.lines, frame.address.lines, frame.data.lines)
        if not route.reaches(widest):
            return None
        answer = self._soc.nor.transaction(start, clock, frame, head, out, want)
        return answer if route.hears(widest) else None

    def sampled(self, frame: Framing, answer: bytes | None, length: int) -> bytes:
        """What the data register holds: the answer, or what floats on the lines; pairs swapped by the memory type."""
        data = answer if answer is not None else self._soc.nor.floating.fill(length)
        return swap_pairs(data) if swaps(frame, self.memory_type()) else data

    def poll_frame(self, start: int) -> tuple[bytes, int, int]:
        """One frame of automatic polling at `start`: the bytes, its duration and the length of a clock."""
        frame, total = self._frame, self._total
        answer = self.on_wire(start, self._clock, frame, self._head, b"", total)
        return self.sampled(frame, answer, total), frame.head_clocks * self._clock + total * self._byte, self._clock

    # ---- commands without data -----------------------------------------------------------------------------------

    def _command(self, now: int) -> None:
        if not self._delayed_hold_mistake():
            self.on_wire(now, self._clock, self._frame, self._head)
        self.state = COMMAND
        self._end = now + self._frame.head_clocks * self._clock

    # ---- indirect read and write -------------------------------------------------------------------------------

    def memory_type(self) -> int:
        """DCR1.MTYP."""
        return self.words.get(DCR1, 0) >> 24 & 7

    def _start_read(self) -> None:
        self._wait_with_status_polls()
        now = self._soc.time.now
        frame, total = self._frame, self._total
        answer = self.on_wire(now, self._clock, frame, self._head, b"", total)
        strobed = not frame.dqs or (answer is not None and self._soc.nor.drives_dqs)
        # an odd number of DTR bytes leaves the last one out and BUSY stuck; without strobe edges nothing comes at all
        cap = 0 if not strobed else total & ~1 if frame.byte_halves == 1 else total
        begin = now + frame.head_clocks * self._clock
        self.input.start(self.sampled(frame, answer, total), cap, begin, self._byte)
        self.state = READ

    def _wait_with_status_polls(self) -> None:
        """A program that reads the NOR's status over and over waits for the NOR: let it, in one step."""
        nor, time = self._soc.nor, self._soc.time
        if nor.status_polls < _STATUS_PATIENCE:
            self._nor_patience.reset()
        elif nor.faults.stuck_wip:
            self._nor_patience.wait(time)
        else:
            time.advance_to(nor.busy_until)

    def _start_write(self, time: Timeline) -> bool:
        """The first write of DR: does it start a transfer?"""
        control = self.words.get(CR, 0)
        if not control & EN or control >> 28 & 3 or not self.words.get(CCR, 0) >> 24 & 7:
            return False
        if self.state != IDLE and self._status(time.now) & BUSY:
            return False
        self._begin()
        if self._out_of_range():
            return False
        self.state = WRITE
        self.output.start(self._total, time.now + self._frame.head_clocks * self._clock, self._byte)
        return True

    def _complete_write(self) -> None:
        """All bytes are in: the frame is known."""
        if self._frame.byte_halves == 1 and self._total % 2:
            self.output.wedged = True  # odd DTR length: the last byte never leaves
            return
        self._hand_over(bytes(self.output.sent), self.output.dry)

    def _hand_over(self, out: bytes, end: int) -> None:
        """The frame reaches the device; NCS rises at `end`."""
        if swaps(self._frame, self.memory_type()):
            out = swap_pairs(out)
        duration = self._frame.head_clocks * self._clock + len(out) * self._frame.byte_halves * self._clock // 2
        self.on_wire(end - duration, self._clock, self._frame, self._head, out)

    def _finish(self) -> None:
        """TCF rises, once a transfer."""
        if not self._finished:
            self._finished = True
            self.flags |= TCF

    # ---- status --------------------------------------------------------------------------------------------------

    def _status(self, now: int) -> int:
        """SR as it stands at `now`."""
        state = self.state
        if state == WRITE:
            level = self.output.level(now)
            if level == 0 and self.output.complete:
                self._finish()
                self.state = IDLE
                return self.flags | FTF
            return self.flags | BUSY | level << 8 | (FTF if FIFO - level >= self.threshold else 0)
        if state == READ:
            count = self.input.arrived(now)
            level = count - self.input.popped
            whole = count == self.input.total
            if whole:
                self._finish()
            return self.flags | BUSY | level << 8 | (FTF if level >= self.threshold or (whole and level) else 0)
        if state == COMMAND:
            if now < self._end:
                return self.flags | BUSY | FTF
            self._finish()
            self.state = IDLE
        elif state == POLL:
            if self._poller.matched(now):
                self.flags |= SMF
                if self.words.get(CR, 0) & APMS:
                    self.state = IDLE
                    return self.flags
            return self.flags | BUSY
        elif state == MAPPED:
            if self.window.timed_out(now):
                self.flags |= TOF
            return self.flags | (BUSY if self.window.open_until > now else 0)
        return self.flags | (0 if self.words.get(CR, 0) >> 28 & 3 else FTF)

    def _next_event(self, now: int) -> int:
        """When the flags change next by themselves; NEVER when they do not."""
        state = self.state
        if state == WRITE:
            return self.output.next_event(now, self.threshold)
        if state == READ:
            return self.input.next_event(self.threshold)
        if state == COMMAND:
            return self._end
        if state == POLL:
            return self._poller.next_event()
        return self.window.open_until if state == MAPPED and self.window.open_until > now else NEVER

    def _look(self, time: Timeline) -> int:
        """A read of SR by a program."""
        value = self._status(time.now)
        between_bursts = self.state == READ and self.input.popped > 0  # the next change is at most a FIFO away
        if value & 0x3F == self.seen or (between_bursts and not value & FTF):
            event = self._next_event(time.now)
            if event < NEVER:
                time.advance_to(event)
                value = self._status(time.now)
            else:
                self._patience.wait(time)
        else:
            self._patience.reset()
        self.seen = value & 0x3F
        return value

    @property
    def is_mapped(self) -> bool:
        """Whether the window answers."""
        return self.state == MAPPED

    # ---- reset and state -----------------------------------------------------------------------------------------

    def reset(self) -> None:
        """A reset of the block: NCS rises, all is forgotten."""
        self._stop(self._soc.time.now)
        self._clear()
        self._soc.mapping_changed()

    def snapshot(self) -> dict[str, object]:
        """The state, JSON-able; without a transfer under way, which its driver has finished or given up by then."""
        self._status(self._soc.time.now)
        return {**super().snapshot(), "flags": self.flags, "mapped": self.state == MAPPED}

    def restore(self, state: Mapping[str, object]) -> None:
        """Take back what `snapshot` gave."""
        self._clear()
        super().restore(state)
        flags = state["flags"]
        self.flags = flags if isinstance(flags, int) else 0
        self.threshold = (self.words.get(CR, 0) >> 8 & 0x3F) + 1
        self.state = MAPPED if state["mapped"] else IDLE
