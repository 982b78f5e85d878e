/* wrt/worker.h - the isolation tier "process": a guest in a confined process of its own.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The program `wrt-tenant` is started with no right but two descriptors, gives up what it still
 * has, says in shared memory what is in force, and only then is sent a byte of the module. Calls
 * travel over a pair of rings in that memory, with a wake on each side; both sides check every
 * message as if the other were hostile. A worker that ends, hangs past its deadline or sends what
 * makes no sense is killed and reaped, and everything that it cost is given back.
 *
 *   host                 shared memory                      worker
 *   post ----------->  | requests: 16 x 1 KiB | --------->  load, call, resume, drop
 *   collect <--------  | replies:  16 x 1 KiB | <---------  done, paused, trapped, exited
 *   module, streamed ->| 64 KiB of bytes      |
 *                      | progress: fuel, heartbeats, bytes |
 *
 * What confines it, per machine: wrt_worker_get_info tells each feature that is in force. What
 * `require` names and the machine lacks is refused before a byte of the module is sent.
 *
 * Inside, the guest sees WASI with what the configuration grants, and the host function
 * "wrt" "heartbeat" (() -> ()), which raises a counter that the host can read.
 *
 * Threads: a worker belongs to one thread at a time; different workers may be used together if
 * their partitions may. interrupt may be called from any thread while the worker lives.
 */
#ifndef WRT_WORKER_H
#define WRT_WORKER_H

#include "wrt/base.h"
#include "wrt/partition.h"
#include "wrt/store.h"
#include "wrt/value.h"

WRT_BEGIN_DECLS

struct wrt_worker;

/* X(name, text): what can confine a worker. */
#define WRT_CONFINE_LIST(X)                                                           \
    X(NO_NEW_PRIVILEGES, "no-new-privileges") /* no program raises its rights */      \
    X(SYSTEM_CALLS, "system-calls")  /* an allow-list (seccomp); QNX: abilities */     \
    X(FILES, "files")                /* only granted directories (Landlock) */        \
    X(USER, "user")                  /* a user of its own, without rights here */     \
    X(MOUNTS, "mounts")              /* an empty file system as its root */           \
    X(NETWORK, "network")            /* no network */                                 \
    X(PROCESSES, "processes")        /* sees no other process */                      \
    X(IPC, "ipc")                    /* no System V and message queue objects */      \
    X(LIMITS, "limits")              /* rlimits: descriptors, threads, core, file size */ \
    X(MEMORY, "memory")              /* its resident memory has a hard limit */       \
    X(CPU, "cpu")                    /* its processor time has a hard limit */        \
    X(TASKS, "tasks")                /* its number of threads has a hard limit */     \
    /* only where `isolate` asks for them, because they cost time: */                 \
    X(STORE_BYPASS, "store-bypass")  /* no load before older stores' addresses are known */ \
    X(INDIRECT_BRANCH, "indirect-branch") /* no jump is guessed by what others trained */ \
    X(L1D_FLUSH, "l1d-flush")        /* the first cache is emptied when it gives way */ \
    X(CORE, "core-scheduling")       /* no other process on the same core meanwhile */ \
    X(CACHE, "cache-ways")           /* where `cache_ways` says: fills only these (resctrl) */

enum wrt_confine {
#define WRT_CONFINE_ENUM(name, text) WRT_CONFINE_##name,
    WRT_CONFINE_LIST(WRT_CONFINE_ENUM)
#undef WRT_CONFINE_ENUM
    WRT_CONFINE_COUNT
};
/* "system-calls", ...; "?" for an unknown one. Static string.
 * Cost: O(1), never blocks, never faults. */
WRT_API const char *wrt_confine_name(enum wrt_confine feature);

#define WRT_WORKER_MAX_VALUES 32     /* arguments and results of one call */
#define WRT_WORKER_MAX_DIRECTORIES 16

struct wrt_worker_directory {
    const char *host_path;  /* borrowed */
    const char *guest_path; /* borrowed; NULL = host_path */
    bool read_only;
};

