/* src/arena/block.h - what stands in front of and inside the blocks of an arena.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   chunk  | chunk header | block | block | ...          | end |
 *   block  | word 8 | payload: units * 16 - 8 bytes            |
 *
 * Sizes are counted in units of 16 bytes, header included. The header is one word:
 *
 *   bits 0 .. 15   units of this block (0: END, LARGE)
 *   bits 16 .. 31  units of the block before (0: first; LARGE: units to the mapping's start)
 *   bits 32 .. 44  slack: payload bytes beyond the size asked for
 *   bits 45 .. 47  state
 *   bits 48 .. 63  signature: ties the rest to its address and the arena's secret
 *
 * A header of a freed block keeps a valid signature with a state that is not live, also
 * where the block was merged into another, so that a second free is told from a stray one.
 */
#ifndef WRT_ARENA_BLOCK_H
#define WRT_ARENA_BLOCK_H

#include "wrt/arena.h"

#include <string.h>

enum {
    UNIT_BYTES = 16,
    HEADER_BYTES = 8,
    CANARY_BYTES = 8,
    TAIL_BYTES = 24,
    MINIMUM_UNITS = 2, /* the word and the links of a free block */
    UNITS_LIMIT = 65535,
    QUICK_UNITS_LIMIT = 8192 /* sizes below have quick lists and are rounded to a class */
};

enum block_state {
    BLOCK_NONE = 0,
    BLOCK_LIVE = 1,
    BLOCK_FREE = 2,  /* in a list of its class */
    BLOCK_QUICK = 3, /* freed, not merged, in a quick list */
    BLOCK_HELD = 4,  /* freed, scrubbed, in quarantine */
    BLOCK_LARGE = 5, /* live, with a mapping of its own */
    BLOCK_END = 6
};

struct wrt_arena_block {
    uint64_t word;
    struct wrt_arena_block *next, *previous; /* not live: links; live: payload */
};

struct wrt_arena_chunk {
    struct wrt_arena_chunk *next, *previous;
    size_t bytes;     /* of the whole chunk */
    uint32_t ticket;  /* tagged: in the table of our address ranges; as in the next struct */
    /* makes the header 56 bytes, whatever a pointer has, so that payloads are aligned */
    uint8_t unused[56 - 2 * sizeof(void *) - sizeof(size_t) - sizeof(uint32_t)];
};

struct wrt_arena_large {
    struct wrt_arena_large *next, *previous;
    size_t bytes; /* of the mapping, guards not counted */
    uint32_t ticket;
    size_t asked_bytes;
};

_Static_assert(offsetof(struct wrt_arena_chunk, ticket) == offsetof(struct wrt_arena_large, ticket),
               "wrt_arena_take_pages writes it for both");

_Static_assert(sizeof(struct wrt_arena_chunk) % UNIT_BYTES == HEADER_BYTES, "alignment");
_Static_assert(offsetof(struct wrt_arena_block, next) == HEADER_BYTES, "header size");

#define HASH_FACTOR UINT64_C(0x9E3779B97F4A7C15)
#define BODY_MASK UINT64_C(0x0000FFFFFFFFFFFF)

static inline uint32_t units_of(const struct wrt_arena_block *block)
{
    return (uint32_t)(block->word & 0xFFFF);
}

static inline uint32_t previous_units_of(const struct wrt_arena_block *block)
{
    return (uint32_t)(block->word >> 16 & 0xFFFF);
}

static inline uint32_t slack_of(const struct wrt_arena_block *block)
{
    return (uint32_t)(block->word >> 32 & 0x1FFF);
}

static inline enum block_state state_of(const struct wrt_arena_block *block)
{
    return (enum block_state)(block->word >> 45 & 7);
}

static inline uint64_t signed_word(const struct wrt_arena *arena,
                                   const struct wrt_arena_block *block, uint64_t body)
{
    uint64_t hash = (body ^ (uint64_t)(uintptr_t)block ^ arena->secret) * HASH_FACTOR;

    return body | (hash & ~BODY_MASK);
}

