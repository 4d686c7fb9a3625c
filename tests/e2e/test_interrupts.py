"""A flash asked to end in the middle: exit 130, an `end`, no block left half done, and the next run finishes."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.cli import NOR_BASE, Bench

pytestmark = pytest.mark.e2e
AT, BLOCK, BLOCKS = 0x71000000, 0x10000, 8


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_end_it_finishes_the_block_in_work(tmp_path: Path, number: signal.Signals) -> None:
    rng = random.Random(number)
    old, new = rng.randbytes(BLOCKS * BLOCK), rng.randbytes(BLOCKS * BLOCK)
    file = tmp_path / "new.bin"
    file.write_bytes(new)
    bench = Bench(tmp_path / "board")
    bench.fill(AT, old)
    command = [sys.executable, "-m", "n6prog", "flash", f"{file}@{AT:#x}", "--json", "--probe", bench.probe]
    last: dict[str, dict[str, object]] = {}
    asked = False
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            last = json.loads(line)
            if last["data"].get("phase") == "write" and last["data"]["done"] and not asked:
                process.send_signal(number)
                asked = True
    assert process.returncode == 130
    end = last["data"]
    assert (last["type"], end["ok"], end["code"]) == ("end", False, "E-INTERRUPTED")
    doubt = end["doubt"]
    assert isinstance(doubt, dict)
    assert doubt["start"] in range(AT + BLOCK, AT + BLOCKS * BLOCK, BLOCK)

    content = bench.nor()[AT - NOR_BASE :][: BLOCKS * BLOCK]
    states = [
        {new[at : at + BLOCK]: "new", old[at : at + BLOCK]: "old"}.get(bytes(content[at : at + BLOCK]), "torn")
        for at in range(0, len(new), BLOCK)
    ]
    assert "torn" not in states
    done = states.index("old")
    assert states == ["new"] * done + ["old"] * (BLOCKS - done)
    assert done * BLOCK >= int(str(doubt["start"])) - AT  # what lies before the doubt is right

    again = bench.run("flash", f"{file}@{AT:#x}", "--json")
    assert again.code == 0
    sent = again.end["bytes"]
    assert isinstance(sent, dict)
    assert sent["sent"] == (BLOCKS - done) * BLOCK  # and is not written again
    assert bench.nor()[AT - NOR_BASE :][: BLOCKS * BLOCK] == new
