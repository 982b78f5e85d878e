/* src/tenant/check.c - admission: does the set fit, before anything of it runs?
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sums and rights are computed; what a tenant takes is measured, by opening it in a partition
 * with its own limits under a root with the whole set's limit, one tenant after the other.
 */
#include "tenant/plan.h"

#include "port_local.h"
#include "tenant/authentic.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static uint64_t memory_limit(const struct wrt_manifest *manifest)
{
    return manifest->supervisor.memory_max == 0 ? UINT64_MAX : manifest->supervisor.memory_max;
}

/* The line of a key, or of the tenant where it was not given. */
static uint32_t line_of(const struct wrt_tenant_config *config, enum wrt_tenant_key key)
{
    return config->lines[key] != 0 ? config->lines[key] : config->line;
}

/* ---- one tenant against itself ---- */

static void check_memory(const struct wrt_manifest *manifest,
                         const struct wrt_tenant_config *config, struct wrt_problems *problems)
{
    uint64_t max = config->max_bytes == 0 ? UINT64_MAX : config->max_bytes;
    if (config->min_bytes > max)
        wrt_problem(problems, line_of(config, WRT_KEY_MIN), WRT_ERR_ARGUMENT,
                    "tenant %s: min %" PRIu64 " is above max %" PRIu64, config->name,
                    config->min_bytes, max);
    if (config->reserved_bytes > max)
        wrt_problem(problems, line_of(config, WRT_KEY_RESERVED), WRT_ERR_ARGUMENT,
                    "tenant %s: reserved %" PRIu64 " is above max %" PRIu64, config->name,
                    config->reserved_bytes, max);
    if (config->max_bytes > memory_limit(manifest))
        wrt_problem(problems, line_of(config, WRT_KEY_MAX), WRT_ERR_PARTITION_MAX,
                    "tenant %s: max %" PRIu64 " is above the memory_max %" PRIu64 " of all",
                    config->name, config->max_bytes, memory_limit(manifest));
}

static void check_times(const struct wrt_manifest *manifest,
                        const struct wrt_tenant_config *config, struct wrt_problems *problems)
{
    bool in_frame = wrt_plan_frame_of(manifest, config->name) != NULL;
    if (config->period_us != 0 && config->deadline_us > config->period_us)
        wrt_problem(problems, line_of(config, WRT_KEY_DEADLINE), WRT_ERR_ARGUMENT,
                    "tenant %s: deadline_us %" PRIu64 " is above period_us %" PRIu64, config->name,
                    config->deadline_us, config->period_us);
    if (in_frame && config->period_us != 0)
        wrt_problem(problems, line_of(config, WRT_KEY_PERIOD), WRT_ERR_ARGUMENT,
                    "tenant %s: its frame releases it, so it has no period_us", config->name);
    if (in_frame && (config->lines[WRT_KEY_PRIORITY] | config->lines[WRT_KEY_AFFINITY]) != 0)
        wrt_problem(problems, config->line, WRT_ERR_ARGUMENT,
                    "tenant %s: priority and affinity are its frame's", config->name);
    if (config->lines[WRT_KEY_OVERRUN] != 0 && !in_frame && config->period_us == 0)
        wrt_problem(problems, line_of(config, WRT_KEY_OVERRUN), WRT_ERR_ARGUMENT,
                    "tenant %s: overrun is for tenants with period_us or a frame", config->name);
    if (config->clock_jitter != 0 && config->clock_resolution_us == 0)
        wrt_problem(problems, line_of(config, WRT_KEY_CLOCK_JITTER), WRT_ERR_ARGUMENT,
                    "tenant %s: clock_jitter without clock_resolution_us", config->name);
    if (config->lines[WRT_KEY_WATCHDOG_MS] != 0 && config->watchdog == WRT_WATCHDOG_NONE)
        wrt_problem(problems, line_of(config, WRT_KEY_WATCHDOG_MS), WRT_ERR_ARGUMENT,
                    "tenant %s: watchdog_ms without a watchdog", config->name);
    if (config->backoff_ms > config->backoff_max_ms)
        wrt_problem(problems, line_of(config, WRT_KEY_BACKOFF), WRT_ERR_ARGUMENT,
                    "tenant %s: backoff_ms %" PRIu64 " is above backoff_max_ms %" PRIu64,
                    config->name, config->backoff_ms, config->backoff_max_ms);
}

