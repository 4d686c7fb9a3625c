"""Memory access ports, ADIv5 APv1 (IHI 0031, C2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

CSW, TAR, DRW, BD0, CFG, BASE, IDR = 0x00, 0x04, 0x0C, 0x10, 0xF4, 0xF8, 0xFC
DEVICE_EN, SDEVICE_EN = 1 << 6, 1 << 23
SINGLE_INCREMENT = 0x10
PAGE = 0x400  # auto-increment wraps at 1 KiB (C2.2.2: only the low 10 bits are guaranteed to move)
_SIZES = {0: 1, 1: 2, 2: 4}


class Memory(Protocol):
    """The bus behind an access port."""

    def read(self, address: int, length: int, width: int = 4) -> bytes:
        """`length` bytes; raises BusFault, BusHang."""
        ...

    def write(self, address: int, data: bytes | memoryview, width: int = 4) -> None:
        """Raises BusFault, BusHang."""
        ...


class MemAp:
    """Registers of one access port.

    `writable` are the CSW bits that stick, `fixed` those that read 1. `is_open` says whether transfers pass: a closed
    port answers its own registers, shows DeviceEn and SDeviceEn as 0 and faults every access (what a locked port of
    this chip looks like is published nowhere; this is what ADIv5 says of a disabled one).
    """

    def __init__(
        self,
        memory: Memory,
        *,
        idr: int,
        base: int,
        writable: int,
        fixed: int,
        words_only: bool,
        is_open: Callable[[], bool],
    ) -> None:
        self.memory = memory
        self.idr = idr
        self.base = base
        self.is_open = is_open
        self.hung = False
        self._writable = writable
        self._fixed = fixed
        self._words_only = words_only
        self.csw_bits = 2
        self.tar = 0

    def reset(self) -> None:
        """Power-on values."""
        self.csw_bits, self.tar, self.hung = 2, 0, False

    @property
    def csw(self) -> int:
        """The control and status word as it reads now."""
        value = self.csw_bits | self._fixed
        return value if self.is_open() else value & ~(DEVICE_EN | SDEVICE_EN)

    @csw.setter
    def csw(self, value: int) -> None:
        size = value & 7
        if self._words_only or size > 2:
            size = 2
        increment = value & 0x30
        if increment == 0x20 or increment == 0x30:  # packed transfers are not implemented
            increment = 0
        self.csw_bits = (value & self._writable) | size | increment

    @property
    def width(self) -> int:
        """Bytes of one access through DRW."""
        return _SIZES[self.csw_bits & 7]

    def read(self, register: int) -> int | None:
        """An AP register; None means that it is DRW or BDn, a transfer on the bus."""
        if register == CSW:
            return self.csw
        if register == TAR:
            return self.tar
        if register == BASE:
            return self.base
        if register == IDR:
            return self.idr
        if register == DRW or BD0 <= register < BD0 + 0x10:
            return None
        return 0

    def write(self, register: int, value: int) -> bool:
        """Set an AP register; False means that it is DRW or BDn, a transfer on the bus."""
        if register == CSW:
            self.csw = value
        elif register == TAR:
            self.tar = value
        elif register == DRW or BD0 <= register < BD0 + 0x10:
            return False
        return True

    def transfer(self, register: int, value: int | None) -> int:
        """One bus access through DRW or BDn; `value` None reads. Raises BusFault, BusHang.

        Narrow data travel in the byte lanes that the address selects (C2.2.6). Low address bits that the size does not
        allow are ignored, as on an AHB.
        """
        banked = register != DRW
        size = 4 if banked else self.width
        address = (self.tar & ~0xF) | (register - BD0) if banked else self.tar & -size
        lane = 8 * (address & 3) if size < 4 else 0
        result = 0
        if value is None:
            result = int.from_bytes(self.memory.read(address, size, size), "little") << lane
        else:
            data = (value >> lane & ((1 << (8 * size)) - 1)).to_bytes(size, "little")
            self.memory.write(address, data, size)
        if not banked:
            self._increment(1)
        return result

    def _increment(self, accesses: int) -> None:
        if self.csw_bits & SINGLE_INCREMENT:
            self.tar = (self.tar & -PAGE) | ((self.tar + accesses * self.width) & (PAGE - 1))

    def straight(self) -> int:
        """How many accesses through DRW from here on go to consecutive words; 0 where that cannot be said."""
        if self.csw_bits & 0x37 != SINGLE_INCREMENT | 2 or self.tar & 3:
            return 0
        return (PAGE - (self.tar & (PAGE - 1))) // 4

    def read_straight(self, count: int) -> bytes:
        """`count` words through DRW, no more than `straight` says. Raises BusFault, BusHang, and TAR stays."""
        data = self.memory.read(self.tar, 4 * count, 4)
        self._increment(count)
        return data

    def write_straight(self, data: bytes) -> None:
        """Words through DRW, no more than `straight` says. Raises BusFault, BusHang, and TAR stays."""
        self.memory.write(self.tar, data, 4)
        self._increment(len(data) // 4)
