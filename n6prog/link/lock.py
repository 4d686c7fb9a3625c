"""One lock a probe, between processes: who works on a board keeps others out, and they are told who it is.

A file a probe in the user's state directory. The operating system's lock on it decides, never what is written there:
it goes with its process however that ends, so that a record left behind, or one whose process id another process got
since, is stale and holds nobody up. The record only says who, since when and why. Another user's process is kept out by
the USB driver, and named by `find.holder_of`.

The folder does not hang on XDG_RUNTIME_DIR, as locks often do: a service has none, and it would not meet the terminal
of the same user.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import weakref
from pathlib import Path
from typing import IO

from n6prog.link.holder import Holder
from n6prog.targets.probe_time import WallClock

_LOCK_OFFSET = 1 << 20  # a Windows lock keeps others from reading: lock a byte far behind the record
_TRIES, _PAUSE = 4, 0.01  # who looks whether a record is stale has the lock for a moment
_LONGEST_RECORD = 4096


class ProbeHeld(Exception):
    """Somebody else has the probe; `holder` says who."""

    def __init__(self, holder: Holder) -> None:
        super().__init__(f"the probe is in use by {holder}")
        self.holder = holder


def folder() -> Path:
    """Where the locks of this user lie."""
    root = os.environ.get("XDG_STATE_HOME")
    return Path(root or Path.home() / ".local" / "state") / "n6prog" / "locks"


def file_of(unique_id: str) -> Path:
    """The lock file of a probe. Ids that are no file names get a digest, so that no two share a file."""
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", unique_id)[:64]
    if safe != unique_id or safe.startswith("."):
        safe = f"probe-{safe}-{hashlib.sha256(unique_id.encode()).hexdigest()[:16]}"
    return folder() / f"{safe}.lock"


def holder_of(unique_id: str) -> Holder | None:
    """Who has this probe by our lock, or None. Keeps nobody out; a stale record counts for nothing."""
    try:
        file = file_of(unique_id).open("r", encoding="utf-8", errors="replace")
    except OSError:
        return None
    with file:
        record = _read(file)
        try:
            return None if record is None or _try_lock(file, shared=True) else record
        except OSError:  # a file system without locks
            return None


class ProbeLock:
    """The lock on one probe, had from construction to `release`. Raises ProbeHeld.

    Where the folder cannot be written, or the file system has no locks, work goes on without: the USB driver lets one
    program at a probe anyway.
    """

    def __init__(self, unique_id: str, reason: str) -> None:
        self._file: IO[str] | None = None
        try:
            path = file_of(unique_id)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8", errors="replace")
        except (OSError, RuntimeError):  # RuntimeError: nobody's home can be found
            return
        try:
            if not _lock_soon(file):
                raise ProbeHeld(_read(file) or Holder())
            _write(file, json.dumps(Holder.here(reason).as_dict()) + "\n")
        except OSError:  # no locks here, or a full disk
            file.close()
            return
        except ProbeHeld:
            file.close()
            raise
        self._file = file
        _held.add(self)

    def release(self) -> None:
        """Let others at the probe."""
        file, self._file = self._file, None
        if file is not None:
            _held.discard(self)
            with contextlib.suppress(OSError):
                _write(file, "")
            file.close()

    def forget(self) -> None:
        """Close this process's copy of the lock without giving it up: for the child of a fork."""
        file, self._file = self._file, None
        if file is not None:
            file.close()


_held: weakref.WeakSet[ProbeLock] = weakref.WeakSet()


def _forget_all() -> None:
    """In the child of a fork: the lock belongs to the parent, and must not outlive it here."""
    for lock in list(_held):
        lock.forget()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


def _lock_soon(file: IO[str]) -> bool:
    clock = WallClock()
    for _ in range(_TRIES):
        if _try_lock(file):
            return True
        clock.sleep(_PAUSE)
    return False


def _try_lock(file: IO[str], *, shared: bool = False) -> bool:
    """Lock the file, or learn that somebody has. Windows has no shared locks. Raises OSError where there are none."""
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(_LOCK_OFFSET)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            import fcntl

            fcntl.flock(file.fileno(), (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as problem:
        if problem.errno in (errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK, errno.EDEADLK):
            return False
        raise
    return True


def _read(file: IO[str]) -> Holder | None:
    """The record; None where there is none that can be read."""
    file.seek(0)
    try:
        record = json.loads(file.read(_LONGEST_RECORD).partition("\n")[0])
    except (ValueError, OSError, RecursionError):
        return None
    return Holder.of(record) if isinstance(record, dict) else None


def _write(file: IO[str], text: str) -> None:
    file.seek(0)
    file.truncate()
    file.write(text)
    file.flush()
