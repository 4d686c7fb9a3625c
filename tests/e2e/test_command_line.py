"""What the command line takes besides files and ranges, on the simulated board."""

from __future__ import annotations

import contextlib
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.cli import Bench, n6prog

pytestmark = pytest.mark.e2e


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "board")


def test_verify_diff_tells_every_range_with_both_sides(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "weights.raw").write_bytes(bytes(range(256)) * 64)
    bench.fill(0x7100_0000, bytes(range(256)) * 64)
    bench.poke(0x7100_0010, b"\xaa\xbb")
    bench.poke(0x7100_2000, b"\xcc")
    done = bench.run("verify", f"{tmp_path / 'weights.raw'}@0x71000000", "--diff")
    assert done.code == 7
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert "0x71000010 2 B file 10 11 flash aa bb" in lines
    assert "0x71002000 1 B file 00 flash cc" in lines
    assert "3 bytes in 2 ranges" in lines
    assert "error E-VERIFY" in done.err


@pytest.mark.parametrize("ending", ["hex", "srec", "bin"])
def test_what_was_read_can_be_flashed_again(bench: Bench, tmp_path: Path, ending: str) -> None:
    content = bytes(range(1, 256)) * 40
    bench.fill(0x7100_0000, content)
    file = tmp_path / f"back.{ending}"
    assert bench.run("read", f"0x71000000+{len(content)}", "-o", file).code == 0
    assert bench.run("erase", "0x71000000+16K").code == 0
    name = f"{file}@0x71000000" if ending == "bin" else str(file)
    done = bench.run("flash", name)
    assert done.code == 0, done.text
    assert bytes(bench.nor()[0x100_0000 : 0x100_0000 + len(content)]) == content
    assert n6prog("check", name, "--board", "nucleo-n657x0-q").code == 0


def project(folder: Path, text: str) -> Path:
    (folder / "n6prog.toml").write_text(text)
    return folder


MODEL = "[slots.model]\nstart = 0x71000000\nsize = 0x20000\nheader = false\n"
MOVED = MODEL + "[slots.weights]\nstart = 0x72000000\nsize = 0x100000\nheader = false\n"


def test_a_slot_of_the_project_is_flashed_and_erased_by_its_name(bench: Bench, tmp_path: Path) -> None:
    here = project(tmp_path, MOVED)
    (tmp_path / "net.raw").write_bytes(b"network" * 100)
    (tmp_path / "w.raw").write_bytes(b"weights" * 100)
    done = bench.run("flash", "net.raw@model", "w.raw", "--slot", "weights", "--json", cwd=here)
    assert done.code == 0, done.text
    pieces = [(Path(piece["name"]).name, piece["start"], piece["slot"]) for piece in done.end["pieces"]]  # type: ignore[attr-defined]
    assert pieces == [("net.raw", 0x7100_0000, "model"), ("w.raw", 0x7200_0000, "weights")]
    assert bench.run("erase", "--slot", "model", cwd=here).code == 0
    content = bench.nor()
    assert content[0x100_0000:0x102_0000] == b"\xff" * 0x2_0000
    assert content[0x200_0000 : 0x200_0000 + 700] == b"weights" * 100
    assert bench.run("verify", "w.raw@weights", cwd=here).code == 0
    assert n6prog("check", "net.raw@model", cwd=here).code == 0


def test_a_slot_that_overlaps_one_of_the_board_is_told_with_its_line(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "net.raw").write_bytes(b"network")
    done = bench.run("flash", "net.raw@model", cwd=project(tmp_path, MODEL))
    assert done.code == 2
    assert f"error E-CONFIG: {tmp_path / 'n6prog.toml'}:1: slot model overlaps slot weights of the NUCLEO" in done.err
    assert not bench.nor_file.exists()


def test_a_slot_beyond_the_flash_and_one_that_is_none(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "net.raw").write_bytes(b"network")
    beyond = MODEL.replace("0x71000000", "0x74000000")
    done = bench.run("flash", "net.raw@model", cwd=project(tmp_path, beyond))
    assert done.code == 2
    assert "leaves the flash of the NUCLEO-N657X0-Q" in done.err
    done = bench.run("flash", "net.raw@modle", cwd=project(tmp_path, MOVED))
    assert done.code == 2
    assert "error E-SLOT" in done.err
    assert "fsbl, fsbl-b, app, model, weights" in done.err


def test_a_file_with_addresses_of_its_own_takes_no_slot(bench: Bench) -> None:
    from tests.helpers.files import DEMO_ELF

    done = bench.run("flash", f"{DEMO_ELF}@app")
    assert done.code == 2
    assert "error E-FILE-SLOT" in done.err


def test_slots_of_a_board_file_and_a_map(bench: Bench, tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "targets" / "boards" / "nucleo-n657x0-q.toml").read_text()
    own = text.replace('name = "weights"', 'name = "model"', 1).replace('name = "nucleo-n657x0-q"', 'name = "ours"', 1)
    (tmp_path / "ours.toml").write_text(own)
    (tmp_path / "net.raw").write_bytes(b"network")
    (tmp_path / "low.bin").write_bytes(b"linked low")
    done = bench.run(
        *("flash", f"{tmp_path / 'net.raw'}@model", f"{tmp_path / 'low.bin'}@0x34000000"),
        *("--map", "0x34000000=0x73000000", "--board", tmp_path / "ours.toml"),
    )
    assert done.code == 0, done.text
    content = bench.nor()
    assert content[0x100_0000:0x100_0007] == b"network"
    assert content[0x300_0000:0x300_000A] == b"linked low"


