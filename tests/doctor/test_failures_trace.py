"""What the boot ROM's trace tells the doctor, on boards that booted so (users.md F05, F65, F67, F82)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from n6prog.sim import SimBoard
from n6prog.targets import chip
from tests.helpers.stm2maker import make_stm2, vectors
from tests.sim.bootrom.conftest import ENCRYPTION, PADDING, make_image

from .conftest import Case, Outcome
from .test_trace import record

FIRST, SECOND = 0x0, 0x4_0000
TRACE = 0x3410_37F0
OPEN_AP1 = bytes.fromhex("0148 B421 0160 FEE7 909E0056")  # ldr r0, =BSEC_AP_UNLOCK; movs r1, #0xB4; str; b .
LOOP = b"\xfe\xe7"  # b .


def stage(code: bytes = LOOP, **options: Any) -> bytes:
    """A first stage that starts with `code`."""
    return make_stm2(vectors(0x3420_0000, 0x3418_0441) + code, **options)


def flash_boot(case: Case, content: dict[int, bytes]) -> None:
    """The board was powered with both BOOT pins at 0 and this in its flash."""
    with case.board(boot1=0) as board:
        fill(board, content)
        board.power_cycle()
        settle(board)


def fill(board: SimBoard, content: dict[int, bytes]) -> None:
    for offset, data in content.items():
        board.nor.content[offset : offset + len(data)] = data


def settle(board: SimBoard) -> None:
    board.host.advance(2 * 10**11)
    board.catch_up()


def warm_reset_with_debug_open(case: Case, before_reset: Callable[[SimBoard], None]) -> None:
    """A first stage opened debug, which lasts until the power goes (hw-soc 1.6); then the reset button was pressed."""
    powered = case.board(boot1=0)
    powered.facts = replace(powered.facts, flash_boot_opens_ap1=False)
    with powered as board:
        fill(board, {FIRST: stage(OPEN_AP1)})
        board.power_cycle()
        settle(board)
        assert board.ap1_open()
        before_reset(board)
        board.drive_reset(True)
        board.drive_reset(False)
        settle(board)
        assert board.ap1_open()


def traced(done: Outcome) -> dict[str, Any]:
    check: dict[str, Any] = done.checks["boot trace"]
    return check


def test_development_boot_is_told_by_the_roms_own_records(case: Case) -> None:
    check = traced(case.doctor())
    assert (check["verdict"], check["says"]) == ("ok", "development boot; life cycle open; debug open")
    assert check["evidence"]["records"] == 4
    assert "inferred" not in check["evidence"]


def test_f65_a_second_copy_that_runs_for_a_spoilt_first_is_told_while_it_runs(case: Case) -> None:
    flash_boot(case, {FIRST: bytes(0x1000), SECOND: stage()})
    done = case.doctor()
    check = traced(done)
    assert done.checks["core"]["evidence"]["owner"] == "a program"
    assert done.checks["images"]["verdict"] == "not checked"  # the trace is all that tells
    assert check["verdict"] == "warn"
    assert check["evidence"]["boot"] == "boot from NOR"
    assert check["evidence"]["copy 1"] == "refused: it does not start with STM2"
    assert check["evidence"]["copy 2"] == "started"
    assert "by the order of the records" in check["evidence"]["inferred"]
    assert "(copies by the order of the records)" in check["says"]
    found = done.findings["W-TRACE-REFUSED"]
    assert (found["evidence"]["copy"], found["evidence"]["trace_codes"]) == ("copy 1", "0x1d000002")
    assert "STM32_SigningTool_CLI -align" in found["cure"]
    assert case.flash(options=",boot1=1").code == 0


def test_f73_a_body_that_does_not_sum_up_and_starts_all_the_same_is_not_called_refused(case: Case) -> None:
    flash_boot(case, {FIRST: stage(checksum=1)})
    done = case.doctor()
    assert traced(done)["evidence"]["copy 1"] == "started, though its checksum is wrong"
    assert "W-TRACE-REFUSED" not in done.findings


def test_f67_both_copies_refused_are_told_with_their_reasons(case: Case) -> None:
    def spoil(board: SimBoard) -> None:
        fill(board, {FIRST: stage(version="2.1"), SECOND: stage(entry=0x3418_0440)})

    warm_reset_with_debug_open(case, spoil)
    done = case.doctor()
    evidence = traced(done)["evidence"]
    assert evidence["copy 1"] == "refused: its header version is not the one of this silicon"
    assert evidence["copy 2"] == "refused: its entry point is out of range"
    told = [found for found in done.end["findings"] if found["code"] == "W-TRACE-REFUSED"]
    assert [found["evidence"]["copy"] for found in told] == ["copy 1", "copy 2"]
    assert done.checks["boot mode"]["says"].startswith("flash boot")
    assert case.flash(options=",boot1=1").code == 0


def test_f05_serial_boot_is_told_by_the_trace_where_debug_is_still_open(case: Case) -> None:
    warm_reset_with_debug_open(case, lambda board: setattr(board, "boot0", 1))
    done = case.doctor()
    found = done.findings["W-TRACE-SERIAL"]
    assert "0x1020" in found["evidence"]["codes"]
    assert "For flashing set BOOT1 to 1" in found["cure"]
    assert done.checks["boot mode"]["says"].startswith("serial boot")
    assert case.flash(options=",boot1=1").code == 0


def test_f05_where_debug_is_closed_the_trace_is_not_checked_and_it_says_why(case: Case) -> None:
    with case.board(boot1=0) as board:
        board.boot0 = 1
        board.power_cycle()
    done = case.doctor()
    assert done.code == 5
    check = traced(done)
    assert check["verdict"] == "not checked"
    assert check["says"] == "no connection to the chip (E-AP1-CLOSED): the trace is in RAM, behind AP1"


def test_f82_an_image_that_wants_keys_which_the_chip_has_not_is_told_as_that(case: Case) -> None:
    wants_key = make_image(flags=0x8000_0002, extensions=((ENCRYPTION, 32), (PADDING, 0x180)))
    flash_boot(case, {FIRST: wants_key, SECOND: stage()})
    done = case.doctor()
    found = done.findings["W-TRACE-KEYS"]
    assert (found["evidence"]["copy"], found["evidence"]["refusal"]) == ("copy 1", "it cannot be decrypted")
    assert found["evidence"]["trace_codes"] == "0x2c00010d"
    assert "keys in this chip's fuses" in found["cure"]
    assert case.flash(options=",boot1=1").code == 0


@pytest.mark.parametrize(
    ("codes", "life", "debug"),
    [((0x28, 0x92, 0x65), "closed, locked", "open"), ((0x25, 0x92, 0x66), "closed, unlocked", "locked")],
)
def test_f82_a_locked_chip_is_told_by_its_trace(case: Case, codes: tuple[int, ...], life: str, debug: str) -> None:
    """The simulated part is open for good: this is the trace that a locked one leaves, by the published codes."""
    write_trace(case, b"".join(record(code, time=at) for at, code in enumerate(codes)))
    done = case.doctor()
    found = done.findings["W-TRACE-LOCKED"]
    assert (found["evidence"]["traced_life_cycle"], found["evidence"]["traced_debug"]) == (life, debug)
    assert "n6prog cannot help" in found["cure"]
    assert "0x0D alone" in found["not_this"]


def test_f38_a_flash_that_did_not_answer_the_rom_is_told_as_that(case: Case) -> None:
    """The simulated ROM never waits for ever where a NOR is fitted: these are the published codes of one that did."""
    write_trace(case, b"".join(record(code, time=at) for at, code in enumerate((0x1024, 0x8000_0001, 0x8000_0009))))
    found = case.doctor().findings["W-TRACE-SILENT"]
    assert (found["evidence"]["copy"], found["evidence"]["trace_codes"]) == ("copy 1", "0x80000009")
    assert "unplug and replug the power" in found["cure"]


def write_trace(case: Case, data: bytes) -> None:
    """What a boot could have left in place of what this one did."""
    with case.link("attach") as link:
        link.write(TRACE, data.ljust(2048, b"\0"))


@pytest.mark.parametrize(("data", "foreign"), [(bytes(2048), 0), (b"\xa5" * 2048, 2048)])
def test_ram_that_was_used_since_is_no_trace(case: Case, data: bytes, foreign: int) -> None:
    write_trace(case, data)
    check = traced(case.doctor())
    assert (check["verdict"], check["findings"]) == ("not checked", [])
    assert "a program has used that RAM since" in check["says"]
    assert check["evidence"]["foreign_bytes"] == foreign


def test_a_trace_that_is_partly_overwritten_is_told_as_that(case: Case) -> None:
    with case.link("attach") as link:
        link.write(TRACE + 1024, struct.pack("<4I", 1, 2, 3, 4))
    check = traced(case.doctor())
    assert check["evidence"]["foreign_bytes"] == 16
    assert check["says"] == "development boot; life cycle open; debug open, part of it is overwritten"


def test_ram_that_was_switched_off_is_not_read(case: Case) -> None:
    with case.link("attach") as link:
        link.write32(chip.RCC + 0x124C, 1 << 8)  # RCC_MEMENCR: AXISRAM2
    check = traced(case.doctor())
    assert (check["verdict"], check["says"]) == ("not checked", "AXISRAM2, where the trace is, was switched off")


def test_the_trace_stays_as_it_is(case: Case) -> None:
    def ram() -> bytes:
        with case.link("attach") as link:
            return link.read(0x3410_0000, 0x8000)

    before = ram()
    assert traced(case.doctor())["verdict"] == "ok"
    assert ram() == before


def test_the_non_secure_buffer_is_read_too_where_no_program_runs(case: Case) -> None:
    with case.link("attach") as link:
        link.write(0x2410_77F0, record(0x97, time=1) + bytes(12))
    assert "0x97" in traced(case.doctor())["evidence"]["codes"].split()
