/* src/tenant/supervisor.c - building the set, running it, taking it down.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Creation only adds, and whatever it added is taken away by destroy, so a refusal half-way is
 * one call. No guest runs before wrt_supervisor_run.
 */
#include "tenant/supervisor.h"

#include "base/error.h"

#include <inttypes.h>
#include <string.h>

#define TICK_NS 20000000u /* how often watchdogs are looked at */

void wrt_supervisor_lock(struct wrt_supervisor *supervisor)
{
    (void)!wrt_port_mutex_lock(&supervisor->mutex); /* fails only for its owner */
}

void wrt_supervisor_unlock(struct wrt_supervisor *supervisor)
{
    wrt_port_mutex_unlock(&supervisor->mutex);
}

const char *wrt_tenant_phase_name(enum wrt_tenant_phase phase)
{
    static const char *const names[] = {
#define PHASE_NAME(name, text) text,
        WRT_TENANT_PHASE_LIST(PHASE_NAME)
#undef PHASE_NAME
    };
    return (unsigned)phase < WRT_TENANT_PHASE_COUNT ? names[phase] : "?";
}

uint32_t wrt_supervisor_find(const struct wrt_supervisor *supervisor, const char *name)
{
    for (uint32_t i = 0; i < supervisor->tenant_count; i++)
        if (strcmp(supervisor->tenants[i].config->name, name) == 0)
            return i;
    return UINT32_MAX;
}

/* ---- creation ---- */

static enum wrt_status allocate(struct wrt_partition *partition, size_t size_bytes, void **out,
                                struct wrt_error *error)
{
    enum wrt_status status = wrt_partition_allocate(partition, WRT_CHARGE_HOST, size_bytes, 0,
                                                    out, error);
    if (status == WRT_OK)
        memset(*out, 0, size_bytes);
    return status;
}

static enum wrt_status allocate_tables(struct wrt_supervisor *supervisor, uint32_t tenants,
                                       uint32_t lanes, struct wrt_error *error)
{
    struct wrt_partition *partition = supervisor->partition;
    void *block;
    enum wrt_status status = allocate(partition, tenants * sizeof(struct wrt_tenant), &block, error);
    if (status != WRT_OK)
        return status;
    supervisor->tenants = block;
    supervisor->tenant_count = tenants;
    status = allocate(partition, tenants * sizeof(struct wrt_tenant *), &block, error);
    if (status != WRT_OK)
        return status;
    supervisor->members = block;
    status = allocate(partition, lanes * sizeof(struct wrt_lane), &block, error);
    if (status != WRT_OK)
        return status;
    supervisor->lanes = block;
    supervisor->lane_count = lanes;
    return WRT_OK;
}

static enum wrt_status init_lanes(struct wrt_supervisor *supervisor, const struct wrt_plan *plan)
{
    struct wrt_tenant **members = supervisor->members;
    for (uint32_t i = 0; i < supervisor->lane_count; i++) {
        struct wrt_lane *lane = &supervisor->lanes[i];
        const struct wrt_lane_plan *wanted = &plan->lanes[i];
        enum wrt_status status = wrt_port_mutex_init(&lane->mutex);
        if (status != WRT_OK)
            return status;
        supervisor->ready_lanes++;
        lane->number = i;
        lane->tenants = members;
        members += wanted->tenants;
        lane->frame.config = wanted->frame;
        lane->events = &supervisor->events;
        lane->supervisor_word = &supervisor->word;
        lane->is_remote = wanted->remote != NULL;
        /* A worker runs beside us; its lane only looks whether it is done. */
        lane->slice_ns = lane->is_remote ? 10000000u
                                         : supervisor->manifest->supervisor.slice_us * 1000;
        lane->priority = (int)wanted->priority;
        lane->affinity_mask = wanted->affinity_mask;
    }
    return WRT_OK;
}

static void fill_frame(struct wrt_lane *lane, struct wrt_tenant *tenant)
{
    const struct wrt_frame_config *frame = lane->frame.config;
    for (uint32_t i = 0; frame != NULL && i < frame->window_count; i++)
        if (strcmp(frame->windows[i].tenant, tenant->config->name) == 0)
            lane->frame.tenants[i] = tenant;
}

