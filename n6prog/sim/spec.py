"""The text that names a simulated board: `sim[:BOARD[,key=value...]]`."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from urllib.parse import unquote

from n6prog.sim.fault_terms import Fault, parse_faults

DEFAULT_BOARD = "nucleo-n657x0-q"
KEYS = ("state", "rev", "boot1", "link", "part", "fault", "float", "seed", "schedule", "uart", "connect")
LINKS = ("stlink", "stlink-633k", "cmsis-dap")
FLOATS = ("last", "ff", "00")
SCHEDULES = ("lazy", "eager")


@dataclass(frozen=True, slots=True)
class SimSpec:
    """What a spec asks for.

    `state` None is the user's state directory, "none" keeps nothing; `boot1` None leaves the pins as they are;
    `uart` is a file to which all that USART1 sends is added; `connect` is HOST:PORT of the `sim serve` that has
    the board.
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
    schedule: str = "lazy"
    uart: str | None = None
    connect: str | None = None


def parse_spec(text: str) -> SimSpec:
    """A spec with or without its "sim" prefix; `%2C` in a value is a comma.

    Raises ValueError with what is wrong and what is known.
    """
    prefix, colon, rest = text.partition(":")
    body = rest if colon and prefix.lower() == "sim" else "" if text.lower() == "sim" else text
    board, *terms = body.split(",") if body else [""]
    if board.startswith("connect="):  # whoever serves the board knows which it is
        board, terms = "", [board, *terms]
    values: dict[str, str] = {}
    for term in terms:
        key, equals, value = term.partition("=")
        if not equals:
            raise ValueError(f"{text!r}: {term!r} is not key=value; keys are {', '.join(KEYS)}")
        if key not in KEYS:
            near = "".join(f"; did you mean {name}?" for name in get_close_matches(key, KEYS, 1))
            raise ValueError(f"{text!r}: no key {key!r}{near}; keys are {', '.join(KEYS)}")
        if key in values:
            raise ValueError(f"{text!r}: {key} is given twice")
        values[key] = unquote(value)
    if "=" in board:
        raise ValueError(f"{text!r}: the board comes first: sim:{DEFAULT_BOARD},{board}")
    _check_served(text, values)
    return SimSpec(
        board=board or DEFAULT_BOARD,
        state=_state(text, values),
        rev=_choice(text, values, "rev", ("B", "Z")),
        boot1=_boot1(text, values),
        link=_choice(text, values, "link", LINKS) or "stlink",
        part=values.get("part"),
        faults=_faults(text, values.get("fault", "")),
        undriven=_choice(text, values, "float", FLOATS) or "last",
        seed=_number(text, "seed", values.get("seed", "0")),
        schedule=_choice(text, values, "schedule", SCHEDULES) or "lazy",
        uart=_uart(text, values),
        connect=values.get("connect"),
    )


def _check_served(text: str, values: dict[str, str]) -> None:
    """Beside `connect` only the probe can be chosen: the rest was when the board was opened."""
    if "connect" not in values:
        return
    endpoint(values["connect"])
    for key in values:
        if key not in ("connect", "link"):
            raise ValueError(f"{text!r}: {key}= is for sim serve, which has the board; with connect= only link= goes")


def endpoint(text: str) -> tuple[str, int]:
    """Host and port out of HOST:PORT; an IPv6 address stands in brackets. Raises ValueError."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not (port.isascii() and port.isdecimal() and 0 < int(port) < 1 << 16):
        raise ValueError(f"connect={text} is not HOST:PORT, as n6prog sim serve tells them")
    return host, int(port)


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


def _uart(text: str, values: dict[str, str]) -> str | None:
    value = values.get("uart")
    if value == "":
        raise ValueError(f"{text!r}: uart= wants a file")
    return value


def _boot1(text: str, values: dict[str, str]) -> int | None:
    value = _choice(text, values, "boot1", ("0", "1"))
    return None if value is None else int(value)


def _number(text: str, key: str, value: str) -> int:
    try:
        return int(value, 0)
    except ValueError:
        raise ValueError(f"{text!r}: {key}={value} is not a number") from None


def _faults(text: str, value: str) -> tuple[Fault, ...]:
    try:
        return parse_faults(value)
    except ValueError as problem:
        raise ValueError(f"{text!r}: {problem}") from None


__all__ = ["DEFAULT_BOARD", "FLOATS", "KEYS", "LINKS", "SCHEDULES", "Fault", "SimSpec", "endpoint", "parse_spec"]
