"""Blocks of which programs want no more than that they answer."""

from __future__ import annotations

from collections.abc import Mapping

from n6prog.sim.soc.block import Block

_UART_ISR, _UART_TDR = 0x1C, 0x28
_TXE_TC = 0xC0


class Uart(Block):
    """A transmitter that is always ready; what was sent stands in `sent`."""

    def __init__(self, name: str, base: int) -> None:
        super().__init__(name, base)
        self.sent = bytearray()

    def load(self, offset: int) -> int:
        """Read."""
        return _TXE_TC | 0x0060_0000 if offset == _UART_ISR else super().load(offset)

    def store(self, offset: int, value: int) -> None:
        """Write."""
        if offset == _UART_TDR:
            self.sent.append(value & 0xFF)
        elif offset != _UART_ISR:
            super().store(offset, value)


class Rifsc(Block):
    """Resource isolation: open, as after reset."""

    RESET: Mapping[int, int] = {0xC00: 0x0000_0710}  # RIMC_CR: DAPCID 7


class Watchdog(Block):
    """IWDG or WWDG: takes its key writes and never bites."""

    RESET: Mapping[int, int] = {0x08: 0x0000_0FFF}
