"""n6prog: flash programmer for STM32N657 boards.

    placement = n6prog.check("app.elf", board="nucleo-n657x0-q")          # no probe
    with n6prog.connect("sim:nucleo-n657x0-q") as board:
        report = board.flash("app.elf")

Names load when they are first used: pyOCD imports this package, through our plug-in, in every one of its commands.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from n6prog.api import check, connect
    from n6prog.errors import (
        FlashFailure,
        ImageRefused,
        N6ProgError,
        ProbeBusy,
        ProbeNotFound,
        TargetUnreachable,
        UsageError,
        VerifyMismatch,
    )
    from n6prog.events import Event, EventType
    from n6prog.findings import ExitCode, Finding
    from n6prog.flows.board import Board, BoardInfo
    from n6prog.flows.report import ByteCounts, PieceReport, Report
    from n6prog.layout.types import Placement

__version__ = "0.1.0"

_HOME = {
    "check": "n6prog.api",
    "connect": "n6prog.api",
    "Board": "n6prog.flows.board",
    "BoardInfo": "n6prog.flows.board",
    "ByteCounts": "n6prog.flows.report",
    "PieceReport": "n6prog.flows.report",
    "Report": "n6prog.flows.report",
    "Placement": "n6prog.layout.types",
    "Event": "n6prog.events",
    "EventType": "n6prog.events",
    "ExitCode": "n6prog.findings",
    "Finding": "n6prog.findings",
    "FlashFailure": "n6prog.errors",
    "ImageRefused": "n6prog.errors",
    "N6ProgError": "n6prog.errors",
    "ProbeBusy": "n6prog.errors",
    "ProbeNotFound": "n6prog.errors",
    "TargetUnreachable": "n6prog.errors",
    "UsageError": "n6prog.errors",
    "VerifyMismatch": "n6prog.errors",
}

__all__ = [
    "Board",
    "BoardInfo",
    "ByteCounts",
    "Event",
    "EventType",
    "ExitCode",
    "Finding",
    "FlashFailure",
    "ImageRefused",
    "N6ProgError",
    "PieceReport",
    "Placement",
    "ProbeBusy",
    "ProbeNotFound",
    "Report",
    "TargetUnreachable",
    "UsageError",
    "VerifyMismatch",
    "__version__",
    "check",
    "connect",
]


def __getattr__(name: str) -> object:
    """Load the module that holds a public name."""
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Public names, loaded or not."""
    return sorted(__all__)
