"""Taking an exception and returning from it: frames, vectors, EXC_RETURN (Armv8-M ARM B3.20 to B3.25).

The floating-point part of a frame is stored at once, never lazily: FPCCR.LSPACT stays clear.
"""

from __future__ import annotations

from collections.abc import Callable

from n6prog.sim.core import exceptions as exc
from n6prog.sim.core.engine import Engine
from n6prog.sim.core.nvic import NMI, Nvic
from n6prog.sim.core.registers import CFBP, MSP_S, MSPLIM_S, PSP_S, PSPLIM_S, XPSR, Registers
from n6prog.sim.soc.bus import BusFault, BusHang

T_BIT = 1 << 24
_CONTROL = 24  # where CONTROL lies in the packed word
_SPSEL, _FPCA, _SFPA = 2, 4, 8
_REALIGNED = 1 << 9
_KEPT_FLAGS = 0xF80F_0000  # N, Z, C, V, Q, GE


class Unit:
    """Exception entry and return. `vector(number)` reads the vector table and raises BusFault."""

    def __init__(
        self,
        engine: Engine,
        registers: Registers,
        nvic: Nvic,
        vector: Callable[[int], int],
        extended: Callable[[], bool],
    ) -> None:
        self._engine = engine
        self._registers = registers
        self._nvic = nvic
        self._vector = vector
        self._extended = extended  # FPCCR.ASPEN

    def push(self, return_address: int) -> tuple[int, str | None]:
        """Push a frame and give EXC_RETURN, and the kind of fault that came of it (then nothing was written)."""
        registers = self._registers
        xpsr, masks = registers.read(XPSR), registers.read(CFBP)
        control = masks >> _CONTROL
        handler = bool(xpsr & 0x1FF)
        process = not handler and bool(control & _SPSEL)
        extended = bool(control & _FPCA) and self._extended()
        code = exc.RETURN_PREFIX
        code |= (0 if extended else exc.RETURN_FTYPE) | (0 if handler else exc.RETURN_MODE)
        code |= exc.RETURN_SPSEL if process else 0
        pointer = registers.read(13)
        size = exc.EXTENDED_FRAME if extended else exc.BASIC_FRAME
        frame = (pointer - size) & ~7
        limit = registers.read(PSPLIM_S if process else MSPLIM_S)
        if frame < limit:  # B3.21: no push, the pointer becomes the limit
            self._set_stack(process, limit)
            return code, "entry-stkof"
        view = self._engine.ram.view(frame & 0xFFFF_FFFF, size)
        self._set_stack(process, frame)
        if view is None:
            return code, "entry-bus"
        words = [registers.read(index) for index in exc.BASIC_REGISTERS]
        words += [return_address, xpsr & ~_REALIGNED | (_REALIGNED if pointer & 4 else 0)]
        if extended:
            words += [*registers.read_float(), 0]
        self._engine.ram.check_write(frame, size)
        view[:] = exc.pack_frame(words)
        return code, None

    def _set_stack(self, process: bool, value: int) -> None:
        self._registers.write(PSP_S if process else MSP_S, value)

    def enter(self, number: int, code: int) -> bool:
        """Go to the handler of `number`; False if its vector cannot be read."""
        registers = self._registers
        self._nvic.activate(number)
        registers.write(XPSR, (registers.read(XPSR) & _KEPT_FLAGS) | T_BIT | number)
        self._set_control(0, _SPSEL | _FPCA | _SFPA)
        registers.write(14, code)
        try:
            vector = self._vector(number)
        except (BusFault, BusHang):
            return False
        self._engine.pc = vector
        if not vector & 1:
            registers.write(XPSR, registers.read(XPSR) & ~T_BIT)
        return True

    def _set_control(self, wanted: int, mask: int) -> None:
        masks = self._registers.read(CFBP)
        changed = masks & ~(mask << _CONTROL) | wanted << _CONTROL
        if changed != masks:
            self._registers.write(CFBP, changed)

    def _readable(self, address: int, length: int) -> bool:
        try:
            self._engine.ram.check_read(address, length)
        except BusFault:
            return False
        return True

    def leave(self, code: int) -> str | None:
        """BX to an EXC_RETURN value: pop the frame. Gives the kind of fault that came of it, if any."""
        registers, nvic = self._registers, self._nvic
        number = registers.read(XPSR) & 0x1FF
        if not nvic.is_active(number) or code & ~0x1C != exc.RETURN_PREFIX:
            nvic.deactivate(number)
            return "invpc"
        nvic.deactivate(number)
        to_thread = bool(code & exc.RETURN_MODE)
        process = bool(code & exc.RETURN_SPSEL)
        if number not in (exc.HARD, NMI):
            registers.write(CFBP, registers.read(CFBP) & ~(1 << 16))  # FAULTMASK goes with the handler (B3.25)
        pointer = registers.read(PSP_S if process else MSP_S)
        extended = not code & exc.RETURN_FTYPE
        size = exc.EXTENDED_FRAME if extended else exc.BASIC_FRAME
        view = self._engine.ram.view(pointer, size)
        if view is None or not self._readable(pointer, size):
            return "exit-bus"
        words = exc.unpack_frame(view)
        address, xpsr = words[6:8]
        if to_thread != (not xpsr & 0x1FF):
            return "invpc"
        if extended:
            registers.write_float(words[8:25])
        for index, value in zip(exc.BASIC_REGISTERS, words[:6], strict=True):
            registers.write(index, value)
        self._set_stack(process, pointer + size + (4 if xpsr & _REALIGNED else 0))
        registers.write(XPSR, xpsr & ~_REALIGNED)
        self._set_control((_SPSEL if process else 0) | (_FPCA | _SFPA if extended else 0), _SPSEL | _FPCA | _SFPA)
        self._engine.pc = address
        return None
