"""`n6prog info`: what is known of the connected board."""

from __future__ import annotations

from typing import TYPE_CHECKING

from n6prog.cli import text
from n6prog.cli.command import Call, Command, open_board
from n6prog.cli.story import Story

if TYPE_CHECKING:
    from n6prog.flows.board import BoardInfo

_MIB = 1 << 20


def run(call: Call) -> None:
    """Identify probe, chip and NOR."""
    story = Story(call.console)
    if call.settings.dry_run:
        call.console.say("dry run: no probe was opened")
        return
    with open_board(call, story) as board:
        info = board.info()
    call.console.extra["info"] = info.as_dict()
    for line in lines(info):
        call.console.say(line)


def lines(info: BoardInfo) -> list[str]:
    """What is known, one fact a line."""
    volts = "not measured" if info.voltage is None else f"{info.voltage:.2f} V"
    wants = f", its boot ROM wants header version {info.header}" if info.header else ""
    return text.listing(
        [
            ("probe", f"{info.probe} {info.probe_id} ({info.firmware})"),
            ("SWD clock", f"{text.clock(info.swd_clock_hz)}, granted by the probe"),
            ("voltage", volts),
            ("board", info.title),
            ("chip", f"{info.chip} {info.cut}{wants}".strip()),
            ("boot mode", info.boot_mode),
            ("NOR", f"{info.nor}, {info.nor_size / _MIB:g} MiB, RDID {info.jedec.hex(' ').upper()}"),
            ("SFDP", "read" if info.sfdp_ok else "not readable"),
        ],
        indent="",
    )


COMMAND = Command(
    name="info",
    usage="info",
    summary="board, silicon, boot mode and NOR",
    group="Explain",
    run=run,
)
