"""The server: one thread, one board, several doors; one debugger at a time.

A board has one debug port, so a second client of either debug door is refused while the first is there. Nothing that a
client sends raises out of here: it is answered, or the connection ends with a line that says why.
"""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress

from n6prog.sim.serve.pace import Pace
from n6prog.sim.serve.session import IN_USE, Door, Nonsense, Session

_TICK = 0.02  # seconds between looks at the wall clock
_CHUNK = 1 << 16
_UNREAD = 4 << 20  # bytes a client may leave unread


class _Connection:
    def __init__(self, channel: socket.socket, door: Door, peer: str, session: Session | None, last: bytes) -> None:
        self.channel = channel
        self.door = door
        self.peer = peer
        self.session = session
        self.out = bytearray(last)


class Server:
    """Listens at `address` for clients of the doors, each at its port (0: any free one).

    `pace` moves the board's time, `say` takes a line for people. Raises OSError when a port cannot be had.
    """

    def __init__(
        self, doors: Sequence[tuple[Door, int]], pace: Pace, say: Callable[[str], None], address: str = "127.0.0.1"
    ) -> None:
        self._pace = pace
        self._say = say
        self._stopping = False
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._listeners: list[socket.socket] = []
        self._connections: list[_Connection] = []
        self._debugger: _Connection | None = None
        self.ports: dict[str, int] = {}
        try:
            for door, port in doors:
                self._listen(door, address, port)
        except OSError:
            self.close()
            raise
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ, None)

    def _listen(self, door: Door, address: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        self._listeners.append(listener)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((address, port))
        except OSError as taken:
            raise OSError(taken.errno, f"{door.name} on {address} port {port}: {taken.strerror or taken}") from taken
        listener.listen(4)
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ, door)
        self.ports[door.name] = int(listener.getsockname()[1])

    def run(self) -> None:
        """Serve until `stop`."""
        while not self._stopping:
            for key, events in self._selector.select(_TICK):
                if key.data is None:
                    self._woken.recv(_CHUNK)
                elif isinstance(key.data, _Connection):
                    self._serve(key.data, events)
                else:
                    assert isinstance(key.fileobj, socket.socket)
                    self._accept(key.fileobj, key.data)
            self._keep_time()
            for connection in tuple(self._connections):
                if connection.session is not None:
                    self._send(connection, connection.session.poll())

    def _keep_time(self) -> None:
        """Board time by the wall clock, unless a client is there that brings its own."""
        if self._debugger is not None and self._debugger.door.sets_time:
            self._pace.rest()
        else:
            self._pace.keep_up()

    def stop(self) -> None:
        """End `run` soon; may be called from a signal handler or another thread."""
        self._stopping = True
        with suppress(OSError):  # closed already
            self._wake.send(b"\0")

    def close(self) -> None:
        """Close every socket."""
        for connection in tuple(self._connections):
            self._drop(connection, "")
        for listener in self._listeners:
            listener.close()
        self._wake.close()
        self._woken.close()
        self._selector.close()

    def _accept(self, listener: socket.socket, door: Door) -> None:
        try:
            channel, origin = listener.accept()
        except OSError:  # gone before it was let in
            return
        channel.setblocking(False)
        channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer = f"{origin[0]} port {origin[1]}"
        holder = self._holder(door)
        if holder is None:
            session: Session | None = door.welcome()
            connection = _Connection(channel, door, peer, session, b"")
            if door.debugs:
                self._debugger = connection
            self._say(f"{door.name}: {peer} connected")
        else:
            reason = f"{IN_USE}{holder.peer} ({holder.door.name})"
            self._say(f"{door.name}: {peer} refused: {reason}")
            answer = door.refuse(reason)
            session, last = (None, answer) if isinstance(answer, bytes) else (answer, b"")
            connection = _Connection(channel, door, peer, session, last)
        self._connections.append(connection)
        self._selector.register(channel, selectors.EVENT_READ, connection)
        if session is None:
            self._flush(connection)

    def _holder(self, door: Door) -> _Connection | None:
        """Who is in the way of a new client."""
        holder = self._find_holder(door)
        if holder is not None:
            self._serve(holder, selectors.EVENT_READ)  # it may have gone already
        return self._find_holder(door)

    def _find_holder(self, door: Door) -> _Connection | None:
        if door.debugs:
            return self._debugger
        return next((other for other in self._connections if other.door is door and other.session is not None), None)

    def _serve(self, connection: _Connection, events: int) -> None:
        if events & selectors.EVENT_WRITE and not self._flush(connection):
            return
        if not events & selectors.EVENT_READ:
            return
        try:
            data = connection.channel.recv(_CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as broken:
            self._drop(connection, f"gone: {broken.strerror or broken}")
            return
        if not data:
            self._drop(connection, "gone")
            return
        if connection.session is None:
            return  # refused: it may talk, nobody listens
        self._keep_time()
        try:
            answer = connection.session.feed(data)
        except Nonsense as nonsense:
            self._drop(connection, f"dropped: {nonsense}")
            return
        self._send(connection, answer)

    def _send(self, connection: _Connection, data: bytes) -> None:
        if not data:
            return
        connection.out += data
        if len(connection.out) > _UNREAD:
            self._drop(connection, "dropped: it does not read")
            return
        self._flush(connection)

    def _flush(self, connection: _Connection) -> bool:
        """Send what can be sent; False when the connection is over."""
        try:
            while connection.out:
                sent = connection.channel.send(connection.out)
                del connection.out[:sent]
        except (BlockingIOError, InterruptedError):
            self._selector.modify(connection.channel, selectors.EVENT_READ | selectors.EVENT_WRITE, connection)
            return True
        except OSError as broken:
            self._drop(connection, f"gone: {broken.strerror or broken}")
            return False
        if connection.session is None:
            self._drop(connection, "")
            return False
        self._selector.modify(connection.channel, selectors.EVENT_READ, connection)
        return True

    def _drop(self, connection: _Connection, why: str) -> None:
        if connection not in self._connections:
            return
        self._connections.remove(connection)
        self._selector.unregister(connection.channel)
        connection.channel.close()
        if connection.session is not None:
            connection.session.end()
        if self._debugger is connection:
            self._debugger = None
        if why:
            self._say(f"{connection.door.name}: {connection.peer} {why}")
