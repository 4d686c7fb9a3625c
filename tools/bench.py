"""`make bench`: the figures that the project promises, measured; nothing here is a test.

Wall times are of this machine; virtual seconds are those of the simulated board and the same on every machine.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
REAL_ELF = ROOT.parent / "shared" / "data" / "xip_Appli.elf"
DEMO_ELF = ROOT / "tests" / "data" / "demo_app" / "demo_app.elf"
BOARD = "nucleo-n657x0-q"


def n6prog(*args: str | Path) -> str:
    """One run of the command line; its standard output."""
    command = [str(Path(sys.executable).with_name("n6prog")), *map(str, args)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def best_of(count: int, work: Callable[[], object]) -> float:
    """The shortest of `count` wall times, in seconds."""
    times = []
    for _ in range(count):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def peak_mb(*args: str | Path) -> float:
    """Peak resident memory of one run of the command line, in MB (measured in a process of its own)."""
    script = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, capture_output=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    command = [sys.executable, "-c", script, str(Path(sys.executable).with_name("n6prog")), *map(str, args)]
    unit = 1 if sys.platform == "darwin" else 1024
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout) * unit / 1e6


def row(what: str, measured: str, promise: str) -> None:
    """One line of the table."""
    print(f"  {what:<58} {measured:>22}   {promise}")


def main() -> None:
    """Measure and print."""
    from n6prog.sim.clock import TimeModel

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"n6prog on {os.cpu_count()} cores, Python {sys.version.split()[0]}; wall: best of 5 (flash: of 1)")
        row("n6prog --help", f"{best_of(5, lambda: n6prog('--help')):.3f} s", "promised under 0.2 s")
        elf = REAL_ELF if REAL_ELF.exists() else DEMO_ELF
        wall = best_of(5, lambda: n6prog("check", elf, "--board", BOARD))
        row(
            f"n6prog check {elf.name} ({elf.stat().st_size / 1e6:.1f} MB)",
            f"{wall:.3f} s",
            "promised under 0.5 s (2.7 MB ELF)",
        )

        big = folder / "big.bin"
        big.write_bytes(bytes(64 << 20))
        row(
            "n6prog check of a 64 MiB raw image, peak memory",
            f"{peak_mb('check', f'{big}@0x70000000', '--header', 'none', '--board', BOARD):.0f} MB",
            "promised under 250 MB",
        )

        weights = folder / "weights.bin"
        weights.write_bytes(random.Random(1).randbytes(4 << 20))
        start = time.perf_counter()
        out = n6prog(
            "flash", f"{weights}@0x71000000", "--probe", f"sim:{BOARD},state={folder / 'board'}", "-f", "8M", "--json"
        )
        wall = time.perf_counter() - start
        end = json.loads(out.splitlines()[-1])["data"]
        row("n6prog flash of 4 MiB on the simulated board, wall time", f"{wall:.2f} s", "promised under 10 s")
        row("  the same, virtual time (blank flash, 8 MHz, simulated)", f"{end['virtual_seconds']:.3f} s", "")
    print("\nConstants of the virtual time (assumptions until a real probe is timed):")
    print(TimeModel().describe())


if __name__ == "__main__":
    main()
