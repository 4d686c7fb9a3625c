"""`make endurance`: every fault of the simulated board at seeded moments of a flash, and what must hold afterwards.

    python tools/endurance.py --runs 2000 --seed 1 --page docs/endurance.md     the whole matrix
    python tools/endurance.py --runs 100 --seed 77                              a sample of it
    python tools/endurance.py --runs 2000 --results build/endurance.jsonl       in more than one go
    python tools/endurance.py --seed 1 --case 123 --keep FOLDER                 one case again, with all it said
    python tools/endurance.py --seed 1 --case 123 --fault flip@#900             ... with another fault

Exits with 1 when anything is violated that tools/endurance_known.toml does not list, and prints for each violation the
command line that does it again. With --page an entry of that list which nothing needs any more is an error as well.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from faultmatrix.cases import KINDS, Case, make_case
from faultmatrix.known import is_new, known, stale
from faultmatrix.report import page, reproducer
from faultmatrix.workers import Done, as_json, do, from_json, in_workers

KNOWN = Path(__file__).with_name("endurance_known.toml")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000, metavar="N", help="cases 0 to N-1 of the seed; default 2000")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="begin with this case")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--kind", action="append", choices=KINDS, help="only cases of this kind; may be given again")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument("--results", type=Path, metavar="FILE", help="keep them there; what it holds is not done again")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--case", type=int, metavar="N", help="only this case, in this process")
    parser.add_argument("--fault", metavar="TERM", help="with --case: another fault, as in fault= (README of sim)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="with --case: work there, and leave all as it is")
    return parser.parse_args()


def main() -> int:
    """Run, print, give the exit status."""
    args = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # nothing is left in memory
    root = Path("/dev/shm") if Path("/dev/shm").is_dir() else None  # noqa: S108  a state folder holds 64 MiB
    with tempfile.TemporaryDirectory(prefix="n6prog-endurance-", dir=root) as temporary:
        if args.case is not None:
            folder = args.keep if args.keep is not None else Path(temporary)
            return _one(make_case(args.seed, args.case), folder / "case", args.fault)
        cases = [make_case(args.seed, number) for number in range(args.first, args.first + args.runs)]
        cases = [case for case in cases if not args.kind or case.kind in args.kind]
        return _all(cases, args, Path(temporary))


def _one(case: Case, folder: Path, strike: str | None) -> int:
    print(case)
    done = do(case, folder, strike)
    print(f"strike    {done.strike}")
    print(f"outcome   {done.verdict.outcome} {done.verdict.code}")
    for text in done.said:
        print(f"said      {text}")
    for violation in done.verdict.violations:
        print(f"{violation.rule:<9} {violation.text}")
    return 1 if done.verdict.violations else 0


def _all(cases: list[Case], args: argparse.Namespace, folder: Path) -> int:
    from n6prog import __version__

    entries = known(KNOWN)
    began, done = time.monotonic(), _kept(args.results, cases)
    left = [case for case in cases if case not in {item.case for item in done}]
    for item in in_workers(left, args.workers, folder):
        done.append(item)
        _tell(item, len(done), len(cases))
        if args.results is not None:
            with args.results.open("a", encoding="utf-8") as file:
                file.write(as_json(item) + "\n")
    done.sort(key=lambda item: item.case.number)
    longest = max(done, key=lambda item: item.seconds)
    print(
        f"{len(done)} runs in {time.monotonic() - began:.0f} s; the longest took {longest.seconds:.1f} virtual seconds"
    )
    command = f"make endurance RUNS={args.runs} SEED={args.seed}"
    text = page(done, entries, args.seed, __version__, command)
    unused = stale(done, entries) if args.page is not None else []
    if args.page is not None:
        args.page.write_text(text, encoding="utf-8")
    else:
        print(text)
    for entry in unused:
        print(f"listed as known, and no run shows it: {entry.kind} {entry.rule}")
    bad = sum(bool(item.verdict.violations) for item in done)
    new = sum(is_new(item, entries) for item in done)
    print(f"{bad} runs with a violation, {new} with one that is not listed")
    return 1 if new or unused else 0


def _kept(path: Path | None, cases: list[Case]) -> list[Done]:
    """What a file of results has of these cases, none for a file that is not there."""
    if path is None or not path.exists():
        return []
    found = [from_json(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [item for item in found if item.case in cases]


def _tell(item: Done, number: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{number} of {total}", end="" if number < total else "\n", file=sys.stderr, flush=True)
    for violation in item.verdict.violations:
        case = item.case
        print(f"case {case.number}: {case.link} {case.clock} {case.content} {item.strike}: {violation.text}")
        print(f"  again: {reproducer(item)}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
