"""What files for this chip start with: vector tables of programs by the place they are linked for."""

from __future__ import annotations

from tests.helpers.elfmaker import Section
from tests.helpers.stm2maker import vectors

NUCLEO = ("--board", "nucleo-n657x0-q")
DK = ("--board", "stm32n6570-dk")
XIP = Section(".isr_vector", 0x70100400, vectors(0x34008000, 0x70100501, 256))
FSBL = vectors(0x34200000, 0x34180501, 256)
APP = vectors(0x34100000, 0x34000501, 256)
