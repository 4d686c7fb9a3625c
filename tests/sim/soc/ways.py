"""Two ways to the registers of XSPI2, the fast one and the plain one, for programs that must not see a difference."""

from __future__ import annotations

from n6prog.sim.soc.bus import BusHang
from n6prog.sim.soc.xspi_map import WRITE

CLK = 31_250
XSPI2 = 0x5802_A000
CR, SR, FCR, DLR, AR, DR = 0x000, 0x020, 0x024, 0x040, 0x048, 0x050
PSMKR, PSMAR, PIR, CCR, TCR, IR = 0x080, 0x088, 0x090, 0x100, 0x108, 0x110
BUSY, TOF, SMF, FTF, TCF = 0x20, 0x10, 8, 4, 2
OCTAL, OCTAL_DTR, SINGLE = 0x0400_3404, 0x0C00_3404, 0x0100_3101  # CCR: 32-bit address and data
LENGTHS = [1, 3, 4, 7, 8, 12, 63, 64, 65, 68, 72, 100, 132]
INTERRUPTS = [0, 0, 0, 0x0002_0000, 0x0004_0000]
NO_DATA = {OCTAL: 0x3404, OCTAL_DTR: 0x3404, SINGLE: 0x3101}


class Way:
    """A program's way to the registers: the fast one where there is one, or the plain one."""

    def __init__(self, bench, fast):
        self.bench, self.fast = bench, fast
        self.told = []  # when the core was told to look at the interrupt line
        bench.bring_up()
        bench.soc.on_irq_changed = self.irq_changed

    def irq_changed(self):
        if self.bench.xspi.interrupts:  # without, the line is low before and after
            self.told.append(self.bench.time.now)

    def read(self, offset, size=4):
        soc = self.bench.soc
        reader = soc.hot.get(XSPI2 + offset, soc.read) if self.fast else soc.read
        return reader(XSPI2 + offset, size)

    def write(self, offset, value, size=4):
        soc = self.bench.soc
        writer = soc.hot_writes.get(XSPI2 + offset, soc.write) if self.fast else soc.write
        writer(XSPI2 + offset, size, value)

    def step(self, name, *rest):
        """One step of a program: what it saw."""
        try:
            if name == "wait":
                self.bench.time.now += rest[0]
                return None
            return self.read(*rest) if name == "read" else self.write(*rest)
        except BusHang:
            return "hang"

    def begin(self, kind, ccr, length, cr):
        """Out of whatever was under way, and into a transfer."""
        mode = {"read": 0x1000_0000, "poll": 0x2040_0000, "busy": 0x2000_0000 | (length & 1) << 22}.get(kind, 0)
        if kind == "busy":  # polls that do not match until then, or ever
            since = self.bench.time.now + length % 5 * 700 * CLK
            self.bench.fake.answer = b"\x03"
            self.bench.fake.changes = [(since, b"\x02")] if length % 5 else []
        self.write(CR, 0)  # ends what was, and the count of looks without news
        self.write(CR, cr | mode | 1)
        self.write(DLR, length - 1)
        self.write(PSMKR, 1)
        self.write(TCR, 0)
        self.write(CCR, NO_DATA[ccr] if kind == "command" else ccr)
        self.write(IR, 0x12)
        self.write(AR, 0x40)

    def sends_a_head(self):
        """Whether data wait for the head of their frame."""
        xspi, out = self.bench.xspi, self.bench.xspi.output
        now = self.bench.time.now + xspi.cost
        return xspi.state == WRITE and (out.dry - now) * 4 > len(out.sent) * out.word

    def seen(self):
        now = self.bench.time.now
        coming = self.bench.xspi.next_irq(now)
        assert coming > now
        return now, coming, self.told, self.bench.heard
