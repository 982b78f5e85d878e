/* src/arena/setup.c - configuration, its environment names, init and deinit.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "arena/colour.h"
#include "arena/account.h"
#include "arena/block.h"
#include "arena/chunk.h"
#include "arena/lists.h"
#include "arena/slab.h"
#include "arena/tagging.h"
#include "base/error.h"
#include "port_hardware.h"

#include <stdlib.h>

enum {
    DEFAULT_ARENA_BYTES = 32 * 1024,
    MINIMUM_ARENA_BYTES = 4 * 1024,
    MAXIMUM_ARENA_BYTES = 256 * 1024,
    DEFAULT_LARGE_BYTES = 64 * 1024,
    MAXIMUM_LARGE_BYTES = 512 * 1024,
    DEFAULT_CACHE_BLOCKS = 12,
    DEFAULT_QUICK_BLOCKS = 512,
    MAXIMUM_QUICK_BLOCKS = 65536,
    QUICK_ARENAS = 12,
    MINIMUM_STATIC_BYTES = 4096,
    MAXIMUM_CHUNK_BYTES = UNITS_LIMIT * UNIT_BYTES + CHUNK_OVERHEAD
};

/* ---- configuration ---- */

static enum wrt_status check_range(const char *field, size_t value, size_t least, size_t most,
                                   struct wrt_error *error)
{
    if (value != 0 && (value < least || value > most))
        return wrt_fail(error, WRT_ERR_ARGUMENT, "%s %zu is outside %zu .. %zu", field, value,
                        least, most);
    return WRT_OK;
}

static enum wrt_status check_backing(const struct wrt_arena_config *config,
                                     struct wrt_error *error)
{
    if (config->static_block == NULL && config->static_block_bytes == 0)
        return WRT_OK;
    if (config->parent != NULL)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "static_block and parent exclude each other");
    if (config->static_block == NULL || config->static_block_bytes < MINIMUM_STATIC_BYTES ||
        config->static_block_bytes > PTRDIFF_MAX)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "static_block_bytes %zu is outside %d .. max",
                        config->static_block_bytes, MINIMUM_STATIC_BYTES);
    if ((uintptr_t)config->static_block % UNIT_BYTES != 0)
        return wrt_fail(error, WRT_ERR_ALIGNMENT, "static_block is not 16-byte aligned");
    if (config->preallocate_bytes != 0)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "preallocate_bytes with a static_block");
    return WRT_OK;
}

/* Pages of our own can be tagged, where the machine can. */
static bool can_tag(const struct wrt_arena_config *config)
{
    return wrt_port_has_tags() && config->static_block == NULL && config->parent == NULL;
}

static enum wrt_status check_config(const struct wrt_arena_config *config,
                                    struct wrt_error *error)
{
    enum wrt_status status = check_range("arena_bytes", config->arena_bytes,
                                         MINIMUM_ARENA_BYTES, MAXIMUM_ARENA_BYTES, error);

    if (status != WRT_OK)
        return status;
    if (config->arena_bytes % wrt_port_page_bytes() != 0)
        return wrt_fail(error, WRT_ERR_ALIGNMENT, "arena_bytes %zu is no multiple of the page",
                        config->arena_bytes);
    status = check_range("large_bytes", config->large_bytes, MINIMUM_ARENA_BYTES,
                         MAXIMUM_LARGE_BYTES, error);
    if (status != WRT_OK)
        return status;
    status = check_range("quick_blocks", config->quick_blocks, 1, MAXIMUM_QUICK_BLOCKS, error);
    if (status != WRT_OK)
        return status;
    status = check_range("preallocate_bytes", config->preallocate_bytes, 1, PTRDIFF_MAX, error);
    if (status != WRT_OK)
        return status;
    if ((unsigned)config->verification > WRT_VERIFY_CRITICAL)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "no verification level %d",
                        (int)config->verification);
    if ((unsigned)config->tags > WRT_TAGGING_REQUIRED)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "no tags %d", (int)config->tags);
    if (config->tags == WRT_TAGGING_REQUIRED && !can_tag(config))
        return wrt_fail(error, WRT_ERR_UNSUPPORTED, "%s",
                        wrt_port_has_tags() ? "tags with a static_block or a parent"
                                            : "tags: this machine has no memory tags");
    if (config->colour.count != 0 && (config->static_block != NULL || config->parent != NULL))
        return wrt_fail(error, WRT_ERR_UNSUPPORTED, "colour with a static_block or a parent");
    return check_backing(config, error);
}

