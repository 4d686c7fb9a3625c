"""ECC of ITCM and DTCM: what was never written cannot be read (hw-soc 3 and 9)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("unicorn")

from n6prog.sim import SimAccess, SimBoard, SimFault

ITCM, DTCM, CODE = 0x1000_0000, 0x3000_0000, 0x3407_0000
CFSR, BFAR, SHCSR = 0xE000_ED28, 0xE000_ED38, 0xE000_ED24
SPIN, BX_LR = 0xE7FE, 0x4770
PRECISERR = 1 << 9 | 1 << 15
IBUSERR = 1 << 8


@pytest.fixture
def fresh(rig: Any) -> Any:
    rig.ram.power_on(0)
    rig.handler(5, SPIN)
    rig.word(SHCSR, 1 << 17)
    return rig


def fault(rig: Any, *program: int) -> tuple[int, int]:
    """Run a program; its CFSR and BFAR (0 where there is none)."""
    rig.word(CFSR, 0xFFFF_FFFF)
    rig.set("xpsr", 1 << 24)
    rig.core.nvic.active = 0
    rig.start(*program, SPIN)
    return rig.peek(CFSR), rig.peek(BFAR) if rig.peek(CFSR) & 1 << 15 else 0


@pytest.mark.parametrize("place", [DTCM + 0x104, ITCM + 0x104, 0x2000_0104, 0x104])
def test_a_word_that_was_never_written_is_a_bus_fault(fresh: Any, place: int) -> None:
    fresh.set("r0", place)
    assert fault(fresh, 0x6801) == (PRECISERR, place)  # ldr r1, [r0]
    assert fault(fresh, 0x6001, 0x6801) == (0, 0)  # str r1, [r0]; ldr r1, [r0]
    assert fault(fresh, 0x6841) == (PRECISERR, place + 4)  # ldr r1, [r0, #4]: its neighbour


def test_a_byte_into_such_a_word_reads_the_rest_and_fails_too(fresh: Any) -> None:
    fresh.set("r0", DTCM)
    assert fault(fresh, 0x7041) == (PRECISERR, DTCM + 1)  # strb r1, [r0, #1]
    assert fault(fresh, 0x8001) == (PRECISERR, DTCM)  # strh r1, [r0]
    fresh.set("r1", 0x1122_3344)
    fresh.set("r2", 0xAA)
    assert fault(fresh, 0x6001, 0x7042, 0x6803) == (0, 0)  # str r1; strb r2, [r0, #1]; ldr r3
    assert fresh.get("r3") == 0x1122_AA44


def test_both_aliases_are_one_memory(fresh: Any) -> None:
    fresh.set("r0", DTCM + 0x40)
    fresh.set("r1", 0x2000_0040)
    fresh.set("r2", 0x55)
    assert fault(fresh, 0x6002, 0x680B) == (0, 0)  # str r2, [r0]; ldr r3, [r1]
    assert fresh.get("r3") == 0x55


def test_a_memory_that_a_program_cleared_is_ordinary_memory(fresh: Any) -> None:
    fresh.set("r0", DTCM)
    fresh.set("r1", DTCM + 0x2_0000)
    # back: str r2, [r0], #4; cmp r0, r1; bne back; ldrb r3, [r0, #-1]
    fault(fresh, 0xF840, 0x2B04, 0x4288, 0xD1FB, 0xF810, 0x3C01)
    fresh.run(4_000_000_000)
    assert fresh.peek(CFSR) == 0
    assert fresh.get("r0") == DTCM + 0x2_0000
    assert fresh.ram.ecc.unknown(0x1_0000, 0x2_0000) is None
    assert fresh.ram.ecc.unknown(0, 4) == 0  # ITCM was left alone


def test_code_runs_in_itcm_where_it_was_written_and_nowhere_else(fresh: Any) -> None:
    fresh.ram.check_write(ITCM + 0x80, 8)
    fresh.load(ITCM + 0x80, 0x3401, 0x6821, BX_LR, BX_LR)  # adds r4, #1; ldr r1, [r4]; bx lr; bx lr
    fresh.set("r0", ITCM + 0x81)
    fresh.set("r4", ITCM + 0x7F)
    assert fault(fresh, 0x4780) == (0, 0)  # blx r0
    assert fresh.get("r1") == 0x6821_3401  # the same page as data
    fresh.set("r0", ITCM + 0x101)
    assert fault(fresh, 0x4780) == (IBUSERR, 0)
    assert fresh.fetch(fresh.get("sp") + 24) == ITCM + 0x100


def test_an_exception_frame_makes_its_words_valid(fresh: Any) -> None:
    fresh.handler(11, BX_LR)
    fresh.set("sp", DTCM + 0x1000)
    assert fault(fresh, 0xDF00) == (0, 0)  # svc #0
    assert fresh.ram.ecc.unknown(0x1_0000 + 0x1000 - 32, 32) is None


def test_what_is_valid_outlives_a_snapshot_and_a_reset(fresh: Any) -> None:
    fresh.ram.check_write(DTCM, 4)
    fresh.core.reset(power=False, now=fresh.core.clock.now)
    kept = fresh.core.snapshot()
    fresh.ram.power_on(0)
    assert fresh.ram.ecc.unknown(0x1_0000, 4) == 0x1_0000
    fresh.core.restore(kept)
    assert fresh.ram.ecc.unknown(0x1_0000, 8) == 0x1_0004


@pytest.fixture
def board() -> Iterator[SimBoard]:
    with SimBoard() as board:
        yield board


def test_the_probe_faults_like_the_core(board: SimBoard) -> None:
    with pytest.raises(SimAccess):
        board.read(DTCM, 16)
    with pytest.raises(SimAccess):
        board.write(DTCM, b"abc")
    board.write(DTCM, b"four")
    assert board.read(DTCM, 4) == b"four"
    board.write(DTCM + 1, b"u")
    assert board.read(DTCM, 4) == b"fuur"
    with pytest.raises(SimAccess) as caught:
        board.read(DTCM, 8)
    assert caught.value.address == DTCM + 4


def test_switched_rams_answer_the_core_once_ramcfg_and_rcc_let_them(board: SimBoard) -> None:
    board.write(CODE, bytes.fromhex("0060 0068 7047"))  # str r0, [r0]; ldr r0, [r0]; bx lr
    for index, start in enumerate((0x3420_0000, 0x3427_0000, 0x342E_0000, 0x3435_0000)):
        with pytest.raises(SimFault) as caught:
            board.call(CODE | 1, start, sanitise=True)
        assert caught.value.bfar == start
        board.write(0x5202_3100 + 0x80 * index, bytes(4))  # RAMCFG_AXISRAMxCR.SRAMSD off
        assert board.call(CODE | 1, start, sanitise=True) == start
        board.write(0x5602_924C, (1 << index).to_bytes(4, "little"))  # RCC_MEMENCR
        with pytest.raises(SimFault):
            board.call(CODE | 1, start, sanitise=True)
