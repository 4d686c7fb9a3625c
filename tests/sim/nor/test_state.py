"""What other rooms build on: the journal, the change hook, the plain-content question, the log, undriven lines."""

from __future__ import annotations

import copy
import json

import pytest

from n6prog.sim.nor.device import NorDevice
from n6prog.sim.nor.floating import FloatingBus
from n6prog.sim.nor.operation import Operation
from n6prog.sim.nor.wire import NONE, Framing, Phase, as_seen, edges, framing, swap_pairs
from tests.sim.nor.bench import BANKED, CLOCK, MS, SMALL, US, Bench

DC_READ = {"1S": (0x0C, 8), "8S": (0xEC, 20), "8D": (0xEE, 20)}


def plain(bench, mode=None, opcode=None, dummy=None, address=4, dqs=False, inverse=None, now=None):
    """Whether a read frame gives the plain content; by default the right one for the mode."""
    mode = mode or bench.nor.mode
    own, clocks = DC_READ[mode]
    opcode = own if opcode is None else opcode
    shape = framing(mode, address, True, clocks if dummy is None else dummy, dqs)
    head = bytes((opcode,)) if mode == "1S" else bytes((opcode, opcode ^ 0xFF if inverse is None else inverse))
    answer = bench.nor.serves_content(shape, head + bytes(address), bench.now if now is None else now)
    assert isinstance(answer, bool)
    return answer


# ---- plain content -------------------------------------------------------------------------------------------------


def test_the_right_read_serves_the_content(bench, mode):
    bench.octal(mode)
    assert plain(bench)
    assert not plain(bench, dummy=DC_READ[mode][1] + 1)
    assert not plain(bench, dummy=DC_READ[mode][1] - 1)
    assert not plain(bench, address=3, dummy=DC_READ[mode][1] + (8 if mode == "1S" else 1))
    assert not plain(bench, opcode=0x05)
    assert not plain(bench, opcode=0xAA)
    assert not bench.nor.serves_content(framing(mode, 4, True, DC_READ[mode][1]), b"", bench.now)
    assert plain(bench, opcode=0x13, dummy=0) is (mode == "1S")
    other = {"1S": "8S", "8S": "8D", "8D": "1S"}[mode]
    assert not plain(bench, other)
    if mode == "1S":
        assert plain(bench, opcode=0x03, address=3, dummy=0)
        assert not plain(bench, opcode=0xEC, dummy=20)
    else:
        assert not plain(bench, inverse=0x00)


def test_with_a_strobe_too_few_dummies_serve_too(bench):
    bench.octal("8D")
    assert plain(bench, dqs=True, dummy=6)
    bench.write_cr2(0x200, 1)
    assert not plain(bench, dqs=True)


def test_an_octal_burst_does_not_serve_and_a_one_line_read_does_not_care(bench):
    bench.send(0xC0, 0, b"\x01")
    assert plain(bench)
    bench.octal("8S")
    assert not plain(bench)


def test_the_content_is_not_served_while_anything_else_goes_on(bench):
    nor = bench.nor
    bench.enable()
    bench.send(0x21, 0x10000)
    end = nor.busy_until
    assert not plain(bench, now=end - 1)
    assert plain(bench, now=end)
    bench.now = end
    bench.enable()
    bench.send(0x21, 0x10000)
    bench.send(0xB0)
    bench.wait()
    assert not plain(bench)
    bench.send(0x30)
    bench.wait()
    bench.send(0xB1)
    assert not plain(bench)
    bench.send(0xC1)
    nor.faults.mute = True
    assert not plain(bench)
    nor.faults.mute = False
    nor.boot_read = True
    assert not plain(bench)
    nor.boot_read = False
    bench.send(0xB9)
    assert not plain(bench, now=bench.now + MS)
    bench.now += MS
    bench.send(0xAB)
    assert not plain(bench, now=nor.ready_at - 1)
    assert plain(bench, now=nor.ready_at)
    bench.now = nor.ready_at
    nor.drive_reset(True, bench.now)
    assert not plain(bench, now=bench.now + MS)
    nor.drive_reset(False, bench.now + MS)
    assert plain(bench, now=bench.now + 2 * MS)
    nor.power_off(bench.now + 2 * MS)
    assert not plain(bench, now=bench.now + 9 * MS)


