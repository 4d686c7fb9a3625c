"""The fault matrix: which cases it makes, what it sees in the flash, and that nothing bad passes its judgement."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("unicorn")

from faultmatrix.cases import KINDS, NOT_OF_THE_MATRIX, SIGNALS, Measured, make_case, make_strike
from faultmatrix.judge import Facts, Run, Violation, judge
from faultmatrix.known import Known, ListError, is_new, known, stale
from faultmatrix.report import page
from faultmatrix.scene import BLOCK, CONTENTS, NOR_SIZE, SECTOR, WINDOW, Damage, Scene, make_scene
from faultmatrix.workers import Done, as_json, from_json

from n6prog.sim.fault_terms import TERMS, parse_faults

ROOT = Path(__file__).parents[2]
MEASURED = Measured(tuple(range(0, 60_000, 100)), 1_500_000_000_000, 600)


def end(code: int, name: str | None = None, sent: int = 0) -> dict[str, object]:
    findings = [] if code == 0 else [{"text": "it went wrong", "cure": "Run again."}]
    data = {"ok": code == 0, "exit_code": code, "code": name, "bytes": {"sent": sent}, "findings": findings}
    return {"type": "end", "data": data}


def error(text: str) -> dict[str, object]:
    return {"type": "error", "data": {"text": text, "evidence": {}}}


GOOD = Run(0, (end(0),))
REFUSED = Run(5, (error("the connection was lost"), end(5, "E-LINK-LOST")))
NOTHING = Damage()
PLACE = WINDOW + SECTOR  # 0x71001000
FINE = Facts(REFUSED, NOTHING, GOOD, NOTHING)


def rules(facts: Facts) -> set[str]:
    return {violation.rule for violation in judge(facts).violations}


def test_every_fault_of_the_simulator_strikes_on_both_links() -> None:
    assert set(TERMS) == set(KINDS) - {*SIGNALS} | NOT_OF_THE_MATRIX
    cases = [make_case(1, number) for number in range(2 * len(KINDS))]
    assert {(case.kind, case.link) for case in cases} == {(k, link) for k in KINDS for link in ("stlink", "cmsis-dap")}


def test_strikes_are_terms_that_the_simulator_takes_and_the_same_each_time() -> None:
    scene = make_scene(1, 0, "dirty")
    for number in range(10 * len(KINDS)):
        case = make_case(7, number)
        strike = make_strike(case, scene, MEASURED)
        assert strike == make_strike(make_case(7, number), scene, MEASURED)
        if strike.fault:
            (fault,) = parse_faults(strike.fault)
            assert fault.name == case.kind
        elif strike.after is not None:
            assert 0 <= strike.after < MEASURED.picoseconds
        else:
            assert 1 <= strike.command <= len(MEASURED.commands) + 1


def test_seeds_differ() -> None:
    scene = make_scene(1, 0, "dirty")
    strikes = [[str(make_strike(make_case(seed, n), scene, MEASURED)) for n in range(52)] for seed in (1, 2)]
    assert strikes[0] != strikes[1]


@pytest.mark.parametrize("content", CONTENTS)
def test_a_scene_has_bytes_nobody_asked_for_in_its_blocks(content: str) -> None:
    scene = make_scene(3, 1, content)
    assert 140 << 10 < sum(len(data) for _, data in scene.pieces) < 240 << 10
    first = scene.pieces[0][0]
    assert first % SECTOR
    assert first % BLOCK
    changed = [offset for offset, block in scene.wanted.items() if scene.before[offset] != block]
    assert changed
    assert all(WINDOW <= offset < WINDOW + 5 * BLOCK for offset in changed)
    assert WINDOW ^ 1 << 25 in scene.before  # where a write would go whose highest address bit is lost


def small(tmp_path: Path) -> tuple[Scene, Path]:
    """Two bytes to be written in a sector with others."""
    scene = Scene("dirty", ((PLACE + 2, b"\x12\x34"),), {WINDOW: bytes(BLOCK)})
    nor = tmp_path / "nor.bin"
    scene.prepare(nor)
    return scene, nor


def poke(nor: Path, offset: int, data: bytes) -> None:
    with nor.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def test_the_comparison_sees_every_byte(tmp_path: Path) -> None:
    scene, nor = small(tmp_path)
    assert nor.stat().st_size == NOR_SIZE
    assert scene.sectors == [PLACE]
    assert scene.damage(nor) == Damage((PLACE,), ())
    poke(nor, PLACE + 2, b"\x12\x34")
    assert scene.damage(nor) == NOTHING
    poke(nor, PLACE + 1, b"\x01")
    assert scene.damage(nor) == Damage((), (PLACE,))
    poke(nor, PLACE + 3, b"\x35")
    poke(nor, NOR_SIZE - 1, b"\0")
    assert scene.damage(nor) == Damage((PLACE,), (PLACE, NOR_SIZE - SECTOR))


def test_an_honest_refusal_and_a_good_second_run_violate_nothing() -> None:
    assert judge(FINE).violations == ()
    assert judge(replace(FINE, first=GOOD)).outcome == "verified"
    assert judge(FINE).outcome == "refused"
    assert judge(replace(FINE, first=Run(None))).outcome == "killed"


@pytest.mark.parametrize("damage", [Damage((PLACE,), ()), Damage((), (PLACE,))])
def test_success_with_wrong_bytes_is_a_silent_corruption(damage: Damage) -> None:
    assert "corruption" in rules(Facts(GOOD, damage, GOOD, NOTHING))


def test_a_second_run_that_says_verified_over_wrong_bytes_is_a_silent_corruption() -> None:
    assert rules(replace(FINE, then=Damage((PLACE,), ()))) == {"corruption"}


def test_a_second_run_must_end_well() -> None:
    assert rules(replace(FINE, second=REFUSED)) == {"second"}


def test_a_second_run_sends_only_what_was_wrong() -> None:
    sent = Run(0, (end(0, sent=SECTOR),))
    assert rules(replace(FINE, second=sent, after=Damage((PLACE,), ()))) == set()
    assert rules(replace(FINE, second=sent)) == {"work"}


def test_bytes_not_asked_for_may_go_only_with_the_power_or_a_broken_nor_and_only_told() -> None:
    told = Run(5, (error("power went while 0x71001000 was erased: bytes not asked for there may be lost"), end(5)))
    lost = replace(FINE, then=Damage((), (PLACE,)), edges=frozenset({PLACE}))
    assert rules(lost) == {"loss"}
    assert rules(replace(lost, first=told)) == {"loss"}
    for why in (replace(lost, powerless=True), replace(lost, broken=True)):
        assert rules(why) == {"untold"}
        assert rules(replace(why, first=told)) == set()
        assert rules(replace(why, first=told, edges=frozenset())) == {"loss"}  # a whole sector that need not have gone
    cut = replace(lost, powerless=True, first=told, edges=frozenset(), cut=(WINDOW, BLOCK))
    assert rules(cut) == set()
    assert rules(replace(cut, cut=(WINDOW + BLOCK, BLOCK))) == {"loss"}


def test_the_place_in_the_message_must_be_the_block_that_lost() -> None:
    elsewhere = Run(5, (error("0x71010000: bytes not asked for may be lost"), end(5)))
    lost = replace(FINE, first=elsewhere, then=Damage((), (PLACE,)), edges=frozenset({PLACE}), powerless=True)
    assert rules(lost) == {"untold"}


def test_what_an_application_was_erasing_is_not_counted() -> None:
    gone = Damage((), (PLACE,))
    assert rules(Facts(GOOD, gone, GOOD, gone, spoiled=(WINDOW,))) == set()


@pytest.mark.parametrize(
    "run",
    [
        Run(5, ()),
        Run(5, (end(6, "E-WEL"),)),
        Run(5, ({"type": "end", "data": {**end(5)["data"], "ok": True}},)),  # type: ignore[dict-item]
        Run(1, (end(1, "E-INTERNAL"),)),
        Run(6, ({"type": "end", "data": {**end(6)["data"], "findings": []}},)),  # type: ignore[dict-item]
        Run(5, (end(5),), "Traceback (most recent call last):"),
    ],
)
def test_a_run_that_does_not_end_properly_is_improper(run: Run) -> None:
    assert rules(replace(FINE, first=run)) == {"improper"}


def test_a_corruption_cannot_be_listed_as_known(tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    for entry in (
        "kind = 'flip'\nrule = 'corruption'\nreason = 'so it is'",
        "kind = 'flip'\nrule = 'loss'\nreason = ''",
        "kind = 'flipp'\nrule = 'loss'\nreason = 'so it is'",
    ):
        path.write_text(f"[[known]]\n{entry}\n")
        with pytest.raises(ListError):
            known(path)
    known(ROOT / "tools" / "endurance_known.toml")


def test_results_survive_their_file_and_the_page_counts_them() -> None:
    violation = Violation("loss", "lost: 0x71001000")
    verdicts = (judge(FINE), replace(judge(FINE), violations=(violation,)), judge(replace(FINE, first=GOOD)))
    done = [Done(make_case(1, 24), "after 5 us", verdict, 1.5, 2.5, ("it went wrong",)) for verdict in verdicts]
    assert [from_json(as_json(item)) for item in done] == done
    text = page(done, [Known("sigkill", "loss", "so it is")], 1, "0.0", "make endurance")
    assert "3 runs, 0 silent corruptions, 1 of them violate" in text
    assert "| sigkill | 3 | 1 | 0 | 2 | 0 | E-LINK-LOST 2 |  |  | 1 |" in text
    assert "sigkill, loss: 1 runs. For one, `python tools/endurance.py --seed 1 --case 24`: lost: 0x71001000." in text
    assert is_new(done[1], ())
    assert not is_new(done[1], [Known("sigkill", "loss", "so it is")])
    assert stale(done, [Known("sigkill", "untold", "so it is")]) == [Known("sigkill", "untold", "so it is")]


@pytest.mark.e2e
def test_a_few_cases_from_end_to_end() -> None:
    words = ["--seed", "5", "--runs", "52", "--kind", "left-8d", "--kind", "sigkill", "--workers", "1"]
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "endurance.py", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 runs, 0 silent corruptions," in done.stdout


@pytest.mark.e2e
def test_one_case_can_be_done_again_with_another_fault() -> None:
    command = [sys.executable, ROOT / "tools" / "endurance.py", "--seed", "5", "--case", "0", "--fault", "mute"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "strike    mute" in done.stdout
    assert "refused E-FLASH-ID" in done.stdout
