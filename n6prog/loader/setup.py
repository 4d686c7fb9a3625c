"""What the loader is told: a NOR part and a board's wiring as the structs it reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from n6prog.errors import N6ProgError, UsageError
from n6prog.flash_algos.mailbox import BLOCK_SIZE, SECTOR_SIZE, BoardSetup, NorSetup
from n6prog.targets import chip
from n6prog.targets.schema import BoardProfile, NorPart, Pin, Wiring

_GPIOA = 0x5602_0000  # ports lie 0x400 apart, their clock bits in RCC AHB4ENR count from A = 0 (SVD; hw-soc 4, 6)
_GPIO_STRIDE = 0x400
_PORTS = "ABCDEFGHNOPQ"
_ALTERNATE = 2  # MODER
_VERY_HIGH = 3  # OSPEEDR; ST's board drivers use it on every pad of the flash port
_PULLS = {"": 0, "up": 1, "down": 2}  # PUPDR

_SUPPLY_VALID = {"VDDIO2": 1 << 8, "VDDIO3": 1 << 9}  # PWR_SVMCR3 VDDIO2SV, VDDIO3SV (SVD)
_DCR1_MACRONIX = 1 << 24  # MTYP 1; without effect in 1S (hw-flash 5.2)
_DCR1_CSHT = 1 << 8  # NCS high for 2 clocks: 62 ns at 32 MHz, the NOR wants 40 ns after a write (hw-flash 4.1)
_XSPIM_DIRECT, _XSPIM_SWAPPED = 0, 1 << 1  # XSPIM_CR.MODE: direct is XSPI1 on port 1 and XSPI2 on port 2 (SVD)

_REGISTER_TYP, _REGISTER_MAX = 0.001, 0.1  # tW is 40 ms at most (hw-flash 4.1)
_RESET_TYP, _RESET_MAX = 40e-6, 0.1  # tREADY2 when idle, and in the middle of a chip erase (hw-flash 4.2)


@dataclass(frozen=True, slots=True)
class _Instance:
    """One XSPI: registers, bit in RCC_AHB5ENR and AHB5RSTR, field in CCIPR6, port in direct mode (HDR, SVD)."""

    base: int
    bit: int
    select: int
    port: int


_INSTANCES = {
    1: _Instance(chip.XSPI1, chip.RCC_AHB5_XSPI1, 0x3, 1),
    2: _Instance(chip.XSPI2, chip.RCC_AHB5_XSPI2, 0x30, 2),
}


def nor_setup(part: NorPart) -> NorSetup:
    """The part as the loader reads it. Raises UsageError for a part without a 4 KiB erase."""
    erases = {item.size: item for item in part.erases}
    sector, block = erases.get(SECTOR_SIZE), erases.get(BLOCK_SIZE)
    if sector is None:
        raise UsageError.of("E-CONFIG", part.name, reason="the part has no 4 KiB erase")
    octal = part.octal if block is None or (part.octal and part.octal.block_erase_opcode) else None
    return NorSetup(
        size=part.size,
        page=part.page,
        ecc_chunk=part.ecc_chunk,
        read_opcode=part.read_opcode,
        read_dummy=part.read_dummy,
        program_opcode=part.program_opcode,
        sector_erase_opcode=sector.opcode,
        block_erase_opcode=block.opcode if block else 0,
        chip_erase_opcode=part.chip_erase_opcode,
        sector_typ_us=_us(sector.typ),
        sector_max_us=_us(sector.max),
        block_typ_us=_us(block.typ) if block else 0,
        block_max_us=_us(block.max) if block else 0,
        page_typ_us=_us(part.program_typ),
        page_max_us=_us(part.program_max),
        chip_typ_us=_us(part.chip_erase_typ),
        chip_max_us=_us(part.chip_erase_max),
        register_typ_us=_us(_REGISTER_TYP),
        register_max_us=_us(_REGISTER_MAX),
        reset_typ_us=_us(_RESET_TYP),
        reset_max_us=_us(_RESET_MAX),
        octal_read_opcode=octal.read_opcode if octal else 0,
        octal_read_dummy=octal.read_dummy if octal else 0,
        octal_program_opcode=octal.program_opcode if octal else 0,
        octal_sector_erase_opcode=octal.sector_erase_opcode if octal else 0,
        octal_block_erase_opcode=octal.block_erase_opcode if octal else 0,
    )


def board_setup(board: BoardProfile) -> BoardSetup:
    """The wiring as the loader reads it. Raises UsageError for wiring that the loader cannot drive."""
    wiring = board.wiring
    instance = _INSTANCES.get(wiring.xspi)
    if instance is None or wiring.port not in (1, 2):
        raise _refused(board, f"XSPI{wiring.xspi} on port {wiring.port} is no flash port: XSPI1 or XSPI2, port 1 or 2")
    supply = _SUPPLY_VALID.get(wiring.rail)
    if supply is None:
        raise _refused(board, f"rail {wiring.rail!r} supplies no XSPI port: {' or '.join(_SUPPLY_VALID)}")
    port = _gpio_port(board, wiring)
    pads = {int(pin.pad[2:]): pin for pin in wiring.pins}
    return BoardSetup(
        xspi_base=instance.base,
        xspi_rcc_bits=chip.RCC_AHB5_XSPIM | instance.bit,
        all_xspi_reset_bits=chip.RCC_AHB5_XSPIM | chip.RCC_AHB5_XSPI1 | chip.RCC_AHB5_XSPI2 | chip.RCC_AHB5_XSPI3,
        xspi_select_mask=instance.select,
        xspim_base=chip.XSPIM,
        xspim_cr=_XSPIM_DIRECT if wiring.port == instance.port else _XSPIM_SWAPPED,
        gpio_base=_GPIOA + _GPIO_STRIDE * port,
        gpio_rcc_bit=1 << port,
        moder_mask=_field(pads, 2, lambda pin: 3),
        moder_value=_field(pads, 2, lambda pin: _ALTERNATE),
        ospeedr_mask=_field(pads, 2, lambda pin: 3),
        ospeedr_value=_field(pads, 2, lambda pin: _VERY_HIGH),
        pupdr_mask=_field(pads, 2, lambda pin: 3),
        pupdr_value=_field(pads, 2, lambda pin: _PULLS[pin.pull]),
        afrl_mask=_field(pads, 4, lambda pin: 15) & 0xFFFF_FFFF,
        afrl_value=_field(pads, 4, lambda pin: pin.af) & 0xFFFF_FFFF,
        afrh_mask=_field(pads, 4, lambda pin: 15) >> 32,
        afrh_value=_field(pads, 4, lambda pin: pin.af) >> 32,
        svmcr3_set=supply,
        dcr1=_DCR1_MACRONIX | _DCR1_CSHT,
        prescaler=0,
    )


def _gpio_port(board: BoardProfile, wiring: Wiring) -> int:
    """The index of the one GPIO port all pads are on (A = 0). Raises UsageError."""
    for pin in wiring.pins:
        if not re.fullmatch(rf"P[{_PORTS}](\d|1[0-5])", pin.pad):
            raise _refused(board, f"{pin.pad!r} is no pad of this chip")
        if pin.pull not in _PULLS:
            raise _refused(board, f"pull {pin.pull!r} of {pin.pad} is none of up, down, or nothing")
    ports = sorted({pin.pad[1] for pin in wiring.pins})
    if len(ports) != 1:
        raise _refused(board, f"the loader drives pads of one GPIO port, this wiring uses {', '.join(ports) or 'none'}")
    return ord(ports[0]) - ord("A")


def _field(pads: Mapping[int, Pin], width: int, value: Callable[[Pin], int]) -> int:
    """A GPIO register with `width` bits a pad: the value of each listed pad at its place, 0 elsewhere."""
    return sum(value(pin) << number * width for number, pin in pads.items())


def _us(seconds: float) -> int:
    """Whole microseconds; more than the struct can hold (71 minutes) becomes the longest it can."""
    return min(round(seconds * 1e6), 0xFFFF_FFFF)


def _refused(board: BoardProfile, reason: str) -> N6ProgError:
    return UsageError.of("E-CONFIG", board.name, reason=reason)
