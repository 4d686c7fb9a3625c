"""Reading: the NOR through the loader, each sector checked against its digest on the chip; RAM over the link."""

from __future__ import annotations

import hashlib
from os import PathLike, fspath
from typing import TYPE_CHECKING

from n6prog.errors import UsageError
from n6prog.events import EventType, OnEvent
from n6prog.flows import info, save
from n6prog.flows.ranges import check_memory, check_nor, in_nor, parsed
from n6prog.flows.recorder import Recorder
from n6prog.flows.report import PieceReport, Report
from n6prog.flows.survey import read_sectors
from n6prog.loader.protocol import OnBytes
from n6prog.plan import SECTOR
from n6prog.targets.chip import XSPI2_BASE

if TYPE_CHECKING:
    from n6prog.flows.connection import Connection

_STEP = 0x100000  # surveyed and read at a time


def read(connection: Connection, on_event: OnEvent, address: int, size: int) -> tuple[bytes, Report]:
    """Bytes of the memory map, and the report. See Board.read."""
    recorder = Recorder("read", connection, on_event, address=address, size=size, board=connection.board.name)
    found: list[bytes] = []
    report = recorder.run(lambda: found.append(_body(connection, recorder, address, size)))
    return found[0], report


def read_to(
    connection: Connection, on_event: OnEvent, path: str | PathLike[str], address: int, size: int, fmt: str
) -> Report:
    """Read into a file. See Board.read_to."""
    recorder = Recorder(
        "read", connection, on_event, address=address, size=size, path=fspath(path), board=connection.board.name
    )

    def body() -> None:
        with save.target(path, fmt) as target:
            target.write(address, _body(connection, recorder, address, size))

    return recorder.run(body)


def _body(connection: Connection, recorder: Recorder, address: int, size: int) -> bytes:
    start, length = parsed((address, size))
    recorder.bytes.wanted = length
    if in_nor(start, length):
        check_nor(start, length, connection.device.nor)
        data = _from_nor(connection, recorder, start, length)
    else:
        check_memory(start, length)
        recorder.emit(EventType.PLAN, bytes={"wanted": length}, swd_clock_hz=connection.link.swd_clock_hz)
        data = connection.link.read(start, length)
    if len(data) != length:
        raise UsageError.of("E-USAGE", "range", reason=f"only {len(data)} bytes came", cure="Read a smaller range.")
    recorder.pieces = (PieceReport("read", start, length, hashlib.sha256(data).hexdigest()),)
    for piece in recorder.pieces:
        recorder.emit(EventType.REGION, **piece.as_dict())
    recorder.stop_virtual_clock()
    connection.close_loader()
    return data


def _from_nor(connection: Connection, recorder: Recorder, start: int, length: int) -> bytes:
    about = info.gather(connection, recorder)
    check_nor(start, length, connection.device.nor)
    recorder.emit(EventType.PLAN, **about.as_dict(), bytes={"wanted": length})
    loader, _, _ = connection.loader()
    first = (start - XSPI2_BASE) // SECTOR * SECTOR
    end = -(-(start + length - XSPI2_BASE) // SECTOR) * SECTOR
    step: OnBytes = recorder.progress("read", end - first)
    pieces: list[bytes] = []
    for at in range(first, end, _STEP):
        offsets = range(at, min(at + _STEP, end), SECTOR)
        pieces += read_sectors(loader, offsets, loader.survey(offsets), step).values()
    skip = start - XSPI2_BASE - first
    return b"".join(pieces)[skip : skip + length]
