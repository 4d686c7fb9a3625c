"""A small NOR on a bench: frames in, samples out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from n6prog.sim.nor.device import NorDevice
from n6prog.sim.nor.faults import NorFaults
from n6prog.sim.nor.parts import MX25UM51245G, NorFacts
from n6prog.sim.nor.wire import framing
from n6prog.sim.tripwire import Tripwire

CLOCK = 31_250  # 32 MHz in picoseconds
US = 1_000_000


class Bench:
    """Drives a NorDevice as a controller would; `now` moves on with every frame."""

    def __init__(self, part: NorFacts, undriven: str = "last") -> None:
        self.part = part
        self.content = bytearray(b"\xff") * part.size
        self.tripwire = Tripwire()
        self.nor = NorDevice(
            part, memoryview(self.content), 1, tripwire=self.tripwire, undriven=undriven, faults=NorFaults()
        )
        self.now = 0

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
        head = bytes((opcode,)) if mode == "1S" else bytes((opcode, opcode ^ 0xFF if inverse is None else inverse))
        shape = framing(mode, len(address), bool(out or want), dummy, dqs)
        answer = self.nor.transaction(self.now, CLOCK, shape, head + address, out, want)
        self.now += (shape.head_clocks + 8 * (len(out) + want)) * CLOCK + US // 10
        return answer

    def enable(self) -> None:
        self.frame(0x06)

    @property
    def sr(self) -> int:
        answer = self.frame(0x05, want=1)
        assert answer is not None
        return answer[0]

    @property
    def scur(self) -> int:
        answer = self.frame(0x2B, want=1)
        assert answer is not None
        return answer[0]

    def wait(self) -> None:
        self.now = max(self.now, self.nor.busy_until)
        self.nor.settle(self.now)

    def program(self, address: int, data: bytes) -> None:
        self.enable()
        self.frame(0x12, address.to_bytes(4, "big"), data)
        self.wait()

    def erase(self, opcode: int, address: int | None = None) -> None:
        self.enable()
        self.frame(opcode, b"" if address is None else address.to_bytes(4, "big"))
        self.wait()

    def octal(self, mode: str) -> None:
        """Into 8S or 8D from 1S."""
        self.enable()
        self.frame(0x72, bytes(4), bytes((1 if mode == "8S" else 2,)))


@pytest.fixture
def bench() -> Bench:
    return Bench(replace(MX25UM51245G, size=0x40000))


@pytest.fixture
def make_bench() -> Callable[..., Bench]:
    def make(size: int = 0x40000, undriven: str = "last") -> Bench:
        return Bench(replace(MX25UM51245G, size=size), undriven)

    return make
