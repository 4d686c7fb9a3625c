/*
 * Which sectors of a block to erase, and what to program. The twin of n6prog/nor/rule.py; a test compares the two.
 *
 * The unit is the 16-byte ECC chunk: programmed a second time without an erase it loses its ECC (hw-flash 7). So a chunk may be
 * programmed only when it is blank, and a chunk that differs and is not blank costs its sector an erase.
 *
 * A sector that is right already and holds something is never erased, unless the host forces it: between erase and program its bytes
 * would be in RAM only, and lost with the power or a NOR that fails. So a block with such a sector is done by 4 KiB erases, also where
 * the block erase would be cheaper: to lose nothing that nobody asked for stands above that.
 */
#include "loader.h"

#pragma GCC optimize("O2") /* every byte of the NOR comes by here; the rest of the loader is built for size */

#define WORDS_PER_CHUNK (CHUNK_SIZE / 4)

typedef struct {
    uint32_t words[WORDS_PER_CHUNK];
} Chunk;

static inline __attribute__((always_inline)) int is_blank_chunk(const Chunk *chunk)
{
    if (chunk->words[0] != ~0u)
        return 0;
    return (chunk->words[1] & chunk->words[2] & chunk->words[3]) == ~0u;
}

static __attribute__((noinline)) uint32_t blank_chunks(const Chunk *chunk)
{
    uint32_t blank = 0;
#pragma GCC unroll 1
    for (uint32_t bit = 0; bit < PAGE_SIZE / CHUNK_SIZE; bit++, chunk++)
        if (is_blank_chunk(chunk))
            blank |= 1u << bit;
    return blank;
}

/* Without a branch: whether the first word of any chunk is ~0, as in every blank one. `w & ~(w + 1)` is negative for ~0 only. */
static inline int may_have_blank(const Chunk *chunk)
{
    uint32_t any = 0;
#pragma GCC unroll 8
    for (uint32_t n = 0; n < PAGE_SIZE / CHUNK_SIZE; n++, chunk++)
        any |= chunk->words[0] & ~(chunk->words[0] + 1);
    return (int32_t)any < 0;
}

void chunks_blank(const void *sector, uint16_t *blank)
{
    for (const uint8_t *page = sector; page != (const uint8_t *)sector + SECTOR_SIZE; page += PAGE_SIZE) {
        const Chunk *chunks = (const Chunk *)page;
        *blank++ = may_have_blank(chunks) ? (uint16_t)blank_chunks(chunks) : 0;
    }
}

int chunks_compare(const void *old_page, const void *new_page, uint16_t *old_blank)
{
    const Chunk *o = old_page, *n = new_page;
    uint32_t blank = 0;
    for (uint32_t bit = 0; bit < PAGE_SIZE / CHUNK_SIZE; bit++, o++, n++) {
        if (is_blank_chunk(o)) {
            blank |= 1u << bit;
            continue;
        }
        uint32_t change = (o->words[0] ^ n->words[0]) | (o->words[1] ^ n->words[1]) | (o->words[2] ^ n->words[2]) | (o->words[3] ^ n->words[3]);
        if (change)
            return 1;
    }
    *old_blank = (uint16_t)blank;
    return 0;
}

uint32_t chunks_scan(const void *old_block, const void *new_block, Chunks *out)
{
    uint32_t must_erase = 0;
    for (uint32_t page = 0; page < PAGES_PER_BLOCK; page++) {
        uint32_t at = page * PAGE_SIZE;
        if (chunks_compare((const uint8_t *)old_block + at, (const uint8_t *)new_block + at, &out->old_blank[page]))
            must_erase |= 1u << (page / PAGES_PER_SECTOR);
    }
    for (uint32_t n = 0; n < SECTORS_PER_BLOCK; n++)
        chunks_blank((const uint8_t *)new_block + n * SECTOR_SIZE, out->new_blank + n * PAGES_PER_SECTOR);
    return must_erase;
}

/*
 * Takes the next program run out of `to_program`: from its first chunk to the last that can be reached over blank chunks only.
 * `blank` are the chunks that are blank when it is programmed. Gives the first chunk; `length` in chunks.
 */
uint32_t next_run(uint32_t *to_program, uint32_t blank, uint32_t *length)
{
    uint32_t first = (uint32_t)__builtin_ctz(*to_program);
    uint32_t wall = ~blank & ~((1u << first) - 1); /* never 0: bits 16 and up are not blank */
    uint32_t before_wall = (1u << __builtin_ctz(wall)) - 1;
    uint32_t last = 31u - (uint32_t)__builtin_clz(*to_program & before_wall);
    *to_program &= ~before_wall;
    *length = last - first + 1;
    return first;
}

static uint32_t count_runs(uint32_t blank, uint32_t new_blank)
{
    uint32_t runs = 0, length;
    if (blank == ALL_CHUNKS)
        return new_blank != ALL_CHUNKS; /* nothing interrupts */
    for (uint32_t to_program = blank & ~new_blank; to_program; runs++)
        (void)next_run(&to_program, blank, &length);
    return runs;
}

static uint32_t count_bits(uint32_t bits)
{
    uint32_t count = 0;
    for (; bits; bits &= bits - 1)
        count++;
    return count;
}

static void count_programs(const Chunks *chunks, Decision *decision)
{
    decision->programs = 0;
    for (uint32_t page = 0; page < PAGES_PER_BLOCK; page++)
        decision->programs += count_runs(blank_when_programmed(chunks, decision, page), chunks->new_blank[page]);
}

/* Wide, and clipped at the end: a host may say "never" with a very long time. */
static uint64_t cost(uint32_t erases, uint32_t erase_us, uint32_t programs, uint32_t page_us)
{
    return (uint64_t)erases * erase_us + (uint64_t)programs * page_us;
}

/* Whether a block erase would go over a sector that is right and holds something. Not to be erased and blank in the same chunks: equal. */
static int keeps_something(const Chunks *chunks, uint32_t must_erase)
{
    for (uint32_t n = 0; n < SECTORS_PER_BLOCK; n++) {
        const uint16_t *now = chunks->old_blank + n * PAGES_PER_SECTOR, *then = chunks->new_blank + n * PAGES_PER_SECTOR;
        uint32_t change = 0, content = 0;
        for (uint32_t page = 0; page < PAGES_PER_SECTOR; page++) {
            change |= (uint32_t)(now[page] ^ then[page]);
            content |= now[page] ^ ALL_CHUNKS;
        }
        if (!(must_erase >> n & 1u) && !change && content)
            return 1;
    }
    return 0;
}

void rule_decide(const Chunks *chunks, uint32_t must_erase, const NorSetup *nor, Decision *out)
{
    *out = (Decision){.erase_sectors = must_erase};
    count_programs(chunks, out);
    uint64_t least = cost(count_bits(must_erase), nor->sector_typ_us, out->programs, nor->page_typ_us);
    int may_pay = least > nor->block_typ_us && nor->block_erase_opcode; /* what the block erase alone takes */
    if (may_pay && !keeps_something(chunks, must_erase)) {
        Decision whole = {.erase_block = 1};
        count_programs(chunks, &whole);
        uint64_t other = cost(1, nor->block_typ_us, whole.programs, nor->page_typ_us);
        if (other < least) {
            *out = whole;
            least = other;
        }
    }
    out->cost_us = least >> 32 ? ~0u : (uint32_t)least;
}
