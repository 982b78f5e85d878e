/* src/tenant/lane.h - a lane: one thread that runs its tenants one at a time, in turns.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The lane's lock covers every field of its tenants but `guest`, which belongs to the lane's
 * thread while `busy` and otherwise to whoever holds the lock. It is held for bookkeeping and
 * never while a guest runs, is opened or is closed.
 *
 *   N1  busy is only set and cleared by the lane's thread
 *   N2  a tenant that is not up and not busy has a closed guest
 *
 * Who runs next is decided by wrt_schedule_next (schedule.c) or wrt_frame_next (frame.c),
 * which look at tenants and the time and do nothing else.
 */
#ifndef WRT_TENANT_LANE_H
#define WRT_TENANT_LANE_H

#include "port.h"
#include "tenant/events.h"
#include "tenant/guest.h"
#include "tenant/life.h"

enum { WRT_MAX_LANES = 256, WRT_REASON_BYTES = 128 };

#define WRT_BUDGET_WINDOW_NS 100000000u /* what cpu_permille is a share of */

struct wrt_lane;

struct wrt_counters {
    uint64_t cpu_ns, fuel, throttled, activations, overruns, misses;
    uint64_t lateness_sum_ns, lateness_max_ns, response_max_ns;
};

struct wrt_tenant {
    struct wrt_tenant_config *config; /* owned by the supervisor */
    struct wrt_lane *lane;
    struct wrt_guest guest;
    bool is_cyclic, in_frame;
    /* under the lane's lock */
    struct wrt_life life;
    struct wrt_life_policy policy;
    bool busy, may_interrupt;
    bool stop_asked, kill_asked; /* by the supervisor; the lane answers by closing */
    bool given_up;               /* by the lane; the supervisor escalates */
    char reason[WRT_REASON_BYTES]; /* of kill_asked, then of the last failure */
    uint64_t release_ns;     /* cyclic: of the activation under way, or the next; UINT64_MAX:
                                none is due */
    bool is_released;        /* the activation's start was noted */
    bool overrun_noted;      /* of this activation */
    uint64_t window_ns, window_used_ns; /* processor budget: since when, how much */
    bool throttle_noted;
    uint64_t turn_ns;        /* when the turn under way began */
    uint64_t stuck_ns;       /* how long turns have brought no fuel */
    struct wrt_counters counters;
    struct wrt_partition_info memory; /* as of memory_ns: only who is alone with it may ask */
    uint64_t memory_ns;
    /* the supervisor's */
    struct wrt_tenant_config *next_config; /* takes its place when closed */
    bool owns_config;        /* config is not the first manifest's */
    bool restart_asked, was_ready, was_up;
    uint32_t after_count;
    uint32_t after[WRT_MAX_WORDS]; /* indexes of those it depends on */
};

struct wrt_frame_table {
    const struct wrt_frame_config *config; /* NULL: the lane has no frame */
    struct wrt_tenant *tenants[WRT_MAX_WINDOWS];
    uint64_t epoch_ns;      /* 0: not begun */
    uint64_t last_window;   /* number since the epoch, plus one, of the last one entered */
    uint64_t windows_run, windows_lost, jitter_sum_ns, jitter_max_ns;
};

struct wrt_lane {
    struct wrt_port_mutex mutex;
    struct wrt_port_thread thread;
    uint32_t word;          /* raised when something changed that may need a turn */
    bool quit, has_ended;   /* atomic */
    uint32_t number, count, cursor;
    struct wrt_tenant **tenants;
    struct wrt_frame_table frame;
    struct wrt_events *events;
    uint32_t *supervisor_word; /* raised and woken when a phase changed */
    uint64_t slice_ns, affinity_mask;
    int priority;           /* asked for */
    int priority_in_force;
    bool affinity_in_force;
    bool is_remote;         /* one tenant of the tier process */
};

/* A decision: this tenant until then; or nobody, and look again then. */
struct wrt_turn {
    struct wrt_tenant *tenant;
    uint64_t until_ns;
    uint32_t place; /* of the tenant in the lane, plus one, where turns go round */
};

/* ---- schedule.c: pure ---- */

/* When the tenant next wants a turn; <= now: at once; UINT64_MAX: not by itself. */
uint64_t wrt_schedule_wants(const struct wrt_tenant *tenant, uint64_t now_ns);
/* Cyclic ones by earliest deadline, then the others in turn from lane->cursor on. */
struct wrt_turn wrt_schedule_next(const struct wrt_lane *lane, uint64_t now_ns);

/* Bookkeeping around a turn. */
void wrt_schedule_begin(struct wrt_tenant *tenant, uint64_t now_ns);
void wrt_schedule_charge(struct wrt_tenant *tenant, uint64_t cpu_ns, uint64_t now_ns);
/* Cyclic: an activation is over (returned, or was dropped): when is the next? */
void wrt_schedule_finished(struct wrt_tenant *tenant, bool returned, uint64_t now_ns);
/* Cyclic, still running after a turn: is it past its period, for the first time? In a frame
 * ask at the end of a window only: there it is. */
bool wrt_schedule_overran(struct wrt_tenant *tenant, uint64_t now_ns);
/* The tenant became RUNNING. */
void wrt_schedule_ready(struct wrt_tenant *tenant, uint64_t now_ns);

/* ---- frame.c: pure ---- */

struct wrt_turn wrt_frame_next(struct wrt_lane *lane, uint64_t now_ns);

/* ---- lane.c ---- */

/* Starts the thread. Falls back to ordinary scheduling, and all processors, where the
 * system does not allow more: *_in_force tell. */
WRT_MUST_CHECK enum wrt_status wrt_lane_start(struct wrt_lane *lane, struct wrt_error *error);
/* Asks it to end and waits for that until deadline_ns. ERR_TIMEOUT. */
WRT_MUST_CHECK enum wrt_status wrt_lane_end(struct wrt_lane *lane, uint64_t deadline_ns);

void wrt_lane_lock(struct wrt_lane *lane);
void wrt_lane_unlock(struct wrt_lane *lane);
/* Under the lock: something changed; a guest that runs is interrupted if `tenant` has it. */
void wrt_lane_poke(struct wrt_lane *lane, struct wrt_tenant *tenant);
/* Under the lock, with nobody in the tenant's partition: notes what it holds. */
void wrt_lane_note_memory(struct wrt_tenant *tenant, uint64_t now_ns);
/* Performs one turn of the lane, or tells when to look again. The thread's loop, and the way
 * to test it without one. Returns the time to wait until; 0 = go on at once. */
uint64_t wrt_lane_turn(struct wrt_lane *lane);

#endif
