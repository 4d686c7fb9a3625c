"""The simulated ST-Link V3 below pyOCD's own ST-Link driver."""

# mypy: allow-subclassing-any
# pyOCD has no type information.

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import TYPE_CHECKING

import usb.core
from pyocd.core import exceptions
from pyocd.core.options import add_option_set
from pyocd.probe.stlink_probe import StlinkProbe, StlinkProbePlugin

from n6prog.sim.clock import STLINK_MODELS, Timeline, TimeModel
from n6prog.sim.faults import ProbeGone, ProbeHung
from n6prog.sim.named import probe_name
from n6prog.sim.probe_base import SimProbe
from n6prog.sim.served import ServedBoard, ServedStLink
from n6prog.sim.spec import SimSpec
from n6prog.sim.usb.stlink import StLinkV3, firmware_of

if TYPE_CHECKING:
    from n6prog.sim.board import SimBoard

add_option_set(StlinkProbePlugin().options)  # what loading the plug-in does, and with it those of all probes

_MILLISECOND = 1_000_000_000  # picoseconds


class _Cable:
    """Where the USB device will be once the probe is opened; turns a lost probe into what pyOCD's USB layer raises."""

    vendor_name = StLinkV3.vendor_name
    product_name = StLinkV3.product_name
    version_name = StLinkV3.version_name
    max_packet_size = StLinkV3.max_packet_size

    def __init__(self, serial_number: str, host: Timeline) -> None:
        self.serial_number = serial_number
        self._host = host
        self.usb: StLinkV3 | ServedStLink | None = None

    @property
    def is_open(self) -> bool:
        """Whether the interface is claimed."""
        return self.usb is not None and self.usb.is_open

    def open(self) -> None:
        """Claim it."""
        assert self.usb is not None
        self.usb.open()

    def close(self) -> None:
        """Release it."""
        if self.usb is not None:
            self.usb.close()

    def transfer(
        self,
        cmd: Sequence[int],
        writeData: Sequence[int] | None = None,  # noqa: N803  (pyOCD's name)
        readSize: int | None = None,  # noqa: N803
        timeout: int = 1000,
    ) -> bytes | None:
        """One command; `timeout` in milliseconds. Raises ProbeError as pyOCD's USB layer does."""
        assert self.usb is not None
        try:
            return self.usb.transfer(cmd, writeData, readSize, timeout)
        except ProbeGone as gone:
            lost: Exception = usb.core.USBError("No such device (it may have been disconnected)", None, errno.ENODEV)
            raise exceptions.ProbeError(f"USB Error: {lost}") from lost.with_traceback(gone.__traceback__)
        except ProbeHung as hung:
            self._host.advance(timeout * _MILLISECOND)
            lost = usb.core.USBTimeoutError("Operation timed out", None, errno.ETIMEDOUT)
            raise exceptions.ProbeError(f"USB Error: {lost}") from lost.with_traceback(hung.__traceback__)

    def read_swv(self, size: int, timeout: int = 1000) -> bytearray:
        """Trace data: there is none."""
        assert self.usb is not None
        return self.usb.read_swv(size, timeout)


class StlinkSimProbe(SimProbe, StlinkProbe):
    """A simulated ST-Link V3. It is synchronous: host and board share one clock."""

    def __init__(self, spec: SimSpec, *, board: SimBoard | None = None) -> None:
        host = board.host if board is not None else Timeline()
        self._cable = _Cable(probe_name(spec), host)
        super().__init__(spec, self._cable, board=board, host=host)

    @property
    def _model(self) -> TimeModel:
        return STLINK_MODELS[self._spec.link]

    def _board_clock(self) -> Timeline:
        return self._host

    def _plug_in(self, board: SimBoard | ServedBoard) -> StLinkV3 | ServedStLink:
        if isinstance(board, ServedBoard):
            self._cable.usb = served = ServedStLink(board)
            return served
        self._cable.usb = device = StLinkV3(
            board, self._cable.serial_number, self._model, self._check_tripwire, firmware_of(self._spec.faults)
        )
        return device
