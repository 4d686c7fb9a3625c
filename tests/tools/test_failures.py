"""The table of failures: every row names findings and tests that exist, and the page is made from it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import failures_doc
import pytest
from failures_doc import NUMBERS, Row, rows

from n6prog.findings import TABLE

ROOT = Path(__file__).parents[2]
ROWS = rows()


def test_all_97_failures_are_there_in_order() -> None:
    assert tuple(row.number for row in ROWS) == NUMBERS


def test_the_page_is_current() -> None:
    assert (ROOT / "docs" / "failures.md").read_text(encoding="utf-8") == failures_doc.page(ROWS), (
        "python tools/failures_doc.py"
    )


@pytest.mark.parametrize("row", ROWS, ids=NUMBERS)
def test_a_row_has_tests_or_a_reason(row: Row) -> None:
    assert row.what
    assert bool(row.tests) != bool(row.why_not)
    assert not row.codes or row.tests
    for code in row.codes:
        assert code in TABLE
    text = "".join(_source(test) for test in row.tests)
    for code in row.codes:
        assert code in text, f"no test of {row.number} asks for {code}"


def _source(test: str) -> str:
    """The text of the test's file, once the test is known to stand in it."""
    path, _, name = test.partition("::")
    name, _, case = name.partition("[")
    source = _read(path)
    functions = {node.name for node in ast.walk(_parsed(path)) if isinstance(node, ast.FunctionDef)}
    assert name in functions, f"{test}: no such test"
    assert not case or case.removesuffix("]") in source, f"{test}: no such case"
    return source


@cache
def _read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def _parsed(path: str) -> ast.Module:
    return ast.parse(_read(path))


def test_a_test_or_case_that_is_not_there_is_noticed() -> None:
    here = "tests/tools/test_failures.py"
    with pytest.raises(AssertionError, match="no such test"):
        _source(f"{here}::test_absent")
    with pytest.raises(AssertionError, match="no such case"):
        _source(f"{here}::test_the_page_is_current[{'-'.join('abc')}]")
