"""The XSPI register map: offsets, flags, writable bits (hw-soc 7.2; SVD, CMSIS header, HAL)."""

from __future__ import annotations

CR, DCR1, DCR2, SR, FCR, DLR, AR, DR = 0x000, 0x008, 0x00C, 0x020, 0x024, 0x040, 0x048, 0x050
PSMKR, PSMAR, PIR, CCR, TCR, IR, ABR, LPTR = 0x080, 0x088, 0x090, 0x100, 0x108, 0x110, 0x120, 0x130
WCCR, WTCR, WIR, WABR, CALFCR, SIDR = 0x180, 0x188, 0x190, 0x1A0, 0x210, 0x3FC
CALSOR, CALSIR = 0x220, 0x228

EN, ABORT, TCEN, APMS, PMM, CSSEL, NOPREF = 1, 1 << 1, 1 << 3, 1 << 22, 1 << 23, 1 << 24, 1 << 25
TEF, TCF, FTF, SMF, TOF, BUSY = 1, 2, 4, 8, 16, 32
CLEARABLE = TEF | TCF | SMF | TOF  # FTF follows the FIFO and is not cleared by FCR
IRQ_SHIFT = 16  # CR: TEIE, TCIE, FTIE, SMIE, TOIE stand above the flags in the same order
IRQ_FLAGS = TEF | TCF | FTF | SMF | TOF
MSEL = 30  # shift
ADDRESSED = 7 << 8  # CCR.ADMODE: the frame has an address, and starts with AR instead of IR
DHQC = 1 << 28
DQSE = 1 << 29
FIFO = 64
# what a controller is doing. WRITE: data are missing, DRAIN: all are in the FIFO or out; STUCK: its clock went away
IDLE, READ, WRITE, DRAIN, COMMAND, POLL, MAPPED, STUCK = range(8)
NEVER = 1 << 62
UNLIMITED = 0xFFFF_FFFF  # DLR: up to the end of the device
LONGEST_READ = 1 << 27  # of one indirect read no more bytes are kept (no part here is larger)

# register: bits that exist
WRITABLE = {
    CR: 0xF7DF_3FCD, DCR1: 0x073F_3F03, DCR2: 0x0007_00FF, 0x010: 0x001F_00FF, 0x014: 0xFFFF_FFFF, DLR: 0xFFFF_FFFF,
    AR: 0xFFFF_FFFF, PSMKR: 0xFFFF_FFFF, PSMAR: 0xFFFF_FFFF, PIR: 0xFFFF, CCR: 0x2F3F_3F3F, TCR: 0x5000_001F,
    IR: 0xFFFF_FFFF, ABR: 0xFFFF_FFFF, LPTR: 0xFFFF, 0x140: 0x2F3F_3F3F, 0x148: 0x5000_001F, 0x150: 0xFFFF_FFFF,
    0x160: 0xFFFF_FFFF, WCCR: 0x2F3F_3F3F, WTCR: 0x0000_001F, WIR: 0xFFFF_FFFF, WABR: 0xFFFF_FFFF, 0x200: 0x00FF_FF03,
    0x218: 0x001F_007F, CALSOR: 0x001F_007F, CALSIR: 0x001F_007F,
}  # fmt: skip
# changeable only while BUSY is 0: TCEN, DMM, FSEL, APMS, PMM, CSSEL, NOPREF, NOPREF_AXI, FMODE, MSEL
CR_QUIET_BITS = 0xF7C0_00C8
