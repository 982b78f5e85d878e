/* src/partition/config.c - what a partition may be, at its creation and later.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "partition/node.h"

#include "arena/chunk.h"
#include "base/error.h"

#include <inttypes.h>
#include <string.h>

enum { ALL_FLAGS = 31, ALL_POLICIES = 7, MOST_PERMILLE = 1024 * 1000 };

static enum wrt_status check_name(const struct wrt_partition *parent, const char *name,
                                  struct wrt_error *error)
{
    if (name == NULL)
        return WRT_OK;
    if (name[0] == '\0' || memchr(name, '\0', 32) == NULL)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "a partition's name has 1 to 31 bytes");
    for (const char *at = name; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~' || *at == '"' || *at == '\\')
            return wrt_fail(error, WRT_ERR_ARGUMENT,
                            "byte %d of a partition's name is %#x: not allowed",
                            (int)(at - name), (unsigned)(uint8_t)*at);
    }
    if (parent == NULL)
        return WRT_OK;
    for (const struct wrt_partition *at = parent->first_child; at != NULL; at = at->next_sibling) {
        if (strcmp(at->name, name) == 0)
            return wrt_fail(error, WRT_ERR_EXISTS, "partition %s has a child %s already",
                            parent->name, name);
    }
    return WRT_OK;
}

static const char *shown(const struct wrt_partition_config *config)
{
    return config->name ? config->name : "partition";
}

static enum wrt_status check_sizes(const char *name, const struct wrt_partition *parent,
                                   uint64_t min_bytes, uint64_t max_bytes,
                                   uint64_t reserved_bytes, struct wrt_error *error)
{
    uint64_t max = max_bytes ? max_bytes : UINT64_MAX;
    uint64_t parent_max = parent != NULL ? wrt_account_limits(&parent->account).max_bytes
                                         : UINT64_MAX;

    if (min_bytes > max)
        return wrt_fail(error, WRT_ERR_ARGUMENT,
                        "partition %s: min %" PRIu64 " is above max %" PRIu64, name, min_bytes,
                        max);
    if (reserved_bytes > max)
        return wrt_fail(error, WRT_ERR_ARGUMENT,
                        "partition %s: reserved %" PRIu64 " is above max %" PRIu64, name,
                        reserved_bytes, max);
    if (parent != NULL && max_bytes > parent_max)
        return wrt_fail(error, WRT_ERR_ARGUMENT,
                        "partition %s: max %" PRIu64 " is above that of %s, %" PRIu64, name, max,
                        parent->name, parent_max);
    return WRT_OK;
}

/* Budgets of children come out of the parent's; where no ancestor has one, all are free. */
static enum wrt_status check_cpu(const char *name, const struct wrt_partition *parent,
                                 const struct wrt_partition *self, uint32_t cpu_permille,
                                 struct wrt_error *error)
{
    uint64_t sum = cpu_permille;
    const struct wrt_partition *at;

    if (cpu_permille > MOST_PERMILLE)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "partition %s: cpu_permille %u is above %d",
                        name, cpu_permille, MOST_PERMILLE);
    if (cpu_permille == 0 || parent == NULL)
        return WRT_OK;
    if (parent->cpu_permille == 0) {
        for (at = parent; at != NULL && at->cpu_permille == 0; at = at->parent) {
        }
        if (at == NULL)
            return WRT_OK;
        return wrt_fail(error, WRT_ERR_ARGUMENT,
                        "partition %s: %s has a processor budget, its parent %s has none to give",
                        name, at->name, parent->name);
    }
    for (at = parent->first_child; at != NULL; at = at->next_sibling)
        sum += at != self ? at->cpu_permille : 0;
    if (sum > parent->cpu_permille)
        return wrt_fail(error, WRT_ERR_ARGUMENT,
                        "partition %s: with %u permille the children of %s have %" PRIu64
                        " of its %u", name, cpu_permille, parent->name, sum,
                        parent->cpu_permille);
    return WRT_OK;
}

