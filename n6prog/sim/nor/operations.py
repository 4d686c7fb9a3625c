"""What the NOR does on CS# rising: latches, programs, erases, register writes, resets. Times in picoseconds."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING

from n6prog.sim.nor.commands import Command
from n6prog.sim.nor.frames import Operation
from n6prog.sim.nor.parts import US
from n6prog.sim.nor.registers import (
    BP_MASK,
    BP_SHIFT,
    CR2_CRC,
    CR2_MODE,
    CR2_WRITABLE,
    E_FAIL,
    ESB,
    ODS_MASK,
    P_FAIL,
    PBE,
    PSB,
    TB,
)
from n6prog.sim.nor.wire import swap_pairs

if TYPE_CHECKING:
    from n6prog.sim.nor.device import NorDevice

_SUSPEND_LATENCY = {"program": 25 * US, "sector": 56 * US, "block": 56 * US}  # SFDP
_TOO_LATE = 2 * US  # a suspend in the last 2 µs of an operation is ignored
_PAIR_COMMANDS = frozenset({"WRSR", "WRCR2", "SBL"})  # one byte in 1S and 8S, the same byte twice in 8D


class Operations:
    """The acting half of a device."""

    def __init__(self, device: NorDevice) -> None:
        self._device = device
        self.programs = 0
        self._aborts = 0
        self._acts: dict[str, Callable[[int, bytes, int], None]] = {
            "WREN": self._write_enable,
            "WRDI": self._write_disable,
            "PP3B": self._program,
            "PP4B": self._program,
            "SE3B": self._erase_sector,
            "SE4B": self._erase_sector,
            "BE3B": self._erase_block,
            "BE4B": self._erase_block,
            "CE": self._erase_chip,
            "WRSR": self._write_status,
            "WRCR2": self._write_cr2,
            "SUSPEND": self._suspend,
            "RESUME": self._resume,
            "SBL": self._set_burst,
            "DP": self._enter_power_down,
            "RDP": self._leave_power_down,
            "ENSO": self._enter_otp,
            "EXSO": self._leave_otp,
        }

    def act(self, command: Command, address: int, data: bytes, at: int, after_enable: bool) -> None:
        """A write-type command whose address came whole; `data` is all that followed it, `at` the time CS# rises."""
        device = self._device
        name = command.name
        if name == "RSTEN":
            device.reset_enabled = not data
            return
        if name == "RST":
            if after_enable and not data:
                self.reset(at)
            return
        if not self._right_length(command, data):
            return
        if device.refuse_forever(command, address, data):
            return
        if command.wel and not device.wel:
            return
        handler = self._acts.get(name)
        if handler:
            handler(address, data, at)

    def _right_length(self, command: Command, data: bytes) -> bool:
        """Whether the number of data bytes is one the device acts on (hw-flash 2.4, rule 2)."""
        least, most = command.data
        length = len(data)
        double = self._device.mode == "8D"
        if command.name in _PAIR_COMMANDS and self._device.mode != "1S":
            return length == (2 if double else 1)
        if most is None:
            return length >= (2 if double else 1)
        return least <= length <= most

    # ---- the latch ---------------------------------------------------------------------------------------------

    def _write_enable(self, _address: int, _data: bytes, _at: int) -> None:
        if not self._device.faults.no_wel:
            self._device.wel = True

    def _write_disable(self, _address: int, _data: bytes, _at: int) -> None:
        self._device.wel = False

    # ---- program and erase -------------------------------------------------------------------------------------

    def _begin(self, kind: str, at: int, duration: int, address: int = 0, size: int = 0, data: bytes = b"") -> None:
        """WIP rises; the fail bits of the last operation of this kind go."""
        scur = self._device.registers.scur
        if kind in ("program", "failing-program", "status"):
            scur &= ~P_FAIL
        if kind != "program" and kind != "failing-program":
            scur &= ~E_FAIL
        self._device.registers.scur = scur
        self._device.operation = Operation(kind, at, at + duration, address, size, data)

    def _program(self, address: int, data: bytes, at: int) -> None:
        device = self._device
        part = device.part
        if device.mode == "8D":
            if address & 1:
                return  # odd start in 8D: ignored, WEL stays
            data = swap_pairs(data[: len(data) & ~1])
        address %= part.size
        self.programs += 1
        sector = address & -part.sector
        if device.registers.protected(address & -part.page, part.page, part.size, part.block):
            self._begin("failing-program", at, part.protected_program)
        elif sector in device.faults.fail_program:
            self._begin("failing-program", at, part.page_time)
        else:
            if self.programs == device.faults.drop_page:
                data = b""
            elif self.programs == device.faults.flip_page:
                data = bytes((data[0] ^ 0x01,)) + data[1:]
            self._begin("program", at, part.page_time, address, len(data), data)

    def _erase_sector(self, address: int, _data: bytes, at: int) -> None:
        part = self._device.part
        self._erase("sector", address, part.sector, part.sector_time, at)

    def _erase_block(self, address: int, _data: bytes, at: int) -> None:
        part = self._device.part
        self._erase("block", address, part.block, part.block_time, at)

    def _erase_chip(self, _address: int, _data: bytes, at: int) -> None:
        part = self._device.part
        self._erase("chip", 0, part.size, part.chip_time, at)

    def _erase(self, kind: str, address: int, size: int, duration: int, at: int) -> None:
        """An erase of `size` bytes, aligned: low address bits are ignored."""
        device = self._device
        if device.otp:
            return  # refused while the OTP area is selected
        part = device.part
        start = address % part.size & -size
        if device.registers.protected(start, size, part.size, part.block):
            self._begin("failing-erase", at, part.protected_erase)
        elif any(start <= sector < start + size for sector in device.faults.fail_erase):
            self._begin("failing-erase", at, duration)
        else:
            self._begin(kind, at, duration, start, size)

    def complete(self, operation: Operation) -> None:
        """The operation's time is over: its effect shows, WIP and WEL fall."""
        device = self._device
        device.operation = None
        device.wel = False
        match operation.kind:
            case "program":
                if operation.data:
                    device.array.program(operation.address, operation.data)
            case "sector" | "block" | "chip":
                device.array.erase(operation.address, operation.size)
            case "failing-program":
                device.registers.scur |= P_FAIL
            case "failing-erase":
                device.registers.scur |= E_FAIL
            case "suspending" if device.suspended:
                device.registers.scur |= PSB if device.suspended.kind == "program" else ESB
            case "status":
                self._store_status(operation.data)

    # ---- registers ---------------------------------------------------------------------------------------------

    def _write_status(self, address: int, data: bytes, at: int) -> None:
        """WRSR: SR, or SR and CR, in 1S; SR at address 0 or CR at address 1 in 8S and 8D."""
        device = self._device
        if device.otp:
            return
        if device.mode != "1S":
            if address > 1:
                device.wel = False  # no change, but the latch goes (rule 5)
                return
            old = (device.registers.bp << BP_SHIFT, device.registers.cr)
            data = bytes((data[0], old[1]) if address == 0 else (old[0], data[0]))
        self._begin("status", at, device.part.status_time, data=data)

    def _store_status(self, data: bytes) -> None:
        registers = self._device.registers
        registers.bp = (data[0] & BP_MASK) >> BP_SHIFT
        if len(data) > 1:
            registers.cr = (registers.cr & TB) | (data[1] & (ODS_MASK | PBE))

    def _write_cr2(self, address: int, data: bytes, _at: int) -> None:
        """WRCR2. Volatile addresses are done in 40 ns, less than any next command can come: no WIP to be seen."""
        device = self._device
        value = data[0]
        if address == CR2_CRC:
            device.registers.cr2.pop(CR2_CRC, None)
            return
        if not device.wel or device.operation:
            return
        device.wel = False
        if address == CR2_MODE:
            now = {"1S": 0, "8S": 1, "8D": 2}[device.mode]
            wanted = value & 3
            # both octal bits, and going from one octal mode straight to the other, are refused
            if wanted != 3 and (now == 0 or wanted in (0, now)):
                device.mode = ("1S", "8S", "8D")[wanted]
        elif address in CR2_WRITABLE:
            device.registers.cr2[address] = value & CR2_WRITABLE[address]

    def _set_burst(self, _address: int, data: bytes, _at: int) -> None:
        wrap = data[0] & 3
        self._device.burst = 0 if data[0] & 0x10 or wrap == 0 else 8 << wrap

    # ---- suspend, power-down, OTP ------------------------------------------------------------------------------

    def _suspend(self, _address: int, data: bytes, at: int) -> None:
        device = self._device
        operation = device.operation
        if data or operation is None or operation.kind not in _SUSPEND_LATENCY or device.suspended:
            return
        left = operation.end - at
        if left <= _TOO_LATE:
            return
        device.suspended = operation
        operation.end = left
        device.operation = Operation("suspending", at, at + min(_SUSPEND_LATENCY[operation.kind], left))

    def _resume(self, _address: int, _data: bytes, at: int) -> None:
        device = self._device
        operation = device.suspended
        if operation is None or device.operation:
            device.otp = False
            return
        device.suspended = None
        device.registers.scur &= ~(PSB | ESB)
        operation.start, operation.end = at, at + operation.end
        device.wel = True
        device.operation = operation

    def _enter_power_down(self, _address: int, _data: bytes, _at: int) -> None:
        self._device.power_down = True

    def _leave_power_down(self, _address: int, _data: bytes, at: int) -> None:
        if self._device.power_down:
            self._device.power_down = False
            self._device.ready_at = at + self._device.part.leave_power_down

    def _enter_otp(self, _address: int, _data: bytes, _at: int) -> None:
        self._device.otp = True

    def _leave_otp(self, _address: int, _data: bytes, _at: int) -> None:
        self._device.otp = False

    # ---- reset -------------------------------------------------------------------------------------------------

    def reset(self, at: int) -> None:
        """66h 99h, in any state: what was under way is lost, recovery time by what that was (hw-flash 4.2)."""
        device = self._device
        part = device.part
        recovery = {
            "sector": part.recovery_sector,
            "block": part.recovery_block,
            "chip": part.recovery_chip,
            "status": part.recovery_status,
            "program": part.recovery_program,
            "failing-program": part.recovery_program,
            "failing-erase": part.recovery_sector,
        }
        wait = recovery.get(device.operation.kind, part.recovery_idle) if device.operation else part.recovery_idle
        if device.power_down:
            wait = part.leave_power_down
        self.abort()
        self.to_defaults()
        device.ready_at = at + wait

    def abort(self) -> None:
        """Whatever is under way or suspended ends here, its region undefined."""
        device = self._device
        for operation in (device.operation, device.suspended):
            if operation is None:
                continue
            self._aborts += 1
            source = random.Random(f"{device.seed}:abort:{self._aborts}:{operation.start}")  # noqa: S311
            if operation.kind == "program" and operation.data:
                device.array.spoil_program(operation.address, operation.data, source)
            elif operation.kind in ("sector", "block", "chip"):
                device.array.spoil_erase(operation.address, operation.size, source)
        device.operation = device.suspended = None

    def to_defaults(self) -> None:
        """The volatile state after any reset or power-up; BP and TB stay."""
        device = self._device
        device.mode = "1S"
        device.wel = device.power_down = device.otp = device.reset_enabled = False
        device.burst = 0
        device.status_polls = 0
        device.registers.reset()
