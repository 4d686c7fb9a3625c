"""The ECC status group of CR2: 0x800 and 0xC00 to 0xF00, once for each die (hw-flash 3; Verilog model)."""

from __future__ import annotations

FAILS, ONE_BIT, TWO_BITS, TWICE, VALID = 0x0F, 0x10, 0x20, 0x40, 0x80
STATUS = 0x800
DIE = 0x0400_0000
# register: (bits of the failing address to the right of, mask)
_ADDRESS = {0xC00: (0, 0xF0), 0xD00: (8, 0xFF), 0xE00: (16, 0xFF), 0xF00: (24, 0x03)}


class EccStatus:
    """What reads have met since power-up, a reset, or the last clearing."""

    def __init__(self, dies: int) -> None:
        self.status = [0] * dies
        self.address = [0] * dies

    def clear(self) -> None:
        """All dies at once."""
        self.status = [0] * len(self.status)
        self.address = [0] * len(self.address)

    def note(self, die: int, address: int, what: int) -> None:
        """A read met `what` (ONE_BIT, TWO_BITS, TWICE) in the chunk at `address`; errors are counted, to 15."""
        status = self.status[die] | what
        if what != TWICE:
            if not status & VALID:
                self.address[die] = address
            status |= VALID
            if status & FAILS < FAILS:
                status += 1
        self.status[die] = status

    def read(self, register: int) -> int | None:
        """A register of the group, None for an address that is not one."""
        die, low = divmod(register, DIE)
        if die >= len(self.status):
            return None
        if low == STATUS:
            return self.status[die]
        if low not in _ADDRESS:
            return None
        shift, mask = _ADDRESS[low]
        return self.address[die] >> shift & mask
