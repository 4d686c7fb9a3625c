"""The target's side of SW-DP: registers and sticky flags of ADIv5, DPv2 (IHI 0031, B2 and B4), with its access ports.

DPIDR.MIN is 0, so pushed operations and the transaction counter are there.
"""

from __future__ import annotations

from enum import Enum

from n6prog.sim.dap.mem_ap import MemAp
from n6prog.sim.soc.bus import BusFault, BusHang

DPIDR = 0x6BA0_2477  # hw-soc 1.1
TARGETID = 0x0486_0041  # pattern of other ST parts: a guess
ORUNDETECT = 1 << 0
STICKYORUN, STICKYCMP, STICKYERR, WDATAERR = 1 << 1, 1 << 4, 1 << 5, 1 << 7
READOK = 1 << 6
STICKY = STICKYORUN | STICKYCMP | STICKYERR | WDATAERR
_CDBGPWRUPREQ = 1 << 28
_REQUESTS = 0x5000_0000
_WRITABLE = _REQUESTS | 0x00FF_FF0D  # the power requests, TRNCNT, MASKLANE, TRNMODE, ORUNDETECT (B2.2.2)
_TRNCNT = 0x00FF_F000
_CLEARS = ((STICKYCMP, 1 << 1), (STICKYERR, 1 << 2), (WDATAERR, 1 << 3), (STICKYORUN, 1 << 4))  # ABORT
_DAPABORT = 1 << 0
_TURNROUND = 0x300


class Ack(Enum):
    """What the probe sees of a transfer. PARITY: a read came with ACK OK, and its data with a wrong parity."""

    OK = "ok"
    WAIT = "wait"
    FAULT = "fault"
    NONE = "no answer"
    PARITY = "parity error"


