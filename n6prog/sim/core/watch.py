"""Data watchpoints of the DWT (Armv8-M ARM D1.2, DWT_COMPn and DWT_FUNCTIONn), watched only while one is on.

A match halts the core behind the instruction. Accesses to peripherals and those inside an IT block are watched as well,
but there the halt comes at the end of the block of instructions: to run the former again, as the emulator needs, would
have effects, and it cannot leave an IT block half-way.
"""

from __future__ import annotations

from typing import Any

from unicorn import unicorn_const as uc_const

from n6prog.sim.core.engine import Engine
from n6prog.sim.core.ppb import DWT_COMP, DWT_FUNCTION, MATCHED, WATCHPOINTS, Ppb

_ANY, _WRITE, _READ, _LIMIT = 4, 5, 6, 7  # MATCH: data address, and the upper limit of the comparator before
_DEBUG_EVENT = 1


class Watchpoints:
    """`hit` is set when a comparator with a debug event matched; the owner clears it."""

    def __init__(self, engine: Engine, ppb: Ppb) -> None:
        self._engine = engine
        self._ppb = ppb
        self._hooks: list[Any] = []
        self._installed: list[tuple[int, int, int, int]] = []
        self.hit = False

    def _wanted(self) -> list[tuple[int, int, int, int]]:
        """(comparator, first address, last address, kinds of access) of those that are on."""
        if not self._ppb.tracing:
            return []
        wanted = []
        words = self._ppb.words
        for index in range(WATCHPOINTS):
            function = words.get(DWT_FUNCTION + 16 * index, 0)
            if function & 15 not in (_ANY, _WRITE, _READ):
                continue
            first = words.get(DWT_COMP + 16 * index, 0)
            last = first + (1 << (function >> 10 & 3)) - 1
            if index + 1 < WATCHPOINTS and words.get(DWT_FUNCTION + 16 * (index + 1), 0) & 15 == _LIMIT:
                last = words.get(DWT_COMP + 16 * (index + 1), 0)
            wanted.append((index, first, last, function & 15))
        return wanted

    def follow(self) -> None:
        """Install what the registers ask for now."""
        if not self._ppb.watch_changed:
            return
        self._ppb.watch_changed = False
        wanted = self._wanted()
        if wanted == self._installed:
            return
        for hook in self._hooks:
            self._engine.uc.hook_del(hook)
        self._hooks, self._installed = [], wanted
        self._engine.watched = bool(wanted)
        for index, first, last, match in wanted:
            kinds = (uc_const.UC_HOOK_MEM_READ if match != _WRITE else 0) | (
                uc_const.UC_HOOK_MEM_WRITE if match != _READ else 0
            )
            self._hooks.append(
                self._engine.uc.hook_add(kinds, self._on_access, (index, first, last), max(first - 7, 0), last)
            )
        self._engine.forget_code()

    def _on_access(
        self, _uc: object, _kind: int, address: int, size: int, _value: int, watched: tuple[int, int, int]
    ) -> None:
        index, first, last = watched
        self._engine.goes_on()
        if self.hit or address > last or address + size <= first:
            return
        register = DWT_FUNCTION + 16 * index
        self._ppb.words[register] = self._ppb.words.get(register, 0) | MATCHED
        if self._ppb.words[register] >> 4 & 3 != _DEBUG_EVENT:
            return
        self.hit = True
        if self._engine.inside_it_block or self._engine.ram.view(address, size) is None:
            self._engine.break_soon()
        else:
            self._engine.stop("watch")

    def remove(self) -> None:
        """Take the hooks out, for the instruction that matched to be finished; `follow` brings them back."""
        for hook in self._hooks:
            self._engine.uc.hook_del(hook)
        self._hooks, self._installed = [], []
        self._engine.watched = False
        self._ppb.watch_changed = True
