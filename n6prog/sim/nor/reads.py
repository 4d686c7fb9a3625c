"""What the NOR drives onto the bus: array, identity, SFDP and registers, bit-exact against the controller's clocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from n6prog.sim.nor.commands import BY_DC, DUMMY_CODES, Command
from n6prog.sim.nor.parts import SFDP_WINDOW
from n6prog.sim.nor.registers import CR2_DUMMY
from n6prog.sim.nor.wire import Framing, swap_pairs

if TYPE_CHECKING:
    from n6prog.sim.nor.device import NorDevice

OTP_SIZE = 0x400
_ARRAY_READS = frozenset({"READ3B", "READ4B", "FAST_READ3B", "FAST_READ4B", "8READ", "8DTRD"})
_BITS = {"1S": 1, "8S": 8, "8D": 16}  # bits a clock carries


class Reads:
    """The read half of a device."""

    def __init__(self, device: NorDevice) -> None:
        self._device = device

    def answer(
        self, command: Command, address: int, frame: Framing, times: tuple[int, int, int], want: int
    ) -> bytes | None:
        """The `want` bytes a controller samples; `times` are data start, CS# rising and the clock, in picoseconds."""
        if command.name == "RDSR":
            if self._device.mode != "1S" and address:
                return None
            source = self._status(times, frame)
        else:
            self._device.status_polls = 0
            found = self._source(command, address)
            if found is None:
                return None
            source = found
        skew = self._skew(command, frame)
        if skew == 0:
            return source(0, want)
        if skew < 0 and frame.dqs and self._device.mode == "8D":
            return source(0, want)  # the strobe tells the controller where the data begin
        return self._shifted(source, skew, want)

    def _skew(self, command: Command, frame: Framing) -> int:
        """Bits of the answer that went by before the controller sampled; negative: it sampled too early."""
        mode = self._device.mode
        if mode == "1S":
            needs = 8 + 8 * command.spi_address + command.spi_dummy
        else:
            clocks = (2 + command.opi_address) if mode == "8S" else (1 + command.opi_address // 2)
            needs = clocks + (self.dummy_clocks() if command.opi_dummy == BY_DC else command.opi_dummy)
        return (frame.head_clocks - needs) * _BITS[mode]

    def is_plain(self, command: Command | None, frame: Framing, head: bytes) -> bool:
        """Whether this is an array read of the mode in force whose data the controller samples in step."""
        mode = self._device.mode
        if command is None or command.name not in _ARRAY_READS or mode not in command.modes:
            return False
        if mode != "1S" and head[0] ^ head[1] != 0xFF:
            return False
        skew = self._skew(command, frame)
        return skew == 0 or (skew < 0 and frame.dqs and mode == "8D")

    def dummy_clocks(self) -> int:
        """Dummy clocks of an array read in 8S and 8D, from CR2 300h."""
        return DUMMY_CODES[self._device.registers.cr2.get(CR2_DUMMY, 0) & 7]

    def _shifted(self, source: Callable[[int, int], bytes], skew: int, want: int) -> bytes:
        """The answer sampled `skew` bits late (or early, when negative)."""
        if want == 0:
            return b""
        if skew < 0:
            early = -skew
            lead = self._device.floating.fill(-(-early // 8))
            body = source(0, want)
            bits = (int.from_bytes(lead, "big") & ((1 << early) - 1)) << (8 * want) | int.from_bytes(body, "big")
            return (bits >> early & ((1 << 8 * want) - 1)).to_bytes(want, "big")
        first, odd = divmod(skew, 8)
        body = source(first, want + (1 if odd else 0))
        if not odd:
            return body
        return (int.from_bytes(body, "big") >> (8 - odd) & ((1 << 8 * want) - 1)).to_bytes(want, "big")

    # ---- sources: (bytes to skip, bytes to give) -> bytes --------------------------------------------------------

    def _source(self, command: Command, address: int) -> Callable[[int, int], bytes] | None:
        """Where the bytes of this command come from; None when the device stays silent."""
        device = self._device
        name = command.name
        if name in _ARRAY_READS:
            return self._array(address)
        if name == "RDSFDP":
            return None if device.otp else self._sfdp(address)
        registers = device.registers
        if name == "RDCR2":
            return self._register(bytes((self._cr2(address),)))
        opi = device.mode != "1S"
        if name == "RDCR":
            return self._register(bytes((registers.cr,))) if not opi or address == 1 else None
        if name == "RDSPB":
            return None  # ignored while SCUR.WPSEL is 0, and WPSEL cannot be set here
        if opi and address:
            return None
        values = {"RDID": device.part.jedec, "RDSCUR": bytes((registers.scur,)), "RDFBR": b"\xff" * 4, "RDLR": b"\xff"}
        return self._register(values[name])

    def _cr2(self, address: int) -> int:
        """A CR2 byte; the mode bits are those in force."""
        if address == 0:
            return {"1S": 0, "8S": 1, "8D": 2}[self._device.mode]
        return self._device.registers.read_cr2(address)

    def _array(self, address: int) -> Callable[[int, int], bytes]:
        """The memory array, or the OTP area while that is selected (blank here)."""
        device = self._device
        double = device.mode == "8D"
        address = (address & ~1 if double else address) % device.part.size
        suspended = device.suspended

        def give(skip: int, count: int) -> bytes:
            if (
                suspended
                and address + skip < suspended.address + suspended.size
                and suspended.address < address + skip + count
            ):
                return device.floating.fill(count)  # inside a suspended sector or page: undefined
            if device.otp:
                return b"\xff" * count
            if device.burst:
                return self._wrapped(address, skip, count, double)
            if not double:
                return device.array.read(address + skip, count)
            start = skip & ~1
            data = swap_pairs(device.array.read(address + start, (skip - start + count + 1) & ~1))
            return data[skip - start : skip - start + count]

        return give

    def _wrapped(self, address: int, skip: int, count: int, double: bool) -> bytes:
        """A burst read: round and round in 16, 32 or 64 bytes."""
        size = self._device.burst
        base, offset = address & -size, address % size
        line = self._device.array.read(base, size)
        line = swap_pairs(line) if double else line
        at = (offset + skip) % size
        turns = -(-(at + count) // size)
        return (line * turns)[at : at + count]

    def _sfdp(self, address: int) -> Callable[[int, int], bytes]:
        """The SFDP window; in 8D pairs are swapped as in the array."""
        part = self._device.part
        window = part.sfdp.ljust(SFDP_WINDOW, b"\xff")
        double = self._device.mode == "8D"
        if double:
            window = swap_pairs(window)
        address = (address & ~1 if double else address) % SFDP_WINDOW

        def give(skip: int, count: int) -> bytes:
            at = (address + skip) % SFDP_WINDOW
            turns = -(-(at + count) // SFDP_WINDOW)
            return (window * turns)[at : at + count]

        return give

    def _register(self, values: bytes) -> Callable[[int, int], bytes]:
        """Register bytes, repeated while clocked; in 8D each byte is held a whole clock, so it is sampled twice."""
        if self._device.mode == "8D":
            values = bytes(value for value in values for _ in range(2))

        def give(skip: int, count: int) -> bytes:
            at = skip % len(values)
            if len(values) == 1:
                return values * count
            return (values * (-(-(at + count) // len(values))))[at : at + count]

        return give

    def _status(self, times: tuple[int, int, int], frame: Framing) -> Callable[[int, int], bytes]:
        """SR, live: each byte as it stands when it goes out."""
        device = self._device
        data_start, _, clock = times
        step = max(frame.byte_halves * clock // 2, 1)

        def give(skip: int, count: int) -> bytes:
            device.settle(data_start)
            operation = device.operation
            if operation is None:
                device.status_polls = 0
                return bytes((device.status,)) * count
            device.status_polls += 1
            busy = bytes((device.status,))
            last = data_start + (skip + count - 1) * step
            if operation.end > last or device.faults.stuck_wip:
                return busy * count
            early = -(-(operation.end - data_start) // step) - skip
            device.settle(last)
            early = max(0, min(count, early))
            return busy * early + bytes((device.status,)) * (count - early)

        return give
