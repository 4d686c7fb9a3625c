"""Which exceptions are enabled, pending and active, and who may interrupt whom (Armv8-M ARM B3.9 to B3.13, D1.2).

Sets of exceptions are integers with one bit an exception number (interrupt n is 16 + n). One security state: what the
Secure side sees, as development boot never leaves it. AIRCR.PRIS and BFHFNMINS have no effect.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from n6prog.sim.soc.irq import NEVER, IrqSource

IRQS = 195  # CMSIS header: the last is 194 (hw-soc 1.3)
PRIORITY_MASK = 0xF0  # __NVIC_PRIO_BITS = 4
RESET, NMI, HARD, MEMMANAGE, BUS, USAGE, SVC, DEBUGMON, PENDSV, SYSTICK = 1, 2, 3, 4, 5, 6, 11, 12, 14, 15
IDLE = 256  # execution priority of Thread mode with nothing active
_FIXED = {RESET: -4, NMI: -2, HARD: -1}
_EXTERNAL = ((1 << IRQS) - 1) << 16
_MASKABLE_BY_DEBUGGER = _EXTERNAL | 1 << PENDSV | 1 << SYSTICK  # what DHCSR.C_MASKINTS holds back
_PRIORITISED = frozenset((MEMMANAGE, BUS, USAGE, SVC, DEBUGMON, PENDSV, SYSTICK, *range(16, 16 + IRQS)))
_ALWAYS = sum(1 << number for number in (NMI, HARD, SVC, PENDSV, SYSTICK))

# Offsets from the system control space at 0xE000_E000.
_ENABLE, _PRIORITY = 0x100, 0x400
_ISER, _ICER, _ISPR, _ICPR = range(4)  # banks of 0x80 from 0x100 on; then IABR, and ITNS that reads 0
ICSR, SHPR, SHCSR, STIR = 0xD04, 0xD18, 0xD24, 0xF00
_SHCSR_ACTIVE = {0: MEMMANAGE, 1: BUS, 2: HARD, 3: USAGE, 5: NMI, 7: SVC, 8: DEBUGMON, 10: PENDSV, 11: SYSTICK}
_SHCSR_PENDING = {12: USAGE, 13: MEMMANAGE, 14: BUS, 15: SVC, 21: HARD}
_SHCSR_ENABLE = {16: MEMMANAGE, 17: BUS, 18: USAGE}
_ICSR_SET = {31: NMI, 28: PENDSV, 26: SYSTICK}
_ICSR_CLEAR = {30: NMI, 27: PENDSV, 25: SYSTICK}


def _numbers(bits: int) -> Iterator[int]:
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def serves(offset: int) -> bool:
    """Whether the register at that offset of the system control space is kept here."""
    return _ENABLE <= offset < _PRIORITY + 0x100 or offset in (ICSR, SHCSR, STIR) or SHPR <= offset < SHPR + 12


class Nvic:
    """The state, and its registers."""

    def __init__(self) -> None:
        self.sources: Sequence[IrqSource] = ()
        self.reset()

    def reset(self) -> None:
        """Nothing enabled, pending or active; all priorities 0."""
        self.enabled = _ALWAYS
        self.pending = 0
        self.active = 0
        self.group = 0  # AIRCR.PRIGROUP
        self._priorities = bytearray(16 + IRQS)
        self._levels = 0
        self._live: list[IrqSource] = []

    # ---- priorities ------------------------------------------------------------------------------------------------

    def _group_priority(self, number: int) -> int:
        fixed = _FIXED.get(number)
        return fixed if fixed is not None else self._group_of(self._priorities[number])

    def _group_of(self, priority: int) -> int:
        return priority & ~((2 << self.group) - 1) & 0xFF

    def running_priority(self) -> int:
        """Priority of what is active, without the mask registers (the architecture's "raw execution priority")."""
        return min((self._group_priority(number) for number in _numbers(self.active)), default=IDLE)

    def execution_priority(self, masks: int) -> int:
        """The same with PRIMASK, BASEPRI and FAULTMASK, packed as DCRSR register 20 has them."""
        priority = self.running_priority()
        base = self._group_of(masks >> 8 & PRIORITY_MASK)
        if masks >> 8 & PRIORITY_MASK:
            priority = min(priority, base)
        if masks & 1:
            priority = min(priority, 0)
        if masks >> 16 & 1:
            priority = min(priority, -1)
        return priority

    def can_take(self, number: int, masks: int) -> bool:
        """Whether a synchronous exception could be taken now (else it escalates)."""
        return bool(self.enabled >> number & 1) and self._group_priority(number) < self.execution_priority(masks)

    def outranks(self, number: int, other: int) -> bool:
        """Whether `number` would preempt the handler of `other`."""
        return self._group_priority(number) < self._group_priority(other)

    def _first(self, bits: int) -> int | None:
        return min(_numbers(bits), key=lambda number: (self._full_priority(number), number), default=None)

    def _full_priority(self, number: int) -> int:
        fixed = _FIXED.get(number)
        return fixed if fixed is not None else self._priorities[number]

    def deliverable(self, masks: int, *, debugger_masks: bool = False) -> int | None:
        """The pending exception to take now, or None."""
        bits = self.pending & self.enabled
        if debugger_masks:
            bits &= ~_MASKABLE_BY_DEBUGGER
        number = self._first(bits)
        if number is None or self._group_priority(number) >= self.execution_priority(masks):
            return None
        return number

    def wakes(self, masks: int) -> bool:
        """Whether WFI ends: something would be taken if PRIMASK were clear (B3.29)."""
        return self.deliverable(masks & ~1) is not None

    # ---- life of an exception --------------------------------------------------------------------------------------

    def pend(self, number: int) -> None:
        """Make it pending."""
        self.pending |= 1 << number

    def activate(self, number: int) -> None:
        """It is being entered."""
        self.pending &= ~(1 << number)
        self.active |= 1 << number

    def deactivate(self, number: int) -> None:
        """Its handler returned; a line that is still high makes it pending again at the next look."""
        self.active &= ~(1 << number)

    def is_active(self, number: int) -> bool:
        """Whether its handler runs, or was interrupted."""
        return bool(self.active >> number & 1)

    # ---- lines -----------------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether there is anything to look at: something pending, or a line that is up or will rise."""
        return bool(self.pending or self._live)

    def lines_changed(self, now: int) -> bool:
        """Some block's line or its next time may have changed; says whether there is anything to follow."""
        self._live = [source for source in self.sources if source.irq_level(now) or source.next_irq(now) < NEVER]
        self._levels &= sum(1 << (16 + source.irq) for source in self._live)
        self.sample(now)
        return self.busy

    def sample(self, now: int) -> None:
        """Look at the lines: a high one pends, unless its handler runs and it was high already."""
        for source in self._live:
            bit = 1 << (16 + source.irq)
            if not source.irq_level(now):
                self._levels &= ~bit
            elif not (self.active & self._levels & bit):
                self.pending |= bit
                self._levels |= bit

    def next_line(self, now: int) -> int:
        """When a line may next rise by itself (picoseconds), NEVER if none will."""
        return min((max(source.next_irq(now), now + 1) for source in self._live), default=NEVER)

    # ---- registers -------------------------------------------------------------------------------------------------

    def read(self, offset: int) -> int:
        """A word by its offset from 0xE000_E000."""
        if offset == ICSR:
            return self._icsr()
        if offset == SHCSR:
            return self._shcsr()
        if SHPR <= offset < SHPR + 12:
            return self._read_priorities(4 + offset - SHPR)
        if offset >= _PRIORITY:
            return self._read_priorities(16 + offset - _PRIORITY)
        bank, index = divmod(offset - _ENABLE, 0x80)
        bits = (self.enabled, self.enabled, self.pending, self.pending, self.active, 0)[bank]
        return bits >> (16 + 8 * index) & 0xFFFF_FFFF

    def write(self, offset: int, value: int) -> None:
        """Write a word. Priorities have writes of their own, `write_priorities`."""
        if offset == ICSR:
            self._write_icsr(value)
        elif offset == SHCSR:
            self._write_shcsr(value)
        elif offset == STIR:
            self.pending |= (1 << (16 + (value & 0x1FF))) & _EXTERNAL
        elif offset < _PRIORITY:
            bank, index = divmod(offset - _ENABLE, 0x80)
            bits = (value << (16 + 8 * index)) & _EXTERNAL
            if bank == _ISER:
                self.enabled |= bits
            elif bank == _ICER:
                self.enabled &= ~bits
            elif bank == _ISPR:
                self.pending |= bits
            elif bank == _ICPR:
                self.pending &= ~bits

    def is_priority(self, offset: int) -> bool:
        """Whether the byte at that offset is a priority field (IPR, SHPR), which takes byte and halfword writes."""
        return SHPR <= offset < SHPR + 12 or _PRIORITY <= offset < _PRIORITY + 0x100

    def write_priorities(self, offset: int, data: bytes) -> None:
        """Priority bytes; the low four bits of each read as zero, the fixed ones take nothing."""
        first = 4 + offset - SHPR if offset >= SHPR else 16 + offset - _PRIORITY
        for number, value in enumerate(data, first):
            if number < len(self._priorities) and number in _PRIORITISED:
                self._priorities[number] = value & PRIORITY_MASK

    def _read_priorities(self, first: int) -> int:
        return int.from_bytes(self._priorities[first : first + 4].ljust(4, b"\0"), "little")

    def _icsr(self) -> int:
        active = min(_numbers(self.active), key=lambda number: (self._group_priority(number), number), default=0)
        first = self._first(self.pending & self.enabled) or 0
        value = active | first << 12
        value |= (self.active & (self.active - 1) == 0) << 11  # RETTOBASE
        value |= bool(self.pending & _EXTERNAL) << 22
        value |= bool(self.pending & self.enabled & _EXTERNAL) << 23  # ISRPREEMPT: taken when debug state is left
        return value | sum(1 << bit for bit, number in _ICSR_SET.items() if self.pending >> number & 1)

    def _write_icsr(self, value: int) -> None:
        for bit, number in _ICSR_SET.items():
            if value >> bit & 1:
                self.pend(number)
        for bit, number in _ICSR_CLEAR.items():
            if value >> bit & 1 and not value >> (bit + 1) & 1:
                self.pending &= ~(1 << number)

    def _shcsr(self) -> int:
        value = sum(1 << bit for bit, number in _SHCSR_ACTIVE.items() if self.active >> number & 1)
        value |= sum(1 << bit for bit, number in _SHCSR_PENDING.items() if self.pending >> number & 1)
        return value | sum(1 << bit for bit, number in _SHCSR_ENABLE.items() if self.enabled >> number & 1)

    def _write_shcsr(self, value: int) -> None:
        def put(state: int, table: dict[int, int]) -> int:
            for bit, number in table.items():
                state = state & ~(1 << number) | (value >> bit & 1) << number
            return state

        fixed = self.active & (1 << NMI | 1 << HARD)  # read-only here
        self.active = put(self.active, _SHCSR_ACTIVE) & ~(1 << NMI | 1 << HARD) | fixed
        self.pending = put(self.pending, _SHCSR_PENDING)
        self.enabled = put(self.enabled, _SHCSR_ENABLE)

    def snapshot(self) -> dict[str, object]:
        """The state, JSON-able."""
        return {
            "enabled": hex(self.enabled),
            "pending": hex(self.pending),
            "active": hex(self.active),
            "levels": hex(self._levels),
            "group": self.group,
            "priorities": self._priorities.hex(),
        }

    def restore(self, state: dict[str, object]) -> None:
        """Take back what `snapshot` gave; the caller then calls `lines_changed`."""
        self.enabled, self.pending = int(str(state["enabled"]), 16), int(str(state["pending"]), 16)
        self.active, self._levels = int(str(state["active"]), 16), int(str(state["levels"]), 16)
        self.group = int(str(state["group"]))
        self._priorities = bytearray.fromhex(str(state["priorities"]))
