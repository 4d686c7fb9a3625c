"""The two directions of the 64-byte FIFO of XSPI, as functions of time. Hot paths: a word costs a few operations."""

from __future__ import annotations

from struct import Struct, unpack

from n6prog.sim.clock import Timeline
from n6prog.sim.soc.bus import BusHang
from n6prog.sim.soc.xspi_map import FIFO, NEVER

WORD = Struct("<I").unpack_from


class ReadStream:
    """Bytes that arrive at an even pace from the device, and are taken out by reads of DR."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Nothing under way."""
        self.total = 0
        self.popped = 0
        self.at_hand = 0  # bytes known to have arrived
        self.words: tuple[int, ...] = ()  # the same as `data`, in words
        self.data = b""
        self.cap = 0  # bytes that will ever arrive
        self._byte = 1  # picoseconds of a byte
        self._count = 0  # so many had arrived at `_moment`
        self._moment = 0

    def start(self, data: bytes, cap: int, begin: int, byte: int) -> None:
        """The first byte is complete at `begin` + `byte`; only `cap` of them ever come."""
        self.data = data + bytes(3)
        self.words = unpack(f"<{len(data) // 4}I", data[: len(data) & ~3])
        self.total = len(data)
        self.cap = cap
        self.popped = self.at_hand = self._count = 0
        self._moment = begin
        self._byte = byte

    def arrived(self, now: int) -> int:
        """Bytes that have come in by `now`; the clock stops while the FIFO is full."""
        count = self._count
        if now > self._moment:
            count += (now - self._moment) // self._byte
        full = self.popped + FIFO
        if count > full:
            count = full
            self._count, self._moment = full, now
        if count > self.cap:
            count = self.cap
        if count > self.at_hand:
            self.at_hand = count
        return self.at_hand

    def moment_of(self, count: int) -> int:
        """When so many bytes will have come in, if the clock does not stop before."""
        return self._moment + (count - self._count) * self._byte

    def pop(self, address: int, size: int, time: Timeline) -> int:
        """The next `size` bytes, the lowest first; stalls while they are coming, for ever if they never come."""
        first = self.popped
        last = first + size
        if last > self.total:
            last = self.total
        if last > self.at_hand and last > self.arrived(time.now):
            if last > self.cap:
                raise BusHang(address)
            time.now = self._moment + (last - self._count) * self._byte
            self.at_hand = last
        self.popped = last
        if size == 4:
            value: int = WORD(self.data, first)[0]
            return value
        return int.from_bytes(self.data[first:last], "little")

    def next_event(self, threshold: int) -> int:
        """When the threshold is reached, or failing that the end; NEVER when nothing more comes by itself."""
        if self.at_hand >= self.cap:
            return NEVER
        wanted = self.popped + threshold
        if self.at_hand >= wanted or wanted > self.cap:
            wanted = self.cap
        if wanted > self.popped + FIFO:
            return NEVER
        return self._moment + (wanted - self._count) * self._byte


class WriteStream:
    """Bytes written to DR, which leave for the device at an even pace behind the frame's head."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Nothing under way."""
        self.total = 0
        self.sent = bytearray()
        self.wedged = False  # the last byte never leaves
        self.dry = 0  # when the FIFO is empty
        self._byte = 1

    def start(self, total: int, begin: int, byte: int) -> None:
        """`total` bytes; the first one leaves at `begin`."""
        self.total = total
        self.sent = bytearray()
        self.wedged = False
        self.dry = begin
        self._byte = byte

    def push(self, size: int, value: int, time: Timeline) -> bool:
        """Take `size` bytes, the lowest first; a full FIFO stalls. True with the last one."""
        sent = self.sent
        if len(sent) >= self.total:
            return False
        sent += value.to_bytes(size, "little")
        now = time.now
        dry = self.dry
        if dry < now:
            dry = now
        dry += size * self._byte
        self.dry = dry
        if dry - now > FIFO * self._byte and len(sent) > FIFO:
            time.now = dry - FIFO * self._byte
        if len(sent) < self.total:
            return False
        extra = len(sent) - self.total
        if extra:
            del sent[self.total :]
            self.dry -= extra * self._byte
        return True

    @property
    def complete(self) -> bool:
        """Whether all bytes were written."""
        return len(self.sent) >= self.total

    def level(self, now: int) -> int:
        """Bytes in the FIFO."""
        if self.wedged:
            return 1
        if self.dry <= now:
            return 0
        return min(len(self.sent), -(-(self.dry - now) // self._byte), FIFO)

    def next_event(self, now: int, threshold: int) -> int:
        """When the last byte is out, or the threshold is free; NEVER when it is the writer's turn."""
        if self.complete:
            return NEVER if self.wedged else self.dry
        if FIFO - self.level(now) >= threshold:
            return NEVER
        return self.dry - (FIFO - threshold) * self._byte
