"""Chip, NOR, supply and pins with their two clocks: what a simulated board is, apart from how it is opened and kept."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from n6prog.sim import board_faults
from n6prog.sim.bootrom import rom as bootrom
from n6prog.sim.bootrom.starting import Starter
from n6prog.sim.clock import PS_PER_SECOND, Timeline, TimeModel
from n6prog.sim.console import Console
from n6prog.sim.core.bus import HostBus
from n6prog.sim.core.core import Core
from n6prog.sim.core.ram import Ram
from n6prog.sim.dap.ap0 import SystemBus
from n6prog.sim.dap.dp import DebugPort
from n6prog.sim.dap.ports import access_ports
from n6prog.sim.fault_terms import Fault
from n6prog.sim.faults import NEVER, LinkFaults
from n6prog.sim.nor.device import NorDevice
from n6prog.sim.nor.parts import NorFacts
from n6prog.sim.soc.boards import BoardFacts
from n6prog.sim.soc.bus import BusFault, BusHang
from n6prog.sim.soc.soc import Soc
from n6prog.sim.tripwire import Tripwire

XSPI2_WINDOW = 0x7000_0000  # hw-soc 3
EAGER_LEAD = PS_PER_SECOND // 1000  # longer than the probe takes from one access to the next


def check_pin(level: object) -> None:
    """Raises ValueError for what is no level of a pin."""
    if type(level) is not int or level not in (0, 1):
        raise ValueError(f"boot1={level!r}: 0 or 1")


class Machine:
    """The hardware of a board. `host` is the probe's clock, `core.clock` the core's; `faults` those it has."""

    rev: str
    boot1: int

    def __init__(
        self,
        facts: BoardFacts,
        part: NorFacts,
        *,
        seed: int,
        faults: Sequence[Fault],
        undriven: str,
        eager: bool,
        model: TimeModel,
        host: Timeline,
    ) -> None:
        self.facts = facts
        self.part = part
        self.seed = seed
        self.faults = tuple(faults)
        board_faults.check(self.faults, part)
        self.model = model
        self.host = host
        self.link_faults = LinkFaults(host, seed)
        self.agenda = board_faults.Agenda()
        self.powered = False
        self.boot0 = 0  # the other boot pin; with BOOT1 = 0 it chooses serial boot, from the next reset on
        self._undriven = undriven
        self._ahead = random.Random(f"{seed}:schedule") if eager else None  # noqa: S311
        self._nrst = False

    def build(self, nor_content: memoryview, ram_content: memoryview) -> None:
        """Put the chip together over these contents, without power."""
        self.tripwire = Tripwire()
        self.nor = NorDevice(
            board_faults.fitted_part(self.part, self.faults),
            nor_content,
            self.seed,
            tripwire=self.tripwire,
            undriven=self._undriven,
            faults=board_faults.nor_faults(self.faults),
        )
        self.nor.powered = False
        self.soc = Soc(self.facts, self.nor, self.tripwire, self.model)
        self.ram = Ram(ram_content, self.soc.ram_enabled)
        rom = bootrom.page(self.rev)
        self.core = Core(self.ram, rom, self.soc, self.host, self.model)
        self._bus = HostBus(self.ram, rom, self.core, self.soc)
        closed = any(fault.name == "ap1-closed" for fault in self.faults)
        self.starter = Starter(self.soc, self.ram, self.core, self.host, self.model, self.rev, rom_opens=not closed)
        self.consoles = {uart.name: Console(uart, self.host) for uart in (self.soc.uart, self.soc.lpuart)}
        ports = access_ports(SystemBus(self.soc, self.host), self._bus, self.ap1_open)
        self.dp = DebugPort(ports, self.link_faults)
        board_faults.fit(self.soc, self.faults)

    def power_on(self) -> None:
        """Give power and let the boot ROM run: 20 ms later AP1 is open (with BOOT1 = 1)."""
        if self.powered:
            return
        self.nor.dies_at = NEVER if self.nor.dies_at <= self.host.now else self.nor.dies_at
        self.powered = self.dp.powered = True
        self.dp.reset()
        self.ram.power_on(self.seed)
        self.soc.time = self.host
        self.soc.reset("power")
        if self._nrst:
            self._hold(power=True)
        else:
            self.starter.begin(self.boot0, self.boot1, power=True)
        self.host.advance(self.model.boot_rom)
        self.catch_up()

    def power_off(self) -> None:
        """Take power away: what the NOR was doing is cut, everything volatile is gone."""
        if not self.powered:
            return
        self._run_to(self.host.now)
        self.soc.let_go(self.host.now + 1)  # too late for the NOR to begin anything, but the tripwire hears of it
        self.nor.power_off(self.host.now)
        self.powered = self.dp.powered = False
        self.starter.hold()

    def power_cycle(self, boot1: int | None = None) -> None:
        """Off and on again, with the BOOT1 pin set to `boot1` in between where given. Raises ValueError."""
        if boot1 is not None:
            check_pin(boot1)
        self.power_off()
        if boot1 is not None:
            self.boot1 = boot1
        self.power_on()

    def system_reset(self) -> None:
        """SYSRESETREQ: the chip starts anew, the NOR and the debugger's set-up do not notice. Nothing without power."""
        if not self.powered:
            return
        self.starter.reset_chip()
        self.starter.begin_again(self.boot0, self.boot1)

    def drive_reset(self, asserted: bool) -> None:
        """The NRST line as the probe drives it; a board that gets power meanwhile starts when the line is let go."""
        if asserted == self._nrst:
            return
        self._nrst = asserted
        if not self.powered:
            return
        self.starter.reset_chip()
        if asserted:
            self._hold(power=False)
        else:
            self.starter.begin(self.boot0, self.boot1)

    def _hold(self, *, power: bool) -> None:
        """Keep the core in the reset that NRST asks for."""
        self.core.reset(power=power, now=self.host.now)
        self.starter.hold()

    def poke(self, address: int, data: bytes) -> None:
        """Bytes that somebody else writes, past the debug port; in the window of the NOR, into its content.

        Where nothing is there to hear it, nothing happens.
        """
        offset = address - XSPI2_WINDOW
        if 0 <= offset < self.part.size:
            end = min(offset + len(data), self.part.size)
            self.nor.content[offset:end] = data[: end - offset]
        elif self.powered:
            with suppress(BusFault, BusHang):
                self._bus.write(address, data, 4)

    @property
    def voltage(self) -> float:
        """VDD_TARGET in volts."""
        supply = next((fault.argument for fault in self.faults if fault.name == "voltage"), None)
        return (3.29 if supply is None else float(supply)) if self.powered else 0.0

    def ap1_open(self) -> bool:
        """Whether the boot ROM has opened AP1 by now, or, where it does not, a program through BSEC."""
        return self.powered and self.starter.ap1_open()

    def catch_up(self) -> None:
        """Run the chip until the probe's time; what the agenda holds for the way there happens in its moment."""
        now = self.host.now
        while self.agenda.next <= now:
            self._happen(now)
        if self.powered:
            lead = self._ahead.randrange(EAGER_LEAD) if self._ahead is not None else 0
            self._run_to(min(now + lead, self.agenda.next))

    def run_core(self, moment: int) -> None:
        """Run the core alone until its own clock reaches `moment` (picoseconds) or it stops; for `call`."""
        while self.powered and self.agenda.next <= moment:
            self.core.run_to(self.agenda.next)
            if self.core.clock.now < self.agenda.next:
                return
            self._happen(max(self.host.now, self.agenda.next))
        if self.powered:
            self.core.run_to(moment)

    def _happen(self, now: int) -> None:
        """The next entry of the agenda, with the chip and the probe's clock at its time; then the clock is `now`."""
        self.host.now = self.agenda.next
        if self.powered:
            self._run_to(self.host.now)
        self.agenda.do_next()
        self.host.now = now

    def _run_to(self, moment: int) -> None:
        self.starter.run_to(moment)
        self.core.run_to(moment)
        while self.core.reset_wanted:
            self.system_reset()
            self.starter.run_to(moment)
            self.core.run_to(moment)
        self.soc.settle(moment)
        if self.ap1_open() and not self.soc.dbgmcu.ap1_enabled:
            self.soc.dbgmcu.ap1_enabled = True

    def snapshot(self) -> dict[str, object]:
        """The volatile state, JSON-able; the probe's clock is caught up with."""
        if self.powered:
            self.catch_up()
        self.starter.finish()
        return {
            "time": self.host.now,
            "powered": self.powered,
            "boot0": self.boot0,
            "opens_at": self.starter.opens_at,
            "core": self.core.snapshot(),
            "dap": self.dp.snapshot(),
            "soc": self.soc.snapshot(),
            "nor": self.nor.snapshot(),
        }

    def restore(self, journal: dict[str, Any]) -> None:
        """Take back what `snapshot` gave. Raises one of `journal.UNUSABLE` for anything else."""
        self.powered = self.dp.powered = bool(journal["powered"])
        self.boot0 = int(bool(journal.get("boot0", 0)))
        self.soc.time = self.host
        self.soc.restore(journal["soc"])
        self.nor.restore(journal["nor"])
        self.core.restore(journal["core"])
        self.dp.restore(journal["dap"])
        self.starter.take_up(journal["opens_at"])
