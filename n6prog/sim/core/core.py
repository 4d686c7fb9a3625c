"""The processor: runs, halts, steps, faults. Time is lazy: nothing runs until somebody looks.

Causality: before the probe touches anything, the core is run until its own clock has reached the probe's. A core that
waits for a peripheral jumps ahead of that; a halt it then meets is shown only when the probe's clock gets there.
"""

from __future__ import annotations

from dataclasses import dataclass

from n6prog.sim.bootrom import rom as bootrom
from n6prog.sim.clock import Timeline, TimeModel
from n6prog.sim.core import exceptions as exc
from n6prog.sim.core import ppb as regs
from n6prog.sim.core.engine import Access, Engine, Event, StopRequest
from n6prog.sim.core.mpu import Mpu
from n6prog.sim.core.ram import Ram
from n6prog.sim.core.registers import CFBP, MSP_S, MSPLIM_S, PSP_S, PSPLIM_S, XPSR, Registers
from n6prog.sim.soc.bus import BusFault, BusHang
from n6prog.sim.soc.soc import Soc

S_REGRDY, S_HALT, S_SLEEP, S_LOCKUP, S_SDE, S_RETIRE, S_RESET = (1 << bit for bit in (16, 17, 18, 19, 20, 24, 25))
T_BIT = 1 << 24


@dataclass(frozen=True, slots=True)
class FaultRecord:
    """The newest fault: kind as in exceptions.FAULTS, and the address of the instruction."""

    kind: str
    pc: int


