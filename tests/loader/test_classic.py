"""The called loader against a chip made by hand: what it sends, what it believes, what it refuses to believe."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from n6prog.errors import FlashFailure, TargetUnreachable
from n6prog.flash_algos import load_image
from n6prog.flash_algos.mailbox import Status
from n6prog.loader import ClassicLoader
from n6prog.plan.types import Block
from n6prog.targets import schema
from tests.helpers.fake_chip import IMAGE, SECTOR, FakeLink, number

BOARD = schema.load_board("nucleo-n657x0-q")


def opened(link: FakeLink) -> ClassicLoader:
    loader = ClassicLoader(link, BOARD, image=IMAGE)  # type: ignore[arg-type]
    loader.open()
    return loader


def test_open_prepares_the_core_checks_the_code_in_ram_and_identifies() -> None:
    link = FakeLink()
    identity = ClassicLoader(link, BOARD, image=IMAGE).open()  # type: ignore[arg-type]
    assert link.log == ["prepare"]
    assert link.read(IMAGE.base, len(IMAGE.code)) == IMAGE.code
    assert identity.jedec == bytes.fromhex("C2803A")
    assert identity.sfdp[:4] == b"SFDP"
    assert link.nor_setup.size == 0x4000000


def test_code_that_does_not_read_back_is_not_started() -> None:
    link = FakeLink()
    write = link.write

    def flip(address: int, data: bytes) -> None:
        write(address, data)
        link.ram[address - 0x34000000 + 0x41] ^= 0x10

    link.write = flip  # type: ignore[method-assign]
    with pytest.raises(FlashFailure) as caught:
        opened(link)
    assert caught.value.code == "E-LOADER-RAM"
    assert caught.value.findings[0].evidence["address"] == IMAGE.base + 0x41
    assert link.calls == []


def test_damaged_image_file_is_named_with_both_digests(tmp_path: Path) -> None:
    shipped = load_image()
    code = bytearray(shipped.code)
    code[64] ^= 1
    (tmp_path / "n6loader.bin").write_bytes(code)
    record = {"sha256": shipped.digest, "size": len(code), "base": hex(shipped.base), "version": shipped.version}
    record["entries"] = {name: hex(at) for name, at in shipped.entries.items()}
    (tmp_path / "build.json").write_text(json.dumps(record))
    with pytest.raises(FlashFailure) as caught:
        ClassicLoader(FakeLink(), BOARD, image=tmp_path / "n6loader.bin")  # type: ignore[arg-type]
    assert caught.value.code == "E-LOADER-DAMAGED"
    assert shipped.digest in str(caught.value)
    assert caught.value.exit_code == 6


def test_image_of_another_mailbox_version_is_refused() -> None:
    with pytest.raises(FlashFailure, match=r"99\.0"):
        ClassicLoader(FakeLink(), BOARD, image=replace(IMAGE, version="99.0"))  # type: ignore[arg-type]


def test_missing_image_file_is_a_finding() -> None:
    with pytest.raises(FlashFailure) as caught:
        ClassicLoader(FakeLink(), BOARD, image="no/such/loader.bin")  # type: ignore[arg-type]
    assert caught.value.code == "E-LOADER-FILE"


def test_survey_asks_for_runs_and_gives_what_the_flash_holds() -> None:
    link = FakeLink()
    link.program(0x5000, b"seven" * 700)
    digests = opened(link).survey([0x4000, 0x5000, 0x20000])
    assert [args[:2] for name, args in link.calls if name == "n6_survey"] == [(0x4000, 2), (0x20000, 1)]
    assert digests == {offset: number(link.sector(offset)) for offset in (0x4000, 0x5000, 0x20000)}


def test_survey_that_claims_success_and_wrote_nothing_is_not_believed() -> None:
    link = FakeLink()
    loader = opened(link)
    loader.survey([0, 0x1000])  # leaves right digests in the table
    link.hooks["n6_survey"] = lambda *_: Status.OK
    with pytest.raises(FlashFailure) as caught:
        loader.survey([0, 0x1000])
    assert caught.value.code == "E-LOADER-ANSWER"


def test_write_sends_only_the_set_sectors_and_gives_digests_of_the_flash() -> None:
    link = FakeLink()
    loader = opened(link)
    link.program(0x31000, b"old" * 100)
    data = bytes(range(256)) * 32
    written = loader.write(Block(0x30000, 0b1001, data))
    assert link.sector(0x30000) == data[:SECTOR]
    assert link.sector(0x33000) == data[SECTOR:]
    assert link.sector(0x31000)[:300] == b"old" * 100
    assert written.ok
    assert written.digests[3] == number(data[SECTOR:])
    assert written.digests[1] == number(link.sector(0x31000))


def test_write_that_claims_success_and_left_no_result_is_not_believed() -> None:
    link = FakeLink()
    loader = opened(link)
    block = Block(0, 1, b"\x12" * SECTOR)
    loader.write(block)  # leaves a good result in RAM
    link.hooks["n6_write_block"] = lambda *_: Status.OK
    with pytest.raises(FlashFailure) as caught:
        loader.write(block)
    assert caught.value.code == "E-LOADER-ANSWER"


@pytest.mark.parametrize(
    ("status", "code", "sr", "scur", "words"),
    [
        (Status.WEL_NOT_SET, "E-WEL", 0x00, 0x20, "0x70031000: WEL stays 0 after WREN (SR 0x00)"),
        (Status.PROGRAM_FAIL, "E-PROGRAM-FAIL", 0x00, 0x20, "P_FAIL 1"),
        (Status.ERASE_FAIL, "E-ERASE-FAIL", 0x00, 0x40, "E_FAIL 1"),
        (Status.PROTECTED, "E-PROTECTED", 0b101100, 0x20, "BP 1011"),
        (Status.TIMEOUT, "E-FLASH-BUSY", 0x02, 0x00, "(its registers were not read)"),
        (Status.CONTROLLER, "E-LOADER-STATUS", 0x00, 0x00, "transfer error"),
        (77, "E-LOADER-STATUS", 0x00, 0x00, "77"),
    ],
)
def test_failed_write_is_told_with_the_registers_of_the_flash(
    status: int, code: str, sr: int, scur: int, words: str
) -> None:
    link = FakeLink()
    loader = opened(link)

    def fail(chip: FakeLink, job: int, out: int) -> int:
        chip.write(out, chip.result(0x30000, status, sr=sr, scur=scur, failed_at=0x31000))
        return status

    link.hooks["n6_write_block"] = fail
    with pytest.raises(FlashFailure) as caught:
        loader.write(Block(0x30000, 2, b"\0" * SECTOR))
    assert caught.value.code == code
    assert caught.value.exit_code == 6
    assert words in str(caught.value)
    assert caught.value.findings[0].evidence["address"] == 0x70031000


def test_failed_erase_tells_block_protection_read_afterwards() -> None:
    link = FakeLink()
    loader = opened(link)
    link.hooks["n6_erase"] = lambda *_: Status.PROTECTED
    link.hooks["n6_open"] = lambda chip, nor, board, out: (
        chip.write(out, (0).to_bytes(4, "little") + b"\xc2\x80\x3a\0" + (0x3C).to_bytes(4, "little") + bytes(524))
        or Status.OK
    )
    with pytest.raises(FlashFailure, match=r"BP 1111"):
        loader.erase(0, 0x1000)


@pytest.mark.parametrize("status", [Status.TIMEOUT, Status.ERASE_FAIL, Status.WEL_NOT_SET])
def test_failed_erase_shows_no_register_that_was_not_read(status: Status) -> None:
    link = FakeLink()
    loader = opened(link)
    link.hooks["n6_erase"] = lambda *_: status
    with pytest.raises(FlashFailure, match="its registers were not read") as caught:
        loader.erase(0, 0x1000)
    assert "E_FAIL" not in str(caught.value)
    assert caught.value.findings[0].evidence["sr"] == "not read"


def test_flash_that_does_not_answer_shows_what_rdid_read() -> None:
    link = FakeLink(jedec=b"\xff\xff\xff")

    def silent(chip: FakeLink, nor: int, board: int, out: int) -> int:
        chip.n6_open(nor, board, out)
        return Status.NO_ANSWER

    link.hooks["n6_open"] = silent
    with pytest.raises(FlashFailure, match="FF FF FF") as caught:
        opened(link)
    assert caught.value.code == "E-FLASH-ID"


@pytest.mark.parametrize(
    ("offset", "size"), [(0, 1), (0xFFF, 2), (0x1FFF0, 0x20), (0x12345, 0x23456), (0x10000, 0x10000)]
)
def test_read_gives_exactly_the_bytes_asked_for(offset: int, size: int) -> None:
    link = FakeLink(size=0x80000)
    link.nor[:] = bytes(range(251)) * (0x80000 // 251) + bytes(0x80000 % 251)
    assert opened(link).read(offset, size) == bytes(link.nor[offset : offset + size])


def test_erase_calls_once_a_block_and_covers_exactly_the_range() -> None:
    link = FakeLink(size=0x80000)
    link.nor[:] = bytes(0x80000)
    opened(link).erase(0x0E000, 0x24000)
    assert [args for name, args in link.calls if name == "n6_erase"] == [
        (0x0E000, 0x2000),
        (0x10000, 0x10000),
        (0x20000, 0x10000),
        (0x30000, 0x2000),
    ]
    assert link.nor[0x0E000:0x32000] == b"\xff" * 0x24000
    assert not any(link.nor[:0x0E000])
    assert not any(link.nor[0x32000:])


def test_code_that_hangs_the_bus_is_a_failure_of_the_loader_and_a_lost_cable_is_not() -> None:
    def hang(*_: object) -> int:
        raise TargetUnreachable.of("E-NO-HALT", reason="bus")

    def unplug(*_: object) -> int:
        raise TargetUnreachable.of("E-LINK-LOST", "probe", reason="USB")

    link = FakeLink()
    loader = opened(link)
    link.hooks["n6_survey"] = hang
    with pytest.raises(FlashFailure) as caught:
        loader.survey([0])
    assert caught.value.code == "E-LOADER-STUCK"
    link.hooks["n6_survey"] = unplug
    with pytest.raises(TargetUnreachable):
        loader.survey([0])
