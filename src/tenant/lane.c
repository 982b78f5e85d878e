/* src/tenant/lane.c - a lane's thread: take a decision, carry it out, write down what came of it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tenant/lane.h"

#include "base/error.h"
#include "port_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The longest sleep: a lane looks around by itself ten times a second. */
#define LOOK_NS 100000000u
/* How old the memory figures of a tenant with a short period may be. */
#define MEMORY_NS 10000000u

void wrt_lane_lock(struct wrt_lane *lane)
{
    /* Error-checking: fails only for a thread that has it already, which none does. */
    (void)!wrt_port_mutex_lock(&lane->mutex);
}

void wrt_lane_unlock(struct wrt_lane *lane)
{
    wrt_port_mutex_unlock(&lane->mutex);
}

static void raise_word(uint32_t *word)
{
    uint32_t woken;
    __atomic_fetch_add(word, 1, __ATOMIC_RELEASE);
    (void)!wrt_port_wake(word, 1, false, &woken);
}

void wrt_lane_poke(struct wrt_lane *lane, struct wrt_tenant *tenant)
{
    if (tenant != NULL && tenant->busy && tenant->may_interrupt)
        wrt_guest_interrupt(&tenant->guest);
    raise_word(&lane->word);
}

/* ---- what came of a turn; under the lock ---- */

void wrt_lane_note_memory(struct wrt_tenant *tenant, uint64_t now_ns)
{
    if (tenant->guest.partition != NULL)
        wrt_partition_get_info(tenant->guest.partition, &tenant->memory);
    tenant->memory_ns = now_ns;
}

/* After each turn; a cyclic tenant that has its next one soon is spared some. */
static bool is_memory_due(const struct wrt_tenant *tenant, uint64_t now_ns)
{
    bool is_frequent = tenant->is_cyclic && !tenant->in_frame &&
                       tenant->life.phase == WRT_TENANT_RUNNING &&
                       tenant->config->period_us < MEMORY_NS / 1000;
    return !is_frequent || now_ns - tenant->memory_ns >= MEMORY_NS;
}

static void close_guest(struct wrt_lane *lane, struct wrt_tenant *tenant)
{
    tenant->may_interrupt = false;
    wrt_lane_unlock(lane);
    wrt_guest_close(&tenant->guest);
    wrt_lane_lock(lane);
}

/* STARTING or RUNNING is over by itself. */
static void end(struct wrt_lane *lane, struct wrt_tenant *tenant, bool failed, const char *why)
{
    const char *name = tenant->config->name;
    close_guest(lane, tenant);
    if (failed)
        snprintf(tenant->reason, sizeof tenant->reason, "%s", why);
    tenant->kill_asked = false;
    tenant->given_up = wrt_life_ended(&tenant->life, &tenant->policy, failed, wrt_time_now_ns());
    wrt_events_add(lane->events, name, failed ? "failed" : "ended", "%s", failed ? why : "by itself");
    if (tenant->life.phase == WRT_TENANT_BACKOFF)
        wrt_events_add(lane->events, name, "backoff", "starts again in %" PRIu64 " ms",
                       (tenant->life.due_ns - wrt_time_now_ns()) / 1000000);
    raise_word(lane->supervisor_word);
}

static void stop(struct wrt_lane *lane, struct wrt_tenant *tenant)
{
    close_guest(lane, tenant);
    tenant->stop_asked = tenant->kill_asked = false;
    wrt_life_stop(&tenant->life);
    wrt_events_add(lane->events, tenant->config->name, "stopped", "asked to");
    raise_word(lane->supervisor_word);
}

static void become_ready(struct wrt_lane *lane, struct wrt_tenant *tenant, uint64_t now_ns)
{
    wrt_life_ready(&tenant->life);
    wrt_schedule_ready(tenant, now_ns);
    wrt_events_add(lane->events, tenant->config->name, "running", "after %" PRIu64 " us",
                   (now_ns - tenant->life.started_ns) / 1000);
    raise_word(lane->supervisor_word);
}

