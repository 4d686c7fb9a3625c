"""Damage on the wire, exact to the transfer, the same each time."""

from __future__ import annotations

import pytest

from n6prog.sim.clock import PS_PER_SECOND, Timeline
from n6prog.sim.fault_terms import parse_faults
from n6prog.sim.faults import Damage, LinkFaults, ProbeGone, ProbeHung

MS = PS_PER_SECOND // 1000


def faults_of(text: str, seed: int = 0, host: Timeline | None = None) -> LinkFaults:
    faults = LinkFaults(host or Timeline(), seed)
    faults.arm(parse_faults(text))
    return faults


def struck(faults: LinkFaults, count: int, clock: int = 1_000_000) -> dict[int, Damage]:
    found = {}
    for number in range(1, count + 1):
        damage = faults.next(clock)
        if damage is not None:
            found[number] = damage
    return found


def test_the_numbered_transfer_is_hit_and_no_other() -> None:
    assert struck(faults_of("flip@#3+lost@#7"), 20) == {3: Damage.FLIP, 7: Damage.LOST}


def test_a_time_means_the_first_transfer_from_then_on() -> None:
    host = Timeline(5 * MS)
    faults = faults_of("lost@2ms", host=host)
    assert struck(faults, 10) == {}
    host.now = 7 * MS - 1
    assert struck(faults, 10) == {}
    host.now = 7 * MS
    assert struck(faults, 10) == {1: Damage.LOST}


def test_a_rate_hits_that_share_and_the_same_transfers_each_time() -> None:
    once, again, other = (struck(faults_of("flip:0.01", seed), 20_000) for seed in (1, 1, 2))
    assert once == again
    assert once != other
    assert 150 < len(once) < 260  # 200 expected, standard deviation 14


def test_a_rate_of_one_hits_everything() -> None:
    assert set(struck(faults_of("repeat:1"), 5)) == {1, 2, 3, 4, 5}


def test_a_wait_storm_ends_after_its_count_or_its_time() -> None:
    assert struck(faults_of("wait@#4:3"), 10) == dict.fromkeys((4, 5, 6), Damage.WAIT)
    host = Timeline()
    faults = faults_of("wait@1ms:2ms", host=host)
    host.now = 1 * MS
    assert set(struck(faults, 5)) == {1, 2, 3, 4, 5}
    host.now = 3 * MS
    assert struck(faults, 5) == {}


def test_a_link_breaks_only_above_its_clock() -> None:
    faults = faults_of("max-clock:3300k")
    assert struck(faults, 5000, 3_300_000) == {}
    found = struck(faults, 5000, 8_000_000)
    assert 40 < len(found) < 130  # one in 64: 78
    assert set(found.values()) == {Damage.FLIP, Damage.LOST, Damage.DOUBLE}
    assert struck(faults, 5000, 1_000_000) == {}


def test_what_passes_quietly_is_told_beforehand() -> None:
    faults = faults_of("flip@#100")
    assert faults.quiet(50, 1) == 50
    faults.passed(50)
    assert faults.quiet(50, 1) == 49
    faults.passed(49)
    assert faults.quiet(50, 1) == 0
    assert faults.next(1) is Damage.FLIP
    assert faults.quiet(50, 1) == 50


def test_without_faults_there_is_nothing_to_do() -> None:
    faults = faults_of("mute+power-cut@1s")
    assert not faults.active
    assert faults.quiet(1 << 40, 1) == 1 << 40
    assert faults_of("hang@1s").active


@pytest.mark.parametrize(("name", "raises"), [("hang", ProbeHung), ("unplug", ProbeGone)])
def test_a_probe_stops_at_its_time_and_comes_back_when_opened_anew(name: str, raises: type[Exception]) -> None:
    host = Timeline()
    faults = faults_of(f"{name}@3ms", host=host)
    host.now = 3 * MS - 1
    faults.command()
    host.now = 3 * MS
    for _ in range(3):
        with pytest.raises(raises):
            faults.command()
    faults.plugged_in()
    faults.command()
    assert not faults.active


def test_something_else_can_happen_at_a_transfer() -> None:
    faults, calls = LinkFaults(Timeline()), []
    faults.arm((), [(3, lambda: calls.append(faults.transfers))])
    assert struck(faults, 5) == {}
    assert calls == [3]
