"""XSPI2 as a driver sees it: triggers, flags, FIFO, polling, the window, and how the NOR is out of reach (hw-soc 7)."""

from __future__ import annotations

import pytest

from n6prog.sim.soc.bus import BusFault, BusHang

NS, US, MS = 10**3, 10**6, 10**9
CLK = 31_250  # 32 MHz


def test_identity_and_sfdp_come_through(chip):
    assert chip.read(0x9F, 0x0100_0001, 3) == b"\xc2\x80\x3a"
    assert chip.read(0x5A, 0x0100_2101, 4, 0, tcr=8) == b"SFDP"


def test_program_and_read_back(chip):
    data = bytes(range(256))
    chip.command(0x06, 0x1)
    assert chip.read(0x05, 0x0100_0001, 1) == b"\x02"
    chip.send(0x12, 0x0100_3101, data, 0x1200)
    assert chip.read(0x05, 0x0100_0001, 1) == b"\x03"
    chip.poll()
    while not chip.xr(0x20) & 8:
        pass
    chip.xw(0x24, 8)
    assert bytes(chip.content[0x1200:0x1300]) == data
    assert chip.read(0x0C, 0x0100_3101, 256, 0x1200, tcr=8) == data
    assert chip.read(0x13, 0x0100_3101, 16, 0x1280) == data[128:144]


def test_every_register_access_costs_125_ns(chip):
    before = chip.time.now
    chip.xr(0x40)
    chip.xw(0x40, 1)
    assert chip.time.now - before == 250 * NS


def test_a_command_without_data_takes_its_bits(chip):
    chip.mode(0)
    chip.xw(0x100, 0x0000_3101)
    chip.xw(0x110, 0x21)  # the IR write must not start it
    assert not chip.xr(0x20) & 0x20
    chip.xw(0x48, 0x1000)
    began = chip.time.now
    assert chip.xr(0x20) & 0x22 == 0x20
    chip.done()
    assert not chip.nor.operation  # no WREN
    # 40 bits of 31.25 ns = 1.25 us; the poll that shows nothing new waits, then FCR and one more look
    assert chip.time.now - began == 1250 * NS + 2 * 125 * NS


def test_ar_does_not_trigger_a_write_with_data(chip):
    chip.begin_program(1)
    frames = len(chip.nor.frames)
    assert chip.xr(0x20) & 0x24 == 0x04  # not busy, FIFO empty
    chip.xw(0x50, 0x00, 1)
    assert len(chip.nor.frames) == frames  # the NOR has it when NCS rises
    chip.done()
    assert len(chip.nor.frames) == frames + 1


def test_data_bytes_stream_in_while_time_passes(chip):
    chip.content[0:64] = bytes(range(64))
    chip.start_read(0x13, 0x0100_3101, 64, 0)
    start = chip.time.now
    chip.time.now = start + 40 * CLK + 8 * 8 * CLK - 125 * NS  # at the look, eight bytes are in
    status = chip.xr(0x20)
    assert status >> 8 & 0x7F == 8
    assert status & 0x26 == 0x24
    chip.time.now = start + 40 * CLK + 64 * 8 * CLK - 125 * NS
    assert chip.xr(0x20) & 0x7F26 == 64 << 8 | 0x26
    for word in range(16):
        assert chip.xr(0x50) == int.from_bytes(bytes(range(4 * word, 4 * word + 4)), "little")
    assert chip.xr(0x20) & 0x20 == 0


def test_a_full_fifo_stops_the_clock(chip):
    chip.start_read(0x13, 0x0100_3101, 128, 0)
    chip.time.advance(MS)
    assert chip.xr(0x20) >> 8 & 0x7F == 64
    assert not chip.xr(0x20) & 2
    for _ in range(32):
        chip.xr(0x50)
    assert chip.xr(0x20) & 0x22 == 0x02


def test_a_read_of_data_on_their_way_stalls(chip):
    chip.content[0:4] = b"\x01\x02\x03\x04"
    chip.start_read(0x13, 0x0100_3101, 4, 0)
    start = chip.time.now
    assert chip.xr(0x50) == 0x0403_0201
    assert chip.time.now == start + 40 * CLK + 32 * CLK


def test_flags_wait_for_the_threshold(chip):
    chip.content[0:64] = bytes(64)
    chip.start_read(0x13, 0x0100_3101, 64, 0)
    chip.xw(0x00, 0x1000_0001 | 31 << 8)  # FTHRES 31 may change while busy
    first = chip.xr(0x20)
    assert not first & 4
    second = chip.xr(0x20)
    assert second & 4
    assert second >> 8 & 0x7F >= 32


