"""The grammar of `fault=NAME[@WHEN][:ARG][+...]`: which faults there are, and what each may be told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum

_UNITS = {"s": 12, "ms": 9, "us": 6, "ns": 3}  # powers of ten of picoseconds
_TIME = re.compile(r"(\d+)(?:\.(\d+))?(s|ms|us|ns)", re.ASCII)
_CLOCK = re.compile(r"(\d+)(?:\.(\d+))?([kM]?)(?:Hz)?", re.IGNORECASE | re.ASCII)
_COUNT = re.compile(r"-?[0-9]+")
_PLACE = re.compile(r"-?(?:0x[0-9a-f]+|[0-9]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fault:
    """One term: its name, its argument, and when it strikes.

    `argument` is a count, a byte offset, an address, hertz, volts, a rate, an identity as a number (of ST-LINK firmware
    J << 8 | M); None where there is none. `data` are the bytes that `poke` writes.
    `after` is picoseconds since the board was opened, `transfer` the number of an SWD transfer since then, from 1; both
    None is from the start on. `lasts` is picoseconds.
    """

    name: str
    argument: int | float | None = None
    after: int | None = None
    transfer: int | None = None
    lasts: int | None = None
    data: bytes = b""


class When(Enum):
    """Whether a term may, must or must not say when."""

    NEVER = "takes no @WHEN"
    MAY = "may say @WHEN"
    MUST = "needs @WHEN"
    OR_ARGUMENT = "needs @WHEN or an argument"


@dataclass(frozen=True, slots=True)
class Term:
    """A row of the table: `argument` names what follows the colon ("" nothing), `optional` that it may be left out."""

    when: When
    argument: str = ""
    optional: bool = False


_PAGE, _OFFSET, _RATE, _LENGTH = "N", "OFFSET", "RATE", "N|TIME"
_POKE, _FIRMWARE, _PIN, _VOLTS, _DEVICE, _STATE = "ADDRESS=HEX[*N]", "V3JnMm", "0|1", "VOLTS", "DEV_ID", "NVSTATE"
_LONGEST_POKE = 1 << 20  # bytes
TERMS = {
    # in the NOR
    "no-wel": Term(When.MAY),
    "stuck-wip": Term(When.MAY),
    "mute": Term(When.MAY),
    "drop-page": Term(When.NEVER, _PAGE),
    "flip-page": Term(When.NEVER, _PAGE),
    "fail-program": Term(When.MAY, _OFFSET),
    "fail-erase": Term(When.MAY, _OFFSET),
    "wrong-id": Term(When.NEVER, "ID", optional=True),
    "no-sfdp": Term(When.NEVER),
    # how the NOR was left when the board is opened
    "left-8s": Term(When.NEVER),
    "left-8d": Term(When.NEVER),
    "left-dpd": Term(When.NEVER),
    "mid-erase": Term(When.NEVER, _OFFSET, optional=True),
    "left-suspended": Term(When.NEVER, _OFFSET, optional=True),
    # on the board
    "ap1-closed": Term(When.NEVER),
    "no-vddio3": Term(When.MAY),
    "power-cut": Term(When.MUST),
    "voltage": Term(When.NEVER, _VOLTS),
    "boot1": Term(When.MUST, _PIN),
    # in the chip
    "wrong-chip": Term(When.NEVER, _DEVICE),
    "life-cycle": Term(When.NEVER, _STATE),
    "chip-reset": Term(When.MUST),
    "poke": Term(When.MUST, _POKE),
    # on the wire and at the probe
    "flip": Term(When.OR_ARGUMENT, _RATE, optional=True),
    "double-flip": Term(When.OR_ARGUMENT, _RATE, optional=True),
    "lost": Term(When.OR_ARGUMENT, _RATE, optional=True),
    "repeat": Term(When.OR_ARGUMENT, _RATE, optional=True),
    "wait": Term(When.MAY, _LENGTH),
    "max-clock": Term(When.MAY, "CLOCK"),
    "hang": Term(When.MUST),
    "unplug": Term(When.MUST),
    "firmware": Term(When.NEVER, _FIRMWARE),
    "no-access": Term(When.NEVER),
}


def parse_faults(text: str) -> tuple[Fault, ...]:
    """The faults of `NAME[@WHEN][:ARG][+...]`; "" is none. Raises ValueError with what is wrong and what is known."""
    return tuple(parse_fault(term) for term in text.split("+")) if text else ()


def parse_fault(term: str) -> Fault:
    """One term. Raises ValueError."""
    head, colon, argument = term.partition(":")
    name, at, moment = head.partition("@")
    row = TERMS.get(name)
    if row is None:
        raise ValueError(f"no fault {name!r}; {_nearest(name)}")
    if (colon and not row.argument) or (row.argument and not row.optional and not colon):
        raise ValueError(f"fault {term!r} is written {_form(name, row)}")
    if row.when is (When.NEVER if at else When.MUST):
        raise ValueError(f"fault {term!r}: {name} {row.when.value}: it is written {_form(name, row)}")
    if row.when is When.OR_ARGUMENT and not at and not colon:
        raise ValueError(f"fault {term!r}: {name} {row.when.value}: it is written {_form(name, row)}")
    after, transfer = _when(term, moment) if at else (None, None)
    if row.argument == _LENGTH and not _COUNT.fullmatch(argument):
        return Fault(name, None, after, transfer, lasts=_time(term, argument))
    if row.argument == _POKE:
        address, data = _poke(term, argument)
        return Fault(name, address, after, transfer, data=data)
    return Fault(name, _READERS[row.argument](term, argument) if colon else None, after, transfer)


def as_faults(faults: Sequence[Fault | str]) -> tuple[Fault, ...]:
    """What `SimBoard(faults=[...])` was given: terms as text and as values alike. Raises ValueError."""
    if isinstance(faults, str):
        return parse_faults(faults)
    if not isinstance(faults, Iterable):
        raise ValueError(f"faults={faults!r}: a list of terms")
    result: list[Fault] = []
    for fault in faults:
        if isinstance(fault, str):
            result.extend(parse_faults(fault))
        elif not isinstance(fault, Fault):
            raise ValueError(f"fault {fault!r}: a term as in fault=, or a Fault")
        elif fault.name not in TERMS:
            raise ValueError(f"no fault {fault.name!r}; {_nearest(fault.name)}")
        else:
            result.append(fault)
    return tuple(result)


def _nearest(name: str) -> str:
    near = get_close_matches(name, TERMS, 1)
    known = ", ".join(sorted(TERMS))
    return f"did you mean {near[0]}? There are {known}" if near else f"there are {known}"


def _form(name: str, row: Term) -> str:
    when = {When.NEVER: "", When.MAY: "[@WHEN]", When.MUST: "@WHEN", When.OR_ARGUMENT: "@WHEN"}[row.when]
    argument = f":{row.argument}" if row.argument else ""
    if row.when is When.OR_ARGUMENT:
        return f"{name}@WHEN, {name}{argument} or {name}@WHEN{argument}"
    return f"{name}{when}[{argument}]" if row.optional else f"{name}{when}{argument}"


def _when(term: str, text: str) -> tuple[int | None, int | None]:
    if text.startswith("#"):
        number = _natural(term, text[1:], "@#N: transfers are counted from 1")
        return None, number
    return _time(term, text), None


def _time(term: str, text: str) -> int:
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"fault {term!r}: {text!r} is no time (1.5s, 200ms, 50us) and no transfer (#1234)")
    whole, fraction, unit = found.groups()
    return _scaled(whole, fraction or "", _UNITS[unit])


def _scaled(whole: str, fraction: str, power: int) -> int:
    """Decimal digits times ten to the `power`, exactly."""
    return int(whole + fraction[:power].ljust(power, "0"))


def _natural(term: str, text: str, problem: str, least: int = 1, form: re.Pattern[str] = _COUNT) -> int:
    if form.fullmatch(text) is None:
        raise ValueError(f"fault {term!r}: {text!r} is not a number ({problem})")
    value = int(text, 16 if "x" in text.lower() else 10)
    if value < least:
        raise ValueError(f"fault {term!r}: {problem}")
    return value


def _page(term: str, text: str) -> int:
    return _natural(term, text, "page programs are counted from 1")


def _offset(term: str, text: str) -> int:
    return _natural(term, text, "an offset in the NOR is 0 or more", least=0, form=_PLACE)


def _rate(term: str, text: str) -> float:
    try:
        value = float(text) if text.isascii() and "_" not in text else -1.0
    except ValueError:
        value = -1.0
    if not 0.0 < value <= 1.0:
        raise ValueError(f"fault {term!r}: a rate is the share of transfers hit, more than 0 and at most 1")
    return value


def _count(term: str, text: str) -> int:
    return _natural(term, text, "transfers are counted from 1")


def _clock(term: str, text: str) -> int:
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise ValueError(f"fault {term!r}: {text!r} is no clock (8M, 3300k)")
    whole, fraction, unit = found.groups()
    value = _scaled(whole, fraction or "", {"": 0, "k": 3, "m": 6}[unit.lower()])
    if value < 1000:
        near = f"; did you mean {whole}M?" if value and not unit else ": a link runs at 1 kHz or more (8M, 3300k)"
        raise ValueError(f"fault {term!r}: {text} is {value} Hz{near}")
    return value


def _hex(term: str, text: str, digits: int, problem: str) -> int:
    number = text.removeprefix("0x")
    if not re.fullmatch(rf"[0-9a-fA-F]{{{digits}}}", number):
        raise ValueError(f"fault {term!r}: {problem}")
    return int(number, 16)


def _identity(term: str, text: str) -> int:
    return _hex(term, text, 6, "an identity is three bytes in hex, as in wrong-id:c28537")


def _device(term: str, text: str) -> int:
    return _hex(term, text, 3, "DEV_ID has three hex digits, as in wrong-chip:484")


def _state(term: str, text: str) -> int:
    value = _hex(term, text, 2, "NVSTATE has two hex digits, as in life-cycle:0d")
    if value >= 1 << 6:
        raise ValueError(f"fault {term!r}: NVSTATE has six bits")
    return value


def _volts(term: str, text: str) -> float:
    if not re.fullmatch(r"[0-9](\.[0-9]+)?", text):
        raise ValueError(f"fault {term!r}: {text!r} is no voltage (2.41)")
    return float(text)


def _pin(term: str, text: str) -> int:
    if text not in ("0", "1"):
        raise ValueError(f"fault {term!r}: a pin is 0 or 1")
    return int(text)


def _firmware(term: str, text: str) -> int:
    found = re.fullmatch(r"V3J([0-9]{1,2})M([0-9]{1,2})", text, re.IGNORECASE | re.ASCII)
    if found is None:
        raise ValueError(f"fault {term!r}: {text!r} is no ST-LINK V3 firmware (V3J16M6)")
    return int(found[1]) << 8 | int(found[2])


def _poke(term: str, text: str) -> tuple[int, bytes]:
    place, equals, data = text.partition("=")
    address = _natural(term, place, "an address is a number from 0", least=0, form=_PLACE)
    found = re.fullmatch(r"((?:[0-9a-fA-F]{2})+)(?:\*([0-9]{1,7}))?", data)
    if not equals or found is None:
        raise ValueError(f"fault {term!r}: say what to write where, as in poke@200ms:0x34000004=00de*4096")
    pattern, times = bytes.fromhex(found[1]), int(found[2] or 1)
    size = len(pattern) * times
    if not 0 < size <= _LONGEST_POKE or address + size > 1 << 32:
        raise ValueError(f"fault {term!r}: 1 byte to 1 MiB below 4 GiB can be written")
    return address, pattern * times


_READERS: dict[str, Callable[[str, str], int | float]] = {
    _PAGE: _page,
    _OFFSET: _offset,
    _RATE: _rate,
    _LENGTH: _count,
    "CLOCK": _clock,
    "ID": _identity,
    _DEVICE: _device,
    _STATE: _state,
    _VOLTS: _volts,
    _PIN: _pin,
    _FIRMWARE: _firmware,
}
