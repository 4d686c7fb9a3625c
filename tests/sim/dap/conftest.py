"""A debug port over a few words of memory, without a chip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from n6prog.sim.clock import Timeline
from n6prog.sim.dap.dp import DebugPort
from n6prog.sim.dap.mem_ap import MemAp
from n6prog.sim.fault_terms import parse_faults
from n6prog.sim.faults import LinkFaults
from n6prog.sim.soc.bus import BusFault, BusHang

BASE, SIZE = 0x2000_0000, 0x2000
HOLE, PIT = 0x3000_0000, 0x4000_0000  # a bus error, and an access that never ends


@dataclass
class Ram:
    """Memory that keeps account of every access."""

    data: bytearray = field(default_factory=lambda: bytearray(SIZE))
    accesses: list[tuple[str, int, int]] = field(default_factory=list)

    def _place(self, address: int, length: int) -> int:
        if address >= PIT:
            raise BusHang(address)
        if not BASE <= address <= address + length <= BASE + SIZE:
            raise BusFault(max(address, BASE + SIZE) if address >= BASE else address)
        return address - BASE

    def read(self, address: int, length: int, width: int = 4) -> bytes:
        place = self._place(address, length)
        self.accesses.append(("read", address, length))
        return bytes(self.data[place : place + length])

    def write(self, address: int, data: bytes | memoryview, width: int = 4) -> None:
        place = self._place(address, len(data))
        self.accesses.append(("write", address, len(data)))
        self.data[place : place + len(data)] = data

    def word(self, offset: int) -> int:
        return int.from_bytes(self.data[offset : offset + 4], "little")


@dataclass
class Wire:
    """A powered port with AP1 on `ram`, and AP0 that takes words only."""

    ram: Ram
    host: Timeline
    faults: LinkFaults
    dp: DebugPort
    open: bool = True

    def tar(self, address: int, csw: int = 0x12) -> None:
        self.dp.write_ap(1, 0x00, csw)
        self.dp.write_ap(1, 0x04, address)


@pytest.fixture
def wire_with() -> Callable[..., Wire]:
    """A wire with these faults. Transfers count from the first one of the test."""

    def make(fault: str = "", seed: int = 0, powered: bool = True) -> Wire:
        ram, host = Ram(), Timeline()
        faults = LinkFaults(host, seed)
        gate: list[Wire] = []
        ports = {
            0: MemAp(Ram(), idr=0x5477_0002, base=3, writable=0, fixed=0x40, words_only=True, is_open=lambda: True),
            1: MemAp(
                ram,
                idr=0x8477_0001,
                base=3,
                writable=0x4F00_0000,
                fixed=0x8080_0040,
                words_only=False,
                is_open=lambda: gate[0].open,
            ),
        }
        dp = DebugPort(ports, faults)
        wire = Wire(ram, host, faults, dp)
        gate.append(wire)
        dp.powered = powered
        dp.write_dp(4, 0x5000_0000, 0)
        faults.arm(parse_faults(fault))
        return wire

    return make


@pytest.fixture
def wire(wire_with: Callable[..., Wire]) -> Wire:
    return wire_with()
