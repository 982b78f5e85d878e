/* src/sync/futex_host.c - futex waits in the system's own futex; see wrt/futex.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Idea: the kernel compares, sleeps, orders by priority and counts. What it lacks is added
 * around it: the count of waiters that saves the kernel call of a vain wake, and cancelling,
 * by sleeping on the interrupt's word and on the address at once.
 * Limit: the kernel moves waiters without telling us, so a bucket that waiters were moved to
 * counts as never empty from then on.
 */
#include "port.h"
#include "port_sync.h"
#include "sync/futex_room.h"

static enum wrt_status sleep_on(const struct wrt_futex_domain *domain,
                                const struct wrt_futex_request *request)
{
    /* The address comes last: if both were woken, the kernel reports the last, and a wait that
     * a wake has counted must not say that it was interrupted. */
    struct wrt_port_futex_word words[2];
    uint32_t count = 0;
    if (request->interrupt)
        words[count++] = (struct wrt_port_futex_word){ &request->interrupt->is_raised, 0 };
    words[count++] = (struct wrt_port_futex_word){ (const uint32_t *)request->address,
                                                   (uint32_t)request->expected };
    uint32_t woken = 0;
    enum wrt_status status = wrt_port_futex_wait(words, count, request->deadline_ns,
                                                 domain->is_shared, &woken);
    if (status == WRT_OK && woken + 1 < count)
        return WRT_ERR_INTERRUPTED;
    return status;
}

/* After "a word differed": which one? OK means neither does by now. */
static enum wrt_status find_difference(const struct wrt_futex_request *request)
{
    if (request->interrupt && wrt_interrupt_is_raised(request->interrupt))
        return WRT_ERR_INTERRUPTED;
    uint32_t value = __atomic_load_n((const uint32_t *)request->address, __ATOMIC_ACQUIRE);
    return value == request->expected ? WRT_OK : WRT_NOT_EQUAL;
}

enum wrt_status wrt_host_wait(struct wrt_futex_domain *domain,
                              const struct wrt_futex_request *request)
{
    struct wrt_futex_bucket *bucket = wrt_futex_find_bucket(domain, request->address);
    enum wrt_status status;
    wrt_futex_announce(bucket);
    for (;;) {
        status = sleep_on(domain, request);
        if (status == WRT_ERR_INTERRUPTED && request->interrupt &&
            wrt_interrupt_is_raised(request->interrupt))
            break;
        if (status == WRT_ERR_INTERRUPTED)
            continue; /* a signal handler ran, or the interrupt was cleared again */
        if (status != WRT_ERR_STATE)
            break;
        status = request->interrupt ? find_difference(request) : WRT_NOT_EQUAL;
        if (status != WRT_OK)
            break;
    }
    wrt_futex_withdraw(bucket);
    return status;
}

enum wrt_status wrt_host_wake(struct wrt_futex_domain *domain, const void *address,
                              uint32_t count, uint32_t *out_woken)
{
    struct wrt_futex_bucket *bucket = wrt_futex_find_bucket(domain, address);
    uint32_t woken = 0, unparked = 0;
    *out_woken = 0;
    if (wrt_futex_look(bucket) == 0 && !domain->is_shared)
        return WRT_OK;
    enum wrt_status status =
        wrt_port_wake((const uint32_t *)address, count, domain->is_shared, &woken);
    if (status != WRT_OK)
        return status;
    if (woken < count)
        status = wrt_park_wake(domain, address, count - woken, &unparked);
    *out_woken = woken + unparked;
    return status;
}

/* From now on the bucket counts one waiter more than announced themselves. */
static void mark_move_target(struct wrt_futex_bucket *bucket)
{
    if (__atomic_exchange_n(&bucket->is_move_target, 1, __ATOMIC_ACQ_REL) == 0)
        wrt_futex_announce(bucket);
}

enum wrt_status wrt_host_requeue(struct wrt_futex_domain *domain, const uint32_t *from,
                                 uint32_t expected, uint32_t wake_count, const uint32_t *to,
                                 uint32_t move_count, uint32_t *out_woken,
                                 uint32_t *out_moved)
{
    if (move_count > 0 && from != to)
        mark_move_target(wrt_futex_find_bucket(domain, to));
    uint32_t woken, moved, unparked = 0, reparked = 0;
    enum wrt_status status =
        wrt_port_futex_requeue(from, expected, wake_count, to, move_count, domain->is_shared,
                               &woken, &moved);
    if (status == WRT_ERR_STATE)
        return WRT_NOT_EQUAL;
    if (status != WRT_OK)
        return status;
    /* The kernel compared already: waiters with 64-bit words follow without it. */
    status = wrt_park_requeue(domain, from, NULL, wake_count - woken, to, move_count - moved,
                              &unparked, &reparked);
    *out_woken = woken + unparked;
    *out_moved = moved + reparked;
    return status;
}
