"""What the doctor finds on a board that answers: worth knowing or worth mending, never a refusal of its own."""

from __future__ import annotations

from n6prog.findings.entry import Entry, error, note, warning
from n6prog.findings.model import ExitCode

_SIGN = "Sign with STM32_SigningTool_CLI -align, -hv 2.3 for package code B and -hv 2.1 for Z, and flash it again."
_POWER_CYCLE = "unplug and replug the power"

_PROBE: dict[str, Entry] = {
    "W-PROBE-FIRMWARE": warning(
        "the probe's firmware {firmware} is known for {trouble}",
        "Update it (STM32CubeProgrammer, Firmware upgrade): V3J17M10 has moved megabytes at 8 MHz without a fault. "
        "Until then stay at --swd-clock 3300k or below.",
        source="F10, F12",
    ),
    "E-PROBE-HUNG": error(
        ExitCode.UNREACHABLE,
        "{subject} stopped answering USB: {reason}",
        "Unplug the probe and plug it in again: no command reaches it any more. If it comes back, update its firmware "
        "(V3J17M10 works at 8 MHz), use a lower clock (--swd-clock 1M), and another USB port or hub. Then run the same "
        "command again: what is already right is not written twice.",
        "no fault of the chip or the file: SWD errors are answered, and here nothing answered",
        source="F10, F13",
    ),
    "W-VOLTAGE": warning(
        "the target's voltage is {voltage}; ST's boards have 3.3 V",
        "The supply sags: use a USB-C to USB-C cable on the ST-LINK port and no hub without power of its own; on the "
        "NUCLEO check the power jumper (CN9 on STLK).",
        "no fault of the flash; what fails next fails for this",
        source="F50, F51",
    ),
    "W-LINK-ERRORS": warning(
        "{errors} of {reads} reads of the boot ROM at {clock} were wrong",
        "n6prog stays below that clock by itself. A shorter cable, a USB port without a hub or newer ST-LINK firmware "
        "makes the link faster; ask for no more with --swd-clock until then.",
        "no fault of the chip: at a lower clock the same reads are right",
        source="F10, F11",
    ),
    "W-ACCESS": warning(
        "no udev rule for {vendor} probes is installed: only root may open the probe",
        "Copy 49-stlinkv3.rules from the udev folder of pyOCD's repository to /etc/udev/rules.d, run `sudo udevadm "
        "control --reload`, replug the probe.",
        source="F15",
    ),
    "N-PACK": note(
        "CMSIS-Pack {pack} defines {device} without the flash at 0x70000000; pyOCD uses {definition}",
        "pyocd -t stm32n657x0 (or the pack's name) has the flash as long as n6prog is installed; a csolution build "
        "(--cbuild-run) takes the pack's memory map and cannot program.",
        source="F24",
    ),
    "W-PACK": warning(
        "CMSIS-Pack {pack} defines {device} without the flash at 0x70000000, and pyOCD uses {definition}",
        "Install n6prog in the Python that runs pyocd (pip install n6prog): its plug-in brings a definition with the "
        "flash, which wins over the pack's.",
        "no fault of the board: the pack declares RAM at 0x34180400 as flash without an algorithm",
        source="F24",
    ),
}

