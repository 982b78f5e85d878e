/* wrt/tenant.h - a set of tenants from a manifest: checked, started, watched, restarted.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A manifest is an INI file (docs/tenants.md lists its keys). Tenants of one priority and
 * affinity share a lane: a thread that runs one of them at a time, in slices, the cyclic ones
 * by earliest deadline, the others in turn. A frame is a lane of its own that follows a table
 * of windows. Everything a tenant costs is charged to its partition.
 *
 * This header's library is libwrt_supervise, not libwrt: it needs inih, libmicrohttpd and, for
 * signatures, libsodium.
 *
 * Threads: a manifest belongs to one thread. wrt_supervisor_create, _run and _destroy belong
 * to one thread; every other call may come from any thread while the supervisor lives.
 */
#ifndef WRT_TENANT_H
#define WRT_TENANT_H

#include "wrt/base.h"
#include "wrt/partition.h"

WRT_BEGIN_DECLS

struct wrt_manifest;
struct wrt_supervisor;

/* ---- manifest ---- */

/* One thing that is wrong, and where. line 0: the file as a whole. */
struct wrt_manifest_problem {
    uint32_t line;
    enum wrt_status status;
    char text[224]; /* one line; bytes that no terminal should obey are shown as \xNN */
};
/* Borrows *problem. Called on the caller's thread, at most 100 times per call below. */
typedef void wrt_manifest_report(void *context, const struct wrt_manifest_problem *problem);

/* Reads and checks the syntax: sections, keys, ranges, names. Reports every problem found and
 * returns the first one's status; ERR_NOT_FOUND or ERR_IO if the file cannot be read,
 * ERR_LIMIT above 4 MiB, 4,096 tenants, or a line of 1,000 bytes. Gives *out, charged to
 * `partition`, which must outlive it. `report` may be NULL.
 * Cost: O(size + tenants^2), may block (system), may fault. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_manifest_load(struct wrt_partition *partition, const char *path,
                  wrt_manifest_report *report, void *context, struct wrt_manifest **out);
/* Cost: O(tenants + frames), may block (system), may fault. */
WRT_API void wrt_manifest_destroy(struct wrt_manifest *manifest); /* NULL does nothing */

/* What the whole set takes, measured by loading each tenant alone. */
struct wrt_manifest_cost {
    uint32_t tenants, lanes;
    uint64_t min_bytes;       /* sum of guaranteed minimums */
    uint64_t footprint_bytes; /* sum of what each uses once instantiated */
    uint64_t largest_bytes;   /* the largest of them */
    uint64_t limit_bytes;     /* memory_max; UINT64_MAX = none */
    uint32_t cpu_permille;    /* sum of budgets */
    uint32_t cpu_limit_permille;
};

/* Says whether it fits: dependencies, sum of minimums, processor budgets, frames, rights,
 * and every module loaded, linked and instantiated (no guest code runs) within its limits.
 * Reports every problem; returns the first one's status. *out is filled in any case. May
 * block on the file system. Leaves nothing behind.
 * Cost: O(tenants^2 + bytes of all modules), may block (system), may fault. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_manifest_check(const struct wrt_manifest *manifest, wrt_manifest_report *report,
                   void *context, struct wrt_manifest_cost *out);

/* Where the control socket is: as in the manifest. Borrowed until it is destroyed.
 * Cost: O(1), never blocks, never faults. */
WRT_API const char *wrt_manifest_control_path(const struct wrt_manifest *manifest);

/* ---- supervisor ---- */

/* X(name, text): where a tenant is in its life. */
#define WRT_TENANT_PHASE_LIST(X)                                            \
    X(WAITING, "waiting")   /* for what it depends on */                    \
    X(STARTING, "starting") /* instantiation and initialisation */          \
    X(RUNNING, "running")                                                   \
    X(BACKOFF, "backoff")   /* ended; starts again when the time has come */ \
    X(DONE, "done")         /* ended by itself, and that is fine */         \
    X(STOPPED, "stopped")   /* by command or shutdown */                    \
    X(FAILED, "failed")     /* given up */

enum wrt_tenant_phase {
#define WRT_TENANT_PHASE_ENUM(name, text) WRT_TENANT_##name,
    WRT_TENANT_PHASE_LIST(WRT_TENANT_PHASE_ENUM)
#undef WRT_TENANT_PHASE_ENUM
    WRT_TENANT_PHASE_COUNT
};
/* Cost: O(1), never blocks, never faults. */
WRT_API const char *wrt_tenant_phase_name(enum wrt_tenant_phase phase);

/* Checks the manifest as wrt_manifest_check does, then creates partitions, loads every
 * module, opens the control socket and the metrics endpoint, and starts the lanes; no guest
 * runs yet. Takes the manifest, also on error; an error leaves nothing started. Gives *out.
 * `report` hears the problems; NULL is allowed.
 * Cost: O(tenants^2 + bytes of all modules), may block (system), may fault. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_supervisor_create(struct wrt_manifest *manifest, wrt_manifest_report *report,
                      void *context, struct wrt_supervisor **out, struct wrt_error *error);

/* Starts tenants in order and watches them until wrt_supervisor_stop, or until an escalation
 * asks for the exit (ERR_TRAP). Then stops all in reverse order, within shutdown_ms
 * (ERR_TIMEOUT: a tenant sits in a host call; its lane could not be joined). Blocks.
 * Cost: O(tenants) for each turn, blocks until it is stopped, may fault. */
