"""The processor: runs, halts, steps, faults, takes interrupts. Time is lazy: nothing runs until somebody looks.

Causality: before the probe touches anything, the core is run until its own clock has reached the probe's. A core that
waits for a peripheral jumps ahead of that; a halt it then meets is shown only when the probe's clock gets there.

Interrupts are taken between blocks of instructions. A slice ends where one may come up: at the next SysTick, when a
line may rise, after a register write that may have made one pending, after an instruction that unmasks a pending one.
"""

from __future__ import annotations

from n6prog.sim.bootrom import rom as bootrom
from n6prog.sim.clock import Timeline, TimeModel
from n6prog.sim.core import exceptions as exc
from n6prog.sim.core import ppb as regs
from n6prog.sim.core.cpu_clock import CpuClock
from n6prog.sim.core.engine import Engine, Event, StopRequest
from n6prog.sim.core.exception_unit import T_BIT
from n6prog.sim.core.inspector import Inspector
from n6prog.sim.core.memory_map import Access
from n6prog.sim.core.mpu import Mpu
from n6prog.sim.core.ram import Ram
from n6prog.sim.core.registers import CFBP, MSP_S, MSPLIM_S, PSP_S, PSPLIM_S, XPSR, Registers
from n6prog.sim.core.stepping import in_it_block, step_instruction
from n6prog.sim.core.taking import FaultRecord, Taking
from n6prog.sim.core.watch import Watchpoints
from n6prog.sim.soc.irq import NEVER
from n6prog.sim.soc.soc import Soc

S_REGRDY, S_HALT, S_SLEEP, S_LOCKUP, S_SDE, S_RETIRE, S_RESET = (1 << bit for bit in (16, 17, 18, 19, 20, 24, 25))


