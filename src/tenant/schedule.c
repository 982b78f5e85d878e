/* src/tenant/schedule.c - whose turn it is, and what a turn changes in the books.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   S1  a turn is at most a slice, and ends at the next release of a cyclic tenant of its lane
 *   S2  in each window of 100 ms a tenant runs cpu_permille of it, and one stop point more
 *   S3  releases lie at the first one plus whole periods; skipped ones are counted as misses
 */
#include "tenant/lane.h"

static uint64_t min_of(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t period_ns(const struct wrt_tenant *tenant)
{
    return tenant->config->period_us * 1000;
}

/* ---- budgets ---- */

static uint64_t budget_ns(const struct wrt_tenant *tenant)
{
    return tenant->config->cpu_permille * (WRT_BUDGET_WINDOW_NS / 1000);
}

static uint64_t budget_left(const struct wrt_tenant *tenant, uint64_t now_ns)
{
    if (tenant->config->cpu_permille == 0)
        return UINT64_MAX;
    if (now_ns - tenant->window_ns >= WRT_BUDGET_WINDOW_NS)
        return budget_ns(tenant);
    return budget_ns(tenant) > tenant->window_used_ns
               ? budget_ns(tenant) - tenant->window_used_ns : 0;
}

void wrt_schedule_charge(struct wrt_tenant *tenant, uint64_t cpu_ns, uint64_t now_ns)
{
    tenant->counters.cpu_ns += cpu_ns;
    if (now_ns - tenant->window_ns >= WRT_BUDGET_WINDOW_NS) {
        tenant->window_ns = now_ns - (now_ns - tenant->window_ns) % WRT_BUDGET_WINDOW_NS;
        tenant->window_used_ns = 0;
        tenant->throttle_noted = false;
    }
    tenant->window_used_ns += cpu_ns;
    if (!tenant->throttle_noted && budget_left(tenant, now_ns) == 0) {
        tenant->throttle_noted = true;
        tenant->counters.throttled++;
    }
}

/* ---- wishes ---- */

static bool is_idle_cyclic(const struct wrt_tenant *tenant)
{
    return tenant->is_cyclic && tenant->life.phase == WRT_TENANT_RUNNING &&
           tenant->guest.step == WRT_GUEST_IDLE;
}

uint64_t wrt_schedule_wants(const struct wrt_tenant *tenant, uint64_t now_ns)
{
    if (tenant->stop_asked || tenant->kill_asked)
        return now_ns;
    if (tenant->life.phase == WRT_TENANT_BACKOFF)
        return tenant->life.due_ns;
    if (!wrt_life_is_up(&tenant->life))
        return UINT64_MAX;
    uint64_t at = is_idle_cyclic(tenant) ? tenant->release_ns : now_ns;
    if (budget_left(tenant, now_ns) == 0 && at < tenant->window_ns + WRT_BUDGET_WINDOW_NS)
        at = tenant->window_ns + WRT_BUDGET_WINDOW_NS;
    return at;
}

/* Smaller runs first: those to close, cyclic ones by deadline, all others alike. An activation
 * past its deadline is one of the others: late already, it must not make the rest late too. */
static uint64_t rank(const struct wrt_tenant *tenant)
{
    if (tenant->stop_asked || tenant->kill_asked)
        return 0;
    if (tenant->is_cyclic && !tenant->in_frame && !tenant->overrun_noted &&
        tenant->life.phase == WRT_TENANT_RUNNING)
        return tenant->release_ns + period_ns(tenant);
    return UINT64_MAX;
}

struct wrt_turn wrt_schedule_next(const struct wrt_lane *lane, uint64_t now_ns)
{
    struct wrt_tenant *best = NULL;
    uint64_t wake_ns = UINT64_MAX;
    uint32_t place = 0;
    for (uint32_t i = 0; i < lane->count; i++) {
        uint32_t at_place = (lane->cursor + i) % lane->count;
        struct wrt_tenant *tenant = lane->tenants[at_place];
        uint64_t at = wrt_schedule_wants(tenant, now_ns);
        if (at > now_ns)
            wake_ns = min_of(wake_ns, at);
        else if (best == NULL || rank(tenant) < rank(best)) {
            best = tenant;
            place = at_place + 1;
        }
    }
    if (best == NULL)
        return (struct wrt_turn){NULL, wake_ns, 0};
    uint64_t most = min_of(lane->slice_ns, budget_left(best, now_ns));
    return (struct wrt_turn){best, min_of(now_ns + most, wake_ns),
                             rank(best) == UINT64_MAX ? place : 0};
}

/* ---- releases ---- */

void wrt_schedule_ready(struct wrt_tenant *tenant, uint64_t now_ns)
{
    tenant->release_ns = tenant->in_frame ? UINT64_MAX : now_ns;
    tenant->is_released = false;
    tenant->overrun_noted = false;
}

void wrt_schedule_begin(struct wrt_tenant *tenant, uint64_t now_ns)
{
    tenant->turn_ns = now_ns;
    if (!is_idle_cyclic(tenant) || tenant->is_released)
        return;
    uint64_t late = now_ns - tenant->release_ns;
    tenant->is_released = true;
    tenant->counters.lateness_sum_ns += late;
    if (late > tenant->counters.lateness_max_ns)
        tenant->counters.lateness_max_ns = late;
}

static void note_overrun(struct wrt_tenant *tenant)
{
    tenant->counters.overruns += !tenant->overrun_noted;
    tenant->overrun_noted = true;
}

bool wrt_schedule_overran(struct wrt_tenant *tenant, uint64_t now_ns)
{
    if (tenant->overrun_noted ||
        (!tenant->in_frame && now_ns - tenant->release_ns < period_ns(tenant)))
        return false;
    note_overrun(tenant);
    return true;
}

/* The first release after the one that is over. Unless it catches up, those that passed while
 * it ran are lost. */
static void plan_next(struct wrt_tenant *tenant, uint64_t now_ns)
{
    uint64_t period = period_ns(tenant);
    tenant->release_ns += period;
    if (tenant->config->overrun == WRT_OVERRUN_CATCH_UP || now_ns < tenant->release_ns)
        return;
    /* A dropped activation made room for the release that is due now. */
    uint64_t passed = (now_ns - tenant->release_ns) / period;
    uint64_t lost = tenant->config->overrun == WRT_OVERRUN_DROP ? passed : passed + 1;
    tenant->counters.misses += lost;
    tenant->release_ns += lost * period;
}

void wrt_schedule_finished(struct wrt_tenant *tenant, bool returned, uint64_t now_ns)
{
    uint64_t response = now_ns - tenant->release_ns;
    if (returned) {
        tenant->counters.activations++;
        if (response > tenant->counters.response_max_ns)
            tenant->counters.response_max_ns = response;
    }
    if (!returned || (!tenant->in_frame && response > period_ns(tenant)))
        note_overrun(tenant);
    tenant->is_released = false;
    tenant->overrun_noted = false;
    if (tenant->in_frame)
        tenant->release_ns = UINT64_MAX; /* its next window releases it */
    else
        plan_next(tenant, now_ns);
}
