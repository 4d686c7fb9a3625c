/* Made from mailbox.toml by flash_algos/build.py; edit that file. */
#ifndef N6_MAILBOX_H
#define N6_MAILBOX_H

#include <stdint.h>

#define LOADER_BASE 0x34070000u /* the image is linked for this address */
#define LOADER_RESERVED 0x4000u /* bytes kept for the image, including its .data and .bss */
#define LOADER_STACK_TOP 0x34078000u /* initial stack pointer; 8 KiB below it are stack */
#define LOADER_STACK_SIZE 0x2000u /* bytes of stack */
#define LOADER_PARAMS 0x34078000u /* 32 KiB for the structs below */
#define LOADER_BUFFER 0x34080000u /* 64 KiB of data from the host */
#define LOADER_KEEP 0x34090000u /* 64 KiB for the loader's own copy of a block; never the host's */
#define LOADER_TABLE 0x340A0000u /* 64 KiB of digests, out */
#define SERVICE_CONTROL 0x340B0000u /* the host's Control */
#define SERVICE_STATE 0x340B0040u /* the service's State */
#define SERVICE_RESULTS 0x340B1000u /* ring of Outcome: that of job n is entry (n - 1) % RESULT_COUNT */
#define SERVICE_BLANK_MAP 0x340B8000u /* 8 KiB, the service's own: bit n % 32 of word n / 32: sector n is known to be blank */
#define SERVICE_WORK 0x340BC000u /* the service's own: jobs that are made ready */
#define SERVICE_DECODE 0x340C0000u /* 2 * 64 KiB, the service's own: data of the job in work and of the next one */
#define SERVICE_SLOTS 0x34110000u /* SLOT_COUNT slots of SLOT_STRIDE bytes, in AXISRAM2 above the boot ROM's traces (hw-soc 3) */

#define NOR_BASE 0x70000000u /* where the NOR is mapped; the classic entries take addresses from here on */
#define SECTOR_SIZE 0x1000u /* unit of survey, digest and the smaller erase */
#define BLOCK_SIZE 0x10000u /* unit of a job and of the larger erase */
#define SECTORS_PER_BLOCK 0x10u /* SECTOR_SIZE in BLOCK_SIZE */
#define PAGE_SIZE 0x100u /* a program command never crosses a multiple of this */
#define CHUNK_SIZE 0x10u /* ECC unit: programmed once per erase (hw-flash 7) */
#define SFDP_SIZE 0x200u /* bytes of SFDP that n6_open reads */
#define JOB_ERASE_ALL_SET 0x1u /* Job.flags, Descriptor.flags: erase every set sector even where nothing differs */
#define JOB_DEFLATE 0x2u /* Descriptor.flags: the payload is one raw deflate stream (RFC 1951) of the set sectors' bytes */
#define SLOT_COUNT 0xEu /* job n lies in slot (n - 1) % SLOT_COUNT */
#define SLOT_STRIDE 0x10400u /* bytes of a slot; its Descriptor is right at its end, the payload before that */
#define PAYLOAD_ALIGN 0x8u /* the payload begins this aligned: its size rounded up, before the Descriptor */
#define CHECK_FACTOR 0x9E3779B1u /* of Descriptor.check and of n6_check */
#define RESULT_COUNT 0x40u /* entries of the ring of Outcome */
#define SURVEY_MOST 0x200u /* sectors of an OP_SURVEY */
#define OP_NOP 0x1u /* Descriptor.op: nothing, which shows that the service lives */
#define OP_WRITE 0x2u /* Descriptor.op: the set sectors of one block */
#define OP_SURVEY 0x3u /* Descriptor.op: digests of count sectors from offset on, as u64 at to */
#define OP_READ 0x4u /* Descriptor.op: count bytes from offset on, multiples of 4, at most BLOCK_SIZE, to to */
#define OP_ERASE 0x5u /* Descriptor.op: erase count bytes from offset on, multiples of SECTOR_SIZE */
#define SERVICE_MAGIC 0x5652534Eu /* State.magic: the service has started */
#define SERVE_1S 0x1u /* Service.flags: never leave 1S */
#define PHASE_IDLE 0x1u /* State.phase: waits for a job */
#define PHASE_CHECK 0x2u /* State.phase: unpacks and checks a payload, or reads what the block holds */
#define PHASE_SURVEY 0x3u /* State.phase: computes digests, or reads for the host */
#define PHASE_ERASE 0x4u /* State.phase: the NOR erases */
#define PHASE_PROGRAM 0x5u /* State.phase: the NOR programs */
#define PHASE_PROVE 0x6u /* State.phase: reads back what it wrote */
#define PHASE_STOPPED 0x7u /* State.phase: has ended as the host asked; the part is in 1S and mapped */
#define BUS_1S 0x1u /* State.bus: one line */
#define BUS_8D 0x8u /* State.bus: octal DTR, proven by RDID and SFDP */
#define NO_OFFSET 0xFFFFFFFFu /* Result.failed_at when nothing failed */

