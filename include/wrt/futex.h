/* wrt/futex.h - wait on a word in memory until another thread wakes its address.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Waiting compares the word and sleeps as one step: whoever changes the word first and then
 * wakes its address is never missed. Waking counts exactly: each waiter counted in *out_woken
 * returns WRT_OK, and no other does. Spurious wakes do not escape.
 *
 * Two implementations behind one contract:
 *   host      the system's futex (Linux); 64-bit words, which it lacks, are parked as below
 *   portable  a table of wait queues, one parking place per waiting thread; needs of the
 *             system only "sleep on a word, wake a word" and a lock with inheritance. QNX.
 *
 * Order: the waiter of highest (real-time) priority is woken first, then the one that came
 * first. (host: 32-bit waiters of an address come before 64-bit ones.)
 *
 * Costs: a wake with nobody waiting makes no kernel call (host: unless the domain is shared or
 * waiters were moved to an address of the same bucket before). A wait makes 1 to 3, a wake 1 per
 * woken waiter (host: 1). Portable: the waiter walks the waiters of its bucket, O(waiters), once
 * to queue; a wake walks them up to the ones it wakes, 16 at a time with the bucket locked; a
 * requeue does all of its work with both buckets locked.
 * Nothing allocates; nothing spins.
 *
 * A domain is a set of waits that know each other. NULL means the process's own, which is
 * initialised by its first use. Make one for what several processes share, or to bound the
 * waiters of a tenant. All calls on a domain may run together, except init and deinit.
 */
#ifndef WRT_FUTEX_H
#define WRT_FUTEX_H

#include "wrt/base.h"
#include "wrt/cacheline.h"

WRT_BEGIN_DECLS

#define WRT_FUTEX_BUCKETS 64u
#define WRT_FUTEX_MAX_WAITERS 256u

enum wrt_futex_kind { WRT_FUTEX_DEFAULT = 0, WRT_FUTEX_HOST, WRT_FUTEX_PORTABLE };

/* Cancels waits from another thread: give a tenant one, and pass it to each of its waits.
 * Zero-fill. */
struct wrt_interrupt {
    uint32_t is_raised; /* private */
};

/* Zero-fill, set what you need. */
struct wrt_futex_config {
    enum wrt_futex_kind kind; /* 0: host where the system has one, else portable */
    uint32_t max_waiters;     /* parked at once, 1 .. 256; 0 = 256. host: counts only 64-bit waits */
    bool is_shared;           /* the domain and the words lie in one mapping that processes share */
    bool trust_addresses;     /* do not ask the kernel whether an address is mapped: saves 1 call
                               * per wait that parks; a bad address then faults in the caller */
};

struct wrt_futex_place { /* private: where one thread is parked */
    uint32_t state WRT_CACHE_ALIGNED; /* what it sleeps on */
    uint32_t next;                    /* in its queue: number + 1, 0 = last */
    uint32_t bucket;
    int32_t priority;
    uint64_t key;       /* address waited on, relative to the domain */
    uint64_t interrupt; /* likewise; 0 = none */
    uint64_t arrival;
};

struct wrt_futex_bucket { /* private: waiters whose addresses hash alike */
    uint64_t lock[8] WRT_CACHE_ALIGNED; /* the port's mutex */
    uint32_t waiters WRT_CACHE_ALIGNED; /* asleep here, parked or in the host, or about to be */
    uint32_t is_move_target;            /* host: waiters were moved here; counts as a waiter */
    uint32_t first;                     /* queue of parked ones: number + 1, 0 = empty */
    uint64_t arrivals;                  /* ever queued */
};

/* Fields are private; placed by the caller, static or in shared memory. */
struct wrt_futex_domain {
    enum wrt_futex_kind kind;
    uint32_t max_waiters;
    bool is_shared;
    bool trust_addresses;
    bool is_broken; /* shared: a process ended while it held a bucket */
    struct wrt_futex_bucket buckets[WRT_FUTEX_BUCKETS];
    struct wrt_futex_place places[WRT_FUTEX_MAX_WAITERS];
};

