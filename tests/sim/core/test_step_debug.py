"""Stepping, C_MASKINTS, watchpoints, instruction comparators and reset catch: what a debugger sees."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("unicorn")

from n6prog.sim import SimBoard
from n6prog.sim.core import ppb as regs

CODE, STACK, DATA = 0x3407_0000, 0x3408_0000, 0x3407_8000
ISER, ISPR = 0xE000_E100, 0xE000_E200
DFSR, DHCSR, DEMCR, AIRCR = 0xE000_ED30, 0xE000_EDF0, 0xE000_EDFC, 0xE000_ED0C
DWT_COMP, DWT_FUNCTION = 0xE000_1020, 0xE000_1028
S_HALT, S_RETIRE, S_RESET = 1 << 17, 1 << 24, 1 << 25
DFSR_HALTED, DFSR_DWTTRAP, DFSR_VCATCH = 1, 4, 8
SPIN, BX_LR, ADD_R4, NOP = 0xE7FE, 0x4770, 0x3401, 0xBF00
READ, WRITE, EITHER = 6, 5, 4
MATCHED = 1 << 24


def halted(rig: Any, *program: int) -> None:
    rig.debug()
    rig.start(*program, run=0)
    rig.core.halt(regs.DFSR_HALTED)


def test_a_step_is_one_instruction(rig: Any) -> None:
    halted(rig, ADD_R4, 0xF104, 0x0402, ADD_R4, SPIN)  # adds r4, #1; add.w r4, r4, #2
    seen = []
    for _ in range(3):
        rig.word(DHCSR, 0xA05F_0005)
        seen.append((rig.get("pc") - CODE, rig.get("r4")))
    assert seen == [(2, 1), (6, 3), (8, 4)]
    assert rig.core.halted


def test_a_step_is_one_instruction_in_code_that_ran_before(rig: Any) -> None:
    rig.debug()
    rig.start(ADD_R4, ADD_R4, ADD_R4, 0xE7FB)  # b to the start
    rig.core.halt(regs.DFSR_HALTED)
    seen = []
    for _ in range(4):
        rig.core.step()
        seen.append(rig.get("pc") - CODE)
    assert seen == [2, 4, 6, 0]


def test_a_step_is_one_instruction_inside_an_it_block_too(rig: Any) -> None:
    # movs r0, #0; ite eq; addeq r4, #1 (no flags); addne r4, #16; adds r4, #0; b .
    halted(rig, 0x2000, 0xBF0C, ADD_R4, 0x3410, 0x3400, SPIN)
    seen = []
    for _ in range(5):
        rig.core.step()
        seen.append((rig.get("pc") - CODE, rig.get("r4"), bool(rig.get("xpsr") & 1 << 30)))
    assert seen == [(2, 0, True), (4, 0, True), (6, 1, True), (8, 1, True), (10, 1, False)]


def test_a_breakpoint_inside_an_it_block_stops_before_its_instruction(rig: Any) -> None:
    rig.debug()
    rig.word(0xE000_2000, 3)
    rig.word(0xE000_2008, (CODE + 6) | 1)
    # movs r0, #0; itt eq; moveq r1, #1; moveq r2, #2; b .
    rig.start(0x2000, 0xBF04, 0x2101, 0x2202, SPIN)
    assert (rig.get("pc"), rig.get("r1"), rig.get("r2")) == (CODE + 6, 1, 0)
    rig.word(0xE000_2000, 2)
    rig.core.resume()
    rig.run()
    assert rig.get("r2") == 2


def test_a_breakpoint_in_the_half_of_an_it_block_that_is_skipped_stops_too(rig: Any) -> None:
    # As the architecture has it: a comparator matches the address, whether or not the condition holds.
    rig.debug()
    rig.word(0xE000_2000, 3)
    rig.word(0xE000_2008, (CODE + 6) | 1)
    rig.start(0x2000, 0xBF0C, 0x2101, 0x2202, SPIN)  # movs r0, #0; ite eq; moveq r1, #1; movne r2, #2
    assert (rig.get("pc"), rig.get("r1")) == (CODE + 6, 1)


def test_a_step_takes_a_pending_interrupt_and_stops_at_its_first_instruction(rig: Any) -> None:
    place = rig.handler(16, ADD_R4, BX_LR)
    rig.word(ISER, 1)
    halted(rig, NOP, SPIN)
    rig.word(ISPR, 1)
    rig.core.step()
    assert (rig.get("pc"), rig.get("r4")) == (place, 0)
    rig.core.step()
    rig.core.step()
    assert (rig.get("pc"), rig.get("r4")) == (CODE, 1)


def test_with_maskints_a_step_steps_over_it(rig: Any) -> None:
    rig.handler(16, ADD_R4, BX_LR)
    rig.word(ISER, 1)
    halted(rig, NOP, SPIN)
    rig.word(ISPR, 1)
    rig.word(DHCSR, 0xA05F_000B)  # C_MASKINTS is set while halted
    rig.word(DHCSR, 0xA05F_000D)
    assert (rig.get("pc"), rig.get("r4")) == (CODE + 2, 0)
    rig.word(DHCSR, 0xA05F_0003)
    rig.word(DHCSR, 0xA05F_0001)
    rig.run()
    assert rig.get("r4") == 1


def test_a_step_over_svc_ends_at_the_handler(rig: Any) -> None:
    place = rig.handler(11, BX_LR)
    halted(rig, 0xDF00, SPIN)
    rig.core.step()
    assert rig.get("pc") == place


def test_retire_and_reset_bits_are_cleared_by_reading(rig: Any) -> None:
    rig.start(SPIN)
    first, second = rig.peek(DHCSR), rig.peek(DHCSR)
    assert first & (S_RETIRE | S_RESET) == S_RETIRE | S_RESET
    assert second & (S_RETIRE | S_RESET) == 0


def watch(rig: Any, match: int, address: int = DATA, size: int = 2, index: int = 0) -> None:
    rig.word(DWT_COMP + 16 * index, address)
    rig.word(DWT_FUNCTION + 16 * index, size << 10 | 1 << 4 | match)


@pytest.mark.parametrize(("match", "stops"), [(READ, CODE + 2), (WRITE, CODE + 4), (EITHER, CODE + 2)])
def test_a_watchpoint_stops_behind_the_access_it_watches(rig: Any, match: int, stops: int) -> None:
    rig.debug()
    watch(rig, match)
    rig.set("r0", DATA)
    rig.set("r2", 0x55)
    rig.start(0x6801, 0x6002, ADD_R4, SPIN)  # ldr r1, [r0]; str r2, [r0]; adds r4
    assert rig.core.halted
    assert rig.get("pc") == stops
    assert rig.peek(DFSR) == DFSR_DWTTRAP
    assert rig.peek(DWT_FUNCTION) & MATCHED
    assert not rig.peek(DWT_FUNCTION) & MATCHED  # cleared by reading
    assert rig.fetch(DATA) == (0x55 if stops == CODE + 4 else 0)
    rig.word(DWT_FUNCTION, 0)
    rig.core.resume()
    rig.run()
    assert (rig.get("r4"), rig.fetch(DATA)) == (1, 0x55)


def test_the_watched_instruction_is_executed_once(rig: Any) -> None:
    rig.debug()
    watch(rig, WRITE)
    rig.set("r0", DATA)
    rig.start(0xF840, 0x1B04, ADD_R4, SPIN)  # str r1, [r0], #4
    assert rig.get("r0") == DATA + 4
    assert rig.get("pc") == CODE + 4


def test_only_accesses_that_touch_the_watched_bytes_count(rig: Any) -> None:
    rig.debug()
    watch(rig, EITHER, DATA + 2, size=0)  # one byte
    rig.set("r0", DATA)
    # ldrb r1, [r0, #1]; ldrb r1, [r0, #3]; ldrh r1, [r0, #2]; b .
    rig.start(0x7841, 0x78C1, 0x8841, SPIN)
    assert rig.get("pc") == CODE + 6


def test_two_comparators_make_a_range(rig: Any) -> None:
    rig.debug()
    watch(rig, EITHER, DATA, index=1)
    watch(rig, 7, DATA + 0xFF, index=2)
    rig.set("r0", DATA)
    # ldr.w r1, [r0, #0x100]; ldr.w r1, [r0, #0xf0]
    rig.start(0xF8D0, 0x1100, 0xF8D0, 0x10F0, SPIN)
    assert rig.get("pc") == CODE + 8
    assert rig.peek(DWT_FUNCTION + 16) & MATCHED


def test_without_trcena_nothing_is_watched(rig: Any) -> None:
    rig.debug()
    rig.word(DEMCR, 0)
    watch(rig, EITHER)
    rig.set("r0", DATA)
    rig.start(0x6801, SPIN)
    assert not rig.core.halted


def test_a_watchpoint_on_a_peripheral_makes_the_access_once(rig: Any) -> None:
    rig.debug()
    watch(rig, WRITE, 0x4000_0000)
    rig.set("r0", 0x4000_0000)
    rig.set("r1", 7)
    rig.start(0x6001, ADD_R4, SPIN)
    assert rig.core.halted
    assert rig.bus.writes == [7]


def test_an_instruction_comparator_of_the_dwt_is_a_breakpoint(rig: Any) -> None:
    rig.debug()
    rig.word(DWT_COMP + 48, CODE + 2)
    rig.word(DWT_FUNCTION + 48, 1 << 10 | 1 << 4 | 2)
    rig.start(ADD_R4, ADD_R4, SPIN)
    assert (rig.get("pc"), rig.get("r4")) == (CODE + 2, 1)


def test_reset_catch_waits_until_debug_is_open(rig: Any) -> None:
    rig.debug(1)  # VC_CORERESET
    rig.bus.dbgmcu.ap1_enabled = False
    rig.core.reset(power=False, now=rig.core.clock.now)
    rig.run()
    assert not rig.core.halted
    rig.bus.dbgmcu.ap1_enabled = True
    rig.run()
    assert rig.peek(DHCSR) & S_HALT
    assert rig.peek(DFSR) == DFSR_VCATCH


def test_a_reset_can_start_from_a_vector_table(rig: Any) -> None:
    rig.start(ADD_R4, SPIN, run=0)
    rig.store(0x3406_4000, (STACK - 8).to_bytes(4, "little") + (CODE | 1).to_bytes(4, "little"))
    rig.word(ISER, 1)
    rig.core.reset(power=False, now=rig.core.clock.now, vector=0x3406_4000)
    assert (rig.get("sp"), rig.get("pc"), rig.get("r4")) == (STACK - 8, CODE, 0)
    assert rig.peek(regs.VTOR) == 0x3406_4000
    assert rig.peek(ISER) == 0
    rig.run()
    assert rig.get("r4") == 1


def test_what_a_debugger_set_up_survives_a_system_reset_and_not_a_power_cut(rig: Any) -> None:
    rig.debug(1 << 10)
    watch(rig, READ, index=3)
    rig.word(0xE000_2008, CODE | 1)
    rig.core.reset(power=False, now=rig.core.clock.now)
    assert rig.peek(DEMCR) == 1 << 24 | 1 << 10
    assert rig.peek(DHCSR) & 1
    assert rig.peek(DWT_COMP + 48) == DATA
    assert rig.peek(0xE000_2008) == CODE | 1
    rig.core.reset(power=True, now=rig.core.clock.now)
    assert rig.peek(DEMCR) == rig.peek(DWT_COMP + 48) == rig.peek(0xE000_2008) == 0
    assert not rig.peek(DHCSR) & 1


def test_a_halted_core_forgets_its_handler_on_vectclractive(rig: Any) -> None:
    rig.handler(16, SPIN)
    rig.word(ISER, 1)
    rig.word(ISPR, 1)
    rig.debug()
    rig.start(SPIN)
    rig.core.halt(regs.DFSR_HALTED)
    assert rig.get("xpsr") & 0x1FF == 16
    rig.word(AIRCR, 0x05FA_0002)
    assert rig.get("xpsr") & 0x1FF == 0
    assert rig.peek(0xE000_ED04) & 0x1FF == 0


def test_cache_maintenance_is_taken_and_keeps_nothing(rig: Any) -> None:
    for offset in (0xF50, 0xF58, 0xF5C, 0xF60, 0xF64, 0xF68, 0xF6C, 0xF70, 0xF74, 0xF78):
        rig.word(0xE000_E000 + offset, 0xFFFF_FFFF)
        assert rig.peek(0xE000_E000 + offset) == 0
    assert rig.peek(0xE000_ED7C) >> 29 == 4  # CTR
    rig.word(0xE000_ED14, 0x0007_0201)  # CCR: IC, DC, branch prediction
    assert rig.peek(0xE000_ED14) == 0x0007_0201


def test_a_reset_with_catch_leaves_a_halted_core_soon_after_the_boot_rom_opened_ap1() -> None:
    with SimBoard() as board:
        board.write(DHCSR, (0xA05F_0001).to_bytes(4, "little"))
        board.write(DEMCR, (1 << 24 | 1).to_bytes(4, "little"))
        board.write(AIRCR, (0x05FA_0004).to_bytes(4, "little"))
        board.catch_up()
        assert not board.ap1_open()
        board.host.advance(25_000_000_000)
        status = int.from_bytes(board.read(DHCSR, 4), "little")
        assert status & (S_HALT | S_RESET) == S_HALT | S_RESET
        assert 0x1800_0000 <= board.registers["pc"] < 0x1802_0000