enum Status {
    OK = 0, /* done */
    TIMEOUT = 1, /* XSPI or NOR was still busy after the longest time allowed */
    NO_ANSWER = 2, /* the NOR does not identify itself: RDID gave one value in every byte or did not repeat */
    WEL_NOT_SET = 3, /* the NOR did not take write-enable */
    PROGRAM_FAIL = 4, /* the NOR reports P_FAIL after a program */
    ERASE_FAIL = 5, /* the NOR reports E_FAIL after an erase */
    PROTECTED = 6, /* the NOR refused a program or erase and block-protection bits are set */
    BAD_ARGUMENT = 7, /* an argument is misaligned, out of range or forbidden */
    NOT_OPEN = 8, /* n6_open has not succeeded since the image was loaded or closed */
    MISMATCH = 9, /* what the NOR returns after the last program is not what was wanted */
    SIZE_UNKNOWN = 10, /* neither the host, SFDP nor RDID tell the size of the part */
    NO_TIMER = 11, /* the DWT cycle counter does not count, so no wait could be bounded */
    CONTROLLER = 12, /* XSPI reports a transfer error */
    BAD_DATA = 13, /* the data that arrived are not those of the job's digests; nothing was touched */
    SKIPPED = 14, /* not run: an earlier job failed, or the host asked to stop */
};

/* The NOR part, as the host knows it. */
typedef struct {
    uint32_t size; /* bytes; 0: from SFDP, else from RDID */
    uint32_t page; /* page of the part; at least PAGE_SIZE */
    uint32_t ecc_chunk; /* ECC unit of the part; 1, 2, 4, 8 or 16 */
    uint32_t read_opcode; /* 1S read with a 4-byte address */
    uint32_t read_dummy; /* dummy clocks of read_opcode */
    uint32_t program_opcode; /* 1S page program with a 4-byte address */
    uint32_t sector_erase_opcode; /* 1S 4 KiB erase with a 4-byte address */
    uint32_t block_erase_opcode; /* 1S 64 KiB erase with a 4-byte address; 0: the part has none */
    uint32_t chip_erase_opcode; /* 1S erase of everything; 0: the part has none */
    uint32_t sector_typ_us; /* 4 KiB erase, typical */
    uint32_t sector_max_us; /* 4 KiB erase, longest */
    uint32_t block_typ_us; /* 64 KiB erase, typical */
    uint32_t block_max_us; /* 64 KiB erase, longest */
    uint32_t page_typ_us; /* page program, typical */
    uint32_t page_max_us; /* page program, longest */
    uint32_t chip_typ_us; /* chip erase, typical */
    uint32_t chip_max_us; /* chip erase, longest */
    uint32_t register_typ_us; /* status register write, typical */
    uint32_t register_max_us; /* status register write, longest */
    uint32_t reset_typ_us; /* software reset of an idle part: shortest wait after 66h 99h */
    uint32_t reset_max_us; /* software reset in the middle of an erase: longest wait */
    uint32_t octal_read_opcode; /* 8D read, both bytes as sent; 0: the part is used in 1S only */
    uint32_t octal_read_dummy; /* dummy clocks of octal_read_opcode: even, 6 to 20 (CR2 300h) */
    uint32_t octal_program_opcode; /* 8D page program, both bytes */
    uint32_t octal_sector_erase_opcode; /* 8D 4 KiB erase, both bytes */
    uint32_t octal_block_erase_opcode; /* 8D 64 KiB erase, both bytes; 0: the part has none */
} NorSetup;
_Static_assert(sizeof(NorSetup) == 104, "mailbox layout");
_Static_assert(__builtin_offsetof(NorSetup, octal_block_erase_opcode) == 100, "mailbox layout");

