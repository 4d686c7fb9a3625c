"""The STM32N657: regions of the memory map, addresses the debugger needs, silicon cuts. Facts only, no policy.

Sources, by the short names used below: HDR = ST's CMSIS header stm32n657xx.h 1.1.0; SVD = STM32N657.svd v1r0;
ES0620 = ST's errata sheet Rev 3; DFP = Keil.STM32N6xx_DFP; HAL = stm32n6xx-hal-driver 1.1.0.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

SECURE_ALIAS = 0x1000_0000
"""Secure address = non-secure address + this: RAM, TCM, boot ROM, peripherals. XSPI windows have one address (HDR)."""


@dataclass(frozen=True, slots=True)
class Region:
    """A range of the memory map: name as in the reference manual, start address, size in bytes, kind.

    `secure_alias_of` is the start of the non-secure twin, or None when this is that twin or there is none.
    """

    name: str
    start: int
    size: int
    kind: str
    secure_alias_of: int | None = None

    @property
    def end(self) -> int:
        """The first address behind the region."""
        return self.start + self.size

    def __contains__(self, address: int) -> bool:
        return self.start <= address < self.end


# Windows of the external memories (HDR XSPI2_BASE and so on; users know them as "the flash at 0x7000_0000").
XSPI2_BASE = 0x7000_0000
XSPI2_WINDOW = 0x1000_0000
XSPI3_BASE = 0x8000_0000
XSPI1_BASE = 0x9000_0000
FMC_BASE = 0x6000_0000

_WITH_ALIAS = (
    # HDR, DFP. TCM sizes are the largest that CM55TCMCR can give; 64 KiB and 128 KiB are the defaults.
    ("ITCM", 0x0000_0000, 0x4_0000, "itcm"),
    ("boot ROM", 0x0800_0000, 0x2_0000, "bootrom"),
    ("DTCM", 0x2000_0000, 0x4_0000, "dtcm"),
    ("FLEXRAM", 0x2400_0000, 0x6_4000, "flexram"),
    ("AXISRAM1", 0x2406_4000, 0x9_C000, "axisram"),
    ("AXISRAM2", 0x2410_0000, 0x10_0000, "axisram"),
    ("AXISRAM3", 0x2420_0000, 0x7_0000, "axisram"),
    ("AXISRAM4", 0x2427_0000, 0x7_0000, "axisram"),
    ("AXISRAM5", 0x242E_0000, 0x7_0000, "axisram"),
    ("AXISRAM6", 0x2435_0000, 0x7_0000, "axisram"),
    ("NPU cache RAM", 0x243C_0000, 0x4_0000, "npuram"),
    ("VENCRAM", 0x2440_0000, 0x2_0000, "vencram"),
    ("AHBSRAM1", 0x2800_0000, 0x4000, "ahbsram"),
    ("AHBSRAM2", 0x2800_4000, 0x4000, "ahbsram"),
    ("BKPSRAM", 0x2C00_0000, 0x2000, "bkpsram"),
    ("peripherals", 0x4000_0000, 0x1000_0000, "peripheral"),
)
_SINGLE = (
    # Not a memory: what 0x7000_0000 becomes when a zero is lost; the boot ROM starts right above it.
    ("nothing (0x70000000 with a digit lost?)", 0x0700_0000, 0x100_0000, "typo07"),
    ("FMC", FMC_BASE, 0x1000_0000, "fmc"),
    ("XSPI2", XSPI2_BASE, XSPI2_WINDOW, "nor"),
    ("XSPI3", XSPI3_BASE, 0x1000_0000, "xspi3"),
    ("XSPI1", XSPI1_BASE, 0x1000_0000, "psram"),
    ("private peripherals", 0xE000_0000, 0x10_0000, "ppb"),
)

REGIONS: tuple[Region, ...] = tuple(
    sorted(
        [Region(*row) for row in (*_WITH_ALIAS, *_SINGLE)]
        + [Region(name, start + SECURE_ALIAS, size, kind, start) for name, start, size, kind in _WITH_ALIAS],
        key=lambda region: region.start,
    )
)
"""Every region, both aliases, ascending and without overlap."""

_STARTS = [region.start for region in REGIONS]


def region_at(address: int) -> Region | None:
    """The region that holds this address, or None where the map has a hole."""
    index = bisect_right(_STARTS, address) - 1
    if index >= 0 and address in REGIONS[index]:
        return REGIONS[index]
    return None


# --- where a RAM loader may live -------------------------------------------------------------------------------------
# AXISRAM1 above 0x3407_0000: on after reset (RCC_MEMENR 0x13FF), no SRAMSD shutdown, no ECC as TCM and BKPSRAM have,
# not used by the boot ROM (its traces lie at 0x3410_37F0) nor by an FSBL (0x3418_0000).
LOADER_BASE = 0x3407_0000
LOADER_SIZE = 0x4000
LOADER_STACK_TOP = 0x3407_8000
LOADER_STACK_SIZE = 0x2000
LOADER_PARAMS = 0x3407_8000
LOADER_PARAMS_SIZE = 0x8000
LOADER_BUFFER = 0x3408_0000
LOADER_BUFFER_SIZE = 0x1_0000
LOADER_KEEP = 0x3409_0000
LOADER_KEEP_SIZE = 0x1_0000
LOADER_TABLE = 0x340A_0000
LOADER_TABLE_SIZE = 0x1_0000
LOADER_END = 0x340B_0000


# --- identity --------------------------------------------------------------------------------------------------------
DPIDR = 0x6BA0_2477  # SW-DP, ADIv5, DPv2 (OpenOCD stm32n6x.cfg)
DEV_ID = 0x486  # DBGMCU_IDCODE[11:0] (SVD)
AP_SYSTEM = 0  # APB-AP: ROM table and DBGMCU; open from reset (DFP)
AP_CORE = 1  # AHB-AP of the Cortex-M55; closed until the boot ROM opens it (DBGMCU_SR.17)

BOOT_ROM = 0x1800_0000
BOOT_ROM_SIZE = 0x2_0000

REVISION_WORDS = (0x1800_47EC, 0x1800_1004)
"""Where the silicon revision stands in the boot ROM: HAL_GetREVID reads the first, ES0620 names the second.

