"""`make mutants`: change the simulator in one place at a time and see whether its tests notice.

    python tools/mutate.py                               all of sim/nor and the XSPI model, then the hand-made ones
    python tools/mutate.py --resume                      the same, without what an interrupted run has judged already
    python tools/mutate.py --sample 200 --seed 7         some of them (the hand-made ones all)
    python tools/mutate.py n6prog/sim/nor/wire.py --tests tests/sim/nor      one module, judged by some tests
    python tools/mutate.py n6prog/sim/nor/wire.py --toml      ... survivors as entries for mutation_survivors.toml
    python tools/mutate.py --hand                        the hand-made ones only
    python tools/mutate.py --show 1a2b3c4d               one mutant, as a diff

Modules are judged one after the other, a line for each on stderr; verdicts are written to build/mutants.jsonl as they
fall, each with a digest of the code and tests it rests on.

A mutant is killed when a test fails, or takes two seconds and three times its time. Survivors are listed, with the
reason, in mutation_survivors.toml; those marked equivalent (nobody could see the difference) do not count. The whole
run fails when fewer than 95 % of the rest are killed, when a survivor is not listed, when the list speaks of a mutant
that does not live (any more), and when a hand-made mutant lives. A sample fails when it speaks against the 95 % (by
three standard deviations of a sample of its size), or when a hand-made mutant lives; its survivors are printed.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import json
import math
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from mutation.accepted import HandMade, ListError, Survivor, hand_made, survivors
from mutation.judge import ROOT, Change, Judge, Verdict, compile_module
from mutation.operators import Mutant, mutants_of, mutated
from mutation.results import Results

TARGETS = ("n6prog/sim/nor/*.py", "n6prog/sim/soc/xspi*.py")
TESTS = ["tests/sim/nor", "tests/sim/soc"]
HERE = Path(__file__).parent
SURVIVORS = HERE / "mutation_survivors.toml"
HAND_MADE = HERE / "hand_mutants.toml"
RESULTS = ROOT / "build" / "mutants.jsonl"
ALIVE = ("survived", "no test")
ENOUGH = 0.95


def main() -> int:
    """The command line. 0 when all is well, 1 when mutants live that should not, 2 when it cannot be told."""
    args = _arguments()
    paths = args.paths or sorted(str(path.relative_to(ROOT)) for glob in TARGETS for path in ROOT.glob(glob))
    sources = {path: (ROOT / path).read_text() for path in paths}
    found = [mutant for path, source in sources.items() for mutant in mutants_of(path, source)]
    if args.show:
        return _show(found, sources, args.show)
    whole = not (args.paths or args.sample or args.function or args.hand)
    try:
        accepted = survivors(SURVIVORS)
        by_hand = hand_made(HAND_MADE) if not args.paths and not args.function else []
        return _judge(args, sources, _chosen(found, args), accepted, by_hand, whole)
    except (ListError, RuntimeError) as error:
        print(f"mutate: {error}", file=sys.stderr)
        return 2


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "paths", nargs="*", help="modules, relative to the repository; default: sim/nor and the XSPI model"
    )
    parser.add_argument("--tests", nargs="+", default=TESTS, help=f"default: {' '.join(TESTS)}")
    parser.add_argument("--function", help="only mutants in functions whose name contains this")
    parser.add_argument("--sample", type=int, help="that many mutants, chosen by --seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--resume", action="store_true", help="go on: do not judge again what was judged with the same code and tests"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="where verdicts are kept; default: %(default)s")
    parser.add_argument("--hand", action="store_true", help="the hand-made mutants only")
    parser.add_argument("--show", metavar="ID", help="print one mutant as a diff")
    parser.add_argument(
        "--toml", action="store_true", help="print survivors as entries of the list, reason to be written"
    )
    parser.add_argument("--keep-going", action="store_true", help="leave out tests that fail without a mutant")
    parser.add_argument("--killers", action="store_true", help="print which test killed each mutant")
    return parser.parse_args()


def _chosen(found: list[Mutant], args: argparse.Namespace) -> list[Mutant]:
    if args.hand:
        return []
    if args.function:
        found = [mutant for mutant in found if args.function in mutant.function]
    if args.sample and args.sample < len(found):
        picked = set(random.Random(args.seed).sample(range(len(found)), args.sample))
        found = [mutant for index, mutant in enumerate(found) if index in picked]
    return found


def _show(found: list[Mutant], sources: dict[str, str], wanted: str) -> int:
    for mutant in found:
        if mutant.id == wanted:
            source = sources[mutant.module]
            before, after = ast.unparse(ast.parse(source)), ast.unparse(mutated(source, mutant))
            print(f"{mutant.module}:{mutant.lines.start} {mutant.function}")
            print("\n".join(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)))
            return 0
    print(f"mutate: no mutant {wanted}", file=sys.stderr)
    return 2


def _judge(
    args: argparse.Namespace, sources: dict[str, str], chosen: list[Mutant],
    accepted: list[Survivor], by_hand: list[HandMade], whole: bool,
) -> int:  # fmt: skip
    begun = time.monotonic()
    verdicts = _verdicts(args, sources, chosen, accepted, by_hand)
    alive = [(mutant, verdicts[i]) for i, mutant in enumerate(chosen) if verdicts[i].outcome in ALIVE]
    if args.killers:
        names = [f"{mutant.id} {mutant.module}: {mutant.line} [{mutant.change}]" for mutant in chosen]
        for i, name in enumerate([*names, *(entry.name for entry in by_hand)]):
            print(f"{verdicts[i].outcome:9} {name} {verdicts[i].killer}")
    hand_alive = [entry.name for i, entry in enumerate(by_hand, len(chosen)) if verdicts[i].outcome in ALIVE]
    print(f"{time.monotonic() - begun:.0f} s", file=sys.stderr)
    if args.toml:
        _print_entries([mutant for mutant, _ in alive if not any(entry.is_(mutant) for entry in accepted)])
    good = args.hand or _report(chosen, verdicts, alive, accepted, whole)
    for name in hand_alive:
        print(f"hand-made mutant lives: {name}")
    if by_hand:
        print(f"hand-made: {len(by_hand) - len(hand_alive)} of {len(by_hand)} caught")
    return 0 if good and not hand_alive else 1


def _verdicts(
    args: argparse.Namespace, sources: dict[str, str], chosen: list[Mutant],
    accepted: list[Survivor], by_hand: list[HandMade],
) -> dict[int, Verdict]:  # fmt: skip
    """By index into `chosen`, then `by_hand`. Progress goes to stderr, a line a module."""
    everything = {**{entry.module: (ROOT / entry.module).read_text() for entry in by_hand}, **sources}
    by_hand_texts = [entry.apply(everything[entry.module]) for entry in by_hand]
    results = Results(args.results, args.tests, resume=args.resume)
    known = {i: verdict for i, mutant in enumerate(chosen) if (verdict := results.known(mutant))}
    print(f"{len(chosen)} mutants, {len(by_hand)} hand-made; {len(known)} judged before", file=sys.stderr, flush=True)
    if len(known) == len(chosen) and not by_hand:
        return known
    verdicts = dict(known)
    judge = Judge(everything, args.tests, args.jobs)
    signal.signal(signal.SIGTERM, lambda *_: _end_at_once(judge))
    try:
        baseline = judge.measure()
        if baseline.failed and not args.keep_going:
            raise RuntimeError("tests fail without any mutant: " + ", ".join(baseline.failed))
        judge.leave_out(baseline.failed)
        print(f"{len(baseline.seconds)} tests", file=sys.stderr, flush=True)
        changes = [judge.change_of(mutant) for mutant in chosen]
        changes += [_hand_change(*entry, judge) for entry in zip(by_hand, by_hand_texts, strict=True)]

        def told(index: int, verdict: Verdict) -> None:
            verdicts[index] = verdict
            if index < len(chosen):
                results.keep(chosen[index], verdict)

        for name, group in _groups(chosen, accepted, len(by_hand)):
            begun = time.monotonic()
            judge.run(changes, [index for index in group if index not in known], told)
            _progress(name, [verdicts[index] for index in group], sum(index in known for index in group), begun)
    finally:
        judge.close()
        results.close()
    return verdicts


def _end_at_once(judge: Judge) -> None:
    """SIGTERM. Not by an exception: one that comes up in a hook of fork or of the garbage collector is lost."""
    judge.close()
    os._exit(128 + signal.SIGTERM)


def _groups(chosen: list[Mutant], accepted: list[Survivor], by_hand: int) -> list[tuple[str, list[int]]]:
    """The indices module by module. Listed survivors first: they take longest, and the others fill the other cores."""
    groups: dict[str, list[int]] = {}
    for index, mutant in enumerate(chosen):
        groups.setdefault(mutant.module, []).append(index)
    for group in groups.values():
        group.sort(key=lambda index: not any(entry.is_(chosen[index]) for entry in accepted))
    if by_hand:
        groups["hand-made"] = list(range(len(chosen), len(chosen) + by_hand))
    return list(groups.items())


def _progress(name: str, verdicts: list[Verdict], before: int, begun: float) -> None:
    outcomes = Counter(verdict.outcome for verdict in verdicts)
    live = sum(outcomes[outcome] for outcome in ALIVE)
    print(
        f"{name:36} {len(verdicts):5} mutants {len(verdicts) - live:5} killed ({outcomes['timeout']} by time) "
        f"{live:4} live {before:5} from before {time.monotonic() - begun:6.0f} s",
        file=sys.stderr, flush=True,
    )  # fmt: skip


def _hand_change(entry: HandMade, text: str, judge: Judge) -> Change:
    lines = {(entry.module, line) for line in entry.lines(judge.sources[entry.module])}
    tests = [test for test, seen in judge.baseline.lines.items() if seen & lines]
    return Change(entry.module, "", tests or list(judge.baseline.seconds), lambda: compile_module(entry.module, text))


def _print_entries(alive: list[Mutant]) -> None:
    def text(value: str) -> str:
        return f"'{value}'" if "'" not in value else json.dumps(value)

    for mutant in alive:
        print("\n[[survivor]]")
        for name in ("module", "function", "line", "change"):
            print(f"{name} = {text(getattr(mutant, name))}")
        print('reason = ""')


def _report(
    chosen: list[Mutant], verdicts: dict[int, Verdict], alive: list[tuple[Mutant, Verdict]],
    accepted: list[Survivor], whole: bool,
) -> bool:  # fmt: skip
    """Print survivors and scores; whether the rules hold."""
    entries = {mutant: next((entry for entry in accepted if entry.is_(mutant)), None) for mutant, _ in alive}
    unlisted = [(mutant, verdict) for mutant, verdict in alive if entries[mutant] is None]
    for mutant, verdict in unlisted:
        print(
            f"{mutant.id} {verdict.outcome:8} {mutant.module}:{mutant.lines.start} {mutant.function}: {mutant.change}"
        )
    equivalent = {mutant for mutant, entry in entries.items() if entry and entry.equivalent}
    total, lives = Counter[str](), Counter[str]()
    for mutant in chosen:
        total[mutant.module] += mutant not in equivalent
    for mutant in entries:
        lives[mutant.module] += mutant not in equivalent
    for module, count in total.items():
        if count:
            print(f"{module:36} {count - lives[module]:5} of {count:5} killed  {1 - lives[module] / count:7.1%}")
    count, living = sum(total.values()), sum(lives.values())
    score = 1 - living / count if count else 1.0
    slow = sum(verdict.outcome == "timeout" for verdict in verdicts.values())
    print(
        f"{'all':36} {count - living:5} of {count:5} killed  {score:7.1%}  ({slow} by time; {len(equivalent)} "
        f"equivalent not counted; {living - len(unlisted)} live and are listed, {len(unlisted)} are not)"
    )
    stale = [entry for entry in accepted if whole and not any(entry.is_(mutant) for mutant in entries)]
    for entry in stale:
        print(f"listed as a survivor but there is none: {entry.module} {entry.function}: {entry.line} [{entry.change}]")
    if whole:
        return score >= ENOUGH and not unlisted and not stale
    return score >= ENOUGH - 3 * math.sqrt(ENOUGH * (1 - ENOUGH) / max(count, 1))


if __name__ == "__main__":
    raise SystemExit(main())
