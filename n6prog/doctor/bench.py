"""What the checks read from: the board's profile, the link where there is one, and who owns the core."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from n6prog.errors import N6ProgError
from n6prog.link import Link, ProbeInfo
from n6prog.targets import chip
from n6prog.targets.schema import BoardProfile, NorPart, load_part

if TYPE_CHECKING:
    from n6prog.doctor.nor_reading import NorReading
    from n6prog.doctor.types import Check

ATTACH = "attach"
VTOR = 0xE000_ED08  # Armv8-M
S_HALT, S_SLEEP, S_LOCKUP = 1 << 17, 1 << 18, 1 << 19  # DHCSR
_ROM_NONSECURE = chip.BOOT_ROM - chip.SECURE_ALIAS


@dataclass
class Bench:
    """One examination.

    `probe` is what `--probe` said, `connect` the mode the link was opened in. `link` is None where connecting failed;
    `failure` says why then. `auto_clock`: no SWD clock was asked for, so that others than the granted one may be tried.
    """

    probe: str | None
    board: BoardProfile
    connect: str
    link: Link | None = None
    failure: N6ProgError | None = None
    auto_clock: bool = True
    nor: NorReading | Check | None = None
    boot1: int | None = None
    _words: dict[int, int] = field(default_factory=dict)

    @property
    def part(self) -> NorPart:
        """The NOR that the profile names."""
        return load_part(self.board.part)

    @property
    def why_not(self) -> str:
        """Why nothing behind the probe can be read."""
        return f"no connection to the chip ({self.failure.code})" if self.failure else "no connection to the chip"

    @property
    def seen(self) -> ProbeInfo | None:
        """The probe, also where connecting to the chip failed; None where not even the probe could be opened."""
        if self.link is not None:
            return self.link.probe_info()
        if self.failure is None:
            return None
        first = self.failure.findings[0]
        voltage, firmware = first.evidence.get("voltage"), first.evidence.get("firmware")
        if voltage is None and firmware is None:
            return None
        name, _, uid = first.subject.rpartition(" ")
        volts = float(str(voltage).split()[0]) if voltage and voltage != "unknown" else None
        return ProbeInfo(uid, name, str(firmware or ""), volts)

    @property
    def live(self) -> Link:
        """The link. Only for checks that run while there is one."""
        assert self.link is not None
        return self.link

    def once(self, address: int) -> int:
        """A word that does not change while we look, read once."""
        if address not in self._words:
            self._words[address] = self.live.read32(address)
        return self._words[address]

    @property
    def is_halted(self) -> bool:
        """Whether the core stands still now."""
        return bool(self.live.read32(chip.DHCSR) & S_HALT)

    @property
    def rom_owns_core(self) -> bool:
        """Whether the vector table is the boot ROM's: no program has taken over. Readable while the core runs."""
        vectors = self.once(VTOR)
        return any(base <= vectors < base + chip.BOOT_ROM_SIZE for base in (chip.BOOT_ROM, _ROM_NONSECURE))

    @property
    def may_borrow(self) -> bool:
        """Whether registers that a program may be using can be changed for a moment: nothing runs that would notice.

        The boot ROM's waiting loop uses no peripheral; a program does unless its core is halted.
        """
        return self.rom_owns_core or self.is_halted
