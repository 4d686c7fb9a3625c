"""Runs of stores that feed one register: a block copy out of RAM into a FIFO, carried out in one go.

The pattern is LDM with write-back, each loaded register stored in order to one address, as often as it stands there in
a row. The block has paid for all its instructions when the run begins, so nothing but the stores takes time in it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from unicorn import arm_const as arm
from unicorn.unicorn_py3.unicorn import uclib

from n6prog.sim.core.engine import Engine
from n6prog.sim.core.raw import Raw

# `take(words, limit)`: all of them as so many stores in a row, True; or nothing, where the last would end at `limit` or
# later, or one of them does more than to take its time.
Take = Callable[[bytes, int], bool]

_LEAST = 8  # words; a shorter run is not worth it
_GENERAL = tuple(getattr(arm, f"UC_ARM_REG_R{index}") for index in range(13))
_LIBRARY = ctypes.PyDLL(uclib._name, handle=uclib._handle)  # noqa: SLF001
_WRITE_BATCH = _LIBRARY.uc_reg_write_batch
_WRITE_BATCH.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)


@dataclass(frozen=True, slots=True)
class Run:
    """`code` from its first LDM on: `words` words from register `source` on to register `target` plus `offset`.

    `last` are the registers that hold the last words afterwards.
    """

    code: bytes
    words: int
    source: int
    target: int
    offset: int
    last: tuple[int, ...]


def find(code: bytes) -> Run | None:
    """The run that `code` begins with."""
    at = words = 0
    source, target, offset, last = -1, -1, 0, ()  # type: int, int, int, tuple[int, ...]
    while True:
        group = _group(code, at)
        if group is None or (words and group[:3] != (source, target, offset)):
            break
        source, target, offset, last, at = group
        words += len(last)
    return Run(code[:at], words, source, target, offset, last) if words >= _LEAST else None


def _group(code: bytes, at: int) -> tuple[int, int, int, tuple[int, ...], int] | None:
    """One LDM and its stores: source, target, offset, what is loaded, and where the next instruction stands."""
    first, listed = _halfword(code, at), _halfword(code, at + 2)
    if first & 0xFFF0 != 0xE8B0 or listed & 0xE000:
        return None  # LDMIA Rn!, without SP, LR and PC (C2.4.77)
    source = first & 15
    registers = tuple(index for index in range(13) if listed >> index & 1)
    at += 4
    targets = set()
    for register in registers:
        store = _store(code, at)
        if store is None or store[0] != register:
            return None
        targets.add(store[1:3])
        at = store[3]
    if len(targets) != 1:
        return None
    target, offset = targets.pop()
    if source > 12 or target > 12 or source == target or {source, target} & set(registers):
        return None
    return source, target, offset, registers, at


def _store(code: bytes, at: int) -> tuple[int, int, int, int] | None:
    """STR (immediate), T1 or T3: what, base, offset, and where the next instruction stands."""
    first = _halfword(code, at)
    if first & 0xF800 == 0x6000:
        return first & 7, first >> 3 & 7, first >> 4 & 0x7C, at + 2
    if first & 0xFFF0 == 0xF8C0:
        second = _halfword(code, at + 2)
        return second >> 12, first & 15, second & 0xFFF, at + 4
    return None


def _halfword(code: bytes, at: int) -> int:
    return int.from_bytes(code[at : at + 2], "little")


def action(engine: Engine, raw: Raw, run: Run, takers: Mapping[int, Take]) -> Callable[[int], None]:
    """What to do at the first LDM of `run`: all of it, and go on behind it; or nothing, and let it run."""
    uch, ram, clock, read = engine.uc._uch, engine.ram, engine.clock, raw.read  # noqa: SLF001
    source, target, offset = _GENERAL[run.source], _GENERAL[run.target], run.offset
    size, length, kept = 4 * run.words, len(run.code), 4 * len(run.last)
    count = len(run.last) + 1
    numbers = (ctypes.c_int * count)(*(_GENERAL[index] for index in run.last), source)
    values = (ctypes.c_uint32 * count)()
    base = ctypes.addressof(values)
    places = (ctypes.c_void_p * count)(*(base + 4 * index for index in range(count)))
    loaded = memoryview(values).cast("B")

    def go(pc: int) -> None:
        take = takers.get(read(target) + offset)
        if take is None or engine.watchful:
            return
        start = read(source)
        content = ram.view(start, size) if not start & 3 and start >> 24 not in (0x00, 0x10, 0x20, 0x30) else None
        rest = engine.cost_of(pc + length)
        if content is None or rest is None:
            return
        data = bytes(content)
        if not take(data, engine.limit):
            return
        clock.now -= rest  # paid for with this block, and to be paid for again by the rest of it
        loaded[:kept] = data[size - kept :]
        values[count - 1] = start + size
        _WRITE_BATCH(uch, numbers, places, count)
        raw.write(arm.UC_ARM_REG_PC, pc + length | 1)

    return go
