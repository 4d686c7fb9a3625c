"""Layout of what host and loader exchange: constants, status codes, structs.

Made from mailbox.toml by flash_algos/build.py; edit that file.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Final

VERSION: Final = "0.2.0"

# the image is linked for this address
LOADER_BASE: Final = 0x34070000
# bytes kept for the image, including its .data and .bss
LOADER_RESERVED: Final = 0x4000
# initial stack pointer; 8 KiB below it are stack
LOADER_STACK_TOP: Final = 0x34078000
# bytes of stack
LOADER_STACK_SIZE: Final = 0x2000
# 32 KiB for the structs below
LOADER_PARAMS: Final = 0x34078000
# 64 KiB of data from the host
LOADER_BUFFER: Final = 0x34080000
# 64 KiB for the loader's own copy of a block; never the host's
LOADER_KEEP: Final = 0x34090000
# 64 KiB of digests, out
LOADER_TABLE: Final = 0x340A0000
# the host's Control
SERVICE_CONTROL: Final = 0x340B0000
# the service's State
SERVICE_STATE: Final = 0x340B0040
# ring of Outcome: that of job n is entry (n - 1) % RESULT_COUNT
SERVICE_RESULTS: Final = 0x340B1000
# 8 KiB, the service's own: bit n % 32 of word n / 32: sector n is known to be blank
SERVICE_BLANK_MAP: Final = 0x340B8000
# the service's own: jobs that are made ready
SERVICE_WORK: Final = 0x340BC000
# 2 * 64 KiB, the service's own: data of the job in work and of the next one
SERVICE_DECODE: Final = 0x340C0000
# SLOT_COUNT slots of SLOT_STRIDE bytes, in AXISRAM2 above the boot ROM's traces (hw-soc 3)
SERVICE_SLOTS: Final = 0x34110000

# where the NOR is mapped; the classic entries take addresses from here on
NOR_BASE: Final = 0x70000000
# unit of survey, digest and the smaller erase
SECTOR_SIZE: Final = 0x1000
# unit of a job and of the larger erase
BLOCK_SIZE: Final = 0x10000
# SECTOR_SIZE in BLOCK_SIZE
SECTORS_PER_BLOCK: Final = 0x10
# a program command never crosses a multiple of this
PAGE_SIZE: Final = 0x100
# ECC unit: programmed once per erase (hw-flash 7)
CHUNK_SIZE: Final = 0x10
# bytes of SFDP that n6_open reads
SFDP_SIZE: Final = 0x200
# Job.flags, Descriptor.flags: erase every set sector even where nothing differs
JOB_ERASE_ALL_SET: Final = 0x1
# Descriptor.flags: the payload is one raw deflate stream (RFC 1951) of the set sectors' bytes
JOB_DEFLATE: Final = 0x2
# job n lies in slot (n - 1) % SLOT_COUNT
SLOT_COUNT: Final = 0xE
# bytes of a slot; its Descriptor is right at its end, the payload before that
SLOT_STRIDE: Final = 0x10400
# the payload begins this aligned: its size rounded up, before the Descriptor
PAYLOAD_ALIGN: Final = 0x8
# of Descriptor.check and of n6_check
CHECK_FACTOR: Final = 0x9E3779B1
# entries of the ring of Outcome
RESULT_COUNT: Final = 0x40
# sectors of an OP_SURVEY
SURVEY_MOST: Final = 0x200
# Descriptor.op: nothing, which shows that the service lives
OP_NOP: Final = 0x1
# Descriptor.op: the set sectors of one block
OP_WRITE: Final = 0x2
# Descriptor.op: digests of count sectors from offset on, as u64 at to
OP_SURVEY: Final = 0x3
# Descriptor.op: count bytes from offset on, multiples of 4, at most BLOCK_SIZE, to to
OP_READ: Final = 0x4
# Descriptor.op: erase count bytes from offset on, multiples of SECTOR_SIZE
OP_ERASE: Final = 0x5
# State.magic: the service has started
SERVICE_MAGIC: Final = 0x5652534E
# Service.flags: never leave 1S
SERVE_1S: Final = 0x1
# State.phase: waits for a job
PHASE_IDLE: Final = 0x1
# State.phase: unpacks and checks a payload, or reads what the block holds
PHASE_CHECK: Final = 0x2
# State.phase: computes digests, or reads for the host
PHASE_SURVEY: Final = 0x3
# State.phase: the NOR erases
PHASE_ERASE: Final = 0x4
# State.phase: the NOR programs
PHASE_PROGRAM: Final = 0x5
# State.phase: reads back what it wrote
PHASE_PROVE: Final = 0x6
# State.phase: has ended as the host asked; the part is in 1S and mapped
PHASE_STOPPED: Final = 0x7
# State.bus: one line
BUS_1S: Final = 0x1
# State.bus: octal DTR, proven by RDID and SFDP
BUS_8D: Final = 0x8
# Result.failed_at when nothing failed
NO_OFFSET: Final = 0xFFFFFFFF

ENTRIES: Final = (
    "n6_open",
    "n6_survey",
    "n6_write_block",
    "n6_erase",
    "n6_read",
    "n6_close",
    "n6_serve",
    "n6_unprotect",
    "n6_check",
    "n6_decide",
    "Init",
    "UnInit",
    "EraseChip",
    "EraseSector",
    "ProgramPage",
    "Verify",
    "BlankCheck",
)


class Status(IntEnum):
    """Result of every loader entry; `meaning` says it in words."""

    OK = 0
    TIMEOUT = 1
    NO_ANSWER = 2
    WEL_NOT_SET = 3
    PROGRAM_FAIL = 4
    ERASE_FAIL = 5
    PROTECTED = 6
    BAD_ARGUMENT = 7
    NOT_OPEN = 8
    MISMATCH = 9
    SIZE_UNKNOWN = 10
    NO_TIMER = 11
    CONTROLLER = 12
    BAD_DATA = 13
    SKIPPED = 14

    @property
    def meaning(self) -> str:
        """One line for people."""
        return _MEANINGS[self]


_MEANINGS: Final = {
    Status.OK: "done",
    Status.TIMEOUT: "XSPI or NOR was still busy after the longest time allowed",
    Status.NO_ANSWER: "the NOR does not identify itself: RDID gave one value in every byte or did not repeat",
    Status.WEL_NOT_SET: "the NOR did not take write-enable",
    Status.PROGRAM_FAIL: "the NOR reports P_FAIL after a program",
    Status.ERASE_FAIL: "the NOR reports E_FAIL after an erase",
    Status.PROTECTED: "the NOR refused a program or erase and block-protection bits are set",
    Status.BAD_ARGUMENT: "an argument is misaligned, out of range or forbidden",
    Status.NOT_OPEN: "n6_open has not succeeded since the image was loaded or closed",
    Status.MISMATCH: "what the NOR returns after the last program is not what was wanted",
    Status.SIZE_UNKNOWN: "neither the host, SFDP nor RDID tell the size of the part",
    Status.NO_TIMER: "the DWT cycle counter does not count, so no wait could be bounded",
    Status.CONTROLLER: "XSPI reports a transfer error",
    Status.BAD_DATA: "the data that arrived are not those of the job's digests; nothing was touched",
    Status.SKIPPED: "not run: an earlier job failed, or the host asked to stop",
}


@dataclass(frozen=True, slots=True)
class NorSetup:
    """The NOR part, as the host knows it.

    `size`: bytes; 0: from SFDP, else from RDID
    `page`: page of the part; at least PAGE_SIZE
    `ecc_chunk`: ECC unit of the part; 1, 2, 4, 8 or 16
    `read_opcode`: 1S read with a 4-byte address
    `read_dummy`: dummy clocks of read_opcode
    `program_opcode`: 1S page program with a 4-byte address
    `sector_erase_opcode`: 1S 4 KiB erase with a 4-byte address
    `block_erase_opcode`: 1S 64 KiB erase with a 4-byte address; 0: the part has none
    `chip_erase_opcode`: 1S erase of everything; 0: the part has none
    `sector_typ_us`: 4 KiB erase, typical
    `sector_max_us`: 4 KiB erase, longest
    `block_typ_us`: 64 KiB erase, typical
    `block_max_us`: 64 KiB erase, longest
    `page_typ_us`: page program, typical
    `page_max_us`: page program, longest
    `chip_typ_us`: chip erase, typical
    `chip_max_us`: chip erase, longest
    `register_typ_us`: status register write, typical
    `register_max_us`: status register write, longest
    `reset_typ_us`: software reset of an idle part: shortest wait after 66h 99h
    `reset_max_us`: software reset in the middle of an erase: longest wait
    `octal_read_opcode`: 8D read, both bytes as sent; 0: the part is used in 1S only
    `octal_read_dummy`: dummy clocks of octal_read_opcode: even, 6 to 20 (CR2 300h)
    `octal_program_opcode`: 8D page program, both bytes
    `octal_sector_erase_opcode`: 8D 4 KiB erase, both bytes
    `octal_block_erase_opcode`: 8D 64 KiB erase, both bytes; 0: the part has none
    """

    SIZE: ClassVar[int] = 104
    FORMAT: ClassVar[struct.Struct] = struct.Struct("<IIIIIIIIIIIIIIIIIIIIIIIIII")

    size: int = 0
    page: int = 0
    ecc_chunk: int = 0
    read_opcode: int = 0
    read_dummy: int = 0
    program_opcode: int = 0
    sector_erase_opcode: int = 0
    block_erase_opcode: int = 0
    chip_erase_opcode: int = 0
    sector_typ_us: int = 0
    sector_max_us: int = 0
    block_typ_us: int = 0
    block_max_us: int = 0
    page_typ_us: int = 0
    page_max_us: int = 0
    chip_typ_us: int = 0
    chip_max_us: int = 0
    register_typ_us: int = 0
    register_max_us: int = 0
    reset_typ_us: int = 0
    reset_max_us: int = 0
    octal_read_opcode: int = 0
    octal_read_dummy: int = 0
    octal_program_opcode: int = 0
    octal_sector_erase_opcode: int = 0
    octal_block_erase_opcode: int = 0

    def pack(self) -> bytes:
        """The bytes as they lie in the chip's memory."""
        return self.FORMAT.pack(
            self.size,
            self.page,
            self.ecc_chunk,
            self.read_opcode,
            self.read_dummy,
            self.program_opcode,
            self.sector_erase_opcode,
            self.block_erase_opcode,
            self.chip_erase_opcode,
            self.sector_typ_us,
            self.sector_max_us,
            self.block_typ_us,
            self.block_max_us,
            self.page_typ_us,
            self.page_max_us,
            self.chip_typ_us,
            self.chip_max_us,
            self.register_typ_us,
            self.register_max_us,
            self.reset_typ_us,
            self.reset_max_us,
            self.octal_read_opcode,
            self.octal_read_dummy,
            self.octal_program_opcode,
            self.octal_sector_erase_opcode,
            self.octal_block_erase_opcode,
        )

    @classmethod
    def unpack(cls, data: bytes | bytearray | memoryview) -> NorSetup:
        """The struct from exactly SIZE bytes. Raises struct.error for any other length."""
        values = cls.FORMAT.unpack(data)
        return cls(
            values[0],
            values[1],
            values[2],
            values[3],
            values[4],
            values[5],
            values[6],
            values[7],
            values[8],
            values[9],
            values[10],
            values[11],
            values[12],
            values[13],
            values[14],
            values[15],
            values[16],
            values[17],
            values[18],
            values[19],
            values[20],
            values[21],
            values[22],
            values[23],
            values[24],
            values[25],
        )


