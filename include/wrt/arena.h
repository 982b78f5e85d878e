/* wrt/arena.h - memory for runtime objects, in constant time, from arenas of pages.
 * SPDX-License-Identifier: Apache-2.0
 *
 * An arena set takes memory in arenas (chunks of 32 KiB by default) and hands out blocks of
 * them by two-level segregated fit: free blocks stand in lists by size class, two bitmaps
 * find the first class that surely fits, neighbours merge when freed. In front of that stands
 * a bounded quick list per class, so that a block freed is the block next handed out, with
 * neither split nor merge.
 *
 *   A1  blocks of an arena tile it without gap; no two free blocks are neighbours (a block
 *       in a quick list or in quarantine counts as used)
 *   A2  a block is 8 bytes of header and its payload, 16-byte aligned, in units of 16 bytes
 *   A3  a request of n <= large_bytes bytes takes at most n + n/16 + 31 bytes (8 more with
 *       canaries), so waste inside blocks is below 31 bytes + 6.25 %
 *   A4  allocate and free take a bounded number of steps, whatever the history: at most three
 *       bitmap searches, two splits, three evictions of quick blocks with two merges each, and
 *       one arena taken from or given back to the cache or the system
 *
 * With config.tags on a machine with memory tags (wrt/hardware.h) pointers carry a tag:
 *
 *   A5  a block's memory has one tag 1 .. 15, that of the pointer that was handed out; headers
 *       have tag 0; at the time either is tagged, a block and the live or freed block beside it
 *       have different tags
 *   A6  free gives the memory another tag at once, which the next owner of the same block gets
 *
 * so that under WRT_TAG_MODE_SYNC every access beyond the last 16 bytes that hold the block
 * faults, and one after free does until the memory was part of other blocks twice; then, and for
 * wild pointers, 1 in 15 fits by chance. Tagging makes allocate, free and resize O(size).
 *
 * A request that the system or the partition refuses first gives up all quick blocks, cached
 * arenas and kept mappings (O(quick_blocks + cache_blocks)) and tries once more: nothing is
 * refused for memory that is only kept for later.
 *
 * Threads: an arena set belongs to one thread at a time and takes no lock, unless it is set
 * up with is_shared: then any call may come from any thread, under a mutex with priority
 * inheritance. Calls that take a const arena may run together.
 */
#ifndef WRT_ARENA_H
#define WRT_ARENA_H

#include "wrt/base.h"
#include "wrt/hardware.h"
#include "wrt/verification.h"

WRT_BEGIN_DECLS

struct wrt_arena;

/* Zero-fill, set what you need. A value outside its range is ERR_ARGUMENT, ERR_ALIGNMENT
 * when only its alignment is wrong, and the error text names the field. */
struct wrt_arena_config {
    size_t arena_bytes;    /* one arena; 4 KiB .. 256 KiB in host pages; 0 = 32 KiB. The upper
                              bound is QNX's; a request that needs more than one arena takes
                              the next multiple */
    size_t large_bytes;    /* requests above get a mapping of their own; 4 KiB .. 512 KiB;
                              0 = 64 KiB. The last four freed, of up to 16 arenas, are kept
                              in the cache, and given up before arenas are */
    uint32_t cache_blocks; /* freed arenas and large mappings kept for later; 0 = 12 */
    size_t cache_bytes;    /* their sum; 0 = no limit in bytes */
    bool no_cache;         /* freed arenas go back to the system at once */
    uint32_t quick_blocks; /* freed blocks kept unmerged for later; 0 = 512; up to 65536 */
    size_t quick_bytes;    /* their sum; 0 = 12 arenas */
    bool no_quick;         /* every free merges at once */
    bool memory_hold;      /* arenas never go back to the system before deinit */
    size_t preallocate_bytes; /* mapped by init, in whole arenas, and held until deinit */
    bool lock_preallocated;   /* those are made resident, and locked where that is allowed */
    bool free_fifo;        /* reuse the block freed longest ago, not the last one; no quick
                              lists */
    bool monotonic_growth; /* resize never takes more than asked; otherwise a block above four
                              arenas that must move gets half as much again */
    void *static_block;    /* keeps: all memory comes from here, no call to the system;
                              at least 4 KiB, 16-byte aligned; no large mappings */
    size_t static_block_bytes;
    struct wrt_arena *parent; /* keeps: arenas are blocks of this one; must outlive it */
    bool is_shared;        /* any thread may call; ERR_UNSUPPORTED without threads */
    enum wrt_tagging tags; /* not with static_block or parent: WANTED is OFF then, REQUIRED
                              ERR_UNSUPPORTED. What is checked is each thread's mode */
    enum wrt_verification_level verification; /* checks of the room "arena"; 0 = Standard */
    struct wrt_cache_colour colour; /* all pages have it (wrt/hardware.h); ERR_UNSUPPORTED where that
                              cannot be, and with static_block, parent or a sealed partition.
                              Each arena costs huge pages: make arenas large */
};

