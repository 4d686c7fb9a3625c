"""Fixtures of the NOR's tests: a small part on a bench (tests/sim/nor/bench.py)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from n6prog.sim.nor.parts import MX25UM51245G
from tests.sim.nor.bench import BANKED, MODES, SMALL, Bench


@pytest.fixture
def bench() -> Bench:
    return Bench(SMALL)


@pytest.fixture
def banked() -> Bench:
    return Bench(BANKED)


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make_bench() -> Callable[..., Bench]:
    def make(size: int = 0x40000, undriven: str = "last", **facts: object) -> Bench:
        return Bench(replace(MX25UM51245G, size=size, **facts), undriven)  # type: ignore[arg-type]

    return make
