/* Bytes in RAM. -nostdlib leaves it to us to provide what the compiler may call. */
#include "loader.h"

#pragma GCC optimize("O2") /* every byte of the NOR comes by here; the rest of the loader is built for size */

void *memcpy(void *to, const void *from, size_t size)
{
    copy(to, from, size);
    return to;
}

__attribute__((noinline)) void *memset(void *to, int value, size_t size)
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
    for (; size >= 256; size -= 256)
        __asm volatile(".rept 8\n\t"
                       "ldm %1!, {r3, r4, r5, r6, r8, r9, r10, r12}\n\t"
                       "stm %0!, {r3, r4, r5, r6, r8, r9, r10, r12}\n\t"
                       ".endr"
                       : "+r"(to), "+r"(from)
                       :
                       : "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r12", "memory");
    copy(to, from, size);
}

__attribute__((noinline)) void fill_words(void *to, uint32_t word, uint32_t size)
{
    uint32_t *words = to, *end = words + size / 4;
    for (; words + 8 <= end; words += 8)
        words[0] = words[1] = words[2] = words[3] = words[4] = words[5] = words[6] = words[7] = word;
    while (words != end)
        *words++ = word;
}

void clear(void *to, uint32_t size)
{
    if (((uint32_t)(uintptr_t)to | size) & 3)
        memset(to, 0, size);
    else
        fill_words(to, 0, size);
}

#define STRIDE 64u

uint32_t first_difference(const void *a, const void *b, uint32_t size)
{
    const uint8_t *x = a;
    const uint8_t *y = b;
    uint32_t at = 0, change = 0;
    for (uint32_t stop = size < STRIDE; !stop; stop = change | (size - at < STRIDE)) { /* one branch a stride */
        __asm volatile(".irp n, 0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60\n\t"
                       "ldr r3, [%1, #\\n]\n\tldr r4, [%2, #\\n]\n\teors r3, r4\n\torrs %0, r3\n\t"
                       ".endr"
                       : "+l"(change)
                       : "l"(x + at), "l"(y + at)
                       : "r3", "r4", "cc", "memory");
        at += STRIDE;
    }
    if (change)
        at -= STRIDE;
    while (at < size && x[at] == y[at])
        at++;
    return at;
}