/* Reads the environment into *config, over what it holds: WRT_ARENA_SIZE (bytes),
 * WRT_ARENA_CACHE_MAXBLK (0 = no cache), WRT_ARENA_CACHE_MAXSZ (bytes), WRT_MEMORY_HOLD
 * (0 or 1), WRT_MEMORY_PREALLOCATE (bytes), WRT_FREE_LIFO (1 = last freed first, 0 = first
 * in, first out), WRT_ARENA_TAGS (0 off, 1 wanted, 2 required). ERR_ARGUMENT names a variable that is not a plain decimal number in its
 * range; *config is untouched then.
 * Cost: O(bytes of the seven variables), never blocks, never faults; 672 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_arena_config_from_environment(struct wrt_arena_config *config, struct wrt_error *error);

enum {
    WRT_ARENA_FIRST_LEVELS = 13,
    WRT_ARENA_QUICK_LEVELS = 10,
    WRT_ARENA_SECOND_LEVELS = 16,
    WRT_ARENA_MULTIPLES = 16,
    WRT_ARENA_CLASSES = 14 /* first levels and large blocks */
};

struct wrt_arena_block;
struct wrt_arena_chunk;
struct wrt_arena_large;
struct wrt_account;
struct wrt_arena_slab;

/* One arena set. All fields are private; visible so that it can be placed statically. */
struct wrt_arena {
    uint64_t secret;
    uint32_t checks;      /* bit per enum wrt_check */
    uint32_t extra_bytes; /* header, canary, and what rounds up to units */
    uint32_t quick_limit, quick_count;
    size_t quick_size_limit; /* requests up to here may take the short way; 0: none */
    size_t quick_bytes_limit, quick_bytes;
    size_t used_bytes, high_water_bytes;
    uint32_t first_bits;
    uint16_t second_bits[WRT_ARENA_FIRST_LEVELS];
    uint16_t quick_bits[WRT_ARENA_QUICK_LEVELS];
    struct wrt_arena_block *quick[WRT_ARENA_QUICK_LEVELS * WRT_ARENA_SECOND_LEVELS];
    struct wrt_arena_block *heads[WRT_ARENA_FIRST_LEVELS * WRT_ARENA_SECOND_LEVELS];
    uint32_t live[WRT_ARENA_CLASSES], live_peak[WRT_ARENA_CLASSES];
    uint64_t allocations, quick_hits, cache_hits, arenas_mapped, arenas_returned, damages;
    struct wrt_arena_block *quarantine_oldest, *quarantine_newest;
    uint32_t quarantine_count;
    struct wrt_arena_chunk *chunks;
    struct wrt_arena_large *large;
    struct wrt_arena_chunk *cache[WRT_ARENA_MULTIPLES + 1]; /* by size in arenas */
    size_t cache_bytes_limit, cache_bytes;
    uint32_t cache_limit, cache_count, chunk_count;
    uint32_t colour; /* packed runs; 0 = none */
    size_t arena_bytes, large_bytes, held_bytes, held_floor_bytes, locked_bytes;
    struct wrt_account *account; /* charged before pages are taken; NULL = none */
    struct wrt_arena_slab *slab; /* where pages come from; NULL = the system */
    struct wrt_arena *parent;
    bool is_static, is_fifo, is_monotonic, is_holding, is_locking, is_shared, is_tagged;
    uint64_t lock_words[8];
};

/* Sets up a set; takes memory only for preallocate_bytes. Borrows config (NULL: defaults).
 * On error nothing is held and *arena is not set up.
 * Cost: O(1), O(preallocate_bytes) where that is locked or tagged, may block (system), may fault;
 * 5400 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_arena_init(struct wrt_arena *arena, const struct wrt_arena_config *config,
               struct wrt_error *error);

/* Gives every arena and mapping back, blocks in use included.
 * Cost: O(arenas + large blocks), may block (system), may fault; 512 bytes of stack. */
WRT_API void wrt_arena_deinit(struct wrt_arena *arena);

