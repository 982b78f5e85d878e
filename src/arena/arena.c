/* src/arena/arena.c - two-level segregated fit over chunks of pages.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Classes: sizes below 16 units have a class each (first level 0); above, first level
 * f holds sizes of 2^(f+3) units up to twice that, in 16 equal classes. A request is
 * rounded up to the next class boundary before the search, so any block found fits.
 */
#include "arena/account.h"
#include "arena/block.h"

#include "base/checked.h"
#include "base/error.h"

#include <inttypes.h>

enum {
    DEFAULT_ARENA_BYTES = 32 * 1024,
    MINIMUM_ARENA_BYTES = 4 * 1024,
    MAXIMUM_ARENA_BYTES = 256 * 1024,
    DEFAULT_CACHE_BLOCKS = 12,
    MAXIMUM_ALIGNMENT = 4096,
    DEFAULT_ALIGNMENT = 16,
    LARGE_LIMIT_BYTES = 64 * 1024,
    CHUNK_OVERHEAD = sizeof(struct wrt_arena_chunk) + HEADER_BYTES /* the end */
};

/* ---- classes ---- */

static unsigned log2_of(uint32_t value)
{
    return 31u - (unsigned)__builtin_clz(value);
}

static void class_of(uint32_t units, unsigned *first, unsigned *second)
{
    unsigned log;

    if (units < WRT_ARENA_SECOND_LEVELS) {
        *first = 0;
        *second = units;
        return;
    }
    log = log2_of(units);
    *first = log - 3;
    *second = (units >> (log - 4)) & (WRT_ARENA_SECOND_LEVELS - 1);
}

/* The smallest size, from `units` up, at which a class starts. */
static uint32_t round_to_class(uint32_t units)
{
    uint32_t step;

    if (units < 2 * WRT_ARENA_SECOND_LEVELS)
        return units;
    step = 1u << (log2_of(units) - 4);
    return (units + step - 1) & ~(step - 1);
}

static void insert_free(struct wrt_arena *arena, struct wrt_arena_block *block)
{
    struct wrt_arena_block **head;
    unsigned first, second;

    class_of(block->units, &first, &second);
    head = &arena->heads[first][second];
    block->state = BLOCK_FREE;
    block->slack = 0;
    block_sign(arena, block);
    if (*head == NULL) {
        block->next = block->previous = block;
        *head = block;
        arena->first_bits |= 1u << first;
        arena->second_bits[first] |= 1u << second;
        return;
    }
    block->next = *head;
    block->previous = (*head)->previous;
    block->previous->next = block;
    (*head)->previous = block;
}

static void remove_free(struct wrt_arena *arena, struct wrt_arena_block *block)
{
    unsigned first, second;

    class_of(block->units, &first, &second);
    if (block->next == block) {
        arena->heads[first][second] = NULL;
        arena->second_bits[first] &= ~(1u << second);
        if (arena->second_bits[first] == 0)
            arena->first_bits &= ~(1u << first);
        return;
    }
    block->previous->next = block->next;
    block->next->previous = block->previous;
    if (arena->heads[first][second] == block)
        arena->heads[first][second] = block->next;
}

/* A free block of at least `units`, or NULL. */
static struct wrt_arena_block *find_free(const struct wrt_arena *arena, uint32_t units)
{
    unsigned first, second;
    uint32_t bits;

    class_of(round_to_class(units), &first, &second);
    if (first >= WRT_ARENA_FIRST_LEVELS)
        return NULL;
    bits = arena->second_bits[first] & (~0u << second);
    if (bits == 0) {
        uint32_t firsts = arena->first_bits & (~0u << (first + 1));
        if (firsts == 0)
            return NULL;
        first = (unsigned)__builtin_ctz(firsts);
        bits = arena->second_bits[first];
    }
    return arena->heads[first][__builtin_ctz(bits)];
}

/* ---- chunks ---- */

static struct wrt_arena_block *first_block(const struct wrt_arena_chunk *chunk)
{
    return block_at(chunk, sizeof *chunk);
}

