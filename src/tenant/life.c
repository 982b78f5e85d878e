/* src/tenant/life.c - see life.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tenant/life.h"

#define NS_PER_MS 1000000u

struct wrt_life_policy wrt_life_policy_of(const struct wrt_tenant_config *config)
{
    return (struct wrt_life_policy){
        .restart = (enum wrt_restart)config->restart,
        .backoff_ns = config->backoff_ms * NS_PER_MS,
        .backoff_max_ns = config->backoff_max_ms * NS_PER_MS,
        .window_ns = config->restart_window_ms * NS_PER_MS,
        .max_restarts = (uint32_t)config->max_restarts};
}

static void begin(struct wrt_life *life, uint64_t now_ns)
{
    life->phase = WRT_TENANT_STARTING;
    life->started_ns = now_ns;
}

void wrt_life_start(struct wrt_life *life, uint64_t now_ns)
{
    life->row = 0;
    life->recent_count = life->recent_at = 0;
    begin(life, now_ns);
}

bool wrt_life_due(struct wrt_life *life, uint64_t now_ns)
{
    if (life->phase != WRT_TENANT_BACKOFF || now_ns < life->due_ns)
        return false;
    life->restarts++;
    begin(life, now_ns);
    return true;
}

void wrt_life_ready(struct wrt_life *life)
{
    life->phase = WRT_TENANT_RUNNING;
}

/* Restarts in the window that ends now. */
static uint32_t recent(const struct wrt_life *life, uint64_t window_ns, uint64_t now_ns)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < life->recent_count; i++)
        count += now_ns - life->recent_ns[i] < window_ns;
    return count;
}

static void remember(struct wrt_life *life, uint64_t now_ns)
{
    life->recent_ns[life->recent_at] = now_ns;
    life->recent_at = (life->recent_at + 1) % WRT_MAX_RESTARTS;
    if (life->recent_count < WRT_MAX_RESTARTS)
        life->recent_count++;
}

static uint64_t pause(const struct wrt_life_policy *policy, uint32_t row)
{
    uint64_t ns = policy->backoff_ns;
    while (row-- > 0 && ns < policy->backoff_max_ns)
        ns *= 2; /* below 2 days of nanoseconds */
    return ns < policy->backoff_max_ns ? ns : policy->backoff_max_ns;
}

static bool restarts(const struct wrt_life_policy *policy, bool failed)
{
    return policy->restart == WRT_RESTART_ALWAYS ||
           (policy->restart == WRT_RESTART_ON_FAILURE && failed);
}

bool wrt_life_ended(struct wrt_life *life, const struct wrt_life_policy *policy, bool failed,
                    uint64_t now_ns)
{
    life->failures += failed;
    if (!restarts(policy, failed)) {
        life->phase = failed ? WRT_TENANT_FAILED : WRT_TENANT_DONE;
        return failed;
    }
    if (policy->max_restarts != 0 &&
        recent(life, policy->window_ns, now_ns) >= policy->max_restarts) {
        life->phase = WRT_TENANT_FAILED;
        return true;
    }
    if (now_ns - life->started_ns >= policy->window_ns)
        life->row = 0;
    life->due_ns = now_ns + pause(policy, life->row);
    if (life->row < 63)
        life->row++;
    remember(life, now_ns);
    life->phase = WRT_TENANT_BACKOFF;
    return false;
}

void wrt_life_stop(struct wrt_life *life)
{
    life->phase = WRT_TENANT_STOPPED;
}

void wrt_life_give_up(struct wrt_life *life)
{
    life->phase = WRT_TENANT_FAILED;
}

bool wrt_life_is_up(const struct wrt_life *life)
{
    return life->phase == WRT_TENANT_STARTING || life->phase == WRT_TENANT_RUNNING;
}

bool wrt_life_is_ready(const struct wrt_life *life)
{
    return life->phase == WRT_TENANT_RUNNING || life->phase == WRT_TENANT_DONE;
}