static inline bool is_signed(const struct wrt_arena *arena, const struct wrt_arena_block *block)
{
    return block->word == signed_word(arena, block, block->word & BODY_MASK);
}

static inline void set_word(const struct wrt_arena *arena, struct wrt_arena_block *block,
                            uint32_t units, uint32_t previous_units, uint32_t slack,
                            enum block_state state)
{
    uint64_t body = (uint64_t)units | (uint64_t)previous_units << 16 | (uint64_t)slack << 32 |
                    (uint64_t)state << 45;

    block->word = signed_word(arena, block, body);
}

/* The same block and neighbours, another state and slack. */
static inline void set_use(const struct wrt_arena *arena, struct wrt_arena_block *block,
                           uint32_t slack, enum block_state state)
{
    uint64_t body = (block->word & 0xFFFFFFFF) | (uint64_t)slack << 32 | (uint64_t)state << 45;

    block->word = signed_word(arena, block, body);
}

static inline void set_previous(const struct wrt_arena *arena, struct wrt_arena_block *block,
                                uint32_t previous_units)
{
    uint64_t body = (block->word & BODY_MASK & ~UINT64_C(0xFFFF0000)) |
                    (uint64_t)previous_units << 16;

    block->word = signed_word(arena, block, body);
}

static inline struct wrt_arena_block *block_at(const void *base, size_t offset)
{
    return (struct wrt_arena_block *)(void *)((uint8_t *)(uintptr_t)base + offset);
}

static inline uint8_t *payload_of(const struct wrt_arena_block *block)
{
    return (uint8_t *)(uintptr_t)block + HEADER_BYTES;
}

static inline struct wrt_arena_block *block_of(const void *payload)
{
    return (struct wrt_arena_block *)(void *)((uint8_t *)(uintptr_t)payload - HEADER_BYTES);
}

static inline struct wrt_arena_block *block_after(const struct wrt_arena_block *block)
{
    return block_at(block, (size_t)units_of(block) * UNIT_BYTES);
}

static inline struct wrt_arena_block *block_before(const struct wrt_arena_block *block)
{
    return (struct wrt_arena_block *)(void *)((uint8_t *)(uintptr_t)block -
                                              (size_t)previous_units_of(block) * UNIT_BYTES);
}

static inline struct wrt_arena_block *first_block(const struct wrt_arena_chunk *chunk)
{
    return block_at(chunk, sizeof *chunk);
}

static inline size_t payload_bytes(const struct wrt_arena_block *block)
{
    return (size_t)units_of(block) * UNIT_BYTES - HEADER_BYTES;
}

static inline struct wrt_arena_large *large_of(const struct wrt_arena_block *block)
{
    return (struct wrt_arena_large *)(void *)(payload_of(block) -
                                              (size_t)previous_units_of(block) * UNIT_BYTES);
}

/* The size that was asked for, of a live or large block. */
static inline size_t asked_bytes(const struct wrt_arena_block *block)
{
    if (state_of(block) == BLOCK_LARGE)
        return large_of(block)->asked_bytes;
    return payload_bytes(block) - slack_of(block);
}

static inline bool has_check(const struct wrt_arena *arena, enum wrt_check check)
{
    return (arena->checks >> check & 1) != 0;
}

/* ---- canaries ----
 *
 * The last 24 bytes of a block repeat a pattern of 8 that depends on its address; where the
 * payload reaches into them, it takes their place. They lie where they lay the last time, so
 * in lines that the cache still has: a canary at the exact end of each payload was 10 ns
 * dearer for a pair of allocation and free. A write past the end changes them, unless it
 * stays within what a block above 512 bytes was rounded up to; for that the check "exact"
 * puts 8 more bytes at the end of the payload. Large blocks have a canary behind them. */

static inline uint64_t pattern_of(const struct wrt_arena *arena,
                                  const struct wrt_arena_block *block)
{
    return ((uint64_t)(uintptr_t)block ^ arena->secret) * HASH_FACTOR;
}