/* How the NOR is wired to the chip. RCC bits are positions in AHB5ENR/AHB5RSTR and AHB4ENR. */
typedef struct {
    uint32_t xspi_base; /* registers of the XSPI instance, secure alias */
    uint32_t xspi_rcc_bits; /* AHB5ENR bits to set: XSPIM and the XSPI */
    uint32_t all_xspi_reset_bits; /* AHB5RSTR bits to pulse: XSPIM cannot change while any XSPI runs */
    uint32_t xspi_select_mask; /* CCIPR6 field to clear: the XSPI's kernel clock becomes HCLK5 */
    uint32_t xspim_base; /* XSPIM_CR, secure alias */
    uint32_t xspim_cr; /* value for XSPIM_CR; 0 is direct mode */
    uint32_t gpio_base; /* the GPIO port of the pads, secure alias */
    uint32_t gpio_rcc_bit; /* AHB4ENR bit of that port */
    uint32_t moder_mask; /* bits of MODER that belong to the pads */
    uint32_t moder_value; /* and their value */
    uint32_t ospeedr_mask; /* bits of OSPEEDR that belong to the pads */
    uint32_t ospeedr_value; /* and their value */
    uint32_t pupdr_mask; /* bits of PUPDR that belong to the pads */
    uint32_t pupdr_value; /* and their value */
    uint32_t afrl_mask; /* bits of AFRL that belong to the pads */
    uint32_t afrl_value; /* and their value */
    uint32_t afrh_mask; /* bits of AFRH that belong to the pads */
    uint32_t afrh_value; /* and their value */
    uint32_t svmcr3_set; /* PWR_SVMCR3 supply-valid bits to set; any other bit is refused */
    uint32_t dcr1; /* XSPI DCR1 without DEVSIZE: MTYP and CSHT */
    uint32_t prescaler; /* XSPI DCR2.PRESCALER: kernel clock / (n + 1) */
} BoardSetup;
_Static_assert(sizeof(BoardSetup) == 84, "mailbox layout");
_Static_assert(__builtin_offsetof(BoardSetup, prescaler) == 80, "mailbox layout");

/* What n6_open found. Valid also when it failed, as far as it came. */
typedef struct {
    uint32_t status; /* the Status that n6_open returned */
    uint8_t jedec[4]; /* RDID: manufacturer, type, density, and 0 */
    uint32_t sr; /* status register 05h */
    uint32_t scur; /* security register 2Bh; 0 for makers other than Macronix */
    uint32_t size; /* bytes of the part the loader works with */
    uint32_t sfdp_bytes; /* SFDP_SIZE, or 0 when the signature is not there */
    uint8_t sfdp[512]; /* SFDP from offset 0 */
} Identity;
_Static_assert(sizeof(Identity) == 536, "mailbox layout");
_Static_assert(__builtin_offsetof(Identity, sfdp) == 24, "mailbox layout");

/* One 64 KiB block to be written. */
typedef struct {
    uint32_t offset; /* offset of the block in the NOR, a multiple of BLOCK_SIZE */
    uint32_t sectors; /* bit n: sector n of the block is to get the host's bytes */
    uint32_t flags; /* JOB_ERASE_ALL_SET or 0 */
    uint32_t data; /* address of 64 KiB, 8-byte aligned; sector n at data + n * 4096. The loader fills in the other sectors */
} Job;
_Static_assert(sizeof(Job) == 16, "mailbox layout");
_Static_assert(__builtin_offsetof(Job, data) == 12, "mailbox layout");

/* What n6_write_block did. `digests` are valid for OK and MISMATCH. */
typedef struct {
    uint32_t status; /* the Status that n6_write_block returned */
    uint32_t sr; /* last status register read */
    uint32_t scur; /* last security register read */
    uint32_t erased_bytes; /* bytes erased */
    uint32_t programmed_bytes; /* bytes sent in program commands */
    uint32_t sector_erases; /* 4 KiB erases */
    uint32_t block_erases; /* 64 KiB erases */
    uint32_t page_programs; /* program commands */
    uint32_t failed_at; /* offset in the NOR of what failed, or NO_OFFSET */
    uint32_t reserved; /* 0 */
    uint64_t digests[16]; /* digest of each sector, read from the NOR after the last program */
} Result;
_Static_assert(sizeof(Result) == 168, "mailbox layout");
_Static_assert(__builtin_offsetof(Result, digests) == 40, "mailbox layout");

/* What n6_serve is started with. */
typedef struct {
    uint32_t session; /* a random word of the host's, shown in State */
    uint32_t build; /* which image this is, by the host's reckoning, shown in State */
    uint32_t flags; /* SERVE_1S or 0 */
    uint32_t reserved; /* 0 */
} Service;
_Static_assert(sizeof(Service) == 16, "mailbox layout");
_Static_assert(__builtin_offsetof(Service, reserved) == 12, "mailbox layout");

