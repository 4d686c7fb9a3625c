"""The loader on a simulated board: loads the image, lays out structs, calls entries."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import replace

from n6prog.flash_algos import load_image, mailbox
from n6prog.flash_algos.mailbox import (
    BoardSetup,
    Decision,
    Descriptor,
    Identity,
    Job,
    NorSetup,
    Outcome,
    Result,
    Status,
)
from n6prog.sim import SimBoard
from tests.helpers.descriptors import checked

NOR_AT = mailbox.LOADER_PARAMS
BOARD_AT = NOR_AT + 0x100
JOB_AT = NOR_AT + 0x200
OUT_AT = NOR_AT + 0x400
PRIME = 2**64 - 40503
WHITE = int.from_bytes(bytes.fromhex("157c4a7fb979379e") * 512, "little")

# Opcodes and dummies: SFDP of both parts (hw-flash 1, 2); typical times BFPT DW10/DW11, longest times hw-flash 4.1.
NOR = NorSetup(
    size=0,
    page=256,
    ecc_chunk=16,
    read_opcode=0x0C,
    read_dummy=8,
    program_opcode=0x12,
    sector_erase_opcode=0x21,
    block_erase_opcode=0xDC,
    chip_erase_opcode=0x60,
    sector_typ_us=25_000,
    sector_max_us=1_000_000,
    block_typ_us=256_000,
    block_max_us=7_000_000,
    page_typ_us=152,
    page_max_us=10_000,
    chip_typ_us=192_000_000,
    chip_max_us=600_000_000,
    register_typ_us=1_000,
    register_max_us=100_000,
    reset_typ_us=40,
    reset_max_us=100_000,
    octal_read_opcode=0xEE11,
    octal_read_dummy=20,
    octal_program_opcode=0x12ED,
    octal_sector_erase_opcode=0x21DE,
    octal_block_erase_opcode=0xDC23,
)
# Pads of port N as AF9 with a pull-up on NCS (hw-soc 6), recipe A of hw-soc 4.2, DCR1 of 7.5 without DEVSIZE.
BOARD = BoardSetup(
    xspi_base=0x5802_A000,
    xspi_rcc_bits=0x3000,
    all_xspi_reset_bits=0x2_3020,
    xspi_select_mask=0x30,
    xspim_base=0x5802_B400,
    xspim_cr=0,
    gpio_base=0x5602_3400,
    gpio_rcc_bit=0x2000,
    moder_mask=0x00FF_3FFF,
    moder_value=0x00AA_2AAA,
    ospeedr_mask=0x00FF_3FFF,
    ospeedr_value=0x00FF_3FFF,
    pupdr_mask=0x00FF_3FFF,
    pupdr_value=0x0000_0004,
    afrl_mask=0x0FFF_FFFF,
    afrl_value=0x0999_9999,
    afrh_mask=0x0000_FFFF,
    afrh_value=0x0000_9999,
    svmcr3_set=0x0000_0200,
    dcr1=0x0100_0100,
    prescaler=0,
)


def reference_digest(sector: bytes | memoryview) -> int:
    """The definition: 64-bit words XORed with the constant, one little-endian number modulo the prime."""
    return (int.from_bytes(sector, "little") ^ WHITE) % PRIME


class Chip:
    """The loader in the RAM of `board`. Nothing is sanitised: the entries must cope with what the boot ROM leaves."""

    def __init__(self, board: SimBoard) -> None:
        self.board = board
        self.image = load_image()
        self.load()

    def load(self) -> None:
        """Write the image, which also resets its state."""
        self.board.write(self.image.base, self.image.code)

    def call(self, entry: str, *args: int) -> int:
        """r0 of an entry, run on the loader's own stack."""
        return self.board.call(
            self.image.entries[entry], *args, sp=mailbox.LOADER_STACK_TOP, max_instructions=2_000_000_000
        )

    def open(self, nor: NorSetup = NOR, board: BoardSetup = BOARD) -> Identity:
        """n6_open; what it returns must be what it wrote."""
        self.board.write(NOR_AT, nor.pack())
        self.board.write(BOARD_AT, board.pack())
        self.board.write(OUT_AT, bytes(range(256)) * 3)
        status = self.call("n6_open", NOR_AT, BOARD_AT, OUT_AT)
        found = Identity.unpack(self.board.read(OUT_AT, Identity.SIZE))
        assert found.status == status
        return found

    def opened(self) -> Chip:
        """Open, or fail."""
        assert self.open().status == Status.OK
        return self

    def survey(self, offset: int, sectors: int) -> list[int]:
        """Digests of sectors."""
        assert self.call("n6_survey", offset, sectors, mailbox.LOADER_TABLE) == Status.OK
        return list(struct.unpack(f"<{sectors}Q", self.board.read(mailbox.LOADER_TABLE, 8 * sectors)))

    def write_job(self, job: Job, data: bytes = b"") -> Result:
        """n6_write_block with any job."""
        if data:
            self.board.write(mailbox.LOADER_BUFFER, data)
        self.board.write(JOB_AT, job.pack())
        self.board.write(OUT_AT, b"\xa5" * Result.SIZE)
        status = self.call("n6_write_block", JOB_AT, OUT_AT)
        result = Result.unpack(self.board.read(OUT_AT, Result.SIZE))
        assert result.status == status
        return result

    def write_block(self, offset: int, data: bytes, sectors: int = 0xFFFF, flags: int = 0) -> Result:
        """n6_write_block with 64 KiB at LOADER_BUFFER."""
        return self.write_job(Job(offset, sectors, flags, mailbox.LOADER_BUFFER), data)

    def decide(self, old: bytes, new: bytes, nor: NorSetup) -> Decision:
        """n6_decide."""
        self.board.write(mailbox.LOADER_KEEP, old)
        self.board.write(mailbox.LOADER_BUFFER, new)
        self.board.write(NOR_AT, nor.pack())
        assert self.call("n6_decide", mailbox.LOADER_KEEP, mailbox.LOADER_BUFFER, NOR_AT, OUT_AT) == Status.OK
        return Decision.unpack(self.board.read(OUT_AT, Decision.SIZE))

    def opcodes(self) -> list[tuple[str, int]]:
        """(mode, opcode) of every frame the NOR has seen since the log was cleared."""
        return [(frame.mode, frame.opcode) for frame in self.board.nor.frames]


