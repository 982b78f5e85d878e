/* src/partition/partition.c - a node of the accounting tree with an arena set of its own.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A root's control block is a mapping of its own, charged to itself as ARENA; a child's is
 * a block of its parent's arena, charged to the parent as RUNTIME.
 */
#include "wrt/partition.h"

#include "arena/account.h"
#include "arena/chunk.h"
#include "base/checked.h"
#include "base/error.h"
#include "wrt/arena.h"

#include <inttypes.h>
#include <string.h>

/* Fits a page, so that an idle root costs one page. */
struct wrt_partition {
    struct wrt_account account;
    struct wrt_arena arena;
    struct wrt_partition *parent;
    uint32_t children;
    uint32_t damages; /* frees that the arena refused */
    enum wrt_verification_level verification;
    uint64_t reserved_bytes;
    uint64_t control_bytes; /* root: of its mapping; child: 0 */
    struct wrt_account_tree tree; /* root only */
    char name[32];
};

_Static_assert(sizeof(struct wrt_partition) <= 4096, "overhead of an idle partition");

static enum wrt_status check_config(const struct wrt_partition *parent,
                                    const struct wrt_partition_config *config,
                                    struct wrt_error *error)
{
    const char *name = config->name ? config->name : "partition";
    size_t length = strlen(name);
    uint64_t max = config->max_bytes ? config->max_bytes : UINT64_MAX;

    if (length == 0 || length > 31)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "a partition's name has 1 to 31 bytes");
    if (config->min_bytes > max)
        return wrt_fail(error, WRT_ERR_ARGUMENT,
                        "partition %s: min %" PRIu64 " is above max %" PRIu64, name,
                        config->min_bytes, max);
    if (config->reserved_bytes > max)
        return wrt_fail(error, WRT_ERR_ARGUMENT,
                        "partition %s: reserved %" PRIu64 " is above max %" PRIu64, name,
                        config->reserved_bytes, max);
    if (parent != NULL && config->max_bytes > parent->account.max_bytes)
        return wrt_fail(error, WRT_ERR_ARGUMENT,
                        "partition %s: max %" PRIu64 " is above that of %s, %" PRIu64, name,
                        max, parent->name, parent->account.max_bytes);
    if ((unsigned)config->verification > WRT_VERIFY_CRITICAL)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "partition %s: no verification level %d",
                        name, (int)config->verification);
    return WRT_OK;
}

static enum wrt_verification_level level_of(const struct wrt_partition *parent,
                                            const struct wrt_partition_config *config)
{
    if (config->verification != WRT_VERIFY_DEFAULT)
        return config->verification;
    return parent != NULL ? parent->verification : WRT_VERIFY_STANDARD;
}

static enum wrt_status take_control_block(struct wrt_partition *parent,
                                          struct wrt_partition **out, uint64_t *out_bytes,
                                          struct wrt_error *error)
{
    struct wrt_port_request request = {.rights = WRT_PORT_READ_WRITE};
    size_t page = wrt_port_page_bytes();
    enum wrt_status status;
    void *memory;

    if (parent != NULL) {
        *out_bytes = 0;
        status = wrt_partition_allocate(parent, WRT_CHARGE_RUNTIME,
                                        sizeof(struct wrt_partition), 0, &memory, error);
    } else {
        request.bytes = (sizeof(struct wrt_partition) + page - 1) & ~(page - 1);
        *out_bytes = request.bytes;
        status = wrt_port_reserve(&request, &memory);
        if (status != WRT_OK)
            wrt_fail(error, status, "the system has no %zu bytes for a partition",
                     request.bytes);
    }
    if (status != WRT_OK)
        return status;
    *out = memory;
    return WRT_OK;
}

static void give_control_block(struct wrt_partition *parent, struct wrt_partition *partition,
                               uint64_t control_bytes)
{
    if (parent != NULL)
        wrt_partition_free(parent, WRT_CHARGE_RUNTIME, partition, sizeof *partition);
    else
        (void)!wrt_port_release(partition, (size_t)control_bytes);
}

static enum wrt_status init_account(struct wrt_partition *partition,
                                    const struct wrt_partition_config *config,
                                    struct wrt_error *error)
{
    struct wrt_partition *parent = partition->parent;
    uint64_t max = config->max_bytes;
    enum wrt_status status;

