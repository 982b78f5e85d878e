/* src/tenant/supervisor.h - what the files of the supervisor share.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Locks, taken in this order: supervisor->mutex, a lane's, the events'. The supervisor's is
 * held while it looks at its tenants and while a command is taken; lanes never take it.
 */
#ifndef WRT_TENANT_SUPERVISOR_H
#define WRT_TENANT_SUPERVISOR_H

#include "tenant/plan.h"

struct MHD_Daemon;

struct wrt_control {
    struct wrt_port_thread thread;
    bool quit, is_open; /* quit: atomic */
    int listener;
};

struct wrt_supervisor {
    struct wrt_manifest *manifest;   /* owned */
    struct wrt_partition *partition; /* the manifest's: for our own memory */
    struct wrt_partition *root;      /* of all tenants */
    struct wrt_port_mutex mutex;
    bool has_mutex, has_events, is_stuck;
    uint32_t word;       /* raised when something happened that step should look at */
    bool stop_asked;     /* atomic */
    bool exit_asked, is_stopping;
    uint32_t tenant_count, lane_count, ready_lanes;
    struct wrt_tenant *tenants;  /* in start order */
    struct wrt_tenant **members; /* the lanes' lists, one after the other */
    struct wrt_lane *lanes;
    struct wrt_control control;
    struct MHD_Daemon *metrics;
    int metrics_listener;
    struct wrt_events events;
};

/* ---- watch.c: what the supervisor does each time it looks ---- */

/* One look at every tenant: watchdogs, starts, escalations, replacements; while stopping,
 * stops in reverse order. True: stopping, and nothing is up any more. Holds the mutex. */
bool wrt_supervisor_step(struct wrt_supervisor *supervisor, uint64_t now_ns);
/* Under the mutex and the lane's lock. */
void wrt_tenant_ask_stop(struct wrt_tenant *tenant);

/* ---- replace.c ---- */

/* Reads the manifest anew, tries the tenant, and keeps its new config for step. */
WRT_MUST_CHECK enum wrt_status
wrt_supervisor_prepare(struct wrt_supervisor *supervisor, const char *name,
                       struct wrt_error *error);
/* The closed tenant takes next_config. Under the mutex. */
void wrt_supervisor_replace(struct wrt_supervisor *supervisor, struct wrt_tenant *tenant);

/* ---- control.c, metrics.c ---- */

WRT_MUST_CHECK enum wrt_status wrt_control_open(struct wrt_supervisor *supervisor,
                                                struct wrt_error *error);
void wrt_control_close(struct wrt_supervisor *supervisor);
WRT_MUST_CHECK enum wrt_status wrt_metrics_open(struct wrt_supervisor *supervisor,
                                                struct wrt_error *error);
void wrt_metrics_close(struct wrt_supervisor *supervisor);

/* As wrt_supervisor_status, which looks at the module's file too. */
WRT_MUST_CHECK enum wrt_status
wrt_supervisor_figures(struct wrt_supervisor *supervisor, uint32_t index, bool look_at_file,
                       struct wrt_tenant_status *out);

/* Index of a tenant in start order, or UINT32_MAX. Under the mutex: configs change. */
uint32_t wrt_supervisor_find(const struct wrt_supervisor *supervisor, const char *name);
/* Wakes the thread that watches. */
void wrt_supervisor_notify(struct wrt_supervisor *supervisor);
void wrt_supervisor_lock(struct wrt_supervisor *supervisor);
void wrt_supervisor_unlock(struct wrt_supervisor *supervisor);

#endif
