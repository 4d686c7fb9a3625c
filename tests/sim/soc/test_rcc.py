"""RCC: set and clear twins, resets of one block, ready flags, switches, frequencies, reset flags (hw-soc 4)."""

from __future__ import annotations

import json

import pytest

from n6prog.sim.soc.bus import BusHang

RCC = 0x5602_8000
MHZ = 10**6


def rcc(chip, offset, value=None):
    if value is None:
        return chip.r(RCC + offset)
    chip.w(RCC + offset, value)
    return value


ENABLES = [0x244, 0x248, 0x24C, 0x250, 0x254, 0x258, 0x25C, 0x260, 0x264, 0x268, 0x26C, 0x270, 0x274, 0x278, 0x27C]
RESETS = [0x204, 0x208, 0x20C, 0x210, 0x214, 0x218, 0x220, 0x224, 0x228, 0x22C, 0x230, 0x234, 0x238, 0x23C]


@pytest.mark.parametrize("register", [0x000, 0x008, 0x240, *ENABLES, *RESETS, 0x280, 0x284, 0x28C, 0x2A0, 0x784, 0x78C])
@pytest.mark.parametrize("alias", [0x5602_8000, 0x4602_8000])
def test_set_clear_and_direct_act_on_the_same_bits(cold, register, alias):
    cold.w(RCC + register, 0x0000_0008)
    cold.w(alias + 0x800 + register, 0x0000_0060)
    assert cold.r(alias + register) == 0x0000_0068
    cold.w(alias + 0x1000 + register, 0x0000_0028)
    assert cold.r(RCC + register) == 0x0000_0040
    cold.w(alias + register, 0x0000_0003)
    assert cold.r(RCC + register) == 0x0000_0003
    assert cold.r(alias + 0x800 + register) == 0x0000_0003


@pytest.mark.parametrize("register", [0x020, 0x024, 0x080, 0x158])
def test_other_registers_have_no_twins(cold, register):
    before = rcc(cold, register)
    rcc(cold, 0x800 + register, 0x0000_0300)
    rcc(cold, 0x1000 + register, 0xFFFF_FFFF)
    assert rcc(cold, register) == before


def test_status_registers_are_read_only(cold):
    rcc(cold, 0x004, 0xFFFF_FFFF)
    rcc(cold, 0x028, 0xFFFF_FFFF)
    rcc(cold, 0x804, 0xFFFF_FFFF)
    assert (rcc(cold, 0x004), rcc(cold, 0x028)) == (8, 0)


@pytest.mark.parametrize(("bit", "field"), [(0, 24), (4, 20), (8, 16)])
def test_ckprotr_mirrors_the_xspi_clock_choice(cold, bit, field):
    rcc(cold, 0x158, 2 << bit)
    assert rcc(cold, 0x028) == 2 << field


def test_a_block_reset_resets_that_block_only(bench):
    bench.w(0x5602_8A5C, 1 << 14)
    bench.w(0x5602_3814, 7)  # GPIOO ODR
    bench.w(0x5602_3414, 7)
    rcc(bench, 0xA1C, 1 << 13)  # AHB4RSTR.GPION
    assert bench.r(0x5602_3414) == 0
    bench.w(0x5602_3414, 5)  # held: lost
    rcc(bench, 0x121C, 1 << 13)
    assert (bench.r(0x5602_3414), bench.r(0x5602_3400)) == (0, 0xFFFF_FFFF)
    assert bench.r(0x5602_3814) == 7
    assert bench.xr(0x08) == 0x0119_0100


def test_a_block_may_be_reset_again(bench):
    for value in (7, 9):
        bench.w(0x5602_3414, value)
        rcc(bench, 0xA1C, 1 << 13)
        rcc(bench, 0x121C, 1 << 13)
        assert bench.r(0x5602_3414) == 0


def test_fuses_have_no_reset_bit(cold):
    cold.w(0x5600_9C04, 124)
    rcc(cold, 0x238, 2)
    rcc(cold, 0x238, 0)
    assert cold.r(0x5600_9024) == 0x2000


# ---- oscillators and PLLs


@pytest.mark.parametrize("bit", range(5))
def test_oscillators_are_ready_at_once(cold, bit):
    rcc(cold, 0x800, 1 << bit)
    assert rcc(cold, 0x004) >> bit & 1
    rcc(cold, 0x1000, 1 << bit)
    assert not rcc(cold, 0x004) >> bit & 1


def pll(chip, number, *, source=0, divm=4, divn=75, out=(1, 1), enable=True):
    base = 0x080 + 0x10 * (number - 1)
    rcc(chip, base, source << 28 | divm << 20 | divn << 8)
    rcc(chip, base + 8, 1 << 30 | out[0] << 27 | out[1] << 24 | 5)
    if enable:
        rcc(chip, 0x800, 0x80 << number)