# ---- the hook ------------------------------------------------------------------------------------------------------


def test_every_change_of_what_reads_give_is_told(bench):
    nor = bench.nor
    told = []
    nor.on_change = lambda: told.append(1)

    def tells(act) -> bool:
        told.clear()
        act()
        return bool(told)

    assert tells(lambda: bench.write_cr2(0x300, 1))
    assert tells(lambda: bench.octal("8S"))
    assert tells(lambda: bench.write_cr2(0, 0))
    assert tells(lambda: bench.send(0xC0, 0, b"\x01"))
    assert tells(lambda: bench.send(0xB1))
    assert tells(lambda: bench.send(0xC1))
    assert not tells(bench.enable)
    assert not tells(lambda: bench.read(0, 4))
    assert not tells(lambda: bench.sr)
    assert tells(lambda: bench.send(0x21, 0))
    assert not tells(lambda: nor.settle(nor.busy_until - 1))
    assert tells(lambda: bench.send(0xB0))
    assert tells(bench.wait)
    assert tells(lambda: bench.send(0x30))
    assert tells(bench.wait)
    bench.enable()
    assert tells(lambda: bench.send(0x12, 0, b"\0"))
    bench.now = bench.ended
    assert tells(lambda: bench.sr)  # too soon: the program is cancelled
    assert tells(lambda: bench.send(0xB9))
    bench.now += 10 * US
    assert tells(lambda: bench.send(0xAB))
    bench.now += 30 * US
    assert not tells(lambda: bench.send(0xAB))
    assert tells(bench.reset)
    assert tells(lambda: nor.drive_reset(True, bench.now))
    assert not tells(lambda: nor.drive_reset(True, bench.now))
    assert tells(lambda: nor.drive_reset(False, bench.now))
    assert tells(lambda: nor.power_off(bench.now))
    assert not tells(lambda: nor.power_off(bench.now))
    assert tells(lambda: nor.power_on(bench.now))
    assert not tells(lambda: nor.power_on(bench.now))
    bench.now += 2 * MS
    nor.boot_read = True
    assert tells(bench.enable)
    assert tells(lambda: nor.restore(nor.snapshot()))


# ---- the journal ---------------------------------------------------------------------------------------------------


def odd_state() -> Bench:
    """A device with nothing as it is delivered."""
    bench = Bench(BANKED)
    nor = bench.nor
    bench.individual()
    nor.protection.dpb = 0
    bench.program(0, b"\x0f")
    bench.program(0, b"\x0e")
    bench.read(0, 4)
    nor.faults.ecc_one = frozenset({0x4_0100})
    bench.read(0x4_0100, 4)
    nor.faults.ecc_one = frozenset()
    nor.protection.spb, nor.protection.lock, nor.protection.password = 4, 0xBB, bytes(range(8))
    nor.registers.fbr, nor.registers.cr2_default = 0xFFFF_0001, 0xFE
    nor.registers.bp, nor.registers.cr = 3, 0x1C
    nor.otp_area.content[5] = 0x55
    bench.octal("8D")
    bench.write_cr2(0x300, 5)
    bench.send(0xC0, 0, b"\x02")
    bench.enable()
    bench.send(0x21, 0x3000)
    bench.send(0xB0)
    assert bench.get(0x05) == b"\x0f"
    nor.abort_count = 0
    nor.operations.aborts = 7
    nor.floating.fill(3)
    return bench


