"""PWR, SYSCFG's compensation cells, GPIO inputs, and the blocks that only have to answer (hw-soc 3, 5, 6, 9)."""

from __future__ import annotations

import json

import pytest

from n6prog.sim.soc.bus import BusHang
from n6prog.sim.soc.xspim import NOWHERE

PWR, SYSCFG = 0x5602_4800, 0x5600_8000
SVMCR1, SVMCR2, SVMCR3 = 0x34, 0x38, 0x3C


def test_voltage_scaling_is_ready_at_once(cold):
    assert cold.r(PWR + 0x20) == 0x0002_0002
    cold.w(PWR + 0x20, 1)
    assert cold.r(PWR + 0x20) == 0x0003_0003
    assert cold.r(PWR) == 0x24


@pytest.mark.parametrize(
    ("register", "enable", "ready"),
    [(SVMCR1, 0, 16), (SVMCR2, 0, 16), (SVMCR3, 0, 16), (SVMCR3, 1, 17), (SVMCR3, 2, 18), (SVMCR3, 4, 20)],
)
def test_a_rail_is_ready_while_its_monitor_is_on(cold, register, enable, ready):
    cold.w(PWR + register, 1 << enable)
    assert cold.r(PWR + register) == 1 << enable | 1 << ready
    cold.w(PWR + register, 0)
    assert cold.r(PWR + register) == 0


def test_the_1v8_range_is_refused_on_a_rail_without_1v8(cold):
    cold.w(PWR + SVMCR3, 0x0400_0200)  # VDDIO3: 1.8 V on both boards
    assert cold.tripwire.violations == []
    cold.w(PWR + SVMCR3, 0x0100_0200)  # VDDIO
    assert len(cold.tripwire.violations) == 1
    assert cold.r(PWR + SVMCR3) & 0x0100_0000 == 0


def test_a_missing_vddio3_is_never_ready_and_its_pads_are_dead(bench):
    bench.soc.pwr.rail_missing |= {"vddio3"}
    bench.w(PWR + SVMCR3, 0x0000_0303)  # monitors and "supply valid" of VDDIO2 and VDDIO3
    assert bench.r(PWR + SVMCR3) == 0x0001_0303
    assert bench.soc.route(2) == NOWHERE
    bench.w(SYSCFG + 0x5C, 0x287)
    assert bench.r(SYSCFG + 0x5C) == 0
    bench.soc.reset("system")
    bench.w(PWR + SVMCR3, 0x0000_0202)
    assert bench.r(PWR + SVMCR3) == 0x0000_0202
    bench.soc.pwr.rail_missing = frozenset()
    assert bench.r(PWR + SVMCR3) == 0x0002_0202


def test_a_missing_rail_takes_effect_at_once(bench):
    assert bench.soc.route(2).sends
    bench.soc.pwr.rail_missing |= {"vddio3"}
    assert bench.soc.route(2) == NOWHERE


@pytest.mark.parametrize(
    ("control", "status", "valid"),
    [(0x44, 0x48, 0x100), (0x4C, 0x50, 0x200), (0x54, 0x58, 0x100), (0x5C, 0x60, 0x200), (0x64, 0x68, 0)],
)
def test_compensation_cells_answer_while_their_rail_is_valid(cold, control, status, valid):
    cold.w(0x5602_8A78, 1)
    cold.w(PWR + SVMCR3, 0x300 & ~valid)
    cold.w(SYSCFG + control, 0x287)
    if valid:
        assert cold.r(SYSCFG + control) == 0
        cold.w(PWR + SVMCR3, valid)
        assert cold.r(SYSCFG + control) == 0  # the write was lost
        cold.w(SYSCFG + control, 0x287)
    assert (cold.r(SYSCFG + control), cold.r(SYSCFG + status)) == (0x287, 0x087)  # by hand: never READY
    cold.w(SYSCFG + control, 0x187)
    assert cold.r(SYSCFG + status) & 0x100
    cold.w(SYSCFG + status, 0)
    assert cold.r(SYSCFG + status) & 0x100


def test_inputs_with_a_pull_up_read_one(cold):
    cold.w(0x5602_8A5C, 4)
    port = 0x5602_0800
    cold.w(port, 0xFFFF_FFC0)  # pins 0 to 2 are inputs
    cold.w(port + 0x0C, 0b11_10_01)  # up, down, reserved; and an analog pin with a pull-up
    assert cold.r(port + 0x10) == 0b001
    cold.w(port, 0xFFFF_FFC4)  # pin 1 is an output
    cold.w(port + 0x18, 2)
    assert cold.r(port + 0x10) == 0b011
    cold.w(port + 0x18, 2 << 16)
    assert cold.r(port + 0x10) == 0b001


def test_random_numbers_come_when_enabled_and_repeat(cold, make_chip):
    rng = 0x5402_0000
    cold.w(0x5602_8A58, 1)
    assert (cold.r(rng + 4), cold.r(rng + 8)) == (0, 0)
    cold.w(rng, 4)
    assert cold.r(rng + 4) == 1
    first = [cold.r(rng + 8) for _ in range(4)]
    assert len(set(first)) == 4
    other = make_chip()
    other.soc.restore(json.loads(json.dumps(cold.soc.snapshot())))
    assert other.r(rng + 8) == cold.r(rng + 8)
    assert other.r(rng + 8) not in first


def test_the_hash_processor_is_always_done(cold):
    cold.w(0x5602_8A58, 2)
    assert cold.r(0x5402_0424) == 3


def test_exti_lines_never_pend(cold):
    exti = 0x5602_5000
    cold.w(exti, 0x2000)
    assert cold.r(exti) == 0x2000
    for offset in (0x0C, 0x10, 0x2C, 0x30, 0x4C, 0x50):
        cold.w(exti + offset, 0xFFFF_FFFF)
        assert cold.r(exti + offset) == 0


@pytest.mark.parametrize(
    ("address", "enable", "bit"),
    [
        (0x5402_0000, 0xA58, 0),  # RNG
        (0x5402_0400, 0xA58, 1),  # HASH
        (0x5402_4000, 0xA58, 9),  # RIFSC
        (0x5402_5000, 0xA58, 10),  # IAC
        (0x5403_1000, 0xA58, 14),  # RISAF12
        (0x5802_B800, 0xA60, 14),  # MCE1
        (0x580D_FC00, 0xA60, 30),  # CACHEAXI
        (0x5600_A000, 0xA78, 2),  # DTS
    ],
)
def test_plain_blocks_have_gates_too(cold, address, enable, bit):
    cold.w(0x5602_8800 + enable, 1 << bit)
    with pytest.raises(BusHang):
        cold.r(address)
    cold.w(0x5602_8000 + enable, 1 << bit)
    cold.w(address + 0x40, 0x1234)
    assert cold.r(address - 0x1000_0000 + 0x40) == 0x1234


@pytest.mark.parametrize("address", [0x5600_4000, 0x5600_4800, 0x5000_2C00, 0x5602_5000, 0x5403_5000, 0x5402_6000])
def test_some_answer_from_the_start(cold, address):
    cold.r(address)
