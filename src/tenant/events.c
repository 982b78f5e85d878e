/* src/tenant/events.c - see events.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tenant/events.h"

#include "wrt/store.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum wrt_status wrt_events_init(struct wrt_events *events)
{
    events->last = 0;
    return wrt_port_mutex_init(&events->mutex);
}

void wrt_events_deinit(struct wrt_events *events)
{
    wrt_port_mutex_deinit(&events->mutex);
}

void wrt_events_add(struct wrt_events *events, const char *tenant, const char *what,
                    const char *format, ...)
{
    struct wrt_tenant_event event = {.time_ns = wrt_time_now_ns()};
    va_list arguments;
    snprintf(event.tenant, sizeof event.tenant, "%s", tenant);
    snprintf(event.what, sizeof event.what, "%s", what);
    va_start(arguments, format);
    vsnprintf(event.text, sizeof event.text, format, arguments);
    va_end(arguments);
    if (wrt_port_mutex_lock(&events->mutex) != WRT_OK)
        return;
    event.sequence = ++events->last;
    events->ring[event.sequence % WRT_EVENTS_KEPT] = event;
    wrt_port_mutex_unlock(&events->mutex);
}

enum wrt_status wrt_events_next(struct wrt_events *events, uint64_t after,
                                struct wrt_tenant_event *out)
{
    enum wrt_status status = wrt_port_mutex_lock(&events->mutex);
    if (status != WRT_OK)
        return status;
    uint64_t oldest = events->last < WRT_EVENTS_KEPT ? 1 : events->last - WRT_EVENTS_KEPT + 1;
    uint64_t wanted = after < oldest ? oldest : after + 1;
    status = wanted > events->last ? WRT_ERR_NOT_FOUND : WRT_OK;
    if (status == WRT_OK)
        *out = events->ring[wanted % WRT_EVENTS_KEPT];
    wrt_port_mutex_unlock(&events->mutex);
    return status;
}
