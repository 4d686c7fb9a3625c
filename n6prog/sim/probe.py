"""The simulated board as a pyOCD probe: pyOCD's own ST-Link driver over a simulated ST-Link V3.

Importing this needs pyOCD, and Unicorn only once a probe is opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyocd.board.board import Board
from pyocd.board.board_ids import BoardInfo
from pyocd.core import exceptions
from pyocd.probe.stlink_probe import StlinkProbe

from n6prog.sim.clock import STLINK_V3, STLINK_V3_CAPPED, Timeline, VirtualClock
from n6prog.sim.errors import BoardBusy, SimTripwire
from n6prog.sim.nor.parts import nor_facts
from n6prog.sim.soc.boards import board_facts
from n6prog.sim.spec import SimSpec, parse_spec
from n6prog.sim.state import default_folder
from n6prog.sim.usb.stlink import StLinkV3

if TYPE_CHECKING:
    from n6prog.sim.board import SimBoard
    from n6prog.sim.tripwire import Tripwire

WITHOUT_UNICORN = 'the simulated board needs Unicorn: pip install "n6prog[sim]"'
_MODELS = {"stlink": STLINK_V3, "stlink-633k": STLINK_V3_CAPPED}
_TITLES = {"nucleo-n657x0-q": "NUCLEO-N657X0-Q (simulated)", "stm32n6570-dk": "STM32N6570-DK (simulated)"}


class ProbeBusy(exceptions.ProbeError):
    """Another process holds the board's state folder; `holder` has pid, host, since and reason."""

    def __init__(self, busy: BoardBusy) -> None:
        super().__init__(str(busy))
        self.holder = busy.holder


class ProbeState(exceptions.ProbeError):
    """The board's state folder cannot be used; `folder` and `reason` say which and why."""

    def __init__(self, folder: str, reason: str) -> None:
        super().__init__(f"the simulated board's folder {folder} cannot be used: {reason}")
        self.folder = folder
        self.reason = reason


class StateNotKept(OSError):
    """The journal cannot be written at the end. No pyOCD error: pyOCD's Session.close drops those."""

    def __init__(self, folder: str, reason: str) -> None:
        super().__init__(f"the simulated board's folder {folder} cannot be used: {reason}")
        self.folder = folder
        self.reason = reason


def _why(problem: Exception) -> str:
    """What went wrong, with the file where the system names one."""
    if isinstance(problem, OSError) and problem.strerror:
        return f"{problem.filename}: {problem.strerror}" if problem.filename else problem.strerror
    return str(problem)


class ProbeTripwire(SimTripwire, exceptions.ProbeError):
    """What would have hurt a real board, as a probe error: no flow mistakes it for a refused transfer."""


class _Unplugged:
    """Stands where the USB device will be, until the probe is opened."""

    vendor_name = StLinkV3.vendor_name
    product_name = StLinkV3.product_name
    version_name = StLinkV3.version_name
    max_packet_size = StLinkV3.max_packet_size
    is_open = False

    def __init__(self, serial_number: str) -> None:
        self.serial_number = serial_number


def folder_of(spec: SimSpec) -> Path | None:
    """The state folder a spec means, as an absolute path; None where nothing is kept."""
    if spec.state is None:
        return default_folder(spec.board).resolve()
    return None if spec.state == "none" else Path(spec.state).expanduser().resolve()


