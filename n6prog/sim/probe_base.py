"""What every simulated probe has, whichever driver of pyOCD stands above it: a board, its state folder, its time."""

# mypy: allow-subclassing-any
# pyOCD has no type information.

from __future__ import annotations

import errno
import re
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import usb.core
from pyocd.board.board import Board
from pyocd.board.board_ids import BoardInfo
from pyocd.core import exceptions
from pyocd.probe.debug_probe import DebugProbe

from n6prog.sim.clock import Timeline, TimeModel, VirtualClock
from n6prog.sim.errors import BoardBusy, NotServed, ServedBusy, SimTripwire
from n6prog.sim.named import board_of, folder_of, probe_name
from n6prog.sim.nor.parts import nor_facts
from n6prog.sim.served import ServedBoard
from n6prog.sim.soc.boards import board_facts
from n6prog.sim.spec import SimSpec

if TYPE_CHECKING:
    from n6prog.sim.board import SimBoard
    from n6prog.sim.tripwire import Tripwire

WITHOUT_UNICORN = 'the simulated board needs Unicorn: pip install "n6prog[sim]"'
_TITLES = {"nucleo-n657x0-q": "NUCLEO-N657X0-Q (simulated)", "stm32n6570-dk": "STM32N6570-DK (simulated)"}


class ProbeBusy(exceptions.ProbeError):
    """Somebody else has the board; `holder` has pid, command, user, host, since and reason, or is a text."""

    def __init__(self, busy: BoardBusy | ServedBusy) -> None:
        super().__init__(str(busy))
        self.holder: dict[str, object] | str = busy.holder


class ProbeNotServed(exceptions.ProbeError):
    """No board is served where `connect=` says; `address` and `reason`."""

    def __init__(self, problem: NotServed) -> None:
        super().__init__(str(problem))
        self.address = problem.address
        self.reason = problem.reason


class ProbeState(exceptions.ProbeError):
    """The board's state folder cannot be used; `folder` and `reason` say which and why."""

    def __init__(self, folder: str, reason: str) -> None:
        super().__init__(f"the simulated board's folder {folder} cannot be used: {reason}")
        self.folder = folder
        self.reason = reason


class AnotherBoard(exceptions.ProbeError):
    """The board that is served is not the one that was named; `spec` is what was asked for, `reason` why not."""

    def __init__(self, spec: str, reason: str) -> None:
        super().__init__(reason)
        self.spec = spec
        self.reason = reason


class StateNotKept(OSError):
    """The journal cannot be written at the end. No pyOCD error: pyOCD's Session.close drops those."""

    def __init__(self, folder: str, reason: str) -> None:
        super().__init__(f"the simulated board's folder {folder} cannot be used: {reason}")
        self.folder = folder
        self.reason = reason


class ProbeTripwire(SimTripwire, exceptions.ProbeError):
    """What would have hurt a real board, as a probe error: no flow mistakes it for a refused transfer."""


class Personality(Protocol):
    """A simulated USB device."""

    is_open: bool

    @property
    def clock_hz(self) -> int:
        """The SWD clock in force."""
        ...


def _why(problem: Exception) -> str:
    """What went wrong, with the file where the system names one."""
    if isinstance(problem, OSError) and problem.strerror:
        return f"{problem.filename}: {problem.strerror}" if problem.filename else problem.strerror
    return str(problem)