/* size_bytes >= 1; alignment_bytes: power of two 1 .. 4096, 0 = 16. Contents unspecified.
 * ERR_ARGUMENT, ERR_ALIGNMENT, ERR_NO_MEMORY, ERR_PARTITION_MAX, ERR_NO_SPACE (static
 * block or parent full, or request too large for it), ERR_CORRUPT (check "links").
 * Cost: O(1) (A4), tagged O(size), may block (system), may fault; 700 steps, 5100 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_arena_allocate(struct wrt_arena *arena, size_t size_bytes, size_t alignment_bytes,
                   void **out, struct wrt_error *error);

/* Takes a block back; NULL is WRT_OK.
 *   ERR_ARGUMENT  the pointer is not a block of an arena (misaligned, or no header there)
 *   ERR_STATE     the block is free already (tagged: or was, and is another's now)
 *   ERR_CORRUPT   its header, its canary or a neighbour was overwritten
 * On error nothing changes: the block, if it is one, stays in use. Below Minimal nothing is
 * checked and a wrong pointer is undefined behaviour.
 * Cost: O(1) (A4), O(size) tagged or with the check "scrub", may block (system), may fault; 500
 * steps, 592 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status wrt_arena_free(struct wrt_arena *arena, void *block);

/* Changes a block's size, in place where the block or its free neighbour has room,
 * otherwise by moving (alignment is then 16). *out is the block's place. Errors as allocate
 * and free; the old block is then unchanged.
 * Cost: O(1) in place, O(size) when moving or tagged, may block (system), may fault; 900 steps,
 * 5600 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_arena_resize(struct wrt_arena *arena, void *block, size_t size_bytes, void **out,
                 struct wrt_error *error);

/* The size that was asked for; 0 if `block` is not a live block.
 * Cost: O(1), may block (lock) if is_shared, never faults; 130 steps. */
WRT_API size_t wrt_arena_block_bytes(const struct wrt_arena *arena, const void *block);

/* Merges all quick blocks, then gives all cached arenas back (not those that
 * preallocate_bytes or memory_hold keep).
 * Cost: O(quick blocks + cached arenas), may block (system), may fault; 544 bytes of stack. */
WRT_API void wrt_arena_free_now(struct wrt_arena *arena);

/* The same down to these limits, which stay in force.
 * Cost: O(quick blocks + cached arenas), may block (system), may fault; 528 bytes of stack. */
WRT_API void wrt_arena_trim(struct wrt_arena *arena, uint32_t cache_blocks, size_t cache_bytes);

struct wrt_arena_info {
    size_t used_bytes, high_water_bytes; /* sum of the sizes asked for */
    size_t held_bytes;                   /* taken from the system, static block or parent */
    size_t locked_bytes;
    uint32_t arenas, cached_arenas;      /* in use; kept, large mappings too */
    size_t cached_bytes;
    uint32_t quick_blocks, quarantined_blocks;
    uint64_t allocations, quick_hits, cache_hits, arenas_mapped, arenas_returned;
    uint64_t damages;                    /* crimes found */
    bool is_tagged;
    /* by power of two: class c holds block sizes (header included) from 2^(c+7) bytes;
     * class 0 below 256, the last one large blocks */
    uint32_t live[WRT_ARENA_CLASSES], live_peak[WRT_ARENA_CLASSES];
};
/* Cost: O(1), may block (lock) if is_shared, never faults. */
WRT_API void wrt_arena_get_info(const struct wrt_arena *arena, struct wrt_arena_info *out);

enum wrt_arena_piece_kind { WRT_PIECE_LIVE, WRT_PIECE_FREE, WRT_PIECE_QUICK, WRT_PIECE_LARGE };
struct wrt_arena_piece {
    const void *address;
    size_t size_bytes; /* live: as asked for; otherwise the payload's size */
    enum wrt_arena_piece_kind kind;
    uint8_t memory_tag; /* 0: not tagged */
};
/* For debuggers: calls visit for each piece until it returns false. `visit` must not call
 * this arena.
 * Cost: O(pieces), may block (lock) if is_shared, never faults. */
WRT_API void wrt_arena_walk(const struct wrt_arena *arena,
                            bool (*visit)(void *context, const struct wrt_arena_piece *piece),
                            void *context);

/* The piece that `address` lies in, its header included; false: none of this arena. For reports
 * of faults.
 * Cost: O(arenas + pieces of one), may block (lock) if is_shared, never faults. */
WRT_API bool wrt_arena_find(const struct wrt_arena *arena, const void *address,
                            struct wrt_arena_piece *out);

/* Checks every header, canary, link and sum, whatever the level.
 * ERR_CORRUPT; the error text says which block.
 * Cost: O(pieces), may block (lock) if is_shared, may fault; 416 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_arena_check(const struct wrt_arena *arena, struct wrt_error *error);

WRT_END_DECLS
#endif
