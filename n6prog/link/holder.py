"""Who has a probe: a process as the lock's record, the simulated board's lock or the operating system knows it."""

from __future__ import annotations

import getpass
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from n6prog.errors import N6ProgError, ProbeBusy

_LONGEST_COMMAND = 120


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has a probe, and why. `since` is ISO 8601 in UTC; None and "" stand for what is not known."""

    pid: int | None = None
    command: str = ""
    user: str = ""
    host: str = ""
    since: str = ""
    reason: str = ""

    @classmethod
    def of(cls, record: Mapping[str, object]) -> Holder:
        """From a lock's record; what is missing or of another type counts as not known."""
        pid = record.get("pid")
        texts = {name: record.get(name) for name in ("command", "user", "host", "since", "reason")}
        return cls(
            pid if isinstance(pid, int) and not isinstance(pid, bool) else None,
            **{name: value for name, value in texts.items() if isinstance(value, str)},
        )

    @classmethod
    def here(cls, reason: str) -> Holder:
        """This process, from now on."""
        return cls(os.getpid(), _own_command(), _own_user(), platform.node(), _now(), reason)

    def as_dict(self) -> dict[str, str | int | None]:
        """The same as plain data."""
        return asdict(self)

    def __str__(self) -> str:
        """As one phrase: process 4711 (n6prog flash app.elf), user anna, since 2026-01-31 14:02:11, for flash."""
        if self.pid is None:
            return "another program"
        parts = [f"process {self.pid}" + (f" ({self.command})" if self.command else "")]
        if self.user:
            parts.append(f"user {self.user}")
        if self.host and self.host != platform.node():
            parts.append(f"on {self.host}")
        if self.since:
            parts.append(f"since {_local(self.since)}")
        if self.reason:
            parts.append(f"for {self.reason}")
        return ", ".join(parts)


def in_use(subject: str, holder: Holder | Mapping[str, object] | str) -> N6ProgError:
    """The one error for what somebody else has, a probe or a simulated board.

    `holder` also as a lock's record, or as a text where no more is known.
    """
    if isinstance(holder, str):
        return ProbeBusy.of("E-PROBE-BUSY", subject, holder=holder)
    who = holder if isinstance(holder, Holder) else Holder.of(holder)
    known = {name: value for name, value in who.as_dict().items() if value and name != "host"}
    return ProbeBusy.of("E-PROBE-BUSY", subject, holder=str(who), **known)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _local(since: str) -> str:
    """A time of the record as this machine's clock on the wall shows it; the text itself where it is none."""
    try:
        return datetime.fromisoformat(since).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return since


def _own_user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a user id without a name
        return ""


def _own_command() -> str:
    words = [Path(sys.argv[0]).name, *sys.argv[1:]] if sys.argv and sys.argv[0] else []
    return short(" ".join("n6prog" if word == "__main__.py" else word for word in words) or "python")


def short(command: str) -> str:
    """A command line on one line, and not longer than one."""
    line = "".join(char if char.isprintable() else "?" for char in command)
    return line if len(line) <= _LONGEST_COMMAND else line[: _LONGEST_COMMAND - 1] + "…"


def holder_of_file(node: Path) -> Holder | None:
    """The process that has a device file open, as Linux tells it in /proc; None where nobody has or it cannot be told.

    `since` is when that process started.
    """
    for process in Path("/proc").glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        try:
            if any(fd.readlink() == node for fd in (process / "fd").iterdir()):
                return _described(process)
        except OSError:
            continue  # gone meanwhile, or another user's
    return None


def _described(process: Path) -> Holder:
    command = (process / "cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")
    return Holder(int(process.name), short(command), _owner(process), platform.node(), _started(process))


def _owner(process: Path) -> str:
    try:
        return process.owner()
    except (KeyError, OSError, NotImplementedError):
        return ""


def _started(process: Path) -> str:
    """When a process began: field 22 of its stat in clock ticks since boot (proc_pid_stat(5))."""
    try:
        ticks = int((process / "stat").read_text().rpartition(")")[2].split()[19])
        boot = next(int(line.split()[1]) for line in Path("/proc/stat").read_text().splitlines() if line[:5] == "btime")
        seconds = boot + ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, StopIteration):
        return ""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
