/* src/arena/chunk.c - see chunk.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   held = bytes of chunks in use + cached chunks + large mappings (guards not counted)
 *   held falls below the floor only in deinit
 */
#include "arena/chunk.h"

#include "arena/account.h"
#include "arena/colour.h"
#include "arena/owner.h"
#include "arena/slab.h"
#include "arena/tagging.h"
#include "base/error.h"

enum { PAGE_ALIGNMENT = 4096 }; /* alignment of blocks is reckoned from their mapping's */

static bool is_guarded(const struct wrt_arena *arena)
{
    return has_check(arena, WRT_CHECK_ARENA_GUARD);
}

static enum wrt_status map(struct wrt_arena *arena, size_t size_bytes, void **out)
{
    unsigned rights = WRT_PORT_READ_WRITE | (is_tagged(arena) ? WRT_PORT_TAGGED : 0u);
    struct wrt_port_request request = {.bytes = size_bytes, .rights = rights};
    size_t page = wrt_port_page_bytes();
    struct wrt_colour_runs runs;
    enum wrt_status status;
    void *start;

    if (arena->slab != NULL)
        return wrt_slab_take(arena->slab, size_bytes, out);
    if (!is_guarded(arena) && arena->colour == 0)
        return wrt_port_reserve(&request, out);
    if (!is_guarded(arena))
        page = 0;
    request.bytes += 2 * page;
    request.rights = WRT_PORT_NONE;
    status = wrt_port_reserve(&request, &start);
    if (status != WRT_OK)
        return status;
    runs = wrt_colour_unpack(arena->colour);
    status = wrt_commit_with(&runs, (uint8_t *)start + page, size_bytes, rights);
    if (status != WRT_OK) {
        (void)!wrt_port_release(start, request.bytes);
        return status;
    }
    *out = (uint8_t *)start + page;
    return WRT_OK;
}

static enum wrt_status unmap(struct wrt_arena *arena, void *pages, size_t size_bytes)
{
    size_t page = wrt_port_page_bytes();

    if (arena->slab != NULL) {
        wrt_slab_give(arena->slab, pages, size_bytes);
        return WRT_OK;
    }
    if (!is_guarded(arena))
        return wrt_port_release(pages, size_bytes);
    return wrt_port_release((uint8_t *)pages - page, size_bytes + 2 * page);
}

/* A tagged arena's pages are known to the fault handler; the ticket is written where chunks and
 * large blocks have it. */
static enum wrt_status map_known(struct wrt_arena *arena, size_t size_bytes, void **out)
{
    struct wrt_owner owner = {.is_sealed = arena->slab != NULL, .arena = arena};
    enum wrt_status status = map(arena, size_bytes, out);
    struct wrt_arena_chunk *chunk;

    if (status != WRT_OK || !is_tagged(arena))
        return status;
    chunk = *out;
    (void)strncpy(owner.name, arena->account != NULL ? arena->account->name : "arena",
                  sizeof owner.name - 1);
    status = wrt_owner_add(&owner, chunk, size_bytes, &chunk->ticket);
    if (status != WRT_OK)
        (void)!unmap(arena, chunk, size_bytes);
    return status;
}

static enum wrt_status take_charged(struct wrt_arena *arena, size_t size_bytes, void **out,
                                    struct wrt_error *error)
{
    enum wrt_status status;

    if (arena->account != NULL) {
        status = wrt_account_charge(arena->account, WRT_CHARGE_ARENA, size_bytes, error);
        if (status != WRT_OK)
            return status;
    }
    status = map_known(arena, size_bytes, out);
    if (status == WRT_OK)
        return WRT_OK;
    if (arena->account != NULL)
        wrt_account_uncharge(arena->account, WRT_CHARGE_ARENA, size_bytes);
    return wrt_fail(error, status, "the system has no %zu bytes for an arena", size_bytes);
}

