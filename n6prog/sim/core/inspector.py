"""Code seen for the first time: which of its instructions Unicorn must not execute by itself.

The engine shows every block before it runs. An instruction that needs us gets a hook of its own, which costs nothing
elsewhere; a block that unmasks interrupts or sends an event is shown each time.
"""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Callable, Mapping
from typing import Any

from unicorn import arm_const as arm
from unicorn import unicorn_const as uc_const
from unicorn.unicorn_py3.unicorn import uclib

from n6prog.sim.core import store_runs, v81m
from n6prog.sim.core.engine import Engine, Verdict
from n6prog.sim.core.ppb import CCR, DIV_0_TRP, UNALIGN_TRP, Ppb
from n6prog.sim.core.registers import Registers
from n6prog.sim.core.tcm import EccFault, may_be_tcm
from n6prog.sim.core.thumb import after_it, is_wide

_HOOK = ctypes.PYFUNCTYPE(None, ctypes.c_size_t, ctypes.c_uint32, ctypes.c_uint32)
_GENERAL = (*(getattr(arm, f"UC_ARM_REG_R{index}") for index in range(13)), arm.UC_ARM_REG_SP, arm.UC_ARM_REG_LR)
_SINGLES = tuple(getattr(arm, f"UC_ARM_REG_S{index}") for index in range(32))
_WFE, _SEV = 0xBF20, 0xBF40
_APSR = 0xF80F_0000
_LOG = logging.getLogger("n6prog.sim.core")

Action = Callable[[int], None]  # what to do instead of, or before, the instruction at an address


def is_floating(first: int, second: int) -> bool:
    """Whether an encoding needs coprocessors 10 and 11: floating point or MVE (C2.3.10, C2.4.7)."""
    if first & 0xEC00 != 0xEC00:
        return False
    return first & 0xEF00 == 0xEF00 or second >> 8 & 15 >= 8


def _unmasks(first: int) -> bool:
    """CPSIE; MSR, to PRIMASK, BASEPRI, FAULTMASK and the stack limits among others."""
    return first & 0xFFFC == 0xB660 or first & 0xFFF0 == 0xF380


