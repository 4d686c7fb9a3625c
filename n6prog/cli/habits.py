"""Other tools' spellings, answered with ours. Pure; nothing here runs a command for the user.

Sources: the command lines of STM32CubeProgrammer 2.18, pyOCD 0.46, probe-rs 0.27, esptool 5, st-flash and OpenOCD.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Collection, Sequence
from itertools import pairwise
from pathlib import Path

from n6prog.image.spec import SLOT
from n6prog.values import ValueFault, parse_number

_FLASH = "-w --write -d --download write download load program write-flash write_flash burn"
_READ = "-r --read --upload -u dump read-flash read_flash savemem read_memory upload"
_ERASE = "-e --erase erase-flash erase_flash mass-erase erase-region erase_region wipe"
_VERIFY = "verify-flash verify_flash compare"
_INFO = "flash-id flash_id chip-id chip_id board-info board_info id identify"
_LIST = "-l --list list-ports list_ports probes devices"
_CHECK = "image-info image_info validate lint plan"
_START = "run start -s --start -g --go reset -rst --rst -hardrst --hardrst"
_LATER = "image rig gdb gdbserver gdb-server serve"

_ADDRESS = ("-a", "--address", "--base-address", "--offset")
_FLAGS = (
    "-c",
    "-v",
    "--verify",
    "-z",
    "-hardRst",
    "-rst",
    "--verbose",
    "-q",
    "--quiet",
)  # -c: its words are read apart
_WITH_VALUE = (
    *("--connect-mode", "-el", "--extload", "-t", "--target", "--chip", "--protocol", "--speed", "-f", "--frequency"),
    *("-b", "--baud", "--port", "-M", "--mode", "--format", "--before", "--after"),
)
_OURS = ("--connect", "--probe", "-p", "--uid", "--board", "--swd-clock")

# options of other tools inside a command of ours
OPTIONS = {
    **dict.fromkeys(("-a", "--address", "--base-address", "--offset"), "The address goes with the file: FILE@ADDR."),
    **dict.fromkeys(("-t", "--target", "--chip"), "The chip is always an STM32N657; the board is --board NAME."),
    **dict.fromkeys(("--serial", "--serial-number", "--sn", "--port", "--dev-id"), "Name the probe with --probe."),
    **dict.fromkeys(("-M", "--mode"), "Say --connect auto|under-reset|attach|halt."),
    "--connect-under-reset": "Say --connect under-reset.",
    **dict.fromkeys(("-b", "--baud", "--frequency"), "Say --swd-clock 8M."),
    **dict.fromkeys(("--chip-erase", "--erase-all", "-e"), "Say --erase chip."),
    **dict.fromkeys(("--skip-flashed", "--preverify", "--incremental"), "It is the default: what is right stays."),
    **dict.fromkeys(("--restore-unwritten", "--keep-unwritten"), "It is the default: bytes that no file names stay."),
    "--verify": "It is the default; --no-verify turns it off.",
    **dict.fromkeys(("--reset", "--rst", "-rst"), "It is the default: --after reset."),
    **dict.fromkeys(("--reset-halt", "--halt"), "Say --after halt."),
    "--disable-progressbars": "Say --no-progress.",
    **dict.fromkeys(("--external-loader", "--extload", "-el"), "No external loader is needed: ours is on board."),
    **dict.fromkeys(("--length", "--size", "--len"), "Ranges are START+LEN or START-END."),
    **dict.fromkeys(("--out", "--file"), "Say -o FILE."),
}  # fmt: skip
_KEYS: dict[str, Callable[[str], str]] = {
    "freq": lambda value: f"--swd-clock {value}k",
    "mode": lambda value: {"ur": "--connect under-reset", "hotplug": "--connect attach"}.get(value.lower(), ""),
    "sn": lambda value: f"--probe {value}",
}
_IGNORED_KEYS = ("port", "ap", "index", "reset", "speed", "shared")


def is_number(word: str) -> bool:
    """Whether a word is an address or size rather than a file."""
    try:
        parse_number(word)
    except ValueFault:
        return False
    return not Path(word).exists()


def pairs(words: Sequence[str]) -> list[str]:
    """`ADDR FILE ...` or `FILE ADDR ...` as `FILE@ADDR ...`; other words stay."""
    address_first = bool(words) and is_number(words[0])
    found: list[str] = []
    pending = ""
    for word in words:
        if is_number(word):
            if address_first:
                pending = word
            elif found:
                found[-1] += f"@{word}"
        else:
            found.append(f"{word}@{pending}" if pending else word)
            pending = ""
    return found


def connection(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """STM32CubeProgrammer's `key=value` words as (our options, the words that remain)."""
    ours, rest = [], []
    for word in words:
        key, equals, value = word.partition("=")
        if equals and key.lower() in _KEYS:
            ours.append(_KEYS[key.lower()](value))
        elif not (equals and key.lower() in _IGNORED_KEYS):
            rest.append(word)
    return [option for option in ours if option], rest


