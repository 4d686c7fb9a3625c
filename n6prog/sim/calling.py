"""Running a function on the simulated core, as a flash programmer would."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from n6prog.sim.bootrom import rom as bootrom
from n6prog.sim.clock import PS_PER_SECOND
from n6prog.sim.core import exceptions as exc
from n6prog.sim.core import ppb as regs
from n6prog.sim.core.registers import CFBP, MSPLIM_S, PSPLIM_S, XPSR
from n6prog.sim.errors import SimError, SimFault

if TYPE_CHECKING:
    from n6prog.sim.board import SimBoard

_SLICE = PS_PER_SECOND // 100
_T_BIT = 1 << 24


def call(
    board: SimBoard, entry: int, args: tuple[int, ...], sp: int | None, *, sanitise: bool, max_instructions: int
) -> int:
    """`SimBoard.call`."""
    if not board.powered:
        raise SimError("the board has no power")
    if len(args) > 4:
        raise ValueError("at most four arguments travel in registers")
    core = board.core
    board.catch_up()
    if not core.halted:
        core.locked_up = core.stalled = False
        core.halt(regs.DFSR_HALTED)
    write = core.registers.write
    if sanitise:
        for number, value in ((CFBP, 1), (MSPLIM_S, 0), (PSPLIM_S, 0)):
            write(number, value)
        core.mpu.write(0x04, 0)
    for index, argument in enumerate(args):
        write(index, argument & 0xFFFF_FFFF)
    write(13, bootrom.STACK_TOP if sp is None else sp)
    write(14, bootrom.RETURN_TRAP | 1)
    write(15, entry)
    write(XPSR, (core.registers.read(XPSR) & 0xF800_0000) | _T_BIT)
    for address in (regs.CFSR, regs.HFSR):
        core.ppb.words[address] = 0
    _run(board, max_instructions)
    return core.registers.read(0)


def _run(board: SimBoard, max_instructions: int) -> None:
    core = board.core
    core.return_trap, core.returned, core.stop_on_fault, core.fault = bootrom.RETURN_TRAP, False, True, None
    core.engine.forget_code()
    core.resume()
    # A slice retires at most this many; one in which the core mostly waited counts as a whole one.
    slices = -(-max_instructions * board.model.instruction // (10 * _SLICE))
    try:
        while core.running and not core.reset_wanted and slices > 0:
            if core.stuck:
                break
            board.run_core(core.clock.now + _SLICE)
            slices -= 1
    finally:
        core.return_trap, core.stop_on_fault = None, False
        if board.powered:
            board.host.advance_to(core.clock.now)
    if not core.returned:
        _fail(board, out_of_time=slices <= 0)


def _fail(board: SimBoard, *, out_of_time: bool) -> NoReturn:
    core = board.core
    words = core.ppb.words
    pc = core.fault.pc if core.fault else core.engine.pc
    if core.fault:
        entry = exc.FAULTS.get(core.fault.kind)
        text = entry.text if entry else core.fault.kind
    elif not board.powered:
        text = "the power was cut"
    elif core.stalled:
        text = "the bus hangs"
    elif core.reset_wanted:
        text = "the code reset the chip"
        board.system_reset()
    elif core.halted:
        text = "a breakpoint"
    elif out_of_time:
        text = "still running after max_instructions"
    else:
        text = "stuck: it waits for an interrupt, or branches to itself"
    if core.running:
        core.halt(regs.DFSR_HALTED)
    registers = {name: words.get(place, 0) for name, place in (("cfsr", regs.CFSR), ("hfsr", regs.HFSR))}
    raise SimFault(text, **registers, bfar=words.get(regs.BFAR, 0), pc=pc)
