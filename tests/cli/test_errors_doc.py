"""docs/errors.md says what the table of findings says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from n6prog.findings import TABLE, ExitCode

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("errors_doc", ROOT / "tools" / "errors_doc.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_current(generator: ModuleType) -> None:
    assert (ROOT / "docs" / "errors.md").read_text(encoding="utf-8") == generator.page(), "python tools/errors_doc.py"


def test_every_code_has_a_section_and_every_exit_code_a_row(generator: ModuleType) -> None:
    page = generator.page()
    for code in TABLE:
        assert f"\n### {code}\n" in page
    for code in ExitCode:
        assert f"| {int(code)} |" in page


def test_no_code_is_in_two_topics(generator: ModuleType) -> None:
    assert sum(len(table) for _, table in generator.TOPICS) == len(TABLE)


def test_a_stale_page_is_noticed(
    generator: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generator, "PAGE", tmp_path / "errors.md")
    assert generator.main(["--check"]) == 1
    assert generator.main([]) == 0
    assert generator.main(["--check"]) == 0
    (tmp_path / "errors.md").write_text("old")
    assert generator.main(["--check"]) == 1