static void init_tenant(struct wrt_supervisor *supervisor, const struct wrt_plan *plan,
                        uint32_t place)
{
    const struct wrt_manifest *manifest = supervisor->manifest;
    struct wrt_tenant *tenant = &supervisor->tenants[place];
    uint32_t index = plan->order[place];
    tenant->config = manifest->tenants[index];
    tenant->policy = wrt_life_policy_of(tenant->config);
    tenant->lane = &supervisor->lanes[plan->lane_of[index]];
    tenant->in_frame = tenant->lane->frame.config != NULL;
    tenant->is_cyclic = tenant->in_frame || tenant->config->period_us != 0;
    tenant->lane->tenants[tenant->lane->count++] = tenant;
    fill_frame(tenant->lane, tenant);
    /* What it depends on stands earlier, so it can be found already. */
    for (uint32_t i = 0; i < tenant->config->after.count; i++)
        tenant->after[tenant->after_count++] = wrt_supervisor_find(
            supervisor, wrt_config_text(tenant->config, tenant->config->after.at[i]));
}

static enum wrt_status load_all(struct wrt_supervisor *supervisor, struct wrt_error *error)
{
    const struct wrt_partition_config config = {
        .name = "tenants", .max_bytes = supervisor->manifest->supervisor.memory_max};
    enum wrt_status status = wrt_partition_create(NULL, &config, &supervisor->root, error);
    for (uint32_t i = 0; status == WRT_OK && i < supervisor->tenant_count; i++) {
        struct wrt_tenant *tenant = &supervisor->tenants[i];
        status = wrt_guest_load(&tenant->guest, supervisor->root, tenant->config, error);
        tenant->guest.only_in_turns = tenant->in_frame || tenant->config->cpu_permille != 0;
        wrt_lane_note_memory(tenant, 0);
    }
    return status;
}

static enum wrt_status check_in_force(const struct wrt_supervisor *supervisor,
                                      struct wrt_error *error)
{
    for (uint32_t i = 0; i < supervisor->tenant_count; i++) {
        const struct wrt_tenant *tenant = &supervisor->tenants[i];
        uint64_t required = tenant->config->require_bits;
        if ((required & WRT_REQUIRE_PRIORITY) != 0 &&
            tenant->lane->priority_in_force != tenant->lane->priority)
            return wrt_fail(error, WRT_ERR_DENIED, "tenant %s requires its priority",
                            tenant->config->name);
        if ((required & WRT_REQUIRE_AFFINITY) != 0 && !tenant->lane->affinity_in_force)
            return wrt_fail(error, WRT_ERR_DENIED, "tenant %s requires its processors",
                            tenant->config->name);
    }
    return WRT_OK;
}

static enum wrt_status start_lanes(struct wrt_supervisor *supervisor, struct wrt_error *error)
{
    for (uint32_t i = 0; i < supervisor->lane_count; i++) {
        struct wrt_lane *lane = &supervisor->lanes[i];
        enum wrt_status status = wrt_lane_start(lane, error);
        if (status != WRT_OK)
            return status;
        if (lane->priority_in_force != lane->priority || !lane->affinity_in_force)
            wrt_events_add(&supervisor->events, "", "lane",
                           "lane %" PRIu32 " runs without the priority or processors asked for", i);
    }
    return check_in_force(supervisor, error);
}

static enum wrt_status init(struct wrt_supervisor *supervisor, const struct wrt_plan *plan,
                            struct wrt_error *error)
{
    enum wrt_status status = wrt_port_mutex_init(&supervisor->mutex);
    supervisor->has_mutex = status == WRT_OK;
    if (status == WRT_OK)
        status = wrt_events_init(&supervisor->events);
    supervisor->has_events = status == WRT_OK;
    if (status == WRT_OK)
        status = allocate_tables(supervisor, supervisor->manifest->tenant_count, plan->lane_count,
                                 error);
    if (status == WRT_OK)
        status = init_lanes(supervisor, plan);
    for (uint32_t i = 0; status == WRT_OK && i < supervisor->tenant_count; i++)
        init_tenant(supervisor, plan, i);
    if (status == WRT_OK)
        status = load_all(supervisor, error);
    if (status == WRT_OK)
        status = start_lanes(supervisor, error);
    if (status == WRT_OK)
        status = wrt_control_open(supervisor, error);
    if (status == WRT_OK)
        status = wrt_metrics_open(supervisor, error);
    return status;
}

