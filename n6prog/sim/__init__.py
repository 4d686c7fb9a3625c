"""The simulated board: an STM32N657 with its octal NOR, below pyOCD's own ST-Link driver. See README.md here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from n6prog.sim.board import SimBoard
    from n6prog.sim.errors import BoardBusy, SimAccess, SimError, SimFault, SimTripwire
    from n6prog.sim.spec import SimSpec, parse_spec

__all__ = ["BoardBusy", "SimAccess", "SimBoard", "SimError", "SimFault", "SimSpec", "SimTripwire", "parse_spec"]

_PLACES = {"SimBoard": "board", "SimSpec": "spec", "parse_spec": "spec"}


def __getattr__(name: str) -> object:
    """Load on first use: Unicorn is needed only by who opens a board."""
    if name not in __all__:
        raise AttributeError(name)
    from importlib import import_module

    return getattr(import_module(f"n6prog.sim.{_PLACES.get(name, 'errors')}"), name)
