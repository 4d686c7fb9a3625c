"""Virtual time: timelines in integer picoseconds, and the one table of assumed costs behind every figure."""

from __future__ import annotations

from dataclasses import dataclass, replace

PS_PER_SECOND = 1_000_000_000_000
PS_PER_US = 1_000_000


def ps(seconds: float) -> int:
    """Seconds as whole picoseconds."""
    return round(seconds * PS_PER_SECOND)


class Timeline:
    """The clock of one bus master (the probe or the core). Only ever moves forward.

    `now` is in picoseconds since power first came on.
    """

    __slots__ = ("now",)

    def __init__(self, now: int = 0) -> None:
        self.now = now

    def advance(self, duration: int) -> None:
        """Move on by `duration` picoseconds."""
        self.now += duration

    def advance_to(self, moment: int) -> None:
        """Move on to `moment` (picoseconds), or stay where that has already passed."""
        if moment > self.now:
            self.now = moment


class VirtualClock:
    """What `link` takes its waits from: the host's timeline, in seconds, counted from `origin` (picoseconds)."""

    def __init__(self, host: Timeline) -> None:
        self._host = host
        self.origin = 0

    def now(self) -> float:
        """Virtual seconds since `origin`."""
        return (self._host.now - self.origin) / PS_PER_SECOND

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass; the core and the NOR catch up at the next access."""
        if seconds > 0:
            self._host.advance(ps(seconds))


@dataclass(frozen=True)
class TimeModel:
    """What things are assumed to cost. Frequencies in hertz, durations in picoseconds unless named otherwise.

    None of this was timed on a real board: it is printed with every figure made from it.
    """

    name: str = "stlink-v3"
    cpu_hz: int = 64_000_000  # HSI as the boot ROM leaves it (hw-soc 1.7)
    cpi_tenths: int = 13  # 1.3 cycles an instruction
    bus_hz: int = 32_000_000  # HCLK5, also the XSPI kernel clock (hw-soc 1.7)
    xspi_register: int = 125_000
    mapped_burst: int = 500_000  # on top of the bus time of each burst of a memory-mapped read
    boot_rom: int = 20_000_000_000  # reset to AP1 open
    usb_latency: int = 60_000_000  # high-speed bulk, each way
    usb_bytes_per_second: int = 30_000_000
    host_call: int = 15_000_000
    firmware: int = 5_000_000
    swd_clocks_word: int = 46
    swd_clocks_fault: int = 13
    swd_steps_khz: tuple[int, ...] = (24000, 8000, 3300, 1000, 200, 50, 5)
    probe_bytes_per_second: int = 0  # a cap on memory commands, 0 for none

    @property
    def instruction(self) -> int:
        """Picoseconds of ten instructions; multiply by the count, then divide by ten."""
        return self.cpi_tenths * (PS_PER_SECOND // self.cpu_hz)

    def describe(self) -> str:
        """The table as text, one line a constant."""
        cap = f"{self.probe_bytes_per_second // 1000} kB/s" if self.probe_bytes_per_second else "none"
        steps = " ".join(str(step) for step in self.swd_steps_khz)
        rows = (
            ("profile", self.name),
            ("core", f"{self.cpu_hz / 1e6:g} MHz, {self.cpi_tenths / 10:g} cycles an instruction"),
            ("XSPI register access", f"{self.xspi_register / 1000:g} ns"),
            ("XSPI kernel clock", f"{self.bus_hz / 1e6:g} MHz"),
            ("mapped read", f"bus time + {self.mapped_burst / PS_PER_US:g} us a burst"),
            ("reset to AP1 open", f"{self.boot_rom / 1e9:g} ms"),
            ("SWD", f"{self.swd_clocks_word} clocks a word; steps {steps} kHz, rounded down"),
            ("USB", f"{self.usb_latency / PS_PER_US:g} us each way, {self.usb_bytes_per_second / 1e6:g} MB/s"),
            ("probe firmware", f"{self.firmware / PS_PER_US:g} us a command"),
            ("host", f"{self.host_call / PS_PER_US:g} us a call"),
            ("probe data cap", cap),
        )
        return "\n".join(f"{name:<22} {value}" for name, value in rows)


STLINK_V3 = TimeModel()
# Real ST-Link V3 probes were seen to move 633 kB/s whatever the clock (pyocd.md 4.3).
STLINK_V3_CAPPED = replace(STLINK_V3, name="stlink-v3-633k", probe_bytes_per_second=633_000)
STLINK_MODELS = {"stlink": STLINK_V3, "stlink-633k": STLINK_V3_CAPPED}
"""The ST-Links by the name that `link=` has for them."""
