"""`n6prog sim serve` as a process of its own."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path

STARTS, ENDS = 60.0, 60.0  # seconds of patience with a loaded machine


class Served:
    """The process. `folder` is the board's state folder, `ports` has the port of each door."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.errors = folder.with_suffix(".log")
        command = ["-m", "n6prog.cli", "sim", "serve", "--json", "--probe", f"sim:nucleo-n657x0-q,state={folder}"]
        command += ["--stlink-port", "0", "--cmsis-dap-port", "0", "--uart-port", "0", "--n6prog-port", "0", *options]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("N6PROG_")}
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, *command], stdout=subprocess.PIPE, stderr=errors, env=environment
            )
        begin = json.loads(self._line())
        assert begin["type"] == "begin", begin
        self.ports = {door["name"]: int(door["port"]) for door in begin["data"]["doors"]}

    def _line(self) -> bytes:
        """The first line of its output, which tells the ports."""
        assert self.process.stdout is not None
        channel, line, end = self.process.stdout.fileno(), b"", time.monotonic() + STARTS
        with selectors.DefaultSelector() as selector:
            selector.register(channel, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(end - time.monotonic()) or not (piece := os.read(channel, 1)):
                    self.process.kill()
                    raise AssertionError(f"sim serve did not start: {line!r} {self.errors.read_text()}")
                line += piece
        return line

    def stop(self) -> str:
        """End it as a service manager does; gives what it said on stderr."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> str:
        """Until it has ended well."""
        out, _ = self.process.communicate(timeout=ENDS)
        assert self.process.returncode == 0, (out, self.errors.read_text())
        return self.errors.read_text()

    def kill(self) -> None:
        """End it whatever happened."""
        self.process.kill()
        self.process.communicate()