/* Guards need pages of our own. */
static uint32_t checks_for(const struct wrt_arena_config *config)
{
    uint32_t checks = 0;

    for (int check = WRT_CHECK_ARENA_HEADER; check <= WRT_CHECK_ARENA_NEIGHBOURS; check++)
        if (wrt_check_is_on((enum wrt_check)check, config->verification))
            checks |= 1u << check;
    if (config->static_block != NULL || config->parent != NULL)
        checks &= ~(1u << WRT_CHECK_ARENA_GUARD);
    return checks;
}

/* Unpredictable where the system has entropy; otherwise only different per arena. */
static uint64_t make_secret(const struct wrt_arena *arena)
{
    uint64_t secret;

    if (wrt_port_entropy(&secret, sizeof secret) != WRT_OK)
        secret = (uint64_t)(uintptr_t)arena * HASH_FACTOR;
    return secret;
}

static void set_limits(struct wrt_arena *arena, const struct wrt_arena_config *config)
{
    arena->arena_bytes = config->arena_bytes ? config->arena_bytes : DEFAULT_ARENA_BYTES;
    arena->large_bytes = config->large_bytes ? config->large_bytes : DEFAULT_LARGE_BYTES;
    arena->cache_limit = config->no_cache       ? 0
                         : config->cache_blocks ? config->cache_blocks
                                                : DEFAULT_CACHE_BLOCKS;
    arena->cache_bytes_limit = config->cache_bytes ? config->cache_bytes : SIZE_MAX;
    arena->quick_limit = config->no_quick || config->free_fifo ? 0
                         : config->quick_blocks                ? config->quick_blocks
                                                               : DEFAULT_QUICK_BLOCKS;
    arena->quick_bytes_limit =
        config->quick_bytes ? config->quick_bytes : QUICK_ARENAS * arena->arena_bytes;
    arena->is_fifo = config->free_fifo;
    arena->is_monotonic = config->monotonic_growth;
    arena->is_holding = config->memory_hold;
    arena->is_locking = config->lock_preallocated;
    arena->is_static = config->static_block != NULL;
    arena->parent = config->parent;
    arena->checks = checks_for(config);
    arena->is_tagged = config->tags != WRT_TAGGING_OFF && can_tag(config);
    arena->extra_bytes = HEADER_BYTES + UNIT_BYTES - 1;
    if (has_check(arena, WRT_CHECK_ARENA_CANARY) || arena->is_tagged)
        arena->extra_bytes += CANARY_BYTES;
}

/* Blocks of one owner that are neither scrubbed nor compared with their neighbours. */
static void set_short_way(struct wrt_arena *arena, const struct wrt_arena_config *config)
{
    size_t most = (size_t)(QUICK_UNITS_LIMIT - 2 * QUICK_UNITS_LIMIT / 16) * UNIT_BYTES;

    arena->quick_size_limit = most < arena->large_bytes ? most : arena->large_bytes;
    if (config->is_shared || arena->quick_limit == 0 || arena->is_tagged ||
        has_check(arena, WRT_CHECK_ARENA_SCRUB) || has_check(arena, WRT_CHECK_ARENA_NEIGHBOURS))
        arena->quick_size_limit = 0;
}

/* Cuts the block into chunks as large as sizes in 16 bits allow. */
static void add_static(struct wrt_arena *arena, uint8_t *block, size_t bytes)
{
    arena->large_bytes = (size_t)UNITS_LIMIT * UNIT_BYTES / 2;
    while (bytes >= MINIMUM_STATIC_BYTES) {
        size_t chunk = bytes < MAXIMUM_CHUNK_BYTES ? bytes & ~(size_t)(UNIT_BYTES - 1)
                                                   : MAXIMUM_CHUNK_BYTES;

        list_add(arena, wrt_arena_add_chunk(arena, block, chunk));
        arena->held_bytes += chunk;
        block += chunk;
        bytes -= chunk;
    }
}

static enum wrt_status init_lock(struct wrt_arena *arena, struct wrt_error *error)
{
    enum wrt_status status =
        wrt_port_mutex_init((struct wrt_port_mutex *)(void *)arena->lock_words);

    if (status != WRT_OK)
        return wrt_fail(error, status, "no lock for a shared arena");
    arena->is_shared = true;
    return WRT_OK;
}

_Static_assert(sizeof(struct wrt_port_mutex) == sizeof(((struct wrt_arena *)0)->lock_words),
               "the lock must fit");

enum wrt_status wrt_arena_init_charged(struct wrt_arena *arena,
                                       const struct wrt_arena_config *config,
                                       struct wrt_account *account,
                                       struct wrt_arena_slab *slab, struct wrt_error *error)
{
    static const struct wrt_arena_config defaults;
    struct wrt_colour_runs runs = {0};
    enum wrt_status status;

