"""C programs written after the research notes alone, not after the simulator: they run on it as they would on a board.

Expected values come from hw-flash (identity, SFDP image, rules of programming) and from the programs' own arithmetic.
"""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from n6prog.sim import SimBoard

HERE = Path(__file__).parent
FLAGS = ["-mcpu=cortex-m55", "-mfloat-abi=soft", "-mthumb", "-O2", "-Wall", "-Werror", "-Wno-unused-function",
         "-ffreestanding", "-nostdlib", "-Wl,--build-id=none", "-Wl,--no-warn-rwx-segments"]  # fmt: skip
STACK = 0x3402_0000

pytestmark = [pytest.mark.fidelity, pytest.mark.needs("arm-none-eabi-gcc")]


class Program:
    """One of the C files, built, loaded and run on a board of its own."""

    def __init__(self, board: SimBoard, elf: ELFFile) -> None:
        self.board = board
        for section in elf.iter_sections():
            if section["sh_flags"] & 2 and section["sh_size"]:
                data = section.data() if section["sh_type"] == "SHT_PROGBITS" else bytes(section["sh_size"])
                board.write(section["sh_addr"], data)
        (symbol,) = elf.get_section_by_name(".symtab").get_symbol_by_name("result")
        self._result = symbol["st_value"], symbol["st_size"]
        self.status = board.call(elf["e_entry"], sp=STACK, sanitise=True, max_instructions=200_000_000)

    def result(self, layout: str) -> tuple[bytes | int, ...]:
        """The program's `result`, by the layout of its struct."""
        address, size = self._result
        assert size == (struct.calcsize(layout) + 3) // 4 * 4 or size == struct.calcsize(layout)
        return struct.unpack_from(layout, self.board.read(address, size))


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[[str], Program]]:
    """Build and run one C file on a new NUCLEO."""
    with SimBoard("nucleo-n657x0-q") as board:

        def go(name: str) -> Program:
            elf = tmp_path / f"{name}.elf"
            command = ["arm-none-eabi-gcc", *FLAGS, "-T", HERE / "program.ld", HERE / f"{name}.c", "-o", elf]
            subprocess.run(command, check=True, timeout=60)
            with elf.open("rb") as file:
                return Program(board, ELFFile(file))

        yield go


def test_one_line_identifies_erases_programs_and_reads(run: Callable[[str], Program]) -> None:
    program = run("spi_bring_up")
    assert program.status == 0
    identity, sfdp, enabled, blank, page, over, status, security = program.result("<3s16sB256s256s16sBB")
    assert identity == bytes((0xC2, 0x80, 0x3A))
    assert sfdp == bytes.fromhex("53464450080104fd00070114400000ff")  # hw-flash 1, the first 16 bytes
    assert enabled == 2  # WEL and nothing else
    assert blank == b"\xff" * 256
    sent = bytes((i * 7 + 3) & 0xFF for i in range(256))
    assert page == sent[128:] + sent[:128]  # wrapped inside the page
    assert over == bytes(byte & (0x0F if i < 8 else 0) for i, byte in enumerate(sent[:16]))
    assert (status, security) == (0, 0)
    assert bytes(program.board.nor.content[0x123100:0x123180]) == sent[128:]
    assert program.board.nor.mode == "1S"


def test_eight_lines_at_both_edges_then_the_window_then_back(run: Callable[[str], Program]) -> None:
    program = run("octal_dtr")
    assert program.status == 0
    layout = "<6s2s256s16s16s16s256s16sII"
    identity, status, page, by_strobe, early, swapped, mapped, one_line, word, again = program.result(layout)
    assert identity == bytes((0xC2, 0xC2, 0x80, 0x80, 0x3A, 0x3A))  # registers come at single rate
    assert status == b"\0\0"
    sent = bytes(255 - i for i in range(256))
    assert page == sent
    assert by_strobe == sent[:16]
    assert early != sent[:16]
    assert swapped == bytes(sent[i ^ 1] for i in range(16))
    assert mapped == sent
    assert word == again == int.from_bytes(sent[4:8], "little")
    assert one_line == sent[:16]  # MTYP Macronix keeps the order of one line
    assert program.board.nor.mode == "1S"


def test_systick_wakes_a_sleeping_core_every_64000_cycles(run: Callable[[str], Program]) -> None:
    program = run("systick")
    assert program.status == 0
    ticks, awake, ipsr, icsr, *cycles, ipsr_after = program.result("<IIII5II")
    assert (ticks, awake, ipsr, ipsr_after) == (5, 5, 15, 0)
    assert icsr & 0x1FF == 15  # VECTACTIVE
    assert [later - earlier for earlier, later in pairwise(cycles)] == [64000] * 4


def test_polling_loses_no_tick_and_meets_a_time_out(run: Callable[[str], Program]) -> None:
    program = run("polling")
    assert program.status == 0
    by_hand, by_flag, timed_out, gave_up_us = program.result("<4I")
    assert by_hand in (256, 257)  # 256 ms (hw-flash 4.2)
    assert by_flag in (255, 256, 257)
    assert timed_out == 1
    assert 5000 <= gave_up_us < 10_000  # a look takes as long as the waiting so far, at most
