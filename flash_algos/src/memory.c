/* Bytes in RAM. -nostdlib leaves it to us to provide what the compiler may call. */
#include "loader.h"

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
        if ((p[0] ^ q[0]) | (p[1] ^ q[1]) | (p[2] ^ q[2]) | (p[3] ^ q[3]) | (p[4] ^ q[4]) | (p[5] ^ q[5]) | (p[6] ^ q[6]) |
            (p[7] ^ q[7]))
            break;
    }
    while (at < size && x[at] == y[at])
        at++;
    return at;
}
