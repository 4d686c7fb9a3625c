"""Faults: status bits, escalation, lockup, stack errors, vector catch. Bits after the Armv8-M ARM D1.2."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("unicorn")

from n6prog.sim.core import ppb as regs
from n6prog.sim.core.registers import MSPLIM_S

CODE, STACK, HOLE = 0x3407_0000, 0x3408_0000, 0x3E00_0000
CFSR, HFSR, SHCSR, BFAR, CCR, DFSR, ICSR = (
    0xE000_ED28, 0xE000_ED2C, 0xE000_ED24, 0xE000_ED38, 0xE000_ED14, 0xE000_ED30, 0xE000_ED04,
)  # fmt: skip
HARD, MEMMANAGE, BUS, USAGE, SVC, DEBUGMON = 3, 4, 5, 6, 11, 12
MEMFAULTENA, BUSFAULTENA, USGFAULTENA = 1 << 16, 1 << 17, 1 << 18
SPIN, BX_LR, CPSID_I, CPSID_F = 0xE7FE, 0x4770, 0xB672, 0xB671
LOAD = 0x6800  # ldr r0, [r0]
UDF = 0xDE00
IPSR = 0x1FF


def active(rig: Any) -> int:
    return rig.get("xpsr") & IPSR


def test_an_enabled_bus_fault_has_its_own_handler(rig: Any) -> None:
    rig.handler(BUS, SPIN)
    rig.word(SHCSR, BUSFAULTENA)
    rig.set("r0", HOLE)
    rig.start(LOAD, SPIN)
    assert active(rig) == BUS
    assert rig.peek(CFSR) == 1 << 9 | 1 << 15  # PRECISERR, BFARVALID
    assert rig.peek(BFAR) == HOLE
    assert rig.peek(HFSR) == 0
    assert rig.peek(SHCSR) == BUSFAULTENA | 1 << 1  # BUSFAULTACT
    assert rig.fetch(STACK - 8) == CODE  # return address: the load itself


def test_a_disabled_one_becomes_a_hard_fault(rig: Any) -> None:
    rig.handler(HARD, SPIN)
    rig.set("r0", HOLE)
    rig.start(LOAD, SPIN)
    assert active(rig) == HARD
    assert rig.peek(HFSR) == 1 << 30  # FORCED
    rig.word(CFSR, 0xFFFF_FFFF)
    rig.word(HFSR, 1 << 30)
    assert (rig.peek(CFSR), rig.peek(HFSR)) == (0, 0)


def test_a_fault_whose_priority_does_not_suffice_becomes_a_hard_fault(rig: Any) -> None:
    rig.handler(HARD, SPIN)
    rig.handler(BUS, SPIN)
    rig.word(SHCSR, BUSFAULTENA)
    rig.set("r0", HOLE)
    rig.start(CPSID_I, LOAD, SPIN)  # PRIMASK is priority 0, and so is BusFault
    assert active(rig) == HARD


def test_a_fault_in_the_hard_fault_handler_is_lockup(rig: Any) -> None:
    rig.handler(HARD, UDF)
    rig.set("r0", HOLE)
    rig.start(LOAD, SPIN)
    assert rig.core.locked_up
    assert rig.get("pc") == 0xEFFF_FFFE
    assert rig.core.debug_status() & 1 << 19


def test_a_fault_with_faultmask_set_is_lockup(rig: Any) -> None:
    rig.handler(HARD, SPIN)
    rig.start(CPSID_F, UDF)
    assert rig.core.locked_up


def test_svc_runs_its_handler_and_comes_back_behind_it(rig: Any) -> None:
    rig.handler(SVC, 0x3401, BX_LR)
    rig.start(0xDF05, 0x3501, SPIN)  # svc #5; adds r5, #1
    assert (rig.get("r4"), rig.get("r5")) == (1, 1)


def test_svc_with_interrupts_masked_is_a_hard_fault(rig: Any) -> None:
    rig.handler(HARD, SPIN)
    rig.handler(SVC, SPIN)
    rig.start(CPSID_I, 0xDF05, SPIN)
    assert active(rig) == HARD
    assert rig.peek(HFSR) & 1 << 30
    assert rig.fetch(STACK - 8) == CODE + 4  # behind the SVC


def test_an_unreadable_vector_is_a_hard_fault_and_one_of_hard_fault_lockup(rig: Any) -> None:
    rig.start(SPIN, run=0)
    rig.word(regs.VTOR, HOLE)
    rig.word(ICSR, 1 << 28)  # PendSV
    rig.run()
    assert rig.peek(HFSR) & 1 << 1  # VECTTBL
    assert rig.core.locked_up


def test_a_vector_without_the_thumb_bit_is_an_invalid_state(rig: Any) -> None:
    place = rig.handler(14, SPIN)
    rig.handler(HARD, SPIN)
    rig.store(0x3406_4000 + 4 * 14, place.to_bytes(4, "little"))
    rig.start(SPIN, run=0)
    rig.word(ICSR, 1 << 28)
    rig.run()
    assert rig.peek(CFSR) & 1 << 17  # INVSTATE
    assert active(rig) == HARD


def test_no_room_for_the_frame_is_a_stack_overflow_and_nothing_is_pushed(rig: Any) -> None:
    rig.handler(14, SPIN)
    rig.handler(USAGE, SPIN)
    rig.word(SHCSR, USGFAULTENA)
    rig.core.ppb.write(0xE000_ED22, 1, 0x80)  # SHPR3: PendSV less urgent than UsageFault
    rig.core.registers.write(MSPLIM_S, STACK - 16)
    rig.store(STACK - 64, bytes(range(64)))
    rig.start(SPIN, run=0)
    rig.word(ICSR, 1 << 28)
    rig.run(1)
    assert rig.peek(CFSR) == 1 << 20  # STKOF
    assert active(rig) == USAGE
    assert rig.get("sp") == STACK - 16
    assert bytes(rig.ram.view(STACK - 64, 64)) == bytes(range(64))


def test_a_frame_on_a_hole_is_a_stacking_error(rig: Any) -> None:
    rig.handler(HARD, SPIN)
    rig.set("sp", HOLE + 0x100)
    rig.start(UDF, run=1)
    assert rig.peek(CFSR) & 1 << 12  # STKERR
    assert active(rig) == HARD


def test_a_return_to_a_frame_in_a_hole_is_an_unstacking_error(rig: Any) -> None:
    rig.handler(SVC, 0x4685, BX_LR)  # mov sp, r0
    rig.handler(BUS, SPIN)
    rig.word(SHCSR, BUSFAULTENA)
    rig.set("r0", HOLE)
    rig.start(0xDF00, run=1_000_000)
    assert rig.peek(CFSR) & 1 << 11  # UNSTKERR


@pytest.mark.parametrize("code", [0xFFFF_FFF3, 0xFFFF_FF9D, 0xFFFF_FFB9])
def test_a_bad_exc_return_is_an_invalid_pc(rig: Any, code: int) -> None:
    rig.handler(SVC, 0x4700)  # bx r0
    rig.handler(USAGE, SPIN)
    rig.word(SHCSR, USGFAULTENA)
    rig.set("r0", code)
    rig.start(0xDF00)
    assert rig.peek(CFSR) == 1 << 18  # INVPC
    assert active(rig) == USAGE


def test_an_exc_return_value_in_thread_mode_is_a_place_where_nothing_executes(rig: Any) -> None:
    rig.handler(MEMMANAGE, SPIN)
    rig.word(SHCSR, MEMFAULTENA)
    rig.set("r0", 0xFFFF_FFF9)
    rig.start(0x4700)  # bx r0
    assert rig.peek(CFSR) == 1 << 0  # IACCVIOL
    assert active(rig) == MEMMANAGE


def test_division_by_zero_gives_zero_or_traps_as_ccr_says(rig: Any) -> None:
    divide = (0xFB94, 0xF3F5, 0xFBB4, 0xF6F5)  # sdiv r3, r4, r5; udiv r6, r4, r5
    rig.handler(USAGE, SPIN)
    rig.word(SHCSR, USGFAULTENA)
    rig.set("r3", 7)
    rig.set("r4", 100)
    rig.start(*divide, SPIN)
    assert (rig.get("r3"), rig.get("r6"), active(rig)) == (0, 0, 0)
    rig.word(CCR, 0x211)  # DIV_0_TRP
    rig.set("r5", 7)
    rig.start(*divide, SPIN)
    assert (rig.get("r3"), rig.get("r6"), active(rig)) == (14, 14, 0)
    rig.set("r5", 0)
    rig.start(*divide, SPIN)
    assert rig.peek(CFSR) == 1 << 25  # DIVBYZERO
    assert active(rig) == USAGE
    assert rig.fetch(rig.get("sp") + 24) == CODE


def test_unaligned_accesses_work_or_trap_as_ccr_says(rig: Any) -> None:
    rig.handler(USAGE, SPIN)
    rig.word(SHCSR, USGFAULTENA)
    rig.store(0x3407_8000, bytes(range(8)))
    rig.set("r0", 0x3407_8001)
    rig.start(0x6801, 0x6002, SPIN)  # ldr r1, [r0]; str r2, [r0]
    assert rig.get("r1") == 0x0403_0201
    assert rig.fetch(0x3407_8000) == 0
    rig.store(0x3407_8000, bytes(range(8)))
    rig.word(CCR, 0x209)  # UNALIGN_TRP
    rig.start(0x6002, SPIN)
    assert rig.peek(CFSR) == 1 << 24  # UNALIGNED
    assert active(rig) == USAGE
    assert bytes(rig.ram.view(0x3407_8000, 8)) == bytes(range(8))


def test_a_bkpt_without_a_debugger_is_a_hard_fault_or_goes_to_the_monitor(rig: Any) -> None:
    rig.handler(HARD, SPIN)
    rig.handler(DEBUGMON, SPIN)
    rig.start(0xBE00)
    assert active(rig) == HARD
    assert rig.peek(HFSR) == 1 << 31  # DEBUGEVT
    rig.core.reset(power=True, now=rig.core.clock.now)
    rig.core.registers.write(MSPLIM_S, 0)
    rig.word(regs.VTOR, 0x3406_4000)
    rig.word(regs.DEMCR, 1 << 16)  # MON_EN
    rig.start(0xBE00)
    assert active(rig) == DEBUGMON
    assert rig.peek(DFSR) == 2  # BKPT


CATCHES = {
    "mm": (4, (0x4700,), 0xFFFF_FFF9),  # bx r0
    "nocp": (5, (0xEE00, 0x0A10), 0),  # vmov s0, r0
    "check": (6, (0xFB90, 0xF0F0), 0),  # sdiv r0, r0, r0
    "state": (7, (UDF,), 0),
    "bus": (8, (LOAD,), HOLE),
    "interr": (9, (0x4685, 0xDF00), HOLE + 64),  # mov sp, r0; svc #0
    "hard": (10, (UDF,), 0),
}


@pytest.mark.parametrize("name", CATCHES)
def test_vector_catch_halts_at_the_handler_of_the_fault_it_names(rig: Any, name: str) -> None:
    bit, program, r0 = CATCHES[name]
    place = rig.handler(HARD, SPIN)
    rig.debug(1 << bit)
    rig.word(CCR, 0x211)
    rig.set("r0", r0)
    rig.start(*program, SPIN)
    assert rig.core.halted
    assert rig.peek(DFSR) == 8  # VCATCH
    assert rig.get("pc") == place


@pytest.mark.parametrize("name", CATCHES)
def test_without_its_bit_nothing_is_caught(rig: Any, name: str) -> None:
    bit, program, r0 = CATCHES[name]
    rig.handler(HARD, SPIN)
    others = 0x7F0 & ~(1 << bit | 1 << 10)
    rig.debug(others if name not in ("hard", "interr") else 0)
    rig.word(CCR, 0x211)
    rig.set("r0", r0)
    rig.start(*program, SPIN)
    assert not rig.core.halted
    assert active(rig) == HARD