class Core:
    """A Cortex-M55 in debug terms. `host` is the probe's clock, `clock` the core's own."""

    def __init__(self, ram: Ram, rom: bytearray, soc: Soc, host: Timeline, model: TimeModel) -> None:
        self.host = host
        self.clock = Timeline()
        self.mpu = Mpu()
        self.halted = False
        self.locked_up = False
        self.sleeping = False
        self.stalled = False  # waits for a slave that never answers
        self.held = True  # in reset, or without power
        self.reset_wanted = False
        self.fault: FaultRecord | None = None
        self.return_trap: int | None = None  # SimBoard.call: a BKPT here ends the call
        self.returned = False
        self.stop_on_fault = False
        self._was_reset = True
        self._engine: Engine | None = None
        self.ppb = regs.Ppb(self, self.clock, self.mpu, model.cpu_hz)
        access = Access(soc.read, soc.write, soc.readers, soc.writers, soc.hot)
        self.engine = self._engine = Engine(
            ram, rom, access, Access(self.ppb.read, self.ppb.write), self.clock, model, self.mpu
        )
        self._soc = soc
        self.registers = Registers(self.engine)

    def debug_status(self) -> int:
        """Bits 16 to 31 of DHCSR as the probe sees them now; clears the sticky ones."""
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

    def breakpoints_changed(self) -> None:
        """FPB was written; followed before the next instruction block."""
        if self._engine is not None:
            self._engine.break_soon()

    def mpu_written(self) -> None:
        """An MPU register was written; followed before the next instruction block."""
        if self._engine is not None:
            self._engine.break_soon()

    def request_reset(self) -> None:
        """AIRCR.SYSRESETREQ: from code it ends the slice, from the probe the board looks afterwards."""
        self.reset_wanted = True
        if self._in_slice:
            raise StopRequest

    _in_slice = False

    @property
    def running(self) -> bool:
        """Whether time makes the core execute."""
        return not (self.halted or self.locked_up or self.stalled or self.held)

    def run_to(self, moment: int) -> None:
        """Execute until the core's clock reaches `moment` (picoseconds), or it stops."""
        while self.running and self.clock.now < moment and not self.reset_wanted:
            self.engine.set_breakpoints(self.ppb.breakpoints())  # a new one may lie on the branch the core spins on
            if self.sleeping or self.engine.spinning:
                self.clock.now = moment
                return
            if not self.registers.read(XPSR) & T_BIT:
                self._handle(Event("invstate", self.engine.pc))
                continue
            self._slice(moment)

    def _slice(self, moment: int, count: int = 0) -> None:
        self.engine.set_breakpoints(self.ppb.breakpoints())
        self._soc.time = self.clock
        self._in_slice = True
        try:
            event = self.engine.run(moment, count)
        finally:
            self._in_slice = False
        if event is not None:
            self._handle(event, moment)

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
            self.ppb.idle += self.host.now - self.clock.now
            self.clock.now = self.host.now

    def resume(self) -> None:
        """Leave debug state."""
        self._leave_halt()

    def step(self) -> None:
        """Run one instruction and halt again."""
        self._leave_halt()
        self._slice(self.clock.now + 1, 1)
        if not self.halted:
            self.halt(regs.DFSR_HALTED)

    @property
    def _debug_enabled(self) -> bool:
        return bool(self.ppb.dhcsr_control & regs.C_DEBUGEN)

    def _handle(self, event: Event, moment: int = 0) -> None:
        kind = event.kind
        if kind == "wfi":
            self.sleeping = True
        elif kind == "hang":
            self.stalled = True
        elif kind in ("bkpt", "break"):
            self._breakpoint(event)
        elif kind == "undef" and self._is_wfe(event.pc):
            self.clock.advance_to(moment)  # no events are modelled: wait as long as nobody looks
        elif kind == "svc":
            self._enter(exc.SVC, self.engine.pc)
        elif kind == "return":
            self._return_from(self.engine.pc | 1)
        elif kind != "stop":
            self._fault(event)

    def _is_wfe(self, pc: int) -> bool:
        """Unicorn takes WFE for undefined and reports the PC behind it."""
        code = self.engine.ram.view(pc - 2, 2)
        return code is not None and bytes(code) == b"\x20\xbf"

    def _breakpoint(self, event: Event) -> None:
        if event.kind == "bkpt" and event.pc == self.return_trap:
            self.returned = True
            self.halt(regs.DFSR_BKPT)
        elif self._debug_enabled:
            self.halt(regs.DFSR_BKPT)
        else:
            self.ppb.words[regs.HFSR] = self.ppb.words.get(regs.HFSR, 0) | exc.HFSR_DEBUGEVT
            self.fault = FaultRecord("bkpt", event.pc)
            self._enter(exc.HARD, event.pc)

    def _fault(self, event: Event) -> None:
        fault = exc.FAULTS[event.kind]
        self.fault = FaultRecord(event.kind, event.pc)
        words = self.ppb.words
        words[regs.CFSR] = words.get(regs.CFSR, 0) | fault.cfsr
        if fault.cfsr & exc.CFSR_BFARVALID:
            words[regs.BFAR] = event.address
        if fault.cfsr & exc.CFSR_MMARVALID:
            words[regs.MMFAR] = event.address
        if self.stop_on_fault:
            self.halt(regs.DFSR_VCATCH)
        elif words.get(regs.SHCSR, 0) & exc.ENABLES[fault.exception]:
            self._enter(fault.exception, event.pc)
        else:
            words[regs.HFSR] = words.get(regs.HFSR, 0) | exc.HFSR_FORCED
            self._enter(exc.HARD, event.pc)

    def _lock_up(self) -> None:
        self.locked_up = True
        self.engine.pc = exc.LOCKUP_PC
        if self._debug_enabled and self.ppb.words.get(regs.DEMCR, 0) & regs.VC_HARDERR:
            self.halt(regs.DFSR_VCATCH)

    def _enter(self, number: int, return_address: int) -> None:
        """Take exception `number`: push the frame, fetch the vector, go there (or lock up)."""
        registers, words = self.registers, self.ppb.words
        xpsr = registers.read(XPSR)
        if xpsr & 0x1FF in (2, exc.HARD):  # a fault inside HardFault or NMI
            self._lock_up()
            return
        process = bool(not xpsr & 0x1FF and registers.read(CFBP) >> 24 & 2)
        pointer = registers.read(PSP_S if process else MSP_S)
        limit = registers.read(PSPLIM_S if process else MSPLIM_S)
        frame = (pointer - exc.FRAME) & ~7
        if frame < limit:  # B3.21: no push, the pointer becomes the limit, a derived STKOF
            words[regs.CFSR] = words.get(regs.CFSR, 0) | exc.CFSR_STKOF
            frame, number = limit, exc.HARD
        else:
            saved = [registers.read(index) for index in (0, 1, 2, 3, 12, 14)]
            saved += [return_address, xpsr | (0x200 if pointer & 4 else 0)]
            view = self.engine.ram.view(frame, exc.FRAME)
            if view is None:
                words[regs.CFSR] = words.get(regs.CFSR, 0) | exc.CFSR_STKERR
                number = exc.HARD
            else:
                view[:] = exc.pack_frame(saved)
        code = 0xFFFF_FFF9 if not process else 0xFFFF_FFFD
        registers.write(XPSR, (xpsr & 0xF800_0000) | T_BIT | number)
        registers.write(PSP_S if process else MSP_S, frame)
        registers.write(14, 0xFFFF_FFF1 if xpsr & 0x1FF else code)
        self._go_to_vector(number)

    def _go_to_vector(self, number: int) -> None:
        try:
            vector = self._load_word(self.ppb.words.get(regs.VTOR, 0) + 4 * number)
        except (BusFault, BusHang):
            self.ppb.words[regs.HFSR] = self.ppb.words.get(regs.HFSR, 0) | exc.HFSR_VECTTBL
            self._lock_up()
            return
        self.engine.pc = vector
        if not vector & 1:
            self.registers.write(XPSR, self.registers.read(XPSR) & ~T_BIT)
        if self._debug_enabled and number == exc.HARD and self.ppb.words.get(regs.DEMCR, 0) & regs.VC_HARDERR:
            self.halt(regs.DFSR_VCATCH)

    def _load_word(self, address: int) -> int:
        view = self.engine.ram.view(address, 4)
        if view is not None:
            return int.from_bytes(view, "little")
        start = (address & ~0x1000_0000) - (bootrom.BASE & ~0x1000_0000)
        if 0 <= start < bootrom.SIZE:
            return int.from_bytes(self.engine.rom[start : start + 4], "little")
        self._soc.time = self.clock
        return self._soc.read(address, 4)

    def _return_from(self, code: int) -> None:
        """BX to an EXC_RETURN value: pop the frame."""
        registers = self.registers
        number = registers.read(XPSR) & 0x1FF
        process = bool(code & 4)
        pointer = registers.read(PSP_S if process else MSP_S)
        view = self.engine.ram.view(pointer, exc.FRAME)
        if not number or view is None:
            self._fault(Event("invpc", code & ~1))
            return
        *saved, address, xpsr = exc.unpack_frame(view)
        for index, value in zip((0, 1, 2, 3, 12, 14), saved, strict=True):
            registers.write(index, value)
        registers.write(PSP_S if process else MSP_S, pointer + exc.FRAME + (4 if xpsr & 0x200 else 0))
        registers.write(XPSR, xpsr & ~0x200)
        self._select_stack(process=process)
        self.engine.pc = address

    def _select_stack(self, *, process: bool) -> None:
        special = self.registers.read(CFBP)
        wanted = special | 2 << 24 if process else special & ~(2 << 24)
        if wanted != special:
            self.registers.write(CFBP, wanted)

    def reset(self, *, power: bool, now: int) -> None:
        """Come out of reset into the boot ROM's loop, as it hands over in development boot."""
        self.clock.advance_to(now)
        self.ppb.reset(power=power)
        self.halted = self.locked_up = self.sleeping = self.stalled = self.reset_wanted = False
        self.held = False
        self._was_reset = True
        for number in range(13):
            self.registers.write(number, 0)
        self.registers.write(XPSR, T_BIT)
        self.registers.write(CFBP, 0)
        self.registers.write(MSP_S, bootrom.STACK_TOP)
        self.registers.write(PSP_S, 0)
        self.registers.write(MSPLIM_S, bootrom.STACK_LIMIT)
        self.registers.write(PSPLIM_S, bootrom.STACK_LIMIT)
        self.registers.write(14, 0xFFFF_FFFF)
        self.engine.pc = bootrom.LOOP
        self.engine.forget_code()

    def snapshot(self) -> dict[str, object]:
        """The state, JSON-able."""
        flags = ("halted", "locked_up", "sleeping", "stalled", "held")
        return {
            "clock": self.clock.now,
            "flags": {name: getattr(self, name) for name in flags},
            "registers": self.registers.snapshot(),
            "ppb": self.ppb.snapshot(),
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
        self.registers.restore(registers)
        self.ppb.restore(ppb)
        self._was_reset = False
