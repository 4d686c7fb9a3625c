"""What exception entry and return need (Armv8-M ARM B3.20 to B3.23), as far as faults and SVC go.

No floating-point frame, one security state, no interrupts.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

HARD, MEMMANAGE, BUS, USAGE, SVC = 3, 4, 5, 6, 11
CFSR_IACCVIOL, CFSR_DACCVIOL, CFSR_MMARVALID = 1 << 0, 1 << 1, 1 << 7
CFSR_IBUSERR, CFSR_PRECISERR, CFSR_STKERR, CFSR_BFARVALID = 1 << 8, 1 << 9, 1 << 12, 1 << 15
CFSR_UNDEFINSTR, CFSR_INVSTATE, CFSR_INVPC, CFSR_NOCP, CFSR_STKOF = (1 << 16 + bit for bit in range(5))
HFSR_VECTTBL, HFSR_FORCED, HFSR_DEBUGEVT = 1 << 1, 1 << 30, 1 << 31
FRAME = 32
LOCKUP_PC = 0xEFFF_FFFE
ENABLES = {MEMMANAGE: 1 << 16, BUS: 1 << 17, USAGE: 1 << 18}  # in SHCSR


@dataclass(frozen=True, slots=True)
class Fault:
    """What a stop of the engine means: exception number, CFSR bits, and whether `address` goes to BFAR or MMFAR."""

    exception: int
    cfsr: int
    text: str


FAULTS = {
    "bus": Fault(BUS, CFSR_PRECISERR | CFSR_BFARVALID, "bus error"),
    "fetch": Fault(BUS, CFSR_IBUSERR, "bus error on an instruction fetch"),
    "mpu-data": Fault(MEMMANAGE, CFSR_DACCVIOL | CFSR_MMARVALID, "the MPU forbids this access"),
    "mpu-fetch": Fault(MEMMANAGE, CFSR_IACCVIOL, "the MPU forbids execution here"),
    "undef": Fault(USAGE, CFSR_UNDEFINSTR, "undefined instruction"),
    "invstate": Fault(USAGE, CFSR_INVSTATE, "not Thumb state"),
    "invpc": Fault(USAGE, CFSR_INVPC, "bad exception return"),
    "nocp": Fault(USAGE, CFSR_NOCP, "coprocessor (FPU, MVE) is off"),
    "stkof": Fault(USAGE, CFSR_STKOF, "stack pointer below its limit (MSPLIM, PSPLIM)"),
}


def pack_frame(registers: list[int]) -> bytes:
    """r0, r1, r2, r3, r12, lr, return address, xPSR as pushed on exception entry."""
    return struct.pack("<8I", *registers)


def unpack_frame(data: bytes | memoryview) -> tuple[int, ...]:
    """The eight words of a frame."""
    return struct.unpack("<8I", data)
