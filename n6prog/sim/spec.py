"""The text that names a simulated board: `sim[:BOARD[,key=value...]]`."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote

DEFAULT_BOARD = "nucleo-n657x0-q"
KEYS = ("state", "rev", "boot1", "link", "part", "fault", "float", "seed")
# name -> whether it takes a number
FAULTS = {
    "no-wel": False,
    "drop-page": True,
    "flip-page": True,
    "stuck-wip": False,
    "mute": False,
    "fail-program": True,
    "fail-erase": True,
    "ap1-closed": False,
}
_PAGES, _OFFSETS = "page programs are counted from 1", "an offset in the NOR is 0 or more"
_COUNTED = {"drop-page": _PAGES, "flip-page": _PAGES, "fail-program": _OFFSETS, "fail-erase": _OFFSETS}
_LEAST = {"drop-page": 1, "flip-page": 1, "fail-program": 0, "fail-erase": 0}
LINKS = ("stlink", "stlink-633k")
FLOATS = ("last", "ff", "00")


@dataclass(frozen=True, slots=True)
class Fault:
    """One `fault=` term: its name, and its number where it takes one."""

    name: str
    argument: int | None = None


@dataclass(frozen=True, slots=True)
class SimSpec:
    """What a spec asks for.

    `state` None is the user's state directory, "none" keeps nothing; `boot1` None leaves the pins as they are.
    """

    board: str = DEFAULT_BOARD
    state: str | None = None
    rev: str | None = None
    boot1: int | None = None
    link: str = "stlink"
    part: str | None = None
    faults: tuple[Fault, ...] = field(default=())
    undriven: str = "last"
    seed: int = 0


def parse_spec(text: str) -> SimSpec:
    """A spec with or without its "sim" prefix; `%2C` in a value is a comma.

    Raises ValueError with what is wrong and what is known.
    """
    prefix, colon, rest = text.partition(":")
    body = rest if colon and prefix.lower() == "sim" else "" if text.lower() == "sim" else text
    board, *terms = body.split(",") if body else [""]
    values: dict[str, str] = {}
    for term in terms:
        key, equals, value = term.partition("=")
        if not equals:
            raise ValueError(f"{text!r}: {term!r} is not key=value; keys are {', '.join(KEYS)}")
        if key not in KEYS:
            raise ValueError(f"{text!r}: no key {key!r}; keys are {', '.join(KEYS)}")
        if key in values:
            raise ValueError(f"{text!r}: {key} is given twice")
        values[key] = unquote(value)
    if "=" in board:
        raise ValueError(f"{text!r}: the board comes first: sim:{DEFAULT_BOARD},{board}")
    return SimSpec(
        board=board or DEFAULT_BOARD,
        state=_state(text, values),
        rev=_choice(text, values, "rev", ("B", "Z")),
        boot1=_boot1(text, values),
        link=_link(text, values),
        part=values.get("part"),
        faults=_faults(text, values.get("fault", "")),
        undriven=_choice(text, values, "float", FLOATS) or "last",
        seed=_number(text, "seed", values.get("seed", "0")),
    )


def _choice(text: str, values: dict[str, str], key: str, allowed: tuple[str, ...]) -> str | None:
    value = values.get(key)
    if value is None:
        return None
    for item in allowed:
        if item.lower() == value.lower():
            return item
    raise ValueError(f"{text!r}: {key}={value} is not one of {', '.join(allowed)}")


def _state(text: str, values: dict[str, str]) -> str | None:
    value = values.get("state")
    if value == "":
        raise ValueError(f"{text!r}: state= wants a folder, or none")
    return value


def _boot1(text: str, values: dict[str, str]) -> int | None:
    value = _choice(text, values, "boot1", ("0", "1"))
    return None if value is None else int(value)


def _link(text: str, values: dict[str, str]) -> str:
    if values.get("link", "").lower() == "cmsis-dap":
        raise ValueError(f"{text!r}: there is no simulated CMSIS-DAP yet; use link=stlink")
    return _choice(text, values, "link", LINKS) or "stlink"


def _number(text: str, key: str, value: str) -> int:
    try:
        return int(value, 0)
    except ValueError:
        raise ValueError(f"{text!r}: {key}={value} is not a number") from None


def _faults(text: str, value: str) -> tuple[Fault, ...]:
    faults = []
    for term in value.split("+") if value else ():
        name, colon, argument = term.partition(":")
        if name not in FAULTS:
            raise ValueError(f"{text!r}: no fault {name!r}; there are {', '.join(sorted(FAULTS))}")
        if FAULTS[name] != bool(colon):
            wanted = f"{name}:N" if FAULTS[name] else name
            raise ValueError(f"{text!r}: fault {term!r} is written {wanted}")
        number = _number(text, name, argument) if colon else None
        if number is not None and number < _LEAST[name]:
            raise ValueError(f"{text!r}: fault {term!r}: {_COUNTED[name]}")
        faults.append(Fault(name, number))
    return tuple(faults)