class SimProbe(StlinkProbe):
    """A probe on a simulated board. Opening it takes the board (and its state folder), closing gives it back.

    `virtual_clock` has now() and sleep(seconds) in the board's time; `granted_clock_hz` is the SWD clock in force.
    """

    @classmethod
    def get_all_connected_probes(cls, unique_id: str | None = None, is_explicit: bool = False) -> list[SimProbe]:
        """Simulated boards are found only by who asks for one: `sim:` alone is the default board."""
        return [probe_for(unique_id or "")] if is_explicit else []

    @classmethod
    def get_probe_with_id(cls, unique_id: str, is_explicit: bool = False) -> SimProbe | None:
        """The probe for what stands behind `sim:`, or for "sim" itself. Raises ValueError for a bad spec."""
        if is_explicit or re.match(r"sim(:|$)", unique_id, re.IGNORECASE):
            return probe_for(unique_id)
        return None

    def __init__(self, spec: SimSpec, *, board: SimBoard | None = None) -> None:
        self._spec = spec
        self._folder = folder_of(spec)
        self._board = board
        self._owned = board is None
        self._usb: StLinkV3 | None = None
        self._host = board.host if board is not None else Timeline()
        self._clock = VirtualClock(self._host)
        self._started = False
        self._tripwire: Tripwire | None = None
        self._caught_before = 0
        super().__init__(_Unplugged(self._name()))

    @classmethod
    def on_board(cls, board: SimBoard) -> SimProbe:
        """A probe on a board that somebody else opened and will close."""
        return cls(SimSpec(board=board.facts.name, state="none"), board=board)

    def _name(self) -> str:
        terms = [] if self._folder is None else [f"state={str(self._folder).replace('%', '%25').replace(',', '%2C')}"]
        return ",".join([f"sim:{self._spec.board}", *(terms or ["state=none"])])

    @property
    def virtual_clock(self) -> VirtualClock:
        """The board's time since the probe was first opened; it stands still while the probe is closed."""
        return self._clock

    @property
    def granted_clock_hz(self) -> int:
        """The SWD clock as GET_COM_FREQ answers it, in hertz."""
        return self._usb.clock_hz if self._usb is not None else 0

    @property
    def board(self) -> SimBoard | None:
        """The board behind the probe while it is open."""
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
        """Take the board. Raises ProbeBusy, ProbeState (a folder that cannot be used), ProbeError (no Unicorn)."""
        if self._board is None:
            self._board = self._enter()
        board = self._board
        self._tripwire, self._caught_before = board.tripwire, len(board.tripwire.violations)
        if not self._started:
            self._started, self._clock.origin = True, self._host.now
        self._usb = StLinkV3(board, self._name(), _MODELS[self._spec.link], after=self._check_tripwire)
        self._link._device = self._usb  # noqa: SLF001  (where pyOCD's driver keeps its USB device)
        super().open()

    def _enter(self) -> SimBoard:
        try:
            from n6prog.sim.board import SimBoard
        except ImportError as problem:
            if problem.name not in ("unicorn", None):  # Unicorn itself gives none when its library does not load
                raise
            raise exceptions.ProbeError(f"{WITHOUT_UNICORN} ({problem})") from problem
        spec = self._spec
        board = SimBoard(
            spec.board,
            rev=spec.rev,
            boot1=spec.boot1,
            part=spec.part,
            state=self._folder,
            seed=spec.seed,
            faults=spec.faults,
            undriven=spec.undriven,
            model=_MODELS[spec.link],
            reason="probe",
            host=self._host,
        )
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
            board = self._board
            if self._owned and board is not None:
                self._board = None
                with self._as_probe_error():
                    board.__exit__(None, None, None)

    def reset(self) -> None:
        """A pulse on NRST, with the waits in the board's time."""
        assert self.session is not None
        self._link.drive_nreset(True)
        self.virtual_clock.sleep(self.session.options.get("reset.hold_time"))
        self._link.drive_nreset(False)
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


def probe_for(text: str) -> SimProbe:
    """The probe that a spec names, not yet open. Raises ValueError for a bad spec, an unknown board or part."""
    spec = parse_spec(text)
    try:
        facts = board_facts(spec.board)
        part = nor_facts(spec.part or facts.part)
    except KeyError as problem:
        raise ValueError(str(problem.args[0])) from None
    for fault in spec.faults:
        if fault.name in ("fail-program", "fail-erase") and (fault.argument or 0) >= part.size:
            raise ValueError(
                f"{text!r}: fault {fault.name}:{fault.argument:#x} lies beyond {part.name} ({part.size:#x})"
            )
    if facts.name != spec.board:
        from dataclasses import replace

        spec = replace(spec, board=facts.name)
    return SimProbe(spec)