@dataclass(frozen=True, slots=True)
class BoardSetup:
    """How the NOR is wired to the chip. RCC bits are positions in AHB5ENR/AHB5RSTR and AHB4ENR.

    `xspi_base`: registers of the XSPI instance, secure alias
    `xspi_rcc_bits`: AHB5ENR bits to set: XSPIM and the XSPI
    `all_xspi_reset_bits`: AHB5RSTR bits to pulse: XSPIM cannot change while any XSPI runs
    `xspi_select_mask`: CCIPR6 field to clear: the XSPI's kernel clock becomes HCLK5
    `xspim_base`: XSPIM_CR, secure alias
    `xspim_cr`: value for XSPIM_CR; 0 is direct mode
    `gpio_base`: the GPIO port of the pads, secure alias
    `gpio_rcc_bit`: AHB4ENR bit of that port
    `moder_mask`: bits of MODER that belong to the pads
    `moder_value`: and their value
    `ospeedr_mask`: bits of OSPEEDR that belong to the pads
    `ospeedr_value`: and their value
    `pupdr_mask`: bits of PUPDR that belong to the pads
    `pupdr_value`: and their value
    `afrl_mask`: bits of AFRL that belong to the pads
    `afrl_value`: and their value
    `afrh_mask`: bits of AFRH that belong to the pads
    `afrh_value`: and their value
    `svmcr3_set`: PWR_SVMCR3 supply-valid bits to set; any other bit is refused
    `dcr1`: XSPI DCR1 without DEVSIZE: MTYP and CSHT
    `prescaler`: XSPI DCR2.PRESCALER: kernel clock / (n + 1)
    """

    SIZE: ClassVar[int] = 84
    FORMAT: ClassVar[struct.Struct] = struct.Struct("<IIIIIIIIIIIIIIIIIIIII")

    xspi_base: int = 0
    xspi_rcc_bits: int = 0
    all_xspi_reset_bits: int = 0
    xspi_select_mask: int = 0
    xspim_base: int = 0
    xspim_cr: int = 0
    gpio_base: int = 0
    gpio_rcc_bit: int = 0
    moder_mask: int = 0
    moder_value: int = 0
    ospeedr_mask: int = 0
    ospeedr_value: int = 0
    pupdr_mask: int = 0
    pupdr_value: int = 0
    afrl_mask: int = 0
    afrl_value: int = 0
    afrh_mask: int = 0
    afrh_value: int = 0
    svmcr3_set: int = 0
    dcr1: int = 0
    prescaler: int = 0

    def pack(self) -> bytes:
        """The bytes as they lie in the chip's memory."""
        return self.FORMAT.pack(
            self.xspi_base,
            self.xspi_rcc_bits,
            self.all_xspi_reset_bits,
            self.xspi_select_mask,
            self.xspim_base,
            self.xspim_cr,
            self.gpio_base,
            self.gpio_rcc_bit,
            self.moder_mask,
            self.moder_value,
            self.ospeedr_mask,
            self.ospeedr_value,
            self.pupdr_mask,
            self.pupdr_value,
            self.afrl_mask,
            self.afrl_value,
            self.afrh_mask,
            self.afrh_value,
            self.svmcr3_set,
            self.dcr1,
            self.prescaler,
        )

    @classmethod
    def unpack(cls, data: bytes | bytearray | memoryview) -> BoardSetup:
        """The struct from exactly SIZE bytes. Raises struct.error for any other length."""
        values = cls.FORMAT.unpack(data)
        return cls(
            values[0],
            values[1],
            values[2],
            values[3],
            values[4],
            values[5],
            values[6],
            values[7],
            values[8],
            values[9],
            values[10],
            values[11],
            values[12],
            values[13],
            values[14],
            values[15],
            values[16],
            values[17],
            values[18],
            values[19],
            values[20],
        )


