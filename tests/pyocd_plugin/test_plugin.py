"""The plug-in, and the simulated probe as pyOCD's own aggregator finds it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pyocd")
pytest.importorskip("unicorn")

from pyocd.core import exceptions
from pyocd.core.session import Session
from pyocd.probe.aggregator import DebugProbeAggregator

from n6prog.pyocd_plugin import N6ProgPlugin
from n6prog.sim import SimBoard
from n6prog.sim.probe import SimProbe, probe_for


@pytest.mark.parametrize(
    "uid", ["sim", "sim:", "sim:nucleo-n657x0-q", "SIM:nucleo-n657x0-q", "sim:nucleo-n657x0-q,state=none"]
)
def test_the_aggregator_finds_exactly_the_simulated_board(uid: str) -> None:
    probes = DebugProbeAggregator.get_all_connected_probes(uid)
    assert [isinstance(probe, SimProbe) for probe in probes] == [True]
    assert isinstance(DebugProbeAggregator.get_probe_with_id(uid), SimProbe)


def test_nobody_sees_it_who_does_not_ask() -> None:
    assert not [probe for probe in DebugProbeAggregator.get_all_connected_probes() if isinstance(probe, SimProbe)]
    assert not [probe for probe in DebugProbeAggregator.get_all_connected_probes("0031") if isinstance(probe, SimProbe)]


def test_a_path_keeps_its_case_and_its_commas(tmp_path: Path) -> None:
    folder = tmp_path / "Big, Board"
    probe = DebugProbeAggregator.get_probe_with_id(f"sim:nucleo-n657x0-q,state={str(folder).replace(',', '%2C')}")
    _open(probe, tmp_path)
    probe.close()
    assert (folder / "nor.bin").is_file()
    again = DebugProbeAggregator.get_probe_with_id(probe.unique_id)
    _open(again, tmp_path)
    again.close()
    assert [path.name for path in tmp_path.iterdir()] == ["Big, Board"]


def _open(probe: SimProbe, folder: Path) -> None:
    probe.session = Session(
        probe, options={"target_override": "cortex_m", "no_config": True, "project_dir": str(folder)}
    )
    probe.open()


def test_a_relative_folder_is_meant_where_the_probe_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    probe = probe_for("sim:nucleo-n657x0-q,state=board")
    _open(probe, tmp_path / "there")
    probe.close()
    assert (tmp_path / "here" / "board" / "nor.bin").is_file()


@pytest.mark.parametrize("uid", ["sim:no-such-board", "sim:nucleo-n657x0-q,part=W25Q", "sim:nucleo-n657x0-q,x=1"])
def test_a_bad_spec_is_a_value_error_that_names_what_there_is(uid: str) -> None:
    with pytest.raises(ValueError, match=r"there are|keys are"):
        DebugProbeAggregator.get_probe_with_id(uid)


def test_a_board_in_use_is_a_probe_error_with_its_holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with SimBoard(state=tmp_path / "b", reason="first"):
        probe = probe_for(f"sim:nucleo-n657x0-q,state={tmp_path / 'b'}")
        with pytest.raises(exceptions.ProbeError, match="in use by process") as caught:
            _open(probe, tmp_path)
        assert caught.value.holder["reason"] == "first"
        probe.close()


def test_the_granted_clock_can_be_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with SimBoard() as board:
        probe = board.probe()
        _open(probe, tmp_path)
        probe.set_clock(10_000_000)
        assert probe.granted_clock_hz == 8_000_000
        assert probe._link.target_voltage == pytest.approx(3.29)
        assert probe._link.version_str == "V3J17M10"
        probe.close()
        assert board.powered  # a board of our own is ours to close


def test_the_board_names_its_target_by_the_size_of_its_flash() -> None:
    assert probe_for("sim:nucleo-n657x0-q,state=none").associated_board_info.target == "stm32n657x0"
    assert probe_for("sim:stm32n6570-dk,state=none").associated_board_info.target == "stm32n6570_dk"


def test_the_plugin_registers_targets_and_gives_the_probe() -> None:
    from pyocd.target import TARGET

    plugin = N6ProgPlugin()
    assert plugin.should_load()
    assert plugin.load() is SimProbe
    assert plugin.name == "sim"
    assert {"stm32n657x0", "stm32n657x0hxq"} <= set(TARGET)


@pytest.mark.parametrize("broken", ["n6prog.targets", "n6prog.sim", "n6prog.sim.probe", "n6prog.sim.spec"])
def test_broken_imports_of_ours_do_not_reach_pyocd(broken: str) -> None:
    script = (
        "import sys\n"
        "class Broken:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {broken!r}: raise RuntimeError('broken on purpose')\n"
        "sys.meta_path.insert(0, Broken())\n"
        "import pyocd\n"
        "from pyocd.probe.aggregator import DebugProbeAggregator, PROBE_CLASSES\n"
        "assert 'stlink' in PROBE_CLASSES\n"
        "assert DebugProbeAggregator.get_all_connected_probes() is not None\n"
        "from pyocd.core.exceptions import ProbeError\n"
        "try:\n"
        "    DebugProbeAggregator.get_probe_with_id('sim')\n"
        "except ProbeError as problem:\n"
        "    assert 'broken on purpose' in str(problem)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def test_loading_the_plugin_does_not_load_unicorn() -> None:
    script = "import sys, pyocd.probe.aggregator; assert 'unicorn' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