static enum wrt_status map_pages(struct wrt_arena *arena, size_t size_bytes, void **out,
                                 struct wrt_error *error)
{
    struct wrt_port_request request = {.bytes = size_bytes, .rights = WRT_PORT_READ_WRITE};
    enum wrt_status status;

    if (arena->account != NULL) {
        status = wrt_account_charge(arena->account, WRT_CHARGE_ARENA, size_bytes, error);
        if (status != WRT_OK)
            return status;
    }
    status = wrt_port_reserve(&request, out);
    if (status != WRT_OK) {
        if (arena->account != NULL)
            wrt_account_uncharge(arena->account, WRT_CHARGE_ARENA, size_bytes);
        return wrt_fail(error, status, "the system has no %zu bytes for an arena", size_bytes);
    }
    arena->held_bytes += size_bytes;
    return WRT_OK;
}

static void unmap_pages(struct wrt_arena *arena, void *pages, size_t size_bytes)
{
    if (wrt_port_release(pages, size_bytes) != WRT_OK)
        return; /* still mapped, so still charged */
    arena->held_bytes -= size_bytes;
    if (arena->account != NULL)
        wrt_account_uncharge(arena->account, WRT_CHARGE_ARENA, size_bytes);
}

/* Makes one free block of a chunk, between its header and an end mark. */
static void format_chunk(struct wrt_arena *arena, struct wrt_arena_chunk *chunk)
{
    struct wrt_arena_block *block = first_block(chunk);
    struct wrt_arena_block *end;

    block->units = (uint16_t)((chunk->bytes - CHUNK_OVERHEAD) / UNIT_BYTES);
    block->previous_units = 0;
    end = block_after(block);
    end->units = 0;
    end->previous_units = block->units;
    end->slack = 0;
    end->state = BLOCK_END;
    block_sign(arena, end);
    insert_free(arena, block);
}

static void link_chunk(struct wrt_arena *arena, struct wrt_arena_chunk *chunk)
{
    chunk->previous = NULL;
    chunk->next = arena->chunks;
    if (chunk->next != NULL)
        chunk->next->previous = chunk;
    arena->chunks = chunk;
}

static void unlink_chunk(struct wrt_arena *arena, struct wrt_arena_chunk *chunk)
{
    if (chunk->next != NULL)
        chunk->next->previous = chunk->previous;
    if (chunk->previous != NULL)
        chunk->previous->next = chunk->next;
    else
        arena->chunks = chunk->next;
}

static struct wrt_arena_chunk *take_cached(struct wrt_arena *arena, size_t multiple)
{
    struct wrt_arena_chunk *chunk = arena->cache[multiple];

    if (chunk != NULL) {
        arena->cache[multiple] = chunk->next;
        arena->cache_blocks--;
        arena->cache_bytes -= chunk->bytes;
    }
    return chunk;
}

/* Adds a chunk in which `units` surely find room. */
static enum wrt_status grow(struct wrt_arena *arena, uint32_t units, struct wrt_error *error)
{
    size_t need = (size_t)round_to_class(units) * UNIT_BYTES + CHUNK_OVERHEAD;
    size_t multiple = (need + arena->arena_bytes - 1) / arena->arena_bytes;
    struct wrt_arena_chunk *chunk = NULL;
    enum wrt_status status;
    void *pages;

    if (multiple <= WRT_ARENA_MULTIPLES)
        chunk = take_cached(arena, multiple);
    if (chunk == NULL) {
        status = map_pages(arena, multiple * arena->arena_bytes, &pages, error);
        if (status != WRT_OK)
            return status;
        chunk = pages;
        chunk->bytes = multiple * arena->arena_bytes;
    }
    link_chunk(arena, chunk);
    format_chunk(arena, chunk);
    return WRT_OK;
}

static bool may_cache(const struct wrt_arena *arena, size_t bytes)
{
    return arena->cache_blocks < arena->cache_blocks_limit &&
           bytes <= arena->cache_bytes_limit - arena->cache_bytes &&
           bytes / arena->arena_bytes <= WRT_ARENA_MULTIPLES;
}

