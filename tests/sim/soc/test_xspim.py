"""The port matrix (hw-soc 7.1; XSPI3 and chip selects as HAL_XSPIM_Config places them)."""

from __future__ import annotations

import pytest

from n6prog.sim.soc.xspim import NOWHERE, Route, Xspim

MATRIX = 0x5802_B400


@pytest.mark.parametrize(
    ("control", "ports"),
    [
        (0, (1, 2, 0)),  # direct
        (2, (2, 1, 0)),  # swapped
        (1, (1, 1, 2)),  # XSPI1 and 2 share port 1, XSPI3 has port 2
        (3, (2, 2, 1)),
        (0x00FF_0070, (1, 2, 0)),  # other bits do not route
    ],
)
def test_who_owns_which_port(bench, control, ports):
    bench.xw(0x00, 0)
    bench.w(MATRIX, control)
    assert tuple(bench.soc.xspim.port_of(number) for number in (1, 2, 3)) == ports


@pytest.mark.parametrize(
    ("control", "selects"),
    [(0x00, (0, 0, 0)), (0x60, (0, 0, 0)), (0x10, (1, 1, 0)), (0x30, (2, 1, 0)), (0x50, (1, 2, 0)), (0x70, (2, 2, 0))],
)
def test_the_override_of_the_chip_selects(bench, control, selects):
    bench.xw(0x00, 0)
    bench.w(MATRIX, control)
    assert tuple(bench.soc.xspim.overridden(number) for number in (1, 2, 3)) == selects


def test_the_bits_that_exist(bench):
    bench.xw(0x00, 0)
    bench.w(MATRIX, 0xFFFF_FFFF)
    assert bench.r(MATRIX) == 0x00FF_0073
    assert bench.r(MATRIX - 0x1000_0000) == 0x00FF_0073
    bench.w(MATRIX + 4, 0xFFFF_FFFF)
    assert bench.r(MATRIX + 4) == 0


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_write_while_an_xspi_is_enabled_is_lost(bench, number):
    bench.xw(0x00, 0)
    bench.w(0x5602_8A60, 1 << 5 | 1 << 17)
    base = {1: 0x5802_5000, 2: 0x5802_A000, 3: 0x5802_D000}[number]
    bench.w(base, 1)
    bench.w(MATRIX, 2)
    assert bench.r(MATRIX) == 0
    bench.w(base, 0)
    bench.w(MATRIX, 2)
    assert bench.r(MATRIX) == 2


def test_a_reset_of_the_matrix_is_direct_mode_and_told(bench):
    bench.xw(0x00, 0)
    bench.w(MATRIX, 2)
    told = []
    bench.soc.on_mapping_changed = lambda: told.append(bench.soc.xspim.port_of(2))
    bench.w(0x5602_8A20, 1 << 13)
    assert told[-1] == 2
    bench.w(0x5602_9220, 1 << 13)
    assert bench.r(MATRIX) == 0


def test_a_new_route_takes_effect_at_once(bench):
    assert bench.soc.route(2).sends
    bench.xw(0x00, 0)
    bench.w(MATRIX, 2)
    assert bench.soc.route(2) == NOWHERE
    assert bench.soc.route(1).sends
    assert bench.soc.route(3) == NOWHERE


def test_writes_tell_even_when_made_alone():
    told = []
    matrix = Xspim(0x4802_B400, lambda: False, lambda: told.append(True))
    matrix.store(0, 1)
    assert told == [True]
    matrix.store(4, 1)
    assert told == [True]
    matrix.reset()
    assert told == [True, True]


@pytest.mark.parametrize(
    ("route", "reaches", "hears"),
    [
        (Route(sends=True, listens=True, wide=True), (True, True, True), (True, True, True)),
        (Route(sends=True, listens=True, wide=False), (True, False, False), (True, False, False)),
        (Route(sends=True, listens=False, wide=False), (True, False, False), (False, False, False)),
        (NOWHERE, (False, False, False), (False, False, False)),
    ],
)
def test_how_far_lines_reach(route, reaches, hears):
    assert tuple(route.reaches(lines) for lines in (1, 2, 8)) == reaches
    assert tuple(route.hears(lines) for lines in (1, 2, 8)) == hears


@pytest.mark.parametrize(
    ("forced", "second", "select"), [(0, False, 1), (0, True, 2), (1, True, 1), (2, False, 2), (2, True, 2)]
)
def test_the_chip_select_that_falls(forced, second, select):
    route = Route(sends=True, listens=True, wide=True, forced=forced)
    assert route.chip_select(second) == select


@pytest.mark.parametrize(
    ("pin", "sends", "listens", "wide"),
    [
        (1, False, False, False),  # NCS
        (6, False, False, False),  # CLK
        (2, False, False, False),  # IO0
        (3, True, False, False),  # IO1: nothing comes back
        (4, True, True, False),
        (11, True, True, False),
        (0, True, True, True),  # DQS is not a data line
        (12, True, True, True),  # NCS2
    ],
)
def test_every_pin_counts(bench, pin, sends, listens, wide):
    bench.w(0x5602_3400, 0xFFAA_EAAA | 3 << 2 * pin)
    route = bench.soc.route(2)
    assert (route.sends, route.listens, route.wide) == (sends, listens, wide)


def test_nothing_hangs_on_port_1(bench):
    assert bench.soc.route(1) == NOWHERE
