"""Virtual time: figures by hand from research constants, and the same twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("unicorn")

from n6prog.sim import SimBoard
from n6prog.sim.clock import STLINK_V3, STLINK_V3_CAPPED, TimeModel
from n6prog.sim.usb.stlink import StLinkV3

READ32, WRITE32, STATUS = 0x07, 0x08, 0x3E


@pytest.fixture
def board() -> Iterator[SimBoard]:
    with SimBoard() as opened:
        yield opened


def probe(board: SimBoard, khz: int, model: TimeModel = STLINK_V3) -> StLinkV3:
    usb = StLinkV3(board, "test", model)
    usb.open()
    usb.transfer([0xF2, 0x30, 0xA3, 0], readSize=2)
    usb.transfer([0xF2, 0x61, 0, 0, *khz.to_bytes(4, "little")], readSize=8)
    return usb


def block(code: int, address: int, size: int) -> list[int]:
    return [0xF2, code, *address.to_bytes(4, "little"), *size.to_bytes(2, "little"), 1, 0, 0, 0]


def test_reset_to_open_ap1_takes_twenty_milliseconds(board: SimBoard) -> None:
    assert board.virtual_time == 0.02


def test_a_poll_of_one_register_costs_two_usb_round_trips(board: SimBoard) -> None:
    usb = probe(board, 24_000)
    start = board.host.now
    usb.transfer(block(READ32, 0xE000_EDF0, 4), readSize=4)
    usb.transfer([0xF2, STATUS], readSize=12)
    microseconds = (board.host.now - start) / 1e6
    # two commands: 15 host + 60 out + 5 firmware + 60 in, and 16 + 4 and 16 + 12 bytes at 30 MB/s;
    # on the wire CSW, TAR, DRW and RDBUFF of 46 clocks at 24 MHz
    by_hand = 2 * (15 + 60 + 5 + 60) + (16 + 4 + 16 + 12) / 30 + 4 * 46 / 24
    assert microseconds == pytest.approx(by_hand, abs=0.001)
    assert 285 < microseconds < 300  # sim.md 5: 290 to 300 us


def test_a_block_costs_46_clocks_a_word_and_csw_and_tar_each_kib(board: SimBoard) -> None:
    usb = probe(board, 8000)
    start = board.host.now
    usb.transfer(block(WRITE32, 0x3407_0000, 6144), writeData=bytes(6144))
    microseconds = (board.host.now - start) / 1e6
    by_hand = 15 + 60 + 16 / 30 + 5 + 60 + 6144 / 30 + (1536 + 12) * 46 / 8
    assert microseconds == pytest.approx(by_hand, abs=0.001)


def test_the_capped_profile_moves_633_kilobytes_a_second(board: SimBoard) -> None:
    usb = probe(board, 24_000, STLINK_V3_CAPPED)
    start = board.host.now
    usb.transfer(block(WRITE32, 0x3407_0000, 6144), writeData=bytes(6144))
    assert (board.host.now - start) / 1e6 == pytest.approx(
        15 + 60 + 16 / 30 + 5 + 60 + 6144 / 30 + 6144 / 0.633, rel=1e-6
    )


@pytest.mark.parametrize(
    ("asked", "granted"),
    [(24_000, 24_000), (23_999, 8000), (8000, 8000), (4000, 3300), (100, 50), (1, 5), (99_999, 24_000)],
)
def test_clocks_are_rounded_down_to_a_step(board: SimBoard, asked: int, granted: int) -> None:
    usb = probe(board, asked)
    answer = usb.transfer([0xF2, 0x62, 0], readSize=52)
    assert answer is not None
    words = [int.from_bytes(answer[4 + 4 * index : 8 + 4 * index], "little") for index in range(9)]
    assert words == [granted, 7, 24_000, 8000, 3300, 1000, 200, 50, 5]


def test_the_same_run_gives_the_same_picoseconds(board: SimBoard) -> None:
    def run() -> tuple[int, int]:
        with SimBoard() as fresh:
            usb = probe(fresh, 8000)
            usb.transfer(block(WRITE32, 0x3407_0000, 8), writeData=bytes.fromhex("0138 fdd1 7047 0000"))
            fresh.call(0x3407_0001, 5000)
            usb.transfer(block(READ32, 0x3407_0000, 8), readSize=8)
            return fresh.host.now, fresh.core.clock.now

    assert run() == run()


def test_sleeping_on_the_virtual_clock_lets_the_chip_run_on(board: SimBoard) -> None:
    clock = board.probe().virtual_clock
    before = board.virtual_time
    clock.sleep(1.5)
    assert board.virtual_time == pytest.approx(before + 1.5)
    board.catch_up()
    assert board.core.clock.now == board.host.now


def test_the_table_of_constants_names_what_was_assumed() -> None:
    text = STLINK_V3.describe()
    for constant in ("64 MHz, 1.3 cycles", "125 ns", "20 ms", "46 clocks a word", "24000 8000 3300 1000 200 50 5 kHz"):
        assert constant in text
    assert "633 kB/s" in STLINK_V3_CAPPED.describe()
