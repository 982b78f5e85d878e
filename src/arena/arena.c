/* src/arena/arena.c - allocate, free and resize; the lock and the checks around them.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Freed blocks go: scrubbed and 64 frees long into quarantine (check "scrub"), else into the
 * quick list of their class while its limits allow, else merged with their neighbours into
 * a list. Only blocks of whole class sizes stand in quick lists, so any of them fits.
 */
#include "wrt/arena.h"

#include "arena/account.h"
#include "arena/block.h"
#include "arena/chunk.h"
#include "arena/lists.h"
#include "arena/tagging.h"
#include "base/checked.h"
#include "base/error.h"

enum {
    MAXIMUM_ALIGNMENT = 4096,
    EVICTIONS_PER_GROWTH = 2,
    QUARANTINE_BLOCKS = 64,
    SCRUB_BYTE = 0xDD,
    OVERALLOCATE_ARENAS = 4,
    QUICK_CLASSES = WRT_ARENA_QUICK_LEVELS * WRT_ARENA_SECOND_LEVELS
};

/* ---- counting ---- */

static inline unsigned class_index(const struct wrt_arena_block *block)
{
    if (state_of(block) == BLOCK_LARGE)
        return WRT_ARENA_CLASSES - 1;
    return class_of(units_of(block)) / WRT_ARENA_SECOND_LEVELS;
}

static inline void count_in(struct wrt_arena *arena, unsigned class, size_t size_bytes)
{
    uint32_t live = ++arena->live[class];

    if (live > arena->live_peak[class])
        arena->live_peak[class] = live;
    arena->allocations++;
    arena->used_bytes += size_bytes;
    if (arena->used_bytes > arena->high_water_bytes)
        arena->high_water_bytes = arena->used_bytes;
}

static enum wrt_status damaged(struct wrt_arena *arena, struct wrt_error *error,
                               const void *block, const char *what)
{
    arena->damages++;
    return wrt_fail(error, WRT_ERR_CORRUPT, "arena block %p: %s", block, what);
}

/* ---- merging and cutting ---- */

/* May this free neighbour be taken out of its list? One whose header or links were
 * overwritten is left alone for good. */
static bool is_takable(struct wrt_arena *arena, const struct wrt_arena_block *neighbour)
{
    if (state_of(neighbour) != BLOCK_FREE)
        return false;
    if (!has_check(arena, WRT_CHECK_ARENA_LINKS) || list_is_sound(arena, neighbour))
        return true;
    arena->damages++;
    return false;
}

/* Merges `block` (in no list) with its free neighbours; lists it or drops its chunk. */
static void merge(struct wrt_arena *arena, struct wrt_arena_block *block)
{
    struct wrt_arena_block *after = block_after(block);
    uint32_t units = units_of(block);
    uint32_t previous = previous_units_of(block);

    if (is_takable(arena, after)) {
        list_remove(arena, after);
        units += units_of(after);
    }
    set_use(arena, block, 0, BLOCK_FREE); /* for a second free, if it is merged away */
    if (previous != 0 && is_takable(arena, block_before(block))) {
        block = block_before(block);
        list_remove(arena, block);
        units += units_of(block);
        previous = previous_units_of(block);
    }
    set_word(arena, block, units, previous, 0, BLOCK_FREE);
    after = block_after(block);
    set_previous(arena, after, units);
    if (previous != 0 || state_of(after) != BLOCK_END || !wrt_arena_drop_chunk(arena, block))
        list_add(arena, block);
}

/* Cuts `block` (in no list) down to `units` and lists the rest, if that makes a block. The
 * block behind the rest is not free. */
static void split(struct wrt_arena *arena, struct wrt_arena_block *block, uint32_t units)
{
    uint32_t rest = units_of(block) - units;
    struct wrt_arena_block *tail;

    if (rest < MINIMUM_UNITS)
        return;
    tail = block_at(block, (size_t)units * UNIT_BYTES);
    set_previous(arena, block_after(block), rest);
    set_word(arena, block, units, previous_units_of(block), 0, BLOCK_NONE);
    set_word(arena, tail, rest, units, 0, BLOCK_FREE);
    list_add(arena, tail);
}

