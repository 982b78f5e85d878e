/* src/arena/inspect.c - figures, the walk for debuggers, and the check of everything.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "arena/block.h"
#include "arena/lists.h"
#include "arena/tagging.h"
#include "base/error.h"
#include "port.h"

static struct wrt_port_mutex *lock_of(const struct wrt_arena *arena)
{
    return (struct wrt_port_mutex *)(uintptr_t)arena->lock_words;
}

static void lock(const struct wrt_arena *arena)
{
    if (arena->is_shared)
        (void)!wrt_port_mutex_lock(lock_of(arena));
    override_tags(arena, true);
}

static void unlock(const struct wrt_arena *arena)
{
    override_tags(arena, false);
    if (arena->is_shared)
        wrt_port_mutex_unlock(lock_of(arena));
}

void wrt_arena_get_info(const struct wrt_arena *arena, struct wrt_arena_info *out)
{
    lock(arena);
    *out = (struct wrt_arena_info){
        .used_bytes = arena->used_bytes,
        .high_water_bytes = arena->high_water_bytes,
        .held_bytes = arena->held_bytes,
        .locked_bytes = arena->locked_bytes,
        .arenas = arena->chunk_count,
        .cached_arenas = arena->cache_count,
        .cached_bytes = arena->cache_bytes,
        .quick_blocks = arena->quick_count,
        .quarantined_blocks = arena->quarantine_count,
        .allocations = arena->allocations,
        .quick_hits = arena->quick_hits,
        .cache_hits = arena->cache_hits,
        .arenas_mapped = arena->arenas_mapped,
        .arenas_returned = arena->arenas_returned,
        .damages = arena->damages,
        .is_tagged = arena->is_tagged,
    };
    memcpy(out->live, arena->live, sizeof out->live);
    memcpy(out->live_peak, arena->live_peak, sizeof out->live_peak);
    unlock(arena);
}

static struct wrt_arena_piece with_tag(const struct wrt_arena *arena,
                                       struct wrt_arena_piece piece)
{
    if (is_tagged(arena)) {
        piece.address = wrt_tag_load(piece.address);
        piece.memory_tag = (uint8_t)wrt_pointer_tag(piece.address);
    }
    return piece;
}

static struct wrt_arena_piece describe(const struct wrt_arena *arena,
                                       const struct wrt_arena_block *block)
{
    struct wrt_arena_piece piece = {.address = payload_of(block),
                                    .size_bytes = payload_bytes(block)};

    if (state_of(block) == BLOCK_LIVE) {
        piece.kind = WRT_PIECE_LIVE;
        piece.size_bytes = asked_bytes(block);
    } else {
        piece.kind = state_of(block) == BLOCK_FREE ? WRT_PIECE_FREE : WRT_PIECE_QUICK;
    }
    return with_tag(arena, piece);
}

static bool walk_chunk(const struct wrt_arena *arena, const struct wrt_arena_chunk *chunk,
                       bool (*visit)(void *, const struct wrt_arena_piece *), void *context)
{
    const struct wrt_arena_block *block = first_block(chunk);

    for (; state_of(block) != BLOCK_END; block = block_after(block)) {
        struct wrt_arena_piece piece = describe(arena, block);
        if (!visit(context, &piece))
            return false;
    }
    return true;
}

static bool walk_large(const struct wrt_arena *arena,
                       bool (*visit)(void *, const struct wrt_arena_piece *), void *context)
{
    for (const struct wrt_arena_large *l = arena->large; l != NULL; l = l->next) {
        struct wrt_arena_piece piece = {
            .address = l, .size_bytes = l->asked_bytes, .kind = WRT_PIECE_LARGE};
        if (!visit(context, &piece))
            return false;
    }
    return true;
}

void wrt_arena_walk(const struct wrt_arena *arena,
                    bool (*visit)(void *context, const struct wrt_arena_piece *piece),
                    void *context)
{
    const struct wrt_arena_chunk *chunk;

    lock(arena);
    for (chunk = arena->chunks; chunk != NULL; chunk = chunk->next)
        if (!walk_chunk(arena, chunk, visit, context))
            break;
    if (chunk == NULL)
        (void)walk_large(arena, visit, context);
    unlock(arena);
}

/* ---- whose is an address? ---- */

/* Stops at a header that is not one: the arena may be damaged. */
static bool find_in_chunk(const struct wrt_arena *arena, const struct wrt_arena_chunk *chunk,
                          const void *address, struct wrt_arena_piece *out)
{
    const struct wrt_arena_block *block = first_block(chunk);

    while (is_signed(arena, block) && state_of(block) != BLOCK_END) {
        if ((uintptr_t)address < (uintptr_t)block_after(block)) {
            *out = describe(arena, block);
            return true;
        }
        block = block_after(block);
    }
    return false;
}