    if (parent != NULL) {
        if (max == 0)
            max = parent->account.max_bytes;
        return wrt_account_init_child(&partition->account, &parent->account, partition->name,
                                      config->min_bytes, max, error);
    }
    status = wrt_account_init_root(&partition->account, &partition->tree, partition->name,
                                   config->min_bytes, max ? max : UINT64_MAX);
    if (status != WRT_OK)
        return wrt_fail(error, status, "partition %s: no lock", partition->name);
    status = wrt_account_charge(&partition->account, WRT_CHARGE_ARENA,
                                partition->control_bytes, error);
    if (status != WRT_OK)
        wrt_account_deinit(&partition->account);
    return status;
}

static void deinit_account(struct wrt_partition *partition)
{
    if (partition->parent == NULL)
        wrt_account_uncharge(&partition->account, WRT_CHARGE_ARENA, partition->control_bytes);
    wrt_account_deinit(&partition->account);
}

/* The reserve is held by the arena set: resident, and locked where that is allowed. */
static enum wrt_status init_arena(struct wrt_partition *partition,
                                  const struct wrt_partition_config *config,
                                  struct wrt_error *error)
{
    struct wrt_arena_config arena = {0};
    enum wrt_status status;

    if (config->arena != NULL) {
        arena = *config->arena;
    } else {
        status = wrt_arena_config_from_environment(&arena, error);
        if (status != WRT_OK)
            return status;
    }
    arena.verification = partition->verification;
    if (config->reserved_bytes > arena.preallocate_bytes) {
        arena.preallocate_bytes = (size_t)config->reserved_bytes;
        arena.lock_preallocated = true;
    }
    partition->reserved_bytes = config->reserved_bytes;
    return wrt_arena_init_charged(&partition->arena, &arena, &partition->account, error);
}

static enum wrt_status init_partition(struct wrt_partition *partition,
                                      struct wrt_partition *parent, uint64_t control_bytes,
                                      const struct wrt_partition_config *config,
                                      struct wrt_error *error)
{
    enum wrt_status status;

    memset(partition, 0, sizeof *partition);
    partition->parent = parent;
    partition->control_bytes = control_bytes;
    partition->verification = level_of(parent, config);
    strncpy(partition->name, config->name ? config->name : "partition",
            sizeof partition->name - 1);
    status = init_account(partition, config, error);
    if (status != WRT_OK)
        return status;
    status = init_arena(partition, config, error);
    if (status != WRT_OK)
        deinit_account(partition);
    return status;
}

enum wrt_status wrt_partition_create(struct wrt_partition *parent,
                                     const struct wrt_partition_config *config,
                                     struct wrt_partition **out, struct wrt_error *error)
{
    static const struct wrt_partition_config defaults;
    struct wrt_partition *partition = NULL;
    uint64_t control_bytes;
    enum wrt_status status;

    if (config == NULL)
        config = &defaults;
    status = check_config(parent, config, error);
    if (status != WRT_OK)
        return status;
    status = take_control_block(parent, &partition, &control_bytes, error);
    if (status != WRT_OK)
        return status;
    status = init_partition(partition, parent, control_bytes, config, error);
    if (status != WRT_OK) {
        give_control_block(parent, partition, control_bytes);
        return status;
    }
    if (parent != NULL)
        parent->children++;
    *out = partition;
    return WRT_OK;
}

/* Everything charged but what the arena itself holds. */
static uint64_t in_use(const struct wrt_partition *partition)
{
    struct wrt_partition_info info;

    wrt_partition_get_info(partition, &info);
    return info.used_bytes - info.current_bytes[WRT_CHARGE_ARENA];
}

enum wrt_status wrt_partition_destroy(struct wrt_partition *partition, struct wrt_error *error)
{
    struct wrt_partition *parent;

    if (partition == NULL)
        return WRT_OK;
    if (partition->children != 0)
        return wrt_fail(error, WRT_ERR_BUSY, "partition %s has %u children", partition->name,
                        partition->children);
    if (in_use(partition) != 0)
        return wrt_fail(error, WRT_ERR_BUSY, "partition %s: %" PRIu64 " bytes are in use",
                        partition->name, in_use(partition));
    parent = partition->parent;
    wrt_arena_deinit(&partition->arena);
    deinit_account(partition);
    if (parent != NULL)
        parent->children--;
    give_control_block(parent, partition, partition->control_bytes);
    return WRT_OK;
}

