"""Flashing that is interrupted, or that the chip or the link gives up: what is told about bytes that may be lost."""

from __future__ import annotations

import contextlib
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from n6prog.errors import FlashFailure, TargetUnreachable
from n6prog.flash_algos.mailbox import Status
from tests.flows.conftest import AT, Bench, spec
from tests.helpers.fake_chip import SECTOR, FakeLink


def test_interrupt_halts_the_core_lets_the_probe_go_and_ends_with_130(bench: Bench, weights: Path) -> None:
    def stop(*_: object) -> int:
        raise KeyboardInterrupt

    bench.link.hooks["n6_write_block"] = stop
    with pytest.raises(KeyboardInterrupt):
        bench.board.flash(spec(weights))
    end = bench.last("end").data
    assert (end["exit_code"], end["code"]) == (130, "E-INTERRUPTED")
    assert bench.events[-1].type == "end"
    assert "halt" in bench.link.log
    assert bench.link.closed
    assert end["swd_clock_hz"] == 8_000_000


def stakes(bench: Bench) -> list[int]:
    """Addresses that W-AT-STAKE names in this run."""
    begin = max(number for number, event in enumerate(bench.events) if event.type == "begin")
    told = [event.data for event in bench.events[begin:] if event.data.get("code") == "W-AT-STAKE"]
    return [int(place, 16) for item in told for place in re.findall("0x[0-9a-f]{8}", str(item["text"]))]


@pytest.mark.parametrize(
    ("beside", "at_stake"), [(b"\x11", [0x71000000, 0x71020000]), (b"\xff", [])], ids=["content", "blank"]
)
def test_bytes_at_stake_when_the_chip_falls_silent_are_told_unless_there_are_none(
    bench: Bench, tmp_path: Path, beside: bytes, at_stake: list[int]
) -> None:
    bench.link.program(AT, beside * 0x100 + b"\x22" * 0x20000 + beside * 0xF00)
    file = tmp_path / "file.bin"
    file.write_bytes(b"\x33" * 0x20000)

    def silent(*_: object) -> int:
        raise FlashFailure.of("E-LOADER-TIMEOUT", "n6_serve", timeout=3.0)

    bench.link.hooks["n6_write_block"] = silent
    with pytest.raises(FlashFailure):
        bench.board.flash(spec(file, 0x71000100))
    assert stakes(bench) == at_stake
    assert bench.last("end").data["doubt"] == {"start": 0x71000000, "length": 0x10000}


def test_a_failure_the_chip_tells_of_puts_only_its_own_block_at_stake_and_what_is_proven_is_not(
    bench: Bench, tmp_path: Path
) -> None:
    bench.link.program(AT, b"\x11" * 0x21000)
    file = tmp_path / "file.bin"
    file.write_bytes(b"\x33" * 0x20000)
    failing = [0]

    def fail(chip: FakeLink, job: int, out: int) -> int | None:
        failing[0] -= 1
        if failing[0]:
            return None
        chip.write(out, chip.result(AT, Status.PROGRAM_FAIL))
        return Status.PROGRAM_FAIL

    bench.link.hooks["n6_write_block"] = fail
    for which, at_stake in ((1, [0x71000000]), (2, []), (3, [0x71020000])):
        bench.link.program(AT, b"\x11" * 0x21000)
        failing[0] = which
        with pytest.raises(FlashFailure):
            bench.board.flash(spec(file, 0x71000100))
        assert stakes(bench) == at_stake


def test_an_interrupt_puts_nothing_at_stake_where_the_chip_finishes_what_it_began(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file.bin"
    file.write_bytes(b"\x33" * 100)

    def stop(*_: object) -> int:
        raise KeyboardInterrupt

    def silent(*_: object) -> None:
        raise TargetUnreachable.of("E-LINK-LOST", "fake probe", reason="pulled")

    for ends, at_stake in ((True, []), (False, [0x71000000])):
        bench.link.program(AT, b"\x11" * SECTOR)
        bench.link.hooks["n6_write_block"] = stop
        if not ends:
            monkeypatch.setattr("n6prog.loader.resident.ResidentLoader.abandon", silent)
        with pytest.raises(KeyboardInterrupt):
            bench.board.flash(spec(file))
        assert stakes(bench) == at_stake
        assert bench.last("end").data["doubt"] == {"start": 0x71000000, "length": SECTOR}


def test_interrupt_that_a_library_swallowed_still_ends_the_run(bench: Bench, weights: Path) -> None:
    def swallow(*_: object) -> None:
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)

    bench.link.hooks["n6_survey"] = swallow
    with pytest.raises(KeyboardInterrupt):
        bench.board.flash(spec(weights))
    assert bench.last("end").data["code"] == "E-INTERRUPTED"
    assert "n6_write_block" not in bench.link.names()
    assert bench.link.closed
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_failure_that_an_interrupt_caused_is_an_interrupt(bench: Bench, weights: Path) -> None:
    def swallow(chip: FakeLink, offset: int, count: int, out: int) -> int:
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        return Status.TIMEOUT

    bench.link.hooks["n6_survey"] = swallow
    with pytest.raises(KeyboardInterrupt):
        bench.board.flash(spec(weights))
    assert bench.last("end").data["exit_code"] == 130


def test_interrupt_on_the_simulated_board_waits_for_the_end_of_a_step_and_a_second_one_does_not(
    make_bench: Callable[..., Bench], weights: Path
) -> None:
    bench = make_bench(is_simulated=True)
    steps: list[str] = []

    def press_once(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)
        steps.append("went on")

    bench.link.hooks["n6_survey"] = press_once
    with pytest.raises(KeyboardInterrupt):
        bench.board.flash(spec(weights))
    assert steps == ["went on"]
    assert "n6_write_block" not in bench.link.names()

    def press_twice(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        steps.append("not here")

    bench.link.hooks["n6_survey"] = press_twice
    with pytest.raises(KeyboardInterrupt):
        bench.board.flash(spec(weights))
    assert steps == ["went on"]
