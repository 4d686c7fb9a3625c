"""The device against a reference model of a few lines: bytes, WEL, BP, page programs, erases, in 1S and 8D.

The model knows nothing of the device's code; its rules are hw-flash 2.4 and 7. Times are only checked at the ends.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from n6prog.sim.nor.parts import MX25UM51245G
from tests.sim.nor.bench import Bench

BLOCK, SECTOR, PAGE = 0x10000, 0x1000, 0x100
SIZE = 3 * BLOCK
# near every edge there is: pages, sectors, blocks, the end
EDGES = [0, 1, 0xFE, 0xFF, 0x100, 0xFFF, 0x1000, 0xFFFE, 0xFFFF, 0x10000, 0x1FFFF, 0x20000, SIZE - 2, SIZE - 1]
ADDRESSES = st.sampled_from(EDGES) | st.integers(0, SIZE - 1)
DATA = st.binary(min_size=1, max_size=24) | st.binary(min_size=250, max_size=262)


class Model:
    """What a part is, told as simply as can be."""

    def __init__(self) -> None:
        self.cells = bytearray(b"\xff") * SIZE
        self.wel = False
        self.bp = 0
        self.p_fail = self.e_fail = False
        self.effect = None  # done when WIP falls

    @property
    def busy(self) -> bool:
        return self.effect is not None

    def protected(self, start: int, size: int) -> bool:
        blocks = min(2 ** (self.bp - 1), 3) if self.bp else 0
        return start + size > SIZE - blocks * BLOCK

    def program(self, address: int, data: bytes) -> None:
        if self.busy or not self.wel:
            return
        page = address // PAGE * PAGE
        refused = self.protected(page, PAGE)
        self.p_fail = False

        def effect() -> None:
            if refused:
                self.p_fail = True
                return
            latch = {}
            for index, value in enumerate(data):
                latch[(address + index) % PAGE] = value
            for offset, value in latch.items():
                self.cells[page + offset] &= value

        self.effect = effect

    def erase(self, start: int, size: int) -> None:
        if self.busy or not self.wel:
            return
        start = start // size * size
        refused = self.bp > 0 if size == SIZE else self.protected(start, size)
        self.e_fail = False

        def effect() -> None:
            if refused:
                self.e_fail = True
            else:
                self.cells[start : start + size] = b"\xff" * size

        self.effect = effect

    def status(self, bp: int) -> None:
        if self.busy or not self.wel:
            return
        self.p_fail = False

        def effect() -> None:
            self.bp = bp

        self.effect = effect

    def end(self) -> None:
        if self.effect is not None:
            self.effect()
            self.effect = None
            self.wel = False


class Nor(RuleBasedStateMachine):
    """Random commands to both; they must never differ."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(replace(MX25UM51245G, size=SIZE))
        self.model = Model()

    @initialize(mode=st.sampled_from(["1S", "8D"]))
    def mode(self, mode: str) -> None:
        self.bench.octal(mode)

    @property
    def octal(self) -> bool:
        return self.bench.nor.mode == "8D"

    @rule()
    def write_enable(self) -> None:
        self.bench.send(0x06)
        if not self.model.busy:
            self.model.wel = True

    @rule()
    def write_disable(self) -> None:
        self.bench.send(0x04)
        if not self.model.busy:
            self.model.wel = False

    @rule(address=ADDRESSES, data=DATA, enable=st.booleans())
    def program(self, address: int, data: bytes, enable: bool) -> None:
        if enable:
            self.write_enable()
        if self.octal:
            data = data if len(data) % 2 == 0 else data + b"\xff"
        self.bench.send(0x12, address, data)
        if not (self.octal and address % 2):
            self.model.program(address, data)

    @rule(address=ADDRESSES, kind=st.sampled_from([(0x21, SECTOR), (0xDC, BLOCK)]), enable=st.booleans())
    def erase(self, address: int, kind: tuple[int, int], enable: bool) -> None:
        if enable:
            self.write_enable()
        self.bench.send(kind[0], address)
        self.model.erase(address, kind[1])

    @rule()
    def erase_chip(self) -> None:
        self.bench.send(0xC7)
        self.model.erase(0, SIZE)

    @rule(bp=st.integers(0, 4))
    def protect(self, bp: int) -> None:
        self.bench.send(0x01, 0, bytes((bp << 2,)))
        self.model.status(bp)

    @rule(extra=st.binary(min_size=1, max_size=3))
    def too_many_bits(self, extra: bytes) -> None:
        self.bench.frame(0x21, bytes(4), extra, mode=self.bench.nor.mode)

    @precondition(lambda self: self.octal)
    @rule()
    def wrong_inverse(self) -> None:
        self.bench.frame(0x06, mode="8D", inverse=0x06)
        self.bench.frame(0xC7, mode="8D", inverse=0xC7)

    @rule()
    def other_modes(self) -> None:
        for mode in {"1S", "8S", "8D"} - {self.bench.nor.mode}:
            self.bench.frame(0x06, mode=mode)
            self.bench.frame(0x60, mode=mode)

    @rule()
    def wait(self) -> None:
        self.bench.wait()
        self.model.end()

    @rule(address=ADDRESSES, count=st.integers(1, 40))
    def read(self, address: int, count: int) -> None:
        if self.octal:
            address, count = address & ~1, count * 2
        answer = self.bench.read(address, count)
        if self.model.busy:
            assert answer is None
        else:
            assert answer == (bytes(self.model.cells) * 2)[address : address + count]

    @invariant()
    def same(self) -> None:
        model = self.model
        sr = self.bench.sr
        if not sr & 1:  # a short refusal may have ended by itself
            model.end()
        assert sr == model.busy | model.wel << 1 | model.bp << 2
        if not model.busy:
            assert self.bench.scur == model.p_fail << 5 | model.e_fail << 6
            assert self.bench.content == model.cells


TestNor = Nor.TestCase
TestNor.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