class Inspector:
    """Finds such instructions and executes them. `event` is the event register of WFE and SEV."""

    def __init__(self, engine: Engine, registers: Registers, ppb: Ppb, takers: Mapping[int, store_runs.Take]) -> None:
        self._engine = engine
        self._takers = takers  # by address
        self._registers = registers
        self._ppb = ppb
        self._uch = engine.uc._uch  # noqa: SLF001
        self._read, self._write = registers.raw.read, registers.raw.write
        self.event = False
        self.attentive = False  # something is pending and masked: look again after an instruction that unmasks
        self._actions: dict[int, tuple[bytes, Action]] = {}
        self._hooks: list[ctypes.c_size_t] = []
        self._alignment: Any = None
        self._callback = _HOOK(self._on_instruction)
        engine.inspect, engine.forgotten, engine.undefined = self.inspect, self._forget, self._undefined

    # ---- looking ---------------------------------------------------------------------------------------------------

    def inspect(self, address: int, code: bytes) -> tuple[Verdict, int]:
        """A block is about to run; gives as well how many bytes of it run before it is left for our sake."""
        show_again = added = special = False
        if may_be_tcm(address) and not self._valid(address, len(code)):
            self._stop("ecc-fetch")
            return Verdict.SHOW_AGAIN, 0
        offset, reach = 0, len(code)
        block, opened = self._it_state(), None
        runs: list[tuple[int, store_runs.Run]] = []
        while offset + 1 < len(code):
            first = int.from_bytes(code[offset : offset + 2], "little")
            size = 4 if is_wide(first) else 2
            instruction = code[offset : offset + size]
            if first == _SEV:
                self.event = show_again = True
            elif _unmasks(first):
                show_again = True
                self._registers.forget_limits()
                if self.attentive:
                    self._engine.break_soon()
            before, block = block, after_it(block, first)
            if block and not before:
                opened = offset
            found = self._find(instruction)
            special = special or found is not None or bool(block) or self._engine.breaks_at(address + offset)
            run = None if first & 0xFFF0 != 0xE8B0 or before else store_runs.find(code[offset:])
            if run is not None:
                runs.append((offset, run))
                size = len(run.code)
            if before and (found is not None or self._engine.breaks_at(address + offset)):
                # Unicorn cannot leave an IT block half-way: the core goes through it step by step.
                if opened is None:
                    self._stop("it")
                    return Verdict.SHOW_AGAIN, 0
                added |= self._hook(address + opened, code[opened : opened + 2], lambda _pc: self._stop("it"))
                reach = min(reach, opened)
            elif found is not None:
                action, leaves = found
                added |= self._hook(address + offset, instruction, action)
                if leaves:
                    reach = min(reach, offset + size)
            offset += size
        if runs and not (special or show_again):
            added |= self._hook_runs(address, code, runs)
        if added:
            return Verdict.TRANSLATE_AGAIN, reach
        return Verdict.SHOW_AGAIN if show_again else Verdict.PLAIN, reach

    def _hook_runs(self, address: int, code: bytes, runs: list[tuple[int, store_runs.Run]]) -> bool:
        """Carry out those of `runs` in one go behind which the block goes on."""
        added = False
        for offset, run in runs:
            end = offset + len(run.code)
            if end < len(code):
                self._engine.remember_cost(address + end, code[end:])
                action = store_runs.action(self._engine, self._registers.raw, run, self._takers)
                added |= self._hook(address + offset, run.code, action)
        return added

    def _valid(self, address: int, length: int) -> bool:
        try:
            self._engine.ram.check_read(address, length)
        except EccFault:
            return False
        return True

    def _it_state(self) -> int:
        value = self._read(arm.UC_ARM_REG_XPSR)
        return value >> 8 & 0xFC | value >> 25 & 3

    def _find(self, instruction: bytes) -> tuple[Action, bool] | None:
        """The action for an instruction, and whether the block is always left there."""
        first = int.from_bytes(instruction[:2], "little")
        if len(instruction) == 2:
            return (self._wait, True) if first == _WFE else None
        if len(instruction) < 4 or first < 0xE800:
            return None
        second = int.from_bytes(instruction[2:], "little")
        if is_floating(first, second):
            if not self._floating_allowed():
                return (lambda _pc: self._stop("nocp")), True
            if first & 0xFFBF == 0xEC9F and second & 0x0E00 == 0x0A00:
                return (lambda pc: self._clear_singles(first, second, pc)), True  # VSCCLRM
            return None
        operation = v81m.decode(first, second)
        if operation is not None:
            return (lambda pc: self._go(operation(self, pc))), True
        if first & 0xFFD0 == 0xFB90 and second & 0xF0F0 == 0xF0F0 and self._ppb.words.get(CCR, 0) & DIV_0_TRP:
            return (lambda _pc: self._check_divisor(second & 15)), False
        return None

    def _floating_allowed(self) -> bool:
        privileged = bool(self._read(arm.UC_ARM_REG_XPSR) & 0x1FF) or not self._read(arm.UC_ARM_REG_CONTROL) & 1
        return self._ppb.floating_allowed(privileged=privileged)

    def name(self, kind: str, pc: int) -> str:
        """The kind of fault that an undefined instruction is: "mve" for what the chip would execute and we cannot."""
        if kind not in ("undef", "nocp"):
            return kind
        code = self._engine.code_at(pc, 4)
        first, second = int.from_bytes(code[:2], "little"), int.from_bytes(code[2:], "little")
        loop = first & 0xFFC0 == 0xF000 and second & 0xD001 == 0xC001  # DLSTP, WLSTP, LETP
        if not (loop or is_floating(first, second)):
            return kind
        if not self._floating_allowed():
            return "nocp"
        if kind == "nocp" and second >> 8 & 15 not in (10, 11) and not second >> 8 & 15 >= 8:
            return kind
        _LOG.warning("MVE, half or double precision instruction %04x %04x at %#010x: not modelled", first, second, pc)
        return "mve"

    # ---- hooks -----------------------------------------------------------------------------------------------------

    def _hook(self, address: int, instruction: bytes, action: Action) -> bool:
        """Watch the instruction at `address`; False if it is watched already."""
        known = self._actions.get(address)
        self._actions[address] = (instruction, action)
        if known is not None:
            return False
        handle = ctypes.c_size_t()
        status = uclib.uc_hook_add(
            self._uch,
            ctypes.byref(handle),
            uc_const.UC_HOOK_CODE,
            ctypes.cast(self._callback, ctypes.c_void_p),
            None,
            ctypes.c_uint64(address),
            ctypes.c_uint64(address),
        )
        if status != uc_const.UC_ERR_OK:
            raise RuntimeError(f"the emulator refused a hook: {status}")
        self._hooks.append(handle)
        return True

    def _forget(self) -> None:
        """The engine drops its translations: drop the hooks in them."""
        for handle in self._hooks:
            uclib.uc_hook_del(self._uch, handle)
        self._hooks.clear()
        self._actions.clear()
        self._follow_alignment()

    def _follow_alignment(self) -> None:
        """Look at every access while CCR.UNALIGN_TRP is set."""
        wanted = bool(self._ppb.words.get(CCR, 0) & UNALIGN_TRP)
        if wanted and self._alignment is None:
            kinds = uc_const.UC_HOOK_MEM_READ | uc_const.UC_HOOK_MEM_WRITE
            self._alignment = self._engine.uc.hook_add(kinds, self._on_access)
        elif not wanted and self._alignment is not None:
            self._engine.uc.hook_del(self._alignment)
            self._alignment = None

    def _on_access(self, _uc: object, kind: int, address: int, size: int, _value: int, _data: object) -> None:
        if not address & (min(size, 4) - 1):
            self._engine.goes_on()
        elif not self._engine.stopped:
            self._engine.refuse("unaligned", address, size, writing=kind == uc_const.UC_MEM_WRITE)

    def _on_instruction(self, _handle: int, address: int, _size: int) -> None:
        if self._engine.stopped or address not in self._actions:
            return
        try:
            instruction, action = self._actions[address]
            if self._engine.code_at(address, len(instruction)) != instruction:
                return  # the program wrote over it
            action(address)
        except BaseException as problem:  # noqa: BLE001  (carried over the C frames)
            self._engine.trap(problem)

    def _undefined(self, pc: int) -> bool:
        """Unicorn met an instruction it does not know, in code that was never shown; True if it is done now."""
        code = self._engine.code_at(pc, 4)
        operation = v81m.decode(int.from_bytes(code[:2], "little"), int.from_bytes(code[2:], "little"))
        if operation is None:
            return False
        self._go(operation(self, pc))
        return True

    # ---- actions ---------------------------------------------------------------------------------------------------

    def _wait(self, pc: int) -> None:
        self._go(pc + 2)
        self._stop("wfe")

    def _stop(self, kind: str) -> None:
        self._engine.stop(kind)

    def _go(self, pc: int) -> None:
        self._write(arm.UC_ARM_REG_PC, pc | 1)

    def _check_divisor(self, register: int) -> None:
        if not self.get(register):
            self._stop("divbyzero")

    def _clear_singles(self, first: int, second: int, pc: int) -> None:
        """VSCCLRM {first register, as many words as the low byte says}: S registers become zero."""
        start, double = (second >> 12 & 15), second >> 8 & 1
        start = (start | (first >> 6 & 1) << 4) * 2 if double else start << 1 | (first >> 6 & 1)
        for index in range(start, min(start + (second & 0xFF), 32)):
            self._write(_SINGLES[index], 0)
        self._go(pc + 4)

    # ---- registers, for v81m ---------------------------------------------------------------------------------------

    def get(self, number: int) -> int:
        """A general register."""
        return self._read(_GENERAL[number])

    def put(self, number: int, value: int) -> None:
        """Set a general register."""
        self._write(_GENERAL[number], value)

    def flags(self) -> int:
        """APSR."""
        return self._read(arm.UC_ARM_REG_XPSR) & _APSR

    def put_flags(self, value: int) -> None:
        """Set the flags of APSR."""
        self._write(arm.UC_ARM_REG_XPSR, self._read(arm.UC_ARM_REG_XPSR) & ~_APSR | value & _APSR)