/* Moves the start of `block` (in no list) up so that its payload is aligned; the part in
 * front is listed. The block was found large enough for that. */
static struct wrt_arena_block *align_block(struct wrt_arena *arena,
                                           struct wrt_arena_block *block, size_t alignment)
{
    size_t gap = (size_t)(-(uintptr_t)payload_of(block)) & (alignment - 1);
    struct wrt_arena_block *aligned;
    uint32_t front, rest;

    if (gap == 0)
        return block;
    if (gap < MINIMUM_UNITS * UNIT_BYTES)
        gap += alignment;
    front = (uint32_t)(gap / UNIT_BYTES);
    rest = units_of(block) - front;
    aligned = block_at(block, gap);
    set_previous(arena, block_after(block), rest);
    set_word(arena, aligned, rest, front, 0, BLOCK_NONE);
    set_word(arena, block, front, previous_units_of(block), 0, BLOCK_FREE);
    list_add(arena, block);
    return aligned;
}

/* Merges up to `most` quick blocks, the largest first. */
static void evict(struct wrt_arena *arena, uint32_t most)
{
    for (unsigned first = WRT_ARENA_QUICK_LEVELS; first-- > 0;) {
        while (arena->quick_bits[first] != 0) {
            if (most-- == 0)
                return;
            merge(arena, quick_pop(arena, first * 16 + log2_of(arena->quick_bits[first])));
        }
    }
}

/* ---- quarantine ---- */

static void scrub(struct wrt_arena_block *block)
{
    uint8_t *from = (uint8_t *)block + sizeof *block;

    memset(from, SCRUB_BYTE, (size_t)units_of(block) * UNIT_BYTES - sizeof *block);
}

static bool is_scrubbed(const struct wrt_arena_block *block)
{
    const uint8_t *byte = (const uint8_t *)block + sizeof *block;
    const uint8_t *end = (const uint8_t *)block + (size_t)units_of(block) * UNIT_BYTES;

    while (byte < end)
        if (*byte++ != SCRUB_BYTE)
            return false;
    return true;
}

/* The queue's links stand in freed memory, so each is stored twice, once under the secret:
 * a write to them is found before they are followed. */
static struct wrt_arena_block *seal_of(const struct wrt_arena *arena,
                                       const struct wrt_arena_block *block)
{
    uintptr_t seal = (uintptr_t)block->next ^ (uintptr_t)block ^ (uintptr_t)arena->secret;

    return (struct wrt_arena_block *)seal;
}

static void link_held(struct wrt_arena *arena, struct wrt_arena_block *block,
                      struct wrt_arena_block *next)
{
    block->next = next;
    block->previous = seal_of(arena, block);
}

/* The oldest block leaves; one that was written to meanwhile is never used again. A broken
 * link loses the rest of the queue: unreachable blocks are safe, followed ones are not. */
static void release_oldest(struct wrt_arena *arena)
{
    struct wrt_arena_block *block = arena->quarantine_oldest;
    bool is_linked = is_signed(arena, block) && block->previous == seal_of(arena, block);

    if (!is_linked) {
        arena->damages++;
        arena->quarantine_oldest = arena->quarantine_newest = NULL;
        arena->quarantine_count = 0;
        return;
    }
    arena->quarantine_oldest = block->next;
    if (block->next == NULL)
        arena->quarantine_newest = NULL;
    arena->quarantine_count--;
    if (is_scrubbed(block))
        merge(arena, block);
    else
        arena->damages++;
}

static void quarantine(struct wrt_arena *arena, struct wrt_arena_block *block)
{
    scrub(block);
    set_use(arena, block, 0, BLOCK_HELD);
    link_held(arena, block, NULL);
    if (arena->quarantine_newest != NULL)
        link_held(arena, arena->quarantine_newest, block);
    else
        arena->quarantine_oldest = block;
    arena->quarantine_newest = block;
    if (++arena->quarantine_count > QUARANTINE_BLOCKS)
        release_oldest(arena);
}

/* ---- large blocks ---- */

