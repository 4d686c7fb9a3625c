"""Choosing a probe: never a prompt, never a guess."""

from __future__ import annotations

import builtins
from typing import Any

import pytest

from n6prog.errors import ProbeNotFound
from n6prog.link import find


class Probe:
    """As much of a pyOCD probe as choosing needs."""

    is_open = False
    product_name = "STLINK-V3"

    def __init__(self, unique_id: str) -> None:
        self.unique_id = unique_id


@pytest.fixture
def plugged_in(monkeypatch: pytest.MonkeyPatch) -> list[Probe]:
    probes: list[Probe] = []
    monkeypatch.setattr(find, "_plugged_in", lambda: list(probes))
    return probes


def refused(wanted: str | None) -> ProbeNotFound:
    with pytest.raises(ProbeNotFound) as caught:
        find.choose(wanted)
    return caught.value


def test_the_only_probe_is_taken(plugged_in: list[Probe]) -> None:
    plugged_in.append(Probe("003A0037"))
    assert find.choose(None) is plugged_in[0]


def test_no_probe_is_an_error_that_offers_the_simulator(plugged_in: list[Probe]) -> None:
    error = refused(None)
    assert (error.code, error.exit_code) == ("E-NO-PROBE", 3)
    assert "--probe sim" in error.findings[0].cure


def test_two_probes_and_no_name_is_an_error_that_lists_both(plugged_in: list[Probe]) -> None:
    plugged_in += [Probe("003A0037"), Probe("003B0042")]
    error = refused(None)
    assert (error.code, error.exit_code) == ("E-PROBE-AMBIGUOUS", 3)
    assert "003A0037" in error.findings[0].text
    assert "003B0042" in error.findings[0].text


def test_a_part_of_the_id_is_enough_in_any_case(plugged_in: list[Probe]) -> None:
    plugged_in += [Probe("003A0037"), Probe("003B0042")]
    assert find.choose("3b") is plugged_in[1]


def test_a_whole_id_wins_over_one_that_contains_it(plugged_in: list[Probe]) -> None:
    plugged_in += [Probe("0037"), Probe("003700")]
    assert find.choose("0037") is plugged_in[0]
    assert refused("00").code == "E-PROBE-AMBIGUOUS"


def test_an_id_that_fits_none_is_answered_with_those_there(plugged_in: list[Probe]) -> None:
    plugged_in.append(Probe("003A0037"))
    error = refused("FFFF")
    assert error.code == "E-NO-PROBE"
    assert "003A0037" in error.findings[0].text


@pytest.mark.parametrize("text", ["sim", "SIM", "sim:nucleo-n657x0-q,state=none"])
def test_the_simulated_board_is_known_by_its_name(text: str) -> None:
    assert find.is_simulated(text)


@pytest.mark.parametrize("text", [None, "simX", "003A", "asim"])
def test_other_ids_are_not_the_simulated_board(text: str | None) -> None:
    assert not find.is_simulated(text)


def test_without_unicorn_the_simulator_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_unicorn(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "unicorn":
            raise ImportError("No module named 'unicorn'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_unicorn)
    error = refused("sim")
    assert (error.code, error.exit_code) == ("E-SIM-EXTRA", 3)
    assert error.findings[0].cure == 'pip install "n6prog[sim]"'
