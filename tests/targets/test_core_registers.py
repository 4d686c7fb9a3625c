"""Core registers over a fake DCRSR: the right values arrive, in few commands, and a deaf core is told."""

from __future__ import annotations

import pytest

from n6prog.targets import chip
from n6prog.targets.core_registers import CoreRegisters

DCRSR, DCRDR, DEAD = chip.DHCSR + 4, chip.DHCSR + 8, 0xDEAD_BEEF
READY = 1 << 16


class Core:
    """DHCSR, DCRSR and DCRDR as Armv8-M has them; `deaf` looks at DHCSR find no S_REGRDY."""

    def __init__(self, deaf: int = 0) -> None:
        self.registers = {number: 100 + number for number in range(32)}
        self.data = DEAD
        self.deaf = deaf
        self.commands = 0

    def _select(self, value: int) -> None:
        if value & 1 << 16:
            self.registers[value & 0x7F] = self.data
        else:
            self.data = self.registers[value]

    def _status(self) -> int:
        self.deaf -= 1
        return READY if self.deaf < 0 else 0

    def write32(self, address: int, value: int) -> None:
        self.write_memory_block32(address, [value])

    def write_memory_block32(self, address: int, values: list[int]) -> None:
        self.commands += 1
        for at, value in enumerate(values):
            if address + 4 * at == DCRSR:
                self._select(value)
            elif address + 4 * at == DCRDR:
                self.data = value
            else:
                raise AssertionError(f"{address + 4 * at:#x} is not for this")

    def read32(self, address: int) -> int:
        assert address == chip.DHCSR
        self.commands += 1
        return self._status()

    def read_memory_block32(self, address: int, count: int) -> list[int]:
        assert (address, count) == (chip.DHCSR, 3)
        self.commands += 1
        return [self._status(), 0, self.data]


def registers(core: Core) -> CoreRegisters:
    return CoreRegisters(core, RuntimeError)


def test_reads_give_each_register_in_two_commands() -> None:
    core = Core()
    assert registers(core).read_all([0, 15, 28]) == [100, 115, 128]
    assert core.commands == 6


def test_a_read_waits_until_the_core_is_ready() -> None:
    assert registers(Core(deaf=3)).read(7) == 107


def test_writes_reach_the_registers_in_order() -> None:
    core = Core()
    registers(core).write_all([(0, 1), (14, 2), (0, 3), (15, 4)])
    assert [core.registers[number] for number in (0, 14, 15)] == [3, 2, 4]
    assert core.registers[1] == 101
    assert core.commands == 6  # the first value, one for each register, the look at the end


def test_nothing_to_write_is_no_command() -> None:
    core = Core()
    registers(core).write_all([])
    assert core.commands == 0


def test_a_deaf_core_is_told() -> None:
    with pytest.raises(RuntimeError, match="register reads"):
        registers(Core(deaf=1000)).read(0)
    with pytest.raises(RuntimeError, match="register writes"):
        registers(Core(deaf=1)).write_all([(0, 1)])
