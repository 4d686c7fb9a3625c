"""GPIO ports beyond what XSPI's pins need."""

from __future__ import annotations

import pytest

from n6prog.sim.soc.bus import BusHang

GPIOO = 0x5602_3800


@pytest.mark.parametrize("offset", [0x30, 0x34, 0x38])
def test_security_attributes_are_set_before_the_port_has_its_clock(cold, offset):
    cold.w(GPIOO + offset, 0x0002)
    assert cold.r(GPIOO + offset) == 0x0002
    with pytest.raises(BusHang):
        cold.r(GPIOO)
    with pytest.raises(BusHang):
        cold.w(GPIOO + 0x18, 1)
