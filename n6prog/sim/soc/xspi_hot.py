"""The registers that loaders read by the million: the usual case first, everything else as `Xspi.read` has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from n6prog.sim.soc.xspi_map import BUSY, FTF, READ

if TYPE_CHECKING:
    from n6prog.sim.soc.soc import Soc
    from n6prog.sim.soc.xspi import Xspi


def data_reader(xspi: Xspi, soc: Soc) -> Callable[[int, int], int]:
    """`read` for the address of DR: a word that is in the FIFO, with more behind it."""
    cost, source, slow = xspi.cost, xspi.input, xspi.read

    def read(address: int, size: int) -> int:
        first = source.popped
        if size == 4 and first + 4 < source.at_hand and not first & 3:
            soc.time.now += cost
            xspi.seen = -1
            source.popped = first + 4
            return source.words[first >> 2]
        return slow(address, size)

    return read


def status_reader(xspi: Xspi, soc: Soc) -> Callable[[int, int], int]:
    """`read` for the address of SR: between two bursts of a read, when the next burst is not the last."""
    cost, source, slow = xspi.cost, xspi.input, xspi.read

    def read(address: int, size: int) -> int:
        popped = source.popped
        wanted = popped + xspi.threshold
        if size != 4 or not popped or xspi.state != READ or wanted >= source.total or wanted > source.cap:
            return slow(address, size)
        time = soc.time
        time.now += cost
        if source.arrived(time.now) < wanted:
            time.advance_to(source.moment_of(wanted))
        count = source.arrived(time.now)
        if count == source.total:
            time.now -= cost
            return slow(address, size)
        value = xspi.flags | BUSY | FTF | (count - popped) << 8
        xspi.seen = value & 0x3F
        return value

    return read