enum wrt_isolation_tier wrt_partition_tier_of(const struct wrt_partition_config *config)
{
    if (config->isolation != WRT_TIER_DEFAULT)
        return config->isolation;
    if (config->flags & WRT_PARTITION_CONTAINER)
        return WRT_TIER_PROCESS;
    return config->flags & WRT_PARTITION_MEMORY_ISOLATION ? WRT_TIER_SEALED : WRT_TIER_SOFTWARE;
}

static enum wrt_status check_flags(const struct wrt_partition_config *config,
                                   struct wrt_error *error)
{
    const uint32_t both = WRT_PARTITION_HIERARCHICAL | WRT_PARTITION_ROOT_ACCOUNTING;
    enum wrt_isolation_tier tier = wrt_partition_tier_of(config);

    if (config->flags > ALL_FLAGS || (config->flags & both) == both)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "partition %s: flags %#x do not go together",
                        shown(config), config->flags);
    if (config->policies > ALL_POLICIES)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "partition %s: no policies %#x", shown(config),
                        config->policies);
    if ((unsigned)tier > WRT_TIER_PROCESS)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "partition %s: no isolation tier %d",
                        shown(config), (int)tier);
    if ((unsigned)config->seal > WRT_SEAL_TAGS)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "partition %s: no seal %d", shown(config),
                        (int)config->seal);
    if (((config->flags & WRT_PARTITION_CONTAINER) && tier < WRT_TIER_PROCESS) ||
        ((config->flags & WRT_PARTITION_MEMORY_ISOLATION) && tier < WRT_TIER_SEALED))
        return wrt_fail(error, WRT_ERR_ARGUMENT,
                        "partition %s: tier %s is below what its flags ask for", shown(config),
                        wrt_tier_name(tier));
    return WRT_OK;
}

enum wrt_status wrt_partition_check_config(const struct wrt_partition *parent,
                                           const struct wrt_partition_config *config,
                                           struct wrt_error *error)
{
    enum wrt_status status = check_name(parent, config->name, error);

    if (status == WRT_OK && parent != NULL && (parent->policies & WRT_POLICY_TERMINAL))
        status = wrt_fail(error, WRT_ERR_DENIED, "partition %s is terminal: no children",
                          parent->name);
    if (status == WRT_OK)
        status = check_sizes(shown(config), parent, config->min_bytes, config->max_bytes,
                             config->reserved_bytes, error);
    if (status == WRT_OK)
        status = check_cpu(shown(config), parent, NULL, config->cpu_permille, error);
    if (status == WRT_OK)
        status = check_flags(config, error);
    if (status == WRT_OK && (unsigned)config->verification > WRT_VERIFY_CRITICAL)
        status = wrt_fail(error, WRT_ERR_ARGUMENT, "partition %s: no verification level %d",
                          shown(config), (int)config->verification);
    if (status == WRT_OK && config->priority < 0)
        status = wrt_fail(error, WRT_ERR_ARGUMENT, "partition %s: priority %d", shown(config),
                          (int)config->priority);
    return status;
}

/* ---- live ---- */

void wrt_partition_get_limits(const struct wrt_partition *partition,
                              struct wrt_partition_limits *out)
{
    struct wrt_partition_info info;

    wrt_partition_get_info(partition, &info);
    *out = (struct wrt_partition_limits){.min_bytes = info.min_bytes,
                                         .max_bytes = info.max_bytes,
                                         .reserved_bytes = info.reserved_bytes,
                                         .policies = info.policies,
                                         .cpu_permille = info.cpu_permille,
                                         .cpu_critical_ms = info.cpu_critical_ms,
                                         .priority = info.priority,
                                         .affinity = info.affinity};
}

static uint64_t children_permille(const struct wrt_partition *partition)
{
    uint64_t sum = 0;

    for (const struct wrt_partition *at = partition->first_child; at != NULL;
         at = at->next_sibling)
        sum += at->cpu_permille;
    return sum;
}

static enum wrt_status check_change(const struct wrt_partition *partition,
                                    const struct wrt_partition_limits *limits,
                                    struct wrt_error *error)
{
    const char *name = partition->name;
    enum wrt_status status;