enum wrt_status wrt_supervisor_create(struct wrt_manifest *manifest,
                                      wrt_manifest_report *report, void *context,
                                      struct wrt_supervisor **out, struct wrt_error *error)
{
    struct wrt_problems problems = {.report = NULL};
    struct wrt_manifest_cost cost;
    struct wrt_plan plan;
    void *block;
    enum wrt_status status = wrt_manifest_check(manifest, report, context, &cost);
    if (status != WRT_OK)
        wrt_fail(error, status, "the manifest has errors or does not fit");
    else
        status = allocate(manifest->partition, sizeof(struct wrt_supervisor), &block, error);
    if (status != WRT_OK) {
        wrt_manifest_destroy(manifest);
        return status;
    }
    struct wrt_supervisor *supervisor = block;
    supervisor->manifest = manifest;
    supervisor->partition = manifest->partition;
    wrt_plan_make(manifest, &plan, &problems); /* the check found nothing against it */
    status = init(supervisor, &plan, error);
    if (status != WRT_OK) {
        (void)!wrt_supervisor_destroy(supervisor); /* nothing runs in it that could refuse */
        return status;
    }
    *out = supervisor;
    return WRT_OK;
}

/* ---- destruction ---- */

static enum wrt_status end_lanes(struct wrt_supervisor *supervisor, uint64_t deadline_ns)
{
    enum wrt_status status = WRT_OK;
    for (uint32_t i = 0; i < supervisor->ready_lanes; i++) {
        enum wrt_status ended = wrt_lane_end(&supervisor->lanes[i], deadline_ns);
        if (ended != WRT_OK)
            status = ended;
    }
    return status;
}

static void free_tenants(struct wrt_supervisor *supervisor)
{
    for (uint32_t i = 0; i < supervisor->tenant_count; i++) {
        struct wrt_tenant *tenant = &supervisor->tenants[i];
        if (tenant->guest.partition != NULL) {
            wrt_guest_close(&tenant->guest);
            (void)wrt_guest_unload(&tenant->guest, NULL);
        }
        if (tenant->owns_config)
            wrt_partition_free(supervisor->partition, WRT_CHARGE_HOST, tenant->config,
                               wrt_config_bytes(tenant->config));
        if (tenant->next_config != NULL)
            wrt_partition_free(supervisor->partition, WRT_CHARGE_HOST, tenant->next_config,
                               wrt_config_bytes(tenant->next_config));
    }
}

static void free_tables(struct wrt_supervisor *supervisor)
{
    struct wrt_partition *partition = supervisor->partition;
    for (uint32_t i = 0; i < supervisor->ready_lanes; i++)
        wrt_port_mutex_deinit(&supervisor->lanes[i].mutex);
    wrt_partition_free(partition, WRT_CHARGE_HOST, supervisor->lanes,
                       supervisor->lane_count * sizeof(struct wrt_lane));
    wrt_partition_free(partition, WRT_CHARGE_HOST, supervisor->members,
                       supervisor->tenant_count * sizeof(struct wrt_tenant *));
    wrt_partition_free(partition, WRT_CHARGE_HOST, supervisor->tenants,
                       supervisor->tenant_count * sizeof(struct wrt_tenant));
}

enum wrt_status wrt_supervisor_destroy(struct wrt_supervisor *supervisor)
{
    if (supervisor == NULL)
        return WRT_OK;
    if (end_lanes(supervisor, wrt_time_now_ns() + (supervisor->is_stuck ? 0 : 5000000000u)) !=
        WRT_OK)
        return WRT_ERR_BUSY;
    wrt_control_close(supervisor);
    wrt_metrics_close(supervisor);
    free_tenants(supervisor);
    struct wrt_error error = {0};
    enum wrt_status status = wrt_partition_destroy(supervisor->root, &error);
    free_tables(supervisor);
    if (supervisor->has_events)
        wrt_events_deinit(&supervisor->events);
    if (supervisor->has_mutex)
        wrt_port_mutex_deinit(&supervisor->mutex);
    struct wrt_manifest *manifest = supervisor->manifest;
    wrt_partition_free(supervisor->partition, WRT_CHARGE_HOST, supervisor, sizeof *supervisor);
    wrt_manifest_destroy(manifest);
    return status;
}