def test_a_write_stalls_while_the_fifo_is_full(chip):
    chip.begin_program(256)
    start = chip.time.now
    for _ in range(64):
        chip.xw(0x50, 0)
    assert chip.time.now - start == 125 * NS + (40 + 2048 - 64 * 8) * CLK  # all but what the FIFO holds is out
    assert chip.xr(0x20) & 0x22 == 0x20
    chip.done()
    # 40 header bits and 2048 data bits; the first word took one access to arrive
    assert chip.time.now - start == 125 * NS + (40 + 2048) * CLK + 2 * 125 * NS
    assert chip.nor.operation is not None
    assert chip.nor.operation.start == start + 125 * NS + (40 + 2048) * CLK


def test_words_halves_and_bytes_go_out_lowest_byte_first(chip):
    chip.begin_program(7)
    chip.xw(0x50, 0x0403_0201)
    chip.xw(0x50, 0x0605, 2)
    chip.xw(0x50, 0x07, 1)
    chip.done()
    chip.time.advance(MS)
    chip.nor.settle(chip.time.now)
    assert bytes(chip.content[:8]) == b"\1\2\3\4\5\6\7\xff"


def test_polling_a_sector_erase_costs_few_looks_and_its_25_ms(chip):
    chip.content[0x1000] = 0
    chip.command(0x06, 0x1)
    chip.command(0x21, 0x0000_3101, 0x1000)
    began = chip.nor.busy_until - 25 * MS
    chip.poll()
    looks = 0
    while not chip.xr(0x20) & 8:
        looks += 1
    assert looks < 15  # the second takes 32 us, each later one doubles the wait
    assert 25 * MS < chip.time.now - began < 25 * MS + 5 * US
    assert not chip.xr(0x20) & 0x20  # APMS: polling stopped
    assert chip.content[0x1000] == 0xFF


def test_reading_status_by_hand_does_not_cost_ten_thousand_frames(chip):
    chip.command(0x06, 0x1)
    chip.command(0xDC, 0x0000_3101, 0)
    began = chip.nor.busy_until - 256 * MS
    frames = len(chip.nor.frames)
    while chip.read(0x05, 0x0100_0001, 1)[0] & 1:
        pass
    assert len(chip.nor.frames) - frames < 8 + 16  # from the ninth on the wait doubles
    assert 256 * MS < chip.time.now - began < 256 * MS + 10 * US


def test_polling_for_what_never_comes_lets_time_pass(chip):
    chip.nor.faults.stuck_wip = True
    chip.command(0x06, 0x1)
    chip.command(0x21, 0x0000_3101, 0)
    chip.poll()
    began, looks = chip.time.now, 0
    while chip.time.now - began < 600 * MS:
        assert not chip.xr(0x20) & 8
        looks += 1
    assert looks < 5000
    chip.xw(0x00, chip.xr(0x00) | 2)  # ABORT
    assert chip.xr(0x20) & 0x22 == 0x02


def test_abort_ends_a_transfer_with_tcf(chip):
    chip.start_read(0x13, 0x0100_3101, 1024, 0)
    assert chip.xr(0x20) & 0x20
    chip.xw(0x00, chip.xr(0x00) | 2)
    assert chip.xr(0x20) & 0x22 == 0x02
    assert chip.xr(0x00) & 2 == 0


def test_command_registers_are_deaf_while_busy(chip):
    chip.start_read(0x13, 0x0100_3101, 1024, 0)
    chip.xw(0x110, 0x60)
    chip.xw(0x40, 0)
    assert (chip.xr(0x110), chip.xr(0x40)) == (0x13, 1023)


def test_nothing_starts_while_disabled(chip):
    chip.xw(0x00, 0)
    frames = len(chip.nor.frames)
    chip.xw(0x100, 1)
    chip.xw(0x110, 0x06)
    chip.xw(0x100, 0x0100_0001)
    chip.xw(0x50, 1)
    assert len(chip.nor.frames) == frames


def test_an_address_beyond_the_device_is_a_transfer_error(chip):
    chip.start_read(0x13, 0x0100_3101, 4, 64 << 20)
    assert chip.xr(0x20) & 0x21 == 0x01
    chip.xw(0x24, 1)
    assert not chip.xr(0x20) & 1


def test_registers_that_are_not_there_read_zero(chip):
    for offset in (0x1C, 0x04, 0x60, 0x300):
        chip.xw(offset, 0xFFFF_FFFF)
        assert chip.xr(offset) == 0
    assert chip.xr(0x3FC) == 0xA3C5_DD01


