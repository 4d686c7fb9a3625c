"""The registers that loaders access by the million: the usual case first, everything else as `Xspi` itself has it.

`xspi.state` is IDLE where it is false.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING

from n6prog.sim.soc.xspi_map import (
    ABORT,
    ADDRESSED,
    AR,
    BUSY,
    CCR,
    CLEARABLE,
    COMMAND,
    CR,
    DLR,
    DR,
    DRAIN,
    EN,
    FCR,
    FIFO,
    FTF,
    IDLE,
    IR,
    IRQ_FLAGS,
    IRQ_SHIFT,
    MAPPED,
    PIR,
    POLL,
    PSMAR,
    PSMKR,
    READ,
    SR,
    TCR,
    WRITABLE,
    WRITE,
)

if TYPE_CHECKING:
    from n6prog.sim.soc.soc import Soc
    from n6prog.sim.soc.xspi import Xspi


def data_reader(xspi: Xspi, soc: Soc) -> Callable[[int, int], int]:
    """`read` for the address of DR: a word that is in the FIFO, with more behind it."""
    cost, source, slow = xspi.cost, xspi.input, xspi.read

    def read(address: int, size: int) -> int:
        first = source.popped
        if size == 4 and first + 4 < source.at_hand and not first & 3 and not xspi.interrupts:
            soc.time.now += cost
            xspi.seen = -1
            source.popped = first + 4
            return source.words[first >> 2]
        return slow(address, size)

    return read


def status_reader(xspi: Xspi, soc: Soc) -> Callable[[int, int], int]:
    """`read` for the address of SR: all of it, without interrupts. What a state shows is a function of its own."""
    slow, plain = xspi.read, xspi.look
    looks = [plain] * 8
    looks[MAPPED] = _mapped_look(xspi, soc, plain)
    looks[WRITE] = _write_look(xspi, soc, plain)
    looks[IDLE] = looks[COMMAND] = _command_look(xspi, soc, plain)
    looks[POLL] = _poll_look(xspi, soc, plain)
    looks[READ] = _read_look(xspi, soc, plain)

    def read(address: int, size: int) -> int:
        if size != 4 or xspi.interrupts:
            return slow(address, size)
        return looks[xspi.state]()

    return read


def _mapped_look(xspi: Xspi, soc: Soc, plain: Callable[[], int]) -> Callable[[], int]:
    """SR while mapped, with NCS high."""
    cost, window, patience = xspi.cost, xspi.window, xspi.patience

    def look() -> int:
        value = xspi.flags | BUSY if window.touched else xspi.flags
        if window.open_until or value != xspi.seen:
            return plain()
        time = soc.time
        time.now += cost
        patience.wait(time, soc.horizon)  # and so it stays
        return value

    return look


def _write_look(xspi: Xspi, soc: Soc, plain: Callable[[], int]) -> Callable[[], int]:
    """SR between two bursts of a write: lets time pass until there is room for the next."""
    cost, sink = xspi.cost, xspi.output

    def look() -> int:
        time = soc.time
        now = time.now + cost
        left = sink.dry - now
        busy = sink.depth - xspi.threshold * (sink.word >> 2)  # a level above this is no room for a burst
        if left > busy:
            now += left - busy
            left = busy
            if now > soc.horizon:
                return plain()
        time.now = now
        level = max(min(len(sink.sent), -(-left * 4 // sink.word), FIFO), 0)
        xspi.seen = (xspi.flags | BUSY | FTF) & 0x3F
        return xspi.flags | BUSY | FTF | level << 8

    return look


def _command_look(xspi: Xspi, soc: Soc, plain: Callable[[], int]) -> Callable[[], int]:
    """SR while nothing or a command is under way, the first time that it shows this."""
    cost, transfer = xspi.cost, xspi.transfer

    def look() -> int:
        state, mode, time = xspi.state, xspi.mode, soc.time
        now = time.now + cost
        value = xspi.flags | (BUSY if state else 0) | (0 if mode else FTF)
        if mode == 2 or value == xspi.seen or (state and now >= transfer.end):
            return plain()
        time.now = now
        xspi.seen = value
        return value

    return look


def _read_look(xspi: Xspi, soc: Soc, plain: Callable[[], int]) -> Callable[[], int]:
    """SR between two bursts of a read, but the last: lets time pass until the next has come."""
    cost, source = xspi.cost, xspi.input

    def look() -> int:
        popped = source.popped
        wanted = popped + xspi.threshold
        if not popped or wanted >= source.total or wanted > source.cap:
            return plain()
        time = soc.time
        time.now += cost
        if source.arrived(time.now) < wanted:
            moment = source.moment_of(wanted)
            if moment > soc.horizon:
                time.now -= cost
                return plain()
            time.advance_to(moment)
        count = source.arrived(time.now)
        if count == source.total:
            time.now -= cost
            return plain()
        value = xspi.flags | BUSY | FTF | (count - popped) << 8
        xspi.seen = value & 0x3F
        return value

    return look


def _poll_look(xspi: Xspi, soc: Soc, plain: Callable[[], int]) -> Callable[[], int]:
    """SR in automatic polling: as long as polls that are over do not match."""
    cost, poller, patience = xspi.cost, xspi.poller, xspi.patience

    def look() -> int:
        time, until = soc.time, poller.quiet_until
        now = time.now + cost
        if now >= until:
            return plain()
        time.now = now
        value = xspi.flags | (BUSY | FTF if now >= poller.fresh_at else BUSY)
        if value == xspi.seen:
            patience.wait_for(time, until, soc.horizon)
            now = time.now
            value = xspi.load(SR) if now >= until else xspi.flags | (BUSY | FTF if now >= poller.fresh_at else BUSY)
            if value == xspi.seen:
                return value
        patience.reset()
        xspi.seen = value
        return value

    return look


def writers(xspi: Xspi, soc: Soc) -> dict[int, Callable[[int, int, int], None]]:
    """`write` by the offset of the register: data in mid-transfer, and what is set up for a command while none runs."""
    plain = {offset: _plain_writer(xspi, soc, offset) for offset in (DLR, PSMKR, PSMAR, PIR, CCR, TCR)}
    starting = {offset: _starting_writer(xspi, soc, offset) for offset in (IR, AR)}
    return {
        DR: _data_writer(xspi, soc),
        CR: _control_writer(xspi, soc),
        FCR: _flag_writer(xspi, soc),
        **plain,
        **starting,
    }


def _data_writer(xspi: Xspi, soc: Soc) -> Callable[[int, int, int], None]:
    """A word into the FIFO of a write under way, with more to come."""
    cost, sink, slow, pack = xspi.cost, xspi.output, xspi.write, Struct("<I").pack

    def write(address: int, size: int, value: int) -> None:
        sent = sink.sent
        if size != 4 or xspi.state != WRITE or len(sent) + 4 >= sink.total or xspi.interrupts:
            slow(address, size, value)
            return
        time = soc.time
        now = time.now + cost
        sent += pack(value)
        dry = sink.dry
        if dry < now:
            dry = now
        dry += sink.word
        sink.dry = dry
        if dry - now > sink.depth and len(sent) > FIFO:
            now = dry - sink.depth
        time.now = now
        xspi.seen = -1

    return write


def data_run(xspi: Xspi, soc: Soc) -> Callable[[bytes, int], bool]:
    """Words written to DR one right after the other: all of them, or none.

    True when they are written, as so many writes would have done it at the same times. False where that is for the slow
    way, or the last of them would be over at `limit` (picoseconds) or later.
    """
    cost, sink, address = xspi.cost, xspi.output, xspi.base + DR

    def write(data: bytes, limit: int) -> bool:
        if xspi.interrupts or xspi.state not in (WRITE, IDLE):
            return False
        time = soc.time
        if xspi.state == IDLE:  # the first may start a transfer, whose FIFO takes them all without delay, or none does
            if len(data) > FIFO or time.now + (len(data) >> 2) * cost >= limit:
                return False
            xspi.write(address, 4, int.from_bytes(data[:4], "little"))
            data = data[4:]
            if xspi.state != WRITE or len(data) > sink.total - 4:
                for at in range(0, len(data), 4):
                    xspi.write(address, 4, int.from_bytes(data[at : at + 4], "little"))
                return True
        sent, dry, word, depth = sink.sent, sink.dry, sink.word, sink.depth
        level, end = len(sent), len(sent) + len(data)
        if end > sink.total:
            return False
        now = time.now
        if word <= cost and dry + word <= now + cost + depth:  # they leave as fast as they come: none waits for room
            words = len(data) >> 2
            now += words * cost
            dry = max(dry + words * word, now + word)
        else:
            for _ in range(len(data) >> 2):
                now += cost
                level += 4
                if dry < now:
                    dry = now
                dry += word
                if level > FIFO and dry - now > depth:
                    now = dry - depth
        if now >= limit:
            return False
        xspi.seen = -1
        sent += data
        sink.dry, time.now = dry, now
        if end == sink.total:
            xspi.transfer.filled()
            xspi.state = DRAIN
        return True

    return write


def _plain_writer(xspi: Xspi, soc: Soc, offset: int) -> Callable[[int, int, int], None]:
    """A register that is only looked at when a transfer starts."""
    cost, mask, slow = xspi.cost, WRITABLE[offset], xspi.write

    def write(address: int, size: int, value: int) -> None:
        if xspi.state or size != 4 or xspi.interrupts:
            slow(address, size, value)
            return
        soc.time.now += cost
        xspi.words[offset] = value & mask
        xspi.seen = -1

    return write


def _starting_writer(xspi: Xspi, soc: Soc, offset: int) -> Callable[[int, int, int], None]:
    """IR or AR while nothing runs: a transfer may start."""
    cost, slow, last = xspi.cost, xspi.write, offset == AR

    def write(address: int, size: int, value: int) -> None:
        if xspi.state or size != 4 or xspi.interrupts:
            slow(address, size, value)
            return
        time = soc.time
        time.now = now = time.now + cost
        words = xspi.words
        words[offset] = value
        xspi.seen = -1
        ccr = words.get(CCR, 0)
        if (ccr & ADDRESSED != 0) is last:
            xspi.begin(ccr, now)

    return write


def _control_writer(xspi: Xspi, soc: Soc) -> Callable[[int, int, int], None]:
    """CR while nothing runs, for another indirect mode, without interrupts before or after."""
    cost, slow = xspi.cost, xspi.write

    def write(address: int, size: int, value: int) -> None:
        usual = _usual_control(value)
        if usual is None or xspi.state or size != 4 or xspi.interrupts:
            slow(address, size, value)
            return
        soc.time.now += cost
        xspi.words[CR], xspi.threshold, xspi.mode = usual
        xspi.seen = -1

    return write


@lru_cache(maxsize=64)
def _usual_control(value: int) -> tuple[int, int, int] | None:
    """CR, FIFO threshold and FMODE of an indirect mode or polling without interrupts; None for other values of CR."""
    mode = value >> 28 & 3
    if not value & EN or value & (ABORT | IRQ_FLAGS << IRQ_SHIFT) or mode == 3:
        return None
    return value & WRITABLE[CR], (value >> 8 & 0x3F) + 1, mode


def _flag_writer(xspi: Xspi, soc: Soc) -> Callable[[int, int, int], None]:
    """FCR while nothing runs."""
    cost, slow = xspi.cost, xspi.write

    def write(address: int, size: int, value: int) -> None:
        if xspi.state or size != 4 or xspi.interrupts:
            slow(address, size, value)
            return
        soc.time.now += cost
        xspi.flags &= ~(value & CLEARABLE)
        xspi.seen = -1

    return write