def test_a_preset_and_variables_stand_for_options_and_config_tells_where_from(bench: Bench, tmp_path: Path) -> None:
    here = project(tmp_path, f'[presets.slow]\nswd_clock = "1M"\nprobe = "{bench.probe}"\n' + MOVED)
    done = n6prog("info", "--json", cwd=here, env={"N6PROG_PRESET": "slow"})
    assert done.code == 0, done.text
    assert done.end["swd_clock_hz"] == 1_000_000
    told = n6prog("config", "--preset", "slow", cwd=here, env={"N6PROG_WAIT": "3"}).out.splitlines()
    rows = [line.split() for line in told]
    assert ["swd_clock", "1", "MHz", f"{tmp_path / 'n6prog.toml'}:2"] in rows
    assert ["wait", "3", "N6PROG_WAIT"] in rows
    assert any(row[:2] == ["slot", "model"] and row[-1] == f"{tmp_path / 'n6prog.toml'}:4" for row in rows)


@pytest.mark.parametrize("place", ["option", "variable", "file"])
def test_a_loader_that_is_not_there_is_a_usage_error_before_any_probe_is_opened(
    bench: Bench, tmp_path: Path, place: str
) -> None:
    (tmp_path / "w.raw").write_bytes(b"weights")
    words = ["--loader", "clasic"] if place == "option" else []
    if place == "file":
        project(tmp_path, 'loader = "clasic"\n')
    done = bench.run(
        "flash", "w.raw@weights", *words, cwd=tmp_path, env={"N6PROG_LOADER": "clasic"} if place == "variable" else {}
    )
    assert done.code == 2
    assert "there is no loader" in done.err
    assert "Did you mean 'classic'?" in done.err
    assert not bench.nor_file.exists()


def test_a_loader_named_in_the_file_is_relative_to_it_unless_it_is_one_of_ours(bench: Bench, tmp_path: Path) -> None:
    import n6prog.flash_algos

    images = Path(n6prog.flash_algos.__file__).parent / "images"
    (tmp_path / "mine").mkdir()
    for path in images.iterdir():
        (tmp_path / "mine" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "below").mkdir()
    (tmp_path / "w.raw").write_bytes(b"weights")
    for loader in ("mine", "classic"):
        project(tmp_path, f'loader = "{loader}"\n')
        done = bench.run("flash", "../w.raw@weights", cwd=tmp_path / "below")
        assert done.code == 0, done.text
    assert bench.run("verify", "w.raw@weights", cwd=tmp_path).code == 0


def test_a_slot_that_is_none_is_all_that_is_told(tmp_path: Path) -> None:
    (tmp_path / "w.raw").write_bytes(b"weights")
    done = n6prog("check", "w.raw@weigths", "--board", "nucleo-n657x0-q", "--json", cwd=tmp_path)
    assert done.code == 2
    assert [item["code"] for item in done.end["findings"]] == ["E-SLOT"]  # type: ignore[attr-defined]


def test_a_dump_is_never_called_an_elf(bench: Bench, tmp_path: Path) -> None:
    done = bench.run("read", "0x70000000+1K", "-o", tmp_path / "dump.elf")
    assert done.code == 2
    assert "-o dump.bin" in done.err
    assert not (tmp_path / "dump.elf").exists()


def test_list_tells_who_holds_the_board_in_a_folder_that_is_named(bench: Bench) -> None:
    import os

    from n6prog.sim import SimBoard

    with SimBoard(state=bench.folder, reason="a test"):
        done = bench.run("list")
    assert done.code == 0, done.text
    (row,) = (line for line in done.out.splitlines() if str(bench.folder) in line)
    assert f"in use by process {os.getpid()} " in row
    assert ", since 20" in row
    assert row.endswith("for a test")
    (row,) = (line for line in bench.run("list").out.splitlines() if str(bench.folder) in line)
    assert row.endswith("always there")
    assert n6prog("list", "--probe", "sim:nowhere").code == 2


def test_the_drawing_of_a_check_can_be_asked_for_by_variable_and_file(tmp_path: Path) -> None:
    (tmp_path / "w.raw").write_bytes(b"weights")
    words = ("check", "w.raw@weights", "--board", "nucleo-n657x0-q")
    assert n6prog(*words, cwd=tmp_path, env={"N6PROG_SVG": "one.svg"}).code == 0
    project(tmp_path, 'svg = "two.svg"\n')
    assert n6prog(*words, cwd=tmp_path).code == 0
    assert (tmp_path / "one.svg").read_text() == (tmp_path / "two.svg").read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_on_a_terminal_a_bar_tells_rate_and_time_left_and_leaves_no_trace(bench: Bench, tmp_path: Path) -> None:
    import fcntl
    import pty
    import struct
    import termios

    file = tmp_path / "w.raw"
    file.write_bytes(random.Random(1).randbytes(3 << 20))
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", 24, 70, 0, 0))
    words = ["flash", f"{file}@0x71000000", "--probe", bench.probe]
    environ = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR", "TERM")}
    with subprocess.Popen(
        [sys.executable, "-m", "n6prog", *words],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**environ, "TERM": "xterm"},
    ) as running:
        os.close(slave)
        shown = b""
        with contextlib.suppress(OSError):  # EIO: the other side is closed
            while part := os.read(master, 65536):
                shown += part
    os.close(master)
    assert running.returncode == 0
    drawn = [line for line in shown.decode().replace("\r\n", "\n").split("\r") if line.startswith("write ")]
    assert any(re.search(r"MiB of 3\.00 MiB  [0-9.]+ [KM]iB/s  0:0[0-9]", line) for line in drawn), drawn
    assert all(len(line.removesuffix("\x1b[K")) < 70 for line in drawn)
    assert "write " not in shown.decode().replace("\r\n", "\n").split("\r\x1b[K")[-1]  # the last one was taken away
