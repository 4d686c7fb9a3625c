"""Boards for the loader's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from n6prog.sim import SimBoard
from tests.flash_algos.bench import Chip


@pytest.fixture
def board() -> Iterator[SimBoard]:
    """A NUCLEO in development boot, as the boot ROM leaves it."""
    with SimBoard("nucleo-n657x0-q") as simulated:
        yield simulated


@pytest.fixture
def chip(board: SimBoard) -> Chip:
    """The same with the loader in RAM and opened."""
    return Chip(board).opened()