/* Zero-fill, set what you need; module is required. A bad value is ERR_ARGUMENT and named. */
struct wrt_worker_config {
    const char *program;     /* borrowed; absolute path of wrt-tenant; NULL: beside the running
                                program, else where it was installed */
    const void *module;      /* borrowed until create returns */
    size_t module_bytes;
    const char *const *arguments;   /* borrowed, copied: for WASI; all strings <= 64 KiB */
    uint32_t argument_count;
    const char *const *environment; /* "NAME=value"; borrowed, copied */
    uint32_t environment_count;
    const struct wrt_worker_directory *directories; /* borrowed */
    uint32_t directory_count;       /* 0 .. 16 */
    int standard_output, standard_error; /* descriptors that the guest may write; 0 = none */
    uint32_t clocks;         /* enum wrt_wasi_clock bits */
    uint64_t clock_resolution_ns; /* as wrt_wasi_config */
    bool clock_jitter;
    bool has_random;         /* the system's entropy */
    bool has_oblivious;      /* the imports of wrt/oblivious_host.h */
    uint64_t memory_bytes;   /* the guest's partition inside the worker; 0 = what is left of
                                the host's partition, less overhead_bytes */
    uint64_t overhead_bytes; /* the process itself: program, stack, C library; 0 = 8 MiB.
                                Both together are charged to the partition as PROCESS */
    uint64_t stack_bytes;    /* of the guest; as wrt_store_config */
    const char *typed_pool;  /* QNX: its linear memories come from typed memory of that name;
                                borrowed, copied; NULL = ordinary memory */
    uint32_t isolate;        /* 1 << enum wrt_confine, STORE_BYPASS to CORE: asked for; what came
                                of it is in wrt_worker_info */
    uint64_t cache_ways;     /* bit n: the worker's loads may fill way n of the last cache that the
                                machine can divide; without gaps on most processors; 0 = all.
                                Give tenants that are to be apart different ways */
    uint32_t require;        /* 1 << enum wrt_confine: these must be in force */
    uint64_t start_ns;       /* the worker must be ready within; 0 = 10 s */
    uint64_t grace_ns;       /* a call that has not ended so long after its deadline hangs:
                                the worker is killed; 0 = 100 ms */
};

/* Starts and confines a worker, and loads and links the module there; a start section runs
 * there too, within start_ns. Gives *out, charged to `partition`
 * as HOST; the process is attached to it. Blocks until the worker is ready.
 * ERR_UNSUPPORTED: this system cannot, or a required feature is missing (named).
 * ERR_NOT_FOUND: no program. ERR_MALFORMED, ERR_INVALID, ERR_UNLINKABLE ...: as the module was
 * refused there. ERR_TIMEOUT, ERR_CLOSED (it ended), ERR_CORRUPT (it lied): nothing is left.
 * Cost: O(module_bytes + strings), and what its start section executes, blocks until it is ready,
 * may fault; 9200 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_worker_create(struct wrt_partition *partition, const struct wrt_worker_config *config,
                  struct wrt_worker **out, struct wrt_error *error);

/* Stops it (kills it where it does not end within deadline_ns; 0 kills at once), reaps it and
 * frees all. NULL does nothing. May block until the deadline.
 * Cost: O(1), a few calls of the system, blocks until deadline_ns at most, may fault; 2100 bytes
 * of stack. */
WRT_API void wrt_worker_destroy(struct wrt_worker *worker, uint64_t deadline_ns);

/* What one activation may use. Zero-fill. */
struct wrt_worker_budget {
    uint64_t fuel;        /* 0 = not limited */
    uint64_t deadline_ns; /* monotonic; 0 = none: then a hang is never noticed */
};