/* A cyclic activation is over, or goes on past its time: what its policy says. */
static void overran(struct wrt_lane *lane, struct wrt_tenant *tenant, uint64_t now_ns)
{
    switch ((enum wrt_overrun)tenant->config->overrun) {
    case WRT_OVERRUN_FAIL: end(lane, tenant, true, "it overran its time"); break;
    case WRT_OVERRUN_DROP:
        wrt_guest_drop(&tenant->guest);
        if (tenant->guest.step == WRT_GUEST_IDLE)
            wrt_schedule_finished(tenant, false, now_ns);
        break;
    case WRT_OVERRUN_SKIP:
    case WRT_OVERRUN_CATCH_UP: break; /* it goes on */
    }
}

static void limited(struct wrt_lane *lane, struct wrt_tenant *tenant, const char *why,
                    uint64_t now_ns)
{
    bool may_go_on = tenant->is_cyclic && tenant->life.phase == WRT_TENANT_RUNNING &&
                     tenant->config->overrun != WRT_OVERRUN_FAIL;
    if (may_go_on)
        wrt_schedule_finished(tenant, false, now_ns);
    else
        end(lane, tenant, true, why);
}

static void yielded(struct wrt_lane *lane, struct wrt_tenant *tenant, uint64_t until_ns,
                    uint64_t now_ns)
{
    bool runs = tenant->is_cyclic && tenant->guest.step == WRT_GUEST_ACTIVE;
    if (runs && (!tenant->in_frame || now_ns >= until_ns) &&
        wrt_schedule_overran(tenant, now_ns))
        overran(lane, tenant, now_ns);
}

static void finished(struct wrt_lane *lane, struct wrt_tenant *tenant, uint64_t now_ns)
{
    if (tenant->is_cyclic) {
        wrt_schedule_finished(tenant, true, now_ns);
        return;
    }
    tenant->counters.activations++;
    end(lane, tenant, false, NULL);
}

/* Turns without fuel are time spent in host calls, or in a process that hangs. */
static void note_progress(struct wrt_tenant *tenant, uint64_t fuel_before, uint64_t now_ns)
{
    tenant->counters.fuel += tenant->guest.fuel_total - fuel_before;
    if (tenant->guest.fuel_total != fuel_before)
        tenant->stuck_ns = 0;
    else
        tenant->stuck_ns += now_ns - tenant->turn_ns;
}

static uint64_t cpu_now(void)
{
    uint64_t ns = 0;
    (void)!wrt_port_clock_read(WRT_PORT_CLOCK_THREAD_CPU, &ns);
    return ns;
}

static void run_guest(struct wrt_lane *lane, struct wrt_tenant *tenant, uint64_t now_ns,
                      uint64_t until_ns)
{
    struct wrt_error error = {0};
    const uint64_t fuel_before = tenant->guest.fuel_total, cpu_before = cpu_now();
    tenant->may_interrupt = tenant->guest.step != WRT_GUEST_CLOSED;
    tenant->guest.turn_cpu_ns = 0;
    wrt_lane_unlock(lane);
    enum wrt_guest_outcome outcome =
        wrt_guest_run(&tenant->guest, tenant->is_cyclic, now_ns, until_ns, &error);
    uint64_t cpu_ns = cpu_now() - cpu_before + tenant->guest.turn_cpu_ns;
    wrt_lane_lock(lane);
    tenant->may_interrupt = false;
    now_ns = wrt_time_now_ns();
    wrt_schedule_charge(tenant, cpu_ns, now_ns);
    note_progress(tenant, fuel_before, now_ns);
    switch (outcome) {
    case WRT_GUEST_YIELDED: yielded(lane, tenant, until_ns, now_ns); break;
    case WRT_GUEST_READY: become_ready(lane, tenant, now_ns); break;
    case WRT_GUEST_FINISHED: finished(lane, tenant, now_ns); break;
    case WRT_GUEST_LIMITED: limited(lane, tenant, error.text, now_ns); break;
    case WRT_GUEST_ENDED: end(lane, tenant, false, NULL); break;
    case WRT_GUEST_FAILED: end(lane, tenant, true, error.text); break;
    }
}

