"""The same board behind either simulated probe: the same flows, the same bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.cli import BOARD, expected_nor, n6prog, same
from tests.helpers.files import DEMO_ELF, elf_pieces

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(("first", "second"), [("cmsis-dap", "stlink"), ("stlink-633k", "cmsis-dap")])
def test_what_one_probe_flashed_the_other_verifies(tmp_path: Path, first: str, second: str) -> None:
    folder = tmp_path / "board"
    spec = f"sim:{BOARD},state={folder},link="
    done = n6prog("flash", DEMO_ELF, "--probe", spec + first)
    assert done.code == 0, done.text
    same((folder / "nor.bin").read_bytes(), expected_nor(elf_pieces(DEMO_ELF)))
    again = n6prog("verify", DEMO_ELF, "--probe", spec + second)
    assert again.code == 0, again.text
    read = n6prog("read", "0x70100400+1K", "-o", tmp_path / "back.bin", "--probe", spec + first)
    assert read.code == 0, read.text
    assert (tmp_path / "back.bin").read_bytes() == (folder / "nor.bin").read_bytes()[0x100400:0x100800]


@pytest.mark.parametrize(("link", "asked", "granted"), [("cmsis-dap", "5M", 5_000_000), ("stlink", "5M", 3_300_000)])
def test_the_clock_in_force_is_the_one_the_probe_grants(link: str, asked: str, granted: int) -> None:
    # CMSIS-DAP gives any clock; ST-Link V3 rounds down to a step (sim.md 5)
    done = n6prog("info", "--json", "--swd-clock", asked, "--probe", f"sim:{BOARD},state=none,link={link}")
    assert done.code == 0, done.text
    assert done.end["info"]["swd_clock_hz"] == granted  # type: ignore[index]


@pytest.mark.parametrize("link", ["stlink", "cmsis-dap"])
@pytest.mark.parametrize(("fault", "code"), [("unplug@10ms", "E-LINK-LOST"), ("hang@10ms", "E-PROBE-HUNG")])
def test_a_probe_that_is_lost_is_told_as_one(link: str, fault: str, code: str) -> None:
    done = n6prog("flash", DEMO_ELF, "--probe", f"sim:{BOARD},state=none,link={link},fault={fault}")
    assert done.code == 5, done.text
    assert code in done.text


def test_packets_under_way_take_the_same_virtual_time_twice() -> None:
    runs = [n6prog("info", "--json", "--probe", f"sim:{BOARD},state=none,link=cmsis-dap") for _ in range(2)]
    times = [run.end["virtual_seconds"] for run in runs]
    assert times[0] == times[1]
    assert isinstance(times[0], float)