static enum wrt_status allocate_large(struct wrt_arena *arena, size_t size_bytes,
                                      size_t capacity_bytes, size_t alignment, void **out,
                                      struct wrt_error *error)
{
    size_t lead = (sizeof(struct wrt_arena_large) + HEADER_BYTES + alignment - 1) &
                  ~(alignment - 1);
    struct wrt_arena_chunk *kept;
    struct wrt_arena_large *large;
    struct wrt_arena_block *block;
    enum wrt_status status;
    size_t bytes;
    void *pages;

    if (!wrt_add_size(capacity_bytes, lead + CANARY_BYTES, &bytes) ||
        !wrt_align_size(bytes, wrt_port_page_bytes(), &bytes) || bytes > PTRDIFF_MAX)
        return wrt_fail(error, WRT_ERR_NO_MEMORY, "%zu bytes do not fit the address space",
                        size_bytes);
    kept = wrt_arena_take_kept(arena, bytes);
    if (kept != NULL) {
        bytes = kept->bytes;
        pages = kept;
    } else {
        status = wrt_arena_take_pages(arena, bytes, &pages, error);
        if (status != WRT_OK)
            return status;
    }
    large = pages;
    *large = (struct wrt_arena_large){.next = arena->large, .bytes = bytes,
                                      .ticket = large->ticket, .asked_bytes = size_bytes};
    if (large->next != NULL)
        large->next->previous = large;
    arena->large = large;
    block = block_at(pages, lead - HEADER_BYTES);
    set_word(arena, block, 0, (uint32_t)(lead / UNIT_BYTES), 0, BLOCK_LARGE);
    count_in(arena, WRT_ARENA_CLASSES - 1, size_bytes);
    *out = tag_large(arena, payload_of(block), size_bytes);
    return WRT_OK;
}

static void free_large(struct wrt_arena *arena, struct wrt_arena_block *block)
{
    struct wrt_arena_large *large = large_of(block);
    struct wrt_arena_chunk *gone;

    if (large->next != NULL)
        large->next->previous = large->previous;
    if (large->previous != NULL)
        large->previous->next = large->next;
    else
        arena->large = large->next;
    gone = wrt_arena_keep_large(arena, large);
    if ((void *)gone != (void *)large)
        set_use(arena, block, 0, BLOCK_HELD); /* for a second free */
    if (gone != NULL)
        wrt_arena_give_pages(arena, gone, gone->bytes);
}

static size_t large_capacity(const struct wrt_arena_block *block)
{
    const struct wrt_arena_large *large = large_of(block);

    return large->bytes - CANARY_BYTES -
           (size_t)(payload_of(block) - (const uint8_t *)large);
}

/* ---- blocks ---- */

/* Header and payload in units; what a canary takes is in arena->extra_bytes. */
static inline uint32_t raw_units(const struct wrt_arena *arena, size_t size_bytes)
{
    uint32_t units = (uint32_t)((size_bytes + arena->extra_bytes) / UNIT_BYTES);

    return units < MINIMUM_UNITS ? MINIMUM_UNITS : units;
}

/* The same in whole classes where quick lists may hold the block. */
static inline uint32_t units_for(const struct wrt_arena *arena, size_t size_bytes)
{
    uint32_t units = raw_units(arena, size_bytes);

    if (arena->quick_limit != 0 && units < QUICK_UNITS_LIMIT)
        (void)class_above(units, &units);
    return units;
}

/* A quick block of a larger class, or NULL: it is cut like one of a list. */
static struct wrt_arena_block *take_larger_quick(struct wrt_arena *arena, uint32_t units)
{
    uint32_t rounded;
    unsigned class = class_above(units, &rounded);
    struct wrt_arena_block *block;

    for (unsigned first = class / 16; first < WRT_ARENA_QUICK_LEVELS; first++) {
        uint32_t bits = arena->quick_bits[first];

        if (first == class / 16)
            bits &= ~0u << class % 16;
        if (bits == 0)
            continue;
        block = arena->quick[first * 16 + (unsigned)__builtin_ctz(bits)];
        if (has_check(arena, WRT_CHECK_ARENA_LINKS) && !is_signed(arena, block))
            return NULL; /* damaged: the allocation of its own size will say so */
        return quick_pop(arena, first * 16 + (unsigned)__builtin_ctz(bits));
    }
    return NULL;
}

