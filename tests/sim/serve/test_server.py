"""The server with real sockets: who is let in, who is refused, and that nothing a client does ends it."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from n6prog.sim.clock import Timeline
from n6prog.sim.serve.pace import Pace
from n6prog.sim.serve.server import Server
from n6prog.sim.serve.session import Door, Nonsense, Session

PATIENCE = 30.0


class EchoSession:
    def __init__(self, door: EchoDoor) -> None:
        self._door = door

    def feed(self, data: bytes) -> bytes:
        if data == b"nonsense":
            raise Nonsense("it was told so")
        return data.upper()

    def poll(self) -> bytes:
        unasked, self._door.unasked = self._door.unasked, b""
        return unasked

    def end(self) -> None:
        self._door.ended.release()


class EchoDoor:
    """Answers in capitals."""

    def __init__(self, name: str, *, debugs: bool, last_words: bytes = b"") -> None:
        self.name = name
        self.debugs = debugs
        self.sets_time = False
        self.unasked = b""
        self.ended = threading.Semaphore(0)
        self._last_words = last_words

    def welcome(self) -> Session:
        return EchoSession(self)

    def refuse(self, reason: str) -> Session | bytes:
        return self._last_words and f"{reason}".encode()


class Clockwork:
    host = Timeline()

    def catch_up(self) -> None:
        """Nothing runs."""


@contextmanager
def running(*doors: Door) -> Iterator[tuple[Server, list[str]]]:
    said: list[str] = []
    server = Server([(door, 0) for door in doors], Pace(Clockwork()), said.append)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server, said
    finally:
        server.stop()
        thread.join(PATIENCE)
        server.close()
        assert not thread.is_alive()


def client(server: Server, door: str) -> socket.socket:
    channel = socket.create_connection(("127.0.0.1", server.ports[door]), PATIENCE)
    channel.settimeout(PATIENCE)
    return channel


def answer(channel: socket.socket, text: bytes) -> bytes:
    channel.sendall(text)
    return channel.recv(100)


def test_clients_come_one_after_another() -> None:
    door = EchoDoor("debug", debugs=True)
    with running(door) as (server, said):
        for text in (b"one", b"two"):
            with client(server, "debug") as channel:
                assert answer(channel, text) == text.upper()
            assert door.ended.acquire(timeout=PATIENCE)
    assert [line.split(" ")[-1] for line in said] == ["connected", "gone", "connected", "gone"]


def test_one_debugger_at_a_time_whichever_door_it_takes() -> None:
    with (
        running(EchoDoor("first", debugs=True), EchoDoor("second", debugs=True)) as (server, said),
        client(server, "first") as holder,
        client(server, "second") as late,
    ):
        assert answer(holder, b"hello") == b"HELLO"
        assert late.recv(100) == b""
        assert answer(holder, b"again") == b"AGAIN"
    refused = next(line for line in said if "refused" in line)
    assert "the board is in use by 127.0.0.1 port" in refused
    assert "(first)" in refused


def test_a_terminal_may_listen_beside_a_debugger_and_a_second_one_is_told_why() -> None:
    uart = EchoDoor("uart", debugs=False, last_words=b"yes")
    with (
        running(EchoDoor("debug", debugs=True), uart) as (server, _),
        client(server, "debug") as debugger,
        client(server, "uart") as terminal,
    ):
        assert answer(debugger, b"a") == b"A"
        assert answer(terminal, b"b") == b"B"
        uart.unasked = b"boot"
        assert terminal.recv(100) == b"boot"
        with client(server, "uart") as second:
            assert second.recv(100).startswith(b"the board is in use by 127.0.0.1 port")


def test_nonsense_ends_the_connection_and_not_the_server() -> None:
    door = EchoDoor("debug", debugs=True)
    with running(door) as (server, said):
        with client(server, "debug") as channel:
            assert answer(channel, b"nonsense") == b""
        with client(server, "debug") as channel:
            assert answer(channel, b"sense") == b"SENSE"
    assert any(line.endswith("dropped: it was told so") for line in said)


def test_a_client_that_breaks_off_makes_room_for_the_next() -> None:
    door = EchoDoor("debug", debugs=True)
    with running(door) as (server, _):
        rude = client(server, "debug")
        rude.sendall(b"x" * 100)
        rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        rude.close()  # a reset, not an end
        assert door.ended.acquire(timeout=PATIENCE)
        with client(server, "debug") as channel:
            assert answer(channel, b"next") == b"NEXT"


def test_a_port_that_is_taken_is_an_error_that_names_the_door() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(OSError, match=f"debug on 127.0.0.1 port {port}"):
            Server([(EchoDoor("debug", debugs=True), port)], Pace(Clockwork()), print)


def test_the_server_listens_on_loopback_only() -> None:
    with running(EchoDoor("debug", debugs=True)) as (server, _):
        assert server._listeners[0].getsockname()[0] == "127.0.0.1"
