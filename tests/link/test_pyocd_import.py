"""pyOCD without its gdb server and the parser of debug sequences, until somebody wants one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from n6prog.link.pyocd_import import LateParser

# In a process of its own: here pyOCD is imported already.
SCRIPT = """
import lark.lark
before = vars(lark.lark.Lark)["open"]
from n6prog.link.pyocd_import import load_pyocd
load_pyocd()
assert vars(lark.lark.Lark)["open"] is before
from pyocd.debug.sequences.sequences import Parser
assert not isinstance(Parser._parser, lark.lark.Lark)
assert [child.data for child in Parser.parse("__var x = 1; x = x + 2;").children] == ["decl_stmt", "expr_stmt"]
load_pyocd()
assert isinstance(lark.lark.Lark.open.__self__, type)
"""


GDB_SERVER = """
import sys
before = list(sys.meta_path)
from n6prog.link.pyocd_import import load_pyocd
load_pyocd()
assert sys.meta_path == before
late = {"pyocd.gdbserver.gdbserver", "pyocd.probe.aggregator", "pylink"}
assert not late & set(sys.modules), late & set(sys.modules)
import pyocd
assert pyocd.gdbserver.GDBServer.__module__ == "pyocd.gdbserver.gdbserver"
from pyocd.probe.aggregator import PROBE_CLASSES
assert {"stlink", "cmsisdap"} <= set(PROBE_CLASSES)
"""

# The whole of what pyOCD's own commands import.
COMMANDS = """
from n6prog.link.pyocd_import import load_pyocd
load_pyocd()
from pyocd.gdbserver import GDBServer
from pyocd.__main__ import PyOCDTool
assert GDBServer.__init__
"""

# Options of pyOCD's drivers, which it knows once it has loaded the plug-ins of all probes.
OPTIONS = """
from n6prog.link.find import choose
from pyocd.core.options import OPTIONS_INFO
choose("sim:nucleo-n657x0-q")
assert OPTIONS_INFO["stlink.v3_prescaler"].default == 1
choose("sim:nucleo-n657x0-q,link=cmsis-dap")
assert OPTIONS_INFO["cmsis_dap.deferred_transfers"].default is True
"""


# The targets are those of the plug-in, with the flash class that `pyocd load` uses, whoever asked first.
TARGETS = """
from n6prog.link.definition import target_class
assert target_class("stm32n657x0") == "n6prog.pyocd_plugin.STM32N657", target_class("stm32n657x0")
import sys
assert "pylink" not in sys.modules
from pyocd.target import TARGET
from n6prog.pyocd_plugin.flash import ResidentFlash
assert TARGET["stm32n657x0"].FLASH_CLASS is ResidentFlash
"""


@pytest.mark.parametrize("script", [SCRIPT, GDB_SERVER, COMMANDS, OPTIONS, TARGETS])
def test_what_comes_late_is_there_all_the_same(script: str) -> None:
    run = subprocess.run((sys.executable, "-c", script), check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_a_parser_is_made_once_and_late() -> None:
    made: list[str] = []
    late = LateParser(lambda: made.append("one") or "text")
    assert not made
    assert late.upper() == "TEXT"
    assert late.lower() == "text"
    assert made == ["one"]
