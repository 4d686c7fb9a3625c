"""The memory protection unit (Armv8-M ARM B9.7, PMSAv8): enough to fault what a running FSBL forbids."""

from __future__ import annotations

REGIONS = 16
ENABLE, HFNMIENA, PRIVDEFENA = 1, 2, 4


class Mpu:
    """MPU_CTRL, and base and limit words of 16 regions. `changed` is set by every write."""

    def __init__(self) -> None:
        self.ctrl = 0
        self.number = 0
        self.regions = [[0, 0] for _ in range(REGIONS)]
        self.mair = [0, 0]
        self.changed = True

    @property
    def enabled(self) -> bool:
        """Whether MPU_CTRL.ENABLE is set."""
        return bool(self.ctrl & ENABLE)

    def _find(self, address: int) -> list[int] | bool | None:
        """The one region over `address`, None for none, False for more than one (which is a fault)."""
        hit: list[int] | None = None
        for region in self.regions:
            base, limit = region
            if limit & 1 and (base & ~0x1F) <= address <= (limit | 0x1F):
                if hit is not None:
                    return False
                hit = region
        return hit

    def allows(self, address: int, kind: str, *, privileged: bool) -> bool:
        """Whether a "fetch", "read" or "write" of `address` passes."""
        if not self.enabled or 0xE000_0000 <= address < 0xE010_0000:
            return True
        region = self._find(address)
        if region is False:
            return False
        if region is None:
            if not (privileged and self.ctrl & PRIVDEFENA):
                return False
            # The default map: 0x4.. and 0x5.. are device memory, 0xA.. up as well (B9.3).
            return kind != "fetch" or not (0x4000_0000 <= address < 0x6000_0000 or address >= 0xA000_0000)
        assert isinstance(region, list)
        base, limit = region
        read_only, unprivileged = base & 4, base & 2
        if not privileged and not unprivileged:
            return False
        if kind == "fetch":
            return not (base & 1 or (privileged and limit & 0x10))
        return kind == "read" or not read_only

    def read(self, offset: int) -> int:
        """A register by its offset from 0xE000_ED90."""
        if offset == 0x04:
            return self.ctrl
        if offset == 0x08:
            return self.number
        if 0x0C <= offset < 0x2C:
            return self._word(offset)[0][self._word(offset)[1]]
        if offset in (0x30, 0x34):
            return self.mair[(offset - 0x30) // 4]
        return 0

    def write(self, offset: int, value: int) -> None:
        """Set a register by its offset from 0xE000_ED90."""
        self.changed = True
        if offset == 0x04:
            self.ctrl = value & 7
        elif offset == 0x08:
            self.number = value % REGIONS
        elif 0x0C <= offset < 0x2C:
            region, index = self._word(offset)
            region[index] = value
        elif offset in (0x30, 0x34):
            self.mair[(offset - 0x30) // 4] = value

    def _word(self, offset: int) -> tuple[list[int], int]:
        """RBAR, RLAR and their aliases A1 to A3, which reach the neighbours of MPU_RNR (B9.7)."""
        alias, index = divmod((offset - 0x0C) // 4, 2)
        number = self.number if alias == 0 else (self.number & ~3) | alias
        return self.regions[number], index

    def snapshot(self) -> dict[str, object]:
        """The state, JSON-able."""
        return {"ctrl": self.ctrl, "number": self.number, "regions": self.regions, "mair": self.mair}

    def restore(self, state: dict[str, object]) -> None:
        """Take back what `snapshot` gave."""
        self.__dict__.update(state)
        self.changed = True
