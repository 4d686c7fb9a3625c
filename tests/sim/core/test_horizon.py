"""A peripheral that lets time pass in a register read goes no further than the core's next interrupt."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("unicorn")

from n6prog.sim.core import ppb as regs
from n6prog.sim.soc.irq import NEVER

MILLISECOND = 1_000_000_000
READ_FOR_EVER = (0x6801, 0xE7FD)  # ldr r1, [r0]; b .-2
ADD_R4, BX_LR = 0x3401, 0x4770
SYSTICK, IRQ170 = 15, 16 + 170


@pytest.fixture
def patient(rig: Any) -> Any:
    """The register at 0x4000_0000 takes 256 ms to read, or until the horizon."""
    rig.handler(SYSTICK, ADD_R4, BX_LR)
    rig.set("r0", 0x4000_0000)

    def read(_address: int, _size: int) -> int:
        rig.core.clock.advance_to(min(rig.core.clock.now + 256 * MILLISECOND, rig.bus.horizon))
        return 0

    rig.bus.readers[0x4000_0000 >> 10] = read
    return rig


def test_no_tick_is_lost_while_a_program_polls(patient: Any) -> None:
    patient.word(0xE000_E014, 64_000 - 1)
    patient.word(0xE000_E018, 0)
    patient.word(0xE000_E010, 7)
    patient.start(*READ_FOR_EVER, run=250 * MILLISECOND + MILLISECOND // 2)
    assert patient.get("r4") == 250


def test_a_line_that_rises_interrupts_a_poll_at_once(patient: Any) -> None:
    patient.handler(IRQ170, 0xE7FE)
    patient.word(0xE000_E100 + 170 // 32 * 4, 1 << 170 % 32)
    rises = patient.core.clock.now + 3 * MILLISECOND
    patient.bus.irq_sources[0].rises = rises
    patient.bus.on_irq_changed()
    patient.start(*READ_FOR_EVER, run=4 * MILLISECOND)
    assert patient.core.nvic.is_active(IRQ170)
    assert patient.core.clock.now < rises + 2 * MILLISECOND  # not 256 ms on


def test_without_interrupts_and_for_the_probe_there_is_no_horizon(patient: Any) -> None:
    patient.start(*READ_FOR_EVER, run=MILLISECOND)
    assert patient.core.clock.now >= 256 * MILLISECOND
    assert patient.bus.horizon == NEVER
    assert not patient.peek(regs.ICSR) & 0x1FF
