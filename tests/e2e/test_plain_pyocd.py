"""Plain pyOCD with our plug-in installed: its own commands work on this chip, and never suffer from us."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.cli import Bench, expected_nor, same
from tests.helpers.files import DEMO_ELF

pytestmark = pytest.mark.e2e


def pyocd(
    *args: str | Path, env: dict[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pyocd", *map(str, args)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **(env or {})},
        cwd=cwd,
    )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "board")


def test_pyocd_load_programs_the_flash(bench: Bench, tmp_path: Path) -> None:
    part = tmp_path / "part.bin"
    part.write_bytes(bytes(range(256)) * 40)
    done = pyocd("load", "-t", "stm32n657x0", "-u", bench.probe, f"{part}@0x71000000")
    assert done.returncode == 0, done.stderr
    same(bench.nor()[0x100_0000 : 0x100_0000 + 10240], part.read_bytes())
    assert bench.run("verify", f"{part}@0x71000000").code == 0


def test_pyocd_erase_blanks_a_sector(bench: Bench) -> None:
    bench.fill(0x7100_0000, bytes(8192))
    done = pyocd("erase", "-t", "stm32n657x0", "-u", bench.probe, "-s", "0x71000000+0x1000")
    assert done.returncode == 0, done.stderr
    same(bench.nor(), expected_nor({0x7100_1000: bytes(4096)}))


def test_reading_the_flash_window_right_after_connecting_does_not_kill_the_cpu_port(bench: Bench) -> None:
    bench.fill(0x7000_0000, b"\x78\x56\x34\x12")
    done = pyocd(
        "commander",
        "-t",
        "stm32n657x0",
        "-u",
        bench.probe,
        "-c",
        "read32 0x70000000",
        "-c",
        "read32 0x34000000",
        "-c",
        "reg pc",
    )
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    assert "12345678" in text or "Transfer" in text, text
    assert "34000000:" in text, text  # the port lives
    assert bench.run("flash", DEMO_ELF).code == 0


def test_a_breakpoint_in_the_flash_before_anybody_mapped_it_does_not_kill_the_cpu_port(bench: Bench) -> None:
    """A hardware breakpoint, and the memory around it as a debugger shows it."""
    bench.fill(0x7010_0400, bytes.fromhex("00bffee7"))
    done = pyocd(
        *("commander", "-t", "stm32n657x0", "-u", bench.probe),
        *("-c", "break 0x70100402", "-c", "lsbreak", "-c", "read32 0x70100400", "-c", "disasm 0x70100400 4"),
        *("-c", "halt", "-c", "reg pc"),
    )
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    assert "70100402" in text, text
    assert "e7febf00" in text, text
    assert "pc=" in text.replace(" ", ""), text  # the core answers
    assert bench.run("flash", DEMO_ELF).code == 0


def test_the_targets_are_listed(bench: Bench) -> None:
    done = pyocd("list", "--targets")
    assert done.returncode == 0
    assert "stm32n657x0" in done.stdout


@pytest.mark.parametrize(
    "command", [["list", "--targets"], ["list", "--probes"], ["json", "--probes"], ["--version"], ["list", "--plugins"]]
)
def test_every_pyocd_command_works_when_our_imports_are_broken(tmp_path: Path, command: list[str]) -> None:
    # Loaded by site in a fresh process: every import of ours below the plug-in itself raises.
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Broken:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.startswith(('n6prog.targets', 'n6prog.sim', 'n6prog.flash_algos', 'unicorn')):\n"
        "            raise ImportError(f'{name} is broken on purpose')\n"
        "sys.meta_path.insert(0, Broken())\n"
    )
    done = pyocd(*command, env={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_extra_the_simulator_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class NoUnicorn:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] == 'unicorn':\n"
        "            raise ModuleNotFoundError(\"No module named 'unicorn'\", name='unicorn')\n"
        "sys.meta_path.insert(0, NoUnicorn())\n"
    )
    done = pyocd(
        "commander",
        "-t",
        "stm32n657x0",
        "-u",
        "sim:nucleo-n657x0-q,state=none",
        "-c",
        "status",
        env={"PYTHONPATH": str(tmp_path)},
    )
    text = done.stdout + done.stderr
    assert done.returncode != 0
    assert "n6prog[sim]" in text
    assert "Traceback" not in text
    plain = pyocd("commander", "-t", "stm32n657x0", "-u", "sim", "-c", "status", env={"PYTHONPATH": str(tmp_path)})
    assert "n6prog[sim]" in plain.stdout + plain.stderr
