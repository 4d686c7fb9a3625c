"""The map of the flash: in the terminal, and as a drawing that any program can open."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from n6prog.cli.lanes import Lane, Span
from n6prog.cli.map_text import bar
from tests.helpers.elfmaker import Section, make_elf
from tests.helpers.stm2maker import make_stm2, vectors

SVG = "{http://www.w3.org/2000/svg}"
XIP = Section(".isr_vector", 0x70100400, vectors(0x34008000, 0x70100501, 256))
FSBL = vectors(0x34200000, 0x34180501, 256)


@pytest.mark.parametrize(
    ("start", "size", "marks"),
    [
        (0, 1, "#......."),
        (0, 0x1000, "#......."),  # an eighth of 32 KiB
        (0, 0x1001, "##......"),
        (0x0FFF, 2, "##......"),
        (0x7FFF, 1, ".......#"),
        (0, 0x8000, "########"),
    ],
)
def test_a_cell_is_marked_when_any_byte_of_it_is_written(start: int, size: int, marks: str) -> None:
    lane = Lane("app", 0x70100000, 0x8000, (Span(0x70100000 + start, size, "a", ""),))
    assert bar(lane, 8) == marks


def test_the_terminal_shows_every_slot_and_what_has_no_place(n6: Any, tmp_path: Path) -> None:
    (tmp_path / "fsbl.bin").write_bytes(make_stm2(FSBL))
    (tmp_path / "bad.elf").write_bytes(make_elf(XIP, Section(".pool", 0, bytes(1 << 20))))
    done = n6("check", "fsbl.bin", "bad.elf", "--board", "nucleo-n657x0-q")
    lines = done.out.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("map of the MX25UM51245G (64 MiB)"))
    rows = [re.split(r"\s{2,}", line.strip()) for line in lines[start + 1 :]]
    assert [row[:2] for row in rows[:5]] == [
        ["0x70000000", "fsbl"],
        ["0x70040000", "fsbl-b"],
        ["0x70080000", "-"],
        ["0x70100000", "app"],
        ["0x71000000", "weights"],
    ]
    assert rows[0][2] == "#" + 31 * "."  # 2 KiB of 256 KiB: one cell of 8 KiB
    assert rows[0][3:] == ["2.00 KiB of 256 KiB", "fsbl.bin"]
    assert rows[3][2:] == ["#" + 31 * ".", "1.00 KiB of 15 MiB", "bad.elf"]
    assert rows[4][2:] == [32 * ".", "48 MiB"]
    assert rows[5:] == [["no place for:"], ["0x00000000", "ITCM", "1.00 MiB", "bad.elf .pool", "E-REGION0"]]


def draw(n6: Any, folder: Path, *words: str) -> ElementTree.Element:
    n6("check", *words, "--board", "nucleo-n657x0-q", "--svg", "map.svg")
    return ElementTree.fromstring((folder / "map.svg").read_text(encoding="utf-8"))


def texts(drawing: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in drawing.iter(f"{SVG}text")]


def test_the_drawing_has_the_pieces_to_scale(n6: Any, tmp_path: Path) -> None:
    (tmp_path / "weights.raw").write_bytes(b"\x55" * (16 << 20))
    drawing = draw(n6, tmp_path, "weights.raw@0x72000000")
    assert texts(drawing)[0] == "MX25UM51245G, 64 MiB, on the NUCLEO-N657X0-Q"
    filled = [element for element in drawing.iter(f"{SVG}rect") if (element.get("fill") or "").startswith("#")]
    whole, lane, sample = ((float(element.get("x", 0)), float(element.get("width", 0))) for element in filled)
    # The bars are 912 wide and begin at 24: 16 of 64 MiB from the half on; a third of the 48 MiB of slot weights.
    assert whole == (24 + 912 / 2, 912 / 4)
    assert lane == (24 + 912 / 3, 912 / 3)
    assert sample == (24, 10)
    assert any("0x72000000" in line and "weights.raw" in line for line in texts(drawing))
    height = float(drawing.get("height", 0))
    for element in drawing.iter(f"{SVG}rect"):
        assert float(element.get("x", 0)) + float(element.get("width", 0)) <= 960
        assert float(element.get("y", 0)) + float(element.get("height", 0)) <= height


def test_the_drawing_shows_what_has_no_place_and_bears_odd_names(n6: Any, tmp_path: Path) -> None:
    name = 'a<b>&"\x1b.elf'
    (tmp_path / name).write_bytes(make_elf(XIP, Section(".w<&>", 0, bytes(4096))))
    words = texts(draw(n6, tmp_path, name))
    assert "No place in this flash" in words
    (line,) = [word for word in words if "E-REGION0" in word]
    assert line == '0x00000000  ITCM  4.00 KiB  a<b>&"\\x1b.elf .w<&>  E-REGION0'


def test_a_file_in_thousands_of_pieces_makes_no_drawing_of_thousands_of_lines(n6: Any, tmp_path: Path) -> None:
    rows = []
    for number in range(3000):  # a byte in every second kilobyte from 0x71000000 on
        address = number * 2048
        if address % 0x10000 == 0:
            rows.append(bytes([2, 0, 0, 4]) + (0x7100 + (address >> 16)).to_bytes(2, "big"))
        rows.append(bytes([1, address >> 8 & 0xFF, address & 0xFF, 0, 0x55]))
    rows.append(bytes([0, 0, 0, 1]))
    text = "".join(f":{(row + bytes([-sum(row) & 0xFF])).hex().upper()}\n" for row in rows)
    (tmp_path / "many.hex").write_text(text)
    words = texts(draw(n6, tmp_path, "many.hex"))
    assert "and 2976 more" in words  # 24 are shown
    assert len((tmp_path / "map.svg").read_text()) < 20_000


def test_a_drawing_that_cannot_be_written_is_a_usage_error(n6: Any, tmp_path: Path) -> None:
    (tmp_path / "good.elf").write_bytes(make_elf(XIP))
    done = n6("check", "good.elf", "--svg", "nowhere/map.svg")
    assert done.code == 2
    assert "E-NO-WRITE" in done.err
