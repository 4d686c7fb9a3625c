"""The simulated board: chip, NOR, power and pins in one object, with virtual time.

with SimBoard("nucleo-n657x0-q") as board:
    board.write(0x3407_0000, code)
    result = board.call(0x3407_0001, 1, 2, sp=0x3407_8000, sanitise=True)
"""

from __future__ import annotations

import atexit
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

from n6prog.sim import board_faults
from n6prog.sim.bootrom import rom as bootrom
from n6prog.sim.bootrom.boot import BootRom
from n6prog.sim.calling import call
from n6prog.sim.clock import PS_PER_SECOND, STLINK_V3, Timeline, TimeModel
from n6prog.sim.console import Console
from n6prog.sim.core.registers import NAMES
from n6prog.sim.errors import SimAccess, SimError, SimTripwire
from n6prog.sim.fault_terms import Fault, as_faults
from n6prog.sim.machine import Machine, check_pin
from n6prog.sim.nor.parts import nor_facts
from n6prog.sim.soc.boards import board_facts
from n6prog.sim.soc.bus import BusFault, BusHang
from n6prog.sim.spec import FLOATS, SCHEDULES
from n6prog.sim.state import Folder, Memory

if TYPE_CHECKING:
    from n6prog.sim.probe import SimProbe


class SimBoard(Machine):
    """A simulated board; a context manager.

    Entering powers it and runs the boot ROM, unless its state folder holds a powered board.

    `rev` is the silicon, "B" or "Z" (None: as the state folder has it, else B); `boot1` the BOOT1 pin as set before
    power came on (None: as the state folder has it, else 1; another value than the folder's cycles the power); `part`
    another NOR than the board's own; `state` a folder, or None to keep nothing; `seed` shapes whatever is undefined on
    a real board. `faults` are terms as in `fault=`, text or Fault; their times and transfers count from here.
    `schedule`: "lazy" runs the core up to the probe's time when somebody looks; "eager" further each time, by another
    stretch of up to a millisecond, seeded: other meetings of core and probe, the same NOR where the host plays fair.
    `undriven` and `model` are for experiments, `host` is the probe's clock where there is one already.

    `uart_file` gets all that USART1 sends, added at its end.

    A board is entered once. Raises KeyError for an unknown board or part, ValueError for another bad argument; entering
    raises BoardBusy, OSError (the folder), ValueError (a NOR image of another size).
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
        faults: Sequence[Fault | str] = (),
        undriven: str = "last",
        schedule: str = "lazy",
        uart_file: str | Path | None = None,
        model: TimeModel = STLINK_V3,
        reason: str = "SimBoard",
        host: Timeline | None = None,
    ) -> None:
        if rev not in (None, *bootrom.REVISION_WORDS):
            raise ValueError(f"rev={rev!r}: B or Z")
        if boot1 is not None:
            check_pin(boot1)
        if isinstance(seed, bool) or not isinstance(seed, int):
            raise ValueError(f"seed={seed!r}: a whole number")
        if undriven not in FLOATS:
            raise ValueError(f"undriven={undriven!r}: {', '.join(FLOATS)}")
        if schedule not in SCHEDULES:
            raise ValueError(f"schedule={schedule!r}: {', '.join(SCHEDULES)}")
        facts = board_facts(board)
        super().__init__(
            facts,
            nor_facts(part or facts.part),
            seed=seed,
            faults=as_faults(faults),
            undriven=undriven,
            eager=schedule == "eager",
            model=model,
            host=host if host is not None else Timeline(),
        )
        self._rev, self._boot1 = rev, boot1
        self._reason = reason
        self._state = Path(state) if state is not None else None
        self._memory: Memory | None = None
        self._used = False
        self._reported = 0
        self._uart_file = Path(uart_file) if uart_file is not None else None
        self._uart_log: IO[bytes] | None = None

    def __enter__(self) -> SimBoard:
        if self._used:
            raise SimError("a SimBoard is entered once: make a new one, with state= where it should be the same board")
        memory = Folder(self._state, self.part.size) if self._state is not None else Memory(self.part.size)
        memory.begin(self._reason)
        self._used = True
        self._memory = memory
        try:
            if self._uart_file is not None:
                self._uart_log = self._uart_file.open("ab", buffering=0)
            self._start(memory)
            board_faults.arm(self, self.faults)
        except BaseException:
            self._close()
            raise
        atexit.register(self._forgotten)
        return self

    def _check_entered(self) -> None:
        if self._memory is None:
            raise SimError(
                "the board is over" if self._used else "the board is not entered: with SimBoard(...) as board"
            )

    def _start(self, memory: Memory) -> None:
        journal = memory.journal
        known: dict[str, Any] = journal or {}
        wanted = self._boot1
        self.boot1 = wanted if wanted is not None else int(known.get("boot1", 1))
        self.rev = self._rev or str(known.get("rev", "B"))
        self.host.now = int(known.get("time", 0))
        self._fit(memory)
        usable = journal is not None and not journal.get("in_use") and journal.get("part") == self.part.name
        memory.mark_running(self._identity())
        if not usable or known.get("rev") != self.rev:
            self.power_on()
            return
        try:
            self.restore(known)
        except (KeyError, TypeError):  # an incomplete journal is worth no more than one that is no JSON: a power cut
            self.core.engine.close()
            self.powered = False
            self._fit(memory)
            self.power_on()
            return
        if known.get("boot1") != self.boot1:
            self.power_cycle()  # pins as given are those that were set before power came on

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
        if self._uart_log is not None:
            self._uart_log.close()
        if memory is not None:
            memory.end()

    def _identity(self) -> dict[str, object]:
        return {"board": self.facts.name, "part": self.part.name, "rev": self.rev, "boot1": self.boot1}

    def _journal(self) -> dict[str, object]:
        return {**self._identity(), **self.snapshot()}

    def _fit(self, memory: Memory) -> None:
        self.build(memoryview(memory.nor), memoryview(memory.ram))
        if self._uart_log is not None:
            self.console.attach(self._uart_log)

    def power_on(self) -> None:
        """Give power and let the boot ROM run: 20 ms later AP1 is open (with BOOT1 = 1)."""
        self._check_entered()
        super().power_on()

    def power_off(self) -> None:
        """Take power away: what the NOR was doing is cut, everything volatile is gone."""
        self._check_entered()
        super().power_off()

    def _through_ap1(self, address: int) -> None:
        self._check_entered()
        self.catch_up()
        if not self.powered:
            raise SimAccess(address, "the board has no power")
        if not self.ap1_open():
            raise SimAccess(address, "AP1 is closed: the boot ROM has not opened it")
        if self.dp.ports[1].hung:
            raise SimAccess(address, "AP1 is dead: an access never ended; only a power cycle helps")

    def read(self, address: int, length: int) -> bytes:
        """`length` bytes at `address`. Costs no virtual time. Raises SimAccess."""
        self._through_ap1(address)
        with self._as_sim_access():
            return self._bus.read(address, length, 1 if (address | length) & 3 else 4)

    def write(self, address: int, data: bytes | bytearray | memoryview) -> None:
        """Write `data` at `address`. Costs no virtual time. Raises SimAccess."""
        self._through_ap1(address)
        with self._as_sim_access():
            self._bus.write(address, bytes(data), 1 if (address | len(data)) & 3 else 4)
        self.catch_up()

    @contextmanager
    def _as_sim_access(self) -> Iterator[None]:
        try:
            yield
        except BusFault as fault:
            raise SimAccess(fault.address, "bus error") from fault
        except BusHang as hang:
            self.dp.ports[1].hung = True
            raise SimAccess(hang.address, "the bus hangs: AP1 is dead until power is cycled") from hang

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
        self._check_entered()
        return call(self, entry, args, sp, sanitise=sanitise, max_instructions=max_instructions)

    @property
    def registers(self) -> dict[str, int]:
        """r0 to r12, sp, lr, pc, xpsr, msp, psp, msplim, psplim as they are now."""
        self._check_entered()
        return {name: self.core.registers.read(number) for name, number in NAMES.items()}

    @property
    def virtual_time(self) -> float:
        """Seconds since power first came on, on the probe's clock."""
        return self.host.now / PS_PER_SECOND

    @property
    def uart(self) -> bytes:
        """What USART1 and then LPUART1 have sent since the board object was made."""
        return bytes(self.soc.uart.sent + self.soc.lpuart.sent)

    @property
    def rom(self) -> BootRom:
        """The boot ROM; its `outcome` says how the last boot went, None while it is under way."""
        return self.starter.rom

    @property
    def console(self) -> Console:
        """The other end of USART1; that of LPUART1 is `consoles["LPUART1"]`."""
        return self.consoles[self.soc.uart.name]

    def violations(self) -> list[str]:
        """What the tripwire caught since this was last asked."""
        fresh = self.tripwire.violations[self._reported :]
        self._reported = len(self.tripwire.violations)
        return fresh

    def probe(self) -> SimProbe:
        """A pyOCD DebugProbe wired to this board; the board stays yours to close."""
        from n6prog.sim.probe import SimProbe

        return SimProbe.on_board(self)
