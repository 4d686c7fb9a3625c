"""The command table of the Macronix octal parts: which opcodes there are in which bus mode, and how they are framed.

Source: hw-flash 2.1-2.4 (Macronix's Verilog model; opcodes also in ST's and Macronix's drivers).
"""

from __future__ import annotations

from dataclasses import dataclass

SPI = frozenset({"1S"})
OPI = frozenset({"8S", "8D"})
BY_DC = -1  # dummy clocks as CR2 300h says

# CR2 300h [2:0] (hw-flash 4.3)
DUMMY_CODES = (20, 18, 16, 14, 12, 10, 8, 6)

UNDOABLE = "cannot be undone on a real part"
STAYS = "stays in a real part's non-volatile memory"


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `kind`: "array", "sfdp" and "register" drive data, "write" takes what its byte counts say.

    `spi_address`/`opi_address` in bytes, dummies in clocks. `data` is the smallest and largest number of data bytes of
    a write (None: open ended); `paired` writes take one byte in 8S, and it twice in 8D. The flags say what the command
    needs (`wel`; `individual`: SCUR.WPSEL) and where it is heard: while WIP is 1 (`busy`), while an operation is
    `suspended`, while the OTP area is selected (`otp`). `forbidden`: why the tripwire refuses it.
    """

    opcode: int
    name: str
    kind: str
    modes: frozenset[str]
    spi_address: int = 0
    spi_dummy: int = 0
    opi_address: int = 0
    opi_dummy: int = 0
    data: tuple[int, int | None] = (0, 0)
    paired: bool = False
    wel: bool = False
    individual: bool = False
    busy: bool = False
    suspended: bool = True
    otp: bool = True
    forbidden: str = ""


def _read(
    opcode: int,
    name: str,
    spi: tuple[int, int] | None,
    opi: tuple[int, int] | None = None,
    modes: frozenset[str] | None = None,
    *,
    kind: str = "register",
    busy: bool = False,
    individual: bool = False,
    otp: bool = True,
) -> Command:
    """A read; `spi` and `opi` are (address bytes, dummy clocks), None where the mode does not have it."""
    if modes is None:
        modes = (SPI if spi else frozenset[str]()) | (OPI if opi else frozenset[str]())
    spi, opi = spi or (0, 0), opi or (0, 0)
    return Command(opcode, name, kind, modes, *spi, *opi, busy=busy, individual=individual, otp=otp)


def _switch(opcode: int, name: str, *, busy: bool = False, suspended: bool = True) -> Command:
    """A command of one opcode that needs no WEL."""
    return Command(opcode, name, "write", SPI | OPI, busy=busy, suspended=suspended)


def _change(
    opcode: int,
    name: str,
    spi: int | None,
    opi: int | None,
    data: tuple[int, int | None] = (0, 0),
    *,
    paired: bool = False,
    individual: bool = False,
    otp: bool = False,
    forbidden: str = "",
) -> Command:
    """A command behind WEL, not heard while suspended; `spi` and `opi` address bytes, None where there is none."""
    modes = (SPI if spi is not None else frozenset[str]()) | (OPI if opi is not None else frozenset[str]())
    return Command(
        opcode, name, "write", modes, spi or 0, 0, opi or 0, 0, data, paired, wel=True, individual=individual,
        suspended=False, otp=otp, forbidden=forbidden,
    )  # fmt: skip


_TABLE = (
    # 2.1 array
    _read(0x03, "READ3B", (3, 0), kind="array"),
    _read(0x13, "READ4B", (4, 0), kind="array"),
    _read(0x0B, "FAST_READ3B", (3, 8), kind="array"),
    _read(0x0C, "FAST_READ4B", (4, 8), kind="array"),
    _read(0xEC, "8READ", None, (4, BY_DC), frozenset({"8S"}), kind="array"),
    _read(0xEE, "8DTRD", None, (4, BY_DC), frozenset({"8D"}), kind="array"),
    _change(0x02, "PP3B", 3, None, (1, None), otp=True),
    _change(0x12, "PP4B", 4, 4, (1, None), otp=True),
    _change(0x20, "SE3B", 3, None),
    _change(0x21, "SE4B", 4, 4),
    _change(0xD8, "BE3B", 3, None),
    _change(0xDC, "BE4B", 4, 4),
    _change(0x60, "CE", 0, 0),
    _change(0xC7, "CE", 0, 0),
    _switch(0xB0, "SUSPEND", busy=True),  # suspended, or in the OTP area, there is nothing to suspend
    _switch(0x30, "RESUME"),
    Command(0xC0, "SBL", "write", SPI | OPI, opi_address=4, data=(1, 1), paired=True),
    # 2.2 registers and identification
    _switch(0x06, "WREN"),
    _switch(0x04, "WRDI"),
    _read(0x9F, "RDID", (0, 0), (4, 4)),
    _read(0x5A, "RDSFDP", (3, 8), (4, 20), otp=False, kind="sfdp"),
    _read(0x05, "RDSR", (0, 0), (4, 4), busy=True),
    _read(0x15, "RDCR", (0, 0), (4, 4), busy=True),
    _change(0x01, "WRSR", 0, 4, (1, 2), paired=True),
    _read(0x71, "RDCR2", (4, 0), (4, 4)),  # while busy by address
    # WEL and while busy by address
    Command(0x72, "WRCR2", "write", SPI | OPI, spi_address=4, opi_address=4, data=(1, 1), paired=True),
    _read(0x2B, "RDSCUR", (0, 0), (4, 4), busy=True),
    _read(0x16, "RDFBR", (0, 0), (4, 4)),
    _change(0x17, "WRFBR", 0, 4, (4, 4), forbidden=STAYS),
    _change(0x18, "ESFBR", 0, 0),
    _switch(0x66, "RSTEN", busy=True),
    _switch(0x99, "RST", busy=True),
    _switch(0x00, "NOP"),
    _switch(0xB9, "DP", suspended=False),
    _switch(0xAB, "RDP"),
    _switch(0xB1, "ENSO"),
    _switch(0xC1, "EXSO"),
    _change(0x2F, "WRSCUR", 0, 0, forbidden=UNDOABLE),
    # 2.3 protection group
    _change(0x68, "WPSEL", 0, 0, forbidden=UNDOABLE),
    _change(0x7E, "GBLK", 0, 0, individual=True),
    _change(0x98, "GBULK", 0, 0, individual=True),
    _read(0xE0, "RDDPB", (4, 0), (4, BY_DC), individual=True, otp=False),
    _change(0xE1, "WRDPB", 4, 4, (1, 1), paired=True, individual=True),
    _read(0xE2, "RDSPB", (4, 0), (4, BY_DC), individual=True, otp=False),
    _change(0xE3, "WRSPB", 4, 4, forbidden=STAYS),
    _change(0xE4, "ESSPB", 0, 0, individual=True),
    _read(0x2D, "RDLR", (0, 0), (4, 4), individual=True, otp=False),
    _change(0x2C, "WRLR", 0, 4, (1, 1), paired=True, forbidden=UNDOABLE),
    _read(0x27, "RDPASS", (4, 8), (4, 20), individual=True, otp=False),
    _change(0x28, "WRPASS", 4, 4, (8, 8), forbidden=UNDOABLE),
    _change(0x29, "PASSULK", 4, 4, (8, 8), individual=True),
)

COMMANDS: dict[int, Command] = {command.opcode: command for command in _TABLE}
