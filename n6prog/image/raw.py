"""Raw bytes, with or without an STM2 boot header in front."""

from __future__ import annotations

from n6prog.image import stm2
from n6prog.image.collect import Collector
from n6prog.image.types import Chunk, Image, Kind, Origin


def read_raw(data: bytes, file: str, address: int | None = None) -> Image:
    """The bytes of a file as one chunk at `address`; None leaves the place to be found. A boot header is checked.

    Never raises; what is wrong stands in `Image.findings`.
    """
    found = Collector(file)
    chunk = Chunk(address, memoryview(data), Origin(file))
    if address is not None and address + len(data) > 1 << 32:
        found.add("E-RAW-ADDRESS", address=address, size=len(data))
    header = stm2.parse(data)
    if header is None:
        return Image((chunk,), Kind.RAW, file=file, findings=found.result())
    found.extend(stm2.verify(header, data, file))
    entry = header.entry if header.version in stm2.SUPPORTED else None
    return Image((chunk,), Kind.STM2, entry=entry, file=file, findings=found.result(), header=header)
