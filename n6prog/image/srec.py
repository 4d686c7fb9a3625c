"""Motorola S-records: S1, S2 and S3 data, their counts and ends, every broken line named."""

from __future__ import annotations

import io
from binascii import unhexlify

from n6prog.image.collect import Collector
from n6prog.image.records import ADDRESS_LIMIT, RUN_LIMIT, Runs
from n6prog.image.types import Image, Kind

_ADDRESS_SIZE = {0: 2, 1: 2, 2: 3, 3: 4, 5: 2, 6: 3, 7: 4, 8: 3, 9: 2}  # bytes, by record type; 4 is reserved
_DATA = (1, 2, 3)
_COUNTS = (5, 6)
_ENDS = (7, 8, 9)


def read_srec(data: bytes, file: str) -> Image:
    """The image in the text of an S-record file. Never raises; what is wrong stands in `Image.findings`."""
    found = Collector(file)
    runs = Runs(found)
    entry: int | None = None
    number = offset = data_records = end_line = after_end = first_after = 0
    for number, raw in enumerate(io.BytesIO(data), 1):
        line = raw.strip()
        offset += len(raw)
        if end_line and line:
            after_end += 1
            first_after = first_after or number
        if end_line or not line:
            continue
        parsed = _record(line, number, found)
        if parsed is None:
            continue
        kind, address, content = parsed
        if kind in _DATA:
            data_records += 1
            runs.add(address, content, number, offset - len(raw))
            if runs.full:
                found.add("E-HEX-SCATTERED", line=number, limit=RUN_LIMIT)
                return Image((), Kind.SREC, file=file, findings=found.result())
        elif kind in _COUNTS and address != data_records:
            reason = f"it counts {address} data records, and {data_records} stand before it"
            found.add("E-HEX-RECORD", line=number, reason=reason, format="S-records")
        elif kind in _ENDS:
            end_line, entry = number, address
    if not end_line:
        found.add("E-HEX-END", line=number)
    elif after_end:
        found.add("E-HEX-AFTER-END", line=first_after, count=after_end, end_line=end_line)
    chunks = runs.chunks()
    if not chunks and not found.has_errors:
        found.add("E-HEX-EMPTY")
    return Image(chunks, Kind.SREC, entry=entry, file=file, findings=found.result())


def _record(line: bytes, number: int, found: Collector) -> tuple[int, int, bytes] | None:
    """Type, address and data of a sound record; otherwise its fault is reported."""
    kind = line[1] - 0x30 if len(line) > 1 else -1
    try:
        record = unhexlify(line[2:])
    except ValueError:
        record = b""
    size = _ADDRESS_SIZE.get(kind)
    if line[:1] not in (b"S", b"s") or size is None:
        reason = "it does not start with S0 to S3 or S5 to S9"
    elif len(record) < size + 2:
        reason = "it is cut off, or holds something else than pairs of hexadecimal digits"
    elif record[0] != len(record) - 1:
        reason = f"it announces {record[0]} bytes and holds {len(record) - 1}"
    elif sum(record) & 0xFF != 0xFF:
        found.add("E-HEX-CHECKSUM", line=number, found=record[-1], expected=~sum(record[:-1]) & 0xFF)
        return None
    else:
        address = int.from_bytes(record[1 : 1 + size], "big")
        content = record[1 + size : -1]
        if address + len(content) <= ADDRESS_LIMIT:
            return kind, address, content
        reason = "its data run past address 0xffffffff"
    found.add("E-HEX-RECORD", line=number, reason=reason, format="S-records")
    return None
