"""The simulated board as a probe: what it refuses, and what it does not excuse."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("pyocd")

import pyocd  # noqa: F401
from pyocd.core import exceptions

from n6prog.sim import SimBoard
from n6prog.sim.probe import SimProbe, probe_for
from n6prog.sim.probe_base import ProbeTripwire

pytest.importorskip("unicorn")

LINKS = ["stlink", "cmsis-dap"]


def test_a_fault_beyond_the_part_is_refused() -> None:
    # MX25UM51245G: 64 MiB
    with pytest.raises(ValueError, match="beyond MX25UM51245G"):
        probe_for("sim:nucleo-n657x0-q,state=none,fault=fail-erase:0x4000000")
    probe_for("sim:nucleo-n657x0-q,state=none,fault=fail-erase:0x3fff000")
    probe_for("sim:stm32n6570-dk,state=none,fault=fail-program:0x4000000")


@pytest.mark.parametrize(
    ("missing", "raised"), [("unicorn", exceptions.ProbeError), ("n6prog.sim.core.gone", ImportError)]
)
def test_only_a_missing_unicorn_is_told_as_one(
    monkeypatch: pytest.MonkeyPatch, missing: str, raised: type[Exception]
) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "n6prog.sim.board":
            raise ModuleNotFoundError(f"No module named {missing!r}", name=missing)
        return real(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "n6prog.sim.board", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(raised) as caught:
        probe_for("sim:nucleo-n657x0-q,state=none").open()
    assert ("needs Unicorn" in str(caught.value)) is (missing == "unicorn")


@pytest.mark.parametrize(
    ("link", "driver"), [("stlink", "StlinkProbe"), ("stlink-633k", "StlinkProbe"), ("cmsis-dap", "CMSISDAPProbe")]
)
def test_each_link_has_the_driver_of_pyocd_above_it(link: str, driver: str) -> None:
    probe = probe_for(f"sim:nucleo-n657x0-q,state=none,link={link}")
    assert isinstance(probe, SimProbe)
    assert driver in [base.__name__ for base in type(probe).__mro__]


@pytest.fixture(params=LINKS)
def session(request: pytest.FixtureRequest) -> Iterator[Any]:
    """pyOCD's session on a board of ours, through each link."""
    from pyocd.core.session import Session

    with SimBoard() as board:
        probe = SimProbe.on_board(board, request.param)
        options = {"no_config": True, "target_override": "stm32n657x0", "frequency": 8_000_000}
        with Session(probe, options=options, option_defaults=None) as opened:
            yield opened


def test_pyocd_reads_and_writes_memory_through_each_link(session: Any) -> None:
    target, board = session.target, session.probe.board
    data = list(range(256)) * 20
    target.write_memory_block8(0x3407_0001, data)
    target.flush()  # pyOCD keeps writes back as long as it can
    assert list(board.read(0x3407_0000, 5122)[1:5121]) == data
    assert list(target.read_memory_block8(0x3407_0001, 5120)) == data
    target.write16(0x3407_0002, 0xBEEF)
    target.flush()
    assert board.read(0x3407_0002, 2) == b"\xef\xbe"


def test_a_bus_fault_is_a_transfer_fault_and_does_not_last(session: Any) -> None:
    with pytest.raises(exceptions.TransferFaultError):
        session.target.read32(0x1010_0000)  # nothing lies there (hw-soc 3)
    session.target.write32(0x3407_0000, 7)
    assert session.target.read32(0x3407_0000) == 7


def test_the_clock_in_force_is_known(session: Any) -> None:
    session.probe.set_clock(1_000_000)
    assert session.probe.granted_clock_hz == session.probe.board.dp.clock_hz == 1_000_000


def test_a_pulse_on_nrst_waits_in_the_boards_time(session: Any) -> None:
    before = session.probe.virtual_clock.now()
    session.probe.reset()
    waits = session.options.get("reset.hold_time") + session.options.get("reset.post_delay")
    assert session.probe.virtual_clock.now() - before >= waits
    assert not session.probe.is_reset_asserted()


def test_the_clock_never_goes_back_and_the_board_keeps_up(session: Any) -> None:
    probe = session.probe
    seen = [probe.virtual_clock.now()]
    for _ in range(3):
        session.target.read32(0x3407_0000)
        seen.append(probe.virtual_clock.now())
        probe.virtual_clock.sleep(0.5)
        seen.append(probe.virtual_clock.now())
        assert seen[-1] - seen[-2] == pytest.approx(0.5)
    assert seen == sorted(seen)


@pytest.mark.parametrize("link", LINKS)
def test_closing_gives_the_board_the_time_that_passed(link: str) -> None:
    with SimBoard() as board:
        probe = SimProbe.on_board(board, link)
        from pyocd.core.session import Session

        probe.session = Session(probe, options={"no_config": True}, option_defaults=None)
        probe.open()
        probe.virtual_clock.sleep(2.0)
        probe.close()
        assert board.virtual_time >= 2.0


def test_what_would_hurt_a_board_is_an_error_of_the_probe(session: Any) -> None:
    board = session.probe.board
    board.tripwire.violations.append("it was told so")
    with pytest.raises(ProbeTripwire, match="it was told so"):
        session.target.read32(0x3407_0000)
    assert session.probe.violations == ("it was told so",)
    board.tripwire.violations.clear()
