"""Write docs/errors.md from the table of findings; with --check, exit with 1 when it is not current."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from n6prog.findings.codes_doctor import DOCTOR
from n6prog.findings.codes_files import FILES
from n6prog.findings.codes_flash import FLASH
from n6prog.findings.codes_placement import PLACEMENT
from n6prog.findings.codes_target import TARGET
from n6prog.findings.codes_usage import USAGE
from n6prog.findings.entry import Entry
from n6prog.findings.model import ExitCode

PAGE = Path(__file__).parents[1] / "docs" / "errors.md"
TOPICS: Sequence[tuple[str, Mapping[str, Entry]]] = (
    ("Command line and configuration", USAGE),
    ("Files", FILES),
    ("Placement", PLACEMENT),
    ("Probe and chip", TARGET),
    ("Loader and flash", FLASH),
    ("What the doctor finds", DOCTOR),
)
EXIT_CODES = {
    ExitCode.DONE: "done",
    ExitCode.INTERNAL: "internal fault of n6prog",
    ExitCode.USAGE: "usage or configuration: command line, settings, file not found",
    ExitCode.NO_PROBE: "no probe, or more than one and none named",
    ExitCode.BUSY: "probe busy",
    ExitCode.UNREACHABLE: "target not reachable: power, boot mode, wiring",
    ExitCode.FLASH: "flash or loader failure",
    ExitCode.MISMATCH: "verify mismatch",
    ExitCode.REFUSED: "image refused: content of a file, overlap",
    ExitCode.CONSOLE: "expected console text did not come",
    ExitCode.INTERRUPTED: "interrupted",
}


def page() -> str:
    """The whole page as Markdown."""
    lines = [
        "# What n6prog can say",
        "",
        "Made by `tools/errors_doc.py` from `n6prog/findings/`; do not edit by hand.",
        "",
        "`E-` refuses the work, `W-` warns, `N-` and `I-` tell. Words in `{braces}` are filled in.",
        "",
        "| Exit code | Meaning |",
        "|---|---|",
        *(f"| {int(code)} | {EXIT_CODES[code]} |" for code in ExitCode),
    ]
    for title, table in TOPICS:
        lines += ["", f"## {title}"]
        for code, entry in table.items():
            lines += _section(code, entry)
    return "\n".join(lines) + "\n"


def _section(code: str, entry: Entry) -> Iterator[str]:
    yield ""
    yield f"### {code}"
    yield ""
    yield f"{entry.severity}, exit code {int(entry.exit_code)}" if entry.severity == "error" else str(entry.severity)
    yield ""
    yield f"> {_plain(entry.text)}"
    if cure := _plain(entry.cure):
        yield f">\n> cure: {cure}"
    if entry.not_this:
        yield f">\n> not this: {_plain(entry.not_this)}"


def _plain(template: str) -> str:
    """A text with its placeholders reduced to their names, safe inside Markdown."""
    named = re.sub(r"\{(\w+)[^{}]*\}", r"{\1}", template)
    return named.replace("<", "&lt;").replace("*", "\\*").strip()


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page, or compare it. Gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 when the page is not current")
    wanted = page()
    if parser.parse_args(argv).check:
        current = PAGE.exists() and PAGE.read_text(encoding="utf-8") == wanted
        if not current:
            print(f"{PAGE.name} is not current: run python tools/errors_doc.py")
        return 0 if current else 1
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(wanted, encoding="utf-8")
    print(f"{PAGE}: {sum(len(table) for _, table in TOPICS)} codes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
