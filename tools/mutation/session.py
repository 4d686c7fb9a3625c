"""pytest, used as a library: one session, and a loop of ours over its tests."""

from __future__ import annotations

import os
import signal
import types
from collections.abc import Callable, Iterable
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).parents[2]
_SLACK = 2  # seconds that a test may take beside: it may be the first to import something
KILLED = 1  # exit code of a process in which a test failed
# pytest as for the suite, without what writes files or prints
OPTIONS = ["-o", "addopts=", "--import-mode=importlib", "-p", "no:cacheprovider", "-p", "no:xdist", "-s", "-q"]
OPTIONS += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # packages are imported before pytest looks at them
OPTIONS += [f"--rootdir={ROOT}", "--hypothesis-profile=mutants"]
hypothesis.settings.register_profile(
    "mutants",
    deadline=None, derandomize=True, database=None, phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
)  # fmt: skip


class Loop:
    """Takes the place of pytest's own loop over the tests."""

    def __init__(self, work: Callable[[pytest.Session], None]) -> None:
        self._work = work

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """pytest's hook."""
        if not session.testsfailed:  # else a module could not be imported
            self._work(session)
        return True


class Failures:
    """Sees the reports of the tests."""

    def __init__(self, session: pytest.Session, on_failure: Callable[[], None] | None = None) -> None:
        self._failed = False
        self._on_failure = on_failure
        session.config.pluginmanager.register(self)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """pytest's hook."""
        if report.failed:
            self._failed = True
            if self._on_failure:
                self._on_failure()

    def take(self) -> bool:
        """Whether one failed since the last question."""
        failed, self._failed = self._failed, False
        return failed


def run_pytest(paths: list[str], loop: Callable[[pytest.Session], None]) -> int:
    """Collect the tests of these paths and hand them to `loop`; pytest's exit code."""
    os.chdir(ROOT)
    return int(pytest.main([*OPTIONS, *paths], plugins=[Loop(loop)]))


def pairs(items: list[pytest.Item]) -> Iterable[tuple[pytest.Item, pytest.Item | None]]:
    """Every test with the one that follows it, as pytest wants to know for its fixtures."""
    return zip(items, [*items[1:], None], strict=True)


def run_tests(
    session: pytest.Session, tests: list[str], seconds: dict[str, float], killer: Callable[[str], None]
) -> int:
    """The tests in this order until one fails, or takes three times its `seconds` of CPU time and more (SIGPROF).

    Never comes back if one does.
    """
    by_id = {item.nodeid: item for item in session.items}
    at = 0

    def failed() -> None:
        killer(tests[at])
        os._exit(KILLED)

    Failures(session, failed)
    if any(test not in by_id for test in tests):
        return KILLED  # parametrised by a table that changed
    for at, (item, following) in enumerate(pairs([by_id[test] for test in tests])):
        signal.setitimer(signal.ITIMER_PROF, _SLACK + 3 * seconds[tests[at]])
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    signal.setitimer(signal.ITIMER_PROF, 0)
    return 0


class Recorder:
    """A trace function that notes the lines run of some files."""

    def __init__(self, files: dict[str, str]) -> None:
        self._files = files
        self._lines: set[tuple[str, int]] = set()

    def enter(self, frame: types.FrameType, _event: str, _arg: object) -> Callable[..., object] | None:
        """On every call."""
        path = self._files.get(frame.f_code.co_filename)
        if path is None:
            return None
        lines = self._lines
        lines.add((path, frame.f_lineno))

        def line(frame: types.FrameType, event: str, _arg: object) -> Callable[..., object]:
            if event == "line":
                lines.add((path, frame.f_lineno))
            return line

        return line

    def taken(self) -> set[tuple[str, int]]:
        """The lines since the last question."""
        lines, self._lines = self._lines, set()
        return lines
