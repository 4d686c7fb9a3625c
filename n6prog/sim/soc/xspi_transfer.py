"""One indirect transfer of XSPI: what the command registers said when it began, and its bytes (hw-soc 7.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from n6prog.sim.soc.patience import Patience
from n6prog.sim.soc.xspi_fifo import ReadStream, WriteStream
from n6prog.sim.soc.xspi_frame import frame_of, head_sent
from n6prog.sim.soc.xspi_map import (
    ABR,
    ADDRESSED,
    AR,
    CCR,
    COMMAND,
    DHQC,
    DLR,
    IR,
    LONGEST_READ,
    NEVER,
    STUCK,
    TCR,
    TEF,
    UNLIMITED,
)

if TYPE_CHECKING:
    from n6prog.sim.soc.soc import Soc
    from n6prog.sim.soc.xspi import Xspi

# status reads of the NOR in a row that found it busy before the next ones wait for it
_STATUS_PATIENCE = 8


class Transfer:
    """Latches CCR, TCR, IR, AR and ABR, and hands the frame to the wire when NCS rises."""

    def __init__(self, xspi: Xspi, soc: Soc) -> None:
        self._xspi = xspi
        self._soc = soc
        self._nor_patience = Patience()
        self.input = ReadStream()  # these two for life: xspi_hot holds them
        self.output = WriteStream()
        self.clear()

    def clear(self) -> None:
        """Nothing under way."""
        self._latched = 0, 0, 0, 0, 0  # CCR, TCR, IR, AR and ABR
        self.frame, self.head = frame_of(*self._latched)
        self.clock = 0  # picoseconds
        self.begin = 0  # NCS fell
        self.end = 0  # when a command is over
        self.told = False  # TCF of this transfer was raised
        self.input.clear()
        self.output.clear()

    def latch(self, length: int, now: int) -> bool:
        """Take a frame with `length` bytes from the registers at `now`; False when it does not come to one.

        Address, or address and length, beyond DEVSIZE is a transfer error (RM0456 30.4.17). Without a clock all stands.
        """
        xspi = self._xspi
        wire, get = xspi.wire, xspi.words.get
        ccr, address = get(CCR, 0), get(AR, 0)
        if ccr & ADDRESSED and address + (1 if length > UNLIMITED else length or 1) > wire.device_size:
            xspi.flags |= TEF
            return False
        self._latched = ccr, get(TCR, 0), get(IR, 0), address, get(ABR, 0)
        self.frame, self.head = frame_of(*self._latched)
        self.told = False
        self.clock = clock = wire.clock()
        if clock >= NEVER:
            xspi.state = STUCK
            return False
        self.begin = wire.start(now, clock)
        return True

    def _total(self) -> int:
        """Bytes of data; without a limit up to the end of the device."""
        length = self._xspi.words.get(DLR, 0)
        return length + 1 if length != UNLIMITED else self._xspi.wire.device_size - self._latched[3]

    def _held_back(self) -> bool:
        """With the delay-hold bit on, a DTR command goes out only if CCR.DDTR is set too (HAL comment)."""
        latched = self._latched
        return bool(latched[1] & DHQC and self.frame.instruction.dtr and not latched[0] >> 27 & 1)

    # ---- command -------------------------------------------------------------------------------------------------

    def start_command(self) -> None:
        """A frame without data is on its way."""
        self.end = self.begin + self.frame.head_clocks * self.clock

    def finish_command(self) -> None:
        """It is all out."""
        if not self._held_back():
            self._xspi.wire.put(self.begin, self.clock, self.frame, self.head, b"")

    # ---- read ----------------------------------------------------------------------------------------------------

    def start_read(self) -> None:
        """The answer begins to arrive."""
        self._wait_with_status_polls()
        self.begin = max(self.begin, self._soc.time.now)
        frame, total = self.frame, self._total()
        kept = min(total, LONGEST_READ)
        data, strobed = self._xspi.wire.get(self.begin, self.clock, frame, self.head, kept)
        # an odd number of DTR bytes leaves the last one out and BUSY stuck; without strobe edges nothing comes at all
        cap = 0 if not strobed else kept & ~1 if frame.byte_halves == 1 else kept
        self.input.start(data, total, cap, self.begin + frame.head_clocks * self.clock, self._byte())

    def _byte(self) -> int:
        """Picoseconds of a data byte; next to nothing where DMODE names no lines, or 16 on both edges (GUESS)."""
        return self.frame.byte_halves * self.clock // 2 or 1

    def _wait_with_status_polls(self) -> None:
        """A program that reads the NOR's status over and over waits for the NOR: let it, in few and longer steps."""
        nor, time, horizon = self._soc.nor, self._soc.time, self._soc.horizon
        if nor.status_polls < _STATUS_PATIENCE:
            self._nor_patience.reset()
        elif nor.faults.stuck_wip:
            self._nor_patience.wait(time, horizon)
        else:
            self._nor_patience.wait_for(time, nor.busy_until, horizon)

    # ---- write ---------------------------------------------------------------------------------------------------

    def start_write(self) -> None:
        """The head goes out; data follow from the FIFO."""
        self.output.start(self._total(), self.begin + self.frame.head_clocks * self.clock, self._byte())

    def filled(self) -> None:
        """All bytes are in the FIFO or out. An odd number of DTR bytes: the last one never leaves."""
        self.output.wedged = self.output.total % 2 == 1 and self.frame.byte_halves == 1

    def finish_write(self) -> None:
        """They are all out."""
        output = self.output
        self._xspi.wire.put(self.begin, self.clock, self.frame, self.head, bytes(output.sent), output.dry)

    # ---- abort ---------------------------------------------------------------------------------------------------

    def cut(self, now: int) -> None:
        """NCS rises in the middle of a command or a write: the device gets the whole bytes that are out by now."""
        frame, head = self.frame, self.head
        clocks = max(now - self.begin, 0) // self.clock
        sent = head_sent(frame, head, clocks)
        if frame.dummy:
            frame = replace(frame, dummy=min(max(clocks - frame.head_clocks + frame.dummy, 0), frame.dummy))
        # a command has no data; what the FIFO still holds is of the write before it
        out = b"" if self._xspi.state == COMMAND else self.output.out(now)
        if frame.byte_halves == 1:
            out = out[: len(out) & ~1]
        if sent and not self._held_back():
            self._xspi.wire.put(self.begin, self.clock, frame, sent, out, now)

    # ---- state ---------------------------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, object]:
        """The state, JSON-able."""
        return {
            "latched": list(self._latched),
            "clock": self.clock,
            "begin": self.begin,
            "end": self.end,
            "told": self.told,
            "input": self.input.snapshot(),
            "output": self.output.snapshot(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `snapshot` gave."""
        ccr, tcr, instruction, address, alternate = state["latched"]
        self._latched = ccr, tcr, instruction, address, alternate
        self.frame, self.head = frame_of(*self._latched)
        self.clock, self.begin, self.end, self.told = state["clock"], state["begin"], state["end"], state["told"]
        self.input.restore(state["input"])
        self.output.restore(state["output"])