static void check_authenticity(const struct wrt_tenant_config *config,
                               struct wrt_problems *problems)
{
    if (config->lines[WRT_KEY_SIGNATURE] != 0 && config->lines[WRT_KEY_ED25519_KEY] == 0)
        wrt_problem(problems, line_of(config, WRT_KEY_SIGNATURE), WRT_ERR_ARGUMENT,
                    "tenant %s: signature without ed25519_key", config->name);
    if (config->lines[WRT_KEY_ED25519_KEY] != 0 && !wrt_signature_is_supported)
        wrt_problem(problems, line_of(config, WRT_KEY_ED25519_KEY), WRT_ERR_UNSUPPORTED,
                    "tenant %s: this build has no libsodium to verify signatures", config->name);
}

/* What is required must be asked for, by the tenant or, where it has one, its frame. */
static void check_asked(const struct wrt_manifest *manifest,
                        const struct wrt_tenant_config *config, struct wrt_problems *problems)
{
    static const struct {
        uint64_t bit;
        unsigned key;
        const char *name;
    } pairs[] = {{WRT_REQUIRE_PRIORITY, WRT_KEY_PRIORITY, "priority"},
                 {WRT_REQUIRE_AFFINITY, WRT_KEY_AFFINITY, "affinity"}};
    if (wrt_plan_frame_of(manifest, config->name) != NULL)
        return;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if ((config->require_bits & pairs[i].bit) != 0 && config->lines[pairs[i].key] == 0)
            wrt_problem(problems, line_of(config, WRT_KEY_REQUIRE), WRT_ERR_ARGUMENT,
                        "tenant %s requires %s and does not set it", config->name,
                        pairs[i].name);
}

static void check_worker(const struct wrt_tenant_config *config, struct wrt_problems *problems)
{
    const char *program = wrt_config_text(config, config->worker);
    if (config->worker == 0)
        return;
    if (!wrt_guest_is_remote(config))
        wrt_problem(problems, line_of(config, WRT_KEY_WORKER), WRT_ERR_ARGUMENT,
                    "tenant %s: only a process has a worker; its tier is %s", config->name,
                    wrt_tier_name((enum wrt_isolation_tier)(config->tier + 1)));
    if (program[0] != '/')
        wrt_problem(problems, line_of(config, WRT_KEY_WORKER), WRT_ERR_ARGUMENT,
                    "tenant %s: worker is no absolute path", config->name);
}

void wrt_check_limits(const struct wrt_manifest *manifest,
                      const struct wrt_tenant_config *config, struct wrt_problems *problems)
{
    check_memory(manifest, config, problems);
    check_times(manifest, config, problems);
    check_authenticity(config, problems);
    check_asked(manifest, config, problems);
    if (config->isolate_bits != 0 && !wrt_guest_is_remote(config))
        wrt_problem(problems, line_of(config, WRT_KEY_ISOLATE), WRT_ERR_ARGUMENT,
                    "tenant %s: only a process can be isolated so; its tier is %s", config->name,
                    wrt_tier_name((enum wrt_isolation_tier)(config->tier + 1)));
    if (config->cache_ways != 0 && !wrt_guest_is_remote(config))
        wrt_problem(problems, line_of(config, WRT_KEY_CACHE_WAYS), WRT_ERR_ARGUMENT,
                    "tenant %s: only a process can have cache ways; its tier is %s", config->name,
                    wrt_tier_name((enum wrt_isolation_tier)(config->tier + 1)));
    if (config->cache_colour.count != 0 && config->tier + 1 != WRT_TIER_SOFTWARE)
        wrt_problem(problems, line_of(config, WRT_KEY_CACHE_COLOUR), WRT_ERR_UNSUPPORTED,
                    "tenant %s: only tier software can have a cache colour; its tier is %s",
                    config->name, wrt_tier_name((enum wrt_isolation_tier)(config->tier + 1)));
    check_worker(config, problems);
    if (config->confine_bits != 0 && !wrt_guest_is_remote(config))
        wrt_problem(problems, line_of(config, WRT_KEY_REQUIRE), WRT_ERR_ARGUMENT,
                    "tenant %s: only a process can be confined; its tier is %s", config->name,
                    wrt_tier_name((enum wrt_isolation_tier)(config->tier + 1)));
}

/* ---- rights ---- */

static void check_directories(const struct wrt_tenant_config *config,
                              struct wrt_problems *problems)
{
    for (uint32_t i = 0; i < config->directories.count; i++) {
        char path[WRT_TENANT_TEXT], shown[128];
        snprintf(path, sizeof path, "%s", wrt_config_text(config, config->directories.at[i]));
        size_t length = strlen(path);
        bool read_only = length > 3 && strcmp(path + length - 3, ":ro") == 0;
        if (read_only)
            path[length - 3] = '\0';
        char *split = strstr(path, "::");
        if (split != NULL)
            *split = '\0';
        enum wrt_status status = wrt_port_directory_usable(path, !read_only);
        if (status != WRT_OK)
            wrt_problem(problems, line_of(config, WRT_KEY_DIRECTORIES), status,
                        "tenant %s: directory %s: %s", config->name,
                        wrt_show(shown, sizeof shown, path),
                        status == WRT_ERR_ARGUMENT ? "it is none" : wrt_status_text(status));
    }
}

