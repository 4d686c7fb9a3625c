"""What a bus access can end in besides an answer."""

from __future__ import annotations


class BusFault(Exception):
    """The bus answered with an error: nothing lives at `address`, or the slave refused."""

    def __init__(self, address: int) -> None:
        super().__init__(f"bus error at {address:#010x}")
        self.address = address


class BusHang(Exception):
    """The bus never answers: the slave has no clock, or waits for data that do not come.

    On the chip the access port is dead from here on, until power goes (hw-soc 1.9 cause 1).
    """

    def __init__(self, address: int) -> None:
        super().__init__(f"the bus hangs at {address:#010x}")
        self.address = address