@dataclass(frozen=True, slots=True)
class Identity:
    """What n6_open found. Valid also when it failed, as far as it came.

    `status`: the Status that n6_open returned
    `jedec`: RDID: manufacturer, type, density, and 0
    `sr`: status register 05h
    `scur`: security register 2Bh; 0 for makers other than Macronix
    `size`: bytes of the part the loader works with
    `sfdp_bytes`: SFDP_SIZE, or 0 when the signature is not there
    `sfdp`: SFDP from offset 0
    """

    SIZE: ClassVar[int] = 536
    FORMAT: ClassVar[struct.Struct] = struct.Struct("<I4sIIII512s")

    status: int = 0
    jedec: bytes = bytes(4)
    sr: int = 0
    scur: int = 0
    size: int = 0
    sfdp_bytes: int = 0
    sfdp: bytes = bytes(512)

    def pack(self) -> bytes:
        """The bytes as they lie in the chip's memory."""
        return self.FORMAT.pack(
            self.status,
            self.jedec,
            self.sr,
            self.scur,
            self.size,
            self.sfdp_bytes,
            self.sfdp,
        )

    @classmethod
    def unpack(cls, data: bytes | bytearray | memoryview) -> Identity:
        """The struct from exactly SIZE bytes. Raises struct.error for any other length."""
        values = cls.FORMAT.unpack(data)
        return cls(
            values[0],
            values[1],
            values[2],
            values[3],
            values[4],
            values[5],
            values[6],
        )


