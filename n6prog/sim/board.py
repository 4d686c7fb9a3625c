"""The simulated board: chip, NOR, power and pins in one object, with virtual time.

with SimBoard("nucleo-n657x0-q") as board:
    board.write(0x3407_0000, code)
    result = board.call(0x3407_0001, 1, 2, sp=0x3407_8000, sanitise=True)
"""

from __future__ import annotations

import atexit
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from n6prog.sim.bootrom import rom as bootrom
from n6prog.sim.calling import call
from n6prog.sim.clock import PS_PER_SECOND, STLINK_V3, Timeline, TimeModel
from n6prog.sim.core.bus import HostBus
from n6prog.sim.core.core import Core
from n6prog.sim.core.ram import Ram
from n6prog.sim.core.registers import NAMES
from n6prog.sim.dap.ap0 import SystemBus
from n6prog.sim.dap.dp import DebugPort
from n6prog.sim.dap.mem_ap import DEVICE_EN, SDEVICE_EN, MemAp
from n6prog.sim.errors import SimAccess, SimTripwire
from n6prog.sim.nor.device import NorDevice
from n6prog.sim.nor.faults import NorFaults
from n6prog.sim.nor.parts import nor_facts
from n6prog.sim.soc.boards import board_facts
from n6prog.sim.soc.bus import BusFault, BusHang
from n6prog.sim.soc.soc import Soc
from n6prog.sim.spec import Fault
from n6prog.sim.state import Folder, Memory
from n6prog.sim.tripwire import Tripwire

if TYPE_CHECKING:
    from n6prog.sim.probe import SimProbe


def _nor_faults(faults: Sequence[Fault]) -> NorFaults:
    """The terms of `fault=` that happen inside the NOR."""
    result = NorFaults()
    for fault in faults:
        number = fault.argument or 0
        if fault.name in ("no-wel", "stuck-wip", "mute"):
            setattr(result, fault.name.replace("-", "_"), True)
        elif fault.name in ("drop-page", "flip-page"):
            setattr(result, fault.name.replace("-", "_"), number)
        elif fault.name == "fail-program":
            result.fail_program |= {number}
        elif fault.name == "fail-erase":
            result.fail_erase |= {number}
    return result


