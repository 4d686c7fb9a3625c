"""The wire: finding a probe, connecting, the clock, memory, running code on the core, reset, evidence.

Importing this loads nothing of pyOCD; opening a link does.
"""

from n6prog.link.clock import format_clock, slower_than
from n6prog.link.connect import borrowed_link, open_link
from n6prog.link.find import choose, is_simulated, list_probes
from n6prog.link.firmware import firmware_trouble
from n6prog.link.holder import Holder, in_use
from n6prog.link.link import Link
from n6prog.link.types import ChipInfo, ProbeInfo

__all__ = [
    "ChipInfo",
    "Holder",
    "Link",
    "ProbeInfo",
    "borrowed_link",
    "choose",
    "firmware_trouble",
    "format_clock",
    "in_use",
    "is_simulated",
    "list_probes",
    "open_link",
    "slower_than",
]
