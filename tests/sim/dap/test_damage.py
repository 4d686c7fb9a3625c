"""What damaged transfers do to the target and to what the probe sees, word by word and in runs and blocks."""

from __future__ import annotations

from typing import Any

import pytest

from n6prog.sim.dap.dp import Ack
from n6prog.sim.faults import ProbeGone
from tests.sim.dap.conftest import BASE

DRW = 0x0C


def test_a_flipped_read_shows_by_its_parity_and_has_happened(wire_with: Any) -> None:
    wire = wire_with("flip@#3")
    wire.tar(BASE)
    assert wire.dp.read_ap(1, DRW)[0] is Ack.PARITY
    assert wire.dp.ports[1].tar == BASE + 4


def test_a_flipped_write_is_dropped_and_shows_at_the_next_access(wire_with: Any) -> None:
    wire = wire_with("flip@#3")
    wire.tar(BASE)
    assert wire.dp.write_ap(1, DRW, 1) is Ack.OK
    assert wire.dp.after_writes() is Ack.FAULT
    assert wire.dp.write_ap(1, DRW, 2) is Ack.FAULT
    assert wire.dp.read_dp(4, 0)[1] & 0x80  # WDATAERR
    assert wire.ram.accesses == []
    wire.dp.write_dp(0, 8, 0)  # WDERRCLR
    assert wire.dp.write_ap(1, DRW, 3) is Ack.OK
    assert wire.ram.word(0) == 3


def test_two_flipped_bits_pass_unseen(wire_with: Any) -> None:
    wire = wire_with("double-flip@#3+double-flip@#5")
    wire.tar(BASE, 0x02)
    assert wire.dp.write_ap(1, DRW, 0x5555_AAAA) is Ack.OK
    assert (wire.ram.word(0) ^ 0x5555_AAAA).bit_count() == 2
    held = wire.ram.word(0)
    assert wire.dp.read_ap(1, DRW) == (Ack.OK, held)
    ack, value = wire.dp.read_ap(1, DRW)
    assert ack is Ack.OK
    assert (value ^ held).bit_count() == 2
    assert wire.dp.after_writes() is Ack.OK


def test_a_lost_transfer_never_reached_the_target(wire_with: Any) -> None:
    wire = wire_with("lost@#3+lost@#4")
    wire.tar(BASE)
    assert wire.dp.write_ap(1, DRW, 1) is Ack.NONE
    assert wire.dp.read_ap(1, DRW)[0] is Ack.NONE
    assert wire.ram.accesses == []
    assert wire.dp.ports[1].tar == BASE


def test_a_repeated_write_lands_twice_and_shifts_what_follows(wire_with: Any) -> None:
    wire = wire_with("repeat@#4")
    wire.tar(BASE)
    for value in (1, 2, 3):
        wire.dp.write_ap(1, DRW, value)
    assert [wire.ram.word(4 * index) for index in range(5)] == [1, 2, 2, 3, 0]


def test_a_repeated_read_skips_a_word(wire_with: Any) -> None:
    wire = wire_with("repeat@#4")
    wire.ram.data[:16] = b"".join(value.to_bytes(4, "little") for value in (1, 2, 3, 4))
    wire.tar(BASE)
    assert [wire.dp.read_ap(1, DRW)[1] for _ in range(3)] == [1, 3, 4]


def test_a_wait_is_answered_and_nothing_done(wire_with: Any) -> None:
    wire = wire_with("wait@#4:2")
    wire.tar(BASE)
    answers = [wire.dp.write_ap(1, DRW, value) for value in (1, 2, 2, 2)]
    assert answers == [Ack.OK, Ack.WAIT, Ack.WAIT, Ack.OK]
    assert (wire.ram.word(0), wire.ram.word(4), wire.ram.word(8)) == (1, 2, 0)


def test_a_dp_register_suffers_like_any_other(wire_with: Any) -> None:
    wire = wire_with("flip@#1+lost@#2+flip@#3")
    assert wire.dp.read_dp(0, 0)[0] is Ack.PARITY
    assert wire.dp.read_dp(0, 0)[0] is Ack.NONE
    assert wire.dp.write_dp(8, 0x0100_0000, 0) is Ack.OK
    assert wire.dp.select == 0
    assert wire.dp.sticky & 0x80


