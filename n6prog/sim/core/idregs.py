"""Identity words: the core's feature registers and the CoreSight tables that a debugger walks.

Component numbers: Arm Cortex-M55 TRM (designer 0x43B, part 0xD22), as pyOCD and OpenOCD expect them (hw-soc 1.2, 1.3).
Where ST published nothing (ROM table PIDR) the pattern of the STM32H5 is used.
"""

from __future__ import annotations

SCS = 0xE000_E000
CPUID = 0x411F_D221  # Cortex-M55 r1p1, read on real boards (hw-soc 1.3)

FEATURES = {
    SCS + 0x004: 6,  # ICTR: 195 interrupts
    SCS + 0xD00: CPUID,
    SCS + 0xD40: 0x2000_0030,  # ID_PFR0
    SCS + 0xD44: 0x0000_0230,  # ID_PFR1: security extension of v8.1-M
    SCS + 0xD48: 0x1020_0000,  # ID_DFR0
    SCS + 0xD50: 0x0011_1040,  # ID_MMFR0
    SCS + 0xD58: 0x0100_0000,  # ID_MMFR2
    SCS + 0xD5C: 0x0000_0011,  # ID_MMFR3
    SCS + 0xD60: 0x0110_3110,  # ID_ISAR0: low-overhead branches
    SCS + 0xD64: 0x0221_2000,
    SCS + 0xD68: 0x2023_2232,
    SCS + 0xD6C: 0x0111_1131,
    SCS + 0xD70: 0x0131_0132,
    SCS + 0xD78: 0x0900_0003,  # CLIDR: both caches
    SCS + 0xD7C: 0x8303_C003,  # CTR
    SCS + 0xD90: 0x0000_1000,  # MPU_TYPE: 16 regions
    SCS + 0xDD0: 0x0000_0008,  # SAU_TYPE: 8 regions
    SCS + 0xF40: 0x1011_0221,  # MVFR0: double precision
    SCS + 0xF44: 0x1210_0211,  # MVFR1: MVE with floating point
    SCS + 0xF48: 0x0000_0040,  # MVFR2
    SCS + 0xFB8: 0x0000_00FF,  # DAUTHSTATUS: all debug allowed
    0xE000_3E00: 0x00A0_5F08,  # PMU_TYPE: 8 counters
    0xE001_E000: 0x0001_300A,  # MSCR as read on a board in development boot
}
DCACHE_CCSIDR = (255 << 13) | (3 << 3) | 1  # 32 KiB, 4 ways, 32-byte lines
ICACHE_CCSIDR = (511 << 13) | (1 << 3) | 1  # 32 KiB, 2 ways

# base: (DEVTYPE, ARCHID) of the core's components
COMPONENTS = {
    0xE000_E000: (0x00, 0x2A04),
    0xE000_1000: (0x00, 0x1A02),
    0xE000_2000: (0x00, 0x1A03),
    0xE000_0000: (0x43, 0x1A01),
    0xE000_3000: (0x16, 0x0A06),
    0xE004_1000: (0x13, 0x4A13),
    0xE004_2000: (0x14, 0x1A14),
}
CORE_TABLE = 0xE00F_F000
TOP_TABLE = 0xE00F_E000
AP0_TABLE = 0x8000_0000

ST_PIDR = (0x86, 0x04, 0x0A, 0x00, 0x00)  # designer ST (0x20), part 0x486
ARM_M55_PIDR = (0x22, 0xBD, 0x1B, 0x00, 0x04)


def _frame(base: int, pidr: tuple[int, ...], component_class: int) -> dict[int, int]:
    cidr = (0x0D, component_class << 4, 0x05, 0xB1)
    words = {base + 0xFF0 + 4 * index: value for index, value in enumerate(cidr)}
    words |= {base + 0xFE0 + 4 * index: value for index, value in enumerate(pidr[:4])}
    words[base + 0xFD0] = pidr[4]
    return words


def _table(base: int, targets: tuple[int, ...]) -> dict[int, int]:
    """A class 1 ROM table at `base` that points at `targets`."""
    words = {base + 4 * index: ((target - base) & 0xFFFF_F000) | 3 for index, target in enumerate(targets)}
    return words | {base + 0xFCC: 1} | _frame(base, ST_PIDR, 1)


def core_words() -> dict[int, int]:
    """Read-only words of the private peripheral bus."""
    words = dict(FEATURES)
    for base, (devtype, archid) in COMPONENTS.items():
        words |= _frame(base, ARM_M55_PIDR, 9)
        words[base + 0xFBC] = 0x4770_0000 | archid
        words[base + 0xFCC] = devtype
    return words | _table(CORE_TABLE, tuple(COMPONENTS)) | _table(TOP_TABLE, (CORE_TABLE,))


def ap0_words() -> dict[int, int]:
    """The ROM table that AP0 shows at 0x8000_0000; its one entry is DBGMCU at +0x1000, a component of class 15."""
    return _table(AP0_TABLE, (AP0_TABLE + 0x1000,)) | _frame(AP0_TABLE + 0x1000, ST_PIDR, 15)
