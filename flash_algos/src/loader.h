/* What the files of the loader share. Every function that can fail returns an enum Status as uint32_t. */
#ifndef N6_LOADER_H
#define N6_LOADER_H

#include <stddef.h>
#include <stdint.h>

#include "mailbox.h"

/* Words at any address: keeps the compiler from LDRD and LDM, which fault where LDR does not. */
typedef uint32_t __attribute__((aligned(1), may_alias)) loose_u32;

#define REG32(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define REG16(address) (*(volatile uint16_t *)(uintptr_t)(address))
#define REG8(address) (*(volatile uint8_t *)(uintptr_t)(address))

/* A bus mode: CCR by the phases of a command, TCR, and the opcodes in that mode. */
typedef struct {
    uint32_t plain;       /* instruction only */
    uint32_t address;     /* + address */
    uint32_t address_in;  /* + data from the part */
    uint32_t address_out; /* + data to it */
    uint32_t registers;   /* a read of a register */
    uint32_t tcr;
    uint32_t registers_tcr;
    uint32_t read_tcr;
    uint32_t write_enable;
    uint32_t write_disable;
    uint32_t read_status;
    uint32_t read_security;
    uint32_t read;
    uint32_t program;
    uint32_t sector_erase;
    uint32_t block_erase;
} Bus;

/* What survives from one call to the next. It lies in the image, so loading the image again resets it. */
typedef struct {
    uint32_t is_open;
    uint32_t serving; /* n6_serve runs: State is kept up to date */
    uint32_t size;   /* bytes of the part */
    uint32_t maker;  /* first byte of RDID */
    uint32_t sr;     /* registers of the NOR as last read */
    uint32_t scur;
    uint32_t failed_at;
    uint32_t cycles_per_us; /* of the core clock, or more */
    uint32_t has_pll;       /* a PLL runs: the bus may be faster than 8D is good for */
    Bus bus;
    NorSetup nor;
} Loader;

extern Loader loader;

/* memory.c */
void copy(void *to, const void *from, uint32_t size);
void copy_words(void *to, const void *from, uint32_t size);
void clear(void *to, uint32_t size);
void fill_words(void *to, uint32_t word, uint32_t size);
uint32_t first_difference(const void *a, const void *b, uint32_t size); /* size when equal */

/* timer.c: bounds from the cycle counter of the DWT */
typedef struct {
    uint32_t mark;
    uint32_t left_us;
} Deadline;
uint32_t timer_start(void);
Deadline deadline(uint32_t us);
int expired(Deadline *limit);
void delay(uint32_t us);
uint32_t cycles(void);

/* board.c */
uint32_t board_check(const BoardSetup *board);
void core_quiet(void);
uint32_t board_start(const BoardSetup *board);

/* xspi.c */
typedef struct {
    uint32_t ccr;
    uint32_t tcr;
    uint32_t ir;
    uint32_t ar; /* used when ccr has an address phase */
} Command;
uint32_t xspi_start(uint32_t base, uint32_t dcr1, uint32_t prescaler);
uint32_t xspi_set_size(uint32_t size);
/* A command or a write may still be on its way when these return; whatever comes next waits for it. */
uint32_t xspi_command(const Command *command);
uint32_t xspi_finish(void);
uint32_t xspi_read(const Command *command, void *to, uint32_t size);
uint32_t xspi_read_byte(const Command *command, uint32_t *value); /* in 8D a register comes twice */
uint32_t xspi_write(const Command *command, const void *from, uint32_t size);
uint32_t xspi_program(const Bus *bus, uint32_t offset, const void *from, uint32_t size);
typedef struct {
    uint32_t interval; /* clocks between two polls */
    uint32_t typical_us;
    uint32_t longest_us;
} Wait;
/* Until the masked bits of the status register are 0, then another register; `background` works for most of the typical time. */
uint32_t xspi_await(const Bus *bus, uint32_t mask, const Wait *wait, uint32_t opcode, uint32_t *value);
uint32_t xspi_map(const Command *command);
extern volatile uint32_t *xspi_status; /* SR */
static inline void xspi_look(void) /* while waiting for something else: each wait reads a register */
{
    (void)*xspi_status;
}
const uint8_t *xspi_window(uint32_t end); /* 0: no window, or it does not reach that far */

