"""For pyOCD's own functional suite: a simulated board that is always plugged in, and a target that may be tested.

The suite asks for all connected probes, takes the board's binary from its description, and erases and programs all of
the boot memory several times: so the window here is 1 MiB of the 64 MiB NOR and says that it may be tested. All else is
the target and the board as users have them. pyOCD loads this as a plug-in when its entry point is on the path.
"""

from __future__ import annotations

import os
from typing import Any

from pyocd.board.board_ids import BoardInfo
from pyocd.core.plugin import Plugin
from pyocd.target import TARGET

from n6prog.pyocd_plugin.flash import ResidentFlash
from n6prog.sim.named import named
from n6prog.sim.probe import probe_class
from n6prog.targets.stm32n657 import STM32N657

UNIQUE_ID = "N657SUITE"
_SPEC = named(os.environ["N6_SUITE_BOARD"])


class SmallWindow(STM32N657):
    """The target with a window of 1 MiB that the suite may erase."""

    FLASH_SIZE = 0x10_0000
    FLASH_CLASS = ResidentFlash

    def __init__(self, session: Any) -> None:
        super().__init__(session)
        region = self.memory_map.get_boot_memory()
        self.memory_map.remove_region(region)
        self.memory_map.add_region(region.clone_with_changes(is_testable=True))


class SuiteProbe(probe_class(_SPEC)):  # type: ignore[misc]
    """The simulated probe under a fixed name; it is found without being asked for."""

    @classmethod
    def get_all_connected_probes(cls, unique_id: str | None = None, is_explicit: bool = False) -> list[Any]:
        return [cls(_SPEC)]

    @classmethod
    def get_probe_with_id(cls, unique_id: str, is_explicit: bool = False) -> Any:
        return cls(_SPEC) if unique_id == UNIQUE_ID else None

    @property
    def unique_id(self) -> str:
        return UNIQUE_ID

    @property
    def associated_board_info(self) -> BoardInfo:
        return BoardInfo(
            "Simulated NUCLEO-N657X0-Q", "stm32n657_suite", os.environ["N6_SUITE_BINARY"], "STMicroelectronics"
        )


class SuitePlugin(Plugin):
    """The entry point."""

    def should_load(self) -> bool:
        TARGET.setdefault("stm32n657_suite", SmallWindow)
        return True

    def load(self) -> type[SuiteProbe]:
        return SuiteProbe

    @property
    def name(self) -> str:
        return "suite"

    @property
    def description(self) -> str:
        return "the simulated board for pyOCD's functional suite"

    @property
    def version(self) -> str:
        return "0"
