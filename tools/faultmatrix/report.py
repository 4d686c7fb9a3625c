"""The figures of the matrix as a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .cases import KINDS
from .known import Known
from .workers import Done

_OUTCOMES = ("verified", "recovered", "refused", "killed")
_HEAD = """\
# Endurance

Made by `make endurance` (tools/endurance.py); do not edit.

A small image (about 200 KiB in two pieces, with bytes around it in the same blocks that nobody asks for) is flashed
over dirty, blank, nearly equal and bit-clearing content, over the simulated ST-Link and CMSIS-DAP in turn, at 8 and
24 MHz and with an automatic clock. One fault of the simulated board (`n6prog/sim/README.md`) strikes at a seeded
moment; SIGKILL and SIGINT strike a process of its own at a USB command, on a board that `sim serve` keeps alive. Then
comes a plain second run. What must hold, checked against the whole content of the NOR by a comparison of its own:

- the first run exits with 0 and every byte is as it must be, or with another code and an `end` event that says so;
- the second run exits with 0, every wanted byte is right, and it sends no sector that was right already;
- bytes not asked for are as they were. When power went or the NOR itself failed, those in a sector that was partly
  asked for, or whose erase was cut short, may be lost, and a message of the first run says so.
"""
_TAIL = """\
`verified`: the fault came too late, hit nothing, or was got over without a word. `warned`: the same with a warning.
`killed`: by SIGKILL. `named`: of the refusals that came after the first write, how many name a place in the flash.
`lost`: runs after which bytes not asked for were gone, and which they were.
"""


def page(done: Sequence[Done], known: Sequence[Known], seed: int, version: str, command: str) -> str:
    """docs/endurance.md."""
    violated = [item for item in done if item.verdict.violations]
    corrupted = sum(any(found.rule == "corruption" for found in item.verdict.violations) for item in violated)
    figures = f"{len(done)} runs, {corrupted} silent corruptions, {len(violated)} of them violate any of this"
    lines = [
        _HEAD,
        f"n6prog {version}, seed {seed}, `{command}`: {figures}.",
        "",
        "| fault | runs | verified | warned | refused | killed | codes of the refusals | named | lost | violations |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(_row(kind, [item for item in done if item.case.kind == kind]) for kind in KINDS),
        _row("all", done),
        "",
        _TAIL,
    ]
    if violated:
        lines += ["## Violations", "", *_violations(violated, known)]
    return "\n".join(lines).rstrip() + "\n"


def reproducer(item: Done) -> str:
    """The command line that does one case again, and tells all about it."""
    return f"python tools/endurance.py --seed {item.case.seed} --case {item.case.number}"


def _violations(violated: Sequence[Done], known: Sequence[Known]) -> list[str]:
    reasons = {(entry.kind, entry.rule): entry.reason for entry in known}
    counts: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], Done] = {}
    for item in violated:
        for rule in {found.rule for found in item.verdict.violations}:
            counts[item.case.kind, rule] += 1
            first.setdefault((item.case.kind, rule), item)
    lines = []
    for (kind, rule), count in sorted(counts.items()):
        item = first[kind, rule]
        text = next(found.text for found in item.verdict.violations if found.rule == rule).splitlines()[0]
        why = f" Known: {reasons[kind, rule]}" if (kind, rule) in reasons else ""
        lines.append(f"- {kind}, {rule}: {count} runs. For one, `{reproducer(item)}`: {text}.{why}")
    return lines


def _row(kind: str, items: Sequence[Done]) -> str:
    outcomes = Counter(item.verdict.outcome for item in items)
    codes = Counter(item.verdict.code for item in items if item.verdict.outcome == "refused")
    named = [item.verdict.names for item in items if item.verdict.names is not None]
    lost = Counter(item.verdict.lost for item in items if item.verdict.lost)
    cells = [
        kind,
        str(len(items)),
        *(str(outcomes[column]) for column in _OUTCOMES),
        ", ".join(f"{code} {count}" for code, count in codes.most_common()),
        f"{sum(named)} of {len(named)}" if named else "",
        ", ".join(f"{why} {count}" for why, count in lost.most_common()),
        str(sum(bool(item.verdict.violations) for item in items)),
    ]
    return "| " + " | ".join(cells) + " |"
