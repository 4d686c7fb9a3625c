"""What is wrong with a board, and what a failure means: checks that change nothing, and `explain`.

Nothing is written to the flash, no code runs on the chip, and what is changed for a moment is put back. The core is
halted only in the connect modes that say so:

auto, attach    never halted. Where the boot ROM's waiting loop has the core, the flash port is set up through AP1 for
                read commands (some seconds where images are large) and put back as it was. Where a program has it,
                what that program may use is left alone: those checks say "not checked, use --connect halt".
halt            halted while connected, and running on afterwards: the port can be borrowed, mapping and all, since
                nothing runs meanwhile. Registers and RAM of the program are not touched.
under-reset     the board is reset: nothing is as it was found, but everything can be looked at.

A debugger's own registers (DBGMCU_CR and its freeze bits, DEMCR, breakpoints) are set by connecting, as by any other.
"""

from n6prog.doctor.examine import CHECKS, Examination, examine
from n6prog.doctor.explain import explain, explained, explained_error
from n6prog.doctor.report import write_report
from n6prog.doctor.types import Check, Verdict

__all__ = [
    "CHECKS",
    "Check",
    "Examination",
    "Verdict",
    "examine",
    "explain",
    "explained",
    "explained_error",
    "write_report",
]
