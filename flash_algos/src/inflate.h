/* Unpacking raw deflate in steps. */
#ifndef N6_INFLATE_H
#define N6_INFLATE_H

#include <stdint.h>

#define INFLATE_LONGEST 15u /* bits of a code */
#define INFLATE_SHORT 10u    /* and of one that the table finds at once */
#define INFLATE_NONE 0xFFF0u

typedef struct {
    uint16_t count[INFLATE_LONGEST + 1]; /* codes of each length */
    uint16_t symbol[288];                /* by code */
    uint16_t table[1u << INFLATE_SHORT]; /* symbol << 4 | length; INFLATE_NONE: a longer code, or none */
} Code;

typedef enum {
    INFLATE_BLOCK,
    INFLATE_LENGTHS,
    INFLATE_BUILD,
    INFLATE_BUILD_DISTANCE,
    INFLATE_STORED,
    INFLATE_CODES,
    INFLATE_DONE,
    INFLATE_BAD,
} InflateState;

typedef struct {
    InflateState state;
    const uint8_t *in;
    const uint8_t *in_end;
    uint8_t *out_begin;
    uint8_t *out;
    uint8_t *out_end;
    uint32_t bits; /* from the stream, the next one lowest; `count` of them */
    uint32_t count;
    uint32_t last; /* this is the last block */
    uint32_t left; /* bytes of a stored block */
    uint32_t literals;
    uint32_t distances;
    uint32_t known; /* lengths read */
    Code literal;
    Code distance;
    uint8_t lengths[320];
} Inflate;

/* What `size` bytes at `from` unpack to, at most `room` bytes, to `to`. */
void inflate_begin(Inflate *state, const void *from, uint32_t size, void *to, uint32_t room);
/* 1: over, by INFLATE_DONE or INFLATE_BAD. */
int inflate_step(Inflate *state);

#endif
