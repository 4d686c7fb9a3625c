"""The guard in front of AP1: nothing that would hang the bus goes out."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from n6prog.targets import chip
from n6prog.targets.bus_guard import BusGuard

MAPPED = 0x3000_0001


class Refused(Exception):
    """What the guard raises here."""


class Port:
    """An access port over a few registers. Reading what hangs the chip ends the test."""

    def __init__(self) -> None:
        # reset values: MEMENR, AHB2ENR, APB4ENR2 of the SVD
        self.registers = {chip.RCC_MEMENR: 0x13FF, chip.RCC_AHB2ENR: 0x1000, chip.RCC_AHB5ENR: 0, chip.RCC_APB4ENR2: 2}
        self.log: list[tuple[str, int]] = []

    def read_memory(self, addr: int, transfer_size: int = 32, now: bool = True) -> object:
        self.answers(addr)
        self.log.append(("r", addr))
        value = self.registers.get(addr, 0)
        return value if now else lambda: value

    def write_memory(self, addr: int, data: int, transfer_size: int = 32) -> None:
        self.answers(addr)
        self.log.append(("w", addr))
        if chip.RCC <= addr < chip.RCC + 0x1000 and addr - chip.RCC >= 0x800:
            self.registers[addr - 0x800] |= data
        else:
            self.registers[addr] = data

    def read_memory_block32(self, addr: int, size: int) -> Sequence[int]:
        return [int(str(self.read_memory(addr + 4 * i))) for i in range(size)]

    def write_memory_block32(self, addr: int, data: Sequence[int]) -> None:
        for i, word in enumerate(data):
            self.write_memory(addr + 4 * i, word)

    def read_memory_block8(self, addr: int, size: int) -> Sequence[int]:
        self.answers(addr)
        self.answers(addr + size - 1)
        self.log.append(("r", addr))
        return [0] * size

    def write_memory_block8(self, addr: int, data: Sequence[int]) -> None:
        self.answers(addr)
        self.log.append(("w", addr))

    def answers(self, address: int) -> None:
        r = self.registers
        for window, size, registers, bit in chip.XSPI_WINDOWS:
            if window <= address < window + size:
                assert r.get(chip.RCC_AHB5ENR, 0) & bit, "bus hang: XSPI window, clock off"
                assert r.get(registers, 0) == MAPPED, "bus hang: XSPI window, not mapped"
            if registers <= address < registers + 0x400:
                assert r[chip.RCC_AHB5ENR] & bit, "bus hang: XSPI registers, clock off"
        if address & ~0x1000_0FFF == chip.SYSCFG & ~0x1000_0FFF:
            assert r[chip.RCC_APB4ENR2] & 1, "bus hang: SYSCFG, clock off"
        if 0x0420_0000 <= address & 0x0FFF_FFFF < 0x043C_0000 and address >> 28 in (2, 3):
            assert r[chip.RCC_MEMENR] & 0xF == 0xF, "bus hang: AXISRAM, clock off"
            for i in range(4):
                assert not r.get(0x5202_3100 + 0x80 * i, 0) & 1 << 20, "bus hang: AXISRAM, shut down"


def guarded(port: Port, brings_up: bool = False) -> tuple[Port, list[str]]:
    calls: list[str] = []

    def bring_up() -> bool:
        calls.append("up")
        if brings_up:
            port.registers[chip.RCC_AHB5ENR] |= 1 << 12
            port.registers[chip.XSPI2] = MAPPED
        return brings_up

    BusGuard(port, bring_up, Refused).install(port)
    return port, calls


def test_a_read_of_the_window_brings_xspi2_up_first() -> None:
    port, calls = guarded(Port(), brings_up=True)
    port.read_memory(0x7000_0000)
    assert calls == ["up"]
    assert port.log[-1] == ("r", 0x7000_0000)


def test_a_mapped_window_is_read_as_it_is() -> None:
    port, calls = guarded(Port(), brings_up=True)
    port.registers.update({chip.RCC_AHB5ENR: 1 << 12, chip.XSPI2: MAPPED})
    port.read_memory_block32(0x7000_0000, 4)
    port.read_memory_block8(0x7FFF_FFF0, 16)
    assert calls == []


@pytest.mark.parametrize("address", [0x7000_0000, 0x7FFF_FFFC, 0x8000_0000, 0x9000_0000])
def test_where_nothing_maps_the_window_the_access_is_refused(address: int) -> None:
    port, _ = guarded(Port())
    for access in (
        lambda: port.read_memory(address),
        lambda: port.read_memory_block32(address, 1),
        lambda: port.read_memory_block8(address, 4),
        lambda: port.write_memory(address, 0),
        lambda: port.write_memory_block32(address, [0]),
        lambda: port.write_memory_block8(address, [0]),
    ):
        with pytest.raises(Refused):
            access()


def test_a_port_that_is_clocked_and_not_mapped_is_not_enough() -> None:
    port, _ = guarded(Port())
    port.registers.update({chip.RCC_AHB5ENR: 1 << 12, chip.XSPI2: 0x1})
    with pytest.raises(Refused):
        port.read_memory(0x7000_0000)


def test_only_reads_of_xspi2_bring_a_port_up() -> None:
    port, calls = guarded(Port(), brings_up=True)
    with pytest.raises(Refused):
        port.write_memory(0x7000_0000, 1)
    with pytest.raises(Refused):
        port.read_memory(0x9000_0000)
    assert calls == []


def test_a_block_that_runs_into_the_window_is_caught() -> None:
    port, calls = guarded(Port())
    port.registers[chip.RCC_AHB5ENR] = 1 << 4  # FMC, whose window ends where that of XSPI2 begins
    port.read_memory_block8(0x6FFF_FFF8, 8)
    assert calls == []
    with pytest.raises(Refused):
        port.read_memory_block8(0x6FFF_FFFC, 8)
    assert calls == ["up"]


@pytest.mark.parametrize("base", [0x4600_8000, 0x5600_8000])
def test_syscfg_gets_its_clock_before_it_is_read(base: int) -> None:
    port, _ = guarded(Port())
    port.read_memory(base + 0x100)
    assert port.registers[chip.RCC_APB4ENR2] & 1


@pytest.mark.parametrize("start", [0x2420_0000, 0x3435_0000, 0x343B_FFFC])
def test_shut_down_axisram_is_switched_on_before_it_is_touched(start: int) -> None:
    port, _ = guarded(Port())
    port.registers.update({chip.RCC_MEMENR: 0x13F0, chip.RCC_AHB2ENR: 0, chip.RAMCFG_AXISRAM3_CR: 1 << 20})
    port.write_memory_block8(start, [1, 2, 3, 4])
    assert port.registers[chip.RCC_MEMENR] == 0x13FF
    assert port.registers[chip.RAMCFG_AXISRAM3_CR] == 0


@pytest.mark.parametrize("address", [0x243C_0000, 0x3440_0000, 0x2500_0000, 0x6000_0000])
def test_memories_without_clock_are_refused(address: int) -> None:
    port, _ = guarded(Port())
    with pytest.raises(Refused):
        port.read_memory(address)


@pytest.mark.parametrize("address", [0x3400_0000, 0x3407_0000, 0x1800_0000, 0x5602_8000, 0xE000_EDF0])
def test_other_memory_costs_no_extra_access(address: int) -> None:
    port, _ = guarded(Port())
    port.read_memory(address)
    assert port.log == [("r", address)]