/* The rest of a quick block may have a free neighbour behind it. */
static void split_and_merge(struct wrt_arena *arena, struct wrt_arena_block *block,
                            uint32_t units)
{
    uint32_t rest = units_of(block) - units;
    struct wrt_arena_block *tail;

    if (rest < MINIMUM_UNITS)
        return;
    tail = block_at(block, (size_t)units * UNIT_BYTES);
    set_previous(arena, block_after(block), rest);
    set_word(arena, block, units, previous_units_of(block), 0, BLOCK_NONE);
    set_word(arena, tail, rest, units, 0, BLOCK_NONE);
    merge(arena, tail);
}

/* Finds room for `units` in the lists; makes room from quick blocks, then by growing. */
static enum wrt_status find_room(struct wrt_arena *arena, uint32_t units,
                                 struct wrt_arena_block **out, struct wrt_error *error)
{
    struct wrt_arena_block *block = list_find(arena, units);

    if (block == NULL && arena->quick_count != 0) {
        evict(arena, EVICTIONS_PER_GROWTH);
        block = list_find(arena, units);
    }
    if (block == NULL) {
        enum wrt_status status = wrt_arena_grow(arena, units, error);
        if (status != WRT_OK)
            return status;
        *out = first_block(arena->chunks);
        return WRT_OK;
    }
    if (has_check(arena, WRT_CHECK_ARENA_LINKS) && !list_is_sound(arena, block))
        return damaged(arena, error, block, "a free block's header or links were overwritten");
    list_remove(arena, block);
    *out = block;
    return WRT_OK;
}

static enum wrt_status carve(struct wrt_arena *arena, uint32_t units, size_t alignment,
                             struct wrt_arena_block **out, struct wrt_error *error)
{
    uint32_t search = units;
    enum wrt_status status;

    if (alignment > UNIT_BYTES)
        search += (uint32_t)(alignment / UNIT_BYTES) + MINIMUM_UNITS;
    if (alignment <= UNIT_BYTES && list_find(arena, units) == NULL) {
        *out = take_larger_quick(arena, units);
        if (*out != NULL) {
            split_and_merge(arena, *out, units);
            return WRT_OK;
        }
    }
    status = find_room(arena, search, out, error);
    if (status != WRT_OK)
        return status;
    if (alignment > UNIT_BYTES)
        *out = align_block(arena, *out, alignment);
    split(arena, *out, units);
    return WRT_OK;
}

/* Turns a block in no list into a live one of that size. */
static inline void make_live(struct wrt_arena *arena, struct wrt_arena_block *block,
                             size_t size_bytes)
{
    uint32_t slack = (uint32_t)(payload_bytes(block) - size_bytes);

    set_use(arena, block, slack, BLOCK_LIVE);
    if (has_check(arena, WRT_CHECK_ARENA_CANARY))
        mark_new(arena, block);
}

/* The block's end as the level wants it, whether it is large or not. */
static bool has_sound_end(const struct wrt_arena *arena, const struct wrt_arena_block *block)
{
    if (!has_check(arena, WRT_CHECK_ARENA_CANARY))
        return true;
    if (state_of(block) == BLOCK_LARGE)
        return has_canary(arena, payload_of(block) + asked_bytes(block));
    return is_marked(arena, block);
}

static bool is_sound(const struct wrt_arena *arena, const struct wrt_arena_block *block)
{
    if (!is_signed(arena, block))
        return false;
    return state_of(block) != BLOCK_LIVE || has_sound_end(arena, block);
}

static bool has_sound_neighbours(const struct wrt_arena *arena,
                                 const struct wrt_arena_block *block)
{
    if (state_of(block) == BLOCK_LARGE)
        return true;
    return is_sound(arena, block_after(block)) &&
           (previous_units_of(block) == 0 || is_sound(arena, block_before(block)));
}

static __attribute__((noinline)) enum wrt_status
allocate_slow(struct wrt_arena *arena, size_t size_bytes, size_t alignment, void **out,
              struct wrt_error *error)
{
    struct wrt_arena_block *block = NULL;
    enum wrt_status status =
        carve(arena, units_for(arena, size_bytes), alignment, &block, error);

