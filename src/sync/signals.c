/* src/sync/signals.c - condition, event, semaphore, barrier and once of wrt/lock.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Idea: each is one word that says everything, changed by one atomic step, and a futex wait on
 * it. The change comes before the wake, and the wait compares: so no wake is lost.
 */
#include "wrt/lock.h"

/* A wait that found the word changed is as good as one that was woken: look again. */
static bool is_failure(enum wrt_status status) { return status < 0; }

/* ---- condition ---- */

enum wrt_status wrt_condition_wait(struct wrt_condition *condition, struct wrt_mutex *mutex,
                                   uint64_t deadline_ns, const struct wrt_interrupt *interrupt)
{
    /* Read under the mutex: a signal for a change made after this moves the number on. */
    uint32_t sequence = __atomic_load_n(&condition->sequence, __ATOMIC_ACQUIRE);
    enum wrt_status status = wrt_mutex_unlock(mutex);
    if (status != WRT_OK)
        return status;
    enum wrt_status woken =
        wrt_futex_wait(NULL, &condition->sequence, sequence, deadline_ns, interrupt);
    status = wrt_mutex_lock(mutex);
    if (status != WRT_OK)
        return status;
    return is_failure(woken) ? woken : WRT_OK;
}

static enum wrt_status move_and_wake(uint32_t *word, uint32_t count)
{
    (void)__atomic_fetch_add(word, 1, __ATOMIC_RELEASE);
    return wrt_futex_wake(NULL, word, count, NULL);
}

enum wrt_status wrt_condition_signal(struct wrt_condition *condition)
{
    return move_and_wake(&condition->sequence, 1);
}

enum wrt_status wrt_condition_broadcast(struct wrt_condition *condition)
{
    return move_and_wake(&condition->sequence, UINT32_MAX);
}

/* ---- event ---- */

