"""PMSAv8 decisions, by the rules of the Armv8-M ARM."""

from __future__ import annotations

import pytest

from n6prog.sim.core.mpu import Mpu

CTRL, RNR, RBAR, RLAR = 0x04, 0x08, 0x0C, 0x10


def mpu(*regions: tuple[int, int, int], control: int = 5) -> Mpu:
    result = Mpu()
    for number, (base, limit, attributes) in enumerate(regions):
        result.write(RNR, number)
        result.write(RBAR, base | attributes)
        result.write(RLAR, (limit & ~0x1F) | 1)
    result.write(CTRL, control)
    return result


def test_off_it_allows_everything() -> None:
    assert mpu((0x3400_0000, 0x3400_0FFF, 1), control=0).allows(0x3400_0000, "fetch", privileged=False)


@pytest.mark.parametrize(
    ("attributes", "kind", "privileged", "allowed"),
    [
        (0b000, "write", True, True),
        (0b000, "read", False, False),
        (0b010, "write", False, True),
        (0b100, "read", True, True),
        (0b100, "write", True, False),
        (0b110, "read", False, True),
        (0b110, "write", False, False),
        (0b000, "fetch", True, True),
        (0b001, "fetch", True, False),
        (0b001, "read", True, True),
    ],
)
def test_access_permissions(attributes: int, kind: str, privileged: bool, allowed: bool) -> None:
    assert mpu((0x3400_0000, 0x3400_0FFF, attributes)).allows(0x3400_0800, kind, privileged=privileged) is allowed


def test_the_edges_of_a_region() -> None:
    unit = mpu((0x3400_0020, 0x3400_005F, 0), control=1)
    found = [
        unit.allows(address, "read", privileged=True)
        for address in (0x3400_001F, 0x3400_0020, 0x3400_005F, 0x3400_0060)
    ]
    assert found == [False, True, True, False]


def test_two_regions_over_one_address_are_a_fault() -> None:
    unit = mpu((0x3400_0000, 0x3400_0FFF, 0), (0x3400_0800, 0x3400_1FFF, 0))
    assert not unit.allows(0x3400_0900, "read", privileged=True)
    assert unit.allows(0x3400_0100, "read", privileged=True)


def test_the_background_map_runs_no_code_in_device_memory() -> None:
    unit = mpu()
    assert unit.allows(0x3400_0000, "fetch", privileged=True)
    assert unit.allows(0x5602_8000, "write", privileged=True)
    assert not unit.allows(0x5602_8000, "fetch", privileged=True)
    assert not unit.allows(0x3400_0000, "read", privileged=False)


def test_alias_registers_reach_the_neighbours() -> None:
    unit = Mpu()
    unit.write(RNR, 4)
    unit.write(0x14, 0x2000_0000)  # RBAR_A1: region 5
    unit.write(RNR, 5)
    assert unit.read(RBAR) == 0x2000_0000
