"""What the NOR drives onto the bus: array, identity, SFDP and registers, bit-exact against the controller's clocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from n6prog.sim.nor import preamble
from n6prog.sim.nor.array import Array
from n6prog.sim.nor.commands import BY_DC, DUMMY_CODES, Command
from n6prog.sim.nor.ecc import ONE_BIT, TWICE, TWO_BITS
from n6prog.sim.nor.parts import SFDP_WINDOW
from n6prog.sim.nor.registers import (
    CR2_BANKS,
    CR2_CRC,
    CR2_DEFAULT,
    CR2_DQS,
    CR2_DUMMY,
    CR2_MODE,
    CR2_PREAMBLE,
    CR2_WRITABLE,
    DQSPRC,
    MODES,
    PBE,
)
from n6prog.sim.nor.timing import SLOWEST, shortest_clock
from n6prog.sim.nor.wire import Framing, swap_pairs

if TYPE_CHECKING:
    from n6prog.sim.nor.device import NorDevice

Source = Callable[[int, int], bytes]  # (bytes to skip, bytes to give) -> bytes

_BITS = {"1S": 1, "8S": 8, "8D": 16}  # bits a clock carries
_BOOT_SPI = 12  # clocks of a fast-boot read before its data
_BOOT_OPI = (10, 14, 16, 20)  # by FBR [2:1]
_PASSWORD_TURN = 512  # RDPASS: FF behind the eight bytes, then they come again
_WITH_PREAMBLE = frozenset({"FAST_READ3B", "FAST_READ4B", "8READ", "8DTRD", "RDSFDP"})


class Reads:
    """The read half of a device."""

    def __init__(self, device: NorDevice) -> None:
        self._device = device

    def answer(
        self, command: Command, address: int, frame: Framing, times: tuple[int, int, int], want: int
    ) -> bytes | None:
        """The `want` bytes a controller samples; `times` are data start, (for writes) CS# rising, and the clock."""
        device = self._device
        skew = self._skew(command, frame)
        clock = times[2]
        if command.name == "RDSR":
            if address:
                return None
            source = self._status(times[0] - skew // _BITS[device.mode] * clock, clock)
        else:
            device.status_polls = 0
            found = self._source(command, address)
            if found is None:
                return None
            source = found
        data = source(0, want) if skew == 0 else self._shifted(source, skew, want, command)
        return data if clock >= SLOWEST or self.keeps_up(command, clock) else device.floating.scramble(data)

    def boot(self, frame: Framing, want: int) -> bytes:
        """A fast-boot read: whatever the frame says, the array from FBR's address comes after FBR's clocks."""
        fbr = self._device.registers.fbr
        mode = self._device.mode
        clocks = _BOOT_SPI if mode == "1S" else _BOOT_OPI[fbr >> 1 & 3]
        skew = self._strobed((frame.head_clocks - clocks) * _BITS[mode], frame)
        return self._shifted(self._array(fbr & 0xFFFF_FFF0), skew, want)

    def keeps_up(self, command: Command, clock: int) -> bool:
        """Whether the data come in time at a clock of so many picoseconds."""
        return clock >= shortest_clock(command, self._device.mode, self._code())

    def is_plain(self, command: Command | None, frame: Framing, head: bytes) -> bool:
        """Whether this is a linear array read of the mode in force whose data the controller samples in step."""
        device = self._device
        mode = device.mode
        if command is None or command.kind != "array" or mode not in command.modes:
            return False
        opcode, address = (1, command.spi_address) if mode == "1S" else (2, command.opi_address)
        if len(head) != opcode + address:
            return False
        if mode != "1S" and (device.burst or head[0] ^ head[1] != 0xFF):
            return False
        return self._skew(command, frame) == 0

    # ---- when the controller samples -----------------------------------------------------------------------------

    def _code(self) -> int:
        """The dummy code, CR2 300h."""
        return self._device.registers.cr2.get(CR2_DUMMY, 0)

    def _dummies(self, command: Command) -> int:
        """Dummy clocks of a read."""
        if self._device.mode == "1S":
            return command.spi_dummy
        return DUMMY_CODES[self._code()] if command.opi_dummy == BY_DC else command.opi_dummy

    def _skew(self, command: Command, frame: Framing) -> int:
        """Bits of the answer that went by before the controller sampled; negative: it sampled too early."""
        mode = self._device.mode
        if mode == "1S":
            clocks = 8 + 8 * command.spi_address
        elif mode == "8S":
            clocks = 2 + command.opi_address
        else:
            clocks = 1 + command.opi_address // 2
        skew = (frame.head_clocks - clocks - self._dummies(command)) * _BITS[mode]
        return self._strobed(skew, frame) if frame.dqs else skew

    def _strobed(self, skew: int, frame: Framing) -> int:
        """A controller that samples by the strobe waits for it; DQSPRC sends it a clock early in 8D (Verilog model)."""
        device = self._device
        if skew > 0 or not frame.dqs or not device.drives_dqs:
            return skew
        early = device.mode == "8D" and device.registers.cr2.get(CR2_DQS, 0) & DQSPRC
        return -_BITS["8D"] if early else 0

    def _shifted(self, source: Source, skew: int, want: int, command: Command | None = None) -> bytes:
        """The answer sampled `skew` bits late (or early, when negative)."""
        if want == 0:
            return b""
        mask = (1 << 8 * want) - 1
        if skew < 0:
            early = -skew
            before = self._before(early, command) << 8 * want
            return (((before | int.from_bytes(source(0, want), "big")) >> early) & mask).to_bytes(want, "big")
        first, odd = divmod(skew, 8)
        if not odd:
            return source(first, want)
        return (int.from_bytes(source(first, want + 1), "big") >> 8 - odd & mask).to_bytes(want, "big")

    def _before(self, bits: int, command: Command | None) -> int:
        """What stood on the lines before the data, at least the last `bits` bits; the last one is bit 0."""
        device = self._device
        undriven = int.from_bytes(device.floating.fill(-(-bits // 8)), "big")
        if command is None or command.name not in _WITH_PREAMBLE or not device.registers.cr & PBE:
            return undriven
        pattern = device.registers.cr2.get(CR2_PREAMBLE, 0) & 1
        return preamble.lead(device.mode, self._dummies(command), undriven, pattern)

    # ---- sources ---------------------------------------------------------------------------------------------------

    def _source(self, command: Command, address: int) -> Source | None:
        """Where the bytes of this command come from; None when the device stays silent."""
        device = self._device
        if command.kind == "array":
            return self._array(address)
        if command.kind == "sfdp":
            return self._sfdp(address)
        name = command.name
        protection = device.protection
        if name == "RDPASS":
            return (
                None
                if address or protection.password_mode
                else self._turning(protection.password.ljust(_PASSWORD_TURN, b"\xff"), 0)
            )
        registers = device.registers
        if name == "RDCR2":
            value = self._cr2(address)
            return None if value is None else self._register(bytes((value,)))
        if name in ("RDSPB", "RDDPB"):
            bits = protection.spb if name == "RDSPB" else protection.dpb
            return self._register(b"\xff" if bits >> protection.unit(address) & 1 else b"\0")
        if device.mode != "1S" and address != (name == "RDCR"):
            return None
        values = {
            "RDID": device.part.jedec,
            "RDCR": bytes((registers.cr,)),
            "RDSCUR": bytes((registers.scur,)),
            "RDFBR": registers.fbr.to_bytes(4, "little"),
            "RDLR": bytes((protection.lock,)),
        }
        return self._register(values[name])

    def _cr2(self, address: int) -> int | None:
        """A CR2 byte, None for an address where there is none; the mode bits are those in force."""
        device = self._device
        if address == CR2_MODE:
            return MODES.index(device.mode)
        if address in CR2_WRITABLE:
            return device.registers.cr2.get(address, 0)
        if address == CR2_DEFAULT:
            return device.registers.cr2_default
        if address == CR2_CRC:
            return 0
        if address >= CR2_BANKS:
            return self._bank_status(address) if device.part.banks > 1 else None
        return device.ecc.read(address)

    def _bank_status(self, address: int) -> int:
        """00 idle, 01 another bank is busy, 11 this one is; the low bits of `address` say which."""
        device = self._device
        busy = device.busy_bank
        if busy is None:
            return 0
        return 3 if busy in (-1, address % device.part.size // device.part.bank_size) else 1

    # ---- the array -------------------------------------------------------------------------------------------------

    def _array(self, address: int) -> Source:
        """The memory array, or the OTP area while that is selected; pairs swapped in 8D."""
        device = self._device
        double = device.mode == "8D"
        memory = device.otp_area if device.otp else device.array
        address = (address & ~1 if double else address) % memory.size
        if device.burst and device.mode != "1S":
            size = device.burst
            line = self._cells(memory, address & -size, size)
            return self._turning(line, address % size)

        def give(skip: int, count: int) -> bytes:
            if not double:
                return self._cells(memory, address + skip, count)
            # whole pairs: a controller is whole clocks early or late, so `skip` is even
            return swap_pairs(self._cells(memory, address + skip, count + count % 2))[:count]

        return give

    def _cells(self, memory: Array, address: int, count: int) -> bytes:
        """`count` bytes as they come out of the cells; undefined where an operation has them in hand."""
        device = self._device
        address %= memory.size
        room = memory.size - address
        if count > room:
            return self._cells(memory, address, room) + self._cells(memory, 0, count - room)
        data = memory.read(address, count)
        if memory is device.otp_area:
            return data
        faults = device.faults
        if memory.double_programmed or faults.ecc_one or faults.ecc_two:
            data = self._checked(address, data)
        if device.operation is not None:  # a read while WIP is 1 that runs into the busy bank
            size = device.part.bank_size
            bank = device.busy_bank
            assert bank is not None
            data = self._undefined(data, address, bank * size, size)
        suspended = device.suspended
        if suspended is not None:
            start = suspended.address & -suspended.size
            data = self._undefined(data, address, start, suspended.size)
        return data

    def _undefined(self, data: bytes, address: int, start: int, size: int) -> bytes:
        """`data` from `address`, with noise for what lies in `size` bytes from `start`."""
        first = max(start - address, 0)
        last = min(start + size - address, len(data))
        if first >= last:
            return data
        return data[:first] + self._device.floating.noise(last - first) + data[last:]

    def _checked(self, address: int, data: bytes) -> bytes:
        """What ECC makes of `data` from `address`: notes in its status, and two wrong bits where it cannot help."""
        device = self._device
        part, faults = device.part, device.faults
        size = part.ecc_chunk
        twice = {chunk * size for chunk in device.array.double_programmed}
        end = address + len(data)
        for start in sorted(twice | faults.ecc_two | faults.ecc_one):
            if not address - size < start < end:
                continue
            what = TWICE if start in twice else TWO_BITS if start in faults.ecc_two else ONE_BIT
            device.ecc.note(start // part.die_size, start % part.die_size, what)
            if what == TWO_BITS:
                at = max(start - address, 0)
                data = data[:at] + bytes((data[at] ^ 0x03,)) + data[at + 1 :]
        return data

    # ---- SFDP and registers ----------------------------------------------------------------------------------------

    def _sfdp(self, address: int) -> Source:
        """The SFDP window; in 8D pairs are swapped as in the array."""
        window = self._device.part.sfdp.ljust(SFDP_WINDOW, b"\xff")
        return self._turning(window, (address & ~1 if self._device.mode == "8D" else address) % SFDP_WINDOW)

    def _turning(self, ring: bytes, begin: int) -> Source:
        """The bytes of `ring` from `begin`, round and round; pairs swapped in 8D."""
        size = len(ring)
        if self._device.mode == "8D":
            ring = swap_pairs(ring)

        def give(skip: int, count: int) -> bytes:
            at = (begin + skip) % size
            return (ring * (-(-(at + count) // size)))[at : at + count]

        return give

    def _register(self, values: bytes) -> Source:
        """Register bytes, repeated while clocked; in 8D each byte is held a whole clock, so it is sampled twice."""
        if self._device.mode == "8D":
            values = bytes(value for value in values for _ in range(2))
        size = len(values)

        def give(skip: int, count: int) -> bytes:
            at = skip % size
            return (values * (-(-(at + count) // size)))[at : at + count]

        return give

    def _status(self, data_start: int, clock: int) -> Source:
        """SR, live: each byte as it stands when it begins to go out; in 8D the same for both halves of a clock.

        The first byte goes out at `data_start`, whenever the controller samples.
        """
        device = self._device
        byte = 8 * clock if device.mode == "1S" else clock
        per_byte = 2 if device.mode == "8D" else 1

        def give(skip: int, count: int) -> bytes:
            device.settle(data_start)
            operation = device.operation
            if operation is None:
                device.status_polls = 0
                return bytes((device.status,)) * count
            device.status_polls += 1
            busy = bytes((device.status,))
            last = data_start + (skip + count - 1) // per_byte * byte
            early = max(0, min(count, -(-(operation.end - data_start) // byte) * per_byte - skip))
            device.settle(last)
            return busy * early + bytes((device.status,)) * (count - early)

        return give
