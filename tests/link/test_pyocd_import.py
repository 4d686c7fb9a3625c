"""pyOCD without the parser of debug sequences, until somebody parses one."""

from __future__ import annotations

import subprocess
import sys

from n6prog.link.pyocd_import import LateParser

# In a process of its own: here pyOCD is imported already.
SCRIPT = """
import lark.lark
before = vars(lark.lark.Lark)["open"]
from n6prog.link.pyocd_import import load_pyocd
load_pyocd()
assert vars(lark.lark.Lark)["open"] is before
from pyocd.debug.sequences.sequences import Parser
assert not isinstance(Parser._parser, lark.lark.Lark)
assert [child.data for child in Parser.parse("__var x = 1; x = x + 2;").children] == ["decl_stmt", "expr_stmt"]
load_pyocd()
assert isinstance(lark.lark.Lark.open.__self__, type)
"""


def test_sequences_are_parsed_all_the_same() -> None:
    run = subprocess.run((sys.executable, "-c", SCRIPT), check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_a_parser_is_made_once_and_late() -> None:
    made: list[str] = []
    late = LateParser(lambda: made.append("one") or "text")
    assert not made
    assert late.upper() == "TEXT"
    assert late.lower() == "text"
    assert made == ["one"]
