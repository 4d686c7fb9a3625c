"""How numbers and findings are written for people. Pure: strings in, strings out."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable

from n6prog.findings import Finding, Severity

_HEX_NAMES = re.compile(
    r"address|start$|^end$|^pc$|^sp$|^lr$|entry|cfsr|hfsr|bfar|mmfar|dpidr|target|base|register|load|reset|_sr$|^sr$",
    re.IGNORECASE,
)
_HINT_INDENT = 12


def size(count: int) -> str:
    """A number of bytes with three digits: `512 B`, `46.3 KiB`, `4.00 MiB`."""
    if count < 1024:
        return f"{count} B"
    value, unit = (count / 1024, "KiB") if count < 1024 * 1024 else (count / (1024 * 1024), "MiB")
    if value == int(value) and value >= 10:
        return f"{value:.0f} {unit}"
    return f"{value:.{max(0, 3 - len(str(int(value))))}f} {unit}"


def clock(hertz: int) -> str:
    """A clock: `8 MHz`, `3.3 MHz`, `950 kHz`."""
    return f"{hertz / 1e6:g} MHz" if hertz >= 1_000_000 else f"{hertz / 1e3:g} kHz"


def seconds(value: float) -> str:
    """A time with three digits or so: `0.52 s`, `12.3 s`, `2 min 05 s`."""
    if value < 10:
        return f"{value:.2f} s"
    if value < 100:
        return f"{value:.1f} s"
    return f"{int(value) // 60} min {int(value) % 60:02d} s"


def safe(line: str) -> str:
    """A line with control characters written out: names come from files, and a terminal obeys what it is sent."""
    return line if line.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


def plural(count: int, noun: str) -> str:
    """`1 sector`, `2 sectors`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def listing(rows: Iterable[tuple[str, ...]], indent: str = "  ") -> list[str]:
    """Rows as aligned columns, two blanks between them."""
    table = list(rows)
    if not table:
        return []
    widths = [max(len(row[column]) for row in table if column < len(row)) for column in range(max(map(len, table)))]
    return [
        indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip()
        for row in table
    ]


def finding_lines(found: Finding, *, width: int | None = None, colour: bool = False, again: bool = True) -> list[str]:
    """A finding in the layout of every error: what happened, what shows it, what to do, what it is not.

    `width`: columns to wrap at (None: one line each, for pipes). `again`: show values that the text holds too.
    """
    head = f"{found.severity} {found.code}: "
    lines = _wrapped(head + safe(found.text), width, " " * _HINT_INDENT)
    if colour:
        paint = {Severity.ERROR: "\x1b[1;31m", Severity.WARNING: "\x1b[1;33m"}.get(found.severity, "\x1b[1m")
        lines[0] = f"{paint}{lines[0][: len(head) - 2]}\x1b[0m{lines[0][len(head) - 2 :]}"
    hints = (("evidence", evidence(found, again=again)), ("cure", found.cure), ("not this", found.not_this))
    for name, hint in hints:
        if hint:
            lines += _wrapped(f"  {name:<8}  {safe(hint)}", width, " " * _HINT_INDENT)
    return lines


def evidence(found: Finding, *, again: bool = True) -> str:
    """The values of a finding, `name value · name value`; without `again`, only those its texts do not show already."""
    told = f"{found.subject} {found.text} {found.cure}"
    shown = []
    for name, value in found.evidence.items():
        word = _value(name, value).strip()
        if word and (again or not re.search(rf"(?<!\w){re.escape(word)}(?!\w)", told)):
            shown.append(f"{name.replace('_', ' ')} {word}")
    return " · ".join(shown)


def _value(name: str, value: str | int | float | None) -> str:
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool) and (value >= 0x1000_0000 or _HEX_NAMES.search(name)):
        return f"{value:#010x}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _wrapped(line: str, width: int | None, indent: str) -> list[str]:
    if width is None or len(line) <= width:
        return [line]
    return textwrap.wrap(
        line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False, drop_whitespace=True
    )
