"""XSPI: registers, triggers, flags, the interrupt line (hw-soc 7.2, 7.3; RM0456 30.4 where that is silent).

A transfer is worked out when it is triggered, and reaches the NOR when NCS rises; the flags follow from the time at
which somebody looks. From the second in a row that shows nothing new on, a status read waits for the next event, longer
each time (`Patience`); between two bursts the first waits until there is something to fetch. So polling costs little.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from n6prog.sim.clock import Timeline
from n6prog.sim.soc.block import Block
from n6prog.sim.soc.irq import XSPI_IRQS
from n6prog.sim.soc.patience import Patience
from n6prog.sim.soc.xspi_map import (
    ABORT,
    ADDRESSED,
    APMS,
    AR,
    BUSY,
    CALSIR,
    CALSOR,
    CCR,
    CLEARABLE,
    COMMAND,
    CR,
    CR_QUIET_BITS,
    DCR1,
    DCR2,
    DLR,
    DR,
    DRAIN,
    EN,
    FCR,
    FIFO,
    FTF,
    IDLE,
    IR,
    IRQ_FLAGS,
    IRQ_SHIFT,
    MAPPED,
    NEVER,
    POLL,
    READ,
    SIDR,
    SMF,
    SR,
    STUCK,
    TCF,
    TOF,
    WRITABLE,
    WRITE,
)
from n6prog.sim.soc.xspi_poll import Poller
from n6prog.sim.soc.xspi_transfer import Transfer
from n6prog.sim.soc.xspi_window import Window
from n6prog.sim.soc.xspi_wire import Wire

if TYPE_CHECKING:
    from n6prog.sim.soc.soc import Soc


_WRITING = frozenset({WRITE, DRAIN})
_BUSY_STATES = frozenset({COMMAND, POLL, STUCK})


class Xspi(Block):
    """One XSPI. `number` is 1, 2 or 3; the way to the NOR and the clocks are asked of the chip around it."""

    def __init__(self, number: int, base: int, soc: Soc) -> None:
        super().__init__(f"XSPI{number}", base)
        self.number = number
        self.irq = XSPI_IRQS[number]
        self._soc = soc
        self.cost = soc.model.xspi_register
        self.patience = Patience()
        self.wire = Wire(self, soc)
        self.transfer = Transfer(self, soc)
        self.input, self.output = self.transfer.input, self.transfer.output
        self.poller = Poller(self, soc)
        self.window = Window(self, soc)
        self._clear()

    def _clear(self) -> None:
        """Registers and transfer as after a reset of the block."""
        self.words = {}
        self.state = IDLE
        self.flags = 0
        self._decode_control()
        self.seen = -1  # what the last access showed, if that was a read of SR
        for part in (self.wire, self.transfer, self.poller, self.window):
            part.clear()

    # ---- bus side ------------------------------------------------------------------------------------------------

    def read(self, address: int, size: int) -> int:
        """A register read of `size` bytes."""
        offset = address & 0x3FF
        if offset == SR:
            return self.look() & ((1 << 8 * size) - 1)
        time = self._soc.time
        time.now += self.cost
        self.seen = -1
        if offset != DR:
            return super().read(address, size)
        value = self._take(address, size, time)
        if self.interrupts:
            self._soc.irq_changed()
        return value

    def _take(self, address: int, size: int, time: Timeline) -> int:
        """A read of DR: from the FIFO, or what the last poll saw; else 0."""
        if self.state == READ:
            value = self.input.pop(address, size, time)
            if self.input.popped == self.input.total:
                self._close(self.input.moment_of(self.input.total))
            return value
        if self.mode == 2:
            self._status(time.now)
            return self.poller.take(time.now) & ((1 << 8 * size) - 1)
        return 0

    def write(self, address: int, size: int, value: int) -> None:
        """A register write of `size` bytes."""
        time = self._soc.time
        time.now += self.cost
        self.seen = -1
        if address & 0x3FF == DR:
            if (self.state == WRITE or self._start_write(time.now)) and self.output.push(size, value, time):
                self.transfer.filled()
                self.state = DRAIN
        else:
            super().write(address, size, value)
        if self.interrupts:
            self._soc.irq_changed()

    def load(self, offset: int) -> int:
        """A register other than DR, as it stands; what is not there reads 0."""
        if offset == SR:
            return self._status(self._soc.time.now)
        if offset == SIDR:
            return 0xA3C5_DD01  # the size id OpenOCD's driver looks for (GUESS for this block)
        return self.words.get(offset, 0)

    def store(self, offset: int, value: int) -> None:
        """Write a register other than DR."""
        now = self._soc.time.now
        if offset == FCR:
            self._status(now)
            self.flags &= ~(value & CLEARABLE)
        elif offset == CR:
            self._control(value, now)
        elif offset in WRITABLE and not self._status(now) & BUSY:  # RM0456 30.4.15; EMB for AR
            self._set(offset, value & WRITABLE[offset], now)

    def _set(self, offset: int, value: int, now: int) -> None:
        """A register that only listens while BUSY is 0."""
        self.words[offset] = value
        if offset == DCR2:
            self.wire.calibrate = True
            self.wire.clock_changed()
        elif offset == DCR1:
            self.wire.device_changed()
        elif offset in (CALSOR, CALSIR):
            self.wire.calibrate = False
        elif offset in (IR, AR):
            self.trigger(offset, now)
        if self.state == MAPPED:
            self._soc.mapping_changed()

    # ---- control and triggers ------------------------------------------------------------------------------------

    def _control(self, value: int, now: int) -> None:
        """A write to CR."""
        old = self.load(CR)
        was_mapped = self.state == MAPPED
        busy = bool(self._status(now) & BUSY)
        if value & ABORT and busy and self.wire.clock() < NEVER:
            self._stop(now)
            self.flags |= TCF
            busy = False
        if busy:
            value = value & ~CR_QUIET_BITS | old & CR_QUIET_BITS
        self.words[CR] = value & WRITABLE[CR]
        self._decode_control()
        if not value & EN:
            self._stop(now)
            self.state = IDLE
        elif self.mode == 3:
            if self.state == IDLE:
                self.state = MAPPED
        elif self.state == MAPPED:
            self.state = IDLE
        if was_mapped or self.state == MAPPED:
            self._soc.mapping_changed()
        self._soc.irq_changed()

    def _decode_control(self) -> None:
        value = self.load(CR)
        self.threshold = (value >> 8 & 0x3F) + 1
        self.interrupts = value >> IRQ_SHIFT & IRQ_FLAGS  # the flags that raise the line
        self.mode = value >> 28 & 3  # FMODE

    def _stop(self, now: int) -> None:
        """NCS rises, the FIFO is flushed; of a command or a write the device gets what is out by now."""
        if self.state == MAPPED:
            self.window.raise_select(now)
            self.window.clear()
        else:
            if self.state in (COMMAND, WRITE, DRAIN):
                self.transfer.cut(now)
            if self.state not in (IDLE, STUCK):
                self.wire.raised(now, self.transfer.clock)
            self.state = IDLE
        self.input.clear()
        self.output.clear()
        self.patience.reset()

    def trigger(self, offset: int, now: int) -> None:
        """A write to IR or AR: does it start something? (table in hw-soc 7.3)"""
        ccr = self.words.get(CCR, 0)
        if offset == (AR if ccr & ADDRESSED else IR):
            self.begin(ccr, now)

    def begin(self, ccr: int, now: int) -> None:
        """The write that a frame by `ccr` begins with, where it needs no data first."""
        load, mode = self.words.get, self.mode
        if not load(CR, 0) & EN or mode == 3:
            return
        length = load(DLR, 0) + 1 if ccr >> 24 & 7 else 0
        if length and not mode:
            return  # waits for data
        if not self.transfer.latch(length, now):
            return
        if not length:
            self.state = COMMAND
            self.transfer.start_command()
        elif mode == 1:
            self.state = READ
            self.transfer.start_read()
        else:
            self.state = POLL
            self.poller.start(length)

    def _start_write(self, now: int) -> bool:
        """The first write of DR: does it start a transfer?"""
        load = self.words.get
        if not load(CR, 0) & EN or self.mode or not load(CCR, 0) >> 24 & 7:
            return False
        if (self.state != IDLE and self._status(now) & BUSY) or not self.transfer.latch(load(DLR, 0) + 1, now):
            return False
        self.state = WRITE
        self.transfer.start_write()
        return True

    def _close(self, moment: int) -> None:
        """The transfer is over: NCS rises at `moment`, TCF with it."""
        transfer = self.transfer
        if not transfer.told:
            transfer.told = True
            self.flags |= TCF
        self.wire.raised(moment, transfer.clock)
        self.state = IDLE

    # ---- status --------------------------------------------------------------------------------------------------

    def settle(self, now: int) -> None:
        """Let everything happen that is over by `now`: frames reach the NOR, flags rise."""
        self._status(now)

    def _status(self, now: int) -> int:
        """SR as it stands at `now`."""
        state = self.state
        if state == IDLE:
            return self.flags | self._resting(now)
        if state in _WRITING:
            level = self.output.level(now)
            if level or state == WRITE:
                return self.flags | BUSY | level << 8 | (FTF if FIFO - level >= self.threshold else 0)
            self.transfer.finish_write()
            self._close(self.output.dry)
        elif state == READ:
            count = self.input.arrived(now)
            level = count - self.input.popped
            whole = count == self.input.total
            if whole and not self.transfer.told:
                self.transfer.told = True
                self.flags |= TCF
            return self.flags | BUSY | level << 8 | (FTF if level >= self.threshold or (whole and level) else 0)
        elif state == COMMAND:
            if now >= self.transfer.end:
                self.transfer.finish_command()
                self._close(self.transfer.end)
        elif state == POLL:
            once = bool(self.words.get(CR, 0) & APMS)
            if self.poller.matched(now, once):
                self.flags |= SMF
                if once:
                    self.wire.raised(now, self.transfer.clock)
                    self.state = IDLE
        elif state == MAPPED and self.window.timed_out(now):
            self.flags |= TOF
        return self.flags | self._resting(now)

    def _resting(self, now: int) -> int:
        """BUSY and FTF where no data move through the FIFO."""
        state, mode = self.state, self.mode
        busy = state and (state in _BUSY_STATES or (state == MAPPED and self.window.touched))
        threshold = not mode or (mode == 2 and self.poller.fresh(now))
        return (BUSY if busy else 0) | (FTF if threshold else 0)

    def _next_event(self, now: int) -> int:
        """When the flags change next by themselves; NEVER when they do not."""
        state = self.state
        if state in (WRITE, DRAIN):
            return self.output.next_event(now, self.threshold)
        if state == READ:
            return self.input.next_event(self.threshold)
        if state == COMMAND:
            return self.transfer.end
        if state == POLL:
            return self.poller.next_event(every=bool(self.interrupts & FTF))
        return self.window.open_until if state == MAPPED and self.window.open_until > now else NEVER

    def look(self) -> int:
        """A read of SR by a program."""
        time = self._soc.time
        time.now += self.cost
        value = self._status(time.now)
        between_bursts = not value & FTF and self._has_moved()  # the next change is at most a FIFO away
        if value & 0x3F == self.seen or between_bursts:
            event, horizon = self._next_event(time.now), self._soc.horizon
            if event >= NEVER:
                self.patience.wait(time, horizon)
            elif self._has_moved():
                time.advance_to(min(event, horizon))
            else:
                self.patience.wait_for(time, event, horizon)
            value = self._status(time.now)
            if value & 0x3F != self.seen:
                self.patience.reset()
        else:
            self.patience.reset()
        self.seen = value & 0x3F
        return value

    def _has_moved(self) -> bool:
        """Whether data of the transfer under way have passed DR."""
        state = self.state
        return bool(self.input.popped if state == READ else state == WRITE and self.output.sent)

    @property
    def is_mapped(self) -> bool:
        """Whether the window answers."""
        return self.state == MAPPED

    def irq_level(self, now: int) -> bool:
        """Whether the interrupt line is high at `now`."""
        return bool(self.interrupts and self._status(now) & self.interrupts)

    def next_irq(self, now: int) -> int:
        """The earliest time after `now` at which the line may rise by itself."""
        if not self.interrupts or self.irq_level(now):
            return NEVER
        return self._next_event(now)

    # ---- reset and state -----------------------------------------------------------------------------------------

    def clock_changed(self) -> None:
        """RCC was written. Without a kernel clock what is under way never ends."""
        self.wire.clock_changed()
        if self.state not in (IDLE, MAPPED) and self.wire.clock() >= NEVER and self._status(self._soc.time.now) & BUSY:
            self.state = STUCK

    def let_go(self, now: int) -> None:
        """NCS rises at `now`, whatever was under way."""
        self._stop(now)

    def reset(self) -> None:
        """A reset of the block: NCS rises, all is forgotten."""
        self._stop(self._soc.time.now)
        self._clear()
        self._soc.mapping_changed()
        self._soc.irq_changed()

    def snapshot(self) -> dict[str, object]:
        """The state with the transfer under way, JSON-able."""
        self._status(self._soc.time.now)
        return {
            **super().snapshot(),
            "state": self.state,
            "flags": self.flags,
            "wire": self.wire.snapshot(),
            "transfer": self.transfer.snapshot(),
            "poller": self.poller.snapshot(),
            "window": self.window.snapshot(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `snapshot` gave."""
        self._clear()
        super().restore(state)
        self._decode_control()
        self.state, self.flags = int(state["state"]), int(state["flags"])
        self.wire.restore(state["wire"])
        self.transfer.restore(state["transfer"])
        self.poller.restore(state["poller"])
        self.window.restore(state["window"])
