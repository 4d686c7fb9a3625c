"""SimBoard.call: real Thumb code on the emulated core. Encodings by hand after the Armv8-M ARM."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

pytest.importorskip("unicorn")

from n6prog.sim import SimBoard, SimFault

CODE = 0x3407_0000
STACK = 0x3407_8000
CFSR_IACCVIOL, CFSR_DACCVIOL = 1 << 0, 1 << 1
CFSR_IBUSERR, CFSR_PRECISERR, CFSR_BFARVALID = 1 << 8, 1 << 9, 1 << 15
CFSR_UNDEFINSTR, CFSR_INVSTATE, CFSR_STKOF = 1 << 16, 1 << 17, 1 << 20
BX_LR = 0x4770
MPU_CTRL, MPU_RNR, MPU_RBAR, MPU_RLAR = 0xE000_ED94, 0xE000_ED98, 0xE000_ED9C, 0xE000_EDA0


@pytest.fixture(scope="module")
def shared() -> Iterator[SimBoard]:
    with SimBoard() as board:
        yield board


@pytest.fixture
def board(shared: SimBoard) -> SimBoard:
    shared.power_cycle()
    return shared


def load(board: SimBoard, *halfwords: int) -> int:
    board.write(CODE, struct.pack(f"<{len(halfwords)}H", *halfwords))
    return CODE | 1


def test_arguments_go_in_and_r0_comes_back(board: SimBoard) -> None:
    # adds r0, r0, r1; adds r0, r0, r2; adds r0, r0, r3; bx lr
    entry = load(board, 0x1840, 0x1880, 0x18C0, BX_LR)
    assert board.call(entry, 1, 20, 300, 4000) == 4321


def test_other_registers_can_be_read_after_the_call(board: SimBoard) -> None:
    entry = load(board, 0x2163, BX_LR)  # movs r1, #99
    board.call(entry)
    assert board.registers["r1"] == 99


def test_a_push_below_the_limit_that_the_boot_rom_left_is_a_stack_overflow(board: SimBoard) -> None:
    entry = load(board, 0xB510, 0xBD10)  # push {r4, lr}; pop {r4, pc}
    with pytest.raises(SimFault) as caught:
        board.call(entry, sp=STACK)
    assert caught.value.cfsr & CFSR_STKOF
    assert caught.value.pc == CODE
    assert board.call(entry, 7, sp=STACK, sanitise=True) == 7


def test_code_that_clears_the_limits_itself_needs_no_sanitising(board: SimBoard) -> None:
    # movs r3, #0; msr msplim, r3; push {r4, lr}; pop {r4, pc}
    entry = load(board, 0x2300, 0xF383, 0x880A, 0xB510, 0xBD10)
    assert board.call(entry, 5, sp=STACK) == 5
    assert board.registers["msplim"] == 0


def test_a_hole_in_the_memory_map_is_a_bus_fault_with_its_address(board: SimBoard) -> None:
    entry = load(board, 0xBF00, 0x6800, BX_LR)  # nop; ldr r0, [r0]
    with pytest.raises(SimFault) as caught:
        board.call(entry, 0x3E00_0000)
    assert caught.value.cfsr & (CFSR_PRECISERR | CFSR_BFARVALID) == CFSR_PRECISERR | CFSR_BFARVALID
    assert caught.value.bfar == 0x3E00_0000
    assert caught.value.pc == CODE + 2


def test_a_jump_into_a_hole_is_a_bus_fault(board: SimBoard) -> None:
    entry = load(board, 0x4700)  # bx r0
    with pytest.raises(SimFault) as caught:
        board.call(entry, 0x3E00_0001)
    assert caught.value.cfsr & CFSR_IBUSERR


def test_a_jump_without_the_thumb_bit_is_invalid_state(board: SimBoard) -> None:
    entry = load(board, 0x4700)  # bx r0
    with pytest.raises(SimFault) as caught:
        board.call(entry, CODE + 8)
    assert caught.value.cfsr & CFSR_INVSTATE


def test_an_undefined_instruction_faults_at_its_address(board: SimBoard) -> None:
    entry = load(board, 0xBF00, 0xDE00)  # nop; udf #0
    with pytest.raises(SimFault) as caught:
        board.call(entry)
    assert caught.value.cfsr & CFSR_UNDEFINSTR
    assert caught.value.pc == CODE + 2


def test_code_that_never_ends_is_given_up(board: SimBoard) -> None:
    spin = load(board, 0xE7FE)  # b .
    with pytest.raises(SimFault, match="stuck"):
        board.call(spin)
    loop = load(board, 0x3001, 0xE7FD)  # adds r0, #1; b back
    with pytest.raises(SimFault, match="still running"):
        board.call(loop, max_instructions=500_000)


def test_a_peripheral_without_a_clock_hangs_the_core(board: SimBoard) -> None:
    entry = load(board, 0x6800, BX_LR)  # ldr r0, [r0]: SYSCFG, whose clock is off after reset
    with pytest.raises(SimFault, match="hangs"):
        board.call(entry, 0x5600_8000)


def protect(board: SimBoard, base: int, limit: int, attributes: int, control: int = 5) -> None:
    for register, value in ((MPU_RNR, 0), (MPU_RBAR, base | attributes), (MPU_RLAR, (limit & ~0x1F) | 1)):
        board.write(register, value.to_bytes(4, "little"))
    board.write(MPU_CTRL, control.to_bytes(4, "little"))


def test_the_mpu_forbids_execution_where_a_program_said_so(board: SimBoard) -> None:
    entry = load(board, BX_LR)
    protect(board, CODE, CODE + 0xFFF, 0b001)  # XN
    with pytest.raises(SimFault) as caught:
        board.call(entry)
    assert caught.value.cfsr & CFSR_IACCVIOL
    assert caught.value.pc == CODE
    assert board.call(entry, 3, sanitise=True) == 3


def test_the_mpu_without_background_forbids_everything_else(board: SimBoard) -> None:
    protect(board, 0x3400_0000, 0x3400_0FFF, 0, control=1)  # PRIVDEFENA = 0
    with pytest.raises(SimFault) as caught:
        board.call(load(board, BX_LR))
    assert caught.value.cfsr & CFSR_IACCVIOL


def test_a_store_that_the_mpu_forbids_does_not_happen(board: SimBoard) -> None:
    entry = load(board, 0x6001, BX_LR)  # str r1, [r0]
    board.write(0x3408_0000, b"kept")
    protect(board, 0x3408_0000, 0x3408_0FFF, 0b100)  # privileged read-only
    with pytest.raises(SimFault) as caught:
        board.call(entry, 0x3408_0000, 0)
    assert caught.value.cfsr & CFSR_DACCVIOL
    assert board.read(0x3408_0000, 4) == b"kept"


def test_time_is_thirteen_tenths_of_a_cycle_an_instruction_at_64_mhz(board: SimBoard) -> None:
    entry = load(board, *([0xBF00] * 999), BX_LR)  # 1000 instructions, and the BKPT they return to
    before = board.virtual_time
    board.call(entry)
    assert (board.virtual_time - before) * 1e9 == pytest.approx(1001 * 1.3 / 0.064, rel=1e-4)


def test_dwt_counts_the_cycles_of_the_core(board: SimBoard) -> None:
    for register, value in ((0xE000_EDFC, 1 << 24), (0xE000_1000, 1)):  # DEMCR.TRCENA, DWT_CTRL.CYCCNTENA
        board.write(register, value.to_bytes(4, "little"))
    # ldr r1, [r0]; 100 x nop; ldr r2, [r0]; subs r0, r2, r1; bx lr -- in two blocks, so that the clock moves in between
    entry = load(board, 0x6801, 0xE7FF, *([0xBF00] * 100), 0xE7FF, 0x6802, 0x1A50, BX_LR)
    assert board.call(entry, 0xE000_1004) == pytest.approx(102 * 1.3, abs=4)


def test_both_aliases_of_ram_are_one_memory(board: SimBoard) -> None:
    board.write(0x3407_0100, b"\x11\x22\x33\x44")
    assert board.read(0x2407_0100, 4) == b"\x11\x22\x33\x44"
    entry = load(board, 0x6800, BX_LR)
    assert board.call(entry, 0x2407_0100) == 0x4433_2211


def test_code_rewritten_by_the_host_is_the_code_that_runs(board: SimBoard) -> None:
    assert board.call(load(board, 0x2001, BX_LR)) == 1
    assert board.call(load(board, 0x2002, BX_LR)) == 2
    board.write(CODE - 0x1000_0000, struct.pack("<2H", 0x2003, BX_LR))  # through the other alias
    assert board.call(CODE | 1) == 3