/* ---- running ---- */

void wrt_supervisor_notify(struct wrt_supervisor *supervisor)
{
    uint32_t woken;
    __atomic_fetch_add(&supervisor->word, 1, __ATOMIC_RELEASE);
    (void)!wrt_port_wake(&supervisor->word, 1, false, &woken);
}

/* Only the flag, which run looks at every TICK_NS: a signal handler may not wake anybody, because
 * ports without a futex take locks for that, and it may have interrupted whoever holds them. */
void wrt_supervisor_stop(struct wrt_supervisor *supervisor)
{
    __atomic_store_n(&supervisor->stop_asked, true, __ATOMIC_RELEASE);
}

static void begin_stopping(struct wrt_supervisor *supervisor)
{
    supervisor->is_stopping = true;
    wrt_events_add(&supervisor->events, "", "stopping", "%s",
                   supervisor->exit_asked ? "a tenant asked for the exit" : "as asked");
}

/* One look; true when all is down. */
static bool look(struct wrt_supervisor *supervisor, uint64_t *stop_by_ns)
{
    uint64_t now_ns = wrt_time_now_ns();
    bool stop = __atomic_load_n(&supervisor->stop_asked, __ATOMIC_ACQUIRE);
    wrt_supervisor_lock(supervisor);
    if ((stop || supervisor->exit_asked) && !supervisor->is_stopping) {
        begin_stopping(supervisor);
        *stop_by_ns = now_ns + supervisor->manifest->supervisor.shutdown_ms * 1000000;
    }
    bool is_down = wrt_supervisor_step(supervisor, now_ns);
    wrt_supervisor_unlock(supervisor);
    return is_down;
}

enum wrt_status wrt_supervisor_run(struct wrt_supervisor *supervisor)
{
    uint64_t stop_by_ns = UINT64_MAX;
    for (;;) {
        uint32_t word = __atomic_load_n(&supervisor->word, __ATOMIC_ACQUIRE);
        if (look(supervisor, &stop_by_ns))
            break;
        uint64_t now_ns = wrt_time_now_ns();
        if (now_ns >= stop_by_ns) {
            supervisor->is_stuck = true;
            return WRT_ERR_TIMEOUT;
        }
        (void)!wrt_port_wait(&supervisor->word, word, now_ns + TICK_NS, false);
    }
    return supervisor->exit_asked ? WRT_ERR_TRAP : WRT_OK;
}

/* ---- from other threads ---- */

static enum wrt_status ask(struct wrt_tenant *tenant, bool restart, struct wrt_error *error)
{
    enum wrt_status status = WRT_OK;
    wrt_lane_lock(tenant->lane);
    if (tenant->stop_asked || tenant->next_config != NULL) {
        status = wrt_fail(error, WRT_ERR_BUSY, "an earlier command on %s is not done yet",
                          tenant->config->name);
    } else {
        tenant->restart_asked = restart;
        wrt_tenant_ask_stop(tenant);
    }
    wrt_lane_unlock(tenant->lane);
    return status;
}

enum wrt_status wrt_supervisor_command(struct wrt_supervisor *supervisor,
                                       enum wrt_tenant_command command, const char *name,
                                       struct wrt_error *error)
{
    if (command == WRT_TENANT_RECONFIGURE)
        return wrt_supervisor_prepare(supervisor, name, error);
    wrt_supervisor_lock(supervisor);
    uint32_t place = wrt_supervisor_find(supervisor, name);
    enum wrt_status status;
    if (place == UINT32_MAX)
        status = wrt_fail(error, WRT_ERR_NOT_FOUND, "there is no tenant of that name");
    else if (supervisor->is_stopping)
        status = wrt_fail(error, WRT_ERR_STATE, "the supervisor is stopping");
    else
        status = ask(&supervisor->tenants[place], command == WRT_TENANT_RESTART, error);
    wrt_supervisor_notify(supervisor);
    wrt_supervisor_unlock(supervisor);
    return status;
}

