"""`n6prog sim serve`: a board that outlives its clients, and ends without losing anything."""

from __future__ import annotations

import signal
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.helpers.cli import BOARD, n6prog
from tests.helpers.served import Served

pytestmark = pytest.mark.e2e
PATIENCE = 60.0
RAM = 0x3407_0000


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    started: list[Served] = []

    def start(*options: str) -> Served:
        started.append(Served(tmp_path / "board", *options))
        return started[-1]

    yield start
    for server in started:
        server.kill()


class StLink:
    """A client of the ST-LINK door that knows as much as this test needs (sim.md 4)."""

    def __init__(self, port: int) -> None:
        self._channel = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._channel.settimeout(PATIENCE)

    def open(self) -> int:
        """Open the probe; gives the status."""
        self._channel.sendall(struct.pack("<B3xI", 3, 1))
        return int(struct.unpack("<II", self._take(8))[0])

    def _take(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self._channel.recv(size - len(data))
            assert piece, "the server hung up"
            data += piece
        return data

    def command(self, command: bytes, size: int = 0, data: bytes = b"") -> bytes:
        direction = 0 if data else 1
        request = struct.pack("<B3xI16sB3xI", 5, 1, command.ljust(16, b"\0"), direction, len(data) or size)
        self._channel.sendall(request + data)
        assert self._take(4) == struct.pack("<I", 1)
        return self._take(size)

    def write(self, data: bytes) -> None:
        self.command(b"\xf2\x30\xa3\0", 2)
        self.command(struct.pack("<BBIHB", 0xF2, 0x08, RAM, len(data), 1), data=data)

    def read(self, size: int) -> bytes:
        self.command(b"\xf2\x30\xa3\0", 2)
        return self.command(struct.pack("<BBIHB", 0xF2, 0x07, RAM, size, 1), size)

    def __enter__(self) -> StLink:
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_board_outlives_its_clients_and_the_server(serve: Callable[..., Served], number: signal.Signals) -> None:
    server = serve()
    with StLink(server.ports["ST-LINK server"]) as first:
        assert first.open() == 1
        first.write(b"remember")
    with StLink(server.ports["ST-LINK server"]) as second:
        assert second.open() == 1
        assert second.read(8) == b"remember"
        server.process.send_signal(number)  # with a client still there
        server.wait()
    with StLink(serve().ports["ST-LINK server"]) as third:
        assert third.open() == 1
        assert third.read(8) == b"remember"  # RAM: the board kept its power


def test_a_second_debugger_is_refused_and_the_server_says_why(serve: Callable[..., Served]) -> None:
    server = serve()
    with StLink(server.ports["ST-LINK server"]) as first:
        assert first.open() == 1
        with StLink(server.ports["ST-LINK server"]) as second:
            assert second.open() == 0x1003
        with socket.create_connection(("127.0.0.1", server.ports["CMSIS-DAP"]), PATIENCE) as third:
            assert third.recv(1) == b""
    said = server.stop()
    assert said.count("refused: the board is in use by 127.0.0.1") == 2


def test_noise_at_the_doors_leaves_no_traceback(serve: Callable[..., Served]) -> None:
    server = serve()
    for name in ("ST-LINK server", "CMSIS-DAP"):
        for noise in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 70_000, b"\x05"):
            with socket.create_connection(("127.0.0.1", server.ports[name]), PATIENCE) as channel:
                channel.sendall(noise)
                if len(noise) > 1:
                    with suppress(ConnectionResetError):
                        assert channel.recv(1) == b""
    with StLink(server.ports["ST-LINK server"]) as client:
        assert client.open() == 1
    assert "Traceback" not in server.stop()


def test_a_served_board_is_busy_for_everybody_else(serve: Callable[..., Served]) -> None:
    server = serve()
    done = n6prog("info", "--probe", f"sim:{BOARD},state={server.folder}")
    assert done.code == 4, done.text
    assert "sim serve" in done.text


def test_without_listen_only_this_machine_gets_in_and_with_it_a_warning_comes(serve: Callable[..., Served]) -> None:
    server = serve("--listen", "0.0.0.0")
    assert "whoever reaches this address controls the board" in server.stop()
    assert "warning" not in serve().stop()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--stlink-port", "99999"], "--stlink-port 99999"),
        (["--listen", "here"], "--listen here"),
        (["--time-scale", "-1"], "--time-scale -1"),
        (["--probe", "003A0037"], "not a simulated board"),
        (["--probe", "sim:no-such-board"], "no-such-board"),
        (["one-word"], "no simulated board 'one-word'"),
        (["sim", "one-word"], "one word too many"),
    ],
)
def test_what_cannot_be_served_is_a_usage_error(options: list[str], said: str) -> None:
    done = n6prog("sim", "serve", *options)
    assert done.code == 2, done.text
    assert said in done.text


def test_a_port_that_is_taken_is_told_with_its_door(serve: Callable[..., Served], tmp_path: Path) -> None:
    port = serve().ports["UART"]
    other = f"sim:{BOARD},state={tmp_path / 'other'}"
    done = n6prog(
        *(
            "sim",
            "serve",
            "--probe",
            other,
            "--stlink-port",
            "off",
            "--cmsis-dap-port",
            "off",
            "--uart-port",
            str(port),
            "--n6prog-port",
            "off",
        )
    )
    assert done.code == 2, done.text
    assert f"UART on 127.0.0.1 port {port}" in done.text