def test_a_state_goes_through_json_and_comes_back_whole():
    bench = odd_state()
    state = json.loads(json.dumps(bench.nor.snapshot()))
    kept = copy.deepcopy(state)
    other = Bench(BANKED, seed=1)
    other.nor.restore(state)
    assert json.loads(json.dumps(other.nor.snapshot())) == kept
    assert state["mode"] == "8D"
    assert state["registers"] == {"bp": 3, "cr": 0x1C, "scur": 0x80, "fbr": 0xFFFF_0001, "cr2_default": 0xFE}
    assert state["protection"] == {"lock": 0xBB, "spb": 4, "dpb": 0}
    assert (state["programs"], state["aborts"], state["status_polls"], state["burst"]) == (2, 7, 1, 32)
    assert state["ecc"] == [[0x40, 0x91], [0, 0x100]]
    assert state["double_programmed"] == [0]
    assert state["cr2"] == {str(0x300): 5}


def test_a_restored_part_goes_on_where_the_other_stopped():
    bench = odd_state()
    other = Bench(BANKED)
    other.content[:] = bench.content
    other.nor.restore(json.loads(json.dumps(bench.nor.snapshot())))
    other.now = bench.now
    answers = []
    for one in (bench, other):
        one.wait()
        one.send(0x30)
        one.wait()
        answers.append(
            (one.scur, one.get(0x15, 1), one.cr2(0x300), one.read(0, 40), one.nor.floating.fill(9), one.nor.busy_until,
             one.get(0x2D), one.get(0xE2, 0x2000), one.cr2(0x0400_0800))
        )  # fmt: skip
        one.send(0xB1)
        answers[-1] += (one.read(4, 2),)
        one.reset()
        answers[-1] += (one.nor.mode, one.nor.boot_read, one.nor.ready_at, bytes(one.content))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("flag", ["powered", "power_down", "otp", "reset_enabled", "reset_low", "boot_read", "wel"])
@pytest.mark.parametrize("value", [True, False])
def test_each_flag_is_kept(bench, flag, value):
    setattr(bench.nor, flag, value)
    other = Bench(SMALL)
    setattr(other.nor, flag, not value)
    other.nor.restore(bench.nor.snapshot())
    assert getattr(other.nor, flag) is value


def test_a_program_in_hand_is_kept_with_its_data(bench):
    bench.enable()
    bench.send(0x12, 0x40, b"\x12\x34")
    state = json.loads(json.dumps(bench.nor.snapshot()))
    assert state["operation"] == {
        "kind": "program", "start": bench.ended, "end": bench.ended + 152 * US, "address": 0x40, "size": 0x100,
        "data": "1234", "fails": False, "left": 0,
    }  # fmt: skip
    assert state["suspended"] is None
    other = Bench(SMALL)
    other.nor.restore(state)
    other.nor.settle(bench.ended + 152 * US)
    assert other.content[0x40:0x42] == b"\x12\x34"
    assert Bench(SMALL).nor.snapshot()["operation"] is None


@pytest.mark.parametrize("field", ["start", "end", "address", "size", "left"])
def test_an_operation_of_a_journal_must_have_numbers(field):
    state = Operation("program", 1, 2, 3, 4, b"\x05", True, 6).as_json()
    assert Operation.from_json(state) == Operation("program", 1, 2, 3, 4, b"\x05", True, 6)
    with pytest.raises(TypeError, match="'x' is not an integer"):
        Operation.from_json({**state, field: "x"})


def test_an_incomplete_journal_is_refused(bench):
    state = bench.nor.snapshot()
    for key in state:
        with pytest.raises(KeyError):
            bench.nor.restore({name: value for name, value in state.items() if name != key})


# ---- the rest ------------------------------------------------------------------------------------------------------


def test_the_content_must_have_the_size_of_the_part():
    with pytest.raises(ValueError, match="MX25UM51245G holds 262144 bytes, the content has 262143"):
        NorDevice(SMALL, memoryview(bytearray(0x3FFFF)))