class SimBoard:
    """A simulated board; a context manager.

    Entering powers it and runs the boot ROM, unless its state folder holds a powered board.

    `rev` is the silicon, "B" or "Z"; `boot1` the BOOT1 pin (None: as the state folder has it); `part` another NOR than
    the board's own; `state` a folder, or None to keep nothing; `seed` shapes whatever is undefined on a real board.
    `faults`, `undriven` and `model` are for experiments, `host` is the probe's clock where there is one already.

    Raises KeyError for an unknown board or part, ValueError for another bad argument, BoardBusy on entering.
    """

    def __init__(
        self,
        board: str = "nucleo-n657x0-q",
        *,
        rev: str | None = None,
        boot1: int | None = 1,
        part: str | None = None,
        state: str | Path | None = None,
        seed: int = 0,
        faults: Sequence[Fault] = (),
        undriven: str = "last",
        model: TimeModel = STLINK_V3,
        reason: str = "SimBoard",
        host: Timeline | None = None,
    ) -> None:
        if rev not in (None, *bootrom.REVISION_WORDS):
            raise ValueError(f"rev={rev!r}: B or Z")
        if boot1 not in (None, 0, 1):
            raise ValueError(f"boot1={boot1!r}: 0 or 1")
        self.facts = board_facts(board)
        self.part = nor_facts(part or self.facts.part)
        self.model = model
        self.seed = seed
        self.host = host if host is not None else Timeline()
        self.powered = False
        self._rev, self._boot1 = rev, boot1
        self._reason = reason
        self._faults = tuple(faults)
        self._undriven = undriven
        self._state = Path(state) if state is not None else None
        self._memory: Memory | None = None
        self._reported = 0
        self._nrst = False
        self._opens_at: int | None = None  # when the boot ROM opens AP1

    def __enter__(self) -> SimBoard:
        memory = Folder(self._state, self.part.size) if self._state is not None else Memory(self.part.size)
        memory.begin(self._reason)
        self._memory = memory
        try:
            self._start(memory)
        except BaseException:
            self._close()
            raise
        atexit.register(self._forgotten)
        return self

    def _start(self, memory: Memory) -> None:
        journal = memory.journal
        known: dict[str, Any] = journal or {}
        wanted = self._boot1
        self.boot1 = wanted if wanted is not None else int(known.get("boot1", 1))
        self.rev = self._rev or str(known.get("rev", "B"))
        self.host.now = int(known.get("time", 0))
        self._build(memory)
        usable = journal is not None and not journal.get("in_use") and journal.get("part") == self.part.name
        memory.mark_running()
        if not usable or known.get("rev") != self.rev:
            self.power_on()
            return
        try:
            self._restore(known)
        except (KeyError, TypeError):  # an incomplete journal is worth no more than one that is no JSON: a power cut
            self.core.engine.close()
            self.powered = False
            self._build(memory)
            self.power_on()
            return
        if known.get("boot1") != self.boot1:
            self.power_cycle()  # pins as given are those that were set before power came on

    def _build(self, memory: Memory) -> None:
        self.tripwire = Tripwire()
        self.nor = NorDevice(
            self.part,
            memoryview(memory.nor),
            self.seed,
            tripwire=self.tripwire,
            undriven=self._undriven,
            faults=_nor_faults(self._faults),
        )
        self.nor.powered = False
        self.soc = Soc(self.facts, self.nor, self.tripwire, self.model)
        self.ram = Ram(memoryview(memory.ram), self.soc.ram_enabled)
        rom = bootrom.page(self.rev)
        self.core = Core(self.ram, rom, self.soc, self.host, self.model)
        self._bus = HostBus(self.ram, rom, self.core, self.soc)
        ap0 = MemAp(
            SystemBus(self.soc, self.host),
            idr=0x5477_0002,
            base=0x8000_0003,
            writable=0x8000_0000,
            fixed=0x8000_0000 | DEVICE_EN,
            words_only=True,
            is_open=lambda: True,
        )
        ap1 = MemAp(
            self._bus,
            idr=0x8477_0001,
            base=0xE00F_E003,
            writable=0x4F00_0000,
            fixed=0x8000_0000 | SDEVICE_EN | DEVICE_EN,
            words_only=False,
            is_open=self.ap1_open,
        )
        self.dp = DebugPort({0: ap0, 1: ap1})

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        memory = self._memory
        if memory is None:
            return
        atexit.unregister(self._forgotten)
        try:
            memory.save(self._journal())
        finally:
            self._close()
        if self.tripwire.violations and kind is None:
            raise SimTripwire(self.tripwire.violations)

    def _forgotten(self) -> None:
        """The process ends and nobody closed the board: that is a clean end all the same."""
        if self._memory is not None:
            self._memory.save(self._journal())
            self._close()

    def _close(self) -> None:
        memory, self._memory = self._memory, None
        if hasattr(self, "core"):
            self.core.engine.close()
        if memory is not None:
            memory.end()

    def _journal(self) -> dict[str, object]:
        if self.powered:
            self.catch_up()
        return {
            "board": self.facts.name,
            "part": self.part.name,
            "rev": self.rev,
            "boot1": self.boot1,
            "time": self.host.now,
            "powered": self.powered,
            "opens_at": self._opens_at,
            "core": self.core.snapshot(),
            "dap": self.dp.snapshot(),
            "soc": self.soc.snapshot(),
            "nor": self.nor.snapshot(),
        }

    def _restore(self, journal: dict[str, Any]) -> None:
        self.powered = self.dp.powered = bool(journal["powered"])
        self._opens_at = journal["opens_at"]
        self.soc.time = self.host
        self.soc.restore(journal["soc"])
        self.nor.restore(journal["nor"])
        self.core.restore(journal["core"])
        self.dp.restore(journal["dap"])

    def power_on(self) -> None:
        """Give power and let the boot ROM run: 20 ms later AP1 is open (with BOOT1 = 1)."""
        if self.powered:
            return
        self.powered = self.dp.powered = True
        self.dp.reset()
        self.ram.power_on(self.seed)
        self.soc.time = self.host
        self.soc.reset("power")
        self._boot(power=True)
        self.host.advance(self.model.boot_rom)
        self.catch_up()

    def power_off(self) -> None:
        """Take power away: what the NOR was doing is cut, everything volatile is gone."""
        if not self.powered:
            return
        self.catch_up()
        self.nor.power_off(self.host.now)
        self.powered = self.dp.powered = False
        self.core.held = True
        self._opens_at = None
        self.soc.dbgmcu.ap1_enabled = False

    def power_cycle(self, boot1: int | None = None) -> None:
        """Off and on again, with the BOOT1 pin set to `boot1` in between where given."""
        self.power_off()
        if boot1 is not None:
            self.boot1 = boot1
        self.power_on()

    def _boot(self, *, power: bool) -> None:
        """Reset is over: the core enters the boot ROM, which opens AP1 later, in development boot."""
        self.core.reset(power=power, now=self.host.now)
        scratch = self.ram.view(*bootrom.SCRATCH)
        assert scratch is not None
        scratch[:] = bytes(len(scratch))
        closed = any(fault.name == "ap1-closed" for fault in self._faults)
        self._opens_at = self.host.now + self.model.boot_rom if self.boot1 and not closed else None

    def system_reset(self) -> None:
        """SYSRESETREQ, or NRST let go: the chip starts anew, the NOR and the debugger's set-up do not notice."""
        self.core.reset_wanted = False
        self.soc.time = self.host
        self.soc.reset("system")
        self.soc.dbgmcu.ap1_enabled = False
        self._boot(power=False)

    def drive_reset(self, asserted: bool) -> None:
        """The NRST line as the probe drives it."""
        if asserted == self._nrst or not self.powered:
            return
        self._nrst = asserted
        if asserted:
            self.system_reset()
            self.core.held, self._opens_at = True, None
        else:
            self.system_reset()

    @property
    def voltage(self) -> float:
        """VDD_TARGET in volts."""
        return 3.29 if self.powered else 0.0

    def ap1_open(self) -> bool:
        """Whether the boot ROM has opened AP1 by now."""
        return self.powered and self._opens_at is not None and self.host.now >= self._opens_at

    def catch_up(self) -> None:
        """Run the chip until the probe's time."""
        if not self.powered:
            return
        self.core.run_to(self.host.now)
        while self.core.reset_wanted:
            self.system_reset()
            self.core.run_to(self.host.now)
        if self.ap1_open() and not self.soc.dbgmcu.ap1_enabled:
            self.soc.dbgmcu.ap1_enabled = True

    def _through_ap1(self, address: int) -> None:
        if not self.powered:
            raise SimAccess(address, "the board has no power")
        self.catch_up()
        if not self.ap1_open():
            raise SimAccess(address, "AP1 is closed: the boot ROM has not opened it")
        if self.dp.ports[1].hung:
            raise SimAccess(address, "AP1 is dead: an access never ended; only a power cycle helps")

    def read(self, address: int, length: int) -> bytes:
        """`length` bytes at `address`. Costs no virtual time. Raises SimAccess."""
        self._through_ap1(address)
        width = 4 if not (address | length) & 3 else 1
        try:
            return self._bus.read(address, length, width)
        except BusFault as fault:
            raise SimAccess(fault.address, "bus error") from fault
        except BusHang as hang:
            self.dp.ports[1].hung = True
            raise SimAccess(hang.address, "the bus hangs: AP1 is dead until power is cycled") from hang

    def write(self, address: int, data: bytes | bytearray | memoryview) -> None:
        """Write `data` at `address`. Costs no virtual time. Raises SimAccess."""
        self._through_ap1(address)
        width = 4 if not (address | len(data)) & 3 else 1
        try:
            self._bus.write(address, bytes(data), width)
        except BusFault as fault:
            raise SimAccess(fault.address, "bus error") from fault
        except BusHang as hang:
            self.dp.ports[1].hung = True
            raise SimAccess(hang.address, "the bus hangs: AP1 is dead until power is cycled") from hang
        self.catch_up()

    def call(
        self,
        entry: int,
        *args: int,
        sp: int | None = None,
        sanitise: bool = False,
        max_instructions: int = 100_000_000,
    ) -> int:
        """Run the function at `entry` with up to four arguments until it returns; gives r0.

        Sets PC, SP, LR, r0 to r3 and xPSR.T only; the stack limits stay as the boot ROM left them unless `sanitise`,
        which clears MSPLIM, PSPLIM, CONTROL, the MPU and masks interrupts. `sp` None is the top of AXISRAM2. The clock
        moves by what the code takes. Raises SimFault on a fault, a hanging bus, a breakpoint elsewhere, or when it runs
        too long (waiting counts for the instructions that would have fitted, one jump to an event for 10 ms at most).
        """
        return call(self, entry, args, sp, sanitise=sanitise, max_instructions=max_instructions)

    @property
    def registers(self) -> dict[str, int]:
        """r0 to r12, sp, lr, pc, xpsr, msp, psp, msplim, psplim as they are now."""
        return {name: self.core.registers.read(number) for name, number in NAMES.items()}

    @property
    def virtual_time(self) -> float:
        """Seconds since power first came on, on the probe's clock."""
        return self.host.now / PS_PER_SECOND

    @property
    def uart(self) -> bytes:
        """What USART1 and then LPUART1 have sent since the board object was made."""
        return bytes(self.soc.uart.sent + self.soc.lpuart.sent)

    def violations(self) -> list[str]:
        """What the tripwire caught since this was last asked."""
        fresh = self.tripwire.violations[self._reported :]
        self._reported = len(self.tripwire.violations)
        return fresh

    def probe(self) -> SimProbe:
        """A pyOCD DebugProbe wired to this board; the board stays yours to close."""
        from n6prog.sim.probe import SimProbe

        return SimProbe.on_board(self)
