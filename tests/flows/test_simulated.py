"""The flows on the simulated board: pyOCD, SWD, the shipped machine code, XSPI2, the NOR, and back."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

import n6prog
from n6prog.errors import FlashFailure, TargetUnreachable, VerifyMismatch
from n6prog.events import Event
from n6prog.flash_algos import LoaderImage, load_image
from n6prog.link import open_link
from n6prog.targets.schema import load_board

pytest.importorskip("unicorn")

from n6prog.sim import SimBoard

AT = 0x1000000
WHERE = 0x70000000 + AT


@dataclass
class Sim:
    """A simulated board kept in a folder; each `board()` is a new connection, as from a new process."""

    folder: Path
    name: str = "nucleo-n657x0-q"
    events: list[Event] = field(default_factory=list)

    @contextmanager
    def board(self, options: str = "", loader: LoaderImage | str | None = None) -> Iterator[n6prog.Board]:
        self.events.clear()
        probe = f"sim:{self.name},state={self.folder}{options}"
        with n6prog.connect(probe, on_event=self.events.append, loader=loader) as board:
            yield board

    def nor(self) -> bytearray:
        return bytearray((self.folder / "nor.bin").read_bytes())

    def put(self, offset: int, data: bytes) -> None:
        """Change the flash behind everybody's back."""
        with (self.folder / "nor.bin").open("r+b") as file:
            file.seek(offset)
            file.write(data)


@pytest.fixture
def sim(tmp_path: Path) -> Sim:
    return Sim(tmp_path / "board")


@pytest.fixture
def blob(tmp_path: Path) -> Path:
    """100000 bytes that begin and end inside a sector once they lie at 0x71000100."""
    path = tmp_path / "blob.bin"
    path.write_bytes(random.Random(11).randbytes(100_000))
    return path


def test_flash_fills_exactly_the_bytes_asked_for_and_a_second_run_nothing(sim: Sim, blob: Path) -> None:
    spec = f"{blob}@{WHERE + 0x100:#x}"
    with sim.board() as board:
        first = board.flash(spec)
    assert first.bytes.wanted == 100_000
    assert first.virtual_seconds is not None
    assert first.virtual_seconds > 0
    content = sim.nor()
    assert len(content) == 0x4000000
    assert content[AT + 0x100 : AT + 0x100 + 100_000] == blob.read_bytes()
    content[AT + 0x100 : AT + 0x100 + 100_000] = b"\xff" * 100_000
    assert content == b"\xff" * 0x4000000
    before = sim.nor()
    with sim.board() as board:
        second = board.flash(spec)
        assert board.read(WHERE + 0x100, 100_000) == blob.read_bytes()
        assert board.verify(spec).ok
    assert (second.bytes.sent, second.bytes.erased, second.bytes.programmed, second.bytes.skipped) == (0, 0, 0, 100_000)
    assert sim.nor() == before


@pytest.mark.parametrize("mode", ["changed", "all-touched"])
def test_bytes_that_were_not_asked_for_survive_where_sectors_must_be_erased(sim: Sim, blob: Path, mode: str) -> None:
    old = random.Random(12).randbytes(0x40000)
    with sim.board() as board:
        board.info()
    sim.put(AT, old)
    with sim.board() as board:
        report = board.flash(f"{blob}@{WHERE + 0x100:#x}", erase=mode)
    assert report.bytes.erased >= 100_000
    content = sim.nor()
    assert content[AT + 0x100 : AT + 0x100 + 100_000] == blob.read_bytes()
    assert content[AT : AT + 0x100] == old[:0x100]
    assert content[AT + 0x100 + 100_000 : AT + 0x40000] == old[0x100 + 100_000 :]


def test_chip_erase_leaves_nothing_of_what_was_there(sim: Sim, blob: Path) -> None:
    with sim.board() as board:
        board.info()
    sim.put(0x3FFFF00, b"old")
    with sim.board() as board:
        board.flash(f"{blob}@{WHERE:#x}", erase="chip")
    content = sim.nor()
    assert content[AT : AT + 100_000] == blob.read_bytes()
    assert content[AT + 100_000 :] == b"\xff" * (len(content) - AT - 100_000)
    end = json.loads(sim.events[-1].as_json())["data"]
    assert end["virtual_seconds"] > 100  # the part's chip erase takes 192 s (SFDP), of the simulator's time only


