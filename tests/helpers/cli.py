"""The command line as a user has it: a process of its own, on a simulated board kept in a folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

NOR_BASE = 0x7000_0000
BOARD = "nucleo-n657x0-q"


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err

    @property
    def events(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def end(self) -> dict[str, object]:
        events = self.events
        assert events[-1]["type"] == "end", events[-1]
        data = events[-1]["data"]
        assert isinstance(data, dict)
        return data


def n6prog(
    *args: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None, timeout: float = 120
) -> Outcome:
    """Run `n6prog ARGS` and give what came out; a traceback in the output fails the caller at once."""
    done = subprocess.run(
        [sys.executable, "-m", "n6prog", *map(str, args)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        timeout=timeout,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Outcome(done.returncode, done.stdout, done.stderr)


class Bench:
    """One simulated board in a folder: its NOR content is a file anyone can look into."""

    def __init__(self, folder: Path, board: str = BOARD) -> None:
        self.folder = folder
        self.probe = f"sim:{board},state={str(folder).replace(',', '%2C')}"

    def run(self, command: str, *args: str | Path, **options: object) -> Outcome:
        extra = options.pop("probe_options", "")
        return n6prog(command, *args, "--probe", f"{self.probe}{extra}", **options)  # type: ignore[arg-type]

    @property
    def nor_file(self) -> Path:
        return self.folder / "nor.bin"

    def nor(self) -> bytearray:
        return bytearray(self.nor_file.read_bytes())

    def poke(self, address: int, data: bytes) -> None:
        """Put bytes into the NOR behind everybody's back."""
        with self.nor_file.open("r+b") as file:
            file.seek(address - NOR_BASE)
            file.write(data)

    def fill(self, address: int, data: bytes, size: int = 64 << 20) -> None:
        """A NOR that holds `data` at `address`, before the board was ever used."""
        self.folder.mkdir(parents=True, exist_ok=True)
        content = bytearray(b"\xff") * size
        content[address - NOR_BASE : address - NOR_BASE + len(data)] = data
        self.nor_file.write_bytes(content)


def expected_nor(pieces: dict[int, bytes], size: int = 64 << 20) -> bytearray:
    """A blank NOR with these bytes at these addresses."""
    content = bytearray(b"\xff") * size
    for address, piece in pieces.items():
        content[address - NOR_BASE : address - NOR_BASE + len(piece)] = piece
    return content


def same(found: bytes | bytearray, wanted: bytes | bytearray) -> None:
    """Compare big contents without printing them: say where they differ first."""
    if found == wanted:
        return
    assert len(found) == len(wanted), (len(found), len(wanted))
    step = 4096
    for at in range(0, len(wanted), step):
        if found[at : at + step] != wanted[at : at + step]:
            byte = next(n for n in range(at, at + step) if found[n] != wanted[n])
            here, there = found[byte : byte + 16].hex(), wanted[byte : byte + 16].hex()
            raise AssertionError(f"first difference at {byte:#x}: found {here}, wanted {there}")
