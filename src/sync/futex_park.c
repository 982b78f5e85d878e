/* src/sync/futex_park.c - the portable futex: a table of queues and parking places.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Idea: a waiter queues a parking place under the lock of its address's bucket, after it has
 * compared the word under that lock, and sleeps on the place's own state word. A waker takes
 * places out of the queue under the same lock, writes their state there, and lets the threads
 * go (the one kernel call per waiter) after the lock is free.
 *
 *   F1  a place is FREE, or owned by one thread; it is in a queue only while PARKED
 *   F2  whoever takes it out of the queue decides its outcome: a waker (WOKEN), an interrupt
 *       (INTERRUPTED), or its own thread (its deadline passed); so each wake that was counted
 *       is one wait that returns WRT_OK
 *   F3  a queue is ordered by priority, then arrival
 *
 * A late "let it go" may reach a place that has a new owner by then: it looks at its state and
 * sleeps on. Places are never unmapped.
 *
 * Limit: O(waiters of the bucket) to queue; 256 places a domain. A process of a shared domain
 * that dies asleep keeps its place and may take one wake with it.
 */
#include "port.h"
#include "port_sync.h"
#include "sync/futex_room.h"

enum place_state { FREE, PARKED, WOKEN, INTERRUPTED };
enum { BATCH = 16 };

/* Wakers let these threads go after they have left the bucket. */
struct released {
    struct wrt_futex_place *places[WRT_FUTEX_MAX_WAITERS];
    uint32_t count;
};

/* ---- buckets ---- */

static struct wrt_port_mutex *lock_of(struct wrt_futex_bucket *bucket)
{
    return (struct wrt_port_mutex *)(void *)bucket->lock;
}

static void unlock(struct wrt_futex_bucket *bucket)
{
    (void)!wrt_port_lock_give(lock_of(bucket));
}

static enum wrt_status lock(struct wrt_futex_domain *domain, struct wrt_futex_bucket *bucket)
{
    enum wrt_status status = wrt_port_lock_take(lock_of(bucket));
    if (status != WRT_OWNER_DIED)
        return status;
    /* Its queue may be half changed: nothing can be promised any more. */
    __atomic_store_n(&domain->is_broken, true, __ATOMIC_RELAXED);
    (void)!wrt_port_lock_repair(lock_of(bucket));
    unlock(bucket);
    return WRT_ERR_CORRUPT;
}

static uint64_t key_of(const struct wrt_futex_domain *domain, const void *address)
{
    return (uint64_t)((uintptr_t)address - (uintptr_t)domain);
}

static uint32_t bucket_number(const struct wrt_futex_domain *domain,
                              const struct wrt_futex_bucket *bucket)
{
    return (uint32_t)(bucket - domain->buckets);
}

/* ---- queues; the bucket is locked ---- */

static bool comes_before(const struct wrt_futex_place *a, const struct wrt_futex_place *b)
{
    return a->priority > b->priority ||
           (a->priority == b->priority && a->arrival < b->arrival);
}

static void insert(struct wrt_futex_domain *domain, struct wrt_futex_bucket *bucket,
                   struct wrt_futex_place *place)
{
    uint32_t *link = &bucket->first;
    place->arrival = bucket->arrivals++;
    __atomic_store_n(&place->bucket, bucket_number(domain, bucket), __ATOMIC_RELAXED);
    while (*link != 0 && comes_before(&domain->places[*link - 1], place))
        link = &domain->places[*link - 1].next;
    place->next = *link;
    *link = (uint32_t)(place - domain->places) + 1;
}

/* Takes the place that *link names out of its queue; *link names the next one then. */
static struct wrt_futex_place *take_out(struct wrt_futex_domain *domain, uint32_t *link)
{
    struct wrt_futex_place *place = &domain->places[*link - 1];
    *link = place->next;
    return place;
}

static void decide(struct wrt_futex_bucket *bucket, struct wrt_futex_place *place,
                   enum place_state outcome, struct released *released)
{
    wrt_futex_withdraw(bucket);
    released->places[released->count++] = place;
    __atomic_store_n(&place->state, (uint32_t)outcome, __ATOMIC_RELEASE);
}

