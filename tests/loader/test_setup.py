"""Board profile and part become the structs the loader reads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from n6prog.errors import UsageError
from n6prog.loader.setup import board_setup, nor_setup
from n6prog.targets import schema
from n6prog.targets.schema import Pin


@pytest.mark.parametrize("name", ["nucleo-n657x0-q", "stm32n6570-dk"])
def test_wiring_of_both_st_boards_gives_the_register_values_of_the_hardware_notes(name: str) -> None:
    setup = board_setup(schema.load_board(name))
    # hw-soc 6: GPION MODER 0xFFAA_EAAA from reset 0xFFFF_FFFF, OSPEEDR 0x00FF_3FFF, PUPDR 4, AFRL and AFRH all AF9.
    assert 0xFFFFFFFF & ~setup.moder_mask | setup.moder_value == 0xFFAAEAAA
    assert setup.ospeedr_value == 0x00FF3FFF
    assert (setup.afrl_value, setup.afrh_value) == (0x09999999, 0x00009999)
    assert (setup.afrl_mask, setup.afrh_mask) == (0x0FFFFFFF, 0x0000FFFF)
    assert setup.gpio_base == 0x56023400
    assert setup.gpio_rcc_bit == 1 << 13
    # hw-soc 4 recipe A and 7.1: clocks of XSPIM and XSPI2, reset of all XSPI and XSPIM, direct mode, VDDIO3SV
    assert setup.xspi_rcc_bits == 0x00003000
    assert setup.all_xspi_reset_bits == 0x00023020
    assert setup.xspi_select_mask == 0x30
    assert (setup.xspi_base, setup.xspim_base, setup.xspim_cr) == (0x5802A000, 0x5802B400, 0)
    assert setup.svmcr3_set == 0x200


def test_only_the_nucleo_pulls_ncs_up_if_its_profile_says_so() -> None:
    assert board_setup(schema.load_board("nucleo-n657x0-q")).pupdr_value == 0x4  # PN1, hw-soc 6


def test_pads_that_are_not_listed_are_left_alone() -> None:
    setup = board_setup(schema.load_board("nucleo-n657x0-q"))
    pn7 = 3 << 14
    assert setup.moder_mask & pn7 == 0
    assert setup.pupdr_mask & pn7 == 0


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"pins": (Pin("PN1", "NCS1", 9), Pin("PO2", "IO0", 9))}, "one GPIO port"),
        ({"pins": (Pin("PZ1", "NCS1", 9),)}, "no pad"),
        ({"pins": (Pin("PN16", "NCS1", 9),)}, "no pad"),
        ({"pins": (Pin("PN1", "NCS1", 9, "sideways"),)}, "pull"),
        ({"rail": "VDD"}, "rail"),
        ({"xspi": 3}, "port"),
        ({"port": 3}, "port"),
    ],
)
def test_wiring_the_loader_cannot_drive_is_refused_by_name(change: dict[str, object], word: str) -> None:
    board = schema.load_board("nucleo-n657x0-q")
    wrong = replace(board, wiring=replace(board.wiring, **change))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=word):
        board_setup(wrong)


def test_part_times_become_whole_microseconds() -> None:
    setup = nor_setup(schema.load_part("MX25UM51245G"))
    # hw-flash 2.1 and 4.1: SE4B 21h 25 ms, BE4B DCh 256 ms, PP4B 12h 152 us, FAST_READ4B 0Ch with 8 dummies
    assert (setup.sector_erase_opcode, setup.sector_typ_us) == (0x21, 25_000)
    assert (setup.block_erase_opcode, setup.block_typ_us) == (0xDC, 256_000)
    assert (setup.program_opcode, setup.page_typ_us) == (0x12, 152)
    assert (setup.read_opcode, setup.read_dummy) == (0x0C, 8)
    assert (setup.size, setup.page, setup.ecc_chunk) == (0x4000000, 256, 16)
    assert setup.sector_max_us > setup.sector_typ_us


@pytest.mark.parametrize("name", ["MX25UM51245G", "MX66UW1G45G"])
def test_octal_commands_of_both_parts(name: str) -> None:
    setup = nor_setup(schema.load_part(name))
    # hw-soc 7.4: read EE11h with 20 dummies, program 12EDh, erases 21DEh and DC23h
    assert (setup.octal_read_opcode, setup.octal_read_dummy) == (0xEE11, 20)
    assert (setup.octal_program_opcode, setup.octal_sector_erase_opcode) == (0x12ED, 0x21DE)
    assert setup.octal_block_erase_opcode == 0xDC23


def test_a_part_without_octal_commands_is_used_in_1s() -> None:
    setup = nor_setup(replace(schema.load_part("MX25UM51245G"), octal=None))
    assert (setup.octal_read_opcode, setup.octal_program_opcode) == (0, 0)


def test_octal_needs_the_block_erase_that_1s_has() -> None:
    part = schema.load_part("MX25UM51245G")
    assert part.octal
    setup = nor_setup(replace(part, octal=replace(part.octal, block_erase_opcode=0)))
    assert (setup.octal_read_opcode, setup.block_erase_opcode) == (0, 0xDC)


def test_part_without_a_block_erase_says_so_with_opcode_0() -> None:
    part = schema.load_part("MX25UM51245G")
    setup = nor_setup(replace(part, erases=tuple(item for item in part.erases if item.size == 4096)))
    assert setup.block_erase_opcode == 0


def test_part_without_a_sector_erase_is_refused() -> None:
    part = schema.load_part("MX25UM51245G")
    with pytest.raises(UsageError, match="4 KiB"):
        nor_setup(replace(part, erases=part.erases[1:]))