def test_an_unpowered_target_does_not_even_damage(wire_with: Any) -> None:
    wire = wire_with("flip:1+wait:5", powered=False)
    assert [wire.dp.read_ap(1, DRW)[0], wire.dp.write_ap(1, DRW, 0), wire.dp.write_dp(8, 0, 0)] == [Ack.NONE] * 3


# ---- in the middle of many words -----------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["flip@#300", "double-flip@#300", "lost@#300", "repeat@#300", "wait@#300:1"])
@pytest.mark.parametrize("write", [True, False])
def test_a_run_is_hit_at_the_same_word_as_its_words_one_by_one(wire_with: Any, fault: str, write: bool) -> None:
    fast, slow = wire_with(fault), wire_with(fault)
    for wire in (fast, slow):
        wire.ram.data[:] = bytes(number * 7 & 0xFF for number in range(len(wire.ram.data)))
        wire.tar(BASE + 0x10)
    if write:
        ack, done = fast.dp.write_run(1, DRW, range(1, 501))
        one, count = Ack.OK, 0
        for word in range(1, 501):
            one = slow.dp.write_ap(1, DRW, word)
            if one is not Ack.OK:
                break
            count += 1
        assert (ack, done) == (one, count)
    else:
        ack, words = fast.dp.read_run(1, DRW, 500)
        expected = []
        for _ in range(500):
            one, word = slow.dp.read_ap(1, DRW)
            if one is not Ack.OK:
                break
            expected.append(word)
        assert (ack, words) == (one, expected)
    assert fast.ram.data == slow.ram.data
    assert fast.dp.ports[1].tar == slow.dp.ports[1].tar
    assert fast.faults.transfers == slow.faults.transfers


def words(count: int) -> bytes:
    return b"".join(number.to_bytes(4, "little") for number in range(1, count + 1))


def test_a_block_stops_at_the_word_that_is_lost(wire_with: Any) -> None:
    wire = wire_with("lost@#11")
    assert wire.dp.write_block(1, BASE, words(20), 4) == (Ack.NONE, BASE + 40)
    assert wire.ram.data[:48] == words(10) + bytes(8)
    wire = wire_with("flip@#11")
    wire.ram.data[:80] = words(20)
    ack, data, where = wire.dp.read_block(1, BASE, 80, 4)
    assert (ack, data[:40], where) == (Ack.PARITY, words(10), BASE + 40)


def test_a_block_with_a_dropped_word_is_no_success(wire_with: Any) -> None:
    for number in (11, 20):  # in the middle, and the very last
        wire = wire_with(f"flip@#{number}")
        assert wire.dp.write_block(1, BASE, words(20), 4)[0] is Ack.FAULT
        assert wire.dp.read_dp(4, 0)[1] & 0x80


def test_a_repeated_word_shifts_a_block_up_to_the_next_kibibyte(wire_with: Any) -> None:
    wire = wire_with("repeat@#3")
    assert wire.dp.write_block(1, BASE + 0x3E0, words(16), 4) == (Ack.OK, 0)
    found = [wire.ram.word(0x3E0 + 4 * index) for index in range(16)]
    assert found == [1, 2, 3, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16]
    assert wire.ram.word(0) == 8  # TAR wrapped; it is set anew for the next KiB


def test_a_block_of_bytes_is_counted_by_its_bytes(wire_with: Any) -> None:
    wire = wire_with("lost@#6")
    assert wire.dp.write_block(1, BASE + 1, b"abcdefgh", 1) == (Ack.NONE, BASE + 6)
    assert wire.ram.data[:8] == b"\0abcde\0\0"
    assert wire.dp.read_block(1, BASE + 1, 5, 1) == (Ack.OK, b"abcde", 0)


def test_a_block_leaves_the_ports_own_settings_alone(wire_with: Any) -> None:
    wire = wire_with("lost@#5")
    wire.tar(BASE, 0x0B00_0010)
    wire.dp.write_block(1, BASE, words(20), 4)
    assert wire.dp.read_ap(1, 0)[1] & 0x0F00_0037 == 0x0B00_0010


def test_a_probe_that_stops_in_the_middle_of_a_block_has_done_the_words_before(wire_with: Any) -> None:
    wire = wire_with("unplug@#11")
    with pytest.raises(ProbeGone):
        wire.dp.write_block(1, BASE, words(20), 4)
    assert wire.ram.data[:48] == words(10) + bytes(8)
    with pytest.raises(ProbeGone):
        wire.faults.command()
