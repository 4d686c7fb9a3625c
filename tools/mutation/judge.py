"""Runs the tests against mutants: pytest is started once, every mutant lives in a forked child of it.

A change inside a function is put into the living function objects of a process that has collected the tests. A change
of code that runs at import (tables, constants, defaults) needs the modules anew: its child starts from a process that
has imported only foreign packages. Linux only (fork, CPU time limits).
"""

from __future__ import annotations

import ast
import ctypes
import gc
import mmap
import os
import pickle
import resource
import shutil
import signal
import struct
import sys
import tempfile
import time
import traceback
import types
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO

import pytest

from mutation.choose import Order, file_of, imported_by
from mutation.operators import Mutant, mutated
from mutation.session import KILLED, ROOT, Failures, Recorder, pairs, run_pytest, run_tests
from mutation.source import Functions, Substitute, caches_of, live_functions, swap_code

_SHM = Path("/dev/shm")  # noqa: S108  (scratch in memory where there is such a folder)
_PREFIX = "mutants-"
_MEMORY = 4 << 30
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_TOO_LONG = (signal.SIGPROF, signal.SIGXCPU, signal.SIGKILL)
_CANNOT = 77  # exit code of a child: the code could not be swapped


@dataclass(slots=True)
class Baseline:
    """The tests without a mutant: which fail, their CPU seconds, and which lines of which file each runs."""

    seconds: dict[str, float] = field(default_factory=dict)
    lines: dict[str, set[tuple[str, int]]] = field(default_factory=dict)
    at_import: set[tuple[str, int]] = field(default_factory=set)
    failed: list[str] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Verdict:
    """What became of a mutant: killed (by which test), timeout, survived, or nothing ran it."""

    outcome: str
    killer: str = ""


@dataclass(slots=True)
class Change:
    """A mutant ready to be judged: the module's tree, where to put it, and the tests that may notice."""

    path: str
    function: str  # "" when it must be imported anew
    tests: list[str]
    make: Callable[[], types.CodeType]  # the changed module


def compile_module(path: str, module: ast.Module | str) -> types.CodeType:
    """The code of the module at `path` of the repository."""
    return compile(module, str(ROOT / path), "exec")