/* The 8 bytes of the pattern that start `distance` bytes before the block's end. */
static inline uint64_t pattern_before(uint64_t pattern, uint32_t distance)
{
    unsigned bits = (0 - distance) % 8 * 8; /* a rotation that no size makes jump */

    if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
        return pattern << bits | pattern >> (-bits & 63);
    return pattern >> bits | pattern << (-bits & 63);
}

/* The 8 bytes that start `distance` bytes before the block's end. */
static inline void put_pattern(const struct wrt_arena *arena, struct wrt_arena_block *block,
                               uint32_t distance)
{
    uint64_t part = pattern_before(pattern_of(arena, block), distance);

    memcpy((uint8_t *)block_after(block) - distance, &part, sizeof part);
}

/* For a block without contents: the pattern may take the place of a payload. */
static inline void mark_new(const struct wrt_arena *arena, struct wrt_arena_block *block)
{
    uint64_t pattern = pattern_of(arena, block);
    uint8_t *end = (uint8_t *)block_after(block);
    uint32_t slack = slack_of(block);

    for (uint32_t distance = 8; distance <= TAIL_BYTES; distance += 8)
        memcpy(end - distance, &pattern, sizeof pattern);
    if (has_check(arena, WRT_CHECK_ARENA_EXACT) && slack > TAIL_BYTES)
        put_pattern(arena, block, slack);
}

/* For one whose payload stays: only what lies behind it. */
static inline void mark_rest(const struct wrt_arena *arena, struct wrt_arena_block *block)
{
    uint32_t slack = slack_of(block);

    put_pattern(arena, block, slack);
    for (uint32_t distance = slack < TAIL_BYTES ? slack : TAIL_BYTES; distance >= 8; distance--)
        put_pattern(arena, block, distance);
}

static inline bool has_pattern(const struct wrt_arena *arena,
                               const struct wrt_arena_block *block, uint32_t distance)
{
    uint64_t there;

    memcpy(&there, (const uint8_t *)block_after(block) - distance, sizeof there);
    return there == pattern_before(pattern_of(arena, block), distance);
}

static inline bool is_marked(const struct wrt_arena *arena, const struct wrt_arena_block *block)
{
    uint32_t slack = slack_of(block);

    if (!has_pattern(arena, block, slack < TAIL_BYTES ? slack : TAIL_BYTES))
        return false;
    return !has_check(arena, WRT_CHECK_ARENA_EXACT) || has_pattern(arena, block, slack);
}

static inline uint64_t canary_of(const struct wrt_arena *arena, const uint8_t *end)
{
    return ((uint64_t)(uintptr_t)end ^ arena->secret) * HASH_FACTOR;
}

static inline void set_canary(const struct wrt_arena *arena, uint8_t *end)
{
    uint64_t canary = canary_of(arena, end);

    memcpy(end, &canary, sizeof canary);
}

static inline bool has_canary(const struct wrt_arena *arena, const uint8_t *end)
{
    uint64_t canary = canary_of(arena, end);

    return memcmp(end, &canary, sizeof canary) == 0;
}

/* ---- classes ---- */

static inline unsigned log2_of(uint32_t value)
{
    return 31u - (unsigned)__builtin_clz(value);
}

/* Sizes below 32 units have a class each: class u holds u units. Above, each power of two is
 * cut in 16: with shift = log2(units) - 4, class 16 * shift + q holds q << shift units up to
 * the next. First level = class / 16, second level = class % 16. */
static inline unsigned class_of(uint32_t units)
{
    unsigned shift = log2_of(units | 16) - 4;

    return shift * WRT_ARENA_SECOND_LEVELS + (units >> shift);
}

/* The first class all of whose blocks have at least `units`; *out_units is its start. */
static inline unsigned class_above(uint32_t units, uint32_t *out_units)
{
    unsigned shift = log2_of(units | 16) - 4;
    uint32_t q = (units + (1u << shift) - 1) >> shift;

    *out_units = q << shift;
    return shift * WRT_ARENA_SECOND_LEVELS + q;
}

#endif