def test_erase_of_a_range_keeps_both_sides(sim: Sim) -> None:
    old = random.Random(13).randbytes(0x40000)
    with sim.board() as board:
        board.info()
    sim.put(AT, old)
    with sim.board() as board:
        board.erase([(WHERE + 0x1234, 0x2BCDE)])
    content = sim.nor()
    assert content[AT : AT + 0x1234] == old[:0x1234]
    assert content[AT + 0x1234 : AT + 0x1234 + 0x2BCDE] == b"\xff" * 0x2BCDE
    assert content[AT + 0x1234 + 0x2BCDE : AT + 0x40000] == old[0x1234 + 0x2BCDE :]


def test_verify_finds_one_flipped_bit(sim: Sim, blob: Path) -> None:
    with sim.board() as board:
        board.flash(f"{blob}@{WHERE:#x}")
    wanted = blob.read_bytes()[77_777]
    sim.put(AT + 77_777, bytes([wanted ^ 0x20]))
    with sim.board() as board, pytest.raises(VerifyMismatch) as caught:
        board.verify(f"{blob}@{WHERE:#x}")
    assert caught.value.findings[0].evidence["address"] == WHERE + 77_777


def test_the_other_board_is_recognised_by_its_flash(tmp_path: Path) -> None:
    sim = Sim(tmp_path / "board", "stm32n6570-dk")
    with sim.board() as board:
        info = board.info()
    # hw-flash 1: MX66UW1G45G, C2 81 3B, 128 MiB
    assert (info.nor, info.nor_size, info.jedec) == ("MX66UW1G45G", 0x8000000, bytes.fromhex("C2813B"))
    assert info.header == "2.3"


def test_clock_that_the_probe_granted_is_reported(sim: Sim) -> None:
    with n6prog.connect(f"sim:{sim.name},state=none", swd_clock="4M") as board:
        # ST-Link V3 steps (pyOCD STLink.get_com_freqs): 4 MHz is none of them, 3.3 MHz is the next below
        assert board.info().swd_clock_hz == board.swd_clock_hz
        assert board.swd_clock_hz is not None
        assert board.swd_clock_hz <= 4_000_000


@pytest.mark.parametrize(
    ("fault", "codes"), [("no-wel", {"E-WEL"}), ("drop-page:7", {"E-VERIFY"}), ("mute", {"E-FLASH-ID"})]
)
def test_faulty_flash_is_named(sim: Sim, blob: Path, fault: str, codes: set[str]) -> None:
    with sim.board(f",fault={fault}") as board, pytest.raises((FlashFailure, VerifyMismatch)) as caught:
        board.flash(f"{blob}@{WHERE:#x}")
    assert caught.value.code in codes


@pytest.mark.parametrize("offset", range(0, len(load_image().code), 64))
def test_damaged_image_file_is_never_run(tmp_path: Path, blob: Path, offset: int) -> None:
    shipped = load_image()
    code = bytearray(shipped.code)
    code[offset] ^= 0xFF
    (tmp_path / "n6loader.bin").write_bytes(code)
    record = {
        "sha256": shipped.digest,
        "size": len(code),
        "base": hex(shipped.base),
        "version": shipped.version,
        "entries": {name: hex(at) for name, at in shipped.entries.items()},
    }
    (tmp_path / "build.json").write_text(json.dumps(record))
    board = n6prog.connect("sim:state=none", board="nucleo-n657x0-q", loader=tmp_path / "n6loader.bin", lazy=True)
    with pytest.raises(FlashFailure) as caught:
        board.flash(f"{blob}@{WHERE:#x}")
    assert caught.value.code == "E-LOADER-DAMAGED"
    assert not board.is_open