class SwDp:
    """DP registers and accesses to the ports, without anything that can happen on the way. `powered` False: silence.

    Fault (B4.2.4): with a sticky flag set, only reads of DPIDR and CTRL/STAT and writes of ABORT are answered OK.
    Wait (B4.2.3): while a bus access does not end, every AP access and a read of RDBUFF; ABORT.DAPABORT ends that.
    """

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
        self.dlcr = 0
        self.outstanding = False  # an access that never ended occupies the DP
        self._resend = 0
        for port in self.ports.values():
            port.reset()

    @property
    def ctrl_stat(self) -> int:
        """CTRL/STAT: every power-up request is acknowledged at once."""
        return self.ctrl | (self.ctrl & _REQUESTS) << 1 | self.sticky

    def _refused(self, ack: Ack) -> Ack:
        """With overrun detection on, WAIT and FAULT set STICKYORUN (B4.2.5)."""
        if self.ctrl & ORUNDETECT and ack in (Ack.WAIT, Ack.FAULT):
            self.sticky |= STICKYORUN
        return ack

    def read_dp(self, register: int, bank: int) -> tuple[Ack, int]:
        """A DP register: 0 DPIDR, 4 CTRL/STAT and its banks, 8 RESEND, 0xC RDBUFF."""
        if not self.powered:
            return Ack.NONE, 0
        if register == 0:
            return Ack.OK, DPIDR
        if register == 4:
            banked = {0: self.ctrl_stat, 1: 0x40 | self.dlcr, 2: TARGETID, 3: 0x1, 4: 0}  # DLPIDR: SWD v2
            return Ack.OK, banked.get(bank, 0)
        if self.sticky & STICKY:
            return self._refused(Ack.FAULT), 0
        if register == 8:
            return Ack.OK, self._resend
        if self.outstanding:
            return self._refused(Ack.WAIT), 0
        self.sticky |= READOK
        self._resend = self.rdbuff
        return Ack.OK, self.rdbuff

    def write_dp(self, register: int, value: int, bank: int) -> Ack:
        """0 ABORT, 4 CTRL/STAT or DLCR, 8 SELECT; 0xC TARGETSEL, which one target alone does not need."""
        if not self.powered:
            return Ack.NONE
        if register == 0:
            for flag, bit in _CLEARS:
                if value & bit:
                    self.sticky &= ~flag
            if value & _DAPABORT:
                self.outstanding = False
            return Ack.OK
        if self.sticky & STICKY:
            return self._refused(Ack.FAULT)
        if register == 4 and bank == 0:
            self.ctrl = value & _WRITABLE
        elif register == 4 and bank == 1:
            self.dlcr = value & _TURNROUND
        elif register == 8:
            self.select = value
        return Ack.OK

    def blocked(self, port: MemAp | None) -> Ack | None:
        """The answer of an AP access that is not let through; None where it is."""
        if not self.powered:
            return Ack.NONE
        if self.sticky & STICKY:
            return self._refused(Ack.FAULT)
        if not self.ctrl & _CDBGPWRUPREQ:  # the debug domain sleeps (B2.4)
            self.sticky |= STICKYERR
            return self._refused(Ack.FAULT)
        if self.outstanding or (port is not None and port.hung):
            self.outstanding = True
            return self._refused(Ack.WAIT)
        return None

    def read_ap(self, index: int, register: int) -> tuple[Ack, int]:
        """An AP register, its posted value fetched at once. Ports that do not exist read 0 without a fault."""
        port = self.ports.get(index)
        self.sticky &= ~READOK
        ack, value = self.blocked(port), 0
        if ack is not None:
            return ack, 0
        if port is not None:
            held = port.read(register)
            ack, value = (Ack.OK, held) if held is not None else self._access(port, register, None)
            if ack is not Ack.OK:
                return ack, 0
        self.keep(value)
        return Ack.OK, value

    def keep(self, value: int) -> None:
        """The value of an AP read came through."""
        self.sticky |= READOK
        self.rdbuff = self._resend = value

    def write_ap(self, index: int, register: int, value: int) -> Ack:
        """An AP register. A write to the bus may be a pushed operation (TRNMODE), or many (TRNCNT)."""
        port = self.ports.get(index)
        self.sticky &= ~READOK
        ack = self.blocked(port)
        if ack is not None:
            return ack
        if port is None or port.write(register, value):
            return Ack.OK
        count = (self.ctrl & _TRNCNT) >> 12
        self.ctrl &= ~_TRNCNT
        for _ in range(count + 1):
            ack = self._push(port, register, value)
            if ack is not Ack.OK or self.sticky & STICKY:
                break
        return ack or Ack.OK

    def _push(self, port: MemAp, register: int, value: int) -> Ack:
        mode = self.ctrl >> 2 & 3
        if mode not in (1, 2):
            return self._access(port, register, value)[0]
        ack, found = self._access(port, register, None)
        lanes = sum(0xFF << 8 * lane for lane in range(4) if self.ctrl >> 8 + lane & 1)
        equal = not (found ^ value) & lanes
        if ack is Ack.OK and equal == (mode == 2):  # 1 verifies: a difference is news; 2 looks for a match
            self.sticky |= STICKYCMP
        return ack

    def _access(self, port: MemAp, register: int, value: int | None) -> tuple[Ack, int]:
        if not port.is_open():
            self.failed()
            return Ack.FAULT, 0
        try:
            return Ack.OK, port.transfer(register, value)
        except BusFault:
            self.failed()
            return Ack.FAULT, 0
        except BusHang:
            return self.stuck(port), 0

    def failed(self) -> None:
        """A bus access ended with an error."""
        self.sticky |= STICKYERR

    def stuck(self, port: MemAp) -> Ack:
        """A bus access that never ends: only power helps the port, DAPABORT the others."""
        port.hung = self.outstanding = True
        return self._refused(Ack.WAIT)

    def overrun(self) -> None:
        """A transfer came while the port was not ready."""
        self._refused(Ack.WAIT)

    def snapshot(self) -> dict[str, object]:
        """The state, JSON-able."""
        return {
            "dp": [self.ctrl, self.sticky, self.select, self.rdbuff, self.dlcr, self.outstanding],
            "ports": {str(index): [port.csw_bits, port.tar, port.hung] for index, port in self.ports.items()},
        }

    def restore(self, state: dict[str, object]) -> None:
        """Take back what `snapshot` gave. Raises KeyError, TypeError for anything else."""
        dp, ports = state["dp"], state["ports"]
        if not isinstance(dp, list) or len(dp) != 6 or not isinstance(ports, dict):
            raise TypeError(f"no state of a debug port: {state}")
        self.ctrl, self.sticky, self.select, self.rdbuff, self.dlcr, self.outstanding = dp
        self._resend = self.rdbuff
        for index, values in ports.items():
            port = self.ports[int(index)]
            port.csw_bits, port.tar, port.hung = values
