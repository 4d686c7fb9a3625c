"""What the simulated boards are: the NOR fitted, the rail's voltage, the fuses. Kept apart from the tool's board files.

Sources: ST's board support packages; the HSLV fuses as CUBE's PWR_STANDBY README and F-889912 tell them (hw-soc 5).
"""

from __future__ import annotations

from dataclasses import dataclass

from n6prog.sim.soc.bsec import HSLV_VDDIO2, HSLV_VDDIO3, HSLV_WORD, PART_WORD, STM32N657


@dataclass(frozen=True, slots=True)
class BoardFacts:
    """One board. `rails_1v8`: rails fed with 1.8 V, for which choosing the 1.8 V pad range hurts nothing."""

    name: str
    part: str
    rails_1v8: frozenset[str]
    psram: int
    fuses: tuple[tuple[int, int], ...]
    # XSPIM port 2, the same on both boards: signal -> pin of port N, all AF9
    pins: tuple[tuple[str, int], ...] = (
        ("dqs", 0), ("ncs", 1), ("io0", 2), ("io1", 3), ("io2", 4), ("io3", 5), ("clk", 6),
        ("io4", 8), ("io5", 9), ("io6", 10), ("io7", 11),
    )  # fmt: skip
    function: int = 9
    # Flash boot: does the ROM of this open part open AP1 when it starts the image, or must the image do it by BSEC?
    # KOR read the gate on a NUCLEO and found it open, PLO's FSBL writes it (hw-soc 1.6). GUESS: the reading is right.
    flash_boot_opens_ap1: bool = True


# UID words are made up; word 9 is the part number
_COMMON = ((5, 0x0031_0024), (6, 0x3433_510B), (7, 0x3930_3832), (PART_WORD, STM32N657))

# ST's own code for both boards chooses the 1.8 V range for ports O, P and N
_RAILS = frozenset({"vddio2", "vddio3"})
NUCLEO = BoardFacts("nucleo-n657x0-q", "MX25UM51245G", _RAILS, 0, _COMMON)
DK = BoardFacts("stm32n6570-dk", "MX66UW1G45G", _RAILS, 32 << 20, (*_COMMON, (HSLV_WORD, HSLV_VDDIO2 | HSLV_VDDIO3)))

BOARDS = {board.name: board for board in (NUCLEO, DK)}


def board_facts(name: str) -> BoardFacts:
    """The board of that name. Raises KeyError with the names there are."""
    try:
        return BOARDS[name.lower()]
    except KeyError:
        raise KeyError(f"no simulated board {name!r}; there are {', '.join(sorted(BOARDS))}") from None
