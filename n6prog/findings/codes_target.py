"""Findings about the probe, the link and the chip behind it."""

from __future__ import annotations

from n6prog.findings.entry import Entry, error, warning
from n6prog.findings.model import ExitCode

_JUMPERS = (
    "NUCLEO: JP2 (BOOT1) on 2-3. DK: BOOT1 switch on 1-3. BOOT0 does not matter. Then unplug and replug the power."
)

TARGET: dict[str, Entry] = {
    "E-NO-PROBE": error(
        ExitCode.NO_PROBE,
        "no debug probe{looked_for}",
        "Plug the board in at its ST-LINK port with a USB data cable; on Linux install pyOCD's udev rules and replug. "
        "`n6prog list` shows what is seen. Without a board: --probe sim.",
    ),
    "E-PROBE-AMBIGUOUS": error(
        ExitCode.NO_PROBE,
        "{count} debug probes{looked_for}: {probes}",
        "Name one with --probe and a part of its id that no other has.",
    ),
    "E-PROBE-ACCESS": error(
        ExitCode.NO_PROBE,
        "no permission to open {subject}: {reason}",
        "Linux: install pyOCD's udev rules (udev/ in its repository), be in the group they name, replug the probe. "
        "Windows: the debug interface needs ST's or the WinUSB driver.",
    ),
    "E-PROBE-BUSY": error(
        ExitCode.BUSY,
        "{subject} is in use by {holder}",
        "Close that program (an IDE, STM32CubeProgrammer, stlink-server, gdb server) or wait with --wait SECONDS.",
        "not a broken probe, no wrong driver",
    ),
    "E-SIM-EXTRA": error(
        ExitCode.NO_PROBE,
        "the simulated board needs a package that is not installed: {reason}",
        'pip install "n6prog[sim]"',
    ),
    "E-SIM-SPEC": error(
        ExitCode.USAGE,
        "--probe: {reason}",
        "Write sim[:BOARD[,key=value...]] with keys state, rev, boot1, link, part, fault, float, seed, schedule, uart, "
        "connect; %2C is a comma in a path.",
    ),
    "E-SIM-STATE": error(
        ExitCode.USAGE,
        "the simulated board's folder {subject} cannot be used: {reason}",
        "Name another folder with state=, or state=none; correct what is wrong with this one, or delete it and its "
        "board is new.",
        "no matter of a real board, a cable or a driver",
    ),
    "E-SIM-SERVE": error(
        ExitCode.NO_PROBE,
        "no simulated board is served at {subject}: {reason}",
        "Start one with n6prog sim serve and take the port that it tells for n6prog, or drop connect=.",
    ),
    "E-SIM-TRIPWIRE": error(
        ExitCode.FLASH,
        "the simulated board refused what would damage a real one: {reason}",
        "This is a defect of the code that ran, or of n6prog; please report it with --log FILE.",
    ),
    "E-CONNECT-MODE": error(
        ExitCode.USAGE,
        "there is no connect mode {subject}",
        "--connect auto, halt, attach (do not halt) or under-reset.",
    ),
    "E-AP1-CLOSED": error(
        ExitCode.UNREACHABLE,
        "the chip answers, its CPU port does not: the board is not in development boot",
        _JUMPERS,
        "no read-out protection, no broken chip; a lower clock will not help",
        source="F01, F03, F04",
    ),
    "E-AP1-DEAD": error(
        ExitCode.UNREACHABLE,
        "the CPU port is open and answers nothing: an access to a part of the chip without clock never ended",
        "Only power helps: unplug the board and plug it in again; no reset brings the bus back. A debugger that read "
        "the flash's window before it was mapped, SYSCFG, or a RAM without clock does this (memory views of gdb "
        "too); n6prog looks at the clocks first.",
        "no closed debug, no broken chip, no wrong clock of the probe",
        source="F27, F33, F35",
    ),
    "E-NOANSWER": error(
        ExitCode.UNREACHABLE,
        "no chip answers on SWD ({reason})",
        "Voltage 0 V: the board is not powered (NUCLEO: CN9 on STLK). Otherwise: a USB-C to USB-C cable on the "
        "ST-LINK port, no hub without power, SWD wiring, a lower clock (--swd-clock 200k), --connect under-reset.",
        source="F50, F51",
    ),
    "E-CONNECT": error(
        ExitCode.UNREACHABLE,
        "the chip answers, and connecting to its core failed: {reason}",
        "Cycle the power with BOOT1 = 1 and try again, or connect with --connect under-reset.",
        source="F22",
    ),
    "E-WRONG-CHIP": error(
        ExitCode.UNREACHABLE,
        "the chip is not an STM32N6 ({reason})",
        "n6prog works on STM32N657 and its siblings only; check that --probe names the right board.",
    ),
    "E-NO-HALT": error(
        ExitCode.UNREACHABLE,
        "the core does not halt ({reason})",
        "Cycle the power with BOOT1 = 1 and try again, or connect with --connect under-reset.",
    ),
    "E-SWD-CLOCK": error(
        ExitCode.UNREACHABLE,
        "SWD is not reliable at {clock}: {reason}",
        "Use --swd-clock auto or a lower clock; shorten the cable; update the ST-LINK firmware.",
        source="F10",
    ),
    "E-LINK-LOST": error(
        ExitCode.UNREACHABLE,
        "the connection to {subject} was lost: {reason}",
        "Replug the board with BOOT1 = 1 and run the same command again: what is already right is not written twice. "
        "If it happens again: update the ST-LINK firmware, another cable, a lower clock.",
        source="F10, F13",
    ),
    "E-POWER-LOST": error(
        ExitCode.UNREACHABLE,
        "the board lost its power: {subject} measures {voltage} now ({reason})",
        "Plug it in again and run the same command again: what is already right is not written twice. If it happens "
        "again: a USB-C to USB-C cable on the ST-LINK port, no hub without power of its own, the power jumper (NUCLEO: "
        "CN9 on STLK).",
        "no fault of SWD, the loader or the file",
        source="F50, F51",
    ),
    "E-BUS-FAULT": error(
        ExitCode.UNREACHABLE,
        "the chip refuses access to {address:#010x} ({size} bytes): {reason}",
        "Only memory that is there and switched on can be read: `n6prog info` shows the board.",
    ),
    "E-TCM-ECC": error(
        ExitCode.UNREACHABLE,
        "{address:#010x} is TCM whose words were not written since the reset: reading them is a fault ({reason})",
        "TCM has ECC: write whole words before the first read. What a program keeps there can be read once it runs.",
        "no missing memory, no debug lock",
        source="F25",
    ),
    "E-LOADER-FAULT": error(
        ExitCode.FLASH,
        "the flash code crashed in {subject} ({fault})",
        "Cycle the power with BOOT1 = 1 and run the command again. If it happens again, report it with --log FILE.",
        source="F22, F23",
    ),
    "E-LOADER-TIMEOUT": error(
        ExitCode.FLASH,
        "the flash code did not finish {subject} within {timeout:.1f} s",
        "Cycle the power with BOOT1 = 1 and run the command again. If it happens again, report it with --log FILE.",
        source="F27, F33",
    ),
    "E-CHIP-RESET": error(
        ExitCode.FLASH,
        "the chip was reset in the middle of the work ({subject})",
        "A watchdog, the reset button or a weak supply: use a USB-C to USB-C cable on the ST-LINK port, run it again.",
        source="F50",
    ),
    "W-LEFTOVER": warning(
        "another program had left its flash service at work on the chip; it finished its block and was ended first",
        "Nothing is to be done: the flash is looked at before anything is written.",
    ),
    "W-RESET-TO-CONNECT": warning(
        "{subject} could be reached only by resetting the board ({failure}: {reason})",
        "Nothing to do. What ran on the board was ended; --connect halt or attach never reset it.",
        source="F07, F22",
    ),
    "W-PROBE-HANGS": warning(
        "probe firmware {firmware} was seen to hang at high SWD clocks: staying at {granted}",
        "Update it with STM32CubeProgrammer (ST-LINK firmware upgrade), or ask for more: --swd-clock 8M.",
        source="F10, F12",
    ),
    "W-SWD-CLOCK": warning(
        "reads failed above {granted}, staying there: {reason}",
        "A shorter cable or newer ST-LINK firmware makes the link faster; nothing is wrong with what was written.",
        source="F10",
    ),
}
