"""An ST-Link V3 at the level of its USB commands: what pyOCD's `STLinkUSBInterface` is, without USB.

Command numbers and answer layouts are those pyOCD's own driver uses (pyocd/probe/stlink); timing is sim.md 5.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

from n6prog.sim.clock import PS_PER_SECOND, TimeModel
from n6prog.sim.dap.sw_dp import WDATAERR, Ack
from n6prog.sim.fault_terms import Fault
from n6prog.sim.usb.target import Target

OK, UNKNOWN_COMMAND = 0x80, 0x42
_NO_IDCODE, _ALIGNMENT, _BAD_AP = 0x09, 0x0A, 0x1D
# Wait, fault, error and parity error of a DP and of an AP access (pyOCD, constants.Status).
_AP_STATUS = {Ack.OK: OK, Ack.WAIT: 0x10, Ack.FAULT: 0x11, Ack.NONE: 0x12, Ack.PARITY: 0x13}
_DP_STATUS = {Ack.OK: OK, Ack.WAIT: 0x14, Ack.FAULT: 0x15, Ack.NONE: 0x16, Ack.PARITY: 0x17}
_WDATA_ERROR = 0x18
_CLEAR_STICKY = 0x1E  # ABORT
_TRIES = 17  # with WAIT the firmware tries again; how often is published nowhere: a guess
_READS = {0x07: 4, 0x0C: 1, 0x47: 2}
_WRITES = {0x08: 4, 0x0D: 1, 0x48: 2}
_FIXED_ADDRESS = {0x50, 0x54}
MAXIMUM_BLOCK = 6144
PACKET = 512
FIRMWARE = 17, 10  # V3J17M10: JTAG/SWD and mass storage
_HARDWARE = 3


def firmware_of(faults: Sequence[Fault]) -> tuple[int, int]:
    """J and M of the firmware that `firmware:V3JnMm` asks for, else those of the usual one."""
    asked = next((int(fault.argument or 0) for fault in faults if fault.name == "firmware"), None)
    return FIRMWARE if asked is None else (asked >> 8, asked & 0xFF)


class StLinkV3:
    """The probe. `transfer` is the one door; `serial_number` and the other names are what pyOCD's driver asks for.

    `target` is the board, `after` is called after each command. Raises ProbeGone or ProbeHung when the board's link
    faults say so.
    """

    vendor_name = "STMicroelectronics"
    product_name = "STLINK-V3 (simulated)"
    version_name = "V3"
    max_packet_size = PACKET

    def __init__(
        self,
        target: Target,
        serial_number: str,
        model: TimeModel,
        after: Callable[[], None] | None = None,
        firmware: tuple[int, int] = FIRMWARE,
    ) -> None:
        """`firmware` is J and M of V3JnMm."""
        self._target = target
        self._firmware = (_HARDWARE, 0, *firmware, 0, 0)  # hardware, SWIM, JTAG/SWD, mass storage, bridge, power
        self._model = model
        self._after = after
        self.serial_number = serial_number
        self.is_open = False
        self._set_clock(1_000_000)
        self._mode = 1  # mass storage
        self._status = (OK, 0)
        self._clocks = 0  # SWD clocks of the command under way
        self._moved = 0  # bytes of memory data of the command under way
        self.commands = 0

    def open(self) -> None:
        """Claim the interface."""
        self.is_open = True
        self._target.link_faults.plugged_in()
        self._target.dp.clock_hz = self.clock_hz

    def close(self) -> None:
        """Release it."""
        self.is_open = False

    def transfer(
        self,
        cmd: Sequence[int],
        writeData: Sequence[int] | None = None,  # noqa: N803  (pyOCD's name)
        readSize: int | None = None,  # noqa: N803
        timeout: int = 1000,
    ) -> bytes | None:
        """One command: 16 bytes out, then data out, or an answer of `readSize` bytes in."""
        model, host = self._model, self._target.host
        self._target.link_faults.command()
        self.commands += 1
        self._clocks = self._moved = 0
        out = bytes(writeData) if writeData is not None else b""
        usb = model.host_call + model.usb_latency + self._bytes(16) + model.firmware
        if out:
            usb += model.usb_latency + self._bytes(len(out))
        host.advance(usb)
        command = bytes(cmd).ljust(16, b"\0")
        answer = self._dispatch(command, out, readSize or 0)
        host.advance(self._wire())
        if readSize is not None:
            host.advance(model.usb_latency + self._bytes(readSize))
            answer = answer[:readSize].ljust(readSize, b"\0")
        if self._after is not None:
            self._after()
        return answer if readSize is not None else None

    def read_swv(self, size: int, timeout: int = 1000) -> bytearray:
        """Trace data: none is modelled."""
        return bytearray(size)

    def _bytes(self, count: int) -> int:
        return count * PS_PER_SECOND // self._model.usb_bytes_per_second

    def _wire(self) -> int:
        """How long the command kept the SWD pins busy."""
        wire = self._clocks * PS_PER_SECOND // self.clock_hz
        cap = self._model.probe_bytes_per_second
        return max(wire, self._moved * PS_PER_SECOND // cap) if cap else wire

    def _spend(self, transfers: int) -> None:
        self._clocks += transfers * self._model.swd_clocks_word

    def _set_clock(self, hertz: int) -> None:
        self.clock_hz = hertz
        self._target.dp.clock_hz = hertz

    def _dispatch(self, command: bytes, out: bytes, wanted: int) -> bytes:
        code = command[0]
        if code == 0xF2:
            return self._debug(command, out)
        if code == 0xF1:
            hardware, _, debug, storage, *_ = self._firmware
            version = hardware << 12 | debug << 6 | storage
            return struct.pack(">H", version) + struct.pack("<HH", 0x0483, 0x374E)
        if code == 0xFB:
            return bytes(self._firmware) + bytes(2) + struct.pack("<HH", 0x0483, 0x374E)
        if code == 0xF5:
            return bytes((self._mode, 0))
        if code == 0xF7:
            return struct.pack("<II", 24_000, round(self._target.voltage * 10_000))  # volts = 2.4 x second / first
        return bytes(wanted)

    def _debug(self, command: bytes, out: bytes) -> bytes:
        code = command[1]
        if code in _READS or code == 0x54:
            return self._read_memory(command, _READS.get(code, 4), code)
        if code in _WRITES or code == 0x50:
            self._write_memory(command, out, _WRITES.get(code, 4), code)
            return b""
        if code in (0x3B, 0x3E):  # GETLASTRWSTATUS, with 2 bytes read of it, and GETLASTRWSTATUS2
            return struct.pack("<HHI", self._status[0], 0, self._status[1]) + bytes(4)
        if code == 0x45:
            return self._read_register(command)
        if code == 0x46:
            return self._write_register(command)
        simple = {
            0x21: self._leave,
            0x30: self._enter,
            0x31: self._read_ids,
            0x3C: self._drive_reset,
            0x4B: self._init_ap,
            0x4C: self._init_ap,
            0x56: self._board_ids,
            0x61: self._set_frequency,
            0x62: self._get_frequencies,
        }.get(code)
        if simple is not None:
            return simple(command)
        if code in (0x40, 0x41, 0x49, 0x63):  # trace on and off, LED, prescaler
            return _status(OK) + bytes(6)
        if code == 0x42:
            return bytes(2)  # bytes of trace waiting: never any
        return _status(UNKNOWN_COMMAND)

    def _enter(self, command: bytes) -> bytes:
        """Line reset, JTAG-to-SWD, DPIDR, then power the debug domain up, as the firmware does."""
        self._clocks += 150
        self._spend(3)
        self._target.catch_up()
        ack, _ = self._target.dp.read_dp(0, 0)
        if ack is not Ack.OK:
            return _status(_NO_IDCODE)
        self._mode = 2
        self._target.dp.write_dp(0, _CLEAR_STICKY, 0)
        self._target.dp.write_dp(4, 0x5000_0000, 0)
        return _status(OK)

    def _leave(self, command: bytes) -> bytes:
        self._mode = 1
        return _status(OK)

    def _read_ids(self, command: bytes) -> bytes:
        self._spend(1)
        ack, value = self._target.dp.read_dp(0, 0)
        return _status(_DP_STATUS[ack]) + bytes(2) + struct.pack("<II", value, 0)

    def _drive_reset(self, command: bytes) -> bytes:
        self._target.catch_up()
        if command[2] == 2:
            self._target.drive_reset(True)
            self._target.host.advance(PS_PER_SECOND // 1000)
            self._target.drive_reset(False)
        else:
            self._target.drive_reset(command[2] == 0)
        return _status(OK)

    def _init_ap(self, command: bytes) -> bytes:
        self._spend(2)
        self._target.catch_up()
        return _status(OK if command[2] in self._target.dp.ports else _BAD_AP)

    def _board_ids(self, command: bytes) -> bytes:
        return _status(OK) + b"N657" + bytes(122)

    def _set_frequency(self, command: bytes) -> bytes:
        wanted = struct.unpack_from("<I", command, 4)[0]
        steps = self._model.swd_steps_khz
        granted = next((step for step in steps if step <= wanted), steps[-1])
        self._set_clock(granted * 1000)
        return _status(OK) + bytes(2) + struct.pack("<I", granted)

    def _get_frequencies(self, command: bytes) -> bytes:
        steps = self._model.swd_steps_khz
        return _status(OK) + bytes(2) + struct.pack(f"<II{len(steps)}I", self.clock_hz // 1000, len(steps), *steps)

    def _read_register(self, command: bytes) -> bytes:
        port, address = struct.unpack_from("<HH", command, 2)
        dp = self._target.dp
        if port == 0xFFFF:
            status, value = self._register(lambda: dp.read_dp(address & 0xF, address >> 4), _DP_STATUS)
        else:
            status, value = self._register(lambda: dp.read_ap(port, address & 0xFF), _AP_STATUS)
        return _status(status) + bytes(2) + struct.pack("<I", value)

    def _write_register(self, command: bytes) -> bytes:
        port, address, value = struct.unpack_from("<HHI", command, 2)
        dp = self._target.dp
        if port == 0xFFFF:
            status, _ = self._register(lambda: (dp.write_dp(address & 0xF, value, address >> 4), 0), _DP_STATUS)
        else:
            status, _ = self._register(lambda: self._write_ap(port, address & 0xFF, value), _AP_STATUS)
        return _status(status)

    def _register(self, access: Callable[[], tuple[Ack, int]], statuses: dict[Ack, int]) -> tuple[int, int]:
        """One register access with its SELECT or RDBUFF: status and value."""
        self._spend(2)
        self._target.catch_up()
        tries = _TRIES
        ack, value = access()
        while ack is Ack.WAIT and (tries := self._tries(ack, tries, 0)):
            ack, value = access()
        return self._status_of(ack, statuses), value

    def _status_of(self, ack: Ack, statuses: dict[Ack, int]) -> int:
        if ack is Ack.FAULT and statuses is _AP_STATUS and self._target.dp.sticky & WDATAERR:
            return _WDATA_ERROR
        return statuses[ack]

    def _write_ap(self, port: int, register: int, value: int) -> tuple[Ack, int]:
        dp = self._target.dp
        ack = dp.write_ap(port, register, value)
        return dp.after_writes() if ack is Ack.OK else ack, 0

    def _cost(self, length: int, width: int, *, read: bool) -> None:
        """A word each, CSW and TAR again at every 1 KiB, RDBUFF at the end of a read run."""
        runs = -(-length // 1024)
        self._spend(-(-length // width) + runs * (3 if read else 2))
        self._moved += length

    def _memory_arguments(self, command: bytes, width: int) -> tuple[int, int, int] | None:
        address, length = struct.unpack_from("<IH", command, 2)
        if address % width or length % width or length > (PACKET if width == 1 else MAXIMUM_BLOCK):
            self._status = (_ALIGNMENT, address)
            return None
        return address, length, command[8]

    def _read_memory(self, command: bytes, width: int, code: int) -> bytes:
        arguments = self._memory_arguments(command, width)
        if arguments is None:
            return b""
        address, length, port = arguments
        self._target.catch_up()
        self._cost(length, width, read=True)
        fixed, data, tries = code in _FIXED_ADDRESS, bytearray(), _TRIES
        ack, failed = Ack.OK, 0
        while len(data) < length:
            where, piece = (address, 4) if fixed else (address + len(data), length - len(data))
            ack, block, failed = self._target.dp.read_block(port, where, piece, width)
            good = len(block) if ack is Ack.OK else max(0, failed - where)
            data += block[:good]
            tries = self._tries(ack, tries, good)
            if not tries:
                break
        self._finish(ack, failed)
        return bytes(data)

    def _finish(self, ack: Ack, failed: int) -> None:
        """A memory command is over. After a failed one the firmware clears the sticky flags.

        That is a guess: OpenOCD goes on after a fault without clearing them, on chips whose first AP has no CPUID.
        """
        self._status = (self._status_of(ack, _AP_STATUS), failed)
        if ack is not Ack.OK:
            self._clocks += self._model.swd_clocks_word
            self._target.dp.write_dp(0, _CLEAR_STICKY, 0)

    def _tries(self, ack: Ack, tries: int, moved: int) -> int:
        """How often a block may still meet WAIT; 0 ends it."""
        if ack is Ack.OK:
            return tries
        self._clocks += self._model.swd_clocks_fault
        return 0 if ack is not Ack.WAIT else _TRIES if moved else tries - 1

    def _write_memory(self, command: bytes, out: bytes, width: int, code: int) -> None:
        arguments = self._memory_arguments(command, width)
        if arguments is None:
            return
        address, length, port = arguments
        self._cost(length, width, read=False)
        # What is sent arrives over the time on the wire; it is all there at the end.
        self._target.host.advance(self._wire())
        self._clocks = self._moved = 0
        self._target.catch_up()
        fixed, done, tries = code in _FIXED_ADDRESS, 0, _TRIES
        ack, failed = Ack.OK, 0
        out = out[:length]
        while done < len(out):
            where, piece = (address, out[done : done + 4]) if fixed else (address + done, out[done:])
            ack, failed = self._target.dp.write_block(port, where, piece, width)
            moved = len(piece) if ack is Ack.OK else max(0, failed - where)
            done += moved
            tries = self._tries(ack, tries, moved)
            if not tries:
                break
        self._finish(ack, failed)


def _status(code: int) -> bytes:
    return struct.pack("<H", code)
