"""USART1 and LPUART1: transmit, receive, their FIFOs, interrupts, and the time a frame takes.

A byte is handed on when it is written to TDR; the transmitter is busy for its frame after that. What comes in arrives a
frame after it was sent, one after the other, whoever looks. Pins are not looked at: what is sent arrives.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from n6prog.sim.clock import PS_PER_SECOND, PS_PER_US, Timeline
from n6prog.sim.soc import uart_map as reg
from n6prog.sim.soc.block import Block
from n6prog.sim.soc.irq import NEVER
from n6prog.sim.soc.patience import Patience

if TYPE_CHECKING:
    from n6prog.sim.soc.soc import Soc

_SENDER = 10 * PS_PER_SECOND // 115_200  # a frame of the other end while this one has no bit rate
_TIGHT = 5 * PS_PER_US  # status reads that follow each other as fast as that wait for something
_LONGEST = 500 * PS_PER_US  # one wait; shorter than a tick, so that none is lost
_PATIENCE, _IDLE_POLL = 64, 20 * PS_PER_US  # waiting for input: that many reads for nothing, then each takes so long
_LEAST_DIVIDER = {False: 16, True: 0x300}  # BRR below that is no bit rate; LPUART1 counts in 256ths


class Uart(Block):
    """One UART. `irq` is the NVIC number, `kernel_hz` its kernel clock now, `low_power` makes it an LPUART.

    `changed` is called when a register access may have moved the interrupt line.

    `sent` is all it ever sent; `on_sent` is told of each byte.
    """

    def __init__(
        self,
        name: str,
        base: int,
        irq: int,
        soc: Soc,
        kernel_hz: Callable[[], int],
        changed: Callable[[], None],
        *,
        low_power: bool = False,
    ) -> None:
        super().__init__(name, base)
        self.irq = irq
        self.sent = bytearray()
        self.on_sent: Callable[[int], None] | None = None
        self._soc = soc
        self._kernel_hz = kernel_hz
        self._changed = changed
        self._low_power = low_power
        self._patience = Patience()
        self._inbox: deque[tuple[int, int]] = deque()  # bytes on their way here, and when they were sent
        self._line_free = 0  # when the last of them was in
        self._clear()

    def _clear(self) -> None:
        self._busy_until: deque[int] = deque()  # ends of the frames in the transmitter, the first is on the line
        self._received: deque[int] = deque()
        self._flags = 0  # ORE and IDLE
        self._complete = True  # TC has not been cleared since the transmitter last fell idle
        self._idle_at = NEVER
        self._seen, self._seen_at, self._polls = -1, 0, 0

    # ---- the line ------------------------------------------------------------------------------------------------

    def bit(self) -> int:
        """Picoseconds of a bit, 0 without a bit rate (BRR, PRESC, OVER8, kernel clock)."""
        divider = self.words.get(reg.BRR, 0)
        hertz = self._kernel_hz() // reg.PRESCALERS[min(self.words.get(reg.PRESC, 0) & 0xF, 11)]
        if self.words.get(reg.CR1, 0) & reg.OVER8 and not self._low_power:
            divider = (divider & 0xFFF0 | (divider & 7) << 1) // 2
        if divider < _LEAST_DIVIDER[self._low_power] // (2 if self.words.get(reg.CR1, 0) & reg.OVER8 else 1):
            return 0
        if not hertz:
            return 0
        return divider * PS_PER_SECOND // (hertz * (256 if self._low_power else 1))

    def _word(self) -> int:
        """Bits of a word, the parity bit included."""
        control = self.words.get(reg.CR1, 0)
        return 7 if control & reg.M1 else 9 if control & reg.M0 else 8

    def frame(self) -> int:
        """Picoseconds of a whole frame, 0 without a bit rate."""
        stop = reg.STOP_HALVES[self.words.get(reg.CR2, 0) >> 12 & 3]
        return self.bit() * (2 * (1 + self._word()) + stop) // 2

    @property
    def _depth(self) -> int:
        return reg.FIFO if self.words.get(reg.CR1, 0) & reg.FIFOEN else 1

    def _on(self, what: int) -> bool:
        return self.words.get(reg.CR1, 0) & (reg.UE | what) == reg.UE | what

    def receive(self, data: bytes, sent_at: int) -> None:
        """The other end sends `data` at `sent_at` (picoseconds), at this end's own bit rate."""
        self._inbox.extend((byte, sent_at) for byte in data)

    def _arrival(self) -> int:
        """When the next byte on its way is in."""
        if not self._inbox:
            return NEVER
        return max(self._inbox[0][1], self._line_free) + (self.frame() or _SENDER)

    def _settle(self, now: int) -> None:
        """Let happen what has happened by `now`."""
        while self._busy_until and self._busy_until[0] <= now:
            self._busy_until.popleft()
        while self._inbox and (arrival := self._arrival()) <= now:
            if self._idle_at <= arrival - self.frame():
                self._flags |= reg.IDLE
            self._line_free = arrival
            self._take(self._inbox.popleft()[0])
        if self._idle_at <= now and self._arrival() - self.frame() >= self._idle_at:
            self._flags |= reg.IDLE
            self._idle_at = NEVER

    def _take(self, byte: int) -> None:
        """A byte is in: kept, or lost for want of room or of a receiver."""
        if not self._on(reg.RE) or not self.frame():
            return
        self._idle_at = self._line_free + self.frame()
        if len(self._received) < self._depth:
            self._received.append(byte & self._data_mask())
        elif self.words.get(reg.CR3, 0) & reg.OVRDIS:
            self._received[-1] = byte & self._data_mask()
        else:
            self._flags |= reg.ORE

    def _data_mask(self) -> int:
        parity = 1 if self.words.get(reg.CR1, 0) & reg.PCE else 0
        return (1 << self._word() - parity) - 1

    def _transmit(self, value: int, now: int) -> None:
        if not self._on(reg.TE) or self._waiting() >= self._depth:
            return  # no transmitter, or no room: lost
        frame = self.frame()
        start = max(now, self._busy_until[-1]) if self._busy_until else now
        self._busy_until.append(start + frame if frame else NEVER)
        self._complete = True
        if frame:
            byte = value & self._data_mask() & 0xFF
            self.sent.append(byte)
            if self.on_sent is not None:
                self.on_sent(byte)

    def _waiting(self) -> int:
        """Entries of the transmit register or FIFO in use: what is on the line has left it."""
        return max(len(self._busy_until) - 1, 0)

    # ---- registers -----------------------------------------------------------------------------------------------

    def load(self, offset: int) -> int:
        """Read; RDR takes a byte out, and a status read in a tight loop waits for news."""
        time = self._soc.time
        self._settle(time.now)
        if offset == reg.ISR:
            return self._look(time)
        self._seen = -1
        if offset == reg.RDR:
            value = self._received.popleft() if self._received else 0
            self._changed()
            return value
        return 0 if offset in (reg.TDR, reg.ICR, reg.RQR) else self.words.get(offset, 0)

    def store(self, offset: int, value: int) -> None:
        """Write."""
        now = self._soc.time.now
        self._settle(now)
        self._seen = -1
        if offset == reg.TDR:
            self._transmit(value, now)
        elif offset == reg.CR1:
            self._control(value)
        elif offset == reg.ICR:
            self._flags &= ~(value & (reg.ORECF | reg.IDLECF))
            self._complete = self._complete and not value & reg.TCCF
        elif offset == reg.RQR:
            self._request(value)
        elif offset not in (reg.ISR, reg.RDR) and not (offset in reg.SET_UP and self._on(0)):
            self.words[offset] = value
        self._changed()

    def _control(self, value: int) -> None:
        old = self.words.get(reg.CR1, 0)
        if old & value & reg.UE:
            value = value & ~reg.SET_UP_CR1 | old & reg.SET_UP_CR1
        self.words[reg.CR1] = value
        if old & reg.UE and not value & reg.UE:
            self._clear()

    def _request(self, value: int) -> None:
        if value & reg.RXFRQ:
            self._received.clear()
        if value & reg.TXFRQ:
            while len(self._busy_until) > 1:
                self._busy_until.pop()

    def _status(self, now: int) -> int:
        """ISR at `now`, after `_settle`."""
        fifo, waiting, count = self._depth > 1, self._waiting(), len(self._received)
        value = self._flags
        value |= reg.TEACK if self._on(reg.TE) else 0
        value |= reg.REACK if self._on(reg.RE) else 0
        value |= reg.TXE if waiting < self._depth else 0
        value |= reg.TC if self._complete and not self._busy_until else 0
        value |= reg.RXNE if count else 0
        value |= reg.BUSY if self._inbox and self._arrival() - (self.frame() or _SENDER) <= now else 0
        if fifo:
            control = self.words.get(reg.CR3, 0)
            value |= reg.TXFE if not waiting else 0
            value |= reg.RXFF if count == reg.FIFO else 0
            value |= reg.RXFT if count >= reg.THRESHOLDS[min(control >> 25 & 7, 5)] else 0
            value |= reg.TXFT if reg.FIFO - waiting >= reg.THRESHOLDS[min(control >> 29 & 7, 5)] else 0
        return value

    def _look(self, time: Timeline) -> int:
        value = self._status(time.now)
        if value == self._seen and time.now - self._seen_at <= _TIGHT:
            self._polls += 1
            event = self._next_event(time.now)
            if event < NEVER:
                self._patience.wait_for(time, min(event, time.now + _LONGEST), self._soc.horizon)
            elif self._polls > _PATIENCE:
                time.advance_to(min(time.now + _IDLE_POLL, self._soc.horizon))
            self._settle(time.now)
            value = self._status(time.now)
        else:
            self._patience.reset()
        if value != self._seen:
            self._polls = 0
            self._patience.reset()
        self._seen, self._seen_at = value, time.now
        return value

    def _next_event(self, now: int) -> int:
        """When the status changes next by itself."""
        ends = self._busy_until[0] if self._busy_until else NEVER
        return min((moment for moment in (ends, self._arrival(), self._idle_at) if moment > now), default=NEVER)

    # ---- interrupts ----------------------------------------------------------------------------------------------

    def irq_level(self, now: int) -> bool:
        """Whether the interrupt line is high at `now`."""
        self._settle(now)
        status, cr1, cr3 = self._status(now), self.words.get(reg.CR1, 0), self.words.get(reg.CR3, 0)
        if not cr1 & reg.UE:
            return False
        wanted = cr1 & (reg.IDLEIE | reg.TCIE | reg.TXEIE)  # these enables stand where their flags do
        wanted |= reg.RXNE | reg.ORE if cr1 & reg.RXNEIE else 0
        wanted |= reg.TXFE if cr1 & reg.TXFEIE else 0
        wanted |= reg.RXFF if cr1 & reg.RXFFIE else 0
        wanted |= reg.ORE if cr3 & reg.EIE else 0
        wanted |= reg.TXFT if cr3 & reg.TXFTIE else 0
        wanted |= reg.RXFT if cr3 & reg.RXFTIE else 0
        return bool(status & wanted)

    def next_irq(self, now: int) -> int:
        """The earliest time after `now` at which the line may rise by itself; NEVER while none is enabled."""
        enabled = self.words.get(reg.CR1, 0) & (
            reg.IDLEIE | reg.RXNEIE | reg.TCIE | reg.TXEIE | reg.TXFEIE | reg.RXFFIE
        ) or self.words.get(reg.CR3, 0) & (reg.EIE | reg.TXFTIE | reg.RXFTIE)
        return self._next_event(now) if enabled and self._on(0) else NEVER

    # ---- reset and state -----------------------------------------------------------------------------------------

    def reset(self) -> None:
        """A reset of the block; what is on its way here keeps coming."""
        super().reset()
        self._clear()

    def power_reset(self) -> None:
        """Power came on: nothing is on the line."""
        self.reset()
        self._inbox.clear()
        self._line_free = 0

    def snapshot(self) -> dict[str, object]:
        """The state, JSON-able; what was sent and what is on its way belong to the other end."""
        self._settle(self._soc.time.now)
        return {
            **super().snapshot(),
            "transmitter": list(self._busy_until),
            "received": list(self._received),
            "flags": self._flags,
            "complete": self._complete,
            "idle": self._idle_at,
        }

    def restore(self, state: Mapping[str, object]) -> None:
        """Take back what `snapshot` gave. Raises TypeError on what it did not."""
        super().restore(state)
        self._clear()
        transmitter, received, flags, idle = (state[key] for key in ("transmitter", "received", "flags", "idle"))
        if not isinstance(transmitter, list) or not isinstance(received, list):
            raise TypeError(f"{self.name}: the FIFOs are missing")
        if not isinstance(flags, int) or not isinstance(idle, int):
            raise TypeError(f"{self.name}: the flags are missing")
        self._busy_until, self._received = deque(map(int, transmitter)), deque(map(int, received))
        self._flags, self._idle_at, self._complete = flags, idle, bool(state["complete"])
