/* src/tenant/watch.c - one look of the supervisor at its tenants.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tenants stand in start order, so what one depends on was looked at before it, and in
 * reverse order what depends on it. Each look takes a lane's lock for a moment.
 */
#include "tenant/supervisor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void wrt_tenant_ask_stop(struct wrt_tenant *tenant)
{
    if (wrt_life_is_up(&tenant->life) || tenant->busy) {
        tenant->stop_asked = true;
        wrt_lane_poke(tenant->lane, tenant);
    } else if (tenant->life.phase == WRT_TENANT_BACKOFF ||
               tenant->life.phase == WRT_TENANT_WAITING) {
        wrt_life_stop(&tenant->life);
    }
}

/* ---- watchdogs ---- */

static bool is_silent(const struct wrt_tenant *tenant, uint64_t limit_ns, uint64_t now_ns)
{
    uint64_t beat_ns = __atomic_load_n(&tenant->guest.heartbeat_ns, __ATOMIC_RELAXED);
    uint64_t since_ns = beat_ns > tenant->life.started_ns ? beat_ns : tenant->life.started_ns;
    return now_ns > since_ns && now_ns - since_ns > limit_ns;
}

static bool is_stuck(const struct wrt_tenant *tenant, uint64_t limit_ns, uint64_t now_ns)
{
    bool long_turn = tenant->busy && now_ns > tenant->turn_ns &&
                     now_ns - tenant->turn_ns > limit_ns;
    return long_turn || tenant->stuck_ns > limit_ns;
}

static void watch(struct wrt_supervisor *supervisor, struct wrt_tenant *tenant, uint64_t now_ns)
{
    const struct wrt_tenant_config *config = tenant->config;
    uint64_t limit_ns = config->watchdog_ms * 1000000;
    bool bites = (config->watchdog == WRT_WATCHDOG_HEARTBEAT && is_silent(tenant, limit_ns, now_ns)) ||
                 (config->watchdog == WRT_WATCHDOG_PROGRESS && is_stuck(tenant, limit_ns, now_ns));
    if (!bites || !wrt_life_is_up(&tenant->life) || tenant->kill_asked || tenant->stop_asked)
        return;
    snprintf(tenant->reason, sizeof tenant->reason, "watchdog: no %s for %" PRIu64 " ms",
             config->watchdog == WRT_WATCHDOG_HEARTBEAT ? "heartbeat" : "progress",
             config->watchdog_ms);
    tenant->kill_asked = true;
    wrt_lane_poke(tenant->lane, tenant);
    wrt_events_add(&supervisor->events, config->name, "watchdog", "%s", tenant->reason);
}

/* ---- escalation ---- */

static void stop_group(struct wrt_supervisor *supervisor, const char *group)
{
    for (uint32_t i = 0; i < supervisor->tenant_count; i++) {
        struct wrt_tenant *tenant = &supervisor->tenants[i];
        if (strcmp(tenant->config->group, group) != 0)
            continue;
        wrt_lane_lock(tenant->lane);
        wrt_tenant_ask_stop(tenant);
        wrt_lane_unlock(tenant->lane);
    }
}

static void escalate(struct wrt_supervisor *supervisor, const struct wrt_tenant *tenant)
{
    const struct wrt_tenant_config *config = tenant->config;
    switch ((enum wrt_escalate)config->escalate) {
    case WRT_ESCALATE_STOP:
        wrt_events_add(&supervisor->events, config->name, "given up", "it stays down");
        break;
    case WRT_ESCALATE_GROUP:
        wrt_events_add(&supervisor->events, config->name, "given up", "its group %s is stopped",
                       config->group);
        stop_group(supervisor, config->group);
        break;
    case WRT_ESCALATE_EXIT:
        wrt_events_add(&supervisor->events, config->name, "given up", "the supervisor exits");
        supervisor->exit_asked = true;
        break;
    }
}

/* ---- starting ---- */

static bool may_start(const struct wrt_supervisor *supervisor, const struct wrt_tenant *tenant)
{
    for (uint32_t i = 0; i < tenant->after_count; i++)
        if (!supervisor->tenants[tenant->after[i]].was_ready)
            return false;
    return true;
}

static void start(struct wrt_supervisor *supervisor, struct wrt_tenant *tenant, uint64_t now_ns)
{
    tenant->restart_asked = false;
    tenant->stuck_ns = 0;
    wrt_life_start(&tenant->life, now_ns);
    wrt_lane_poke(tenant->lane, NULL);
    wrt_events_add(&supervisor->events, tenant->config->name, "starting", "in lane %" PRIu32,
                   tenant->lane->number);
}

/* Closed and nobody in it: now it can be replaced or started. Holds the lane's lock. */
static void look_at_closed(struct wrt_supervisor *supervisor, struct wrt_tenant *tenant,
                           uint64_t now_ns)
{
    if (tenant->next_config != NULL && tenant->life.phase != WRT_TENANT_BACKOFF)
        wrt_supervisor_replace(supervisor, tenant);
    bool waits = tenant->life.phase == WRT_TENANT_WAITING && may_start(supervisor, tenant);
    bool is_loaded = tenant->guest.partition != NULL;
    if (!supervisor->is_stopping && is_loaded && (tenant->restart_asked || waits))
        start(supervisor, tenant, now_ns);
}

static void look_at(struct wrt_supervisor *supervisor, struct wrt_tenant *tenant,
                    uint64_t now_ns)
{
    wrt_lane_lock(tenant->lane);
    watch(supervisor, tenant, now_ns);
    if (!wrt_life_is_up(&tenant->life) && !tenant->busy && !tenant->stop_asked)
        look_at_closed(supervisor, tenant, now_ns);
    tenant->was_ready = wrt_life_is_ready(&tenant->life);
    tenant->was_up = wrt_life_is_up(&tenant->life) || tenant->busy || tenant->stop_asked;
    bool given_up = tenant->given_up;
    tenant->given_up = false;
    wrt_lane_unlock(tenant->lane);
    if (given_up)
        escalate(supervisor, tenant);
}

/* ---- stopping ---- */

/* Is a later one up that depends on tenant number `index`? */
static bool is_needed(const struct wrt_supervisor *supervisor, uint32_t index)
{
    for (uint32_t i = index + 1; i < supervisor->tenant_count; i++) {
        const struct wrt_tenant *tenant = &supervisor->tenants[i];
        for (uint32_t d = 0; tenant->was_up && d < tenant->after_count; d++)
            if (tenant->after[d] == index)
                return true;
    }
    return false;
}

/* Asks what nobody needs any more to stop; true if all is down. */
static bool stop_in_order(struct wrt_supervisor *supervisor)
{
    bool all_down = true;
    for (uint32_t i = supervisor->tenant_count; i-- > 0;) {
        struct wrt_tenant *tenant = &supervisor->tenants[i];
        all_down = all_down && !tenant->was_up;
        if (is_needed(supervisor, i))
            continue;
        wrt_lane_lock(tenant->lane);
        wrt_tenant_ask_stop(tenant);
        wrt_lane_unlock(tenant->lane);
    }
    return all_down;
}

bool wrt_supervisor_step(struct wrt_supervisor *supervisor, uint64_t now_ns)
{
    for (uint32_t i = 0; i < supervisor->tenant_count; i++)
        look_at(supervisor, &supervisor->tenants[i], now_ns);
    return supervisor->is_stopping && stop_in_order(supervisor);
}
