/* src/arena/block.h - what stands in front of and inside the blocks of an arena.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   chunk  | header | block | block | ...        | end |
 *   block  | header 8 | payload: units * 16 - 8 bytes  |
 *
 * Sizes are counted in units of 16 bytes, header included. `check` ties a header to its
 * address, its contents and the arena's secret.
 */
#ifndef WRT_ARENA_BLOCK_H
#define WRT_ARENA_BLOCK_H

#include "wrt/arena.h"

#include <string.h>

enum {
    UNIT_BYTES = 16,
    HEADER_BYTES = 8,
    MINIMUM_UNITS = 2, /* header and the links of a free block */
    UNITS_LIMIT = 65535
};

enum block_state { BLOCK_LIVE = 0x5A, BLOCK_FREE = 0xA6, BLOCK_LARGE = 0x3C, BLOCK_END = 0xC9 };

struct wrt_arena_block {
    uint16_t units;          /* of this block; 0 for BLOCK_END and BLOCK_LARGE */
    uint16_t previous_units; /* of the block before; 0: this is the first.
                                BLOCK_LARGE: distance to the mapping's start, in units */
    uint8_t slack;           /* payload bytes beyond the size asked for */
    uint8_t state;
    uint16_t check;
    /* free blocks only: */
    struct wrt_arena_block *next, *previous;
};

struct wrt_arena_chunk {
    struct wrt_arena_chunk *next, *previous;
    size_t bytes; /* of the whole chunk */
    uint64_t reserved[4];
    /* the first block follows; 56 bytes, so that payloads are 16-byte aligned */
};

struct wrt_arena_large {
    struct wrt_arena_large *next, *previous;
    size_t bytes; /* of the mapping */
    size_t asked_bytes;
};

_Static_assert(sizeof(struct wrt_arena_chunk) % UNIT_BYTES == HEADER_BYTES, "alignment");
_Static_assert(offsetof(struct wrt_arena_block, next) == HEADER_BYTES, "header size");

static inline struct wrt_arena_block *block_at(const void *base, size_t offset)
{
    return (struct wrt_arena_block *)(void *)((uint8_t *)(uintptr_t)base + offset);
}

static inline void *payload_of(const struct wrt_arena_block *block)
{
    return (uint8_t *)(uintptr_t)block + HEADER_BYTES;
}

static inline struct wrt_arena_block *block_of(const void *payload)
{
    return (struct wrt_arena_block *)(void *)((uint8_t *)(uintptr_t)payload - HEADER_BYTES);
}

static inline struct wrt_arena_block *block_after(const struct wrt_arena_block *block)
{
    return block_at(block, (size_t)block->units * UNIT_BYTES);
}

static inline struct wrt_arena_block *block_before(const struct wrt_arena_block *block)
{
    return (struct wrt_arena_block *)(void *)((uint8_t *)(uintptr_t)block -
                                              (size_t)block->previous_units * UNIT_BYTES);
}

/* A multiplicative hash of the 48 header bits, the address and the secret. */
static inline uint16_t block_check(const struct wrt_arena *arena,
                                   const struct wrt_arena_block *block)
{
    uint64_t word = (uint64_t)block->units | (uint64_t)block->previous_units << 16 |
                    (uint64_t)block->slack << 32 | (uint64_t)block->state << 40;

    word ^= (uint64_t)(uintptr_t)block ^ arena->secret;
    return (uint16_t)((word * UINT64_C(0x9E3779B97F4A7C15)) >> 48);
}

static inline void block_sign(const struct wrt_arena *arena, struct wrt_arena_block *block)
{
    block->check = block_check(arena, block);
}

static inline bool block_is_signed(const struct wrt_arena *arena,
                                   const struct wrt_arena_block *block)
{
    return block->check == block_check(arena, block);
}

#endif
