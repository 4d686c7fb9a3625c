"""NVIC, priorities and masks, entry and return. Encodings by hand after the Armv8-M ARM; registers after its D1.2."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("unicorn")

from n6prog.sim import SimBoard
from n6prog.sim.core import ppb as regs

ISER, ICER, ISPR, ICPR, IABR = (0xE000_E000 + offset for offset in range(0x100, 0x380, 0x80))
IPR, STIR = 0xE000_E400, 0xE000_EF00
ICSR, SHPR2, SHPR3, SCR = 0xE000_ED04, 0xE000_ED1C, 0xE000_ED20, 0xE000_ED10
CODE, STACK, CYCLE, MILLISECOND = 0x3407_0000, 0x3408_0000, 15_625, 1_000_000_000
SPIN = 0xE7FE  # b .
BX_LR, NOP, BKPT, WFI, WFE, SEV = 0x4770, 0xBF00, 0xBE00, 0xBF30, 0xBF20, 0xBF40
ISB = (0xF3BF, 0x8F6F)
CPSID_I, CPSIE_I, CPSID_F = 0xB672, 0xB662, 0xB671
IRQ0, IRQ1 = 16, 17
ADD_R4 = 0x3401  # adds r4, #1
ADD_R5 = 0x3501


def enable(rig: Any, irq: int, priority: int = 0) -> None:
    rig.word(ISER + 4 * (irq // 32), 1 << irq % 32)
    rig.core.ppb.write(IPR + irq, 1, priority)


def pend(rig: Any, irq: int) -> None:
    rig.word(ISPR + 4 * (irq // 32), 1 << irq % 32)


def test_a_pending_interrupt_runs_its_handler_and_the_program_goes_on(rig: Any) -> None:
    # mov r5, lr; mov r6, sp; movs r0, #9; mov r12, r0; bx lr
    rig.handler(IRQ0, 0x4675, 0x466E, 0x2009, 0x4684, BX_LR)
    enable(rig, 0)
    for index in range(4):
        rig.set(f"r{index}", 0x100 + index)
    rig.set("r12", 0x112)
    rig.set("lr", 0x1234_5679)
    rig.start(ADD_R4, SPIN)
    pend(rig, 0)
    rig.run()
    assert rig.get("r5") == 0xFFFF_FFF9  # Thread, main stack, basic frame, Secure
    assert rig.get("r6") == STACK - 32
    assert [rig.get(f"r{index}") for index in range(4)] == [0x100, 0x101, 0x102, 0x103]
    assert (rig.get("r12"), rig.get("lr"), rig.get("sp")) == (0x112, 0x1234_5679, STACK)
    assert rig.get("pc") == CODE + 2
    assert rig.get("xpsr") & 0x1FF == 0
    assert rig.peek(ISPR) == 0


def test_the_frame_is_what_the_architecture_says(rig: Any) -> None:
    rig.handler(IRQ0, SPIN)
    enable(rig, 0)
    for index, value in enumerate((0xA0, 0xA1, 0xA2, 0xA3)):
        rig.set(f"r{index}", value)
    rig.set("r12", 0xAC)
    rig.set("lr", 0xAE)
    rig.set("sp", STACK - 4)  # not a multiple of eight: a word of padding, told in bit 9
    rig.start(SPIN)
    pend(rig, 0)
    rig.run()
    frame = STACK - 40
    assert rig.get("sp") == frame
    words = [rig.fetch(frame + 4 * index) for index in range(8)]
    assert words[:7] == [0xA0, 0xA1, 0xA2, 0xA3, 0xAC, 0xAE, CODE]
    assert words[7] & (1 << 24 | 1 << 9 | 0x1FF) == 1 << 24 | 1 << 9
    assert rig.get("xpsr") & 0x1FF == IRQ0
    assert rig.peek(IABR) == 1


def test_a_disabled_interrupt_stays_pending(rig: Any) -> None:
    rig.handler(IRQ0, ADD_R5, BX_LR)
    pend(rig, 0)
    rig.start(SPIN)
    assert rig.get("r5") == 0
    assert rig.peek(ISPR) == rig.peek(ICPR) == 1
    enable(rig, 0)
    rig.run()
    assert rig.get("r5") == 1


def test_enable_and_pending_registers_set_and_clear_bit_by_bit(rig: Any) -> None:
    rig.word(ISER + 20, 0xF0F0)
    rig.word(ICER + 20, 0x00F0)
    assert rig.peek(ISER + 20) == rig.peek(ICER + 20) == 0xF000
    rig.word(ISPR + 24, 0xFFFF_FFFF)  # interrupts 192 to 194 are the last
    assert rig.peek(ISPR + 24) == 7
    rig.word(ICPR + 24, 2)
    assert rig.peek(ISPR + 24) == 5
    rig.word(STIR, 193)
    assert rig.peek(ISPR + 24) == 7


def test_priorities_have_four_bits_and_take_bytes(rig: Any) -> None:
    rig.core.ppb.write(IPR + 5, 1, 0xFF)
    rig.core.ppb.write(IPR + 6, 2, 0x3A5C)
    assert rig.peek(IPR + 4) == 0x3050_F000
    rig.word(SHPR3, 0xABCD_EF12)
    assert rig.peek(SHPR3) == 0xA0C0_0010


def test_the_lower_number_wins_among_equals_and_the_lower_priority_value_otherwise(rig: Any) -> None:
    # lsls r4, r4, #8; adds r4, #irq; bx lr: the order in which they ran is in r4
    for irq in range(3):
        rig.handler(16 + irq, 0x0224, 0x3401 + irq, BX_LR)
    for irq, priority in ((0, 0x80), (1, 0x80), (2, 0x40)):
        enable(rig, irq, priority)
        pend(rig, irq)
    rig.start(SPIN)
    assert rig.get("r4") == 0x03_01_02


def test_a_more_urgent_interrupt_preempts_a_handler_and_an_equal_one_waits(rig: Any) -> None:
    # handler 0: r0 = ISPR; str r1, [r0] pends 1 and 2; isb; lsls r4, #8; adds r4, #1; bx lr
    rig.handler(IRQ0, 0x4638, 0x6001, *ISB, 0x0224, 0x3401, BX_LR)  # mov r0, r7
    rig.handler(IRQ1, 0x4675, 0x0224, 0x3402, BX_LR)  # mov r5, lr
    rig.handler(18, 0x0224, 0x3403, BX_LR)
    rig.set("r7", ISPR)
    rig.set("r1", 6)
    enable(rig, 0, 0x80)
    enable(rig, 1, 0x40)
    enable(rig, 2, 0x80)
    pend(rig, 0)
    # the handler has no r1 of its own: it sees the thread's
    rig.start(SPIN)
    assert rig.get("r4") == 0x02_01_03
    assert rig.get("r5") == 0xFFFF_FFF1  # back to Handler mode
    assert rig.get("sp") == STACK


def test_priority_grouping_decides_what_preempts(rig: Any) -> None:
    rig.handler(IRQ0, 0x4638, 0x6001, *ISB, 0x0224, 0x3401, BX_LR)
    rig.handler(IRQ1, 0x0224, 0x3402, BX_LR)
    rig.set("r7", ISPR)
    rig.set("r1", 2)
    rig.word(0xE000_ED0C, 0x05FA_0000 | 6 << 8)  # PRIGROUP 6: only bit 7 preempts
    enable(rig, 0, 0x70)
    enable(rig, 1, 0x10)
    pend(rig, 0)
    rig.start(SPIN)
    assert rig.get("r4") == 0x01_02


def test_primask_holds_interrupts_back_until_cpsie(rig: Any) -> None:
    rig.handler(IRQ0, 0x0026, BX_LR)  # movs r6, r4
    enable(rig, 0)
    # cpsid i; str r1, [r0] (pends); isb; adds r4; adds r4; cpsie i; adds r4; b .
    rig.set("r0", ISPR)
    rig.set("r1", 1)
    rig.start(CPSID_I, 0x6001, *ISB, ADD_R4, ADD_R4, CPSIE_I, ADD_R4, SPIN)
    assert (rig.get("r6"), rig.get("r4")) == (2, 3)


def test_basepri_holds_back_what_is_not_more_urgent(rig: Any) -> None:
    rig.handler(IRQ0, 0x0026, BX_LR)  # movs r6, r4
    rig.handler(IRQ1, 0x0027, BX_LR)  # movs r7, r4
    enable(rig, 0, 0x40)
    enable(rig, 1, 0x30)
    rig.set("r0", ISPR)
    rig.set("r1", 3)
    rig.set("r2", 0x40)
    # msr basepri, r2; str r1, [r0]; isb; adds r4; movs r3, #0; msr basepri, r3; adds r4; b .
    rig.start(0xF382, 0x8811, ADD_R4, 0x6001, *ISB, ADD_R4, 0x2300, 0xF383, 0x8811, ADD_R4, SPIN)
    assert (rig.get("r7"), rig.get("r6"), rig.get("r4")) == (1, 2, 3)


def test_faultmask_lets_only_nmi_in_and_ends_with_the_handler_that_set_it(rig: Any) -> None:
    rig.handler(IRQ0, CPSID_F, 0x6001, *ISB, ADD_R4, BX_LR)  # cpsid f; str r1, [r0]
    rig.handler(IRQ1, 0x0027, BX_LR)  # movs r7, r4
    enable(rig, 0, 0x40)
    enable(rig, 1, 0)
    rig.set("r0", ISPR)
    rig.set("r1", 2)
    pend(rig, 0)
    rig.start(SPIN)
    assert (rig.get("r4"), rig.get("r7")) == (1, 1)
    assert rig.get("special") >> 16 & 1 == 0


def test_nmi_comes_through_primask(rig: Any) -> None:
    rig.handler(2, ADD_R5, BX_LR)
    rig.start(CPSID_I, SPIN)
    rig.word(ICSR, 1 << 31)
    rig.run()
    assert rig.get("r5") == 1


def test_pendsv_and_systick_pend_through_icsr(rig: Any) -> None:
    rig.handler(14, 0x0224, 0x340E, BX_LR)
    rig.handler(15, 0x0224, 0x340F, BX_LR)
    rig.core.ppb.write(SHPR3 + 2, 1, 0xF0)
    rig.start(SPIN)
    rig.word(ICSR, 1 << 28 | 1 << 26)
    assert rig.peek(ICSR) & (1 << 28 | 1 << 26) == 1 << 28 | 1 << 26
    assert rig.peek(ICSR) >> 12 & 0x1FF == 15
    rig.run()
    assert rig.get("r4") == 0x0F_0E
    rig.word(ICSR, 1 << 28)
    rig.word(ICSR, 1 << 27)
    rig.run()
    assert rig.get("r4") == 0x0F_0E


def test_icsr_tells_what_is_active_and_pending(rig: Any) -> None:
    rig.handler(IRQ0, SPIN)
    enable(rig, 0, 0x40)
    enable(rig, 1, 0x80)
    pend(rig, 0)
    rig.start(SPIN)
    pend(rig, 1)
    value = rig.peek(ICSR)
    assert value & 0x1FF == IRQ0
    assert value >> 12 & 0x1FF == IRQ1
    assert value & 1 << 22  # ISRPENDING
    assert value & 1 << 11  # RETTOBASE: nothing else is active


def test_code_on_the_process_stack_is_interrupted_there(rig: Any) -> None:
    rig.handler(IRQ0, 0x4675, 0x466E, BX_LR)  # mov r5, lr; mov r6, sp
    enable(rig, 0)
    rig.set("psp", STACK - 0x1000)
    rig.set("special", 2 << 24)  # CONTROL.SPSEL
    rig.start(SPIN)
    pend(rig, 0)
    rig.run()
    assert rig.get("r5") == 0xFFFF_FFFD
    assert rig.get("r6") == STACK  # the handler's own
    assert rig.get("sp") == STACK - 0x1000
    assert rig.get("special") >> 24 == 2


def test_a_handler_may_send_the_thread_to_the_other_stack(rig: Any) -> None:
    # As an RTOS starts its first thread: msr psp, r0; ldr-less: mov lr, r1; bx lr
    rig.handler(11, 0xF380, 0x8809, 0x468E, BX_LR)
    frame = STACK - 0x2000
    for index, value in enumerate((1, 2, 3, 4, 5, 6, CODE + 0x40, 1 << 24)):
        rig.store(frame + 4 * index, value.to_bytes(4, "little"))
    rig.load(CODE + 0x40, SPIN)
    rig.set("r0", frame)
    rig.set("r1", 0xFFFF_FFFD)
    rig.start(0xDF00)  # svc #0
    assert rig.get("pc") == CODE + 0x40
    assert (rig.get("r0"), rig.get("r12"), rig.get("lr")) == (1, 5, 6)
    assert rig.get("sp") == frame + 32
    assert rig.get("special") >> 24 & 2


def test_an_interrupt_inside_an_it_block_comes_back_to_the_rest_of_it(rig: Any) -> None:
    rig.handler(IRQ0, ADD_R5, BX_LR)
    enable(rig, 0)
    # movs r0, #0; itt eq; moveq r1, #1; moveq r2, #2; b .
    rig.start(0x2000, 0xBF04, 0x2101, 0x2202, SPIN, run=0)
    rig.debug()
    rig.core.halt(regs.DFSR_HALTED)
    for _ in range(3):
        rig.core.step()
    assert rig.get("pc") == CODE + 6
    pend(rig, 0)
    rig.core.resume()
    rig.run()
    assert (rig.get("r1"), rig.get("r2"), rig.get("r5")) == (1, 2, 1)


# ---- lines ----------------------------------------------------------------------------------------------------------


def test_a_line_that_stays_high_interrupts_again_after_the_handler(rig: Any) -> None:
    rig.handler(16 + 170, ADD_R5, 0x2D03, 0xD100, 0x6030, BX_LR)  # adds r5; cmp r5, #3; bne +0; str r0, [r6]
    rig.set("r6", 0x4000_0000)
    enable(rig, 170)
    rig.start(SPIN)
    line = rig.bus.irq_sources[0]
    line.rises = rig.core.clock.now + MILLISECOND // 2
    rig.bus.on_irq_changed()
    rig.run()
    assert rig.get("r5") == 3
    assert len(rig.bus.writes) == 1


def test_a_line_interrupts_when_it_rises_and_not_before(rig: Any) -> None:
    # handler: ldr r5, [r7] (CYCCNT); str r0, [r6]; bx lr
    rig.handler(16 + 171, 0x683D, 0x6030, BX_LR)
    rig.set("r6", 0x4000_0000)
    rig.set("r7", 0xE000_1004)
    rig.debug()
    rig.word(0xE000_1000, 1)
    enable(rig, 171)
    rig.start(0x2000, SPIN)
    start = rig.core.clock.now
    rig.bus.irq_sources[1].rises = start + 6400 * CYCLE
    rig.bus.on_irq_changed()
    before = rig.peek(0xE000_1004)
    rig.run()
    # 12 cycles of entry; the load is in the handler's first block
    assert rig.get("r5") - before == pytest.approx(6400 + 12, abs=6)


def test_clearing_the_pending_bit_of_a_line_that_is_high_does_not_help(rig: Any) -> None:
    rig.bus.irq_sources[0].rises = 0
    rig.bus.on_irq_changed()
    bit = 1 << 170 % 32
    assert rig.peek(ISPR + 20) == bit
    rig.word(ICPR + 20, bit)
    assert rig.peek(ISPR + 20) == bit
    rig.bus.write(0x4000_0000, 4, 0)
    assert rig.peek(ISPR + 20) == bit  # latched
    rig.word(ICPR + 20, bit)
    assert rig.peek(ISPR + 20) == 0


@pytest.fixture
def board() -> Iterator[SimBoard]:
    with SimBoard() as board:
        yield board


def test_a_uart_of_the_chip_interrupts_the_core(board: SimBoard) -> None:
    # USART1 (interrupt 159 in the CMSIS header) is ready to send at once: TXEIE raises its line.
    def word(address: int, value: int) -> None:
        board.write(address, value.to_bytes(4, "little"))

    word(0x5602_8A6C, 1 << 4)  # RCC_APB2ENSR: USART1
    board.write(CODE, bytes.fromhex("fee7"))  # b .
    handler = CODE + 0x100
    board.write(handler, bytes.fromhex("0135 3060 7047"))  # adds r5, #1; str r0, [r6]; bx lr
    word(0x3406_4000 + 4 * (16 + 159), handler | 1)
    word(0xE000_ED08, 0x3406_4000)
    word(ISER + 4 * (159 // 32), 1 << 159 % 32)
    board.core.halt(regs.DFSR_HALTED)
    for name, value in ((0, 0), (6, 0x5200_1000), (13, STACK), (28, 0), (15, CODE)):
        board.core.registers.write(name, value)
    board.core.resume()
    word(0x5200_1000, 1 << 7 | 1 << 3 | 1)  # CR1: TXEIE, TE, UE
    board.host.advance(MILLISECOND)
    board.catch_up()
    assert board.registers["r5"] == 1
    assert board.registers["pc"] == CODE