# ---- what keeps the NOR out of reach


@pytest.mark.parametrize(
    "mistake",
    [
        lambda c: c.w(0x5602_483C, 0),  # VDDIO3 not valid
        lambda c: c.w(0x5602_3400, 0xFFFF_FFFF),  # pins analog
        lambda c: c.w(0x5602_3420, 0x0999_9909),  # NCS not AF9
        lambda c: (c.xw(0, 0), c.w(0x5802_B400, 2), c.xw(0, 0x301)),  # XSPI1 owns port 2
    ],
    ids=["rail", "pins", "function", "matrix"],
)
def test_the_nor_hears_nothing(chip, mistake):
    mistake(chip)
    frames = len(chip.nor.frames)
    assert chip.read(0x9F, 0x0100_0001, 3) != b"\xc2\x80\x3a"
    assert len(chip.nor.frames) == frames


def test_the_matrix_does_not_move_under_an_enabled_xspi(chip):
    chip.w(0x5802_B400, 2)
    assert chip.r(0x5802_B400) == 0
    assert chip.read(0x9F, 0x0100_0001, 3) == b"\xc2\x80\x3a"


def test_without_io1_commands_arrive_but_answers_do_not(chip):
    chip.w(0x5602_3400, 0xFFAA_EAAA | 3 << 6)  # PN3 analog
    chip.command(0x06, 0x1)
    assert chip.nor.wel
    assert chip.read(0x9F, 0x0100_0001, 3) != b"\xc2\x80\x3a"


# ---- octal


def test_recovery_frames_bring_an_octal_part_back(chip):
    for mode, ccr, tcr in (("8D", 0x0800_001C, 0x1000_0000), ("8S", 0x14, 0)):
        chip.nor.mode = mode
        for ir in (0x6699, 0x9966):
            chip.command(ir, ccr, tcr=tcr)
        assert chip.nor.mode == "1S"
        assert [(frame.mode, frame.opcode) for frame in list(chip.nor.frames)[-2:]] == [(mode, 0x66), (mode, 0x99)]
        chip.time.advance(MS)


def test_octal_dtr_reads_and_programs_in_address_order(chip):
    chip.content[0x100:0x108] = bytes(range(1, 9))
    chip.command(0x06, 0x1)
    chip.send(0x72, 0x0100_3101, b"\x02", 0)
    assert chip.nor.mode == "8D"
    assert chip.read(0x9F60, 0x2C00_3C1C, 4, 0, tcr=0x1000_0004) == bytes.fromhex("c2c28080")
    assert chip.read(0xEE11, 0x2C00_3C1C, 8, 0x100, tcr=0x1000_0014) == bytes(range(1, 9))
    chip.command(0x06F9, 0x0800_001C, tcr=0x1000_0000)
    assert chip.read(0x05FA, 0x2C00_3C1C, 2, 0, tcr=0x1000_0004) == b"\x02\x02"
    chip.send(0x12ED, 0x0C00_3C1C, b"\xa1\xa2\xa3\xa4", 0x200, tcr=0x1000_0000)
    chip.time.advance(MS)
    chip.nor.settle(chip.time.now)
    assert bytes(chip.content[0x200:0x204]) == b"\xa1\xa2\xa3\xa4"
    chip.xw(0x08, 0x0019_0100)  # MTYP Micron: pairs come swapped
    assert chip.read(0xEE11, 0x2C00_3C1C, 4, 0x100, tcr=0x1000_0014) == b"\x02\x01\x04\x03"


def test_delay_hold_without_ddtr_swallows_the_command(chip):
    chip.nor.mode = "8D"
    chip.command(0x06F9, 0x0000_001C, tcr=0x1000_0000)
    assert not chip.nor.wel


def test_a_strobed_read_that_nobody_answers_hangs_until_abort(chip):
    chip.start_read(0xEE11, 0x2C00_3C1C, 8, 0, tcr=0x1000_0014)  # the part is in 1S
    chip.time.advance(MS)
    assert chip.xr(0x20) & 0x26 == 0x20
    chip.xw(0x00, chip.xr(0x00) | 2)
    assert chip.xr(0x20) & 0x22 == 0x02


# ---- the window


def test_the_window_is_an_error_until_mapped_and_hangs_without_its_clock(chip, cold):
    with pytest.raises(BusFault):
        chip.r(0x7000_0000)
    chip.soc.reset("system")
    with pytest.raises(BusHang):
        chip.soc.read_block(0x7000_0000, 16)


