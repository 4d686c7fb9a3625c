"""The journal: a part goes on in another process where it was."""

from __future__ import annotations

import copy
import json

import pytest

from n6prog.sim.nor.device import NorDevice
from n6prog.sim.nor.operation import Operation
from tests.sim.nor.bench import BANKED, MS, SMALL, US, Bench


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


# ---- work under way in the journal -----------------------------------------------------------------------------------


def in_hand(bench: Bench) -> dict[str, object]:
    operation = bench.nor.snapshot()["operation"]
    assert operation is not None
    return operation


def test_a_register_write_or_a_suspend_concerns_no_byte_of_the_array(bench):
    bench.enable()
    bench.send(0x01, 0, b"\x04")
    assert in_hand(bench) == {
        "kind": "status", "start": bench.ended, "end": bench.ended + 40 * MS, "address": 0, "size": 0, "data": "04",
        "fails": False, "left": 0,
    }  # fmt: skip
    bench.wait()
    bench.nor.registers.bp = 0
    bench.enable()
    bench.send(0x21, 0x3000)
    bench.send(0xB0)
    assert in_hand(bench) == {
        "kind": "suspending", "start": bench.ended, "end": bench.ended + 56 * US, "address": 0, "size": 0, "data": "",
        "fails": False, "left": 0,
    }  # fmt: skip


@pytest.mark.parametrize("bp", [0, 1])
def test_a_chip_erase_concerns_every_byte(bench, bp):
    bench.nor.registers.bp = bp
    bench.enable()
    bench.send(0x60)
    operation = in_hand(bench)
    assert (operation["address"], operation["size"], operation["fails"]) == (0, 0x40000, bool(bp))


def test_the_journal_counts_what_was_cut(bench):
    assert bench.nor.snapshot()["aborts"] == 0
    for count in (1, 2, 3):
        bench.enable()
        bench.send(0x21, 0)
        bench.reset()
        assert bench.nor.snapshot()["aborts"] == count
        bench.now = bench.nor.ready_at