def with_times(sector_us: int, block_us: int, page_us: int) -> NorSetup:
    """NOR with these typical times."""
    return replace(NOR, sector_typ_us=sector_us, block_typ_us=block_us, page_typ_us=page_us)


def poke(board: SimBoard, address: int, value: int) -> None:
    """Write a 32-bit register as a debugger would."""
    board.write(address, value.to_bytes(4, "little"))


def peek(board: SimBoard, address: int) -> int:
    """Read a 32-bit register as a debugger would."""
    return int.from_bytes(board.read(address, 4), "little")


def nor_write(board: SimBoard, opcode: int, *, address: int | None = None, data: bytes = b"") -> None:
    """Write enable and a 1S command, through XSPI2 as another program would (hw-soc 7.3); the loader must be open."""
    for ccr, ir, at, out in (
        (0x0000_0001, 0x06, None, b""),
        (0x0000_0001 | (0x3100 if address is not None else 0) | (0x0100_0000 if data else 0), opcode, address, data),
    ):
        poke(board, 0x5802_A024, 0x1B)
        poke(board, 0x5802_A000, 0x0000_0301)
        if out:
            poke(board, 0x5802_A040, len(out) - 1)
        poke(board, 0x5802_A108, 0)
        poke(board, 0x5802_A100, ccr)
        poke(board, 0x5802_A110, ir)
        if at is not None:
            poke(board, 0x5802_A048, at)
        for byte in out:
            board.write(0x5802_A050, bytes([byte]))
        while peek(board, 0x5802_A020) & 0x20:  # each look takes its time; the NOR acts when the frame is over
            pass


STEP = 100_000_000  # picoseconds between two looks of the host