def test_a_new_part_is_powered_silent_about_nothing_and_known(bench):
    nor = NorDevice(SMALL, memoryview(bytearray(b"\xff") * SMALL.size))
    assert (nor.powered, nor.mode, nor.ready_at, nor.busy_until, nor.status) == (True, "1S", 0, 0, 0)
    assert (nor.jedec_id, nor.seed, len(nor.frames), nor.tripwire.violations) == (b"\xc2\x80\x3a", 0, 0, [])
    assert nor.on_change is None
    assert nor.double_programmed == set()
    nor.content[0] = 0
    assert nor.array.content[0] == 0
    assert nor.array.content.obj is nor.content.obj


def test_a_mute_part_hears_nothing(bench):
    bench.nor.faults.mute = True
    bench.enable()
    assert bench.frame(0x9F, want=3) is None
    bench.nor.faults.mute = False
    assert bench.sr == 0


def test_drop_and_flip_count_every_page_program(bench):
    faults = bench.nor.faults
    faults.drop_page, faults.flip_page = frozenset({2}), frozenset({4})
    bench.nor.registers.bp = 1
    bench.program(0x30000, b"\0")  # the first, though it is refused
    bench.nor.registers.bp = 0
    bench.program(0, b"\x0f\x0f")  # dropped
    bench.program(0x100, b"\x0f\x0f")
    bench.program(0x200, b"\x0f\x0f")  # flipped
    assert bench.content[0:2] == b"\xff\xff"
    assert bench.content[0x100:0x102] == b"\x0f\x0f"
    assert bench.content[0x200:0x202] == b"\x0e\x0f"
    assert bench.nor.operations.programs == 4


@pytest.mark.parametrize(("sector", "hit"), [(0xF000, False), (0x10000, True), (0x1F000, True), (0x20000, False)])
def test_a_failing_sector_fails_the_erase_that_covers_it(bench, sector, hit):
    bench.nor.faults.fail_erase = frozenset({sector})
    bench.content[0x10000] = 0
    bench.enable()
    bench.send(0xDC, 0x10000)
    assert bench.nor.busy_until - bench.ended == 256 * MS
    bench.wait()
    assert bench.scur == (0x40 if hit else 0)
    assert bench.content[0x10000] == (0 if hit else 0xFF)
    bench.enable()
    bench.send(0x60)
    assert bench.nor.busy_until - bench.ended == 192 * 10**12
    bench.wait()
    assert bench.scur == 0x40


@pytest.mark.parametrize(("address", "hit"), [(0x2FFF, False), (0x3000, True), (0x3FFF, True), (0x4000, False)])
def test_a_failing_sector_fails_its_programs_after_their_full_time(bench, address, hit):
    bench.nor.faults.fail_program = frozenset({0x3000})
    bench.enable()
    bench.send(0x12, address, b"\0")
    assert bench.nor.busy_until - bench.ended == 152 * US
    bench.wait()
    assert bench.scur == (0x20 if hit else 0)
    assert bench.content[address] == (0xFF if hit else 0)


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


# ---- undriven lines ------------------------------------------------------------------------------------------------


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


# ---- the wire ------------------------------------------------------------------------------------------------------


def test_phases_count_their_clocks():
    assert [Phase(1, False).clocks(3), Phase(8, False).clocks(3), Phase(8, True).clocks(3)] == [24, 3, 2]
    assert [Phase(4, False).clocks(3), Phase(4, True).clocks(3), Phase(2, False).clocks(1)] == [6, 3, 4]
    assert NONE.clocks(4) == 0
    assert [phase.mode for phase in (Phase(1, False), Phase(8, True), Phase(4, False), NONE)] == ["1S", "8D", "4S", ""]