static void take_turn(struct wrt_lane *lane, struct wrt_turn turn, uint64_t now_ns)
{
    struct wrt_tenant *tenant = turn.tenant;
    if (wrt_life_due(&tenant->life, now_ns))
        wrt_events_add(lane->events, tenant->config->name, "restarted", "for the %" PRIu64 ". time",
                       tenant->life.restarts);
    wrt_schedule_begin(tenant, now_ns);
    tenant->busy = true;
    if (tenant->stop_asked) {
        stop(lane, tenant);
    } else if (tenant->kill_asked) {
        char why[WRT_REASON_BYTES];
        memcpy(why, tenant->reason, sizeof why);
        end(lane, tenant, true, why);
    } else {
        run_guest(lane, tenant, now_ns, turn.until_ns);
    }
    now_ns = wrt_time_now_ns();
    if (is_memory_due(tenant, now_ns))
        wrt_lane_note_memory(tenant, now_ns);
    tenant->busy = false;
}

uint64_t wrt_lane_turn(struct wrt_lane *lane)
{
    uint64_t now_ns = wrt_time_now_ns();
    wrt_lane_lock(lane);
    struct wrt_turn turn = lane->frame.config != NULL ? wrt_frame_next(lane, now_ns)
                                                      : wrt_schedule_next(lane, now_ns);
    if (turn.tenant != NULL) {
        if (turn.place != 0)
            lane->cursor = turn.place % lane->count;
        take_turn(lane, turn, now_ns);
    }
    wrt_lane_unlock(lane);
    return turn.tenant != NULL ? 0 : turn.until_ns;
}

/* ---- the thread ---- */

static void body(void *context)
{
    struct wrt_lane *lane = context;
    while (!__atomic_load_n(&lane->quit, __ATOMIC_ACQUIRE)) {
        uint32_t word = __atomic_load_n(&lane->word, __ATOMIC_ACQUIRE);
        uint64_t until_ns = wrt_lane_turn(lane);
        if (until_ns == 0)
            continue;
        uint64_t look_ns = wrt_time_now_ns() + LOOK_NS;
        (void)!wrt_port_wait(&lane->word, word, until_ns < look_ns ? until_ns : look_ns, false);
    }
    __atomic_store_n(&lane->has_ended, true, __ATOMIC_RELEASE);
    raise_word(lane->supervisor_word);
}

static enum wrt_status try_start(struct wrt_lane *lane, int priority, uint64_t affinity)
{
    char name[16];
    snprintf(name, sizeof name, "wrt-lane-%" PRIu32, lane->number % 10000);
    const struct wrt_port_thread_config config = {
        .priority = priority, .affinity = affinity, .name = name};
    enum wrt_status status = wrt_port_thread_create(&config, body, lane, &lane->thread);
    lane->priority_in_force = priority;
    lane->affinity_in_force = affinity == lane->affinity_mask;
    return status;
}

enum wrt_status wrt_lane_start(struct wrt_lane *lane, struct wrt_error *error)
{
    enum wrt_status status = try_start(lane, lane->priority, lane->affinity_mask);
    if (status != WRT_OK && lane->affinity_mask != 0)
        status = try_start(lane, lane->priority, 0);
    if (status != WRT_OK && lane->priority != 0)
        status = try_start(lane, 0, lane->affinity_mask);
    if (status != WRT_OK && lane->priority != 0 && lane->affinity_mask != 0)
        status = try_start(lane, 0, 0);
    if (status != WRT_OK)
        return wrt_fail(error, status, "lane %" PRIu32 ": its thread does not start: %s",
                        lane->number, wrt_status_text(status));
    return WRT_OK;
}

enum wrt_status wrt_lane_end(struct wrt_lane *lane, uint64_t deadline_ns)
{
    if (!lane->thread.is_valid)
        return WRT_OK;
    __atomic_store_n(&lane->quit, true, __ATOMIC_RELEASE);
    raise_word(&lane->word);
    while (!__atomic_load_n(&lane->has_ended, __ATOMIC_ACQUIRE)) {
        uint32_t word = __atomic_load_n(lane->supervisor_word, __ATOMIC_ACQUIRE);
        uint64_t now_ns = wrt_time_now_ns(), look_ns = now_ns + LOOK_NS / 10;
        if (__atomic_load_n(&lane->has_ended, __ATOMIC_ACQUIRE))
            break;
        if (now_ns >= deadline_ns)
            return WRT_ERR_TIMEOUT;
        (void)!wrt_port_wait(lane->supervisor_word, word,
                             deadline_ns < look_ns ? deadline_ns : look_ns, false);
    }
    return wrt_port_thread_join(&lane->thread);
}
