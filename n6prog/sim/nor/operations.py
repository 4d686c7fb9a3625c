"""What takes time: programs, erases, register writes; suspend and resume; and what is left of them when they are cut.

Times in picoseconds.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING

from n6prog.sim.nor.operation import Operation
from n6prog.sim.nor.registers import BP_MASK, BP_SHIFT, E_FAIL, ESB, ODS_MASK, P_FAIL, PBE, PSB, TB
from n6prog.sim.nor.wire import swap_pairs

if TYPE_CHECKING:
    from n6prog.sim.nor.device import NorDevice

Act = Callable[[int, bytes, int], None]

_ERASES = frozenset({"sector", "block", "chip", "boot-erase", "lock-erase"})


class Operations:
    """The slow half of a device. An act is given address, data bytes and the time at which CS# rises."""

    def __init__(self, device: NorDevice) -> None:
        self._device = device
        self.programs = 0  # page programs since the device object was made, as the faults count them
        self.aborts = 0
        part = device.part
        self._recovery = {
            "program": part.recovery_program,
            "password": part.recovery_program,
            "sector": part.recovery_sector,
            "boot-erase": part.recovery_sector,
            "lock-erase": part.recovery_sector,
            "block": part.recovery_block,
            "chip": part.recovery_chip,
            "status": part.recovery_status,
        }
        # kind: (latency, progress that a resume must be given)
        self._suspendable = {
            "program": (part.suspend_program, part.progress_program),
            "sector": (part.suspend_erase, part.progress_erase),
            "block": (part.suspend_erase, part.progress_erase),
        }
        self.acts: dict[str, Act] = {
            "PP3B": self._program,
            "PP4B": self._program,
            "SE3B": self._erase_sector,
            "SE4B": self._erase_sector,
            "BE3B": self._erase_block,
            "BE4B": self._erase_block,
            "CE": self._erase_chip,
            "WRSR": self._write_status,
            "ESFBR": self._erase_boot,
            "ESSPB": self._erase_locks,
            "PASSULK": self._unlock,
            "SUSPEND": self._suspend,
            "RESUME": self._resume,
        }

    def _begin(
        self, kind: str, at: int, duration: int, address: int = 0, size: int = 0, data: bytes = b"", fails: bool = False
    ) -> None:
        """WIP rises; the fail bit of the last operation of this sort goes."""
        device = self._device
        device.registers.scur &= ~(E_FAIL if kind in _ERASES else P_FAIL)
        device.operation = Operation(kind, at, at + duration, address, size, data, fails)
        device.changed()

    # ---- program and erase -------------------------------------------------------------------------------------

    def _program(self, address: int, data: bytes, at: int) -> None:
        device = self._device
        part = device.part
        if device.mode == "8D":
            if address & 1:
                return  # odd start in 8D: ignored, WEL stays
            data = swap_pairs(data[: len(data) & ~1])
        address %= part.size
        self.programs += 1
        page = address & -part.page
        faults = device.faults
        if device.protection.refuses(page, part.page):
            self._begin("program", at, part.protected_program, page, part.page, fails=True)
            return
        fails = address & -part.sector in faults.fail_program
        if self.programs in faults.drop_page:
            data = b""
        elif self.programs in faults.flip_page:
            data = bytes((data[0] ^ 0x01,)) + data[1:]
        self._begin("program", at, part.page_time, address, part.page, data, fails)

    def _erase_sector(self, address: int, _data: bytes, at: int) -> None:
        part = self._device.part
        self._erase("sector", address, part.sector, part.sector_time, at)

    def _erase_block(self, address: int, _data: bytes, at: int) -> None:
        part = self._device.part
        self._erase("block", address, part.block, part.block_time, at)

    def _erase(self, kind: str, address: int, size: int, duration: int, at: int) -> None:
        """An erase of `size` bytes, aligned: low address bits are ignored."""
        device = self._device
        start = address % device.part.size & -size
        if device.protection.refuses(start, size):
            self._begin(kind, at, device.part.protected_erase, start, size, fails=True)
        else:
            self._begin(kind, at, duration, start, size, fails=self._broken(start, size))

    def _erase_chip(self, _address: int, _data: bytes, at: int) -> None:
        device = self._device
        size = device.part.size
        if device.protection.chip_erase():
            self._begin("chip", at, device.part.chip_time, 0, size, fails=self._broken(0, size))
        else:
            self._begin("chip", at, device.part.protected_erase, 0, size, fails=True)

    def _broken(self, start: int, size: int) -> bool:
        """Whether a fault lets the erase of these bytes fail."""
        return any(start <= sector < start + size for sector in self._device.faults.fail_erase)

    # ---- register writes that take time ------------------------------------------------------------------------

    def _write_status(self, address: int, data: bytes, at: int) -> None:
        """WRSR: SR, or SR and CR, in 1S; SR at address 0 or CR at address 1 in 8S and 8D."""
        device = self._device
        if device.mode != "1S":
            if address > 1:
                device.wel = False  # no change, but the latch goes (hw-flash 2.4, rule 5)
                return
            registers = device.registers
            data = bytes((data[0], registers.cr) if address == 0 else (registers.bp << BP_SHIFT, data[0]))
        self._begin("status", at, device.part.status_time, data=data)

    def _erase_boot(self, _address: int, _data: bytes, at: int) -> None:
        """ESFBR: fast boot off."""
        self._begin("boot-erase", at, self._device.part.sector_time)

    def _erase_locks(self, _address: int, _data: bytes, at: int) -> None:
        """ESSPB: all SPB open, unless they are locked down: then E_FAIL at once."""
        device = self._device
        if device.protection.locked_down:
            device.wel = False
            device.registers.scur |= E_FAIL
        else:
            self._begin("lock-erase", at, device.part.sector_time)

    def _unlock(self, address: int, data: bytes, at: int) -> None:
        """PASSULK: only in password mode, at address 0."""
        device = self._device
        protection = device.protection
        if address or not protection.password_mode:
            return
        given = swap_pairs(data) if device.mode == "8D" else data
        right = given == protection.password
        part = device.part
        self._begin("password", at, part.password_right if right else part.password_wrong, fails=not right)

    # ---- the end -----------------------------------------------------------------------------------------------

    def complete(self, operation: Operation) -> None:
        """The operation's time is over: its effect shows, WIP and WEL fall."""
        device = self._device
        device.operation = None
        device.wel = False
        kind = operation.kind
        if operation.fails:
            device.registers.scur |= E_FAIL if kind in _ERASES else P_FAIL
        elif kind == "program":
            if operation.data:
                device.array.program(operation.address, operation.data)
        elif kind == "suspending":
            suspended = device.suspended
            assert suspended is not None
            device.registers.scur |= PSB if suspended.kind == "program" else ESB
        elif kind == "status":
            self._store_status(operation.data)
        elif kind == "boot-erase":
            device.registers.fbr = 0xFFFF_FFFF
        elif kind == "lock-erase":
            device.protection.spb = 0
        elif kind == "password":
            device.protection.unlock()
        else:
            for start, size in self._erased(operation):
                device.array.erase(start, size)
        device.changed()

    def _erased(self, operation: Operation) -> list[tuple[int, int]]:
        """What an erase touches, as (start, size)."""
        if operation.kind == "chip":
            return self._device.protection.chip_erase()
        return [(operation.address, operation.size)]

    def _store_status(self, data: bytes) -> None:
        registers = self._device.registers
        if not registers.individual:
            registers.bp = (data[0] & BP_MASK) >> BP_SHIFT
        if len(data) > 1:
            registers.cr = (registers.cr & TB) | (data[1] & (ODS_MASK | PBE))

    # ---- suspend and resume ------------------------------------------------------------------------------------

    def _suspend(self, _address: int, _data: bytes, at: int) -> None:
        device = self._device
        operation = device.operation
        if operation is None or operation.kind not in self._suspendable:
            return
        left = operation.end - at
        if left <= device.part.suspend_too_late:
            return
        latency, progress = self._suspendable[operation.kind]
        if operation.left and at - operation.start < progress:
            left = operation.left  # suspended again too soon: what was done since the resume is lost (GUESS)
        operation.end = left
        device.suspended = operation
        device.operation = Operation("suspending", at, at + latency)
        device.changed()

    def _resume(self, _address: int, _data: bytes, at: int) -> None:
        device = self._device
        operation = device.suspended
        if operation is None:
            return
        device.otp = False
        device.suspended = None
        device.registers.scur &= ~(PSB | ESB)
        operation.left = operation.end
        operation.start, operation.end = at, at + operation.end
        device.wel = True
        device.operation = operation
        device.changed()

    # ---- cut short ---------------------------------------------------------------------------------------------

    def recovery(self) -> int:
        """How long a reset takes now, by what it interrupts (hw-flash 4.2); suspended work counts too."""
        device = self._device
        work = device.suspended or device.operation
        if work is not None:
            return self._recovery[work.kind]
        return device.part.leave_power_down if device.power_down else device.part.recovery_idle

    def abort(self, at: int) -> None:
        """Whatever is under way or suspended ends at `at`, its region undefined."""
        device = self._device
        for operation in (device.operation, device.suspended):
            if operation is None or operation.fails:
                continue
            if operation is device.operation and at < operation.start:
                continue  # its command was not over
            self.aborts += 1
            source = random.Random(f"{device.seed}:abort:{self.aborts}:{operation.start}")  # noqa: S311
            if operation.kind == "program":
                device.array.spoil_page(operation.address, source)
            elif operation.kind == "status" and not device.registers.individual:
                device.registers.bp = source.getrandbits(4)  # GUESS: hw-flash 7
            elif operation.kind in ("sector", "block", "chip"):
                for start, size in self._erased(operation):
                    device.array.spoil_erase(start, size, source)
        device.operation = device.suspended = None
