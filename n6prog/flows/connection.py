"""Probe, chip and loader of one board: opened when first needed, closed in order."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING

from n6prog.errors import FlashFailure, N6ProgError, ProbeNotFound, TargetUnreachable, UsageError
from n6prog.findings import Finding, finding
from n6prog.flows.source import assumed_device
from n6prog.nor import sfdp
from n6prog.targets import schema
from n6prog.targets.schema import BoardProfile, NorPart
from n6prog.values import did_you_mean

if TYPE_CHECKING:
    from n6prog.flash_algos import LoaderImage
    from n6prog.link import Link
    from n6prog.loader import Identity, Loader

MIB = 1 << 20
_RELINKS_MOST = 6  # how often a connection may be lost
_REPLUG = 5.0  # seconds given to whoever pulled the plug
RESIDENT, CLASSIC = "resident", "classic"


class Connection:
    """The link to one board and the loader on its chip.

    `board`: profile. `swd_clock`: hertz, None for automatic. `connect`: how to attach. `wait`: seconds to wait for the
    probe. `loader`: see `n6prog.connect`. Nothing is opened before `link` or `loader` is asked for.
    """

    def __init__(
        self,
        probe: str | None,
        board: BoardProfile,
        *,
        swd_clock: int | None = None,
        connect: str = "auto",
        wait: float = 0.0,
        loader: str | PathLike[str] | LoaderImage | None = None,
    ) -> None:
        self.board = board
        self.device = assumed_device(board)
        self._probe = probe
        self._swd_clock = swd_clock
        self._connect = connect
        self._wait = wait
        self._kind, self._image = _kind_and_image(loader)
        self.purpose = "connect"  # what the probe is taken for, told to others who want it
        self.tell: Callable[[str], None] = _silent  # hears what is tried when connecting is not easy
        self._link: Link | None = None
        self._loader: Loader | None = None
        self._identity: Identity | None = None
        self._granted: int | None = None
        self._findings: tuple[Finding, ...] = ()
        self._relinks = 0
        self._time_before = 0.0  # virtual seconds on links that were lost

    @classmethod
    def over(cls, link: Link, board: BoardProfile) -> Connection:
        """A connection over a link that somebody else opened, and closes."""
        connection = cls(None, board)
        connection._link = link
        connection._relinks = _RELINKS_MOST  # a probe that is not ours is not opened again
        return connection

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

            try:
                self._link = open_link(
                    self._probe,
                    swd_clock=self._swd_clock,
                    connect=self._connect,
                    board=self.board,
                    wait=self._wait,
                    reason=self.purpose,
                    tell=self.tell,
                )
            except N6ProgError as error:
                from n6prog.doctor.explain import explained_error

                known = explained_error(error)
                if known is error:
                    raise
                raise known from error
        return self._link

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the link had to say, when it was opened and since; it stays when it is closed."""
        self._remember()
        return self._findings

    @property
    def swd_clock_hz(self) -> int | None:
        """The SWD clock that the probe was last granted; None if it was never opened."""
        self._remember()
        return self._granted

    def _remember(self) -> None:
        if self._link is not None:
            self._granted, self._findings = self._link.swd_clock_hz, self._link.findings

    @property
    def virtual_mark(self) -> float | None:
        """The simulated board's time in seconds since it was connected; None on hardware and while nothing is open."""
        now = self._link.virtual_seconds() if self._link else None
        return None if now is None else self._time_before + now

    def loader(self) -> tuple[Loader, Identity, tuple[Finding, ...]]:
        """The loader, started on the chip now if it was not, what the NOR said, and warnings about it.

        From here on `device` is the measured one. Raises FlashFailure and what `link` raises.
        """
        if self._loader is not None and self._identity is not None:
            return self._loader, self._identity, ()
        from n6prog.loader import ClassicLoader, ResidentLoader, load

        image = load(self._image)  # before the probe is opened: a damaged image is no matter of the board
        loader: Loader
        if self._kind == RESIDENT:
            loader = ResidentLoader(self.link, self.board, self.device.nor, image, self._relink)
        else:
            loader = ClassicLoader(self.link, self.board, self.device.nor, image)
        identity = self._opened(loader)
        part, findings = measured_part(self.board, identity)
        if part != self.device.nor:
            identity = self._opened(loader, part)
        self.device = replace(self.device, nor=part, cut=self._header_version(), measured=True)
        self._loader, self._identity = loader, identity
        return loader, identity, findings

    def identify_again(self) -> Identity:
        """What the NOR says of itself now, after a reset; the loader is started when it was not."""
        loader, _, _ = self.loader()
        self._identity = self._opened(loader)
        return self._identity

    def _opened(self, loader: Loader, part: NorPart | None = None) -> Identity:
        """What the NOR says when the loader is opened. Where nothing answers, the failure says so by bus mode."""
        try:
            return loader.open(part)
        except FlashFailure as error:
            from n6prog.doctor.ask import told_by_mode

            told = told_by_mode(error, self.link, self.board)
            if told is error:
                raise
            raise told from error

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
        with contextlib.suppress(N6ProgError):
            if isinstance(error, (FlashFailure, TargetUnreachable)):
                self._abandon()
            self.close_loader()

    def abort(self) -> bool:
        """Stop in the middle: end what runs on the chip, halt the core, let the probe go.

        Tells whether what the chip had begun is finished; else what fails on the way out is of no interest any more.
        """
        finished = False
        with contextlib.suppress(N6ProgError):
            self._abandon()
            finished = True
        link, self._link = self._link, None
        if link is not None:
            with contextlib.suppress(N6ProgError):
                link.halt()
            link.close()
        return finished

    def _abandon(self) -> None:
        """The loader is of no use any more; what it left running on the chip ends in its own time."""
        loader, self._loader = self._loader, None
        if loader is not None:
            loader.abandon()

    def _relink(self, error: N6ProgError) -> Link:
        """Another link to the same core, which runs on meanwhile, one clock step slower. Raises where there is none."""
        from n6prog.link import open_link, slower_than

        self._remember()
        lost, self._link = self._link, None
        self._relinks += 1
        if lost is None or self._relinks > _RELINKS_MOST:
            self._link = lost
            raise error
        self._time_before += lost.virtual_seconds() or 0.0
        before, said = lost.swd_clock_hz, lost.findings
        lost.drop()
        wait = self._wait if lost.is_simulated else max(self._wait, _REPLUG)
        clock = slower_than(before) or before
        try:
            link = open_link(
                self._probe,
                swd_clock=clock,
                board=self.board,
                wait=wait,
                reason=self.purpose,
                tell=self.tell,
                rejoin=True,
            )
        except (ProbeNotFound, TargetUnreachable) as again:
            raise _lost_for_good(error, again) from again
        link.inherit(said, error.findings[0].text)
        self._link = link
        return link

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


