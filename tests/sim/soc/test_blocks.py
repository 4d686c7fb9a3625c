"""Clock gates, aliases, twins, rails, fuses, memories (hw-soc 1.4-1.9, 3-6)."""

from __future__ import annotations

import json

import pytest

from n6prog.sim.soc.bus import BusFault, BusHang


def test_nothing_lives_at_a_free_peripheral_address(cold):
    with pytest.raises(BusFault):
        cold.r(0x5200_0000)
    with pytest.raises(BusFault):
        cold.w(0x4803_0000, 1)


@pytest.mark.parametrize(
    ("address", "enable", "bit"),
    [
        (0x5600_8100, 0xA78, 0),  # SYSCFG: the victim of hw-soc 1.9 cause 1
        (0x5602_3400, 0xA5C, 13),  # GPION
        (0x5802_A020, 0xA60, 12),  # XSPI2
        (0x5802_B400, 0xA60, 13),  # XSPIM
        (0x5802_5000, 0xA60, 5),
        (0x5802_D000, 0xA60, 17),
    ],
)
def test_a_block_without_its_clock_hangs_the_bus(cold, address, enable, bit):
    for alias in (address, address - 0x1000_0000):
        with pytest.raises(BusHang):
            cold.r(alias)
        with pytest.raises(BusHang):
            cold.w(alias, 0)
    cold.w(0x5602_8000 + enable, 1 << bit)
    cold.r(address)
    cold.w(0x5602_8800 + enable, 1 << bit)  # the clear twin stands 0x800 above the set twin
    with pytest.raises(BusHang):
        cold.r(address)


def test_both_aliases_are_the_same_registers(cold):
    cold.w(0x4602_8A5C, 0x2000)
    assert cold.r(0x5602_825C) == 0x0004_2000
    cold.w(0x4602_3414, 0x1234)
    assert cold.r(0x5602_3414) == 0x1234


def test_resets_are_the_documented_ones(cold):
    for offset, value in (
        (0x000, 8),
        (0x004, 8),
        (0x020, 0),
        (0x024, 0x0010_0000),
        (0x048, 0x8C80_0000),
        (0x24C, 0x13FF),
        (0x278, 2),
    ):
        assert cold.r(0x5602_8000 + offset) == value
    cold.w(0x5602_8A5C, 0x2000)
    assert cold.r(0x5602_3400) == 0xFFFF_FFFF
    assert cold.r(0x5602_4820) == 0x0002_0002
    assert cold.r(0x5400_1000) == 0x1000_6486
    assert cold.r(0x4400_10FC) == 0x0001_0003


def test_a_block_held_in_reset_forgets(chip):
    assert chip.xr(0x00) == 0x301
    chip.w(0x5602_8A20, 1 << 12)
    assert chip.xr(0x00) == 0
    chip.xw(0x40, 5)
    chip.w(0x5602_9220, 1 << 12)
    assert (chip.xr(0x00), chip.xr(0x40)) == (0, 0)


def test_boot_pins_read_in_syscfg(cold):
    cold.w(0x5602_8A78, 1)
    cold.soc.syscfg.boot1, cold.soc.syscfg.boot0 = 1, 0
    assert cold.r(0x5600_8100) & 3 == 2
    assert cold.r(0x5600_8008) & 0xFF == 0x87


def test_a_fuse_word_is_read_by_handshake(cold):
    assert cold.r(0x5600_9024) == 0x2000  # part number word 9
    fuses = cold.soc.bsec.fuses
    fuses[124] = 1 << 15
    assert cold.r(0x5600_91F0) == 0
    cold.w(0x5600_9C04, 124)
    assert cold.r(0x5600_9E44) & 1
    assert not cold.r(0x5600_9E44) & 1
    assert cold.r(0x5600_91F0) == 1 << 15
    assert cold.tripwire.violations == []


@pytest.mark.parametrize("bit", [13, 14])
def test_fuses_are_never_burnt_nor_locked(cold, bit):
    cold.w(0x5600_9C04, 124 | 1 << bit)
    assert "124" in cold.tripwire.violations[0]
    assert cold.soc.bsec.fuses.get(124, 0) == 0


def test_the_debug_gate_takes_one_write_a_cold_reset(cold):
    cold.w(0x5600_9E90, 0)
    cold.w(0x5600_9E90, 0xB4)
    assert not cold.soc.bsec.ap_unlocked
    cold.soc.reset("system")
    cold.w(0x5600_9E90, 0xB4)
    assert not cold.soc.bsec.ap_unlocked
    cold.soc.reset("power")
    cold.w(0x5600_9E90, 0xB4)
    assert cold.soc.bsec.ap_unlocked


def test_axisram3_wants_its_shutdown_cleared_and_its_clock(cold):
    assert cold.soc.ram_enabled("AXISRAM1")
    assert not cold.soc.ram_enabled("AXISRAM3")
    cold.w(0x4202_3100, 0)
    assert cold.soc.ram_enabled("AXISRAM3")
    assert not cold.soc.ram_enabled("AXISRAM4")
    cold.w(0x5602_924C, 1)
    assert not cold.soc.ram_enabled("AXISRAM3")


def test_ap1_enable_shows_in_dbgmcu(cold):
    cold.soc.dbgmcu.ap1_enabled = True
    assert cold.r(0x5400_10FC) == 0x0003_0003
    cold.soc.reset("system")
    assert cold.r(0x5400_10FC) == 0x0001_0003


def test_a_system_reset_clears_the_chip_but_not_the_nor(chip):
    chip.nor.mode = "8D"
    chip.content[0] = 0x12
    chip.soc.reset("system")
    with pytest.raises(BusHang):
        chip.xr(0)
    assert (chip.nor.mode, chip.content[0]) == ("8D", 0x12)
    chip.soc.reset("power")
    assert (chip.nor.mode, chip.content[0]) == ("1S", 0x12)


def test_the_state_survives_a_journal(chip, make_chip):
    chip.map()
    state = json.loads(json.dumps(chip.soc.snapshot()))
    other = make_chip()
    other.time.advance(10**10)
    other.soc.restore(state)
    assert other.soc.snapshot() == chip.soc.snapshot()
    other.content[0:4] = b"\x01\x02\x03\x04"
    assert other.soc.mapped()
    assert other.r(0x7000_0000) == 0x0403_0201