@pytest.mark.parametrize(
    ("mode", "head", "halves"), [("1S", 8 + 32 + 8, 16), ("8S", 2 + 4 + 8, 2), ("8D", 1 + 2 + 8, 1)]
)
def test_a_framing_knows_its_head_and_the_length_of_a_byte(mode, head, halves):
    shape = framing(mode, 4, True, 8, True)
    assert (shape.mode, shape.head_clocks, shape.byte_halves, shape.dummy, shape.dqs) == (mode, head, halves, 8, True)
    assert framing(mode).byte_halves == 0
    assert not framing(mode).dqs


def test_a_framing_of_two_modes_is_mixed():
    shape = Framing.of(Phase(1, False, 1), Phase(1, False, 3), NONE, Phase(4, False), 8)
    assert (shape.mode, shape.head_clocks, shape.byte_halves) == ("mixed", 40, 4)
    assert Framing.of(NONE, NONE, Phase(8, True, 2), NONE).head_clocks == 1


def test_the_edges_of_a_frame():
    shape = Framing.of(Phase(1, False, 1), Phase(8, True, 3), Phase(4, False, 1), Phase(2, False), 2)
    clocks = edges(shape, b"\xa5\x11\x22\x33\x6f", b"\xe4")
    ones = [(bit, bit) for bit in (1, 0, 1, 0, 0, 1, 0, 1)]
    assert clocks == [*ones, (0x11, 0x22), (0x33, 0), (6, 6), (15, 15), (0, 0), (0, 0), (3, 3), (2, 2), (1, 1), (0, 0)]
    assert edges(Framing.of(NONE, NONE, NONE, Phase(8, False)), b"", b"\x01\x02") == [(1, 1), (2, 2)]
    skipped = Framing.of(NONE, Phase(8, False, 2), NONE, NONE)
    assert edges(skipped, b"\x0a\x0b", b"") == [(10, 10), (11, 11)]


def test_what_each_mode_sees_of_them():
    clocks = [(0x81, 0x7E), (0xFF, 0x100)] + [(1, 0), (0, 1)] * 3 + [(1, 1)]
    assert as_seen("8D", clocks[:2]) == (b"\x81\x7e\xff\x00", 0)
    assert as_seen("8S", [(0x101, 0), (2, 3)]) == (b"\x01\x02", 0)
    assert as_seen("1S", clocks) == (bytes((0b11101010,)), 1)
    assert as_seen("1S", clocks[:7]) == (b"", 7)


def test_pairs_are_swapped_and_an_odd_byte_stays():
    assert swap_pairs(b"\x01\x02\x03\x04\x05") == b"\x02\x01\x04\x03\x05"
    assert swap_pairs(b"") == b""


def test_a_single_rate_write_reaches_an_8d_part_doubled(bench):
    """A controller that sends the data of WRCR2 in one edge a clock: both edges carry the same byte."""
    bench.octal("8D")
    bench.enable()
    shape = Framing.of(Phase(8, True, 2), Phase(8, True, 4), NONE, Phase(8, False))
    bench.nor.transaction(bench.now, CLOCK, shape, b"\x72\x8d\0\0\3\0", b"\x04")
    assert bench.nor.registers.cr2 == {0x300: 4}
    assert bench.nor.transaction(bench.now + US, CLOCK, shape, b"\x9f\x60\0\0\0\0", b"", 4) is None


def test_a_one_line_frame_with_a_command_in_it_is_decoded_bit_by_bit(bench):
    """Eight lines, single edge: IO0 of eight bytes spells 06h to a part in 1S."""
    shape = Framing.of(NONE, NONE, NONE, Phase(8, False))
    bench.nor.transaction(0, CLOCK, shape, b"", bytes((0, 0, 0, 0, 0, 1, 1, 0)))
    assert bench.nor.wel
    bench.send(0x04)
    bench.nor.transaction(US, CLOCK, shape, b"", bytes((0, 0, 0, 0, 0, 1, 1, 0, 0)))
    assert not bench.nor.wel
