"""The faults the core knows, their status bits, and the frames of exception entry (Armv8-M ARM B3.20 to 23, D1.2)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

HARD, MEMMANAGE, BUS, USAGE, SVC, DEBUGMON = 3, 4, 5, 6, 11, 12
CFSR_IACCVIOL, CFSR_DACCVIOL, CFSR_MMARVALID = 1 << 0, 1 << 1, 1 << 7
CFSR_IBUSERR, CFSR_PRECISERR, CFSR_UNSTKERR, CFSR_STKERR, CFSR_BFARVALID = (1 << bit for bit in (8, 9, 11, 12, 15))
CFSR_UNDEFINSTR, CFSR_INVSTATE, CFSR_INVPC, CFSR_NOCP, CFSR_STKOF = (1 << 16 + bit for bit in range(5))
CFSR_UNALIGNED, CFSR_DIVBYZERO = 1 << 24, 1 << 25
HFSR_VECTTBL, HFSR_FORCED, HFSR_DEBUGEVT = 1 << 1, 1 << 30, 1 << 31
LOCKUP_PC = 0xEFFF_FFFE

# DEMCR vector catch bits.
VC_CORERESET, VC_MMERR, VC_NOCPERR, VC_CHKERR, VC_STATERR, VC_BUSERR, VC_INTERR, VC_HARDERR = (
    1 << bit for bit in (0, 4, 5, 6, 7, 8, 9, 10)
)

BASIC_FRAME, EXTENDED_FRAME = 32, 104  # bytes; the second holds S0 to S15, FPSCR and a word for VPR as well
BASIC_REGISTERS = (0, 1, 2, 3, 12, 14)

# EXC_RETURN (D1.2.95). What Secure code on a core with the Security Extension sees: bits 31:7 ones, S (6) and ES (0)
# set as stack and exception are Secure, DCRS (5) set as only the basic registers are stacked.
RETURN_PREFIX = 0xFFFF_FFE1
RETURN_SPSEL, RETURN_MODE, RETURN_FTYPE = 1 << 2, 1 << 3, 1 << 4


@dataclass(frozen=True, slots=True)
class Fault:
    """What a stop of the engine means: exception number, CFSR bits, the vector catch bit, and a text."""

    exception: int
    cfsr: int
    catch: int
    text: str


FAULTS = {
    "bus": Fault(BUS, CFSR_PRECISERR | CFSR_BFARVALID, VC_BUSERR, "bus error"),
    "fetch": Fault(BUS, CFSR_IBUSERR, VC_BUSERR, "bus error on an instruction fetch"),
    "ecc": Fault(BUS, CFSR_PRECISERR | CFSR_BFARVALID, VC_BUSERR, "ECC error: TCM that was never written was read"),
    "ecc-fetch": Fault(BUS, CFSR_IBUSERR, VC_BUSERR, "ECC error: instruction fetch from TCM that was never written"),
    "mpu-data": Fault(MEMMANAGE, CFSR_DACCVIOL | CFSR_MMARVALID, VC_MMERR, "the MPU forbids this access"),
    "mpu-fetch": Fault(MEMMANAGE, CFSR_IACCVIOL, VC_MMERR, "the MPU forbids execution here"),
    "undef": Fault(USAGE, CFSR_UNDEFINSTR, VC_STATERR, "undefined instruction"),
    "mve": Fault(
        USAGE, CFSR_UNDEFINSTR, VC_STATERR, "an MVE, half or double precision instruction, which is not modelled"
    ),
    "invstate": Fault(USAGE, CFSR_INVSTATE, VC_STATERR, "not Thumb state"),
    "invpc": Fault(USAGE, CFSR_INVPC, VC_STATERR | VC_INTERR, "bad exception return"),
    "nocp": Fault(USAGE, CFSR_NOCP, VC_NOCPERR, "coprocessor (FPU, MVE) is off"),
    "stkof": Fault(USAGE, CFSR_STKOF, VC_STATERR, "stack pointer below its limit (MSPLIM, PSPLIM)"),
    "unaligned": Fault(USAGE, CFSR_UNALIGNED, VC_CHKERR, "unaligned access with CCR.UNALIGN_TRP set"),
    "divbyzero": Fault(USAGE, CFSR_DIVBYZERO, VC_CHKERR, "division by zero with CCR.DIV_0_TRP set"),
    # On the way into or out of an exception.
    "entry-stkof": Fault(USAGE, CFSR_STKOF, VC_INTERR, "no room for an exception frame above the stack limit"),
    "entry-bus": Fault(BUS, CFSR_STKERR, VC_INTERR, "bus error while an exception frame was pushed"),
    "exit-bus": Fault(BUS, CFSR_UNSTKERR, VC_INTERR, "bus error while an exception frame was popped"),
}


def pack_frame(words: list[int]) -> bytes:
    """r0, r1, r2, r3, r12, lr, return address, xPSR as pushed on exception entry, and what follows them."""
    return struct.pack(f"<{len(words)}I", *words)


def unpack_frame(data: bytes | memoryview) -> tuple[int, ...]:
    """The words of a frame."""
    return struct.unpack(f"<{len(data) // 4}I", data)
