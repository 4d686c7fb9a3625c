"""n6_open: from any state to a part in 1S that has told what it is; n6_close: back to a mapped window."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from n6prog.flash_algos import mailbox
from n6prog.flash_algos.mailbox import Status
from n6prog.sim import SimBoard, SimFault
from tests.flash_algos.bench import BOARD, NOR, Chip, nor_write, peek, poke, reference_digest

MIB = 1 << 20
RESETS = [(0x66, "8D"), (0x99, "8D"), (0x66, "8S"), (0x99, "8S"), (0x66, "1S"), (0x99, "1S")]
# hw-flash 2: all that a programmer in 1S needs. Nothing one-time, nothing non-volatile.
HARMLESS = {0x66, 0x99, 0x9F, 0x05, 0x2B, 0x5A, 0x06, 0x0C, 0x12, 0x21, 0xDC, 0x60}


@pytest.mark.parametrize(
    ("name", "jedec", "size"),
    [("nucleo-n657x0-q", "c2803a", 64 * MIB), ("stm32n6570-dk", "c2813b", 128 * MIB)],
)
def test_the_part_tells_its_identity_and_size(name: str, jedec: str, size: int) -> None:
    with SimBoard(name) as board:
        found = Chip(board).open()
    assert found.status == Status.OK
    assert found.jedec.hex() == jedec + "00"
    assert found.size == size
    assert (found.sr, found.scur) == (0, 0)
    assert found.sfdp_bytes == 512
    assert found.sfdp[:8] == bytes.fromhex("53464450 080104fd")  # hw-flash 1: header of both parts
    assert found.sfdp[0x130:0x134] in (bytes.fromhex("14359c80"), bytes.fromhex("14459880"))
    assert found.sfdp[0x140:] == b"\xff" * (512 - 0x140)


def test_the_size_that_the_host_gives_wins(board: SimBoard) -> None:
    assert Chip(board).open(replace(NOR, size=32 * MIB)).size == 32 * MIB


def test_reset_frames_go_out_in_all_three_modes_first(board: SimBoard) -> None:
    board.nor.frames.clear()
    Chip(board).opened()
    seen = [(frame.opcode, frame.mode) for frame in board.nor.frames]
    assert seen[:6] == RESETS
    assert all(mode == "1S" for _, mode in seen[6:])
    gap = board.nor.frames[6].time - board.nor.frames[5].time
    assert gap >= 40e-6  # hw-flash 4.2: recovery of an idle part


def test_a_part_left_in_octal_mode_is_found(board: SimBoard) -> None:
    chip = Chip(board).opened()
    for mode, setting in (("8D", 2), ("8S", 1)):
        nor_write(board, 0x72, address=0, data=bytes([setting]))
        assert board.nor.mode == mode
        assert chip.open().status == Status.OK
        assert board.nor.mode == "1S"


def test_a_part_in_the_middle_of_an_erase_is_waited_for(board: SimBoard) -> None:
    chip = Chip(board).opened()
    nor_write(board, 0xDC, address=0x10_0000)
    before = board.virtual_time
    assert chip.open().status == Status.OK
    # hw-flash 4.2: 25 ms after a block erase, and no wait for the erase itself (256 ms)
    assert 0.025 <= board.virtual_time - before < 0.1


def test_opening_again_works_and_leaves_it_usable(board: SimBoard) -> None:
    chip = Chip(board).opened()
    for _ in range(3):
        chip.opened()
        assert chip.call("n6_close") == Status.OK
    board.nor.content[:4096] = bytes(range(256)) * 16
    assert chip.opened().survey(0, 1) == [reference_digest(bytes(range(256)) * 16)]


def test_a_program_that_left_the_port_swapped_and_mapped_is_no_obstacle(board: SimBoard) -> None:
    chip = Chip(board).opened()
    assert chip.call("n6_close") == Status.OK
    assert board.read(0x7000_0000, 4) == b"\xff" * 4  # a mapped read holds NCS for a while
    poke(board, 0x5602_8A60, 0x2_0020)  # clocks of XSPI1 and XSPI3
    poke(board, 0x5802_A000, 0)
    poke(board, 0x5802_B400, 0x2)  # XSPIM: XSPI1 owns port 2, as the boot ROM leaves it after a flash boot
    poke(board, 0x5802_5000, 1)  # XSPI1 enabled: XSPIM cannot be changed until it is reset
    chip.load()
    assert chip.open().status == Status.OK


def test_the_stack_limit_of_the_boot_rom_is_no_obstacle(board: SimBoard) -> None:
    code = bytes.fromhex("00b5 00bd")  # push {lr}; pop {pc}
    board.write(0x3406_8000, code)
    with pytest.raises(SimFault):
        board.call(0x3406_8001, sp=mailbox.LOADER_STACK_TOP)
    board.power_cycle()
    assert Chip(board).open().status == Status.OK


def test_clocks_stay_on_and_ranges_alone(board: SimBoard) -> None:
    Chip(board).opened()
    assert peek(board, 0x5602_8278) & 1  # SYSCFG: a debugger that reads it would otherwise hang the bus
    assert peek(board, 0x5602_483C) & 0x0700_0200 == 0x200  # VDDIO3SV yes, no 1.8 V range
    assert peek(board, 0x5602_8158) & 0x30 == 0  # XSPI2 on HCLK5


@pytest.mark.parametrize("bit", [24, 25, 26, 0, 1, 16])
def test_only_supply_valid_bits_may_be_asked_for(board: SimBoard, bit: int) -> None:
    chip = Chip(board)
    assert chip.open(board=replace(BOARD, svmcr3_set=0x200 | 1 << bit)).status == Status.BAD_ARGUMENT
    assert not board.nor.frames


@pytest.mark.parametrize("opcode", [0x01, 0x2C, 0x2F, 0x28, 0x68, 0x72, 0xB1, 0xE3])
@pytest.mark.parametrize(
    "field", ["read_opcode", "program_opcode", "sector_erase_opcode", "block_erase_opcode", "chip_erase_opcode"]
)
def test_one_time_commands_are_refused(board: SimBoard, field: str, opcode: int) -> None:
    assert Chip(board).open(replace(NOR, **{field: opcode})).status == Status.BAD_ARGUMENT
    assert not board.nor.frames


WRONG_PARTS: list[dict[str, int]] = [
    {"page": 128}, {"page": 0}, {"ecc_chunk": 32}, {"ecc_chunk": 3}, {"ecc_chunk": 0}, {"size": 0x1_0001},
    {"read_dummy": 32}, {"program_opcode": 0}, {"read_opcode": 0x112}, {"page_max_us": 0},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG_PARTS, ids=str)
def test_a_part_that_the_rule_does_not_fit_is_refused(board: SimBoard, wrong: dict[str, int]) -> None:
    assert Chip(board).open(replace(NOR, **wrong)).status == Status.BAD_ARGUMENT


def test_only_an_xspi_can_be_the_xspi(board: SimBoard) -> None:
    assert Chip(board).open(board=replace(BOARD, xspi_base=0x5600_9000)).status == Status.BAD_ARGUMENT


def test_a_mute_part_is_no_answer_in_bounded_time(board: SimBoard) -> None:
    board.nor.faults.mute = True
    chip = Chip(board)
    before = board.virtual_time
    assert chip.open().status == Status.NO_ANSWER
    assert board.virtual_time - before < 1.0  # three rounds of 100 ms
    assert chip.call("n6_survey", 0, 1, mailbox.LOADER_TABLE) == Status.NOT_OPEN


def test_a_wrong_pad_is_no_answer(board: SimBoard) -> None:
    found = Chip(board).open(board=replace(BOARD, afrl_value=0x0999_9909))  # PN1, NCS
    assert found.status == Status.NO_ANSWER
    assert found.size == 0


def test_without_sfdp_the_identity_tells_the_size(board: SimBoard) -> None:
    board.nor.part = replace(board.nor.part, sfdp=b"\xff" * 512)
    found = Chip(board).open()
    assert (found.status, found.sfdp_bytes, found.size) == (Status.OK, 0, 64 * MIB)


def test_without_any_size_it_does_not_guess(board: SimBoard) -> None:
    board.nor.part = replace(board.nor.part, sfdp=b"\xff" * 512, jedec=bytes.fromhex("c28000"))
    chip = Chip(board)
    assert chip.open().status == Status.SIZE_UNKNOWN
    assert chip.open(replace(NOR, size=64 * MIB)).status == Status.OK


def test_nothing_works_before_open_or_after_close(board: SimBoard) -> None:
    chip = Chip(board)
    table = mailbox.LOADER_TABLE
    closed = [
        ("n6_survey", 0, 1, table), ("n6_erase", 0, 4096), ("n6_read", 0, 16, table),
        ("EraseChip",), ("EraseSector", 0x7000_0000), ("ProgramPage", 0x7000_0000, 256, table),
    ]  # fmt: skip
    for entry, *args in closed:
        assert chip.call(entry, *args) == Status.NOT_OPEN
    assert chip.write_block(0, bytes(65536)).status == Status.NOT_OPEN
    assert chip.call("n6_close") == Status.OK
    chip.opened()
    assert chip.call("n6_close") == Status.OK
    for entry, *args in closed:
        assert chip.call(entry, *args) == Status.NOT_OPEN


def test_loading_the_image_again_forgets_that_it_was_open(chip: Chip) -> None:
    chip.load()
    assert chip.call("n6_survey", 0, 1, mailbox.LOADER_TABLE) == Status.NOT_OPEN


def test_close_leaves_the_window_mapped(chip: Chip) -> None:
    content = chip.board.nor.content
    content[0x10_0000:0x10_0100] = bytes(range(256))
    content[-16:] = b"the last sixteen"
    assert chip.call("n6_close") == Status.OK
    assert chip.board.read(0x7010_0000, 256) == bytes(range(256))
    assert chip.board.read(0x7000_0000 + 64 * MIB - 16, 16) == b"the last sixteen"


def test_only_harmless_commands_are_ever_sent(chip: Chip) -> None:
    chip.write_block(0, b"\x12" * 65536)
    chip.write_block(0, b"\x34" * 65536, sectors=1)
    chip.call("n6_close")
    chip.call("Init", 0x7000_0000, 0, 1)
    chip.call("EraseSector", 0x7000_0000)
    chip.call("UnInit", 1)
    assert {opcode for _, opcode in chip.opcodes()} <= HARMLESS


def test_every_write_is_enabled_and_judged(chip: Chip) -> None:
    chip.board.nor.frames.clear()
    chip.write_block(0, b"\x12" * 256 + b"\xff" * (65536 - 256))
    sent = [opcode for _, opcode in chip.opcodes()]
    at = sent.index(0x12)
    assert sent[at - 3 : at] == [0x06, 0x05, 0x06]  # once a block it is asked whether that helps, then for each page
    behind = sent[at + 1 :]
    assert behind[: behind.index(0x2B)] == [0x05] * behind.index(0x2B)  # polled, then the fail bits at once
    assert Counter(sent)[0x12] == 1


def test_the_other_controller_reads_and_writes_too(board: SimBoard) -> None:
    """XSPI1 with the ports swapped in XSPIM: no window of XSPI2 there, so all goes through the data register."""
    wiring = replace(BOARD, xspi_base=0x5802_5000, xspi_rcc_bits=0x2020, xspi_select_mask=0x3, xspim_cr=2)
    chip = Chip(board)
    assert chip.open(board=wiring).status == Status.OK
    data = bytes(number * 37 + (number >> 8) & 0xFF for number in range(mailbox.BLOCK_SIZE))
    assert chip.write_block(0, data).status == Status.OK
    assert board.nor.content[: mailbox.BLOCK_SIZE] == data
    assert chip.survey(0, 2) == [reference_digest(data[:4096]), reference_digest(data[4096:8192])]