    if (status != WRT_OK)
        return status;
    if (has_check(arena, WRT_CHECK_ARENA_NEIGHBOURS) && !has_sound_neighbours(arena, block))
        return damaged(arena, error, block, "a neighbour was overwritten");
    make_live(arena, block, size_bytes);
    count_in(arena, class_index(block), size_bytes);
    *out = is_tagged(arena) ? tag_new(block) : payload_of(block);
    return WRT_OK;
}

static bool is_sound_quick(const struct wrt_arena *arena, const struct wrt_arena_block *block)
{
    if (has_check(arena, WRT_CHECK_ARENA_LINKS) &&
        !(is_signed(arena, block) && state_of(block) == BLOCK_QUICK))
        return false;
    return !has_check(arena, WRT_CHECK_ARENA_NEIGHBOURS) || has_sound_neighbours(arena, block);
}

/* The common case in few instructions: a block of the class was freed before. */
static inline enum wrt_status allocate_block(struct wrt_arena *arena, size_t size_bytes,
                                             size_t alignment, void **out,
                                             struct wrt_error *error)
{
    struct wrt_arena_block *block;
    uint32_t units;
    unsigned class = class_above(raw_units(arena, size_bytes), &units);

    if (alignment > UNIT_BYTES || class >= QUICK_CLASSES)
        return allocate_slow(arena, size_bytes, alignment, out, error);
    block = arena->quick[class];
    if (block == NULL)
        return allocate_slow(arena, size_bytes, alignment, out, error);
    if (!is_sound_quick(arena, block))
        return damaged(arena, error, block, "it or a neighbour was overwritten after a free");
    (void)quick_pop(arena, class);
    make_live(arena, block, size_bytes);
    arena->quick_hits++;
    count_in(arena, class / WRT_ARENA_SECOND_LEVELS, size_bytes);
    /* its memory has had one tag since it was freed */
    *out = is_tagged(arena) ? wrt_tag_load(payload_of(block)) : payload_of(block);
    return WRT_OK;
}

static inline void free_block(struct wrt_arena *arena, struct wrt_arena_block *block)
{
    uint32_t rounded;
    unsigned class = class_above(units_of(block), &rounded);

    tag_freed(arena, block);
    if (has_check(arena, WRT_CHECK_ARENA_SCRUB))
        quarantine(arena, block);
    else if (arena->quick_count < arena->quick_limit && class < QUICK_CLASSES &&
             arena->quick_bytes < arena->quick_bytes_limit && units_of(block) == rounded)
        quick_push(arena, block, class);
    else
        merge(arena, block);
}

/* ---- the checks around the calls ---- */

static bool is_within_chunks(const struct wrt_arena *arena, const void *payload)
{
    uintptr_t at = (uintptr_t)payload;

    for (const struct wrt_arena_chunk *c = arena->chunks; c != NULL; c = c->next)
        if (at >= (uintptr_t)c && at < (uintptr_t)c + c->bytes)
            return true;
    for (const struct wrt_arena_large *l = arena->large; l != NULL; l = l->next)
        if (at >= (uintptr_t)l && at < (uintptr_t)l + l->bytes)
            return true;
    return false;
}

/* Is there a live block's header in front of `payload`, and are it and what the level asks
 * for as they were? The walk over the arenas happens on error only. */
static inline enum wrt_status examine(const struct wrt_arena *arena, const void *given)
{
    const void *payload = plain(arena, given);
    const struct wrt_arena_block *block = block_of(payload);
    enum block_state state;

    if (!has_check(arena, WRT_CHECK_ARENA_HEADER))
        return WRT_OK;
    if ((uintptr_t)payload % UNIT_BYTES != 0)
        return WRT_ERR_ARGUMENT;
    if (!is_signed(arena, block))
        return is_within_chunks(arena, payload) ? WRT_ERR_CORRUPT : WRT_ERR_ARGUMENT;
    state = state_of(block);
    if (state != BLOCK_LIVE && state != BLOCK_LARGE)
        return WRT_ERR_STATE;
    if (is_tagged(arena) && wrt_tag_load(payload) != given)
        return WRT_ERR_STATE; /* freed, and another's now */
    if (!has_sound_end(arena, block))
        return WRT_ERR_CORRUPT;
    if (has_check(arena, WRT_CHECK_ARENA_NEIGHBOURS) && !has_sound_neighbours(arena, block))
        return WRT_ERR_CORRUPT;
    return WRT_OK;
}