_CHIP: dict[str, Entry] = {
    "W-LOCKUP": warning(
        "the core is locked up (DHCSR {DHCSR}): a fault inside a fault handler",
        "Any n6prog command but --connect attach takes the core over and clears it; n6prog flash does its work all the "
        "same. Where the program in RAM or flash is at fault, it locks up again.",
        "no broken chip, and no power cycle is needed",
        source="F22",
    ),
    "N-PROGRAM": note(
        "a program has the core (vector table at {VTOR})",
        "Looking closer would disturb it: --connect halt stops it for the checks that need that, and lets it run on.",
    ),
    "N-STACK-LIMIT": note(
        "the boot ROM left a stack limit (MSPLIM {MSPLIM_S})",
        "A debugger that starts code of its own must clear MSPLIM and PSPLIM first, or the first push faults; n6prog "
        "and its pyOCD target do.",
        source="F23",
    ),
    "W-REVISION": warning(
        "no revision word of the boot ROM is known (0x180047EC: {word_47EC}, 0x18001004: {word_1004})",
        "Which header version boots cannot be told: 2.3 for package code B, 2.1 for Z, as printed on the chip. Please "
        "report the words.",
        "DBGMCU and STM32CubeProgrammer do not tell the cuts apart either: theirs is 0x1000 on all of them",
        source="F67, F68",
    ),
    "N-BSEC-CLOSED": note(
        "the life cycle is closed (BSEC NVSTATE 0x0D), as on every new board",
        "Nothing to do. It is not why an image does not boot: an unsigned one with the right header does.",
        source="F81",
    ),
    "W-BSEC": warning(
        "the life cycle is {state} (BSEC NVSTATE {nvstate})",
        "Fuses were written half or the chip saw tampering. n6prog does not write fuses and cannot help.",
        source="F82",
    ),
    "N-HSLV": note(
        "fuse HSLV_VDDIO3 is not blown (OTP word 124 is {OTP124}): XSPI2 at 1.8 V is slow, up to about 50 MHz",
        "n6prog stays at 32 MHz and never writes fuses. Beware of examples that do: the GettingStarted applications "
        "blow it at their first start (define NO_OTP_FUSE).",
        source="F47, F48",
    ),
    "W-RANGE": warning(
        "the pads of the flash are in the 1.8 V range (PWR_SVMCR3 {SVMCR3}), and the board file says that {rail} is "
        "not a 1.8 V rail",
        "Pads in that range on a 3.3 V rail take damage. Take power away and correct the program that sets "
        "VDDIO3VRSEL, or range_1v8 in the board file.",
        source="F46, F52",
    ),
    "N-RAIL": note(
        "{rail} is not declared valid (PWR_SVMCR3 {SVMCR3}): the pads of the flash are cut off",
        "As after a reset; n6prog declares it before it talks to the flash. A program of yours must set VDDIO3SV.",
        source="F46",
    ),
    "N-SYSCFG-OFF": note(
        "the clock of SYSCFG is off (RCC_APB4ENR2 {APB4ENR2})",
        "n6prog switches it on before it touches SYSCFG, and never off. Loaders and debuggers that do not, hang the "
        "bus until power-off: do not end a loader's Init with SystemInit's last lines.",
        source="F27, F33",
    ),
    "N-AXISRAM-OFF": note(
        "{banks} are off (RCC_MEMENR {MEMENR}, RAMCFG {RAMCFG})",
        "n6prog and its pyOCD target switch them on at the first access. A program that is loaded there by something "
        "else needs RCC_MEMENR and RAMCFG SRAMSD set first.",
        source="F26",
    ),
    "W-XSPIM": warning(
        "XSPIM gives the port of the flash to XSPI1 (XSPIM_CR {XSPIM_CR})",
        "The boot ROM reads the flash so; a program that leaves XSPI1 in use fails the next warm boot. n6prog resets "
        f"all three before it works; for booting, {_POWER_CYCLE}.",
        source="F40",
    ),
    "W-MTYP": warning(
        "XSPI2 maps the flash in octal DTR with memory type {mtyp} (DCR1 {DCR1}), and this part swaps the bytes of "
        "each pair",
        "Set MemoryType to Macronix in the program (CubeMX: XSPI2, Memory Type). What n6prog writes and verifies does "
        "not depend on it.",
        source="F43",
    ),
}

