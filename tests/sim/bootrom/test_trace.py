"""The trace buffer, byte by byte (header.md 5)."""

from __future__ import annotations

import struct

from n6prog.sim.bootrom.trace import Trace


def test_a_record_is_start_size_time_level_code_and_arguments():
    buffer = memoryview(bytearray(2048))
    trace = Trace(buffer, 5_000_000)
    trace.note(17_000_000, 0x8000_0001, 0x4_0000, level=2)
    assert buffer[:24] == struct.pack("<6I", 0xFFDD_BB00, 16, 12, 2, 0x8000_0001, 0x4_0000)
    assert not any(buffer[24:])


def test_records_follow_each_other():
    buffer = memoryview(bytearray(2048))
    trace = Trace(buffer, 0)
    trace.note(0, 1)
    trace.note(1_000_000, 2)
    assert struct.unpack_from("<5I", buffer, 20) == (0xFFDD_BB00, 12, 1, 0, 2)


def test_a_full_buffer_starts_again_at_its_front():
    buffer = memoryview(bytearray(2048))
    trace = Trace(buffer, 0)
    for code in range(103):  # 102 records of 20 bytes fit
        trace.note(0, code)
    assert struct.unpack_from("<I", buffer, 16) == (102,)
    assert struct.unpack_from("<I", buffer, 20 + 16) == (1,)