class Service:
    """n6_serve on an opened chip: the core runs, jobs go through RAM, virtual time passes in steps."""

    def __init__(self, chip: Chip, *, session: int = 0x5E55_1017, build: int = 0xB017_D000, flags: int = 0) -> None:
        self.chip, self.board, self.sent = chip, chip.board, 0
        board = self.board
        board.write(OUT_AT, mailbox.Service(session=session, build=build, flags=flags).pack())
        poke(board, 0xE000_EDF0, 0xA05F_0003)  # halt, so that the breakpoint at the end halts too
        registers = board.core.registers
        for number, value in (
            (0, OUT_AT),
            (13, mailbox.LOADER_STACK_TOP),
            (14, mailbox.LOADER_BASE | 1),
            (15, chip.image.entries["n6_serve"] & ~1),
            (16, 1 << 24),
        ):
            registers.write(number, value)
        board.core.engine.forget_code()
        poke(board, 0xE000_EDF0, 0xA05F_0001)
        self.wait(lambda: self.state.magic == mailbox.SERVICE_MAGIC and self.state.session == session)

    @property
    def state(self) -> mailbox.State:
        """What the service says of itself."""
        return mailbox.State.unpack(self.board.read(mailbox.SERVICE_STATE, mailbox.State.SIZE))

    @property
    def halted(self) -> bool:
        """Whether n6_serve has returned."""
        return bool(peek(self.board, 0xE000_EDF0) & 1 << 17)

    def wait(self, over: Callable[[], bool], seconds: float = 10.0) -> None:
        """Let virtual time pass until `over()`."""
        end = self.board.virtual_time + seconds
        while not over():
            assert self.board.virtual_time < end, self.state
            self.board.host.advance(STEP)

    def send(self, job: Descriptor, payload: bytes = b"") -> int:
        """Put the next job and its payload into its slot as one write; gives its number."""
        payload += bytes(-len(payload) % mailbox.PAYLOAD_ALIGN)
        return self.put(payload + checked(replace(job, seq=self.sent + 1)).pack())

    def put(self, raw: bytes) -> int:
        """Bytes that end with the next number, into its slot; gives it."""
        self.sent += 1
        slot_end = mailbox.SERVICE_SLOTS + ((self.sent - 1) % mailbox.SLOT_COUNT + 1) * mailbox.SLOT_STRIDE
        self.board.write(slot_end - len(raw), raw)
        return self.sent

    def outcome(self, number: int) -> Outcome:
        """Wait until a job is done."""
        self.wait(lambda: self.state.done >= number)
        at = mailbox.SERVICE_RESULTS + (number - 1) % mailbox.RESULT_COUNT * Outcome.SIZE
        found = Outcome.unpack(self.board.read(at, Outcome.SIZE))
        assert found.seq == number
        return found

    def run(self, job: Descriptor, payload: bytes = b"") -> Outcome:
        """Send and wait."""
        return self.outcome(self.send(job, payload))

    def write(self, offset: int, block: bytes, sectors: int = 0xFFFF, flags: int = 0) -> Outcome:
        """OP_WRITE of the set sectors out of 64 KiB."""
        return self.run(*write_job(offset, block, sectors, flags))

    def survey(self, offset: int, sectors: int) -> list[int]:
        """OP_SURVEY."""
        found = self.run(Descriptor(op=mailbox.OP_SURVEY, offset=offset, count=sectors, to=mailbox.LOADER_TABLE))
        assert (found.status, found.count) == (Status.OK, sectors)
        return list(struct.unpack(f"<{sectors}Q", self.board.read(mailbox.LOADER_TABLE, 8 * sectors)))

    def stop(self) -> int:
        """Ask for the end and wait for it; gives what n6_serve returned."""
        poke(self.board, mailbox.SERVICE_CONTROL, 1)
        self.wait(lambda: self.halted)
        assert self.state.phase == mailbox.PHASE_STOPPED
        return self.board.core.registers.read(0)


def write_job(offset: int, block: bytes, sectors: int = 0xFFFF, flags: int = 0) -> tuple[Descriptor, bytes]:
    """Descriptor and payload of an OP_WRITE of the set sectors out of 64 KiB."""
    size = mailbox.SECTOR_SIZE
    parts = [block[n * size : (n + 1) * size] if sectors >> n & 1 else b"" for n in range(16)]
    digests = tuple(reference_digest(part) if part else 0 for part in parts)
    raw = b"".join(parts)
    payload = raw
    if flags & mailbox.JOB_DEFLATE:
        packer = zlib.compressobj(6, wbits=-15)
        payload = packer.compress(raw) + packer.flush()
    return (
        Descriptor(digests, mailbox.OP_WRITE, offset, sectors, flags, count=len(payload)),
        payload,
    )