def divider(chip, number, pll_number, by):
    rcc(chip, 0x0C4 + 4 * (number - 1), pll_number - 1 << 28 | by - 1 << 16)
    rcc(chip, 0xA40, 1 << number - 1)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_pll_is_ready_with_a_source_and_an_output(cold, number):
    ready = 0x80 << number
    rcc(cold, 0x800, ready)
    assert rcc(cold, 0x004) & ready  # as reset leaves it: bypass
    pll(cold, number)
    assert rcc(cold, 0x004) & 0xF00 == ready
    base = 0x080 + 0x10 * (number - 1)
    rcc(cold, base + 8, 0x0900_0005)  # PDIVEN off
    assert not rcc(cold, 0x004) & ready
    pll(cold, number, source=2)
    assert not rcc(cold, 0x004) & ready  # HSE is off
    rcc(cold, 0x800, 0x10)
    assert rcc(cold, 0x004) & ready
    rcc(cold, 0x1000, ready)
    assert not rcc(cold, 0x004) & ready


@pytest.mark.parametrize("broken", [{"divm": 0}, {"divn": 0}, {"out": (0, 1)}, {"out": (1, 0)}, {"source": 3}])
def test_a_pll_that_cannot_run_is_never_ready(cold, broken):
    pll(cold, 1, **broken)
    assert not rcc(cold, 0x004) & 0x100


@pytest.mark.parametrize(
    ("settings", "hertz"),
    [
        ({}, 1200 * MHZ),  # HSI 64 / 4 * 75
        ({"divm": 8}, 600 * MHZ),
        ({"divn": 50}, 800 * MHZ),
        ({"out": (2, 3)}, 200 * MHZ),
        ({"source": 1, "divm": 1, "divn": 100}, 400 * MHZ),  # MSI 4
        ({"source": 2, "divm": 3, "divn": 50}, 800 * MHZ),  # HSE 48
    ],
)
@pytest.mark.parametrize("number", [1, 4])
def test_pll_frequencies_through_a_divider(cold, settings, hertz, number):
    rcc(cold, 0x800, 0x14)
    pll(cold, number, **settings)
    divider(cold, 3, number, 2)
    rcc(cold, 0x158, 2 << 4)
    assert cold.soc.rcc.xspi_hz(2) == hertz // 2


def test_a_pll_that_is_off_gives_nothing_unless_bypassed(cold):
    pll(cold, 2, enable=False)
    divider(cold, 4, 2, 1)
    rcc(cold, 0x158, 3 << 4)
    assert cold.soc.rcc.xspi_hz(2) == 0
    rcc(cold, 0x090, 0x0800_0000)
    assert cold.soc.rcc.xspi_hz(2) == 64 * MHZ


def test_a_divider_needs_its_enable(cold):
    pll(cold, 1)
    divider(cold, 3, 1, 6)
    rcc(cold, 0x158, 2 << 4)
    assert cold.soc.rcc.xspi_hz(2) == 200 * MHZ
    rcc(cold, 0x1240, 4)
    assert cold.soc.rcc.xspi_hz(2) == 0


@pytest.mark.parametrize("number", [1, 2, 3])
def test_each_xspi_chooses_its_kernel_clock(cold, number):
    pll(cold, 1)
    divider(cold, 3, 1, 6)
    divider(cold, 4, 1, 12)
    found = []
    for select in range(4):
        rcc(cold, 0x158, select << 4 * (number - 1))
        found.append(cold.soc.rcc.xspi_hz(number))
    assert found == [32 * MHZ, 64 * MHZ, 200 * MHZ, 100 * MHZ]
    assert cold.soc.rcc.xspi_hz(number % 3 + 1) == 32 * MHZ