/* nor.c */
uint32_t nor_check(const NorSetup *nor);
uint32_t nor_recover(Identity *out);
uint32_t nor_read_sfdp(Identity *out);
uint32_t nor_read(uint32_t offset, void *to, uint32_t size);
uint32_t nor_write_enable(void); /* WEL_NOT_SET when it has no effect */
uint32_t nor_write_disable(void);
uint32_t nor_program(uint32_t offset, const void *from, uint32_t size); /* inside one page; whether WEL was set is not asked */
uint32_t nor_erase_sector(uint32_t offset);
uint32_t nor_erase_block(uint32_t offset);
uint32_t nor_erase_chip(void);
uint32_t nor_unprotect(void); /* BP bits to 0, in 1S; PROTECTED when they stay */
uint32_t nor_map(void);
uint32_t nor_go_octal(void); /* OK: proven; else back in 1S, with the reason */
uint32_t nor_leave_octal(void);

/* rule.c */
#define ALL_CHUNKS 0xFFFFu
#define PAGES_PER_BLOCK (BLOCK_SIZE / PAGE_SIZE)
#define PAGES_PER_SECTOR (SECTOR_SIZE / PAGE_SIZE)
/* Bit n of a page's mask is its chunk n. */
typedef struct {
    uint16_t old_blank[PAGES_PER_BLOCK];
    uint16_t new_blank[PAGES_PER_BLOCK];
} Chunks;
uint32_t chunks_scan(const void *old_block, const void *new_block, Chunks *out); /* bitmap: sectors to erase */
/* One page: its blank chunks; whether its sector must be erased, in which case `old_blank` does not matter. */
int chunks_compare(const void *old_page, const void *new_page, uint16_t *old_blank);
void chunks_blank(const void *sector, uint16_t *blank); /* of each page of a sector */
void rule_decide(const Chunks *chunks, uint32_t must_erase, const NorSetup *nor, Decision *out);
uint32_t next_run(uint32_t *to_program, uint32_t blank, uint32_t *length); /* first chunk of the run */
static inline uint32_t blank_when_programmed(const Chunks *chunks, const Decision *decision, uint32_t page)
{
    uint32_t erased = decision->erase_block | (decision->erase_sectors >> (page / PAGES_PER_SECTOR) & 1u);
    return erased ? ALL_CHUNKS : chunks->old_blank[page];
}

/* digest.c: of a sector that lies at a multiple of DIGEST_PART, at once or in steps of so many bytes */
#define DIGEST_PART 1024u
#define BLANK_DIGEST 0x472F46A10C4FD3ACull /* of SECTOR_SIZE bytes FF */
typedef struct {
    const uint8_t *end;
    uint32_t parts; /* to go */
    uint32_t number[3];
} DigestState;
uint64_t digest(const void *sector);
void digest_begin(DigestState *state, const void *sector);
int digest_step(DigestState *state); /* 1: done */
uint64_t digest_value(const DigestState *state);
int is_blank_sector(const void *sector);

/* entries.c */
uint32_t range_check(uint32_t offset, uint32_t size, uint32_t unit); /* multiples of `unit`, inside the part */

/* serve.c */
uint32_t service_run(const Service *setup);
static inline void service_note(uint32_t phase, uint32_t offset) /* nothing unless the service runs */
{
    volatile State *state = (volatile State *)(uintptr_t)SERVICE_STATE;
    if (loader.serving) {
        state->phase = phase;
        state->offset = offset;
    }
}
int service_stopping(void);
int service_background(void); /* 0: nothing to do */

/* block.c */
uint32_t block_erase(uint32_t offset, uint32_t size, uint32_t *done); /* the largest erase that fits; `done` bytes */
/* `scanned`: sectors whose chunks->new_blank is given. */
uint32_t block_write(const Job *job, Chunks *chunks, uint32_t scanned, Result *out);
int background(void);
void blank_forget(void);
uint32_t block_survey(uint32_t offset, uint32_t sectors, uint64_t *digests);

#endif
