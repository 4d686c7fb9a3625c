"""The octal bus of n6_serve: proven before it is trusted, given up where it cannot be, and always left behind."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from n6prog.flash_algos import mailbox
from n6prog.flash_algos.mailbox import NorSetup, Status
from n6prog.sim import SimBoard
from n6prog.sim.nor.device import NorDevice
from tests.flash_algos.bench import BOARD, NOR, Chip, Service, poke, write_job

BLOCK = 0x1_0000
# hw-flash 2 and 5.4: what n6_open sends, and RDCR2, WRCR2, WRDI on top; the same opcodes in 8D, and the 8D read.
HARMLESS = {0x66, 0x99, 0x9F, 0x05, 0x2B, 0x5A, 0x06, 0x0C, 0x12, 0x21, 0xDC, 0x71, 0x72, 0xEE}


def noise(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)


@pytest.mark.parametrize("name", ["nucleo-n657x0-q", "stm32n6570-dk"])
def test_it_works_in_octal_and_leaves_the_part_in_1s(name: str) -> None:
    with SimBoard(name) as board:
        board.nor.frames.clear()
        service = Service(Chip(board).opened())
        assert (service.state.bus, service.state.bus_error) == (mailbox.BUS_8D, Status.OK)
        board.nor.content[:BLOCK] = noise(BLOCK, 1)
        assert service.write(0, noise(BLOCK, 2)).status == Status.OK
        assert board.nor.content[:BLOCK] == noise(BLOCK, 2)
        modes = {(frame.mode, frame.opcode) for frame in board.nor.frames}
        assert {("8D", 0xEE), ("8D", 0x12), ("8D", 0xDC), ("8D", 0x05), ("8D", 0x2B)} <= modes
        assert not {opcode for mode, opcode in modes if mode == "1S"} & {0x12, 0x21, 0xDC}
        assert service.stop() == Status.OK
        assert (board.nor.mode, service.state.bus) == ("1S", mailbox.BUS_1S)
        assert board.read(0x7000_0000, 256) == noise(BLOCK, 2)[:256]


def test_only_volatile_mode_and_dummies_are_written(board: SimBoard) -> None:
    service = Service(Chip(board).opened())
    service.stop()
    frames = board.nor.frames
    assert {frame.opcode for frame in frames} <= HARMLESS
    written = [(frame.mode, frame.address, frame.data) for frame in frames if frame.opcode == 0x72]
    # hw-flash 5.4: 20 dummies are code 0, 8D is bit 1; back with two equal bytes
    assert written == [("1S", 0x300, b"\0"), ("1S", 0, b"\x02"), ("8D", 0, b"\0\0")]


def test_the_host_may_forbid_it(board: SimBoard) -> None:
    service = Service(Chip(board).opened(), flags=mailbox.SERVE_1S)
    assert (service.state.bus, service.state.bus_error) == (mailbox.BUS_1S, Status.OK)
    assert all(frame.opcode != 0x72 for frame in board.nor.frames)


def test_a_part_without_octal_opcodes_stays_in_1s(board: SimBoard) -> None:
    chip = Chip(board)
    assert chip.open(replace(NOR, octal_read_opcode=0)).status == Status.OK
    service = Service(chip)
    assert (service.state.bus, service.state.bus_error) == (mailbox.BUS_1S, Status.OK)
    assert service.write(0, noise(BLOCK, 3)).status == Status.OK


def test_with_another_system_clock_it_stays_in_1s(board: SimBoard) -> None:
    poke(board, 0x5602_8800, 0x10)  # RCC_CR: HSE on, 48 MHz
    poke(board, 0x5602_8020, 0x0200_0000)  # RCC_CFGR1.SYSSW: HCLK5 is not the 32 MHz of the boot ROM any more
    service = Service(Chip(board).opened())
    assert (service.state.bus, service.state.bus_error) == (mailbox.BUS_1S, Status.OK)


def damage(want: Callable[[tuple[Any, ...]], bool]) -> Callable[[NorDevice], Callable[..., bytes | None]]:
    """A `transaction` that swaps the pairs of what a chosen frame reads."""

    def wrap(nor: NorDevice) -> Callable[..., bytes | None]:
        plain = nor.transaction

        def transaction(*args: Any, **kwargs: Any) -> bytes | None:
            answer = plain(*args, **kwargs)
            if answer and want(args):
                swapped = bytearray(answer)
                swapped[0::2], swapped[1::2] = answer[1::2], answer[0::2]
                return bytes(swapped)
            return answer

        return transaction

    return wrap


def falls_back(chip: Chip, error: Status) -> None:
    """The service starts in 1S, says why, and writes all the same."""
    before = chip.board.virtual_time
    service = Service(chip)
    assert (service.state.bus, service.state.bus_error) == (mailbox.BUS_1S, error)
    assert chip.board.virtual_time - before < 0.1
    assert chip.board.nor.mode == "1S"
    assert service.write(0, noise(BLOCK, 4)).status == Status.OK
    assert chip.board.nor.content[:BLOCK] == noise(BLOCK, 4)


def test_a_wrong_order_of_bytes_is_found_by_sfdp(board: SimBoard) -> None:
    chip = Chip(board)
    assert chip.open(board=replace(BOARD, dcr1=0x0000_0100)).status == Status.OK  # MTYP 0 (hw-flash 5.2)
    falls_back(chip, Status.MISMATCH)


def test_an_array_that_reads_otherwise_is_found(chip: Chip) -> None:
    chip.board.nor.content[:BLOCK] = bytes(range(256)) * 256
    nor = chip.board.nor
    nor.transaction = damage(lambda args: args[3][:2] == b"\xee\x11")(nor)  # type: ignore[method-assign]
    falls_back(chip, Status.MISMATCH)


def test_an_identity_that_reads_otherwise_is_found(chip: Chip) -> None:
    nor, plain = chip.board.nor, chip.board.nor.transaction

    def transaction(*args: Any, **kwargs: Any) -> bytes | None:
        answer = plain(*args, **kwargs)
        return b"\xc2\xc2\x80\x80\x3b\x3b" if answer and args[3][:2] == b"\x9f\x60" else answer

    nor.transaction = transaction  # type: ignore[method-assign]
    falls_back(chip, Status.MISMATCH)


def test_without_sfdp_the_order_is_not_known(board: SimBoard) -> None:
    board.nor.part = replace(board.nor.part, sfdp=b"\xff" * 512)
    falls_back(Chip(board).opened(), Status.MISMATCH)


def test_a_part_that_does_not_strobe_is_given_up(chip: Chip) -> None:
    """A CR2 that takes nothing: the part stays in 1S and does not answer in 8D."""
    nor, plain = chip.board.nor, chip.board.nor.transaction

    def transaction(*args: Any, **kwargs: Any) -> bytes | None:
        if args[3][:1] == b"\x72" and args[3][1:5] == bytes(4):
            return None
        return plain(*args, **kwargs)

    nor.transaction = transaction  # type: ignore[method-assign]
    falls_back(chip, Status.TIMEOUT)


def test_a_part_that_ignores_the_clean_way_is_reset(chip: Chip) -> None:
    service, nor = Service(chip), chip.board.nor
    assert service.state.bus == mailbox.BUS_8D
    nor.faults.no_wel = True
    nor.frames.clear()
    assert service.stop() == Status.OK
    assert nor.mode == "1S"
    assert ("8D", 0x99) in chip.opcodes()


def test_a_time_out_in_octal_ends_in_1s_once_the_part_is_well(chip: Chip) -> None:
    service = Service(chip)
    chip.board.nor.faults.stuck_wip = True
    outcome = service.write(0, noise(BLOCK, 5))
    assert (outcome.status, outcome.failed_at) == (Status.TIMEOUT, 0)
    chip.board.nor.faults.stuck_wip = False
    assert service.stop() == Status.OK
    assert chip.board.nor.mode == "1S"


@pytest.mark.parametrize("opcode", [0x01FE, 0x728D, 0x2FD0, 0x6897, 0xEE12, 0x12, 0xE31C])
@pytest.mark.parametrize(
    "field", ["octal_read_opcode", "octal_program_opcode", "octal_sector_erase_opcode", "octal_block_erase_opcode"]
)
def test_one_time_commands_and_half_pairs_are_refused(board: SimBoard, field: str, opcode: int) -> None:
    wrong: NorSetup = replace(NOR, **{field: opcode})
    assert Chip(board).open(wrong).status == Status.BAD_ARGUMENT


@pytest.mark.parametrize("dummy", [4, 7, 22])
def test_dummies_that_the_part_cannot_be_set_to_are_refused(board: SimBoard, dummy: int) -> None:
    assert Chip(board).open(replace(NOR, octal_read_dummy=dummy)).status == Status.BAD_ARGUMENT


@pytest.mark.parametrize("dummy", [6, 12])
def test_fewer_dummies_work_too(board: SimBoard, dummy: int) -> None:
    chip = Chip(board)
    chip.open(replace(NOR, octal_read_dummy=dummy))
    service = Service(chip)
    assert service.state.bus == mailbox.BUS_8D
    assert service.run(*write_job(0, noise(BLOCK, 6))).status == Status.OK
    assert board.nor.content[:BLOCK] == noise(BLOCK, 6)


def test_the_other_controller_does_it_too(board: SimBoard) -> None:
    """XSPI1 with the ports swapped: no window, all goes through the data register."""
    chip = Chip(board)
    wiring = replace(BOARD, xspi_base=0x5802_5000, xspi_rcc_bits=0x2020, xspi_select_mask=0x3, xspim_cr=2)
    assert chip.open(board=wiring).status == Status.OK
    service = Service(chip)
    assert service.state.bus == mailbox.BUS_8D
    assert service.write(0, noise(BLOCK, 7), sectors=3).status == Status.OK
    assert board.nor.content[: BLOCK // 8] == noise(BLOCK, 7)[: BLOCK // 8]
