/* src/tenant/replace.c - one tenant gets a new config and a new module; the others notice nothing.
 * SPDX-License-Identifier: Apache-2.0
 *
 * First the new manifest is read and the tenant tried in a partition tree of its own, on the
 * caller's thread: whatever is wrong is found while the old one still runs. Then the supervisor
 * stops the old one and puts the new one in its place.
 */
#include "tenant/supervisor.h"

#include "base/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Keeps the first problem, with its line. */
static void keep_first(void *context, const struct wrt_manifest_problem *problem)
{
    struct wrt_error *error = context;
    if (error->text[0] == '\0')
        wrt_fail(error, problem->status, "line %" PRIu32 ": %s", problem->line, problem->text);
}

/* Things that stay as they were when the supervisor started. */
static enum wrt_status check_fixed(const struct wrt_tenant *tenant,
                                   const struct wrt_manifest *manifest,
                                   const struct wrt_tenant_config *config,
                                   struct wrt_error *error)
{
    const struct wrt_tenant_config *old = tenant->config;
    bool in_frame = wrt_plan_frame_of(manifest, config->name) != NULL;
    if (in_frame != tenant->in_frame || config->priority != old->priority ||
        config->affinity_mask != old->affinity_mask ||
        wrt_guest_is_remote(config) != wrt_guest_is_remote(old))
        return wrt_fail(error, WRT_ERR_STATE,
                        "%s would change its lane: priority, affinity, frame and tier process "
                        "stay until the supervisor starts anew", config->name);
    if (config->after.count != old->after.count)
        return wrt_fail(error, WRT_ERR_STATE, "%s: dependencies stay until the supervisor starts "
                        "anew", config->name);
    for (uint32_t i = 0; i < config->after.count; i++)
        if (strcmp(wrt_config_text(config, config->after.at[i]),
                   wrt_config_text(old, old->after.at[i])) != 0)
            return wrt_fail(error, WRT_ERR_STATE, "%s: dependencies stay until the supervisor "
                            "starts anew", config->name);
    return WRT_OK;
}

/* Sum of minimums with the new one instead of the old. */
static bool minimums_fit(const struct wrt_supervisor *supervisor,
                         const struct wrt_tenant *tenant,
                         const struct wrt_tenant_config *config)
{
    uint64_t most = supervisor->manifest->supervisor.memory_max, sum = config->min_bytes;
    for (uint32_t i = 0; i < supervisor->tenant_count; i++)
        if (&supervisor->tenants[i] != tenant)
            sum += supervisor->tenants[i].config->min_bytes;
    return most == 0 || sum <= most;
}

static enum wrt_status try_tenant(const struct wrt_manifest *manifest,
                                  const struct wrt_tenant_config *config,
                                  struct wrt_partition *scratch, struct wrt_error *error)
{
    struct wrt_problems problems = {.report = keep_first, .context = error};
    struct wrt_manifest_cost cost = {0};
    wrt_check_limits(manifest, config, &problems);
    wrt_check_tenant(manifest, config, scratch, &cost, &problems);
    return problems.first;
}

/* Copies the config into the supervisor's memory and asks the tenant to stop. */
static enum wrt_status hand_over(struct wrt_supervisor *supervisor, struct wrt_tenant *tenant,
                                 const struct wrt_tenant_config *config,
                                 struct wrt_error *error)
{
    void *block;
    enum wrt_status status = WRT_OK;
    wrt_supervisor_lock(supervisor);
    if (supervisor->is_stopping)
        status = wrt_fail(error, WRT_ERR_STATE, "the supervisor is stopping");
    else if (tenant->next_config != NULL)
        status = wrt_fail(error, WRT_ERR_BUSY, "%s is being replaced", config->name);
    else if (!minimums_fit(supervisor, tenant, config))
        status = wrt_fail(error, WRT_ERR_PARTITION_MAX,
                          "%s: with a minimum of %" PRIu64 " the sum is above memory_max",
                          config->name, config->min_bytes);
    if (status == WRT_OK)
        status = wrt_partition_allocate(supervisor->partition, WRT_CHARGE_HOST,
                                        wrt_config_bytes(config), 0, &block, error);
    if (status == WRT_OK) {
        memcpy(block, config, wrt_config_bytes(config));
        tenant->next_config = block;
        tenant->restart_asked = true;
        wrt_lane_lock(tenant->lane);
        wrt_tenant_ask_stop(tenant);
        wrt_lane_unlock(tenant->lane);
        wrt_supervisor_notify(supervisor);
    }
    wrt_supervisor_unlock(supervisor);
    return status;
}

