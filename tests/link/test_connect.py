"""Which ways to connect are tried after which failures, what is told of them, and the clock that is settled on."""

from __future__ import annotations

from typing import Any

import pytest

from n6prog.errors import ProbeBusy, TargetUnreachable
from n6prog.link import connect as connecting
from n6prog.link import open_link
from n6prog.link.clock import auto_steps
from n6prog.link.connect import Way, Ways
from n6prog.link.firmware import firmware_trouble
from n6prog.link.lock import ProbeLock, holder_of
from n6prog.targets.schema import load_board

SIM = "sim:nucleo-n657x0-q,state=none"
NUCLEO = load_board("nucleo-n657x0-q")


def failure(code: str) -> TargetUnreachable:
    wanted = {"reason": "why", "clock": "1 MHz"}
    error = TargetUnreachable.of(code, "the probe", **wanted)
    assert isinstance(error, TargetUnreachable)
    return error


def tried(mode: str, swd_clock: int | None, *codes: str, powered: bool = True) -> list[tuple[str, int]]:
    """The ways that are gone, each failing with the next code; the last code stays."""
    ways = Ways(mode, swd_clock)
    way: Way | None = ways.first()
    found = []
    while way is not None:
        found.append((way.mode, way.hertz))
        way = ways.after(way, failure(codes[min(len(found), len(codes)) - 1]), powered=powered)
    return found


HALT, SLOW = ("halt", 1_000_000), ("halt", 200_000)
RESET, SLOW_RESET = ("under-reset", 1_000_000), ("under-reset", 200_000)


@pytest.mark.parametrize(
    ("codes", "ways"),
    [
        (["E-NOANSWER"], [HALT, SLOW, RESET, SLOW_RESET]),
        (["E-AP1-CLOSED"], [HALT, RESET]),
        (["E-NO-HALT"], [HALT, RESET]),
        (["E-AP1-DEAD"], [HALT, RESET]),
        (["E-NOANSWER", "E-AP1-CLOSED"], [HALT, SLOW, RESET]),
        (["E-SWD-CLOCK"], [HALT, SLOW]),  # a reset mends no wires
        (["E-WRONG-CHIP"], [HALT]),
    ],
)
def test_auto_goes_from_halting_to_a_lower_clock_to_a_reset(codes: list[str], ways: list[tuple[str, int]]) -> None:
    assert tried("auto", None, *codes) == ways


def test_what_was_asked_for_is_all_that_is_tried() -> None:
    assert tried("halt", 4_000_000, "E-NOANSWER") == [("halt", 4_000_000)]
    assert tried("attach", None, "E-AP1-CLOSED") == [("attach", 1_000_000)]
    assert tried("UR", None, "E-AP1-CLOSED") == [RESET]
    assert tried("auto", 4_000_000, "E-NO-HALT") == [("halt", 4_000_000), ("under-reset", 4_000_000)]


def test_nothing_more_is_tried_on_a_board_without_power() -> None:
    assert tried("auto", None, "E-NOANSWER", powered=False) == [HALT]


def test_the_failure_that_saw_most_of_the_chip_is_told_with_all_that_was_tried() -> None:
    ways = Ways("auto", None)
    ways.after(Way(*HALT), failure("E-AP1-CLOSED"), powered=True)
    ways.after(Way(*RESET), failure("E-NOANSWER"), powered=True)  # NRST is not wired, or holds the chip
    error = ways.error()
    assert error.code == "E-AP1-CLOSED"
    assert error.findings[0].evidence["tried"] == (
        "--connect halt at 1 MHz: E-AP1-CLOSED; --connect under-reset at 1 MHz: E-NOANSWER"
    )


def test_what_a_reset_did_not_end_is_said_to_need_a_power_cycle() -> None:
    ways = Ways("auto", None)
    ways.after(Way(*HALT), failure("E-NO-HALT"), powered=True)
    assert "or connect with --connect under-reset" in ways.error().findings[0].cure
    ways.after(Way(*RESET), failure("E-NO-HALT"), powered=True)
    assert ways.error().findings[0].cure.startswith("A reset did not help, only a power cycle can")


def test_a_single_failure_is_told_as_it_is() -> None:
    ways = Ways("halt", None)
    ways.after(Way(*HALT), failure("E-NO-HALT"), powered=True)
    assert "tried" not in ways.error().findings[0].evidence


@pytest.mark.parametrize(
    ("firmware", "hangs"),
    [("V3J16M6", True), ("V3J7M3", True), ("V3J17M10", False), ("V2J40M27", False), ("", False), ("2.1.0", False)],
)
def test_firmware_that_was_seen_to_hang_is_known(firmware: str, hangs: bool) -> None:
    assert bool(firmware_trouble(firmware)) is hangs
    assert auto_steps(firmware)[0] == (3_300_000 if hangs else 8_000_000)


OLD = f"{SIM},fault=firmware:V3J16M6"


def test_auto_stays_at_3300_khz_with_such_firmware_and_says_so() -> None:
    with open_link(OLD, board=NUCLEO) as link:
        assert link.swd_clock_hz == 3_300_000
        (found,) = link.findings
        assert (found.code, found.evidence["firmware"]) == ("W-PROBE-HANGS", "V3J16M6")


def test_more_can_be_asked_for() -> None:
    with open_link(OLD, board=NUCLEO, swd_clock=8_000_000) as link:
        assert link.swd_clock_hz == 8_000_000


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> str:
    """The simulated probe taken for a real one. Gives its id."""
    monkeypatch.setattr(connecting, "is_simulated", lambda wanted: False)
    return connecting.choose(SIM).unique_id  # type: ignore[no-any-return]


def test_a_link_holds_the_lock_of_its_probe_until_it_is_closed(real: str) -> None:
    link = open_link(SIM, board=NUCLEO, reason="flash")
    holder = holder_of(real)
    assert holder is not None
    assert holder.reason == "flash"
    with pytest.raises(ProbeBusy) as caught:
        open_link(SIM, board=NUCLEO)
    assert caught.value.exit_code == 4
    assert f"in use by process {holder.pid}" in caught.value.findings[0].text
    link.close()
    assert holder_of(real) is None


def test_a_connection_that_fails_lets_the_probe_go(real: str) -> None:
    with pytest.raises(TargetUnreachable):
        open_link(f"{SIM},boot1=0", board=NUCLEO)
    assert holder_of(real) is None


def test_waiting_for_a_held_probe_is_said_once_and_ends(real: str, monkeypatch: pytest.MonkeyPatch) -> None:
    held = ProbeLock(real, "night run")
    said: list[str] = []

    class Clock:
        time = 0.0

        def now(self) -> float:
            return self.time

        def sleep(self, seconds: float) -> None:
            Clock.time += seconds
            if Clock.time > 1.0:
                held.release()

    monkeypatch.setattr(connecting, "WallClock", Clock)
    link: Any = open_link(SIM, board=NUCLEO, wait=5.0, tell=said.append)
    link.close()
    assert len(said) == 1
    assert said[0].endswith("for night run; waiting, 5 s at most")
    assert Clock.time < 1.5
