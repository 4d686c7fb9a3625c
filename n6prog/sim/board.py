"""The simulated board: chip, NOR, power and pins in one object, with virtual time.

with SimBoard("nucleo-n657x0-q") as board:
    board.write(0x3407_0000, code)
    result = board.call(0x3407_0001, 1, 2, sp=0x3407_8000, sanitise=True)
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, TextIO, cast

from n6prog.sim import board_faults
from n6prog.sim.bootrom import rom as bootrom
from n6prog.sim.bootrom.boot import BootRom
from n6prog.sim.calling import call
from n6prog.sim.clock import PS_PER_SECOND, STLINK_V3, Timeline, TimeModel
from n6prog.sim.console import Console
from n6prog.sim.core.registers import NAMES
from n6prog.sim.errors import SimAccess, SimError, SimTripwire
from n6prog.sim.fault_terms import Fault, as_faults
from n6prog.sim.journal import UNUSABLE
from n6prog.sim.machine import Machine, check_pin
from n6prog.sim.nor.parts import nor_facts
from n6prog.sim.soc.boards import board_facts
from n6prog.sim.soc.bus import BusFault, BusHang
from n6prog.sim.spec import FLOATS, SCHEDULES
from n6prog.sim.state import Folder, Memory

if TYPE_CHECKING:
    from n6prog.sim.probe import SimProbe


_NOT_ENTERED = "the board is not entered: with SimBoard(...) as board"


class _NotYet(SimError, AttributeError):
    """An attribute that is there when the board is entered; `hasattr` says no."""


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
        for name, value in (("board", board), ("part", part)):
            if not isinstance(value, str) and not (name == "part" and value is None):
                raise ValueError(f"{name}={value!r}: a name")
        for name, place in (("state", state), ("uart_file", uart_file)):
            if place is not None and (place == "" or not isinstance(place, str | os.PathLike)):
                raise ValueError(f"{name}={place!r}: a path, or None")
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
            raise SimError("the board is over" if self._used else _NOT_ENTERED)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            """The chip and all that hangs on it are there once the board is entered."""
            if not name.startswith("_") and not self.__dict__.get("_used"):
                raise _NotYet(_NOT_ENTERED)
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    def _start(self, memory: Memory) -> None:
        left = memory.journal
        known = left.boot1 if left.boot1 is not None else 1
        self.boot1 = self._boot1 if self._boot1 is not None else known
        self.rev = self._rev or left.rev or "B"
        self.host.now = left.time
        self._fit(memory)
        memory.mark_running(self._identity())
        if left.state is None or left.part != self.part.name or left.rev != self.rev:
            self.power_on()
            return
        try:
            self.restore(left.state)
        except UNUSABLE:  # an incomplete journal is worth no more than one that is no JSON: a power cut
            self.core.engine.close()
            self.powered = False
            self._fit(memory)
            self.power_on()
            return
        if known != self.boot1:
            self.power_cycle()  # pins as given are those that were set before power came on

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        memory = self._memory
        if memory is None:
            return
        atexit.unregister(self._forgotten)
        self._end(memory)
        if self.tripwire.violations and kind is None:
            raise SimTripwire(self.tripwire.violations)

    def _forgotten(self) -> None:
        """The process ends and nobody closed the board: a clean end all the same, but the tripwire is not silent."""
        if self._memory is None:
            return
        try:
            self._end(self._memory)
        finally:
            if self.tripwire.violations:
                _end_badly(str(SimTripwire(self.tripwire.violations)))

    def _end(self, memory: Memory) -> None:
        """Keep the board and let it go."""
        try:
            memory.save(self._journal())
            if self.powered:
                self.soc.let_go(self.soc.time.now)  # after what is kept: the next run finds NCS low, the tripwire hears
        finally:
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

    def system_reset(self) -> None:
        """SYSRESETREQ: the chip starts anew, the NOR and the debugger's set-up do not notice."""
        self._check_entered()
        super().system_reset()

    def drive_reset(self, asserted: bool) -> None:
        """The NRST line as the probe drives it; a board that gets power meanwhile starts when the line is let go."""
        self._check_entered()
        super().drive_reset(asserted)

    def catch_up(self) -> None:
        """Run the chip until the probe's time."""
        self._check_entered()
        super().catch_up()

    @property
    def voltage(self) -> float:
        """VDD_TARGET in volts."""
        self._check_entered()
        return super().voltage

    def ap1_open(self) -> bool:
        """Whether AP1 is open by now."""
        self._check_entered()
        return super().ap1_open()

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
        self._check_entered()
        return self.host.now / PS_PER_SECOND

    @property
    def uart(self) -> bytes:
        """What USART1 and then LPUART1 have sent since the board object was made."""
        self._check_entered()
        return bytes(self.soc.uart.sent + self.soc.lpuart.sent)

    @property
    def rom(self) -> BootRom:
        """The boot ROM; its `outcome` says how the last boot went, None while it is under way."""
        self._check_entered()
        return self.starter.rom

    @property
    def console(self) -> Console:
        """The other end of USART1; that of LPUART1 is `consoles["LPUART1"]`."""
        self._check_entered()
        return self.consoles[self.soc.uart.name]

    def violations(self) -> list[str]:
        """What the tripwire caught since this was last asked."""
        self._check_entered()
        fresh = self.tripwire.violations[self._reported :]
        self._reported = len(self.tripwire.violations)
        return fresh

    def probe(self) -> SimProbe:
        """A pyOCD DebugProbe wired to this board; the board stays yours to close."""
        self._check_entered()
        from n6prog.sim.probe import SimProbe

        return SimProbe.on_board(self)


class _FailingFlush:
    """Standard error, whose last flush fails.

    A process whose exit handlers find something wrong cannot choose its exit status any more. But when the streams
    cannot be flushed at the very end it is 120 (`sys.exit` in the Python documentation), without another word.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def flush(self) -> None:
        self._stream.flush()
        raise OSError("the simulated board was not closed, and its tripwire went off")


def _end_badly(problem: str) -> None:
    """Say it on standard error, and let the process end with a status other than 0. Called by exit handlers."""
    stream = sys.stderr
    if stream is None:
        return
    stream.write(f"n6prog: a simulated board that nobody closed: {problem}\n")
    if not hasattr(sys, "last_type") and not isinstance(stream, _FailingFlush):  # an uncaught exception is a status
        stream.flush()
        sys.stderr = cast(TextIO, _FailingFlush(stream))
