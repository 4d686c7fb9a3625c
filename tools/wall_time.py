"""How long a flash on the simulated board takes by the wall clock, and what of that no code of ours can save.

    python tools/wall_time.py [--runs 5]

Flashes 4 MiB that do not compress onto blank flash (ST-Link, 8 MHz) in a process of its own, byte code warm; then
counts how often the emulator calls Python in such a flash, and times callbacks that do nothing. Boards of 64 MiB lie in
TMPDIR, which is better in memory.
"""

# ruff: noqa: SLF001  (it measures what others are not to touch)

from __future__ import annotations

import argparse
import contextlib
import ctypes
import io
import os
import platform
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

SIZE = 4 << 20
AT = 0x7010_0000
CODE, REGISTERS = 0x1_0000, 0x4000_0000
ROUNDS = 200_000


def command(folder: Path) -> list[str]:
    """Arguments of n6prog: a new board each time."""
    board = tempfile.mkdtemp(dir=folder)
    options = ["--header", "none", "-f", "8M", "--json", "-q", "--probe", f"sim:nucleo-n657x0-q,state={board}/b"]
    return ["flash", f"{folder / 'image.bin'}@{AT:#x}", *options]


def run(folder: Path) -> tuple[float, float]:
    """User CPU and wall time of one flash, in seconds."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    program = [sys.executable, "-c", "import sys; from n6prog.cli import main; sys.exit(main())", *command(folder)]
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime, time.perf_counter()
    subprocess.run(program, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall = time.perf_counter() - begun
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before, wall


def calls(folder: Path) -> Counter[str]:
    """How often the emulator calls into Python in one flash, by kind."""
    from n6prog.cli import main
    from n6prog.sim.core import engine, inspector, memory_map

    count: Counter[str] = Counter()

    def counting(kind: str, prototype: Callable[..., Any]) -> Callable[..., Any]:
        def made(callback: Callable[..., Any]) -> Any:
            def counted(*arguments: Any) -> Any:
                count[kind] += 1
                return callback(*arguments)

            return prototype(counted)

        return made

    places = {
        "block": (engine, "_BLOCK"),
        "read": (memory_map, "_READ"),
        "write": (memory_map, "_WRITE"),
        "page": (memory_map, "_FILL"),
        "run of stores": (inspector, "_HOOK"),
    }
    for kind, (module, name) in places.items():
        setattr(module, name, counting(kind, getattr(module, name)))
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        main(command(folder))
    return count


def emulate(code: bytes, prepare: Callable[[Any], Any]) -> float:
    """Seconds of CPU that `ROUNDS` rounds of a loop take; r0 is where registers are."""
    import unicorn
    from unicorn import arm_const as arm

    from n6prog.sim.core import engine

    uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
    uc.mem_map(CODE, 0x1000)
    uc.mem_write(CODE, code)
    kept = prepare(uc)
    uc.reg_write(arm.UC_ARM_REG_R0, REGISTERS)
    uc.reg_write(arm.UC_ARM_REG_R7, ROUNDS)
    begun = time.process_time()
    engine._LOCKED.uc_emu_start(uc._uch, CODE | 1, CODE + len(code), 0, 0)  # as Engine does it
    taken = time.process_time() - begun
    del kept
    return taken


def floors() -> dict[str, float]:
    """Seconds of one call of a Python callback that does nothing, as the simulator has them made."""
    from unicorn import unicorn_const as uc_const
    from unicorn.unicorn_py3.unicorn import uclib

    from n6prog.sim.core import engine, memory_map

    loop = b"\x01\x3f\xfd\xd1"  # subs r7, #1; bne to it

    def blocks(uc: Any) -> Any:
        callback = engine._BLOCK(lambda _handle, _address, _size: None)
        memory_map.add_hook(uc._uch, uc_const.UC_HOOK_BLOCK, callback)
        return callback

    def registers(uc: Any) -> Any:
        reader = memory_map._READ(lambda _handle, _offset, _width: 0)
        writer = memory_map._WRITE(lambda _handle, _offset, _width, _value: None)
        uclib.uc_mmio_map(uc._uch, ctypes.c_uint64(REGISTERS), ctypes.c_size_t(0x1000), reader, 0, writer, 0)
        return reader, writer

    bare = emulate(loop, lambda _uc: None)
    eight = {"read": b"\x01\x68" * 8, "write": b"\x01\x60" * 8}  # ldr r1, [r0]; str r1, [r0]
    result = {"block": (emulate(loop, blocks) - bare) / ROUNDS}
    for kind, code in eight.items():
        again = b"\x01\x3f" + (0xD100 | (-(len(code) + 6) // 2 & 0xFF)).to_bytes(2, "little")
        result[kind] = (emulate(code + again, registers) - bare) / ROUNDS / 8
    return result


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="wall time of a flash on the simulated board")
    parser.add_argument("--runs", type=int, default=5, help="how many flashes")
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, {platform.python_compiler()}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "image.bin").write_bytes(random.Random("wall").randbytes(SIZE))
        run(folder)  # makes the byte code
        taken = [run(folder) for _ in range(options.runs)]
        for kind, times in zip(("user CPU", "wall"), zip(*taken, strict=True), strict=True):
            print(f"{kind:<8} best {min(times):.2f} s, median {statistics.median(times):.2f} s")
        empty = floors()
        count = calls(folder)
    for kind, number in count.most_common():
        each = f", {empty[kind] * 1e6:.2f} us each when it does nothing" if kind in empty else ""
        print(f"{kind:<14} {number:>9,}{each}")
    print(f"together {sum(count[kind] * each for kind, each in empty.items()):.2f} s for callbacks that do nothing")
    return 0


if __name__ == "__main__":
    sys.exit(main())
