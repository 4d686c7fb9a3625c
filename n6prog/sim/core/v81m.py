"""Instructions of Armv8.1-M that Unicorn's Cortex-M33 does not know, or takes for others (Armv8-M ARM C2.4).

Low-overhead loops, conditional selects, CLRM, the branch-future hints and the long and saturating shifts are executed
here. `decode` finds them; what it gives is called with the registers and says where to go on. No MVE beyond the shifts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

LR, ZERO = 14, 15
_APSR_LIST = 1 << 15


class Machine(Protocol):
    """What an instruction works on: r0 to r12, SP (13), LR (14), and the flags."""

    def get(self, number: int) -> int:
        """A register."""
        ...

    def put(self, number: int, value: int) -> None:
        """Set a register."""
        ...

    def flags(self) -> int:
        """APSR."""
        ...

    def put_flags(self, value: int) -> None:
        """Set N, Z, C, V, Q and GE as in APSR."""
        ...


Operation = Callable[[Machine, int], int]  # (registers, its address) -> address of the next instruction


def holds(condition: int, flags: int) -> bool:
    """Whether a four-bit condition code holds for APSR `flags` (C1.3)."""
    n, z, c, v = (bool(flags >> bit & 1) for bit in (31, 30, 29, 28))
    truth = (z, c, n, v, c and not z, n == v, n == v and not z, True)[condition >> 1]
    return truth if condition in (14, 15) else truth != bool(condition & 1)


def decode(first: int, second: int) -> Operation | None:
    """The operation of a 32-bit encoding, None if it is not one of ours."""
    if first & 0xF800 == 0xF000 and second & 0xD001 == 0xC001:
        return _branch(first, second)
    if first & 0xFFF0 == 0xEA50:
        if second & 0x010F == 0x010D or second & 0x810F == 0x010F:
            return _long_shift(first & 15, second)
        if second & 0xC000 == 0x8000:
            return _select(first & 15, second)
    if first == 0xE89F and not second & 0x2000:
        return lambda machine, pc: _clear(machine, second, pc + 4)
    return None


# ---- low-overhead loops and branch future ----------------------------------------------------------------------------


def _branch(first: int, second: int) -> Operation | None:
    if first & 0x0780:  # BF, BFX, BFL, BFLX, BFCSEL: hints, the branch itself follows (CCR.LOB is clear)
        return lambda _machine, pc: pc + 4
    distance = (second & 0x7FE) << 1 | (second >> 11 & 1) << 1
    register = first & 15
    if first & 0xFFF0 == 0xF040 and register != ZERO:
        if second == 0xE001:
            return lambda machine, pc: _start(machine, register, pc + 4, pc + 4)
        if second & 0xF001 == 0xC001:
            return lambda machine, pc: _start(machine, register, pc + 4, pc + 4 + distance)
    if second & 0xF001 == 0xC001:
        if first == 0xF00F:
            return lambda machine, pc: _end(machine, pc + 4, pc + 4 - distance)
        if first == 0xF02F:
            return lambda _machine, pc: pc + 4 - distance
    if (first, second) == (0xF00F, 0xE001):  # LCTP: no tail predication to clear
        return lambda _machine, pc: pc + 4
    return None  # DLSTP, WLSTP, LETP are MVE


def _start(machine: Machine, register: int, body: int, after: int) -> int:
    """DLS and WLS: LR counts; zero rounds go straight behind the loop (of WLS only, `after` is the body for DLS)."""
    count = machine.get(register)
    if not count and after != body:
        return after
    machine.put(LR, count)
    return body


def _end(machine: Machine, after: int, body: int) -> int:
    """LE: once more while LR is above one; it stays one at the end."""
    count = machine.get(LR)
    if count <= 1:
        return after
    machine.put(LR, count - 1)
    return body


# ---- conditional select, CLRM ----------------------------------------------------------------------------------------


_CHANGES: tuple[Callable[[int], int], ...] = (
    lambda value: value,  # CSEL
    lambda value: value + 1,  # CSINC
    lambda value: ~value,  # CSINV
    lambda value: -value,  # CSNEG
)


def _select(register: int, second: int) -> Operation | None:
    condition, result, other = second >> 4 & 15, second >> 8 & 15, second & 15
    if condition >= 14 or 13 in (register, result, other) or result == 15:
        return None
    change = _CHANGES[second >> 12 & 3]

    def select(machine: Machine, pc: int) -> int:
        def source(number: int) -> int:
            return 0 if number == ZERO else machine.get(number)

        taken = holds(condition, machine.flags())
        machine.put(result, source(register) if taken else change(source(other)) & 0xFFFF_FFFF)
        return pc + 4

    return select


def _clear(machine: Machine, registers: int, after: int) -> int:
    for number in (*range(13), LR):
        if registers >> number & 1:
            machine.put(number, 0)
    if registers & _APSR_LIST:
        machine.put_flags(0)
    return after


# ---- shifts of 64 and 32 bits ----------------------------------------------------------------------------------------

Shift = Callable[[int, int], tuple[int, bool]]  # (value, amount to the left) -> result, whether it saturated


def _shifted(value: int, left: int, *, bits: int, signed: bool, rounding: bool, limit: int | None) -> tuple[int, bool]:
    """`value` of `bits` bits shifted left (right if negative); `limit` is the width it saturates to, or None."""
    number = value - (1 << bits) if signed and value >> (bits - 1) & 1 else value
    if left >= 0:
        number <<= min(left, 2 * bits)
    else:
        number = (number + (1 << (-left - 1) if rounding else 0)) >> -left
    saturated = False
    if limit is not None:
        low, high = (-(1 << (limit - 1)), (1 << (limit - 1)) - 1) if signed else (0, (1 << limit) - 1)
        saturated = not low <= number <= high
        number = min(max(number, low), high)
    return number & ((1 << bits) - 1), saturated


# (is it of 64 bits, bit 0 of the first halfword, bits 5:4 of the second): signed, to the left, rounding, saturating
_BY_CONSTANT = {
    (True, 0, 0): (False, True, False, False),  # LSLL
    (True, 0, 1): (False, False, False, False),  # LSRL
    (True, 0, 2): (True, False, False, False),  # ASRL
    (True, 1, 0): (False, True, False, True),  # UQSHLL
    (True, 1, 1): (False, False, True, False),  # URSHRL
    (True, 1, 2): (True, False, True, False),  # SRSHRL
    (True, 1, 3): (True, True, False, True),  # SQSHLL
    (False, 0, 0): (False, True, False, True),  # UQSHL
    (False, 0, 1): (False, False, True, False),  # URSHR
    (False, 0, 2): (True, False, True, False),  # SRSHR
    (False, 0, 3): (True, True, False, True),  # SQSHL
}
_BY_REGISTER = {
    (True, 0, 0): (False, True, False, False),  # LSLL
    (True, 0, 2): (True, False, False, False),  # ASRL
    (True, 1, 0): (False, True, True, True),  # UQRSHLL
    (True, 1, 2): (True, False, True, True),  # SQRSHRL
    (False, 0, 0): (False, True, True, True),  # UQRSHL
    (False, 0, 2): (True, False, True, True),  # SQRSHR
}


def _long_shift(low_field: int, second: int) -> Operation | None:
    high = (second >> 8 & 0xE) | 1
    wide = high != 15
    kind = (wide, low_field & 1 if wide else 0, second >> 4 & 3)
    if high == 13 or (not wide and low_field in (13, 15)):
        return None
    low = low_field & 0xE if wide else low_field
    bits = 64 if wide else 32
    if second & 15 == 15:
        rule = _BY_CONSTANT.get(kind)
        constant = (second >> 12 & 7) << 2 | second >> 6 & 3
        return _shift(rule, low, high if wide else None, bits, constant or 32, None) if rule else None
    if second & 0x4F == 0x0D and (wide or not second & 0x80):
        rule = _BY_REGISTER.get(kind)
        limit = 48 if second & 0x80 else bits
        return _shift(rule, low, high if wide else None, bits, limit, second >> 12) if rule else None
    return None


def _shift(
    rule: tuple[bool, bool, bool, bool], low: int, high: int | None, bits: int, number: int, register: int | None
) -> Operation:
    """A shift by `number`, or by `register` with saturation to `number` bits."""
    signed, to_left, rounding, saturating = rule

    def shift(machine: Machine, pc: int) -> int:
        amount, limit = number, bits
        if register is not None:
            amount = ((machine.get(register) & 0xFF) ^ 0x80) - 0x80  # the bottom byte, signed
            limit = number
        value = machine.get(low) | (machine.get(high) << 32 if high is not None else 0)
        result, saturated = _shifted(
            value,
            amount if to_left else -amount,
            bits=bits,
            signed=signed,
            rounding=rounding,
            limit=limit if saturating else None,
        )
        machine.put(low, result & 0xFFFF_FFFF)
        if high is not None:
            machine.put(high, result >> 32)
        if saturated:
            machine.put_flags(machine.flags() | 1 << 27)  # Q
        return pc + 4

    return shift