static void do_nothing(void *context)
{
    (void)context;
}

static bool thread_starts(uint64_t priority, uint64_t affinity)
{
    const struct wrt_port_thread_config config = {.priority = (int)priority, .affinity = affinity};
    struct wrt_port_thread thread;
    return wrt_port_thread_create(&config, do_nothing, NULL, &thread) == WRT_OK &&
           wrt_port_thread_join(&thread) == WRT_OK;
}

static void check_required(const struct wrt_tenant_config *config, struct wrt_problems *problems)
{
    if ((config->require_bits & WRT_REQUIRE_PRIORITY) != 0 && !thread_starts(config->priority, 0))
        wrt_problem(problems, line_of(config, WRT_KEY_REQUIRE), WRT_ERR_DENIED,
                    "tenant %s requires priority %" PRIu64 ", which this process may not use",
                    config->name, config->priority);
    if ((config->require_bits & WRT_REQUIRE_AFFINITY) != 0 &&
        !thread_starts(0, config->affinity_mask))
        wrt_problem(problems, line_of(config, WRT_KEY_REQUIRE), WRT_ERR_DENIED,
                    "tenant %s requires processors that this process may not use", config->name);
}

/* ---- the trial ---- */

/* The line that a refusal is about. */
static uint32_t line_for(const struct wrt_tenant_config *config, enum wrt_status status)
{
    switch (status) {
    case WRT_ERR_PARTITION_MAX: return line_of(config, WRT_KEY_MAX);
    case WRT_ERR_UNSUPPORTED:
        if (config->cache_colour.count != 0)
            return config->lines[WRT_KEY_CACHE_COLOUR];
        if (config->lines[WRT_KEY_TYPED_POOL] != 0)
            return config->lines[WRT_KEY_TYPED_POOL];
        return line_of(config, (config->require_bits & WRT_REQUIRE_INDEX_MASKING) != 0
                                   ? WRT_KEY_REQUIRE
                                   : WRT_KEY_TIER);
    case WRT_ERR_CORRUPT: return line_of(config, WRT_KEY_SHA256);
    case WRT_ERR_UNTRUSTED: return line_of(config, WRT_KEY_ED25519_KEY);
    default: return line_of(config, WRT_KEY_MODULE);
    }
}

static void report_refusal(const struct wrt_tenant_config *config, enum wrt_status status,
                           const struct wrt_error *error, struct wrt_problems *problems)
{
    char shown[176];
    wrt_show(shown, sizeof shown, error->text);
    if (error->has_offset)
        wrt_problem(problems, line_for(config, status), status,
                    "tenant %s: its module: %s (at byte %" PRIu64 ")", config->name, shown,
                    error->byte_offset);
    else
        wrt_problem(problems, line_for(config, status), status, "tenant %s: %s", config->name,
                    shown[0] != '\0' ? shown : wrt_status_text(status));
}

static void try_guest(const struct wrt_tenant_config *config, bool is_cyclic,
                      struct wrt_partition *root, struct wrt_manifest_cost *cost,
                      struct wrt_problems *problems)
{
    struct wrt_error error = {0};
    struct wrt_guest guest;
    uint64_t bytes = 0;
    enum wrt_status status = wrt_guest_load(&guest, root, config, &error);
    if (status != WRT_OK) {
        report_refusal(config, status, &error, problems);
        return;
    }
    status = wrt_guest_trial(&guest, is_cyclic, &bytes, &error);
    if (status != WRT_OK)
        report_refusal(config, status, &error, problems);
    cost->footprint_bytes += bytes;
    if (bytes > cost->largest_bytes)
        cost->largest_bytes = bytes;
    status = wrt_guest_unload(&guest, &error);
    if (status != WRT_OK)
        report_refusal(config, status, &error, problems);
}

void wrt_check_tenant(const struct wrt_manifest *manifest,
                      const struct wrt_tenant_config *config, struct wrt_partition *root,
                      struct wrt_manifest_cost *cost, struct wrt_problems *problems)
{
    check_directories(config, problems);
    check_required(config, problems);
    try_guest(config, wrt_plan_is_cyclic(manifest, config), root, cost, problems);
}

/* ---- the set ---- */

