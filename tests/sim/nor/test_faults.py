"""What a test lets go wrong inside the NOR."""

from __future__ import annotations

import pytest

from n6prog.sim.nor.device import NorDevice
from n6prog.sim.nor.faults import NorFaults
from tests.sim.nor.bench import MS, SMALL, US


def test_a_mute_part_hears_nothing(bench):
    bench.nor.faults.mute = True
    bench.enable()
    assert bench.frame(0x9F, want=3) is None
    bench.nor.faults.mute = False
    assert bench.sr == 0


def test_drop_and_flip_count_every_page_program(bench):
    faults = bench.nor.faults
    faults.drop_page, faults.flip_page = frozenset({2}), frozenset({4})
    bench.nor.registers.bp = 1
    bench.program(0x30000, b"\0")  # the first, though it is refused
    bench.nor.registers.bp = 0
    bench.program(0, b"\x0f\x0f")  # dropped
    bench.program(0x100, b"\x0f\x0f")
    bench.program(0x200, b"\x0f\x0f")  # flipped
    assert bench.content[0:2] == b"\xff\xff"
    assert bench.content[0x100:0x102] == b"\x0f\x0f"
    assert bench.content[0x200:0x202] == b"\x0e\x0f"
    assert bench.nor.operations.programs == 4


@pytest.mark.parametrize(("sector", "hit"), [(0xF000, False), (0x10000, True), (0x1F000, True), (0x20000, False)])
def test_a_failing_sector_fails_the_erase_that_covers_it(bench, sector, hit):
    bench.nor.faults.fail_erase = frozenset({sector})
    bench.content[0x10000] = 0
    bench.enable()
    bench.send(0xDC, 0x10000)
    assert bench.nor.busy_until - bench.ended == 256 * MS
    bench.wait()
    assert bench.scur == (0x40 if hit else 0)
    assert bench.content[0x10000] == (0 if hit else 0xFF)
    bench.enable()
    bench.send(0x60)
    assert bench.nor.busy_until - bench.ended == 192 * 10**12
    bench.wait()
    assert bench.scur == 0x40


@pytest.mark.parametrize(("address", "hit"), [(0x2FFF, False), (0x3000, True), (0x3FFF, True), (0x4000, False)])
def test_a_failing_sector_fails_its_programs_after_their_full_time(bench, address, hit):
    bench.nor.faults.fail_program = frozenset({0x3000})
    bench.enable()
    bench.send(0x12, address, b"\0")
    assert bench.nor.busy_until - bench.ended == 152 * US
    bench.wait()
    assert bench.scur == (0x20 if hit else 0)
    assert bench.content[address] == (0xFF if hit else 0)


def test_a_part_has_the_faults_it_was_given_or_none():
    content = memoryview(bytearray(b"\xff") * SMALL.size)
    faults = NorFaults(mute=True)
    assert NorDevice(SMALL, content, faults=faults).faults is faults
    assert NorDevice(SMALL, content).faults == NorFaults()


def test_a_flipped_page_has_its_first_bit_wrong_and_no_other(bench):
    bench.nor.faults.flip_page = frozenset({1})
    bench.program(0, b"\x0f\x33\x55")
    assert bytes(bench.content[:4]) == b"\x0e\x33\x55\xff"


@pytest.mark.parametrize("sector", [0, 0x3F000])
def test_a_failing_sector_at_either_end_fails_a_chip_erase(bench, sector):
    bench.nor.faults.fail_erase = frozenset({sector})
    bench.content[0x8000] = 0
    bench.erase(0x60)
    assert bench.scur == 0x40
    assert bench.content[0x8000] == 0