    if (config == NULL)
        config = &defaults;
    status = check_config(config, error);
    if (status == WRT_OK && config->colour.count != 0)
        status = slab == NULL ? wrt_cache_colour_runs(&config->colour, &runs, error)
                              : wrt_fail(error, WRT_ERR_UNSUPPORTED, "colour in a sealed partition");
    if (status != WRT_OK)
        return status;
    memset(arena, 0, sizeof *arena);
    arena->colour = wrt_colour_pack(&runs);
    arena->account = account;
    arena->slab = slab;
    if (slab != NULL)
        slab->is_tagged = config->tags != WRT_TAGGING_OFF && can_tag(config);
    arena->secret = make_secret(arena);
    set_limits(arena, config);
    if (config->is_shared) {
        status = init_lock(arena, error);
        if (status != WRT_OK)
            return status;
    }
    if (arena->is_static)
        add_static(arena, config->static_block, config->static_block_bytes);
    set_short_way(arena, config);
    status = wrt_arena_preallocate(arena, config->preallocate_bytes, error);
    if (status != WRT_OK)
        wrt_arena_deinit(arena);
    return status;
}

enum wrt_status wrt_arena_init(struct wrt_arena *arena, const struct wrt_arena_config *config,
                               struct wrt_error *error)
{
    return wrt_arena_init_charged(arena, config, NULL, NULL, error);
}

void wrt_arena_deinit(struct wrt_arena *arena)
{
    override_tags(arena, true);
    while (arena->chunks != NULL && !arena->is_static) {
        struct wrt_arena_chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        wrt_arena_give_pages(arena, chunk, chunk->bytes);
    }
    while (arena->large != NULL) {
        struct wrt_arena_large *large = arena->large;
        arena->large = large->next;
        wrt_arena_give_pages(arena, large, large->bytes);
    }
    arena->is_holding = false;
    arena->held_floor_bytes = 0;
    wrt_arena_trim_cache(arena, 0, 0);
    override_tags(arena, false);
    if (arena->is_shared)
        wrt_port_mutex_deinit((struct wrt_port_mutex *)(void *)arena->lock_words);
    arena->is_shared = false;
}

/* ---- the environment ---- */

/* A plain decimal number up to `most`, or absent (*out untouched). */
static enum wrt_status read_number(const char *name, size_t most, size_t *out,
                                   struct wrt_error *error)
{
    const char *text = getenv(name);
    size_t value = 0;

    if (text == NULL)
        return WRT_OK;
    for (const char *at = text; *at != '\0' || at == text; at++) {
        size_t digit = (size_t)(*at - '0');

        if (*at < '0' || *at > '9' || digit > most || value > (most - digit) / 10)
            return wrt_fail(error, WRT_ERR_ARGUMENT,
                            "%s=%.40s is no decimal number up to %zu", name, text, most);
        value = value * 10 + digit;
    }
    *out = value;
    return WRT_OK;
}

enum wrt_status wrt_arena_config_from_environment(struct wrt_arena_config *config,
                                                  struct wrt_error *error)
{
    struct wrt_arena_config read = *config;
    size_t blocks = read.cache_blocks, hold = read.memory_hold, lifo = !read.free_fifo;
    size_t tags = (size_t)read.tags;
    const struct {
        const char *name;
        size_t most;
        size_t *to;
    } variables[] = {
        {"WRT_ARENA_SIZE", MAXIMUM_ARENA_BYTES, &read.arena_bytes},
        {"WRT_ARENA_CACHE_MAXBLK", UINT32_MAX, &blocks},
        {"WRT_ARENA_CACHE_MAXSZ", PTRDIFF_MAX, &read.cache_bytes},
        {"WRT_MEMORY_HOLD", 1, &hold},
        {"WRT_MEMORY_PREALLOCATE", PTRDIFF_MAX, &read.preallocate_bytes},
        {"WRT_FREE_LIFO", 1, &lifo},
        {"WRT_ARENA_TAGS", WRT_TAGGING_REQUIRED, &tags},
    };

    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        enum wrt_status status =
            read_number(variables[i].name, variables[i].most, variables[i].to, error);
        if (status != WRT_OK)
            return status;
    }
    read.cache_blocks = (uint32_t)blocks;
    if (getenv("WRT_ARENA_CACHE_MAXBLK") != NULL)
        read.no_cache = blocks == 0;
    read.memory_hold = hold != 0;
    read.free_fifo = lifo == 0;
    read.tags = (enum wrt_tagging)tags;
    if (read.arena_bytes != 0 && (read.arena_bytes < MINIMUM_ARENA_BYTES ||
                                  read.arena_bytes % wrt_port_page_bytes() != 0))
        return wrt_fail(error, WRT_ERR_ARGUMENT,
                        "WRT_ARENA_SIZE=%zu is not 4096 .. 262144 in whole pages",
                        read.arena_bytes);
    *config = read;
    return WRT_OK;
}