/* What the host may write at any time. n6_serve clears it. */
typedef struct {
    uint32_t stop; /* not 0: end. A block in work is finished, whatever else is in work is broken off */
} Control;
_Static_assert(sizeof(Control) == 4, "mailbox layout");
_Static_assert(__builtin_offsetof(Control, stop) == 0, "mailbox layout");

/* What the service is doing. Words are written one by one: each is true, together they need not be of one moment. */
typedef struct {
    uint32_t magic; /* SERVICE_MAGIC */
    uint32_t build; /* Service.build */
    uint32_t session; /* Service.session */
    uint32_t phase; /* PHASE_... */
    uint32_t job; /* the job in work, or the last one */
    uint32_t done; /* jobs up to this one are done; their slots are free and their outcomes in the ring */
    uint32_t offset; /* offset in the NOR of the operation under way */
    uint32_t heartbeat; /* grows while the service waits for jobs or for the NOR */
    uint32_t bus; /* BUS_... */
    uint32_t failed; /* the first job that failed: later writes and erases are not run; 0: none */
    uint32_t bus_error; /* why the bus is 1S: the Status of the attempt to use 8D, OK when there was none */
    uint32_t sector_erases; /* since the start */
    uint32_t block_erases; /* since the start */
    uint32_t page_programs; /* since the start */
    uint32_t sr; /* status register as last read */
    uint32_t scur; /* security register as last read */
} State;
_Static_assert(sizeof(State) == 64, "mailbox layout");
_Static_assert(__builtin_offsetof(State, scur) == 60, "mailbox layout");

/* A job for the service, written with its payload in one ascending write; seq is the last word of the slot. */
typedef struct {
    uint64_t digests[16]; /* OP_WRITE: digest of each set sector; others are not looked at */
    uint32_t op; /* OP_... */
    uint32_t offset; /* offset in the NOR */
    uint32_t sectors; /* OP_WRITE: bit n: sector n of the block; their bytes are the payload, ascending */
    uint32_t flags; /* OP_WRITE: JOB_ERASE_ALL_SET, JOB_DEFLATE */
    uint32_t count; /* OP_WRITE: bytes of payload, as sent; OP_SURVEY: sectors; OP_READ, OP_ERASE: bytes */
    uint32_t to; /* OP_SURVEY, OP_READ: 8-byte aligned address in LOADER_BUFFER, LOADER_TABLE or the slots */
    uint32_t check; /* over all other words, from h = 0: h = (h ^ word) * CHECK_FACTOR, h ^= h >> 15; else BAD_DATA */
    uint32_t seq; /* number of the job: 1, 2, 3... */
} Descriptor;
_Static_assert(sizeof(Descriptor) == 160, "mailbox layout");
_Static_assert(__builtin_offsetof(Descriptor, seq) == 156, "mailbox layout");

/* What became of a job. */
typedef struct {
    uint64_t digests[16]; /* OP_WRITE: digest of each sector of the block as the NOR returns it now; valid for OK and MISMATCH */
    uint32_t status; /* a Status */
    uint32_t op; /* Descriptor.op */
    uint32_t offset; /* Descriptor.offset */
    uint32_t count; /* OP_SURVEY: sectors done; OP_READ, OP_ERASE: bytes done */
    uint32_t sr; /* last status register read */
    uint32_t scur; /* last security register read */
    uint32_t failed_at; /* offset in the NOR of what failed, or NO_OFFSET */
    uint32_t erased_bytes; /* bytes erased */
    uint32_t programmed_bytes; /* bytes sent in program commands */
    uint32_t sector_erases; /* 4 KiB erases */
    uint32_t block_erases; /* 64 KiB erases */
    uint32_t page_programs; /* program commands */
    uint32_t reserved[3]; /* 0 */
    uint32_t seq; /* number of the job; written last */
} Outcome;
_Static_assert(sizeof(Outcome) == 192, "mailbox layout");
_Static_assert(__builtin_offsetof(Outcome, seq) == 188, "mailbox layout");

/* What the sector rule says for one block (n6_decide). */
typedef struct {
    uint32_t erase_block; /* 1: one 64 KiB erase */
    uint32_t erase_sectors; /* bit n: erase sector n; 0 when erase_block is 1 */
    uint32_t programs; /* program commands */
    uint32_t cost_us; /* erases and programs by typical times */
} Decision;
_Static_assert(sizeof(Decision) == 16, "mailbox layout");
_Static_assert(__builtin_offsetof(Decision, cost_us) == 12, "mailbox layout");

#endif
