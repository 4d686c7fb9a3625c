"""The state folder: what makes one board of many processes.

    nor.bin      the NOR's content, exactly as long as the part
    ram.bin      all RAMs, as core/ram.py lays them out
    board.json   the journal: everything else that is volatile, and whether somebody is using it now
    board.json.old   a journal that another version of this program wrote, as it was
    lock         held while a process has the board; the text says who

A process that dies with the journal saying "in use" has pulled the plug: power comes on anew next time.
"""

from __future__ import annotations

import errno
import gc
import getpass
import json
import mmap
import os
import platform
import shutil
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from n6prog.sim.core.ram import TOTAL
from n6prog.sim.erased import erased, write_erased
from n6prog.sim.errors import BoardBusy
from n6prog.sim.journal import Journal, encode, load

NOR_IMAGE, JOURNAL = "nor.bin", "board.json"
_LOCK_OFFSET = 1 << 20  # Windows locks keep others from reading: lock a byte far behind the text


def default_folder(board: str) -> Path:
    """Where a board lives when nobody says otherwise: the user's state directory."""
    root = os.environ.get("XDG_STATE_HOME")
    return Path(root or Path.home() / ".local" / "state") / "n6prog" / "sim" / board


def _try_lock(file: IO[str], *, shared: bool = False) -> bool:
    """Lock the file, or learn that somebody has; Windows has no shared locks."""
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(_LOCK_OFFSET)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            import fcntl

            fcntl.flock(file.fileno(), (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _read_holder(file: IO[str]) -> dict[str, object]:
    file.seek(0)
    with suppress(ValueError, OSError):
        holder = json.loads(file.readline())
        if isinstance(holder, dict):
            return holder
    return {}


def holder_of(folder: Path) -> dict[str, object] | None:
    """Who holds the board in `folder`: pid, command, user, host, since, reason; None for nobody.

    Changes nothing. Who lets the board go wipes the text. Where one is left, a shared lock tells a holder from a dead
    process: it is had for a moment only if the holder is dead. Raises OSError.
    """
    try:
        file = (folder / "lock").open("r", encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    with file:
        holder = _read_holder(file)
        return None if not holder or _try_lock(file, shared=True) else holder


def _command() -> str:
    words = [Path(sys.argv[0]).name, *sys.argv[1:]] if sys.argv and sys.argv[0] else []
    return " ".join("n6prog" if word == "__main__.py" else word for word in words)[:120] or "python"


def _user() -> str:
    with suppress(OSError, KeyError, ImportError):  # a user id without a name
        return getpass.getuser()
    return ""


class Lock:
    """An exclusive lock on a folder. The operating system drops it with the process, so a dead holder never blocks."""

    def __init__(self, folder: Path, reason: str) -> None:
        self._path = folder / "lock"
        self._file: IO[str] | None = None
        file = self._path.open("a+", encoding="utf-8")
        if not _try_lock(file):
            holder = _read_holder(file)
            file.close()
            raise BoardBusy(str(folder), holder)
        self._file = file
        holder = {
            "pid": os.getpid(),
            "command": _command(),
            "user": _user(),
            "host": platform.node(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
            "reason": reason,
        }
        file.seek(0)
        file.truncate()
        file.write(json.dumps(holder) + "\n")
        file.flush()

    def release(self) -> None:
        """Let others in."""
        if self._file is None:
            return
        self._file.seek(0)
        self._file.truncate()
        self._file.close()
        self._file = None


def _file_buffer(path: Path, size: int, *, erased: bool) -> mmap.mmap:
    """The file as memory, made (or made anew where its length is wrong) with all bytes 0xFF or 0."""
    if not path.exists() or path.stat().st_size != size:
        if erased:
            write_erased(path, size)
        else:
            with path.open("wb") as file:
                file.truncate(size)
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), size)


class Memory:
    """Buffers and journal of a board that keeps nothing."""

    folder: Path | None = None
    _ended = False  # some board of this process is over

    def __init__(self, nor_size: int) -> None:
        if Memory._ended:
            gc.collect()  # a board is full of reference cycles, and holds as much memory as its NOR has
            Memory._ended = False
        self.nor: mmap.mmap = erased(nor_size)
        self.ram: mmap.mmap = mmap.mmap(-1, TOTAL)
        self.journal = Journal()

    def begin(self, reason: str) -> None:
        """Take the board."""

    def mark_running(self, board: dict[str, object]) -> None:
        """From here on a dead process is a power cut; `board` is what is known of it even then."""

    def save(self, journal: dict[str, Any]) -> None:
        """Keep the journal for the next `begin`."""

    def end(self) -> None:
        """Let the board go."""
        Memory._ended = True


class Folder(Memory):
    """Buffers and journal in a state folder. `begin` locks it, `end` unlocks it."""

    def __init__(self, folder: Path, nor_size: int) -> None:
        self.folder: Path = folder
        self._nor_size = nor_size
        self._lock: Lock | None = None
        self.journal = Journal()

    def begin(self, reason: str) -> None:
        """Take the board. Raises BoardBusy, ValueError (a NOR image of another size), OSError."""
        if self.folder.exists() and not self.folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "it is a file, not a folder", str(self.folder))
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = Lock(self.folder, reason)
        try:
            image = self.folder / NOR_IMAGE
            if image.is_file() and image.stat().st_size not in (0, self._nor_size):
                raise ValueError(
                    f"{image} holds {image.stat().st_size} bytes, the board's NOR {self._nor_size}: "
                    "give part=, or another state="
                )
            self.nor = _file_buffer(image, self._nor_size, erased=True)
            self.ram = _file_buffer(self.folder / "ram.bin", TOTAL, erased=False)
            path = self.folder / JOURNAL
            self.journal = load(path)
            if self.journal.other_version:
                shutil.copyfile(path, path.with_suffix(".json.old"))
        except BaseException:
            self._lock.release()
            raise

    def mark_running(self, board: dict[str, object]) -> None:
        """From here on a dead process is a power cut; `board` is what is known of it even then."""
        self._write({"time": self.journal.time, **board, "in_use": True})

    def save(self, journal: dict[str, Any]) -> None:
        """Write the journal."""
        self._write({**journal, "in_use": False})

    def _write(self, journal: dict[str, Any]) -> None:
        path = self.folder / JOURNAL
        temporary = path.with_suffix(".new")
        temporary.write_text(encode(journal), encoding="utf-8")
        temporary.replace(path)

    def end(self) -> None:
        """Let the board go."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None
