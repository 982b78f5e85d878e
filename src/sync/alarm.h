/* sync/alarm.h - something is done at a time, by a thread that waits for all of them.
 * SPDX-License-Identifier: Apache-2.0
 *
 * For code that looks at a word to learn that its time is over, where reading the clock would
 * cost more than the work. The thread is started by the first alarm and serves the process until
 * its end; without alarms it sleeps.
 */
#ifndef WRT_SYNC_ALARM_H
#define WRT_SYNC_ALARM_H

#include "wrt/base.h"

/* Zeroed is not set. The caller places it; private fields. */
struct wrt_alarm {
    struct wrt_alarm *next;
    uint64_t when_ns;
    void (*ring)(void *context);
    void *context;
    bool is_set, has_rung;
};

/* ring(context) is called by another thread once when_ns (monotonic) is past; it must not block,
 * and set or clear no alarm. The alarm must not be set already. ERR_UNSUPPORTED, ERR_LIMIT: there
 * are no threads, or no more. O(1), may wake the thread. */
WRT_MUST_CHECK enum wrt_status wrt_alarm_set(struct wrt_alarm *alarm, uint64_t when_ns,
                                             void (*ring)(void *context), void *context);
/* Once this returns, ring does not run and will not. O(alarms set). */
void wrt_alarm_clear(struct wrt_alarm *alarm);

#endif
