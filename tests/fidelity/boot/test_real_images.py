"""Other people's FSBLs and applications, unmodified, started by the boot ROM from the NOR.

The files come from public repositories (MANIFEST.md beside them says which); without them these tests are skipped.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from intelhex import IntelHex

import n6prog
from n6prog.sim import SimBoard

NOR, RAM = 0x7000_0000, 0x3400_0000
APPLICATION = 0x10_0000  # its offset in the NOR, for both FSBLs
VTOR, DHCSR, FP_CTRL, FP_COMP = 0xE000_ED08, 0xE000_EDF0, 0xE000_2000, 0xE000_2008
pytestmark = pytest.mark.fidelity

BOARDS = ("nucleo-n657x0-q", "stm32n6570-dk")


def _word(board: SimBoard, address: int) -> int:
    return int.from_bytes(board.read(address, 4), "little")


def _write(board: SimBoard, address: int, value: int) -> None:
    board.write(address, value.to_bytes(4, "little"))


def _until(board: SimBoard, there: Callable[[], bool], milliseconds: int) -> None:
    """Let the board run until it is `there`, at most so long in virtual time."""
    for _ in range(milliseconds):
        board.host.advance(10**9)
        board.catch_up()
        if there():
            return
    pytest.fail(f"not there after {milliseconds} ms: {board.registers}")


def _fsbl(data: Path, name: str) -> bytes:
    if name.endswith(".hex"):
        return bytes(IntelHex(str(data / name)).tobinstr(start=NOR))
    return (data / name).read_bytes()


@pytest.fixture(params=["LoadAndRun_FSBL-trusted.bin", "ai_fsbl.hex"])
def fsbl(data: Path, request: pytest.FixtureRequest) -> bytes:
    return _fsbl(data, request.param)


@pytest.fixture
def application(data: Path) -> bytes:
    return (data / "LoadAndRun_Appli-trusted.bin").read_bytes()


@pytest.fixture(params=BOARDS)
def board(request: pytest.FixtureRequest) -> Iterator[SimBoard]:
    with SimBoard(request.param, boot1=0) as board:
        yield board


def _put(board: SimBoard, content: dict[int, bytes]) -> None:
    """Into the NOR, then power on."""
    board.power_off()
    for offset, data in content.items():
        board.nor.content[offset : offset + len(data)] = data
    board.power_on()


def _opened(board: SimBoard) -> None:
    _until(board, board.ap1_open, 100)


def test_the_fsbl_loads_the_application_and_jumps_to_it(board, fsbl, application):
    _put(board, {0: fsbl, APPLICATION: application})
    _opened(board)
    (entry,) = struct.unpack_from("<I", application, 0x404)
    for address, value in ((FP_COMP, entry), (FP_CTRL, 3), (DHCSR, 0xA05F_0001)):  # entry's Thumb bit is the enable
        _write(board, address, value)
    _until(board, lambda: bool(_word(board, DHCSR) >> 17 & 1), 2000)
    assert board.registers["pc"] & ~1 == entry & ~1
    assert _word(board, VTOR) == 0x3400_0400
    assert board.read(RAM + 0x400, len(application) - 0x400) == application[0x400:]


def test_the_application_blinks_its_led(board, fsbl, application):
    """PO1 toggles every 200 ms: SysTick, HAL_Delay and the clocks are right together, at 64 and at 600 MHz."""
    _put(board, {0: fsbl, APPLICATION: application})
    _opened(board)
    _until(board, lambda: _word(board, VTOR) == 0x3400_0400, 2000)
    _until(board, lambda: bool(board.soc.gpio["O"].words.get(0x14, 0) & 2), 300)
    lit = board.host.now
    _until(board, lambda: not board.soc.gpio["O"].words.get(0x14, 0) & 2, 300)
    assert 199 <= (board.host.now - lit) // 10**9 <= 202  # HAL_Delay waits one tick more than asked


def test_the_second_copy_serves_where_the_first_is_erased(data, board, application):
    _put(board, {0x4_0000: _fsbl(data, "LoadAndRun_FSBL-trusted.bin"), APPLICATION: application})
    _opened(board)
    assert board.rom.outcome is not None
    assert board.rom.outcome.copy == 2
    _until(board, lambda: _word(board, VTOR) == 0x3400_0400, 2000)


def test_silicon_z_does_not_take_these_headers(fsbl):
    with SimBoard(rev="Z", boot1=0) as board:
        _put(board, {0: fsbl})
        board.host.advance(10**12)
        board.catch_up()
        assert board.rom.outcome is not None
        assert board.rom.outcome.mode == "failed"


def _start_from_window(board: SimBoard, table: int) -> None:
    """What an XIP FSBL does: map the NOR (hw-soc 7.5), then start what lies at `table`."""
    for address, value in (
        (0x5602_8A78, 1), (0x5602_8A5C, 0x2000), (0x5602_8A60, 0x3000), (0x5602_483C, 0x200),
        (0x5602_3420, 0x0999_9999), (0x5602_3424, 0x9999), (0x5602_3408, 0x00FF_3FFF), (0x5602_340C, 4),
        (0x5602_3400, 0xFFAA_EAAA), (0x5802_B400, 0), (0x5802_A008, 0x0119_0100), (0x5802_A00C, 0), (0x5802_A108, 0),
        (0x5802_A000, 0x301), (0x5802_A100, 0x0100_3101), (0x5802_A108, 8), (0x5802_A110, 0x0C), (0x5802_A130, 64),
        (0x5802_A000, 0x3000_0309), (VTOR, table), (DHCSR, 0xA05F_0003),
    ):  # fmt: skip
        _write(board, address, value)
    for register, value in ((28, 0), (13, _word(board, table)), (15, _word(board, table + 4))):  # MSPLIM, SP, PC
        _write(board, 0xE000_EDF8, value)
        _write(board, 0xE000_EDF4, 1 << 16 | register)
    _write(board, DHCSR, 0xA05F_0000)


def test_an_xip_application_prints_over_usart1(data):
    elf = ELFFile(io.BytesIO((data / "xip_Appli.elf").read_bytes()))
    rodata = elf.get_section_by_name(".rodata").data()
    with SimBoard("stm32n6570-dk") as board:
        for segment in elf.iter_segments():
            if segment["p_filesz"] and segment["p_paddr"] >= NOR:
                offset = segment["p_paddr"] - NOR
                board.nor.content[offset : offset + segment["p_filesz"]] = segment.data()
        _start_from_window(board, 0x7010_0400)
        text = rodata[: rodata.index(0)] + b"\n"  # main gives the first string to puts
        _until(board, lambda: len(board.uart) >= len(text), 200)
        assert board.uart == text


def test_the_tool_flashes_over_an_application_that_runs_from_flash_boot(data, application, tmp_path):
    """The NOR is in octal and mapped, SysTick fires, MSPLIM is the application's: the loader starts all the same."""
    state, blob = tmp_path / "board", tmp_path / "blob.bin"
    blob.write_bytes(bytes(range(256)) * 64)
    with SimBoard("stm32n6570-dk", boot1=0, state=state) as board:
        _put(board, {0: _fsbl(data, "LoadAndRun_FSBL-trusted.bin"), APPLICATION: application})
        _opened(board)
        _until(board, lambda: _word(board, VTOR) == 0x3400_0400, 2000)
        assert board.nor.mode == "8D"
    with n6prog.connect(f"sim:stm32n6570-dk,boot1=0,state={state}") as board:
        assert board.flash(f"{blob}@0x71000000").ok
    assert (state / "nor.bin").read_bytes()[0x100_0000:][:0x4000] == blob.read_bytes()
