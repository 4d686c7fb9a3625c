"""Which class pyOCD takes for a target's name."""

from __future__ import annotations

from n6prog.link.pyocd_import import load_pyocd


def target_class(name: str) -> str:
    """Module and name of the class behind `pyocd -t NAME` with n6prog's plug-in loaded, or "" where there is none."""
    load_pyocd()
    from pyocd.target import TARGET

    from n6prog.targets import stm32n657

    stm32n657.register()
    found = TARGET.get(name)
    return f"{found.__module__}.{found.__name__}" if found is not None else ""
