"""The FIFO of XSPI: levels, thresholds and stalls as functions of time, to the picosecond."""

from __future__ import annotations

import pytest

from n6prog.sim.clock import Timeline
from n6prog.sim.soc.bus import BusHang
from n6prog.sim.soc.xspi_fifo import ReadStream, WriteStream

NEVER = 1 << 62
DATA = bytes(range(200))


def reading(total: int = 200, cap: int | None = None) -> ReadStream:
    """A stream whose first byte is there at 1010, the others every 10 ps."""
    stream = ReadStream()
    stream.start(DATA[:total], total, total if cap is None else cap, 1000, 10)
    return stream


@pytest.mark.parametrize(("now", "count"), [(0, 0), (1000, 0), (1009, 0), (1010, 1), (1019, 1), (1020, 2), (1640, 64)])
def test_bytes_arrive_one_by_one(now, count):
    assert reading().arrived(now) == count


def test_the_clock_stops_while_the_fifo_is_full_and_goes_on_from_the_look_that_saw_it():
    stream = reading()
    assert stream.arrived(5000) == 64
    stream.pop(0, 4, Timeline(5000))
    assert stream.arrived(5009) == 64
    assert stream.arrived(5010) == 65
    assert stream.arrived(5040) == 68
    assert stream.arrived(5041) == 68


def test_a_fifo_that_is_just_full_has_stopped_the_clock_in_mid_byte():
    stream = reading()
    assert stream.arrived(1645) == 64
    stream.pop(0, 1, Timeline(1645))
    assert stream.arrived(1654) == 64
    assert stream.arrived(1655) == 65


def test_taking_what_has_just_come_moves_no_clock():
    stream, time = reading(), Timeline(1045)
    assert stream.pop(0, 4, time) == 0x0302_0100
    assert time.now == 1045


def test_never_more_than_the_cap_arrives():
    assert reading(8, cap=6).arrived(9999) == 6
    assert reading(8).arrived(9999) == 8


def test_an_older_time_takes_nothing_back():
    stream = reading()
    assert stream.arrived(1050) == 5
    assert stream.arrived(1020) == 5


def test_pop_gives_the_lowest_byte_first_in_every_size():
    stream, time = reading(), Timeline(2000)
    assert stream.pop(0, 1, time) == 0
    assert stream.pop(0, 2, time) == 0x0201
    assert stream.pop(0, 4, time) == 0x0605_0403
    assert (stream.popped, time.now) == (7, 2000)


def test_pop_stalls_until_the_byte_is_there():
    stream, time = reading(), Timeline(1000)
    assert stream.pop(0, 4, time) == 0x0302_0100
    assert time.now == 1040
    assert stream.at_hand == 4
    time.now = 1060
    stream.pop(0, 2, time)
    assert time.now == 1060


def test_pop_beyond_the_cap_hangs_and_names_the_address():
    stream, time = reading(8, cap=6), Timeline(5000)
    stream.pop(0, 4, time)
    with pytest.raises(BusHang) as hang:
        stream.pop(0x5802_A050, 4, time)
    assert hang.value.address == 0x5802_A050
    assert stream.popped == 4
    assert stream.pop(0, 2, time) == 0x0504


def test_the_last_word_may_be_short():
    stream = reading(6)
    stream.pop(0, 4, Timeline(2000))
    assert stream.pop(0, 4, Timeline(2000)) == 0x0504
    assert stream.popped == stream.total == 6
    stream = reading(1)
    assert stream.pop(0, 2, Timeline(2000)) == 0


def test_words_are_the_data():
    assert list(reading(12).words) == [0x0302_0100, 0x0706_0504, 0x0B0A_0908]
    assert list(reading(7).words) == [0x0302_0100]
    assert list(ReadStream().words) == []


@pytest.mark.parametrize(
    ("threshold", "seen", "event"),
    [
        (4, 0, 1040),
        (4, 3, 1040),
        (4, 4, 1080),  # reached: next is the end of eight bytes
        (8, 5, 1080),
        (9, 0, 1080),  # never reached: the end
        (4, 8, NEVER),
    ],
)
def test_the_next_event_of_a_read(threshold, seen, event):
    stream = reading(8)
    stream.arrived(1000 + 10 * seen)
    assert stream.next_event(threshold) == event


def test_with_a_full_fifo_nothing_happens_by_itself():
    stream = reading()
    stream.arrived(1000 + 640)
    assert stream.next_event(64) == NEVER
    assert reading().next_event(64) == 1640
    exactly = reading(64)
    exactly.arrived(1010)
    assert exactly.next_event(1) == 1640
    longer = reading(65)
    longer.arrived(1010)
    assert longer.next_event(1) == NEVER  # 65 do not fit


