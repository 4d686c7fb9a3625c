"""Many words at once give what the same words one by one would."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from n6prog.sim.dap.dp import Ack
from tests.sim.dap.conftest import BASE, HOLE, PIT, SIZE

DRW = 0x0C
LIKE_ANY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)


@LIKE_ANY
@given(st.integers(0, 0x1200), st.integers(1, 600), st.sampled_from([0x12, 0x02, 0x10, 0x11]))
def test_a_run_is_its_words_one_by_one(wire_with: Any, start: int, count: int, csw: int) -> None:
    start &= ~3
    fast, slow = wire_with(), wire_with()
    words = [0x0101_0101 * (number & 0xFF) ^ number << 20 for number in range(count)]
    for wire in (fast, slow):
        wire.tar(BASE + start, csw)
    assert fast.dp.write_run(1, DRW, words) == (Ack.OK, count)
    for word in words:
        assert slow.dp.write_ap(1, DRW, word) is Ack.OK
    assert fast.ram.data == slow.ram.data
    assert fast.dp.ports[1].tar == slow.dp.ports[1].tar
    assert fast.faults.transfers == slow.faults.transfers
    for wire in (fast, slow):
        wire.tar(BASE + start, csw)
    assert fast.dp.read_run(1, DRW, count) == (Ack.OK, [slow.dp.read_ap(1, DRW)[1] for _ in range(count)])
    assert fast.dp.snapshot() == slow.dp.snapshot()


def test_a_run_moves_as_one_piece_of_memory(wire: Any) -> None:
    wire.tar(BASE)
    wire.dp.write_run(1, DRW, range(512))
    assert wire.ram.accesses == [("write", BASE, 1024), ("write", BASE, 1024)]  # it wraps


def test_a_run_over_another_register_reads_that_register(wire: Any) -> None:
    assert wire.dp.read_run(1, 0xFC, 3) == (Ack.OK, [0x8477_0001] * 3)


def test_a_run_of_writes_into_a_hole_says_how_far_it_came(wire: Any) -> None:
    wire.tar(BASE + SIZE - 8)
    wire.dp.ports[1].tar = BASE + SIZE - 8
    ack, done = wire.dp.write_run(1, DRW, [1, 2])
    assert (ack, done) == (Ack.OK, 2)
    wire.tar(HOLE)
    assert wire.dp.write_run(1, DRW, [1, 2, 3]) == (Ack.FAULT, 0)
    assert wire.dp.read_dp(4, 0)[1] & 0x20
    assert wire.dp.write_run(1, DRW, [1]) == (Ack.FAULT, 0)


def test_runs_that_never_end_are_waited_for(wire: Any) -> None:
    wire.tar(PIT)
    assert wire.dp.read_run(1, DRW, 5) == (Ack.WAIT, [])
    wire.dp.write_dp(0, 1, 0)
    assert wire.dp.write_run(1, DRW, [1, 2]) == (Ack.WAIT, 0)


@pytest.mark.parametrize("width", [1, 2, 4])
def test_a_block_is_memory_of_any_width(wire: Any, width: int) -> None:
    data = bytes(range(1, 241)) * 5
    assert wire.dp.write_block(1, BASE + 0x3F0, data, width) == (Ack.OK, 0)
    assert wire.ram.data[0x3F0 : 0x3F0 + len(data)] == data
    assert wire.dp.read_block(1, BASE + 0x3F0, len(data), width) == (Ack.OK, data, 0)
    assert wire.faults.transfers == 2 * len(data) // width


def test_after_a_block_that_hangs_the_other_port_goes_on(wire: Any) -> None:
    assert wire.dp.read_block(1, PIT, 8, 4)[0] is Ack.WAIT
    assert wire.dp.read_ap(0, 0xFC) == (Ack.OK, 0x5477_0002)
    assert wire.dp.write_block(1, BASE, bytes(4), 4)[0] is Ack.WAIT
