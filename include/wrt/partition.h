/* wrt/partition.h - memory partitions: a guaranteed minimum and a hard maximum for
 * everything that a tenant costs.
 * SPDX-License-Identifier: Apache-2.0
 *
 * With share(c) = max(used, min) of a child c: a parent's use is its own charges and the sum
 * of its children's shares, and never above its max. So a child can always use its minimum,
 * and a charge is refused by the first partition on the way to the root that has no room.
 *
 * Isolation tiers. SOFTWARE: the engine's checks and guard pages. SEALED: all memory of the
 * partition (arenas, so code, tables, stacks, stores; linear memories; images) is closed to the
 * whole process by page protection (config.seal: by memory key or tag) while no thread is inside;
 * threads go in by a guard, and a touch from outside becomes a report that names the partition. PROCESS: guests run in a
 * confined process of their own (wrt/worker.h), which is attached here. wrt_partition_get_info
 * tells the tier that is really in force, and why it is not the one asked for.
 *
 * What is used, and what is resident: everything a tenant costs is charged before it is taken, table
 * growth and the host's copies for it included. What the system holds resident for a partition is at
 * most used_bytes, 1 % and 128 KiB more; less where what is charged was not touched yet (stacks,
 * buffers, room that tables grow into). Measured by tests/tenant/resident.c, per kind.
 *
 * What is not sealed: the partition's own record (name, limits, sums).
 *
 * Threads: partitions of one tree may be used together, one thread each; a partition that
 * several threads use needs config.arena->is_shared. create, destroy and set_limits need the
 * parent to themselves; those that charge meanwhile see the old limits or the new ones. Guards
 * may be entered by any number of threads. Charging is lock-free: one compare-and-swap for each
 * ancestor whose use changes, repeated only when another thread changed that ancestor. Only
 * where a partition is watched, a charge takes a lock with priority inheritance, to tell.
 */
#ifndef WRT_PARTITION_H
#define WRT_PARTITION_H

#include "wrt/arena.h"
#include "wrt/base.h"
#include "wrt/verification.h"

WRT_BEGIN_DECLS

struct wrt_partition;

/* What a charge is for. X(name, text) */
#define WRT_CHARGE_LIST(X)                                       \
    X(RUNTIME, "runtime")   /* stores, modules, instances */     \
    X(CODE, "code")         /* translated functions */           \
    X(DATA, "data")         /* data and element segments, names */ \
    X(LOAD, "load")         /* decoder's buffers; gone after load */ \
    X(TABLE, "table")       /* tables and globals */             \
    X(STACK, "stack")       /* execution stacks */               \
    X(LINEAR, "linear")     /* committed linear memory */        \
    X(HOST, "host")         /* host functions, WASI handles and buffers */ \
    X(SYNC, "sync")         /* waiters, channels */              \
    X(ARENA, "arena")       /* pages that arenas hold beyond the blocks handed out */ \
    X(GUARANTEE, "guarantee") /* minimums of children that they do not use */ \
    X(PROCESS, "process")   /* memory limits of attached processes */

enum wrt_charge {
#define WRT_CHARGE_ENUM(name, text) WRT_CHARGE_##name,
    WRT_CHARGE_LIST(WRT_CHARGE_ENUM)
#undef WRT_CHARGE_ENUM
    WRT_CHARGE_COUNT
};

/* "code", "linear", ...; an unknown kind yields "?". Static string.
 * Cost: O(1), never blocks, never faults. */
WRT_API const char *wrt_charge_name(enum wrt_charge charge);

enum wrt_isolation_tier {
    WRT_TIER_DEFAULT = 0, /* what the flags ask for; SOFTWARE if nothing */
    WRT_TIER_SOFTWARE,
    WRT_TIER_SEALED,
    WRT_TIER_PROCESS
};
/* "software", "sealed", "process"; otherwise "?". Static string.
 * Cost: O(1), never blocks, never faults. */
WRT_API const char *wrt_tier_name(enum wrt_isolation_tier tier);

/* What closes a sealed partition.
 *   PAGES  page protection: a call of the system per region when the first thread enters and
 *          the last one leaves; open to all threads meanwhile
 *   KEYS   an x86 memory key of its own (15 in a process): a register write per switch; open
 *          only to the threads that are inside, and to threads that those create meanwhile
 *   TAGS   ARM memory tags: closing turns a bit of every tag over, so that no pointer fits, in
 *          O(bytes); a linear memory without tags is closed by page protection. It stops threads
 *          in a mode of tag checks, before the access only in WRT_TAG_MODE_SYNC
 * What the machine has not, or has no more of, falls back to PAGES, and the info says so; with
 * REQUIRE it is ERR_UNSUPPORTED. */
