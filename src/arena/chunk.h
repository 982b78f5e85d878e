/* src/arena/chunk.h - where an arena set gets its chunks, and how it keeps freed ones.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WRT_ARENA_CHUNK_H
#define WRT_ARENA_CHUNK_H

#include "arena/block.h"

enum { CHUNK_OVERHEAD = sizeof(struct wrt_arena_chunk) + HEADER_BYTES /* the end mark */ };

/* wrt_arena_init, with an account to charge pages to and a slab to take them from (kept;
 * NULL = none, the system). */
struct wrt_account;
struct wrt_arena_slab;
WRT_MUST_CHECK enum wrt_status
wrt_arena_init_charged(struct wrt_arena *arena, const struct wrt_arena_config *config,
                       struct wrt_account *account, struct wrt_arena_slab *slab,
                       struct wrt_error *error);

/* Pages from the system, charged first, between guards where the check says so; or a block
 * of the parent. Static sets have none: ERR_NO_SPACE. */
WRT_MUST_CHECK enum wrt_status
wrt_arena_take_pages(struct wrt_arena *arena, size_t size_bytes, void **out,
                     struct wrt_error *error);
void wrt_arena_give_pages(struct wrt_arena *arena, void *pages, size_t size_bytes);

/* Adds a chunk, the first of the list, whose one block has at least `units` and stands in no
 * list: from the cache, else new. */
WRT_MUST_CHECK enum wrt_status
wrt_arena_grow(struct wrt_arena *arena, uint32_t units, struct wrt_error *error);

/* Makes a chunk of the bytes at `memory` and gives its one block, in no list. */
struct wrt_arena_block *wrt_arena_add_chunk(struct wrt_arena *arena, void *memory, size_t bytes);

/* `block` is the only block of its chunk, in no list. True: the chunk went to the cache or
 * to the system. False: the chunk stays, and the block is the caller's to list. */
bool wrt_arena_drop_chunk(struct wrt_arena *arena, struct wrt_arena_block *block);

/* Maps whole arenas into the cache and raises the floor that they are held at. */
WRT_MUST_CHECK enum wrt_status
wrt_arena_preallocate(struct wrt_arena *arena, size_t size_bytes, struct wrt_error *error);

/* Changes the floor that preallocation set, to size_bytes in whole arenas: maps more, or gives
 * cached arenas above it back. On error the floor is as before. */
WRT_MUST_CHECK enum wrt_status
wrt_arena_set_floor(struct wrt_arena *arena, size_t size_bytes, struct wrt_error *error);
/* The same, with the arena's lock held. */
WRT_MUST_CHECK enum wrt_status
wrt_arena_move_floor(struct wrt_arena *arena, size_t size_bytes, struct wrt_error *error);

/* A kept mapping for a large block, larger by an eighth at most, and unlinked; NULL: none. O(4). */
struct wrt_arena_chunk *wrt_arena_take_kept(struct wrt_arena *arena, size_t size_bytes);
/* Keeps the mapping of a large block that stands in no list. What is then to be given back: NULL, or
 * the oldest of four, which goes for it; or this one itself, its `bytes` set as a chunk's, where the
 * cache's limits, its size or the arena's kind forbid to keep it. O(4). */
struct wrt_arena_chunk *wrt_arena_keep_large(struct wrt_arena *arena,
                                             struct wrt_arena_large *large);

/* Gives kept large mappings, then cached arenas back until at most that many and that many bytes
 * are kept. */
void wrt_arena_trim_cache(struct wrt_arena *arena, uint32_t blocks, size_t bytes);

#endif