enum wrt_status wrt_arena_take_pages(struct wrt_arena *arena, size_t size_bytes, void **out,
                                     struct wrt_error *error)
{
    enum wrt_status status;

    if (arena->is_static)
        return wrt_fail(error, WRT_ERR_NO_SPACE, "the static block has no %zu bytes in a row",
                        size_bytes);
    if (arena->parent != NULL)
        status = wrt_arena_allocate(arena->parent, size_bytes, PAGE_ALIGNMENT, out, error);
    else
        status = take_charged(arena, size_bytes, out, error);
    if (status != WRT_OK)
        return status;
    arena->held_bytes += size_bytes;
    arena->arenas_mapped++;
    return WRT_OK;
}

/* What cannot be given back stays charged. */
void wrt_arena_give_pages(struct wrt_arena *arena, void *pages, size_t size_bytes)
{
    uint32_t ticket = is_tagged(arena) ? ((struct wrt_arena_chunk *)pages)->ticket : 0;
    enum wrt_status status;

    wrt_owner_remove(ticket);
    status = arena->parent != NULL ? wrt_arena_free(arena->parent, pages)
                                   : unmap(arena, pages, size_bytes);

    if (status != WRT_OK) {
        arena->damages++;
        return;
    }
    arena->held_bytes -= size_bytes;
    arena->arenas_returned++;
    if (arena->account != NULL)
        wrt_account_uncharge(arena->account, WRT_CHARGE_ARENA, size_bytes);
}

struct wrt_arena_block *wrt_arena_add_chunk(struct wrt_arena *arena, void *memory, size_t bytes)
{
    struct wrt_arena_chunk *chunk = memory;
    struct wrt_arena_block *block;
    uint32_t units = (uint32_t)((bytes - CHUNK_OVERHEAD) / UNIT_BYTES);

    chunk->bytes = bytes;
    chunk->previous = NULL;
    chunk->next = arena->chunks;
    if (chunk->next != NULL)
        chunk->next->previous = chunk;
    arena->chunks = chunk;
    arena->chunk_count++;
    block = first_block(chunk);
    set_word(arena, block, units, 0, 0, BLOCK_NONE);
    set_word(arena, block_after(block), 0, units, 0, BLOCK_END);
    return block;
}

static void unlink_chunk(struct wrt_arena *arena, struct wrt_arena_chunk *chunk)
{
    if (chunk->next != NULL)
        chunk->next->previous = chunk->previous;
    if (chunk->previous != NULL)
        chunk->previous->next = chunk->next;
    else
        arena->chunks = chunk->next;
    arena->chunk_count--;
}

/* ---- the cache ---- */

static struct wrt_arena_chunk *take_cached(struct wrt_arena *arena, size_t multiple)
{
    struct wrt_arena_chunk *chunk = arena->cache[multiple];

    if (chunk != NULL) {
        arena->cache[multiple] = chunk->next;
        arena->cache_count--;
        arena->cache_bytes -= chunk->bytes;
    }
    return chunk;
}

static void put_cached(struct wrt_arena *arena, struct wrt_arena_chunk *chunk)
{
    size_t multiple = chunk->bytes / arena->arena_bytes;

    chunk->next = arena->cache[multiple];
    arena->cache[multiple] = chunk;
    arena->cache_count++;
    arena->cache_bytes += chunk->bytes;
}

/* O(KEPT_LARGE). */
static size_t kept_large_bytes(const struct wrt_arena *arena)
{
    size_t bytes = 0;

    for (const struct wrt_arena_chunk *kept = arena->cache[0]; kept != NULL; kept = kept->next)
        bytes += kept->bytes;
    return bytes;
}

/* For arenas: kept mappings of large blocks are nothing that the floor can stand on. */
static bool must_hold(const struct wrt_arena *arena, size_t bytes)
{
    return arena->is_holding ||
           arena->held_bytes - kept_large_bytes(arena) - bytes < arena->held_floor_bytes;
}

