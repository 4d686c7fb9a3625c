"""Findings about placement: where the bytes of the files would go on a board, and why they cannot."""

from __future__ import annotations

from n6prog.findings.entry import Entry, error, note, warning
from n6prog.findings.model import ExitCode

_REFUSED = ExitCode.REFUSED

_ADDRESS: dict[str, Entry] = {
    "E-REGION0": error(
        _REFUSED,
        "{subject} wants {bytes} bytes of {what} at address {address:#010x}. That is not flash on an STM32N6 (0x0 is "
        "ITCM, 64 KB by default), so nothing was written",
        "This usually means that the linker script puts the section in a memory region that is not declared; the "
        "build log then has `warning: memory region '...' not declared`. In STM32Cube AI Studio open Memory pools and "
        "untick xSPI1/hyperRAM (the NUCLEO-N657X0-Q has no PSRAM) or set weights to xSPI2/octoFlash, rebuild, and "
        "check again with n6prog check {subject}.",
        not_this="boot jumpers and SWD speed have nothing to do with this error",
        source="F53",
    ),
    "E-TCM": error(
        _REFUSED,
        "{subject}: {what} ({bytes} bytes) has load address {address:#010x}, which is tightly coupled memory "
        "({region}): it is lost at power-off and cannot be flashed",
        "Store it in flash and let the startup code copy it (`> {region} AT> ROM` in the linker script). A run "
        "address in {region} is fine; only the load address must be in flash.",
    ),
    "E-RAM": error(
        _REFUSED,
        "{subject}: {what} ({bytes} bytes) has load address {address:#010x}, which is RAM ({region}): it is lost at "
        "power-off and cannot be flashed",
        "A Load&Run application is flashed as its signed file (-trusted.bin). Initialised data that a program needs "
        "in RAM is stored in flash and copied at start (`> RAM AT> ROM` in the linker script).",
        source="F54",
    ),
    "E-PSRAM": error(
        _REFUSED,
        "{subject}: {what} ({bytes} bytes) is placed at {address:#010x}, the window of the PSRAM on XSPI1 (hyperRAM "
        "pool). PSRAM cannot be flashed: {fitted}",
        "Move weights to xSPI2/octoFlash (0x70000000 and up). A program that runs from PSRAM is flashed as its signed "
        "file at 0x70100000 and copied by the first stage.",
        source="F62",
    ),
    "E-ROM": error(
        _REFUSED,
        "{subject}: {what} ({bytes} bytes) is placed at {address:#010x}, which is the boot ROM: an STM32N6 has no "
        "internal flash",
        "Link for the external flash: 0x70100400 for an application that runs in place (behind a boot header at "
        "0x70100000). A signed file needs no address at all.",
        source="F57",
    ),
    "E-TYPO-07": error(
        _REFUSED,
        "{subject}: {what} ({bytes} bytes) is placed at {address:#010x}, where nothing is. Did you mean {meant:#010x}?",
        "The flash starts at 0x70000000: correct the address.",
        source="F56",
    ),
    "E-NOT-FLASH": error(
        _REFUSED,
        "{subject}: {what} ({bytes} bytes) is placed at {address:#010x} ({region}), which is not the flash of the "
        "{board}",
        "{hint}The flash of this board is {flash_start:#010x}..{flash_end:#010x}: place it there.",
    ),
    "E-SIZE": error(
        _REFUSED,
        "{subject}: {what} ends at {end:#010x}; the {part} ({capacity} MiB) on the {board} ends at {limit:#010x}",
        "Make it smaller or place it lower. The octoFlash pool of STM32Cube AI Studio is 112 MB also for the 64 MB "
        "NUCLEO.",
        source="F61",
    ),
    "E-OVERLAP": error(
        _REFUSED,
        "{first} and {second} overlap at {start:#010x}..{last:#010x} ({bytes} bytes{more})",
        "Give one of them another address, or leave one out. {slots}",
        source="F63",
    ),
    "E-NO-ADDRESS": error(
        _REFUSED,
        "{subject} ({bytes} bytes) has no address of its own and none was given",
        "Say where it goes: {subject}@0x7.... Weights lie at 0x70180000, 0x70380000, 0x71000000 or 0x72000000 in "
        "flows in use; what counts is the address the network was compiled for (its memory pool), so n6prog does not "
        "guess.{hint}",
        source="F60",
    ),
    "E-POOL-RAM": error(
        _REFUSED,
        "{subject} ({bytes} bytes) is by its name the content of memory pool {pool}, which is RAM: it is lost at "
        "power-off and cannot be flashed",
        "Compile the network with weights in xSPI2/octoFlash only (profile without initialised data in {pool}), or let "
        "the firmware copy these bytes from flash. If the name misleads, give the address: {subject}@0x7....",
        source="F86",
    ),
    "E-LOADER-GIVEN": error(
        _REFUSED,
        "{subject} is an external flash loader ({loader}), code for a programming tool and no program for the board",
        "Give the application's file. n6prog brings its own loader and finds the flash part by itself.",
        not_this="no wrong address in your project",
        source="F34",
    ),
    "W-RAW-GAP": warning(
        "{subject}: {gap} of its {bytes} bytes are one run of {fill:#04x} from offset {offset:#x} on: it was made with "
        "objcopy from sections that lie far apart",
        "Give the ELF itself: only its sections are written then, and what lies between them stays.",
        source="F59",
    ),
    "W-LINKED-RAM": warning(
        "{subject} at {address:#010x} starts with the vector table of a program that is linked for RAM (reset handler "
        "{reset:#010x}, stack {stack:#010x})",
        "It runs only if a first stage copies it to where it is linked. A boot slot needs the signed file there.",
        source="F54",
    ),
    "W-LINKED-ELSEWHERE": warning(
        "{subject} is linked for another place in the flash: it goes to {address:#010x}..{last:#010x} and its reset "
        "handler is {reset:#010x}, which lies outside",
        "{hint}Give it the address it was linked for, or link it for this one.",
        source="F58, F60",
    ),
    "W-RUN-REGION0": warning(
        "{subject}: {what} ({bytes} bytes, nothing to flash) is used at {address:#010x}..{last:#010x} when the "
        "program runs; the ITCM there has 64 KB by default, so the program will fault or overwrite itself",
        "Look for `warning: memory region '...' not declared` in the build log: the linker puts such sections at 0. "
        "Declare the region or move the pool (STM32Cube AI Studio: Memory pools).",
        source="F53, F93",
    ),
    "W-RUN-MEMORY": warning(
        "{subject}: {what} ({bytes} bytes) is used at {address:#010x} ({region}) when the program runs, where the "
        "{board} has no memory",
        "Move the section or the memory pool to memory that this board has; the NUCLEO-N657X0-Q has no PSRAM (untick "
        "xSPI1/hyperRAM).",
        source="F62, F93",
    ),
    "E-NOTHING": error(
        _REFUSED,
        "the files hold no bytes for the flash",
        "Look at the sections of the ELF (arm-none-eabi-readelf -S): everything in it is debug information or cleared "
        "at start.",
    ),
}

