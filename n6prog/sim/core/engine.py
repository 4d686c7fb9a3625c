"""The emulated instruction set: Unicorn's Cortex-M33 over our memory, with a clock and events.

Known limits of Unicorn 2.1.4: no v8.1-M instructions (inspector.py finds and executes them), no NVIC and no SCS (ours),
ITSTATE is wrong after hooks of data accesses (it_state.py). Stack limits are enforced by Unicorn itself (its interrupt
19), before the store, with the PC on the instruction.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import unicorn
from unicorn import arm_const as arm
from unicorn import unicorn_const as uc_const
from unicorn.unicorn_py3.unicorn import uclib

from n6prog.sim.bootrom import rom as bootrom
from n6prog.sim.clock import Timeline
from n6prog.sim.core import thumb
from n6prog.sim.core.cpu_clock import CpuClock
from n6prog.sim.core.it_state import ItState
from n6prog.sim.core.memory_map import IGNORED, Access, MemoryMap, add_hook
from n6prog.sim.core.mpu import Mpu
from n6prog.sim.core.mpu_checks import MpuChecks
from n6prog.sim.core.ram import SECURE, Ram, locate
from n6prog.sim.core.raw import Raw
from n6prog.sim.core.tcm import EccFault
from n6prog.sim.core.window_pages import WindowSource
from n6prog.sim.soc.bus import BusFault, BusHang

_STUB = 0x0A00_0000  # a hole in the code region; mapped only while a stub runs
_NEVER = 1  # an address the PC never has
_FOREVER = 1 << 200

# The library passes more arguments than these take; what is not taken is not made into Python integers. The emulator is
# entered and our callbacks are called with the interpreter lock held (PyDLL, PYFUNCTYPE): to let it go and take it back
# for each of millions of callbacks costs more than most of them do.
_BLOCK = ctypes.PYFUNCTYPE(None, IGNORED, ctypes.c_uint32, ctypes.c_uint32)
_LOCKED = ctypes.PyDLL(uclib._name, handle=uclib._handle)  # noqa: SLF001
_LOCKED.uc_emu_start.argtypes = uclib.uc_emu_start.argtypes
_LOCKED.uc_emu_start.restype = ctypes.c_int

_FETCHES = (uc_const.UC_MEM_FETCH_UNMAPPED, uc_const.UC_MEM_FETCH_PROT)
_INTERRUPTS = {2: "svc", 3: "fetch", 7: "bkpt", 8: "return", 17: "nocp", 18: "invstate", 19: "stkof", 21: "invstate"}


@dataclass(frozen=True, slots=True)
class Event:
    """Why the core stopped in mid-slice: kind, PC of the instruction, address of the access if there was one.

    Kinds: bkpt, break, undef, bus, fetch, mpu-data, mpu-fetch, stkof, nocp, invstate, svc, return, wfi, hang, stop.
    """

    kind: str
    pc: int
    address: int = 0


class Verdict(Enum):
    """What is to be done with a block that was shown to `Engine.inspect`."""

    PLAIN = auto()  # run it, and do not show it again
    SHOW_AGAIN = auto()  # run it, and show it each time
    TRANSLATE_AGAIN = auto()  # hooks were added: translate it anew, then show it again


class StopRequest(Exception):
    """Raised by a register model to end the slice at once (a reset)."""


class Engine:
    """Runs code until a moment or an event. `peripherals` and `ppb` take absolute addresses."""

    def __init__(
        self,
        ram: Ram,
        rom: bytearray,
        peripherals: Access,
        ppb: Access,
        window: WindowSource,
        clock: Timeline,
        cpu: CpuClock,
        mpu: Mpu,
    ) -> None:
        self.ram = ram
        self.rom = rom
        self.clock = clock
        self.cpu = cpu
        self.mpu = mpu
        self.spinning = False
        self.ran = False  # since somebody last cleared it
        self._limit = 0
        self._costs: dict[int, int] = {}
        self._code_pages: set[int] = set()
        self._event: Event | None = None
        self._raised: BaseException | None = None
        self._stopped = False
        self._breakpoints: dict[int, Any] = {}
        self.inspect: Callable[[int, bytes], tuple[Verdict, int]] = lambda _address, code: (Verdict.PLAIN, len(code))
        self.forgotten: Callable[[], None] = lambda: None  # told when all translations go
        self.undefined: Callable[[int], bool] = lambda _pc: False  # executes what Unicorn cannot, or says no
        self._translate_again = False
        self._counted = False  # the newest run had a count
        self.watched = False  # somebody looks at data accesses
        self._keep: list[Any] = []  # callbacks that Unicorn holds pointers to
        self.uc: Any = unicorn.Uc(uc_const.UC_ARCH_ARM, uc_const.UC_MODE_THUMB | uc_const.UC_MODE_MCLASS)
        self.uc.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M33)
        self._it_state = ItState(Raw(self.uc))
        self._mpu_checks = MpuChecks(self, mpu)
        self._memory = MemoryMap(
            self.uc,
            ram,
            rom,
            peripherals,
            ppb,
            window,
            self._trap,
            lambda address: self._note("fetch", address),
            self.goes_on,
        )
        self._add_hooks()
        self.forget_code()

    def _trap(self, problem: BaseException) -> None:
        if self._event is not None or self._raised is not None:
            return
        self._stopped = True
        pc = self.pc
        self._it_state.not_over(pc)
        if isinstance(problem, EccFault):
            self._event = Event("ecc", pc, problem.address)
        elif isinstance(problem, BusFault):
            self._event = Event("bus", pc, problem.address)
        elif isinstance(problem, BusHang):
            self._event = Event("hang", pc, problem.address)
        elif isinstance(problem, StopRequest):
            self._event = Event("stop", pc)
        else:
            self._raised = problem

    def _add_hooks(self) -> None:
        costs, clock, uch, stop = self._costs, self.clock, self.uc._uch, uclib.uc_emu_stop  # noqa: SLF001

        def on_block(_handle: int, address: int, size: int) -> None:
            try:
                now = clock.now
                if now >= self._limit:
                    self._stopped = True
                    stop(uch)
                    return
                clock.now = now + costs[address]
            except KeyError:
                cost = self._measure(address, size)
                if cost is None:
                    self._stopped = True
                    stop(uch)
                else:
                    clock.now = now + cost
            except BaseException as problem:  # noqa: BLE001  (SIGINT lands here)
                self._trap(problem)
                stop(uch)

        callback = _BLOCK(on_block)
        self._keep.append(callback)
        add_hook(uch, uc_const.UC_HOOK_BLOCK, callback)
        self.uc.hook_add(uc_const.UC_HOOK_INTR, self._on_interrupt)
        self.uc.hook_add(uc_const.UC_HOOK_MEM_INVALID, self._on_invalid)
        self.uc.hook_add(uc_const.UC_HOOK_INSN_INVALID, self._on_undefined)

    def code_at(self, address: int, size: int) -> bytes:
        """What executes at `address`; zeros where nothing does."""
        found = locate(address)
        if found is not None:
            return bytes(self.ram.data[found[1] : found[1] + size])
        start = (address & ~SECURE) - (bootrom.BASE - SECURE)
        if 0 <= start < bootrom.SIZE:
            return bytes(self.rom[start : start + size])
        return self._memory.window_bytes(address, size) or bytes(size)

    def _measure(self, address: int, size: int) -> int | None:
        """What a block costs in picoseconds, remembered; None to stop: a branch to itself is never run."""
        code = self.code_at(address, size)
        found = locate(address)
        if found is not None:
            self._code_pages.update(range(found[1] >> 12, (found[1] + size >> 12) + 1))
        if code == thumb.BRANCH_TO_SELF and address not in self._breakpoints:
            self.spinning = True
            return None
        verdict, length = self.inspect(address, code)
        if verdict is Verdict.TRANSLATE_AGAIN:
            self._translate_again = True
            return None
        cost = thumb.count_instructions(code[:length]) * self.cpu.instruction // 10
        if verdict is Verdict.PLAIN:
            self._costs[address] = cost
        return cost

    def _on_interrupt(self, _uc: object, number: int, _data: object) -> None:
        self._note(_INTERRUPTS.get(number, "undef"))
        self.uc.emu_stop()

    def _on_invalid(self, _uc: object, kind: int, address: int, _size: int, _value: int, _data: object) -> bool:
        found = locate(address)
        if found is not None and found[0].switched and self.ram.enabled(found[0].name):
            self._memory.follow_ram_power()
            if kind not in _FETCHES:
                self.goes_on()
            return True
        self._note("fetch" if kind in _FETCHES else "bus", address)
        return False

    def _on_undefined(self, _uc: object, _data: object) -> bool:
        if not self.uc.reg_read(arm.UC_ARM_REG_XPSR) >> 24 & 1:
            self._note("invstate")
            return False
        if self.undefined(self.pc):
            return True
        self._note("undef")
        return False

    @property
    def watchful(self) -> bool:
        """Whether instructions have to be executed one by one: each counts, or each of their accesses is looked at."""
        return self._stopped or self._counted or self.watched or self.mpu.enabled

    @property
    def limit(self) -> int:
        """The moment (picoseconds) from which on no block begins in this slice."""
        return self._limit

    def cost_of(self, address: int) -> int | None:
        """What the block at `address` costs in picoseconds, where it is known and need not be shown."""
        return self._costs.get(address)

    def remember_cost(self, address: int, code: bytes) -> None:
        """The block at `address` will be `code`, all of it plain."""
        self._costs[address] = thumb.count_instructions(code) * self.cpu.instruction // 10

    @property
    def stopped(self) -> bool:
        """Whether the slice is to end already."""
        return self._stopped

    def stop(self, kind: str, address: int = 0) -> None:
        """End the slice with an event at the instruction that is about to run; for hooks."""
        self._note(kind, address)
        self.uc.emu_stop()

    def stop_before(self, kind: str, pc: int, address: int = 0) -> None:
        """End the slice with an event at `pc`, whose instruction is not executed; for hooks of code."""
        if self._event is None:
            self._event = Event(kind, pc, address)
        self._stopped = True
        self.uc.emu_stop()

    def trap(self, problem: BaseException) -> None:
        """End the slice with what a hook raised."""
        self._trap(problem)
        self.uc.emu_stop()

    def _note(self, kind: str, address: int = 0) -> None:
        if self._event is None:
            self._event = Event(kind, self.pc, address)
            self._it_state.not_over(self._event.pc)
        self._stopped = True

    def set_breakpoints(self, addresses: Iterable[int]) -> None:
        """Instruction addresses at which to stop before they run."""
        wanted = set(addresses)
        if wanted == set(self._breakpoints):
            return
        for address in set(self._breakpoints) - wanted:
            self.uc.hook_del(self._breakpoints.pop(address))
        for address in wanted - set(self._breakpoints):
            self._breakpoints[address] = self.uc.hook_add(
                uc_const.UC_HOOK_CODE, self._on_breakpoint, None, address, address
            )
        self.spinning = False
        self.forget_code()

    def breaks_at(self, address: int) -> bool:
        """Whether a breakpoint is set there."""
        return address in self._breakpoints

    def _on_breakpoint(self, _uc: object, address: int, _size: int, _data: object) -> None:
        self.stop_before("break", address)

    def goes_on(self) -> None:
        """A data access for which Unicorn called us goes on. Once the slice is to end, its instruction is not over."""
        if not self._stopped:
            self._it_state.goes_on()

    @property
    def inside_it_block(self) -> bool:
        """Whether the access that goes on is made inside an IT block; for hooks of it."""
        return self._it_state.went_on_at == self.pc

    def refuse(self, kind: str, address: int, size: int, *, writing: bool) -> None:
        """End the slice with a fault at a data access, from a hook of it; a store is taken back."""
        kept = self.ram.view(address, size) if writing else None
        self._undo = (kept, bytes(kept)) if kept is not None else None
        self.stop(kind, address)

    def clock_switched(self, hz: int) -> None:
        """The core runs at `hz` from now on; the blocks known so far cost accordingly."""
        old = self.cpu.instruction
        self.cpu.follow(hz)
        for address, cost in self._costs.items():
            self._costs[address] = -(-cost * 10 // old) * self.cpu.instruction // 10

    def forget_code(self) -> None:
        """Drop translations; needed after code in RAM was changed behind the core's back."""
        self.uc.ctl_flush_tb()
        self._it_state.clear()
        self._costs.clear()
        self._costs[_STUB] = self._costs[_STUB + 4] = 0  # the second is met, though not executed
        self._code_pages.clear()
        self.forgotten()
        self._memory.pages.forget_code()

    def mapping_changed(self) -> None:
        """The XSPI2 window came, went or reads otherwise: what it held is neither memory nor known code any more."""
        if self._memory.pages.clear():
            self.break_soon()

    def written(self, address: int, length: int) -> None:
        """The host wrote RAM: forget translations if code that ran lies there."""
        found = locate(address)
        if found is None:
            return
        first, last = found[1] >> 12, (found[1] + length - 1) >> 12
        if any(page in self._code_pages for page in range(first, last + 1)):
            self.spinning = False
            self.forget_code()

    def forget_soon(self) -> None:
        """Drop translations before the next block (a register changed that decides which instructions trap)."""
        self._forget_first = True
        self.break_soon()

    _forget_first = False

    def break_soon(self) -> None:
        """End the slice at the next block (a register changed that the core has to follow)."""
        self._limit = -1

    def run(self, limit: int, count: int = 0) -> Event | None:
        """Run until the clock reaches `limit` (picoseconds), `count` instructions are done, or an event."""
        self._memory.follow_ram_power()
        if self.mpu.changed:
            self._mpu_checks.follow()
            self.spinning = False
            self.forget_code()
        if self._memory.pages.stale_code or self._forget_first:
            self._forget_first = False
            self.forget_code()
        self._event, self._raised, self._stopped, self._undo = None, None, False, None
        self._limit = limit
        self.ran = True
        pc = self.pc
        status = self._start(pc, count)
        if status != uc_const.UC_ERR_OK and self._event is None and self._raised is None:
            self._event = Event("undef", self.pc, status)
        self._raise_from_hooks()
        if self._raised is not None:
            raise self._raised
        self._take_back()
        if self._event is None and not self._stopped and count == 0:
            self._event = Event("wfi", self.pc)
        return self._event

    def _start(self, pc: int, count: int) -> int:
        if count or self._counted:  # code translated without a count does not count, and the other way round it is slow
            self.uc.ctl_flush_tb()
        self._counted = bool(count)
        while True:
            status = int(_LOCKED.uc_emu_start(self.uc._uch, pc | 1, _NEVER, 0, count))  # noqa: SLF001
            if not self._translate_again:
                return status
            self._translate_again = self._stopped = False
            self.uc.ctl_flush_tb()
            pc = self.pc

    def _raise_from_hooks(self) -> None:
        """What went wrong in a hook that the binding calls for us; the binding keeps it for its own emu_start."""
        problem = self.uc._hook_exception  # noqa: SLF001
        if problem is not None:
            self.uc._hook_exception = None  # noqa: SLF001
            raise problem

    def _take_back(self) -> None:
        """A store that the MPU forbade has happened by now; it must not."""
        if self._undo is not None:
            place, content = self._undo
            place[:] = content

    _undo: tuple[memoryview, bytes] | None = None

    def run_stub(self, code: bytes) -> None:
        """One privileged instruction outside the program's memory, at no cost."""
        self.uc.mem_map(_STUB, 0x1000)
        self.uc.mem_write(_STUB, code)
        kept, self._limit, self._event = self.pc, _FOREVER, None
        try:
            self.uc.emu_start(_STUB | 1, _NEVER, 0, 1)
        finally:
            self.pc = kept
            self.uc.mem_unmap(_STUB, 0x1000)

    @property
    def pc(self) -> int:
        """The program counter, bit 0 clear."""
        return int(self.uc.reg_read(arm.UC_ARM_REG_PC)) & ~1

    @pc.setter
    def pc(self, value: int) -> None:
        self.uc.reg_write(arm.UC_ARM_REG_PC, value | 1)
        self.spinning = False

    def close(self) -> None:
        """Give the memory back."""
        self.uc = None
        self._keep.clear()
        self._memory.close()
