"""`make bench`: the figures that the project promises, measured; nothing here is a test.

Wall times are of this machine; virtual seconds are those of the simulated board and the same on every machine.
"""

from __future__ import annotations

import json
import os
import random
import resource
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
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


def big_elf(size: int) -> bytes:
    """An executable with one section of `size` bytes at the start of the application's slot."""
    head = b"\x7fELF\x01\x01\x01".ljust(16, b"\0")
    names = b"\0.big\0.shstrtab\0"
    at = 52 + 32
    sections = bytes(40)
    sections += struct.pack("<10I", 1, 1, 2, 0x7010_0400, at, size, 0, 0, 4, 0)
    sections += struct.pack("<10I", 6, 3, 0, 0, at + size, len(names), 0, 0, 1, 0)
    table = at + size + len(names)
    head += struct.pack("<HHIIIIIHHHHHH", 2, 40, 1, 0x7010_0401, 52, table, 0, 52, 32, 1, 40, 3, 2)
    segment = struct.pack("<8I", 1, at, 0x7010_0400, 0x7010_0400, size, size, 5, 4)
    return head + segment + bytes(size) + names + sections


def measure_check(folder: Path) -> None:
    """Start-up, and what `check` costs."""
    row("n6prog --help", f"{best_of(5, lambda: n6prog('--help')):.3f} s", "promised under 0.2 s")
    elf = REAL_ELF if REAL_ELF.exists() else DEMO_ELF
    wall = best_of(5, lambda: n6prog("check", elf, "--board", BOARD))
    what = f"n6prog check {elf.name} ({elf.stat().st_size / 1e6:.1f} MB)"
    row(what, f"{wall:.3f} s", "promised under 0.5 s (2.7 MB ELF)")
    raw = folder / "big.bin"
    raw.write_bytes(bytes(64 << 20))
    peak = peak_mb("check", f"{raw}@0x70000000", "--header", "none", "--board", BOARD)
    row("n6prog check of a 64 MiB raw image, peak memory", f"{peak:.0f} MB", "promised under 250 MB")
    large = folder / "big.elf"
    large.write_bytes(big_elf((64 << 20) - 0x10_0400))
    peak = peak_mb("check", large, "--board", BOARD)
    row("n6prog check of an ELF of 63 MiB, peak memory", f"{peak:.0f} MB", "promised under 250 MB")


def measure_flash(folder: Path) -> None:
    """4 MiB of noise onto a blank NOR."""
    weights = folder / "weights.bin"
    weights.write_bytes(random.Random(1).randbytes(4 << 20))
    probe = f"sim:{BOARD},state={folder / 'board'}"
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    start = time.perf_counter()
    out = n6prog("flash", f"{weights}@0x71000000", "--probe", probe, "-f", "8M", "--json")
    wall = time.perf_counter() - start
    user = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    end = json.loads(out.splitlines()[-1])["data"]
    row("n6prog flash of 4 MiB on the simulated board, wall time", f"{wall:.2f} s", "promised at most 3 s")
    row("  the same, processor time", f"{user:.2f} s", "")
    row("  the same, virtual time (blank flash, 8 MHz, simulated)", f"{end['virtual_seconds']:.6f} s", "")
    counts = count_callbacks(weights)
    for what, count in counts.items():
        row(f"  the same, {what}", f"{count:,}", "")


def count_callbacks(weights: Path) -> Counter[str]:
    """How often the emulator calls back while the same file is flashed: a run of its own, counting slows it."""
    import n6prog as package
    from n6prog.sim.core import engine, memory_map

    counts: Counter[str] = Counter()

    def counting(what: str, prototype: Callable[..., object]) -> Callable[[Callable[..., object]], object]:
        def make(function: Callable[..., object]) -> object:
            def call(*args: object) -> object:
                counts[what] += 1
                return function(*args)

            return prototype(call)

        return make

    places = (
        (engine, "_BLOCK", "blocks of instructions"),
        (memory_map, "_READ", "register reads"),
        (memory_map, "_WRITE", "register writes"),
        (memory_map, "_FILL", "page translations"),
    )
    kept = [getattr(module, name) for module, name, _ in places]
    for module, name, what in places:
        setattr(module, name, counting(what, getattr(module, name)))
    try:
        with package.connect(f"sim:{BOARD},state=none", swd_clock="8M") as board:
            board.flash(f"{weights}@0x71000000")
    finally:
        for (module, name, _), prototype in zip(places, kept, strict=True):
            setattr(module, name, prototype)
    return counts


def measure_boards(folder: Path) -> None:
    """What a simulated board with the 64 MiB part costs to make."""
    from n6prog.sim import SimBoard

    def kept() -> None:
        with SimBoard(BOARD, state=Path(tempfile.mkdtemp(dir=folder))):
            pass

    def forgotten() -> None:
        with SimBoard(BOARD):
            pass

    for what, make in (("that keeps nothing", forgotten), ("with a new state folder", kept)):
        row(f"a board {what}, made and closed", f"{best_of(5, make) * 1000:.0f} ms", "promised under 100 ms")


def main() -> None:
    """Measure and print."""
    from n6prog.sim.clock import TimeModel

    print(f"n6prog on {os.cpu_count()} cores, Python {sys.version.split()[0]}; wall: best of 5 (flash: of 1)")
    with tempfile.TemporaryDirectory() as name:
        measure_check(Path(name))
        measure_boards(Path(name))
        measure_flash(Path(name))
    print("\nConstants of the virtual time (assumptions until a real probe is timed):")
    print(TimeModel().describe())


if __name__ == "__main__":
    main()
