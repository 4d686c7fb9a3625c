"""A core with RAM and a bare bus: what the processor does, without a chip around it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("unicorn")

from n6prog.sim.bootrom import rom as bootrom
from n6prog.sim.clock import STLINK_V3, Timeline
from n6prog.sim.core import ppb as regs
from n6prog.sim.core.core import Core
from n6prog.sim.core.ram import TOTAL, Ram
from n6prog.sim.core.registers import MSPLIM_S, PSPLIM_S
from n6prog.sim.soc.bus import BusFault
from n6prog.sim.soc.irq import NEVER

CODE = 0x3407_0000
VECTORS = 0x3406_4000
STACK = 0x3408_0000
CYCLE = 15_625  # picoseconds at 64 MHz
INSTRUCTION = 20_312  # 1.3 cycles, as the time model has it
MILLISECOND = 1_000_000_000


class Line:
    """An interrupt line: high from `rises` on until it is made low."""

    def __init__(self, irq: int) -> None:
        self.irq = irq
        self.rises = NEVER

    def irq_level(self, now: int) -> bool:
        return now >= self.rises

    def next_irq(self, now: int) -> int:
        return self.rises if now < self.rises else NEVER


class Bus:
    """Nothing answers but one register at 0x4000_0000, which lowers all lines when it is written."""

    def __init__(self) -> None:
        self.readers: dict[int, Any] = {}
        self.writers: dict[int, Any] = {}
        self.hot: dict[int, Any] = {}
        self.hot_writes: dict[int, Any] = {}
        self.hot_runs: dict[int, Any] = {}
        self.time = Timeline()
        self.irq_sources = [Line(170), Line(171)]
        self.on_irq_changed: Any = None
        self.on_mapping_changed: Any = None
        self.dbgmcu = SimpleNamespace(ap1_enabled=True)
        self.writes: list[int] = []

    def read(self, address: int, _size: int) -> int:
        if address != 0x4000_0000:
            raise BusFault(address)
        return 0

    def write(self, address: int, _size: int, value: int) -> None:
        if address != 0x4000_0000:
            raise BusFault(address)
        self.writes.append(value)
        for line in self.irq_sources:
            line.rises = NEVER
        self.on_irq_changed()

    def read_block(self, address: int, _length: int) -> bytes:
        raise BusFault(address)

    def mapped_content(self) -> None:
        return None


class Rig:
    def __init__(self) -> None:
        self.bus = Bus()
        self.memory = bytearray(TOTAL)
        self.ram = Ram(memoryview(self.memory), lambda _name: True)
        self.host = Timeline()
        self.core = Core(self.ram, bootrom.page("B"), self.bus, self.host, STLINK_V3)  # type: ignore[arg-type]
        self.core.reset(power=True, now=0)
        for limit in (MSPLIM_S, PSPLIM_S):
            self.core.registers.write(limit, 0)
        self.set("sp", STACK)
        self.word(regs.VTOR, VECTORS)

    def load(self, address: int, *halfwords: int) -> int:
        self.store(address, struct.pack(f"<{len(halfwords)}H", *halfwords))
        return address

    def store(self, address: int, data: bytes) -> None:
        view = self.ram.view(address, len(data))
        assert view is not None
        view[:] = data
        self.core.engine.written(address, len(data))

    def fetch(self, address: int) -> int:
        view = self.ram.view(address, 4)
        assert view is not None
        return int.from_bytes(view, "little")

    def handler(self, exception: int, *halfwords: int) -> int:
        """Code for an exception, 0x100 apart behind the vector table."""
        place = VECTORS + 0x1000 + 0x100 * exception
        self.load(place, *halfwords)
        self.store(VECTORS + 4 * exception, struct.pack("<I", place | 1))
        return place

    def word(self, address: int, value: int) -> None:
        self.core.ppb.write(address, 4, value)

    def peek(self, address: int) -> int:
        return self.core.ppb.read(address, 4)

    _numbers = {"sp": 13, "lr": 14, "pc": 15, "xpsr": 16, "psp": 27, "special": 20} | {
        f"r{index}": index for index in range(13)
    }

    def get(self, name: str) -> int:
        return self.core.registers.read(self._numbers[name])

    def set(self, name: str, value: int) -> None:
        self.core.registers.write(self._numbers[name], value)

    def run(self, duration: int = MILLISECOND) -> None:
        self.core.run_to(self.core.clock.now + duration)
        self.host.advance_to(self.core.clock.now)

    def start(self, *halfwords: int, run: int = MILLISECOND) -> None:
        """Load a program and run it."""
        self.set("pc", self.load(CODE, *halfwords))
        if run:
            self.run(run)

    def debug(self, demcr: int = 0) -> None:
        """As a debugger would: C_DEBUGEN, TRCENA and vector catch bits."""
        self.word(regs.DHCSR, 0xA05F_0001)
        self.word(regs.DEMCR, regs.TRCENA | demcr)


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    yield rig
    rig.core.engine.close()
