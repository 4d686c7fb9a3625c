"""The shortest clock of each command: above that frequency the data are wrong (hw-flash 4.3, Verilog model)."""

from __future__ import annotations

from n6prog.sim.nor.commands import BY_DC, Command

# picoseconds of one clock
SPI_CLOCK = 7_500  # 133 MHz
SPI_READ_CLOCK = 15_200  # 66 MHz, for 03h and 13h
OPI_CLOCK = 5_000  # 200 MHz
SLOWEST = 15_200  # every read keeps up with this
# below these the part does not understand what is sent (GUESS: it hears nothing)
SHORTEST = {"1S": SPI_CLOCK, "8S": OPI_CLOCK, "8D": OPI_CLOCK}
# reads behind the dummies of CR2 300h, by its code: 200, 166, 166, 133, 104, 104, 84, 66 MHz
BY_CODE = (5_000, 6_000, 6_000, 7_500, 9_600, 9_600, 11_900, 15_100)


def shortest_clock(command: Command, mode: str, code: int) -> int:
    """Picoseconds; `code` is CR2 300h."""
    if mode == "1S":
        return SPI_READ_CLOCK if command.name in ("READ3B", "READ4B") else SPI_CLOCK
    return BY_CODE[code] if command.opi_dummy == BY_DC else OPI_CLOCK
