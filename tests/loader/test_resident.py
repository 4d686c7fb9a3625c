"""The resident loader over a chip made by hand: many jobs on their way, and what goes wrong on it."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from n6prog.errors import FlashFailure, N6ProgError, TargetUnreachable
from n6prog.flash_algos.mailbox import (
    PHASE_ERASE,
    SERVICE_MAGIC,
    SERVICE_SLOTS,
    SERVICE_STATE,
    SLOT_COUNT,
    SLOT_STRIDE,
    Descriptor,
    State,
    Status,
)
from n6prog.loader import ResidentLoader
from n6prog.plan.types import Block
from n6prog.targets import schema
from tests.helpers.descriptors import checked
from tests.helpers.fake_chip import BLOCK, IMAGE, SECTOR, FakeLink, number

BOARD = schema.load_board("nucleo-n657x0-q")
SLOTS = range(SERVICE_SLOTS, SERVICE_SLOTS + SLOT_COUNT * SLOT_STRIDE)


class Wire:
    """The way to the chip, on which something happens to posted jobs. `mishaps`: which post (1, 2...) -> what.

    "flip": a byte of the payload arrives wrong; "deaf": the last word does not arrive; "lost": half of it arrives and
    the link is gone; "reset": and the chip is reset before it comes back.
    """

    def __init__(self, chip: FakeLink, mishaps: dict[int, str] | None = None) -> None:
        self.chip = chip
        self.mishaps = mishaps or {}
        self.posts = 0
        self.gone = False
        self.relinked = 0
        self.now_is = self

    def __getattr__(self, name: str) -> Any:
        return getattr(self.chip, name)

    def read(self, address: int, size: int) -> bytes:
        self.must_be_there()
        return self.chip.read(address, size)

    def call(self, entry: int, *args: int, **options: Any) -> int:
        self.must_be_there()
        return self.chip.call(entry, *args, **options)

    def write(self, address: int, data: bytes) -> None:
        self.must_be_there()
        mishap = ""
        if address in SLOTS:
            self.posts += 1
            mishap = self.mishaps.get(self.posts, self.mishaps.get(0, ""))
        if mishap == "flip":
            data = bytes([data[0] ^ 0x10]) + data[1:]
        elif mishap == "deaf":
            data = data[:-4]
        elif mishap:
            data, self.gone = data[: len(data) // 2], True
            if mishap == "reset":
                self.chip.serving, self.chip.is_open = None, False
                self.chip.write(SERVICE_STATE, bytes(State.SIZE))
        self.chip.write(address, data)
        self.must_be_there()

    def must_be_there(self) -> None:
        if self.gone:
            raise TargetUnreachable.of("E-LINK-LOST", "fake probe", reason="pulled")

    def last(self) -> Wire:
        """The link there is now."""
        return self if self.now_is is self else self.now_is.last()

    def relink(self, error: N6ProgError) -> Wire:
        """Another link; this one stays dead."""
        assert error.code == "E-LINK-LOST"
        other = Wire(self.chip, self.mishaps)
        other.posts, other.relinked = self.posts, self.relinked + 1
        self.now_is = other
        return other


def opened(wire: Wire | FakeLink, relink: Any = None) -> ResidentLoader:
    loader = ResidentLoader(wire, BOARD, image=IMAGE, relink=relink)  # type: ignore[arg-type]
    loader.open()
    return loader


def blocks(count: int, seed: int = 1) -> list[Block]:
    rng = random.Random(seed)
    return [Block(n * BLOCK, 0xFFFF, rng.randbytes(BLOCK)) for n in range(count)]


def content(items: list[Block]) -> bytes:
    return b"".join(block.data for block in items)


def test_more_blocks_than_slots_arrive_in_order_with_the_digests_of_the_nor() -> None:
    chip, wanted = FakeLink(), blocks(40)
    found = list(opened(chip).write_all(wanted))
    assert bytes(chip.nor[: 40 * BLOCK]) == content(wanted)
    assert [item.start for item in found] == [block.start for block in wanted]
    assert all(item.ok and item.sectors == 0xFFFF for item in found)
    assert found[3].digests[2] == number(wanted[3].data[2 * SECTOR : 3 * SECTOR])
    assert chip.names().count("n6_serve") == 1


def test_only_the_set_sectors_travel() -> None:
    chip = FakeLink()
    chip.program(0x20000, b"\x11" * BLOCK)
    data = b"\x22" * SECTOR + b"\x33" * SECTOR
    (written,) = opened(chip).write_all([Block(0x20000, 0b1000_0010, data)])
    assert (written.sectors, written.erased, written.programmed) == (0b1000_0010, 2 * SECTOR, 2 * SECTOR)
    assert [chip.nor[0x20000 + n * SECTOR] for n in (0, 1, 2, 7, 8)] == [0x11, 0x22, 0x11, 0x33, 0x11]


def test_blank_ends_travel_in_pieces_and_are_told_as_blocks() -> None:
    chip, wanted = FakeLink(), blocks(3)
    found = list(opened(chip).write_all(wanted, blank={block.start: 0xFFFF for block in wanted}))
    assert bytes(chip.nor[: 3 * BLOCK]) == content(wanted)
    assert [(item.start, item.sectors, item.programmed) for item in found] == [
        (block.start, 0xFFFF, BLOCK) for block in wanted
    ]
    assert chip.names().count("n6_write_block") > 3


class Meter(Wire):
    """Counts the bytes that go into the slots."""

    sent = 0

    def write(self, address: int, data: bytes) -> None:
        self.sent += len(data) if address in SLOTS else 0
        super().write(address, data)


@pytest.mark.parametrize(("clock", "packed"), [(1_000_000, True), (24_000_000, False)])
def test_what_packs_travels_packed_where_the_link_is_the_limit(clock: int, packed: bool) -> None:
    # Blank flash takes 39 ms of programming for a block; the wire 0.75 s at 1 MHz, 31 ms at 24 MHz.
    wire = Meter(FakeLink(swd_clock_hz=clock))
    wanted = [Block(n * BLOCK, 0xFFFF, b"0123456789abcdef" * 4096) for n in range(3)]
    assert len(list(opened(wire).write_all(wanted, blank={block.start: 0xFFFF for block in wanted}))) == 3
    assert bytes(wire.chip.nor[: 3 * BLOCK]) == content(wanted)
    assert (wire.sent < 3 * BLOCK // 10) is packed


def test_survey_read_and_erase_across_many_jobs() -> None:
    chip = FakeLink()
    chip.program(0, random.Random(3).randbytes(5 * BLOCK))
    loader = opened(chip)
    offsets = [*range(0, 5 * BLOCK, SECTOR), 0x200000]
    assert loader.survey(offsets) == {at: number(chip.sector(at)) for at in offsets}
    told: list[int] = []
    assert loader.read(0x1234, 3 * BLOCK, told.append) == bytes(chip.nor[0x1234 : 0x1234 + 3 * BLOCK])
    assert sum(told) == 3 * BLOCK + SECTOR
    before = bytes(chip.nor[:SECTOR])
    loader.erase(SECTOR, 3 * BLOCK)
    assert bytes(chip.nor[:SECTOR]) == before
    assert not bytes(chip.nor[SECTOR : SECTOR + 3 * BLOCK]).strip(b"\xff")
    assert chip.nor[SECTOR + 3 * BLOCK] != 0xFF or chip.nor[SECTOR + 3 * BLOCK + 1] != 0xFF


def test_a_payload_that_arrives_damaged_is_sent_again() -> None:
    wire, wanted = Wire(FakeLink(), {2: "flip", 5: "flip"}), blocks(6)
    found = list(opened(wire).write_all(wanted))
    assert bytes(wire.chip.nor[: 6 * BLOCK]) == content(wanted)
    assert sorted(item.start for item in found) == [block.start for block in wanted]
    assert wire.posts == 8
    assert wire.chip.log.count("slower") == 2


def test_payloads_that_always_arrive_damaged_are_an_error_and_touch_nothing() -> None:
    wire = Wire(FakeLink(), {0: "flip"})
    with pytest.raises(FlashFailure) as caught:
        list(opened(wire).write_all(blocks(2)))
    assert caught.value.code == "E-LOADER-STATUS"
    assert caught.value.findings[0].evidence["status"] == Status.BAD_DATA
    assert not bytes(wire.chip.nor[: 2 * BLOCK]).strip(b"\xff")


def test_a_lost_doorbell_is_rung_again() -> None:
    wire, wanted = Wire(FakeLink(), {1: "deaf", 4: "deaf"}), blocks(5)
    assert len(list(opened(wire).write_all(wanted))) == 5
    assert bytes(wire.chip.nor[: 5 * BLOCK]) == content(wanted)


def test_an_erase_whose_offset_arrives_wrong_is_sent_again() -> None:
    chip = FakeLink()
    chip.program(0, b"\x11" * 2 * BLOCK)
    wire = Wire(chip)
    loader = opened(wire)
    loader.survey([0])
    write, flipped = wire.write, []

    def flip(address: int, data: bytes) -> None:
        if address in SLOTS and not flipped:
            flipped.append(address)
            job = Descriptor.unpack(data)
            assert job.offset == 0
            data = replace(job, offset=BLOCK).pack()
        write(address, data)

    wire.write = flip  # type: ignore[method-assign]
    loader.erase(0, BLOCK)
    assert flipped
    assert "slower" in chip.log
    assert bytes(chip.nor[: 2 * BLOCK]) == b"\xff" * BLOCK + b"\x11" * BLOCK


def test_a_service_that_never_hears_is_an_error() -> None:
    with pytest.raises(FlashFailure) as caught:
        list(opened(Wire(FakeLink(), {0: "deaf"})).write_all(blocks(1)))
    assert caught.value.code == "E-LOADER-ANSWER"


def test_after_a_lost_link_it_goes_on_with_what_was_not_acknowledged() -> None:
    wire, wanted = Wire(FakeLink(), {3: "lost", 9: "lost"}), blocks(20)
    loader = opened(wire, lambda error: wire.last().relink(error))
    found = list(loader.write_all(wanted))
    loader.close()
    assert bytes(wire.chip.nor[: 20 * BLOCK]) == content(wanted)
    assert len(found) == 20
    assert (wire.last().relinked, loader.recovered) == (2, 0)
    assert wire.chip.names().count("n6_write_block") == 20  # nothing was written twice
    assert wire.chip.names().count("n6_open") == 1


def test_after_a_reset_the_loader_is_sent_anew_and_says_so() -> None:
    wire, wanted = Wire(FakeLink(), {7: "reset"}), blocks(20)
    loader = opened(wire, wire.relink)
    found = list(loader.write_all(wanted))
    assert bytes(wire.chip.nor[: 20 * BLOCK]) == content(wanted)
    assert {item.start for item in found} == {block.start for block in wanted}
    assert loader.recovered == 1
    assert wire.chip.names().count("n6_open") == 2


def test_a_lost_link_that_nobody_mends_is_told() -> None:
    with pytest.raises(TargetUnreachable) as caught:
        list(opened(Wire(FakeLink(), {3: "lost"})).write_all(blocks(5)))
    assert caught.value.code == "E-LINK-LOST"


def test_behind_a_failed_block_nothing_is_written() -> None:
    def fail(chip: FakeLink, job: int, out: int) -> int | None:
        if chip.names().count("n6_write_block") < 3:
            return None
        chip.write(out, chip.result(2 * BLOCK, Status.PROGRAM_FAIL, sr=0, scur=0x20, failed_at=2 * BLOCK + 0x300))
        return Status.PROGRAM_FAIL

    chip = FakeLink(hooks={"n6_write_block": fail})
    loader, written = opened(chip), []
    with pytest.raises(FlashFailure) as caught:
        written += loader.write_all(blocks(10))
    assert caught.value.code == "E-PROGRAM-FAIL"
    assert caught.value.findings[0].evidence["address"] == 0x70000000 + 2 * BLOCK + 0x300
    assert not bytes(chip.nor[2 * BLOCK : 10 * BLOCK]).strip(b"\xff")
    assert loader.read(0, SECTOR) == blocks(1)[0].data[:SECTOR]  # what there is can be looked at


def test_a_block_that_is_not_as_wanted_comes_not_ok() -> None:
    def mismatch(chip: FakeLink, job: int, out: int) -> int:
        chip.write(out, chip.result(0, Status.MISMATCH))
        return Status.MISMATCH

    (written,) = opened(FakeLink(hooks={"n6_write_block": mismatch})).write_all(blocks(1))
    assert not written.ok


def test_a_service_that_shows_no_life_is_given_up() -> None:
    chip = FakeLink()
    loader = opened(chip)
    loader.survey([0])
    state = loader._service.state  # type: ignore[union-attr]
    chip.serving = None
    chip.returned = lambda name="": None  # type: ignore[method-assign]
    chip.write(SERVICE_STATE, State(SERVICE_MAGIC, state.build, state.session, phase=PHASE_ERASE, done=1).pack())
    with pytest.raises(FlashFailure) as caught:
        loader.survey([SECTOR])
    assert caught.value.code == "E-LOADER-TIMEOUT"


def test_a_service_that_crashed_while_it_waited_is_told_as_crashed_and_not_as_deaf() -> None:
    """What it left in RAM looks idle for ever, and rings in vain; only its heartbeat tells."""
    chip = FakeLink()
    loader = opened(chip)
    loader.survey([0])

    def crashed(name: str = "") -> int | None:
        raise FlashFailure.of("E-LOADER-FAULT", name, fault="undefined instruction")

    chip.serving, chip.returned = None, crashed  # type: ignore[method-assign]
    with pytest.raises(FlashFailure) as caught:
        loader.survey([SECTOR])
    assert caught.value.code == "E-LOADER-FAULT"


def test_a_core_that_does_not_halt_is_no_lost_link() -> None:
    chip = FakeLink()
    loader = opened(chip, lambda error: pytest.fail("a new link does not help a core that hangs"))
    loader.survey([0])

    def hangs(name: str, waited: float) -> N6ProgError:
        raise TargetUnreachable.of("E-NO-HALT", "halt", reason="core 0 does not halt")

    chip.serving = None
    chip.returned, chip.give_up = lambda name="": None, hangs  # type: ignore[method-assign]
    with pytest.raises(FlashFailure) as caught:
        loader.survey([SECTOR])
    assert caught.value.code == "E-LOADER-STUCK"
    assert caught.value.findings[0].evidence["reason"] == "core 0 does not halt"


def test_a_core_port_that_a_reset_closed_is_no_lost_link() -> None:
    chip = FakeLink()
    loader = opened(chip, lambda error: pytest.fail("nothing of ours runs after a reset"))
    loader.survey([0])

    def closed(address: int, size: int) -> bytes:
        raise TargetUnreachable.of("E-BUS-FAULT", "read", address=address, size=size, reason="fault", AP1="closed")

    chip.read = closed  # type: ignore[method-assign]
    with pytest.raises(TargetUnreachable) as caught:
        loader.survey([SECTOR])
    assert caught.value.findings[0].evidence["AP1"] == "closed"


def test_a_job_that_was_done_with_another_count_is_an_error() -> None:
    """A descriptor that arrived wrong in a way that the loader takes."""
    wire = Wire(FakeLink())
    loader = opened(wire)
    write = wire.write

    def another(address: int, data: bytes) -> None:
        if address in SLOTS and len(data) == Descriptor.SIZE:
            data = checked(replace(Descriptor.unpack(data), count=2)).pack()
        write(address, data)

    wire.write = another  # type: ignore[method-assign]
    with pytest.raises(FlashFailure) as caught:
        loader.survey([0])
    assert caught.value.code == "E-LOADER-ANSWER"


def test_closing_ends_the_service_before_the_nor_is_mapped() -> None:
    chip = FakeLink()
    loader = opened(chip)
    loader.survey([0])
    assert chip.serving is not None
    loader.close()
    assert chip.serving is None
    assert not chip.is_open


def test_a_chip_erase_is_a_call_of_its_own() -> None:
    chip = FakeLink()
    chip.program(0x1000, b"old")
    loader = opened(chip)
    loader.survey([0])
    loader.erase_chip()
    assert loader.survey([0x1000]) == {0x1000: number(b"\xff" * SECTOR)}
    assert [name for name in chip.names() if name in ("n6_serve", "EraseChip")] == ["n6_serve", "EraseChip", "n6_serve"]
