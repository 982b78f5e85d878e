/* src/arena/lists.h - free lists by class, quick lists in front of them.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A list of a class is circular through its head; a quick list is singly linked. Bit s of
 * second_bits[f] says that heads[16 f + s] is not empty, bit f of first_bits that
 * second_bits[f] is not 0; the same for quick_bits.
 */
#ifndef WRT_ARENA_LISTS_H
#define WRT_ARENA_LISTS_H

#include "arena/block.h"

static inline void mark_class(struct wrt_arena *arena, unsigned class)
{
    arena->second_bits[class / 16] |= (uint16_t)(1u << class % 16);
    arena->first_bits |= 1u << class / 16;
}

static inline void unmark_class(struct wrt_arena *arena, unsigned class)
{
    arena->second_bits[class / 16] &= (uint16_t) ~(1u << class % 16);
    if (arena->second_bits[class / 16] == 0)
        arena->first_bits &= ~(1u << class / 16);
}

/* Lists a block that is in no list and whose neighbours are not free. */
static inline void list_add(struct wrt_arena *arena, struct wrt_arena_block *block)
{
    unsigned class = class_of(units_of(block));
    struct wrt_arena_block **head = &arena->heads[class];

    set_use(arena, block, 0, BLOCK_FREE);
    if (*head == NULL) {
        block->next = block->previous = block;
        *head = block;
        mark_class(arena, class);
        return;
    }
    block->next = *head;
    block->previous = (*head)->previous;
    block->previous->next = block;
    block->next->previous = block;
    if (!arena->is_fifo)
        *head = block; /* last freed, first used; otherwise it stands at the end */
}

/* Are the block's header and links as list_add left them? Reads its list neighbours only
 * when their addresses are plausible, so that a wild link does not fault first. */
static inline bool list_is_sound(const struct wrt_arena *arena,
                                 const struct wrt_arena_block *block)
{
    if (!is_signed(arena, block) || state_of(block) != BLOCK_FREE)
        return false;
    if (((uintptr_t)block->next | (uintptr_t)block->previous) % UNIT_BYTES != HEADER_BYTES)
        return false;
    return block->next->previous == block && block->previous->next == block;
}

static inline void list_remove(struct wrt_arena *arena, struct wrt_arena_block *block)
{
    unsigned class = class_of(units_of(block));

    if (block->next == block) {
        arena->heads[class] = NULL;
        unmark_class(arena, class);
        return;
    }
    block->previous->next = block->next;
    block->next->previous = block->previous;
    if (arena->heads[class] == block)
        arena->heads[class] = block->next;
}

/* A free block of at least `units`, or NULL. */
static inline struct wrt_arena_block *list_find(const struct wrt_arena *arena, uint32_t units)
{
    uint32_t rounded;
    unsigned class = class_above(units, &rounded);
    unsigned first = class / 16;
    uint32_t bits;

    if (first >= WRT_ARENA_FIRST_LEVELS)
        return NULL;
    bits = arena->second_bits[first] & (~0u << class % 16);
    if (bits == 0) {
        uint32_t firsts = arena->first_bits & (~0u << (first + 1));
        if (firsts == 0)
            return NULL;
        first = (unsigned)__builtin_ctz(firsts);
        bits = arena->second_bits[first];
    }
    return arena->heads[first * 16 + (unsigned)__builtin_ctz(bits)];
}

/* ---- quick lists: only of blocks with the size of a class start ---- */

static inline void quick_push(struct wrt_arena *arena, struct wrt_arena_block *block,
                              unsigned class)
{
    set_use(arena, block, 0, BLOCK_QUICK);
    block->next = arena->quick[class];
    arena->quick[class] = block;
    arena->quick_bits[class / 16] |= (uint16_t)(1u << class % 16);
    arena->quick_count++;
    arena->quick_bytes += (size_t)units_of(block) * UNIT_BYTES;
}

static inline struct wrt_arena_block *quick_pop(struct wrt_arena *arena, unsigned class)
{
    struct wrt_arena_block *block = arena->quick[class];

    arena->quick[class] = block->next;
    if (block->next == NULL)
        arena->quick_bits[class / 16] &= (uint16_t) ~(1u << class % 16);
    arena->quick_count--;
    arena->quick_bytes -= (size_t)units_of(block) * UNIT_BYTES;
    return block;
}

#endif
