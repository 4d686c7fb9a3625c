"""The fuzzer notices what it is for, and makes the same inputs again."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import fuzz
import pytest
from fuzzing import mutate
from fuzzing.targets import TARGETS, Target

NAMES = ("elf", "ihex", "srec", "raw", "stm2", "file", "collection", "board", "part", "project", "words")


@pytest.fixture(autouse=True)
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(fuzz, "OUT", tmp_path / "out")
    return tmp_path / "out"


def target(run: object, allowed: tuple[type[Exception], ...] = ()) -> Target:
    return Target("mine", lambda _, rng: rng.randbytes(8), lambda: [b"x"], run, allowed)  # type: ignore[arg-type]


def test_every_reader_has_a_target_whose_seeds_are_sound(tmp_path: Path) -> None:
    assert tuple(item.name for item in TARGETS) == NAMES
    for item in TARGETS:
        taken = 0
        for seed in item.seeds():
            try:
                taken += item.run(seed, tmp_path)
            except item.allowed:
                continue
        assert taken, f"no seed of {item.name} is taken"


@pytest.mark.parametrize("item", TARGETS, ids=NAMES)
def test_a_sample_of_every_target_passes(item: Target, tmp_path: Path) -> None:
    tally = fuzz.run_inputs(item, "tests", range(150), tmp_path)
    assert tally.failures == []
    assert tally.inputs == 150


def test_the_same_number_gives_the_same_input() -> None:
    for item in TARGETS:
        seeds = item.seeds()
        assert fuzz.made(item, seeds, "1", 5) == fuzz.made(item, seeds, "1", 5)
        assert [fuzz.made(item, seeds, "1", n) for n in range(9)] != [fuzz.made(item, seeds, "2", n) for n in range(9)]


def test_an_exception_is_a_failure_and_its_input_is_kept(tmp_path: Path, out: Path) -> None:
    def run(data: bytes, _: Path) -> bool:
        if data[0] < 32:
            raise IndexError("bug")
        if data[0] < 64:
            raise KeyError("told")
        return True

    tally = fuzz.run_inputs(target(run, (KeyError,)), "1", range(200), tmp_path)
    assert 0 < len(tally.failures) < 60
    number, what = tally.failures[0]
    assert what.startswith("IndexError: bug")
    assert (out / f"mine-{number}.bin").read_bytes() == fuzz.made(target(run), [b"x"], "1", number)
    assert "IndexError" in (out / f"mine-{number}.txt").read_text()


def waiting() -> None:
    time.sleep(30)


def working() -> None:
    while True:
        pass


@pytest.mark.parametrize(("limit", "body"), [("WAITING", waiting), ("SECONDS", working)])
def test_an_input_that_takes_too_long_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, body: Callable[[], None]
) -> None:
    monkeypatch.setattr(fuzz, limit, 0.05)

    def run(_: bytes, __: Path) -> bool:
        try:
            body()
        except Exception:  # noqa: BLE001 - code under test that swallows everything must not swallow the limit
            return True
        return True

    tally = fuzz.run_inputs(target(run), "1", range(1), tmp_path)
    assert [what.split(":")[0] for _, what in tally.failures] == ["Hang"]


def test_records_are_repaired_in_half_of_the_inputs() -> None:
    line = b":10000000000102030405060708090A0B0C0D0E0F78\n"
    made = [mutate.records([line * 4], Random(number)) for number in range(200)]
    sound = 0
    for data in made:
        for row in data.split(b"\n"):
            if row[:1] == b":" and len(row) > 11 and len(row) % 2 and row != line.strip():
                try:
                    sound += not sum(bytes.fromhex(row[1:].decode())) & 0xFF
                except ValueError:
                    continue
    assert sound > 20
