"""A chip with a NOR, and a driver written after hw-soc 7.3 and 7.5 that talks to it through registers only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest

from n6prog.sim.clock import STLINK_V3, Timeline
from n6prog.sim.nor.device import NorDevice
from n6prog.sim.nor.parts import MX25UM51245G
from n6prog.sim.soc.boards import NUCLEO
from n6prog.sim.soc.soc import Soc
from n6prog.sim.tripwire import Tripwire

XSPI2 = 0x5802_A000
GPION = 0x5602_3400


class Chip:
    """The registers as a program sees them."""

    def __init__(self, size: int = 0x40000, undriven: str = "last") -> None:
        self.content = bytearray(b"\xff") * size
        self.tripwire = Tripwire()
        part = replace(MX25UM51245G, size=size)
        self.nor = NorDevice(part, memoryview(self.content), 1, tripwire=self.tripwire, undriven=undriven)
        self.soc = Soc(NUCLEO, self.nor, self.tripwire, STLINK_V3)
        self.time = self.soc.time = Timeline()

    def r(self, address: int, size: int = 4) -> int:
        return self.soc.read(address, size)

    def w(self, address: int, value: int, size: int = 4) -> None:
        self.soc.write(address, size, value)

    # -- XSPI2 by offset
    def xr(self, offset: int, size: int = 4) -> int:
        return self.r(XSPI2 + offset, size)

    def xw(self, offset: int, value: int, size: int = 4) -> None:
        self.w(XSPI2 + offset, value, size)

    def bring_up(self) -> None:
        """hw-soc 4.2 recipe A and 7.5 steps 2 to 8, MTYP Macronix, 64 MB geometry."""
        self.w(0x5602_8A78, 1)
        self.w(0x5602_8A5C, 0x2000)
        self.w(0x5602_8A60, 0x3000)
        self.w(0x5602_8A20, 0x0002_3020)
        self.w(0x5602_9220, 0x0002_3020)
        self.w(0x5602_483C, 0x200)
        for offset, value in ((0x20, 0x0999_9999), (0x24, 0x9999), (0x08, 0x00FF_3FFF), (0x0C, 4), (0x00, 0xFFAA_EAAA)):
            self.w(GPION + offset, value)
        self.w(0x5802_B400, 0)
        self.xw(0x08, 0x0119_0100)
        self.xw(0x0C, 0)
        self.xw(0x220, 0x0004_0008)  # CALSOR by hand: no calibration before the first frame
        self.xw(0x108, 0)
        self.xw(0x00, 0x301)

    def mode(self, fmode: int, extra: int = 0) -> None:
        self.xw(0x00, 0x301 | fmode << 28 | extra)

    def done(self) -> None:
        while not self.xr(0x20) & 2:
            pass
        self.xw(0x24, 2)
        while self.xr(0x20) & 0x20:
            pass

    def command(self, ir: int, ccr: int, address: int | None = None, tcr: int = 0) -> None:
        self.mode(0)
        self.xw(0x108, tcr)
        self.xw(0x100, ccr)
        self.xw(0x110, ir)
        if address is not None:
            self.xw(0x48, address)
        self.done()

    def start_read(self, ir: int, ccr: int, length: int, address: int | None = None, tcr: int = 0) -> None:
        self.mode(1)
        self.xw(0x108, tcr)
        self.xw(0x40, length - 1)
        self.xw(0x100, ccr)
        self.xw(0x110, ir)
        if address is not None:
            self.xw(0x48, address)

    def read(self, ir: int, ccr: int, length: int, address: int | None = None, tcr: int = 0) -> bytes:
        self.start_read(ir, ccr, length, address, tcr)
        out = bytearray()
        while len(out) < length:
            while not self.xr(0x20) & 6:
                pass
            out.append(self.xr(0x50, 1))
        self.done()
        return bytes(out)

    def send(self, ir: int, ccr: int, data: bytes, address: int | None = None, tcr: int = 0) -> None:
        self.mode(0)
        self.xw(0x108, tcr)
        self.xw(0x40, len(data) - 1)
        self.xw(0x100, ccr)
        self.xw(0x110, ir)
        if address is not None:
            self.xw(0x48, address)
        for byte in data:
            while not self.xr(0x20) & 4:
                pass
            self.xw(0x50, byte, 1)
        self.done()

    def begin_program(self, length: int, address: int = 0) -> None:
        """Write enable and a page program in 1S; it goes out as its `length` bytes come into DR."""
        self.command(0x06, 0x1)
        self.mode(0)
        self.xw(0x40, length - 1)
        self.xw(0x108, 0)
        self.xw(0x100, 0x0100_3101)
        self.xw(0x110, 0x12)
        self.xw(0x48, address)

    def poll(self, match: int = 0, mask: int = 1) -> None:
        """Automatic polling of RDSR with APMS, every 16 clocks."""
        self.mode(2, 1 << 22)
        self.xw(0x80, mask)
        self.xw(0x88, match)
        self.xw(0x90, 16)
        self.xw(0x40, 0)
        self.xw(0x108, 0)
        self.xw(0x100, 0x0100_0001)
        self.xw(0x110, 0x05)

    def map(self, ccr: int = 0x0100_3101, tcr: int = 8, ir: int = 0x0C, timeout: bool = True) -> None:
        self.mode(0)
        self.xw(0x100, ccr)
        self.xw(0x108, tcr)
        self.xw(0x110, ir)
        self.xw(0x130, 64)
        self.mode(3, 8 if timeout else 0)


class FakeNor:
    """Answers every frame with `answer`, over and over, and notes what was sent: (start, clock, head, out, want)."""

    def __init__(self) -> None:
        self.content = memoryview(bytearray(0x1000))
        self.answer: bytes | None = bytes(range(256))
        self.heard: list[tuple[int, int, bytes, bytes, int]] = []
        self.ends: list[int | None] = []  # when NCS rose, frame by frame, as far as the controller tells
        self.drives_dqs = True
        self.status_polls = 0
        self.busy_until = 0
        self.plain = True
        self.fastest = 0  # ps: no read works at a shorter clock
        self.faults = SimpleNamespace(stuck_wip=False)
        self.floating = SimpleNamespace(fill=lambda length: b"\xf1" * length)
        self.changes: list[tuple[int, bytes]] = []  # from then on this is the answer
        self.on_change: Callable[[], None] | None = None
        self.driven_to = 0  # where a read that went on without a frame ended

    def transaction(
        self,
        start: int,
        clock: int,
        _frame: object,
        head: bytes,
        out: bytes = b"",
        want: int = 0,
        end: int | None = None,
    ) -> bytes | None:
        self.ends.append(end)
        self.heard.append((start, clock, head, out, want))
        answer = self.answer
        for since, later in self.changes:
            answer = later if start >= since else answer
        return None if answer is None else (answer * (want // len(answer) + 1))[:want]

    def next_change(self, moment: int) -> int | None:
        return min((since for since, _ in self.changes if since > moment), default=None)

    def serves_content(self, _frame: object, _head: bytes, _now: int) -> bool:
        return self.plain

    def drive_on(self, end: int) -> None:
        self.driven_to = end

    def keeps_up(self, _opcode: int, clock: int) -> bool:
        return clock >= self.fastest

    def power_off(self, _now: int) -> None:
        pass

    def power_on(self, _now: int) -> None:
        pass


class Bench(Chip):
    """XSPI2 before a fake NOR: a CLK is 31 250 ps, and so is a byte in 8S. A register access takes `cost` ps."""

    def __init__(self, cost: int = 0) -> None:
        self.tripwire = Tripwire()
        self.fake = FakeNor()
        model = replace(STLINK_V3, xspi_register=cost, mapped_burst=0)
        self.soc = Soc(NUCLEO, self.fake, self.tripwire, model)  # type: ignore[arg-type]
        self.time = self.soc.time = Timeline(10**10)
        self.xspi = self.soc.xspi2

    @property
    def heard(self) -> list[tuple[int, int, bytes, bytes, int]]:
        return self.fake.heard

    def sr(self) -> int:
        """SR as it stands, without the wait that a program's look may bring."""
        return self.xspi.load(0x20)

    def wait(self, clocks: int) -> None:
        """Let so many CLK of 32 MHz pass."""
        self.time.now += clocks * CLK

    def setup(self, ccr: int, ir: int, length: int = 0, tcr: int = 0) -> None:
        """Command registers, without a trigger as long as FMODE is 0 and there is an address or a data phase."""
        if length:
            self.xw(0x40, length - 1)
        self.xw(0x108, tcr)
        self.xw(0x100, ccr)
        self.xw(0x110, ir)

    def begin_read(self, length: int, address: int = 0, fthres: int = 3) -> int:
        """An octal STR read with a 5-clock head and no dummies: a byte a CLK. Gives the time it begins at."""
        self.xw(0x00, 0x1000_0001 | fthres << 8)
        self.setup(0x0400_3404, 0xEC, length)
        self.xw(0x48, address)
        return self.time.now

    def begin_write(self, length: int, address: int = 0, fthres: int = 3) -> None:
        """The same for a write; it begins with the first byte."""
        self.xw(0x00, 1 | fthres << 8)
        self.setup(0x0400_3404, 0x12, length)
        self.xw(0x48, address)


CLK = 31_250


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.bring_up()
    return bench


@pytest.fixture
def make_bench() -> Callable[..., Bench]:
    return Bench


@pytest.fixture
def cold() -> Chip:
    """After reset: nothing brought up."""
    chip = Chip()
    chip.time.advance(10**10)
    return chip


@pytest.fixture
def chip(cold: Chip) -> Chip:
    cold.bring_up()
    return cold


@pytest.fixture
def make_chip() -> Callable[..., Chip]:
    return Chip