enum wrt_seal_method { WRT_SEAL_PAGES = 0, WRT_SEAL_KEYS, WRT_SEAL_TAGS };

enum wrt_partition_flag {
    WRT_PARTITION_HIERARCHICAL = 1,     /* every ancestor is charged; the default */
    WRT_PARTITION_ROOT_ACCOUNTING = 2,  /* only this one and the root are, and the minimum
                                           comes out of the root; not with HIERARCHICAL */
    WRT_PARTITION_MEMORY_ISOLATION = 4, /* sealed; with CONTAINER: both */
    WRT_PARTITION_CONTAINER = 8,        /* tier PROCESS */
    WRT_PARTITION_REQUIRE = 16          /* a tier, reserve or budget that cannot be in force
                                           is an error instead of a line in the info */
};

/* Policies can be added by wrt_partition_set_limits, never taken away. */
enum wrt_partition_policy {
    WRT_POLICY_TERMINAL = 1,    /* no children */
    WRT_POLICY_CONFIG_LOCK = 2, /* its limits never change again */
    WRT_POLICY_PERMANENT = 4    /* it is never destroyed */
};

/* Zero-fill, set what you need. */
struct wrt_partition_config {
    const char *name;        /* borrowed, copied; NULL = "partition"; 1 .. 31 bytes, printable
                                ASCII without space, '"' and '\\'; not that of a sibling
                                (ERR_EXISTS), unless NULL */
    uint64_t min_bytes;      /* guaranteed, taken from the parent now; 0 = none */
    uint64_t max_bytes;      /* hard maximum; 0 = as much as the parent has */
    uint64_t reserved_bytes; /* held by its arenas from the start, resident, locked where that
                                is allowed; rounded up to arenas; <= max; 0 = none */
    enum wrt_verification_level verification; /* 0 = the parent's; root: Standard */
    const struct wrt_arena_config *arena; /* borrowed; its options but verification; NULL = as
                                             the environment says (wrt/arena.h) */
    uint32_t flags;          /* enum wrt_partition_flag; they combine */
    uint32_t policies;       /* enum wrt_partition_policy */
    enum wrt_isolation_tier isolation; /* not below what the flags ask for */
    enum wrt_seal_method seal; /* of a sealed one */
    uint32_t cpu_permille;   /* processor time, 1,000 = one processor; of the children together
                                <= the parent's; 0 = no budget. Binds attached processes, and
                                threads that call wrt_partition_adopt_thread */
    uint32_t cpu_critical_ms; /* QNX: more for critical threads, per window; 0 = none */
    int32_t priority;        /* of those; real-time, in the system's range; 0 = unchanged */
    uint64_t affinity;       /* of those; bit n: may run on processor n; 0 = unchanged */
};

/* Creates a partition below `parent` (NULL: a root of its own). Gives *out. ERR_LIMIT: partitions nest
 * to 8 levels, the root counted.
 * Cost: O(siblings + depth + min_bytes' arenas), O(reserved_bytes) to make them resident, may
 * block (system), may fault; 5900 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_partition_create(struct wrt_partition *parent, const struct wrt_partition_config *config,
                     struct wrt_partition **out, struct wrt_error *error);

/* ERR_BUSY, with the reason, while a thread is inside, anything is allocated from it, a child
 * lives, or a process or a watch is attached. ERR_DENIED: permanent. ERR_NO_MEMORY: not opened.
 * Cost: O(arenas + siblings + depth), may block (system), may fault; 640 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_partition_destroy(struct wrt_partition *partition, struct wrt_error *error);

/* What can change while it lives. Read, change, set: all of it or, on error, nothing.
 * ERR_DENIED: locked. ERR_BUSY: max below what is used. ERR_PARTITION_MAX: an ancestor has not
 * the minimum. ERR_ARGUMENT: out of range, or a policy taken away. O(depth), and O(arenas) when
 * the reserve changes. New budgets reach the attached processes. */
struct wrt_partition_limits {
    uint64_t min_bytes, max_bytes, reserved_bytes;
    uint32_t policies;
    uint32_t cpu_permille, cpu_critical_ms;
    int32_t priority;
    uint64_t affinity;
};
/* Cost: O(processes), never blocks, never faults; 448 bytes of stack. */
WRT_API void wrt_partition_get_limits(const struct wrt_partition *partition,
                                      struct wrt_partition_limits *out);
