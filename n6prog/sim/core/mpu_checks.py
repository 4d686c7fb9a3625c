"""What a running MPU forbids the emulated core: every block and every data access is looked at while it is on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unicorn import arm_const as arm
from unicorn import unicorn_const as uc_const

from n6prog.sim.core.mpu import Mpu

if TYPE_CHECKING:
    from n6prog.sim.core.engine import Engine


class MpuChecks:
    """The hooks in the emulator of `engine`."""

    def __init__(self, engine: Engine, mpu: Mpu) -> None:
        self._engine = engine
        self._mpu = mpu
        self._hooks: list[Any] = []

    def follow(self) -> None:
        """A register of the MPU was written: hooks where they are needed. Translations are the caller's to forget."""
        uc = self._engine.uc
        self._mpu.changed = False
        for hook in self._hooks:
            uc.hook_del(hook)
        self._hooks = []
        if self._mpu.enabled:
            accesses = uc_const.UC_HOOK_MEM_READ | uc_const.UC_HOOK_MEM_WRITE
            self._hooks = [uc.hook_add(uc_const.UC_HOOK_BLOCK, self._on_block), uc.hook_add(accesses, self._on_access)]

    def _allowed(self, address: int, kind: str) -> bool:
        uc = self._engine.uc
        number = uc.reg_read(arm.UC_ARM_REG_XPSR) & 0x1FF
        if number in (2, 3) and not self._mpu.ctrl & 2:  # HFNMIENA
            return True
        privileged = bool(number) or not uc.reg_read(arm.UC_ARM_REG_CONTROL) & 1
        return self._mpu.allows(address, kind, privileged=privileged)

    def _on_block(self, _uc: object, address: int, _size: int, _data: object) -> None:
        if not self._engine.stopped and not self._allowed(address, "fetch"):
            self._engine.stop_before("mpu-fetch", address, address)

    def _on_access(self, _uc: object, kind: int, address: int, size: int, _value: int, _data: object) -> None:
        writing = kind == uc_const.UC_MEM_WRITE
        if self._engine.stopped:
            return
        if self._allowed(address, "write" if writing else "read"):
            self._engine.goes_on()
        else:
            self._engine.refuse("mpu-data", address, size, writing=writing)
