"""What lies where for the emulated core: RAM and boot ROM as memory, the rest as calls into our models.

Unicorn asks us for each page that it has no translation of (its "virtual TLB"). Nearly all translate to themselves; the
pages of the XSPI windows are calls into XSPI, or the NOR's content, which lies where no 32-bit address reaches.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from struct import Struct
from typing import Any

import unicorn
from unicorn import unicorn_const as uc_const
from unicorn.unicorn_py3.unicorn import uclib

from n6prog.sim.bootrom import rom as bootrom
from n6prog.sim.core.ram import OFFSETS, REGIONS, SECURE, Ram, locate
from n6prog.sim.core.tcm import may_be_tcm
from n6prog.sim.core.window_pages import PAGE, WindowPages, WindowSource
from n6prog.sim.soc.bus import BusFault

PERIPHERALS = (0x4000_0000, 0x2000_0000)
WINDOWS = (0x7000_0000, 0x3000_0000)  # of XSPI2, XSPI3 and XSPI1
_WINDOW_SIZE = 0x1000_0000
PPB = (0xE000_0000, 0x10_0000)
_NOR_CONTENT = 1 << 32
_TCM = 1 << 33  # on top of their addresses: TCM pages that were not wholly written yet, access by access
_DATA = uc_const.UC_PROT_READ | uc_const.UC_PROT_WRITE
_READABLE = uc_const.UC_PROT_READ | uc_const.UC_PROT_EXEC

# See engine.py: the interpreter lock stays held, and what these do not take is not made into Python integers.
IGNORED = ctypes.c_uint8  # the emulator's handle: of its lowest byte Python has the integer at hand
_READ = ctypes.PYFUNCTYPE(ctypes.c_uint64, IGNORED, ctypes.c_uint32, ctypes.c_uint32)
_WRITE = ctypes.PYFUNCTYPE(None, IGNORED, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint32)
_FILL = ctypes.PYFUNCTYPE(ctypes.c_bool, ctypes.c_size_t, ctypes.c_uint64, ctypes.c_int, ctypes.c_void_p)
_LIBRARY = ctypes.PyDLL(uclib._name, handle=uclib._handle)  # noqa: SLF001
_LIBRARY.uc_ctl.argtypes = (ctypes.c_void_p, ctypes.c_int)
_FLUSH_TLB = uc_const.UC_CTL_IO_WRITE << 30 | uc_const.UC_CTL_TLB_FLUSH
_ENTRY = Struct("=Qi").pack  # uc_tlb_entry: physical address, permissions; 12 bytes
_CODE = range(0x4000_0000)  # the map lets nobody execute from peripherals and above (Armv8-M ARM B8)

Read = Callable[[int, int], int]
Write = Callable[[int, int, int], None]


@dataclass(frozen=True, slots=True)
class Access:
    """Who serves a range: `read(address, size)`, `write(address, size, value)`, faster ones by address >> 10.

    `hot`, `hot_writes`: by whole address, for the few registers that are accessed by the million.
    """

    read: Read
    write: Write
    readers: Mapping[int, Read] = field(default_factory=dict)
    writers: Mapping[int, Write] = field(default_factory=dict)
    hot: Mapping[int, Read] = field(default_factory=dict)
    hot_writes: Mapping[int, Write] = field(default_factory=dict)


def add_hook(uch: Any, kind: int, callback: Any) -> None:
    """Have the library call `callback`, which the caller keeps alive, for every address. Raises UcError."""
    handle = ctypes.c_size_t()
    place = ctypes.cast(callback, ctypes.c_void_p)
    everywhere = ctypes.c_uint64(1), ctypes.c_uint64(0)  # from above to
    status = uclib.uc_hook_add(uch, ctypes.byref(handle), kind, place, None, *everywhere)
    if status != uc_const.UC_ERR_OK:
        raise unicorn.UcError(status)


class _Entries(dict[int, memoryview]):
    """Where a translation is to be put, by its address: the emulator has a few places on its stack for them."""

    def __missing__(self, place: int) -> memoryview:
        self[place] = memoryview((ctypes.c_uint8 * 12).from_address(place)).cast("B")
        return self[place]


class MemoryMap:
    """The address space of one emulator.

    `trap` is told what a model raised, before the emulator is stopped; `no_fetch` the address of code that is missing;
    `goes_on` is called when a data access will go on that Unicorn has wound the core back for.
    """

    def __init__(
        self,
        uc: Any,
        ram: Ram,
        rom: bytearray,
        peripherals: Access,
        ppb: Access,
        window: WindowSource,
        trap: Callable[[BaseException], None],
        no_fetch: Callable[[int], None],
        goes_on: Callable[[], None],
    ) -> None:
        self._uc = uc
        self._ram = ram
        self._trap = trap
        self._no_fetch = no_fetch
        self._goes_on = goes_on
        self.pages = WindowPages(window, self._forget_translations)
        self._content: memoryview | None = None
        self._mapped: set[str] = set()
        self._keep: list[Any] = []  # callbacks and buffers that Unicorn holds pointers to
        self._map_memory(rom, peripherals, ppb)
        self._answer_translations()

    def _map_memory(self, rom: bytearray, peripherals: Access, ppb: Access) -> None:
        base = ctypes.addressof(self._hold(ctypes.c_char.from_buffer(self._ram.data)))
        self._ram_pointer = base
        for region in REGIONS:
            if not region.switched:
                self._map_region(region.name)
        pointer = ctypes.addressof(self._hold(ctypes.c_char.from_buffer(rom)))
        for start in (bootrom.BASE - SECURE, bootrom.BASE):
            self._uc.mem_map_ptr(start, bootrom.SIZE, _READABLE, ctypes.c_void_p(pointer))
        self._map_io(*PERIPHERALS, peripherals)
        self._map_io(*WINDOWS, Access(self.pages.read, peripherals.write))
        self._map_io(*PPB, ppb)
        for region in REGIONS[:2]:
            for start in (region.start, region.start + SECURE):
                self._map_io(_TCM + start, region.size, Access(self._read_tcm, self._write_tcm))
        self._ram.ecc.on_changed = self._forget_translations

    def _hold(self, thing: Any) -> Any:
        self._keep.append(thing)
        return thing

    def _map_region(self, name: str) -> None:
        region = next(item for item in REGIONS if item.name == name)
        pointer = ctypes.c_void_p(self._ram_pointer + OFFSETS[name])
        for start in (region.start, region.start + SECURE):
            self._uc.mem_map_ptr(start, region.size, uc_const.UC_PROT_ALL, pointer)
        self._mapped.add(name)

    def follow_ram_power(self) -> None:
        """Map and unmap the switched RAMs as RAMCFG has them now."""
        for region in REGIONS:
            if region.switched and (self._ram.enabled(region.name) != (region.name in self._mapped)):
                if region.name in self._mapped:
                    self._mapped.discard(region.name)
                    for start in (region.start, region.start + SECURE):
                        self._uc.mem_unmap(start, region.size)
                else:
                    self._map_region(region.name)

    def _map_io(self, base: int, size: int, access: Access) -> None:
        """Own callbacks straight into the library: half the cost of the binding's (sim.md 1.4)."""
        read, write = access.read, access.write
        reader_of, writer_of = access.readers.get, access.writers.get
        hot_reader_of, hot_writer_of = access.hot.get, access.hot_writes.get
        uch, stop = self._uc._uch, uclib.uc_emu_stop  # noqa: SLF001

        def on_read(_handle: int, offset: int, width: int) -> int:
            try:
                address = base + offset
                hot = hot_reader_of(address)
                if hot is not None:
                    return hot(address, width)
                return reader_of(address >> 10, read)(address, width)
            except BaseException as problem:  # noqa: BLE001  (carried over the C frames)
                self._trap(problem)
                stop(uch)
                return 0

        def on_write(_handle: int, offset: int, width: int, value: int) -> None:
            try:
                address = base + offset
                hot = hot_writer_of(address)
                if hot is not None:
                    hot(address, width, value)
                else:
                    writer_of(address >> 10, write)(address, width, value)
            except BaseException as problem:  # noqa: BLE001
                self._trap(problem)
                stop(uch)

        reader, writer = self._hold(_READ(on_read)), self._hold(_WRITE(on_write))
        status = uclib.uc_mmio_map(uch, base, size, reader, 0, writer, 0)
        if status != uc_const.UC_ERR_OK:
            raise unicorn.UcError(status)

    # ---- pages ---------------------------------------------------------------------------------------------------

    def _answer_translations(self) -> None:
        uch = self._uc._uch  # noqa: SLF001
        code, start, end = uc_const.UC_MEM_FETCH, WINDOWS[0], WINDOWS[0] + WINDOWS[1]
        fixed: dict[int, bytes] = {}  # pages that always translate alike, for all accesses
        known, entries = fixed.get, _Entries()

        def on_fill(_handle: int, address: int, kind: int, entry: int) -> bool:
            """The translation of the page at `address` for an access of this `kind`; False: there is none."""
            try:
                same = known(address)
                if same is not None:
                    if kind != code:
                        self._goes_on()
                    entries[entry][:] = same
                    return True
                if start <= address < end:
                    target, permissions = self._window_page(address, kind)
                elif may_be_tcm(address) and not self._whole(address):
                    target, permissions = (address, uc_const.UC_PROT_EXEC) if kind == code else (_TCM | address, _DATA)
                elif address in _CODE:
                    target, permissions = address, uc_const.UC_PROT_ALL
                    if not may_be_tcm(address):
                        fixed[address] = _ENTRY(target, permissions)
                else:
                    target, permissions = address, _DATA
                if kind != code:
                    self._goes_on()
                elif not permissions & uc_const.UC_PROT_EXEC:
                    self._no_fetch(address)
                    return False
                entries[entry][:] = _ENTRY(target, permissions)
            except BusFault as fault:
                self._no_fetch(fault.address)
                return False
            except BaseException as problem:  # noqa: BLE001  (carried over the C frames)
                self._trap(problem)
                return False
            return True

        callback = self._hold(_FILL(on_fill))
        self._uc.ctl_set_tlb_mode(uc_const.UC_TLB_VIRTUAL)
        add_hook(uch, uc_const.UC_HOOK_TLB_FILL, callback)

    def _whole(self, address: int) -> bool:
        """Whether the page at `address` has no TCM words that were never written."""
        found = locate(address)
        return found is None or self._ram.ecc.unknown(found[1] & -PAGE, PAGE) is None

    def _read_tcm(self, address: int, size: int) -> int:
        address &= 0xFFFF_FFFF
        self._ram.check_read(address, size)
        view = self._ram.view(address, size)
        assert view is not None
        return int.from_bytes(view, "little")

    def _write_tcm(self, address: int, size: int, value: int) -> None:
        address &= 0xFFFF_FFFF
        self._ram.check_write(address, size, size)
        view = self._ram.view(address, size)
        assert view is not None
        view[:] = (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")
        if self._whole(address):
            self._forget_translations()

    def _window_page(self, address: int, kind: int) -> tuple[int, int]:
        """Where a page of the window leads: to the content, or to XSPI. Raises BusFault, BusHang for code."""
        pages = self.pages
        if kind == uc_const.UC_MEM_WRITE:
            pages.clear()
        elif pages.fetch(address) if kind == uc_const.UC_MEM_FETCH else address in pages:
            self._map_content(address)
            return _NOR_CONTENT + address % _WINDOW_SIZE, _READABLE
        return address, _DATA

    def _map_content(self, address: int) -> None:
        """The NOR's bytes become memory, once."""
        content = self.pages.content(address) if self._content is None else None
        if content is not None:
            self._content = content
            pointer = ctypes.addressof(self._hold(ctypes.c_char.from_buffer(content)))
            self._uc.mem_map_ptr(_NOR_CONTENT, len(content), _READABLE, ctypes.c_void_p(pointer))

    def _forget_translations(self) -> None:
        _LIBRARY.uc_ctl(self._uc._uch, _FLUSH_TLB)  # noqa: SLF001

    def window_bytes(self, address: int, size: int) -> bytes | None:
        """What executes at `address` in the window, None elsewhere."""
        if self._content is None or address not in self.pages:
            return None
        offset = address % _WINDOW_SIZE
        return bytes(self._content[offset : offset + size])

    def close(self) -> None:
        """Let go of the buffers; the emulator is gone by then."""
        self._uc = None
        self._content = None
        self._keep.clear()
