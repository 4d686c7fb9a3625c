"""Which faults are provoked, and when: case NUMBER of a seed is the same on every machine."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from n6prog.sim.clock import PS_PER_US
from n6prog.sim.fault_terms import TERMS

from .scene import CONTENTS, NOR_SIZE, SECTOR, Scene

LINKS = ("stlink", "cmsis-dap")
CLOCKS = ("8M", "24M", "auto")
SIGNALS = ("sigkill", "sigint")
OF_THE_NOR = frozenset(
    {"no-wel", "stuck-wip", "mute", "drop-page", "flip-page", "fail-program", "fail-erase", "no-vddio3"}
)
"""Faults with which the NOR itself does not do as it is told."""
NOT_OF_THE_MATRIX = frozenset(
    {"no-sfdp", "voltage", "boot1", "wrong-chip", "life-cycle", "chip-reset", "poke", "firmware", "no-access"}
)
"""Terms for single tests: what stands from the start on and is refused, or what its argument makes of it."""
KINDS = (*(term for term in TERMS if term not in NOT_OF_THE_MATRIX), *SIGNALS)
_A_VARIANT = 256  # cases that share their scenes, and what was measured of them


@dataclass(frozen=True)
class Case:
    """One run of the matrix.

    `door`: the flow in one process ("api"), the command line ("cli"), or a process of its own on a served board
    ("served"). `pause`: virtual seconds between the fault and the second run. `schedule` as in a spec.
    """

    seed: int
    number: int
    kind: str
    link: str
    clock: str
    content: str
    variant: int
    schedule: str
    door: str
    pause: float


@dataclass(frozen=True)
class Measured:
    """A run of the same scene without a fault.

    `commands`: for each USB command the SWD transfers done before it; `picoseconds` from the opening of the board to
    the end; `pages`: page programs.
    """

    commands: tuple[int, ...]
    picoseconds: int
    pages: int


def make_case(seed: int, number: int, kind: str | None = None) -> Case:
    """Every kind in turn, then with the other link; the rest by chance."""
    rng = random.Random(f"{seed}:{number}")
    kind = kind or KINDS[number % len(KINDS)]
    turn = number // len(KINDS)
    door = "served" if kind in SIGNALS else "cli" if rng.random() < 0.04 and kind != "power-cut" else "api"
    return Case(
        seed=seed,
        number=number,
        kind=kind,
        link=LINKS[turn % 2],
        clock=rng.choices(CLOCKS, (4, 3, 1))[0],
        content=rng.choices(CONTENTS, (4, 2, 3, 1))[0],
        variant=number // _A_VARIANT,
        schedule=rng.choices(("lazy", "eager"), (3, 1))[0],
        door=door,
        pause=rng.choice((0.0, 0.0, round(rng.uniform(0, 0.4), 6), 5.0)),
    )


@dataclass(frozen=True)
class Strike:
    """What goes wrong.

    `fault` is the term for the simulator. A signal comes at `command`, after it is `done` or before, or `after` so many
    picoseconds, between two commands.
    """

    fault: str = ""
    command: int = 0
    done: bool = False
    after: int | None = None

    def __str__(self) -> str:
        if self.after is not None:
            return f"after {self.after / PS_PER_US:.0f} us"
        return self.fault or f"at command {self.command}, {'after' if self.done else 'before'} it is done"


def make_strike(case: Case, scene: Scene, measured: Measured) -> Strike:
    """The fault of a case."""
    rng = random.Random(f"{case.seed}:{case.number}:strike")
    if case.kind in SIGNALS and rng.random() < 0.5:
        return Strike(after=rng.randrange(measured.picoseconds))
    if case.kind in SIGNALS:
        return Strike("", rng.randrange(1, len(measured.commands) + 2), rng.random() < 0.5)
    return Strike(_TERMS.get(case.kind, _plain)(case.kind, rng, scene, measured))


def _when(rng: random.Random, measured: Measured) -> str:
    """A moment of the flash: by its time, or by a transfer. Commands count alike, so that the few transfers that tell
    the chip what to do are met as often as the many that carry data."""
    if rng.random() < 0.5:
        return f"@{rng.randrange(measured.picoseconds * 21 // 20) // 1_000_000 + 1}us"
    number = rng.randrange(len(measured.commands) - 1)
    first, last = measured.commands[number], measured.commands[number + 1]
    return f"@#{rng.randint(first + 1, max(first + 1, last))}"


def command_of(measured: Measured, transfer: int) -> int:
    """The command in which a transfer happens, counted from 1."""
    return bisect_right(measured.commands, transfer - 1)


Maker = Callable[[str, random.Random, Scene, Measured], str]


def _plain(kind: str, rng: random.Random, scene: Scene, measured: Measured) -> str:
    return kind


def _maybe(kind: str, rng: random.Random, scene: Scene, measured: Measured) -> str:
    return kind + (_when(rng, measured) if rng.random() < 0.9 else "")


def _moment(kind: str, rng: random.Random, scene: Scene, measured: Measured) -> str:
    return kind + _when(rng, measured)


def _page(kind: str, rng: random.Random, scene: Scene, measured: Measured) -> str:
    return f"{kind}:{rng.randint(1, max(1, measured.pages))}"


def _sector(kind: str, rng: random.Random, scene: Scene, measured: Measured) -> str:
    place = rng.choice(scene.sectors) if rng.random() < 0.8 else rng.choice(scene.sectors) ^ SECTOR
    return f"{kind}{_when(rng, measured) if rng.random() < 0.3 else ''}:{place:#x}"


def _identity(kind: str, rng: random.Random, scene: Scene, measured: Measured) -> str:
    return kind + rng.choice(("", ":c2803b", ":ffffff", ":000000", ":9d5a1a"))


def _left(kind: str, rng: random.Random, scene: Scene, measured: Measured) -> str:
    return kind + rng.choice(("", f":{NOR_SIZE - 0x2_0000:#x}"))


def _transfer(kind: str, rng: random.Random, scene: Scene, measured: Measured) -> str:
    if rng.random() < 0.75:
        return kind + _when(rng, measured)
    return f"{kind}:{10 ** rng.uniform(-5.3, -2):.7f}"


def _storm(kind: str, rng: random.Random, scene: Scene, measured: Measured) -> str:
    length = rng.choice((str(rng.randint(1, 40)), str(rng.randint(40, 4000)), f"{rng.randint(10, 40_000)}us"))
    return f"{kind}{_when(rng, measured)}:{length}"


def _clock(kind: str, rng: random.Random, scene: Scene, measured: Measured) -> str:
    when = _when(rng, measured) if rng.random() < 0.5 else ""
    return f"{kind}{when}:{rng.choice(('8M', '7M', '3300k', '1M'))}"


_TERMS: dict[str, Maker] = {
    "no-wel": _maybe,
    "stuck-wip": _maybe,
    "mute": _maybe,
    "no-vddio3": _maybe,
    "drop-page": _page,
    "flip-page": _page,
    "fail-program": _sector,
    "fail-erase": _sector,
    "wrong-id": _identity,
    "mid-erase": _left,
    "left-suspended": _left,
    "power-cut": _moment,
    "hang": _moment,
    "unplug": _moment,
    "flip": _transfer,
    "double-flip": _transfer,
    "lost": _transfer,
    "repeat": _transfer,
    "wait": _storm,
    "max-clock": _clock,
}
