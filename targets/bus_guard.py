"""Keeps a debugger's accesses off slaves that would never answer.

On this chip an access to a slave without clock, or to an XSPI window that is not memory-mapped, never completes: AP1 is
then dead until power is cycled (no ABORT helps). The guard stands in the memory methods of AP1, where gdb, commander
and scripts all pass, and asks registers that always answer (RCC first) before an access goes out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from n6prog.targets import chip

_AXISRAM3_TO_6 = (0x0420_0000, 0x1C_0000)
_MEMENR_AXISRAM3_TO_6 = 0xF
_RCC_AHB2_RAMCFG = 1 << 12
_SET = 0x800  # RCC: the write-1-to-set twin of an enable register

# (start, size, RCC enable register, bits): refused while a bit is off. Start without the alias bits. HDR, RCC_TypeDef.
_CLOCKED = (
    (0x243C_0000, 0x4_0000, chip.RCC_MEMENR, 1 << 10),  # NPU cache RAM
    (0x343C_0000, 0x4_0000, chip.RCC_MEMENR, 1 << 10),
    (0x2440_0000, 0x2_0000, chip.RCC_MEMENR, 1 << 11),  # VENCRAM
    (0x3440_0000, 0x2_0000, chip.RCC_MEMENR, 1 << 11),
    (0x2500_0000, 0x100_0000, chip.RCC_AHB5ENR, 1 << 19),  # GFXMMU
    (0x3500_0000, 0x100_0000, chip.RCC_AHB5ENR, 1 << 19),
    (chip.FMC_BASE, 0x1000_0000, chip.RCC_AHB5ENR, 1 << 4),
)


class BusGuard:
    """Stands in the memory methods of one access port.

    `bring_up` maps XSPI2 and tells whether it did; `fault(address, size, why)` makes the exception of an access that
    is refused (in pyOCD a TransferFaultError).
    """

    def __init__(self, ap: Any, bring_up: Callable[[], bool], fault: Callable[[int, int, str], Exception]) -> None:
        self._bring_up = bring_up
        self._fault = fault
        # The methods pyOCD chose for this port: plain ones, or the probe's own memory commands.
        self._read_memory = ap.read_memory
        self._write_memory = ap.write_memory
        self._read_block32 = ap.read_memory_block32
        self._write_block32 = ap.write_memory_block32
        self._read_block8 = ap.read_memory_block8
        self._write_block8 = ap.write_memory_block8
        self._guarded = self._table()

    def install(self, ap: Any) -> None:
        """Put the guard in the place of the port's memory methods."""
        ap.read_memory = self.read_memory
        ap.write_memory = self.write_memory
        ap.read_memory_block32 = self.read_memory_block32
        ap.write_memory_block32 = self.write_memory_block32
        ap.read_memory_block8 = self.read_memory_block8
        ap.write_memory_block8 = self.write_memory_block8

    # The six methods of pyOCD's MemoryInterface, with its names and arguments.

    def read_memory(self, addr: int, transfer_size: int = 32, now: bool = True) -> Any:
        """One value of 8, 16 or 32 bits, or with `now=False` a function that gives it."""
        self.check(addr, transfer_size // 8, write=False)
        return self._read_memory(addr, transfer_size, now)

    def write_memory(self, addr: int, data: int, transfer_size: int = 32) -> None:
        """One value of 8, 16 or 32 bits."""
        self.check(addr, transfer_size // 8, write=True)
        self._write_memory(addr, data, transfer_size)

    def read_memory_block32(self, addr: int, size: int) -> Sequence[int]:
        """`size` words."""
        self.check(addr, size * 4, write=False)
        words: Sequence[int] = self._read_block32(addr, size)
        return words

    def write_memory_block32(self, addr: int, data: Sequence[int]) -> None:
        """Words."""
        self.check(addr, len(data) * 4, write=True)
        self._write_block32(addr, data)

    def read_memory_block8(self, addr: int, size: int) -> Sequence[int]:
        """`size` bytes."""
        self.check(addr, size, write=False)
        data: Sequence[int] = self._read_block8(addr, size)
        return data

    def write_memory_block8(self, addr: int, data: Sequence[int]) -> None:
        """Bytes."""
        self.check(addr, len(data), write=True)
        self._write_block8(addr, data)

    def check(self, address: int, size: int, *, write: bool) -> None:
        """Make sure that the bus will answer, or raise the fault."""
        end = address + size
        for start, stop, prepare in self._guarded:
            if address < stop and start < end:
                prepare(address, size, write)

    def _table(self) -> list[tuple[int, int, Callable[[int, int, bool], None]]]:
        table: list[tuple[int, int, Callable[[int, int, bool], None]]] = []
        for window, length, registers, bit in chip.XSPI_WINDOWS:
            table.append((window, window + length, self._xspi(registers, bit)))
        for start, length, register, bits in _CLOCKED:
            table.append((start, start + length, self._clocked(register, bits)))
        for alias in (0, chip.SECURE_ALIAS):
            for base, bit in ((chip.SYSCFG, chip.RCC_APB4ENR2_SYSCFG), (chip.BSEC, chip.RCC_APB4ENR2_BSEC)):
                start = base - chip.SECURE_ALIAS + alias
                table.append((start, start + chip.SYSCFG_SIZE, self._switch_on(chip.RCC_APB4ENR2, bit)))
            start = 0x2000_0000 + _AXISRAM3_TO_6[0] + alias
            table.append((start, start + _AXISRAM3_TO_6[1], self._axisram))
        return table

    def is_mapped(self, registers: int, clock_bit: int) -> bool:
        """Whether the XSPI with these registers and this bit in RCC_AHB5ENR is clocked, on, and memory-mapped."""
        if not self._read_memory(chip.RCC_AHB5ENR) & clock_bit:
            return False
        cr = self._read_memory(registers + chip.XSPI_CR)
        return bool(cr & chip.XSPI_CR_EN) and cr & chip.XSPI_CR_FMODE == chip.XSPI_CR_FMODE_MAPPED

    def _xspi(self, registers: int, clock_bit: int) -> Callable[[int, int, bool], None]:
        def prepare(address: int, size: int, write: bool) -> None:
            if self.is_mapped(registers, clock_bit):
                return
            # Only reads of the boot flash are worth bringing a port up; nothing maps PSRAM or XSPI3 but firmware.
            if registers == chip.XSPI2 and not write and self._bring_up() and self.is_mapped(registers, clock_bit):
                return
            raise self._fault(address, size, "this XSPI is not memory-mapped; the bus would hang until power-off")

        return prepare

    def _clocked(self, register: int, bits: int) -> Callable[[int, int, bool], None]:
        def prepare(address: int, size: int, write: bool) -> None:
            if self._read_memory(register) & bits != bits:
                raise self._fault(address, size, "the clock of this memory is off; the bus would hang until power-off")

        return prepare

    def _switch_on(self, register: int, bit: int) -> Callable[[int, int, bool], None]:
        def prepare(address: int, size: int, write: bool) -> None:
            if not self._read_memory(register) & bit:
                self._write_memory(register + _SET, bit)
                self._read_memory(register)  # the clock is there after one read back (LL_APB4_GRP2_EnableClock)

        return prepare

    def _axisram(self, address: int, size: int, write: bool) -> None:
        """AXISRAM3..6 may be without clock or shut down: switch them on, as probe-rs does."""
        if self._read_memory(chip.RCC_MEMENR) & _MEMENR_AXISRAM3_TO_6 != _MEMENR_AXISRAM3_TO_6:
            self._write_memory(chip.RCC_MEMENR + _SET, _MEMENR_AXISRAM3_TO_6)
        if not self._read_memory(chip.RCC_AHB2ENR) & _RCC_AHB2_RAMCFG:
            self._write_memory(chip.RCC_AHB2ENR + _SET, _RCC_AHB2_RAMCFG)
        for index in range(4):
            register = chip.RAMCFG_AXISRAM3_CR + index * chip.RAMCFG_STRIDE
            value = self._read_memory(register)
            if value & chip.RAMCFG_CR_SRAMSD:
                self._write_memory(register, value & ~chip.RAMCFG_CR_SRAMSD)
