"""Status reads and write enables by the short way: the part is the same afterwards as by the long one."""

from __future__ import annotations

import random

import pytest

from tests.sim.nor.bench import US

RDSR, RDSCUR, WREN, PP, RSTEN, DP, RDP, SUSPEND, RESUME = 0x05, 0x2B, 0x06, 0x12, 0x66, 0xB9, 0xAB, 0xB0, 0x30
ENSO, EXSO = 0xB1, 0xC1
DQS_EARLY = 0x200, 1  # CR2: the strobe comes a clock early


def do(bench, step):
    """One step; what the controller sampled."""
    name, *rest = step
    if name == "wait":
        bench.now += rest[0]
        return None
    if name == "clock":
        bench.clock = rest[0]
        return None
    if name in ("status", "security"):
        want, dummy, dqs, out, mode = rest
        opcode, address = (RDSR if name == "status" else RDSCUR), b"" if bench.nor.mode == "1S" else bytes(4)
        return bench.frame(opcode, address, out, want=want, dummy=dummy, mode=mode or bench.nor.mode, dqs=dqs)
    if name == "early":
        bench.nor.registers.cr2[DQS_EARLY[0]] = rest[0] * DQS_EARLY[1]
        return None
    if name == "enable":
        return bench.frame(WREN, want=rest[0], dummy=rest[1], mode=rest[2] or bench.nor.mode)
    bench.send(rest[0], *rest[1:])
    return None


def steps(dice, mode):
    """Mostly the usual frames, in every state that the part can be in."""
    held, dummy = (1, 0) if mode == "1S" else (2, 4)
    other_mode = dice.choice(["", "", "", "", "", "", "8S", "1S", "8D"])
    status = (
        dice.choice(["status", "security"]),
        dice.choice([held, held, held, held, 0, held + 1, 4]),
        dice.choice([dummy, dummy, dummy, dummy + 1, max(dummy - 1, 0)]),
        dice.choice([False, True]),
        dice.choice([b"", b"", b"", b"", b"", bytes(2)]),
        other_mode,
    )
    enable = ("enable", dice.choice([0, 0, 0, 0, 2]), dice.choice([0, 0, 0, 0, 4]), other_mode)
    program = ("send", PP, dice.randrange(0, 0x4000, 16), dice.randbytes(16))
    other = ("send", dice.choice([RSTEN, DP, RDP, RDP, RDP, SUSPEND, RESUME, RESUME, ENSO, EXSO]))
    wait = ("wait", dice.choice([1, US, 20 * US, 300 * US]))
    clock = dice.choice([31_250, 31_250, 8_000 if mode == "1S" else 6_000])
    rare = dice.choice([other, ("early", dice.choice([0, 0, 1])), ("clock", clock)])
    return dice.choice([status, status, status, enable, enable, program, program, wait, wait, rare])


@pytest.mark.parametrize("mode", ["1S", "8D"])
@pytest.mark.parametrize("seed", range(8))
def test_the_short_way_is_the_same_as_the_long_one(make_bench, monkeypatch, seed, mode):
    dice = random.Random(seed)
    short, long = make_bench(), make_bench()
    for bench in (short, long):
        if mode != "1S":
            bench.octal(mode)
    taken = []
    way = short.nor._usual
    monkeypatch.setattr(short.nor, "_usual", lambda *frame: taken.append(way(*frame)) or taken[-1])
    monkeypatch.setattr(long.nor, "_usual", lambda *_frame: None)
    for _ in range(400):
        step = steps(dice, mode)
        assert do(short, step) == do(long, step), step
        assert short.nor.snapshot() == long.nor.snapshot(), step
        assert short.nor.floating.last == long.nor.floating.last, step
    assert sum(answer is not None for answer in taken) > 10
    assert mode == "1S" or any(answer is None for answer in taken)
    assert list(short.nor.frames) == list(long.nor.frames)
    assert short.content == long.content


def test_the_security_register_by_the_short_way(make_bench, monkeypatch):
    bench = make_bench()
    bench.octal("8D")
    nor = bench.nor
    monkeypatch.setattr(nor, "_obey", lambda *_frame: pytest.fail("the long way"))
    nor.registers.scur = 0x60  # E_FAIL, P_FAIL (hw-flash 3)
    nor.status_polls, nor.reset_enabled = 3, True
    assert bench.frame(RDSCUR, bytes(4), want=2, dummy=4, mode="8D", dqs=True) == b"\x60\x60"
    assert (nor.status_polls, nor.reset_enabled, nor.floating.last) == (0, False, 0x60)


def test_a_status_read_by_the_short_way_ends_a_reset_that_was_enabled(make_bench, monkeypatch):
    bench = make_bench()
    bench.octal("8D")
    nor = bench.nor
    monkeypatch.setattr(nor, "_obey", lambda *_frame: pytest.fail("the long way"))
    nor.reset_enabled = True
    assert bench.frame(RDSR, bytes(4), want=2, dummy=4, mode="8D", dqs=True) == b"\0\0"
    assert not nor.reset_enabled


@pytest.mark.parametrize("mode", ["1S", "8D"])
def test_the_usual_frames_in_the_usual_state_take_the_short_way(make_bench, monkeypatch, mode):
    bench = make_bench()
    if mode != "1S":
        bench.octal(mode)
    monkeypatch.setattr(bench.nor, "_obey", lambda *_frame: pytest.fail("the long way"))
    assert bench.sr == 0
    bench.enable()
    assert bench.sr == 0x02  # WEL (hw-flash 3)
    bench.nor.reset_enabled = True
    bench.enable()
    assert not bench.nor.reset_enabled


@pytest.mark.parametrize("mode", ["1S", "8D"])
def test_a_status_read_by_the_short_way_sees_an_operation_that_ends_with_its_head(make_bench, monkeypatch, mode):
    """WIP falls while the dummies of a read in 8D go by; in 1S there is nothing between opcode and data."""
    bench = make_bench()
    if mode != "1S":
        bench.octal(mode)
    bench.enable()
    bench.send(PP, 0, b"ab")
    head = 8 if mode == "1S" else 7
    monkeypatch.setattr(bench.nor, "_obey", lambda *_frame: pytest.fail("the long way"))
    bench.now = bench.nor.busy_until - head * bench.clock - 1
    before = bench.now
    assert bench.sr == 0x03
    assert bench.nor.status_polls == 1
    bench.now = before + 1
    assert bench.sr == 0
    assert bench.nor.status_polls == 0
