"""What the NOR keeps of the traffic."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple, overload

from n6prog.sim.nor.wire import Framing

SECOND = 1_000_000_000_000
KEPT = 16
LOGGED = 8192


class Frame(NamedTuple):
    """One command as the controller sent it.

    `time` in virtual seconds at CS# falling, `mode` "1S", "8S", "8D" or "mixed", `opcode` the first byte on the wire,
    `address` None when the frame had no address phase, `length` the number of data bytes either way, `data` the first
    16 of those the controller sent.
    """

    time: float
    mode: str
    opcode: int
    address: int | None
    dummy: int
    length: int
    data: bytes


Raw = tuple[Framing, int, bytes, bytes, int]  # framing, start in picoseconds, head, data sent, bytes sampled


class FrameLog(Sequence[Frame]):
    """The last 8192 frames, oldest first. To be read like a tuple; only the device writes it.

    An entry is worked out when somebody looks: most of the millions are never seen.
    """

    def __init__(self) -> None:
        self._frames: deque[Raw] = deque(maxlen=LOGGED)
        self.note = self._frames.append  # add the newest: what `frame_of` takes; the oldest goes when the log is full

    def clear(self) -> None:
        """Forget all: what follows is then all there is."""
        self._frames.clear()

    @overload
    def __getitem__(self, index: int) -> Frame: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Frame, ...]: ...

    def __getitem__(self, index: int | slice) -> Frame | tuple[Frame, ...]:
        if isinstance(index, slice):
            return tuple(frame_of(*raw) for raw in tuple(self._frames)[index])
        return frame_of(*self._frames[index])

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[Frame]:
        return (frame_of(*raw) for raw in tuple(self._frames))

    def __repr__(self) -> str:
        return f"<{len(self)} frames>"


def frame_of(frame: Framing, start: int, head: bytes, data: bytes, sampled: int) -> Frame:
    """The log entry of one transaction that starts at `start` picoseconds."""
    first = head or data
    address = None
    if frame.address.lines:
        at = frame.instruction.size if frame.instruction.lines else 0
        address = int.from_bytes(head[at : at + frame.address.size], "big")
    opcode, length = first[0] if first else 0, sampled or len(data)
    return Frame(start / SECOND, frame.mode, opcode, address, frame.dummy, length, bytes(data[:KEPT]))
