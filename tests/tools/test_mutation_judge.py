"""The judge of mutants on a module and tests of a few lines: what is killed, what lives, what takes too long."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="fork and CPU time limits of Linux")

ROOT = Path(__file__).parents[2]
MODULE = "n6prog/sim/nor/ecc.py"
TESTS = "tests/sim/nor/test_banks_ecc.py"


def mutate(results: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "tools/mutate.py", MODULE, "--tests", TESTS, "--function", "clear", "--jobs", "1"]
    return subprocess.run(
        [*command, "--results", str(results), *arguments], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def test_a_run_tells_each_module_keeps_its_verdicts_and_goes_on_from_them(tmp_path: Path) -> None:
    results = tmp_path / "mutants.jsonl"
    first = mutate(results)
    # EccStatus.clear has two assignments of [0] * n: each can be left out, hold [1], or add instead of multiply
    assert first.returncode == 0, first.stdout + first.stderr
    assert f"{MODULE}  " in first.stderr
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    outcomes = {entry["outcome"] for entry in lines}
    assert len(lines) == 6
    assert outcomes == {"killed", "survived"}
    assert all(entry["killer"].startswith(TESTS) for entry in lines if entry["outcome"] == "killed")
    again = mutate(results, "--resume")
    assert again.stdout == first.stdout
    assert "6 judged before" in again.stderr
    assert " tests" not in again.stderr  # none was run


def test_a_run_that_is_ended_leaves_no_process_and_no_scratch(tmp_path: Path) -> None:
    command = [sys.executable, "tools/mutate.py", MODULE, "--tests", TESTS, "--results", str(tmp_path / "m.jsonl")]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE
    ) as run:
        assert run.stderr is not None
        while b" tests" not in run.stderr.readline():
            pass
        scratch = list(Path("/dev/shm").glob(f"mutants-{run.pid}-*"))
        assert len(scratch) == 1
        run.send_signal(signal.SIGTERM)
        assert run.wait(60) == 143
    assert not scratch[0].exists()