DBGMCU REV_ID is 0x1000 on every cut (ES0620 2.2.5)."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A silicon cut: its revision word, name, letter on the package, and the STM2 header version its boot ROM wants."""

    word: int
    name: str
    letter: str
    header: str


# LL_GetRevisionID values (stm32n6xx_ll_system.h); header versions by package code Z and B (ST wiki, header tool 2.21).
CUTS: tuple[Cut, ...] = (
    Cut(0x100, "1.0", "Z", "2.1"),
    Cut(0x101, "1.1", "Z", "2.1"),
    Cut(0x200, "2.0", "B", "2.3"),
)


def cut_of(*words: int) -> Cut | None:
    """The cut that the first known revision word names, or None."""
    for word in words:
        for cut in CUTS:
            if cut.word == word:
                return cut
    return None


# --- registers the debugger reads and writes --------------------------------------------------------------------------
# DBGMCU through AP0 (DFP, probe-rs: ROM table at 0x8000_0000, DBGMCU at + 0x1000). Offsets: HDR DBGMCU_TypeDef.
AP0_DBGMCU = 0x8000_1000
AP0_DBGMCU_IDCODE = AP0_DBGMCU + 0x00
AP0_DBGMCU_CR = AP0_DBGMCU + 0x04
AP0_DBGMCU_APB1LFZ1 = AP0_DBGMCU + 0x10
AP0_DBGMCU_APB4FZ1 = AP0_DBGMCU + 0x1C
AP0_DBGMCU_SR = AP0_DBGMCU + 0xFC
DBGMCU_SR_AP1_ENABLE = 1 << 17
DBGMCU_CR_LOW_POWER = 0x7  # DBG_SLEEP, DBG_STOP, DBG_STANDBY: the debug clocks survive WFI
DBGMCU_CR_CLOCKS = 1 << 20  # DBGCLKEN
DBGMCU_APB1LFZ1_WWDG = 1 << 11
DBGMCU_APB4FZ1_IWDG = 1 << 18

# RCC, secure alias (HDR RCC_TypeDef; every enable register has a write-1-to-set twin at + 0x800).
RCC = 0x5602_8000
RCC_MEMENR = RCC + 0x24C
RCC_AHB2ENR = RCC + 0x254
RCC_MEMENR_AXISRAM2 = 1 << 8
RCC_AHB2_RAMCFG = 1 << 12
RCC_AHB5ENR = RCC + 0x260
RCC_APB4ENR2 = RCC + 0x278
RCC_APB4ENSR2 = RCC + 0xA78
RCC_APB4ENR2_SYSCFG = 1 << 0
RCC_APB4ENR2_BSEC = 1 << 1