/* Cost: O(depth + siblings + processes), O(arenas) when the reserve changes, may block (system),
 * may fault; 7300 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_partition_set_limits(struct wrt_partition *partition,
                         const struct wrt_partition_limits *limits, struct wrt_error *error);

/* The calling thread runs under the partition's priority, affinity and budget from now on.
 * ERR_UNSUPPORTED, ERR_DENIED: names which; what came before it in that order is in force.
 * Cost: O(1), may block (system), never faults; 384 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_partition_adopt_thread(struct wrt_partition *partition, struct wrt_error *error);

/* ---- guards: being inside ---- */

#define WRT_PARTITION_MAX_NESTING 32

/* Private; lives on the entering thread's stack. */
struct wrt_partition_guard {
    struct wrt_partition *partition;
    uint32_t depth;
};

/* The calling thread enters; a sealed partition is open to the process while any thread is
 * inside (by a key: to that thread). Per thread guards nest exactly, also of one partition. ERR_LIMIT: 32 deep.
 * ERR_NO_MEMORY: the system refused to open it. SOFTWARE: no kernel call. SEALED: one per
 * region (the arenas are one, each linear memory and image is one) when it is the first.
 * Cost: O(1) SOFTWARE; SEALED O(regions) when it is the first, may block (system) if SEALED, never
 * faults; 50 steps. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_partition_guard_enter(struct wrt_partition_guard *guard, struct wrt_partition *partition);
/* ERR_STATE: not the innermost guard of this thread; nothing happened. ERR_IO: left, but the
 * system refused to close it; wrt_partition_get_info then says SOFTWARE. A thread that ends
 * leaves what it is still inside of.
 * Cost: O(1) SOFTWARE; SEALED O(regions) when it is the last, may block (system) if SEALED, never
 * faults; 40 steps. */
WRT_API enum wrt_status wrt_partition_guard_leave(struct wrt_partition_guard *guard);

/* The innermost partition that this thread is inside of; NULL if none.
 * Cost: O(1), never blocks, never faults; 20 steps. */
WRT_API struct wrt_partition *wrt_partition_current(void);

#if defined(__GNUC__) || defined(__clang__)
/* Cost: O(1) SOFTWARE; SEALED O(regions) when it is the last, may block (system) if SEALED,
 * never faults. */
static inline void wrt_partition_guard_cleanup(struct wrt_partition_guard *guard)
{
    if (guard->partition != NULL)
        (void)wrt_partition_guard_leave(guard);
}
/* Declares `name` and enters; *status_pointer tells whether that worked. Leaves by itself at the
 * end of the block, however it is left (but longjmp). */
#define WRT_PARTITION_SCOPE(name, partition_pointer, status_pointer)                       \
    __attribute__((cleanup(wrt_partition_guard_cleanup))) struct wrt_partition_guard name = \
        {0};                                                                               \
    *(status_pointer) = wrt_partition_guard_enter(&name, (partition_pointer))
#endif

/* Enters, runs body(argument), leaves; guards that body leaves open are left too.
 *   ERR_DENIED  body touched a sealed partition that no thread is inside of: it was left at once
 *               (it must hold no lock there) and the error names that partition and the address
 *   ERR_TRAP    body touched a guard of a linear memory, or one by a pointer with another tag
 *   ERR_CORRUPT body touched a block of a tagged arena by a pointer with another tag: the error
 *               names the block, the partition and both tags; in the modes that report late,
 *               only that it happened
 * Where the system reports no faults body runs all the same.
 * Cost: O(1) and what enter, body and leave take, may block (system) if SEALED, may fault; 736
 * bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_partition_run(struct wrt_partition *partition, void (*body)(void *argument),
                  void *argument, struct wrt_error *error);

/* Which sealed partition's memory is this? Its name is copied to `name` (NUL-terminated).
 * False: none's. Any thread; for fault reports.
 * Cost: O(sealed regions and linear memories of the process), never blocks, never faults. */
WRT_API bool wrt_partition_find_owner(const void *address, char name[32]);

/* Memory of a sealed partition that does not come from its arenas: one linear memory or image.
 * Private; lives in the object that owns it. */
struct wrt_partition_region {
    struct wrt_partition *partition; /* NULL: none */
    struct wrt_partition_region *next, **link;
    void *start;
    uint64_t size_bytes;
    uint32_t rights, ticket;
    bool is_flipped; /* closed by tags */
};

/* ---- processes ---- */

