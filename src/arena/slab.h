/* src/arena/slab.h - pages for one arena set out of one row of addresses, so that all of it is
 * opened and closed by one call of the system.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   base              open                      reserved
 *    |<-- committed -->|<-- addresses only ------>|
 *
 *   S1  base .. base + open is committed; every page of it is handed out or in the free list
 *   S2  free ranges are in order of address and never touch each other or `open`
 *
 * A free range keeps its link in its first page; its other pages hold no memory where the
 * system can drop them. take and give are O(free ranges), in whole arenas, so few.
 * No guards between arenas: opening would open them too.
 */
#ifndef WRT_ARENA_SLAB_H
#define WRT_ARENA_SLAB_H

#include "wrt/base.h"

struct wrt_slab_range;

struct wrt_arena_slab {
    uint8_t *base;
    size_t reserved_bytes, open_bytes;
    struct wrt_slab_range *free;
    bool is_tagged;  /* its pages have memory tags */
    bool by_tags;    /* opened and closed by them */
    bool is_flipped; /* closed by them */
    uint32_t key;    /* opened and closed by this memory key, for the calling thread; 0: none */
};

/* Reserves addresses for reserved_bytes (rounded up to pages). */
WRT_MUST_CHECK enum wrt_status
wrt_slab_init(struct wrt_arena_slab *slab, uint64_t reserved_bytes);
void wrt_slab_deinit(struct wrt_arena_slab *slab);

/* Whole pages; the slab must be open. ERR_NO_MEMORY. */
WRT_MUST_CHECK enum wrt_status
wrt_slab_take(struct wrt_arena_slab *slab, size_t size_bytes, void **out);
void wrt_slab_give(struct wrt_arena_slab *slab, void *pages, size_t size_bytes);

/* One call of the system each; nothing when nothing is committed. By key: a register; by tags:
 * O(open). */
WRT_MUST_CHECK enum wrt_status wrt_slab_open(struct wrt_arena_slab *slab);
WRT_MUST_CHECK enum wrt_status wrt_slab_close(struct wrt_arena_slab *slab);

#endif
