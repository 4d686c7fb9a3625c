"""A served board, and OpenOCD before one of its doors."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers import programs
from tests.helpers.served import Served

CONFIG = Path(__file__).parent / "config"
RUNS = 120.0  # seconds of patience with a loaded machine


@dataclass(frozen=True)
class Door:
    """A door of `sim serve` and the OpenOCD that goes through it."""

    name: str
    program: str
    config: str


DOORS = [
    pytest.param(Door("ST-LINK server", "openocd", "stlink.cfg"), id="stlink", marks=pytest.mark.needs("openocd")),
    pytest.param(
        Door("CMSIS-DAP", "openocd-esp32", "cmsis_dap.cfg"), id="cmsis-dap", marks=pytest.mark.needs("openocd-esp32")
    ),
]


def program(name: str) -> str:
    """The path of a program that the test said it needs."""
    path = programs.find(name)
    assert path is not None
    return path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One board for all tests of a file: it outlives its clients."""
    server = Served(tmp_path_factory.mktemp("served") / "board")
    try:
        yield server
        assert "Traceback" not in server.stop()
    finally:
        server.kill()


class OpenOcd:
    """Runs OpenOCD before one door."""

    def __init__(self, door: Door, served: Served, folder: Path) -> None:
        self.door = door
        self.served = served
        self.folder = folder

    def words(self, configs: Sequence[str], script: str) -> list[str]:
        """The command line: interface, `configs` in order, then the Tcl of `script`."""
        path = self.folder / "script.tcl"
        path.write_text(script)
        words = [program(self.door.program), "-c", f"set PORT {self.served.ports[self.door.name]}"]
        for config in (str(CONFIG / self.door.config), *configs, str(path)):
            words += ["-f", config]
        return words

    def __call__(self, script: str, *configs: str, upstream: str = "") -> tuple[dict[str, str], str]:
        """Run `script` on the halted core: the values it told with `tell NAME VALUE`, and all of the output."""
        files = [upstream] if upstream else [str(CONFIG / "board.cfg"), *(str(CONFIG / name) for name in configs)]
        core = "stm32n6x.cpu" if upstream else "n6.core"
        lead = f'proc tell {{name value}} {{ puts "TELL $name=$value" }}\ngdb_port disabled\ninit\ntargets {core}\n'
        words = self.words(files, f"{lead}halt\nwait_halt 5000\n{script}\nshutdown\n")
        done = subprocess.run(words, capture_output=True, text=True, timeout=RUNS, check=False)
        output = done.stdout + done.stderr
        assert done.returncode == 0, output
        told = (line.removeprefix("TELL ").partition("=") for line in output.splitlines() if line.startswith("TELL "))
        return {name: value.strip() for name, _, value in told}, output


@pytest.fixture(params=DOORS)
def openocd(request: pytest.FixtureRequest, served: Served, tmp_path: Path) -> OpenOcd:
    """OpenOCD before each door in turn."""
    return OpenOcd(request.param, served, tmp_path)
