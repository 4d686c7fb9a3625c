"""The debug port as a probe reaches it: the target's SW-DP behind a wire on which transfers can be damaged.

Many words at once move at the speed of memory wherever no fault is due among them; around a fault they go one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from n6prog.sim.clock import Timeline
from n6prog.sim.dap.mem_ap import DRW, PAGE, SINGLE_INCREMENT, MemAp
from n6prog.sim.dap.sw_dp import (
    DPIDR,
    STICKY,
    STICKYCMP,
    STICKYERR,
    STICKYORUN,
    TARGETID,
    WDATAERR,
    Ack,
    SwDp,
)
from n6prog.sim.faults import Damage, LinkFaults
from n6prog.sim.soc.bus import BusFault, BusHang

_CSW_SIZE = {1: 0, 2: 1, 4: 2}
_DAPABORT = 1


class DebugPort(SwDp):
    """DP registers and access ports. The probe keeps `clock_hz` at its SWD clock in hertz."""

    def __init__(self, ports: dict[int, MemAp], faults: LinkFaults | None = None) -> None:
        super().__init__(ports)
        self.clock_hz = 1_000_000
        self.faults = faults or LinkFaults(Timeline())

    # ---- one transfer ------------------------------------------------------------------------------------------

    def read_dp(self, register: int, bank: int) -> tuple[Ack, int]:
        """A DP register: 0 DPIDR, 4 CTRL/STAT and its banks, 8 RESEND, 0xC RDBUFF."""
        damage = self.faults.next(self.clock_hz)
        ordinary = super().read_dp
        return self._read(damage, lambda: ordinary(register, bank))

    def write_dp(self, register: int, value: int, bank: int) -> Ack:
        """0 ABORT, 4 CTRL/STAT, 8 SELECT."""
        damage = self.faults.next(self.clock_hz)
        ordinary = super().write_dp
        return self._write(damage, value, lambda word: ordinary(register, word, bank))

    def read_ap(self, index: int, register: int) -> tuple[Ack, int]:
        """An AP register. Ports that do not exist read 0 without a fault."""
        damage = self.faults.next(self.clock_hz)
        ordinary = super().read_ap
        return self._read(damage, lambda: ordinary(index, register))

    def write_ap(self, index: int, register: int, value: int) -> Ack:
        """An AP register. The answer is the ACK: a word that came with a wrong parity shows in `after_writes`."""
        damage = self.faults.next(self.clock_hz)
        ordinary = super().write_ap
        return self._write(damage, value, lambda word: ordinary(index, register, word))

    def after_writes(self) -> Ack:
        """The read of RDBUFF with which a probe ends a run of writes to an AP: FAULT where one went wrong."""
        return super().read_dp(0xC, 0)[0]

    def _read(self, damage: Damage | None, access: Callable[[], tuple[Ack, int]]) -> tuple[Ack, int]:
        if damage is None:
            return access()
        lost = self._unheard(damage)
        if lost is not None:
            return lost, 0
        ack, value = access()
        if ack is Ack.OK and damage is Damage.REPEAT:
            ack, value = access()
        if ack is not Ack.OK or damage is Damage.REPEAT:
            return ack, value
        return (Ack.PARITY, 0) if damage is Damage.FLIP else (Ack.OK, self.faults.flip(value, 2))

    def _write(self, damage: Damage | None, value: int, access: Callable[[int], Ack]) -> Ack:
        if damage is None:
            return access(value)
        lost = self._unheard(damage)
        if lost is not None:
            return lost
        if damage is Damage.FLIP:  # the target sees it, drops the word and says so at the next transfer
            if not self.powered:
                return Ack.NONE
            if self.sticky & STICKY:
                return Ack.FAULT
            self.sticky |= WDATAERR
            return Ack.OK
        if damage is Damage.DOUBLE:
            return access(self.faults.flip(value, 2))
        ack = access(value)
        return access(value) if ack is Ack.OK else ack

    def _unheard(self, damage: Damage) -> Ack | None:
        if damage is Damage.LOST:
            return Ack.NONE
        if damage is Damage.WAIT:
            if not self.powered:
                return Ack.NONE
            self.overrun()
            return Ack.WAIT
        return None

    # ---- the same register many times --------------------------------------------------------------------------

    def read_run(self, index: int, register: int, count: int) -> tuple[Ack, list[int]]:
        """`count` reads of one AP register: the last answer, and the words that came before one that was not OK."""
        words: list[int] = []
        while len(words) < count:
            port, quiet = self._quiet(index, register, count - len(words))
            if port is not None:
                try:
                    data = port.read_straight(quiet)
                except (BusFault, BusHang):
                    pass  # find out where, one by one
                else:
                    self.faults.passed(quiet)
                    words += memoryview(data).cast("I").tolist()
                    self.keep(words[-1])
                    continue
            ack, word = self.read_ap(index, register)
            if ack is not Ack.OK:
                return ack, words
            words.append(word)
        return Ack.OK, words

    def write_run(self, index: int, register: int, words: Sequence[int]) -> tuple[Ack, int]:
        """Writes to one AP register: the last answer, and how many were answered OK."""
        done = 0
        while done < len(words):
            port, quiet = self._quiet(index, register, len(words) - done)
            if port is not None:
                data = b"".join(word.to_bytes(4, "little") for word in words[done : done + quiet])
                start = port.tar
                try:
                    port.write_straight(data)
                except BusFault as fault:
                    done = self._stopped(port, start, done, fault.address)
                    self.failed()
                    return Ack.FAULT, done
                except BusHang as hang:
                    done = self._stopped(port, start, done, hang.address)
                    return self.stuck(port), done
                self.faults.passed(quiet)
                done += quiet
                continue
            ack = self.write_ap(index, register, words[done])
            if ack is not Ack.OK:
                return ack, done
            done += 1
        return Ack.OK, done

    def _stopped(self, port: MemAp, start: int, done: int, address: int) -> int:
        """A run of writes broke off at `address`: what came before has happened."""
        moved = max(0, address - start) // 4
        port.tar = start + 4 * moved
        self.faults.passed(moved + 1)
        return done + moved

    def _quiet(self, index: int, register: int, wanted: int) -> tuple[MemAp | None, int]:
        """A port that takes the next words as one piece of memory, and how many; None where they go one by one."""
        port = self.ports.get(index)
        if register != DRW or port is None or not port.is_open() or self.ctrl & 0x00FF_F00C:
            return None, 0
        if not self.powered or self.sticky & STICKY or self.outstanding or port.hung:
            return None, 0
        quiet = self.faults.quiet(min(wanted, port.straight()), self.clock_hz)
        return (port, quiet) if quiet > 1 else (None, 0)

    # ---- memory, as a probe's own block commands do it ---------------------------------------------------------

    def read_block(self, index: int, address: int, length: int, width: int) -> tuple[Ack, bytes, int]:
        """`length` bytes through DRW with auto-increment: answer, data, failing address."""
        port, ack = self._block_port(index)
        if port is None:
            return ack, bytes(length), address
        count = length // width
        if self.faults.quiet(count, self.clock_hz) < count:
            return self._read_one_by_one(port, index, address, length, width)
        self.faults.passed(count)
        port.tar = address
        try:
            return Ack.OK, port.memory.read(address, length, width), 0
        except BusFault as fault:
            self.failed()
            return Ack.FAULT, bytes(length), fault.address
        except BusHang as hang:
            return self._give_up(port), bytes(length), hang.address

    def write_block(self, index: int, address: int, data: bytes, width: int) -> tuple[Ack, int]:
        """Bytes through DRW with auto-increment: answer, failing address."""
        port, ack = self._block_port(index)
        if port is None:
            return ack, address
        count = len(data) // width
        if self.faults.quiet(count, self.clock_hz) < count:
            return self._write_one_by_one(port, index, address, data, width)
        self.faults.passed(count)
        port.tar = address
        try:
            port.memory.write(address, data, width)
        except BusFault as fault:
            self.failed()
            return Ack.FAULT, fault.address
        except BusHang as hang:
            return self._give_up(port), hang.address
        return Ack.OK, 0

    def _block_port(self, index: int) -> tuple[MemAp | None, Ack]:
        port = self.ports.get(index)
        blocked = self.blocked(port)
        if blocked is not None:
            return None, blocked
        if port is None or not port.is_open():
            self.failed()
            return None, Ack.FAULT
        return port, Ack.OK

    def _give_up(self, port: MemAp) -> Ack:
        """After an access that does not end the probe's firmware sends DAPABORT, so that the other ports go on."""
        ack = self.stuck(port)
        super().write_dp(0, _DAPABORT, 0)
        return ack

    def _read_one_by_one(
        self, port: MemAp, index: int, address: int, length: int, width: int
    ) -> tuple[Ack, bytes, int]:
        """Each word a transfer of its own; TAR is set anew at each KiB, and a word done twice moves it twice."""
        data = bytearray()
        kept = self._set_up(port, width)
        try:
            while len(data) < length:
                place = address + len(data)
                if not place % PAGE or not data:
                    port.tar = place
                ack, word = self.read_ap(index, DRW)
                if ack is not Ack.OK:
                    return ack, bytes(data).ljust(length, b"\0"), place
                data += (word >> (0 if width == 4 else 8 * (place & 3))).to_bytes(4, "little")[:width]
        finally:
            port.csw_bits = kept
        return Ack.OK, bytes(data), 0

    def _write_one_by_one(self, port: MemAp, index: int, address: int, data: bytes, width: int) -> tuple[Ack, int]:
        kept = self._set_up(port, width)
        try:
            for offset in range(0, len(data), width):
                place = address + offset
                if not place % PAGE or not offset:
                    port.tar = place
                word = int.from_bytes(data[offset : offset + width], "little")
                ack = self.write_ap(index, DRW, word << (0 if width == 4 else 8 * (place & 3)))
                if ack is not Ack.OK:
                    return ack, place
        finally:
            port.csw_bits = kept
        ack = self.after_writes()
        return ack, 0 if ack is Ack.OK else address + len(data) - width

    def _set_up(self, port: MemAp, width: int) -> int:
        """CSW for accesses of `width` bytes; gives back its bits as they were."""
        kept = port.csw_bits
        port.csw_bits = (kept & ~0x37) | SINGLE_INCREMENT | _CSW_SIZE[width]
        return kept


__all__ = [
    "DPIDR",
    "DRW",
    "STICKYCMP",
    "STICKYERR",
    "STICKYORUN",
    "TARGETID",
    "WDATAERR",
    "Ack",
    "DebugPort",
    "LinkFaults",
]
