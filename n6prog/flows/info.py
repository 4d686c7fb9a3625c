"""What is known of a connected board."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from n6prog.events import OnEvent
    from n6prog.flows.connection import Connection
    from n6prog.flows.recorder import Recorder


_CHIP = "STM32N657"


@dataclass(frozen=True, slots=True)
class BoardInfo:
    """A connected board, its probe and its flash.

    `voltage` in volts (None: the probe cannot measure), `nor_size` in bytes. `cut` is the silicon ("rev B", "" while
    unknown), `header` the STM2 header version it wants; `jedec` are the three bytes of RDID; `sfdp_ok`: whether the
    part's SFDP table could be read.
    """

    board: str
    title: str
    chip: str
    cut: str
    header: str
    boot_mode: str
    voltage: float | None
    probe: str
    probe_id: str
    firmware: str
    swd_clock_hz: int
    nor: str
    nor_size: int
    jedec: bytes
    sfdp_ok: bool

    def as_dict(self) -> dict[str, object]:
        """The same as plain data."""
        return {
            "board": self.board,
            "title": self.title,
            "chip": self.chip,
            "cut": self.cut,
            "header": self.header,
            "boot_mode": self.boot_mode,
            "voltage": self.voltage,
            "probe": self.probe,
            "probe_id": self.probe_id,
            "firmware": self.firmware,
            "swd_clock_hz": self.swd_clock_hz,
            "nor": self.nor,
            "nor_size": self.nor_size,
            "jedec": self.jedec.hex(" ").upper(),
            "sfdp_ok": self.sfdp_ok,
        }


def gather(connection: Connection, recorder: Recorder) -> BoardInfo:
    """Everything that is known, starting probe and loader when that was not done yet; warnings go to the recorder."""
    _, identity, findings = connection.loader()
    recorder.say(findings)
    link, device = connection.link, connection.device
    recorder.say(connection.findings)
    probe, chip = link.probe_info(), link.chip_info()
    return BoardInfo(
        board=device.board.name,
        title=device.board.title,
        chip=_CHIP,
        cut=f"rev {chip.letter}" if chip.letter else "",
        header=device.cut,
        boot_mode=chip.boot_mode,
        voltage=probe.voltage,
        probe=probe.name,
        probe_id=probe.unique_id,
        firmware=probe.firmware,
        swd_clock_hz=link.swd_clock_hz,
        nor=device.nor.name,
        nor_size=device.nor.size,
        jedec=identity.jedec,
        sfdp_ok=identity.sfdp[:4] == b"SFDP",
    )


def info(connection: Connection, on_event: OnEvent) -> BoardInfo:
    """The flow behind `Board.info`: identify everything, change nothing. The `plan` event holds what was found."""
    from n6prog.events import EventType
    from n6prog.flows.recorder import Recorder

    recorder = Recorder("info", connection, on_event, board=connection.board.name)
    found: list[BoardInfo] = []

    def body() -> None:
        found.append(gather(connection, recorder))
        recorder.emit(EventType.PLAN, **found[0].as_dict())
        recorder.stop_virtual_clock()
        connection.close_loader()

    recorder.run(body)
    return found[0]
