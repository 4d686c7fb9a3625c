"""Memory as AP1 sees it: RAM as slices, the rest one access at a time, all on the probe's clock."""

from __future__ import annotations

from n6prog.sim.bootrom import rom as bootrom
from n6prog.sim.core.core import Core
from n6prog.sim.core.ram import SECURE, Ram
from n6prog.sim.core.tcm import may_be_tcm
from n6prog.sim.soc.bus import BusFault
from n6prog.sim.soc.soc import Soc

PPB = range(0xE000_0000, 0xE010_0000)
WINDOWS = range(0x7000_0000, 0xA000_0000)


def is_peripheral(address: int) -> bool:
    """Whether `address` is the chip's, not the core's: peripherals of both aliases and the XSPI windows."""
    return 0x4000_0000 <= address < 0x6000_0000 or address in WINDOWS


class HostBus:
    """Reads and writes of the probe. Faults come at the first address that fails; what came before has happened."""

    def __init__(self, ram: Ram, rom: bytearray, core: Core, soc: Soc) -> None:
        self._ram = ram
        self._rom = rom
        self._core = core
        self._soc = soc

    def read(self, address: int, length: int, width: int = 4) -> bytes:
        """`length` bytes in accesses of `width` bytes. Raises BusFault, BusHang."""
        view = self._ram.view(address, length)
        if view is not None:
            if may_be_tcm(address):
                self._ram.check_read(address, length)
            return bytes(view)
        start = (address & ~SECURE) - (bootrom.BASE - SECURE)
        if start >= 0 and start + length <= bootrom.SIZE:
            return bytes(self._rom[start : start + length])
        if address in WINDOWS:
            self._soc.time = self._core.host
            return self._soc.read_block(address, length)
        result = bytearray()
        while len(result) < length:
            result += self._read_one(address + len(result), width).to_bytes(width, "little")
        return bytes(result)

    def write(self, address: int, data: bytes | memoryview, width: int = 4) -> None:
        """Write in accesses of `width` bytes. Raises BusFault, BusHang."""
        view = self._ram.view(address, len(data))
        if view is not None:
            if may_be_tcm(address):
                self._ram.check_write(address, len(data), width)
            view[:] = data
            self._core.engine.written(address, len(data))
            return
        for offset in range(0, len(data), width):
            self._write_one(address + offset, width, int.from_bytes(data[offset : offset + width], "little"))

    def _read_one(self, address: int, width: int) -> int:
        if address in PPB:
            return self._core.ppb.read(address, width)
        if is_peripheral(address):
            self._soc.time = self._core.host
            return self._soc.read(address, width)
        view = self._ram.view(address, width)
        if view is None:
            raise BusFault(address)
        self._ram.check_read(address, width)
        return int.from_bytes(view, "little")

    def _write_one(self, address: int, width: int, value: int) -> None:
        if address in PPB:
            self._core.ppb.write(address, width, value)
        elif is_peripheral(address):
            self._soc.time = self._core.host
            self._soc.write(address, width, value)
        else:
            view = self._ram.view(address, width)
            if view is None:
                raise BusFault(address)
            self._ram.check_write(address, width, width)
            view[:] = value.to_bytes(width, "little")
            self._core.engine.written(address, width)
