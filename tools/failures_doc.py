"""Write docs/failures.md from tests/failures.toml; with --check, exit with 1 when it is not current."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "tests" / "failures.toml"
PAGE = ROOT / "docs" / "failures.md"
NUMBERS = tuple(f"F{number:02}" for number in range(1, 98))


@dataclass(frozen=True)
class Row:
    """One failure: what shows it, or why nothing can."""

    number: str
    what: str
    codes: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    why_not: str = ""

    @property
    def covered(self) -> bool:
        """Whether a test builds this failure."""
        return bool(self.tests)


def rows(path: Path = TABLE) -> list[Row]:
    """The rows of the table. Raises TypeError for a key that there is not."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return [_row(number, fields) for number, fields in table.items()]


def _row(number: str, fields: Mapping[str, object]) -> Row:
    plain = {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}
    return Row(number, **plain)  # type: ignore[arg-type]


def page(table: Sequence[Row]) -> str:
    """The whole page as Markdown."""
    return "\n".join(_lines(table)) + "\n"


def _lines(table: Sequence[Row]) -> Iterator[str]:
    covered = sum(row.covered for row in table)
    yield "# Failures that people meet"
    yield ""
    yield "Made by `tools/failures_doc.py` from `tests/failures.toml`; do not edit by hand."
    yield ""
    yield "97 failures were collected from forums, issue trackers and repositories. Each is built by a test, as a file"
    yield "or on the simulated board, and goes through the command line; [errors.md](errors.md) has the words."
    yield ""
    yield f"{covered} are covered, {len(table) - covered} are nothing that a file or a debugger shows"
    yield "(the reason stands in the row)."
    yield ""
    yield "| | Failure | Said as | Test, or why there is none |"
    yield "|---|---|---|---|"
    for row in table:
        codes = " ".join(f"[{code}](errors.md#{code.lower()})" for code in row.codes)
        shown = "<br>".join(f"`{test}`" for test in row.tests) or row.why_not
        yield f"| {row.number} | {row.what} | {codes} | {shown} |"


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page, or compare it. Gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 when the page is not current")
    table = rows()
    wanted = page(table)
    if parser.parse_args(argv).check:
        current = PAGE.exists() and PAGE.read_text(encoding="utf-8") == wanted
        if not current:
            print(f"{PAGE.name} is not current: run python tools/failures_doc.py")
        return 0 if current else 1
    PAGE.write_text(wanted, encoding="utf-8")
    print(f"{PAGE}: {sum(row.covered for row in table)} of {len(table)} failures have a test")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
