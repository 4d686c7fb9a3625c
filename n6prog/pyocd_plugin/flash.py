"""`pyocd load` over the resident loader: pyOCD collects the bytes, n6prog's own flow brings them into the flash.

Attached to our targets by the plug-in, not by the target definition. What pyOCD's options ask for beside the usual
(chip erase, no smart flash) goes the classic way, page by page, as does whatever calls the flash algorithm itself.
Bytes that nobody gave are kept, also where pyOCD's option says that they need not be.
"""

# mypy: allow-subclassing-any
# pyOCD has no type information.

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pyocd.core import exceptions
from pyocd.core.target import Target
from pyocd.flash.builder import FlashBuilder

from n6prog.targets import chip
from n6prog.targets.stm32n657 import STM32N6570_DK, XSPI2Flash

if TYPE_CHECKING:
    from n6prog.events import Event
    from n6prog.flows.report import Report
    from n6prog.image import Image
    from n6prog.targets.schema import BoardProfile


class ResidentFlash(XSPI2Flash):
    """The flash code runner whose builder uses the resident loader."""

    def get_flash_builder(self) -> ResidentBuilder:
        """A builder for this region."""
        return ResidentBuilder(self)


class ResidentBuilder(FlashBuilder):
    """pyOCD's builder; what only has to be changed is erased, programmed and proven by one flow, in `program`."""

    def __init__(self, flash: Any) -> None:
        super().__init__(flash)
        self._at_once = False

    def erase(
        self,
        chip_erase: str | None = None,
        progress_cb: Callable[[float], None] | None = None,
        smart_flash: bool = True,
        fast_verify: bool = False,
        keep_unwritten: bool = True,
    ) -> None:
        """Nothing: `program` erases what it has to. Else pyOCD's own."""
        self._at_once = bool(self.flash_operation_list) and smart_flash and chip_erase != "chip"
        if not self._at_once:
            super().erase(chip_erase, progress_cb, smart_flash, fast_verify, keep_unwritten)
            return
        session = self.flash.target.session
        session.notify(Target.Event.PRE_FLASH_ERASE, self)
        self.last_erase_was_chip = False
        if progress_cb is not None:
            progress_cb(0.0)
            progress_cb(1.0)
        session.notify(Target.Event.POST_FLASH_ERASE, self)

    def program(
        self,
        progress_cb: Callable[[float], None] | None = None,
        smart_flash: bool = True,
        fast_verify: bool = False,
        keep_unwritten: bool = True,
    ) -> Any:
        """Bring all bytes into the flash and verify them. Raises pyOCD's FlashFailure with our words."""
        if not self._at_once:
            return super().program(progress_cb, smart_flash, fast_verify, keep_unwritten)
        session = self.flash.target.session
        session.notify(Target.Event.PRE_FLASH_PROGRAM, self)
        watch = _Watch(progress_cb)
        report = self._flash(watch)
        self._count(report, watch)
        session.notify(Target.Event.POST_FLASH_PROGRAM, self)
        return self.perf

    def _flash(self, watch: _Watch) -> Report:
        from n6prog.errors import N6ProgError
        from n6prog.flows.connection import Connection
        from n6prog.flows.flash import FlashOptions, flash
        from n6prog.flows.placing import Placing
        from n6prog.link import borrowed_link

        target = self.flash.target
        core, board = target.selected_core_or_raise, _profile(target)
        self.flash.cleanup()
        vector_catch = core.read32(chip.DEMCR)
        connection = Connection.over(borrowed_link(target.session, board), board)
        options = FlashOptions(placing=Placing(header="none"), after="none")
        try:
            return flash(connection, watch.hear, [self._image()], options)
        except N6ProgError as error:
            found = error.findings[0]
            raise exceptions.FlashFailure(f"{found.code}: {found.text}. {found.cure}") from error
        finally:
            core.write32(chip.DEMCR, vector_catch)

    def _image(self) -> Image:
        """What was collected."""
        from n6prog.image import Chunk, Image, Kind, Origin

        chunks = [
            Chunk(item.addr, memoryview(bytes(item.data)), Origin(f"pyocd at {item.addr:#010x}"))
            for item in self.flash_operation_list
        ]
        return Image(tuple(chunks), Kind.RAW, file="pyocd")

    def _count(self, report: Report, watch: _Watch) -> None:
        """pyOCD's record of it. Erase and program are one: all the time counts as program time."""
        perf, counts = self.perf, report.bytes
        self.program_byte_count = counts.wanted
        perf.program_type = FlashBuilder.FLASH_SECTOR_ERASE
        perf.analyze_type = FlashBuilder.FLASH_ANALYSIS_CRC32
        perf.analyze_time, perf.erase_time, perf.program_time = watch.until_plan, 0.0, watch.seconds
        perf.total_byte_count = counts.wanted
        perf.program_byte_count, perf.skipped_byte_count = counts.sent, counts.skipped
        perf.erase_byte_count = counts.erased
        perf.program_page_count = counts.sent // self.flash.region.page_size
        perf.erase_sector_count = counts.erased // self.flash.region.sector_size
        perf.skipped_page_count = counts.skipped // self.flash.region.page_size


class _Watch:
    """Turns the flow's events into pyOCD's progress (0 to 1) and times, in seconds."""

    def __init__(self, progress: Callable[[float], None] | None) -> None:
        self._progress = progress
        self._started = time.monotonic()
        self.until_plan = self.seconds = 0.0

    def hear(self, event: Event) -> None:
        """One event."""
        from n6prog.events import EventType

        self.seconds = time.monotonic() - self._started
        if event.type is EventType.PLAN:
            self.until_plan = self.seconds
        if self._progress is None:
            return
        if event.type is EventType.BEGIN:
            self._progress(0.0)
        elif event.type is EventType.END:
            self._progress(1.0)
        elif event.type is EventType.PROGRESS and event.data.get("phase") == "write" and event.data["total"]:
            self._progress(float(event.data["done"] / event.data["total"]))  # type: ignore[operator]


def _profile(target: Any) -> BoardProfile:
    """The board that is assumed. Its part is measured, and both ST boards have the same wiring."""
    from n6prog.targets.schema import load_board

    return load_board("stm32n6570-dk" if target.FLASH_SIZE == STM32N6570_DK.FLASH_SIZE else "nucleo-n657x0-q")
