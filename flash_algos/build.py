"""Build the loader: mailbox.toml -> src/mailbox.h and mailbox.py; src/ -> images/n6loader.bin and images/build.json.

    python flash_algos/build.py                       regenerate and build
    python flash_algos/build.py --check [--output D]  build elsewhere and compare with what is committed;
                                                      folder D keeps the rebuilt image and its build.json

Exit code 1: the committed files are not what the sources give. With another compiler than the recorded one the bytes
cannot be compared: --check then says so and exits 0, and tests can be run on the image in D.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
if not __package__:
    # Run as a script: look for modules in the clone's root, not here, where mailbox.py hides the standard library's.
    sys.path[0] = str(HERE.parent)

from n6prog.flash_algos import generate  # noqa: E402

GCC, OBJCOPY, NM = "arm-none-eabi-gcc", "arm-none-eabi-objcopy", "arm-none-eabi-nm"
IMAGE = HERE / "images" / "n6loader.bin"
RECORD = "build.json"
# No v8.1-M, DSP or FPU instructions: the simulator's core knows none, and the loader is bound by I/O (research: sim 6).
FLAGS = (
    "-mcpu=cortex-m33+nodsp",
    "-mthumb",
    "-mfloat-abi=soft",
    "-std=c11",
    "-Os",
    "-ffreestanding",
    "-fno-tree-loop-distribute-patterns",  # or memset becomes a call of memset
    "-fno-jump-tables",  # a test follows the branches of the image
    "-ffunction-sections",
    "-fdata-sections",
    "-nostdlib",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wl,--gc-sections,--build-id=none",
)


def sources() -> list[str]:
    """The C and assembler files, in an order that does not depend on the file system."""
    return sorted(path.name for path in (HERE / "src").iterdir() if path.suffix in {".c", ".S"})


def compiler() -> dict[str, str]:
    """Who compiles: first line of --version, and -dumpversion."""
    name, number = (_run(GCC, option).splitlines()[0] for option in ("--version", "-dumpversion"))
    return {"name": name, "version": number}


def build(folder: Path, image: Path) -> dict[str, object]:
    """Compile and link into `folder`, write `image` and its record; returns the record."""
    table = generate.definition()
    base = table["workspace"]["LOADER_BASE"]["value"]
    elf = folder / "n6loader.elf"
    prefix = f"-ffile-prefix-map={HERE / 'src'}=."
    script = ("-Wl,-T,loader.ld", f"-Wl,--defsym=LOADER_BASE={base:#x}")
    _run(GCC, *FLAGS, prefix, *script, "-o", str(elf), *sources(), cwd=HERE / "src")
    _run(OBJCOPY, "-O", "binary", "--gap-fill", "0", str(elf), str(image))
    code = image.read_bytes()
    symbols = {name: int(address, 16) for address, _, name in map(str.split, _run(NM, str(elf)).splitlines())}
    record: dict[str, object] = {
        "compiler": compiler(),
        "version": table["version"],
        "sha256": hashlib.sha256(code).hexdigest(),
        "size": len(code),
        "base": f"{base:#010x}",
        "entries": {name: f"{symbols[name] | 1:#010x}" for name in table["entries"]},
    }
    image.with_name(RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return record


def check(output: Path | None) -> int:
    """Compare the committed files with what the sources give; returns the exit code."""
    table = generate.definition()
    wanted = {generate.C_HEADER: generate.c_header(table), generate.PYTHON_MODULE: generate.python_module(table)}
    stale = [path.name for path, text in wanted.items() if path.read_text(encoding="utf-8") != text]
    if stale:
        print(f"not made from the present mailbox.toml: {', '.join(stale)}; run python flash_algos/build.py")
        return 1
    with tempfile.TemporaryDirectory() as name:
        folder = output or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        image = folder / IMAGE.name
        rebuilt = build(Path(name), image)
        same = image.read_bytes() == IMAGE.read_bytes()
    recorded = json.loads(IMAGE.with_name(RECORD).read_text(encoding="utf-8"))
    if rebuilt["compiler"] != recorded["compiler"]:
        print(f"compiler differs: {rebuilt['compiler']}, shipped image: {recorded['compiler']}; bytes not compared")
        print(f"rebuilt image {rebuilt['size']} bytes" + (f", in {output}" if output else ""))
        return 0
    if not same or rebuilt != recorded:
        print(f"{IMAGE.name} or {RECORD} is not what the sources give; run python flash_algos/build.py")
        return 1
    print(f"{IMAGE.name}: {recorded['size']} bytes, rebuilt byte for byte with {recorded['compiler']['name']}")
    return 0


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="build the on-chip loader")
    parser.add_argument("--check", action="store_true", help="compare, change nothing")
    parser.add_argument("--output", type=Path, help="with --check: folder for the rebuilt image")
    options = parser.parse_args()
    if options.check:
        return check(options.output)
    table = generate.definition()
    generate.C_HEADER.write_text(generate.c_header(table), encoding="utf-8")
    generate.PYTHON_MODULE.write_text(generate.python_module(table), encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        record = build(Path(name), IMAGE)
    print(f"{IMAGE.name}: {record['size']} bytes, sha256 {record['sha256']}")
    return 0


def _run(*command: str, cwd: Path | None = None) -> str:
    return subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
