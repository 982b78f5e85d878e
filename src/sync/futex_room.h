/* src/sync/futex_room.h - shared by the two futex implementations.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WRT_SYNC_FUTEX_ROOM_H
#define WRT_SYNC_FUTEX_ROOM_H

#include "wrt/futex.h"

/* One call of wait, as the parking table takes it. */
struct wrt_futex_request {
    const void *address;
    uint64_t expected;
    uint64_t deadline_ns;
    const struct wrt_interrupt *interrupt;
    bool is_64_bit;
};

/* The bucket of an address. */
struct wrt_futex_bucket *wrt_futex_find_bucket(struct wrt_futex_domain *domain,
                                               const void *address);

/* Looks at the bucket's waiters so that the look is ordered against a waiter's announcing
 * itself and then comparing the word. Both sides are read-modify-writes of this one counter,
 * so one of them comes first: if the waiter's, it is seen here; if this one, its release is
 * acquired by the waiter, which then sees the word that the caller changed before. (A plain
 * load would need a full fence on both sides.) */
static inline uint32_t wrt_futex_look(struct wrt_futex_bucket *bucket)
{
    return __atomic_fetch_add(&bucket->waiters, 0, __ATOMIC_ACQ_REL);
}

static inline void wrt_futex_announce(struct wrt_futex_bucket *bucket)
{
    (void)__atomic_fetch_add(&bucket->waiters, 1, __ATOMIC_ACQ_REL);
}

static inline void wrt_futex_withdraw(struct wrt_futex_bucket *bucket)
{
    (void)__atomic_fetch_sub(&bucket->waiters, 1, __ATOMIC_ACQ_REL);
}

/* ---- the parking table (futex_park.c) ---- */

enum wrt_status wrt_park_wait(struct wrt_futex_domain *domain,
                              const struct wrt_futex_request *request);
enum wrt_status wrt_park_wake(struct wrt_futex_domain *domain, const void *address,
                              uint32_t count, uint32_t *out_woken);
enum wrt_status wrt_park_requeue(struct wrt_futex_domain *domain, const uint32_t *from,
                                 const uint32_t *expected, uint32_t wake_count,
                                 const uint32_t *to, uint32_t move_count,
                                 uint32_t *out_woken, uint32_t *out_moved);
enum wrt_status wrt_park_interrupt(struct wrt_futex_domain *domain,
                                   const struct wrt_interrupt *interrupt);

/* ---- the host's futex (futex_host.c) ---- */

enum wrt_status wrt_host_wait(struct wrt_futex_domain *domain,
                              const struct wrt_futex_request *request);
enum wrt_status wrt_host_wake(struct wrt_futex_domain *domain, const void *address,
                              uint32_t count, uint32_t *out_woken);
enum wrt_status wrt_host_requeue(struct wrt_futex_domain *domain, const uint32_t *from,
                                 uint32_t expected, uint32_t wake_count, const uint32_t *to,
                                 uint32_t move_count, uint32_t *out_woken,
                                 uint32_t *out_moved);

#endif
