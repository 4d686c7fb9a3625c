"""Boards and parts as TOML: what ships is right, and mistakes are told with file, line and key."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from n6prog.findings import TABLE
from n6prog.targets import schema
from n6prog.targets.schema import SchemaError

PART = """\
name = "X25"
source = "a test"
jedec = "C2 80 3A"
size = 0x4000000
page = 256
dies = 1
swaps_pairs = true
program_typ = 152e-6

[[erases]]
size = 0x1000
opcode = 0x21
typ = 0.025
max = 0.6
[[erases]]
size = 0x10000
opcode = 0xDC
typ = 0.256
max = 6.144
"""
BOARD = """\
name = "mine"
title = "My board"
part = "MX25UM51245G"
boot_help = "the switch"

[wiring]
xspi = 2
port = 2
rail = "VDDIO3"
range_1v8 = true
[[wiring.pins]]
pad = "PN1"
signal = "NCS1"
af = 9
pull = "up"
[[wiring.pins]]
pad = "PN6"
signal = "CLK"
af = 9

[[slots]]
name = "fsbl"
start = 0x70000000
size = 0x40000
header = true
[[slots]]
name = "app"
start = 0x70100000
size = 0x100000
header = true
"""


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def refused_part(folder: Path, old: str, new: str) -> SchemaError:
    assert old in PART
    with pytest.raises(SchemaError) as caught:
        schema.load_part(write(folder, "part.toml", PART.replace(old, new, 1)))
    return caught.value


def refused_board(folder: Path, old: str, new: str) -> SchemaError:
    assert old in BOARD
    with pytest.raises(SchemaError) as caught:
        schema.load_board(write(folder, "board.toml", BOARD.replace(old, new, 1)))
    return caught.value


def test_both_st_boards_ship() -> None:
    assert schema.board_names() == ("nucleo-n657x0-q", "stm32n6570-dk")


@pytest.mark.parametrize(
    ("board", "part", "jedec", "size", "psram"),
    [
        # ST BSPs and component drivers; SFDP dumps of Macronix in linux-mtd
        ("nucleo-n657x0-q", "MX25UM51245G", "C2803A", 64 << 20, 0),
        ("stm32n6570-dk", "MX66UW1G45G", "C2813B", 128 << 20, 32 << 20),
    ],
)
def test_the_st_boards_carry_their_parts(board: str, part: str, jedec: str, size: int, psram: int) -> None:
    profile = schema.load_board(board)
    nor = schema.load_part(profile.part)
    assert (profile.part, nor.jedec.hex().upper(), nor.size, profile.psram) == (part, jedec, size, psram)
    assert schema.part_by_jedec(bytes.fromhex(jedec)) == nor
    assert (profile.wiring.xspi, profile.wiring.port, profile.wiring.rail) == (2, 2, "VDDIO3")


def test_pins_of_port_2_as_st_wires_them() -> None:
    for name in schema.board_names():
        pins = {pin.signal: pin.pad for pin in schema.load_board(name).wiring.pins}
        assert pins == {
            "DQS0": "PN0", "NCS1": "PN1", "CLK": "PN6",
            "IO0": "PN2", "IO1": "PN3", "IO2": "PN4", "IO3": "PN5",
            "IO4": "PN8", "IO5": "PN9", "IO6": "PN10", "IO7": "PN11",
        }  # fmt: skip
        assert {pin.af for pin in schema.load_board(name).wiring.pins} == {9}


def test_slots_are_where_boot_rom_and_st_templates_look() -> None:
    for name in schema.board_names():
        board = schema.load_board(name)
        assert [(slot.name, slot.start, slot.header) for slot in board.slots] == [
            ("fsbl", 0x7000_0000, True),
            ("fsbl-b", 0x7004_0000, True),
            ("app", 0x7010_0000, True),
            ("weights", 0x7100_0000, False),
        ]
        assert board.slot("fsbl").size == 0x40000
        end = max(slot.start + slot.size for slot in board.slots)
        assert end == 0x7000_0000 + schema.load_part(board.part).size


def test_erases_are_4_and_64_kib_with_sfdp_times() -> None:
    for name in schema.part_names():
        part = schema.load_part(name)
        assert [(erase.size, erase.opcode, erase.typ) for erase in part.erases] == [
            (4096, 0x21, 0.025),
            (65536, 0xDC, 0.256),
        ]
        assert part.program_typ == 152e-6
        with pytest.raises(KeyError):
            part.erase(32768)


def test_names_are_found_in_any_case_and_with_underscores() -> None:
    assert schema.load_board("NUCLEO_N657X0_Q").name == "nucleo-n657x0-q"
    assert schema.load_part("mx25um51245g").name == "MX25UM51245G"


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(SchemaError, match="nucleo-n657x0-q, stm32n6570-dk"):
        schema.load_board("nucleo")
    with pytest.raises(SchemaError, match="MX66UW1G45G"):
        schema.load_part("W25Q")
    assert schema.part_by_jedec(b"\xff\xff\xff") is None


def test_a_board_of_ones_own_is_read_from_its_path(tmp_path: Path) -> None:
    board = schema.load_board(write(tmp_path, "board.toml", BOARD))
    assert board.title == "My board"
    assert board.psram == 0
    assert [slot.name for slot in board.slots] == ["fsbl", "app"]
    assert board.wiring.pins[0] == schema.Pin("PN1", "NCS1", 9, "up")


def test_a_part_file_is_found_beside_the_board_that_names_it(tmp_path: Path) -> None:
    write(tmp_path, "x25.toml", PART)
    board = schema.load_board(write(tmp_path, "board.toml", BOARD.replace("MX25UM51245G", "x25.toml")))
    assert schema.load_part(board.part).name == "X25"


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "words"),
    [
        ("page = 256\n", "", 0, "page", "is missing"),
        ("page = 256", "paeg = 256", 5, "page", 'is missing; is "paeg" meant for it?'),
        ("page = 256", 'page = "256"', 5, "page", "must be a whole number, is a string"),
        ("page = 256", "page = true", 5, "page", "must be a whole number, is true or false"),
        ("page = 256", "page = 200", 5, "page", "power of two"),
        ("dies = 1", "dies = 1\ncolour = 1", 7, "colour", "not known"),
        ("dies = 1", "dies = 0", 6, "dies", "between"),
        ("swaps_pairs = true", "swaps_pairs = 1", 7, "swaps_pairs", "true or false"),
        ('"C2 80 3A"', '"C2 80"', 3, "jedec", "three bytes"),
        ("opcode = 0xDC", "opcode = 0x1DC", 17, "erases[1].opcode", "between"),
        ("typ = 0.256", "typ = 0", 18, "erases[1].typ", "seconds"),
        ("max = 6.144", "max = 0.1", 19, "erases[1].max", "shorter"),
        ("max = 6.144", "max = 6.144\nmin = 1", 20, "erases[1].min", "not known"),
        ("opcode = 0xDC\n", "", 15, "erases[1].opcode", "is missing"),
        ("size = 0x1000\n", "size = 0x8000\n", 10, "erases", "0x1000"),
        ("[[erases]]\nsize = 0x10000", "[[erases]]\nsize = 0x1000", 10, "erases", "ascending"),
    ],
)
def test_a_mistake_in_a_part_is_told_with_line_and_key(
    tmp_path: Path, old: str, new: str, line: int, key: str, words: str
) -> None:
    error = refused_part(tmp_path, old, new)
    assert (error.line, error.key) == (line, key)
    assert words in error.reason
    assert error.path.endswith("part.toml")
    assert (f"part.toml:{line}: {key}: " if line else f"part.toml: {key}: ") in str(error)


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "words"),
    [
        ("MX25UM51245G", "MX25", 3, "part", "no such flash part"),
        ("start = 0x70100000", "start = 0x70100800", 28, "slots[1].start", "multiple of 0x1000"),
        ("start = 0x70100000", "start = 0x08000000", 28, "slots[1].start", "XSPI2 window"),
        ("start = 0x70100000", "start = 0x70020000", 28, "slots[1].start", "overlap"),
        ("size = 0x100000", "size = 0x4000000", 29, "slots[1].size", "ends at 0x74100000"),
        ('name = "app"', 'name = "fsbl"', 27, "slots[1].name", "two slots"),
        ('pad = "PN6"', 'pad = "N6"', 17, "wiring.pins[1].pad", "pad name"),
        ('pad = "PN6"', 'pad = "PN1"', 17, "wiring.pins[1].pad", "named twice"),
        ('pull = "up"', 'pull = "high"', 15, "wiring.pins[0].pull", "down"),
        ('rail = "VDDIO3"', "rail = 3", 9, "wiring.rail", "a string"),
        ("[wiring]\nxspi = 2", "[wiring]\nxspi = 4", 7, "wiring.xspi", "between"),
        ('boot_help = "the switch"', 'boot_help = "the switch"\nslot = 1', 5, "slot", "not known"),
    ],
)
def test_a_mistake_in_a_board_is_told_with_line_and_key(
    tmp_path: Path, old: str, new: str, line: int, key: str, words: str
) -> None:
    error = refused_board(tmp_path, old, new)
    assert (error.line, error.key) == (line, key)
    assert words in error.reason


def test_text_that_is_not_toml_is_told_with_its_line(tmp_path: Path) -> None:
    error = refused_part(tmp_path, "dies = 1", "dies = = 1")
    assert error.line == 6
    assert "not TOML" in error.reason


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("1" + "0" * 5000, "4300 digits"),  # Python's limit for decimal integers
        ("0x" + "f" * 5000, "must be a time"),
        ("nan", "must be a time"),
        ("[" * 5000 + "]" * 5000, "nested too deep"),
    ],
)
def test_what_python_itself_cannot_read_is_a_schema_error(tmp_path: Path, value: str, words: str) -> None:
    path = write(tmp_path, "part.toml", PART.replace("dies = 1", f"dies = 1\nprogram_max = {value}"))
    with pytest.raises(SchemaError, match=words):
        schema.load_part(path)


def test_a_file_that_is_no_board_file_is_not_read(tmp_path: Path) -> None:
    large = tmp_path / "large.toml"
    with large.open("wb") as file:
        os.truncate(file.fileno(), 1 << 40)
    with pytest.raises(SchemaError, match="has 1099511627776 bytes"):
        schema.load_board(large)
    pipe = tmp_path / "pipe.toml"
    os.mkfifo(pipe)  # reading it would wait for a writer
    for path in (pipe, tmp_path):
        with pytest.raises(SchemaError, match=r"not a regular file|no such board"):
            schema.load_board(path)


def test_a_file_that_is_not_there_or_not_text_is_a_schema_error(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="No such file"):
        schema.load_board(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SchemaError, match="UTF-8"):
        schema.load_part(tmp_path / "binary.toml")


def test_the_closed_port_message_says_what_the_board_files_say() -> None:
    for name in schema.board_names():
        assert schema.load_board(name).boot_help in TABLE["E-AP1-CLOSED"].cure


OCTAL = """
[octal]
read_opcode = 0xEE11
read_dummy = 20
program_opcode = 0x12ED
sector_erase_opcode = 0x21DE
block_erase_opcode = 0xDC23
"""


@pytest.mark.parametrize(
    ("wrong", "right", "word"),
    [
        ("0xEE12", "0xEE11", "inverse"),
        ("0x12", "0x12ED", "between"),
        ("7", "20", "even"),
        ("22", "20", "between"),
        ("busy_opcode", "block_erase_opcode", "not known"),
    ],
)
def test_octal_commands_that_no_part_can_have_are_refused(tmp_path: Path, wrong: str, right: str, word: str) -> None:
    file = tmp_path / "part.toml"
    file.write_text(PART + OCTAL, encoding="utf-8")
    octal = schema.load_part(file).octal
    assert octal == schema.Octal(0xEE11, 20, 0x12ED, 0x21DE, 0xDC23)
    other = tmp_path / "other.toml"
    other.write_text(PART + OCTAL.replace(right, wrong), encoding="utf-8")
    with pytest.raises(SchemaError, match=word):
        schema.load_part(other)


def test_a_part_without_octal_commands_is_one_for_1s(tmp_path: Path) -> None:
    file = tmp_path / "part.toml"
    file.write_text(PART, encoding="utf-8")
    assert schema.load_part(file).octal is None