/* ---- the calls, under the lock if there is one ---- */

static inline enum wrt_status free_locked(struct wrt_arena *arena, void *payload)
{
    struct wrt_arena_block *block = block_of(plain(arena, payload));
    enum wrt_status status = examine(arena, payload);

    if (status != WRT_OK) {
        arena->damages++;
        return status;
    }
    arena->live[class_index(block)]--;
    arena->used_bytes -= asked_bytes(block);
    if (state_of(block) == BLOCK_LARGE)
        free_large(arena, block);
    else
        free_block(arena, block);
    return WRT_OK;
}

static void drain_quarantine(struct wrt_arena *arena)
{
    while (arena->quarantine_count != 0)
        release_oldest(arena);
}

static bool is_refusal(enum wrt_status status)
{
    return status == WRT_ERR_PARTITION_MAX || status == WRT_ERR_NO_MEMORY ||
           status == WRT_ERR_NO_SPACE;
}

/* Gives up what is only kept for later; false if there was nothing. */
static bool give_up_kept(struct wrt_arena *arena)
{
    uint32_t kept = arena->quick_count + arena->cache_count + arena->quarantine_count;

    evict(arena, UINT32_MAX);
    drain_quarantine(arena);
    wrt_arena_trim_cache(arena, 0, 0);
    return kept != 0;
}

static inline enum wrt_status try_allocate(struct wrt_arena *arena, size_t size_bytes,
                                    size_t alignment, void **out, struct wrt_error *error)
{
    enum wrt_status status;

    if (size_bytes <= arena->large_bytes)
        return allocate_block(arena, size_bytes, alignment, out, error);
    status = allocate_large(arena, size_bytes, size_bytes, alignment, out, error);
    if (status == WRT_OK && has_check(arena, WRT_CHECK_ARENA_CANARY))
        set_canary(arena, (uint8_t *)plain(arena, *out) + size_bytes);
    return status;
}

static inline enum wrt_status allocate_locked(struct wrt_arena *arena, size_t size_bytes,
                                       size_t alignment, void **out, struct wrt_error *error)
{
    enum wrt_status status = try_allocate(arena, size_bytes, alignment, out, error);

    if (is_refusal(status) && give_up_kept(arena))
        status = try_allocate(arena, size_bytes, alignment, out, error);
    return status;
}

/* Counts the new size of a block that stays where it is, and marks its end. */
static void resized(struct wrt_arena *arena, struct wrt_arena_block *block, unsigned class,
                    size_t old_bytes, size_t size_bytes)
{
    arena->live[class]--;
    arena->allocations--; /* a resize is none */
    arena->used_bytes -= old_bytes;
    count_in(arena, class_index(block), size_bytes);
    if (!has_check(arena, WRT_CHECK_ARENA_CANARY))
        return;
    if (state_of(block) == BLOCK_LARGE)
        set_canary(arena, payload_of(block) + size_bytes);
    else
        mark_rest(arena, block);
}

static bool resize_large_in_place(struct wrt_arena *arena, struct wrt_arena_block *block,
                                  size_t size_bytes)
{
    struct wrt_arena_large *large = large_of(block);
    size_t old_bytes = large->asked_bytes;

    if (size_bytes > large_capacity(block) || size_bytes <= arena->large_bytes)
        return false;
    large->asked_bytes = size_bytes;
    tag_large_resized(arena, payload_of(block), old_bytes, size_bytes);
    resized(arena, block, WRT_ARENA_CLASSES - 1, old_bytes, size_bytes);
    return true;
}

