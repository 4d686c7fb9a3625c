"""A link to a chip that does by hand what the loader's machine code does: fast, and faults can be put in at any call.

It knows the mailbox (flash_algos/mailbox.toml); it erases and programs bluntly, in whole sectors. Its resident service
looks for jobs whenever the host reads or sleeps, and does each by the classic entry for it, whose hook is called too.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from n6prog.errors import FlashFailure, N6ProgError
from n6prog.findings import Finding
from n6prog.flash_algos import LoaderImage
from n6prog.flash_algos.mailbox import (
    BUS_1S,
    JOB_DEFLATE,
    JOB_ERASE_ALL_SET,
    LOADER_BASE,
    OP_ERASE,
    OP_NOP,
    OP_READ,
    OP_SURVEY,
    OP_WRITE,
    PAYLOAD_ALIGN,
    PHASE_IDLE,
    PHASE_STOPPED,
    RESULT_COUNT,
    SERVICE_CONTROL,
    SERVICE_MAGIC,
    SERVICE_RESULTS,
    SERVICE_SLOTS,
    SERVICE_STATE,
    SLOT_COUNT,
    SLOT_STRIDE,
    VERSION,
    BoardSetup,
    Descriptor,
    Identity,
    Job,
    NorSetup,
    Outcome,
    Result,
    Service,
    State,
    Status,
)
from tests.helpers.descriptors import checked

SECTOR, BLOCK = 4096, 65536
PRIME = 2**64 - 40503
WHITE = int.from_bytes(bytes.fromhex("157c4a7fb979379e") * 512, "little")
RAM = 0x34000000
DECODE, JOB_AT = 0x340C0000, 0x340A8000

NAMES = (
    "n6_open",
    "n6_survey",
    "n6_write_block",
    "n6_erase",
    "n6_read",
    "n6_close",
    "EraseChip",
    "n6_serve",
    "n6_unprotect",
)
ENTRIES = {name: LOADER_BASE + 0x101 + 0x10 * n for n, name in enumerate(NAMES)}
IMAGE = LoaderImage(bytes(range(256)) * 4, LOADER_BASE, ENTRIES, "00" * 32, VERSION)


def number(sector: bytes) -> int:
    """The digest of a sector: whitened, one little-endian number modulo 2**64 - 40503."""
    return (int.from_bytes(sector, "little") ^ WHITE) % PRIME


@dataclass
class Probe:
    unique_id: str = "FAKE"
    name: str = "fake probe"
    firmware: str = "V0"
    voltage: float | None = 3.3


@dataclass
class Chip:
    header: str = "2.3"
    letter: str = "B"
    boot_mode: str = "development boot"


@dataclass
class FakeLink:
    """`size`: bytes of NOR. `hooks`: entry name -> function called first; a status from it takes the call's place."""

    size: int = 0x4000000
    jedec: bytes = b"\xc2\x80\x3a"
    sr: int = 0
    hooks: dict[str, Callable[..., int | None]] = field(default_factory=dict)
    calls: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    swd_clock_hz: int = 8_000_000
    is_open: bool = False
    closed: bool = False
    is_simulated: bool = False
    findings: tuple[Finding, ...] = ()
    sfdp: bytes = b"SFDP" + b"\xff" * 508

    def __post_init__(self) -> None:
        self.ram = bytearray(0x200000)
        self.nor = bytearray(b"\xff") * self.size
        self.serving: State | None = None
        self.time = 0.0

    # what a Link does
    def prepare(self) -> None:
        self.log.append("prepare")

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        self.serve()

    def read(self, address: int, size: int) -> bytes:
        self.serve()
        return bytes(self.ram[address - RAM : address - RAM + size])

    def write(self, address: int, data: bytes) -> None:
        self.ram[address - RAM : address - RAM + len(data)] = data

    def call(self, entry: int, *args: int, stack: int, timeout: float, expect: float = 0.0, name: str = "") -> int:
        assert stack == 0x34078000
        assert timeout > expect >= 0
        assert ENTRIES[name] == entry
        return self.enter(name, args)

    def enter(self, name: str, args: tuple[int, ...]) -> int:
        self.calls.append((name, args))
        hook = self.hooks.get(name)
        done = hook(self, *args) if hook else None
        return int(getattr(self, name)(*args)) if done is None else done

    def start(self, entry: int, *args: int, stack: int, name: str = "") -> None:
        assert ENTRIES[name] == entry
        assert name == "n6_serve"
        self.calls.append((name, args))
        setup = Service.unpack(self.read(args[0], Service.SIZE))
        self.serving = State(SERVICE_MAGIC, setup.build, setup.session, phase=PHASE_IDLE, bus=BUS_1S)
        for number in range(SLOT_COUNT):
            self.write(SERVICE_SLOTS + (number + 1) * SLOT_STRIDE - 4, bytes(4))
        self.write(SERVICE_RESULTS, bytes(RESULT_COUNT * Outcome.SIZE))
        self.write(SERVICE_CONTROL, bytes(4))
        self.write(SERVICE_STATE, self.serving.pack())

    def returned(self, name: str = "") -> int | None:
        self.serve()
        return None if self.serving is not None else 0

    def give_up(self, name: str, waited: float) -> N6ProgError:
        self.serving = None
        return FlashFailure.of("E-LOADER-TIMEOUT", name, timeout=waited)

    def step_down(self, reason: str) -> None:
        self.log.append("slower")

    def halt(self) -> None:
        self.log.append("halt")

    def reset(self) -> None:
        self.log.append("reset")

    def check_tripwire(self) -> None: ...

    def close(self) -> None:
        self.closed = True

    def virtual_seconds(self) -> float | None:
        return None

    def probe_info(self) -> Probe:
        return Probe()

    def chip_info(self) -> Chip:
        return Chip()

    # what the service does
    def serve(self) -> None:
        """Do all jobs that are there, unless one of them is being done (hooks read and write too)."""
        state, self.serving = self.serving, None
        if state is None:
            return
        while True:
            at = SERVICE_SLOTS + (state.done % SLOT_COUNT + 1) * SLOT_STRIDE - Descriptor.SIZE
            job = Descriptor.unpack(bytes(self.ram[at - RAM : at - RAM + Descriptor.SIZE]))
            if job.seq != state.done + 1:
                break
            outcome = self.job(job, at, failed=state.failed > 0)
            harmless = outcome.status in (Status.OK, Status.BAD_DATA, Status.SKIPPED)
            failed = state.failed or (0 if harmless else job.seq)
            state = replace(state, job=job.seq, done=job.seq, failed=failed)
            self.write(SERVICE_RESULTS + (job.seq - 1) % RESULT_COUNT * Outcome.SIZE, outcome.pack())
        if int.from_bytes(self.ram[SERVICE_CONTROL - RAM : SERVICE_CONTROL - RAM + 4], "little"):
            self.write(SERVICE_STATE, replace(state, phase=PHASE_STOPPED).pack())
            return
        state = replace(state, heartbeat=state.heartbeat + 1)
        self.write(SERVICE_STATE, state.pack())
        self.serving = state

    def job(self, job: Descriptor, at: int, *, failed: bool) -> Outcome:
        found = Outcome(op=job.op, offset=job.offset, failed_at=0xFFFFFFFF, seq=job.seq)
        if job != checked(job):
            return replace(found, status=Status.BAD_DATA)
        if failed and job.op in (OP_WRITE, OP_ERASE):
            return replace(found, status=Status.SKIPPED)
        if job.op == OP_WRITE:
            return self.write_job(job, at, found)
        calls: dict[int, tuple[str, tuple[int, ...]]] = {
            OP_SURVEY: ("n6_survey", (job.offset, job.count, job.to)),
            OP_READ: ("n6_read", (job.offset, job.count, job.to)),
            OP_ERASE: ("n6_erase", (job.offset, job.count)),
        }
        status = Status.OK if job.op == OP_NOP else self.enter(*calls[job.op])
        return replace(found, status=status, count=job.count if status == Status.OK else 0)

    def write_job(self, job: Descriptor, at: int, found: Outcome) -> Outcome:
        numbers = [number for number in range(16) if job.sectors >> number & 1]
        room = -(-job.count // PAYLOAD_ALIGN) * PAYLOAD_ALIGN
        payload = bytes(self.ram[at - RAM - room :][: job.count])
        if job.flags & JOB_DEFLATE:
            payload = zlib.decompress(payload, -15)
        sectors = [payload[n * SECTOR : (n + 1) * SECTOR] for n in range(len(numbers))]
        if [number(sector) for sector in sectors] != [job.digests[n] for n in numbers]:
            return replace(found, status=Status.BAD_DATA)
        for n, sector in zip(numbers, sectors, strict=True):
            self.write(DECODE + n * SECTOR, sector)
        self.write(
            JOB_AT, Job(job.offset, job.sectors, job.flags & JOB_ERASE_ALL_SET, DECODE).pack() + b"\xff" * Result.SIZE
        )
        status = self.enter("n6_write_block", (JOB_AT, JOB_AT + Job.SIZE))
        result = Result.unpack(bytes(self.ram[JOB_AT - RAM + Job.SIZE :][: Result.SIZE]))
        return replace(
            found,
            digests=result.digests,
            status=status,
            sr=result.sr,
            scur=result.scur,
            failed_at=result.failed_at,
            erased_bytes=result.erased_bytes,
            programmed_bytes=result.programmed_bytes,
            sector_erases=result.sector_erases,
            block_erases=result.block_erases,
            page_programs=result.page_programs,
        )

    # what the loader does
    def n6_open(self, nor: int, board: int, out: int) -> int:
        self.nor_setup = NorSetup.unpack(self.read(nor, NorSetup.SIZE))
        self.board_setup = BoardSetup.unpack(self.read(board, BoardSetup.SIZE))
        found = Identity(jedec=self.jedec + b"\0", sr=self.sr, size=self.size, sfdp_bytes=512, sfdp=self.sfdp)
        self.write(out, found.pack())
        self.is_open = True
        return Status.OK

    def n6_survey(self, offset: int, count: int, out: int) -> int:
        if not self.is_open:
            return Status.NOT_OPEN
        self.write(out, b"".join(number(self.sector(offset + n * SECTOR)).to_bytes(8, "little") for n in range(count)))
        return Status.OK

    def n6_write_block(self, job_at: int, out: int) -> int:
        job = Job.unpack(self.read(job_at, Job.SIZE))
        erased = programmed = 0
        for n in range(16):
            if not job.sectors >> n & 1:
                continue
            at = job.offset + n * SECTOR
            new = self.read(job.data + n * SECTOR, SECTOR)
            if self.sector(at) == new and not job.flags & JOB_ERASE_ALL_SET:
                continue
            if self.sector(at).strip(b"\xff"):
                erased += SECTOR
            self.program(at, new)
            programmed += SECTOR
        self.write(out, self.result(job.offset, erased=erased, programmed=programmed))
        return Status.OK

    def n6_erase(self, offset: int, size: int) -> int:
        self.nor[offset : offset + size] = b"\xff" * size
        return Status.OK

    def n6_read(self, offset: int, size: int, to: int) -> int:
        self.write(to, bytes(self.nor[offset : offset + size]))
        return Status.OK

    def n6_unprotect(self) -> int:
        self.sr &= ~0x3C
        return Status.OK

    def n6_close(self) -> int:
        self.is_open = False
        return Status.OK

    def EraseChip(self) -> int:  # noqa: N802 - the CMSIS name
        return self.n6_erase(0, self.size)

    # the flash
    def sector(self, offset: int) -> bytes:
        return bytes(self.nor[offset : offset + SECTOR])

    def program(self, offset: int, data: bytes) -> None:
        self.nor[offset : offset + len(data)] = data

    def result(self, block: int, status: int = Status.OK, **values: int) -> bytes:
        """A Result over what the NOR holds now."""
        return Result(
            status=status,
            failed_at=values.pop("failed_at", 0xFFFFFFFF),
            erased_bytes=values.pop("erased", 0),
            programmed_bytes=values.pop("programmed", 0),
            digests=tuple(number(self.sector(block + n * SECTOR)) for n in range(16)),
            **values,
        ).pack()

    def names(self) -> list[str]:
        """The entries that were called, in order."""
        return [name for name, _ in self.calls]
