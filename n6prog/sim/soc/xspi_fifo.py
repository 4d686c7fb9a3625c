"""The two directions of the 64-byte FIFO of XSPI, as functions of time. Hot paths: a word costs a few operations."""

from __future__ import annotations

from collections.abc import Mapping

from n6prog.sim.clock import Timeline
from n6prog.sim.soc.bus import BusHang
from n6prog.sim.soc.xspi_map import FIFO, NEVER

_NO_WORDS = memoryview(b"").cast("I")


class ReadStream:
    """Bytes that arrive at an even pace from the device, and are taken out by reads of DR."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Nothing under way."""
        self._take(b"", 0, 0)
        self._moment = 0
        self._byte = 1  # picoseconds of a byte

    def _take(self, data: bytes, total: int, cap: int) -> None:
        self.data = data
        # the same by words (of a little-endian host), where there are more than one
        self.words = memoryview(data[: len(data) & ~3]).cast("I") if len(data) > 4 else _NO_WORDS
        self.total = total
        self.cap = cap  # bytes that will ever arrive
        self.popped = 0
        self.at_hand = 0  # bytes known to have arrived
        self._count = 0  # so many had arrived at `_moment`

    def start(self, data: bytes, total: int, cap: int, begin: int, byte: int) -> None:
        """`total` bytes, of which `cap` ever come, all in `data`; the first is complete at `begin` + `byte`."""
        self._take(data, total, cap)
        self._moment = begin
        self._byte = byte

    def arrived(self, now: int) -> int:
        """Bytes that have come in by `now`; the clock stops while the FIFO is full."""
        count = self._count + (now - self._moment) // self._byte  # less than there were, before the first comes
        full = self.popped + FIFO
        if count >= full:
            count = full
            self._count, self._moment = full, now
        if count > self.at_hand:
            self.at_hand = min(count, self.cap)
        return self.at_hand

    def moment_of(self, count: int) -> int:
        """When so many bytes will have come in, if the clock does not stop before."""
        return self._moment + (count - self._count) * self._byte

    def pop(self, address: int, size: int, time: Timeline) -> int:
        """The next `size` bytes, the lowest first; stalls while they are coming, for ever if they never come."""
        first = self.popped
        last = min(first + size, self.total)
        if last > self.at_hand and last > self.arrived(time.now):
            if last > self.cap:
                raise BusHang(address)
            time.now = self.moment_of(last)
            self.at_hand = last
        self.popped = last
        return int.from_bytes(self.data[first:last], "little")

    def next_event(self, threshold: int) -> int:
        """When the threshold is reached, or failing that the end; NEVER when nothing more comes by itself."""
        if self.at_hand >= self.cap:
            return NEVER
        wanted = min(self.popped + threshold, self.cap)
        if self.at_hand >= wanted:
            wanted = self.cap
        if wanted > self.popped + FIFO:
            return NEVER
        return self.moment_of(wanted)

    def snapshot(self) -> dict[str, object]:
        """What is still to be read, JSON-able."""
        return {
            "data": self.data[self.popped :].hex(),
            "total": self.total - self.popped,
            "cap": self.cap - self.popped,
            "count": self._count - self.popped,
            "at_hand": self.at_hand - self.popped,
            "moment": self._moment,
            "byte": self._byte,
        }

    def restore(self, state: Mapping[str, int | str]) -> None:
        """Take back what `snapshot` gave."""
        self._take(bytes.fromhex(str(state["data"])), int(state["total"]), int(state["cap"]))
        self._count, self.at_hand = int(state["count"]), int(state["at_hand"])
        self._moment, self._byte = int(state["moment"]), int(state["byte"])


class WriteStream:
    """Bytes written to DR, which leave for the device at an even pace behind the frame's head."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Nothing under way."""
        self.start(0, 0, 1)

    def start(self, total: int, begin: int, byte: int) -> None:
        """`total` bytes; the first one leaves at `begin` and takes `byte` picoseconds."""
        self.total = total
        self.sent = bytearray()
        self.wedged = False  # the last byte never leaves
        self.dry = begin  # when the FIFO is empty
        self._byte = byte
        self.word, self.depth = 4 * byte, FIFO * byte  # how long a word and a full FIFO take to leave

    def push(self, size: int, value: int, time: Timeline) -> bool:
        """Take `size` bytes, the lowest first; a full FIFO stalls. True with the last one."""
        sent = self.sent
        if len(sent) >= self.total:
            return False
        sent += value.to_bytes(size, "little")
        self.dry = max(self.dry, time.now) + size * self._byte
        if len(sent) > FIFO:
            time.advance_to(self.dry - self.depth)
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
        if self.dry <= now:
            return int(self.wedged)
        left = -(-(self.dry - now) // self._byte)
        return max(min(len(self.sent), left, FIFO), int(self.wedged))

    def out(self, now: int) -> bytes:
        """The bytes that have left by `now`."""
        return bytes(self.sent[: len(self.sent) - self.level(now)])

    def next_event(self, now: int, threshold: int) -> int:
        """When the last byte is out, or the threshold is free; NEVER when it is the writer's turn."""
        if FIFO - self.level(now) < threshold:
            free = self.dry - (FIFO - threshold) * self._byte
            if free > now:
                return free
        return self.dry if self.complete and not self.wedged else NEVER

    def snapshot(self) -> dict[str, object]:
        """The state, JSON-able."""
        return {
            "total": self.total,
            "sent": self.sent.hex(),
            "wedged": self.wedged,
            "dry": self.dry,
            "byte": self._byte,
        }

    def restore(self, state: Mapping[str, int | str]) -> None:
        """Take back what `snapshot` gave."""
        self.start(int(state["total"]), int(state["dry"]), int(state["byte"]))
        self.sent += bytes.fromhex(str(state["sent"]))
        self.wedged = bool(state["wedged"])