/* Takes the free neighbour behind and cuts off what is not needed of both. */
static bool resize_in_place(struct wrt_arena *arena, struct wrt_arena_block *block,
                            size_t size_bytes)
{
    uint32_t units, room = units_of(block);
    struct wrt_arena_block *after = block_after(block);
    size_t old_bytes = asked_bytes(block);
    unsigned class = class_index(block);
    uint32_t old_units = room;
    bool is_joined;

    if (size_bytes > arena->large_bytes)
        return false;
    units = units_for(arena, size_bytes);
    is_joined = is_takable(arena, after); /* also to shrink: the rest must not be its neighbour */
    if (is_joined)
        room += units_of(after);
    if (room < units || !may_touch(arena, block, block_at(block, (size_t)room * UNIT_BYTES)))
        return false;
    if (is_joined) {
        list_remove(arena, after);
        set_previous(arena, block_at(block, (size_t)room * UNIT_BYTES), room);
    }
    set_word(arena, block, room, previous_units_of(block), 0, BLOCK_NONE);
    split(arena, block, units);
    set_use(arena, block, (uint32_t)(payload_bytes(block) - size_bytes), BLOCK_LIVE);
    tag_resized(arena, block, old_units);
    resized(arena, block, class, old_bytes, size_bytes);
    return true;
}

static enum wrt_status move(struct wrt_arena *arena, void *old, size_t size_bytes, void **out,
                            struct wrt_error *error)
{
    size_t old_bytes = asked_bytes(block_of(plain(arena, old)));
    size_t capacity = size_bytes;
    enum wrt_status status;

    if (!arena->is_monotonic && size_bytes > old_bytes && size_bytes > arena->large_bytes &&
        size_bytes > OVERALLOCATE_ARENAS * arena->arena_bytes && size_bytes < SIZE_MAX / 2)
        capacity += size_bytes / 2;
    if (capacity != size_bytes &&
        allocate_large(arena, size_bytes, capacity, UNIT_BYTES, out, NULL) == WRT_OK) {
        if (has_check(arena, WRT_CHECK_ARENA_CANARY))
            set_canary(arena, (uint8_t *)plain(arena, *out) + size_bytes);
    } else {
        status = allocate_locked(arena, size_bytes, UNIT_BYTES, out, error);
        if (status != WRT_OK)
            return status;
    }
    memcpy(*out, old, old_bytes < size_bytes ? old_bytes : size_bytes);
    return free_locked(arena, old);
}

static enum wrt_status resize_locked(struct wrt_arena *arena, void *old, size_t size_bytes,
                                     void **out, struct wrt_error *error)
{
    struct wrt_arena_block *block = block_of(plain(arena, old));
    enum wrt_status status = examine(arena, old);

    if (status != WRT_OK) {
        arena->damages++;
        return wrt_fail(error, status, "arena block %p is not as it was given", old);
    }
    if (state_of(block) == BLOCK_LARGE ? resize_large_in_place(arena, block, size_bytes)
                                       : resize_in_place(arena, block, size_bytes)) {
        *out = old;
        return WRT_OK;
    }
    return move(arena, old, size_bytes, out, error);
}

/* ---- the public calls ---- */

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

static enum wrt_status check_size(const struct wrt_arena *arena, size_t size_bytes,
                                  struct wrt_error *error)
{
    if (size_bytes == 0)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "a block of 0 bytes");
    if (arena->is_static && size_bytes > arena->large_bytes)
        return wrt_fail(error, WRT_ERR_NO_SPACE, "%zu bytes are more than a static block gives",
                        size_bytes);
    return WRT_OK;
}

/* ---- the common case of one owner, in few instructions; what is odd goes the other way ---- */

static inline bool allocate_quick(struct wrt_arena *arena, size_t size_bytes, void **out)
{
    uint32_t units;
    unsigned class = class_above(raw_units(arena, size_bytes), &units);
    struct wrt_arena_block *block = arena->quick[class];

    if (block == NULL)
        return false;
    if (has_check(arena, WRT_CHECK_ARENA_LINKS) &&
        !(is_signed(arena, block) && state_of(block) == BLOCK_QUICK))
        return false;
    (void)quick_pop(arena, class);
    make_live(arena, block, size_bytes);
    arena->quick_hits++;
    count_in(arena, class / WRT_ARENA_SECOND_LEVELS, size_bytes);
    *out = payload_of(block);
    return true;
}

