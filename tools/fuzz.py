"""Feed random files to every reader: no crash, no traceback, nothing over 2 s, nothing over 300 MB.

`make fuzz` runs 100,000 inputs a target, more than a million in all; `make fuzz INPUTS=1000 SEED=7` is a sample. Input
number N of a target depends on the seed and N only: `--replay TARGET:N` runs one again.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from random import Random
from types import FrameType

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

from fuzzing.targets import TARGETS, Target  # noqa: E402 - the folders above are needed first

OUT = ROOT / "build" / "fuzz"
SECONDS = 2.0
"""Of the processor: other work on the machine does not count."""
WAITING = 20.0
"""Of the clock on the wall: for what waits and does not work."""
MEMORY = 300 << 20
_KEPT = 20


class Hang(BaseException):
    """An input took longer than a limit. Not an Exception: no handler in the code under test may take it."""


@dataclass
class Tally:
    """What came of a run of inputs. Times in seconds, memory in bytes."""

    target: str
    inputs: int = 0
    taken: int = 0
    slowest: float = 0.0
    memory: int = 0
    failures: list[tuple[int, str]] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Take in what another worker counted."""
        self.inputs += other.inputs
        self.taken += other.taken
        self.slowest = max(self.slowest, other.slowest)
        self.memory = max(self.memory, other.memory)
        self.failures += other.failures


def made(target: Target, seeds: Sequence[bytes], seed: str, number: int) -> bytes:
    """Input `number` of a target."""
    return target.make(seeds, Random(f"{seed}:{target.name}:{number}"))


def run_inputs(target: Target, seed: str, numbers: Iterable[int], folder: Path) -> Tally:
    """Run some inputs of one target in this process."""
    tally, seeds = Tally(target.name), target.seeds()
    signal.signal(signal.SIGALRM, _hang)
    signal.signal(signal.SIGPROF, _hang)
    for number in numbers:
        data = made(target, seeds, seed, number)
        tally.inputs += 1
        _limit(SECONDS, WAITING)
        start = time.process_time()
        try:
            tally.taken += target.run(data, folder)
        except target.allowed:
            pass
        except (Exception, Hang) as fault:  # noqa: BLE001 - whatever it is, it is what we look for
            _limit(0, 0)
            _keep(tally, number, data, fault)
        _limit(0, 0)
        tally.slowest = max(tally.slowest, time.process_time() - start)
    tally.memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    return tally


def _limit(working: float, waiting: float) -> None:
    signal.setitimer(signal.ITIMER_PROF, working)
    signal.setitimer(signal.ITIMER_REAL, waiting)


def _hang(_: int, __: FrameType | None) -> None:
    raise Hang(f"still running after {SECONDS} s of work or {WAITING} s of waiting")


def _keep(tally: Tally, number: int, data: bytes, fault: BaseException) -> None:
    where = traceback.extract_tb(fault.__traceback__)[-1]
    tally.failures.append((number, f"{type(fault).__name__}: {fault} ({Path(where.filename).name}:{where.lineno})"))
    if len(tally.failures) <= _KEPT:
        OUT.mkdir(parents=True, exist_ok=True)
        (OUT / f"{tally.target}-{number}.bin").write_bytes(data)
        lines = traceback.format_exception(fault)
        (OUT / f"{tally.target}-{number}.txt").write_text("".join(lines), errors="backslashreplace")


def _worker(name: str, seed: str, start: int, stop: int, answer: Path) -> None:
    """A process of its own: its memory is limited, and a crash of the interpreter ends it and nothing else."""
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    folder = Path(tempfile.mkdtemp(dir=answer.parent))
    target = next(item for item in TARGETS if item.name == name)
    answer.write_text(json.dumps(asdict(run_inputs(target, seed, range(start, stop), folder))))
    shutil.rmtree(folder)


def fuzz(targets: Sequence[Target], inputs: int, seed: str, jobs: int) -> list[Tally]:
    """Run `inputs` inputs of each target in `jobs` processes at a time."""
    context = get_context("fork")
    tallies = []
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as shared:  # noqa: S108
        for target in targets:
            tally = Tally(target.name)
            share = -(-inputs // jobs)
            parts = [(start, min(start + share, inputs)) for start in range(0, inputs, share)]
            answers = [Path(shared) / f"{target.name}-{start}" for start, _ in parts]
            workers = [
                context.Process(target=_worker, args=(target.name, seed, *part, answer))
                for part, answer in zip(parts, answers, strict=True)
            ]
            for worker in workers:
                worker.start()
            for worker, answer, (start, stop) in zip(workers, answers, parts, strict=True):
                worker.join()
                if worker.exitcode or not answer.exists():
                    tally.failures.append((start, f"the process of inputs {start} to {stop} died ({worker.exitcode})"))
                    continue
                tally.add(Tally(**json.loads(answer.read_text())))
            print(_row(tally), flush=True)
            for number, what in tally.failures[:5]:
                print(f"    --replay {target.name}:{number}  {what[:200]}", flush=True)
            tallies.append(tally)
    return tallies


def _row(tally: Tally) -> str:
    return (
        f"{tally.target:<11} {tally.inputs:>9,} inputs  {tally.taken:>8,} taken without error  slowest "
        f"{tally.slowest * 1000:>6.0f} ms  peak {tally.memory >> 20:>4} MiB  {len(tally.failures)} failures"
    )


def _replay(word: str, seed: str) -> int:
    name, _, number = word.partition(":")
    target = next(item for item in TARGETS if item.name == name)
    data = made(target, target.seeds(), seed, int(number))
    print(f"{len(data)} bytes: {data[:200]!r}")
    with tempfile.TemporaryDirectory() as folder, suppress(*target.allowed):
        print("taken" if target.run(data, Path(folder)) else "refused with findings")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the fuzzer. Gives 1 when anything failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000, help="inputs for each target")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", action="append", choices=[target.name for target in TARGETS])
    parser.add_argument("--replay", metavar="TARGET:N")
    options = parser.parse_args(argv)
    if options.replay:
        return _replay(options.replay, options.seed)
    targets = [target for target in TARGETS if not options.only or target.name in options.only]
    start = time.perf_counter()
    tallies = fuzz(targets, options.inputs, options.seed, options.jobs)
    failures = sum(len(tally.failures) for tally in tallies)
    memory = max(tally.memory for tally in tallies)
    total = sum(tally.inputs for tally in tallies)
    seconds = time.perf_counter() - start
    print(f"{total:,} inputs in {seconds:.0f} s, seed {options.seed}: {failures} failures, peak {memory >> 20} MiB")
    if memory > MEMORY:
        print(f"a process took more than {MEMORY >> 20} MiB")
    return 1 if failures or memory > MEMORY else 0


if __name__ == "__main__":
    raise SystemExit(main())
