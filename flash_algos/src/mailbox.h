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

#define NOR_BASE 0x70000000u /* where the NOR is mapped; the classic entries take addresses from here on */
#define SECTOR_SIZE 0x1000u /* unit of survey, digest and the smaller erase */
#define BLOCK_SIZE 0x10000u /* unit of a job and of the larger erase */
#define SECTORS_PER_BLOCK 0x10u /* SECTOR_SIZE in BLOCK_SIZE */
#define PAGE_SIZE 0x100u /* a program command never crosses a multiple of this */
#define CHUNK_SIZE 0x10u /* ECC unit: programmed once per erase (hw-flash 7) */
#define SFDP_SIZE 0x200u /* bytes of SFDP that n6_open reads */
#define JOB_ERASE_ALL_SET 0x1u /* Job.flags: erase every sector of Job.sectors even where nothing differs */
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
} NorSetup;
_Static_assert(sizeof(NorSetup) == 84, "mailbox layout");
_Static_assert(__builtin_offsetof(NorSetup, reset_max_us) == 80, "mailbox layout");

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
