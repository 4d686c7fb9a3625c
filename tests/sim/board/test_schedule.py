"""Lazy and eager: two orders in which core and probe may meet. A host that keeps to the rules sees no difference."""

from __future__ import annotations

import random
from typing import Any

import pytest

pytest.importorskip("unicorn")

from n6prog.sim import SimBoard
from n6prog.sim.clock import PS_PER_SECOND
from n6prog.sim.core import ppb as regs

CODE, BELL, SOURCE, COPY = 0x3407_0000, 0x3408_0000, 0x3408_1000, 0x3408_2000
US = PS_PER_SECOND // 1_000_000
# r0: bell, r1: source, r2: copy, r3: bytes. Waits for the bell, counts 1000 down, copies, stores 2 into the bell.
COPIER = bytes.fromhex(
    "0468 002c fcd0"  # wait: ldr r4, [r0]; cmp r4, #0; beq wait
    "4ff47a75 013d fdd1"  # mov.w r5, #1000; delay: subs r5, #1; bne delay
    "043b cc58 d450 fbdc"  # copy: subs r3, #4; ldr r4, [r1, r3]; str r4, [r2, r3]; bgt copy
    "0224 0460 fee7"  # movs r4, #2; str r4, [r0]; b .
)


def start(board: SimBoard) -> None:
    board.write(CODE, COPIER)
    board.write(BELL, bytes(4))
    core = board.core
    core.halt(regs.DFSR_HALTED)
    for number, value in enumerate((BELL, SOURCE, COPY, 64)):
        core.registers.write(number, value)
    core.registers.write(15, CODE | 1)
    core.resume()


def after(board: SimBoard, microseconds: int) -> None:
    board.host.advance(microseconds * US)
    board.catch_up()


def raced(schedule: str, seed: int = 0) -> bytes:
    """The host rings first and brings the data 20 us later; the core takes 40 us before it looks at them."""
    with SimBoard(schedule=schedule, seed=seed) as board:
        board.write(SOURCE, b"old!" * 16)
        start(board)
        after(board, 2000)
        board.write(BELL, b"\1\0\0\0")
        after(board, 20)
        board.write(SOURCE, b"new!" * 16)
        after(board, 5000)
        assert board.read(BELL, 4) == b"\2\0\0\0"
        return board.read(COPY, 64)


def test_a_host_that_rings_before_the_data_are_there_is_found_out() -> None:
    assert raced("lazy") == b"new!" * 16
    assert {raced("eager", seed) for seed in range(6)} >= {b"new!" * 16, b"old!" * 16}


def kept(schedule: str, seed: int = 0) -> bytes:
    """The host brings the data, rings, and touches nothing until the bell says 2."""
    with SimBoard(schedule=schedule, seed=seed) as board:
        start(board)
        board.write(SOURCE, b"data" * 16)
        board.write(BELL, b"\1\0\0\0")
        while board.read(BELL, 4) != b"\2\0\0\0":
            after(board, 50)
        board.write(SOURCE, b"next" * 16)
        after(board, 5000)
        return board.read(COPY, 64)


def test_a_host_that_waits_its_turn_gets_the_same_from_both() -> None:
    assert {kept("lazy"), *(kept("eager", seed) for seed in range(6))} == {b"data" * 16}


def test_an_eager_core_meets_the_probe_in_the_same_way_with_the_same_seed() -> None:
    assert [raced("eager", seed) for seed in range(4)] == [raced("eager", seed) for seed in range(4)]


def test_an_eager_core_shows_a_halt_only_when_the_probes_time_gets_there() -> None:
    with SimBoard(schedule="eager") as board:
        board.write(CODE, bytes.fromhex("4ff47a75 013d fdd1 00be"))  # count 1000 down: 40 us; bkpt
        board.core.halt(regs.DFSR_HALTED)
        board.core.debug_control(1 | 2)
        board.core.registers.write(15, CODE | 1)
        board.host.advance(2000 * US)
        board.core.debug_control(1)
        for _ in range(20):
            board.catch_up()
        assert board.core.halted
        assert not board.core.halted_for_host
        after(board, 1100)
        assert board.core.halted_for_host


@pytest.mark.parametrize("link", ["stlink", "cmsis-dap"])
def test_the_same_flash_holds_the_same_afterwards(link: str, tmp_path: Any) -> None:
    import n6prog

    image = tmp_path / "weights.raw"
    image.write_bytes(random.Random(3).randbytes(70_000))
    contents = []
    for schedule in ("lazy", "eager"):
        spec = f"sim:nucleo-n657x0-q,state={tmp_path / schedule},link={link},schedule={schedule}"
        with n6prog.connect(spec, board="nucleo-n657x0-q", swd_clock="8M") as board:
            assert board.flash(f"{image}@0x71000000").ok
        contents.append((tmp_path / schedule / "nor.bin").read_bytes())
    assert contents[0] == contents[1]
    assert contents[0][0x100_0000 : 0x100_0000 + 70_000] == image.read_bytes()