class Judge:
    """One set of target files (text as read now) and one set of test paths."""

    def __init__(self, sources: dict[str, str], tests: list[str], jobs: int) -> None:
        self.sources = sources
        self._codes = {path: compile_module(path, text) for path, text in sources.items()}
        self.tests = tests
        self.jobs = jobs
        self.baseline = Baseline()
        _remove_left_behind()
        self._scratch = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=_SHM if _SHM.is_dir() else None))
        self._server: _Server | None = None
        sys.dont_write_bytecode = False  # the rewritten tests are compiled once
        tempfile.tempdir = str(self._scratch)  # children leave by os._exit: nothing of theirs may stay behind
        sys.pycache_prefix = str(self._scratch / "pycache")

    def close(self) -> None:
        """End what still runs and remove the scratch folder."""
        if self._server is not None:
            self._server.end()
        shutil.rmtree(self._scratch, ignore_errors=True)

    # ---- without a mutant --------------------------------------------------------------------------------------------

    def measure(self) -> Baseline:
        """Run every test once, traced, in a child."""
        out = self._scratch / "baseline"
        child = os.fork()
        if child == 0:
            _guarded(lambda: self._measure_here(out), self._scratch / "log")
        os.waitpid(child, 0)
        if not out.exists():
            raise RuntimeError("the tests cannot be collected:\n" + (self._scratch / "log").read_text()[-3000:])
        with out.open("rb") as file:
            self.baseline = pickle.load(file)  # noqa: S301  (our own child wrote it)
        self._order = Order(self.baseline.seconds)
        for name in self.baseline.packages:  # so that children need not
            try:
                __import__(name)
            except Exception:  # noqa: BLE001, S112  (a package that wants to be imported another way)
                continue
        return self.baseline

    def leave_out(self, tests: list[str]) -> None:
        """Do without these tests."""
        for test in tests:
            print(f"left out, it fails without a mutant: {test}")
            del self.baseline.seconds[test], self.baseline.lines[test]

    def _measure_here(self, out: Path) -> int:
        result = Baseline()
        recorder = Recorder({str(ROOT / path): path for path in self.sources})
        Substitute(ROOT, self._codes).install()

        def loop(session: pytest.Session) -> None:
            result.at_import = recorder.taken()
            failures = Failures(session)
            caches = caches_of({str(ROOT / path) for path in self.sources})
            for item, following in pairs(session.items):
                for clear in caches:  # else only the first test to ask would be seen to run the function
                    clear()
                begun = time.process_time()
                sys.settrace(recorder.enter)
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                sys.settrace(None)
                result.seconds[item.nodeid] = time.process_time() - begun
                result.lines[item.nodeid] = recorder.taken()
                if failures.take():
                    result.failed.append(item.nodeid)

        sys.settrace(recorder.enter)
        code = run_pytest(self.tests, loop)
        sys.settrace(None)
        if not result.seconds:
            return int(code)
        result.packages = [
            name for name, module in sys.modules.items()
            if "site-packages" in (getattr(module, "__file__", None) or "") and "." not in name
        ]  # fmt: skip
        with out.open("wb") as file:
            pickle.dump(result, file)
        return 0

    # ---- with mutants ------------------------------------------------------------------------------------------------

    def change_of(self, mutant: Mutant) -> Change:
        """A mutant of a module of ours and the tests that run its lines."""
        lines = {(mutant.module, line) for line in mutant.lines}
        function = "" if lines & self.baseline.at_import else mutant.function
        if function:
            tests = [test for test, seen in self.baseline.lines.items() if seen & lines]
        else:
            tests = [test for test in self.baseline.seconds if mutant.module in imported_by(file_of(test))]

        def make() -> types.CodeType:
            return compile_module(mutant.module, mutated(self.sources[mutant.module], mutant))

        return Change(mutant.module, function, tests, make)

    def run(self, changes: list[Change], group: list[int], told: Callable[[int, Verdict], None]) -> None:
        """Judge those of `changes` with the indices of `group`; `told` gets index and verdict of each as it falls.

        `changes` must be the same every time. Raises RuntimeError when the process that judges ends early.
        """
        self._told = told
        inside = [index for index in group if changes[index].tests and changes[index].function]
        anew = [index for index in group if changes[index].tests and not changes[index].function]
        for index in group:
            if not changes[index].tests:
                told(index, Verdict("no test"))
        if inside:
            anew += self._run_inside(changes, inside)
        self._schedule(changes, anew, self._import_anew)

    def _run_inside(self, changes: list[Change], indices: list[int]) -> list[int]:
        """The changes of function bodies, in children of a process with everything imported; gives the rest."""
        if self._server is None:
            self._server = _Server(lambda orders, writer: self._serve(changes, orders, writer))
        impossible = []
        for index, outcome, killer in self._server.ask(indices):
            if outcome == "cannot":
                impossible.append(index)
                continue
            if killer:
                self._order.killed(killer, changes[index].path, changes[index].function)
            self._told(index, Verdict(outcome, killer))
        return impossible

    def _serve(self, changes: list[Change], orders: BinaryIO, answers: BinaryIO) -> int:
        """The life of the server: imports everything once, then judges the indices that come, until no more come."""
        Substitute(ROOT, self._codes).install()

        def tell(index: int, verdict: Verdict) -> None:
            pickle.dump((index, verdict.outcome, verdict.killer), answers)
            answers.flush()

        self._told = tell

        def loop(session: pytest.Session) -> None:
            functions = live_functions({str(ROOT / path) for path in self.sources})
            gc.collect()
            gc.freeze()

            def child(change: Change, killer: Callable[[str], None]) -> int:
                if not _put_inside(change, functions):
                    return _CANNOT
                return run_tests(session, change.tests, self.baseline.seconds, killer)

            while indices := _next(orders):
                self._schedule(changes, indices, child)
                pickle.dump(None, answers)
                answers.flush()

        return int(run_pytest(self.tests, loop))

    def _import_anew(self, change: Change, killer: Callable[[str], None]) -> int:
        """In a child: the whole of pytest with the changed module."""
        Substitute(ROOT, {**self._codes, change.path: change.make()}).install()
        # collecting takes longer than most mutants live: first one file, in a process of its own
        first = self._order.best_file(change.tests, change.path)
        tests = [test for test in change.tests if file_of(test) == first]
        child = os.fork()
        if child == 0:
            _guarded(lambda: self._collect_and_run(tests, killer))
        _, status = os.waitpid(child, 0)
        if status:
            return KILLED
        rest = [test for test in change.tests if file_of(test) != first]
        return self._collect_and_run(rest, killer) if rest else 0

    def _collect_and_run(self, tests: list[str], killer: Callable[[str], None]) -> int:
        code = KILLED

        def loop(session: pytest.Session) -> None:
            nonlocal code
            code = run_tests(session, tests, self.baseline.seconds, killer)

        run_pytest(sorted({file_of(test) for test in tests}), loop)
        return code

    def _schedule(
        self, changes: list[Change], indices: Iterable[int], work: Callable[[Change, Callable[[str], None]], int]
    ) -> None:
        """As many children at a time as there are jobs, each with its limits of time and memory."""
        waiting, running = list(indices)[::-1], {}
        slots = mmap.mmap(-1, 4 * (len(changes) + 1))
        while waiting or running:
            while waiting and len(running) < self.jobs:
                index = waiting.pop()
                change = changes[index]
                change.tests = self._order.sorted(change.tests, change.path, change.function)
                limit = 1 + 3 * sum(self.baseline.seconds[test] for test in change.tests)
                child = os.fork()
                if child == 0:
                    _guarded(partial(self._in_child, change, index, limit, slots, work))
                running[child] = (index, time.monotonic() + 10 * limit + 60)
            child, status = os.waitpid(-1, os.WNOHANG)
            if child == 0:
                time.sleep(0.002)
                for late, (_, deadline) in running.items():
                    if time.monotonic() > deadline:
                        os.kill(late, signal.SIGKILL)
                continue
            if child not in running:
                raise RuntimeError("the process with the tests ended early")
            index, _ = running.pop(child)
            shutil.rmtree(self._scratch / str(index), ignore_errors=True)
            self._conclude(changes[index], index, status, slots)

    def _conclude(self, change: Change, index: int, status: int, slots: mmap.mmap) -> None:
        if os.WIFSIGNALED(status):
            killed = os.WTERMSIG(status)
            self._told(index, Verdict("timeout" if killed in _TOO_LONG else "killed"))
            return
        code = os.WEXITSTATUS(status)
        if code == _CANNOT:
            self._told(index, Verdict("cannot"))
        elif code == 0:
            self._told(index, Verdict("survived"))
        else:
            (which,) = struct.unpack_from("<I", slots, 4 * index)
            killer = change.tests[which - 1] if which else ""
            if killer:
                self._order.killed(killer, change.path, change.function)
            self._told(index, Verdict("killed", killer))

    def _in_child(
        self, change: Change, index: int, limit: float, slots: mmap.mmap,
        work: Callable[[Change, Callable[[str], None]], int],
    ) -> int:  # fmt: skip
        seconds = int(time.process_time() + limit) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)
        tempfile.tempdir = str(self._scratch / str(index))
        Path(tempfile.tempdir).mkdir()
        return work(change, lambda test: struct.pack_into("<I", slots, 4 * index, change.tests.index(test) + 1))


