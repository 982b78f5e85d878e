/* src/tenant/life.h - the life of a tenant as a state machine without threads or clocks.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   WAITING --start--> STARTING --ready--> RUNNING --ended--> DONE | BACKOFF | FAILED
 *   BACKOFF --due--> STARTING        any --stop--> STOPPED --start--> STARTING
 *
 *   L1  at most max_restarts restarts lie in any window_ns, unless max_restarts is 0
 *   L2  the pause before a restart is backoff_ns doubled per failure in a row, at most
 *       backoff_max_ns; a run of window_ns without failure forgets the row
 */
#ifndef WRT_TENANT_LIFE_H
#define WRT_TENANT_LIFE_H

#include "tenant/config.h"

struct wrt_life_policy {
    enum wrt_restart restart;
    uint64_t backoff_ns, backoff_max_ns, window_ns;
    uint32_t max_restarts; /* 0 = never give up */
};

struct wrt_life {
    enum wrt_tenant_phase phase;
    uint64_t due_ns;     /* BACKOFF: when to start again */
    uint64_t started_ns; /* when it last became STARTING */
    uint32_t row;        /* ends in a row that led to a restart */
    uint64_t restarts, failures;
    uint32_t recent_count, recent_at; /* ring of the last restarts */
    uint64_t recent_ns[WRT_MAX_RESTARTS];
};

struct wrt_life_policy wrt_life_policy_of(const struct wrt_tenant_config *config);

/* From WAITING, STOPPED, DONE or FAILED; forgets earlier restarts. */
void wrt_life_start(struct wrt_life *life, uint64_t now_ns);
/* BACKOFF whose time has come becomes STARTING: true. */
bool wrt_life_due(struct wrt_life *life, uint64_t now_ns);
/* STARTING became RUNNING. */
void wrt_life_ready(struct wrt_life *life);
/* STARTING or RUNNING ended by itself. True: it was given up (FAILED), so escalate. */
bool wrt_life_ended(struct wrt_life *life, const struct wrt_life_policy *policy, bool failed,
                    uint64_t now_ns);
void wrt_life_stop(struct wrt_life *life);
/* Given up without asking the policy: its group is stopped. */
void wrt_life_give_up(struct wrt_life *life);

/* STARTING or RUNNING: there is something that its lane runs. */
bool wrt_life_is_up(const struct wrt_life *life);
/* Others may start after it. */
bool wrt_life_is_ready(const struct wrt_life *life);

#endif
