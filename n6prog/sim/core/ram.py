"""The RAMs: one buffer, seen at two aliases by the core, the probe and the host.

Sizes and places: CMSIS header stm32n657xx.h and Keil DFP (hw-soc section 3).
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from n6prog.sim.core.tcm import Ecc, EccFault, may_be_tcm

SECURE = 0x1000_0000


@dataclass(frozen=True, slots=True)
class RamRegion:
    """One RAM: its non-secure start (the secure one is 0x1000_0000 above), size in bytes, if RAMCFG switches it."""

    name: str
    start: int
    size: int
    switched: bool = False


REGIONS = (
    RamRegion("ITCM", 0x0000_0000, 0x1_0000),
    RamRegion("DTCM", 0x2000_0000, 0x2_0000),
    RamRegion("FLEXRAM", 0x2400_0000, 0x6_4000),
    RamRegion("AXISRAM1", 0x2406_4000, 0x9_C000),
    RamRegion("AXISRAM2", 0x2410_0000, 0x10_0000),
    RamRegion("AXISRAM3", 0x2420_0000, 0x7_0000, switched=True),
    RamRegion("AXISRAM4", 0x2427_0000, 0x7_0000, switched=True),
    RamRegion("AXISRAM5", 0x242E_0000, 0x7_0000, switched=True),
    RamRegion("AXISRAM6", 0x2435_0000, 0x7_0000, switched=True),
    RamRegion("AHBSRAM1", 0x2800_0000, 0x4000),
    RamRegion("AHBSRAM2", 0x2800_4000, 0x4000),
)
TOTAL = sum(region.size for region in REGIONS)
TCM = REGIONS[0].size + REGIONS[1].size  # they come first in the buffer


def _offsets() -> dict[str, int]:
    offset = 0
    result = {}
    for region in REGIONS:
        result[region.name] = offset
        offset += region.size
    return result


OFFSETS = _offsets()
_SPANS = sorted(
    [(region.start + alias, region) for region in REGIONS for alias in (0, SECURE)],
    key=lambda span: span[0],
)
_STARTS = [start for start, _ in _SPANS]


def locate(address: int) -> tuple[RamRegion, int, int] | None:
    """The RAM at `address` of either alias: region, offset in the whole buffer, bytes left in the region."""
    index = bisect_right(_STARTS, address) - 1
    if index < 0:
        return None
    start, region = _SPANS[index]
    within = address - start
    if within >= region.size:
        return None
    return region, OFFSETS[region.name] + within, region.size - within


class Ram:
    """The bytes of all RAMs.

    `data` is a writable buffer of TOTAL bytes (anonymous memory, or the state folder's file); `enabled(name)` says
    whether a switched RAM is powered.
    """

    def __init__(self, data: memoryview, enabled: Callable[[str], bool]) -> None:
        self.data = data
        self.enabled = enabled
        self.ecc = Ecc(TCM)

    def view(self, address: int, length: int) -> memoryview | None:
        """The `length` bytes at `address`, or None where that is not all powered RAM."""
        found = locate(address)
        if found is None:
            return None
        region, offset, left = found
        if region.switched and not self.enabled(region.name):
            return None
        while left < length:
            following = locate(address + left)
            if following is None or following[1] != offset + left:
                return None
            if following[0].switched and not self.enabled(following[0].name):
                return None
            left += following[2]
        return self.data[offset : offset + length]

    def check_read(self, address: int, length: int) -> None:
        """Raises EccFault where a read meets TCM that was never written. The range is RAM."""
        found = locate(address) if may_be_tcm(address) else None
        if found is not None:
            bad = self.ecc.unknown(found[1], length)
            if bad is not None:
                raise EccFault(address + bad - found[1])

    def check_write(self, address: int, length: int, width: int = 4) -> None:
        """The same for a write in accesses of `width` bytes, which makes whole words valid."""
        found = locate(address) if may_be_tcm(address) else None
        if found is not None:
            bad = self.ecc.write(found[1], length, width)
            if bad is not None:
                raise EccFault(address + bad - found[1])

    def power_on(self, seed: int) -> None:
        """What RAM holds after power came on: nothing to rely on, the same for the same seed."""
        noise = random.Random(f"ram:{seed}").randbytes(0x1000)  # noqa: S311  (noise, not a secret)
        repeats, rest = divmod(len(self.data), len(noise))
        self.data[:] = noise * repeats + noise[:rest]
        self.ecc.power_on()
