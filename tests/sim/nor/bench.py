"""A small NOR on a bench: frames in, samples out.

`bench.frame` sends any frame, right or wrong. `bench.send` and `bench.get` send the documented one in the bus mode the
part is in, so a test can be run in all three (fixture `mode`, then `bench.octal(mode)`).
"""

from __future__ import annotations

from dataclasses import replace

from n6prog.sim.nor.device import NorDevice
from n6prog.sim.nor.faults import NorFaults
from n6prog.sim.nor.parts import MX25UM51245G, MX66UW1G45G, NorFacts
from n6prog.sim.nor.wire import framing
from n6prog.sim.tripwire import Tripwire

CLOCK = 31_250  # 32 MHz in picoseconds
NS, US, MS, SECOND = 10**3, 10**6, 10**9, 10**12
MODES = ("1S", "8S", "8D")
DC = -1

# hw-flash 2.1 to 2.3 by hand: opcode: (1S address bytes, 1S dummies, octal address bytes, octal dummies)
FRAMES = {
    0x03: (3, 0, 0, 0), 0x13: (4, 0, 0, 0), 0x0B: (3, 8, 0, 0), 0x0C: (4, 8, 0, 0), 0xEC: (0, 0, 4, DC),
    0xEE: (0, 0, 4, DC), 0x02: (3, 0, 0, 0), 0x12: (4, 0, 4, 0), 0x20: (3, 0, 0, 0), 0x21: (4, 0, 4, 0),
    0xD8: (3, 0, 0, 0), 0xDC: (4, 0, 4, 0), 0x60: (0, 0, 0, 0), 0xC7: (0, 0, 0, 0), 0xB0: (0, 0, 0, 0),
    0x30: (0, 0, 0, 0), 0xC0: (0, 0, 4, 0), 0x06: (0, 0, 0, 0), 0x04: (0, 0, 0, 0), 0x9F: (0, 0, 4, 4),
    0x5A: (3, 8, 4, 20), 0x05: (0, 0, 4, 4), 0x15: (0, 0, 4, 4), 0x01: (0, 0, 4, 0), 0x71: (4, 0, 4, 4),
    0x72: (4, 0, 4, 0), 0x2B: (0, 0, 4, 4), 0x2F: (0, 0, 0, 0), 0x16: (0, 0, 4, 4), 0x17: (0, 0, 4, 0),
    0x18: (0, 0, 0, 0), 0x66: (0, 0, 0, 0), 0x99: (0, 0, 0, 0), 0x00: (0, 0, 0, 0), 0xB9: (0, 0, 0, 0),
    0xAB: (0, 0, 0, 0), 0xB1: (0, 0, 0, 0), 0xC1: (0, 0, 0, 0), 0x68: (0, 0, 0, 0), 0x7E: (0, 0, 0, 0),
    0x98: (0, 0, 0, 0), 0xE0: (4, 0, 4, DC), 0xE1: (4, 0, 4, 0), 0xE2: (4, 0, 4, DC), 0xE3: (4, 0, 4, 0),
    0xE4: (0, 0, 0, 0), 0x2D: (0, 0, 4, 4), 0x2C: (0, 0, 4, 0), 0x27: (4, 8, 4, 20), 0x28: (4, 0, 4, 0),
    0x29: (4, 0, 4, 0),
}  # fmt: skip
DUMMIES = (20, 18, 16, 14, 12, 10, 8, 6)  # CR2 300h, hw-flash 4.3
SINGLE_RATE = {0x9F, 0x05, 0x15, 0x71, 0x2B, 0x16, 0xE0, 0xE2, 0x2D}  # each byte held a clock in 8D
DOUBLED = {0x01, 0x72, 0xC0, 0xE1, 0x2C}  # one byte that goes out twice in 8D


def swapped(data: bytes) -> bytes:
    """Pairs swapped, as a controller does in 8D; an even number of bytes."""
    return bytes(data[index ^ 1] for index in range(len(data)))