class Core:
    """A Cortex-M55 in debug terms. `host` is the probe's clock, `clock` the core's own."""

    def __init__(self, ram: Ram, rom: bytearray, soc: Soc, host: Timeline, model: TimeModel) -> None:
        self.host = host
        self.clock = Timeline()
        self.mpu = Mpu()
        self.halted = False
        self.locked_up = False
        self.sleeping = False  # in WFI or WFE
        self.stalled = False  # waits for a slave that never answers
        self.held = True  # in reset, or without power
        self.reset_wanted = False
        self.return_trap: int | None = None  # SimBoard.call: a BKPT here ends the call
        self.returned = False
        self._for_event = False  # sleeping in WFE rather than WFI
        self._was_reset = True
        self._reset_catch = False
        self._in_slice = False
        self._engine: Engine | None = None
        self._soc = soc
        self.cpu = CpuClock(self.clock, model)
        self.ppb = regs.Ppb(self, self.cpu, self.mpu)
        self.nvic, self.systick = self.ppb.nvic, self.ppb.systick
        self.nvic.sources = soc.irq_sources
        soc.on_irq_changed = self._lines_changed
        access = Access(soc.read, soc.write, soc.readers, soc.writers, soc.hot, soc.hot_writes)
        self.engine = self._engine = Engine(
            ram, rom, access, Access(self.ppb.read, self.ppb.write), soc, self.clock, self.cpu, self.mpu
        )
        soc.on_mapping_changed = self.engine.mapping_changed
        soc.on_cpu_clock = self._clock_switched
        self.registers = Registers(self.engine)
        self.inspector = Inspector(self.engine, self.registers, self.ppb, soc.hot_runs)
        self.watchpoints = Watchpoints(self.engine, self.ppb)
        self.taking = Taking(self, self.engine, self.registers, self.ppb, self.inspector, soc)

    # ---- debug -----------------------------------------------------------------------------------------------------

    def debug_status(self) -> int:
        """Bits 16 to 31 of DHCSR as the probe sees them now; clears the sticky ones."""
        self._catch_reset()
        value = S_REGRDY | S_SDE
        if self.halted_for_host:
            value |= S_HALT
        elif self.locked_up:
            value |= S_LOCKUP
        elif self.sleeping:
            value |= S_SLEEP
        if self.engine.ran:
            value |= S_RETIRE
            self.engine.ran = False
        if self._was_reset:
            value |= S_RESET
            self._was_reset = False
        return value

    @property
    def halted_for_host(self) -> bool:
        """Whether the probe can know by now that the core is halted."""
        return self.halted and self.host.now >= self.clock.now

    def debug_control(self, value: int) -> None:
        """DHCSR was written: halt, step, resume."""
        self.ppb.dhcsr_control = value & 0x2F
        wants_halt = value & regs.C_HALT and value & regs.C_DEBUGEN
        if wants_halt:
            if not self.halted:
                self.halt(regs.DFSR_HALTED)
        elif self.halted:
            if value & regs.C_STEP and value & regs.C_DEBUGEN:
                self.step()
            else:
                self.resume()

    def transfer_register(self, selector: int, *, write: bool) -> None:
        """DCRSR was written."""
        if not self.halted:
            return
        if write:
            self.registers.write(selector, self.ppb.words.get(regs.DCRDR, 0))
        else:
            self.ppb.words[regs.DCRDR] = self.registers.read(selector) & 0xFFFF_FFFF

    def follow_soon(self) -> None:
        """A register was written that the core follows before its next instruction block."""
        if self._engine is not None:
            self._engine.break_soon()

    def request_reset(self) -> None:
        """AIRCR.SYSRESETREQ: from code it ends the slice, from the probe the board looks afterwards."""
        self.reset_wanted = True
        if self._in_slice:
            raise StopRequest

    def clear_exceptions(self) -> None:
        """AIRCR.VECTCLRACTIVE: a halted core forgets that it is in a handler."""
        if self.halted:
            self.nvic.active = 0
            self.registers.write(XPSR, self.registers.read(XPSR) & ~0x1FF)

    def code_rules_changed(self) -> None:
        """A register was written that decides which instructions trap (CPACR, CCR)."""
        if self._engine is not None:
            self._engine.forget_soon()

    @property
    def debug_enabled(self) -> bool:
        """Whether a debugger has set C_DEBUGEN."""
        return bool(self.ppb.dhcsr_control & regs.C_DEBUGEN)

    @property
    def _debugger_masks(self) -> bool:
        wanted = regs.C_DEBUGEN | regs.C_MASKINTS
        return self.ppb.dhcsr_control & wanted == wanted

    def _catch_reset(self) -> None:
        """VC_CORERESET: debug is closed at the vector, so the halt waits until the boot ROM opens AP1 (GUESS)."""
        if self._reset_catch and self._soc.dbgmcu.ap1_enabled:
            self._reset_catch = False
            if self.debug_enabled and self.ppb.words.get(regs.DEMCR, 0) & exc.VC_CORERESET and not self.halted:
                self.halt(regs.DFSR_VCATCH)

    def halt(self, reason: int) -> None:
        """Enter debug state; `reason` is the DFSR bit."""
        self.ppb.words[regs.DFSR] = self.ppb.words.get(regs.DFSR, 0) | reason
        if self.held:
            return
        if self.stalled:
            return  # the outstanding access never ends, so the halt never happens
        self.halted, self.locked_up, self.sleeping = True, False, False
        self.ppb.dhcsr_control |= regs.C_HALT

    def _leave_halt(self) -> None:
        self.halted = False
        if self.host.now > self.clock.now:
            self.cpu.idle += self.host.now - self.clock.now
            self.clock.now = self.host.now

    def resume(self) -> None:
        """Leave debug state."""
        self._leave_halt()

    def step(self) -> None:
        """Run one instruction, or take a pending interrupt, and halt again."""
        self._leave_halt()
        if not self._interrupted():
            step_instruction(self.registers, self.engine, self._slice)
        if not self.halted:
            self.halt(regs.DFSR_HALTED)

    @property
    def fault(self) -> FaultRecord | None:
        """The newest fault."""
        return self.taking.record

    @fault.setter
    def fault(self, record: FaultRecord | None) -> None:
        self.taking.record = record

    @property
    def stop_on_fault(self) -> bool:
        """Whether a fault halts the core instead of being handled (SimBoard.call)."""
        return self.taking.stop_on_fault

    @stop_on_fault.setter
    def stop_on_fault(self, wanted: bool) -> None:
        self.taking.stop_on_fault = wanted

    # ---- running ---------------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether time makes the core execute."""
        return not (self.halted or self.locked_up or self.stalled or self.held)

    @property
    def stuck(self) -> bool:
        """Whether the core waits, and nothing that is set up will ever wake it."""
        waits = self.sleeping or self.engine.spinning
        return waits and not self.nvic.busy and self.systick.next_exception() is None

    def run_to(self, moment: int) -> None:
        """Execute until the core's clock reaches `moment` (picoseconds), or it stops."""
        self._catch_reset()
        while self.running and self.clock.now < moment and not self.reset_wanted:
            self.engine.set_breakpoints(self.ppb.breakpoints())  # a new one may lie on the branch the core spins on
            if self._interrupted():
                continue
            until = min(moment, self._next_interrupt())
            if self.sleeping or self.engine.spinning:
                self.clock.advance_to(until)
            elif not self.registers.read(XPSR) & T_BIT:
                self._handle(Event("invstate", self.engine.pc))
            else:
                self._slice(until)

    def _slice(self, moment: int, count: int = 0) -> None:
        self.engine.set_breakpoints(self.ppb.breakpoints())
        self.watchpoints.follow()
        self._run_engine(moment, count)
        if self.watchpoints.hit:
            self._watched()

    def _run_engine(self, moment: int, count: int) -> None:
        self._soc.time, self._soc.horizon = self.clock, self._next_interrupt()
        self._in_slice = True
        try:
            event = self.engine.run(moment, count)
        finally:
            self._in_slice = False
            self._soc.horizon = NEVER
        if event is not None:
            self._handle(event)

    def _handle(self, event: Event) -> None:
        kind = event.kind
        if kind == "wfi":
            self.sleeping, self._for_event = True, False
        elif kind == "hang":
            self.stalled = True
        elif kind in ("bkpt", "break"):
            self._breakpoint(event)
        elif kind == "watch":  # the access is made, the instruction is not over: run it again, unwatched
            self.watchpoints.remove()
            step_instruction(self.registers, self.engine, self._run_engine)
        elif kind == "it":
            self._through_it_block()
        elif kind == "wfe":
            self.sleeping = self._for_event = not self.inspector.event
            self.inspector.event = False
        elif kind == "svc":
            self.taking.synchronous(exc.SVC, self.engine.pc, 0)
        elif kind == "return":
            self._return(self.engine.pc | 1)
        elif kind != "stop":
            self.taking.fault(event)

    def _breakpoint(self, event: Event) -> None:
        if event.kind == "bkpt" and event.pc == self.return_trap:
            self.returned = True
            self.halt(regs.DFSR_BKPT)
        elif self.debug_enabled:
            self.halt(regs.DFSR_BKPT)
        else:
            self.taking.breakpoint(event.pc)

    def _watched(self) -> None:
        """A data watchpoint matched; the access is over (the halt comes after it)."""
        self.watchpoints.hit = False
        if self.debug_enabled:
            if not self.halted:
                self.halt(regs.DFSR_DWTTRAP)
        elif self.ppb.words.get(regs.DEMCR, 0) & regs.MON_EN:
            self.ppb.set_bits(regs.DFSR, regs.DFSR_DWTTRAP)
            self.nvic.pend(exc.DEBUGMON)

    def _return(self, code: int) -> None:
        """BX to an EXC_RETURN value."""
        to_thread = self.taking.leave(code) and code & exc.RETURN_MODE
        if to_thread and self.ppb.words.get(regs.SCR, 0) & regs.SLEEPONEXIT:
            self.sleeping, self._for_event = True, False

    def lock_up(self) -> None:
        """No exception can be taken any more: fetch from the lockup address until a debugger or a reset comes."""
        self.locked_up = True
        self.engine.pc = exc.LOCKUP_PC

    def _through_it_block(self) -> None:
        """Run an IT block whose instructions need us one by one."""
        while True:
            step_instruction(self.registers, self.engine, self._run_engine)
            if not self.running or not in_it_block(self.registers):
                return
            if self.engine.breaks_at(self.engine.pc):
                self._breakpoint(Event("break", self.engine.pc))
                return

    # ---- interrupts ------------------------------------------------------------------------------------------------

    def _lines_changed(self) -> None:
        """A block's interrupt line, or the time when it may rise, may have changed."""
        if self.nvic.lines_changed(self.clock.now):
            self.follow_soon()

    def _clock_switched(self, hz: int) -> None:
        """RCC: what SysTick reaches when is to be found anew."""
        self.engine.clock_switched(hz)
        self._lines_changed()

    def _next_interrupt(self) -> int:
        """When something may become pending that is not yet (picoseconds)."""
        cycle = self.systick.next_exception()
        until = NEVER if cycle is None else self.cpu.time_of(cycle)
        if self.nvic.busy:
            until = min(until, self.nvic.next_line(self.clock.now))
        return max(until, self.clock.now + 1)

    def _interrupted(self) -> bool:
        """Take the pending interrupt, if one is to be taken now."""
        nvic = self.nvic
        if self.systick.running:
            self.systick.poll()
        if not nvic.busy:
            return False
        nvic.sample(self.clock.now)
        self.inspector.attentive = bool(nvic.pending & nvic.enabled)
        if self.sleeping and self._for_event and nvic.pending and self.ppb.words.get(regs.SCR, 0) & regs.SEVONPEND:
            self.sleeping = False
        if not nvic.pending & nvic.enabled:
            return False
        masks = self.registers.read(CFBP)
        number = nvic.deliverable(masks, debugger_masks=self._debugger_masks)
        if number is None:
            if self.sleeping and not self._for_event and nvic.wakes(masks):
                self.sleeping = False
            return False
        self.sleeping = False
        self.taking.enter(number, self.engine.pc, 0)
        return True

    # ---- reset and state -------------------------------------------------------------------------------------------

    def reset(self, *, power: bool, now: int, vector: int | None = None) -> None:
        """Come out of reset.

        Without `vector` into the boot ROM's loop, as it hands over in development boot; with it from the vector table
        at that address, as hardware does (SYSCFG_INITSVTORCR, hw-soc 1.9 cause 2). Raises BusFault where there is no
        such table.
        """
        self.clock.advance_to(now)
        self.ppb.reset(power=power)
        self.halted = self.locked_up = self.sleeping = self.stalled = self.reset_wanted = False
        self.held = self._for_event = False
        self.inspector.event = False
        self._was_reset = True
        demcr = self.ppb.words.get(regs.DEMCR, 0)
        self._reset_catch = self.debug_enabled and bool(demcr & exc.VC_CORERESET)
        stack, entry, limit = bootrom.STACK_TOP, bootrom.LOOP, bootrom.STACK_LIMIT
        if vector is not None:
            stack, entry, limit = self.taking.load_word(vector), self.taking.load_word(vector + 4), 0
            self.ppb.words[regs.VTOR] = vector
        self.registers.write(XPSR, T_BIT)
        self.registers.write(CFBP, 0)
        for number in range(13):
            self.registers.write(number, 0)
        self.registers.write(MSP_S, stack)
        self.registers.write(PSP_S, 0)
        self.registers.write(MSPLIM_S, limit)
        self.registers.write(PSPLIM_S, limit)
        self.registers.write(14, 0xFFFF_FFFF)
        self.engine.pc = entry & ~1
        if vector is not None and not entry & 1:
            self.registers.write(XPSR, 0)
        self.engine.forget_code()
        self._lines_changed()

    def snapshot(self) -> dict[str, object]:
        """The state, JSON-able."""
        return {
            "clock": self.clock.now,
            "flags": {name: getattr(self, name) for name in _FLAGS},
            "event": self.inspector.event,
            "registers": self.registers.snapshot(),
            "ppb": self.ppb.snapshot(),
            "tcm": self.engine.ram.ecc.snapshot(),
        }

    def restore(self, state: dict[str, object]) -> None:
        """Take back what `snapshot` gave."""
        flags, registers, ppb = state["flags"], state["registers"], state["ppb"]
        assert isinstance(flags, dict)
        assert isinstance(registers, dict)
        assert isinstance(ppb, dict)
        self.clock.now = int(str(state["clock"]))
        for name, value in flags.items():
            setattr(self, name, value)
        self.inspector.event = bool(state["event"])
        self.registers.restore(registers)
        self.ppb.restore(ppb)
        self.engine.ram.ecc.restore(str(state["tcm"]))
        self._was_reset = False
        self._lines_changed()


_FLAGS = ("halted", "locked_up", "sleeping", "stalled", "held", "_for_event", "_reset_catch")
