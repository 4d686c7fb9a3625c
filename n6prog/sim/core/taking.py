"""What becomes of a fault, an SVC, a BKPT or an interrupt: taken, escalated, caught by the debugger, or lockup."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from n6prog.sim.bootrom import rom as bootrom
from n6prog.sim.core import exceptions as exc
from n6prog.sim.core import ppb as regs
from n6prog.sim.core.engine import Engine, Event
from n6prog.sim.core.exception_unit import Unit
from n6prog.sim.core.inspector import Inspector
from n6prog.sim.core.registers import CFBP, XPSR, Registers
from n6prog.sim.soc.bus import BusFault
from n6prog.sim.soc.soc import Soc

ENTRY_CYCLES = 12  # GUESS: exception entry and return, each; on top of what the handler's instructions take


@dataclass(frozen=True, slots=True)
class FaultRecord:
    """The newest fault: kind as in exceptions.FAULTS, and the address of the instruction."""

    kind: str
    pc: int


class Owner(Protocol):
    """The core's run control."""

    @property
    def debug_enabled(self) -> bool:
        """Whether a debugger has set C_DEBUGEN."""
        ...

    def halt(self, reason: int) -> None:
        """Enter debug state; `reason` is the DFSR bit."""
        ...

    def lock_up(self) -> None:
        """No exception can be taken any more."""
        ...


class Taking:
    """`record` is the newest fault; with `stop_on_fault` a fault halts the core instead of being handled."""

    def __init__(
        self, owner: Owner, engine: Engine, registers: Registers, ppb: regs.Ppb, inspector: Inspector, soc: Soc
    ) -> None:
        self._owner = owner
        self._engine = engine
        self._registers = registers
        self._ppb = ppb
        self._nvic = ppb.nvic
        self._inspector = inspector
        self._soc = soc
        self._unit = Unit(engine, registers, ppb.nvic, self._vector, ppb.saves_float)
        self.record: FaultRecord | None = None
        self.stop_on_fault = False

    def _can_take(self, number: int) -> bool:
        return self._nvic.can_take(number, self._registers.read(CFBP))

    def breakpoint(self, pc: int) -> None:
        """A BKPT that no debugger waits for: DebugMonitor if that is on, else HardFault."""
        if self._ppb.words.get(regs.DEMCR, 0) & regs.MON_EN and self._can_take(exc.DEBUGMON):
            self._ppb.set_bits(regs.DFSR, regs.DFSR_BKPT)
            self.enter(exc.DEBUGMON, pc, 0)
        else:
            self._ppb.set_bits(regs.HFSR, exc.HFSR_DEBUGEVT)
            self.record = FaultRecord("bkpt", pc)
            self._hard(pc, 0)

    def fault(self, event: Event) -> None:
        """The engine stopped with a fault."""
        kind = self._inspector.name(event.kind, event.pc)
        fault = exc.FAULTS[kind]
        self.record = FaultRecord(kind, event.pc)
        self._ppb.set_bits(regs.CFSR, fault.cfsr)
        if fault.cfsr & exc.CFSR_BFARVALID:
            self._ppb.words[regs.BFAR] = event.address
        if fault.cfsr & exc.CFSR_MMARVALID:
            self._ppb.words[regs.MMFAR] = event.address
        if self.stop_on_fault:
            self._owner.halt(regs.DFSR_VCATCH)
        else:
            self.synchronous(fault.exception, event.pc, fault.catch)

    def synchronous(self, number: int, return_address: int, catch: int) -> None:
        """A fault or SVC: taken if priorities allow, else a HardFault. `catch`: vector catch bits of its cause."""
        if self._can_take(number):
            self.enter(number, return_address, catch)
        else:
            self._ppb.set_bits(regs.HFSR, exc.HFSR_FORCED)
            self._hard(return_address, catch)

    def _hard(self, return_address: int, catch: int) -> None:
        if self._can_take(exc.HARD):
            self.enter(exc.HARD, return_address, catch)
        else:  # in HardFault or NMI, or with FAULTMASK set
            self._lock_up()

    def _lock_up(self) -> None:
        self._owner.lock_up()
        self._vector_catch(exc.VC_HARDERR)

    def enter(self, number: int, return_address: int, catch: int) -> None:
        """Take exception `number`: push the frame, fetch the vector, go there (or lock up)."""
        self._engine.clock.advance(self._engine.cpu.duration(ENTRY_CYCLES))
        self._inspector.event = True  # B3.30: entry and return are events
        code, problem = self._unit.push(return_address)
        if problem is not None:
            self.record = FaultRecord(problem, return_address)
            self._ppb.set_bits(regs.CFSR, exc.FAULTS[problem].cfsr)
            catch |= exc.FAULTS[problem].catch
            number = self._derived(number, exc.FAULTS[problem].exception)
        if not self._unit.enter(number, code):
            self._ppb.set_bits(regs.HFSR, exc.HFSR_VECTTBL)
            catch |= exc.VC_INTERR
            self._nvic.deactivate(number)
            if number == exc.HARD or not self._unit.enter(exc.HARD, code):
                self._lock_up()
                return
            number = exc.HARD
        self._vector_catch(catch | (exc.VC_HARDERR if number == exc.HARD else 0))

    def _derived(self, original: int, derived: int) -> int:
        """Which exception to enter after `derived` came up while `original` was being entered (B3.24)."""
        if not self._nvic.outranks(exc.HARD, original):
            return original  # HardFault and NMI go on without a frame
        self._nvic.pend(original)
        if self._nvic.enabled >> derived & 1 and self._nvic.outranks(derived, original):
            return derived
        self._ppb.set_bits(regs.HFSR, exc.HFSR_FORCED)
        return exc.HARD

    def _vector_catch(self, catch: int) -> None:
        """Halt if DEMCR asks for it: for the fault itself also where it escalated to HardFault (GUESS)."""
        if self._owner.debug_enabled and catch & self._ppb.words.get(regs.DEMCR, 0):
            self._owner.halt(regs.DFSR_VCATCH)

    def leave(self, code: int) -> bool:
        """BX to an EXC_RETURN value; False if that ended in a fault."""
        if not self._registers.read(XPSR) & 0x1FF:  # Thread mode: an address like others, where nothing executes
            self.fault(Event("mpu-fetch", code & ~1, code & ~1))
            return False
        self._engine.clock.advance(self._engine.cpu.duration(ENTRY_CYCLES))
        self._inspector.event = True
        problem = self._unit.leave(code)
        if problem is not None:
            self.fault(Event(problem, code & ~1))
        return problem is None

    def _vector(self, number: int) -> int:
        return self.load_word(self._ppb.words.get(regs.VTOR, 0) + 4 * number)

    def load_word(self, address: int) -> int:
        """A word as the vector fetch sees it. Raises BusFault, BusHang."""
        view = self._engine.ram.view(address, 4)
        if view is not None:
            self._engine.ram.check_read(address, 4)
            return int.from_bytes(view, "little")
        start = (address & ~0x1000_0000) - (bootrom.BASE & ~0x1000_0000)
        if 0 <= start < bootrom.SIZE:
            return int.from_bytes(self._engine.rom[start : start + 4], "little")
        if not 0x4000_0000 <= address < 0xE000_0000:
            raise BusFault(address)
        self._soc.time = self._engine.clock
        return self._soc.read(address, 4)
