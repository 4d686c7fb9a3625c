"""What the command line takes besides files and ranges, on the simulated board."""

from __future__ import annotations

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
