"""pyOCD, imported whole but for one thing: the parser of debug sequences is made when somebody parses one.

pyOCD builds it while it is imported, which is a seventh of that time; only boards described by CMSIS packs need it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


class LateParser:
    """What a parser gives, made by `make` at the first use."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._made: Any = None

    def __getattr__(self, name: str) -> Any:
        if self._made is None:
            self._made = self._make()
        return getattr(self._made, name)


def load_pyocd() -> None:
    """Import the package as a whole, before any part of it: its plug-ins load from a complete package only."""
    if "pyocd" in sys.modules:
        return
    from lark.lark import Lark

    at_once = vars(Lark)["open"]
    later = classmethod(lambda cls, *place, **options: LateParser(lambda: at_once.__func__(cls, *place, **options)))
    setattr(Lark, "open", later)  # noqa: B010  (a type checker does not like it)
    try:
        import pyocd  # noqa: F401
    finally:
        setattr(Lark, "open", at_once)  # noqa: B010
