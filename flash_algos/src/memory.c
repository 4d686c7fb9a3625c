/* Bytes in RAM. -nostdlib leaves it to us to provide what the compiler may call. */
#include "loader.h"

#pragma GCC optimize("O2") /* every byte of the NOR comes by here; the rest of the loader is built for size */

void *memcpy(void *to, const void *from, size_t size)
{
    copy(to, from, size);
    return to;
}

void *memset(void *to, int value, size_t size)
{
    for (uint8_t *p = to; size--;)
        *p++ = (uint8_t)value;
    return to;
}

void copy(void *to, const void *from, uint32_t size)
{
    loose_u32 *words_to = to;
    const loose_u32 *words_from = from;
    for (; size >= 4; size -= 4)
        *words_to++ = *words_from++;
    uint8_t *bytes_to = (uint8_t *)words_to;
    for (const uint8_t *bytes_from = (const uint8_t *)words_from; size; size--)
        *bytes_to++ = *bytes_from++;
}

/* Upwards and each word once: how the XSPI window is to be read. Both addresses are multiples of 4. GCC would move four words at a time. */
void copy_words(void *to, const void *from, uint32_t size)
{
    for (; size >= 128; size -= 128)
        __asm volatile(".rept 4\n\t"
                       "ldm %1!, {r3, r4, r5, r6, r8, r9, r10, r12}\n\t"
                       "stm %0!, {r3, r4, r5, r6, r8, r9, r10, r12}\n\t"
                       ".endr"
                       : "+r"(to), "+r"(from)
                       :
                       : "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r12", "memory");
    copy(to, from, size);
}

void fill_words(void *to, uint32_t word, uint32_t size)
{
    for (uint32_t *words = to; size; size -= 4)
        *words++ = word;
}

void clear(void *to, uint32_t size)
{
    memset(to, 0, size);
}

uint32_t first_difference(const void *a, const void *b, uint32_t size)
{
    const uint8_t *x = a;
    const uint8_t *y = b;
    uint32_t at = 0;
    for (; size - at >= 32; at += 32) {
        const loose_u32 *p = (const loose_u32 *)(x + at), *q = (const loose_u32 *)(y + at);
        uint32_t change = 0;
#pragma GCC unroll 8
        for (uint32_t i = 0; i < 8; i++)
            change |= p[i] ^ q[i];
        if (change)
            break;
    }
    while (at < size && x[at] == y[at])
        at++;
    return at;
}