def test_a_read_survives_a_snapshot_in_the_middle():
    stream = reading(20)
    stream.pop(0, 4, Timeline(1080))
    stream.arrived(1100)
    other = ReadStream()
    other.restore(stream.snapshot())
    assert (other.total, other.cap, other.popped, other.at_hand) == (16, 16, 0, 6)
    assert other.arrived(1110) == 7
    time = Timeline(1110)
    assert other.pop(0, 4, time) == 0x0706_0504
    assert other.pop(0, 4, time) == 0x0B0A_0908
    assert time.now == 1120
    assert other.next_event(64) == 1200


def test_a_wedged_read_survives_a_snapshot():
    stream = reading(8, cap=6)
    other = ReadStream()
    other.restore(stream.snapshot())
    assert (other.arrived(9999), other.total) == (6, 8)


# ---- write


def writing(total: int = 200) -> WriteStream:
    """A stream whose first byte leaves from 1000 on, each takes 10 ps."""
    stream = WriteStream()
    stream.start(total, 1000, 10)
    return stream


def test_bytes_leave_behind_the_head():
    stream, time = writing(), Timeline(500)
    assert not stream.push(4, 0x0403_0201, time)
    assert bytes(stream.sent) == b"\1\2\3\4"
    assert (time.now, stream.dry) == (500, 1040)
    levels = {500: 4, 1000: 4, 1001: 4, 1009: 4, 1010: 3, 1011: 3, 1030: 1, 1039: 1, 1040: 0, 2000: 0}
    assert {now: stream.level(now) for now in levels} == levels
    assert (stream.out(1000), stream.out(1010), stream.out(1040)) == (b"", b"\1", b"\1\2\3\4")


def test_an_empty_fifo_stalls_the_frame():
    stream = writing()
    stream.push(1, 1, Timeline(500))
    stream.push(1, 2, Timeline(5000))
    assert stream.dry == 5010


def test_a_full_fifo_stalls_the_writer():
    stream, time = writing(), Timeline(500)
    for _ in range(16):
        stream.push(4, 0, time)
    assert (time.now, stream.level(time.now)) == (500, 64)
    stream.push(1, 0, time)  # the 65th byte: the first must be out
    assert (time.now, stream.level(time.now)) == (1010, 64)
    stream.push(4, 0, time)
    assert time.now == 1050
    time.now = 1100
    stream.push(4, 0, time)
    assert time.now == 1100


@pytest.mark.parametrize("filled", [63, 64])
def test_up_to_64_bytes_never_stall(filled):
    stream, time = writing(), Timeline(2000)
    for _ in range(filled):
        stream.push(1, 0, time)
    assert time.now == 2000
    assert stream.dry == 2000 + 10 * filled


def test_the_last_byte_is_told_and_what_is_too_much_is_dropped():
    stream, time = writing(6), Timeline(500)
    assert not stream.push(4, 0x0403_0201, time)
    assert not stream.complete
    assert stream.push(4, 0x0807_0605, time)
    assert stream.complete
    assert bytes(stream.sent) == b"\1\2\3\4\5\6"
    assert stream.dry == 1060
    assert not stream.push(1, 9, time)
    assert len(stream.sent) == 6
    exact = writing(1)
    assert exact.push(1, 0x55, time)
    assert exact.dry == 1010


def test_a_wedged_byte_never_leaves():
    stream = writing(3)
    stream.push(2, 0x0201, Timeline(500))
    stream.push(1, 3, Timeline(500))
    stream.wedged = True
    assert [stream.level(now) for now in (500, 1010, 1019, 1020, 1030, 9999)] == [3, 2, 2, 1, 1, 1]
    assert stream.out(9999) == b"\1\2"
    assert stream.next_event(2000, 4) == NEVER


@pytest.mark.parametrize(
    ("threshold", "now", "event"),
    [
        (4, 500, 1000 + 8 * 10),  # eight bytes beyond 60
        (64, 500, 1000 + 68 * 10),
        (1, 500, 1000 + 5 * 10),
        (4, 1079, 1080),
        (4, 1080, NEVER),
    ],
)
def test_the_next_event_of_a_write_is_room_for_the_threshold(threshold, now, event):
    stream = writing()
    for _ in range(17):
        stream.push(4, 0, Timeline(500))
    assert stream.dry == 1680
    assert stream.next_event(now, threshold) == event


def test_the_next_event_of_a_full_write_is_its_end():
    stream = writing(4)
    stream.push(2, 0, Timeline(500))
    assert stream.next_event(600, 4) == NEVER
    stream.push(2, 0, Timeline(500))
    assert stream.next_event(600, 4) == 1040
    assert stream.next_event(600, 61) == 1000 + 10
    assert stream.next_event(1010, 61) == 1040


def test_a_write_survives_a_snapshot():
    stream = writing(6)
    stream.push(4, 0x0403_0201, Timeline(500))
    stream.wedged = True
    other = WriteStream()
    other.restore(stream.snapshot())
    assert (bytes(other.sent), other.total, other.wedged, other.dry) == (b"\1\2\3\4", 6, True, 1040)
    assert other.level(1010) == 3
    assert not other.complete
