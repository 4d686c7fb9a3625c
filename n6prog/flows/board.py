"""The board behind a probe: the one object that scripts, the command line and rigs work with."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Any

from n6prog.errors import N6ProgError, UsageError
from n6prog.events import OnEvent, ignore
from n6prog.flows import erase, flash, info, read, verify
from n6prog.flows.connection import Connection
from n6prog.flows.info import BoardInfo
from n6prog.flows.placing import Placing
from n6prog.flows.ranges import Range
from n6prog.flows.report import Report
from n6prog.flows.source import Files
from n6prog.targets.schema import BoardProfile, Device

if TYPE_CHECKING:
    from n6prog.flash_algos import LoaderImage

__all__ = ["Board", "BoardInfo"]


class Board:
    """A board, its probe and its flash. Made by `n6prog.connect`; a context manager.

    Flows return a Report or raise an N6ProgError; either way the last event is `end`. Addresses are those of the memory
    map (the NOR starts at 0x70000000), sizes are bytes.
    """

    def __init__(
        self,
        probe: str | None,
        *,
        board: BoardProfile,
        swd_clock: int | None = None,
        connect: str = "auto",
        wait: float = 0.0,
        on_event: OnEvent = ignore,
        loader: str | PathLike[str] | LoaderImage | None = None,
    ) -> None:
        self._connection = Connection(probe, board, swd_clock=swd_clock, connect=connect, wait=wait, loader=loader)
        self._on_event = on_event
        self._closed = False

    def open(self) -> None:
        """Open the probe and connect to the chip; does nothing when that is done.

        Raises ProbeNotFound, ProbeBusy, TargetUnreachable.
        """
        _ = self._live.link

    @property
    def _live(self) -> Connection:
        """The connection of a board that was not closed. Raises UsageError."""
        if self._closed:
            raise UsageError.of(
                "E-USAGE",
                "board",
                reason="the board is closed",
                cure="Work inside its `with` block, or call n6prog.connect again.",
            )
        return self._connection

    @property
    def is_open(self) -> bool:
        """Whether the probe is open."""
        return self._connection.is_open

    @property
    def device(self) -> Device:
        """The board and its NOR: measured once the loader has run, else as the profile says."""
        return self._connection.device

    @property
    def swd_clock_hz(self) -> int | None:
        """The SWD clock the probe granted, in hertz; None while it is not open."""
        return self._connection.swd_clock_hz

    @property
    def pyocd(self) -> Any:
        """The live pyOCD Session; opens the probe when that was not done."""
        return self._live.link.session

    def info(self) -> BoardInfo:
        """What is known of board, chip, probe and flash; runs the loader to identify the NOR.

        Raises TargetUnreachable, FlashFailure.
        """
        return info.info(self._live, self._on_event)

    def flash(
        self,
        *files: Files,
        erase: str = "changed",
        header: str = "auto",
        slot: str | None = None,
        maps: Sequence[str] = (),
        verify: bool = True,
        after: str = "reset",
        dry_run: bool = False,
        unprotect: bool = False,
    ) -> Report:
        """Bring files into the NOR, writing what differs, and verify every wanted byte by digest on the chip.

        `files`: paths, "FILE@ADDR" or "FILE@SLOT". `erase`: "changed" (only what differs), "all-touched" (every touched
        sector), "chip" (the whole part first; everything else in it is lost). `header`, `slot`, `maps`: as for
        `n6prog.check`. `verify=False` leaves out the check of the address lines at the end only; every block is proven.
        `after`: "reset", "halt" or "none".
        `dry_run`: plan, write nothing. `unprotect`: clear the BP bits of the part's status register first, where they
        are set; they are non-volatile.

        Raises UsageError, ImageRefused (before a probe is opened, if none is open yet), FlashFailure, VerifyMismatch.
        """
        placing = Placing(header, slot, tuple(maps))
        options = flash.FlashOptions(placing, erase, verify, after, dry_run, unprotect)
        return flash.flash(self._live, self._on_event, files, options)

    def verify(
        self,
        *files: Files,
        header: str = "auto",
        slot: str | None = None,
        maps: Sequence[str] = (),
        diff: bool = False,
    ) -> Report:
        """Compare the NOR with files; nothing is written. `diff`: the last event holds every range that differs.

        Raises VerifyMismatch with the first differing address, the bytes there, how many sectors differ and what the
        difference looks like.
        """
        return verify.verify(self._live, self._on_event, files, Placing(header, slot, tuple(maps)), diff=diff)

    def erase(
        self,
        ranges: Sequence[Range] = (),
        *,
        chip: bool = False,
        dry_run: bool = False,
        unprotect: bool = False,
    ) -> Report:
        """Set ranges, (address, size) or "START+LEN", or with `chip` the whole part to FF, and check that they are.

        Bytes outside the ranges survive, also where a range covers a sector in part. `unprotect`: as for `flash`.

        Raises UsageError, FlashFailure, VerifyMismatch.
        """
        options = erase.EraseOptions(chip=chip, dry_run=dry_run, unprotect=unprotect)
        return erase.erase(self._live, self._on_event, ranges, options)

    def read(self, address: int, size: int) -> bytes:
        """Bytes of the memory map: the NOR from 0x70000000 on, or a RAM. Raises UsageError, FlashFailure."""
        data, _ = read.read(self._live, self._on_event, address, size)
        return data

    def read_to(self, path: str | PathLike[str], address: int, size: int, fmt: str = "") -> Report:
        """Read into a file that appears when it is complete: `fmt` "bin", "hex" or "srec", "" by the name's ending."""
        return read.read_to(self._live, self._on_event, path, address, size, fmt)

    def close(self) -> None:
        """End the loader and let the probe go. The chip stays powered and in development boot.

        For good: what needs the probe raises UsageError from here on.
        """
        self._closed = True
        self._connection.close()

    def __enter__(self) -> Board:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except N6ProgError:
            if error is None:  # what went wrong first is what counts
                raise