static bool may_cache(const struct wrt_arena *arena, size_t bytes)
{
    return arena->cache_count < arena->cache_limit &&
           arena->cache_bytes <= arena->cache_bytes_limit &&
           bytes <= arena->cache_bytes_limit - arena->cache_bytes;
}

bool wrt_arena_drop_chunk(struct wrt_arena *arena, struct wrt_arena_block *block)
{
    struct wrt_arena_chunk *chunk =
        (struct wrt_arena_chunk *)(void *)((uint8_t *)block - sizeof *chunk);
    bool is_odd = chunk->bytes / arena->arena_bytes > WRT_ARENA_MULTIPLES;
    bool must_stay = must_hold(arena, chunk->bytes);

    if (arena->is_static || (is_odd && must_stay))
        return false;
    unlink_chunk(arena, chunk);
    if (must_stay || (!is_odd && may_cache(arena, chunk->bytes)))
        put_cached(arena, chunk);
    else
        wrt_arena_give_pages(arena, chunk, chunk->bytes);
    return true;
}

/* ---- large mappings kept for later: cache[0], the newest first ---- */

enum { KEPT_LARGE = 4, LARGE_FIT = 8 }; /* one that is larger by up to an eighth fits */

static struct wrt_arena_chunk *unlink_kept(struct wrt_arena *arena, struct wrt_arena_chunk **link)
{
    struct wrt_arena_chunk *kept = *link;

    *link = kept->next;
    arena->cache_count--;
    arena->cache_bytes -= kept->bytes;
    return kept;
}

/* The link to the oldest one, if `most` are there; NULL: there are fewer. */
static struct wrt_arena_chunk **oldest_of(struct wrt_arena *arena, unsigned most)
{
    struct wrt_arena_chunk **link = &arena->cache[0];
    unsigned count = 1;

    if (*link == NULL)
        return NULL;
    for (; (*link)->next != NULL; count++)
        link = &(*link)->next;
    return count >= most ? link : NULL;
}

/* Unmapping is what scrubs a large block, and what closes a tagged one. */
static bool may_keep(const struct wrt_arena *arena, size_t bytes)
{
    return may_cache(arena, bytes) && bytes <= arena->arena_bytes * WRT_ARENA_MULTIPLES &&
           arena->parent == NULL && !is_tagged(arena) &&
           !has_check(arena, WRT_CHECK_ARENA_SCRUB);
}

struct wrt_arena_chunk *wrt_arena_take_kept(struct wrt_arena *arena, size_t size_bytes)
{
    for (struct wrt_arena_chunk **link = &arena->cache[0]; *link != NULL; link = &(*link)->next) {
        size_t bytes = (*link)->bytes;

        if (bytes < size_bytes || bytes - size_bytes > size_bytes / LARGE_FIT)
            continue;
        arena->cache_hits++;
        return unlink_kept(arena, link);
    }
    return NULL;
}

struct wrt_arena_chunk *wrt_arena_keep_large(struct wrt_arena *arena,
                                             struct wrt_arena_large *large)
{
    struct wrt_arena_chunk *chunk = (struct wrt_arena_chunk *)(void *)large;
    struct wrt_arena_chunk **oldest, *gone = NULL;
    size_t bytes = large->bytes;

    if (!may_keep(arena, bytes)) {
        chunk->bytes = bytes;
        return chunk;
    }
    oldest = oldest_of(arena, KEPT_LARGE);
    if (oldest != NULL)
        gone = unlink_kept(arena, oldest);
    chunk->bytes = bytes;
    chunk->next = arena->cache[0];
    arena->cache[0] = chunk;
    arena->cache_count++;
    arena->cache_bytes += bytes;
    return gone;
}

/* All may go, also from an arena set that holds: they are no arenas. */
static void trim_large(struct wrt_arena *arena, uint32_t blocks, size_t bytes)
{
    struct wrt_arena_chunk **oldest = oldest_of(arena, 1);

    while (oldest != NULL && (arena->cache_count > blocks || arena->cache_bytes > bytes)) {
        struct wrt_arena_chunk *gone = unlink_kept(arena, oldest);

        wrt_arena_give_pages(arena, gone, gone->bytes);
        oldest = oldest_of(arena, 1);
    }
}

