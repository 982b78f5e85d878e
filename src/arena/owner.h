/* src/arena/owner.h - which address ranges are ours, and whose, for the fault handler.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WRT_ARENA_OWNER_H
#define WRT_ARENA_OWNER_H

#include "wrt/base.h"

struct wrt_arena;

struct wrt_owner {
    char name[32];  /* of the partition */
    bool is_sealed; /* a range that is closed while nobody is inside; else one with guards */
    uint8_t tag;    /* of all its memory; 0: of none, or many */
    struct wrt_arena *arena; /* whose tagged blocks stand there; NULL: none's */
};

/* Remembers start .. start + size_bytes; gives a ticket > 0 in *out. O(1), lock-free.
 * ERR_NO_SPACE when 65,536 ranges are remembered, ERR_NO_MEMORY. Any thread. */
WRT_MUST_CHECK enum wrt_status
wrt_owner_add(const struct wrt_owner *owner, const void *start, uint64_t size_bytes,
              uint32_t *out_ticket);
void wrt_owner_resize(uint32_t ticket, uint64_t size_bytes);
void wrt_owner_remove(uint32_t ticket); /* 0 does nothing */

/* Bit per tag of the next ranges below start and from end on; bit 0 is set. O(ranges). */
unsigned wrt_owner_tags_beside(const void *start, const void *end);

/* The smallest range with that address. O(ranges), any thread, no lock. */
bool wrt_owner_find(const void *address, struct wrt_owner *out);

#endif
