"""What all tests share: programs a test needs, and skips that CI forbids."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.helpers import programs

FORBID_SKIPS = bool(os.environ.get("N6PROG_FORBID_SKIPS"))
NO_DATA = "the real files are not here"
DATA = Path(__file__).parents[1] / ".." / "shared" / "data"

settings.register_profile("n6prog", deadline=None, derandomize=True)
settings.load_profile("n6prog")


@pytest.fixture(scope="session")
def data() -> Path:
    """The real N6 files beside the checkout; tests must not need them, so this skip is allowed in CI too."""
    if not DATA.is_dir():
        pytest.skip(NO_DATA)
    return DATA.resolve()


@pytest.fixture(autouse=True)
def _no_user_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test sees the settings or the simulated boards of whoever runs it, nor leaves its own behind."""
    for name in list(os.environ):
        if name.startswith("N6PROG_"):
            monkeypatch.delenv(name)
    state, here = tmp_path_factory.mktemp("state"), Path.cwd()
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    yield
    os.chdir(here)  # pyOCD's sessions change the directory, and folders of tests that passed are removed
    shutil.rmtree(state, ignore_errors=True)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose program is not installed; in CI that is a failure."""
    for mark in item.iter_markers("needs"):
        for program in mark.args:
            if programs.find(program) is None:
                reason = f"{program} is not installed"
                if FORBID_SKIPS:
                    pytest.fail(f"{reason}, and skips are forbidden here")
                pytest.skip(reason)


_skips: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember what was skipped, except for the real files that nobody must have."""
    if report.skipped and not hasattr(report, "wasxfail"):
        _, _, reason = report.longrepr if isinstance(report.longrepr, tuple) else ("", 0, str(report.longrepr))
        if NO_DATA not in reason:
            _skips.append(f"{report.nodeid}: {reason}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where skips are forbidden, one skip fails the run."""
    if FORBID_SKIPS and _skips:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which skips failed the run."""
    if FORBID_SKIPS and _skips:
        terminalreporter.section("skips are forbidden here")
        for line in _skips:
            terminalreporter.line(line)
