"""The exceptions of n6prog. Each carries findings and the exit code of the command line.

N6ProgError
 ├─ UsageError         2    options, configuration, a file that is not there
 ├─ ProbeNotFound      3    no probe, or more than one and none named
 ├─ ProbeBusy          4    another process holds the probe
 ├─ TargetUnreachable  5    probe fine, chip not: power, boot mode, closed AP1, lost link
 ├─ FlashFailure       6    the loader or the NOR failed
 ├─ VerifyMismatch     7    the flash does not hold what it should
 └─ ImageRefused       8    what the files hold cannot be placed
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from n6prog.findings import ExitCode, Finding, finding


class N6ProgError(Exception):
    """Base of all; `findings` say what is wrong, the errors among them first."""

    exit_code: ClassVar[ExitCode] = ExitCode.INTERNAL

    def __init__(self, findings: Sequence[Finding] | Finding) -> None:
        items = (findings,) if isinstance(findings, Finding) else tuple(findings)
        self.findings: tuple[Finding, ...] = tuple(sorted(items, key=lambda f: not f.is_error))
        super().__init__("; ".join(f"{f.code}: {f.text}" for f in self.findings if f.is_error) or "n6prog error")

    @classmethod
    def of(cls, code: str, subject: str = "", **evidence: str | int | float | None) -> N6ProgError:
        """An exception of this class with one finding from the table."""
        return cls(finding(code, subject, **evidence))

    @property
    def code(self) -> str:
        """The code of the first finding."""
        return self.findings[0].code if self.findings else "E-INTERNAL"


class UsageError(N6ProgError):
    """Options or configuration are wrong, or a file is not there."""

    exit_code = ExitCode.USAGE


class ProbeNotFound(N6ProgError):
    """No probe, or several and none was named."""

    exit_code = ExitCode.NO_PROBE


class ProbeBusy(N6ProgError):
    """Another process holds the probe; the finding names it."""

    exit_code = ExitCode.BUSY


class TargetUnreachable(N6ProgError):
    """The probe works and the chip cannot be reached."""

    exit_code = ExitCode.UNREACHABLE


class FlashFailure(N6ProgError):
    """The loader did not run as it should, or the NOR reports a failure."""

    exit_code = ExitCode.FLASH


class VerifyMismatch(N6ProgError):
    """The flash does not hold the bytes that were asked for."""

    exit_code = ExitCode.MISMATCH


class ImageRefused(N6ProgError):
    """The files cannot be placed in this board's flash; nothing was written."""

    exit_code = ExitCode.REFUSED


_BY_EXIT_CODE = {
    cls.exit_code: cls
    for cls in (UsageError, ProbeNotFound, ProbeBusy, TargetUnreachable, FlashFailure, VerifyMismatch, ImageRefused)
}


def error_for(findings: Sequence[Finding] | Finding) -> N6ProgError:
    """The exception whose exit code the table gives to this finding, or to the first error among several."""
    items = (findings,) if isinstance(findings, Finding) else tuple(findings)
    code = next((found.exit_code for found in items if found.is_error), ExitCode.INTERNAL)
    return _BY_EXIT_CODE.get(code, N6ProgError)(items)
