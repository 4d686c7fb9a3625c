"""SWD clocks: what the probe granted, and the check that a clock carries data."""

from __future__ import annotations

import pytest

from n6prog.link.clock import format_clock, granted_clock, is_reliable, reference_sample, set_clock


@pytest.mark.parametrize(
    ("hertz", "text"), [(8_000_000, "8 MHz"), (3_300_000, "3.3 MHz"), (200_000, "200 kHz"), (5_000, "5 kHz")]
)
def test_clocks_are_written_as_people_write_them(hertz: int, text: str) -> None:
    assert format_clock(hertz) == text


class StLinkV3:
    """The two calls of pyOCD's ST-LINK driver; it rounds down to a step, as the firmware does."""

    class Protocol:
        SWD = 1

    hw_version = 3

    def __init__(self) -> None:
        self.khz = 1000

    def get_com_frequencies(self, protocol: object) -> tuple[int, list[int]]:
        assert protocol == 1
        return self.khz, [24000, 8000, 3300, 1000]


class Probe:
    """A pyOCD probe over it."""

    def __init__(self, link: StLinkV3 | None) -> None:
        if link is not None:
            self._link = link
        self.link = link

    def set_clock(self, hertz: int) -> None:
        if self.link is not None:
            self.link.khz = max(step for step in (24000, 8000, 3300, 1000, 200) if step * 1000 <= hertz)


def test_the_granted_clock_is_read_back_from_an_stlink_v3() -> None:
    assert set_clock(Probe(StLinkV3()), 10_000_000) == 8_000_000
    assert set_clock(Probe(StLinkV3()), 3_000_000) == 1_000_000


def test_a_probe_that_cannot_tell_is_believed() -> None:
    assert granted_clock(Probe(None), 2_500_000) == 2_500_000


def test_equal_reads_make_a_clock_reliable() -> None:
    rom = bytes(range(256))
    assert is_reliable(lambda address, size: rom, rom) == ""
    assert reference_sample(lambda address, size: rom) == rom


def test_one_flipped_bit_or_an_error_makes_it_unreliable() -> None:
    rom = bytes(256)
    answers = [rom] * 5 + [b"\1" + rom[1:]] + [rom] * 5
    assert "differs" in is_reliable(lambda address, size: answers.pop(0), rom)

    def broken(address: int, size: int) -> bytes:
        raise OSError("transfer fault")

    assert "transfer fault" in is_reliable(broken, rom)
    pair = [rom, b"\2" + rom[1:]]
    assert reference_sample(lambda address, size: pair.pop(0)) is None
