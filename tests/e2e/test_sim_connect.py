"""`sim:connect=`: our own commands on a board that `n6prog sim serve` keeps alive."""

from __future__ import annotations

import json
import random
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.helpers.cli import NOR_BASE, Bench, n6prog
from tests.helpers.served import Served

pytestmark = pytest.mark.e2e
AT = 0x7100_1234
IMAGE = random.Random(4).randbytes(200 << 10)
BLOCK = 1 << 16


@pytest.fixture
def image(tmp_path: Path) -> str:
    (tmp_path / "image.bin").write_bytes(IMAGE)
    return f"{tmp_path / 'image.bin'}@{AT:#x}"


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    started: list[Served] = []

    def start(*options: str) -> Served:
        started.append(Served(tmp_path / "served", "--time-scale", "0", *options))
        return started[-1]

    yield start
    for server in started:
        server.kill()


def probe(server: Served, link: str = "stlink") -> str:
    return f"sim:connect=127.0.0.1:{server.ports['n6prog']},link={link}"


def written(folder: Path) -> bytes:
    return (folder / "nor.bin").read_bytes()[AT - NOR_BASE :][: len(IMAGE)]


@pytest.mark.parametrize("link", ["stlink", "stlink-633k", "cmsis-dap"])
def test_flash_and_verify_take_the_virtual_time_that_they_take_in_one_process(
    serve: Callable[..., Served], tmp_path: Path, image: str, link: str
) -> None:
    server, bench = serve(), Bench(tmp_path / "own")
    for command in ("flash", "verify"):
        here = bench.run(command, image, "--json", "-f", "8M", probe_options=f",link={link}")
        there = n6prog(command, image, "--json", "-f", "8M", "--probe", probe(server, link))
        assert here.code == there.code == 0, here.text + there.text
        assert here.end["virtual_seconds"] == there.end["virtual_seconds"]
        assert here.end["swd_clock_hz"] == there.end["swd_clock_hz"] == 8_000_000
    server.stop()
    assert written(server.folder) == IMAGE
    for name in ("nor.bin", "ram.bin"):
        assert (server.folder / name).read_bytes() == (bench.folder / name).read_bytes()


@pytest.mark.parametrize("link", ["stlink", "cmsis-dap"])
def test_after_a_killed_run_the_next_one_does_the_rest(serve: Callable[..., Served], image: str, link: str) -> None:
    server = serve()
    command = ["flash", image, "--json", "-f", "8M", "--probe", probe(server, link)]
    with subprocess.Popen([sys.executable, "-m", "n6prog", *command], stdout=subprocess.PIPE) as killed:
        assert killed.stdout is not None
        for line in killed.stdout:
            event = json.loads(line)
            assert event["type"] != "end", "it was over before it could be killed"
            if event["type"] == "progress" and event["data"]["phase"] == "write" and event["data"]["done"]:
                killed.kill()
                break
    done = n6prog(*command)
    assert done.code == 0, done.text
    counts = done.end["bytes"]
    assert isinstance(counts, dict)
    # 51 sectors, from sector 1 of the first block on: at least the 15 in that block were done, and what the chip had
    # in its RAM already went on without its host.
    assert counts["sent"] <= (51 - 15) * 4096
    server.stop()
    assert written(server.folder) == IMAGE


def test_a_second_client_is_told_who_has_the_board(serve: Callable[..., Served]) -> None:
    server = serve()
    script = (
        f"import n6prog, sys\nwith n6prog.connect({probe(server)!r}):\n"
        "    print('there', flush=True)\n    sys.stdin.read()\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"there\n"
        second = n6prog("info", "--probe", probe(server, "cmsis-dap"))
        assert second.code == 4, second.text
        assert f"in use by process {first.pid}" in second.err
    assert n6prog("info", "--probe", probe(server)).code == 0


def test_another_debugger_is_in_the_way_and_told(serve: Callable[..., Served]) -> None:
    server = serve()
    with socket.create_connection(("127.0.0.1", server.ports["ST-LINK server"])) as other:
        done = n6prog("info", "--probe", probe(server))
        assert done.code == 4, done.text
        assert re.search(rf"in use by 127.0.0.1 port {other.getsockname()[1]} \(ST-LINK server\)", done.err)


def test_nobody_there_and_somebody_else_there(serve: Callable[..., Served]) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # nobody listens
        done = n6prog("info", "--probe", f"sim:connect=127.0.0.1:{silent.getsockname()[1]}")
        assert done.code == 3, done.text
        assert "E-SIM-SERVE" in done.err
    done = n6prog("info", "--probe", f"sim:connect=127.0.0.1:{serve().ports['ST-LINK server']}")
    assert done.code == 3, done.text
    assert "no n6prog sim serve of this version" in done.err


def test_the_served_board_must_be_the_one_that_is_named(serve: Callable[..., Served]) -> None:
    done = n6prog("info", "--probe", probe(serve()).replace("sim:", "sim:stm32n6570-dk,"))
    assert done.code == 2, done.text
    assert "write sim:nucleo-n657x0-q,connect=" in done.err


def test_a_server_that_dies_is_a_lost_link(serve: Callable[..., Served], image: str) -> None:
    server = serve()
    command = ["flash", image, "--json", "-f", "8M", "--probe", probe(server)]
    with subprocess.Popen(
        [sys.executable, "-m", "n6prog", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as client:
        assert client.stdout is not None
        assert client.stderr is not None
        events = []
        for line in client.stdout:
            events.append(json.loads(line))
            if events[-1]["type"] == "progress" and events[-1]["data"]["phase"] == "write":
                server.process.kill()
        assert b"Traceback" not in client.stderr.read()
    assert (client.returncode, events[-1]["data"]["ok"], events[-1]["data"]["code"]) == (5, False, "E-LINK-LOST")


def test_a_board_of_another_process_cannot_be_served_again_nor_switched() -> None:
    for words in (["serve"], ["power", "sim:connect=localhost:4460", "on"], ["inspect", "sim:connect=localhost:4460"]):
        options = ["--probe", "sim:connect=localhost:4460"] if words == ["serve"] else []
        done = n6prog("sim", *words, *options)
        assert done.code == 2, done.text
        assert "another process" in done.err


def test_noise_at_the_door_is_dropped(serve: Callable[..., Served]) -> None:
    server = serve()
    for noise in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 70_000):
        channel = socket.create_connection(("127.0.0.1", server.ports["n6prog"]), 60)
        with channel, suppress(ConnectionResetError, BrokenPipeError):
            channel.sendall(noise)
            assert channel.recv(1) == b""
    assert n6prog("info", "--probe", probe(server)).code == 0
    assert "Traceback" not in server.stop()