static void let_go(const struct wrt_futex_domain *domain, const struct released *released)
{
    for (uint32_t i = 0; i < released->count; i++) {
        uint32_t woken;
        (void)!wrt_port_wake(&released->places[i]->state, 1, domain->is_shared, &woken);
    }
}

/* ---- places ---- */

/* At most max_waiters attempts, usually one: a thread starts at a place of its own. */
static struct wrt_futex_place *claim_place(struct wrt_futex_domain *domain)
{
    uint32_t start = wrt_port_thread_id();
    for (uint32_t i = 0; i < domain->max_waiters; i++) {
        struct wrt_futex_place *place = &domain->places[(start + i) % domain->max_waiters];
        uint32_t state = FREE;
        if (__atomic_load_n(&place->state, __ATOMIC_RELAXED) == FREE &&
            __atomic_compare_exchange_n(&place->state, &state, PARKED, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return place;
    }
    return NULL;
}

static void free_place(struct wrt_futex_place *place)
{
    __atomic_store_n(&place->state, FREE, __ATOMIC_RELEASE);
}

/* ---- waiting ---- */

static bool is_mapped(const void *address)
{
    /* Aligned words do not cross pages: one byte tells. */
    return wrt_port_probe(address, WRT_PORT_READ) != WRT_ERR_DENIED;
}

static bool holds_expected(const struct wrt_futex_request *request)
{
    if (request->is_64_bit)
        return __atomic_load_n((const uint64_t *)request->address, __ATOMIC_ACQUIRE) ==
               request->expected;
    return __atomic_load_n((const uint32_t *)request->address, __ATOMIC_ACQUIRE) ==
           request->expected;
}

static bool is_interrupted(const struct wrt_futex_request *request)
{
    return request->interrupt && wrt_interrupt_is_raised(request->interrupt);
}

/* Compares and queues as one step, by the bucket's lock. */
static enum wrt_status park(struct wrt_futex_domain *domain,
                            const struct wrt_futex_request *request,
                            struct wrt_futex_place *place)
{
    struct wrt_futex_bucket *bucket = wrt_futex_find_bucket(domain, request->address);
    enum wrt_status status = lock(domain, bucket);
    if (status != WRT_OK)
        return status;
    wrt_futex_announce(bucket);
    if (is_interrupted(request))
        status = WRT_ERR_INTERRUPTED;
    else if (!holds_expected(request))
        status = WRT_NOT_EQUAL;
    else
        insert(domain, bucket, place);
    if (status != WRT_OK)
        wrt_futex_withdraw(bucket);
    unlock(bucket);
    return status;
}

/* Locks the bucket whose queue the place is in, or was: a requeue may change it meanwhile,
 * under the locks of both. */
static enum wrt_status lock_bucket_of(struct wrt_futex_domain *domain,
                                      struct wrt_futex_place *place,
                                      struct wrt_futex_bucket **out)
{
    for (;;) {
        uint32_t number = __atomic_load_n(&place->bucket, __ATOMIC_RELAXED);
        struct wrt_futex_bucket *bucket = &domain->buckets[number];
        enum wrt_status status = lock(domain, bucket);
        if (status != WRT_OK)
            return status;
        if (__atomic_load_n(&place->bucket, __ATOMIC_RELAXED) == number) {
            *out = bucket;
            return WRT_OK;
        }
        unlock(bucket);
    }
}

/* Takes the caller's place out of its queue. false: somebody decided its outcome already. */
static bool give_up(struct wrt_futex_domain *domain, struct wrt_futex_place *place)
{
    struct wrt_futex_bucket *bucket;
    if (lock_bucket_of(domain, place, &bucket) != WRT_OK)
        return true; /* the domain is broken: nobody decides anything any more */
    uint32_t number = (uint32_t)(place - domain->places) + 1;
    uint32_t *link = &bucket->first;
    while (*link != 0 && *link != number)
        link = &domain->places[*link - 1].next;
    bool is_queued = *link == number;
    if (is_queued) {
        (void)take_out(domain, link);
        wrt_futex_withdraw(bucket);
    }
    unlock(bucket);
    return is_queued;
}

static enum wrt_status sleep_in(struct wrt_futex_domain *domain, struct wrt_futex_place *place,
                                uint64_t deadline_ns)
{
    for (;;) {
        uint32_t state = __atomic_load_n(&place->state, __ATOMIC_ACQUIRE);
        if (state != PARKED)
            return state == WOKEN ? WRT_OK : WRT_ERR_INTERRUPTED;
        enum wrt_status status =
            wrt_port_wait(&place->state, PARKED, deadline_ns, domain->is_shared);
        bool is_over = status != WRT_OK && status != WRT_ERR_STATE &&
                       status != WRT_ERR_INTERRUPTED;
        if (is_over && give_up(domain, place))
            return status;
    }
}

static enum wrt_status try_only(const struct wrt_futex_request *request)
{
    if (is_interrupted(request))
        return WRT_ERR_INTERRUPTED;
    return holds_expected(request) ? WRT_ERR_TIMEOUT : WRT_NOT_EQUAL;
}

enum wrt_status wrt_park_wait(struct wrt_futex_domain *domain,
                              const struct wrt_futex_request *request)
{
    if (!domain->trust_addresses && !is_mapped(request->address))
        return WRT_ERR_BOUNDS;
    if (request->deadline_ns == 0)
        return try_only(request);
    struct wrt_futex_place *place = claim_place(domain);
    if (!place)
        return WRT_ERR_LIMIT;
    int priority = 0;
    (void)!wrt_port_thread_get_priority(&priority);
    place->priority = priority;
    place->key = key_of(domain, request->address);
    place->interrupt = request->interrupt ? key_of(domain, request->interrupt) : 0;
    enum wrt_status status = park(domain, request, place);
    if (status == WRT_OK)
        status = sleep_in(domain, place, request->deadline_ns);
    free_place(place);
    return status;
}

/* ---- waking ---- */

/* The first waiters of `key`, up to `count`, that arrived before `limit`. */
static void take_waiters(struct wrt_futex_domain *domain, struct wrt_futex_bucket *bucket,
                         uint64_t key, uint64_t limit, uint32_t count,
                         struct released *released)
{
    uint32_t *link = &bucket->first;
    while (*link != 0 && released->count < count) {
        struct wrt_futex_place *place = &domain->places[*link - 1];
        if (place->key == key && place->arrival < limit)
            decide(bucket, take_out(domain, link), WOKEN, released);
        else
            link = &place->next;
    }
}

enum wrt_status wrt_park_wake(struct wrt_futex_domain *domain, const void *address,
                              uint32_t count, uint32_t *out_woken)
{
    struct wrt_futex_bucket *bucket = wrt_futex_find_bucket(domain, address);
    uint64_t key = key_of(domain, address);
    uint64_t limit = UINT64_MAX;
    struct released released;
    *out_woken = 0;
    if (wrt_futex_look(bucket) == 0)
        return WRT_OK;
    do {
        released.count = 0;
        enum wrt_status status = lock(domain, bucket);
        if (status != WRT_OK)
            return status;
        if (limit == UINT64_MAX)
            limit = bucket->arrivals; /* those that come later are not waited for */
        uint32_t wanted = count - *out_woken < BATCH ? count - *out_woken : BATCH;
        take_waiters(domain, bucket, key, limit, wanted, &released);
        unlock(bucket);
        let_go(domain, &released);
        *out_woken += released.count;
    } while (released.count == BATCH && *out_woken < count);
    return WRT_OK;
}

/* ---- interrupting ---- */

static void take_interrupted(struct wrt_futex_domain *domain, struct wrt_futex_bucket *bucket,
                             uint64_t interrupt, struct released *released)
{
    uint32_t *link = &bucket->first;
    while (*link != 0 && released->count < BATCH) {
        struct wrt_futex_place *place = &domain->places[*link - 1];
        if (place->interrupt == interrupt)
            decide(bucket, take_out(domain, link), INTERRUPTED, released);
        else
            link = &place->next;
    }
}

/* A waiter that this does not find in its queue takes the lock later, and sees that the
 * interrupt is raised. */
enum wrt_status wrt_park_interrupt(struct wrt_futex_domain *domain,
                                   const struct wrt_interrupt *interrupt)
{
    uint64_t key = key_of(domain, interrupt);
    struct released released = { .count = 0 };
    for (uint32_t i = 0; i < WRT_FUTEX_BUCKETS; i++) {
        struct wrt_futex_bucket *bucket = &domain->buckets[i];
        do {
            released.count = 0;
            if (wrt_futex_look(bucket) == 0)
                break;
            enum wrt_status status = lock(domain, bucket);
            if (status != WRT_OK)
                return status;
            take_interrupted(domain, bucket, key, &released);
            unlock(bucket);
            let_go(domain, &released);
        } while (released.count == BATCH);
    }
    return WRT_OK;
}

/* ---- moving ---- */

static void unlock_both(struct wrt_futex_bucket *a, struct wrt_futex_bucket *b)
{
    unlock(a);
    if (b != a)
        unlock(b);
}

/* In the order of their addresses, so that two requeues never wait for each other. */
static enum wrt_status lock_both(struct wrt_futex_domain *domain, struct wrt_futex_bucket *a,
                                 struct wrt_futex_bucket *b)
{
    struct wrt_futex_bucket *first = a < b ? a : b;
    struct wrt_futex_bucket *second = a < b ? b : a;
    enum wrt_status status = lock(domain, first);
    if (status != WRT_OK || first == second)
        return status;
    status = lock(domain, second);
    if (status != WRT_OK)
        unlock(first);
    return status;
}

static uint32_t move_waiters(struct wrt_futex_domain *domain, struct wrt_futex_bucket *source,
                             struct wrt_futex_bucket *target, uint64_t from, uint64_t to,
                             uint32_t count)
{
    uint32_t moved = 0;
    uint64_t limit = source->arrivals; /* within one bucket, do not move the moved again */
    uint32_t *link = &source->first;
    while (*link != 0 && moved < count) {
        struct wrt_futex_place *place = &domain->places[*link - 1];
        if (place->key != from || place->arrival >= limit) {
            link = &place->next;
            continue;
        }
        (void)take_out(domain, link);
        wrt_futex_withdraw(source);
        wrt_futex_announce(target);
        place->key = to;
        insert(domain, target, place);
        moved++;
    }
    return moved;
}

enum wrt_status wrt_park_requeue(struct wrt_futex_domain *domain, const uint32_t *from,
                                 const uint32_t *expected, uint32_t wake_count,
                                 const uint32_t *to, uint32_t move_count,
                                 uint32_t *out_woken, uint32_t *out_moved)
{
    struct wrt_futex_bucket *source = wrt_futex_find_bucket(domain, from);
    struct wrt_futex_bucket *target = wrt_futex_find_bucket(domain, to);
    if (expected && !domain->trust_addresses && !is_mapped(from))
        return WRT_ERR_BOUNDS;
    *out_woken = *out_moved = 0;
    if (!expected && wrt_futex_look(source) == 0)
        return WRT_OK;
    enum wrt_status status = lock_both(domain, source, target);
    if (status != WRT_OK)
        return status;
    struct released released = { .count = 0 };
    if (expected && __atomic_load_n(from, __ATOMIC_ACQUIRE) != *expected) {
        status = WRT_NOT_EQUAL;
    } else { /* waking and moving are one step, so here is no batch */
        take_waiters(domain, source, key_of(domain, from), UINT64_MAX, wake_count, &released);
        *out_woken = released.count;
        *out_moved = move_waiters(domain, source, target, key_of(domain, from),
                                  key_of(domain, to), move_count);
    }
    unlock_both(source, target);
    let_go(domain, &released);
    return status;
}
