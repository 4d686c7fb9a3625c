"""The public files that users hold, where they are present: see MANIFEST.md beside them for their origins."""

from __future__ import annotations

from pathlib import Path

import pytest

from n6prog.image import read
from n6prog.layout import Placement, place
from n6prog.targets.schema import Device

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the real files are not here")


def placed(device: Device, *names: str) -> Placement:
    return place([read(DATA / name) for name in names], device)


def test_an_xip_elf_is_placed_by_its_load_addresses(nucleo: Device) -> None:
    # readelf -S: .isr_vector 0x70100400 .. .fini_array, .data runs at 0x34000000 and loads at 0x7010bd64 (0x68 bytes)
    placement = placed(nucleo, "xip_Appli.elf")
    assert placement.ok
    assert [(piece.address, piece.size) for piece in placement.flash] == [(0x7010_0400, 0xB9CC), (0x7010_BDE0, 0x20)]
    assert placement.entry == 0x7010_1999


def test_elf_files_linked_for_ram_are_refused(nucleo: Device) -> None:
    placement = placed(nucleo, "LoadAndRun_FSBL.elf", "LoadAndRun_Appli.elf")
    assert [item.code for item in placement.findings if item.is_error] == ["E-HDR-NONE", "E-HDR-NONE"]
    assert not placement.flash


def test_their_signed_files_find_their_places(nucleo: Device) -> None:
    placement = placed(nucleo, "LoadAndRun_FSBL-trusted.bin", "LoadAndRun_Appli-trusted.bin")
    assert placement.ok
    assert [(piece.address, piece.size) for piece in placement.flash] == [(0x7000_0000, 60928), (0x7010_0000, 5664)]


def test_a_signed_first_stage_and_weights_as_hex(nucleo: Device) -> None:
    placement = placed(nucleo, "ai_fsbl.hex", "nucleo_network_data.hex")
    assert placement.ok
    assert [piece.address for piece in placement.flash] == [0x7000_0000, 0x7038_0000]
    assert placement.flash[0].size == 61024
