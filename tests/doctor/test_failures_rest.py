"""Entries of the table that no F-number names, provoked on the simulated board through the command line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from n6prog.cli import main
from n6prog.flash_algos.mailbox import LOADER_BUFFER, OP_READ, SERVICE_STATE
from n6prog.loader import ring
from n6prog.sim.core.bus import HostBus
from n6prog.targets.chip import LOADER_BASE

from .conftest import Case
from .test_failures_flash import NO_XSPI_CLOCK, dirty, mended


def test_no_probe_at_all(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("n6prog.link.find._plugged_in", list)
    assert main(["doctor"]) == 3
    told = capsys.readouterr()
    assert "error E-NO-PROBE" in told.err
    assert "Without a board: --probe sim" in told.err
    assert "no connection to the chip (E-NO-PROBE)" in told.out


def test_another_chip_is_told_by_its_device_number(case: Case) -> None:
    done = case.flash(faults="wrong-chip:484")
    assert done.code == 5
    assert "DEV_ID 0x484, not 0x486" in done.findings["E-WRONG-CHIP"]["text"]
    mended(case)


def test_a_part_in_no_table_without_tables_of_its_own_is_refused(case: Case) -> None:
    done = case.flash(faults="wrong-id:c22539+no-sfdp")
    seen = case.doctor(faults="wrong-id:c22539+no-sfdp")
    assert done.code == 6
    assert done.findings["E-NOR-UNKNOWN"]["evidence"]["rdid"] == "C2 25 39"
    assert "not usable" in seen.checks["SFDP"]["says"]
    mended(case)


@pytest.mark.parametrize("options", [(), ("--loader", "classic")])
def test_a_loader_that_does_not_lie_in_ram_as_sent_is_not_started(
    case: Case, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    """One cell of the RAM turns a bit over, however often it is written."""
    cell = LOADER_BASE + 0x1235
    real = HostBus.write

    def write(bus: HostBus, address: int, data: bytes | memoryview, width: int = 4) -> None:
        if address <= cell < address + len(data):
            data = bytearray(data)
            data[cell - address] ^= 0x10
        real(bus, address, bytes(data), width)

    with monkeypatch.context() as patch:
        patch.setattr(HostBus, "write", write)
        done = case.flash(case.file, *options)
    found = done.findings["E-LOADER-RAM"]
    assert done.code == 6
    assert (found["evidence"]["address"], found["evidence"]["count"]) == (cell, 1)
    assert found["evidence"]["wrote"] ^ found["evidence"]["read"] == 0x10
    assert "the flash was not touched" in found["not_this"]
    assert "slower SWD clock" in found["cure"]
    mended(case)


def test_a_loader_that_arrives_damaged_once_is_sent_again(case: Case) -> None:
    done = case.flash(faults="double-flip@#3500")
    assert done.code == 0
    assert case.run("verify", case.file).code == 0


def test_bytes_that_arrive_damaged_are_told_by_their_digest(
    case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The wire carries the digests right, and one bit of each buffer wrong."""
    real = HostBus.read

    def read(bus: HostBus, address: int, length: int, width: int = 4) -> bytes:
        found = real(bus, address, length, width)
        if address <= LOADER_BUFFER < address + length:
            place = LOADER_BUFFER - address
            found = found[:place] + bytes([found[place] ^ 1]) + found[place + 1 :]
        return found

    with monkeypatch.context() as patch:
        patch.setattr(HostBus, "read", read)
        done = case.run("read", "0x71000000+64K", "-o", tmp_path / "x.bin")
    assert done.code == 6
    assert done.findings["E-READ"]["evidence"]["address"] == 0x7100_0000
    assert "slower SWD clock" in done.findings["E-READ"]["cure"]
    assert "the flash content may well be right" in done.findings["E-READ"]["not_this"]
    assert not (tmp_path / "x.bin").exists()
    mended(case)


def test_a_neighbour_that_changes_meanwhile_is_told(case: Case) -> None:
    dirty(case)
    done = case.flash(faults="poke@235ms:0x71005000=00*16")
    found = done.findings["E-NEIGHBOUR"]
    assert (done.code, found["evidence"]["address"]) == (7, 0x7100_5000)
    mended(case)


def test_a_core_that_does_not_halt_is_told_where_no_reset_is_wanted(case: Case) -> None:
    dirty(case)
    assert case.flash(faults=NO_XSPI_CLOCK.format("220ms")).end["code"] == "E-LOADER-STUCK"
    done = case.flash(case.file, "--connect", "halt")
    assert done.code == 5
    assert "--connect under-reset" in done.findings["E-NO-HALT"]["cure"]
    mended(case)  # a plain flash resets by itself


@pytest.mark.parametrize(("faults", "code"), [("flip:1e-3", "E-SWD-CLOCK"), ("lost:1e-2", "E-CONNECT")])
def test_a_wire_that_spoils_reads_at_every_clock(case: Case, faults: str, code: str) -> None:
    done = case.flash(faults=faults)
    assert done.code == 5
    assert done.findings[code]["evidence"]["reason"]
    mended(case)


def test_a_read_that_the_loader_refuses_is_told_with_its_status(
    case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The job arrives with another count than was sent: more than the part has."""

    def wire(order: ring.Order, number: int) -> tuple[int, bytes]:
        job = order.descriptor
        count = job.count ^ (1 << 30 if job.op == OP_READ else 0)
        return ring.wire(replace(order, descriptor=replace(job, count=count)), number)

    with monkeypatch.context() as patch:
        patch.setattr("n6prog.loader.service.wire", wire)
        done = case.run("read", "0x71000000+64K", "-o", tmp_path / "x.bin")
    assert done.code == 6
    found = done.findings["E-LOADER-STATUS"]
    assert found["evidence"]["address"] == 0x7100_0000
    assert "misaligned, out of range or forbidden" in found["evidence"]["name"]
    assert "report it with --log FILE" in found["cure"]
    assert not (tmp_path / "x.bin").exists()
    mended(case)


def test_a_loader_that_says_done_and_did_nothing_is_found_out(case: Case) -> None:
    """Its code is replaced by `movs r0, #0; bx lr` while it is opened: every entry returns OK at once."""
    dirty(case)
    done = case.flash(case.file, "--loader", "classic", faults=f"poke@135ms:{LOADER_BASE + 4:#x}=00207047*2048")
    assert done.code == 6
    assert "says open at 0x70000000 is done, and left no result" in done.findings["E-LOADER-ANSWER"]["text"]
    mended(case)


@pytest.mark.parametrize("moment", ["200ms", "250ms"])
def test_a_service_whose_state_was_overwritten_is_told(case: Case, moment: str) -> None:
    """Another debugger, or DMA of a program that ran before, writes over the words by which it is known."""
    dirty(case)
    done = case.flash(faults=f"poke@{moment}:{SERVICE_STATE:#x}=00*12")
    assert done.code == 6
    found = done.findings["E-LOADER-ANSWER"]
    assert "damaged or was overwritten" in found["cure"]
    assert set(done.findings) == {"E-LOADER-ANSWER", "W-DOUBT"}
    mended(case)


def test_an_erased_flash_that_is_not_blank_is_told(case: Case) -> None:
    """The erase of the whole chip is over (after 190 s), and somebody programs where the check comes last."""
    done = case.run("erase", "--chip", faults="poke@194s:0x73f00000=00")
    found = done.findings["E-NOT-BLANK"]
    assert (done.code, found["evidence"]["address"], found["evidence"]["count"]) == (7, 0x73F0_0000, 1)
    mended(case)
