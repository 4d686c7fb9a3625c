"""Writing bytes that were read into a file: raw, Intel HEX or S-records, whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from n6prog.errors import UsageError
from n6prog.image.types import Chunk, Origin
from n6prog.image.writer import write_ihex, write_raw, write_srec
from n6prog.values import did_you_mean

FORMATS = ("bin", "hex", "srec")
_NAMES = {
    **dict.fromkeys((".hex", ".ihex", ".ihx", ".h86"), "hex"),
    **dict.fromkeys((".srec", ".s19", ".s28", ".s37", ".mot"), "srec"),
}
_WRITERS = {"bin": write_raw, "hex": write_ihex, "srec": write_srec}


def form(path: str | PathLike[str], fmt: str = "") -> str:
    """The format, "bin", "hex" or "srec": as named, else by the ending. Raises UsageError."""
    if not fmt:
        return _NAMES.get(Path(path).suffix.lower(), "bin")
    if fmt not in FORMATS:
        raise UsageError.of("E-USAGE", "fmt", reason=f"{fmt!r} is no format to write", cure=did_you_mean(fmt, FORMATS))
    return fmt


class Target:
    """A file being written beside the one it will replace."""

    def __init__(self, path: Path, fmt: str) -> None:
        self._path = path
        self._fmt = fmt

    def write(self, address: int, data: bytes) -> None:
        """Write all of it: bytes that belong at `address`. Raises OSError."""
        chunk = Chunk(address, memoryview(data), Origin("read"))
        _WRITERS[self._fmt]([chunk], self._path)


@contextlib.contextmanager
def target(path: str | PathLike[str], fmt: str = "") -> Iterator[Target]:
    """A file to write, created before any work is done and renamed into place at the end. Raises UsageError."""
    place = Path(path)
    kind = form(path, fmt)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{place.name}.", dir=place.parent)
        os.close(handle)
        try:
            yield Target(Path(name), kind)
            Path(name).chmod(_mode(place))
            Path(name).replace(place)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise UsageError.of("E-NO-WRITE", str(place), reason=error.strerror or str(error)) from error


def _mode(place: Path) -> int:
    """Permissions for the new file: those of the one it replaces, else the usual ones under the process's umask."""
    with contextlib.suppress(OSError):
        return place.stat().st_mode & 0o777
    now = os.umask(0)
    os.umask(now)
    return 0o666 & ~now
