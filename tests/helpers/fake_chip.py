"""A link to a chip that does by hand what the loader's machine code does: fast, and faults can be put in at any call.

It knows the mailbox (flash_algos/mailbox.toml); it erases and programs bluntly, in whole sectors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from n6prog.findings import Finding
from n6prog.flash_algos import LoaderImage
from n6prog.flash_algos.mailbox import (
    JOB_ERASE_ALL_SET,
    LOADER_BASE,
    VERSION,
    BoardSetup,
    Identity,
    Job,
    NorSetup,
    Result,
    Status,
)

SECTOR, BLOCK = 4096, 65536
PRIME = 2**64 - 40503
WHITE = int.from_bytes(bytes.fromhex("157c4a7fb979379e") * 512, "little")
RAM = 0x34000000

NAMES = ("n6_open", "n6_survey", "n6_write_block", "n6_erase", "n6_read", "n6_close", "EraseChip")
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
        self.ram = bytearray(0x100000)
        self.nor = bytearray(b"\xff") * self.size

    # what a Link does
    def prepare(self) -> None:
        self.log.append("prepare")

    def read(self, address: int, size: int) -> bytes:
        return bytes(self.ram[address - RAM : address - RAM + size])

    def write(self, address: int, data: bytes) -> None:
        self.ram[address - RAM : address - RAM + len(data)] = data

    def call(self, entry: int, *args: int, stack: int, timeout: float, expect: float = 0.0, name: str = "") -> int:
        assert stack == 0x34078000
        assert timeout > expect >= 0
        assert ENTRIES[name] == entry
        self.calls.append((name, args))
        hook = self.hooks.get(name)
        done = hook(self, *args) if hook else None
        return int(getattr(self, name)(*args)) if done is None else done

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

    # what the loader does
    def n6_open(self, nor: int, board: int, out: int) -> int:
        self.nor_setup = NorSetup.unpack(self.read(nor, NorSetup.SIZE))
        self.board_setup = BoardSetup.unpack(self.read(board, BoardSetup.SIZE))
        found = Identity(jedec=self.jedec + b"\0", size=self.size, sfdp_bytes=512, sfdp=self.sfdp)
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