/* One attached process; placed by the caller, private. */
struct wrt_partition_process {
    struct wrt_partition *partition;
    struct wrt_partition_process *next;
    int64_t id, control;
    uint64_t memory_bytes; /* charged as PROCESS */
    uint32_t confined;     /* what of its limits is in force */
    bool is_worker, is_scheduled;
};

/* Attaches a living process (ours or a child's child, not the caller itself) and limits it:
 * memory_bytes (0: all that the partition has left) is charged as PROCESS and set as the
 * process's own limit, and the partition's CPU budget, priority and affinity are. Keeps
 * *process until detach or its end is reported.
 * ERR_NOT_FOUND: no such process. ERR_EXISTS: attached here already. ERR_DENIED.
 * ERR_UNSUPPORTED: a limit cannot be set, and REQUIRE; otherwise the info tells.
 * Cost: O(processes), may block (system), never faults; 7700 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_partition_attach_process(struct wrt_partition *partition, int64_t process_id,
                             uint64_t memory_bytes, struct wrt_partition_process *process,
                             struct wrt_error *error);

struct wrt_partition_exit {
    bool is_known;  /* false: it was not our child, so nobody told us */
    bool by_signal;
    int code;       /* exit code or signal */
};
/* Waits for its end (deadline_ns 0: looks; UINT64_MAX: for ever), reaps it, gives the charge
 * back and reports the event EXIT. ERR_TIMEOUT: it runs. ERR_STATE: not attached.
 * Cost: O(processes), blocks until deadline_ns at most, never faults; 864 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_partition_reap_process(struct wrt_partition_process *process, uint64_t deadline_ns,
                           struct wrt_partition_exit *out);
/* Lets go: its limits stay as they are, its charge is given back. ERR_STATE.
 * Cost: O(processes), may block (system), never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_partition_detach_process(struct wrt_partition_process *process);

/* ---- events ---- */

/* X(name, text) */
#define WRT_PARTITION_EVENT_LIST(X)                                         \
    X(OVER, "over")       /* use rose above over_bytes */                   \
    X(UNDER, "under")     /* use fell below under_bytes */                  \
    X(DELTA, "delta")     /* use moved by delta_bytes since the last one */ \
    X(REFUSE, "refuse")   /* a charge was refused by its maximum */         \
    X(CREATE, "create")   /* a child was created */                         \
    X(DESTROY, "destroy") /* a child was destroyed */                       \
    X(ATTACH, "attach")   /* a process was attached */                      \
    X(EXIT, "exit")       /* an attached process ended or was detached */

enum wrt_partition_event {
#define WRT_PARTITION_EVENT_ENUM(name, text) WRT_EVENT_##name,
    WRT_PARTITION_EVENT_LIST(WRT_PARTITION_EVENT_ENUM)
#undef WRT_PARTITION_EVENT_ENUM
    WRT_EVENT_COUNT
};
/* Cost: O(1), never blocks, never faults. */
WRT_API const char *wrt_partition_event_name(enum wrt_partition_event event);

/* What happened since the watch was last asked: events that come in between are counted. */
struct wrt_partition_news {
    uint32_t count[WRT_EVENT_COUNT];
    uint64_t used_bytes; /* of the partition, at the last of them */
};

struct wrt_pulse_connection;

/* Zero-fill, set what you need. One or more of callback, word and connection; none: polled. */
struct wrt_partition_watch_config {
    uint32_t events;      /* 1 << enum wrt_partition_event */
    uint64_t over_bytes, under_bytes, delta_bytes; /* for those events; delta >= 1 */
    /* Called on the thread that caused the news, after its change, with the news taken. It may
     * read infos and take other watches; it must not allocate from, free to, charge or change a
     * partition of this tree. */
    void (*callback)(void *context, const struct wrt_partition_news *news);
    void *context;
    uint32_t *word;       /* keeps: raised by one and all its waiters woken (wrt/futex.h) */
    const struct wrt_pulse_connection *connection; /* keeps: a pulse is sent */
    uint8_t pulse_priority;
    int32_t pulse_code;   /* 0 .. 127 */
    uint32_t pulse_value;
};

/* One watch; placed by the caller, private. */
struct wrt_partition_watch {
    struct wrt_partition *partition;
    struct wrt_partition_watch *next, *next_pending;
    struct wrt_partition_watch_config config;
    struct wrt_partition_news news;
    uint64_t delta_base_bytes;
    uint32_t deliveries; /* going on now */
    bool is_pending, is_told;
};

