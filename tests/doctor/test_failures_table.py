"""What a debugger can meet is provoked on the simulated board, code for code."""

from __future__ import annotations

from pathlib import Path

import pytest

from n6prog.findings.codes_doctor import DOCTOR
from n6prog.findings.codes_flash import FLASH
from n6prog.findings.codes_target import TARGET

# What no board shows: the simulated board's own troubles, the command line, and the loader file that ships.
ELSEWHERE = {"E-SIM-EXTRA", "E-SIM-SPEC", "E-SIM-STATE", "E-SIM-TRIPWIRE", "E-CONNECT-MODE", "E-LOADER-DAMAGED"}
ELSEWHERE |= {"E-LOADER-FILE"}


@pytest.mark.parametrize("code", sorted({*TARGET, *FLASH, *DOCTOR} - ELSEWHERE))
def test_every_code_that_a_debugger_can_meet_is_provoked_through_the_command_line(code: str) -> None:
    texts = (path.read_text() for room in ROOMS for path in room.glob("test_*.py") if path.name not in NO_BOARD)
    assert any(code in text for text in texts)


TESTS = Path(__file__).parents[1]
ROOMS = (TESTS / "doctor", TESTS / "e2e", TESTS / "link", TESTS / "loader")
NO_BOARD = ("test_explain.py", Path(__file__).name)
