"""The command line as a process of its own: start-up, pipes, and what stays unloaded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.elfmaker import Section, make_elf

ROOT = Path(__file__).parents[2]
N6PROG = [sys.executable, "-m", "n6prog"]


def test_check_and_its_exit_codes(tmp_path: Path) -> None:
    (tmp_path / "good.elf").write_bytes(make_elf(Section(".text", 0x70100400, bytes(64))))
    (tmp_path / "bad.elf").write_bytes(make_elf(Section(".text", 0, bytes(64))))
    for name, code in (("good.elf", 0), ("bad.elf", 8), ("none.elf", 2)):
        done = subprocess.run([*N6PROG, "check", name], capture_output=True, text=True, cwd=tmp_path, check=False)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [["--help"], ["flash", "--help"], ["config"], ["config", "--json"]])
def test_a_closed_pipe_is_no_traceback(words: list[str], tmp_path: Path) -> None:
    with subprocess.Popen([*N6PROG, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
        assert process.wait() == 0
    assert b"Traceback" not in err
    assert b"Exception ignored" not in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", [["config"], ["config", "--json"]])
def test_a_full_disk_is_told_without_a_traceback(words: list[str], tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*N6PROG, *words], stdout=full, stderr=subprocess.PIPE, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert b"E-OUTPUT" in done.stderr
    assert b"No space left on device" in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


@pytest.mark.parametrize("words", [["--help"], ["flash", "--help"], ["--version"], ["config"]])
def test_nothing_heavy_is_loaded_where_it_is_not_needed(words: list[str], tmp_path: Path) -> None:
    """`n6prog --help` stays under 0.2 s because of this; the time itself is measured by `make bench`."""
    code = (
        "import sys; from n6prog.cli import main; main(sys.argv[1:]); "
        "heavy = {'pyocd', 'unicorn', 'elftools', 'intelhex', 'usb', 'hypothesis', 'capstone'} & set(sys.modules); "
        "print(sorted(heavy), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert done.stderr.strip() == "[]"


def test_a_log_on_a_full_disk_is_told_once_and_the_work_is_done(tmp_path: Path) -> None:
    (tmp_path / "w.raw").write_bytes(b"weights")
    words = ["flash", "w.raw@weights", "--json", "--probe", "sim:nucleo-n657x0-q,state=board", "--log", "/dev/full"]
    done = subprocess.run([*N6PROG, *words], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 1  # what was asked for is not all there
    assert "Traceback" not in done.stderr
    assert done.stderr.count("E-OUTPUT") == 1
    assert "/dev/full: No space left on device" in done.stderr
    assert "all verified by digest on the chip" in done.stderr
    end = json.loads(done.stdout.splitlines()[-1])["data"]
    assert (end["ok"], end["exit_code"], end["code"]) == (False, 1, "E-OUTPUT")
    assert (tmp_path / "board" / "nor.bin").read_bytes()[0x100_0000:][:7] == b"weights"


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys, n6prog.cli\n"
        "try:\n    n6prog.cli.main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('pyocd', 'elftools', 'intelhex', 'unicorn', 'usb', 'hypothesis') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_an_ascii_terminal_gets_question_marks_rather_than_a_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [*N6PROG, "check", "é·.elf"],
        capture_output=True,
        cwd=tmp_path,
        env={"PYTHONIOENCODING": "ascii", "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert b"E-NO-FILE" in done.stderr
