"""The pyOCD target: a debugger's reads of the flash window never hang the bus."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("unicorn")

import pyocd  # noqa: F401
from pyocd.core import exceptions

from n6prog.link import Link, open_link
from n6prog.targets import chip
from n6prog.targets.schema import load_board

SIM = "sim:nucleo-n657x0-q,state=none"
MARK = bytes(range(64))


def connect(extra: str = "", mode: str = "auto") -> Link:
    link = open_link(SIM + extra, board=load_board("nucleo-n657x0-q"), connect=mode)
    nor(link)[0x1000 : 0x1000 + len(MARK)] = MARK
    return link


def nor(link: Link) -> Any:
    return link.session.probe.board.nor.content


@pytest.fixture
def link() -> Iterator[Link]:
    with connect() as opened:
        yield opened


def alive(link: Link) -> bool:
    return link.read32(chip.REVISION_WORDS[0]) == 0x200


def read_window(link: Link) -> bytes:
    return bytes(link.target.read_memory_block8(0x7000_1000, len(MARK)))


def test_the_window_can_be_read_right_after_connecting(link: Link) -> None:
    assert read_window(link) == MARK
    assert alive(link)


def test_the_window_can_be_read_after_every_kind_of_reset(link: Link) -> None:
    for kind in ("system", "pin"):
        link.reset(kind)
        assert read_window(link) == MARK
    link.reset(halt=True)
    assert read_window(link) == MARK


def test_words_halfwords_and_bytes_are_answered_too(link: Link) -> None:
    assert link.target.read32(0x7000_1004) == struct.unpack_from("<I", MARK, 4)[0]
    link.reset()
    assert link.target.read16(0x7000_1006) == 0x0706
    link.reset()
    assert link.target.read8(0x7000_1009) == 9
    link.reset()
    assert list(link.target.read_memory_block32(0x7000_1000, 2)) == list(struct.unpack_from("<2I", MARK))


def test_bringing_the_port_up_leaves_ram_and_registers_as_they_were(link: Link) -> None:
    names = [*range(17), "msplim_s", "psplim_s", "cfbp"]
    pattern = bytes(range(256)) * 128
    link.write(chip.LOADER_BASE, pattern)
    link.halt()
    before = link.target.read_core_registers_raw(names)
    assert read_window(link) == MARK
    assert link.read(chip.LOADER_BASE, len(pattern)) == pattern
    assert link.target.read_core_registers_raw(names) == before


def test_a_running_boot_rom_runs_on_afterwards() -> None:
    with connect(mode="attach") as link:
        assert read_window(link) == MARK
        assert link.target.is_running()
        link.halt()
        assert chip.BOOT_ROM <= link.target.read_core_register("pc") < chip.BOOT_ROM + chip.BOOT_ROM_SIZE


def test_where_firmware_has_the_core_its_port_is_left_alone(link: Link) -> None:
    link.write(0x3400_0000, b"\xfe\xe7")  # b .
    link.halt()
    link.target.write_core_register("pc", 0x3400_0000)
    link.resume()
    with pytest.raises(exceptions.TransferFaultError):
        read_window(link)
    assert alive(link)
    link.halt()
    assert link.target.read_core_register("pc") == 0x3400_0000


def test_a_flash_that_does_not_answer_is_a_fault_and_not_a_hang() -> None:
    with connect(",fault=mute") as link:
        for _ in range(2):
            with pytest.raises(exceptions.TransferFaultError):
                read_window(link)
            assert alive(link)


@pytest.mark.parametrize("address", [0x8000_0000, 0x9000_0000, 0x6000_0000, 0x343C_0000, 0x3440_0000])
def test_windows_that_nobody_mapped_are_a_fault_and_not_a_hang(link: Link, address: int) -> None:
    with pytest.raises(exceptions.TransferFaultError):
        link.target.read32(address)
    with pytest.raises(exceptions.TransferFaultError):
        link.target.write32(address, 0)
    assert alive(link)


def test_syscfg_is_answered_by_switching_its_clock_on(link: Link) -> None:
    assert link.target.read32(chip.SYSCFG_BOOTSR) & 2  # BOOT1 = 1
    assert alive(link)


def test_axisram3_is_switched_on_by_the_first_access(link: Link) -> None:
    link.write(0x3420_0000, b"n6!!")
    assert link.read(0x3420_0000, 4) == b"n6!!"


def test_debug_stays_alive_in_low_power_and_watchdogs_stand_still(link: Link) -> None:
    target = link.target
    assert target.read_ap0(chip.AP0_DBGMCU_CR) & 7 == 7
    assert target.read_ap0(chip.AP0_DBGMCU_APB4FZ1) & 1 << 18
    assert target.read_ap0(chip.AP0_DBGMCU_APB1LFZ1) & 1 << 11


def test_pyocds_flash_code_runner_waits_in_virtual_time_and_sees_a_lockup(link: Link) -> None:
    flash = link.target.memory_map.get_region_for_address(0x7000_0000).flash
    start = link.now()
    flash.init(flash.Operation.ERASE)
    flash.erase_all()
    flash.cleanup()
    assert 190 < link.now() - start < 250  # a chip erase of 64 MiB takes 192 s by SFDP
    assert set(nor(link)[0x1000:0x1040]) == {0xFF}
    flash.init(flash.Operation.ERASE)
    link.write(chip.LOADER_BASE + 0x40, b"\x00\xde" * 0x400)  # udf; no handler can be fetched from 0xFFFFFFF0
    link.target.write32(0xE000_ED08, 0xFFFF_FF80)
    with pytest.raises(exceptions.FlashFailure):
        flash.erase_sector(0x7000_0000)


def run_pyocd(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    pyocd_tool = Path(sys.executable).with_name("pyocd")
    environment = {**os.environ, "PYOCD_PROJECT_DIR": str(cwd)}
    return subprocess.run(
        [pyocd_tool, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.e2e
@pytest.mark.parametrize("name", ["stm32n657x0", "stm32n657x0hxq", "stm32n6570_dk"])
def test_plain_pyocd_knows_the_targets(tmp_path: Path, name: str) -> None:
    listed = run_pyocd("list", "--targets", cwd=tmp_path)
    assert listed.returncode == 0
    assert f"  {name} " in listed.stdout


@pytest.mark.e2e
def test_plain_pyocd_loads_reads_and_erases(tmp_path: Path) -> None:
    image, board = tmp_path / "fw.bin", tmp_path / "board"
    image.write_bytes(bytes((7 * i) & 0xFF for i in range(10_000)))
    common = ("-t", "stm32n657x0", "-u", f"sim:nucleo-n657x0-q,state={board}")
    done = run_pyocd("load", *common, f"{image}@0x70010000", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    content = (board / "nor.bin").read_bytes()
    assert content[0x1_0000 : 0x1_0000 + 10_000] == image.read_bytes()
    assert set(content[:0x1_0000]) == {0xFF}
    # Right after connecting: read twice, to see that the first did not kill AP1.
    done = run_pyocd("commander", *common, "-c", "read32 0x70010000", "-c", "read32 0x70010004", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "150e0700" in done.stdout  # bytes 00 07 0e 15
    assert "312a231c" in done.stdout
    done = run_pyocd("erase", *common, "-s", "0x70010000+0x1000", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    content = (board / "nor.bin").read_bytes()
    assert set(content[0x1_0000:0x1_1000]) == {0xFF}
    assert content[0x1_1000 : 0x1_0000 + 10_000] == image.read_bytes()[0x1000:]
