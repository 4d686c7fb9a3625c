"""pyOCD's own functional suite, written for real chips, files unmodified, on the simulated board (pyocd 6)."""

from __future__ import annotations

import hashlib
import os
import re
import struct
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from n6prog.sim import SimBoard

ROOT = Path(__file__).parents[3]
SDIST = ROOT / "build" / "judges" / "pyocd-0.46.0.tar.gz"  # `make judges` fetches it
SDIST_SHA256 = "b1403d71bfc67481bd8991f5383295521c5e6d0d2ea568e766b581553ccaa396"  # as on PyPI
BOOT_MEMORY = 0x7000_0000

pytestmark = [pytest.mark.fidelity, pytest.mark.needs("arm-none-eabi-objcopy")]


@dataclass(frozen=True)
class Expected:
    """A group passes; where it counts, how many of how many; the commands that fail, by their text."""

    passes: bool = True
    count: tuple[int, int] | None = None
    failed: tuple[str, ...] = ()


# The suite's own numbers for a board on which everything works. Three of its commands read the core's RAM after a
# `set mem-ap 0` that is written into the suite; on this chip the RAM is behind AP1.
GROUPS = {
    "Basic Test": Expected(),
    "Json Lists Test": Expected(),
    "Connect Test": Expected(count=(11, 11)),
    "Speed Test": Expected(),
    "Cortex Test": Expected(count=(16, 16)),
    "Concurrency Test": Expected(count=(8, 8)),
    "Flash Test": Expected(count=(16, 16)),
    "Flash Loader Test": Expected(count=(7, 7)),
    "Debug Context Test": Expected(count=(12, 12)),
    "Commands Test": Expected(
        passes=False,
        count=(96, 99),
        failed=("rw 0x34000000 ; rw 0x34000004", "rb 0x34000000;rb 0x34000001", "rb 0x34000000; rb 0x34000001"),
    ),
    "Commander Test": Expected(count=(4, 4)),
    "Probeserver Test": Expected(),
    "User Script Test": Expected(count=(3, 3)),
}


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The suite as published, unpacked."""
    if not SDIST.exists():
        pytest.skip(f"pyOCD's source package is not at {SDIST.relative_to(ROOT)}: `make judges` fetches it")
    assert hashlib.sha256(SDIST.read_bytes()).hexdigest() == SDIST_SHA256
    folder = tmp_path_factory.mktemp("pyocd")
    with tarfile.open(SDIST) as archive:
        parts = ("pyocd-0.46.0/test/", "pyocd-0.46.0/src/gdb_test_program/")
        wanted = [
            entry for entry in archive.getmembers() if entry.name.startswith(parts) and "/unit/" not in entry.name
        ]
        archive.extractall(folder, wanted, filter="data")
    return folder / "pyocd-0.46.0" / "test"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What the suite's processes need: the way to the plug-in, and a board with a program in its boot memory."""
    binary = tmp_path / "idle.bin"
    # initial SP in FLEXRAM, reset handler behind sixteen vectors: `b .`
    vectors = [0x3406_4000, BOOT_MEMORY + 0x41] + [BOOT_MEMORY + 0x43] * 14
    program = struct.pack("<16I", *vectors) + bytes.fromhex("fee7fee7") + bytes(range(256)) * 64
    binary.write_bytes(program)
    state = tmp_path / "board"
    with SimBoard(state=state) as board:
        board.nor.content[: len(program)] = program
    plugin = tmp_path / "plugin"
    info = plugin / "n6_suite_probe-0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: n6-suite-probe\nVersion: 0\n")
    (info / "entry_points.txt").write_text("[pyocd.probe]\nsuite = n6_suite_probe:SuitePlugin\n")
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(plugin), str(Path(__file__).parent / "plugin"), str(ROOT))),
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
        "N6_SUITE_BOARD": f"sim:nucleo-n657x0-q,state={state}",
        "N6_SUITE_BINARY": str(binary),
        "TOX_ENV_NAME": tmp_path.name,  # the suite puts it into the names of its result files
    }


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_of_pyocds_suite_gives_its_known_result(group: str, suite: Path, environment: dict[str, str]) -> None:
    command = [sys.executable, "automated_test.py", "-q", "-i", group]
    ran = subprocess.run(command, cwd=suite, env=environment, capture_output=True, text=True, timeout=300, check=False)
    results = suite / "output" / f"test_results_{environment['TOX_ENV_NAME']}.xml"
    assert results.exists(), ran.stdout + ran.stderr
    (case,) = ElementTree.parse(results).getroot().iter("testcase")
    output = case.findtext("system-out") or ""
    expected = GROUPS[group]
    failed = tuple(re.findall(r"^TEST: ([^\n]*)\n(?:(?!TEST: |TEST PASSED).*\n)*?TEST FAILED", output, re.MULTILINE))
    counts = re.findall(r"^Pass count (\d+) of (\d+) tests", output, re.MULTILINE)
    count = (int(counts[-1][0]), int(counts[-1][1])) if counts else None
    assert (case.get("status") == "passed", count, failed) == (
        expected.passes, expected.count, expected.failed,
    ), f"{ran.stdout}\n{output[-6000:]}\n{ran.stderr[-3000:]}"  # fmt: skip