def _kind_and_image(
    loader: str | PathLike[str] | LoaderImage | None,
) -> tuple[str, str | PathLike[str] | LoaderImage | None]:
    """Which loader is meant, and whose code it runs (None: what ships). Raises UsageError where no such file is."""
    if isinstance(loader, str) and loader in (RESIDENT, CLASSIC):
        return loader, None
    if isinstance(loader, str | PathLike) and not Path(loader).exists():
        name = fspath(loader)
        near = did_you_mean(Path(name).name, (RESIDENT, CLASSIC))
        cure = f"{near} Or the path of an image with its build.json beside it."
        raise UsageError.of("E-USAGE", name, reason=f"there is no loader {name!r}", cure=cure)
    return RESIDENT, loader


def _lost_for_good(error: N6ProgError, again: N6ProgError) -> N6ProgError:
    """What to tell of a link that was lost (`error`) and cannot be had again.

    Not how to plug a board in that was there all the while; but what the probe, asked again, measured.
    """
    if again.code in ("E-NO-PROBE", "E-SIM-SERVE"):
        return error
    if again.code != "E-NOANSWER":
        return again
    found = again.findings[0]
    evidence = {**found.evidence, "reason": f"{error.findings[0].text}; {found.evidence.get('reason')}"}
    return TargetUnreachable.of("E-LINK-LOST", found.subject, **evidence)


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