void wrt_arena_trim_cache(struct wrt_arena *arena, uint32_t blocks, size_t bytes)
{
    trim_large(arena, blocks, bytes);
    for (size_t multiple = WRT_ARENA_MULTIPLES; multiple >= 1; multiple--) {
        while (arena->cache[multiple] != NULL &&
               (arena->cache_count > blocks || arena->cache_bytes > bytes)) {
            struct wrt_arena_chunk *chunk = arena->cache[multiple];

            if (must_hold(arena, chunk->bytes))
                break; /* smaller ones may still go */
            (void)take_cached(arena, multiple);
            wrt_arena_give_pages(arena, chunk, chunk->bytes);
        }
    }
}

/* What is never given back must serve the same request again, so its block begins a class: the
 * search passes by a class that may hold smaller ones, and each time would take another arena. */
static uint32_t lasting_units(const struct wrt_arena *arena, uint32_t units)
{
    uint32_t start = units;

    if (arena->is_holding)
        (void)class_above(units, &start);
    return start;
}

enum wrt_status wrt_arena_grow(struct wrt_arena *arena, uint32_t units, struct wrt_error *error)
{
    size_t need = (size_t)lasting_units(arena, units) * UNIT_BYTES + CHUNK_OVERHEAD;
    size_t multiple = (need + arena->arena_bytes - 1) / arena->arena_bytes;
    size_t bytes = multiple * arena->arena_bytes;
    void *chunk = NULL;

    if (multiple <= WRT_ARENA_MULTIPLES)
        chunk = take_cached(arena, multiple);
    if (chunk != NULL) {
        arena->cache_hits++;
    } else {
        enum wrt_status status = wrt_arena_take_pages(arena, bytes, &chunk, error);
        if (status != WRT_OK)
            return status;
    }
    (void)wrt_arena_add_chunk(arena, chunk, bytes);
    return WRT_OK;
}

static void make_resident(struct wrt_arena *arena, void *pages, size_t size_bytes)
{
    if (arena->is_locking && arena->parent == NULL &&
        wrt_port_prefault(pages, size_bytes, true) == WRT_OK)
        arena->locked_bytes += size_bytes;
}

enum wrt_status wrt_arena_preallocate(struct wrt_arena *arena, size_t size_bytes,
                                      struct wrt_error *error)
{
    size_t count = size_bytes / arena->arena_bytes + (size_bytes % arena->arena_bytes != 0);

    for (size_t i = 0; i < count; i++) {
        struct wrt_arena_chunk *chunk;
        enum wrt_status status;
        void *pages;

        status = wrt_arena_take_pages(arena, arena->arena_bytes, &pages, error);
        if (status != WRT_OK)
            return status;
        make_resident(arena, pages, arena->arena_bytes);
        chunk = pages;
        chunk->bytes = arena->arena_bytes;
        put_cached(arena, chunk);
        arena->held_floor_bytes += arena->arena_bytes;
    }
    return WRT_OK;
}

enum wrt_status wrt_arena_move_floor(struct wrt_arena *arena, size_t size_bytes,
                                     struct wrt_error *error)
{
    size_t count = size_bytes / arena->arena_bytes + (size_bytes % arena->arena_bytes != 0);
    size_t floor = count * arena->arena_bytes, before = arena->held_floor_bytes;
    enum wrt_status status = WRT_OK;

    if (floor > before)
        status = wrt_arena_preallocate(arena, floor - before, error);
    if (status == WRT_OK && floor >= before)
        return WRT_OK;
    arena->held_floor_bytes = status == WRT_OK ? floor : before;
    wrt_arena_trim_cache(arena, arena->cache_limit, arena->cache_bytes_limit);
    return status;
}
