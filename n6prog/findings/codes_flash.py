"""Findings about the loader and the NOR flash."""

from __future__ import annotations

from n6prog.findings.entry import Entry, error, note, warning
from n6prog.findings.model import ExitCode

_AGAIN = (
    "Run the same command again: only what is not right yet is written. "
    "If it stays, power-cycle the board with BOOT1=1 first."
)
_SLOWER = "Run again with a slower SWD clock (-f 1M), a shorter cable, no USB hub."
_NOT_ADDRESS = "no wrong address in the file; the flash did not do as it was told"

FLASH: dict[str, Entry] = {
    # the loader
    "E-LOADER-DAMAGED": error(
        ExitCode.FLASH,
        "the flash algorithm {subject} is damaged: SHA-256 {found}, recorded {expected}; it was not sent to the chip",
        "Install n6prog again (pip install --force-reinstall n6prog).",
    ),
    "E-LOADER-FILE": error(
        ExitCode.FLASH,
        "the flash algorithm {subject} cannot be used: {reason}",
        "Install n6prog again, or name another loader image.",
    ),
    "E-LOADER-RAM": error(
        ExitCode.FLASH,
        "the loader does not read back as written: {count} of {size} bytes differ, the first at {address:#010x} "
        "(wrote {wrote:#04x}, read {read:#04x}); it was not started",
        _SLOWER + " If it stays, power-cycle the board.",
        "the flash was not touched",
    ),
    "E-LOADER-STATUS": error(
        ExitCode.FLASH,
        "the loader ended {subject} at {address:#010x} with status {status} ({name})",
        "Power-cycle the board with BOOT1=1 and run again; if it stays, report it with --log FILE.",
    ),
    "E-LOADER-ANSWER": error(
        ExitCode.FLASH,
        "the loader says {subject} at {address:#010x} is done, and left no result",
        "Power-cycle the board with BOOT1=1 and run again. The loader in RAM is damaged or was overwritten.",
    ),
    "E-LOADER-STUCK": error(
        ExitCode.FLASH,
        "the loader hangs in {subject}, and the core cannot be halted any more",
        "Run the same command again: the chip is reset first. If it stays, power-cycle the board with BOOT1=1, and "
        "report it with --log FILE.",
    ),
    # finding the NOR
    "E-FLASH-ID": error(
        ExitCode.FLASH,
        "XSPI2 works but no flash answers: RDID reads {rdid}",
        "FF or 00 in all modes: the NOR is held in reset, has no power, or sits on other pins than board {board} says. "
        "Power-cycle the board with BOOT1=1; check --board.",
        "no octal mode left by firmware: the reset sequence was sent in 8D, 8S and 1S first",
        source="users.md 4.5",
    ),
    "E-NOR-UNKNOWN": error(
        ExitCode.FLASH,
        "the flash answers RDID {rdid}, which is no part n6prog knows, and its SFDP table is of no use: {reason}",
        "Add the part to a board file (--board FILE).",
    ),
    "E-WRONGPART": warning(
        "board profile {board} says {expected} but the chip answers {part} ({size_mib} MiB, RDID {rdid}). Using {part}",
        "If you passed --board, check it: NUCLEO-N657X0-Q has MX25UM51245G (64 MiB), STM32N6570-DK has MX66UW1G45G "
        "(128 MiB).",
        source="users.md 4.7",
    ),
    "W-NOR-SFDP": warning(
        "the flash answers RDID {rdid}, which is no part n6prog knows; using its SFDP table: {size_mib} MiB",
        "Nothing to do if size and times look right; the part's own table would give better time-outs.",
    ),
    # what the NOR reports
    "E-WEL": error(
        ExitCode.FLASH,
        "the flash ignores write-enable at {address:#010x}: WEL stays 0 after WREN ({registers})",
        "Power-cycle the board with BOOT1=1 and run again. If it stays, the flash is not in 1S mode, or lacks power.",
        _NOT_ADDRESS,
    ),
    "E-PROGRAM-FAIL": error(
        ExitCode.FLASH,
        "the flash reports a failed program at {address:#010x} ({registers})",
        _AGAIN,
        _NOT_ADDRESS,
    ),
    "E-ERASE-FAIL": error(
        ExitCode.FLASH,
        "the flash reports a failed erase at {address:#010x} ({registers})",
        _AGAIN,
        _NOT_ADDRESS,
    ),
    "E-PROTECTED": error(
        ExitCode.FLASH,
        "the flash is write-protected at {address:#010x}: block protection BP {bp} ({registers})",
        "A program set the block-protection bits of the flash's status register. If they may go: run it again with "
        "--unprotect, which clears them (they are non-volatile) and then goes on.",
        "no broken flash, no debug lock",
    ),
    "E-UNPROTECT": error(
        ExitCode.FLASH,
        "the block protection of the flash cannot be cleared: {reason} (RDID {rdid}, BP {bp}, SR {sr})",
        "Clear it with the program that set it, or with the part's own way: some parts have a write-protect pin, or a "
        "lock for each sector that outlives these bits.",
        "nothing of the files was written or erased",
    ),
    "E-FLASH-BUSY": error(
        ExitCode.FLASH,
        "the flash stays busy: {subject} at {address:#010x} did not end within {seconds:.1f} s ({registers})",
        _AGAIN,
    ),
    "E-READ": error(
        ExitCode.FLASH,
        "bytes read at {address:#010x} do not match their digest on the chip",
        _SLOWER,
        "the flash content may well be right: the way from the chip to here is not",
    ),
    # what the NOR holds
    "E-VERIFY": error(
        ExitCode.MISMATCH,
        "{address:#010x}: {verb} {wrote}, read {read} ({bytes} {differ} in this sector; {sectors} of {checked} "
        "sectors differ; {pattern})",
        "{advice}",
        source="users.md 4.15",
    ),
    "E-NEIGHBOUR": error(
        ExitCode.MISMATCH,
        "bytes at {address:#010x} that were not asked for changed while their neighbours were written "
        "({count} sectors of block {block:#010x})",
        "Flash the files that belong there again. Please report it with --log FILE: this must never happen.",
    ),
    "E-NOT-BLANK": error(
        ExitCode.MISMATCH,
        "{address:#010x} is not blank after the erase ({count} sectors)",
        _AGAIN,
    ),
    # worth saying
    "W-AT-STAKE": warning(
        "bytes that were not asked for may be lost: they share sectors of {size} bytes with what was being written, at "
        "{places}",
        "Look at what belongs there, and flash that again too if it is gone.",
        "sectors of which nothing was asked for were not erased",
    ),
    "W-DOUBT": warning(
        "the flash is not known to be right from {start:#010x} on ({size} bytes, and what was to be written behind)",
        "Run the same command again: what is already right is not written twice.",
        "what lies before that was proven on the chip",
    ),
    "W-UNPROTECTED": warning(
        "the block protection of the flash was cleared, as --unprotect asks: BP {bp}, SR {before} before, {after} now",
        "Nothing to do. It stays so without power, until a program sets the bits again.",
    ),
    "W-AFTER": warning(
        "everything is written and verified, but the chip could not be {subject} afterwards: {reason}",
        "Nothing needs to be flashed again. {start}",
        "no failed flash: the bytes were checked before",
    ),
    "I-DONE-BOOT": note(
        "{subject} is in {mode}: the program that runs there opened debug",
        "A reset starts what is in the flash now. Keep a first stage that opens debug where the BOOT1 pin cannot be "
        "moved: without one no debugger comes in again.",
        source="F08",
    ),
    "I-DONE-DEV": note("{subject} is still in development boot", "{start}", source="users.md 4.16"),
}
