/*
 * Raw deflate (RFC 1951), in steps short enough for the background. Whatever the stream says, nothing is read past its end and
 * nothing is written outside of the place it is to go to; whether the bytes are right is for the digests to say.
 */
#include "inflate.h"

#include "loader.h"

#define FAST __attribute__((optimize("O2"))) /* every byte that was packed comes by; the rest is built for size */

#define STEP_SYMBOLS 64u /* in one step, */
#define STEP_BYTES 512u  /* or so many bytes and the rest of a match */

#define END_OF_BLOCK 256u
#define LITERALS 288u
#define DISTANCES 30u
#define BAD_SYMBOL (~0u)

/* RFC 1951 3.2.5: shortest length or distance of a symbol, and how many bits are added to it. */
static const uint16_t LENGTH_BASE[29] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                         31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
static const uint8_t LENGTH_BITS[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
static const uint16_t DISTANCE_BASE[DISTANCES] = {1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
                                                  193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
/* 3.2.7: the order in which the lengths of the code for the lengths come. */
static const uint8_t ORDER[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};

static inline __attribute__((always_inline)) void refill(Inflate *s)
{
    while (s->count < 24 && s->in < s->in_end) { /* never 32: a shift by that much is none */
        s->bits |= (uint32_t)*s->in++ << s->count;
        s->count += 8;
    }
}

static void fail(Inflate *s)
{
    s->state = INFLATE_BAD;
}

/* `size` bits, at most 16. Past the end of the stream it fails, and gives 0. */
static uint32_t take(Inflate *s, uint32_t size)
{
    refill(s);
    if (size > s->count) {
        fail(s);
        return 0;
    }
    uint32_t value = s->bits & ((1u << size) - 1);
    s->bits >>= size;
    s->count -= size;
    return value;
}

/* ---- codes ---- */

/* Canonical (3.2.2). Short codes stand in the table, by their bits as they come; what is longer is looked for bit by bit. */
static void build(Inflate *s, Code *code, const uint8_t *lengths, uint32_t symbols)
{
    uint32_t next[INFLATE_LONGEST + 1], first[INFLATE_LONGEST + 1];
    clear(code->count, sizeof code->count);
    for (uint32_t n = 0; n < symbols; n++)
        code->count[lengths[n]]++;
    code->count[0] = 0;
    uint32_t value = 0, index = 0, room = 1;
    for (uint32_t length = 1; length <= INFLATE_LONGEST; length++) {
        room <<= 1;
        if (code->count[length] > room) { /* more codes than there are patterns */
            fail(s);
            return;
        }
        room -= code->count[length];
        next[length] = value;
        first[length] = index;
        value = (value + code->count[length]) << 1;
        index += code->count[length];
    }
    fill_words(code->table, INFLATE_NONE << 16 | INFLATE_NONE, sizeof code->table);
    for (uint32_t n = 0; n < symbols; n++) {
        uint32_t length = lengths[n];
        if (!length)
            continue;
        code->symbol[first[length]++] = (uint16_t)n;
        uint32_t reversed;
        __asm("rbit %0, %1" : "=r"(reversed) : "r"(next[length]++));
        reversed >>= 32 - length;
        if (length <= INFLATE_SHORT)
            for (; reversed < 1u << INFLATE_SHORT; reversed += 1u << length)
                code->table[reversed] = (uint16_t)(n << 4 | length);
    }
}

static __attribute__((noinline)) uint32_t long_symbol(Inflate *s, const Code *code)
{
    uint32_t value = 0, first = 0, index = 0;
    for (uint32_t length = 1; length <= INFLATE_LONGEST && length <= s->count; length++) {
        value |= s->bits >> (length - 1) & 1u;
        uint32_t count = code->count[length];
        if (value - first < count) {
            s->bits >>= length;
            s->count -= length;
            return code->symbol[index + value - first];
        }
        index += count;
        first = (first + count) << 1;
        value <<= 1;
    }
    fail(s);
    return BAD_SYMBOL;
}

static inline __attribute__((always_inline)) uint32_t symbol(Inflate *s, const Code *code)
{
    refill(s);
    uint32_t entry = code->table[s->bits & ((1u << INFLATE_SHORT) - 1)], length = entry & 15u;
    if (!length || length > s->count)
        return long_symbol(s, code);
    s->bits >>= length;
    s->count -= length;
    return entry >> 4;
}

/* ---- the parts of a stream ---- */

static void begin_stored(Inflate *s)
{
    s->bits >>= s->count & 7u;
    s->count &= ~7u;
    uint32_t size = take(s, 16), inverse = take(s, 16);
    s->left = size;
    if ((size ^ inverse) != 0xFFFFu)
        fail(s);
    if (s->state != INFLATE_BAD)
        s->state = INFLATE_STORED;
}

static void begin_fixed(Inflate *s)
{
    for (uint32_t n = 0; n < LITERALS; n++)
        s->lengths[n] = n < 144 ? 8 : n < 256 ? 9 : n < 280 ? 7 : 8;
    for (uint32_t n = 0; n < DISTANCES; n++)
        s->lengths[LITERALS + n] = 5;
    s->literals = LITERALS;
    s->distances = DISTANCES;
    s->state = INFLATE_BUILD;
}

static void begin_dynamic(Inflate *s)
{
    s->literals = take(s, 5) + 257;
    s->distances = take(s, 5) + 1;
    uint32_t codes = take(s, 4) + 4;
    if (s->literals > LITERALS || s->distances > DISTANCES) {
        fail(s);
        return;
    }
    clear(s->lengths, sizeof ORDER);
    for (uint32_t n = 0; n < codes; n++)
        s->lengths[ORDER[n]] = (uint8_t)take(s, 3);
    build(s, &s->distance, s->lengths, sizeof ORDER); /* used up before the distances need it */
    s->known = 0;
    if (s->state != INFLATE_BAD)
        s->state = INFLATE_LENGTHS;
}

static void begin_block(Inflate *s)
{
    s->last = take(s, 1);
    uint32_t type = take(s, 2);
    if (s->state == INFLATE_BAD)
        return;
    if (type == 0)
        begin_stored(s);
    else if (type == 1)
        begin_fixed(s);
    else if (type == 2)
        begin_dynamic(s);
    else
        fail(s);
}

static void repeat(Inflate *s, uint32_t length, uint32_t times)
{
    if (times > s->literals + s->distances - s->known)
        fail(s);
    else
        while (times--)
            s->lengths[s->known++] = (uint8_t)length;
}

/* Lengths of both codes come as one list (3.2.7). */
static void read_lengths(Inflate *s)
{
    for (uint32_t n = STEP_SYMBOLS; n && s->state == INFLATE_LENGTHS && s->known < s->literals + s->distances; n--) {
        uint32_t code = symbol(s, &s->distance);
        if (code < 16)
            repeat(s, code, 1);
        else if (code == 16 && s->known)
            repeat(s, s->lengths[s->known - 1], 3 + take(s, 2));
        else if (code == 17)
            repeat(s, 0, 3 + take(s, 3));
        else if (code == 18)
            repeat(s, 0, 11 + take(s, 7));
        else
            fail(s);
    }
    if (s->state == INFLATE_LENGTHS && s->known == s->literals + s->distances)
        s->state = INFLATE_BUILD;
}

static void end_block(Inflate *s)
{
    s->state = s->last ? INFLATE_DONE : INFLATE_BLOCK;
}

static void copy_stored(Inflate *s)
{
    for (uint32_t n = STEP_BYTES; n && s->left; n--, s->left--) {
        uint32_t byte = take(s, 8);
        if (s->state == INFLATE_BAD || s->out == s->out_end) {
            fail(s);
            return;
        }
        *s->out++ = (uint8_t)byte;
    }
    if (!s->left)
        end_block(s);
}

static void copy_match(Inflate *s, uint32_t length_symbol)
{
    if (length_symbol >= sizeof LENGTH_BITS) {
        fail(s);
        return;
    }
    uint32_t length = LENGTH_BASE[length_symbol] + take(s, LENGTH_BITS[length_symbol]);
    uint32_t code = symbol(s, &s->distance);
    if (code >= DISTANCES) {
        fail(s);
        return;
    }
    uint32_t distance = DISTANCE_BASE[code] + take(s, code < 4 ? 0 : code / 2 - 1);
    if (s->state == INFLATE_BAD || distance > (uint32_t)(s->out - s->out_begin) || length > (uint32_t)(s->out_end - s->out)) {
        fail(s);
        return;
    }
    uint8_t *to = s->out;
    for (const uint8_t *from = to - distance, *end = from + length; from != end;)
        *to++ = *from++;
    s->out = to;
}

static inline __attribute__((always_inline)) uint32_t lowest(uint32_t bits, uint32_t count)
{
    return bits & ((1u << count) - 1);
}

/*
 * The same for what is short and far from both ends, with everything in registers; gives the symbols that are left to do. What it does
 * not know it leaves as it was. A refill leaves 24 to 31 bits; what stands above them is what will come there anyway.
 */
#define FAR_IN 8u
#define FAR_OUT 260u
static FAST uint32_t decode_fast(Inflate *s, const uint8_t *enough, uint32_t symbols)
{
    const uint16_t *literal = s->literal.table, *distances = s->distance.table;
    const uint8_t *in = s->in, *in_far = s->in_end - FAR_IN;
    uint8_t *out = s->out;
    const uint8_t *out_far = s->out_end - FAR_OUT;
    uint32_t bits = s->bits, count = s->count;
    while (symbols && in <= in_far && out <= out_far && out < enough) {
        bits |= *(const loose_u32 *)in << count;
        in += (31 - count) >> 3;
        count |= 24;
        uint32_t entry = literal[lowest(bits, INFLATE_SHORT)];
        if (entry >> 4 < END_OF_BLOCK) {
            bits >>= entry & 15u;
            count -= entry & 15u;
            *out++ = (uint8_t)(entry >> 4);
            symbols--;
            entry = literal[lowest(bits, INFLATE_SHORT)]; /* 14 bits are left at least: a second one */
            if (entry >> 4 < END_OF_BLOCK) {
                bits >>= entry & 15u;
                count -= entry & 15u;
                *out++ = (uint8_t)(entry >> 4);
            }
            continue;
        }
        uint32_t code = (entry >> 4) - END_OF_BLOCK - 1;
        if (code >= sizeof LENGTH_BITS)
            break; /* the end of the block, a long code or none */
        uint32_t old_bits = bits, old_count = count, used = entry & 15u;
        const uint8_t *old_in = in;
        uint32_t length = LENGTH_BASE[code] + lowest(bits >> used, LENGTH_BITS[code]);
        used += LENGTH_BITS[code];
        bits >>= used;
        count -= used;
        bits |= *(const loose_u32 *)in << count;
        in += (31 - count) >> 3;
        count |= 24;
        entry = distances[lowest(bits, INFLATE_SHORT)];
        code = entry >> 4;
        used = entry & 15u;
        uint32_t extra = code < 4 ? 0 : code / 2 - 1;
        uint32_t distance = code < DISTANCES ? DISTANCE_BASE[code] + lowest(bits >> used, extra) : ~0u;
        if (distance > (uint32_t)(out - s->out_begin)) { /* a long code, none, or a bad one */
            bits = old_bits;
            count = old_count;
            in = old_in;
            break;
        }
        bits >>= used + extra;
        count -= used + extra;
        symbols--;
        const uint8_t *from = out - distance;
        do
            *out++ = *from++;
        while (--length);
    }
    s->in = in;
    s->out = out;
    s->bits = lowest(bits, count);
    s->count = count;
    return symbols;
}

static void decode_symbol(Inflate *s)
{
    uint32_t code = symbol(s, &s->literal);
    if (code < END_OF_BLOCK) {
        if (s->out == s->out_end)
            fail(s);
        else
            *s->out++ = (uint8_t)code;
    } else if (code == END_OF_BLOCK)
        end_block(s);
    else if (code != BAD_SYMBOL)
        copy_match(s, code - END_OF_BLOCK - 1);
}

static void decode(Inflate *s)
{
    const uint8_t *enough = s->out + STEP_BYTES;
    for (uint32_t n = STEP_SYMBOLS; n && s->state == INFLATE_CODES && s->out < enough; n--) {
        if (s->in_end - s->in >= (int32_t)FAR_IN && s->out_end - s->out >= (int32_t)FAR_OUT)
            n = decode_fast(s, enough, n);
        if (n && s->out < enough)
            decode_symbol(s);
        else
            break;
    }
}

void inflate_begin(Inflate *s, const void *from, uint32_t size, void *to, uint32_t room)
{
    s->state = INFLATE_BLOCK;
    s->in = from;
    s->in_end = s->in + size;
    s->out = s->out_begin = to;
    s->out_end = s->out + room;
    s->bits = s->count = 0;
}

int inflate_step(Inflate *s)
{
    switch (s->state) {
    case INFLATE_BLOCK:
        begin_block(s);
        break;
    case INFLATE_LENGTHS:
        read_lengths(s);
        break;
    case INFLATE_BUILD:
        build(s, &s->literal, s->lengths, s->literals);
        if (s->state != INFLATE_BAD)
            s->state = INFLATE_BUILD_DISTANCE;
        break;
    case INFLATE_BUILD_DISTANCE:
        build(s, &s->distance, s->lengths + s->literals, s->distances);
        if (s->state != INFLATE_BAD)
            s->state = INFLATE_CODES;
        break;
    case INFLATE_STORED:
        copy_stored(s);
        break;
    case INFLATE_CODES:
        decode(s);
        break;
    default:
        break;
    }
    return s->state >= INFLATE_DONE;
}
