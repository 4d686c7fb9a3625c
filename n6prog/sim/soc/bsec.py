"""BSEC: fuse words, their read handshake, and the debug gate (hw-soc 1.5, 1.6, 5). Read-only for whoever asks."""

from __future__ import annotations

from collections.abc import Mapping

from n6prog.sim.soc.block import Block
from n6prog.sim.tripwire import Tripwire

OTPCR, SR, OTPSR, DBGCR, AP_UNLOCK, HDPLSR = 0xC04, 0xE40, 0xE44, 0xE8C, 0xE90, 0xE94
PROG, PPLOCK = 1 << 13, 1 << 14
UNLOCK = 0xB4
# What the gate reads once the ROM has opened it (KOR read it open); secure debug at level 0 is a guess.
_OPENED = {DBGCR: 0xB4B4_B400, AP_UNLOCK: UNLOCK}
WORDS = 376
SHADOWED = 32  # the ROM loads the lower words at start; the rest needs the handshake (GUESS for the border)
PART_WORD, HSLV_WORD = 9, 124
STM32N657 = 0x2000
HSLV_VDDIO3, HSLV_VDDIO2 = 1 << 15, 1 << 16
_NVSTATE_OPEN = 0x16 << 26
_HVALID = 1 << 1
_INIT_DONE, _BUSY = 1 << 1, 1


class Bsec(Block):
    """Fuse controller of an open part. `fuses` by word number; programming and locking are refused."""

    RESET: Mapping[int, int] = {SR: _NVSTATE_OPEN | _HVALID, HDPLSR: 0xB4}

    def __init__(self, base: int, tripwire: Tripwire, fuses: Mapping[int, int]) -> None:
        super().__init__("BSEC", base, 0x1000)
        self._tripwire = tripwire
        self.fuses = dict(fuses)
        self.state: int | None = None  # another NVSTATE than that of an open part
        self.opened_by_rom = False  # the one write of the gate is the ROM's then
        self._loaded: set[int] = set(range(SHADOWED))
        self._busy = False
        self._written: set[int] = set()

    def load(self, offset: int) -> int:
        """Read; a fuse word behind the handshake reads 0 until it was asked for through OTPCR."""
        if offset < 4 * WORDS:
            word = offset // 4
            return self.fuses.get(word, 0) if word in self._loaded else 0
        if offset == SR and self.state is not None:
            return self.state << 26 | _HVALID
        if offset == OTPSR:
            busy, self._busy = self._busy, False  # one look sees the read going on
            return _INIT_DONE | (_BUSY if busy else 0)
        if self.opened_by_rom and offset in _OPENED:
            return _OPENED[offset]
        return super().load(offset)

    def store(self, offset: int, value: int) -> None:
        """Write."""
        if offset < 4 * WORDS or offset in (SR, OTPSR, HDPLSR):
            return
        if offset == OTPCR:
            if value & (PROG | PPLOCK):
                what = "programmed" if value & PROG else "locked"
                self._tripwire.violation(
                    f"BSEC: OTP word {value & 0x1FF} was to be {what}: cannot be undone on a real part"
                )
                return
            self._loaded.add(value & 0x1FF)
            self._busy = True
        elif offset in (DBGCR, AP_UNLOCK):
            if offset in self._written or self.opened_by_rom:
                return  # one write per cold reset (ES0620 2.2.18)
            self._written.add(offset)
        super().store(offset, value)

    @property
    def ap_unlocked(self) -> bool:
        """Whether software opened the access port."""
        return self.words.get(AP_UNLOCK, 0) & 0xFF == UNLOCK

    def reset(self) -> None:
        """A system reset keeps the debug gate, which only power clears."""
        kept = {offset: self.words[offset] for offset in self._written}
        super().reset()
        self.words.update(kept)
        self._loaded = set(range(SHADOWED))
        self._busy = self.opened_by_rom = False

    def power_reset(self) -> None:
        """Power came on."""
        self._written.clear()
        self.reset()

    def snapshot(self) -> dict[str, object]:
        """The state, JSON-able."""
        lists = {"loaded": sorted(self._loaded), "written": sorted(self._written)}
        return {**super().snapshot(), **lists, "opened": self.opened_by_rom}

    def restore(self, state: Mapping[str, object]) -> None:
        """Take back what `snapshot` gave."""
        super().restore(state)
        loaded, written = state["loaded"], state["written"]
        if not isinstance(loaded, list) or not isinstance(written, list):
            raise TypeError("BSEC: word lists are missing")
        self.opened_by_rom = bool(state["opened"])
        self._loaded, self._written = {int(word) for word in loaded}, {int(offset) for offset in written}
