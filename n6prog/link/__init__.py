"""The wire: finding a probe, connecting, the clock, memory, running code on the core, reset, evidence.

Importing this loads nothing of pyOCD; opening a link does.
"""

from n6prog.link.clock import format_clock, slower_than
from n6prog.link.find import choose, firmware_trouble, is_simulated, list_probes
from n6prog.link.link import Link, open_link
from n6prog.link.types import ChipInfo, ProbeInfo

__all__ = [
    "ChipInfo",
    "Link",
    "ProbeInfo",
    "choose",
    "firmware_trouble",
    "format_clock",
    "is_simulated",
    "list_probes",
    "open_link",
    "slower_than",
]