static inline bool free_quick(struct wrt_arena *arena, void *payload)
{
    struct wrt_arena_block *block = block_of(payload);
    uint32_t units;
    unsigned class;

    if (has_check(arena, WRT_CHECK_ARENA_HEADER) &&
        ((uintptr_t)payload % UNIT_BYTES != 0 || !is_signed(arena, block)))
        return false;
    if (state_of(block) != BLOCK_LIVE)
        return false;
    class = class_above(units_of(block), &units);
    if (units_of(block) != units || class >= QUICK_CLASSES ||
        arena->quick_count >= arena->quick_limit ||
        arena->quick_bytes >= arena->quick_bytes_limit)
        return false;
    if (has_check(arena, WRT_CHECK_ARENA_CANARY) && !is_marked(arena, block))
        return false;
    arena->live[class / WRT_ARENA_SECOND_LEVELS]--;
    arena->used_bytes -= payload_bytes(block) - slack_of(block);
    quick_push(arena, block, class);
    return true;
}

static __attribute__((noinline)) enum wrt_status
allocate_any(struct wrt_arena *arena, size_t size_bytes, size_t alignment_bytes, void **out,
             struct wrt_error *error)
{
    size_t alignment = alignment_bytes < UNIT_BYTES ? UNIT_BYTES : alignment_bytes;
    enum wrt_status status = check_size(arena, size_bytes, error);

    if (status != WRT_OK)
        return status;
    if ((alignment_bytes & (alignment_bytes - 1)) != 0 || alignment > MAXIMUM_ALIGNMENT)
        return wrt_fail(error, WRT_ERR_ALIGNMENT,
                        "alignment %zu is no power of two up to %d", alignment_bytes,
                        MAXIMUM_ALIGNMENT);
    lock(arena);
    status = allocate_locked(arena, size_bytes, alignment, out, error);
    unlock(arena);
    return status;
}

enum wrt_status wrt_arena_allocate(struct wrt_arena *arena, size_t size_bytes,
                                   size_t alignment_bytes, void **out, struct wrt_error *error)
{
    if ((alignment_bytes & ~(size_t)UNIT_BYTES) == 0 && size_bytes - 1 < arena->quick_size_limit &&
        allocate_quick(arena, size_bytes, out))
        return WRT_OK;
    return allocate_any(arena, size_bytes, alignment_bytes, out, error);
}

static __attribute__((noinline)) enum wrt_status free_any(struct wrt_arena *arena, void *block)
{
    enum wrt_status status;

    if (block == NULL)
        return WRT_OK;
    lock(arena);
    status = free_locked(arena, block);
    unlock(arena);
    return status;
}

enum wrt_status wrt_arena_free(struct wrt_arena *arena, void *block)
{
    if (block != NULL && arena->quick_size_limit != 0 && free_quick(arena, block))
        return WRT_OK;
    return free_any(arena, block);
}

enum wrt_status wrt_arena_resize(struct wrt_arena *arena, void *block, size_t size_bytes,
                                 void **out, struct wrt_error *error)
{
    enum wrt_status status = check_size(arena, size_bytes, error);
    void *place;

    if (status != WRT_OK)
        return status;
    if (block == NULL)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "no block to resize");
    lock(arena);
    status = resize_locked(arena, block, size_bytes, &place, error);
    unlock(arena);
    if (status == WRT_OK)
        *out = place;
    return status;
}

size_t wrt_arena_block_bytes(const struct wrt_arena *arena, const void *block)
{
    size_t bytes = 0;

    if (block == NULL)
        return 0;
    lock(arena);
    if (examine(arena, block) == WRT_OK)
        bytes = asked_bytes(block_of(plain(arena, block)));
    unlock(arena);
    return bytes;
}

void wrt_arena_free_now(struct wrt_arena *arena)
{
    lock(arena);
    (void)give_up_kept(arena);
    unlock(arena);
}

void wrt_arena_trim(struct wrt_arena *arena, uint32_t cache_blocks, size_t cache_bytes)
{
    lock(arena);
    evict(arena, UINT32_MAX);
    arena->cache_limit = cache_blocks;
    arena->cache_bytes_limit = cache_bytes;
    wrt_arena_trim_cache(arena, cache_blocks, cache_bytes);
    unlock(arena);
}

enum wrt_status wrt_arena_set_floor(struct wrt_arena *arena, size_t size_bytes,
                                    struct wrt_error *error)
{
    enum wrt_status status;

    lock(arena);
    status = wrt_arena_move_floor(arena, size_bytes, error);
    unlock(arena);
    return status;
}
