"""Modules loaded from text in memory: the mutated source in the place of the file's."""

from __future__ import annotations

import functools
import gc
import sys
import types
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path


class _CodeLoader(Loader):
    def __init__(self, code: types.CodeType) -> None:
        self._code = code

    def exec_module(self, module: types.ModuleType) -> None:
        """Run the given code as the module."""
        exec(self._code, module.__dict__)  # noqa: S102


class Substitute(MetaPathFinder):
    """Import these modules from here rather than from their files. `codes`: path -> compiled module."""

    def __init__(self, root: Path, codes: dict[str, types.CodeType]) -> None:
        self._root = root
        self._paths = {path.removesuffix(".py").replace("/", "."): path for path in codes}
        self._codes = codes

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        """The import system asks."""
        path = self._paths.get(name)
        if path is None:
            return None
        return spec_from_file_location(name, self._root / path, loader=_CodeLoader(self._codes[path]))

    def install(self) -> None:
        """From now on."""
        sys.meta_path.insert(0, self)


Functions = dict[tuple[str, str], list[types.FunctionType]]


def live_functions(files: set[str]) -> Functions:
    """Every function object made from these files, by file and qualified name."""
    found: Functions = {}
    for thing in gc.get_objects():
        if type(thing) is types.FunctionType and thing.__code__.co_filename in files:
            found.setdefault((thing.__code__.co_filename, thing.__code__.co_qualname), []).append(thing)
    return found


_Cached = type(functools.cache(len))


def caches_of(files: set[str]) -> list[Callable[[], None]]:
    """What empties the cache of every function of these files that keeps its results."""
    return [
        thing.cache_clear for thing in gc.get_objects()
        if type(thing) is _Cached and getattr(thing.__wrapped__, "__code__", None) is not None
        and thing.__wrapped__.__code__.co_filename in files
    ]  # fmt: skip


def swap_code(functions: list[types.FunctionType], module: types.CodeType, name: str) -> bool:
    """Give living functions the code that the mutated module has for them; False when that cannot be done."""
    codes = {code.co_firstlineno: code for code in _codes(module) if code.co_qualname == name}
    for function in functions:
        code = codes.get(function.__code__.co_firstlineno)
        if code is None or code.co_freevars != function.__code__.co_freevars:
            return False
    for function in functions:
        function.__code__ = codes[function.__code__.co_firstlineno]
    return bool(functions)


def _codes(code: types.CodeType) -> list[types.CodeType]:
    inner = [const for const in code.co_consts if isinstance(const, types.CodeType)]
    return inner + [deeper for const in inner for deeper in _codes(const)]
