"""Reading TOML with types: every mistake is reported with file, line and key."""

from __future__ import annotations

import re
import stat
import tomllib
from difflib import get_close_matches
from pathlib import Path

_HEADER = re.compile(r"^\s*\[(\[)?\s*([A-Za-z0-9_.\-\"' ]+?)\s*\]\]?\s*(?:#.*)?$")
_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "a table",
}
_LARGEST = 64 << 10  # bytes; board files have some thousands, and tomllib takes 20 s for a key of 1 MiB
_SHOWN_BELOW = 1e18  # Python refuses to write integers of thousands of digits
_DECODE_LINE = re.compile(r"\(at line (\d+), column \d+\)")


class SchemaError(Exception):
    """A TOML file does not say what it should.

    `path` names the file, `line` counts from 1 (0: the whole file), `key` is dotted with list positions in brackets
    (`erases[1].size`), `reason` says what is wrong.
    """

    def __init__(self, path: str, line: int, key: str, reason: str) -> None:
        self.path = path
        self.line = line
        self.key = key
        self.reason = reason
        where = f"{path}:{line}" if line else path
        super().__init__(f"{where}: {key}: {reason}" if key else f"{where}: {reason}")


def _line_of(text: str, table: str, index: int | None, key: str) -> int:
    """The line of `key` in `[table]` or the index-th `[[table]]`; its header when the key is not there; or 0."""
    pattern = re.compile(rf"^\s*[\"']?{re.escape(key)}[\"']?\s*(?:=|\.)") if key else None
    current, count, header = "", -1, 0
    for number, line in enumerate(text.splitlines(), 1):
        match = _HEADER.match(line)
        if match:
            name = re.sub(r"[\"' ]", "", match.group(2))
            current, count = name, (count + 1 if name == table else count)
            if name == table and (index is None or count == index):
                header = number
            if not table and key and (name == key or name.startswith(key + ".")):
                return number
        elif pattern and current == table and (index is None or count == index) and pattern.match(line):
            return number
    return header


class TableReader:
    """One table of a TOML file. Each value is taken once by its typed method; `finish()` refuses what was not taken.

    All methods raise SchemaError.
    """

    def __init__(self, path: str, text: str, data: dict[str, object], name: str = "", index: int | None = None) -> None:
        self._path = path
        self._text = text
        self._data = data
        self._name = name
        self._index = index
        self._taken: set[str] = set()

    @classmethod
    def open(cls, path: Path) -> TableReader:
        """The top table of the file."""
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                raise SchemaError(str(path), 0, "", "is not a regular file")
            if status.st_size > _LARGEST:
                raise SchemaError(str(path), 0, "", f"has {status.st_size} bytes; no more than {_LARGEST} are read")
            text = path.read_text(encoding="utf-8")
        except OSError as exc:
            raise SchemaError(str(path), 0, "", exc.strerror or str(exc)) from None
        except UnicodeDecodeError:
            raise SchemaError(str(path), 0, "", "is not UTF-8 text") from None
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as exc:
            match = _DECODE_LINE.search(str(exc))
            line = int(match.group(1)) if match else len(text.splitlines())
            raise SchemaError(str(path), line, "", f"is not TOML: {_DECODE_LINE.sub('', str(exc)).strip()}") from None
        except ValueError as exc:  # a number of thousands of digits
            raise SchemaError(str(path), 0, "", f"is not TOML: {exc}") from None
        except RecursionError:
            raise SchemaError(str(path), 0, "", "is not TOML: its lists or tables are nested too deep") from None
        return cls(str(path), text, data)

    def _dotted(self, key: str) -> str:
        table = self._name if self._index is None else f"{self._name}[{self._index}]"
        return ".".join(part for part in (table, key) if part)

    def error(self, key: str, reason: str) -> SchemaError:
        """An error about this key, with its line."""
        return SchemaError(self._path, _line_of(self._text, self._name, self._index, key), self._dotted(key), reason)

    def _take(self, key: str, kinds: tuple[type, ...], wanted: str) -> object:
        self._taken.add(key)
        if key not in self._data:
            raise self._missing(key)
        value = self._data[key]
        # bool is an int in Python and not in TOML
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise self.error(key, f"must be {wanted}, is {_kind_of(value)}")
        return value

    def _missing(self, key: str) -> SchemaError:
        near = get_close_matches(key, [name for name in self._data if name not in self._taken], 1)
        if not near:
            return self.error(key, "is missing")
        line = _line_of(self._text, self._name, self._index, near[0])
        return SchemaError(self._path, line, self._dotted(key), f'is missing; is "{near[0]}" meant for it?')

    def text(self, key: str, default: str | None = None) -> str:
        """A string."""
        if default is not None and key not in self._data:
            return default
        return str(self._take(key, (str,), "a string"))

    def integer(self, key: str, default: int | None = None, *, low: int = 0, high: int = 0xFFFF_FFFF) -> int:
        """A whole number from `low` to `high`."""
        if default is not None and key not in self._data:
            return default
        value = self._take(key, (int,), "a whole number")
        assert isinstance(value, int)
        if not low <= value <= high:
            raise self.error(key, f"must lie between {low:#x} and {high:#x}, is {value:#x}")
        return value

    def seconds(self, key: str, default: float | None = None) -> float:
        """A time in seconds, above 0."""
        if default is not None and key not in self._data:
            return default
        value = self._take(key, (int, float), "a number of seconds")
        assert isinstance(value, int | float)
        if not 0 < value < 3600:
            shown = f"is {value}" if abs(value) < _SHOWN_BELOW else "is not"
            raise self.error(key, f"must be a time in seconds between 0 and 3600, {shown}")
        return float(value)

    def flag(self, key: str) -> bool:
        """True or false."""
        return bool(self._take(key, (bool,), "true or false"))

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._data

    def table(self, key: str) -> TableReader:
        """A table inside this one."""
        value = self._take(key, (dict,), "a table")
        assert isinstance(value, dict)
        return TableReader(self._path, self._text, value, self._dotted(key))

    def tables(self, key: str) -> list[TableReader]:
        """The tables of a list of tables."""
        value = self._take(key, (list,), "a list of tables")
        assert isinstance(value, list)
        for item in value:
            if not isinstance(item, dict):
                raise self.error(key, f"must be a list of tables, holds {_kind_of(item)}")
        return [TableReader(self._path, self._text, item, self._dotted(key), index) for index, item in enumerate(value)]

    def finish(self) -> None:
        """Refuse keys that nobody asked for: a misspelt key must not be a silent default."""
        for key in self._data:
            if key not in self._taken:
                raise self.error(key, f"is not known here; known: {', '.join(sorted(self._taken))}")


def _kind_of(value: object) -> str:
    return _KINDS.get(type(value), type(value).__name__)