def test_the_window_shows_the_content_and_costs_time(chip):
    chip.content[0x1000:0x1100] = bytes(range(256))
    chip.map()
    assert chip.soc.mapped()
    before = chip.time.now
    assert chip.soc.read_block(0x7000_1000, 64) == bytes(range(64))
    # 8 + 32 + 8 clocks, 64 bytes, and half a microsecond a burst
    assert chip.time.now - before == (48 + 512) * CLK + 500 * NS
    assert chip.r(0x7000_1002, 2) == 0x0302
    assert chip.soc.mapped_content() is chip.nor.content
    with pytest.raises(BusFault):
        chip.r(0x7400_0000)


def test_ncs_falls_back_after_the_timeout(chip):
    chip.map()
    chip.r(0x7000_0000)
    assert chip.xr(0x20) & 0x20
    chip.time.advance((64 * 8 + 64) * CLK)  # the FIFO fills up, then the time-out runs
    assert chip.xr(0x20) & 0x10  # TOF


def test_without_a_timeout_only_abort_leaves_mapped_mode(chip):
    chip.map(timeout=False)
    chip.r(0x7000_0000)
    chip.time.advance(10**12)
    chip.mode(0)
    assert chip.soc.mapped()
    chip.xw(0x00, chip.xr(0x00) | 2)
    chip.done()
    chip.mode(0)
    assert not chip.soc.mapped()
    assert chip.read(0x9F, 0x0100_0001, 3) == b"\xc2\x80\x3a"


def test_a_busy_nor_does_not_show_its_content_in_the_window(chip):
    chip.command(0x06, 0x1)
    chip.command(0x21, 0x0000_3101, 0)
    chip.map()
    assert chip.soc.mapped_content() is None
    chip.time.advance(25 * MS)
    assert chip.soc.mapped_content() is chip.nor.content


def test_a_store_into_the_window_without_a_write_set_faults(chip):
    chip.map()
    with pytest.raises(BusFault):
        chip.w(0x7000_0000, 0)


def test_the_same_program_takes_the_same_time_twice(make_chip):
    def run() -> tuple[int, bytes]:
        chip = make_chip()
        chip.time.advance(10**10)
        chip.bring_up()
        chip.command(0x06, 0x1)
        chip.send(0x12, 0x0100_3101, bytes(range(200)), 0x1234)
        chip.poll()
        while not chip.xr(0x20) & 8:
            pass
        return chip.time.now, bytes(chip.content)

    assert run() == run()


def test_tcf_rises_once_a_transfer(chip):
    chip.start_read(0x13, 0x0100_3101, 8, 0)
    chip.time.advance(MS)
    assert chip.xr(0x20) & 2
    chip.xw(0x24, 2)
    assert not chip.xr(0x20) & 2
    chip.xr(0x50)
    chip.xr(0x50)
    assert not chip.xr(0x20) & 0x22


def test_abort_in_mid_program_leaves_what_is_out(chip):
    chip.begin_program(256)
    for _ in range(4):
        chip.xw(0x50, 0)
    chip.time.advance(MS)
    chip.xw(0x00, chip.xr(0x00) | 2)
    chip.time.advance(MS)
    chip.nor.settle(chip.time.now)
    assert bytes(chip.content[:17]) == bytes(16) + b"\xff"


def test_abort_after_the_last_byte_cuts_the_program_short(chip):
    chip.begin_program(16)
    for _ in range(4):
        chip.xw(0x50, 0)
    # 40 clocks of head, 8 a byte; between the first store and the ABORT lie five accesses of 125 ns
    chip.time.advance((40 + 5 * 8) * CLK - 5 * 125 * NS)
    chip.xw(0x00, chip.xr(0x00) | 2)
    chip.time.advance(MS)
    chip.nor.settle(chip.time.now)
    assert bytes(chip.content[:6]) == bytes(5) + b"\xff"


@pytest.mark.parametrize("write", [False, True])
def test_an_odd_number_of_dtr_bytes_wedges_until_abort(chip, write):
    chip.nor.mode = "8D"
    if write:
        chip.mode(0)
        chip.xw(0x108, 0x1000_0000)
        chip.xw(0x40, 2)
        chip.xw(0x100, 0x0C00_3C1C)
        chip.xw(0x110, 0x12ED)
        chip.xw(0x48, 0)
        chip.xw(0x50, 0x332211, 4)
    else:
        chip.start_read(0xEE11, 0x2C00_3C1C, 3, 0, tcr=0x1000_0014)
    chip.time.advance(MS)
    assert chip.xr(0x20) & 0x22 == 0x20
    chip.xw(0x00, chip.xr(0x00) | 2)
    assert chip.xr(0x20) & 0x22 == 0x02
