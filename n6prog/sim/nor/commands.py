"""The command table of the Macronix octal parts: which opcodes there are in which bus mode, and how they are framed.

Source: hw-flash 2.1-2.3 (Macronix's Verilog model; opcodes also in ST's and Macronix's drivers).
"""

from __future__ import annotations

from dataclasses import dataclass

SPI = frozenset({"1S"})
OPI = frozenset({"8S", "8D"})
ALL = SPI | OPI
BY_DC = -1  # dummy clocks as CR2 300h says

# CR2 300h [2:0]
DUMMY_CODES = (20, 18, 16, 14, 12, 10, 8, 6)


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `kind`: "read" drives data, "write" takes exactly what its address and data counts say.

    `spi_address`/`opi_address` in bytes, dummies in clocks, `data` the smallest and largest number of data bytes of a
    write in 1S (None: open ended). `busy`: accepted while WIP is 1. `forever`: cannot be undone on a real part.
    """

    opcode: int
    name: str
    kind: str
    modes: frozenset[str] = ALL
    spi_address: int = 0
    spi_dummy: int = 0
    opi_address: int = 0
    opi_dummy: int = 0
    data: tuple[int, int | None] = (0, 0)
    wel: bool = False
    busy: bool = False
    suspended: bool = True  # accepted while an operation is suspended
    forever: bool = False


def _read(
    opcode: int, name: str, spi: tuple[int, int] | None, opi: tuple[int, int] | None, busy: bool = False
) -> Command:
    """A read command; `spi` and `opi` are (address bytes, dummy clocks), None where the mode does not have it."""
    modes = (SPI if spi else frozenset[str]()) | (OPI if opi else frozenset[str]())
    spi_address, spi_dummy = spi or (0, 0)
    opi_address, opi_dummy = opi or (0, 0)
    return Command(opcode, name, "read", modes, spi_address, spi_dummy, opi_address, opi_dummy, busy=busy)


_TABLE = (
    # 2.1 array
    _read(0x03, "READ3B", (3, 0), None),
    _read(0x13, "READ4B", (4, 0), None),
    _read(0x0B, "FAST_READ3B", (3, 8), None),
    _read(0x0C, "FAST_READ4B", (4, 8), None),
    Command(0xEC, "8READ", "read", frozenset({"8S"}), opi_address=4, opi_dummy=BY_DC),
    Command(0xEE, "8DTRD", "read", frozenset({"8D"}), opi_address=4, opi_dummy=BY_DC),
    Command(0x02, "PP3B", "write", SPI, 3, data=(1, None), wel=True, suspended=False),
    Command(0x12, "PP4B", "write", ALL, 4, opi_address=4, data=(1, None), wel=True, suspended=False),
    Command(0x20, "SE3B", "write", SPI, 3, wel=True, suspended=False),
    Command(0x21, "SE4B", "write", ALL, 4, opi_address=4, wel=True, suspended=False),
    Command(0xD8, "BE3B", "write", SPI, 3, wel=True, suspended=False),
    Command(0xDC, "BE4B", "write", ALL, 4, opi_address=4, wel=True, suspended=False),
    Command(0x60, "CE", "write", wel=True, suspended=False),
    Command(0xC7, "CE", "write", wel=True, suspended=False),
    Command(0xB0, "SUSPEND", "write", busy=True),
    Command(0x30, "RESUME", "write"),
    Command(0xC0, "SBL", "write", opi_address=4, data=(1, 1)),
    # 2.2 registers and identification
    Command(0x06, "WREN", "write"),
    Command(0x04, "WRDI", "write"),
    _read(0x9F, "RDID", (0, 0), (4, 4)),
    _read(0x5A, "RDSFDP", (3, 8), (4, 20)),
    _read(0x05, "RDSR", (0, 0), (4, 4), busy=True),
    _read(0x15, "RDCR", (0, 0), (4, 4), busy=True),
    Command(0x01, "WRSR", "write", opi_address=4, data=(1, 2), wel=True, suspended=False),
    _read(0x71, "RDCR2", (4, 0), (4, 4), busy=True),  # while busy only 0x8000_0000
    Command(0x72, "WRCR2", "write", ALL, 4, opi_address=4, data=(1, 1), busy=True),  # WEL and busy by address
    _read(0x2B, "RDSCUR", (0, 0), (4, 4), busy=True),
    _read(0x16, "RDFBR", (0, 0), (4, 4)),
    Command(0x66, "RSTEN", "write", busy=True),
    Command(0x99, "RST", "write", busy=True),
    Command(0x00, "NOP", "write"),
    Command(0xB9, "DP", "write", suspended=False),
    Command(0xAB, "RDP", "write"),
    Command(0xB1, "ENSO", "write"),
    Command(0xC1, "EXSO", "write"),
    # what a programmer must never send: one-time or non-volatile
    Command(0x2F, "WRSCUR", "write", wel=True, forever=True),
    Command(0x68, "WPSEL", "write", wel=True, forever=True),
    Command(0x2C, "WRLR", "write", opi_address=4, data=(1, 1), wel=True, forever=True),
    Command(0x28, "WRPASS", "write", opi_address=4, data=(8, 8), wel=True, forever=True),
    Command(0xE3, "WRSPB", "write", ALL, 4, opi_address=4, wel=True, forever=True),
    Command(0x17, "WRFBR", "write", opi_address=4, data=(4, 4), wel=True, forever=True),
    Command(0x18, "ESFBR", "write", wel=True, forever=True),
    # 2.3 protection group: read only here; without WPSEL the rest of the group is ignored
    _read(0x2D, "RDLR", (0, 0), (4, 4)),
    _read(0xE2, "RDSPB", (4, 0), (4, BY_DC)),
)

COMMANDS: dict[int, Command] = {command.opcode: command for command in _TABLE}
