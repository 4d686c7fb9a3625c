/*
 * Digest of a sector: its 64-bit words, each XORed with a constant, as one little-endian number modulo the prime 2^64 - 40503.
 * The twin of n6prog/nor/digest.py, which says why these numbers. Horner's rule from the last word down; the loop is in horner.S.
 */
#include "loader.h"

#pragma GCC optimize("O2") /* every byte of the NOR comes by here; the rest of the loader is built for size */

#define FOLD 40503u /* 2^64 is congruent to it */

void digest_part(const void *end, uint32_t number[3]);

void digest_begin(DigestState *state, const void *sector)
{
    *state = (DigestState){.end = (const uint8_t *)sector + SECTOR_SIZE, .parts = SECTOR_SIZE / DIGEST_PART};
}

int digest_step(DigestState *state)
{
    digest_part(state->end, state->number);
    state->end -= DIGEST_PART;
    return --state->parts == 0;
}

__attribute__((noinline)) uint64_t digest_value(const DigestState *state)
{
    uint64_t h = (uint64_t)state->number[1] << 32 | state->number[0];
    uint64_t folded = h + (uint64_t)state->number[2] * FOLD;
    if (folded < h)
        folded += FOLD; /* what the carry stood for; the sum is below 2^31 * FOLD now and cannot carry again */
    const uint64_t prime = 0ull - FOLD;
    return folded >= prime ? folded - prime : folded;
}

/* Most sectors leave at the first word; what is blank costs a quarter of a digest. */
int is_blank_sector(const void *sector)
{
    const uint32_t *words = sector;
    uint32_t common = *words;
    const uint32_t *end = words + SECTOR_SIZE / 4;
    for (uint32_t over = ~common; !over; over = ~common | (words == end)) /* one branch a round */
        __asm volatile(".rept 4\n\t"
                       "ldm %0!, {r3, r4, r5, r6, r8, r9, r10, r12}\n\t"
                       "ands r3, r4\n\tands r5, r6\n\tand r8, r9\n\tand r10, r12\n\t"
                       "ands r3, r5\n\tand r8, r10\n\tands %1, r3\n\tand %1, r8\n\t"
                       ".endr"
                       : "+r"(words), "+l"(common)
                       :
                       : "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r12", "cc", "memory");
    return common == ~0u;
}

uint64_t digest(const void *sector)
{
    DigestState state;
    if (is_blank_sector(sector))
        return BLANK_DIGEST;
    digest_begin(&state, sector);
    while (!digest_step(&state)) {
    }
    return digest_value(&state);
}
