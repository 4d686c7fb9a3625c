"""SWD clocks: asking the probe, reading back what it granted, and finding the fastest that works."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from n6prog.link.firmware import firmware_trouble
from n6prog.targets import chip

START_HZ = 1_000_000
AUTO_STEPS_HZ = (8_000_000, 3_300_000)
"""What `auto` tries above START_HZ. ST-LINK V3 grants both; 24 MHz is for those who ask: probes were seen to hang."""
_HANGING_STEPS_HZ = (3_300_000,)  # for ST-LINK firmware that was seen to hang (users.md F10)
FALLBACK_HZ = 200_000
"""What is tried when nothing answers at START_HZ: long wires, weak pull-ups."""
SAMPLE = 256
"""Bytes of the boot ROM that are compared."""
_READS = 8


def format_clock(hertz: int) -> str:
    """The clock as people write it: "8 MHz", "3.3 MHz", "200 kHz"."""
    if hertz >= 1_000_000:
        return f"{hertz / 1_000_000:g} MHz"
    return f"{hertz / 1_000:g} kHz"


def slower_than(hertz: int) -> int | None:
    """The next step below a clock, in hertz; None below the lowest."""
    return next((step for step in (*AUTO_STEPS_HZ, START_HZ, FALLBACK_HZ) if step < hertz), None)


def auto_steps(firmware: str) -> tuple[int, ...]:
    """The clocks to try above START_HZ with this probe firmware, the fastest first, in hertz."""
    return _HANGING_STEPS_HZ if firmware_trouble(firmware) else AUTO_STEPS_HZ


def set_clock(probe: Any, hertz: int) -> int:
    """Ask the probe for a clock and give the one it granted, in hertz (the request where the probe cannot tell)."""
    probe.set_clock(hertz)
    return granted_clock(probe, hertz)


def granted_clock(probe: Any, asked: int) -> int:
    """The SWD clock the probe runs at, read back. ST-LINK V3 rounds down to a step and pyOCD does not say to which."""
    granted = getattr(probe, "granted_clock_hz", None)
    if granted:
        return int(granted)
    link = getattr(probe, "_link", None)
    if link is not None and getattr(link, "hw_version", 0) >= 3:
        current_khz, _steps = link.get_com_frequencies(type(link).Protocol.SWD)
        return int(current_khz) * 1000
    return asked


def is_reliable(read: Callable[[int, int], bytes], reference: bytes) -> str:
    """Read the boot ROM several times and compare: "" when all reads are equal, else what went wrong.

    `read(address, size)` may raise; the boot ROM is always there and nothing writes it.
    """
    for number in range(_READS):
        if trouble := _trouble(read, reference, number):
            return trouble
    return ""


def count_errors(read: Callable[[int, int], bytes], reference: bytes, reads: int) -> int:
    """How many of `reads` reads of the boot ROM fail or differ from `reference`."""
    return sum(bool(_trouble(read, reference, number)) for number in range(reads))


def _trouble(read: Callable[[int, int], bytes], reference: bytes, number: int) -> str:
    try:
        sample = read(chip.BOOT_ROM, len(reference))
    except Exception as exc:  # noqa: BLE001  whatever the driver makes of a broken transfer
        return f"read {number + 1} of the boot ROM failed: {exc}"
    return "" if sample == reference else f"read {number + 1} of the boot ROM differs"


def reference_sample(read: Callable[[int, int], bytes]) -> bytes | None:
    """The start of the boot ROM as two equal reads give it, or None where they differ."""
    first = read(chip.BOOT_ROM, SAMPLE)
    return first if read(chip.BOOT_ROM, SAMPLE) == first else None