class _Server:
    """A forked process that judges indices by order."""

    def __init__(self, work: Callable[[BinaryIO, BinaryIO], int]) -> None:
        orders, self._orders = _pipe()
        self._answers, answers = _pipe()
        self._process = os.fork()
        if self._process == 0:
            self._orders.close()
            self._answers.close()
            _guarded(lambda: work(orders, answers))
        orders.close()
        answers.close()

    def ask(self, indices: list[int]) -> Iterator[tuple[int, str, str]]:
        """Index, outcome and killer of each, as it falls. Raises RuntimeError when the process ends before."""
        try:
            pickle.dump(indices, self._orders)
            self._orders.flush()
            while (answer := pickle.load(self._answers)) is not None:  # noqa: S301  (our own child)
                yield answer
        except (EOFError, BrokenPipeError):
            raise RuntimeError("the process with the tests ended early") from None

    def end(self) -> None:
        """At once; its children die with it."""
        for stream in (self._orders, self._answers):
            with suppress(OSError):
                stream.close()
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(self._process, signal.SIGKILL)
            os.waitpid(self._process, 0)


def _pipe() -> tuple[BinaryIO, BinaryIO]:
    reader, writer = os.pipe()
    return os.fdopen(reader, "rb"), os.fdopen(writer, "wb")


def _next(orders: BinaryIO) -> list[int]:
    """The next indices to judge; none when nobody asks any more."""
    try:
        return list(pickle.load(orders))  # noqa: S301  (our own parent)
    except EOFError:
        return []


def _remove_left_behind() -> None:
    """The scratch folders of runs that were killed."""
    for folder in _SHM.glob(f"{_PREFIX}*-*") if _SHM.is_dir() else ():
        process = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if process.isdecimal() and not Path("/proc", process).exists():
            shutil.rmtree(folder, ignore_errors=True)


def _guarded(work: Callable[[], int], log: Path = Path(os.devnull)) -> None:
    """The life of a child: what it prints goes into the log, and it never returns into its parent's code.

    It dies with its parent, and only so: a Ctrl-C is its parent's business.
    """
    code = 70
    try:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        target = os.open(log, os.O_WRONLY | os.O_CREAT)
        for stream in (1, 2):
            os.dup2(target, stream)
        code = work()
    except BaseException:  # noqa: BLE001  (a mutant may raise anything; that is a kill)
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def _put_inside(change: Change, functions: Functions) -> bool:
    here = functions.get((str(ROOT / change.path), change.function), [])
    return bool(here) and swap_code(here, change.make(), change.function)
