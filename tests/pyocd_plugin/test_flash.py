"""`pyocd load` over the resident loader: content, what lies beside it, time, and failures in pyOCD's words."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("unicorn")
import pyocd  # noqa: F401  first, so that its plug-ins load from a complete package
from pyocd.core import exceptions
from pyocd.core.session import Session
from pyocd.flash.builder import FlashBuilder
from pyocd.flash.loader import FlashLoader

from n6prog.link.session import same_directory
from n6prog.pyocd_plugin.flash import ResidentBuilder
from n6prog.sim.probe import probe_for

START = 0x7100_0000
OFFSET = START - 0x7000_0000
SIZE = 0x2_8000

Opener = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "board"


@contextmanager
def session(folder: Path, terms: str = "", **options: object) -> Iterator[Any]:
    """A session as `pyocd load -t stm32n657x0` has it."""
    probe = probe_for(f"sim:nucleo-n657x0-q,state={folder}{terms}")
    known = {"target_override": "stm32n657x0", "frequency": 8_000_000, "no_config": True}
    project = {"project_dir": str(folder.parent), "hide_programming_progress": True}
    with same_directory(), Session(probe, options=known | project | options, option_defaults=None) as opened:
        yield opened


def load(opened: Any, data: bytes, address: int = START, **how: object) -> float:
    """What `pyocd load` does once the file is read; gives the virtual seconds it took."""
    before = opened.probe.virtual_clock.now()
    loader = FlashLoader(opened, **how)
    loader.add_data(address, data)
    loader.commit()
    return float(opened.probe.virtual_clock.now() - before)


def content(folder: Path, start: int, size: int) -> bytes:
    with (folder / "nor.bin").open("rb") as file:
        file.seek(start)
        return file.read(size)


def test_the_region_of_our_target_has_the_builder_over_the_resident_loader(folder: Path) -> None:
    with session(folder) as opened:
        flash = opened.target.memory_map.get_boot_memory().flash
        assert isinstance(flash.get_flash_builder(), ResidentBuilder)


def test_content_is_there_and_bytes_beside_it_are_kept(folder: Path) -> None:
    old, new = random.Random(3).randbytes(SIZE + 0x2000), random.Random(4).randbytes(SIZE)
    with session(folder) as opened:
        load(opened, old, START - 0x1000)
        load(opened, new, START + 0x10)  # begins and ends inside a sector
    expected = old[:0x1010] + new + old[0x1010 + SIZE :]
    assert content(folder, OFFSET - 0x1000, len(old)) == expected


def test_it_takes_less_than_page_by_page(folder: Path) -> None:
    new = random.Random(5).randbytes(SIZE)
    with session(folder) as opened:
        quick = load(opened, new)
    with session(folder) as opened:
        same = load(opened, new)
    with session(folder) as opened:
        slow = load(opened, new, smart_flash=False)
    # 40 sectors: 46 clocks a word on the wire are 0.24 s; page by page they also are erased, 25 ms each
    assert quick < 0.5 < 1.0 < slow
    assert same < quick / 2  # nothing travels
    assert content(folder, OFFSET, SIZE) == new


def test_pyocd_is_told_what_was_done(folder: Path) -> None:
    with session(folder) as opened:
        flash = opened.target.memory_map.get_boot_memory().flash
        seen: list[float] = []
        info = flash.flash_block(START, list(bytes(0x3000)), True, "sector", progress_cb=seen.append)
        assert info.program_type == FlashBuilder.FLASH_SECTOR_ERASE
        assert (info.total_byte_count, info.program_byte_count, info.skipped_byte_count) == (0x3000, 0x3000, 0)
        assert (seen[0], seen[-1]) == (0.0, 1.0)
        again = flash.flash_block(START, list(bytes(0x3000)), True, "sector")
        assert (again.total_byte_count, again.program_byte_count, again.skipped_byte_count) == (0x3000, 0, 0x3000)


def test_chip_erase_goes_pyocds_way(folder: Path) -> None:
    with session(folder) as opened:
        load(opened, bytes(0x1000), START - 0x1_0000)
        load(opened, bytes(0x1000), START, chip_erase="chip")
    assert content(folder, OFFSET - 0x1_0000, 0x1000) == b"\xff" * 0x1000
    assert content(folder, OFFSET, 0x1000) == bytes(0x1000)


def test_a_failure_is_pyocds_with_our_words(folder: Path) -> None:
    with session(folder, ",fault=no-wel") as opened:
        with pytest.raises(exceptions.FlashFailure, match="E-WEL"):
            load(opened, bytes(0x1000))
        core = opened.target.selected_core_or_raise
        assert core.is_halted()
