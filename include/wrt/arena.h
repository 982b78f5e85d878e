/* wrt/arena.h - memory for runtime objects, in constant time, from arenas of pages.
 * SPDX-License-Identifier: Apache-2.0
 *
 * An arena set takes memory in arenas (chunks of 32 KiB by default) and hands out blocks
 * of them by two-level segregated fit: free blocks stand in lists by size class, two bitmaps
 * find the first class that surely fits, neighbours merge when freed. No search, no walk:
 *
 *   A1  blocks of an arena tile it without gap; no two free blocks are neighbours
 *   A2  a block is 8 bytes of header and its payload, 16-byte aligned, in units of 16 bytes
 *   A3  a request of n bytes, up to the large limit, takes at most n + 31 bytes and a class
 *       is at most 1/16 wide, so waste inside blocks and by class rounding stays below
 *       31 bytes + 6.25 %
 *   A4  allocate and free take a bounded number of steps, whatever the history: at most one
 *       bitmap search, one split, two merges, and one arena taken from or given back to the
 *       cache or the system
 *
 * Requests above the large limit get a mapping of their own.
 *
 * Threads: an arena set belongs to one thread at a time, unless it was set up as shared.
 */
#ifndef WRT_ARENA_H
#define WRT_ARENA_H

#include "wrt/base.h"
#include "wrt/verification.h"

WRT_BEGIN_DECLS

/* Zero-fill, set what you need. A value outside its range is ERR_ARGUMENT. */
struct wrt_arena_config {
    size_t arena_bytes;      /* one arena; 4 KiB .. 256 KiB in host pages; 0 = 32 KiB */
    uint32_t cache_blocks;   /* freed arenas kept for later; 0 = 12; see no_cache */
    size_t cache_bytes;      /* their sum; 0 = no limit in bytes */
    bool no_cache;           /* freed arenas go back to the system at once */
};

enum { WRT_ARENA_FIRST_LEVELS = 13, WRT_ARENA_SECOND_LEVELS = 16, WRT_ARENA_MULTIPLES = 16 };

struct wrt_arena_block;
struct wrt_arena_chunk;
struct wrt_arena_large;
struct wrt_account;

/* One arena set. All fields are private; visible so that it can be placed statically. */
struct wrt_arena {
    struct wrt_account *account; /* charged before pages are taken; NULL = none */
    uint64_t secret;
    size_t arena_bytes;
    size_t cache_bytes_limit, cache_bytes;
    uint32_t cache_blocks_limit, cache_blocks;
    struct wrt_arena_chunk *chunks;
    struct wrt_arena_large *large;
    struct wrt_arena_chunk *cache[WRT_ARENA_MULTIPLES + 1]; /* by size in arenas */
    size_t used_bytes, held_bytes;
    uint32_t first_bits;
    uint32_t second_bits[WRT_ARENA_FIRST_LEVELS];
    struct wrt_arena_block *heads[WRT_ARENA_FIRST_LEVELS][WRT_ARENA_SECOND_LEVELS];
};

/* Sets up an empty set; takes no memory yet. Borrows config (NULL: all defaults). */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_arena_init(struct wrt_arena *arena, const struct wrt_arena_config *config,
               struct wrt_error *error);

/* Gives every arena and mapping back, blocks in use included. O(arenas). */
WRT_API void wrt_arena_deinit(struct wrt_arena *arena);

/* size_bytes >= 1; alignment_bytes: power of two 1 .. 4096, 0 = 16. Contents unspecified.
 * O(1); may block in the system when a new arena is mapped.
 * ERR_ARGUMENT, ERR_ALIGNMENT, ERR_NO_MEMORY, ERR_PARTITION_MAX. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_arena_allocate(struct wrt_arena *arena, size_t size_bytes, size_t alignment_bytes,
                   void **out, struct wrt_error *error);

/* Takes a block back; NULL is WRT_OK. O(1).
 *   ERR_ARGUMENT  the pointer is not a block of an arena (misaligned, or no header there)
 *   ERR_STATE     the block is free already
 *   ERR_CORRUPT   its header was overwritten
 * On error nothing changes: the block, if it is one, stays in use. */
WRT_MUST_CHECK WRT_API enum wrt_status wrt_arena_free(struct wrt_arena *arena, void *block);

/* The size that was asked for; 0 if `block` is not a live block. O(1). */
WRT_API size_t wrt_arena_block_bytes(const struct wrt_arena *arena, const void *block);

/* Gives all cached arenas back to the system. O(cached arenas). */
WRT_API void wrt_arena_free_now(struct wrt_arena *arena);

WRT_END_DECLS
#endif
