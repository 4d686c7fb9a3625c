"""A program that sleeps until XSPI2 has something for it: WFI ends when the line rises (B3.29; RM0456 30.5)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("unicorn")

from n6prog.sim import SimBoard
from n6prog.sim.core import ppb as regs
from tests.sim.soc.conftest import XSPI2, Chip

ISER, CODE, STACK, MILLISECOND = 0xE000_E100, 0x3407_0000, 0x3408_0000, 1_000_000_000
IRQ = 171  # XSPI2 in the CMSIS header
CR, DCR2, SR, DR, LPTR = 0x00, 0x0C, 0x20, 0x50, 0x130
FTIE, TOIE, TCEN = 1 << 18, 1 << 20, 1 << 3
FTF, TOF = 4, 16
CPSID_I, WFI, SPIN = 0xB672, 0xBF30, 0xE7FE
STR_R0_R6, STR_R1_R2, LDR_R3_R4, LDR_R5_R7 = 0x6030, 0x6011, 0x6823, 0x683D


class Driver(Chip):
    """The registers as a debug probe reaches them."""

    def __init__(self, board: SimBoard) -> None:
        self.board = board

    def r(self, address: int, size: int = 4) -> int:
        return int.from_bytes(self.board.read(address, size), "little")

    def w(self, address: int, value: int, size: int = 4) -> None:
        self.board.write(address, value.to_bytes(size, "little"))

    def run(self, *halfwords: int) -> None:
        """Interrupts masked, the program, then asleep; awake it reads SR into r5 and spins."""
        program = (CPSID_I, *halfwords, WFI, LDR_R5_R7, SPIN)
        self.w(ISER + 4 * (IRQ // 32), 1 << IRQ % 32)
        self.board.core.halt(regs.DFSR_HALTED)
        self.board.write(CODE, b"".join(code.to_bytes(2, "little") for code in program))
        values = {2: XSPI2 + CR, 4: 0x7000_0000, 5: 0, 6: XSPI2 + DR, 7: XSPI2 + SR, 13: STACK, 15: CODE}
        for register, value in values.items():
            self.board.core.registers.write(register, value)
        self.board.core.resume()

    def after(self, milliseconds: int) -> int:
        """r5 when so much time has passed; 0 while the program sleeps."""
        self.board.host.advance(milliseconds * MILLISECOND)
        self.board.catch_up()
        assert self.board.core.sleeping is (self.board.registers["r5"] == 0)
        return self.board.registers["r5"]


@pytest.fixture
def driver() -> Iterator[Driver]:
    with SimBoard() as board:
        driver = Driver(board)
        driver.bring_up()
        driver.xw(DCR2, 255)  # a slow clock, so that there is time to see the sleep
        driver.xw(0x220, 1)
        yield driver


@pytest.mark.parametrize("who", ["program", "probe"])
def test_the_time_out_of_the_window_wakes_a_program(driver: Driver, who: str) -> None:
    driver.map()
    driver.xw(LPTR, 0xFFFF)  # of 8 us: half a second
    driver.xw(CR, driver.xr(CR) | TOIE | TCEN)
    driver.run(*([LDR_R3_R4] if who == "program" else []))
    assert driver.after(1) == 0
    if who == "probe":
        driver.board.read(0x7000_0000, 4)
    assert driver.after(500) == 0
    assert driver.after(100) & TOF


def test_room_in_the_fifo_wakes_a_program_that_writes(driver: Driver) -> None:
    driver.begin_program(256)
    driver.xw(CR, 31 << 8 | 1)  # FTF wants room for 32 bytes
    driver.board.core.halt(regs.DFSR_HALTED)
    driver.board.core.registers.write(1, FTIE | 31 << 8 | 1)
    driver.run(*[STR_R0_R6] * 16, STR_R1_R2)
    assert driver.after(1) == 0
    assert driver.after(10) & FTF