/* Keeps *watch until remove. Tells once when news come, then again when they were taken.
 * Delivery allocates nothing and loses nothing: a pulse that finds its channel full is sent
 * with the next news, the counts stay. ERR_ARGUMENT.
 * Cost: O(1), may block (lock), never faults; 384 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_partition_watch_add(struct wrt_partition *partition, struct wrt_partition_watch *watch,
                        const struct wrt_partition_watch_config *config,
                        struct wrt_error *error);
/* ERR_BUSY: another thread delivers it just now. ERR_STATE: not added.
 * Cost: O(watches of the partition), may block (lock), never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_partition_watch_remove(struct wrt_partition_watch *watch);
/* Takes the counts and sets them to zero; false: nothing happened since. Any thread.
 * Cost: O(1), may block (lock), never faults; 150 steps. */
WRT_API bool wrt_partition_watch_take(struct wrt_partition_watch *watch,
                                      struct wrt_partition_news *out);

/* ---- memory ---- */

/* Memory of the partition's arena, charged before it is taken. alignment_bytes: power
 * of two <= 4096, 0 = 16. size_bytes >= 1. Contents unspecified.
 * The error text names the partition and the limit that refused, and by how much.
 * Cost: O(1) (A4) and O(depth), tagged O(size), may block (system), may fault; 350 steps, 5200
 * bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_partition_allocate(struct wrt_partition *partition, enum wrt_charge charge,
                       size_t size_bytes, size_t alignment_bytes, void **out,
                       struct wrt_error *error);
/* `block` as wrt_partition_allocate gave it; NULL does nothing. `size_bytes` must be the
 * size that was asked for.
 * Cost: O(1) (A4) and O(depth), O(size) tagged or with the check "scrub", may block (system), may
 * fault; 400 steps, 640 bytes of stack. */
WRT_API void wrt_partition_free(struct wrt_partition *partition, enum wrt_charge charge,
                                void *block, size_t size_bytes);

/* Gives back what its arenas keep for later (wrt_arena_free_now): when it will be idle. Nothing
 * happens while a sealed partition is closed to the calling thread.
 * Cost: O(quick blocks + cached arenas), watched O(watches), may block (system), may fault;
 * 1100 bytes of stack. */
WRT_API void wrt_partition_trim(struct wrt_partition *partition);

/* Accounts what is not the arena's. Uncharging what was not charged so is a damage.
 * Cost: O(depth), watched O(watches); refused first O(quick blocks + cached arenas), may block
 * (system), never faults; 1150 steps, 1100 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_partition_charge(struct wrt_partition *partition, enum wrt_charge charge,
                     uint64_t size_bytes, struct wrt_error *error);
/* Cost: O(depth), watched O(watches), may block (system) where it is watched, never faults; 300
 * steps. */
WRT_API void wrt_partition_uncharge(struct wrt_partition *partition, enum wrt_charge charge,
                                    uint64_t size_bytes);

/* Its name; borrowed, as long as the partition lives.
 * Cost: O(1), never blocks, never faults. */
WRT_API const char *wrt_partition_name(const struct wrt_partition *partition);

/* The level that everything in the partition is checked at.
 * Cost: O(1), never blocks, never faults. */
WRT_API enum wrt_verification_level
wrt_partition_verification(const struct wrt_partition *partition);

/* used_bytes is the sum of current_bytes over all kinds; it never exceeds max_bytes. */
struct wrt_partition_info {
    char name[32];
    uint64_t min_bytes, max_bytes, reserved_bytes;
    uint64_t used_bytes, high_water_bytes;
    uint64_t refusals;
    uint64_t current_bytes[WRT_CHARGE_COUNT];
    uint64_t peak_bytes[WRT_CHARGE_COUNT];
    uint32_t children;
    enum wrt_verification_level verification;
    uint32_t damages; /* frees, uncharges refused: wrong size or kind, twice, overwritten */
    uint32_t flags, policies;
    enum wrt_isolation_tier tier_requested;
    enum wrt_isolation_tier tier; /* really in force now */
    const char *tier_reason;      /* static sentence: why it is not the one requested, else how
                                     it is done */
    uint32_t entered;             /* guards of all threads; 0 with tier SEALED: closed */
    uint32_t processes;           /* attached */
    uint32_t cpu_permille, cpu_critical_ms;
    int32_t priority;
    uint64_t affinity;
    bool cpu_in_force;            /* every attached process got its budget */
    uint64_t locked_bytes;        /* of the reserve: resident for good */
};
/* Cost: O(processes), never blocks, never faults. */
WRT_API void wrt_partition_get_info(const struct wrt_partition *partition,
                                    struct wrt_partition_info *out);

WRT_END_DECLS
#endif
