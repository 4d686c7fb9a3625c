"""What happens at once on CS# rising: latches, CR2, lock bits, burst length, power-down, OTP area, resets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from n6prog.sim.nor.ecc import DIE, STATUS
from n6prog.sim.nor.operations import Act
from n6prog.sim.nor.registers import CR2_CRC, CR2_MODE, CR2_WRITABLE, MODES

if TYPE_CHECKING:
    from n6prog.sim.nor.device import NorDevice

_BURSTS = {1: 16, 2: 32, 3: 64}  # SBL data byte: bytes of a wrapped read; every other value is linear


class Control:
    """The quick half of a device. An act is given address, data bytes and the time at which CS# rises."""

    def __init__(self, device: NorDevice) -> None:
        self._device = device
        self.acts: dict[str, Act] = {
            "WREN": self._write_enable,
            "WRDI": self._write_disable,
            "WRCR2": self._write_cr2,
            "SBL": self._set_burst,
            "GBLK": self._lock_all,
            "GBULK": self._unlock_all,
            "WRDPB": self._write_dpb,
            "DP": self._enter_power_down,
            "RDP": self._leave_power_down,
            "ENSO": self._enter_otp,
            "EXSO": self._leave_otp,
            "RSTEN": self._enable_reset,
            "RST": self._reset,
        }

    def _write_enable(self, _address: int, _data: bytes, _at: int) -> None:
        if not self._device.faults.no_wel:
            self._device.wel = True

    def _write_disable(self, _address: int, _data: bytes, _at: int) -> None:
        self._device.wel = False

    # ---- registers ---------------------------------------------------------------------------------------------

    def _write_cr2(self, address: int, data: bytes, _at: int) -> None:
        """WRCR2. Volatile addresses are done in 40 ns, less than any next command can come: no WIP to be seen."""
        device = self._device
        if address == CR2_CRC or not device.wel:
            return  # the CRC error flag: nothing sets it here; all else is behind WEL
        device.wel = False
        value = data[0]
        if address == CR2_MODE:
            now, wanted = MODES.index(device.mode), value & 3
            # both octal bits, and going from one octal mode straight to the other, are refused
            if now | wanted != 3:
                device.mode = MODES[wanted]
        elif address in CR2_WRITABLE:
            device.registers.cr2[address] = value & CR2_WRITABLE[address]
        elif address % DIE == STATUS and not value and device.ecc.read(address) is not None:
            device.ecc.clear()
        device.changed()

    def _set_burst(self, address: int, data: bytes, _at: int) -> None:
        if address == 0:
            self._device.burst = _BURSTS.get(data[0], 0)
            self._device.changed()

    def _lock_all(self, _address: int, _data: bytes, _at: int) -> None:
        device = self._device
        device.protection.dpb = device.protection.every
        device.wel = False

    def _unlock_all(self, _address: int, _data: bytes, _at: int) -> None:
        self._device.protection.dpb = 0
        self._device.wel = False

    def _write_dpb(self, address: int, data: bytes, _at: int) -> None:
        self._device.protection.write_dpb(address, bool(data[0] & 1))
        self._device.wel = False

    # ---- power-down, OTP area, reset ---------------------------------------------------------------------------

    def _enter_power_down(self, _address: int, _data: bytes, at: int) -> None:
        """DP: on the way down nothing is heard either (GUESS)."""
        device = self._device
        device.power_down = True
        device.ready_at = at + device.part.enter_power_down
        device.changed()

    def _leave_power_down(self, _address: int, _data: bytes, at: int) -> None:
        device = self._device
        if device.power_down:
            device.power_down = False
            device.ready_at = at + device.part.leave_power_down
            device.changed()

    def _enter_otp(self, _address: int, _data: bytes, _at: int) -> None:
        self._device.otp = True
        self._device.changed()

    def _leave_otp(self, _address: int, _data: bytes, _at: int) -> None:
        self._device.otp = False
        self._device.changed()

    def _enable_reset(self, _address: int, _data: bytes, _at: int) -> None:
        self._device.reset_enabled = True

    def _reset(self, _address: int, _data: bytes, at: int) -> None:
        self._device.reset(at)