# SYSCFG: its clock is off at reset, and an access without it never completes: only power brings AP1 back.
SYSCFG = 0x5600_8000
SYSCFG_BOOTSR = SYSCFG + 0x100  # BOOT0 in bit 0, BOOT1 in bit 1
SYSCFG_SIZE = 0x1000

# BSEC (SVD). FVRn at base + 4n.
BSEC = 0x5600_9000
BSEC_FVR = BSEC
BSEC_UID = BSEC + 0x14  # three words, FVR5..7
BSEC_SR = BSEC + 0xE40  # NVSTATE in [31:26]: 0x16 open, 0x0D closed
BSEC_DBGCR = BSEC + 0xE8C
BSEC_AP_UNLOCK = BSEC + 0xE90
BSEC_NVSTATES = {0x16: "open", 0x0D: "closed", 0x07: "invalid", 0x23: "invalid, tampered"}

# The three XSPI: registers, window and the clock bit in RCC_AHB5ENR (HDR).
XSPI1 = 0x5802_5000
XSPI2 = 0x5802_A000
XSPI3 = 0x5802_D000
XSPIM = 0x5802_B400
XSPI_CR = 0x000
XSPI_CR_EN = 1 << 0
XSPI_CR_FMODE = 3 << 28
XSPI_CR_FMODE_MAPPED = 3 << 28
XSPI_SR = 0x020
RCC_AHB5_XSPI1 = 1 << 5
RCC_AHB5_XSPI2 = 1 << 12
RCC_AHB5_XSPIM = 1 << 13
RCC_AHB5_XSPI3 = 1 << 17

XSPI_WINDOWS: tuple[tuple[int, int, int, int], ...] = (
    (XSPI2_BASE, XSPI2_WINDOW, XSPI2, RCC_AHB5_XSPI2),
    (XSPI3_BASE, 0x1000_0000, XSPI3, RCC_AHB5_XSPI3),
    (XSPI1_BASE, 0x1000_0000, XSPI1, RCC_AHB5_XSPI1),
)
"""(window, size, registers, bit in RCC_AHB5ENR) of each XSPI."""

# PWR_SVMCR3: VDDIO3SV bit 9 tells the pads of port 2 that their supply is there (SVD).
PWR_SVMCR3 = 0x5602_483C

# RAMCFG: AXISRAM3..6 have a shutdown bit each (SVD; probe-rs clears all four).
RAMCFG = 0x5202_3000
RAMCFG_AXISRAM2_CR = RAMCFG + 0x080
RAMCFG_AXISRAM3_CR = RAMCFG + 0x100
RAMCFG_STRIDE = 0x80
RAMCFG_CR_SRAMSD = 1 << 20

# Core registers (Armv8-M Architecture Reference Manual).
CCR = 0xE000_ED14
CCR_CACHES_OFF = 0x0000_0201  # what the boot ROM leaves: STKALIGN set, IC = DC = LOB = 0
SHCSR = 0xE000_ED24
CFSR = 0xE000_ED28
HFSR = 0xE000_ED2C
DFSR = 0xE000_ED30
MMFAR = 0xE000_ED34
BFAR = 0xE000_ED38
MPU_CTRL = 0xE000_ED94
DHCSR = 0xE000_EDF0
DEMCR = 0xE000_EDFC
DEMCR_TRCENA = 1 << 24
DEMCR_VC_HARDERR = 1 << 10
DEMCR_VC_FAULTS = 0x7F0 | (1 << 11)  # VC_MMERR 4 .. VC_HARDERR 10, VC_SFERR 11
DSCSR = 0xE000_EE08
DSCSR_CDS = 1 << 16
FPCCR = 0xE000_EF34
FPCCR_RESET = 0xC000_0000  # ASPEN and LSPEN set, LSPACT clear: no lazy state pending from code that was stopped
ICIALLU = 0xE000_EF50
SFSR = 0xE000_EDE4

# The boot ROM's trace, in AXISRAM2: buffers written in secure and in non-secure state (header.md 5, hw-soc 1.7).
BOOT_TRACE_SECURE, BOOT_TRACE_NONSECURE = 0x3410_37F0, 0x2410_77F0
BOOT_TRACE_SIZE = 2048
