/* src/tenant/events.h - what happened, in a ring of the last 1,024 lines.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sequence numbers count without gaps, so a reader that finds one knows how much it lost.
 * Any thread; a lock with priority inheritance for one copy.
 */
#ifndef WRT_TENANT_EVENTS_H
#define WRT_TENANT_EVENTS_H

#include "port.h"
#include "wrt/tenant.h"

enum { WRT_EVENTS_KEPT = 1024 };

struct wrt_events {
    struct wrt_port_mutex mutex;
    uint64_t last; /* sequence of the newest; 0 = none yet */
    struct wrt_tenant_event ring[WRT_EVENTS_KEPT]; /* event n is in slot n % KEPT */
};

WRT_MUST_CHECK enum wrt_status wrt_events_init(struct wrt_events *events);
void wrt_events_deinit(struct wrt_events *events);

WRT_PRINTF(4, 5)
void wrt_events_add(struct wrt_events *events, const char *tenant, const char *what,
                    const char *format, ...);
WRT_MUST_CHECK enum wrt_status wrt_events_next(struct wrt_events *events, uint64_t after,
                                               struct wrt_tenant_event *out);

#endif
