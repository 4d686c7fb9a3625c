"""Findings about the content of files: every code here is about one file alone, before anything is placed."""

from __future__ import annotations

from n6prog.findings.entry import Entry, error, note, warning
from n6prog.findings.model import ExitCode

_REFUSED = ExitCode.REFUSED

_ANY_FILE: dict[str, Entry] = {
    "E-FILE-EMPTY": error(
        _REFUSED,
        "{subject} is empty",
        "The build or the copy that made it did not finish: make it again.",
    ),
    "E-FILE-SIZE": error(
        _REFUSED,
        "{subject} has {size} bytes; more than {limit} cannot be a flash image for this chip",
        "A binary made with objcopy from an ELF whose sections lie far apart has this size: give the ELF itself.",
        not_this="the whole XSPI2 window is 256 MiB; no setting makes room for it",
        source="F59",
    ),
    "E-FILE-LFS": error(
        _REFUSED,
        "{subject} is a Git LFS pointer, not the file it stands for",
        "Run git lfs pull in the repository it comes from, then try again.",
    ),
    "E-FILE-ADDRESS": error(
        ExitCode.USAGE,
        "{subject} is given the address {address:#010x}, and the {kind} carries addresses of its own",
        "Drop @{address:#010x}; an address belongs to raw files and signed images only.",
    ),
    "E-FILE-SLOT": error(
        ExitCode.USAGE,
        "{subject} is given the slot {slot}, and the {kind} carries addresses of its own",
        "Drop @{slot}; a slot is for raw files and signed images only. --map FROM=TO moves what is linked elsewhere.",
    ),
    "E-RAW-ADDRESS": error(
        _REFUSED,
        "{subject} ({size} bytes) at {address:#010x} runs past the end of the 4 GiB address space",
        "Check the address after the @.",
    ),
    "N-FILE-KIND": note("{subject} ends in {extension} and holds {kind}; it is read as {kind}"),
    "N-MORE": note("{subject}: {count} more of {what} not shown"),
}

_ELF: dict[str, Entry] = {
    "E-MACHINE": error(
        _REFUSED,
        "{subject} is built for {machine}, not for a 32-bit little-endian Arm core",
        "Build with arm-none-eabi-gcc (or clang --target=arm-none-eabi) for cortex-m55, or give the other file.",
        not_this="not a damaged file: its header is sound and names another processor",
    ),
    "E-ELF-HEADER": error(
        _REFUSED,
        "{subject}: the ELF header cannot be used: {reason} (offset {offset:#x})",
        "Link or copy the file again; arm-none-eabi-readelf -h FILE shows what is left of it.",
    ),
    "E-ELF-TRUNCATED": error(
        _REFUSED,
        "{subject} is cut off: {what} takes bytes {offset:#x}..{end:#x} and the file ends at {size:#x}",
        "The copy or the link did not finish, or the disk is full: make the file again.",
    ),
    "E-ELF-TYPE": error(
        _REFUSED,
        "{subject} is {type}, not a linked program (e_type {e_type})",
        "Give the linked .elf of the project.",
        not_this="the addresses in it are not final, so none of its sections was looked at",
    ),
    "E-ELF-EMPTY": error(
        _REFUSED,
        "{subject} holds nothing to program: no allocated section with bytes in the file",
        "Look at arm-none-eabi-readelf -S FILE. A file with debug information only (objcopy --only-keep-debug) is not "
        "the program.",
    ),
    "E-ELF-SHARED": error(
        _REFUSED,
        "{subject}: its sections claim {claimed} bytes, and the file has {size}: sections share file bytes",
        "No linker writes such a file: link it again.",
    ),
    "E-ELF-ADDRESS": error(
        _REFUSED,
        "{subject}: section {section} ({size} bytes) at {address:#010x} runs past the end of the 4 GiB address space",
        "Check the section's region in the linker script.",
    ),
    "W-ELF-NO-SECTIONS": warning(
        "{subject} has no section headers; its segments are taken, without the ELF's own headers at their start",
        "Give the ELF as the linker wrote it: without sections it cannot be told which bytes of a segment are program.",
        source="users.md 0.5",
    ),
    "W-ELF-NO-SEGMENT": warning(
        "{subject}: section {section} ({size} bytes) lies in no loadable segment; it is taken at its run address "
        "{address:#010x}",
        "Check the PHDRS of the linker script; a segment would say where the section is stored.",
    ),
}

