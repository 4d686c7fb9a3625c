"""The examination: connect as gently as was asked, run every check, let go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from n6prog.doctor import boot_trace, host, nor, target
from n6prog.doctor.bench import ATTACH, Bench
from n6prog.doctor.explain import explained_error
from n6prog.doctor.types import Check, judged
from n6prog.errors import N6ProgError, UsageError
from n6prog.findings import Finding
from n6prog.link import Link, open_link
from n6prog.targets.schema import BoardProfile

CHECKS: tuple[tuple[str, Callable[[Bench], Check]], ...] = (
    ("versions", host.check_versions),
    ("access", host.check_access),
    ("holder", host.check_holder),
    ("probe", target.check_probe),
    ("serial port", host.check_serial),
    ("CMSIS-Pack", host.check_pack),
    ("voltage", target.check_voltage),
    ("debug ports", target.check_ports),
    ("SWD clock", target.check_clock),
    ("core", target.check_core),
    ("boot mode", target.check_boot_mode),
    ("boot trace", boot_trace.check_boot_trace),
    ("silicon", target.check_silicon),
    ("BSEC", target.check_bsec),
    ("power", target.check_power),
    ("memories", target.check_memories),
    ("XSPI", target.check_xspi),
    ("NOR", nor.check_identity),
    ("SFDP", nor.check_sfdp),
    ("NOR status", nor.check_protection),
    ("images", nor.check_images),
)
"""Every check, in the order of the report: from the computer to the bytes in the flash."""

_LOST = ("E-LINK-LOST", "E-PROBE-HUNG")


@dataclass(frozen=True, slots=True)
class Examination:
    """What came out: the checks in their order, and the findings of all of them, each once."""

    checks: tuple[Check, ...]
    swd_clock_hz: int | None
    virtual_seconds: float | None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding, the first time it was made."""
        return tuple({(found.code, found.text): found for check in self.checks for found in check.findings}.values())


def examine(
    probe: str | None,
    *,
    board: BoardProfile,
    swd_clock: int | None = None,
    connect: str = "auto",
    wait: float = 0.0,
    on_check: Callable[[Check], None] = lambda check: None,
) -> Examination:
    """Look at everything between the computer and the flash; change nothing that stays.

    `connect`: "auto" and "attach" never halt the core; "halt" halts it for the checks that need that and lets it
    run on; "under-reset" resets. `swd_clock` in hertz, None for automatic. `wait`: seconds to wait for the probe.
    `on_check` is called after each check. What goes wrong is in the checks. Raises UsageError.
    """
    mode = ATTACH if connect == "auto" else connect
    bench = Bench(probe, board, mode, auto_clock=swd_clock is None)
    try:
        bench.link = open_link(probe, board=board, swd_clock=swd_clock, connect=mode, wait=wait)
    except UsageError:
        raise
    except N6ProgError as error:
        bench.failure = explained_error(error)
    checks: list[Check] = []
    link = bench.link
    try:
        for name, function in CHECKS:
            checks.append(_run(name, function, bench))
            on_check(checks[-1])
    finally:
        virtual = link.virtual_seconds() if link else None
        if link is not None:
            _close(link, bench)
    return Examination(tuple(checks), link.swd_clock_hz if link else None, virtual)


def _run(name: str, function: Callable[[Bench], Check], bench: Bench) -> Check:
    """One check. What it raises is its finding; a link that is lost is not asked again."""
    try:
        return function(bench)
    except N6ProgError as raised:
        error = explained_error(raised)
        if error.code in _LOST:
            bench.failure, bench.link = error, None
        first = error.findings[0]
        return judged(name, first.text, first.evidence, error.findings)


def _close(link: Link, bench: Bench) -> None:
    """Let the probe go. Where the link was lost there is nothing more to learn from that it cannot be closed."""
    try:
        link.close()
    except N6ProgError:
        if bench.failure is None:
            raise
