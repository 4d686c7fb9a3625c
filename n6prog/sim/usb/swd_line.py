"""SWCLK and SWDIO bit by bit: line reset, the switch from JTAG, packets, parity, turnaround (IHI 0031, B4 and B5).

Memory traffic does not come this way (a probe's transfer commands ask the debug port directly, `ready` tells them
whether it listens); raw sequences do, and they decide whether the port listens at all.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

from n6prog.sim.dap.dp import DebugPort
from n6prog.sim.dap.sw_dp import WDATAERR, Ack

RESET_ONES = 50
JTAG_TO_SWD, SWD_TO_JTAG = 0xE79E, 0xE73C  # sent least significant bit first, after a line reset
_DPIDR_READ = 0xA5
_ACK_BITS = {Ack.OK: 1, Ack.WAIT: 2, Ack.FAULT: 4}


class _State(Enum):
    JTAG = auto()  # after power-on: SWDIO is TMS
    RESET = auto()  # after a line reset: answers nothing but a read of DPIDR
    SWD = auto()
    LOST = auto()  # after a protocol error: silent until the next line reset


class SwdLine:
    """The target's end of the two wires.

    `before_access` is called before a packet reaches an access port, so that the chip can be brought up to date.
    """

    def __init__(self, dp: Callable[[], DebugPort], before_access: Callable[[], None]) -> None:
        self._dp = dp
        self._before_access = before_access
        self._state = _State.JTAG
        self._ones = 0
        self._history = 0
        self._counted = 0  # bits since a line reset ended, up to 16
        self._idle()

    def _idle(self) -> None:
        self._request = 0
        self._have = 0
        self._driven: list[int] = []  # what the target will put on the line, one bit a clock
        self._data = -1  # bits of write data still to come, with the bits that precede them; -1: none expected
        self._word = 0

    def ready(self, *, dpidr: bool) -> bool:
        """Whether a packet would be answered; it counts as sent. `dpidr`: it reads DPIDR."""
        if not self._dp().powered:
            self._state = _State.JTAG
        if self._state is _State.RESET:
            self._state = _State.SWD if dpidr else _State.LOST
        self._ones = self._counted = 0
        self._idle()
        return self._state is _State.SWD

    def send(self, bits: int, count: int) -> None:
        """`count` clocks with the host driving `bits`, least significant first."""
        for index in range(count):
            self._drive(bits >> index & 1)

    def receive(self, count: int) -> int:
        """`count` clocks with the host listening: what is on the line; 1 where nobody drives (pull-up)."""
        result = 0
        for index in range(count):
            result |= (self._driven.pop(0) if self._driven else self._undriven()) << index
        return result

    def _undriven(self) -> int:
        if self._data > 33:  # the turnaround before write data is a clock on which nobody drives
            self._data -= 1
        return 1

    def _drive(self, bit: int) -> None:
        if not self._dp().powered:
            self._state = _State.JTAG
        self._watch_for_reset(bit)
        if self._state not in (_State.SWD, _State.RESET):
            return
        if self._driven:
            self._driven.pop(0)  # host and target both drive: the host does not see it
            return
        if self._data > 0:
            self._take_data(bit)
        elif self._have or bit:
            self._request |= bit << self._have
            self._have += 1
            if self._have == 8:
                self._packet()

    def _watch_for_reset(self, bit: int) -> None:
        if bit:
            self._ones += 1
            if self._ones == RESET_ONES:
                if self._state is not _State.JTAG:
                    self._state = _State.RESET
                self._idle()
        elif self._ones >= RESET_ONES:
            self._ones, self._history, self._counted = 0, 0, 1
            self._idle()
            return
        else:
            self._ones = 0
        if self._ones >= RESET_ONES:
            self._idle()  # more ones than needed are no request
            self._counted = 0
        elif 0 < self._counted < 16:
            self._history |= bit << self._counted
            self._counted += 1
            if self._counted == 16:
                self._switch()

    def _switch(self) -> None:
        if self._history == JTAG_TO_SWD:
            self._state = _State.LOST  # selected, and the line reset that follows makes it answer
        elif self._history == SWD_TO_JTAG:
            self._state = _State.JTAG

    def _packet(self) -> None:
        request = self._request
        self._idle()
        parity = (request >> 1 & 0xF).bit_count() & 1
        if request & 0xC1 != 0x81 or request >> 5 & 1 != parity or not self.ready(dpidr=request == _DPIDR_READ):
            self._state = _State.LOST
            return
        if request & 4:
            ack, value = self._read(request)
            data = [value >> bit & 1 for bit in range(32)]
            parity = value.bit_count() & 1
            if ack is Ack.PARITY:
                ack, parity = Ack.OK, parity ^ 1
            self._answer(ack, [*data, parity, 1])
            return
        ack = self._blocked(request)
        self._answer(ack, [])
        if ack is Ack.OK:
            self._data, self._request = 34, request

    def _answer(self, ack: Ack, data: list[int]) -> None:
        if ack not in _ACK_BITS:
            self._state = _State.LOST
            return
        bits = _ACK_BITS[ack]
        self._driven = [1, *(bits >> bit & 1 for bit in range(3))]  # a turnaround first
        self._driven += data if ack is Ack.OK else [1]

    def _address(self, request: int) -> int:
        return (request >> 3 & 3) << 2

    def _blocked(self, request: int) -> Ack:
        """What the port answers before it knows how the access ends: accesses are posted."""
        dp = self._dp()
        return (dp.blocked(dp.ports.get(dp.select >> 24)) or Ack.OK) if request & 2 else Ack.OK

    def _read(self, request: int) -> tuple[Ack, int]:
        dp, address = self._dp(), self._address(request)
        if not request & 2:
            return dp.read_dp(address, dp.select & 0xF)
        ack = self._blocked(request)
        if ack is not Ack.OK:
            return ack, 0
        self._before_access()
        before = dp.rdbuff  # an AP read gives the value of the one before it
        ack, _ = dp.read_ap(dp.select >> 24, dp.select & 0xF0 | address)
        failed_now = ack is Ack.FAULT or (ack is Ack.WAIT and dp.outstanding)  # shows at the next transfer
        return Ack.OK if failed_now else ack, before

    def _take_data(self, bit: int) -> None:
        self._data -= 1
        if self._data == 33:
            return  # the turnaround
        self._word |= bit << (32 - self._data)
        if self._data:
            return
        request, word = self._request, self._word
        self._idle()
        value, dp, address = word & 0xFFFF_FFFF, self._dp(), self._address(request)
        if value.bit_count() & 1 != word >> 32:
            dp.sticky |= WDATAERR
        elif request & 2:
            self._before_access()
            dp.write_ap(dp.select >> 24, dp.select & 0xF0 | address, value)
        else:
            dp.write_dp(address, value, dp.select & 0xF)
