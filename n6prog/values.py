"""How values are written: addresses, ranges, clocks, times, switches. Pure; every fault says what to write instead."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

_SMALLEST_BARE_CLOCK = 100_000  # hertz; smaller bare numbers come from hands used to kHz (CubeProgrammer, probe-rs)
_NUMBER = re.compile(r"(0[xX][0-9a-fA-F_]+|[0-9][0-9_]*)\s*(?:([kKmMgG])(?:[iI]?[bB])?)?")
_CLOCK = re.compile(r"([0-9][0-9_]*(?:\.[0-9]+)?)\s*([km]?)")


class ValueFault(ValueError):
    """A value that cannot be used: the reason, and what to give instead."""

    def __init__(self, reason: str, cure: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cure = cure


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice that a hand most likely meant, also the only one that begins with the word, or None."""
    table = {choice.lower(): choice for choice in choices}
    found = difflib.get_close_matches(word.lower(), table, n=1, cutoff=0.6)
    if not found and len(word) >= 3:
        begun = [choice for choice in table if choice.startswith(word.lower())]
        found = begun if len(begun) == 1 else []
    return table[found[0]] if found else None


def did_you_mean(word: str, choices: Sequence[str]) -> str:
    """The sentence that helps after a wrong word: the nearest choice, and all of them."""
    near = nearest(word, choices)
    every = f"One of: {', '.join(choices)}."
    return f"Did you mean {near!r}? {every}" if near else every


def parse_number(text: str) -> int:
    """An address or size: hex or decimal, `_` between digits, then K, M or G (times 1024), also KB or KiB.

    Raises ValueFault.
    """
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        raise ValueFault(
            f"{text!r} is not a number", "Hex or decimal, K and M for 2^10 and 2^20: 0x7100_0000, 64K, 1M."
        )
    digits, unit = match.groups()
    try:
        value = int(digits, 16 if digits[:2] in ("0x", "0X") else 10)
    except ValueError as bad:
        raise ValueFault(f"{text!r} is not a number", "Underscores stand between digits only: 0x7100_0000.") from bad
    return value << {"": 0, "k": 10, "m": 20, "g": 30}[(unit or "").lower()]


def parse_range(text: str) -> tuple[int, int]:
    """`START+LEN` or `START-END` (END is the first address after it) as (start, length in bytes). Raises ValueFault."""
    how = "Give START+LEN or START-END (END not included): 0x70000000+64K or 0x70000000-0x70010000."
    match = re.fullmatch(r"([^+-]+)([+-])([^+-]+)", text.strip())
    if match is None:
        raise ValueFault(f"{text!r} is not a range", how)
    start, second = parse_number(match[1]), parse_number(match[3])
    length = second if match[2] == "+" else second - start
    if length <= 0:
        raise ValueFault(f"{text!r} is an empty range", how)
    if start + length > 1 << 32:
        raise ValueFault(f"{text!r} ends beyond the 32-bit address space", how)
    return start, length


def parse_clock(text: str) -> int | None:
    """An SWD clock in hertz: `8M`, `3300k`, `3.3MHz`, `8000000`; None for `auto`.

    A bare small number raises ValueFault, as everything else that is not a clock: pyOCD takes hertz, CubeProgrammer and
    probe-rs take kilohertz, and the slip costs a factor of a thousand.
    """
    how = "Say 8M, 3300k or auto."
    cleaned = text.strip().lower().removesuffix("hz").strip()
    if cleaned == "auto":
        return None
    match = _CLOCK.fullmatch(cleaned)
    if match is None:
        raise ValueFault(f"{text!r} is not a clock", how)
    number, unit = float(match[1].replace("_", "")), match[2]
    hertz = round(min(number, 1e9) * {"": 1, "k": 1_000, "m": 1_000_000}[unit])
    if not unit and 0 < hertz < _SMALLEST_BARE_CLOCK:
        meant = f"{match[1]}{'M' if number < 50 else 'k'}"
        raise ValueFault(f"{text!r} would be {hertz} Hz", f"Did you mean {meant}? A bare number is in hertz. {how}")
    if not 5_000 <= hertz <= 50_000_000:
        raise ValueFault(f"{text!r} is out of range", "From 5k to 50M; the probe takes its next step below.")
    return hertz


def parse_seconds(text: str) -> float:
    """A time in seconds, not negative: `5`, `0.5`, `5s`. Raises ValueFault."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*s?", text.strip())
    if match is None:
        raise ValueFault(f"{text!r} is not a time", "Give seconds: 5 or 0.5.")
    return float(match[1])


def parse_flag(text: str) -> bool:
    """A switch: 1, true, yes, on, or 0, false, no, off, or empty for off. Raises ValueFault."""
    word = text.strip().lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("", "0", "false", "no", "off"):
        return False
    raise ValueFault(f"{text!r} is neither on nor off", "Give 1 or 0.")


def parse_count(text: str) -> int:
    """How often a switch is given. Raises ValueFault."""
    if not re.fullmatch(r"[0-9]", text.strip()):
        raise ValueFault(f"{text!r} is not a count", "Give 0, 1 or 2.")
    return int(text)


def parse_maps(text: str) -> tuple[str, ...]:
    """`FROM=TO` rules, FROM an address or a range, separated by commas; checked and kept as text.

    Raises ValueFault.
    """
    items = tuple(filter(None, (part.strip() for part in text.split(","))))
    for item in items:
        source, equals, target = item.partition("=")
        if not equals:
            raise ValueFault(f"{item!r} is not FROM=TO", "Two addresses: --map 0x34000000=0x70100000.")
        for number in (*re.split("[+-]", source), target):
            parse_number(number)
    return items


def parse_word(text: str) -> str:
    """Any text but an empty one. Raises ValueFault."""
    if not text.strip():
        raise ValueFault("the value is empty", "Give a value, or leave the setting out.")
    return text


class Choice:
    """A reader of one word out of `choices`, in any case.

    `aliases`: other spellings of them. `absent`: words that users know from elsewhere, with what to do instead.
    """

    def __init__(self, choices: tuple[str, ...], aliases: Mapping[str, str], absent: Mapping[str, str]) -> None:
        self.choices = choices
        self._aliases = aliases
        self._absent = absent

    def __call__(self, text: str) -> str:
        """The choice that the text means. Raises ValueFault."""
        word = text.strip().lower()
        word = self._aliases.get(word, word)
        if word in self.choices:
            return word
        if word in self._absent:
            every = ", ".join(self.choices)
            raise ValueFault(f"{text!r} is not in this version", f"{self._absent[word]} One of: {every}.")
        raise ValueFault(f"{text!r} is not known", did_you_mean(text, self.choices))


def choice(*choices: str, aliases: Mapping[str, str] | None = None, absent: Mapping[str, str] | None = None) -> Choice:
    """A reader of one word out of `choices`; see Choice."""
    return Choice(choices, aliases or {}, absent or {})