/* Posts a call of an exported function and returns at once. ERR_BUSY: one is under way or
 * paused. ERR_CLOSED: the worker ended. ERR_ARGUMENT: a name above 255 bytes, too many values,
 * a reference other than null.
 * Cost: O(arguments + bytes of the name), may block (system), may fault; 2100 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_worker_post(struct wrt_worker *worker, const char *function,
                const struct wrt_value *arguments, uint32_t argument_count,
                const struct wrt_worker_budget *budget, struct wrt_error *error);
/* The same for the paused call. ERR_STATE: none is paused.
 * Cost: O(1), may block (system), may fault; 2100 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_worker_post_resume(struct wrt_worker *worker, const struct wrt_worker_budget *budget,
                       struct wrt_error *error);
/* Forgets the paused call. Blocks for a round trip. ERR_STATE, ERR_CLOSED.
 * Cost: O(1), one round trip, blocks for grace_ns at most, may fault; 3300 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status wrt_worker_drop(struct wrt_worker *worker);

/* Waits for the outcome of what was posted, at most until wait_until_ns (0: looks).
 *   WRT_OK          *out_count results are written
 *   WRT_PAUSED      wrt_worker_info.pause says why
 *   WRT_EXITED      wrt_worker_info.guest_exit_code
 *   ERR_TRAP        the error's text is the trap
 *   ERR_NOT_FOUND, ERR_TYPE  no such function, other parameters
 *   ERR_TIMEOUT     not yet: ask again
 *   ERR_CLOSED      the worker ended, or hung and was killed (the text says which): reaped
 *   ERR_CORRUPT     it sent what makes no sense: killed and reaped
 *   ERR_STATE       nothing was posted
 *   ERR_NO_SPACE    more results than result_capacity; they are lost
 * Cost: O(results), blocks until wait_until_ns at most, may fault; 3100 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_worker_collect(struct wrt_worker *worker, struct wrt_value *results,
                   uint32_t result_capacity, uint32_t *out_count, uint64_t wait_until_ns,
                   struct wrt_error *error);

/* post and collect in one.
 * Cost: O(arguments + results) and what the guest executes, blocks until the outcome, may fault;
 * 3100 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_worker_call(struct wrt_worker *worker, const char *function,
                const struct wrt_value *arguments, uint32_t argument_count,
                struct wrt_value *results, uint32_t result_capacity, uint32_t *out_count,
                const struct wrt_worker_budget *budget, struct wrt_error *error);

/* The call under way pauses within about a millisecond of guest time; one that waits in a host
 * function pauses after that, or at its deadline. Any thread.
 * Cost: O(1), never blocks, never faults. */
WRT_API void wrt_worker_interrupt(struct wrt_worker *worker);
/* Stops it from running at all (no processor time), and lets it go on. ERR_CLOSED.
 * Cost: O(1), one call of the system, may block (system), never faults; 928 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status wrt_worker_suspend(struct wrt_worker *worker,
                                                          bool is_suspended);

enum wrt_worker_state {
    WRT_WORKER_IDLE,    /* a call can be posted */
    WRT_WORKER_RUNNING, /* posted, not collected */
    WRT_WORKER_PAUSED,
    WRT_WORKER_ENDED    /* reaped: only get_info and destroy make sense */
};

/* Figures below the line are the worker's own words, not checked. */
struct wrt_worker_info {
    enum wrt_worker_state state;
    int64_t process_id;         /* 0 once reaped */
    uint32_t in_force;          /* 1 << enum wrt_confine */
    const char *missing_reason[WRT_CONFINE_COUNT]; /* static; NULL where in force */
    uint64_t calls;
    struct wrt_partition_exit exit; /* ENDED */
    bool was_killed;            /* ENDED: by us, because it hung or lied */
    uint64_t resident_bytes, cpu_ns; /* as the system tells; 0 where it does not */
    /* ---- */
    enum wrt_pause_reason pause;
    uint32_t guest_exit_code;
    uint64_t fuel_used;         /* of all calls, updated about every millisecond of guest time */
    uint64_t heartbeats;
    uint64_t guest_used_bytes, guest_high_water_bytes; /* of the partition inside */
};
/* Cost: O(1), a few calls of the system, may block (system), never faults; 416 bytes of stack. */
WRT_API void wrt_worker_get_info(const struct wrt_worker *worker, struct wrt_worker_info *out);

WRT_END_DECLS
#endif
