/* wrt/lock.h - mutex, reader-writer lock, condition, event, semaphore, barrier, once.
 * SPDX-License-Identifier: Apache-2.0
 *
 * For threads of different priorities. The mutex is the kernel's, so a holder inherits the
 * priority of whoever waits for it, through chains of holders; the others sleep on futexes
 * (wrt/futex.h), so waiters are released by priority, then by arrival. Nothing spins: whoever
 * cannot go on sleeps.
 *
 * All but mutex and rwlock can be cancelled by an interrupt (NULL: none). Deadlines are
 * absolute monotonic nanoseconds; 0 tries, UINT64_MAX is none. ERR_TIMEOUT leaves the object
 * as if the call had not been made.
 *
 * Builds without NDEBUG record the order in which mutexes are taken and report two that were
 * taken in both orders (wrt_lock_set_report), and refuse a wait that closes a circle
 * (ERR_DEADLOCK) instead of sleeping for ever.
 *
 * Threads: all calls may run together, except init and deinit. Allocates nothing.
 */
#ifndef WRT_LOCK_H
#define WRT_LOCK_H

#include "wrt/base.h"
#include "wrt/futex.h"

WRT_BEGIN_DECLS

/* ---- mutex ---- */

struct wrt_mutex { /* private */
    uint64_t native[8]; /* the port's mutex */
    uintptr_t holder;   /* who, where the kernel does not check */
    uint32_t number;    /* of the recorded order; 0 = not recorded */
    bool is_checked;    /* by the kernel */
};

/* Zero-fill. */
struct wrt_mutex_config {
    int ceiling;    /* > 0: the holder runs at this priority at least, and no thread above it may
                     * lock; 0: priority inheritance */
    bool is_robust; /* a holder that ends frees it and the next one is told (slower) */
    bool is_shared; /* lies in memory that several processes map */
};

/* Borrows config (NULL: defaults). ERR_UNSUPPORTED: not this combination on this system;
 * ERR_ARGUMENT: no such ceiling.
 * Cost: O(1), may block (system), never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_mutex_init(struct wrt_mutex *mutex, const struct wrt_mutex_config *config);
/* ERR_BUSY while it is held.
 * Cost: O(1), may block (system), never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status wrt_mutex_deinit(struct wrt_mutex *mutex);

/* Sleep until the caller holds it. Uncontended: no kernel call (ceiling: 2).
 *   WRT_OK
 *   WRT_OWNER_DIED  held, but the last holder ended while it held it: put right what it guards,
 *                   then wrt_mutex_repair; unlocking without that makes it unusable for ever
 *   ERR_DEADLOCK    the caller holds it already (or, without NDEBUG: a circle of waits)
 *   ERR_BUSY        (try) somebody else holds it
 *   ERR_TIMEOUT     (until)
 *   ERR_DENIED      the caller's priority is above the ceiling, or it may not run there
 *   ERR_CORRUPT     unlocked without repair after its owner died
 * Cost: O(1), blocks until it is free, never faults; 40 steps. */
WRT_MUST_CHECK WRT_API enum wrt_status wrt_mutex_lock(struct wrt_mutex *mutex);
/* Cost: O(1), may block (system), never faults; 40 steps. */
WRT_MUST_CHECK WRT_API enum wrt_status wrt_mutex_try_lock(struct wrt_mutex *mutex);
/* Cost: O(1), blocks until it is free, never faults; 288 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_mutex_lock_until(struct wrt_mutex *mutex, uint64_t deadline_ns);

/* ERR_DENIED: the caller does not hold it; nothing happened.
 * Cost: O(1), may block (system), never faults; 40 steps. */
WRT_API enum wrt_status wrt_mutex_unlock(struct wrt_mutex *mutex);

/* Says that what the mutex guards is in order again. ERR_STATE: its owner did not die.
 * Cost: O(1), may block (system), never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status wrt_mutex_repair(struct wrt_mutex *mutex);

/* ---- what the recorded order finds (builds without NDEBUG) ---- */

#define WRT_LOCK_STACK_DEPTH 12u

enum wrt_lock_fault {
    WRT_LOCK_INVERSION, /* `second` was taken while holding `first`, and earlier the other way */
    WRT_LOCK_CIRCLE     /* waiting for `first` would never end: `second` is held in the circle */
};

struct wrt_lock_report {
    enum wrt_lock_fault fault;
    const struct wrt_mutex *first, *second;
    uint32_t depth_now, depth_before;
    const void *stack_now[WRT_LOCK_STACK_DEPTH];    /* of the caller, return addresses */
    const void *stack_before[WRT_LOCK_STACK_DEPTH]; /* of the earlier taking, or other waiter */
};

typedef void wrt_lock_report_function(void *context, const struct wrt_lock_report *report);

/* Who hears of it, in the thread that found it, under a lock of the recorder: it must not lock
 * a wrt_mutex. NULL: nobody. Each pair of mutexes is reported once. Keeps context.
 * ERR_UNSUPPORTED: this build records nothing (NDEBUG).
 * Cost: O(1), may block (lock), never faults. */
WRT_API enum wrt_status wrt_lock_set_report(wrt_lock_report_function *report, void *context);

/* ---- reader-writer lock ----
 *
 * Everybody comes in through a mutex: a reader passes through it, a writer keeps it and then
 * waits for the readers inside to leave. So readers and writers come in by priority, then by
 * arrival, neither side starves, and a writer inherits from all who wait for it. Readers inside
 * do not inherit: a writer waits for them as long as they take.
 */
