"""Which class pyOCD takes for a target's name."""

from __future__ import annotations

from n6prog.link.pyocd_import import load_pyocd


def register_targets() -> None:
    """Make pyOCD know our targets as its own commands do: by n6prog's plug-in, where that is installed.

    pyOCD would load the plug-ins of all probes for that, and their libraries with them.
    """
    load_pyocd()
    from pyocd.core.plugin import entry_points
    from pyocd.target import TARGET

    from n6prog.targets import stm32n657

    if not stm32n657.TARGETS.keys() <= TARGET.keys():
        for point in entry_points(group="pyocd.probe"):
            if point.value.startswith("n6prog."):
                point.load()().should_load()
        stm32n657.register()


def target_class(name: str) -> str:
    """Module and name of the class behind `pyocd -t NAME` with n6prog's plug-in loaded, or "" where there is none."""
    register_targets()
    from pyocd.target import TARGET

    found = TARGET.get(name)
    return f"{found.__module__}.{found.__name__}" if found is not None else ""