/* `block` is the only block of its chunk and stands in no list. */
static void drop_chunk(struct wrt_arena *arena, struct wrt_arena_block *block)
{
    struct wrt_arena_chunk *chunk =
        (struct wrt_arena_chunk *)(void *)((uint8_t *)block - sizeof *chunk);
    size_t multiple = chunk->bytes / arena->arena_bytes;

    unlink_chunk(arena, chunk);
    if (!may_cache(arena, chunk->bytes)) {
        unmap_pages(arena, chunk, chunk->bytes);
        return;
    }
    chunk->next = arena->cache[multiple];
    arena->cache[multiple] = chunk;
    arena->cache_blocks++;
    arena->cache_bytes += chunk->bytes;
}

void wrt_arena_free_now(struct wrt_arena *arena)
{
    for (size_t multiple = 1; multiple <= WRT_ARENA_MULTIPLES; multiple++) {
        struct wrt_arena_chunk *chunk;

        while ((chunk = take_cached(arena, multiple)) != NULL)
            unmap_pages(arena, chunk, chunk->bytes);
    }
}

/* ---- large blocks ---- */

static enum wrt_status allocate_large(struct wrt_arena *arena, size_t size_bytes,
                                      size_t alignment, void **out, struct wrt_error *error)
{
    size_t lead = sizeof(struct wrt_arena_large) + HEADER_BYTES;
    struct wrt_arena_large *large;
    struct wrt_arena_block *block;
    enum wrt_status status;
    size_t bytes;
    void *pages;

    lead = (lead + alignment - 1) & ~(alignment - 1);
    if (!wrt_add_size(size_bytes, lead, &bytes) ||
        !wrt_align_size(bytes, wrt_port_page_bytes(), &bytes) || bytes > PTRDIFF_MAX)
        return wrt_fail(error, WRT_ERR_NO_MEMORY, "%zu bytes do not fit the address space",
                        size_bytes);
    status = map_pages(arena, bytes, &pages, error);
    if (status != WRT_OK)
        return status;
    large = pages;
    *large = (struct wrt_arena_large){
        .next = arena->large, .bytes = bytes, .asked_bytes = size_bytes};
    if (large->next != NULL)
        large->next->previous = large;
    arena->large = large;
    block = block_at(pages, lead - HEADER_BYTES);
    block->units = 0;
    block->previous_units = (uint16_t)(lead / UNIT_BYTES);
    block->slack = 0;
    block->state = BLOCK_LARGE;
    block_sign(arena, block);
    arena->used_bytes += size_bytes;
    *out = payload_of(block);
    return WRT_OK;
}

static struct wrt_arena_large *large_of(const struct wrt_arena_block *block)
{
    return (struct wrt_arena_large *)(void *)((uint8_t *)payload_of(block) -
                                              (size_t)block->previous_units * UNIT_BYTES);
}

static void free_large(struct wrt_arena *arena, struct wrt_arena_block *block)
{
    struct wrt_arena_large *large = large_of(block);

    if (large->next != NULL)
        large->next->previous = large->previous;
    if (large->previous != NULL)
        large->previous->next = large->next;
    else
        arena->large = large->next;
    arena->used_bytes -= large->asked_bytes;
    unmap_pages(arena, large, large->bytes);
}

/* ---- blocks ---- */

/* Cuts `block` (in no list) down to `units` and lists the rest, if it is a block. */
static void split(struct wrt_arena *arena, struct wrt_arena_block *block, uint32_t units)
{
    uint32_t rest = block->units - units;
    struct wrt_arena_block *tail, *after;

    if (rest < MINIMUM_UNITS)
        return;
    after = block_after(block);
    block->units = (uint16_t)units;
    tail = block_after(block);
    tail->units = (uint16_t)rest;
    tail->previous_units = (uint16_t)units;
    after->previous_units = (uint16_t)rest;
    block_sign(arena, after);
    insert_free(arena, tail);
}

/* Moves the start of `block` (in no list) up so that its payload is aligned; the part in
 * front becomes a free block. The block was found large enough for that. */