@dataclass(frozen=True, slots=True)
class Job:
    """One 64 KiB block to be written.

    `offset`: offset of the block in the NOR, a multiple of BLOCK_SIZE
    `sectors`: bit n: sector n of the block is to get the host's bytes
    `flags`: JOB_ERASE_ALL_SET or 0
    `data`: address of 64 KiB, 8-byte aligned; sector n at data + n * 4096. The loader fills in the other sectors
    """

    SIZE: ClassVar[int] = 16
    FORMAT: ClassVar[struct.Struct] = struct.Struct("<IIII")

    offset: int = 0
    sectors: int = 0
    flags: int = 0
    data: int = 0

    def pack(self) -> bytes:
        """The bytes as they lie in the chip's memory."""
        return self.FORMAT.pack(
            self.offset,
            self.sectors,
            self.flags,
            self.data,
        )

    @classmethod
    def unpack(cls, data: bytes | bytearray | memoryview) -> Job:
        """The struct from exactly SIZE bytes. Raises struct.error for any other length."""
        values = cls.FORMAT.unpack(data)
        return cls(
            values[0],
            values[1],
            values[2],
            values[3],
        )


@dataclass(frozen=True, slots=True)
class Result:
    """What n6_write_block did. `digests` are valid for OK and MISMATCH.

    `status`: the Status that n6_write_block returned
    `sr`: last status register read
    `scur`: last security register read
    `erased_bytes`: bytes erased
    `programmed_bytes`: bytes sent in program commands
    `sector_erases`: 4 KiB erases
    `block_erases`: 64 KiB erases
    `page_programs`: program commands
    `failed_at`: offset in the NOR of what failed, or NO_OFFSET
    `reserved`: 0
    `digests`: digest of each sector, read from the NOR after the last program
    """

    SIZE: ClassVar[int] = 168
    FORMAT: ClassVar[struct.Struct] = struct.Struct("<IIIIIIIIII16Q")

    status: int = 0
    sr: int = 0
    scur: int = 0
    erased_bytes: int = 0
    programmed_bytes: int = 0
    sector_erases: int = 0
    block_erases: int = 0
    page_programs: int = 0
    failed_at: int = 0
    reserved: int = 0
    digests: tuple[int, ...] = (0,) * 16

    def pack(self) -> bytes:
        """The bytes as they lie in the chip's memory."""
        return self.FORMAT.pack(
            self.status,
            self.sr,
            self.scur,
            self.erased_bytes,
            self.programmed_bytes,
            self.sector_erases,
            self.block_erases,
            self.page_programs,
            self.failed_at,
            self.reserved,
            *self.digests,
        )

    @classmethod
    def unpack(cls, data: bytes | bytearray | memoryview) -> Result:
        """The struct from exactly SIZE bytes. Raises struct.error for any other length."""
        values = cls.FORMAT.unpack(data)
        return cls(
            values[0],
            values[1],
            values[2],
            values[3],
            values[4],
            values[5],
            values[6],
            values[7],
            values[8],
            values[9],
            tuple(values[10:26]),
        )


