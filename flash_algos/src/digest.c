/*
 * Digest of a sector: its 64-bit words, each XORed with a constant, as one little-endian number modulo the prime 2^64 - 40503.
 * The twin of n6prog/nor/digest.py, which says why these numbers.
 */
#include "loader.h"

#pragma GCC optimize("O2") /* every byte of the NOR comes by here; the rest of the loader is built for size */

#define FOLD 40503u /* 2^64 is congruent to it */
#define WHITE_LOW 0x7F4A7C15u
#define WHITE_HIGH 0x9E3779B9u

typedef struct {
    uint32_t low;
    uint32_t high;
} Pair;

/* low:high += a * b. As C the compiler would rather shift and add when b is a constant. */
static inline __attribute__((always_inline)) void add_product(uint32_t *low, uint32_t *high, uint32_t a, uint32_t b)
{
    __asm("umlal %0, %1, %2, %3" : "+r"(*low), "+r"(*high) : "r"(a), "r"(b));
}

/*
 * Horner from the last word down: h * 2^64 + word. h is kept as top:high:low with top up to FOLD, so that a step needs three
 * multiply-accumulates and no reduction: (top * 2^64 + x) * 2^64 is congruent to top * FOLD^2 + x * FOLD.
 * FOLD^2 fits 32 bits, and no sum here reaches 2^64.
 */
static inline __attribute__((always_inline)) void step(uint32_t *low, uint32_t *high, uint32_t *top, const Pair *word)
{
    uint32_t new_low = word->low ^ WHITE_LOW, middle = 0, new_high = word->high ^ WHITE_HIGH, new_top = 0;
    add_product(&new_low, &middle, *low, FOLD);
    add_product(&new_low, &middle, *top, FOLD * FOLD);
    add_product(&new_high, &new_top, *high, FOLD);
    uint64_t sum = ((uint64_t)new_top << 32 | new_high) + middle;
    *low = new_low;
    *high = (uint32_t)sum;
    *top = (uint32_t)(sum >> 32);
}

uint64_t digest(const void *sector)
{
    const Pair *word = (const Pair *)((const uint8_t *)sector + SECTOR_SIZE);
    uint32_t low = 0, high = 0, top = 0;
    while (word != sector) {
        word -= 8;
        step(&low, &high, &top, word + 7);
        step(&low, &high, &top, word + 6);
        step(&low, &high, &top, word + 5);
        step(&low, &high, &top, word + 4);
        step(&low, &high, &top, word + 3);
        step(&low, &high, &top, word + 2);
        step(&low, &high, &top, word + 1);
        step(&low, &high, &top, word);
    }
    uint64_t h = ((uint64_t)high << 32 | low);
    uint64_t folded = h + (uint64_t)top * FOLD;
    if (folded < h)
        folded += FOLD; /* what the carry stood for; the sum is below top * FOLD now and cannot carry again */
    const uint64_t prime = 0ull - FOLD;
    return folded >= prime ? folded - prime : folded;
}