struct wrt_rwlock { /* private */
    struct wrt_mutex gate;
    uint32_t readers; /* inside; the top bit: a writer waits for them to leave */
};

/* Cost: O(1), may block (system), never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status wrt_rwlock_init(struct wrt_rwlock *lock);
WRT_MUST_CHECK WRT_API enum wrt_status wrt_rwlock_deinit(struct wrt_rwlock *lock); /* ERR_BUSY */

/* OK, ERR_TIMEOUT; write: ERR_DEADLOCK for the writer itself (a reader that asks to write
 * waits for itself). ERR_LIMIT: 2^31 - 1 readers.
 * Cost: O(1), blocks until it is free, never faults; 100 steps, 320 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_rwlock_read(struct wrt_rwlock *lock, uint64_t deadline_ns);
/* Cost: O(readers that leave meanwhile), blocks until it is free, never faults; 480 bytes of
 * stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_rwlock_write(struct wrt_rwlock *lock, uint64_t deadline_ns);
/* ERR_STATE: nobody reads. ERR_DENIED: the caller does not write.
 * Cost: O(1), repeated when another reader leaves at once, may block (system), never faults; 20
 * steps, 2600 bytes of stack. */
WRT_API enum wrt_status wrt_rwlock_end_read(struct wrt_rwlock *lock);
/* Cost: O(1), may block (system), never faults; 40 steps. */
WRT_API enum wrt_status wrt_rwlock_end_write(struct wrt_rwlock *lock);

/* ---- condition: zero-fill ----
 *
 * May return OK early: test the predicate in a loop. */
struct wrt_condition {
    uint32_t sequence; /* private: signals ever sent */
};

/* Unlocks, sleeps until a signal, locks again; the lock's status comes first if it is not OK.
 * OK, ERR_TIMEOUT, ERR_INTERRUPTED: the mutex is held. ERR_DENIED: it was not held.
 * Cost: O(waiters of the bucket), blocks until woken, never faults; 480 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_condition_wait(struct wrt_condition *condition, struct wrt_mutex *mutex,
                   uint64_t deadline_ns, const struct wrt_interrupt *interrupt);
/* Wakes one, or all, who wait now. Nobody waiting: nothing is remembered.
 * Cost: O(waiters of the bucket); nobody there: O(1), no call of the system, may block (system),
 * never faults; 2600 bytes of stack. */
WRT_API enum wrt_status wrt_condition_signal(struct wrt_condition *condition);
WRT_API enum wrt_status wrt_condition_broadcast(struct wrt_condition *condition);

/* ---- event: zero-fill, set is_automatic if wanted ---- */
struct wrt_event {
    uint32_t is_set;   /* private */
    bool is_automatic; /* each set lets one waiter through; otherwise it stays set till cleared */
};
/* Cost: O(waiters of the bucket), blocks until it is set, never faults; 480 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_event_wait(struct wrt_event *event, uint64_t deadline_ns,
               const struct wrt_interrupt *interrupt);
/* Cost: O(waiters of the bucket); nobody there: O(1), no call of the system, may block (system),
 * never faults; 2600 bytes of stack. */
WRT_API enum wrt_status wrt_event_set(struct wrt_event *event);
/* Cost: O(1), never blocks, never faults. */
WRT_API void wrt_event_clear(struct wrt_event *event);

/* ---- semaphore ---- */
struct wrt_semaphore { /* private */
    uint32_t count;
    uint32_t maximum;
};
/* ERR_ARGUMENT: count > maximum or maximum 0.
 * Cost: O(1), never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_semaphore_init(struct wrt_semaphore *semaphore, uint32_t count, uint32_t maximum);
/* Cost: O(waiters of the bucket), blocks until it is given, never faults; 480 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_semaphore_take(struct wrt_semaphore *semaphore, uint64_t deadline_ns,
                   const struct wrt_interrupt *interrupt);
/* ERR_OVERFLOW at the maximum; nothing happened.
 * Cost: O(waiters of the bucket); nobody there: O(1), no call of the system, may block (system),
 * never faults; 2600 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status wrt_semaphore_give(struct wrt_semaphore *semaphore);

/* ---- barrier ---- */
struct wrt_barrier { /* private */
    uint32_t state; /* round in the upper half, parties that arrived in the lower */
    uint32_t parties;
};
/* parties 1 .. 65535, else ERR_ARGUMENT.
 * Cost: O(1), never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_barrier_init(struct wrt_barrier *barrier, uint32_t parties);
/* Sleeps until all parties arrived; *out_is_last (may be NULL) is true for one of them. A
 * party that times out or is interrupted has not arrived.
 * Cost: O(waiters of the bucket), blocks until all arrived, never faults; 2600 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_barrier_arrive(struct wrt_barrier *barrier, uint64_t deadline_ns,
                   const struct wrt_interrupt *interrupt, bool *out_is_last);

/* ---- once: zero-fill ---- */
struct wrt_once {
    uint32_t state; /* private */
};
/* Calls initialise(context) unless a call of it was WRT_OK before; waits while another thread
 * does. Returns its status: after an error the next caller tries again. Not from inside
 * `initialise` on the same once: it would wait for itself.
 * Cost: O(1) once it is done; before: initialise, blocks until it is done, never faults; 2600
 * bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_once_run(struct wrt_once *once, enum wrt_status (*initialise)(void *context), void *context);

WRT_END_DECLS
#endif