@pytest.mark.parametrize("offset", range(0, len(load_image().code), 64))
def test_damaged_code_that_runs_never_claims_what_is_not_so(sim: Sim, tmp_path: Path, offset: int) -> None:
    """With the digest check out of the way: either the run fails, or the flash holds every byte that was asked for.

    Damage in code or data that this run does not reach cannot be seen by its result, so success is allowed there.
    """
    small = tmp_path / "small.bin"
    small.write_bytes(random.Random(14).randbytes(9_000))
    shipped = load_image()
    code = bytearray(shipped.code)
    code[offset % len(code)] ^= 0x55
    with n6prog.connect(f"sim:{sim.name},state={sim.folder}") as board:
        board.open()
    old = random.Random(15).randbytes(0x10000)
    sim.put(AT, old)
    ok = False
    try:
        with sim.board(loader=replace(shipped, code=bytes(code))) as board:
            ok = board.flash(f"{small}@{WHERE + 0x100:#x}").ok
    except (FlashFailure, VerifyMismatch, n6prog.TargetUnreachable):
        assert sim.events[-1].data["exit_code"] in (5, 6, 7)
    if ok:
        wanted = old[:0x100] + small.read_bytes() + old[0x100 + 9_000 :]
        content = sim.nor()
        assert content[AT : AT + 0x10000] == wanted


def test_core_stays_halted_after_the_probe_was_let_go(sim: Sim, blob: Path) -> None:
    with sim.board() as board:
        board.flash(f"{blob}@{WHERE:#x}", after="halt")
    counters = []
    for _ in range(2):
        probe = f"sim:{sim.name},state={sim.folder}"
        with open_link(probe, board=load_board(sim.name), connect="attach") as link:
            link.sleep(1.0)
            assert link.read32(0xE000EDF0) >> 17 & 1  # DHCSR.S_HALT
            counters.append(link.target.read_core_register("pc"))
    assert counters[0] == counters[1]
    with SimBoard(sim.name, state=sim.folder) as chip:
        assert chip.core.snapshot()["flags"]["halted"]
        assert chip.registers["pc"] == counters[0]


def test_boot_pin_that_was_moved_meanwhile_does_not_undo_a_flash_that_is_done(sim: Sim, blob: Path) -> None:
    with sim.board() as board:

        def move(event: Event) -> None:
            if event.type == "progress" and event.data["phase"] == "verify":
                board.pyocd.probe.board.boot1 = 0

        board._on_event = move
        report = board.flash(f"{blob}@{WHERE:#x}")
    assert report.ok
    assert [found.code for found in report.findings] == ["W-AFTER"]
    assert sim.nor()[AT : AT + 100_000] == blob.read_bytes()
    with pytest.raises(TargetUnreachable), sim.board() as board:  # the pin was really moved
        board.info()


def test_estimate_comes_near_what_the_flash_then_takes(sim: Sim, blob: Path) -> None:
    with sim.board() as board:
        report = board.flash(f"{blob}@{WHERE:#x}")
    assert report.virtual_seconds is not None
    # 0.1 s are connecting and starting the loader; polling and commands cost some more
    assert report.estimated_seconds == pytest.approx(report.virtual_seconds - 0.1, rel=0.3)


@pytest.mark.parametrize("phase", ["write", "verify"])
def test_what_the_tripwire_caught_fails_the_flow_in_its_last_event_as_well(sim: Sim, blob: Path, phase: str) -> None:
    with sim.board() as board:

        def trip(event: Event) -> None:
            if event.type == "progress" and (event.data["phase"], event.data["done"]) == (phase, event.data["total"]):
                board.pyocd.probe.board.tripwire.violation("an OTP fuse")
                board.pyocd.probe.board.violations()  # as if pyOCD had dropped the error of the transfer
            sim.events.append(event)

        board._on_event = trip
        with pytest.raises(FlashFailure, match="an OTP fuse") as caught:
            board.flash(f"{blob}@{WHERE:#x}")
    assert (caught.value.code, caught.value.exit_code) == ("E-SIM-TRIPWIRE", 6)
    end = sim.events[-1]
    assert (end.type, end.data["ok"], end.data["exit_code"], end.data["code"]) == ("end", False, 6, "E-SIM-TRIPWIRE")