static bool pass(struct wrt_event *event)
{
    uint32_t set = 1;
    if (!event->is_automatic)
        return __atomic_load_n(&event->is_set, __ATOMIC_ACQUIRE) == 1;
    return __atomic_compare_exchange_n(&event->is_set, &set, 0, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

enum wrt_status wrt_event_wait(struct wrt_event *event, uint64_t deadline_ns,
                               const struct wrt_interrupt *interrupt)
{
    while (!pass(event)) {
        enum wrt_status status =
            wrt_futex_wait(NULL, &event->is_set, 0, deadline_ns, interrupt);
        if (is_failure(status))
            return status;
    }
    return WRT_OK;
}

enum wrt_status wrt_event_set(struct wrt_event *event)
{
    __atomic_store_n(&event->is_set, 1, __ATOMIC_RELEASE);
    return wrt_futex_wake(NULL, &event->is_set, event->is_automatic ? 1 : UINT32_MAX, NULL);
}

void wrt_event_clear(struct wrt_event *event)
{
    __atomic_store_n(&event->is_set, 0, __ATOMIC_RELEASE);
}

/* ---- semaphore ---- */

enum wrt_status wrt_semaphore_init(struct wrt_semaphore *semaphore, uint32_t count,
                                   uint32_t maximum)
{
    if (!semaphore || maximum == 0 || count > maximum)
        return WRT_ERR_ARGUMENT;
    semaphore->maximum = maximum;
    __atomic_store_n(&semaphore->count, count, __ATOMIC_RELEASE);
    return WRT_OK;
}

static bool take_one(uint32_t *count)
{
    uint32_t now = __atomic_load_n(count, __ATOMIC_RELAXED);
    while (now > 0)
        if (__atomic_compare_exchange_n(count, &now, now - 1, true, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return true;
    return false;
}

enum wrt_status wrt_semaphore_take(struct wrt_semaphore *semaphore, uint64_t deadline_ns,
                                   const struct wrt_interrupt *interrupt)
{
    while (!take_one(&semaphore->count)) {
        enum wrt_status status =
            wrt_futex_wait(NULL, &semaphore->count, 0, deadline_ns, interrupt);
        if (is_failure(status))
            return status;
    }
    return WRT_OK;
}

enum wrt_status wrt_semaphore_give(struct wrt_semaphore *semaphore)
{
    uint32_t now = __atomic_load_n(&semaphore->count, __ATOMIC_RELAXED);
    do {
        if (now == semaphore->maximum)
            return WRT_ERR_OVERFLOW;
    } while (!__atomic_compare_exchange_n(&semaphore->count, &now, now + 1, true,
                                          __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    return wrt_futex_wake(NULL, &semaphore->count, 1, NULL);
}

/* ---- barrier ---- */

enum wrt_status wrt_barrier_init(struct wrt_barrier *barrier, uint32_t parties)
{
    if (!barrier || parties == 0 || parties > 0xFFFF)
        return WRT_ERR_ARGUMENT;
    *barrier = (struct wrt_barrier){ .parties = parties };
    return WRT_OK;
}

/* Unless the round ended meanwhile, the caller has not arrived. */
static bool take_back(struct wrt_barrier *barrier, uint32_t round)
{
    uint32_t state = __atomic_load_n(&barrier->state, __ATOMIC_ACQUIRE);
    do {
        if (state >> 16 != round)
            return false;
    } while (!__atomic_compare_exchange_n(&barrier->state, &state, state - 1, true,
                                          __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
    return true;
}

/* Sleeps on the state itself: each arrival changes it and wakes nobody, the last one wakes all.
 * A waiter that finds it changed looks again, at most once per arrival. */
static enum wrt_status wait_for_round(struct wrt_barrier *barrier, uint32_t round,
                                      uint64_t deadline_ns,
                                      const struct wrt_interrupt *interrupt)
{
    for (;;) {
        uint32_t state = __atomic_load_n(&barrier->state, __ATOMIC_ACQUIRE);
        if (state >> 16 != round)
            return WRT_OK;
        enum wrt_status status =
            wrt_futex_wait(NULL, &barrier->state, state, deadline_ns, interrupt);
        if (is_failure(status) && take_back(barrier, round))
            return status;
    }
}

/* Counts the caller in; the last one opens the next round in the same step. */
static uint32_t arrive(struct wrt_barrier *barrier, bool *out_is_last)
{
    uint32_t state = __atomic_load_n(&barrier->state, __ATOMIC_RELAXED), next;
    do {
        *out_is_last = (state & 0xFFFF) + 1 == barrier->parties;
        next = *out_is_last ? ((state >> 16) + 1) << 16 : state + 1;
    } while (!__atomic_compare_exchange_n(&barrier->state, &state, next, true,
                                          __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    return state >> 16;
}

enum wrt_status wrt_barrier_arrive(struct wrt_barrier *barrier, uint64_t deadline_ns,
                                   const struct wrt_interrupt *interrupt, bool *out_is_last)
{
    bool is_last;
    uint32_t round = arrive(barrier, &is_last);
    enum wrt_status status = WRT_OK;
    if (is_last)
        status = wrt_futex_wake(NULL, &barrier->state, UINT32_MAX, NULL);
    else
        status = wait_for_round(barrier, round, deadline_ns, interrupt);
    if (status == WRT_OK && out_is_last)
        *out_is_last = is_last;
    return status;
}

/* ---- once ---- */

enum { NOT_DONE, BEING_DONE, DONE };

static enum wrt_status do_once(struct wrt_once *once, enum wrt_status (*initialise)(void *),
                               void *context)
{
    enum wrt_status status = initialise(context);
    __atomic_store_n(&once->state, status == WRT_OK ? DONE : NOT_DONE, __ATOMIC_RELEASE);
    (void)wrt_futex_wake(NULL, &once->state, UINT32_MAX, NULL);
    return status;
}

enum wrt_status wrt_once_run(struct wrt_once *once, enum wrt_status (*initialise)(void *),
                             void *context)
{
    for (;;) {
        uint32_t state = NOT_DONE;
        if (__atomic_compare_exchange_n(&once->state, &state, BEING_DONE, false,
                                        __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE))
            return do_once(once, initialise, context);
        if (state == DONE)
            return WRT_OK;
        enum wrt_status status =
            wrt_futex_wait(NULL, &once->state, BEING_DONE, UINT64_MAX, NULL);
        if (is_failure(status))
            return status;
    }
}
