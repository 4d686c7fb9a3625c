"""The mutation tool: what it changes, what it leaves alone, and that its lists cannot rot unseen."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from mutation import results
from mutation.accepted import HandMade, ListError, Survivor, hand_made, survivors
from mutation.choose import Order, imported_by
from mutation.judge import Verdict
from mutation.operators import Mutant, mutants_of, mutated
from mutation.results import Results, digest
from mutation.results import test_files as files_of

SOURCE = '''\
"""A module."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    LIMIT = 1

SIZE = 4


def fits(length: int = 2) -> bool:
    """Whether 3 fits."""
    if length <= SIZE and not length & 1:
        return True
    raise ValueError(f"{length + 1}")
'''


def changes(source: str) -> set[tuple[str, str]]:
    return {(mutant.function, mutant.change) for mutant in mutants_of("m.py", source)}


def test_all_of_a_small_module() -> None:
    assert changes(SOURCE) == {
        ("", "4 -> 5"), ("", "4 -> 3"), ("", "2 -> 3"), ("", "2 -> 1"),
        ("fits", "length <= SIZE and (not length & 1) -> length <= SIZE or not length & 1"),
        ("fits", "length <= SIZE -> length < SIZE"), ("fits", "length <= SIZE -> length > SIZE"),
        ("fits", "not length & 1 -> length & 1"), ("fits", "length & 1 -> length | 1"),
        ("fits", "1 -> 2"), ("fits", "1 -> 0"), ("fits", "True -> False"),
        ("fits", "raise ValueError(f'{length + 1}') -> pass"),
    }  # fmt: skip


def test_every_mutant_is_another_program() -> None:
    original = ast.dump(ast.parse(SOURCE))
    made = {ast.dump(mutated(SOURCE, mutant)) for mutant in mutants_of("m.py", SOURCE)}
    assert original not in made
    assert len(made) == len(mutants_of("m.py", SOURCE))


def test_loops_slices_and_deletions() -> None:
    found = changes("def f(self, a):\n    while a:\n        self.x = a[1:n]\n        self.go()\n        break\n")
    assert {change for _, change in found} == {
        "a -> not a", "self.x = a[1:n] -> pass", "1:n -> :n", "1:n -> 1:", "1 -> 2", "1 -> 0", "self.go() -> pass",
        "break -> continue", "break -> pass",
    }  # fmt: skip


def test_a_name_outlives_lines_added_above_and_differs_for_equal_lines() -> None:
    before = [mutant.id for mutant in mutants_of("m.py", SOURCE)]
    after = [mutant.id for mutant in mutants_of("m.py", SOURCE.replace("SIZE = 4", "\n\nSIZE = 4"))]
    assert before == after
    twice = mutants_of("m.py", "def f(a):\n    a += 1\n    a += 1\n")
    assert len({mutant.id for mutant in twice}) == len(twice)


def test_an_old_text_must_stand_exactly_once() -> None:
    assert HandMade("n", "m.py", "SIZE = 4", "SIZE = 5").apply(SOURCE).count("SIZE = 5") == 1
    for old in ("SIZE = 7", "length"):
        with pytest.raises(ListError, match="must stand once"):
            HandMade("n", "m.py", old, "x").apply(SOURCE)


def test_a_survivor_needs_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "list.toml"
    entry = "[[survivor]]\nmodule = 'm.py'\nfunction = ''\nline = 'SIZE = 4'\nchange = '*'\nreason = '{}'\n"
    path.write_text(entry.format(""))
    with pytest.raises(ListError, match="no reason"):
        survivors(path)
    path.write_text(entry.format("because"))
    (survivor,) = survivors(path)
    assert survivor == Survivor("m.py", "", "SIZE = 4", "*", "because")
    mutant = Mutant("m.py", "", "SIZE = 4", "4 -> 5", 0, range(8, 9), 0, 0)
    assert survivor.is_(mutant)
    assert not survivor.is_(Mutant("n.py", "", "SIZE = 4", "4 -> 5", 0, range(8, 9), 0, 0))


def test_the_hand_made_mutants_are_forty_or_more_and_none_is_stale() -> None:
    root = Path(__file__).parents[2]
    entries = hand_made(root / "tools" / "hand_mutants.toml")
    assert len(entries) >= 40
    for entry in entries:
        compile(entry.apply((root / entry.module).read_text()), entry.module, "exec")


def test_one_case_of_every_test_comes_before_second_cases_and_killers_come_first() -> None:
    order = Order({"t.py::a[1]": 0.1, "t.py::a[2]": 0.1, "t.py::b": 0.3, "u.py::c": 0.2})
    tests = ["t.py::a[2]", "t.py::b", "u.py::c", "t.py::a[1]"]
    assert order.sorted(tests, "m.py", "f") == ["t.py::a[1]", "u.py::c", "t.py::b", "t.py::a[2]"]
    order.killed("u.py::c", "m.py", "f")
    assert order.sorted(tests, "m.py", "g")[0] == "u.py::c"
    assert order.best_file(tests, "m.py") == "u.py"
    for _ in range(2):
        order.killed("t.py::b", "m.py", "g")
    assert order.sorted(tests, "m.py", "g")[:2] == ["t.py::b", "u.py::c"]
    assert order.sorted(tests, "m.py", "f")[:2] == ["u.py::c", "t.py::b"]  # in its own place it is the better one
    assert order.best_file(tests, "m.py") == "t.py"


def test_a_test_file_needs_what_its_conftest_imports() -> None:
    found = imported_by("tests/sim/nor/test_parts.py")
    assert "n6prog/sim/nor/parts.py" in found
    assert "tests/conftest.py" in found
    assert "n6prog/sim/nor/wire.py" in found  # through the bench of its conftest
    assert "n6prog/sim/soc/xspi.py" not in found


# ---- results kept between runs -----------------------------------------------------------------------------------

MUTANT = Mutant("n6prog/sim/nor/wire.py", "swap_pairs", "even = len(data) & ~1", "1 -> 2", 0, range(1, 2), 0, 0)
TEST = "tests/sim/nor/test_wire.py::test_pairs_are_swapped_and_an_odd_byte_stays"


def kept(path: Path, *verdicts: Verdict) -> None:
    file = Results(path, ["tests/sim/nor"], resume=False)
    for verdict in verdicts:
        file.keep(MUTANT, verdict)
    file.close()


def known(path: Path, tests: str = "tests/sim/nor", *, resume: bool = True) -> Verdict | None:
    file = Results(path, [tests], resume=resume)
    file.close()
    return file.known(MUTANT)


def test_a_run_goes_on_where_another_stopped_when_asked_to(tmp_path: Path) -> None:
    path = tmp_path / "build" / "mutants.jsonl"
    assert known(path) is None
    kept(path, Verdict("survived"), Verdict("killed", TEST))
    assert known(path) == Verdict("killed", TEST)  # the later one
    assert known(path, resume=False) is None
    assert known(path) == Verdict("killed", TEST)  # nothing was lost by that


def test_a_line_that_was_cut_off_is_no_verdict_and_does_not_spoil_the_next(tmp_path: Path) -> None:
    path = tmp_path / "mutants.jsonl"
    kept(path, Verdict("killed", TEST))
    whole = path.read_text()
    path.write_text(whole[: len(whole) // 2])
    assert known(path) is None
    kept(path, Verdict("survived"))
    assert known(path) == Verdict("survived")


def test_a_kill_rests_on_its_test_file_and_a_survivor_on_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mutants.jsonl"
    digest_of = results._digest_of

    def edited(name: str) -> None:
        digest.cache_clear()
        monkeypatch.setattr(results, "_digest_of", lambda file: "other" if file == name else digest_of(file))

    for verdict, stale in ((Verdict("killed", TEST), False), (Verdict("survived"), True)):
        edited("")
        kept(path, verdict)
        assert known(path) == verdict
        edited("tests/sim/nor/test_frames.py")  # another test file that reaches the module
        assert known(path) == (None if stale else verdict)
        for file in ("n6prog/sim/nor/wire.py", "tests/sim/nor/test_wire.py", "n6prog/sim/nor/device.py"):
            edited(file)
            assert known(path) is None
    digest.cache_clear()


def test_the_test_files_are_those_that_pytest_would_find() -> None:
    assert files_of(["tests/tools/test_mutation.py::test_all_of_a_small_module"]) == ("tests/tools/test_mutation.py",)
    found = files_of(["tests/sim/nor"])
    assert "tests/sim/nor/test_wire.py" in found
    assert "tests/sim/nor/bench.py" not in found
