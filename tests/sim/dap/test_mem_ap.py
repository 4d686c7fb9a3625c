"""A memory access port (IHI 0031, C2)."""

from __future__ import annotations

from typing import Any

import pytest

from n6prog.sim.dap.dp import Ack
from tests.sim.dap.conftest import BASE

CSW, TAR, DRW, BD0 = 0x00, 0x04, 0x0C, 0x10


def test_bytes_and_halfwords_travel_in_the_lanes_of_their_address(wire: Any) -> None:
    wire.tar(BASE + 1, 0x10)  # bytes, single increment
    wire.dp.write_ap(1, DRW, 0xAABB_CCDD)
    wire.dp.write_ap(1, DRW, 0xAABB_CCDD)
    assert wire.ram.data[0:4] == bytes.fromhex("00ccbb00")
    wire.tar(BASE + 2, 0x11)  # halfwords
    wire.dp.write_ap(1, DRW, 0x1234_5678)
    assert wire.ram.data[0:4] == bytes.fromhex("00cc3412")
    wire.tar(BASE + 1, 0x10)
    assert [wire.dp.read_ap(1, DRW)[1] for _ in range(3)] == [0x0000_CC00, 0x0034_0000, 0x1200_0000]


def test_auto_increment_wraps_within_a_kibibyte(wire: Any) -> None:
    wire.tar(BASE + 0x3FC)
    wire.dp.write_ap(1, DRW, 1)
    wire.dp.write_ap(1, DRW, 2)
    assert (wire.ram.word(0x3FC), wire.ram.word(0), wire.ram.word(0x400)) == (1, 2, 0)
    assert wire.dp.read_ap(1, TAR)[1] == BASE + 4


def test_without_increment_the_address_stays(wire: Any) -> None:
    wire.tar(BASE, 0x02)
    wire.dp.write_ap(1, DRW, 1)
    wire.dp.write_ap(1, DRW, 2)
    assert (wire.ram.word(0), wire.ram.word(4)) == (2, 0)


def test_banked_data_reach_four_words_around_tar_and_do_not_move_it(wire: Any) -> None:
    wire.tar(BASE + 0x24)
    for bank in range(4):
        wire.dp.write_ap(1, BD0 + 4 * bank, 0x100 + bank)
    assert [wire.ram.word(0x20 + 4 * bank) for bank in range(4)] == [0x100, 0x101, 0x102, 0x103]
    assert wire.dp.read_ap(1, BD0 + 8) == (Ack.OK, 0x102)
    assert wire.dp.read_ap(1, TAR)[1] == BASE + 0x24


@pytest.mark.parametrize(("written", "reads"), [(0x22, 0x02), (0x32, 0x02), (0x12, 0x12), (0x03, 0x02), (0x15, 0x12)])
def test_packed_transfers_and_wide_sizes_do_not_stick(wire: Any, written: int, reads: int) -> None:
    wire.dp.write_ap(1, CSW, written)
    assert wire.dp.read_ap(1, CSW)[1] & 0x3F == reads


def test_a_port_for_words_only_takes_no_other_size(wire: Any) -> None:
    wire.dp.write_ap(0, CSW, 0x10)
    assert wire.dp.read_ap(0, CSW)[1] & 0x37 == 0x12


def test_protection_bits_stick_and_status_bits_do_not(wire: Any) -> None:
    wire.dp.write_ap(1, CSW, 0xFFFF_FFC2)
    assert wire.dp.read_ap(1, CSW)[1] == 0x4F00_0000 | 0x8080_0040 | 0x02


def test_low_address_bits_below_the_size_are_ignored(wire: Any) -> None:
    wire.tar(BASE + 2, 0x02)
    wire.dp.write_ap(1, DRW, 0x0403_0201)
    assert wire.ram.data[:8] == bytes.fromhex("01020304 00000000")


def test_registers_that_are_not_there_read_zero(wire: Any) -> None:
    assert wire.dp.read_ap(1, 0xF4) == (Ack.OK, 0)  # CFG: no long address, no large data, little endian
    assert wire.dp.read_ap(1, 0x40) == (Ack.OK, 0)
    assert wire.dp.write_ap(1, 0xFC, 7) is Ack.OK
    assert wire.dp.read_ap(1, 0xFC)[1] == 0x8477_0001
