"""Probe, chip and loader of one board: opened when first needed, closed in order."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING

from n6prog.errors import FlashFailure, N6ProgError, TargetUnreachable
from n6prog.findings import Finding, finding
from n6prog.flows.source import assumed_device
from n6prog.nor import sfdp
from n6prog.targets import schema
from n6prog.targets.schema import BoardProfile, NorPart

if TYPE_CHECKING:
    from n6prog.flash_algos import LoaderImage
    from n6prog.link import Link
    from n6prog.loader import Identity, Loader

MIB = 1 << 20


class Connection:
    """The link to one board and the loader on its chip.

    `board`: profile. `swd_clock`: hertz, None for automatic. `connect`: how to attach. `wait`: seconds to wait for the
    probe. `image`: another loader image. Nothing is opened before `link` or `loader` is asked for.
    """

    def __init__(
        self,
        probe: str | None,
        board: BoardProfile,
        *,
        swd_clock: int | None = None,
        connect: str = "auto",
        wait: float = 0.0,
        image: str | PathLike[str] | LoaderImage | None = None,
    ) -> None:
        self.board = board
        self.device = assumed_device(board)
        self._probe = probe
        self._swd_clock = swd_clock
        self._connect = connect
        self._wait = wait
        self._image = image
        self.purpose = "connect"  # what the probe is taken for, told to others who want it
        self.tell: Callable[[str], None] = _silent  # hears what is tried when connecting is not easy
        self._link: Link | None = None
        self._loader: Loader | None = None
        self._identity: Identity | None = None
        self._granted: int | None = None
        self._findings: tuple[Finding, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether the probe is open."""
        return self._link is not None

    @property
    def is_simulated(self) -> bool:
        """Whether a simulated board's probe is open."""
        return self._link is not None and self._link.is_simulated

    @property
    def link(self) -> Link:
        """The link, opened now if it was not. Raises ProbeNotFound, ProbeBusy, TargetUnreachable."""
        if self._link is None:
            from n6prog.link import open_link

            self._link = open_link(
                self._probe,
                swd_clock=self._swd_clock,
                connect=self._connect,
                board=self.board,
                wait=self._wait,
                reason=self.purpose,
                tell=self.tell,
            )
            self._granted = self._link.swd_clock_hz
            self._findings = self._link.findings
        return self._link

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What opening the link had to say; it stays when the link is closed."""
        return self._findings

    @property
    def swd_clock_hz(self) -> int | None:
        """The SWD clock the probe granted when it was last opened; None if it never was."""
        return self._granted

    @property
    def virtual_mark(self) -> float | None:
        """The simulated board's time in seconds since it was connected; None on hardware and while nothing is open."""
        return self._link.virtual_seconds() if self._link else None

    def loader(self) -> tuple[Loader, Identity, tuple[Finding, ...]]:
        """The loader, started on the chip now if it was not, what the NOR said, and warnings about it.

        From here on `device` is the measured one. Raises FlashFailure and what `link` raises.
        """
        if self._loader is not None and self._identity is not None:
            return self._loader, self._identity, ()
        from n6prog.loader import ClassicLoader, load

        image = load(self._image)  # before the probe is opened: a damaged image is no matter of the board
        loader = ClassicLoader(self.link, self.board, self.device.nor, image)
        identity = loader.open()
        part, findings = measured_part(self.board, identity)
        if part != self.device.nor:
            identity = loader.open(part)
        self.device = replace(self.device, nor=part, cut=self._header_version(), measured=True)
        self._loader, self._identity = loader, identity
        return loader, identity, findings

    def check_tripwire(self) -> None:
        """Raise FlashFailure E-SIM-TRIPWIRE when a simulated board caught something that nobody was told yet."""
        if self._link is not None:
            self._link.check_tripwire()

    def close_loader(self) -> None:
        """End the loader: the NOR stays mapped in 1S. Does nothing when none runs."""
        loader, self._loader = self._loader, None
        if loader is not None:
            loader.close()

    def settle(self, error: N6ProgError) -> None:
        """End the loader after a flow that failed; one that may be at fault is given up and sent anew."""
        if isinstance(error, (FlashFailure, TargetUnreachable)):
            self._loader = None
        with contextlib.suppress(N6ProgError):
            self.close_loader()

    def abort(self) -> None:
        """Stop in the middle: halt the core, let the probe go. What fails on the way out is of no interest any more."""
        self._loader = None
        link, self._link = self._link, None
        if link is not None:
            with contextlib.suppress(N6ProgError):
                link.halt()
            link.close()

    def close(self) -> None:
        """End the loader and let the probe go."""
        try:
            with contextlib.suppress(N6ProgError):
                self.close_loader()
        finally:
            link, self._link = self._link, None
            if link is not None:
                link.close()

    def _header_version(self) -> str:
        """The STM2 header version this silicon wants, "" when the cut is not known."""
        return self.link.chip_info().header


def _silent(text: str) -> None:
    """Nobody listens."""


def measured_part(board: BoardProfile, identity: Identity) -> tuple[NorPart, tuple[Finding, ...]]:
    """The part that answered, with a warning when it is not the one the profile names.

    By RDID from the table of parts, else from its SFDP. Raises FlashFailure E-NOR-UNKNOWN when neither helps.
    """
    rdid = identity.jedec.hex(" ").upper()
    profile_part = schema.load_part(board.part)
    if identity.jedec == profile_part.jedec:
        return profile_part, ()
    part = schema.part_by_jedec(identity.jedec)
    findings: list[Finding] = []
    if part is None:
        try:
            part = sfdp.part_from_sfdp(sfdp.parse(identity.sfdp), identity.jedec)
        except sfdp.SfdpError as error:
            raise FlashFailure.of("E-NOR-UNKNOWN", board.name, rdid=rdid, reason=error.reason) from error
        findings.append(finding("W-NOR-SFDP", board.name, rdid=rdid, size_mib=part.size // MIB))
    findings.append(
        finding(
            "E-WRONGPART",
            board.name,
            board=board.name,
            expected=profile_part.name,
            part=part.name,
            size_mib=part.size // MIB,
            rdid=rdid,
        )
    )
    return part, tuple(findings)