# By the boot ROM's own records in RAM (header.md 5). Which copy is meant is inferred from their order.
_TRACE: dict[str, Entry] = {
    "W-TRACE-REFUSED": warning(
        "the boot ROM refused {copy} of the first stage: {refusal} (its trace, code {trace_codes})",
        "The copies lie in the slots fsbl and fsbl-b. Where the check of the images finds nothing wrong there, a "
        f"program had left the flash in an octal mode, in which the boot ROM reads nonsense: {_POWER_CYCLE}. Else: "
        + _SIGN,
        "no fault of the BOOT pins: the boot ROM was in flash boot and looked",
        source="F65, F67, F71, F73",
    ),
    "W-TRACE-KEYS": warning(
        "the boot ROM refused {copy} of the first stage over its keys: {refusal} (its trace, code {trace_codes})",
        "Only an image signed, and encrypted if asked for, with the keys in this chip's fuses starts. n6prog has no "
        "keys and cannot help; on a chip without keys of its own, sign without any (-nk).",
        source="F82",
    ),
    "W-TRACE-SILENT": warning(
        "the boot ROM got no answer from the flash when it looked for {copy} of the first stage (its trace, code "
        "{trace_codes})",
        "A program left the flash in an octal mode, or the port to another XSPI, and a warm reset came: "
        f"{_POWER_CYCLE}. If it stays, look at the checks of the NOR and of power.",
        "no fault of the image",
        source="F38, F40",
    ),
    "W-TRACE-SERIAL": warning(
        "the boot ROM took serial boot, from USB or UART (its trace, codes {codes}): nothing starts from the flash",
        "BOOT0 = 1 with BOOT1 = 0 is serial boot. For flashing set BOOT1 to 1, to start what is in the flash set both "
        "to 0; then cycle the power.",
        "no development boot: that is BOOT1 = 1, whatever BOOT0 is",
        source="F02, F05",
    ),
    "W-TRACE-LOCKED": warning(
        "the boot ROM's trace says that this chip is locked (life cycle {traced_life_cycle}, debug {traced_debug})",
        "It has its owner's keys: only images signed with them boot, and debugging needs authentication. n6prog "
        "cannot help.",
        "not what BSEC's closed state 0x0D alone means: every new chip has that",
        source="F82",
    ),
}

_FLASH: dict[str, Entry] = {
    "W-OCTAL-LEFT": warning(
        "the flash was left in {mode} by a program (it answers RDID in {mode} only)",
        "n6prog flash resets it to 1S first and leaves it so. The boot ROM does not: after a warm reset it cannot read "
        f"the flash. Run n6prog flash or info, or {_POWER_CYCLE}.",
        "no broken flash, no wrong loader",
        source="F38, F39",
    ),
    "E-NOR-SILENT": error(
        ExitCode.FLASH,
        "no flash answers RDID in 1S, 8S or 8D: {rdid}",
        "n6prog flash and info wake a flash in deep power-down: try one. If they say E-FLASH-ID, it is held in reset, "
        "has no power, or sits on other pins than board {board} says: check RESET#, VDDIO3, NCS, and --board.",
        "no octal mode left by firmware: all three modes were tried; no fault of the file or the loader",
        source="F41, F46",
    ),
    "W-NOR-PROTECTED": warning(
        "block protection is set (BP {bp}, SR {SR}): parts of the flash cannot be written",
        "A program set the BP bits of the flash's status register. If they may go: n6prog flash --unprotect clears "
        "them first.",
        "no debug lock, no read-out protection: the STM32N6 has none of other STM32's",
        source="F01, F04",
    ),
    "W-NOR-WORK": warning(
        "the flash is in the middle of {what} (SR {SR}, SCUR {SCUR})",
        "n6prog flash resets it and writes what is not right. What was being erased or programmed is undefined until "
        "then.",
        source="F64",
    ),
    "W-IMAGE-NONE": warning(
        "nothing at {address:#010x} (slot {slot}) that {reader} would start: {reason}",
        "Flash the signed image (...-trusted.bin) there: n6prog flash FSBL-trusted.bin. " + _SIGN,
        source="F45, F58, F65",
    ),
    "W-IMAGE-VERSION": warning(
        "the image at {address:#010x} (slot {slot}) has header version {version}, and this silicon wants {wanted}",
        _SIGN,
        "the Revision ID that STM32CubeProgrammer shows may be wrong: it prints Rev Z when it cannot read it",
        source="F67, F68",
    ),
    "W-IMAGE-ALIGN": warning(
        "the image at {address:#010x} (slot {slot}) was signed without -align: its vector table is at {table} instead "
        "of 0x400",
        "STM32_SigningTool 2.21 and later needs -align: sign it again with it.",
        source="F66",
    ),
    "W-IMAGE-ENTRY": warning(
        "the image at {address:#010x} (slot {slot}) names entry point {entry}, which {entry_reason}",
        "Sign it again without -ep and -la: the tool then reads the entry from the vector table.",
        source="F69, F72",
    ),
    "N-IMAGE-WAITS": note(
        "the first stage at {address:#010x} would boot; the BOOT pins say development boot",
        "To start it, set BOOT1 to 0 and cycle the power.",
        source="F06, F09",
    ),
}

DOCTOR: dict[str, Entry] = {**_PROBE, **_CHIP, **_TRACE, **_FLASH}
