"""What goes wrong on the chip is never reported as done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.cli import BOARD, Bench, expected_nor, n6prog, same
from tests.helpers.files import DEMO_ELF, elf_pieces

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("fault", ["no-wel", "drop-page:3", "drop-page:100"])
def test_a_flash_that_ignores_commands_is_noticed(tmp_path: Path, fault: str) -> None:
    bench = Bench(tmp_path / "board")
    done = bench.run("flash", DEMO_ELF, probe_options=f",fault={fault}")
    assert done.code in (6, 7), done.text
    assert bench.run("flash", DEMO_ELF).code == 0  # and the next plain run mends it
    same(bench.nor(), expected_nor(elf_pieces(DEMO_ELF)))


def test_a_board_not_in_development_boot_is_named_with_the_jumpers_of_both_boards(tmp_path: Path) -> None:
    done = Bench(tmp_path / "board").run("flash", DEMO_ELF, probe_options=",boot1=0")
    assert done.code == 5, done.text
    assert "E-AP1-CLOSED" in done.err
    assert "development boot" in done.err
    assert "JP2" in done.err
    assert "BOOT1" in done.err
    assert "1-3" in done.err


def test_a_second_process_on_one_board_is_told_who_holds_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "board")
    assert bench.run("flash", DEMO_ELF).code == 0
    script = (
        "import sys, n6prog\n"
        f"with n6prog.connect({bench.probe!r}) as board:\n"
        "    print('open', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        second = bench.run("verify", DEMO_ELF, "--json")
        holder.communicate("")
    assert second.code == 4, second.text
    assert f"in use by process {holder.pid} (-c), user " in second.err
    assert ", for connect" in second.err
    told = next(found for found in second.end["findings"] if found["severity"] == "error")  # type: ignore[attr-defined]
    assert (told["code"], told["evidence"]["pid"]) == ("E-PROBE-BUSY", holder.pid)
    assert bench.run("verify", DEMO_ELF).code == 0  # free again


def test_a_busy_board_is_waited_for_and_that_is_said(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "board")
    assert bench.run("info").code == 0
    script = (
        "import sys, n6prog\n"
        f"with n6prog.connect({bench.probe!r}) as board:\n"
        "    print('open', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    waiting = [sys.executable, "-m", "n6prog", "info", "--wait", "60", "--probe", bench.probe]
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with subprocess.Popen(waiting, stdout=subprocess.PIPE, text=True) as second:
            assert second.stdout is not None
            line = second.stdout.readline()
            holder.communicate("")
            rest, _ = second.communicate()
    assert f"in use by process {holder.pid}" in line
    assert "waiting, 60 s at most" in line
    assert second.returncode == 0
    assert "boot mode" in rest


def test_a_holder_that_was_killed_does_not_keep_the_board(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "board")
    script = (
        "import sys, n6prog\n"
        f"board = n6prog.connect({bench.probe!r}).__enter__()\n"
        "print('open', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        holder.kill()
    assert bench.run("flash", DEMO_ELF).code == 0
    same(bench.nor(), expected_nor(elf_pieces(DEMO_ELF)))


def test_two_probes_are_never_chosen_between_silently() -> None:
    done = n6prog("flash", DEMO_ELF)  # no probe at all on a machine that runs tests
    assert done.code == 3, done.text
    assert "sim" in done.err  # and what can be done without one


def test_the_wrong_board_profile_is_said_and_the_measured_part_used(tmp_path: Path) -> None:
    done = Bench(tmp_path / "board").run("flash", DEMO_ELF, "--board", "stm32n6570-dk")
    assert done.code == 0, done.text
    assert "MX25UM51245G" in done.text
    assert "WRONGPART" in done.text


def test_a_file_beyond_the_measured_part_is_refused_though_the_profile_would_take_it(tmp_path: Path) -> None:
    part = tmp_path / "far.bin"
    part.write_bytes(b"far" * 100)
    bench = Bench(tmp_path / "board", BOARD)
    done = bench.run("flash", f"{part}@0x76000000", "--board", "stm32n6570-dk")
    assert done.code == 8, done.text
    assert "E-SIZE" in done.text
    same(bench.nor(), expected_nor({}))
