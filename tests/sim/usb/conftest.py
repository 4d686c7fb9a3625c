"""A board and the two probes before it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("unicorn")

from n6prog.sim import SimBoard
from n6prog.sim.usb.cmsisdap import CmsisDapV2

LINE_RESET = bytes((0x12, 51)) + b"\xff" * 7
JTAG_TO_SWD = bytes((0x12, 16, 0x9E, 0xE7))
IDLE = bytes((0x12, 8, 0))
READ_DPIDR = bytes((0x05, 0, 1, 0x02))


@pytest.fixture
def board() -> Iterator[SimBoard]:
    with SimBoard() as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_board() -> Iterator[SimBoard]:
    """A board for tests that leave no trace on it."""
    with SimBoard() as opened:
        yield opened


class Dap:
    """A CMSIS-DAP probe, driven packet by packet."""

    def __init__(self, board: SimBoard) -> None:
        self.usb = CmsisDapV2(board, "test")
        self.usb.open()

    def __call__(self, packet: str | bytes) -> str:
        """Send a packet (hex text or bytes), give the answer as hex text."""
        self.usb.write(bytes.fromhex(packet) if isinstance(packet, str) else packet)
        return self.usb.read().hex(" ")

    def connect(self) -> None:
        """SWD selected, the DP awake, the debug domain powered."""
        for packet in (LINE_RESET, JTAG_TO_SWD, LINE_RESET, IDLE, READ_DPIDR):
            self(packet)
        assert self("05 00 01 04 00 00 00 50").startswith("05 01 01")  # CTRL/STAT: both power requests


@pytest.fixture
def dap(board: SimBoard) -> Dap:
    return Dap(board)


@pytest.fixture
def connected(dap: Dap) -> Dap:
    dap.connect()
    return dap


@pytest.fixture
def fresh_probe(shared_board: SimBoard) -> Dap:
    """A probe just plugged in, on a board that others use as well."""
    return Dap(shared_board)