WRT_MUST_CHECK WRT_API enum wrt_status wrt_supervisor_run(struct wrt_supervisor *supervisor);

/* Asks wrt_supervisor_run to end. May be called from a signal handler.
 * Cost: O(1), never blocks, never faults. */
WRT_API void wrt_supervisor_stop(struct wrt_supervisor *supervisor);

/* Stops lanes, sockets and frees all. ERR_BUSY after a shutdown that ran out of time.
 * Cost: O(tenants and all that they hold), blocks for up to 5 s, may fault. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_supervisor_destroy(struct wrt_supervisor *supervisor);

enum wrt_tenant_command {
    WRT_TENANT_STOP,       /* and keep it stopped */
    WRT_TENANT_RESTART,    /* stop if it runs, then start; forgets earlier failures */
    WRT_TENANT_RECONFIGURE /* read manifest and module anew, and replace this one tenant */
};
/* Asks; the supervisor does it as soon as the tenant reaches a stop point. RECONFIGURE checks
 * the new manifest and module first: an error changes nothing. ERR_NOT_FOUND, ERR_BUSY while
 * an earlier command on the tenant is not done, ERR_STATE during shutdown.
 * Cost: O(tenants); RECONFIGURE as wrt_manifest_check, may block (system), may fault. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_supervisor_command(struct wrt_supervisor *supervisor, enum wrt_tenant_command command,
                       const char *tenant, struct wrt_error *error);

/* One moment of one tenant. Times in nanoseconds; counters since the supervisor started. */
struct wrt_tenant_status {
    char name[32], group[32];
    enum wrt_tenant_phase phase;
    bool has_period;
    bool module_changed;      /* the file differs from what was loaded */
    const char *tier, *tier_asked; /* in force, asked for; static */
    uint32_t lane;
    int priority;             /* in force; 0: ordinary scheduling */
    uint64_t min_bytes, max_bytes, used_bytes, high_water_bytes, refusals;
    uint64_t cpu_ns, fuel;
    uint64_t throttled;       /* times its processor budget was used up */
    uint64_t activations;     /* finished */
    uint64_t overruns;        /* activations that passed their period, window or limits */
    uint64_t misses;          /* releases at which it was not ready */
    uint64_t lateness_sum_ns, lateness_max_ns; /* release to start, of all releases */
    uint64_t response_max_ns; /* release to end */
    uint64_t heartbeats;
    uint64_t failures, restarts;
    char last_failure[128];   /* "" if none */
};
/* Copies tenant number `index`, in start order; looks at its module file too, so it may block
 * on the file system. ERR_BOUNDS past the last.
 * Cost: O(1) and a look at the module's file, may block (system), never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_supervisor_status(struct wrt_supervisor *supervisor, uint32_t index,
                      struct wrt_tenant_status *out);

/* One frame's schedule. */
struct wrt_frame_status {
    char name[32];
    uint64_t major_ns, windows_run, frames_run;
    uint64_t jitter_sum_ns, jitter_max_ns; /* planned to actual start of a window */
    uint64_t windows_lost;                 /* over before their tenant could run */
};
/* Cost: O(lanes), may block (lock), never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_supervisor_frame_status(struct wrt_supervisor *supervisor, uint32_t index,
                            struct wrt_frame_status *out);

/* The whole: all partitions together.
 * Cost: O(processes), may block (lock), never faults. */
WRT_API void wrt_supervisor_memory(struct wrt_supervisor *supervisor,
                                   struct wrt_partition_info *out);

/* ---- events ---- */

struct wrt_tenant_event {
    uint64_t sequence;  /* 1, 2, … without gaps as they happen */
    uint64_t time_ns;   /* monotonic */
    char tenant[32];    /* "" for the supervisor's own */
    char what[24];      /* "started", "failed", "restarted", "watchdog", … */
    char text[128];
};
/* The oldest event kept with a sequence above `after`; the last 1,024 are kept.
 * ERR_NOT_FOUND: there is none yet.
 * Cost: O(1), may block (lock), never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_supervisor_event(struct wrt_supervisor *supervisor, uint64_t after,
                     struct wrt_tenant_event *out);

/* ---- control socket, from the other side ---- */

/* Sends one request line and hands over the answer in pieces. Requests and answers: see
 * docs/tenants.md. ERR_NOT_FOUND: nobody listens there; ERR_DENIED: not allowed;
 * ERR_TIMEOUT: no answer for 10 s. Blocks.
 * Cost: O(bytes of the answer), blocks for up to 10 s, never faults. */
typedef void wrt_control_receive(void *context, const char *bytes, size_t size_bytes);
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_control_ask(const char *path, const char *request, wrt_control_receive *receive,
                void *context, struct wrt_error *error);

WRT_END_DECLS
#endif
