"""The file settings may stand in: `n6prog.toml`, or `[tool.n6prog]` of `pyproject.toml`; with the line of each key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from n6prog.errors import UsageError

FILE_NAMES = ("n6prog.toml", "pyproject.toml")
_LARGEST_FILE = 128 << 10  # bytes; tomllib's time grows with the square of a key's length, 1 MiB takes 20 s


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The settings of one table of a file, and the line each stands on.

    `text` is the whole file, `prefix` the table's dotted name ("" for the top).
    """

    path: Path
    values: Mapping[str, object]
    lines: Mapping[str, int]
    text: str = ""
    prefix: str = ""

    def where(self, key: str) -> str:
        """FILE:LINE of a key."""
        return f"{self.path}:{self.lines.get(key, 1)}"

    def table(self, *names: str) -> ConfigFile | None:
        """A table inside this one, None where there is none."""
        values: object = self.values
        for name in names:
            values = _subtable(values, name)
        prefix = ".".join(filter(None, (self.prefix, *names)))
        if not isinstance(values, dict):
            return None
        return ConfigFile(self.path, values, _lines(self.text, prefix), self.text, prefix)


def find_file(start: Path) -> ConfigFile | None:
    """The nearest `n6prog.toml`, or `pyproject.toml` with `[tool.n6prog]`, from `start` upward.

    Raises UsageError (E-CONFIG, with the line) when it is not TOML.
    """
    for folder in (start, *start.parents):
        for name in FILE_NAMES:
            path = folder / name
            if path.is_file() and (found := read_file(path)) is not None:
                return found
    return None


def read_file(path: Path) -> ConfigFile | None:
    """The settings in one file; None for a pyproject.toml that is not about n6prog.

    Raises UsageError (E-CONFIG, with the line) when it is not TOML, or too large.
    """
    ours = path.name == FILE_NAMES[0]
    try:
        if (size := path.stat().st_size) > _LARGEST_FILE:
            if not ours and not _mentions(path, b"tool.n6prog"):
                return None
            raise UsageError.of(
                "E-CONFIG", str(path), reason=f"has {size} bytes; no more than {_LARGEST_FILE} are read"
            )
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as bad:
        if not ours:
            return None
        raise UsageError.of("E-CONFIG", str(path), reason=f"cannot be read: {bad}") from bad
    if not ours and "n6prog" not in text:
        return None
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as bad:
        at = re.search(r"\(at line (\d+)", str(bad))
        line = int(at[1]) if at else text.count("\n") + 1
        reason = re.sub(r" \(at .*\)$", "", str(bad))
        raise UsageError.of("E-CONFIG", f"{path}:{line}", reason=f"not TOML: {reason}") from bad
    except ValueError as bad:  # a number of thousands of digits
        raise UsageError.of("E-CONFIG", str(path), reason=f"not TOML: {bad}") from bad
    except RecursionError as bad:
        raise UsageError.of("E-CONFIG", str(path), reason="not TOML: lists or tables are nested too deep") from bad
    table = document if ours else _subtable(_subtable(document, "tool"), "n6prog")
    prefix = "" if ours else "tool.n6prog"
    return ConfigFile(path, table, _lines(text, prefix), text, prefix) if table is not None else None


def _mentions(path: Path, words: bytes) -> bool:
    """Whether a large file has these words in its first 16 MiB."""
    with path.open("rb") as file:
        return words in file.read(16 << 20)


def _subtable(table: object, key: str) -> dict[str, object] | None:
    inner = table.get(key) if isinstance(table, dict) else None
    return inner if isinstance(inner, dict) else None


def _lines(text: str, table: str) -> dict[str, int]:
    """The line of each key of `table` ("" is the top level), which tomllib does not tell. Sub-tables count as keys."""
    lines: dict[str, int] = {}
    prefix = f"{table}." if table else ""
    here = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[+\s*([^\]#]+?)\s*\]", line):
            here = re.sub(r"[\"'\s]", "", header[1])
            if here != table and here.startswith(prefix):
                lines.setdefault(here.removeprefix(prefix).split(".")[0], number)
        elif here == table and (key := re.match(r"\s*[\"']?([A-Za-z0-9_-]+)[\"']?\s*[.=]", line)):
            lines.setdefault(key[1], number)
    return lines
