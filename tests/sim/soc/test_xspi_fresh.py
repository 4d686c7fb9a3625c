"""Registers that nobody wrote since the reset are 0, and go out as that (RM0456 30.7)."""

from __future__ import annotations

import pytest

from n6prog.sim.soc.bus import BusFault

CLK = 31_250
TEF = 1
CR, DCR1, DLR, AR, DR, CCR, IR = 0x00, 0x08, 0x40, 0x48, 0x50, 0x100, 0x110
CALSOR = 0x220


@pytest.fixture
def fresh(bench):
    """XSPI2 with pins and clock, just out of reset but for the memory type, the size of the device and calibration."""
    bench.w(0x5602_8A20, 1 << 12)
    bench.w(0x5602_9220, 1 << 12)
    bench.xw(DCR1, 0x0119_0100)
    bench.xw(CALSOR, 0x0004_0008)
    return bench


def test_a_length_of_0_is_one_byte_and_there_are_no_dummies(fresh):
    fresh.xw(CR, 0x1000_0001)
    fresh.xw(CCR, 0x0400_3404)
    fresh.xw(IR, 0xEC)
    fresh.xw(AR, 0)
    fresh.wait(5 + 1)  # the head and a byte
    assert fresh.sr() & 2
    assert [(head, want) for _, _, head, _, want in fresh.heard] == [(b"\xec\0\0\0\0", 1)]


def test_instruction_address_and_alternate_byte_are_0(fresh):
    fresh.xw(CR, 1)
    fresh.xw(CCR, 0x0404_3404)
    fresh.xw(DR, 0x5A, 1)
    fresh.wait(100)
    fresh.sr()
    assert [(head, out) for _, _, head, out, _ in fresh.heard] == [(bytes(6), b"\x5a")]


def test_the_address_0_leaves_room_for_the_whole_device(fresh):
    fresh.xw(DCR1, 0x0100_0100)  # DEVSIZE 0: two bytes
    fresh.xw(CR, 1)
    fresh.xw(DLR, 1)
    fresh.xw(CCR, 0x0400_3404)
    fresh.xw(DR, 0x5A, 1)
    assert not fresh.sr() & TEF


def test_a_frame_without_phases_has_no_bytes(fresh):
    fresh.xw(CR, 1)
    fresh.xw(IR, 0x06)
    fresh.wait(100)
    fresh.sr()
    assert [head for _, _, head, _, _ in fresh.heard] == [b""]


def test_polling_without_mask_and_match_value_is_content_with_anything(fresh):
    fresh.fake.answer = b"\x03"
    fresh.xw(CR, 0x2040_0001)
    fresh.xw(CCR, 0x0400_0004)
    fresh.xw(IR, 0x05)
    fresh.wait(100)
    assert fresh.sr() & 8
    assert [(head, want) for _, _, head, _, want in fresh.heard] == [(b"\x05", 1)]


def test_nothing_starts_before_it_is_enabled(fresh):
    fresh.xw(CCR, 0x0000_0004)
    fresh.xw(IR, 0x06)
    fresh.wait(100)
    fresh.sr()
    assert fresh.heard == []


def test_a_mapped_read_sends_zeros_without_dummies_and_its_time_out_is_none(fresh):
    fresh.xw(CCR, 0x0404_3404)
    fresh.xw(CR, 0x3200_0009)  # mapped, NOPREF, TCEN
    now = fresh.time.now
    assert fresh.r(0x7000_0000) == 0x0302_0100
    assert fresh.time.now == now + (6 + 4) * CLK
    assert fresh.heard == [(now, CLK, bytes(6), b"", 4)]
    assert fresh.sr() == 0x30  # BUSY, TOF


def test_a_mapped_read_without_a_frame_is_an_error(fresh):
    fresh.xw(CR, 0x3000_0001)
    with pytest.raises(BusFault):
        fresh.r(0x7000_0000)
    assert fresh.heard == []
