"""What a command is, and what it gets when it runs."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from n6prog.cli.console import Console
from n6prog.cli.story import Story
from n6prog.config import Settings
from n6prog.errors import UsageError

if TYPE_CHECKING:
    from n6prog.flows.board import Board
    from n6prog.targets.schema import BoardProfile

COMMON = (
    *("probe", "swd_clock", "board", "connect", "wait", "dry_run"),
    *("json", "no_progress", "verbose", "quiet", "log", "preset"),
)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a command: what was typed, the settings that hold, and where to print."""

    args: argparse.Namespace
    settings: Settings
    console: Console
    environ: Mapping[str, str]

    def items(self) -> list[str]:
        """The positional arguments."""
        items: list[str] = self.args.items
        return items


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the command line.

    `settings`: names of the settings it takes besides the common ones. `arguments`: adds what is not a setting.
    """

    name: str
    usage: str
    summary: str
    group: str
    run: Callable[[Call], None]
    settings: tuple[str, ...] = ()
    arguments: Callable[[argparse.ArgumentParser], None] | None = None
    details: str = ""


@contextlib.contextmanager
def open_board(call: Call, story: Story) -> Iterator[Board]:
    """The board that the settings name. The probe is opened when it is first needed: files are judged before."""
    from n6prog import api

    settings = call.settings
    with api.connect(
        settings.probe,
        board=board_of(settings, settings.board),
        swd_clock=_clock(settings.swd_clock),
        connect=settings.connect,
        wait=settings.wait,
        on_event=story.on_event,
        loader=settings.loader,
        lazy=True,
    ) as board:
        yield board


def _clock(hertz: int | None) -> str | int:
    """The clock as the API takes it, which refuses a bare small number of hertz as most likely a slip."""
    if hertz is None:
        return "auto"
    return hertz if hertz >= 1_000_000 else f"{hertz / 1000}k"


def board_of(settings: Settings, name: str | None) -> str | BoardProfile | None:
    """The board of this name (None: the one the probe is, else the default), with the project's own slots if any.

    Raises UsageError.
    """
    if not settings.slots:
        return name
    from n6prog import api
    from n6prog.flows.source import profile
    from n6prog.project import with_slots

    return with_slots(profile(name or api.board_of_probe(settings.probe) or api.DEFAULT_BOARD), settings.slots)


def usage(reason: str, cure: str, subject: str = "") -> UsageError:
    """The error for what was typed wrongly."""
    fault = UsageError.of("E-USAGE", subject, reason=reason, cure=cure)
    assert isinstance(fault, UsageError)
    return fault
