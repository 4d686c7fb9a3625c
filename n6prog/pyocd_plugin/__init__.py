"""What pyOCD loads in every one of its commands: the STM32N657 targets, and the simulated board as probe `sim`.

pyOCD has no entry-point group for targets, and an exception in a probe plug-in ends every command (pyOCD 0.46,
core/plugin.py has no try). So: registering targets is a side effect here, nothing is ever raised, and Unicorn is not
imported.
"""

from __future__ import annotations

import logging
from typing import Any

from pyocd.core.plugin import Plugin

LOG = logging.getLogger(__name__)


def register_targets() -> None:
    """Make `-t stm32n657x0` and its other spellings known; a name that pyOCD has already stays as it is."""
    from pyocd.target import TARGET

    from n6prog.pyocd_plugin.flash import ResidentFlash
    from n6prog.targets.stm32n657 import TARGETS

    for name, target in TARGETS.items():
        TARGET.setdefault(
            name, type(target.__name__, (target,), {"FLASH_CLASS": ResidentFlash, "__module__": __name__})
        )


def _broken_probe(reason: str) -> type[Any]:
    """A probe class that only says why there is no simulated board."""
    from pyocd.core import exceptions
    from pyocd.probe.debug_probe import DebugProbe

    class BrokenSimProbe(DebugProbe):
        """Stands in for the simulated board where it cannot be loaded."""

        @classmethod
        def get_all_connected_probes(cls, unique_id: str | None = None, is_explicit: bool = False) -> list[Any]:
            """None, ever."""
            return []

        @classmethod
        def get_probe_with_id(cls, unique_id: str, is_explicit: bool = False) -> None:
            """Tell who asks for it."""
            if is_explicit or unique_id.lower().partition(":")[0] == "sim":
                raise exceptions.ProbeError(f"the simulated board cannot be loaded: {reason}")

    return BrokenSimProbe


class N6ProgPlugin(Plugin):
    """The entry point. `should_load` says no only where not even a stand-in for the simulated probe can be made."""

    def __init__(self) -> None:
        self._probe: type[Any] | None = None

    def should_load(self) -> bool:
        """Register the targets and find the probe class. Never raises."""
        try:
            register_targets()
        except Exception as problem:  # noqa: BLE001  (an exception here would end every pyocd command)
            LOG.warning("n6prog: the STM32N657 targets are not available: %s", problem)
        try:
            self._probe = self._find_probe()
        except Exception as problem:  # noqa: BLE001
            LOG.warning("n6prog: the simulated board is not available: %s", problem)
        return self._probe is not None

    @staticmethod
    def _find_probe() -> type[Any]:
        try:
            from n6prog.sim.probe import SimProbe
        except Exception as problem:  # noqa: BLE001
            return _broken_probe(str(problem))
        return SimProbe

    def load(self) -> type[Any]:
        """The probe class."""
        assert self._probe is not None
        return self._probe

    @property
    def name(self) -> str:
        """The probe type, as in `-u sim:...`."""
        return "sim"

    @property
    def description(self) -> str:
        """For `pyocd list --plugins`."""
        return "Simulated STM32N657 board (n6prog)"

    @property
    def version(self) -> str:
        """n6prog's version."""
        try:
            from importlib.metadata import version

            return version("n6prog")
        except Exception:  # noqa: BLE001
            return "unknown"