def answer(words: Sequence[str], name: str, rest: Sequence[str], own: Collection[str]) -> tuple[str, str] | None:
    """What to say to a command line of another tool: (reason, cure), or None when it is ours or not known.

    `words` is all that was typed, `name` the first word that is no option, `rest` the others, `own` our commands.
    """
    if name in own:
        return None
    options, remaining = connection(words)
    for index, word in enumerate(remaining):
        for spellings, build in _TABLE:
            if word.lower() not in spellings.split() or (
                word == "-u" and not any(map(is_number, remaining[index + 1 :]))
            ):
                continue
            ours = build(word.lower(), _arguments(remaining[index + 1 :]))
            if ours is None:
                return f"{word} is not in this version", _start_hint(word.lower())
            kept = _ours(words)
            return f"{word} is another tool's word", f"Here it is: {' '.join(['n6prog', ours, *options, *kept])}"
    if name and (
        Path(name).is_file() or re.search(r"\.(elf|axf|out|hex|ihex|bin|s19|srec|raw)(@|$)", name, re.IGNORECASE)
    ):
        files = [*pairs(_arguments(words)), *_ours(words)]
        return f"{name!r} is a file, not a command", f"Say what to do with it: n6prog flash {shlex.join(files)}"
    if name and is_number(name) and rest:
        files = pairs(_arguments([name, *rest]))
        return f"{name!r} is an address, not a command", f"Say what to do: n6prog flash {shlex.join(files)}"
    if options:
        return "these are STM32CubeProgrammer's words", f"Here they are: n6prog COMMAND {' '.join(options)}"
    return None


def items(command: str, words: Sequence[str]) -> tuple[str, str] | None:
    """What to say to the positional words of our own command when they are written another tool's way."""
    options, remaining = connection(words)
    if len(remaining) != len(words) and not all(Path(word).exists() for word in words):
        return (
            "options are written --option VALUE here",
            f"n6prog {command} {shlex.join(pairs(remaining))} {' '.join(options)}",
        )
    if command in ("flash", "verify", "check"):
        return _file_items(command, words)
    numbers = [word for word in words if is_number(word)]
    if len(numbers) == 2 and len(words) >= 2:
        return "a range is one word", f"n6prog {command} {numbers[0]}+{numbers[1]}" + (
            " -o FILE" if command == "read" else ""
        )
    if command in ("erase", "read") and len(words) == 1 and (near := _range_of(words[0])):
        return f"{words[0]!r} is not a range", f"n6prog {command} {near}" + (" -o FILE" if command == "read" else "")
    if command == "erase" and words and words[0].lower() in ("all", "chip", "mass"):
        return "the whole flash is an option", "n6prog erase --chip"
    if command == "erase" and len(words) == 1 and SLOT.fullmatch(words[0]) and not Path(words[0]).exists():
        return "a slot is an option", f"n6prog erase --slot {words[0]}"
    return None


def _range_of(word: str) -> str:
    """A range as other tools write it, in our way; the name of a slot as the option; "" for anything else."""
    if found := re.fullmatch(r"(0x[0-9a-f_]+)(\.\.|:|,)(0x[0-9a-f_]+|[0-9]+[kKmM]?)", word, re.IGNORECASE):
        start, between, other = found.groups()
        return f"{start}{'-' if between == '..' or _beyond(start, other) else '+'}{other}"
    if found := re.fullmatch(r"(7[0-9a-f]{7})([+-].+)", word, re.IGNORECASE):
        return f"0x{found[1]}{found[2]}"
    return ""


def _beyond(start: str, other: str) -> bool:
    """Whether the second number is an end rather than a length."""
    return parse_number(other) > parse_number(start)


def _file_items(command: str, words: Sequence[str]) -> tuple[str, str] | None:
    if any(is_number(word) for word in words):
        files = pairs(words) or ["FILE@ADDR"]
        return "an address goes with its file, as FILE@ADDR", f"n6prog {command} {shlex.join(files)}"
    for word in words:
        match = re.fullmatch(r"(.+)[:,=](0[xX][0-9a-fA-F_]+)", word)
        if match and not Path(word).exists():
            return f"{word!r} is not FILE@ADDR", f"n6prog {command} {shlex.quote(f'{match[1]}@{match[2]}')}"
    return None


def _arguments(words: Sequence[str]) -> list[str]:
    """The positional words, an address given as an option too, up to an option that begins another job."""
    found: list[str] = []
    behind = iter(words)
    for word in behind:
        if not word.startswith("-"):
            found.append(word)
        elif word in _ADDRESS or word in _FLASH.split() or word in _FLAGS:
            continue
        elif word in _WITH_VALUE or word in _OURS:
            next(behind, None)
        else:
            break
    return found


def _ours(words: Sequence[str]) -> list[str]:
    """The options among the words that say which board is meant and how to reach it, as they are said here too."""
    return [part for word, value in pairwise(words) if word in _OURS for part in (word, value)]


def _files(command: str) -> Callable[[str, list[str]], str | None]:
    return lambda word, given: f"{command} {shlex.join(pairs(given)) if given else 'FILE[@ADDR]'}"


def _read(word: str, given: list[str]) -> str | None:
    numbers = [item for item in given if is_number(item)]
    files = [item for item in given if not is_number(item)]
    span = f"{numbers[0]}+{numbers[1]}" if len(numbers) >= 2 else "START+LEN"
    return f"read {span} -o {shlex.quote(files[0]) if files else 'FILE'}"


def _erase(word: str, given: list[str]) -> str | None:
    numbers = [item for item in given if is_number(item)]
    if "region" in word:
        return f"erase {numbers[0]}+{numbers[1]}" if len(numbers) >= 2 else "erase START+LEN"
    return "erase --chip   (or erase START+LEN, erase --slot NAME)"


def _absent(word: str, given: list[str]) -> str | None:
    return None


def _start_hint(word: str) -> str:
    if word in _START.split():
        return "flash ends with a reset (--after reset). To start from flash: BOOT1 to 0 and power-cycle the board."
    return "n6prog --help lists what is."


_TABLE: tuple[tuple[str, Callable[[str, list[str]], str | None]], ...] = (
    (_FLASH, _files("flash")),
    (_READ, _read),
    (_ERASE, _erase),
    (_VERIFY, _files("verify")),
    (_CHECK, _files("check")),
    (_INFO, lambda word, given: "info"),
    (_LIST, lambda word, given: "list"),
    (f"{_START} {_LATER}", _absent),
)
