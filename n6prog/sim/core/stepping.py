"""One instruction at a time. The emulator would run a whole IT block at once (sim.md 1.3), the core does not."""

from __future__ import annotations

from collections.abc import Callable

from n6prog.sim.core.engine import Engine
from n6prog.sim.core.registers import XPSR, Registers
from n6prog.sim.core.thumb import after_it, is_wide
from n6prog.sim.core.v81m import holds

_T_BIT = 1 << 24
_IT_BITS = 0x0600_FC00
_LAST = 8  # ITSTATE[3:0] of the last instruction of a block


def _it_state(xpsr: int) -> int:
    return xpsr >> 8 & 0xFC | xpsr >> 25 & 3


def _with_it_state(xpsr: int, state: int) -> int:
    return xpsr & ~_IT_BITS | (state & 0xFC) << 8 | (state & 3) << 25


def in_it_block(registers: Registers) -> bool:
    """Whether the next instruction is inside an IT block."""
    return bool(_it_state(registers.read(XPSR)))


def step_instruction(registers: Registers, engine: Engine, run: Callable[[int, int], None]) -> None:
    """Execute one instruction; `run(moment, count)` executes `count` of them and handles what comes up."""
    xpsr = registers.read(XPSR)
    pc = engine.pc
    first = int.from_bytes(engine.code_at(pc, 2), "little")
    before = _it_state(xpsr)
    after = after_it(before, first)
    opens = bool(after) and not before
    if not xpsr & _T_BIT or not (before or opens):
        run(engine.clock.now + 1, 1)
    elif opens or not holds(before >> 4, xpsr):
        engine.clock.advance(engine.cpu.instruction // 10)
        engine.pc = pc + (4 if is_wide(first) else 2)
        registers.write(XPSR, _with_it_state(xpsr, after))
        engine.ran = True
    else:
        # Outside of a block only 16-bit instructions would do something else (set flags); hooks can act only there.
        alone = 0 if is_wide(first) or first & 0xFF00 == 0xBF00 else before & 0xF0 | _LAST
        registers.write(XPSR, _with_it_state(xpsr, alone))
        run(engine.clock.now + 1, 1)
        if engine.pc == pc + (4 if is_wide(first) else 2):  # else it branched, or took an exception
            registers.write(XPSR, _with_it_state(registers.read(XPSR), after))
