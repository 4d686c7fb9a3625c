"""One case: the faulty run, what it left, the plain run after it. To be called in a process that may be killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import n6prog
from n6prog.sim import SimBoard
from n6prog.sim.clock import ps
from n6prog.sim.faults import LinkFaults
from n6prog.sim.nor.device import NorDevice

from .cases import OF_THE_NOR, Case, Measured, Strike, make_strike
from .flow import BOARD, flashed, spec
from .judge import Facts, Run
from .kill import served_runs
from .scene import BLOCK, NOR_SIZE, Scene, make_scene

_STEP = 1 << 60
_ERASES = ("sector", "block", "chip")


def execute(case: Case, folder: Path, strike: str | None = None) -> tuple[Strike, Facts]:
    """Do a case in `folder`, which is for it alone; `strike` is another fault term than the case's own."""
    scene = make_scene(case.seed, case.variant, case.content)
    files = scene.files(folder)
    measured = measure(case, scene, files, folder)
    chosen = Strike(strike) if strike else make_strike(case, scene, measured)
    state, edges = _fresh(scene, folder), frozenset(scene.sectors)
    if case.door == "served":
        first, after, second = served_runs(case, chosen, files, state, scene)
        return chosen, Facts(first, after, second, scene.damage(state / "nor.bin"), edges)
    cuts: list[tuple[str, int, int]] = []
    run = _by_command_line if case.door == "cli" else _in_process
    with _watching_power(cuts):
        first = run(case, spec(case, state, chosen.fault), files, folder)
    after = scene.damage(state / "nor.bin")
    powerless = _let_time_pass(state, case.pause)
    if case.pause:
        after = scene.damage(state / "nor.bin")
    second = _in_process(case, spec(case, state), files, folder)
    facts = Facts(
        first=first,
        after=after,
        second=second,
        then=scene.damage(state / "nor.bin"),
        edges=edges,
        powerless=powerless,
        broken=case.kind in OF_THE_NOR,
        cut=next(((at, size) for kind, at, size in cuts if kind in _ERASES), None),
        spoiled=tuple(_spoiled(chosen.fault)),
    )
    return chosen, facts


def _fresh(scene: Scene, folder: Path) -> Path:
    state = folder / "board"
    state.mkdir(exist_ok=True)
    for name in ("board.json", "ram.bin", "lock"):
        (state / name).unlink(missing_ok=True)
    scene.prepare(state / "nor.bin")
    return state


def measure(case: Case, scene: Scene, files: Sequence[str], folder: Path) -> Measured:
    """A run without a fault, remembered in `folder`'s parent for the next case with the same scene and link."""
    name = f"{case.seed}-{case.variant}-{case.content}-{case.link}-{case.clock}.json"
    kept = folder.parent / name
    if kept.exists():
        known = json.loads(kept.read_text())
        return Measured(tuple(known["commands"]), known["picoseconds"], known["pages"])
    state = _fresh(scene, folder)
    commands: list[int] = []
    original = LinkFaults.command

    def counting(self: LinkFaults) -> None:
        commands.append(self.transfers)
        original(self)

    LinkFaults.command = counting  # type: ignore[method-assign]
    try:
        # A fault that never comes: transfers are counted only where one may.
        probe = f"sim:{BOARD},state={state},link={case.link},fault=flip@#{_STEP}"
        with n6prog.connect(probe, swd_clock=case.clock) as board:
            opened = board.pyocd.probe.board
            start = opened.host.now - ps(board.pyocd.probe.virtual_clock.now())
            board.flash(*files)
            found = Measured((), opened.host.now - start, opened.nor.operations.programs)
    finally:
        LinkFaults.command = original  # type: ignore[method-assign]
    left = scene.damage(state / "nor.bin")
    if left.asked or left.foreign:
        raise RuntimeError(f"a run without a fault does not do its work: {case} {left}")
    found = Measured(tuple(commands), found.picoseconds, found.pages)
    temporary = kept.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps(asdict(found)))
    temporary.replace(kept)
    return found


def _in_process(case: Case, probe: str, files: Sequence[str], folder: Path) -> Run:
    events: list[dict[str, Any]] = []
    code, improper = flashed(case, probe, files, events.append)
    return Run(code, tuple(events), improper)


def _by_command_line(case: Case, probe: str, files: Sequence[str], folder: Path) -> Run:
    command = [sys.executable, "-m", "n6prog", "flash", *files, "--json", "-f", case.clock, "--probe", probe]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    improper = done.stderr if "Traceback" in done.stderr else ""
    return Run(done.returncode, tuple(json.loads(line) for line in done.stdout.splitlines()), improper)


@contextmanager
def _watching_power(cuts: list[tuple[str, int, int]]) -> Iterator[None]:
    """Note what the NOR was doing when its power went."""
    original = NorDevice.power_off

    def watched(self: NorDevice, now: int) -> None:
        if self.powered:
            self.settle(now)
            work = self.operation
            if work is not None and work.start <= now:
                size = {"sector": 0x1000, "block": BLOCK, "chip": NOR_SIZE}.get(work.kind, work.size)
                cuts.append((work.kind, work.address // size * size if size else work.address, size))
            else:
                cuts.append(("nothing", 0, 0))
        original(self, now)

    NorDevice.power_off = watched  # type: ignore[method-assign]
    try:
        yield
    finally:
        NorDevice.power_off = original  # type: ignore[method-assign]


def _let_time_pass(state: Path, seconds: float) -> bool:
    """The board lives on for a while, with power given anew where it was lost; tells whether it was."""
    with SimBoard(BOARD, state=state, boot1=None) as board:
        powerless = not board.powered
        if powerless:
            board.power_on()
        board.host.advance(ps(seconds))
        board.catch_up()
    return powerless


def _spoiled(fault: str) -> Iterator[int]:
    """The block that an application was erasing."""
    name, _, place = fault.partition(":")
    if name in ("mid-erase", "left-suspended"):
        yield (int(place, 0) if place else NOR_SIZE - BLOCK) // BLOCK * BLOCK
