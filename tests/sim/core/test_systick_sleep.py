"""SysTick, WFI, WFE and sleep-on-exit: time passes as virtual time, and nothing spins."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("unicorn")

from n6prog.sim.core import ppb as regs

CSR, RVR, CVR = 0xE000_E010, 0xE000_E014, 0xE000_E018
ISER, ISPR, SCR, ICSR = 0xE000_E100, 0xE000_E200, 0xE000_ED10, 0xE000_ED04
CYCLE, MILLISECOND = 15_625, 1_000_000_000
ENABLE, TICKINT, CLKSOURCE, COUNTFLAG = 1, 2, 4, 1 << 16
SPIN, BX_LR, WFI, WFE, SEV, CPSID_I, CPSIE_I = 0xE7FE, 0x4770, 0xBF30, 0xBF20, 0xBF40, 0xB672, 0xB662
ADD_R4, ADD_R5 = 0x3401, 0x3501
SYSTICK, IRQ0 = 15, 16


def tick(rig: Any, period: int, control: int = ENABLE | TICKINT | CLKSOURCE) -> None:
    rig.word(RVR, period - 1)
    rig.word(CVR, 0)
    rig.word(CSR, control)


def test_a_millisecond_tick_comes_a_thousand_times_a_second(rig: Any) -> None:
    rig.handler(SYSTICK, ADD_R4, BX_LR)
    tick(rig, 64_000)
    rig.start(SPIN, run=1000 * MILLISECOND + MILLISECOND // 2)
    assert rig.get("r4") == 1000


def test_the_count_goes_down_and_is_reloaded(rig: Any) -> None:
    tick(rig, 1000, ENABLE | CLKSOURCE)
    rig.start(SPIN, run=0)
    rig.run(400 * CYCLE)
    assert rig.peek(CVR) == 1000 - 400  # one cycle from 0 to the reload value 999, then 399 down
    assert not rig.peek(CSR) & COUNTFLAG
    rig.run(600 * CYCLE)
    assert rig.peek(CVR) == 0
    assert rig.peek(CSR) & COUNTFLAG
    assert not rig.peek(CSR) & COUNTFLAG  # cleared by reading
    rig.run(1 * CYCLE)
    assert rig.peek(CVR) == 999


def test_a_write_of_the_count_clears_it_without_an_exception(rig: Any) -> None:
    rig.handler(SYSTICK, ADD_R4, BX_LR)
    tick(rig, 1000)
    rig.start(SPIN, run=0)
    rig.run(990 * CYCLE)
    rig.word(CVR, 77)
    assert rig.peek(CVR) == 0
    rig.run(990 * CYCLE)
    assert rig.get("r4") == 0
    rig.run(30 * CYCLE)
    assert rig.get("r4") == 1


def test_the_reference_clock_is_slower(rig: Any) -> None:
    tick(rig, 0x100_0000, ENABLE)
    rig.start(SPIN, run=0)
    rig.run(8000 * CYCLE)
    assert rig.peek(CVR) == 0x100_0000 - 1000  # GUESS: an eighth of the core's


def test_without_a_reload_value_it_stops_at_zero(rig: Any) -> None:
    rig.handler(SYSTICK, ADD_R4, BX_LR)
    tick(rig, 100)
    rig.start(SPIN, run=0)
    rig.run(50 * CYCLE)
    rig.word(RVR, 0)
    rig.run(1000 * CYCLE)
    assert (rig.get("r4"), rig.peek(CVR)) == (1, 0)


def test_the_tick_stands_still_while_the_core_is_halted(rig: Any) -> None:
    rig.handler(SYSTICK, ADD_R4, BX_LR)
    tick(rig, 1000)
    rig.debug()
    rig.start(SPIN, run=0)
    rig.run(400 * CYCLE)
    count = rig.peek(CVR)
    rig.core.halt(regs.DFSR_HALTED)
    rig.host.advance(5 * MILLISECOND)
    rig.core.resume()
    assert rig.peek(CVR) == count
    rig.run(500 * CYCLE)
    assert rig.get("r4") == 0
    rig.run(150 * CYCLE)
    assert rig.get("r4") == 1


def test_wfi_sleeps_until_the_tick(rig: Any) -> None:
    # back: wfi; adds r5; b back
    rig.handler(SYSTICK, ADD_R4, BX_LR)
    tick(rig, 64_000)
    rig.start(WFI, ADD_R5, 0xE7FC, run=10 * MILLISECOND + MILLISECOND // 2)
    assert (rig.get("r4"), rig.get("r5")) == (10, 10)
    assert rig.core.sleeping


def test_wfi_under_primask_wakes_and_goes_on_without_the_handler(rig: Any) -> None:
    rig.handler(SYSTICK, ADD_R4, BX_LR)
    tick(rig, 64_000)
    rig.start(CPSID_I, WFI, ADD_R5, 0x0026, CPSIE_I, SPIN, run=2 * MILLISECOND - 1000 * CYCLE)  # movs r6, r4
    assert (rig.get("r5"), rig.get("r6"), rig.get("r4")) == (1, 0, 1)


def test_wfi_ends_at_once_if_an_interrupt_is_pending(rig: Any) -> None:
    rig.handler(IRQ0, ADD_R4, BX_LR)
    rig.word(ISER, 1)
    rig.set("r0", ISPR)
    rig.set("r1", 1)
    rig.start(CPSID_I, 0x6001, WFI, ADD_R5, SPIN)
    assert (rig.get("r5"), rig.get("r4")) == (1, 0)


def test_sleep_is_seen_by_the_probe_and_a_halt_ends_it(rig: Any) -> None:
    rig.debug()
    rig.start(WFI, ADD_R5, SPIN)
    assert rig.core.debug_status() & 1 << 18
    rig.core.halt(regs.DFSR_HALTED)
    assert rig.core.debug_status() & 1 << 17
    rig.core.resume()
    rig.run()
    assert rig.get("r5") == 1


def test_sleep_on_exit_goes_back_to_sleep_after_each_handler(rig: Any) -> None:
    rig.handler(SYSTICK, ADD_R4, BX_LR)
    rig.word(SCR, 1 << 1)
    tick(rig, 64_000)
    rig.start(WFI, ADD_R5, SPIN, run=3 * MILLISECOND + MILLISECOND // 2)
    assert (rig.get("r4"), rig.get("r5")) == (3, 0)
    assert rig.core.sleeping


def test_sev_lets_the_next_wfe_pass_and_the_one_after_sleeps(rig: Any) -> None:
    rig.start(SEV, WFE, ADD_R4, WFE, ADD_R4, SPIN)
    assert rig.get("r4") == 1
    assert rig.core.sleeping


def test_an_interrupt_ends_wfe_and_leaves_an_event(rig: Any) -> None:
    rig.handler(IRQ0, ADD_R5, BX_LR)
    rig.word(ISER, 1)
    rig.start(WFE, ADD_R4, WFE, ADD_R4, WFE, ADD_R4, SPIN)
    assert rig.get("r4") == 0
    rig.word(ISPR, 1)
    rig.run()
    assert (rig.get("r5"), rig.get("r4")) == (1, 2)  # entry and return were one event, used by the second WFE


def test_sevonpend_ends_wfe_for_a_masked_interrupt(rig: Any) -> None:
    rig.word(SCR, 1 << 4)
    rig.start(WFE, ADD_R4, SPIN)
    assert rig.get("r4") == 0
    rig.word(ISPR, 1)  # not enabled
    rig.run()
    assert rig.get("r4") == 1


def test_the_same_program_takes_the_same_time_twice(rig: Any) -> None:
    rig.handler(SYSTICK, ADD_R4, BX_LR)

    def once() -> tuple[int, int]:
        rig.core.reset(power=True, now=rig.core.clock.now)
        rig.word(regs.VTOR, 0x3406_4000)
        rig.core.registers.write(28, 0)
        rig.set("sp", 0x3408_0000)
        start = rig.core.clock.now
        tick(rig, 3001)
        rig.start(0x3601, 0xE7FD, run=7 * MILLISECOND)  # back: adds r6, #1; b back
        return rig.get("r6"), rig.core.clock.now - start

    assert once() == once()


def test_a_state_in_the_middle_of_a_handler_can_be_kept_and_taken_back(rig: Any) -> None:
    rig.handler(SYSTICK, ADD_R4, WFI, BX_LR)
    tick(rig, 64_000)
    rig.word(ISER, 2)
    rig.core.ppb.write(0xE000_E401, 1, 0x40)
    rig.start(SPIN, run=MILLISECOND + MILLISECOND // 2)
    kept = rig.core.snapshot()
    rig.run(MILLISECOND)
    rig.core.restore(kept)
    assert rig.get("xpsr") & 0x1FF == SYSTICK
    assert rig.peek(ICSR) & 0x1FF == SYSTICK
    assert rig.peek(ISER) == 2
    assert rig.peek(0xE000_E400) == 0x4000
    assert rig.core.sleeping
    assert rig.peek(CVR) == pytest.approx(32_000, abs=50)