static struct wrt_arena_block *align_block(struct wrt_arena *arena,
                                           struct wrt_arena_block *block, size_t alignment)
{
    size_t gap = (size_t)(-(uintptr_t)payload_of(block)) & (alignment - 1);
    struct wrt_arena_block *aligned, *after;

    if (gap == 0)
        return block;
    if (gap < MINIMUM_UNITS * UNIT_BYTES)
        gap += alignment;
    after = block_after(block);
    aligned = block_at(block, gap);
    aligned->units = (uint16_t)(block->units - gap / UNIT_BYTES);
    aligned->previous_units = (uint16_t)(gap / UNIT_BYTES);
    block->units = aligned->previous_units;
    after->previous_units = aligned->units;
    block_sign(arena, after);
    insert_free(arena, block);
    return aligned;
}

static enum wrt_status allocate_block(struct wrt_arena *arena, size_t size_bytes,
                                      size_t alignment, void **out, struct wrt_error *error)
{
    uint32_t units = (uint32_t)((size_bytes + HEADER_BYTES + UNIT_BYTES - 1) / UNIT_BYTES);
    uint32_t search;
    struct wrt_arena_block *block;

    if (units < MINIMUM_UNITS)
        units = MINIMUM_UNITS;
    search = units;
    if (alignment > UNIT_BYTES)
        search += (uint32_t)(alignment / UNIT_BYTES) + MINIMUM_UNITS;
    block = find_free(arena, search);
    if (block == NULL) {
        enum wrt_status status = grow(arena, search, error);
        if (status != WRT_OK)
            return status;
        block = find_free(arena, search);
    }
    remove_free(arena, block);
    if (alignment > UNIT_BYTES)
        block = align_block(arena, block, alignment);
    split(arena, block, units);
    block->state = BLOCK_LIVE;
    block->slack = (uint8_t)((size_t)block->units * UNIT_BYTES - HEADER_BYTES - size_bytes);
    block_sign(arena, block);
    arena->used_bytes += size_bytes;
    *out = payload_of(block);
    return WRT_OK;
}

static size_t asked_bytes(const struct wrt_arena_block *block)
{
    if (block->state == BLOCK_LARGE)
        return large_of(block)->asked_bytes;
    return (size_t)block->units * UNIT_BYTES - HEADER_BYTES - block->slack;
}

static void free_block(struct wrt_arena *arena, struct wrt_arena_block *block)
{
    struct wrt_arena_block *after = block_after(block);

    arena->used_bytes -= asked_bytes(block);
    if (after->state == BLOCK_FREE) {
        remove_free(arena, after);
        block->units = (uint16_t)(block->units + after->units);
    }
    if (block->previous_units != 0 && block_before(block)->state == BLOCK_FREE) {
        struct wrt_arena_block *before = block_before(block);

        remove_free(arena, before);
        before->units = (uint16_t)(before->units + block->units);
        block->state = 0; /* no header stands here any more */
        block = before;
    }
    after = block_after(block);
    after->previous_units = block->units;
    block_sign(arena, after);
    if (block->previous_units == 0 && after->state == BLOCK_END)
        drop_chunk(arena, block);
    else
        insert_free(arena, block);
}

/* ---- the public calls ---- */

static enum wrt_status check_config(const struct wrt_arena_config *config,
                                    struct wrt_error *error)
{
    size_t page = wrt_port_page_bytes();

    if (config->arena_bytes == 0)
        return WRT_OK;
    if (config->arena_bytes < MINIMUM_ARENA_BYTES || config->arena_bytes > MAXIMUM_ARENA_BYTES)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "arena_bytes %zu is outside %d .. %d",
                        config->arena_bytes, MINIMUM_ARENA_BYTES, MAXIMUM_ARENA_BYTES);
    if (config->arena_bytes % page != 0)
        return wrt_fail(error, WRT_ERR_ALIGNMENT,
                        "arena_bytes %zu is no multiple of the page, %zu", config->arena_bytes,
                        page);
    return WRT_OK;
}

