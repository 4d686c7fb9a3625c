"""Accesses inside IT blocks that the emulator asks us about: the block is over where the program says so.

ITSTATE and XPSR after the Armv8-M ARM (B4.1, D1.2, XPSR); encodings after C2.4.
"""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("unicorn")

from n6prog.sim.core import ppb as regs
from n6prog.sim.core.ram import Ram

CODE, DATA, STACK, SWITCHED = 0x3407_0000, 0x3407_8000, 0x3408_0000, 0x3420_0000
CALLED = CODE + 0x100
IT_EQ, ITT_EQ, ITE_EQ, SPIN, PUSH_R2_LR = 0xBF08, 0xBF04, 0xBF0C, 0xE7FE, 0xB504
ADD_R4, ADD_R5 = 0x3401, 0x3501
LOAD, STORE = 0x6801, 0x6001  # ldr r1, [r0]; str r1, [r0]
CMP_R3_1, CMP_R3_0, BLX_R5 = 0x2B01, 0x2B00, 0x47A8
CCR, CFSR, SHCSR = 0xE000_ED14, 0xE000_ED28, 0xE000_ED24
MPU_CTRL, MPU_RNR, MPU_RBAR, MPU_RLAR = 0xE000_ED94, 0xE000_ED98, 0xE000_ED9C, 0xE000_EDA0
DWT_COMP, DWT_FUNCTION, MATCHED = 0xE000_1020, 0xE000_1028, 1 << 24
UNALIGN_TRP, USGFAULTENA, USAGE, UNALIGNED = 0x209, 1 << 18, 6, 1 << 24
IT_BITS = 0x0600_FC00


def nothing(_rig: Any) -> None:
    """The TLB is asked about in any case."""


def alignment_checked(rig: Any) -> None:
    rig.word(CCR, UNALIGN_TRP)


def mpu_on(rig: Any) -> None:
    rig.word(MPU_RNR, 0)
    rig.word(MPU_RBAR, 0x1000_0000 | 1 << 1)  # not shared, read and write for all
    rig.word(MPU_RLAR, 0x4FFF_FFE0 | 1)
    rig.word(MPU_CTRL, 1)


def neighbour_watched(rig: Any) -> None:
    rig.debug()
    rig.word(DWT_COMP, rig.get("r0") + 4)
    rig.word(DWT_FUNCTION, 2 << 10 | 1 << 4 | 4)


def matches_are_noted(rig: Any) -> None:
    rig.debug()
    rig.word(DWT_COMP, rig.get("r0"))
    rig.word(DWT_FUNCTION, 2 << 10 | 4)  # no debug event


def call_behind_it_block(rig: Any, access: int) -> tuple[int, int]:
    """The stack pointer and R4 once a function was called whose first instructions are push {r2, lr}; adds r4, #1.

    The call comes behind `it eq` with an `access`, the flags are those of NE by then.
    """
    rig.load(CALLED, PUSH_R2_LR, ADD_R4, SPIN)
    rig.set("r3", 1)
    rig.set("r5", CALLED | 1)
    rig.start(CMP_R3_1, IT_EQ, access, CMP_R3_0, BLX_R5, SPIN)
    return rig.get("sp"), rig.get("r4")


@pytest.mark.parametrize("access", [LOAD, STORE])
@pytest.mark.parametrize("address", [DATA, 0x4000_0000])
@pytest.mark.parametrize("asked", [nothing, alignment_checked, mpu_on, neighbour_watched, matches_are_noted])
def test_what_follows_an_it_block_is_executed(rig: Any, asked: Any, address: int, access: int) -> None:
    rig.set("r0", address)
    asked(rig)
    assert call_behind_it_block(rig, access) == (STACK - 8, 1)


def test_a_ram_that_is_powered_by_the_program_may_be_met_in_an_it_block(rig: Any) -> None:
    powered: list[str] = []
    ram = rig.ram
    assert isinstance(ram, Ram)
    ram.enabled = lambda name: name in powered
    rig.bus.writers[0x4000_0000 >> 10] = lambda _address, _size, _value: powered.append("AXISRAM3")
    rig.load(CALLED, PUSH_R2_LR, ADD_R4, SPIN)
    rig.set("r0", SWITCHED)
    rig.set("r2", 0x4000_0000)
    rig.set("r3", 1)
    rig.set("r5", CALLED | 1)
    rig.start(0x6013, CMP_R3_1, IT_EQ, LOAD, CMP_R3_0, BLX_R5, SPIN)  # str r3, [r2] first
    assert (rig.get("sp"), rig.get("r4")) == (STACK - 8, 1)


@pytest.mark.parametrize("also", [nothing, mpu_on, neighbour_watched, matches_are_noted])
def test_a_fault_inside_an_it_block_stacks_where_in_it(rig: Any, also: Any) -> None:
    rig.handler(USAGE, SPIN)
    rig.word(SHCSR, USGFAULTENA)
    rig.set("r0", DATA + 1)
    also(rig)
    rig.word(CCR, UNALIGN_TRP)
    rig.set("r3", 1)
    rig.start(CMP_R3_1, ITT_EQ, LOAD, ADD_R4, SPIN)
    assert rig.peek(CFSR) == UNALIGNED
    frame = rig.get("sp")
    assert rig.fetch(frame + 24) == CODE + 4
    assert rig.fetch(frame + 28) & IT_BITS == 0x0400  # EQ, two to go: ITSTATE 0b0000_0100


@pytest.mark.parametrize("also", [nothing, alignment_checked, mpu_on])
def test_a_watched_access_inside_an_it_block_stops_behind_the_block(rig: Any, also: Any) -> None:
    rig.debug()
    rig.set("r0", DATA)
    rig.word(DWT_COMP, DATA)
    rig.word(DWT_FUNCTION, 2 << 10 | 1 << 4 | 4)
    also(rig)
    rig.set("r3", 1)
    rig.start(CMP_R3_1, ITE_EQ, LOAD, ADD_R4, ADD_R5, SPIN)
    assert rig.core.halted
    assert rig.peek(regs.DFSR) == regs.DFSR_DWTTRAP
    assert (rig.get("pc"), rig.get("xpsr") & IT_BITS) == (CODE + 10, 0)
    assert (rig.get("r4"), rig.get("r5")) == (0, 1)
