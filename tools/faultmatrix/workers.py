"""Cases in worker processes: one that hangs is killed, and that is a violation of its own."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

from .cases import Case
from .judge import Verdict, Violation, judge

PATIENCE = 400.0  # seconds of wall time for one case


@dataclass(frozen=True)
class Done:
    """A case, what struck, how it went. `seconds`: the longest virtual time of its runs; `wall` the harness's own."""

    case: Case
    strike: str
    verdict: Verdict
    seconds: float
    wall: float
    said: tuple[str, ...] = ()


def as_json(done: Done) -> str:
    """A line of a file of results."""
    return json.dumps(asdict(done))


def from_json(line: str) -> Done:
    """What `as_json` gave."""
    data = json.loads(line)
    verdict = data["verdict"]
    verdict["violations"] = tuple(Violation(**item) for item in verdict["violations"])
    return Done(**{**data, "case": Case(**data["case"]), "verdict": Verdict(**verdict), "said": tuple(data["said"])})


def do(case: Case, folder: Path, strike: str | None = None) -> Done:
    """One case, here and now."""
    from .run import execute

    began = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    chosen, facts = execute(case, folder, strike)
    runs = (facts.first, facts.second)
    seconds = max((run.end.get("virtual_seconds") or 0.0) for run in runs)
    said = [item["text"] for run in runs for item in run.end.get("findings", ()) if item["severity"] != "note"]
    return Done(case, str(chosen), judge(facts), seconds, time.monotonic() - began, tuple(said))


def _work(channel: Connection, folder: Path) -> None:
    os.setpgrp()  # so that its children go with it
    while (case := channel.recv()) is not None:
        try:
            channel.send(do(case, folder))
        except Exception:  # noqa: BLE001  a defect of the matrix itself, told like one of the product
            channel.send(_failed(case, f"the harness: {traceback.format_exc()}"))


def _failed(case: Case, why: str, wall: float = 0.0) -> Done:
    return Done(case, "?", Verdict("none", violations=(Violation("harness", why),)), 0.0, wall)


class _Worker:
    def __init__(
        self, context: multiprocessing.context.ForkServerContext | multiprocessing.context.SpawnContext, folder: Path
    ) -> None:
        self._context = context
        self.folder = folder
        self.case: Case | None = None
        self._start()

    def _start(self) -> None:
        self.channel, other = self._context.Pipe()
        self._process = self._context.Process(target=_work, args=(other, self.folder), daemon=False)
        self._process.start()
        other.close()

    def give(self, case: Case) -> None:
        self.case, self.began = case, time.monotonic()
        self.channel.send(case)

    def take(self) -> Done | None:
        """What it has done, if it has; what went wrong, if it died or took too long."""
        assert self.case is not None
        case, wall = self.case, time.monotonic() - self.began
        try:
            if self.channel.poll():
                done: Done = self.channel.recv()
                self.case = None
                return done
            if wall < PATIENCE:
                return None
            why = f"not over after {wall:.0f} s of wall time"
        except (EOFError, ConnectionResetError):
            why = "the process died"
        self.stop()
        self._start()
        self.case = None
        return _failed(case, why, wall)

    def stop(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid or 0, signal.SIGKILL)
        self._process.kill()
        self._process.join()
        self.channel.close()


def in_workers(cases: Sequence[Case], count: int, folder: Path) -> Iterator[Done]:
    """All cases, as they get done, by `count` processes with a folder each below `folder`."""
    context = multiprocessing.get_context("spawn")
    workers = [_Worker(context, folder / f"worker{number}") for number in range(min(count, len(cases)))]
    left = list(reversed(cases))
    try:
        for worker in workers:
            worker.give(left.pop())
        while any(worker.case for worker in workers):
            wait([worker.channel for worker in workers if worker.case], timeout=5)
            for worker in workers:
                done = worker.take() if worker.case else None
                if done is None:
                    continue
                yield done
                if left:
                    worker.give(left.pop())
    finally:
        for worker in workers:
            worker.stop()