@pytest.mark.parametrize(("select", "hertz"), [(0, 64), (1, 4), (2, 48), (3, 10), (4, 20), (5, 30), (6, 40), (7, 50)])
def test_per_ck(cold, select, hertz):
    rcc(cold, 0x800, 0x14)
    pll(cold, 1)
    for number, speed in ((19, 10), (5, 20), (10, 30), (15, 40), (20, 50)):
        divider(cold, number, 1, 1200 // speed)
    rcc(cold, 0x15C, select)
    rcc(cold, 0x158, 1 << 4)
    assert cold.soc.rcc.xspi_hz(2) == hertz * MHZ


@pytest.mark.parametrize(("code", "hertz"), [(0, 64), (1, 32), (2, 16), (7, 0.5)])
def test_hpre_divides_the_bus(cold, code, hertz):
    rcc(cold, 0x024, code << 20)
    assert cold.soc.rcc.hclk5_hz() == hertz * MHZ


@pytest.mark.parametrize(("code", "hertz"), [(0, 32), (1, 16), (2, 8), (3, 4)])
def test_hsidiv(cold, code, hertz):
    rcc(cold, 0x048, 0x8C80_0000 & ~0x180 | code << 7)
    assert cold.soc.rcc.hclk5_hz() == hertz * MHZ


# ---- switches


@pytest.mark.parametrize(("choice", "bit", "hertz"), [(1, 2, 2), (2, 4, 24)])
def test_the_bus_follows_its_switch(cold, choice, bit, hertz):
    rcc(cold, 0x800, 1 << bit)
    rcc(cold, 0x020, choice << 24 | choice << 16)
    assert rcc(cold, 0x020) == choice << 24 | choice << 16 | choice << 28 | choice << 20
    assert cold.soc.rcc.hclk5_hz() == hertz * MHZ


def test_a_switch_waits_for_its_clock(cold):
    rcc(cold, 0x020, 0x0202_0000)
    assert rcc(cold, 0x020) == 0x0202_0000  # HSE is off: still HSI
    assert cold.soc.rcc.hclk5_hz() == 32 * MHZ
    rcc(cold, 0x800, 0x10)
    assert rcc(cold, 0x020) == 0x2222_0000
    rcc(cold, 0x020, 0)
    assert rcc(cold, 0x020) == 0


def test_system_clock_config_of_the_hal_comes_to_its_end(cold):
    pll(cold, 1)
    divider(cold, 1, 1, 2)
    rcc(cold, 0x020, 0x0003_0000)
    assert rcc(cold, 0x020) == 0x0033_0000
    for number, by in ((2, 3), (6, 4)):
        divider(cold, number, 1, by)
    rcc(cold, 0x020, 0x0303_0000)
    assert rcc(cold, 0x020) == 0x0333_0000  # IC11 is missing
    divider(cold, 11, 1, 3)
    assert rcc(cold, 0x020) == 0x3333_0000
    assert cold.soc.rcc.hclk5_hz() == 200 * MHZ  # IC2 400 MHz / 2


# ---- resets


def test_reset_flags_tell_the_cause_and_rmvf_clears_them(cold):
    assert (rcc(cold, 0x030), rcc(cold, 0x034)) == (0x00E0_0000, 0x00E0_0000)
    rcc(cold, 0x034, 0x0001_0000)
    rcc(cold, 0x030, 0x00FE_0000)  # without RMVF: nothing
    assert (rcc(cold, 0x030), rcc(cold, 0x034)) == (0x00E0_0000, 0)
    rcc(cold, 0x030, 0x0001_0000)
    cold.soc.reset("system")
    assert (rcc(cold, 0x030), rcc(cold, 0x034)) == (0x0140_0000, 0x0140_0000)
    rcc(cold, 0x034, 0x0001_0000)
    cold.soc.reset("pin")
    assert (rcc(cold, 0x030), rcc(cold, 0x034)) == (0x0140_0000, 0x0040_0000)
    cold.soc.reset("power")
    assert (rcc(cold, 0x030), rcc(cold, 0x034)) == (0x00E0_0000, 0x00E0_0000)
    with pytest.raises(ValueError, match="warm"):
        cold.soc.reset("warm")


@pytest.mark.parametrize("kind", ["system", "pin", "power"])
def test_every_reset_goes_back_to_hsi(bench, kind):
    rcc(bench, 0x800, 0x10)
    rcc(bench, 0x020, 0x0202_0000)
    rcc(bench, 0x158, 0x111)
    bench.soc.reset(kind)
    assert (rcc(bench, 0x000), rcc(bench, 0x020), rcc(bench, 0x158)) == (8, 0, 0)
    assert bench.soc.rcc.hclk5_hz() == 32 * MHZ
    with pytest.raises(BusHang):
        bench.xr(0)


def test_a_switch_that_waits_survives_a_journal(cold, make_chip):
    rcc(cold, 0x800, 0x10)
    rcc(cold, 0x020, 0x0202_0000)
    rcc(cold, 0x020, 0x0103_0000)
    assert rcc(cold, 0x020) == 0x2123_0000 & ~0x0000_0000
    other = make_chip()
    other.soc.restore(json.loads(json.dumps(cold.soc.snapshot())))
    assert rcc(other, 0x020) == rcc(cold, 0x020)
    assert other.soc.rcc.hclk5_hz() == cold.soc.rcc.hclk5_hz()
