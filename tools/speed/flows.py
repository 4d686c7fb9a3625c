"""The ways to flash that are compared: n6prog's command line, stock pyOCD, an ST external loader's order of things.

All run on the same simulated board, with the same on-chip code for the NOR where they call one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from speed.cases import AT, BLOCK, BOARD, SECTOR, SIZE, Case

PYOCD_PAGE_TARGET = "stm32n657x0_speed"


def ours(case: Case, link: str, folder: Path) -> float:
    """`n6prog flash`, whole: from connecting until all is verified."""
    files: list[str] = [str(file) for file in case.files]
    if case.wanted is not None:
        image = folder / "wanted.bin"
        image.write_bytes(case.wanted)
        files = [f"{image}@{AT:#x}"]
    command = [str(Path(sys.executable).with_name("n6prog")), "flash", *files, "--json", "--no-progress"]
    command += ["-f", f"{case.clock_hz // 1000}k", "--probe", _spec(link, folder)]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(json.loads(out.splitlines()[-1])["data"]["virtual_seconds"])


def pyocd_4k(case: Case, link: str, folder: Path) -> float:
    """pyOCD's FileProgrammer with our classic algorithm as it ships: pages and sectors of 4 KiB."""
    return _pyocd(case, link, folder, page=SECTOR, sector=SECTOR)


def pyocd_64k(case: Case, link: str, folder: Path) -> float:
    """The same with pages and erases of 64 KiB."""
    return _pyocd(case, link, folder, page=BLOCK, sector=BLOCK)


def external_loader(case: Case, link: str, folder: Path) -> float:
    """Per 64 KiB: erase, send, write in one call, nothing at the same time; then read all back over SWD and compare."""
    from n6prog.flash_algos.mailbox import LOADER_BUFFER, LOADER_STACK_TOP
    from n6prog.link import open_link
    from n6prog.loader import ClassicLoader, load
    from n6prog.targets import schema

    assert case.wanted is not None
    image = load()
    board = schema.load_board(BOARD)
    with open_link(_spec(link, folder), swd_clock=case.clock_hz, board=board) as wire:
        loader = ClassicLoader(wire, board, None, image)
        loader.open()
        for at in range(0, SIZE, BLOCK):
            address = AT + at
            loader.erase(address - 0x7000_0000, BLOCK)
            wire.write(LOADER_BUFFER, case.wanted[at : at + BLOCK])
            arguments = (address, BLOCK, LOADER_BUFFER)
            status = wire.call(
                image.entries["ProgramPage"],
                *arguments,
                stack=LOADER_STACK_TOP,
                timeout=10.0,
                expect=0.05,
                name="write",
            )
            if status:
                raise RuntimeError(f"ProgramPage({address:#x}) gave {status}")
        loader.close()
        if wire.read(AT, SIZE) != case.wanted:
            raise RuntimeError("read back wrong")
        seconds = wire.virtual_seconds()
    assert seconds is not None
    return seconds


def _spec(link: str, folder: Path) -> str:
    return f"sim:{BOARD},state={folder},link={link}"


def _pyocd(case: Case, link: str, folder: Path, *, page: int, sector: int) -> float:
    from pyocd.flash.file_programmer import FileProgrammer

    assert case.wanted is not None
    image = folder / "wanted.bin"
    image.write_bytes(case.wanted)
    with _session(link, folder, case.clock_hz, page, sector) as session:
        FileProgrammer(session).program(str(image), file_format="bin", base_address=AT)
        return float(session.probe.virtual_clock.now())


@contextmanager
def _session(link: str, folder: Path, clock_hz: int, page: int, sector: int) -> Iterator[Any]:
    """A pyOCD session as `pyocd load` makes it, on our target with other sizes in its flash region."""
    import pyocd  # noqa: F401  first, so that its plug-ins load from a complete package
    from pyocd.core.session import Session
    from pyocd.target import TARGET

    from n6prog.link.session import same_directory
    from n6prog.sim.probe import probe_for

    TARGET[PYOCD_PAGE_TARGET] = _target(page, sector)
    options = {
        "target_override": PYOCD_PAGE_TARGET,
        "frequency": clock_hz,
        "no_config": True,
        "project_dir": str(Path(__file__).parent),
        "hide_programming_progress": True,
    }
    with same_directory(), Session(probe_for(_spec(link, folder)), options=options, option_defaults=None) as session:
        yield session


def _target(page: int, sector: int) -> type[Any]:
    """Our target; the flash region's pages and sectors as given, pages in two buffers as before."""
    from n6prog.flash_algos.mailbox import LOADER_BUFFER, LOADER_TABLE
    from n6prog.targets import chip
    from n6prog.targets.stm32n657 import STM32N657, XSPI2Flash

    class LargeErase(XSPI2Flash):
        """EraseSector for 64 KiB: our entry for ranges, in the place of the classic one that erases 4 KiB."""

        def erase_sector(self, address: int) -> None:
            from n6prog.flash_algos import load_image

            if sector == SECTOR:
                super().erase_sector(address)
                return
            entry = load_image().entries["n6_erase"]
            result = self._call_function_and_wait(entry, address - chip.XSPI2_BASE, sector, timeout=10.0)
            if result:
                raise RuntimeError(f"erase of {address:#x} gave {result}")

    class Target(STM32N657):
        """The variant."""

        def __init__(self, session: Any) -> None:
            super().__init__(session)
            region = self.memory_map.get_region_for_address(chip.XSPI2_BASE)
            assert region is not None
            algo = dict(region.algo, page_size=page, page_buffers=[LOADER_BUFFER, LOADER_TABLE])
            weight = {SECTOR: 0.025, BLOCK: 0.256}[sector]
            changes = {"algo": algo, "page_size": page, "sector_size": sector, "flash_class": LargeErase}
            changes |= {"erase_sector_weight": weight, "program_page_weight": page / 256 * 152e-6}
            fresh = region.clone_with_changes(**changes)
            self.memory_map.remove_region(region)
            self.memory_map.add_region(fresh)

    return Target
