"""Runs of stores into one register, carried out in one go: the program cannot tell.

Encodings by hand after the Armv8-M ARM: LDM T2 (C2.4.77), STR T1 and T3 (C2.4.185).
"""

from __future__ import annotations

import struct
from typing import Any

import pytest

pytest.importorskip("unicorn")

from n6prog.sim.core import ppb as regs
from n6prog.sim.core import store_runs

REGISTER = 0x4000_0000
WORDS = 0x340A_0000
INSTRUCTION = 20_312
STORE = 125_000  # picoseconds, of the register here
LDM_R1 = (0xE8B1, 0x1378)  # ldm r1!, {r3, r4, r5, r6, r8, r9, r12}
STORES = (0x6013, 0x6014, 0x6015, 0x6016, 0xF8C2, 0x8000, 0xF8C2, 0x9000, 0xF8C2, 0xC000)  # str each of them, [r2]
GROUP = (*LDM_R1, *STORES)
SUBS_R7, BKPT = 0x3F01, 0xBE00
LOOP = (*GROUP, *GROUP, SUBS_R7, 0xD1E5, BKPT)  # bne to the start
CONTENT = struct.pack("<42I", *range(0x1000, 0x102A))


@pytest.fixture
def feeding(rig: Any) -> Any:
    """A register that takes time, and a log of what went in: (value, when)."""
    rig.log = []
    rig.runs = 0
    clock = rig.core.clock

    def write(_address: int, _size: int, value: int) -> None:
        clock.now += STORE
        rig.log.append((value, clock.now))

    def take(words: bytes, limit: int) -> bool:
        if clock.now + len(words) // 4 * STORE >= limit:
            return False
        rig.runs += 1
        for (value,) in struct.iter_unpack("<I", words):
            write(REGISTER, 4, value)
        return True

    rig.bus.writers[REGISTER >> 10] = write
    rig.take = take
    rig.store(WORDS, CONTENT)
    rig.debug()
    return rig


def outcome(rig: Any, program: tuple[int, ...] = LOOP, rounds: int = 3, run: int = 1_000_000_000) -> object:
    """Everything a program shows when it is over, or was looked at every `run` picoseconds."""
    rig.word(regs.DHCSR, 0xA05F_0001)  # goes on, if it was halted
    rig.log.clear()
    rig.runs = 0
    rig.set("r1", WORDS)
    rig.set("r2", REGISTER)
    rig.set("r7", rounds)
    begun = rig.core.clock.now
    rig.start(*program, run=0)
    times = []
    while not rig.core.halted:
        rig.run(run)
        times.append((rig.core.clock.now - begun, rig.get("pc")))
    registers = [rig.get(f"r{index}") for index in range(13)]
    return registers, [(value, when - begun) for value, when in rig.log], times


def test_a_program_cannot_tell_whether_a_run_was_taken_at_once(feeding: Any) -> None:
    plain = outcome(feeding)
    assert feeding.runs == 0
    feeding.bus.hot_runs[REGISTER] = feeding.take
    assert outcome(feeding) == plain
    assert feeding.runs == 3
    registers, log, times = plain
    assert [value for value, _ in log] == list(range(0x1000, 0x102A))
    assert (registers[1], registers[7], registers[12]) == (WORDS + len(CONTENT), 0, 0x1029)
    assert times[-1][0] == 3 * (18 * 203_125 // 10 + 14 * STORE) + INSTRUCTION  # 16 of a run, subs, bne; bkpt


@pytest.mark.parametrize("run", [1, 500_000, 1_000_000, 1_999_999, 3_000_000])
def test_slices_end_where_they_end_without(feeding: Any, run: int) -> None:
    plain = outcome(feeding, run=run)
    feeding.bus.hot_runs[REGISTER] = feeding.take
    assert outcome(feeding, run=run) == plain


def test_nothing_is_taken_while_accesses_are_watched_or_instructions_counted(feeding: Any) -> None:
    feeding.bus.hot_runs[REGISTER] = feeding.take
    outcome(feeding)
    feeding.set("r1", WORDS)
    feeding.set("pc", 0x3407_0000)
    feeding.runs = 0
    for _ in range(3):
        feeding.word(regs.DHCSR, 0xA05F_0005)  # C_STEP
        feeding.core.run_to(feeding.core.clock.now + 1)
    assert feeding.get("pc") == 0x3407_0000 + 8  # ldm and two stores
    feeding.word(0xE000_1020, WORDS + 40)  # DWT_COMP0, FUNCTION0: reads of that word halt
    feeding.word(0xE000_1028, 0x0000_0816)
    _, log, _ = outcome(feeding)
    assert feeding.runs == 0
    assert len(log) < 42


@pytest.mark.parametrize(
    "program",
    [
        (*LDM_R1, *STORES, SUBS_R7, BKPT),  # seven words only
        (*LDM_R1, 0x6014, 0x6013, *STORES[2:], *GROUP, BKPT),  # another order
        (*LDM_R1, *STORES[:2], 0x6055, *STORES[3:], *GROUP, BKPT),  # one goes 4 bytes behind
        (0xE891, 0x1378, *STORES, *GROUP, BKPT),  # r1 stays
        (0xE8B1, 0x137C, 0x6012, *STORES, *GROUP, BKPT),  # r2 is loaded
    ],
)
def test_what_is_no_such_run(program: tuple[int, ...]) -> None:
    assert store_runs.find(struct.pack(f"<{len(program)}H", *program)) is None


def test_a_run_is_what_belongs_together() -> None:
    run = store_runs.find(struct.pack(f"<{len(LOOP)}H", *LOOP))
    assert run is not None
    assert (len(run.code), run.words, run.source, run.target, run.offset) == (48, 14, 1, 2, 0)
    assert run.last == (3, 4, 5, 6, 8, 9, 12)