static enum wrt_status prepare_from(struct wrt_supervisor *supervisor,
                                    const struct wrt_manifest *manifest, const char *name,
                                    struct wrt_partition *scratch, struct wrt_error *error)
{
    uint32_t index = wrt_manifest_find(manifest, name), place;
    if (index == UINT32_MAX)
        return wrt_fail(error, WRT_ERR_NOT_FOUND, "the manifest has no tenant of that name");
    const struct wrt_tenant_config *config = manifest->tenants[index];
    wrt_supervisor_lock(supervisor);
    place = wrt_supervisor_find(supervisor, name);
    enum wrt_status status =
        place == UINT32_MAX
            ? wrt_fail(error, WRT_ERR_NOT_FOUND, "there is no tenant of that name")
            : check_fixed(&supervisor->tenants[place], manifest, config, error);
    wrt_supervisor_unlock(supervisor);
    if (status == WRT_OK)
        status = try_tenant(manifest, config, scratch, error);
    if (status == WRT_OK)
        status = hand_over(supervisor, &supervisor->tenants[place], config, error);
    return status;
}

enum wrt_status wrt_supervisor_prepare(struct wrt_supervisor *supervisor, const char *name,
                                       struct wrt_error *error)
{
    struct wrt_partition *scratch = NULL;
    struct wrt_manifest *manifest = NULL;
    struct wrt_error found = {0};
    enum wrt_status status = wrt_partition_create(NULL, NULL, &scratch, error);
    if (status != WRT_OK)
        return status;
    status = wrt_manifest_load(scratch, supervisor->manifest->path, keep_first, &found, &manifest);
    if (status == WRT_OK)
        status = prepare_from(supervisor, manifest, name, scratch, &found);
    if (status != WRT_OK && error != NULL)
        *error = found;
    wrt_manifest_destroy(manifest);
    enum wrt_status closing = wrt_partition_destroy(scratch, error);
    return status != WRT_OK ? status : closing;
}

static void free_config(struct wrt_supervisor *supervisor, struct wrt_tenant *tenant)
{
    if (tenant->owns_config)
        wrt_partition_free(supervisor->partition, WRT_CHARGE_HOST, tenant->config,
                           wrt_config_bytes(tenant->config));
}

void wrt_supervisor_replace(struct wrt_supervisor *supervisor, struct wrt_tenant *tenant)
{
    struct wrt_error error = {0};
    const uint64_t heartbeats = tenant->guest.heartbeats;
    enum wrt_status status = wrt_guest_unload(&tenant->guest, &error);
    if (status == WRT_OK) {
        free_config(supervisor, tenant);
        tenant->config = tenant->next_config;
        tenant->owns_config = true;
        tenant->policy = wrt_life_policy_of(tenant->config);
        tenant->is_cyclic = tenant->in_frame || tenant->config->period_us != 0;
        status = wrt_guest_load(&tenant->guest, supervisor->root, tenant->config, &error);
        tenant->guest.only_in_turns = tenant->in_frame || tenant->config->cpu_permille != 0;
        tenant->guest.heartbeats = heartbeats;
        wrt_lane_note_memory(tenant, 0);
    } else {
        wrt_partition_free(supervisor->partition, WRT_CHARGE_HOST, tenant->next_config,
                           wrt_config_bytes(tenant->next_config));
    }
    tenant->next_config = NULL;
    if (status == WRT_OK) {
        wrt_events_add(&supervisor->events, tenant->config->name, "replaced", "by command");
        return;
    }
    /* It was tried before, so this is a change in between: memory, or the file once more. */
    tenant->restart_asked = false;
    wrt_life_give_up(&tenant->life);
    snprintf(tenant->reason, sizeof tenant->reason, "%.120s", error.text);
    wrt_events_add(&supervisor->events, tenant->config->name, "failed", "replacing it: %s",
                   tenant->reason);
}
