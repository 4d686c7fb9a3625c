"""Memory as bytes: pieces, order, and no piece longer than a USB time-out allows."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from n6prog.link import memory


class Port:
    """An access port over 256 KiB at 0x34000000."""

    def __init__(self) -> None:
        self.memory = bytearray(0x4_0000)
        self.pieces: list[tuple[int, int]] = []

    def read_memory_block8(self, addr: int, size: int) -> Sequence[int]:
        self.pieces.append((addr, size))
        at = addr - 0x3400_0000
        return list(self.memory[at : at + size])

    def write_memory_block8(self, addr: int, data: bytes) -> None:
        assert type(data) is bytes  # pyOCD's driver passes bytes on without touching them
        self.pieces.append((addr, len(data)))
        at = addr - 0x3400_0000
        self.memory[at : at + len(data)] = data


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 4000), st.binary(max_size=150_000), st.sampled_from([5_000, 200_000, 1_000_000, 24_000_000]))
def test_what_is_written_is_read_back(offset: int, data: bytes, clock: int) -> None:
    port = Port()
    memory.write(port, 0x3400_0000 + offset, data, clock)
    assert bytes(port.memory[offset : offset + len(data)]) == data
    assert memory.read(port, 0x3400_0000 + offset, len(data), clock) == data


def test_fast_links_use_whole_probe_commands() -> None:
    port = Port()
    memory.write(port, 0x3400_0000, bytes(0x1_0000), 8_000_000)
    assert all(size % 6144 == 0 for _, size in port.pieces[:-1])
    assert len(port.pieces) == 2


# 46 SWD clocks a word: at 5 kHz 6144 bytes would take 14 s; one second is what the driver waits.
@pytest.mark.parametrize("clock", [5_000, 50_000, 100_000, 200_000, 1_000_000, 24_000_000])
def test_no_piece_takes_longer_than_half_a_second_on_the_wire(clock: int) -> None:
    size = memory.piece_size(clock)
    assert size % 64 == 0
    assert size == 64 or size / 4 * 46 / clock <= 0.5
    assert size <= 6144


def test_any_buffer_can_be_written_and_progress_is_told() -> None:
    port = Port()
    memory.write(port, 0x3400_0000, memoryview(bytearray(b"\1\2\3\4\5\6\7\10")).cast("I"), 8_000_000)
    assert port.memory[:8] == b"\1\2\3\4\5\6\7\10"
    told: list[int] = []
    memory.read(port, 0x3400_0000, 100_000, 8_000_000, told.append)
    assert told == [49152, 98304, 100_000]
