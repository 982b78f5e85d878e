/* src/partition/partition.c - a node of the accounting tree with an arena set of its own.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A root's control block is a mapping of its own, charged to itself as ARENA; a child's is
 * a block of its parent's arena, charged to the parent as RUNTIME.
 */
#include "partition/node.h"

#include "arena/chunk.h"
#include "base/error.h"
#include "partition/region.h"

#include <inttypes.h>
#include <string.h>

const char *wrt_tier_name(enum wrt_isolation_tier tier)
{
    static const char *const names[] = {[WRT_TIER_DEFAULT] = "?",
                                        [WRT_TIER_SOFTWARE] = "software",
                                        [WRT_TIER_SEALED] = "sealed",
                                        [WRT_TIER_PROCESS] = "process"};

    return (unsigned)tier <= WRT_TIER_PROCESS ? names[tier] : "?";
}

/* ---- the control block ---- */

static bool wants_seal(const struct wrt_partition_config *config)
{
    return wrt_partition_tier_of(config) == WRT_TIER_SEALED ||
           (config->flags & WRT_PARTITION_MEMORY_ISOLATION) != 0;
}

static size_t control_size(const struct wrt_partition_config *config)
{
    return sizeof(struct wrt_partition) + (wants_seal(config) ? sizeof(struct wrt_seal) : 0);
}

/* A root has a mapping of its own, charged to itself. So has a child of a sealed partition,
 * charged to its parent: its sums are changed while the parent is closed. */
static enum wrt_status map_control(struct wrt_partition *parent, size_t size_bytes, void **out,
                                   struct wrt_error *error)
{
    struct wrt_port_request request = {.rights = WRT_PORT_READ_WRITE, .bytes = size_bytes};
    enum wrt_status status = WRT_OK;

    if (parent != NULL)
        status = wrt_partition_charge(parent, WRT_CHARGE_RUNTIME, size_bytes, error);
    if (status != WRT_OK)
        return status;
    status = wrt_port_reserve(&request, out);
    if (status == WRT_OK)
        return WRT_OK;
    if (parent != NULL)
        wrt_partition_uncharge(parent, WRT_CHARGE_RUNTIME, size_bytes);
    return wrt_fail(error, status, "the system has no %zu bytes for a partition", size_bytes);
}

static enum wrt_status take_control_block(struct wrt_partition *parent,
                                          const struct wrt_partition_config *config,
                                          struct wrt_partition **out, uint32_t *out_bytes,
                                          struct wrt_error *error)
{
    size_t page = wrt_port_page_bytes(), size = control_size(config);
    enum wrt_status status;
    void *memory;

    if (parent != NULL && parent->seal == NULL) {
        *out_bytes = 0;
        status = wrt_partition_allocate(parent, WRT_CHARGE_RUNTIME, size, 0, &memory, error);
    } else {
        *out_bytes = (uint32_t)((size + page - 1) & ~(page - 1));
        status = map_control(parent, *out_bytes, &memory, error);
    }
    if (status == WRT_OK)
        *out = memory;
    return status;
}

static void give_control_block(struct wrt_partition *parent, struct wrt_partition *partition,
                               size_t size_bytes, uint32_t control_bytes)
{
    if (control_bytes == 0) {
        wrt_partition_free(parent, WRT_CHARGE_RUNTIME, partition, size_bytes);
        return;
    }
    (void)!wrt_port_release(partition, control_bytes);
    if (parent != NULL)
        wrt_partition_uncharge(parent, WRT_CHARGE_RUNTIME, control_bytes);
}

/* ---- parts of a partition ---- */

static enum wrt_verification_level level_of(const struct wrt_partition *parent,
                                            const struct wrt_partition_config *config)
{
    if (config->verification != WRT_VERIFY_DEFAULT)
        return config->verification;
    return parent != NULL ? wrt_partition_verification(parent) : WRT_VERIFY_STANDARD;
}

