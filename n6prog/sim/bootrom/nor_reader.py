"""How the boot ROM reads the NOR: XSPI1, switched to port 2 by XSPIM, in 1-line SPI (hw-soc 2).

Registers only, as a program would: a NOR that does not listen to one line gives the ROM what floats on it. Controller
and switch are one ST employee's word; clock, opcode and the state of pins and rail afterwards are guesses.
"""

from __future__ import annotations

from n6prog.sim.clock import Timeline
from n6prog.sim.soc.soc import Soc

_RCC, _PWR_SVMCR3, _GPION, _XSPIM = 0x5602_8000, 0x5602_483C, 0x5602_3400, 0x5802_B400
_XSPI = 0x5802_5000
_CR, _DCR1, _DCR2, _SR, _FCR, _DLR, _AR, _DR, _CCR, _TCR, _IR = (
    _XSPI + offset for offset in (0x00, 0x08, 0x0C, 0x20, 0x24, 0x40, 0x48, 0x50, 0x100, 0x108, 0x110)
)
_TCF, _BUSY = 2, 0x20
_READ = 0x03  # with three address bytes: what every serial NOR takes

# Port N: NCS (1), IO0 (2), IO1 (3), CLK (6) as AF9, the other pins as reset leaves them
_BRING_UP = (
    (_RCC + 0xA5C, 1 << 13),  # GPION clock
    (_RCC + 0xA60, 1 << 13 | 1 << 5),  # XSPIM, XSPI1
    (_GPION + 0x20, 0x0900_9990),
    (_GPION + 0x00, 0xFFFF_EFAB),
    (_XSPIM, 2),  # MODE: swapped, XSPI1 drives port 2
    (_DCR1, 0x0019_0100),  # 64 MiB, NCS high for two clocks
    (_DCR2, 0),  # hclk5 undivided: 32 MHz
    (_CR, 0x0000_0301),
)
_VDDIO3SV = 1 << 9


class NorReader:
    """Reads over XSPI1; `clock` is the core's and moves by what the bus takes."""

    def __init__(self, soc: Soc, clock: Timeline) -> None:
        self._soc = soc
        self._clock = clock

    def bring_up(self) -> None:
        """Clocks, rail, pins, switch and controller, from reset."""
        self._soc.time = self._clock
        self._write(_PWR_SVMCR3, self._soc.read(_PWR_SVMCR3, 4) | _VDDIO3SV)
        for address, value in _BRING_UP:
            self._write(address, value)

    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes (a multiple of 4) from `offset`. Raises BusHang where the bus does."""
        self._soc.time = self._clock
        read = self._soc.read
        for address, value in (
            (_CR, 0x1000_0301), (_DLR, length - 1), (_TCR, 0), (_CCR, 0x0100_2101), (_IR, _READ), (_AR, offset),
        ):  # fmt: skip
            self._write(address, value)
        data = b"".join(read(_DR, 4).to_bytes(4, "little") for _ in range(length // 4))
        self._wait(_TCF, _TCF)
        self._write(_FCR, _TCF)
        self._wait(_BUSY, 0)
        return data

    def _wait(self, mask: int, value: int) -> None:
        while self._soc.read(_SR, 4) & mask != value:
            pass

    def _write(self, address: int, value: int) -> None:
        self._soc.write(address, 4, value)
