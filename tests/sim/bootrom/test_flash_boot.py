"""BOOT1 = 0: what the boot ROM starts from the NOR, what it refuses, and how it leaves the chip."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from n6prog.image import stm2
from n6prog.sim import SimAccess, SimBoard

from .conftest import AUTHENTICATION, ENCRYPTION, ENTRY, PADDING, PLACE, STACK, events, make_image

SECOND = 0x4_0000
TRY_1, TRY_2, JUMP = 0x8000_0001, 0x8000_0002, 0x2C00_4008
OPEN_AP1 = bytes.fromhex("0148 B421 0160 FEE7 909E0056")  # ldr r0, =BSEC_AP_UNLOCK; movs r1, #0xB4; str; b .
ZERO_THEN_OPEN = bytes.fromhex("0248 0021 0160 B421 0160 FEE7 909E0056")  # writes 0 first


def _word(board: SimBoard, address: int) -> int:
    return int.from_bytes(board.read(address, 4), "little")


def _pc(board: SimBoard) -> int:
    return board.registers["pc"] & ~1


def _runs_image(board: SimBoard) -> bool:
    return PLACE + 0x440 <= _pc(board) < PLACE + 0x2000


def _stays_in_rom(board: SimBoard) -> bool:
    return 0x1800_0000 <= _pc(board) < 0x1802_0000


@pytest.mark.parametrize(("rev", "version"), [("B", "2.3"), ("Z", "2.1")])
def test_an_image_of_the_silicons_header_version_starts(flash_boot, rev, version):
    board = flash_boot({0: make_image(version)}, rev=rev)
    assert _runs_image(board)
    assert board.registers["r0"] == 42
    assert events(board)[JUMP][2] == (ENTRY,)


@pytest.mark.parametrize(("rev", "version"), [("B", "2.1"), ("Z", "2.3")])
def test_an_image_of_the_other_header_version_does_not(flash_boot, rev, version):
    board = flash_boot({0: make_image(version)}, rev=rev)
    assert _stays_in_rom(board)
    assert 0x1D00_0007 in events(board)


def test_the_image_is_copied_whole_with_its_header_and_no_further(flash_boot):
    image = make_image(size=0x2020)
    board = flash_boot({0: image + b"\x5a" * 64})
    assert board.read(PLACE, len(image)) == image
    assert board.read(PLACE + len(image), 64) != b"\x5a" * 64


def test_the_second_copy_starts_where_the_first_is_spoilt(flash_boot):
    board = flash_boot({0: b"\x00" * 0x1000, SECOND: make_image()})
    assert _runs_image(board)
    seen = events(board)
    assert seen[TRY_1][2] == (0,)
    assert seen[TRY_2][2] == (SECOND,)
    assert seen[0x1D00_0002][1:] == (2, (0,))  # an error: no magic in the first copy
    assert board.rom.outcome is not None
    assert board.rom.outcome.copy == 2


def test_the_first_copy_wins(flash_boot):
    board = flash_boot({0: make_image(), SECOND: make_image(code=b"\x07\x20\xfe\xe7")})
    assert board.registers["r0"] == 42
    assert TRY_2 not in events(board)


def test_an_empty_nor_leaves_the_rom_with_the_red_led_and_a_closed_port(flash_boot):
    board = flash_boot({})
    assert _stays_in_rom(board)
    gpiog = board.soc.gpio["G"]
    assert gpiog.words[0x00] >> 20 & 3 == 1  # PG10 is an output
    assert not gpiog.words.get(0x14, 0) >> 10 & 1  # and low
    assert not board.ap1_open()
    with pytest.raises(SimAccess, match="AP1 is closed"):
        board.read(PLACE, 4)
    assert {TRY_1, TRY_2, 0x1D00_0002, 0x66} <= set(events(board))


def _patched(image: bytes, offset: int, value: int) -> bytes:
    return image[:offset] + struct.pack("<I", value) + image[offset + 4 :]


REFUSED = {
    "magic": (_patched(make_image(), 0, 0x324D_5452), 0x1D00_0002),
    "too small": (_patched(make_image(), 0x6C, 0x1C7), 0x1D00_0003),
    "too big": (_patched(make_image(), 0x6C, 0x8_0001 - 0x240), 0x1D00_0004),
    "entry in the header": (make_image(entry=PLACE + 0x241), 0x1D00_0005),
    "entry behind the image": (make_image(entry=PLACE + 0x2001), 0x1D00_0005),
    "entry without the Thumb bit": (make_image(entry=ENTRY - 1), 0x1D00_0005),
    "load address in the flash": (make_image(load=0x7000_0000), 0x1D00_0005),
    "version": (_patched(make_image(), 0x68, 0x0002_0200), 0x1D00_0007),
    "unknown extension": (make_image(extensions=((0x1234_5678, 0x1A0),)), 0x1D00_0008),
    "extension of no length": (make_image(extensions=((PADDING, 0),)), 0x1D00_000B),
    "extension too long": (make_image(extensions=((PADDING, 0x1A8),)), 0x1D00_000B),
    "extensions behind the table": (_patched(make_image(), 0x88, 0x400), 0x1D00_000B),
    "flags without extension": (make_image(flags=0x8000_0001), 0x1D00_000D),
    "extension without flag": (make_image(extensions=((AUTHENTICATION, 0x94), (PADDING, 0x10C))), 0x1D00_000D),
    "encrypted": (make_image(flags=0x8000_0002, extensions=((ENCRYPTION, 32), (PADDING, 0x180))), 0x2C00_010D),
}


@pytest.mark.parametrize("what", sorted(REFUSED))
def test_a_header_that_is_wrong_is_refused_with_its_code(flash_boot, what):
    image, code = REFUSED[what]
    board = flash_boot({0: image, SECOND: make_image()})
    assert events(board)[code][1:] == (2, (0,))
    assert _runs_image(board)  # the second copy


@pytest.mark.parametrize(
    "image",
    [
        make_image(load=PLACE),
        make_image(stack=0x1234_5678),
        make_image(flags=0x8000_0001, extensions=((AUTHENTICATION, 0x94), (PADDING, 0x10C))),
        _patched(make_image(), 0x8C, 0x30),
        _patched(make_image(), 0x80, 7),
    ],
    ids=["load address", "no vector table first", "signed", "binary type", "image version"],
)
def test_what_is_not_looked_at_starts(flash_boot, image):
    assert _runs_image(flash_boot({0: image}))


def test_the_largest_image_is_512_kib_with_its_header(flash_boot):
    image = make_image(size=0x8_0000)
    board = flash_boot({0: image}, milliseconds=300)
    assert _runs_image(board)
    assert board.read(PLACE + 0x7_FFE0, 32) == image[-32:]


def test_an_altered_body_starts_all_the_same_and_is_told(flash_boot):
    image = bytearray(make_image())
    image[0x1000] ^= 1
    board = flash_boot({0: bytes(image)})
    assert _runs_image(board)
    assert events(board)[0x1D00_0006][1] == 1  # a warning
    assert 0x1D00_0006 not in events(flash_boot({0: make_image()}))


def test_the_core_starts_with_the_vector_table_and_the_roms_stack_limit(flash_boot):
    board = flash_boot({0: make_image()})
    registers = board.registers
    assert (registers["sp"], registers["msplim"]) == (STACK, 0x341F_F800)
    assert _word(board, 0xE000_ED08) == PLACE + 0x400
    assert _word(board, 0xE000_ED14) == 0x201


def test_the_rom_leaves_xspi1_on_port_2_and_the_nor_in_1_line(flash_boot):
    board = flash_boot({0: make_image()})
    assert _word(board, 0x5802_5000) & 1  # XSPI1 EN
    assert _word(board, 0x5802_B400) & 3 == 2  # XSPIM MODE: swapped
    assert _word(board, 0x5602_8260) & 0x2020 == 0x2020  # XSPI1 and XSPIM clocked
    assert board.nor.mode == "1S"


def test_the_rom_leaves_the_clocks_that_systeminit_undoes(flash_boot):
    for board in (flash_boot({0: make_image()}), flash_boot({})):
        rcc = board.soc.rcc.words
        assert rcc[0x258] & 1  # RNG
        assert rcc[0x264] & 1  # TIM2
        assert rcc[0x25C] & 1 << 6  # GPIOG
        assert (rcc.get(0x20, 0), rcc[0x24], rcc[0x48]) == (0, 0x0010_0000, 0x8C80_0000)


def test_a_nor_left_in_octal_ends_the_next_boot_until_power_is_cycled(flash_boot):
    board = flash_boot({0: make_image(), SECOND: make_image()})
    board.nor.mode = "8D"
    board.drive_reset(True)
    board.drive_reset(False)
    board.host.advance(10**11)
    board.catch_up()
    assert _stays_in_rom(board)
    assert board.rom.outcome is not None
    assert board.rom.outcome.mode == "failed"
    board.power_cycle()
    board.host.advance(10**11)
    board.catch_up()
    assert _runs_image(board)


def test_the_copy_takes_the_time_of_its_bits(flash_boot):
    board = flash_boot({0: make_image(size=0x1_0000)})
    seen = events(board)
    assert seen[TRY_1][0] == 20_000  # microseconds; the ROM's own start is assumed to last as long as until AP1
    copied = seen[JUMP][0] - seen[TRY_1][0]
    assert 0x1_0000 * 8 / 32 <= copied < 0x1_0000 * 8 / 32 * 1.2  # one line at 32 MHz


def test_power_that_goes_in_mid_copy_ends_it_there(flash_boot):
    board = flash_boot({0: make_image(size=0x2_0000)}, milliseconds=10)
    assert board.rom.busy
    board.power_off()
    assert not board.rom.busy
    board.power_on()
    assert board.rom.busy
    board.host.advance(10**11)
    board.catch_up()
    assert _runs_image(board)


def test_a_board_put_away_in_mid_boot_has_booted_when_it_comes_back(tmp_path: Path):
    with SimBoard(state=tmp_path, boot1=0) as board:
        board.nor.content[:0x2000] = make_image()
        board.power_cycle()
        assert board.rom.busy
    with SimBoard(state=tmp_path, boot1=None) as board:
        board.host.advance(10**11)
        board.catch_up()
        assert _runs_image(board)
        assert board.ap1_open()


def test_serial_boot_waits_for_ever_with_a_closed_port(flash_boot):
    board = flash_boot({0: make_image()})
    board.boot0 = 1
    board.power_cycle()
    board.host.advance(10**12)
    board.catch_up()
    assert _stays_in_rom(board)
    assert not board.ap1_open()
    assert events(board)[0x1001][2] == (1,)
    assert 0x1020 in events(board)


def test_the_port_opens_when_the_image_starts(flash_boot):
    board = flash_boot({0: make_image(size=0x1_0000)}, milliseconds=0)
    while not board.ap1_open():
        assert board.registers["r0"] != 42
        board.host.advance(10**9)
        board.catch_up()
    assert 36 <= board.host.now / 10**9 - 20 <= 40  # 20 ms empty boot before, then 20 ms and 16.4 ms of copy


def _closed_board(tmp_path: Path, code: bytes) -> SimBoard:
    """A board whose ROM leaves AP1 to the image, with that image in its NOR."""
    with SimBoard(state=tmp_path, boot1=0) as board:
        board.nor.content[:0x2000] = make_image(code=code)
    board = SimBoard(state=tmp_path, boot1=None)
    board.facts = replace(board.facts, flash_boot_opens_ap1=False)
    return board


@pytest.mark.parametrize(("code", "opens"), [(OPEN_AP1, True), (ZERO_THEN_OPEN, False)], ids=["opens", "0 first"])
def test_where_the_rom_leaves_the_port_closed_the_image_opens_it_with_its_one_write(tmp_path, code, opens):
    with _closed_board(tmp_path, code) as board:
        board.power_cycle()
        assert not board.ap1_open()
        board.host.advance(10**11)
        board.catch_up()
        assert _runs_image(board)
        assert board.ap1_open() is opens
        assert board.soc.dbgmcu.ap1_enabled is opens
        board.drive_reset(True)
        assert not board.ap1_open()
        board.drive_reset(False)
        board.host.advance(10**11)
        board.catch_up()
        assert board.ap1_open() is opens  # the gate outlives all but power


@pytest.mark.parametrize("version", ["2.3", "2.1"])
def test_our_own_tool_finds_nothing_wrong_with_an_image_that_starts(version):
    image = make_image(version)
    header = stm2.parse(image)
    assert header is not None
    assert stm2.verify(header, image, "image") == ()
    assert stm2.verify_fsbl(header, "image") == ()
