"""Intel HEX: records 00 to 05, every broken line named.

intelhex is not used for reading: it takes about 120 MB and half a second for each MiB (it keeps a dict of bytes), stops
at the first fault, and refuses the repeated start-address records of merged files. The tests compare with it.
"""

from __future__ import annotations

import io
from binascii import unhexlify

from n6prog.image.collect import Collector
from n6prog.image.records import ADDRESS_LIMIT, RUN_LIMIT, Runs
from n6prog.image.types import Chunk, Image, Kind

_COLON = 0x3A
_DOS_END = b"\x1a"
_LAST_TYPE = 5
_SIZES = {1: 0, 2: 2, 3: 4, 4: 2, 5: 4}  # data bytes of the records that are not data


def read_ihex(data: bytes, file: str) -> Image:
    """The image in the text of an Intel HEX file. Never raises; what is wrong stands in `Image.findings`."""
    return _Reader(file).read(data)


class _Reader:
    """The state of one pass over a file: the base address, the end record, the start address."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found = Collector(file)
        self.runs = Runs(self.found)
        self.base = 0
        self.end_line = 0
        self.line_after_end = self.lines_after_end = 0
        self.start: int | None = None

    def read(self, data: bytes) -> Image:
        if b"\n" not in data and b"\r" in data:  # classic Mac line ends
            data = data.replace(b"\r", b"\n")
        number = offset = 0
        for number, raw in enumerate(io.BytesIO(data), 1):
            line = raw.strip()
            try:
                record = unhexlify(line[1:])
            except ValueError:
                record = b""
            # One test for a sound data record; everything else goes the long way, which names what is wrong.
            if (
                len(record) > 5
                and record[0] == len(record) - 5
                and not record[3]
                and not sum(record) & 0xFF
                and line[0] == _COLON
                and not self.end_line
                and (address := self.base + (record[1] << 8) + record[2]) + record[0] <= ADDRESS_LIMIT
            ):
                self.runs.add(address, record[4:-1], number, offset)
                if self.runs.full:
                    self.found.add("E-HEX-SCATTERED", line=number, limit=RUN_LIMIT)
                    return self._image(())
            elif line:
                self._other(line, record, number)
            offset += len(raw)
        return self._finish(number)

    def _finish(self, last_line: int) -> Image:
        if not self.end_line:
            self.found.add("E-HEX-END", line=last_line)
        elif self.lines_after_end:
            self.found.add(
                "E-HEX-AFTER-END", line=self.line_after_end, count=self.lines_after_end, end_line=self.end_line
            )
        chunks = self.runs.chunks()
        if not chunks and not self.found.has_errors:
            self.found.add("E-HEX-EMPTY")
        return self._image(chunks)

    def _image(self, chunks: tuple[Chunk, ...]) -> Image:
        return Image(chunks, Kind.IHEX, entry=self.start, file=self.file, findings=self.found.result())

    def _other(self, line: bytes, record: bytes, number: int) -> None:
        """A line that is not a sound data record."""
        if self.end_line:
            if line != _DOS_END:
                self.lines_after_end += 1
                self.line_after_end = self.line_after_end or number
        elif reason := _fault(line, record):
            self.found.add("E-HEX-RECORD", line=number, reason=reason, format="Intel HEX")
        elif sum(record) & 0xFF:
            self.found.add("E-HEX-CHECKSUM", line=number, found=record[-1], expected=-sum(record[:-1]) & 0xFF)
        else:
            self._control(record, number)

    def _control(self, record: bytes, number: int) -> None:
        """A sound record that moves the base, ends the file or names a start; or data that cannot lie anywhere."""
        value = int.from_bytes(record[4:-1], "big")
        match record[3]:
            case 1:
                self.end_line = number
            case 2:
                self.base = value << 4
            case 4:
                self.base = value << 16
            case 3:
                self._start((value >> 16 << 4) + (value & 0xFFFF), number)  # CS:IP
            case 5:
                self._start(value, number)
            case _ if record[0]:
                reason = "its data run past address 0xffffffff"
                self.found.add("E-HEX-RECORD", line=number, reason=reason, format="Intel HEX")

    def _start(self, address: int, number: int) -> None:
        if self.start is None:
            self.start = address
        else:
            self.found.add("W-HEX-START", line=number, address=address, first=self.start)


def _fault(line: bytes, record: bytes) -> str:
    """What is wrong with the form of a record; empty if nothing is. `record` holds its bytes, if they could be read."""
    if line[0] != _COLON:
        return "it does not start with a colon"
    if not record:
        return "it holds something else than pairs of hexadecimal digits" if line != b":" else "it is empty"
    if len(record) < 5:
        return f"it is cut off: {len(record)} bytes, and the shortest record has 5"
    if len(record) != record[0] + 5:
        return f"it announces {record[0]} data bytes and holds {len(record) - 5}"
    if record[3] > _LAST_TYPE:
        return f"record type {record[3]:02X} is not defined"
    size = _SIZES.get(record[3])
    if size is not None and record[0] != size:
        return f"a record of type {record[3]:02X} has {size} data bytes, this one {record[0]}"
    return ""
