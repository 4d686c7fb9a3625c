"""Armv8.1-M instructions that GCC, IAR and armclang emit for the Cortex-M55 without MVE.

Encodings by hand after the Armv8-M ARM C2.4; results worked out from its pseudocode. One test lets the assembler speak.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("unicorn")

from n6prog.sim.core import ppb as regs

CODE, MILLISECOND = 0x3407_0000, 1_000_000_000
SPIN, ADD_R4 = 0xE7FE, 0x3401
DLS_R1, WLS_R1 = 0xF041, 0xF041
LE = 0xF00F


def test_dls_and_le_run_the_body_as_often_as_the_register_says(rig: Any) -> None:
    rig.set("r1", 5)
    rig.start(DLS_R1, 0xE001, ADD_R4, LE, 0xC803, SPIN)  # dls lr, r1; body: adds r4, #1; le lr, body (6 back)
    assert (rig.get("r4"), rig.get("lr")) == (5, 1)
    assert rig.get("pc") == CODE + 10


def test_a_loop_of_zero_rounds_is_skipped_by_wls_and_lr_is_left_alone(rig: Any) -> None:
    rig.set("lr", 0x77)
    # wls lr, r1, end (6 on); adds r4, #1; le lr, body; end: b .
    program = (WLS_R1, 0xC803, ADD_R4, LE, 0xC803, SPIN)
    rig.start(*program)
    assert (rig.get("r4"), rig.get("lr"), rig.get("pc")) == (0, 0x77, CODE + 10)
    rig.set("r1", 3)
    rig.start(*program)
    assert (rig.get("r4"), rig.get("lr")) == (3, 1)


def test_le_without_lr_loops_for_ever(rig: Any) -> None:
    rig.start(ADD_R4, 0xF02F, 0xC803, SPIN, run=MILLISECOND // 10)
    assert rig.get("r4") > 100
    assert rig.get("pc") < CODE + 6


def test_a_loop_takes_the_time_of_its_instructions(rig: Any) -> None:
    rig.debug()
    rig.set("r1", 1000)
    start = rig.core.clock.now
    rig.start(DLS_R1, 0xE001, ADD_R4, LE, 0xC803, 0xBE00)  # ...; bkpt
    assert rig.core.halted
    assert rig.core.clock.now - start == 20_312 + 1000 * 40_625 + 20_312


def test_an_interrupt_in_a_loop_comes_back_to_it(rig: Any) -> None:
    rig.handler(15, 0x3501, 0x4770)  # SysTick: adds r5, #1; bx lr
    rig.word(0xE000_E014, 99)
    rig.word(0xE000_E010, 7)
    rig.set("r1", 1000)
    rig.start(DLS_R1, 0xE001, ADD_R4, LE, 0xC803, 0xB672, SPIN)  # ...; cpsid i
    assert rig.get("r4") == 1000
    assert rig.get("r5") >= 1000 * 2 * 1.3 / 100


def test_a_loop_can_be_stepped(rig: Any) -> None:
    rig.debug()
    rig.set("r1", 2)
    rig.start(DLS_R1, 0xE001, ADD_R4, LE, 0xC803, SPIN, run=0)
    rig.core.halt(regs.DFSR_HALTED)
    places = []
    for _ in range(6):
        rig.core.step()
        places.append(rig.get("pc") - CODE)
    assert places == [4, 6, 4, 6, 10, 10]


def test_a_breakpoint_on_le_stops_before_it(rig: Any) -> None:
    rig.debug()
    rig.word(0xE000_2000, 3)
    rig.word(0xE000_2008, (CODE + 6) | 1)
    rig.set("r1", 2)
    rig.start(DLS_R1, 0xE001, ADD_R4, LE, 0xC803, SPIN)
    assert (rig.get("pc"), rig.get("lr"), rig.get("r4")) == (CODE + 6, 2, 1)


def test_branch_future_hints_do_nothing(rig: Any) -> None:
    # bf; bfl; bfx; bflx; bfcsel, all with a branch point two bytes on
    rig.start(0xF0C0, 0xE803, 0xF080, 0xC005, 0xF0E1, 0xE001, 0xF0F1, 0xE001, 0xF080, 0xE803, ADD_R4, SPIN)
    assert (rig.get("r4"), rig.get("pc")) == (1, CODE + 22)


# name: condition number, N Z C V for which it holds, and for which it does not
CONDITIONS = {
    "eq": (0, 0b0100, 0b1011), "ne": (1, 0b1011, 0b0100), "cs": (2, 0b0010, 0b1101), "cc": (3, 0b1101, 0b0010),
    "mi": (4, 0b1000, 0b0111), "pl": (5, 0b0111, 0b1000), "vs": (6, 0b0001, 0b1110), "vc": (7, 0b1110, 0b0001),
    "hi": (8, 0b0010, 0b0110), "ls": (9, 0b0110, 0b0010), "ge": (10, 0b1001, 0b1000), "lt": (11, 0b0001, 0b1001),
    "gt": (12, 0b1001, 0b1101), "le": (13, 0b0100, 0b0000),
}  # fmt: skip


@pytest.mark.parametrize("name", CONDITIONS)
def test_select_follows_the_condition(rig: Any, name: str) -> None:
    number, holds, fails = CONDITIONS[name]
    rig.set("r3", 0x33)
    rig.set("r4", 0x44)
    for flags, expected in ((holds, 0x33), (fails, 0x44)):
        rig.set("xpsr", flags << 28 | 1 << 24)
        rig.start(0xEA53, 0x8204 | number << 4, SPIN)  # csel r2, r3, r4, cond
        assert rig.get("r2") == expected
        assert rig.get("xpsr") >> 28 == flags


@pytest.mark.parametrize(
    ("operation", "source", "expected"),
    [(0, 5, 5), (1, 5, 6), (1, 0xFFFF_FFFF, 0), (2, 5, 0xFFFF_FFFA), (3, 5, 0xFFFF_FFFB), (3, 0, 0)],
)
def test_what_is_selected_is_changed(rig: Any, operation: int, source: int, expected: int) -> None:
    rig.set("r4", source)
    rig.set("xpsr", 1 << 24)  # Z clear
    rig.start(0xEA53, 0x8204 | operation << 12, SPIN)  # csel, csinc, csinv, csneg r2, r3, r4, eq
    assert rig.get("r2") == expected


def test_the_zero_register_makes_cset(rig: Any) -> None:
    rig.set("xpsr", 1 << 30 | 1 << 24)
    rig.start(0xEA5F, 0x921F, 0xEA5F, 0x930F, SPIN)  # csinc r2, zr, zr, ne = cset r2, eq; csinc r3, zr, zr, eq
    assert (rig.get("r2"), rig.get("r3")) == (1, 0)


def test_clrm_clears_what_it_lists(rig: Any) -> None:
    for index in range(13):
        rig.set(f"r{index}", 0x100 + index)
    rig.set("lr", 0x10E)
    rig.set("xpsr", 0xF800_0000 | 1 << 24)
    rig.start(0xE89F, 0x1002, SPIN)  # clrm {r1, r12}
    assert [rig.get(name) for name in ("r0", "r1", "r2", "r12", "lr")] == [0x100, 0, 0x102, 0, 0x10E]
    assert rig.get("xpsr") >> 27 == 0x1F
    rig.start(0xE89F, 0xC001, SPIN)  # clrm {r0, lr, apsr}
    assert [rig.get(name) for name in ("r0", "lr")] == [0, 0]
    assert rig.get("xpsr") >> 27 == 0


Q = 1 << 27
M = 0xFFFF_FFFF
# (first, second halfword, r1:r0 before, r2 before, r1:r0 after, whether Q is set)
WIDE = {
    "lsll #3": (0xEA50, 0x01CF, 0x0000_0001_8000_0001, 0, 0x0000_000C_0000_0008, False),
    "lsll #32": (0xEA50, 0x010F, 0x0000_0001_8000_0001, 0, 0x8000_0001_0000_0000, False),
    "lsrl #3": (0xEA50, 0x01DF, 0x8000_0000_0000_000F, 0, 0x1000_0000_0000_0001, False),
    "asrl #3": (0xEA50, 0x01EF, 0x8000_0000_0000_000F, 0, 0xF000_0000_0000_0001, False),
    "asrl #29": (0xEA50, 0x716F, 0x8000_0000_0000_0000, 0, 0xFFFF_FFFC_0000_0000, False),
    "lsll r2 = 4": (0xEA50, 0x210D, 0x0000_0000_8000_0000, 4, 0x0000_0008_0000_0000, False),
    "lsll r2 = -4": (0xEA50, 0x210D, 0x8000_0000_0000_0000, 0xFC, 0x0800_0000_0000_0000, False),
    "lsll r2 = 64": (0xEA50, 0x210D, 0xFFFF_FFFF_FFFF_FFFF, 64, 0, False),
    "asrl r2 = 4": (0xEA50, 0x212D, 0x8000_0000_0000_0000, 4, 0xF800_0000_0000_0000, False),
    "asrl r2 = -4": (0xEA50, 0x212D, 0x0000_0000_0000_0001, 0xFFFF_FFFC, 0x10, False),
    "uqshll #3": (0xEA51, 0x01CF, 0x1FFF_FFFF_FFFF_FFFF, 0, 0xFFFF_FFFF_FFFF_FFF8, False),
    "uqshll #3 saturates": (0xEA51, 0x01CF, 0x2000_0000_0000_0000, 0, 0xFFFF_FFFF_FFFF_FFFF, True),
    "sqshll #3 saturates": (0xEA51, 0x01FF, 0x8000_0000_0000_0001, 0, 0x8000_0000_0000_0000, True),
    "urshrl #3 rounds": (0xEA51, 0x01DF, 0x8000_0000_0000_0004, 0, 0x1000_0000_0000_0001, False),
    "srshrl #3 rounds": (0xEA51, 0x01EF, 0xFFFF_FFFF_FFFF_FFFC, 0, 0, False),
    "sqrshrl #64, r2 = -1": (0xEA51, 0x212D, 0x4000_0000_0000_0000, 0xFF, 0x7FFF_FFFF_FFFF_FFFF, True),
    "uqrshll #48, r2 = 1": (0xEA51, 0x218D, 0x0000_8000_0000_0000, 1, 0x0000_FFFF_FFFF_FFFF, True),
}


@pytest.mark.parametrize("name", WIDE)
def test_shifts_of_64_bits(rig: Any, name: str) -> None:
    first, second, before, amount, after, saturates = WIDE[name]
    rig.set("r0", before & M)
    rig.set("r1", before >> 32)
    rig.set("r2", amount)
    rig.start(first, second, SPIN)
    assert rig.get("r1") << 32 | rig.get("r0") == after
    assert bool(rig.get("xpsr") & Q) == saturates
    assert rig.get("pc") == CODE + 4


NARROW = {
    "uqshl #3": (0xEA50, 0x0FCF, 0x2000_0000, 0, 0xFFFF_FFFF, True),
    "urshr #3": (0xEA50, 0x0FDF, 0x8000_0004, 0, 0x1000_0001, False),
    "srshr #3": (0xEA50, 0x0FEF, 0x8000_0004, 0, 0xF000_0001, False),
    "sqshl #3": (0xEA50, 0x0FFF, 0x1000_0000, 0, 0x7FFF_FFFF, True),
    "sqrshr r2 = 1": (0xEA50, 0x2F2D, 0x8000_0001, 1, 0xC000_0001, False),
    "uqrshl r2 = -1": (0xEA50, 0x2F0D, 0x0000_0003, 0xFF, 2, False),
}


@pytest.mark.parametrize("name", NARROW)
def test_saturating_and_rounding_shifts_of_32_bits(rig: Any, name: str) -> None:
    first, second, before, amount, after, saturates = NARROW[name]
    rig.set("r0", before)
    rig.set("r2", amount)
    rig.start(first, second, SPIN)
    assert (rig.get("r0"), bool(rig.get("xpsr") & Q)) == (after, saturates)


@pytest.mark.parametrize(("equal", "expected"), [(True, (2, 0x10)), (False, (1, 0))])
def test_a_shift_in_an_it_block_is_conditional_and_the_block_goes_on(
    rig: Any, equal: bool, expected: tuple[int, int]
) -> None:
    rig.set("r0", 1)
    rig.set("r5", 0 if equal else 1)
    # cmp r5, #0; ittee eq; lslleq r0, r1, #1; moveq r6, #16; lsllne r2, r3, #1; movne r7, #5; b .
    rig.set("r2", 1)
    rig.start(0x2D00, 0xBF07, 0xEA50, 0x014F, 0x2610, 0xEA52, 0x034F, 0x2705, SPIN)
    assert (rig.get("r0"), rig.get("r6")) == expected
    assert (rig.get("r2"), rig.get("r7")) == ((1, 0) if equal else (2, 5))


def test_an_ordinary_orr_is_left_alone(rig: Any) -> None:
    rig.set("r0", 0x0F)
    rig.set("r3", 0xF0)
    rig.start(0xEA50, 0x0103, SPIN)  # orrs r1, r0, r3
    assert rig.get("r1") == 0xFF


def test_code_written_over_a_loop_end_runs_as_it_stands(rig: Any) -> None:
    rig.set("r1", 2)
    program = (DLS_R1, 0xE001, ADD_R4, LE, 0xC803, SPIN)
    rig.start(*program)
    rig.set("r1", 2)
    rig.start(DLS_R1, 0xE001, ADD_R4, 0xF104, 0x0410, SPIN)  # add.w r4, r4, #16 where the LE was
    assert rig.get("r4") == 2 + 1 + 16


SOURCE = """
.syntax unified
.thumb
    movs r0, #0
    movs r1, #4
    wls lr, r1, 2f
1:  adds r0, r0, lr
    le lr, 1b
2:  movs r2, #1
    movs r3, #0
    lsll r2, r3, #31
    lsll r2, r3, #5
    cmp r0, #10
    cset r4, eq
    csetm r5, eq
    cinc r6, r0, eq
    bkpt #0
"""


@pytest.mark.needs("arm-none-eabi-gcc")
def test_what_the_assembler_makes_of_a_program(rig: Any, tmp_path: Path) -> None:
    (tmp_path / "a.s").write_text(SOURCE)
    gcc = ["arm-none-eabi-gcc", "-mcpu=cortex-m55", "-c", "a.s", "-o", "a.o"]
    subprocess.run(gcc, cwd=tmp_path, check=True)
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", "a.o", "a.bin"], cwd=tmp_path, check=True)
    rig.debug()
    rig.store(CODE, (tmp_path / "a.bin").read_bytes())
    rig.set("pc", CODE)
    rig.run()
    assert rig.core.halted
    assert (rig.get("r0"), rig.get("r2"), rig.get("r3")) == (4 + 3 + 2 + 1, 0, 0x10)
    assert (rig.get("r4"), rig.get("r5"), rig.get("r6")) == (1, 0xFFFF_FFFF, 11)
