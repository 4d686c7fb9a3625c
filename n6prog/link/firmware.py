"""Probe firmware with known faults."""

from __future__ import annotations

import re

# ST-LINK V3 firmware with known faults: the last J number of each, and what it does (users.md F10, F12).
_BAD_FIRMWARE = (
    (15, "trouble with STM32N6 boards, which are younger than it"),
    (16, "hanging on a read now and then at high SWD clocks, until it is replugged"),
)
_V3 = re.compile(r"V3J(\d+)")


def firmware_trouble(firmware: str) -> str:
    """What a probe's firmware ("V3J16M6") is known to do wrong, or ""."""
    number = _V3.match(firmware)
    if number is None:
        return ""
    return next((trouble for last, trouble in _BAD_FIRMWARE if int(number[1]) <= last), "")