/* Unpredictable where the system has entropy; otherwise only different per arena. */
static uint64_t make_secret(const struct wrt_arena *arena)
{
    uint64_t secret;

    if (wrt_port_entropy(&secret, sizeof secret) != WRT_OK)
        secret = (uint64_t)(uintptr_t)arena * UINT64_C(0x9E3779B97F4A7C15);
    return secret;
}

enum wrt_status wrt_arena_init(struct wrt_arena *arena, const struct wrt_arena_config *config,
                               struct wrt_error *error)
{
    static const struct wrt_arena_config defaults;
    enum wrt_status status;

    if (config == NULL)
        config = &defaults;
    status = check_config(config, error);
    if (status != WRT_OK)
        return status;
    *arena = (struct wrt_arena){
        .arena_bytes = config->arena_bytes ? config->arena_bytes : DEFAULT_ARENA_BYTES,
        .cache_blocks_limit = config->no_cache       ? 0
                              : config->cache_blocks ? config->cache_blocks
                                                     : DEFAULT_CACHE_BLOCKS,
        .cache_bytes_limit = config->cache_bytes ? config->cache_bytes : SIZE_MAX,
        .secret = make_secret(arena),
    };
    return WRT_OK;
}

void wrt_arena_deinit(struct wrt_arena *arena)
{
    while (arena->chunks != NULL) {
        struct wrt_arena_chunk *chunk = arena->chunks;
        unlink_chunk(arena, chunk);
        unmap_pages(arena, chunk, chunk->bytes);
    }
    while (arena->large != NULL) {
        struct wrt_arena_large *large = arena->large;
        arena->large = large->next;
        unmap_pages(arena, large, large->bytes);
    }
    wrt_arena_free_now(arena);
}

enum wrt_status wrt_arena_allocate(struct wrt_arena *arena, size_t size_bytes,
                                   size_t alignment_bytes, void **out, struct wrt_error *error)
{
    size_t alignment = alignment_bytes < DEFAULT_ALIGNMENT ? DEFAULT_ALIGNMENT : alignment_bytes;

    if (size_bytes == 0)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "a block of 0 bytes");
    if ((alignment_bytes & (alignment_bytes - 1)) != 0 || alignment > MAXIMUM_ALIGNMENT)
        return wrt_fail(error, WRT_ERR_ALIGNMENT,
                        "alignment %zu is no power of two up to %d", alignment_bytes,
                        MAXIMUM_ALIGNMENT);
    if (size_bytes > LARGE_LIMIT_BYTES)
        return allocate_large(arena, size_bytes, alignment, out, error);
    return allocate_block(arena, size_bytes, alignment, out, error);
}

/* Is there a live block's header in front of `payload`? */
static enum wrt_status check_payload(const struct wrt_arena *arena, const void *payload)
{
    const struct wrt_arena_block *block;

    if ((uintptr_t)payload % UNIT_BYTES != 0 || (uintptr_t)payload < UNIT_BYTES)
        return WRT_ERR_ARGUMENT;
    block = block_of(payload);
    if (!block_is_signed(arena, block)) {
        bool is_header = block->state == BLOCK_LIVE || block->state == BLOCK_LARGE;
        return is_header ? WRT_ERR_CORRUPT : WRT_ERR_ARGUMENT;
    }
    return block->state == BLOCK_LIVE || block->state == BLOCK_LARGE ? WRT_OK : WRT_ERR_STATE;
}

enum wrt_status wrt_arena_free(struct wrt_arena *arena, void *block)
{
    enum wrt_status status;

    if (block == NULL)
        return WRT_OK;
    status = check_payload(arena, block);
    if (status != WRT_OK)
        return status;
    if (block_of(block)->state == BLOCK_LARGE)
        free_large(arena, block_of(block));
    else
        free_block(arena, block_of(block));
    return WRT_OK;
}

size_t wrt_arena_block_bytes(const struct wrt_arena *arena, const void *block)
{
    if (block == NULL || check_payload(arena, block) != WRT_OK)
        return 0;
    return asked_bytes(block_of(block));
}
