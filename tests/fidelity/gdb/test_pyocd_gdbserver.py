"""gdb through `pyocd gdbserver`, both as they are, on the simulated board: what a person does all day."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from n6prog.sim import SimBoard
from tests.helpers.cli import expected_nor, same
from tests.helpers.files import DEMO_ELF

HERE = Path(__file__).parent
pytestmark = [pytest.mark.fidelity, pytest.mark.needs("gdb-multiarch", "arm-none-eabi-gcc")]


class Server:
    """`pyocd gdbserver` on a board kept in a folder, on a free port."""

    def __init__(self, state: Path) -> None:
        self.state = state
        command = [sys.executable, "-m", "pyocd", "gdbserver", "-t", "stm32n657x0", "-p", "0", "-T", "0", "--persist"]
        command += ["-u", f"sim:nucleo-n657x0-q,state={state}"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        assert self.process.stderr is not None
        log = ""
        for line in self.process.stderr:
            log += line
            found = re.search(r"GDB server listening on port (\d+)", line)
            if found:
                self.port = int(found[1])
                return
        self.process.communicate(timeout=60)
        raise AssertionError(log)

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.communicate(timeout=60)

    def gdb(self, elf: Path, *commands: str) -> list[str]:
        """What gdb prints for each command."""
        marks = [part for command in commands for part in ("-ex", "echo \\n@@@\\n", "-ex", command)]
        ran = subprocess.run(
            ["gdb-multiarch", "-nx", "-batch", "-ex", "set pagination off", "-ex", "set confirm off",
             "-ex", f"target remote 127.0.0.1:{self.port}", *marks, str(elf)],
            capture_output=True, text=True, timeout=180, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        return ran.stdout.split("\n@@@\n")[1:] or [ran.stdout + ran.stderr]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "board")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def squares(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program in squares.c, built for RAM."""
    elf = tmp_path_factory.mktemp("gdb") / "squares.elf"
    flags = [
        "-mcpu=cortex-m55",
        "-mfloat-abi=soft",
        "-mthumb",
        "-Og",
        "-g",
        "-ffreestanding",
        "-nostdlib",
        "-Wl,--build-id=none",
    ]
    subprocess.run(
        ["arm-none-eabi-gcc", *flags, "-T", HERE / "squares.ld", HERE / "squares.c", "-o", elf], check=True, timeout=60
    )
    return elf


def test_load_puts_an_elf_into_the_flash_and_compare_sections_agrees(server: Server) -> None:
    loaded, compared = server.gdb(DEMO_ELF, "load", "compare-sections")
    assert "Loading section .rodata, size 0x8000 lma 0x701004a0" in loaded
    sections = re.findall(r"Section (\S+),.*: (\S+)\.", compared)
    assert sections == [(name, "matched") for name in (".isr_vector", ".text", ".rodata", ".data")], compared
    server.stop()
    elf = DEMO_ELF.read_bytes()
    # file offsets and lengths as readelf -S shows them: the flash holds vectors, code and constants, then .data
    wanted = {0x7010_0400: elf[0x400:0x84A0], 0x7010_84A0: elf[0x9000:0x9204]}
    same((server.state / "nor.bin").read_bytes()[0x10_0400:0x10_86A4], b"".join(wanted.values()))
    same((server.state / "nor.bin").read_bytes(), expected_nor(wanted))


def test_break_step_finish_and_continue_in_a_program_in_ram(server: Server, squares: Path) -> None:
    (_, compared, _, first, argument, before, _, after, finished, *_, second) = server.gdb(
        squares, "load", "compare-sections", "break square", "continue", "print n",
        "print/x $pc", "stepi", "print/x $pc", "finish", "print rounds", "continue",
    )  # fmt: skip
    assert "MIS-MATCHED" not in compared
    assert ".text" in compared
    assert re.search(r"Breakpoint 1, square \(n=(n@entry=)?1\)", first)
    assert argument.strip() == "$1 = 1"
    pcs = [int(re.search(r"0x[0-9a-f]+", text)[0], 16) for text in (before, after)]  # type: ignore[index]
    assert pcs[1] - pcs[0] in (2, 4)  # one instruction of Thumb
    assert "Value returned is $4 = 1" in finished
    assert re.search(r"Breakpoint 1, square \(n=(n@entry=)?2\)", second)


def test_a_watchpoint_stops_behind_every_store(server: Server, squares: Path) -> None:
    outputs = server.gdb(
        squares, "load", "tbreak square", "continue", "watch total", "continue", "print total",
        "continue", "print total", "delete", "break done", "continue", "print total",
    )  # fmt: skip
    # pyOCD does not tell gdb which watchpoint it was, so gdb says SIGTRAP; the totals are 1, 1 + 4, and 385 at the end
    assert "Hardware watchpoint 2: total" in outputs[3]
    assert "SIGTRAP" in outputs[4], outputs
    assert [re.findall(r"= (\d+)", outputs[at]) for at in (5, 7, 11)] == [["1"], ["5"], ["385"]], outputs


def test_a_program_stopped_in_its_endless_loop_goes_on_after_detach(server: Server, squares: Path) -> None:
    server.gdb(squares, "load", "break done", "continue", "delete", "detach")
    server.stop()
    with SimBoard(state=server.state) as board:
        rounds = _symbol(squares, "rounds")
        assert int.from_bytes(board.read(rounds, 4), "little") > 0


def _symbol(elf: Path, name: str) -> int:
    listed = subprocess.run(["arm-none-eabi-nm", elf], check=True, capture_output=True, text=True).stdout
    found = re.search(rf"^([0-9a-f]+) \w {name}$", listed, re.MULTILINE)
    assert found
    return int(found[1], 16)
