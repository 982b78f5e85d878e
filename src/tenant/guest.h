/* src/tenant/guest.h - one tenant's guest: loaded, opened, run in turns, closed.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Loading makes the partition and the module and is done by the supervisor; opening makes
 * what a restart makes anew (store, WASI, instance, or the worker process). A turn ends when
 * the step it is in ends, or at `until_ns`, and the next turn goes on from there:
 *
 *   CLOSED -> INSTANTIATE -> INITIALIZE -> IDLE <-> ACTIVE
 *
 * Each call here is inside the partition's guard. One thread at a time, but interrupt and
 * the two atomic heartbeat fields.
 */
#ifndef WRT_TENANT_GUEST_H
#define WRT_TENANT_GUEST_H

#include "tenant/config.h"
#include "wrt/oblivious_host.h"
#include "wrt/store.h"
#include "wrt/wasi.h"
#include "wrt/native.h"
#include "wrt/worker.h"

enum wrt_guest_step { WRT_GUEST_CLOSED, WRT_GUEST_INSTANTIATE, WRT_GUEST_INITIALIZE,
                      WRT_GUEST_IDLE, WRT_GUEST_ACTIVE };

enum wrt_guest_outcome {
    WRT_GUEST_YIELDED,  /* its time was up; run it again */
    WRT_GUEST_READY,    /* became IDLE for the first time */
    WRT_GUEST_FINISHED, /* an activation returned */
    WRT_GUEST_LIMITED,  /* an activation used up its fuel or passed its deadline: dropped */
    WRT_GUEST_ENDED,    /* exited with 0 */
    WRT_GUEST_FAILED    /* trapped, exited with another code, or could not be opened */
};

struct wrt_guest_file { /* of the module, when it was read */
    uint64_t size_bytes, modified_ns, number, device;
};

struct wrt_guest {
    const struct wrt_tenant_config *config; /* keeps */
    struct wrt_partition *partition;
    struct wrt_guest_file file;
    enum wrt_guest_step step;
    bool in_call; /* a call is paused inside the step */
    uint64_t activation_deadline_ns; /* 0 = none */
    uint64_t fuel_total, fuel_seen;
    uint64_t heartbeats, heartbeat_ns; /* atomic */
    /* tiers software and sealed */
    struct wrt_native *native; /* NULL: the module is interpreted */
    struct wrt_module *module;
    struct wrt_store *store;
    struct wrt_wasi *wasi;
    struct wrt_oblivious_host *oblivious; /* NULL: not asked for */
    struct wrt_instance *instance;
    struct wrt_function *entry;
    /* tier process */
    struct wrt_worker *worker;
    uint8_t *bytes; /* the module, for the next worker */
    size_t bytes_size;
    uint64_t worker_heartbeats, worker_cpu_ns; /* as last told */
    uint64_t turn_cpu_ns;  /* what the worker took in the last turn */
    bool is_posted;        /* a call is under way there */
    bool only_in_turns;    /* suspended between turns: in a frame, or with a budget */
    bool is_suspended;
};

/* "step" for tenants that are released again and again, otherwise "_start". */
const char *wrt_guest_entry(const struct wrt_tenant_config *config, bool is_cyclic);

/* Creates the partition below `root` and loads the module into it. An error leaves nothing. */
WRT_MUST_CHECK enum wrt_status
wrt_guest_load(struct wrt_guest *guest, struct wrt_partition *root,
               const struct wrt_tenant_config *config, struct wrt_error *error);
/* Closed guests only. */
enum wrt_status wrt_guest_unload(struct wrt_guest *guest, struct wrt_error *error);

/* Opens a loaded guest without running any of it, looks for its entry, and tells what the
 * partition then uses; closed again when it returns. */
WRT_MUST_CHECK enum wrt_status
wrt_guest_trial(struct wrt_guest *guest, bool is_cyclic, uint64_t *out_bytes,
                struct wrt_error *error);

/* One turn. FAILED, LIMITED: *error has the text. */
enum wrt_guest_outcome wrt_guest_run(struct wrt_guest *guest, bool is_cyclic, uint64_t now_ns,
                                     uint64_t until_ns, struct wrt_error *error);
/* Forgets the activation that is paused; the guest is IDLE. */
void wrt_guest_drop(struct wrt_guest *guest);
/* Frees what opening made. */
void wrt_guest_close(struct wrt_guest *guest);
/* The turn under way ends at the next stop point. Any thread, while it is open. */
void wrt_guest_interrupt(struct wrt_guest *guest);

/* Does the module's file differ from what was loaded? */
bool wrt_guest_is_outdated(const struct wrt_guest *guest);

/* ---- remote.c: the same for the tier process; called by guest.c ---- */

enum wrt_status wrt_remote_open(struct wrt_guest *guest, struct wrt_error *error);
enum wrt_guest_outcome wrt_remote_run(struct wrt_guest *guest, bool is_cyclic, uint64_t now_ns,
                                      uint64_t until_ns, struct wrt_error *error);
WRT_MUST_CHECK enum wrt_status wrt_remote_drop(struct wrt_guest *guest);
void wrt_remote_interrupt(struct wrt_guest *guest);
void wrt_remote_close(struct wrt_guest *guest);

static inline bool wrt_guest_is_remote(const struct wrt_tenant_config *config)
{
    return config->tier + 1 == WRT_TIER_PROCESS;
}

#endif