_HEX: dict[str, Entry] = {
    "E-HEX-RECORD": error(
        _REFUSED,
        "{subject}, line {line}: {reason}",
        "The file is damaged or not {format}: make it again.",
    ),
    "E-HEX-CHECKSUM": error(
        _REFUSED,
        "{subject}, line {line}: checksum {found:#04x}, its bytes give {expected:#04x}",
        "The line was changed after the file was written (an editor, a bad copy): make the file again.",
    ),
    "E-HEX-OVERLAP": error(
        _REFUSED,
        "{subject}: {size} bytes at {address:#010x} are given twice with different values: by the records from "
        "line {line} and by those from line {other_line}",
        "Two images in one file lie on each other: place them apart, or give them as files of their own.",
    ),
    "W-HEX-REPEAT": warning(
        "{subject}: {size} bytes at {address:#010x} are given twice with equal values, from line {line} and from "
        "line {other_line}",
        "Harmless; the file was merged from parts that overlap.",
    ),
    "E-HEX-END": error(
        _REFUSED,
        "{subject} is cut off: no end record after line {line}",
        "The copy or the build did not finish: make the file again.",
    ),
    "E-HEX-AFTER-END": error(
        _REFUSED,
        "{subject}, line {line}: {count} more lines follow the end record of line {end_line}",
        "Files joined with cat are cut short by most tools, so n6prog does not guess: give the files one by one "
        "(n6prog flash a.hex b.hex) or merge them with srec_cat or hexmerge.py.",
    ),
    "E-HEX-SCATTERED": error(
        _REFUSED,
        "{subject}, line {line}: more than {limit} separate pieces; this is not a flash image",
        "Make the file again from the ELF: arm-none-eabi-objcopy -O ihex.",
    ),
    "E-HEX-EMPTY": error(
        _REFUSED, "{subject} holds no data record", "Make the file again; the program has no bytes in it."
    ),
    "W-HEX-START": warning(
        "{subject}, line {line}: a second start address, {address:#010x}; the first, {first:#010x}, is kept",
        "Usual in merged files, and without effect: the boot ROM starts what the boot header names.",
    ),
}

_HEADER: dict[str, Entry] = {
    "E-HDR-TRUNCATED": error(
        _REFUSED,
        "{subject} starts with an STM2 boot header and is too short to hold it: {size} bytes of {needed}",
        "The copy did not finish: take the signed file again.",
    ),
    "E-HDR-VERSION": error(
        _REFUSED,
        "boot header version {version} of {subject} {reason}",
        "Sign again: -hv 2.3 for cut 2.0 (package code B), -hv 2.1 for cut 1.1 (package code Z).",
        not_this="the Revision ID that STM32CubeProgrammer shows may be wrong: it prints Rev Z when it cannot read it",
        source="F67, F68",
    ),
    "E-HDR-FIELD": error(
        _REFUSED,
        "boot header of {subject}: {field} is {value:#x} (offset {offset:#x}), which {reason}",
        "Sign the binary again; the header was damaged or was not made by a signing tool.",
    ),
    "E-HDR-LENGTH": error(
        _REFUSED,
        "boot header of {subject} names {length} bytes after its {header} bytes of headers, and only {present} are "
        "there",
        "The file was cut off after signing: take the signed file again.",
        source="F73",
    ),
    "E-HDR-SUM": error(
        _REFUSED,
        "boot header of {subject} stores checksum {stored:#010x} and the bytes after it sum to {computed:#010x}: "
        "they were changed after signing",
        "Sign the binary again, and patch or pad before signing, not after; where it lies in the flash, flash the "
        "signed file again.",
        source="F73",
    ),
    "E-HDR-ENTRY": error(
        _REFUSED,
        "entry point {entry:#010x} in the boot header of {subject} {reason}",
        "Sign again without -ep and -la: the signing tool then reads the entry from the vector table.",
        source="F69, F72",
    ),
    "W-HDR-ENTRY": warning(
        "entry point {entry:#010x} in the boot header of {subject} is not the reset vector {vector:#010x} of the "
        "vector table at 0x400",
        "If you did not mean this, sign again without -ep: the tool then takes the entry from the vector table.",
        source="F69",
    ),
    "E-HDR-ALIGN": error(
        _REFUSED,
        "the vector table of {subject} follows its boot header at {table:#x} instead of 0x400 (stack pointer "
        "{stack:#010x}, reset {reset:#010x}): signed without -align. The boot ROM would jump to {entry:#010x}, which "
        "is not the reset handler",
        "STM32_SigningTool 2.21 and later needs -align: sign again with it.",
        source="F66",
    ),
    "E-HDR-TWICE": error(
        _REFUSED,
        "{subject} was signed twice: another boot header follows the first at {inner:#x}, where the program should be",
        "Sign the unsigned .bin, or give the file that was signed first. Its header is right as it is.",
        source="F70",
    ),
    "E-HDR-SIZE": error(
        _REFUSED,
        "{subject} has {size} bytes with its boot header; the boot ROM's copy takes at most {limit}",
        "Make the first stage smaller, or boot a small one that starts this program.",
        source="F71",
    ),
    "W-HDR-LOAD": warning(
        "boot header of {subject} asks for load address {address:#010x}; images that boot have 0xffffffff there",
        "Sign again without -la: the boot ROM then chooses the place itself.",
        source="F69",
    ),
    "N-HDR-TRAILING": note(
        "{subject}: {size} bytes follow the end of the signed image at {offset:#x}; they are programmed too"
    ),
    "N-HDR-SIGNED": note(
        "boot header of {subject}: {what}; n6prog does not check signatures and cannot look into encrypted bodies"
    ),
}

FILES: dict[str, Entry] = {**_ANY_FILE, **_ELF, **_HEX, **_HEADER}
