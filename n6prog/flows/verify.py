"""Verifying: does the NOR hold what the files say? By digest on the chip; sectors covered in part by their bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from n6prog import plan
from n6prog.events import EventType, OnEvent
from n6prog.flows import info
from n6prog.flows.diff import compare
from n6prog.flows.placing import Placing, on_device, on_profile, piece_reports
from n6prog.flows.recorder import Recorder
from n6prog.flows.report import Report
from n6prog.flows.source import Files
from n6prog.flows.survey import mismatch, take
from n6prog.nor.digest import digest
from n6prog.plan import SECTOR

if TYPE_CHECKING:
    from n6prog.flows.connection import Connection


def verify(
    connection: Connection, on_event: OnEvent, files: Sequence[Files], placing: Placing, *, diff: bool = False
) -> Report:
    """Compare the NOR with files; nothing is written. See Board.verify."""
    recorder = Recorder(
        "verify", connection, on_event, files=[str(file) for file in files], board=connection.board.name
    )
    return recorder.run(lambda: _body(connection, recorder, files, placing, diff=diff))


def _body(connection: Connection, recorder: Recorder, files: Sequence[Files], placing: Placing, *, diff: bool) -> None:
    images = on_profile(files, placing, connection, recorder)
    about = info.gather(connection, recorder)
    placement = on_device(images, placing, connection, recorder)
    loader, _, _ = connection.loader()
    touched = {item.offset: item for item in plan.sectors(placement.flash, connection.device.nor)}
    survey = take(loader, tuple(touched.values()), recorder)
    expected = plan.contents(touched.values(), survey)
    wrong = [offset for offset, data in expected.items() if digest(data) != survey.sectors[offset].digest]
    recorder.emit(
        EventType.PLAN,
        **about.as_dict(),
        sectors=len(wrong),
        touched=len(touched),
        bytes={"wanted": recorder.bytes.wanted},
        dry_run=False,
    )
    recorder.pieces = piece_reports(placement, set(wrong))
    for piece in recorder.pieces:
        recorder.emit(EventType.REGION, **piece.as_dict())
    recorder.bytes.skipped = sum(item.wanted for item in touched.values() if item.offset not in set(wrong))
    if diff:
        step = recorder.progress("diff", len(wrong) * SECTOR)
        recorder.diff = compare(loader, touched, wrong, survey, step)
    if wrong:
        raise mismatch(loader, wrong, lambda offset, read: touched[offset].content(read), len(touched), written=False)
    recorder.stop_virtual_clock()
    connection.close_loader()