class SimProbe(DebugProbe):
    """A probe on a simulated board. Opening it takes the board (and its state folder), closing gives it back.

    Where the spec says `connect=`, the board is a server's: opening makes the connection, closing ends it.

    `virtual_clock` has now() and sleep(seconds) in the host's virtual time; `granted_clock_hz` is the SWD clock in
    force. A class for each driver derives from this and from pyOCD's, in that order.
    """

    @classmethod
    def get_all_connected_probes(cls, unique_id: str | None = None, is_explicit: bool = False) -> list[SimProbe]:
        """Simulated boards are found only by who asks for one: `sim:` alone is the default board."""
        from n6prog.sim.probe import probe_for

        return [probe_for(unique_id or "")] if is_explicit else []

    @classmethod
    def get_probe_with_id(cls, unique_id: str, is_explicit: bool = False) -> SimProbe | None:
        """The probe for what stands behind `sim:`, or for "sim" itself. Raises ValueError for a bad spec."""
        from n6prog.sim.probe import probe_for

        if is_explicit or re.match(r"sim(:|$)", unique_id, re.IGNORECASE):
            return probe_for(unique_id)
        return None

    @classmethod
    def on_board(cls, board: SimBoard, link: str = "stlink") -> SimProbe:
        """A probe on a board that somebody else opened and will close; `link` as in a spec."""
        from n6prog.sim.probe import probe_class

        spec = SimSpec(board=board.facts.name, state="none", link=link)
        return probe_class(spec)(spec, board=board)

    def __init__(self, spec: SimSpec, device: Any, *, board: SimBoard | None, host: Timeline) -> None:
        """`device` is what the driver's own constructor takes, `host` the clock of the program on the computer."""
        self._spec = spec
        self._folder = folder_of(spec)
        self._board = board
        self._owned = board is None
        self._served: ServedBoard | None = None
        self._usb: Personality | None = None
        self._host = host
        self._clock = VirtualClock(host)
        self._started = False
        self._tripwire: Tripwire | None = None
        self._caught_before = 0
        super().__init__(device)

    @property
    @abstractmethod
    def _model(self) -> TimeModel:
        """What things cost with this probe."""

    @abstractmethod
    def _plug_in(self, board: SimBoard | ServedBoard) -> Personality:
        """Make the USB device and hand it to the driver."""

    purpose = "probe"
    """What the board is taken for, for whoever finds it busy."""

    @property
    def virtual_clock(self) -> VirtualClock:
        """The board's time since the probe was first opened; it stands still while the probe is closed."""
        return self._clock

    @property
    def granted_clock_hz(self) -> int:
        """The SWD clock in force, in hertz; 0 while the probe is closed."""
        return self._usb.clock_hz if self._usb is not None else 0

    @property
    def board(self) -> SimBoard | None:
        """The board behind the probe while it is open; None where another process has it."""
        return self._board

    @property
    def violations(self) -> tuple[str, ...]:
        """What the board's tripwire caught since the probe was last opened; it stays when the probe is closed."""
        return () if self._tripwire is None else tuple(self._tripwire.violations[self._caught_before :])

    @property
    def associated_board_info(self) -> BoardInfo:
        """The board's name and pyOCD target; no USB drive is searched for it."""
        from pyocd.target import TARGET

        part = nor_facts(self._spec.part or board_facts(self._spec.board).part)
        target = "stm32n6570_dk" if part.size > 64 << 20 and "stm32n6570_dk" in TARGET else "stm32n657x0"
        title = _TITLES.get(self._spec.board, self._spec.board)
        return BoardInfo(title, target, None, "STMicroelectronics")

    def create_associated_board(self) -> Any:
        """pyOCD's Board of this probe."""
        return Board(self.session, board_info=self.associated_board_info)

    def open(self) -> None:
        """Take the board. Raises ProbeBusy, ProbeState (a folder that cannot be used), ProbeError (no Unicorn).

        Of a served board: ProbeBusy, ProbeNotServed, AnotherBoard.
        """
        if any(fault.name == "no-access" for fault in self._spec.faults):
            raise usb.core.USBError("Access denied (insufficient permissions)", None, errno.EACCES)
        board: SimBoard | ServedBoard
        if self._spec.connect is not None:
            board = self._served = self._join(self._spec.connect)
        else:
            board = self._board = self._board or self._enter()
        self._tripwire, self._caught_before = board.tripwire, len(board.tripwire.violations)
        self._host.advance_to(board.host.now)
        if not self._started:
            self._started, self._clock.origin = True, self._host.now
        self._usb = self._plug_in(board)
        super().open()

    def _board_clock(self) -> Timeline | None:
        """The clock the board is to run by; None for one of its own."""
        return None

    def _join(self, address: str) -> ServedBoard:
        try:
            return ServedBoard(address, self._spec.board, self._spec.link, self._host)
        except ServedBusy as busy:
            raise ProbeBusy(busy) from busy
        except NotServed as problem:
            raise ProbeNotServed(problem) from problem
        except ValueError as problem:
            raise AnotherBoard(probe_name(self._spec), str(problem)) from problem

    def _enter(self) -> SimBoard:
        try:
            board = board_of(self._spec, self._model, self.purpose, self._board_clock())
        except ImportError as problem:
            if problem.name not in ("unicorn", None):  # Unicorn itself gives none when its library does not load
                raise
            raise exceptions.ProbeError(f"{WITHOUT_UNICORN} ({problem})") from problem
        try:
            return board.__enter__()
        except BoardBusy as busy:
            raise ProbeBusy(busy) from busy
        except (OSError, ValueError) as problem:
            raise ProbeState(str(self._folder), _why(problem)) from problem

    def close(self) -> None:
        """Give the board back, powered as it is."""
        try:
            if self._usb is not None and self._usb.is_open:
                super().close()
        finally:
            self._is_open: bool = False
            served, self._served = self._served, None
            if served is not None:
                with self._as_probe_error():
                    served.leave()
            board = self._board
            if board is not None:
                board.host.advance_to(self._host.now)
            if self._owned and board is not None:
                self._board = None
                with self._as_probe_error():
                    board.__exit__(None, None, None)

    def reset(self) -> None:
        """A pulse on NRST, with the waits in the board's time."""
        assert self.session is not None
        self.assert_reset(True)
        self.virtual_clock.sleep(self.session.options.get("reset.hold_time"))
        self.assert_reset(False)
        self.virtual_clock.sleep(self.session.options.get("reset.post_delay"))

    @contextmanager
    def _as_probe_error(self) -> Iterator[None]:
        try:
            yield
        except SimTripwire as tripped:
            raise ProbeTripwire(list(tripped.violations)) from tripped
        except OSError as problem:  # the disk is full, or the folder is gone
            raise StateNotKept(str(self._folder), _why(problem)) from problem

    def _check_tripwire(self) -> None:
        board = self._board
        fresh = board.violations() if board is not None else []
        if fresh:
            raise ProbeTripwire(fresh)