_BOOT: dict[str, Entry] = {
    "E-HDR-NONE": error(
        _REFUSED,
        "{subject} belongs at {slot_start:#010x} (slot {slot}) behind a boot header and has none: {reason}. {reader} "
        "would ignore it and the board would stay silent",
        "Give the signed file (...-trusted.bin, made from the .bin by STM32_SigningTool_CLI with -align), or have a "
        "header without keys added: --header 2.3 for silicon cut 2.0 (B), --header 2.1 for cut 1.1 (Z). Bytes that are "
        "meant to lie there without a header need --header none; code linked for RAM always needs a header.",
        source="F54, F58, F65, F74",
    ),
    "E-HDR-RAM": error(
        _REFUSED,
        "{subject} is a signed image and is given the address {address:#010x} ({region}): RAM cannot be flashed, "
        "and its boot header would lie where the vector table belongs",
        "Drop the address: a signed image finds its own place{meant}.",
        source="F55",
    ),
    "E-HDR-PSRAM": error(
        _REFUSED,
        "{subject} starts at {entry:#010x} in PSRAM, and the {board} has none: it would not boot",
        "Link it for internal RAM (0x34000400) or to run in place (0x70100400), and sign again.",
        source="F62",
    ),
    "W-HDR-CUT": warning(
        "boot header version {version} of {subject} boots on silicon {silicon} only",
        "The revision letter on the package tells, and n6prog info reads it: cut 2.0 (B) takes -hv 2.3, cut 1.1 (Z) "
        "takes -hv 2.1.",
        not_this="the Revision ID that STM32CubeProgrammer shows may be wrong: it prints Rev Z when it cannot read it",
        source="F67, F68",
    ),
    "N-SIGNED-BESIDE": note(
        "{subject} has no boot header; {signed} beside it has one",
        "Give that file if it belongs to the same build.",
        source="F74",
    ),
    "W-SIGNED-STALE": warning(
        "{subject} was not signed from {unsigned} beside it: its bytes are others",
        "Sign again: STM32_SigningTool_CLI leaves its output read-only and does not overwrite it, so delete the old "
        "one first, and look whether the tool was found at all. Nothing to do if the two do not belong together.",
        source="F75",
    ),
    "W-HDR-SLOT": warning(
        "{subject} goes to {address:#010x} ({place}); by its entry point {entry:#010x} it belongs at {meant:#010x}",
        "Drop the address: a signed image finds its own place. Keep it if your first stage looks there.",
        source="F58",
    ),
    "W-SLOT-SPILL": warning(
        "{subject} starts {where} and runs over into slot {next}: it ends at {last:#010x}, and {next} starts "
        "at {start:#010x}",
        "What lay in {next} is gone afterwards. Give the slots other sizes in a board file if this is meant.",
        source="F63",
    ),
    "N-APP-HEADER": note(
        "{subject} starts {gap} bytes after {slot_start:#010x}, the start of slot {slot}; the place of the boot "
        "header stays as it is",
        "An application that runs in place needs none in development boot; a first stage of ST's skips these bytes.",
    ),
    "E-SLOT": error(
        ExitCode.USAGE,
        "the {board} has no slot {subject}",
        "Its slots are: {slots}.",
    ),
    "E-MAP": error(
        ExitCode.USAGE,
        "--map {subject}: {reason}",
        "Write FROM=TO, FROM+LENGTH=TO or FROM-LAST=TO, for example --map 0x34000400=0x70100400.",
    ),
    "W-MAP-UNUSED": warning(
        "--map {subject} moved nothing: no bytes lie there", "Check FROM against n6prog check without --map."
    ),
}

PLACEMENT: dict[str, Entry] = {**_ADDRESS, **_BOOT}
