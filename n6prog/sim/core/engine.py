"""The emulated instruction set: Unicorn's Cortex-M33 over our memory, with a clock and events.

Known limits of Unicorn 2.1.4: no v8.1-M instructions (they raise an "undefined" event; LSLL, LSRL and ASRL decode
silently wrong), no NVIC and no SCS (ours). Stack limits are enforced by Unicorn itself (its interrupt 19), before the
store, with the PC on the instruction.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import unicorn
from unicorn import arm_const as arm
from unicorn import unicorn_const as uc_const
from unicorn.unicorn_py3.unicorn import uclib

from n6prog.sim.bootrom import rom as bootrom
from n6prog.sim.clock import Timeline, TimeModel
from n6prog.sim.core import thumb
from n6prog.sim.core.mpu import Mpu
from n6prog.sim.core.ram import OFFSETS, REGIONS, SECURE, Ram, locate
from n6prog.sim.soc.bus import BusFault, BusHang

PERIPHERALS = (0x4000_0000, 0x2000_0000)
WINDOW = (0x7000_0000, 0x1000_0000)
PPB = (0xE000_0000, 0x10_0000)
_STUB = 0x0A00_0000  # a hole in the code region; mapped only while a stub runs
_NEVER = 1  # an address the PC never has
_FOREVER = 1 << 200

# The library passes more arguments than these take; what is not taken is not made into Python integers. The emulator is
# entered and our callbacks are called with the interpreter lock held (PyDLL, PYFUNCTYPE): to let it go and take it back
# for each of millions of callbacks costs more than most of them do.
_BLOCK = ctypes.PYFUNCTYPE(None, ctypes.c_size_t, ctypes.c_uint32, ctypes.c_uint32)
_READ = ctypes.PYFUNCTYPE(ctypes.c_uint64, ctypes.c_size_t, ctypes.c_uint32, ctypes.c_uint32)
_WRITE = ctypes.PYFUNCTYPE(None, ctypes.c_size_t, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint32)
_LOCKED = ctypes.PyDLL(uclib._name, handle=uclib._handle)  # noqa: SLF001
_LOCKED.uc_emu_start.argtypes = uclib.uc_emu_start.argtypes
_LOCKED.uc_emu_start.restype = ctypes.c_int

_INTERRUPTS = {2: "svc", 3: "fetch", 7: "bkpt", 8: "return", 17: "nocp", 18: "invstate", 19: "stkof", 21: "invstate"}


@dataclass(frozen=True, slots=True)
class Event:
    """Why the core stopped in mid-slice: kind, PC of the instruction, address of the access if there was one.

    Kinds: bkpt, break, undef, bus, fetch, mpu-data, mpu-fetch, stkof, nocp, invstate, svc, return, wfi, hang, stop.
    """

    kind: str
    pc: int
    address: int = 0


class StopRequest(Exception):
    """Raised by a register model to end the slice at once (a reset)."""


Read = Callable[[int, int], int]
Write = Callable[[int, int, int], None]


@dataclass(frozen=True, slots=True)
class Access:
    """Who serves a range: `read(address, size)`, `write(address, size, value)`, faster ones by address >> 10.

    `hot`: by whole address, for the few registers that are read by the million.
    """

    read: Read
    write: Write
    readers: Mapping[int, Read] = field(default_factory=dict)
    writers: Mapping[int, Write] = field(default_factory=dict)
    hot: Mapping[int, Read] = field(default_factory=dict)


class Engine:
    """Runs code until a moment or an event. `peripherals` and `ppb` take absolute addresses."""

    def __init__(
        self, ram: Ram, rom: bytearray, peripherals: Access, ppb: Access, clock: Timeline, model: TimeModel, mpu: Mpu
    ) -> None:
        self.ram = ram
        self.rom = rom
        self.clock = clock
        self.model = model
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
        self._mpu_hooks: list[Any] = []
        self._mapped: set[str] = set()
        self._keep: list[Any] = []  # callbacks and buffers that Unicorn holds pointers to
        self.uc: Any = unicorn.Uc(uc_const.UC_ARCH_ARM, uc_const.UC_MODE_THUMB | uc_const.UC_MODE_MCLASS)
        self.uc.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M33)
        self._map_memory(peripherals, ppb)
        self._add_hooks()
        self.forget_code()

    def _map_memory(self, peripherals: Access, ppb: Access) -> None:
        base = ctypes.addressof(self._hold(ctypes.c_char.from_buffer(self.ram.data)))
        self._ram_pointer = base
        for region in REGIONS:
            if not region.switched:
                self._map_region(region.name)
        pointer = ctypes.addressof(self._hold(ctypes.c_char.from_buffer(self.rom)))
        readable = uc_const.UC_PROT_READ | uc_const.UC_PROT_EXEC
        for start in (bootrom.BASE - SECURE, bootrom.BASE):
            self.uc.mem_map_ptr(start, bootrom.SIZE, readable, ctypes.c_void_p(pointer))
        self._map_io(*PERIPHERALS, peripherals)
        self._map_io(*WINDOW, peripherals)
        self._map_io(*PPB, ppb)

    def _hold(self, thing: Any) -> Any:
        self._keep.append(thing)
        return thing

    def _map_region(self, name: str) -> None:
        region = next(item for item in REGIONS if item.name == name)
        pointer = ctypes.c_void_p(self._ram_pointer + OFFSETS[name])
        for start in (region.start, region.start + SECURE):
            self.uc.mem_map_ptr(start, region.size, uc_const.UC_PROT_ALL, pointer)
        self._mapped.add(name)

    def follow_ram_power(self) -> None:
        """Map and unmap the switched RAMs as RAMCFG has them now."""
        for region in REGIONS:
            if region.switched and (self.ram.enabled(region.name) != (region.name in self._mapped)):
                if region.name in self._mapped:
                    self._mapped.discard(region.name)
                    for start in (region.start, region.start + SECURE):
                        self.uc.mem_unmap(start, region.size)
                else:
                    self._map_region(region.name)

    def _map_io(self, base: int, size: int, access: Access) -> None:
        """Own callbacks straight into the library: half the cost of the binding's (sim.md 1.4)."""
        read, write = access.read, access.write
        reader_of, writer_of, hot = access.readers.get, access.writers.get, access.hot
        uch, stop = self.uc._uch, uclib.uc_emu_stop  # noqa: SLF001

        def on_read(_handle: int, offset: int, width: int) -> int:
            try:
                address = base + offset
                if address in hot:
                    return hot[address](address, width)
                return reader_of(address >> 10, read)(address, width)
            except BaseException as problem:  # noqa: BLE001  (carried over the C frames)
                self._trap(problem)
                stop(uch)
                return 0

        def on_write(_handle: int, offset: int, width: int, value: int) -> None:
            try:
                address = base + offset
                writer_of(address >> 10, write)(address, width, value)
            except BaseException as problem:  # noqa: BLE001
                self._trap(problem)
                stop(uch)

        reader, writer = self._hold(_READ(on_read)), self._hold(_WRITE(on_write))
        status = uclib.uc_mmio_map(uch, base, size, reader, 0, writer, 0)
        if status != uc_const.UC_ERR_OK:
            raise unicorn.UcError(status)

    def _trap(self, problem: BaseException) -> None:
        if self._event is not None or self._raised is not None:
            return
        self._stopped = True
        pc = self.pc
        if isinstance(problem, BusFault):
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
                self._measure(address, size)
                if self.spinning:
                    self._stopped = True
                    stop(uch)
                else:
                    clock.now = now + costs[address]
            except BaseException as problem:  # noqa: BLE001  (SIGINT lands here)
                self._trap(problem)
                stop(uch)

        callback = self._hold(_BLOCK(on_block))
        handle = ctypes.c_size_t()
        status = uclib.uc_hook_add(
            uch,
            ctypes.byref(handle),
            uc_const.UC_HOOK_BLOCK,
            ctypes.cast(callback, ctypes.c_void_p),
            None,
            ctypes.c_uint64(1),  # from above to: everywhere
            ctypes.c_uint64(0),
        )
        if status != uc_const.UC_ERR_OK:
            raise unicorn.UcError(status)
        self.uc.hook_add(uc_const.UC_HOOK_INTR, self._on_interrupt)
        self.uc.hook_add(uc_const.UC_HOOK_MEM_INVALID, self._on_invalid)
        self.uc.hook_add(uc_const.UC_HOOK_INSN_INVALID, self._on_undefined)

    def _measure(self, address: int, size: int) -> None:
        """What a block costs in picoseconds, remembered; a branch to itself is never run."""
        found = locate(address)
        if found is not None:
            code: bytes | memoryview = self.ram.data[found[1] : found[1] + size]
            self._code_pages.update(range(found[1] >> 12, (found[1] + size >> 12) + 1))
        elif address & ~SECURE < bootrom.BASE - SECURE + bootrom.SIZE:
            start = (address & ~SECURE) - (bootrom.BASE - SECURE)
            code = bytes(self.rom[start : start + size])
        else:
            code = bytes(size)
        if code == thumb.BRANCH_TO_SELF and address not in self._breakpoints:
            self.spinning = True
            return
        self._costs[address] = thumb.count_instructions(code) * self.model.instruction // 10

    def _on_interrupt(self, _uc: object, number: int, _data: object) -> None:
        self._note(_INTERRUPTS.get(number, "undef"))
        self.uc.emu_stop()

    def _on_invalid(self, _uc: object, kind: int, address: int, _size: int, _value: int, _data: object) -> bool:
        found = locate(address)
        if found is not None and found[0].switched and self.ram.enabled(found[0].name):
            self.follow_ram_power()
            return True
        fetch = kind in (uc_const.UC_MEM_FETCH_UNMAPPED, uc_const.UC_MEM_FETCH_PROT)
        self._note("fetch" if fetch else "bus", address)
        return False

    def _on_undefined(self, _uc: object, _data: object) -> bool:
        self._note("undef" if self.uc.reg_read(arm.UC_ARM_REG_XPSR) >> 24 & 1 else "invstate")
        return False

    def _note(self, kind: str, address: int = 0) -> None:
        if self._event is None:
            self._event = Event(kind, self.pc, address)
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

    def _on_breakpoint(self, _uc: object, address: int, _size: int, _data: object) -> None:
        if self._event is None:
            self._event = Event("break", address)
        self._stopped = True
        self.uc.emu_stop()

    def _follow_mpu(self) -> None:
        """Install the checks of a running MPU; none of them while it is off."""
        self.mpu.changed = False
        for hook in self._mpu_hooks:
            self.uc.hook_del(hook)
        self._mpu_hooks = []
        if self.mpu.enabled:
            accesses = uc_const.UC_HOOK_MEM_READ | uc_const.UC_HOOK_MEM_WRITE
            self._mpu_hooks = [
                self.uc.hook_add(uc_const.UC_HOOK_BLOCK, self._on_checked_block),
                self.uc.hook_add(accesses, self._on_checked_access),
            ]
        self.spinning = False
        self.forget_code()

    def _checked(self, address: int, kind: str) -> bool:
        number = self.uc.reg_read(arm.UC_ARM_REG_XPSR) & 0x1FF
        if number in (2, 3) and not self.mpu.ctrl & 2:  # HFNMIENA
            return True
        privileged = bool(number) or not self.uc.reg_read(arm.UC_ARM_REG_CONTROL) & 1
        return self.mpu.allows(address, kind, privileged=privileged)

    def _on_checked_block(self, _uc: object, address: int, _size: int, _data: object) -> None:
        if not self._stopped and not self._checked(address, "fetch"):
            self._event = Event("mpu-fetch", address, address)
            self._stopped = True
            self.uc.emu_stop()

    def _on_checked_access(self, _uc: object, kind: int, address: int, size: int, _value: int, _data: object) -> None:
        writing = kind == uc_const.UC_MEM_WRITE
        if self._event is not None or self._checked(address, "write" if writing else "read"):
            return
        self._note("mpu-data", address)
        kept = self.ram.view(address, size) if writing else None
        self._undo = (kept, bytes(kept)) if kept is not None else None
        self.uc.emu_stop()

    def forget_code(self) -> None:
        """Drop translations; needed after code in RAM was changed behind the core's back."""
        self.uc.ctl_flush_tb()
        self._costs.clear()
        self._costs[_STUB] = 0
        self._code_pages.clear()

    def written(self, address: int, length: int) -> None:
        """The host wrote RAM: forget translations if code that ran lies there."""
        found = locate(address)
        if found is None:
            return
        first, last = found[1] >> 12, (found[1] + length - 1) >> 12
        if any(page in self._code_pages for page in range(first, last + 1)):
            self.spinning = False
            self.forget_code()

    def break_soon(self) -> None:
        """End the slice at the next block (a register changed that the core has to follow)."""
        self._limit = -1

    def run(self, limit: int, count: int = 0) -> Event | None:
        """Run until the clock reaches `limit` (picoseconds), `count` instructions are done, or an event."""
        self.follow_ram_power()
        if self.mpu.changed:
            self._follow_mpu()
        self._event, self._raised, self._stopped, self._undo = None, None, False, None
        self._limit = limit
        self.ran = True
        pc = self.pc
        status = _LOCKED.uc_emu_start(self.uc._uch, pc | 1, _NEVER, 0, count)  # noqa: SLF001
        if status != uc_const.UC_ERR_OK and self._event is None and self._raised is None:
            self._event = Event("undef", self.pc, status)
        self._raise_from_hooks()
        if self._raised is not None:
            raise self._raised
        self._take_back()
        if self._event is None and not self._stopped and count == 0:
            self._event = Event("wfi", self.pc)
        return self._event

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
