"""The log of the traffic."""

from __future__ import annotations

from n6prog.sim.nor.wire import NONE, Framing, Phase
from tests.sim.nor.bench import CLOCK


def test_frames_are_logged_even_when_nobody_hears_them(bench):
    bench.nor.power_off(0)
    bench.now = 3 * 10**12
    bench.frame(0xEC, b"\x01\x02\x03\x04", want=7, dummy=20, mode="8S")
    frame = bench.nor.frames[-1]
    assert frame == (3.0, "8S", 0xEC, 0x01020304, 20, 7, b"")
    bench.frame(0x06)
    assert bench.nor.frames[-1][1:] == ("1S", 0x06, None, 0, 0, b"")
    bench.nor.transaction(0, CLOCK, Framing.of(NONE, NONE, NONE, Phase(1, False)), b"", b"\xc7\x01")
    assert bench.nor.frames[-1][1:] == ("1S", 0xC7, None, 0, 2, b"\xc7\x01")
    bench.nor.transaction(0, CLOCK, Framing.of(NONE, Phase(1, False, 3), NONE, NONE), b"\x01\x02\x03")
    assert bench.nor.frames[-1][1:] == ("1S", 0x01, 0x010203, 0, 0, b"")
    bench.nor.transaction(0, CLOCK, Framing.of(NONE, NONE, NONE, NONE), b"")
    assert bench.nor.frames[-1][1:] == ("mixed", 0, None, 0, 0, b"")
    assert repr(bench.nor.frames) == "<5 frames>"
    assert [frame.opcode for frame in bench.nor.frames[1:3]] == [0x06, 0xC7]
    bench.nor.frames.clear()
    assert len(bench.nor.frames) == 0


def test_the_address_of_a_frame_is_its_address_phase_and_nothing_else(bench):
    shape = Framing.of(Phase(8, False, 2), Phase(8, False, 4), Phase(8, False, 1), NONE)
    bench.nor.transaction(0, CLOCK, shape, b"\xec\x13\x01\x02\x03\x04\xa5")
    assert bench.nor.frames[-1].address == 0x01020304
    shape = Framing.of(Phase(0, False, 1), Phase(1, False, 3), NONE, NONE)  # no instruction, whatever its size
    bench.nor.transaction(0, CLOCK, shape, b"\x01\x02\x03")
    assert bench.nor.frames[-1].address == 0x010203