@dataclass(frozen=True, slots=True)
class Service:
    """What n6_serve is started with.

    `session`: a random word of the host's, shown in State
    `build`: which image this is, by the host's reckoning, shown in State
    `flags`: SERVE_1S or 0
    `reserved`: 0
    """

    SIZE: ClassVar[int] = 16
    FORMAT: ClassVar[struct.Struct] = struct.Struct("<IIII")

    session: int = 0
    build: int = 0
    flags: int = 0
    reserved: int = 0

    def pack(self) -> bytes:
        """The bytes as they lie in the chip's memory."""
        return self.FORMAT.pack(
            self.session,
            self.build,
            self.flags,
            self.reserved,
        )

    @classmethod
    def unpack(cls, data: bytes | bytearray | memoryview) -> Service:
        """The struct from exactly SIZE bytes. Raises struct.error for any other length."""
        values = cls.FORMAT.unpack(data)
        return cls(
            values[0],
            values[1],
            values[2],
            values[3],
        )


@dataclass(frozen=True, slots=True)
class Control:
    """What the host may write at any time. n6_serve clears it.

    `stop`: not 0: end. A block in work is finished, whatever else is in work is broken off
    """

    SIZE: ClassVar[int] = 4
    FORMAT: ClassVar[struct.Struct] = struct.Struct("<I")

    stop: int = 0

    def pack(self) -> bytes:
        """The bytes as they lie in the chip's memory."""
        return self.FORMAT.pack(
            self.stop,
        )

    @classmethod
    def unpack(cls, data: bytes | bytearray | memoryview) -> Control:
        """The struct from exactly SIZE bytes. Raises struct.error for any other length."""
        values = cls.FORMAT.unpack(data)
        return cls(
            values[0],
        )


