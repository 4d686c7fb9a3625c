"""The simulated CMSIS-DAP v2 probe below pyOCD's own CMSIS-DAP driver."""

# mypy: allow-subclassing-any
# pyOCD has no type information.

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import TYPE_CHECKING

import usb.core
from pyocd.core.options import add_option_set
from pyocd.probe.cmsis_dap_probe import CMSISDAPProbe, CMSISDAPProbePlugin
from pyocd.probe.pydapaccess.dap_access_api import DAPAccessIntf
from pyocd.probe.pydapaccess.dap_access_cmsis_dap import DAPAccessCMSISDAP

from n6prog.sim.clock import PS_PER_SECOND, Timeline, TimeModel
from n6prog.sim.faults import ProbeGone, ProbeHung
from n6prog.sim.named import probe_name
from n6prog.sim.probe_base import SimProbe
from n6prog.sim.served import ServedBoard, ServedCmsisDap
from n6prog.sim.spec import SimSpec
from n6prog.sim.usb.cmsisdap import CMSIS_DAP_V2, FIRMWARE, PACKET, PACKETS, CmsisDapV2

if TYPE_CHECKING:
    from n6prog.sim.board import SimBoard

add_option_set(CMSISDAPProbePlugin().options)  # what loading the plug-in does, and with it those of all probes

_READ_TIMEOUT = 10 * PS_PER_SECOND  # pyOCD's DEFAULT_USB_TIMEOUT_S


class _Cable:
    """What pyOCD's driver calls an interface; turns a lost probe into what pyOCD's USB layer raises."""

    vid, pid = CmsisDapV2.vid, CmsisDapV2.pid
    vendor_name = CmsisDapV2.vendor_name
    product_name = CmsisDapV2.product_name
    is_bulk = True
    has_swo_ep = False

    def __init__(self, serial_number: str, host: Timeline) -> None:
        self.serial_number = serial_number
        self._host = host
        self.usb: CmsisDapV2 | ServedCmsisDap | None = None
        self._hung = False
        self._packet_size, self._packet_count = PACKET, PACKETS

    def open(self) -> None:
        """Claim it."""
        assert self.usb is not None
        self._hung = False
        self.usb.open()

    def close(self) -> None:
        """Release it."""
        if self.usb is not None:
            self.usb.close()

    def get_serial_number(self) -> str:
        """The serial number."""
        return self.serial_number

    def get_packet_count(self) -> int:
        """How many packets may be under way."""
        return self._packet_count

    def set_packet_count(self, count: int) -> None:
        """Let no more packets be under way."""
        self._packet_count = count

    def get_packet_size(self) -> int:
        """Bytes of a packet."""
        return self._packet_size

    def set_packet_size(self, size: int) -> None:
        """Use packets of this size."""
        self._packet_size = size

    def write(self, data: Sequence[int]) -> None:
        """A packet out. A probe that hangs still takes it; the answer is what does not come."""
        assert self.usb is not None
        try:
            self.usb.write(data)
        except ProbeGone:
            raise usb.core.USBError("No such device (it may have been disconnected)", None, errno.ENODEV) from None
        except ProbeHung:
            self._hung = True

    def read(self) -> bytes:
        """The next answer. Raises DeviceError when none comes."""
        assert self.usb is not None
        try:
            if not self._hung:
                return self.usb.read()
        except TimeoutError:
            pass
        self._host.advance(_READ_TIMEOUT)
        raise DAPAccessIntf.DeviceError(f"Timeout reading from probe {self.serial_number} (USB)")


class CmsisDapSimProbe(SimProbe, CMSISDAPProbe):
    """A simulated CMSIS-DAP v2 probe. Packets are under way while the host goes on: it has a clock of its own."""

    firmware_version = f"CMSIS-DAP {FIRMWARE}"

    def __init__(self, spec: SimSpec, *, board: SimBoard | None = None) -> None:
        host = Timeline()
        self._cable = _Cable(probe_name(spec), host)
        super().__init__(spec, DAPAccessCMSISDAP(None, self._cable), board=board, host=host)

    @property
    def _model(self) -> TimeModel:
        return CMSIS_DAP_V2

    def _plug_in(self, board: SimBoard | ServedBoard) -> CmsisDapV2 | ServedCmsisDap:
        if isinstance(board, ServedBoard):
            self._cable.usb = served = ServedCmsisDap(board)
            return served
        self._cable.usb = device = CmsisDapV2(
            board, self._cable.serial_number, self._model, after=self._check_tripwire, host=self._host
        )
        return device
