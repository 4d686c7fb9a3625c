"""The public names: light to import, strict about what they take."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest

import n6prog
from n6prog import api
from n6prog.errors import ImageRefused, UsageError
from tests.flows.conftest import Bench


def test_import_loads_nothing_heavy() -> None:
    heavy = ("pyocd", "unicorn", "elftools", "intelhex", "n6prog.flows")
    code = f"import sys, n6prog; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_can_be_had() -> None:
    for name in n6prog.__all__:
        assert getattr(n6prog, name) is not None
    with pytest.raises(AttributeError):
        _ = n6prog.no_such_name


def test_check_places_without_a_probe(tmp_path: Path) -> None:
    path = tmp_path / "w.bin"
    path.write_bytes(b"w" * 5000)
    placement = n6prog.check(f"{path}@0x71000000")
    assert placement.ok
    assert [(piece.address, piece.size) for piece in placement.flash] == [(0x71000000, 5000)]
    assert placement.device.board.name == "nucleo-n657x0-q"


def test_check_tells_what_is_wrong_and_does_not_raise(tmp_path: Path) -> None:
    path = tmp_path / "w.bin"
    path.write_bytes(b"w" * 5000)
    placement = n6prog.check(f"{path}@0x74000000")
    assert not placement.ok
    assert n6prog.check(f"{path}@0x74000000", board="stm32n6570-dk").ok  # 128 MiB


def test_unknown_board_is_a_usage_error_that_names_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        n6prog.check("x.bin@0x71000000", board="nucle")
    (found,) = caught.value.findings
    assert (found.code, found.exit_code) == ("E-USAGE", 2)
    assert found.text == "'nucle' is no board that is known"
    assert found.cure.startswith("Did you mean 'nucleo-n657x0-q'? One of: nucleo-n657x0-q, stm32n6570-dk.")


@pytest.mark.parametrize(("content", "line"), [(None, ""), ("name = 'x'\ntitle = 7\n", ":2")])
def test_mistake_in_a_board_file_is_told_once_with_its_line(tmp_path: Path, content: str | None, line: str) -> None:
    path = tmp_path / "board.toml"
    if content is not None:
        shipped = resources.files("n6prog.targets") / "boards" / "nucleo-n657x0-q.toml"
        kept = [text for text in shipped.read_text().splitlines() if not text.startswith(("name", "title"))]
        path.write_text(content + "\n".join(kept))
    with pytest.raises(UsageError) as caught:
        n6prog.check("x.bin@0x71000000", board=path)
    (found,) = caught.value.findings
    assert (found.code, found.subject) == ("E-CONFIG", f"{path}{line}")
    assert found.text.startswith(f"{path}{line}: ")
    assert found.text.count("board.toml") == 1


@pytest.mark.parametrize("probe", ["sim:foo", "SIM:foo,state=none"])
def test_unknown_simulated_board_is_told_with_those_there_are(probe: str) -> None:
    with pytest.raises(UsageError) as caught:
        n6prog.connect(probe, lazy=True)
    (found,) = caught.value.findings
    assert (found.code, found.exit_code) == ("E-SIM-SPEC", 2)
    for name in ("'foo'", "nucleo-n657x0-q", "stm32n6570-dk"):
        assert name in found.text


def test_no_files_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        n6prog.check()


@pytest.mark.parametrize(
    ("text", "hertz"), [("auto", None), ("8M", 8_000_000), ("3300k", 3_300_000), (1_000_000, 1_000_000)]
)
def test_clock(text: str | int, hertz: int | None) -> None:
    assert api.clock(text) == hertz


@pytest.mark.parametrize("text", ["8000", 8000, "fast", "-1M", ""])
def test_clock_that_is_none_is_refused(text: str | int) -> None:
    with pytest.raises(UsageError):
        api.clock(text)


def test_simulated_probe_names_the_board() -> None:
    with n6prog.connect("sim:stm32n6570-dk,state=none", lazy=True) as board:
        assert board.device.board.name == "stm32n6570-dk"
        assert not board.device.measured
    with n6prog.connect("sim:state=none", lazy=True) as board:
        assert board.device.board.name == "nucleo-n657x0-q"


def test_connect_opens_at_once_unless_lazy(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench()
    n6prog.connect("fake").close()
    assert bench.opened == 1
    n6prog.connect("fake", lazy=True).close()
    assert bench.opened == 1


def test_board_can_be_used_for_flow_after_flow(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "w.bin"
    path.write_bytes(b"w" * 5000)
    with bench.board as board:
        board.flash(f"{path}@0x71000000")
        board.verify(f"{path}@0x71000000")
        assert board.read(0x71000000, 3) == b"www"
        with pytest.raises(ImageRefused):
            board.flash(f"{path}@0x74000000")
        board.erase([(0x71000000, 5000)])
        assert board.read(0x71000000, 3) == b"\xff\xff\xff"
    assert bench.opened == 1
    assert bench.link.closed
    assert bench.link.calls[-1][0] == "n6_close"


def test_a_closed_board_does_not_connect_again(bench: Bench) -> None:
    with bench.board as board:
        board.open()
    assert bench.opened == 1
    for use in (
        board.open,
        board.info,
        lambda: board.pyocd,
        lambda: board.read(0x70000000, 4),
        lambda: board.verify("x.bin@0x71000000"),
    ):
        with pytest.raises(UsageError, match="the board is closed"):
            use()
    assert bench.opened == 1
    assert not board.is_open
