"""What the simulated NOR parts are: identity, SFDP image, times. Kept apart from the tool's own tables on purpose.

Sources: SFDP images as Macronix staff posted them for Linux (checked by the md5 published with them), times from SFDP
BFPT DW10/DW11 (typicals), the rest from Macronix's Verilog model of the MX66UM1G45G rev 1.6 and ST's component drivers.
"""

from __future__ import annotations

from dataclasses import dataclass

US = 1_000_000  # picoseconds
MS = 1_000_000_000
SECOND = 1_000_000_000_000

_SFDP_MX25UM51245G = bytes.fromhex(
    "53464450080104fd00070114400000ff"  # 000 header 1.8, five parameter headers
    "8701011c900000ff0a000108000100ff"
    "05000105200100ff84000102340100ff"
    "0000000000000000ffffffffffffffff"
    "e5208affffffff1f00ff00ff00ff00ff"  # 040 BFPT 1.7, 20 words
    "eeffffffffff00ffffff00ff0c2010d8"
    "00ff00ff8b7901008f1200e2cc046746"
    "30b030b0f4bdd55c000000ff10100020"
    "0000000000007ca34800000000008888"
    "00000000000000400fd1fff30fd1fff3"  # 090 SCCR map
    "00050090000500b1002b0095002b0096"
    "727103b8727103b80000000090a31882"
    "00c06996000000000000000072710098"
    "727100b8727100990000000072710098"
    "727100f872710099727100f900000000"
    "00000000011501d0727106d800008650"
    "00000601000000000200010300020000"  # 100 octal DDR entry sequence
    "00000601000000000000720600020000"
    "00eec0697272717100d8f7f6000a0000"  # 120 profile 1.0
    "14359c8043060f0021dcffff"  # 134 4-byte address instructions
)
SFDP_WINDOW = 512  # nine address bits; what lies behind the tables reads FF


def _sfdp_1g() -> bytes:
    """The MX66UW1G45G's image: three bytes differ (density, and 133 MHz needs 12 dummies)."""
    image = bytearray(_SFDP_MX25UM51245G)
    image[0x047] = 0x3F
    image[0x131] = 0x45
    image[0x132] = 0x98
    return bytes(image)


@dataclass(frozen=True, slots=True)
class NorFacts:
    """One NOR part. Sizes in bytes, times in picoseconds."""

    name: str
    jedec: bytes
    size: int
    sfdp: bytes
    banks: int = 1  # more than one: reads go on in the others while one is busy
    dies: int = 1
    page: int = 256
    sector: int = 0x1000
    block: int = 0x10000
    ecc_chunk: int = 16
    page_time: int = 152 * US
    sector_time: int = 25 * MS
    block_time: int = 256 * MS
    chip_time: int = 192 * SECOND
    status_time: int = 40 * MS  # tW: WRSR, WRCR (the only figure there is)
    program_settle: int = 20_000  # tCEH: CS# low again within it, and the program is cancelled
    protected_program: int = 2 * US  # then P_FAIL
    protected_erase: int = 100 * US  # then E_FAIL
    password_right: int = 2 * US
    password_wrong: int = 150 * US
    suspend_program: int = 25 * US  # latencies, SFDP BFPT DW12
    suspend_erase: int = 56 * US
    suspend_too_late: int = 2 * US  # at the end of an operation a suspend is not heard (Verilog model)
    progress_program: int = 192 * US  # between resume and the next suspend, SFDP BFPT DW12
    progress_erase: int = 448 * US
    power_up: int = 1500 * US  # tVSL
    enter_power_down: int = 10 * US
    leave_power_down: int = 30 * US
    reset_pulse: int = 10 * US  # RESET# low at least
    reset_high: int = 10 * US  # tRHSL: RESET# high to CS# low
    # Recovery after a reset by what it interrupted (tREADY2; Verilog model, ST's 100 ms bound agrees)
    recovery_idle: int = 40 * US
    recovery_program: int = 310 * US
    recovery_sector: int = 12 * MS
    recovery_block: int = 25 * MS
    recovery_chip: int = 100 * MS
    recovery_status: int = 40 * MS

    @property
    def bank_size(self) -> int:
        """Bytes of a bank (that all are equal is a GUESS)."""
        return self.size // self.banks

    @property
    def die_size(self) -> int:
        """Bytes of a die."""
        return self.size // self.dies


MX25UM51245G = NorFacts("MX25UM51245G", bytes((0xC2, 0x80, 0x3A)), 64 << 20, _SFDP_MX25UM51245G)
MX66UW1G45G = NorFacts("MX66UW1G45G", bytes((0xC2, 0x81, 0x3B)), 128 << 20, _sfdp_1g(), banks=4, dies=2)

PARTS = {part.name: part for part in (MX25UM51245G, MX66UW1G45G)}


def nor_facts(name: str) -> NorFacts:
    """The part of that name, any case. Raises KeyError with the names there are."""
    for part in PARTS.values():
        if part.name.lower() == name.lower():
            return part
    raise KeyError(f"no simulated part {name!r}; there are {', '.join(sorted(PARTS))}")
