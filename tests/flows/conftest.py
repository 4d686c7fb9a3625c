"""A Board over a chip made by hand, and the events it told."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import n6prog
from n6prog.events import Event
from n6prog.flows.board import Board
from tests.helpers.fake_chip import IMAGE, FakeLink

AT = 0x1000000  # 0x71000000, the slot for weights


@dataclass
class Bench:
    """A board, the fake chip behind it, and all events so far. `opened` counts how often the probe was opened."""

    link: FakeLink
    board: Board
    events: list[Event] = field(default_factory=list)
    opened: int = 0

    def types(self) -> list[str]:
        """Event types in order, runs of progress as one."""
        names: list[str] = []
        for event in self.events:
            if not (names and names[-1] == event.type == "progress"):
                names.append(str(event.type))
        return names

    def last(self, kind: str) -> Event:
        """The last event of a type."""
        return next(event for event in reversed(self.events) if event.type == kind)


@pytest.fixture
def make_bench(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Bench]:
    """A function that makes a bench; its arguments are the fake link's."""

    def make(board: str = "nucleo-n657x0-q", **link: object) -> Bench:
        events: list[Event] = []
        chip = FakeLink(**link)  # type: ignore[arg-type]
        bench = Bench(
            chip, n6prog.connect("fake", board=board, on_event=events.append, loader=IMAGE, lazy=True), events
        )

        def open_link(*_: object, **__: object) -> FakeLink:
            bench.opened += 1
            return chip

        monkeypatch.setattr("n6prog.link.open_link", open_link, raising=False)
        return bench

    return make


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Iterator[Bench]:
    """The NUCLEO with its 64 MiB flash, blank."""
    made = make_bench()
    yield made
    made.board.close()


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """150000 bytes: two whole blocks and a rest that ends inside a sector."""
    path = tmp_path / "weights.bin"
    path.write_bytes(random.Random(1).randbytes(150_000))
    return path


def spec(path: Path, address: int = 0x70000000 + AT) -> str:
    return f"{path}@{address:#x}"
