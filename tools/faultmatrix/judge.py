"""What must hold after a fault, and after the plain run that follows it. Pure: facts in, a verdict out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .scene import BLOCK, NOR_BASE, SECTOR, Damage

Events = Sequence[Mapping[str, Any]]
_NOT_ASKED = "not asked for"
_NOR_ADDRESS = re.compile(r"0x7[0-9a-fA-F]{7}")


@dataclass(frozen=True)
class Run:
    """One run of `flash`: its events as (type, data), its exit code (None: killed), what it said that it must not."""

    exit_code: int | None
    events: Events = field(repr=False, default=())
    improper: str = ""

    @property
    def end(self) -> Mapping[str, Any]:
        """The data of `end`; empty when it did not come."""
        return self.events[-1]["data"] if self.events and self.events[-1]["type"] == "end" else {}

    @property
    def code(self) -> str:
        """The code of what went wrong; "" for nothing, "killed" for a process that was."""
        return "killed" if self.exit_code is None else self.end.get("code") or ""

    @property
    def wrote(self) -> bool:
        """Whether it came as far as writing."""
        return any(event["type"] == "progress" and event["data"].get("phase") == "write" for event in self.events)

    @property
    def names(self) -> bool:
        """Whether its errors and warnings name a place in the NOR."""
        return any(_addresses(event["data"]) for event in self._messages())

    def tells_loss(self, offset: int) -> bool:
        """Whether a message says of this block that bytes not asked for are at stake."""
        return any(
            _NOT_ASKED in repr(event["data"])
            and any(place // BLOCK == offset // BLOCK for place in _addresses(event["data"]))
            for event in self._messages()
        )

    def _messages(self) -> Events:
        return [event for event in self.events if event["type"] in ("error", "warning")]


def _addresses(data: Mapping[str, Any]) -> list[int]:
    """Offsets in the NOR that a message names."""
    found = [int(text, 16) - NOR_BASE for text in _NOR_ADDRESS.findall(repr(data))]
    address = data.get("evidence", {}).get("address")
    return [*found, address - NOR_BASE] if isinstance(address, int) else found


@dataclass(frozen=True)
class Facts:
    """A case as it went.

    `edges`: the sectors that hold bytes of the image, some of them others as well. `cut`: the erase that losing power
    cut short, (offset, size), None for none. `powerless`: power was lost; `broken`: it was the NOR itself that failed.
    `spoiled`: blocks that something else than n6prog was erasing; what they hold is not its doing. `after`, `then`: the
    flash after the first and after the second run.
    """

    first: Run
    after: Damage
    second: Run
    then: Damage
    edges: frozenset[int] = frozenset()
    powerless: bool = False
    broken: bool = False
    cut: tuple[int, int] | None = None
    spoiled: tuple[int, ...] = ()


@dataclass(frozen=True)
class Violation:
    """What must not be. `rule`: corruption, loss, untold, second, work, improper, harness."""

    rule: str
    text: str


@dataclass(frozen=True)
class Verdict:
    """`outcome`: verified, recovered, refused, killed, none. `lost`: which bytes not asked for went, "" for none.

    `names`: whether a refusal after the first write names a place in the flash.
    """

    outcome: str
    code: str = ""
    lost: str = ""
    names: bool | None = None
    violations: tuple[Violation, ...] = ()


def judge(facts: Facts) -> Verdict:
    """The verdict on a case."""
    first = facts.first
    lost, losses = _loss(facts)
    violations = [*_improper("first", first), *_improper("second", facts.second), *_corruption(facts), *losses]
    if facts.second.exit_code != 0:
        violations.append(
            Violation("second", f"the second run ends with {facts.second.exit_code} ({facts.second.code})")
        )
    violations += _work(facts)
    return Verdict(_outcome(first), first.code, lost, _names(first), tuple(violations))


def _foreign(facts: Facts, damage: Damage) -> list[int]:
    return [offset for offset in damage.foreign if offset // BLOCK * BLOCK not in facts.spoiled]


def _corruption(facts: Facts) -> Iterator[Violation]:
    """Somebody was told that all is well, and it is not."""
    for which, run, damage in (("first", facts.first, facts.after), ("second", facts.second, facts.then)):
        if run.exit_code == 0 and damage.asked:
            yield Violation(
                "corruption", f"silent corruption: the {which} run exits 0, {_places(damage.asked)} not as wanted"
            )
    early = _foreign(facts, facts.after)
    if facts.first.exit_code == 0 and early:
        yield Violation("corruption", f"silent corruption: exit 0, bytes not asked for changed in {_places(early)}")


def _loss(facts: Facts) -> tuple[str, list[Violation]]:
    """Bytes not asked for that are gone after a first run that did not end well: which, and what is wrong with that.

    Erasing a sector in part asked for puts the rest of it at stake, and so does an erase that power cuts short. What
    lay beside it and was only kept in RAM need not have been erased.
    """
    foreign = _foreign(facts, facts.then)
    if facts.first.exit_code == 0 or not foreign:
        return "", []
    if not (facts.powerless or facts.broken):
        what = f"bytes not asked for are lost in {_places(foreign)}; neither power nor the NOR failed"
        return "without need", [Violation("loss", what)]
    found = []
    start, size = facts.cut or (0, 0)
    kept = [offset for offset in foreign if offset not in facts.edges and not start <= offset < start + size]
    if kept:
        why = "whose erase was not cut short" if facts.powerless else "which did not have to be erased"
        found.append(Violation("loss", f"lost: {_places(kept)}, of which nothing was asked for and {why}"))
    untold = [offset for offset in foreign if not facts.first.tells_loss(offset)]
    if untold:
        found.append(Violation("untold", f"bytes not asked for are lost in {_places(untold)}, and no message says so"))
    return "kept in RAM only" if kept else "in their own erase", found


def _outcome(run: Run) -> str:
    if run.exit_code is None:
        return "killed"
    if run.exit_code != 0:
        return "refused"
    warned = any(event["type"] == "warning" for event in run.events)
    return "recovered" if warned else "verified"


def _improper(which: str, run: Run) -> Iterator[Violation]:
    """What no run may do, whatever happens to it."""
    for text in _improprieties(run):
        yield Violation("improper", f"{which} run: {text}")


def _improprieties(run: Run) -> Iterator[str]:
    if run.improper:
        yield run.improper
    if run.exit_code is None:
        return
    if not run.end:
        yield "no end event"
    elif run.end["ok"] is not (run.exit_code == 0) or run.end["exit_code"] != run.exit_code:
        yield f"exit {run.exit_code}, end says ok={run.end['ok']} {run.end['exit_code']}"
    elif run.exit_code == 1:
        yield f"internal fault: {[item.get('text') for item in run.end['findings']]}"
    elif run.exit_code != 0 and not any(item["cure"] for item in run.end["findings"]):
        yield "no finding says what to do"


def _names(run: Run) -> bool | None:
    return run.names if run.exit_code not in (0, None) and run.wrote else None


def _work(facts: Facts) -> Iterator[Violation]:
    """The second run sends no sector that was right already."""
    if facts.second.exit_code != 0:
        return
    sent, wrong = facts.second.end["bytes"]["sent"], len(facts.after.asked) * SECTOR
    if sent > wrong:
        yield Violation("work", f"the second run sends {sent} bytes where {wrong} were wrong")


def _places(offsets: Sequence[int]) -> str:
    more = f" and {len(offsets) - 1} more sectors" if len(offsets) > 1 else ""
    return f"{NOR_BASE + offsets[0]:#010x}{more}"
