"""`--header 2.1` and `--header 2.3`: programs without a boot header get one, everything else stays as it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from n6prog.image.types import Image, Kind
from n6prog.layout import Goal, place
from n6prog.targets.schema import Device
from tests.helpers.stm2maker import make_stm2, vectors

MakeImage = Callable[..., Image]
FSBL = vectors(0x34200000, 0x34180501, 160)
APP = vectors(0x34100000, 0x34000501, 160)
XIP = vectors(0x34100000, 0x70100501, 160)


@pytest.mark.parametrize("version", ["2.1", "2.3"])
def test_programs_linked_for_ram_go_behind_a_header(nucleo: Device, image: MakeImage, version: str) -> None:
    fsbl = image((".isr_vector", 0x34180400, FSBL), (".data", 0x34180400 + 0x300, b"data"), file="fsbl.elf")
    app = image((".isr_vector", 0x34000400, APP), file="app.elf")
    placement = place([fsbl, app], nucleo, header=version)
    assert placement.ok
    first, second = placement.flash
    joined = FSBL + bytes(0x300 - len(FSBL)) + b"data"
    assert bytes(first.data) == make_stm2(joined, version=version, type=0x10)
    assert bytes(second.data) == make_stm2(APP, version=version, type=0)
    assert [(piece.address, piece.slot, str(piece.origin)) for piece in placement.flash] == [
        (0x70000000, "fsbl", "fsbl.elf .isr_vector .data"),
        (0x70100000, "app", "app.elf .isr_vector"),
    ]
    assert {piece.change for piece in placement.flash} == {f"header {version} added"}


def test_the_header_must_fit_the_silicon_once_it_is_known(nucleo: Device, image: MakeImage) -> None:
    fsbl = image((".isr_vector", 0x34180400, FSBL))
    old = Device(nucleo.board, nucleo.nor, cut="2.1", measured=True)
    assert [item.code for item in place([fsbl], old, header="2.3").findings if item.is_error] == ["E-HDR-VERSION"]
    fitting = place([fsbl], old, header="2.1")
    assert fitting.ok
    assert fitting.findings == ()  # no word about other silicon once this one is known


@pytest.mark.parametrize(
    ("address", "program", "home"),
    [(None, FSBL, 0x70000000), (None, APP, 0x70100000), (0x70040000, FSBL, 0x70040000), (0x70100000, XIP, 0x70100000)],
)
def test_raw_programs_of_a_boot_slot_go_behind_a_header(
    nucleo: Device, image: MakeImage, address: int | None, program: bytes, home: int
) -> None:
    placement = place([image(("", address, program), file="a.bin", kind=Kind.RAW)], nucleo, header="2.3")
    assert placement.ok
    (piece,) = placement.flash
    assert piece.address == home
    assert bytes(piece.data) == make_stm2(program, type=0x10 if home < 0x70100000 else 0)


def test_what_needs_no_header_stays_as_it_is(nucleo: Device, image: MakeImage) -> None:
    xip = image((".isr_vector", 0x70100400, XIP), file="xip.elf")
    data = vectors(0x34100000, 0x71000501, 1024)  # a program, at a slot that has no header
    weights = image(("", 0x71000000, data), file="weights.raw", kind=Kind.RAW)
    signed = image(("", None, make_stm2(FSBL, version="2.1")), file="fsbl.bin", kind=Kind.STM2)
    placement = place([xip, weights, signed], nucleo, header="2.3")
    assert placement.ok
    assert [(piece.address, bytes(piece.data), piece.change) for piece in placement.flash] == [
        (0x70000000, make_stm2(FSBL, version="2.1"), ""),
        (0x70100400, XIP, ""),
        (0x71000000, data, ""),
    ]


def test_what_is_no_program_gets_no_header(nucleo: Device, image: MakeImage) -> None:
    data = image((".data", 0x34180400, 64), file="a.elf")
    assert [item.code for item in place([data], nucleo, header="2.3").findings] == ["E-HDR-NONE"]
    blob = image(("", 0x70000000, b"\x01" * 64), file="b.bin", kind=Kind.RAW)
    assert [item.code for item in place([blob], nucleo, header="2.3").findings] == ["E-HDR-NONE"]


def test_bytes_beyond_the_room_of_a_first_stage_are_not_lost(nucleo: Device, image: MakeImage) -> None:
    most = FSBL + bytes(0x7FC00 - len(FSBL))  # 511 KiB from 0x34180400 to 0x341fffff
    assert place([image((".isr_vector", 0x34180400, most))], nucleo, header="2.3").ok
    over = image((".isr_vector", 0x34180400, most + b"\x01"))
    placement = place([over], nucleo, header="2.3")
    assert not placement.ok
    assert not placement.flash


def test_a_part_of_the_file_that_is_ram_only_is_still_refused(nucleo: Device, image: MakeImage) -> None:
    fsbl = image((".isr_vector", 0x34180400, FSBL), (".itcm", 0x10000000, 64))
    assert [item.code for item in place([fsbl], nucleo, header="2.3").findings] == ["E-TCM"]


def test_for_run_nothing_is_added(nucleo: Device, image: MakeImage) -> None:
    placement = place([image((".isr_vector", 0x34180400, FSBL))], nucleo, Goal.RUN, header="2.3")
    assert [chunk.address for chunk in placement.ram] == [0x34180400]
