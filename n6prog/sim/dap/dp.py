"""The debug port: SW-DP of ADIv5, DPv2 (IHI 0031, B2), with two access ports behind it."""

from __future__ import annotations

from enum import Enum

from n6prog.sim.dap.mem_ap import DRW, MemAp
from n6prog.sim.soc.bus import BusFault, BusHang

DPIDR = 0x6BA0_2477  # hw-soc 1.1
TARGETID = 0x0486_0041  # pattern of other ST parts: a guess
STICKYORUN, STICKYCMP, STICKYERR, WDATAERR = 1 << 1, 1 << 4, 1 << 5, 1 << 7
READOK = 1 << 6
_STICKY = STICKYORUN | STICKYCMP | STICKYERR | WDATAERR
_REQUESTS, _WRITABLE = 0x5000_0000, 0x5000_0F2D


class Ack(Enum):
    """What the wire answered."""

    OK = "ok"
    WAIT = "wait"
    FAULT = "fault"
    NONE = "no answer"


class DebugPort:
    """DP registers and transfers to the access ports. `powered` False: nothing answers."""

    def __init__(self, ports: dict[int, MemAp]) -> None:
        self.ports = ports
        self.powered = False
        self.reset()

    def reset(self) -> None:
        """Power-on values."""
        self.ctrl = 0
        self.sticky = 0
        self.select = 0
        self.rdbuff = 0
        for port in self.ports.values():
            port.reset()

    @property
    def ctrl_stat(self) -> int:
        """CTRL/STAT: every power-up request is acknowledged at once."""
        return self.ctrl | (self.ctrl & _REQUESTS) << 1 | self.sticky

    def read_dp(self, register: int, bank: int) -> tuple[Ack, int]:
        """A DP register: 0 DPIDR, 4 CTRL/STAT and its banks, 8 RESEND, 0xC RDBUFF."""
        if not self.powered:
            return Ack.NONE, 0
        if register == 0:
            return Ack.OK, DPIDR
        if register == 4:
            banked = {0: self.ctrl_stat, 1: 0x40, 2: TARGETID, 3: 0x1, 4: 0}  # DLCR turnaround, DLPIDR: SWD v2
            return Ack.OK, banked.get(bank, 0)
        return Ack.OK, self.rdbuff

    def write_dp(self, register: int, value: int, bank: int) -> Ack:
        """0 ABORT, 4 CTRL/STAT, 8 SELECT."""
        if not self.powered:
            return Ack.NONE
        if register == 0:
            for flag, bit in ((STICKYCMP, 2), (STICKYERR, 4), (WDATAERR, 8), (STICKYORUN, 16)):
                if value & bit:
                    self.sticky &= ~flag
        elif register == 4 and bank == 0:
            self.ctrl = value & _WRITABLE
        elif register == 8:
            self.select = value
        return Ack.OK

    def _blocked(self, port: MemAp | None) -> Ack | None:
        if not self.powered:
            return Ack.NONE
        if self.sticky & (STICKYERR | STICKYORUN | WDATAERR | STICKYCMP) or not self.ctrl & 0x4000_0000:
            return Ack.FAULT
        if port is not None and port.hung:
            return Ack.WAIT
        return None

    def read_ap(self, index: int, register: int) -> tuple[Ack, int]:
        """An AP register. Ports that do not exist read 0 without a fault."""
        port = self.ports.get(index)
        blocked = self._blocked(port)
        if blocked is not None:
            return blocked, 0
        if port is None:
            return Ack.OK, 0
        value = port.read(register)
        if value is None:
            ack, value = self._transfer(port, register, None)
            if ack is not Ack.OK:
                return ack, 0
        self.sticky |= READOK
        self.rdbuff = value
        return Ack.OK, value

    def write_ap(self, index: int, register: int, value: int) -> Ack:
        """An AP register."""
        port = self.ports.get(index)
        blocked = self._blocked(port)
        if blocked is not None:
            return blocked
        if port is None or port.write(register, value):
            return Ack.OK
        return self._transfer(port, register, value)[0]

    def _transfer(self, port: MemAp, register: int, value: int | None) -> tuple[Ack, int]:
        if not port.is_open():
            self.sticky |= STICKYERR
            return Ack.FAULT, 0
        try:
            return Ack.OK, port.transfer(register, value)
        except BusFault:
            self.sticky |= STICKYERR
            return Ack.FAULT, 0
        except BusHang:
            port.hung = True
            return Ack.WAIT, 0

    def read_block(self, index: int, address: int, length: int, width: int) -> tuple[Ack, bytes, int]:
        """`length` bytes through DRW with auto-increment: answer, data, failing address."""
        port, ack = self._block_port(index, address)
        if port is None:
            return ack, bytes(length), address
        try:
            return Ack.OK, port.memory.read(address, length, width), 0
        except BusFault as fault:
            self.sticky |= STICKYERR
            return Ack.FAULT, bytes(length), fault.address
        except BusHang as hang:
            port.hung = True
            return Ack.WAIT, bytes(length), hang.address

    def write_block(self, index: int, address: int, data: bytes, width: int) -> tuple[Ack, int]:
        """Bytes through DRW with auto-increment: answer, failing address."""
        port, ack = self._block_port(index, address)
        if port is None:
            return ack, address
        try:
            port.memory.write(address, data, width)
        except BusFault as fault:
            self.sticky |= STICKYERR
            return Ack.FAULT, fault.address
        except BusHang as hang:
            port.hung = True
            return Ack.WAIT, hang.address
        return Ack.OK, 0

    def _block_port(self, index: int, address: int) -> tuple[MemAp | None, Ack]:
        port = self.ports.get(index)
        blocked = self._blocked(port)
        if blocked is not None:
            return None, blocked
        if port is None or not port.is_open():
            self.sticky |= STICKYERR
            return None, Ack.FAULT
        port.tar = address
        return port, Ack.OK

    def snapshot(self) -> dict[str, object]:
        """The state, JSON-able."""
        return {
            "dp": [self.ctrl, self.sticky, self.select, self.rdbuff],
            "ports": {str(index): [port.csw_bits, port.tar, port.hung] for index, port in self.ports.items()},
        }

    def restore(self, state: dict[str, object]) -> None:
        """Take back what `snapshot` gave."""
        dp, ports = state["dp"], state["ports"]
        assert isinstance(dp, list)
        assert isinstance(ports, dict)
        self.ctrl, self.sticky, self.select, self.rdbuff = dp
        for index, values in ports.items():
            port = self.ports[int(index)]
            port.csw_bits, port.tar, port.hung = values


__all__ = ["DRW", "Ack", "DebugPort"]
