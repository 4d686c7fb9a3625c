"""A C program of our own, signed, started by the boot ROM, that talks over USART1 by interrupts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from n6prog.sim import SimBoard
from tests.helpers.stm2maker import make_stm2

HERE = Path(__file__).parent
FLAGS = ["-mcpu=cortex-m55", "-mfloat-abi=soft", "-mthumb", "-O2", "-Wall", "-Werror", "-ffreestanding", "-nostdlib",
         "-Wl,--build-id=none", "-Wl,--no-warn-rwx-segments", "-T", str(HERE / "fsbl.ld")]  # fmt: skip

pytestmark = [pytest.mark.fidelity, pytest.mark.needs("arm-none-eabi-gcc", "arm-none-eabi-objcopy")]


def _heard(board: SimBoard, count: int) -> bytes:
    text = b""
    for _ in range(200):
        board.host.advance(10**9)
        board.catch_up()
        text += board.console.read()
        if len(text) >= count:
            return text
    pytest.fail(f"only {text!r} came: {board.registers}")


def test_what_is_typed_comes_back_through_the_interrupt(tmp_path: Path) -> None:
    elf, program = tmp_path / "echo.elf", tmp_path / "echo.bin"
    subprocess.run(["arm-none-eabi-gcc", *FLAGS, HERE / "echo.c", "-o", elf], check=True, timeout=60)
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", elf, program], check=True, timeout=60)
    image = make_stm2(program.read_bytes())
    with SimBoard(boot1=0) as board:
        board.nor.content[: len(image)] = image
        board.power_cycle()
        assert _heard(board, 6) == b"ready\n"
        for text in (b"a", b"Bc"):
            board.console.send(text)
            assert _heard(board, len(text)) == text.swapcase()