@dataclass(frozen=True, slots=True)
class State:
    """What the service is doing. Words are written one by one: each is true, together they need not be of one moment.

    `magic`: SERVICE_MAGIC
    `build`: Service.build
    `session`: Service.session
    `phase`: PHASE_...
    `job`: the job in work, or the last one
    `done`: jobs up to this one are done; their slots are free and their outcomes in the ring
    `offset`: offset in the NOR of the operation under way
    `heartbeat`: grows while the service waits for jobs or for the NOR
    `bus`: BUS_...
    `failed`: the first job that failed: later writes and erases are not run; 0: none
    `bus_error`: why the bus is 1S: the Status of the attempt to use 8D, OK when there was none
    `sector_erases`: since the start
    `block_erases`: since the start
    `page_programs`: since the start
    `sr`: status register as last read
    `scur`: security register as last read
    """

    SIZE: ClassVar[int] = 64
    FORMAT: ClassVar[struct.Struct] = struct.Struct("<IIIIIIIIIIIIIIII")

    magic: int = 0
    build: int = 0
    session: int = 0
    phase: int = 0
    job: int = 0
    done: int = 0
    offset: int = 0
    heartbeat: int = 0
    bus: int = 0
    failed: int = 0
    bus_error: int = 0
    sector_erases: int = 0
    block_erases: int = 0
    page_programs: int = 0
    sr: int = 0
    scur: int = 0

    def pack(self) -> bytes:
        """The bytes as they lie in the chip's memory."""
        return self.FORMAT.pack(
            self.magic,
            self.build,
            self.session,
            self.phase,
            self.job,
            self.done,
            self.offset,
            self.heartbeat,
            self.bus,
            self.failed,
            self.bus_error,
            self.sector_erases,
            self.block_erases,
            self.page_programs,
            self.sr,
            self.scur,
        )

    @classmethod
    def unpack(cls, data: bytes | bytearray | memoryview) -> State:
        """The struct from exactly SIZE bytes. Raises struct.error for any other length."""
        values = cls.FORMAT.unpack(data)
        return cls(
            values[0],
            values[1],
            values[2],
            values[3],
            values[4],
            values[5],
            values[6],
            values[7],
            values[8],
            values[9],
            values[10],
            values[11],
            values[12],
            values[13],
            values[14],
            values[15],
        )


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A job for the service, written with its payload in one ascending write; seq is the last word of the slot.

    `digests`: OP_WRITE: digest of each set sector; others are not looked at
    `op`: OP_...
    `offset`: offset in the NOR
    `sectors`: OP_WRITE: bit n: sector n of the block; their bytes are the payload, ascending
    `flags`: OP_WRITE: JOB_ERASE_ALL_SET, JOB_DEFLATE
    `count`: OP_WRITE: bytes of payload, as sent; OP_SURVEY: sectors; OP_READ, OP_ERASE: bytes
    `to`: OP_SURVEY, OP_READ: 8-byte aligned address in LOADER_BUFFER, LOADER_TABLE or the slots
    `check`: over all other words, from h = 0: h = (h ^ word) * CHECK_FACTOR, h ^= h >> 15; else BAD_DATA
    `seq`: number of the job: 1, 2, 3...
    """

    SIZE: ClassVar[int] = 160
    FORMAT: ClassVar[struct.Struct] = struct.Struct("<16QIIIIIIII")

    digests: tuple[int, ...] = (0,) * 16
    op: int = 0
    offset: int = 0
    sectors: int = 0
    flags: int = 0
    count: int = 0
    to: int = 0
    check: int = 0
    seq: int = 0

    def pack(self) -> bytes:
        """The bytes as they lie in the chip's memory."""
        return self.FORMAT.pack(
            *self.digests,
            self.op,
            self.offset,
            self.sectors,
            self.flags,
            self.count,
            self.to,
            self.check,
            self.seq,
        )

    @classmethod
    def unpack(cls, data: bytes | bytearray | memoryview) -> Descriptor:
        """The struct from exactly SIZE bytes. Raises struct.error for any other length."""
        values = cls.FORMAT.unpack(data)
        return cls(
            tuple(values[0:16]),
            values[16],
            values[17],
            values[18],
            values[19],
            values[20],
            values[21],
            values[22],
            values[23],
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job.

    `digests`: OP_WRITE: digest of each sector of the block as the NOR returns it now; valid for OK and MISMATCH
    `status`: a Status
    `op`: Descriptor.op
    `offset`: Descriptor.offset
    `count`: OP_SURVEY: sectors done; OP_READ, OP_ERASE: bytes done
    `sr`: last status register read
    `scur`: last security register read
    `failed_at`: offset in the NOR of what failed, or NO_OFFSET
    `erased_bytes`: bytes erased
    `programmed_bytes`: bytes sent in program commands
    `sector_erases`: 4 KiB erases
    `block_erases`: 64 KiB erases
    `page_programs`: program commands
    `reserved`: 0
    `seq`: number of the job; written last
    """

    SIZE: ClassVar[int] = 192
    FORMAT: ClassVar[struct.Struct] = struct.Struct("<16QIIIIIIIIIIII3II")

    digests: tuple[int, ...] = (0,) * 16
    status: int = 0
    op: int = 0
    offset: int = 0
    count: int = 0
    sr: int = 0
    scur: int = 0
    failed_at: int = 0
    erased_bytes: int = 0
    programmed_bytes: int = 0
    sector_erases: int = 0
    block_erases: int = 0
    page_programs: int = 0
    reserved: tuple[int, ...] = (0,) * 3
    seq: int = 0

    def pack(self) -> bytes:
        """The bytes as they lie in the chip's memory."""
        return self.FORMAT.pack(
            *self.digests,
            self.status,
            self.op,
            self.offset,
            self.count,
            self.sr,
            self.scur,
            self.failed_at,
            self.erased_bytes,
            self.programmed_bytes,
            self.sector_erases,
            self.block_erases,
            self.page_programs,
            *self.reserved,
            self.seq,
        )

    @classmethod
    def unpack(cls, data: bytes | bytearray | memoryview) -> Outcome:
        """The struct from exactly SIZE bytes. Raises struct.error for any other length."""
        values = cls.FORMAT.unpack(data)
        return cls(
            tuple(values[0:16]),
            values[16],
            values[17],
            values[18],
            values[19],
            values[20],
            values[21],
            values[22],
            values[23],
            values[24],
            values[25],
            values[26],
            values[27],
            tuple(values[28:31]),
            values[31],
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """What the sector rule says for one block (n6_decide).

    `erase_block`: 1: one 64 KiB erase
    `erase_sectors`: bit n: erase sector n; 0 when erase_block is 1
    `programs`: program commands
    `cost_us`: erases and programs by typical times
    """

    SIZE: ClassVar[int] = 16
    FORMAT: ClassVar[struct.Struct] = struct.Struct("<IIII")

    erase_block: int = 0
    erase_sectors: int = 0
    programs: int = 0
    cost_us: int = 0

    def pack(self) -> bytes:
        """The bytes as they lie in the chip's memory."""
        return self.FORMAT.pack(
            self.erase_block,
            self.erase_sectors,
            self.programs,
            self.cost_us,
        )

    @classmethod
    def unpack(cls, data: bytes | bytearray | memoryview) -> Decision:
        """The struct from exactly SIZE bytes. Raises struct.error for any other length."""
        values = cls.FORMAT.unpack(data)
        return cls(
            values[0],
            values[1],
            values[2],
            values[3],
        )