class Bench:
    """Drives a NorDevice as a controller would; `now` moves on with every frame."""

    def __init__(self, part: NorFacts, undriven: str = "last", seed: int = 1) -> None:
        self.part = part
        self.content = bytearray(b"\xff") * part.size
        self.tripwire = Tripwire()
        self.nor = NorDevice(
            part, memoryview(self.content), seed, tripwire=self.tripwire, undriven=undriven, faults=NorFaults()
        )
        self.now = 0
        self.clock = CLOCK
        self.ended = 0  # when CS# rose last

    def frame(
        self,
        opcode: int,
        address: bytes = b"",
        out: bytes = b"",
        want: int = 0,
        dummy: int = 0,
        mode: str = "1S",
        inverse: int | None = None,
        dqs: bool = False,
    ) -> bytes | None:
        """Any frame, with every phase in one mode."""
        head = bytes((opcode,)) if mode == "1S" else bytes((opcode, opcode ^ 0xFF if inverse is None else inverse))
        shape = framing(mode, len(address), bool(out or want), dummy, dqs)
        answer = self.nor.transaction(self.now, self.clock, shape, head + address, out, want)
        self.ended = self.now + shape.head_clocks * self.clock
        self.ended += (len(out) + want) * {"1S": 16, "8S": 2, "8D": 1}[mode] * self.clock // 2
        self.now = self.ended + US // 10
        return answer

    def head(self, opcode: int, address: int) -> bytes:
        """The address bytes of the documented frame."""
        spi, _, octal, _ = FRAMES[opcode]
        size = spi if self.nor.mode == "1S" else octal
        return address.to_bytes(size, "big") if size else b""

    def send(self, opcode: int, address: int = 0, data: bytes = b"") -> None:
        """The documented write frame; in 8D array data swapped and register bytes doubled."""
        if self.nor.mode == "8D":
            data = data * 2 if opcode in DOUBLED else swapped(data) if opcode == 0x12 else data
        self.frame(opcode, self.head(opcode, address), data, mode=self.nor.mode)

    def get(self, opcode: int, address: int = 0, count: int = 1, dqs: bool = False) -> bytes | None:
        """The documented read frame; in 8D swapped pairs and held bytes are put right."""
        mode = self.nor.mode
        dummy = FRAMES[opcode][1 if mode == "1S" else 3]
        if dummy == DC:
            dummy = DUMMIES[self.nor.registers.cr2.get(0x300, 0)]
        held = mode == "8D" and opcode in SINGLE_RATE
        answer = self.frame(
            opcode, self.head(opcode, address), want=2 * count if held else count, dummy=dummy, mode=mode, dqs=dqs
        )
        if answer is None:
            return None
        if held:
            assert answer[0::2] == answer[1::2]
            return answer[0::2]
        return swapped(answer) if mode == "8D" else answer

    def enable(self) -> None:
        self.send(0x06)

    def read(self, address: int, count: int = 1) -> bytes | None:
        """The array in the mode in force; in 8D `address` and `count` even."""
        return self.get({"1S": 0x13, "8S": 0xEC, "8D": 0xEE}[self.nor.mode], address, count)

    @property
    def sr(self) -> int:
        answer = self.get(0x05)
        assert answer is not None
        return answer[0]

    @property
    def scur(self) -> int:
        answer = self.get(0x2B)
        assert answer is not None
        return answer[0]

    def cr2(self, address: int) -> int | None:
        answer = self.get(0x71, address)
        return None if answer is None else answer[0]

    def wait(self) -> None:
        self.now = max(self.now, self.nor.busy_until)
        self.nor.settle(self.now)

    def program(self, address: int, data: bytes) -> None:
        self.enable()
        self.send(0x12, address, data)
        self.wait()

    def erase(self, opcode: int, address: int = 0) -> None:
        self.enable()
        self.send(opcode, address)
        self.wait()

    def write_cr2(self, address: int, value: int) -> None:
        self.enable()
        self.send(0x72, address, bytes((value,)))

    def write_sr(self, *values: int) -> None:
        """WRSR with SR, or SR and CR, in 1S."""
        self.enable()
        self.send(0x01, 0, bytes(values))
        self.wait()

    def octal(self, mode: str) -> None:
        """From 1S into `mode`."""
        if mode != "1S":
            self.write_cr2(0, 1 if mode == "8S" else 2)

    def reset(self) -> None:
        """66h 99h in the mode in force; what comes next is sent right after it."""
        self.send(0x66)
        self.send(0x99)

    def individual(self) -> None:
        """SCUR.WPSEL as if it had been set in the factory, and power cycled: all DPB locked."""
        self.nor.registers.scur |= 0x80


SMALL = replace(MX25UM51245G, size=0x40000)
BANKED = replace(MX66UW1G45G, size=0x80000)  # four banks of 0x20000, two dies of 0x40000
