"""The FPU: CPACR, and what exception entry keeps. The emulated core has single precision only."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("unicorn")

CPACR, CFSR, SHCSR, FPCCR, ISER, ISPR = (
    0xE000_ED88, 0xE000_ED28, 0xE000_ED24, 0xE000_EF34, 0xE000_E100, 0xE000_E200,
)  # fmt: skip
STACK, CODE = 0x3408_0000, 0x3407_0000
SPIN, BX_LR = 0xE7FE, 0x4770
VMOV_S0_R0, VMOV_R1_S0 = (0xEE00, 0x0A10), (0xEE10, 0x1A10)
USAGE, IRQ0 = 6, 16


def test_floating_point_is_off_until_cpacr_says_so(rig: Any) -> None:
    rig.handler(USAGE, SPIN)
    rig.word(SHCSR, 1 << 18)
    rig.set("r0", 0x3F80_0000)
    rig.start(*VMOV_S0_R0, *VMOV_R1_S0, SPIN)
    assert rig.peek(CFSR) == 1 << 19  # NOCP
    assert rig.fetch(STACK - 8) == CODE
    rig.core.reset(power=True, now=rig.core.clock.now)
    rig.word(CPACR, 0xF << 20)
    rig.set("r0", 0x3F80_0000)
    rig.start(*VMOV_S0_R0, *VMOV_R1_S0, SPIN)
    assert rig.get("r1") == 0x3F80_0000


def test_code_may_switch_the_fpu_on_itself(rig: Any) -> None:
    rig.set("r0", 0x4000_0000)
    rig.set("r2", CPACR)
    rig.set("r3", 0xF << 20)
    rig.start(0x6013, 0xF3BF, 0x8F6F, *VMOV_S0_R0, *VMOV_R1_S0, SPIN)  # str r3, [r2]; isb
    assert rig.get("r1") == 0x4000_0000


def test_an_interrupt_of_floating_point_code_keeps_its_registers(rig: Any) -> None:
    rig.word(CPACR, 0xF << 20)
    # handler: mov r5, lr; mov r6, sp; movs r0, #0; vmov s0, r0; bx lr
    rig.handler(IRQ0, 0x4675, 0x466E, 0x2000, *VMOV_S0_R0, BX_LR)
    rig.word(ISER, 1)
    rig.set("r0", 0x3F80_0000)
    # vmov s0, r0; b +0 (a block of its own); vmov r1, s0; b to it
    rig.start(*VMOV_S0_R0, 0xE7FF, *VMOV_R1_S0, 0xE7FC)
    rig.word(ISPR, 1)
    rig.run()
    assert rig.get("r5") == 0xFFFF_FFE9  # bit 4 clear: extended frame
    assert rig.get("r6") == STACK - 104  # 26 words
    assert rig.fetch(STACK - 104 + 32) == 0x3F80_0000
    assert rig.get("r1") == 0x3F80_0000
    assert rig.get("sp") == STACK
    assert rig.get("special") >> 24 & 4  # CONTROL.FPCA is back


def test_code_that_used_no_floating_point_has_the_short_frame(rig: Any) -> None:
    rig.word(CPACR, 0xF << 20)
    rig.handler(IRQ0, 0x4675, BX_LR)
    rig.word(ISER, 1)
    rig.start(SPIN)
    rig.word(ISPR, 1)
    rig.run()
    assert rig.get("r5") == 0xFFFF_FFF9


def test_fpccr_aspen_off_keeps_the_frame_short(rig: Any) -> None:
    rig.word(CPACR, 0xF << 20)
    rig.word(FPCCR, 0)
    rig.handler(IRQ0, 0x4675, BX_LR)
    rig.word(ISER, 1)
    rig.start(*VMOV_S0_R0, SPIN)
    rig.word(ISPR, 1)
    rig.run()
    assert rig.get("r5") == 0xFFFF_FFF9


@pytest.mark.parametrize(
    "code",
    [
        (0xEF20, 0x0842),  # vadd.i32 q0, q0, q1
        (0xED90, 0x1F00),  # vldrw.u32 q0, [r0]
        (0xF021, 0xE001),  # dlstp.32 lr, r1
        (0xEE31, 0x0B02),  # vadd.f64 d0, d1, d2
    ],
)
def test_what_is_not_modelled_says_so(rig: Any, code: tuple[int, int], caplog: pytest.LogCaptureFixture) -> None:
    rig.word(CPACR, 0xF << 20)
    rig.core.stop_on_fault = True
    rig.start(*code)
    assert (rig.core.fault.kind, rig.core.fault.pc) == ("mve", CODE)
    assert f"{code[0]:04x} {code[1]:04x} at {CODE:#010x}: not modelled" in caplog.text
