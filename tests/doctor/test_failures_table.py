"""The table of failures a debugger can show: its codes and tests exist, and the tests speak of those codes."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from n6prog.findings import TABLE
from n6prog.findings.codes_doctor import DOCTOR
from n6prog.findings.codes_flash import FLASH
from n6prog.findings.codes_target import TARGET

ROOT = Path(__file__).parents[2]
ROWS = tomllib.loads((ROOT / "tests" / "failures_target.toml").read_text())


@pytest.mark.parametrize("number", ROWS)
def test_a_row_names_codes_and_tests_that_there_are_or_says_why_not(number: str) -> None:
    row = ROWS[number]
    assert row["what"]
    assert bool(row.get("tests")) != bool(row.get("why_not"))
    assert set(row.get("codes", ())) <= set(TABLE)
    bodies = [body(*test.split("::")) for test in row.get("tests", ())]
    assert all(bodies)
    for code in row.get("codes", ()):
        assert any(f'"{code}"' in text for text in bodies) or number in ("F01", "F02", "F03", "F04", "F05", "F07")


# What no board shows: the simulated board's own troubles, the command line, and the loader file that ships.
ELSEWHERE = {"E-SIM-EXTRA", "E-SIM-SPEC", "E-SIM-STATE", "E-SIM-TRIPWIRE", "E-CONNECT-MODE", "E-LOADER-DAMAGED"}
ELSEWHERE |= {"E-LOADER-FILE"}


@pytest.mark.parametrize("code", sorted({*TARGET, *FLASH, *DOCTOR} - ELSEWHERE))
def test_every_code_that_a_debugger_can_meet_is_provoked_through_the_command_line(code: str) -> None:
    texts = (path.read_text() for path in Path(__file__).parent.glob("test_*.py") if path.name not in NO_BOARD)
    assert any(code in text for text in texts)


NO_BOARD = ("test_explain.py", Path(__file__).name)


def body(file: str, name: str) -> str:
    """The source of a test with its decorators, "" where there is none."""
    text = (ROOT / file).read_text()
    blocks = text.split("\n\n\n")
    return next((block for block in blocks if f"def {name}(" in block), "")