static bool is_charge(enum wrt_charge charge)
{
    return (unsigned)charge < WRT_CHARGE_COUNT && charge != WRT_CHARGE_ARENA &&
           charge != WRT_CHARGE_GUARANTEE;
}

/* A full partition first gives up the memory that its arenas only keep for later. */
static bool give_up_cache(struct wrt_partition *partition)
{
    struct wrt_arena_info before, after;

    wrt_arena_get_info(&partition->arena, &before);
    wrt_arena_free_now(&partition->arena);
    wrt_arena_get_info(&partition->arena, &after);
    return after.held_bytes < before.held_bytes;
}

/* The check "sum". Only without children: their threads move bytes between kinds meanwhile. */
static enum wrt_status check_sums(const struct wrt_partition *partition,
                                  struct wrt_error *error)
{
    struct wrt_partition_info info;
    uint64_t sum = 0;

    if (!wrt_check_is_on(WRT_CHECK_PARTITION_SUM, partition->verification) ||
        partition->children != 0)
        return WRT_OK;
    wrt_partition_get_info(partition, &info);
    for (int kind = 0; kind < WRT_CHARGE_COUNT; kind++) {
        if (info.current_bytes[kind] > info.used_bytes)
            return wrt_fail(error, WRT_ERR_CORRUPT,
                            "partition %s: more of %s was given back than charged",
                            partition->name, wrt_charge_name((enum wrt_charge)kind));
        sum += info.current_bytes[kind];
    }
    if (sum != info.used_bytes)
        return wrt_fail(error, WRT_ERR_CORRUPT, "partition %s: %" PRIu64
                        " bytes in use, kinds add up to %" PRIu64,
                        partition->name, info.used_bytes, sum);
    return WRT_OK;
}

enum wrt_status wrt_partition_allocate(struct wrt_partition *partition, enum wrt_charge charge,
                                       size_t size_bytes, size_t alignment_bytes, void **out,
                                       struct wrt_error *error)
{
    enum wrt_status status;

    if (!is_charge(charge))
        return wrt_fail(error, WRT_ERR_ARGUMENT, "no charge of kind %d", (int)charge);
    status = check_sums(partition, error);
    if (status != WRT_OK)
        return status;
    status = wrt_arena_allocate(&partition->arena, size_bytes, alignment_bytes, out, error);
    if (status == WRT_OK)
        wrt_account_move(&partition->account, WRT_CHARGE_ARENA, charge, size_bytes);
    return status;
}

void wrt_partition_free(struct wrt_partition *partition, enum wrt_charge charge, void *block,
                        size_t size_bytes)
{
    if (block == NULL)
        return;
    if (!is_charge(charge) || wrt_arena_block_bytes(&partition->arena, block) != size_bytes) {
        partition->damages++; /* kept and charged: a leak is safer than a guess */
        return;
    }
    wrt_account_move(&partition->account, charge, WRT_CHARGE_ARENA, size_bytes);
    if (wrt_arena_free(&partition->arena, block) != WRT_OK)
        partition->damages++;
}

enum wrt_status wrt_partition_charge(struct wrt_partition *partition, enum wrt_charge charge,
                                     uint64_t size_bytes, struct wrt_error *error)
{
    enum wrt_status status;

    if (!is_charge(charge))
        return wrt_fail(error, WRT_ERR_ARGUMENT, "no charge of kind %d", (int)charge);
    status = check_sums(partition, error);
    if (status != WRT_OK)
        return status;
    status = wrt_account_charge(&partition->account, charge, size_bytes, error);
    if (status == WRT_ERR_PARTITION_MAX && give_up_cache(partition))
        status = wrt_account_charge(&partition->account, charge, size_bytes, error);
    return status;
}

void wrt_partition_uncharge(struct wrt_partition *partition, enum wrt_charge charge,
                            uint64_t size_bytes)
{
    wrt_account_uncharge(&partition->account, charge, size_bytes);
}

void wrt_partition_get_info(const struct wrt_partition *partition,
                            struct wrt_partition_info *out)
{
    memset(out, 0, sizeof *out);
    wrt_account_read(&partition->account, out);
    memcpy(out->name, partition->name, sizeof out->name);
    out->reserved_bytes = partition->reserved_bytes;
    out->children = partition->children;
    out->verification = partition->verification;
    out->damages = partition->damages;
}

enum wrt_verification_level wrt_partition_verification(const struct wrt_partition *partition)
{
    return partition->verification;
}