static void copy_status(const struct wrt_tenant *tenant, struct wrt_tenant_status *out)
{
    const struct wrt_tenant_config *config = tenant->config;
    const struct wrt_counters *counters = &tenant->counters;
    memcpy(out->name, config->name, sizeof out->name);
    memcpy(out->group, config->group, sizeof out->group);
    out->phase = tenant->life.phase;
    out->has_period = tenant->is_cyclic;
    out->tier_asked = wrt_tier_name((enum wrt_isolation_tier)(config->tier + 1));
    out->lane = tenant->lane->number;
    out->priority = tenant->lane->priority_in_force;
    out->cpu_ns = counters->cpu_ns;
    out->fuel = counters->fuel;
    out->throttled = counters->throttled;
    out->activations = counters->activations;
    out->overruns = counters->overruns;
    out->misses = counters->misses;
    out->lateness_sum_ns = counters->lateness_sum_ns;
    out->lateness_max_ns = counters->lateness_max_ns;
    out->response_max_ns = counters->response_max_ns;
    out->heartbeats = __atomic_load_n(&tenant->guest.heartbeats, __ATOMIC_RELAXED);
    out->failures = tenant->life.failures;
    out->restarts = tenant->life.restarts;
    memcpy(out->last_failure, tenant->reason, sizeof out->last_failure);
}

static void copy_memory(const struct wrt_partition_info *info, struct wrt_tenant_status *out)
{
    out->tier = wrt_tier_name(info->tier);
    out->min_bytes = info->min_bytes;
    out->max_bytes = info->max_bytes;
    out->used_bytes = info->used_bytes;
    out->high_water_bytes = info->high_water_bytes;
    out->refusals = info->refusals;
}

enum wrt_status wrt_supervisor_figures(struct wrt_supervisor *supervisor, uint32_t index,
                                       bool look_at_file, struct wrt_tenant_status *out)
{
    if (index >= supervisor->tenant_count)
        return WRT_ERR_BOUNDS;
    const struct wrt_tenant *tenant = &supervisor->tenants[index];
    memset(out, 0, sizeof *out);
    wrt_supervisor_lock(supervisor);
    wrt_lane_lock(tenant->lane);
    copy_status(tenant, out);
    copy_memory(&tenant->memory, out);
    wrt_lane_unlock(tenant->lane);
    out->module_changed = look_at_file && tenant->guest.partition != NULL &&
                          wrt_guest_is_outdated(&tenant->guest);
    wrt_supervisor_unlock(supervisor);
    return WRT_OK;
}

enum wrt_status wrt_supervisor_status(struct wrt_supervisor *supervisor, uint32_t index,
                                      struct wrt_tenant_status *out)
{
    return wrt_supervisor_figures(supervisor, index, true, out);
}

enum wrt_status wrt_supervisor_frame_status(struct wrt_supervisor *supervisor, uint32_t index,
                                            struct wrt_frame_status *out)
{
    for (uint32_t i = 0; i < supervisor->lane_count; i++) {
        struct wrt_lane *lane = &supervisor->lanes[i];
        const struct wrt_frame_table *frame = &lane->frame;
        if (frame->config == NULL || index-- != 0)
            continue;
        wrt_lane_lock(lane);
        *out = (struct wrt_frame_status){
            .major_ns = frame->config->major_us * 1000,
            .windows_run = frame->windows_run,
            .frames_run = frame->last_window / frame->config->window_count,
            .jitter_sum_ns = frame->jitter_sum_ns,
            .jitter_max_ns = frame->jitter_max_ns,
            .windows_lost = frame->windows_lost};
        wrt_lane_unlock(lane);
        memcpy(out->name, frame->config->name, sizeof out->name);
        return WRT_OK;
    }
    return WRT_ERR_BOUNDS;
}

void wrt_supervisor_memory(struct wrt_supervisor *supervisor, struct wrt_partition_info *out)
{
    wrt_supervisor_lock(supervisor); /* replacing a tenant changes the root */
    wrt_partition_get_info(supervisor->root, out);
    wrt_supervisor_unlock(supervisor);
}

enum wrt_status wrt_supervisor_event(struct wrt_supervisor *supervisor, uint64_t after,
                                     struct wrt_tenant_event *out)
{
    return wrt_events_next(&supervisor->events, after, out);
}
