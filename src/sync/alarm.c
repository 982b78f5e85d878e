/* sync/alarm.c - see alarm.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One list under one lock; the thread sleeps on `changes` until the earliest alarm. Who sets an
 * alarm that is earlier than `sleeps_until` counts a change and wakes it.
 */
#include <stdatomic.h>

#include "alarm.h"
#include "port.h"

static struct wrt_port_mutex gate;
static _Atomic int gate_state; /* 0 not made, 1 being made, 2 made, 3 refused */
static struct wrt_alarm *alarms;
static uint64_t sleeps_until;
static bool is_started;
static uint32_t changes; /* written while the gate is held */

static bool make_gate(void)
{
    int none = 0;
    if (atomic_compare_exchange_strong(&gate_state, &none, 1))
        atomic_store(&gate_state, wrt_port_mutex_init(&gate) == WRT_OK ? 2 : 3);
    while (atomic_load(&gate_state) == 1) {
    }
    return atomic_load(&gate_state) == 2;
}

/* Rings what is due; returns when the next is. The gate is held. */
static uint64_t ring_due(uint64_t now_ns)
{
    uint64_t next_ns = UINT64_MAX;
    for (struct wrt_alarm *a = alarms; a != NULL; a = a->next) {
        if (!a->has_rung && a->when_ns <= now_ns) {
            a->has_rung = true;
            a->ring(a->context);
        }
        if (!a->has_rung && a->when_ns < next_ns)
            next_ns = a->when_ns;
    }
    return next_ns;
}

static void watch(void *context)
{
    (void)context;
    for (;;) {
        uint64_t now_ns = 0;
        if (wrt_port_mutex_lock(&gate) != WRT_OK)
            return;
        const uint32_t seen = changes;
        const bool has_time = wrt_port_time_now(&now_ns) == WRT_OK;
        const uint64_t next_ns = sleeps_until = has_time ? ring_due(now_ns) : UINT64_MAX;
        wrt_port_mutex_unlock(&gate);
        (void)!wrt_port_wait(&changes, seen, next_ns, false);
    }
}

/* The gate is held. */
static enum wrt_status start(void)
{
    const struct wrt_port_thread_config config = {.stack_bytes = 65536, .name = "wrt-alarm"};
    struct wrt_port_thread thread;
    if (is_started)
        return WRT_OK;
    sleeps_until = UINT64_MAX;
    const enum wrt_status status = wrt_port_thread_create(&config, watch, NULL, &thread);
    is_started = status == WRT_OK;
    return status;
}

enum wrt_status wrt_alarm_set(struct wrt_alarm *alarm, uint64_t when_ns,
                              void (*ring)(void *context), void *context)
{
    if (!make_gate())
        return WRT_ERR_UNSUPPORTED;
    enum wrt_status status = wrt_port_mutex_lock(&gate);
    if (status != WRT_OK)
        return status;
    status = start();
    bool wake = false;
    if (status == WRT_OK) {
        *alarm = (struct wrt_alarm){alarms, when_ns, ring, context, true, false};
        alarms = alarm;
        wake = when_ns < sleeps_until;
        if (wake)
            changes++;
    }
    wrt_port_mutex_unlock(&gate);
    uint32_t woken;
    if (wake)
        (void)!wrt_port_wake(&changes, 1, false, &woken);
    return status;
}

void wrt_alarm_clear(struct wrt_alarm *alarm)
{
    if (!alarm->is_set || wrt_port_mutex_lock(&gate) != WRT_OK)
        return;
    for (struct wrt_alarm **at = &alarms; *at != NULL; at = &(*at)->next)
        if (*at == alarm) {
            *at = alarm->next;
            break;
        }
    alarm->is_set = false;
    wrt_port_mutex_unlock(&gate);
}
