"""A board with its doors, from opening it to keeping its state."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from n6prog.sim.clock import STLINK_MODELS, STLINK_V3
from n6prog.sim.named import board_of, probe_name
from n6prog.sim.serve import dap_door, own_door, remote, stlink_door, uart_door
from n6prog.sim.serve.pace import Pace
from n6prog.sim.serve.server import Server
from n6prog.sim.serve.session import Door
from n6prog.sim.spec import SimSpec
from n6prog.sim.usb.cmsisdap import CmsisDapV2
from n6prog.sim.usb.stlink import StLinkV3, firmware_of

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Ports:
    """Which TCP port each door gets: 0 for any free one, None for no such door."""

    stlink: int | None = stlink_door.PORT
    cmsis_dap: int | None = dap_door.PORT
    uart: int | None = uart_door.PORT
    n6prog: int | None = remote.PORT


@contextmanager
def serving(
    spec: SimSpec,
    ports: Ports,
    say: Callable[[str], None],
    *,
    address: str = LOOPBACK,
    time_scale: float = 1.0,
) -> Iterator[Server]:
    """The board that `spec` names, powered, with its doors open; the body calls `run`.

    `say` takes a line for people. Board time runs at least as fast as wall time times `time_scale`. Raises BoardBusy,
    ValueError, OSError (a folder or a port), ImportError (no Unicorn), and at the end SimTripwire.
    """
    model = STLINK_MODELS.get(spec.link, STLINK_V3)
    with board_of(spec, model, "sim serve") as board:

        def tell(caught: list[str]) -> None:
            for text in caught:
                say(f"refused, because it would hurt a real board: {text}")

        def watch() -> None:
            tell(board.violations())

        name = probe_name(spec)
        doors: list[tuple[Door, int | None]] = [
            (stlink_door.StLinkDoor(StLinkV3(board, name, model, watch, firmware_of(spec.faults))), ports.stlink),
            (dap_door.DapDoor(CmsisDapV2(board, name, after=watch), board.host), ports.cmsis_dap),
            (uart_door.UartDoor(board.console), ports.uart),
            (own_door.OwnDoor(board, name, tell), ports.n6prog),
        ]
        offered = [(door, port) for door, port in doors if port is not None]
        server = Server(offered, Pace(board, time_scale), say, address)
        try:
            yield server
        finally:
            server.close()


class Signals:
    """From entering it to leaving it SIGINT and SIGTERM end the server, not the process. For the main thread.

    To be entered before the board is opened, so that nothing can keep it from being saved.
    """

    def __init__(self) -> None:
        self._server: Server | None = None
        self._asked = False
        self._before: dict[int, object] = {}

    def run(self, server: Server) -> None:
        """Serve until a signal comes."""
        self._server = server
        if not self._asked:
            server.run()

    def __enter__(self) -> Signals:
        self._before = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._asked = True
        if self._server is not None:
            self._server.stop()