    if (partition->policies & WRT_POLICY_CONFIG_LOCK)
        return wrt_fail(error, WRT_ERR_DENIED, "partition %s: its limits are locked", name);
    if (limits->policies > ALL_POLICIES || (partition->policies & ~limits->policies) != 0)
        return wrt_fail(error, WRT_ERR_ARGUMENT,
                        "partition %s: policies %#x take one of %#x away, or are none", name,
                        limits->policies, (unsigned)partition->policies);
    if (limits->max_bytes == 0 || limits->priority < 0)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "partition %s: a max of 0, or a priority below",
                        name);
    status = check_sizes(name, partition->parent, limits->min_bytes, limits->max_bytes,
                         limits->reserved_bytes, error);
    if (status == WRT_OK)
        status = check_cpu(name, partition->parent, partition, limits->cpu_permille, error);
    if (status == WRT_OK && limits->cpu_permille != partition->cpu_permille &&
        children_permille(partition) > limits->cpu_permille)
        status = wrt_fail(error, WRT_ERR_BUSY, "partition %s: its children have %" PRIu64
                          " permille", name, children_permille(partition));
    return status;
}

/* The reserve may have to be opened: its arenas carry their own links. */
static enum wrt_status move_reserve(struct wrt_partition *partition, uint64_t reserved_bytes,
                                    struct wrt_error *error)
{
    enum wrt_status status = WRT_OK;
    struct wrt_partition_guard guard;

    if (reserved_bytes == partition->reserved_bytes)
        return WRT_OK;
    if (reserved_bytes > SIZE_MAX)
        return wrt_fail(error, WRT_ERR_OVERFLOW, "partition %s: reserved %" PRIu64,
                        partition->name, reserved_bytes);
    status = wrt_partition_guard_enter(&guard, partition);
    if (status != WRT_OK)
        return wrt_fail(error, status, "partition %s cannot be entered", partition->name);
    status = wrt_arena_set_floor(&partition->arena, (size_t)reserved_bytes, error);
    if (wrt_partition_guard_leave(&guard) != WRT_OK && status == WRT_OK)
        status = wrt_fail(error, WRT_ERR_IO, "partition %s cannot be closed", partition->name);
    if (status == WRT_OK)
        partition->reserved_bytes = reserved_bytes;
    return status;
}

/* The maximum may rise before the reserve does, and fall only after it fell. */
static enum wrt_status move_memory(struct wrt_partition *partition,
                                   const struct wrt_partition_limits *limits,
                                   struct wrt_error *error)
{
    struct wrt_account *account = &partition->account;
    struct wrt_account_limits old = wrt_account_limits(account);
    uint64_t old_reserved = partition->reserved_bytes;
    bool falls = limits->reserved_bytes < old_reserved;
    enum wrt_status status;

    if (falls) {
        status = move_reserve(partition, limits->reserved_bytes, error);
        if (status != WRT_OK)
            return status;
    }
    status = wrt_account_set_limits(account, limits->min_bytes, limits->max_bytes, error);
    if (status == WRT_OK && !falls) {
        status = move_reserve(partition, limits->reserved_bytes, error);
        if (status != WRT_OK)
            (void)!wrt_account_set_limits(account, old.min_bytes, old.max_bytes, NULL);
    } else if (status != WRT_OK && falls) {
        (void)!move_reserve(partition, old_reserved, NULL);
    }
    return status;
}

enum wrt_status wrt_partition_set_limits(struct wrt_partition *partition,
                                         const struct wrt_partition_limits *limits,
                                         struct wrt_error *error)
{
    enum wrt_status status = check_change(partition, limits, error);

    if (status == WRT_OK)
        status = move_memory(partition, limits, error);
    if (status != WRT_OK)
        return status;
    partition->policies = (uint8_t)limits->policies;
    partition->cpu_permille = limits->cpu_permille;
    partition->cpu_critical_ms = limits->cpu_critical_ms;
    partition->priority = limits->priority;
    partition->affinity = limits->affinity;
    wrt_partition_limit_processes(partition);
    return WRT_OK;
}