/* Borrows config (NULL: all defaults). ERR_ARGUMENT; ERR_UNSUPPORTED: no such kind here.
 * Cost: O(buckets + places), may block (system), never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_futex_domain_init(struct wrt_futex_domain *domain, const struct wrt_futex_config *config);
/* ERR_BUSY while somebody waits.
 * Cost: O(buckets), may block (system), never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_futex_domain_deinit(struct wrt_futex_domain *domain);
/* HOST or PORTABLE.
 * Cost: O(1); NULL for the first time as init, may block (system), never faults. */
WRT_API enum wrt_futex_kind wrt_futex_domain_kind(const struct wrt_futex_domain *domain);

/* Sleeps while *address == expected, until a wake. Blocks.
 *   WRT_OK           woken
 *   WRT_NOT_EQUAL    the word differed; did not sleep
 *   ERR_TIMEOUT      deadline_ns (monotonic, absolute) passed; 0 or a past one: compares, then
 *                    says ERR_TIMEOUT instead of sleeping; UINT64_MAX: no deadline
 *   ERR_INTERRUPTED  `interrupt` (NULL: none; borrows) was raised, before or during the wait
 *   ERR_ALIGNMENT    address is not a multiple of the word's size
 *   ERR_BOUNDS       address is not mapped
 *   ERR_LIMIT        max_waiters are parked already
 *   ERR_CORRUPT      a process ended while it changed the shared domain
 * Cost: O(waiters of the bucket), blocks until woken, may fault; 448 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_futex_wait(struct wrt_futex_domain *domain, const uint32_t *address, uint32_t expected,
               uint64_t deadline_ns, const struct wrt_interrupt *interrupt);
/* The same for a 64-bit word. A domain that is shared and host: ERR_UNSUPPORTED.
 * Cost: O(waiters of the bucket), blocks until woken, may fault; 448 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_futex_wait64(struct wrt_futex_domain *domain, const uint64_t *address, uint64_t expected,
                 uint64_t deadline_ns, const struct wrt_interrupt *interrupt);

/* Wakes up to `count` of those that wait on the address now; UINT32_MAX: all of them (those
 * that come during the call are not waited for). *out_woken (may be NULL) says how many. Does
 * not touch the word. ERR_ALIGNMENT (4 bytes), ERR_CORRUPT.
 * Cost: O(waiters of the bucket); nobody there: O(1), no call of the system, may block (system),
 * never faults; 2600 bytes of stack. */
WRT_API enum wrt_status wrt_futex_wake(struct wrt_futex_domain *domain, const void *address,
                                       uint32_t count, uint32_t *out_woken);

/* If *from == expected: wakes up to wake_count waiters of `from` and moves up to move_count
 * more to `to`, as if they had called wait there. NOT_EQUAL: nothing happened. Both outs may
 * be NULL. ERR_ALIGNMENT, ERR_BOUNDS, ERR_CORRUPT.
 * Cost: O(waiters of both buckets), may block (system), may fault; 2700 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_futex_requeue(struct wrt_futex_domain *domain, const uint32_t *from, uint32_t expected,
                  uint32_t wake_count, const uint32_t *to, uint32_t move_count,
                  uint32_t *out_woken, uint32_t *out_moved);

/* Raises it: all waits of the domain that carry it return ERR_INTERRUPTED, now and until it is
 * cleared. A wait that was woken first stays woken. ERR_CORRUPT.
 * Cost: O(buckets + waiters), may block (system), never faults; 2500 bytes of stack. */
WRT_API enum wrt_status wrt_interrupt_raise(struct wrt_futex_domain *domain,
                                            struct wrt_interrupt *interrupt);
/* Cost: O(1), never blocks, never faults. */
WRT_API void wrt_interrupt_clear(struct wrt_interrupt *interrupt);
WRT_API bool wrt_interrupt_is_raised(const struct wrt_interrupt *interrupt);

/* How many wait on addresses that share a bucket with this one: 0 means nobody waits here.
 * May be old when it returns.
 * Cost: O(1); NULL for the first time as init, may block (system), never faults. */
WRT_API uint32_t wrt_futex_count_waiters(struct wrt_futex_domain *domain, const void *address);

WRT_END_DECLS
#endif
