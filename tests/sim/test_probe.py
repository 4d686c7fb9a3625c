"""The simulated board as a probe: what it refuses, and what it does not excuse."""

from __future__ import annotations

import builtins
import sys
from typing import Any

import pytest

pytest.importorskip("pyocd")

import pyocd  # noqa: F401
from pyocd.core import exceptions

from n6prog.sim.probe import probe_for


def test_a_fault_beyond_the_part_is_refused() -> None:
    # MX25UM51245G: 64 MiB
    with pytest.raises(ValueError, match="beyond MX25UM51245G"):
        probe_for("sim:nucleo-n657x0-q,state=none,fault=fail-erase:0x4000000")
    probe_for("sim:nucleo-n657x0-q,state=none,fault=fail-erase:0x3fff000")
    probe_for("sim:stm32n6570-dk,state=none,fault=fail-program:0x4000000")


@pytest.mark.parametrize(
    ("missing", "raised"), [("unicorn", exceptions.ProbeError), ("n6prog.sim.core.gone", ImportError)]
)
def test_only_a_missing_unicorn_is_told_as_one(
    monkeypatch: pytest.MonkeyPatch, missing: str, raised: type[Exception]
) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "n6prog.sim.board":
            raise ModuleNotFoundError(f"No module named {missing!r}", name=missing)
        return real(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "n6prog.sim.board", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(raised) as caught:
        probe_for("sim:nucleo-n657x0-q,state=none").open()
    assert ("needs Unicorn" in str(caught.value)) is (missing == "unicorn")
