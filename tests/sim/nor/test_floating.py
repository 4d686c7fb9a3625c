"""Undriven lines."""

from __future__ import annotations

import pytest

from n6prog.sim.nor.floating import FloatingBus


def test_undriven_lines_drift_from_the_last_level_by_a_quarter():
    for last in (0x00, 0xFF):
        bus = FloatingBus(3)
        bus.last = last
        noise = int.from_bytes(bus.fill(4096), "big") ^ int.from_bytes(bytes((last,)) * 4096, "big")
        assert 0.22 < noise.bit_count() / 32768 < 0.28


@pytest.mark.parametrize(("style", "byte"), [("ff", b"\xff"), ("00", b"\0")])
def test_undriven_lines_may_be_constant(style, byte):
    bus = FloatingBus(0, style)
    assert bus.fill(5) == byte * 5
    assert bus.fill(0) == bus.fill(-1) == b""
    assert bus.count == 0


def test_an_unknown_style_names_the_known_ones():
    with pytest.raises(ValueError, match="float=x: one of last, ff, 00"):
        FloatingBus(0, "x")


def test_noise_is_seeded_and_never_the_same_twice():
    bus, same, other = FloatingBus(1), FloatingBus(1), FloatingBus(2)
    assert bus.last == 0xFF
    first = bus.noise(32)
    assert len(first) == 32
    assert same.noise(32) == first
    assert other.noise(32) != first
    assert bus.noise(32) != first
    assert bus.fill(0) == b""
    assert bus.count == 2
    assert len(bus.fill(1)) == 1
    bus.last = 0x12
    same.restore(bus.snapshot())
    assert same.last == 0x12
    assert same.fill(16) == bus.fill(16)


def test_scrambled_data_are_wrong_from_the_first_bit_and_by_a_quarter():
    bus = FloatingBus(5)
    assert bus.scramble(b"") == b""
    for _ in range(20):
        assert (bus.scramble(b"\x5a")[0] ^ 0x5A) & 0x80
    wrong = int.from_bytes(bus.scramble(bytes(4096)), "big")
    assert 0.22 < wrong.bit_count() / 32768 < 0.28
    wrong = int.from_bytes(bus.scramble(b"\xff" * 4096), "big") ^ (1 << 32768) - 1
    assert 0.22 < wrong.bit_count() / 32768 < 0.28
