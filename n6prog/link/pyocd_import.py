"""pyOCD, imported whole but for two things that few commands need: half of the time that it takes.

Its gdb server, and with it the drivers of all probes and their libraries, is loaded when somebody asks for it. The
parser of debug sequences, which only boards described by CMSIS packs need, is made when somebody parses one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType
from typing import Any

_LATE = "pyocd.gdbserver"


class LateParser:
    """What a parser gives, made by `make` at the first use."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._made: Any = None

    def __getattr__(self, name: str) -> Any:
        if self._made is None:
            self._made = self._make()
        return getattr(self._made, name)


class _LateFinder(MetaPathFinder):
    """Finds the gdb server as a module that is loaded at the first use."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        found = PathFinder.find_spec(fullname, path) if fullname == _LATE else None
        if found is not None and found.loader is not None:
            found.loader = LazyLoader(found.loader)
        return found


@contextmanager
def _late_gdbserver() -> Iterator[None]:
    finder = _LateFinder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


@contextmanager
def _late_parser() -> Iterator[None]:
    from lark.lark import Lark

    at_once = vars(Lark)["open"]
    later = classmethod(lambda cls, *place, **options: LateParser(lambda: at_once.__func__(cls, *place, **options)))
    setattr(Lark, "open", later)  # noqa: B010  (a type checker does not like it)
    try:
        yield
    finally:
        setattr(Lark, "open", at_once)  # noqa: B010


def load_pyocd() -> None:
    """Import the package as a whole, before any part of it: its plug-ins load from a complete package only."""
    if "pyocd" in sys.modules:
        return
    with _late_gdbserver(), _late_parser():
        import pyocd
        import pyocd.core.session  # noqa: F401  (it has the parser)
