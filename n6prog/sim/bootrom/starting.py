"""From reset to the first instruction: the boot ROM at work, where the core goes on, and since when AP1 is open."""

from __future__ import annotations

from n6prog.sim.bootrom import rom
from n6prog.sim.bootrom.boot import BootRom, Outcome, first_vectors
from n6prog.sim.clock import Timeline, TimeModel
from n6prog.sim.core.core import Core
from n6prog.sim.core.ppb import VTOR
from n6prog.sim.core.ram import Ram
from n6prog.sim.core.registers import MSP_S, MSPLIM_S, PSPLIM_S
from n6prog.sim.soc.power import INITSVTORCR
from n6prog.sim.soc.soc import Soc

_PC = 15
_FOREVER = 1 << 200


class Starter:
    """Starts the core after resets. With `rom_opens` false AP1 never notices that the ROM opens it.

    `opens_at` is when the ROM opens or opened AP1 by the pins, None while it does not.
    """

    def __init__(
        self, soc: Soc, ram: Ram, core: Core, host: Timeline, model: TimeModel, revision: str, *, rom_opens: bool
    ) -> None:
        self.opens_at: int | None = None
        self._soc = soc
        self._ram = ram
        self._core = core
        self._host = host
        self._rom_opens = rom_opens
        opens_in_flash_boot = soc.board.flash_boot_opens_ap1
        self.rom = BootRom(
            soc, ram, core.clock, model, revision, core.engine.written, opens_in_flash_boot=opens_in_flash_boot
        )

    def hold(self) -> None:
        """Reset begins, or power goes: nothing runs, AP1 is closed."""
        self.rom.stop()
        self._core.held = True
        self.opens_at = None
        self._soc.dbgmcu.ap1_enabled = False

    def reset_chip(self) -> None:
        """What every reset does but that of power: the chip anew, without the NOR and the debugger's set-up."""
        self._core.reset_wanted = False
        self.hold()
        self._soc.time = self._host
        self._soc.reset("system")

    def begin(self, boot0: int, boot1: int, *, power: bool = False) -> None:
        """Reset is over, by NRST or power: the core enters the boot ROM with these pins."""
        self._core.reset(power=power, now=self._host.now)
        syscfg = self._soc.syscfg
        syscfg.power_reset()
        self._enter_rom(boot0, boot1)

    def begin_again(self, boot0: int, boot1: int) -> None:
        """SYSRESETREQ is over: the core goes where SYSCFG was told, by default into the ROM (hw-soc 1.9 cause 2)."""
        self._core.reset(power=False, now=self._host.now)
        vectors = self._soc.syscfg.words[INITSVTORCR]
        if vectors == rom.BASE:
            self._enter_rom(boot0, boot1)
            return
        found = first_vectors(self._ram, self._soc, self._core.clock, vectors)
        self._core.held = found is None  # vectors from nowhere are waited for, for ever
        if found is not None:
            self.rom.start_direct(vectors, *found)
            self._hand_over(self.rom.outcome)

    def _enter_rom(self, boot0: int, boot1: int) -> None:
        self._soc.syscfg.boot0, self._soc.syscfg.boot1 = boot0, boot1
        self.rom.start(boot0, boot1, self._host.now)
        self._core.held = self.rom.busy
        self._hand_over(self.rom.outcome)

    def run_to(self, moment: int) -> None:
        """Let the ROM work until `moment` (picoseconds); where it is done the core may run."""
        if self.rom.busy and self.rom.run_to(moment):
            self._core.held = False
            self._hand_over(self.rom.outcome)

    def finish(self) -> None:
        """Let the ROM do ahead of time what it still has to do: nobody is there to see it."""
        self.run_to(_FOREVER)

    def _hand_over(self, outcome: Outcome | None) -> None:
        if outcome is None:
            return
        self.opens_at = outcome.opens_at
        self._tell_bsec()
        if outcome.entry is None:
            return
        self._core.ppb.write(VTOR, 4, outcome.vectors)
        write = self._core.registers.write
        for register, value in (
            (MSPLIM_S, outcome.limit), (PSPLIM_S, outcome.limit), (MSP_S, outcome.stack), (_PC, outcome.entry),
        ):  # fmt: skip
            write(register, value)

    def take_up(self, opens_at: int | None) -> None:
        """The chip was put into a state that another process left: AP1 is as this one's faults have it."""
        self.opens_at = opens_at
        self._tell_bsec()
        self._soc.dbgmcu.ap1_enabled = self.ap1_open()

    def _tell_bsec(self) -> None:
        self._soc.bsec.opened_by_rom = self.opens_at is not None and self._rom_opens

    def ap1_open(self) -> bool:
        """Whether AP1 is open by now: opened by the ROM, or where that does not, by a program through BSEC."""
        if self.opens_at is None or not self._rom_opens:
            return not self._core.held and self._soc.bsec.ap_unlocked
        return self._host.now >= self.opens_at