static bool is_in(const void *start, size_t bytes, const void *address)
{
    return (uintptr_t)address - (uintptr_t)start < bytes;
}

static bool find(const struct wrt_arena *arena, const void *address, struct wrt_arena_piece *out)
{
    for (const struct wrt_arena_chunk *c = arena->chunks; c != NULL; c = c->next)
        if (is_in(c, c->bytes, address))
            return find_in_chunk(arena, c, address, out);
    for (const struct wrt_arena_large *l = arena->large; l != NULL; l = l->next)
        if (is_in(l, l->bytes, address)) {
            *out = (struct wrt_arena_piece){
                .address = l, .size_bytes = l->asked_bytes, .kind = WRT_PIECE_LARGE};
            return true;
        }
    return false;
}

bool wrt_arena_find(const struct wrt_arena *arena, const void *address,
                    struct wrt_arena_piece *out)
{
    bool is_found;

    lock(arena);
    is_found = find(arena, plain(arena, address), out);
    unlock(arena);
    return is_found;
}

/* ---- the check of everything ---- */

struct sums {
    size_t used_bytes, held_bytes;
    uint32_t quick, quarantined, chunks;
};

static const char *fault_of(const struct wrt_arena *arena, const struct wrt_arena_chunk *chunk,
                            const struct wrt_arena_block *block)
{
    const uint8_t *end = (const uint8_t *)chunk + chunk->bytes - HEADER_BYTES;

    if (!is_signed(arena, block))
        return "header overwritten";
    if (units_of(block) < MINIMUM_UNITS || (const uint8_t *)block_after(block) > end)
        return "size leads out of its arena";
    if (!is_signed(arena, block_after(block)) ||
        previous_units_of(block_after(block)) != units_of(block))
        return "the next header was overwritten";
    switch (state_of(block)) {
    case BLOCK_LIVE:
        if (slack_of(block) > payload_bytes(block))
            return "slack is larger than the block";
        if (has_check(arena, WRT_CHECK_ARENA_CANARY) && !is_marked(arena, block))
            return "written past its end";
        return NULL;
    case BLOCK_FREE:
        if (state_of(block_after(block)) == BLOCK_FREE)
            return "two free blocks are neighbours";
        return list_is_sound(arena, block) ? NULL : "free list links overwritten";
    case BLOCK_QUICK:
    case BLOCK_HELD:
        return NULL;
    default:
        return "no such state";
    }
}

static enum wrt_status check_chunk(const struct wrt_arena *arena,
                                   const struct wrt_arena_chunk *chunk, struct sums *sums,
                                   struct wrt_error *error)
{
    const struct wrt_arena_block *block = first_block(chunk);

    sums->chunks++;
    sums->held_bytes += chunk->bytes;
    while (state_of(block) != BLOCK_END) {
        const char *fault = fault_of(arena, chunk, block);

        if (fault != NULL)
            return wrt_fail(error, WRT_ERR_CORRUPT, "arena block %p: %s",
                            (const void *)payload_of(block), fault);
        if (state_of(block) == BLOCK_LIVE)
            sums->used_bytes += asked_bytes(block);
        sums->quick += state_of(block) == BLOCK_QUICK;
        sums->quarantined += state_of(block) == BLOCK_HELD;
        block = block_after(block);
    }
    return WRT_OK;
}

static enum wrt_status check_pieces(const struct wrt_arena *arena, struct sums *sums,
                                    struct wrt_error *error)
{
    for (const struct wrt_arena_chunk *c = arena->chunks; c != NULL; c = c->next) {
        enum wrt_status status = check_chunk(arena, c, sums, error);
        if (status != WRT_OK)
            return status;
    }
    for (const struct wrt_arena_large *l = arena->large; l != NULL; l = l->next) {
        sums->used_bytes += l->asked_bytes;
        sums->held_bytes += l->bytes;
    }
    sums->held_bytes += arena->cache_bytes;
    return WRT_OK;
}

enum wrt_status wrt_arena_check(const struct wrt_arena *arena, struct wrt_error *error)
{
    struct sums sums = {0};
    enum wrt_status status;

    lock(arena);
    status = check_pieces(arena, &sums, error);
    if (status == WRT_OK &&
        (sums.used_bytes != arena->used_bytes || sums.held_bytes != arena->held_bytes ||
         sums.quick != arena->quick_count || sums.chunks != arena->chunk_count ||
         sums.quarantined < arena->quarantine_count))
        status = wrt_fail(error, WRT_ERR_CORRUPT, "arena: sums do not match its pieces");
    unlock(arena);
    return status;
}