static void check_socket(const char *path, uint32_t line, struct wrt_problems *problems)
{
    char folder[WRT_MAX_PATH];
    const char *slash = strrchr(path, '/');
    if (*path == '\0')
        return;
    if (!wrt_port_has_local_sockets()) {
        wrt_problem(problems, line, WRT_ERR_UNSUPPORTED,
                    "this system has no sockets that tell who asks: no control, no unix: metrics");
        return;
    }
    snprintf(folder, sizeof folder, "%.*s", slash == NULL ? 1 : (int)(slash - path) + 1,
             slash == NULL ? "." : path);
    enum wrt_status status = wrt_port_directory_usable(folder, true);
    if (status != WRT_OK)
        wrt_problem(problems, line, status, "the folder of socket %s: %s", path,
                    wrt_status_text(status));
    else if (strlen(path) > 107)
        wrt_problem(problems, line, WRT_ERR_LIMIT, "a socket's path has at most 107 bytes: %s",
                    path);
}

static void check_sums(const struct wrt_manifest *manifest, const struct wrt_manifest_cost *cost,
                       struct wrt_problems *problems)
{
    const struct wrt_supervisor_config *config = &manifest->supervisor;
    if (cost->min_bytes > cost->limit_bytes)
        wrt_problem(problems, config->memory_line, WRT_ERR_PARTITION_MAX,
                    "the minimums add up to %" PRIu64 " bytes, memory_max is %" PRIu64,
                    cost->min_bytes, cost->limit_bytes);
    if (cost->cpu_permille > cost->cpu_limit_permille)
        wrt_problem(problems, config->line, WRT_ERR_LIMIT,
                    "the processor budgets add up to %" PRIu32 " permille, %" PRIu32
                    " are there",
                    cost->cpu_permille, cost->cpu_limit_permille);
    if (cost->footprint_bytes > cost->limit_bytes)
        wrt_problem(problems, config->memory_line, WRT_ERR_PARTITION_MAX,
                    "once instantiated all take %" PRIu64 " bytes, memory_max is %" PRIu64,
                    cost->footprint_bytes, cost->limit_bytes);
}

static struct wrt_manifest_cost sum_up(const struct wrt_manifest *manifest,
                                       const struct wrt_plan *plan)
{
    uint64_t processors = manifest->supervisor.processors;
    struct wrt_manifest_cost cost = {.tenants = manifest->tenant_count,
                                     .lanes = plan->lane_count,
                                     .limit_bytes = memory_limit(manifest)};
    cost.cpu_limit_permille =
        1000 * (uint32_t)(processors != 0 ? processors : wrt_port_processors());
    for (uint32_t i = 0; i < manifest->tenant_count; i++) {
        uint64_t min = manifest->tenants[i]->min_bytes;
        cost.min_bytes = min > UINT64_MAX - cost.min_bytes ? UINT64_MAX : cost.min_bytes + min;
        cost.cpu_permille += (uint32_t)manifest->tenants[i]->cpu_permille;
    }
    return cost;
}

static void check_tenants(const struct wrt_manifest *manifest, struct wrt_manifest_cost *cost,
                          struct wrt_problems *problems)
{
    struct wrt_partition *root = NULL;
    struct wrt_error error = {0};
    const struct wrt_partition_config config = {.name = "check",
                                                .max_bytes = manifest->supervisor.memory_max};
    if (wrt_partition_create(NULL, &config, &root, &error) != WRT_OK) {
        wrt_problem(problems, manifest->supervisor.memory_line, error.status, "%s", error.text);
        return;
    }
    for (uint32_t i = 0; i < manifest->tenant_count; i++)
        wrt_check_tenant(manifest, manifest->tenants[i], root, cost, problems);
    if (wrt_partition_destroy(root, &error) != WRT_OK)
        wrt_problem(problems, 0, error.status, "after the trial: %s", error.text);
}

enum wrt_status wrt_manifest_check(const struct wrt_manifest *manifest,
                                   wrt_manifest_report *report, void *context,
                                   struct wrt_manifest_cost *out)
{
    struct wrt_problems problems = {.report = report, .context = context};
    const char *metrics = manifest->supervisor.metrics;
    struct wrt_plan plan;
    wrt_plan_make(manifest, &plan, &problems);
    struct wrt_manifest_cost cost = sum_up(manifest, &plan);
    for (uint32_t i = 0; i < manifest->tenant_count; i++)
        wrt_check_limits(manifest, manifest->tenants[i], &problems);
    if (metrics[0] != '\0' && !wrt_metrics_are_supported)
        wrt_problem(&problems, manifest->supervisor.metrics_line, WRT_ERR_UNSUPPORTED,
                    "this build has no HTTP server for metrics");
    check_socket(manifest->supervisor.control, manifest->supervisor.control_line, &problems);
    if (strncmp(metrics, "unix:", 5) == 0)
        check_socket(metrics + 5, manifest->supervisor.metrics_line, &problems);
    check_tenants(manifest, &cost, &problems);
    check_sums(manifest, &cost, &problems);
    *out = cost;
    return problems.first;
}
