/* src/arena/tagging.h - memory tags of the blocks of an arena.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   | .. tail 8 | word 8 | payload: (units - 1) * 16 | tail 8 | word 8 | ..
 *   |     tag 0          |         tag t             |     tag 0       |
 *
 * A tagged arena never hands out the last 8 bytes of a block, so that no granule of 16 holds
 * bytes of a user and a header. Inside, blocks are known by pointers without a tag, and the
 * calls of the arena run with the thread's tag checks overridden, because lists stand in freed
 * memory. What a freed block has as its tag is what its next owner gets: an old pointer to it
 * has another one for sure, not by chance.
 */
#ifndef WRT_ARENA_TAGGING_H
#define WRT_ARENA_TAGGING_H

#include "arena/block.h"
#include "base/tags.h"

static inline bool is_tagged(const struct wrt_arena *arena)
{
    return WRT_HAS_TAG_INSTRUCTIONS && arena->is_tagged;
}

/* An address of the arena's as its code knows it. Of one that is not tagged itself, but stands
 * in a tagged parent, pointers keep their tag. */
static inline void *plain(const struct wrt_arena *arena, const void *pointer)
{
    return is_tagged(arena) ? wrt_untagged(pointer) : (void *)(uintptr_t)pointer;
}

static inline void override_tags(const struct wrt_arena *arena, bool is_on)
{
    if (is_tagged(arena))
        wrt_tag_override(is_on);
}

static inline size_t tagged_bytes(const struct wrt_arena_block *block)
{
    return (size_t)(units_of(block) - 1) * UNIT_BYTES;
}

static inline unsigned tag_at(const void *granule)
{
    return wrt_pointer_tag(wrt_tag_load(granule));
}

/* Bit per tag that the memory beside the block has. */
static inline unsigned neighbour_tags(const struct wrt_arena_block *block)
{
    const struct wrt_arena_block *after = block_after(block);
    unsigned tags = 1;

    if (previous_units_of(block) != 0)
        tags |= 1u << tag_at(payload_of(block_before(block))) |
                1u << tag_at((const uint8_t *)block - HEADER_BYTES - UNIT_BYTES);
    if (state_of(after) != BLOCK_END)
        tags |= 1u << tag_at(payload_of(after));
    return tags;
}

/* The payload with its tag; its memory and that of the headers beside it are tagged. */
static inline void *tag_new(const struct wrt_arena_block *block)
{
    void *payload = wrt_tag_load(payload_of(block));
    unsigned excluded = neighbour_tags(block);

    if ((excluded >> wrt_pointer_tag(payload) & 1) != 0)
        payload = wrt_tag_choose(payload, excluded);
    wrt_tag_store(payload_of(block) - UNIT_BYTES, UNIT_BYTES);
    wrt_tag_store(payload, tagged_bytes(block));
    wrt_tag_store(payload_of(block) + tagged_bytes(block), UNIT_BYTES);
    return payload;
}

/* No pointer to the first `size_bytes` of the block fits any more. */
static inline void retag(const struct wrt_arena_block *block, size_t size_bytes)
{
    uint8_t *payload = payload_of(block);
    unsigned excluded = neighbour_tags(block) | 1u << tag_at(payload);

    wrt_tag_store(wrt_tag_choose(payload, excluded), size_bytes);
}

static inline void tag_freed(const struct wrt_arena *arena, const struct wrt_arena_block *block)
{
    if (is_tagged(arena))
        retag(block, tagged_bytes(block));
}

/* The block's memory after a change of size keeps its tag; what it lost, or now lies beside it,
 * gets another. */
static inline void tag_resized(const struct wrt_arena *arena, const struct wrt_arena_block *block,
                               uint32_t old_units)
{
    const struct wrt_arena_block *after = block_after(block);
    size_t lost;

    if (!is_tagged(arena))
        return;
    wrt_tag_store(wrt_tag_load(payload_of(block)), tagged_bytes(block));
    wrt_tag_store(payload_of(block) + tagged_bytes(block), UNIT_BYTES);
    if (state_of(after) != BLOCK_FREE)
        return;
    lost = old_units > units_of(block) ? (size_t)(old_units - units_of(block)) * UNIT_BYTES : 0;
    retag(after, lost > UNIT_BYTES && lost < tagged_bytes(after) ? lost : UNIT_BYTES);
}

/* May a block grow until it touches `beyond`? Its tag cannot change any more. */
static inline bool may_touch(const struct wrt_arena *arena, const struct wrt_arena_block *block,
                             const struct wrt_arena_block *beyond)
{
    return !is_tagged(arena) || state_of(beyond) == BLOCK_END ||
           tag_at(payload_of(beyond)) != tag_at(payload_of(block));
}

/* ---- large blocks: one of a mapping of its own, with headers in front ---- */

static inline size_t granules(size_t size_bytes)
{
    return (size_bytes + UNIT_BYTES - 1) & ~(size_t)(UNIT_BYTES - 1);
}

static inline void *tag_large(const struct wrt_arena *arena, void *payload, size_t size_bytes)
{
    if (!is_tagged(arena))
        return payload;
    payload = wrt_tag_choose(payload, 1);
    wrt_tag_store(payload, granules(size_bytes));
    return payload;
}

static inline void tag_large_resized(const struct wrt_arena *arena, void *payload,
                                     size_t old_bytes, size_t size_bytes)
{
    size_t before = granules(old_bytes), after = granules(size_bytes);

    if (!is_tagged(arena))
        return;
    if (after > before)
        wrt_tag_store((uint8_t *)wrt_tag_load(payload) + before, after - before);
    else
        wrt_tag_store((uint8_t *)payload + after, before - after);
}

#endif