static struct wrt_partition *root_of(struct wrt_partition *partition)
{
    while (partition->parent != NULL)
        partition = partition->parent;
    return partition;
}

static enum wrt_status init_account(struct wrt_partition *partition,
                                    const struct wrt_partition_config *config,
                                    struct wrt_error *error)
{
    struct wrt_partition *charged = partition->parent;
    uint64_t max = config->max_bytes;
    enum wrt_status status;

    if (charged != NULL) {
        if (max == 0)
            max = wrt_account_limits(&charged->account).max_bytes;
        if (config->flags & WRT_PARTITION_ROOT_ACCOUNTING)
            charged = root_of(charged);
        return wrt_account_init_child(&partition->account, &charged->account, partition->name,
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

static void drop_seal(struct wrt_partition *partition)
{
    if (partition->seal != NULL)
        wrt_seal_deinit(partition->seal);
}

/* What cannot be sealed is told by the info, or refused with REQUIRE. */
static enum wrt_status init_seal(struct wrt_partition *partition,
                                 const struct wrt_partition_config *config,
                                 struct wrt_error *error)
{
    const struct wrt_arena_config *arena = config->arena;
    enum wrt_status status;

    partition->tier_reason = WRT_REASON_SOFTWARE;
    if (!wants_seal(config))
        return WRT_OK;
    if (arena != NULL && (arena->static_block != NULL || arena->parent != NULL)) {
        partition->tier_reason = WRT_REASON_BLOCK;
        status = WRT_ERR_UNSUPPORTED;
    } else {
        struct wrt_seal *seal = (struct wrt_seal *)(void *)(partition + 1);

        status = wrt_seal_init(partition, seal, wrt_account_limits(&partition->account).max_bytes,
                               config->seal);
        if (status != WRT_OK)
            partition->tier_reason = status == WRT_ERR_UNSUPPORTED ? WRT_REASON_NO_LOCK
                                                                   : WRT_REASON_NO_ADDRESSES;
        if (status == WRT_OK && (config->flags & WRT_PARTITION_REQUIRE) &&
            (partition->tier_reason == WRT_REASON_NO_KEYS ||
             partition->tier_reason == WRT_REASON_NO_TAGS)) {
            drop_seal(partition);
            return wrt_fail(error, WRT_ERR_UNSUPPORTED, "partition %s cannot be sealed so: the "
                            "machine has no memory %s", partition->name,
                            config->seal == WRT_SEAL_KEYS ? "key free" : "tags");
        }
    }
    if (status == WRT_OK || !(config->flags & WRT_PARTITION_REQUIRE))
        return WRT_OK;
    return wrt_fail(error, status, "partition %s cannot be sealed: its arenas are a block of "
                    "another, or the system has no addresses or no locks", partition->name);
}

/* The reserve is held by the arena set: resident, and locked where that is allowed. */
static enum wrt_status init_arena(struct wrt_partition *partition,
                                  const struct wrt_partition_config *config,
                                  struct wrt_error *error)
{
    struct wrt_arena_slab *slab = partition->seal != NULL ? &partition->seal->slab : NULL;
    struct wrt_arena_config arena = {0};
    enum wrt_status status;

    if (config->arena != NULL) {
        arena = *config->arena;
    } else {
        status = wrt_arena_config_from_environment(&arena, error);
        if (status != WRT_OK)
            return status;
    }
    arena.verification = (enum wrt_verification_level)partition->verification;
    if (partition->seal != NULL && partition->seal->by_tags)
        arena.tags = WRT_TAGGING_REQUIRED;
    if (config->reserved_bytes > arena.preallocate_bytes) {
        arena.preallocate_bytes = (size_t)config->reserved_bytes;
        arena.lock_preallocated = true;
    }
    partition->reserved_bytes = config->reserved_bytes;
    return wrt_arena_init_charged(&partition->arena, &arena, &partition->account, slab, error);
}

/* The reserve is not resident, or there is no budget for processes, and they are required. */
static enum wrt_status check_required(const struct wrt_partition *partition,
                                      struct wrt_error *error)
{
    struct wrt_arena_info arena;

    wrt_arena_get_info(&partition->arena, &arena);
    if (!(partition->flags & WRT_PARTITION_REQUIRE) ||
        arena.locked_bytes >= partition->reserved_bytes)
        return WRT_OK;
    return wrt_fail(error, WRT_ERR_DENIED, "partition %s: only %zu of %" PRIu64
                    " reserved bytes could be locked", partition->name, arena.locked_bytes,
                    partition->reserved_bytes);
}

/* Arenas and the seal, which is open meanwhile and closed at the end. */
static enum wrt_status init_memory(struct wrt_partition *partition,
                                   const struct wrt_partition_config *config,
                                   struct wrt_error *error)
{
    enum wrt_status status = init_seal(partition, config, error);

    if (status != WRT_OK)
        return status;
    status = init_arena(partition, config, error);
    if (status == WRT_OK) {
        status = check_required(partition, error);
        if (status == WRT_OK && partition->seal != NULL &&
            wrt_slab_close(&partition->seal->slab) != WRT_OK)
            status = wrt_fail(error, WRT_ERR_IO, "partition %s cannot be closed",
                              partition->name);
        if (status != WRT_OK)
            wrt_arena_deinit(&partition->arena);
    }
    if (status != WRT_OK)
        drop_seal(partition);
    return status;
}

static void fill_in(struct wrt_partition *partition, struct wrt_partition *parent,
                    uint32_t control_bytes, const struct wrt_partition_config *config)
{
    memset(partition, 0, sizeof *partition);
    partition->parent = parent;
    partition->control_bytes = control_bytes;
    partition->verification = (uint8_t)level_of(parent, config);
    partition->flags = (uint8_t)config->flags;
    partition->policies = (uint8_t)config->policies;
    partition->has_seal_room = wants_seal(config);
    partition->tier = (uint8_t)wrt_partition_tier_of(config);
    partition->cpu_permille = config->cpu_permille;
    partition->cpu_critical_ms = config->cpu_critical_ms;
    partition->priority = config->priority;
    partition->affinity = config->affinity;
    strncpy(partition->name, config->name ? config->name : "partition",
            sizeof partition->name - 1);
}

static enum wrt_status init_partition(struct wrt_partition *partition,
                                      const struct wrt_partition_config *config,
                                      struct wrt_error *error)
{
    enum wrt_status status = init_account(partition, config, error);

    if (status != WRT_OK)
        return status;
    status = init_memory(partition, config, error);
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
    uint32_t control_bytes;
    enum wrt_status status;

    if (config == NULL)
        config = &defaults;
    status = wrt_partition_check_config(parent, config, error);
    if (status != WRT_OK)
        return status;
    status = take_control_block(parent, config, &partition, &control_bytes, error);
    if (status != WRT_OK)
        return status;
    fill_in(partition, parent, control_bytes, config);
    status = init_partition(partition, config, error);
    if (status != WRT_OK) {
        give_control_block(parent, partition, control_size(config), control_bytes);
        return status;
    }
    if (parent != NULL) {
        partition->next_sibling = parent->first_child;
        parent->first_child = partition;
        parent->children++;
        wrt_partition_note(parent, WRT_EVENT_CREATE);
    }
    *out = partition;
    return WRT_OK;
}

/* Everything charged but what the arena itself holds. */
static uint64_t in_use(const struct wrt_partition *partition)
{
    struct wrt_partition_info info;

    wrt_account_read(&partition->account, &info);
    return info.used_bytes - info.current_bytes[WRT_CHARGE_ARENA];
}

static enum wrt_status check_unused(const struct wrt_partition *partition,
                                    struct wrt_error *error)
{
    const char *name = partition->name;
    uint32_t entered = __atomic_load_n(&partition->entered, __ATOMIC_ACQUIRE);

    if (partition->policies & WRT_POLICY_PERMANENT)
        return wrt_fail(error, WRT_ERR_DENIED, "partition %s is permanent", name);
    if (entered != 0)
        return wrt_fail(error, WRT_ERR_BUSY, "partition %s is entered %u times", name, entered);
    if (partition->children != 0)
        return wrt_fail(error, WRT_ERR_BUSY, "partition %s has %u children", name,
                        partition->children);
    if (partition->processes != NULL)
        return wrt_fail(error, WRT_ERR_BUSY, "partition %s has process %" PRId64, name,
                        partition->processes->id);
    if (partition->account.watches != NULL)
        return wrt_fail(error, WRT_ERR_BUSY, "partition %s is watched", name);
    if (in_use(partition) != 0)
        return wrt_fail(error, WRT_ERR_BUSY, "partition %s: %" PRIu64 " bytes are in use", name,
                        in_use(partition));
    return WRT_OK;
}

static void unlink_child(struct wrt_partition *parent, struct wrt_partition *partition)
{
    struct wrt_partition **at = &parent->first_child;

    while (*at != partition)
        at = &(*at)->next_sibling;
    *at = partition->next_sibling;
    parent->children--;
}

enum wrt_status wrt_partition_destroy(struct wrt_partition *partition, struct wrt_error *error)
{
    struct wrt_partition *parent;
    enum wrt_status status;
    size_t size;

    if (partition == NULL)
        return WRT_OK;
    status = check_unused(partition, error);
    if (status == WRT_OK && partition->seal != NULL &&
        wrt_slab_open(&partition->seal->slab) != WRT_OK)
        status = wrt_fail(error, WRT_ERR_NO_MEMORY, "partition %s cannot be opened",
                          partition->name);
    if (status != WRT_OK)
        return status;
    parent = partition->parent;
    size = sizeof *partition + (partition->has_seal_room ? sizeof(struct wrt_seal) : 0);
    wrt_arena_deinit(&partition->arena);
    drop_seal(partition);
    deinit_account(partition);
    if (parent != NULL)
        unlink_child(parent, partition);
    give_control_block(parent, partition, size, partition->control_bytes);
    if (parent != NULL)
        wrt_partition_note(parent, WRT_EVENT_DESTROY);
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

    if (wrt_partition_check_open(partition, NULL) != WRT_OK)
        return false;
    wrt_arena_get_info(&partition->arena, &before);
    wrt_arena_free_now(&partition->arena);
    wrt_arena_get_info(&partition->arena, &after);
    return after.held_bytes < before.held_bytes;
}

/* The check "sum". Only where no other thread can be in the middle of moving bytes between kinds:
 * without children, and not where several threads allocate. */
static enum wrt_status check_sums(const struct wrt_partition *partition,
                                  struct wrt_error *error)
{
    struct wrt_partition_info info;
    uint64_t sum = 0;

    if (!wrt_check_is_on(WRT_CHECK_PARTITION_SUM, wrt_partition_verification(partition)) ||
        partition->children != 0 || partition->arena.is_shared)
        return WRT_OK;
    wrt_account_read(&partition->account, &info);
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
    status = wrt_partition_check_open(partition, error);
    if (status == WRT_OK)
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
    if (!is_charge(charge) || wrt_partition_check_open(partition, NULL) != WRT_OK ||
        wrt_arena_block_bytes(&partition->arena, block) != size_bytes) {
        partition->damages++; /* kept and charged: a leak is safer than a guess */
        return;
    }
    wrt_account_move(&partition->account, charge, WRT_CHARGE_ARENA, size_bytes);
    if (wrt_arena_free(&partition->arena, block) != WRT_OK)
        partition->damages++;
}

void wrt_partition_trim(struct wrt_partition *partition)
{
    (void)give_up_cache(partition);
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
    if (!is_charge(charge) ||
        __atomic_load_n(&partition->account.current_bytes[charge], __ATOMIC_RELAXED) < size_bytes) {
        partition->damages++; /* as a free of the wrong size: nothing is given back */
        return;
    }
    wrt_account_uncharge(&partition->account, charge, size_bytes);
}

/* ---- what is in force ---- */

static enum wrt_tier_reason reason_of(const struct wrt_partition *partition)
{
    if (partition->tier == WRT_TIER_PROCESS)
        return wrt_partition_has_worker(partition) ? WRT_REASON_PROCESS : WRT_REASON_NO_PROCESS;
    if (partition->seal != NULL && partition->seal->is_broken)
        return WRT_REASON_BROKEN;
    return (enum wrt_tier_reason)partition->tier_reason;
}

static void tell_tier(const struct wrt_partition *partition, struct wrt_partition_info *out)
{
    static const char *const reasons[] = {
        [WRT_REASON_SOFTWARE] = "the engine's checks and guard pages",
        [WRT_REASON_PAGES] = "page protection while no thread is inside",
        [WRT_REASON_KEYS] = "a memory key, which threads open that are inside",
        [WRT_REASON_TAGS] = "memory tags turned over while no thread is inside",
        [WRT_REASON_NO_KEYS] = "page protection: the machine has no memory key free",
        [WRT_REASON_NO_TAGS] = "page protection: the machine has no memory tags",
        [WRT_REASON_BLOCK] = "its arenas are a block of the caller or of another arena",
        [WRT_REASON_NO_ADDRESSES] = "the system refused the addresses",
        [WRT_REASON_NO_LOCK] = "this system has no locks or no page protection",
        [WRT_REASON_BROKEN] = "the system refused to close it when the last thread left",
        [WRT_REASON_PROCESS] = "a confined process of its own",
        [WRT_REASON_NO_PROCESS] = "no confined process is attached now",
    };
    bool is_sealed = partition->seal != NULL && !partition->seal->is_broken;
    enum wrt_tier_reason reason = reason_of(partition);

    out->tier_requested = (enum wrt_isolation_tier)partition->tier;
    out->tier = reason == WRT_REASON_PROCESS ? WRT_TIER_PROCESS
                : is_sealed                  ? WRT_TIER_SEALED
                                             : WRT_TIER_SOFTWARE;
    out->tier_reason = reasons[reason];
}

void wrt_partition_get_info(const struct wrt_partition *partition,
                            struct wrt_partition_info *out)
{
    memset(out, 0, sizeof *out);
    wrt_account_read(&partition->account, out);
    memcpy(out->name, partition->name, sizeof out->name);
    out->reserved_bytes = partition->reserved_bytes;
    out->children = partition->children;
    out->verification = (enum wrt_verification_level)partition->verification;
    out->damages = partition->damages;
    out->flags = partition->flags;
    out->policies = partition->policies;
    tell_tier(partition, out);
    out->entered = __atomic_load_n(&partition->entered, __ATOMIC_RELAXED);
    for (const struct wrt_partition_process *at = partition->processes; at != NULL; at = at->next)
        out->processes++;
    out->cpu_permille = partition->cpu_permille;
    out->cpu_critical_ms = partition->cpu_critical_ms;
    out->priority = partition->priority;
    out->affinity = partition->affinity;
    out->cpu_in_force = wrt_partition_cpu_in_force(partition);
    out->locked_bytes = partition->arena.locked_bytes < partition->arena.held_floor_bytes
                            ? partition->arena.locked_bytes
                            : partition->arena.held_floor_bytes;
}

enum wrt_verification_level wrt_partition_verification(const struct wrt_partition *partition)
{
    return (enum wrt_verification_level)partition->verification;
}

const char *wrt_partition_name(const struct wrt_partition *partition)
{
    return partition->name;
}
