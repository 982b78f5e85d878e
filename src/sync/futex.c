/* src/sync/futex.c - the calls of wrt/futex.h: checks, domains, and which implementation.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Idea: one contract, two implementations; a host without 64-bit futexes parks those in the
 * portable table of the same domain, so a wake asks both.
 */
#include <string.h>

#include "port.h"
#include "port_sync.h"
#include "sync/futex_room.h"

_Static_assert(sizeof((struct wrt_futex_bucket){ 0 }.lock) == sizeof(struct wrt_port_mutex),
               "a bucket holds the port's mutex");

/* ---- domains ---- */

static struct wrt_port_mutex *lock_of(struct wrt_futex_bucket *bucket)
{
    return (struct wrt_port_mutex *)(void *)bucket->lock;
}

static enum wrt_status choose_kind(enum wrt_futex_kind asked, enum wrt_futex_kind *out)
{
    bool has_host = wrt_port_futex_query() == WRT_OK;
    if (asked == WRT_FUTEX_HOST && !has_host)
        return WRT_ERR_UNSUPPORTED;
    if (asked == WRT_FUTEX_DEFAULT)
        asked = has_host ? WRT_FUTEX_HOST : WRT_FUTEX_PORTABLE;
    *out = asked;
    return WRT_OK;
}

static enum wrt_status init_locks(struct wrt_futex_domain *domain)
{
    struct wrt_port_lock_config config = { .is_shared = domain->is_shared,
                                           .is_robust = domain->is_shared };
    for (uint32_t i = 0; i < WRT_FUTEX_BUCKETS; i++) {
        enum wrt_status status = wrt_port_lock_init(lock_of(&domain->buckets[i]), &config);
        if (status != WRT_OK) {
            while (i-- > 0)
                (void)!wrt_port_lock_deinit(lock_of(&domain->buckets[i]));
            return status;
        }
    }
    return WRT_OK;
}

enum wrt_status wrt_futex_domain_init(struct wrt_futex_domain *domain,
                                      const struct wrt_futex_config *config)
{
    static const struct wrt_futex_config defaults = { .kind = WRT_FUTEX_DEFAULT };
    if (!config)
        config = &defaults;
    if (!domain || config->kind > WRT_FUTEX_PORTABLE ||
        config->max_waiters > WRT_FUTEX_MAX_WAITERS)
        return WRT_ERR_ARGUMENT;
    enum wrt_futex_kind kind;
    enum wrt_status status = choose_kind(config->kind, &kind);
    if (status != WRT_OK)
        return status;
    memset(domain, 0, sizeof *domain);
    domain->kind = kind;
    domain->max_waiters = config->max_waiters ? config->max_waiters : WRT_FUTEX_MAX_WAITERS;
    domain->is_shared = config->is_shared;
    domain->trust_addresses = config->trust_addresses;
    return init_locks(domain);
}

enum wrt_status wrt_futex_domain_deinit(struct wrt_futex_domain *domain)
{
    for (uint32_t i = 0; i < WRT_FUTEX_BUCKETS; i++) {
        struct wrt_futex_bucket *bucket = &domain->buckets[i];
        if (wrt_futex_look(bucket) != bucket->is_move_target)
            return WRT_ERR_BUSY;
    }
    for (uint32_t i = 0; i < WRT_FUTEX_BUCKETS; i++)
        (void)!wrt_port_lock_deinit(lock_of(&domain->buckets[i]));
    memset(domain, 0, sizeof *domain);
    return WRT_OK;
}

enum { NOT_STARTED, STARTING, STARTED };
enum { START_POLL_NS = 100 * 1000 };

static struct wrt_futex_domain process_domain;
static uint32_t process_domain_state;
static enum wrt_status process_domain_status;

/* Sleeps a moment; the thread that initialises is at most a few kernel calls from the end. */
static void wait_for_start(void)
{
    uint64_t now = 0;
    if (wrt_port_time_now(&now) == WRT_OK)
        (void)!wrt_port_wait(&process_domain_state, STARTING, now + START_POLL_NS, false);
}

static enum wrt_status start_process_domain(void)
{
    uint32_t state = NOT_STARTED;
    if (__atomic_compare_exchange_n(&process_domain_state, &state, STARTING, false,
                                    __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE)) {
        process_domain_status = wrt_futex_domain_init(&process_domain, NULL);
        __atomic_store_n(&process_domain_state, STARTED, __ATOMIC_RELEASE);
    }
    while (__atomic_load_n(&process_domain_state, __ATOMIC_ACQUIRE) != STARTED)
        wait_for_start();
    return process_domain_status;
}

/* NULL stands for the process's domain. */
static enum wrt_status resolve(struct wrt_futex_domain **domain)
{
    if (*domain)
        return WRT_OK;
    *domain = &process_domain;
    if (__atomic_load_n(&process_domain_state, __ATOMIC_ACQUIRE) == STARTED)
        return process_domain_status;
    return start_process_domain();
}

enum wrt_futex_kind wrt_futex_domain_kind(const struct wrt_futex_domain *domain)
{
    if (domain)
        return domain->kind;
    struct wrt_futex_domain *own = NULL;
    return resolve(&own) == WRT_OK ? own->kind : WRT_FUTEX_DEFAULT;
}

struct wrt_futex_bucket *wrt_futex_find_bucket(struct wrt_futex_domain *domain,
                                               const void *address)
{
    /* Relative to the domain, so that processes which map both agree. */
    uint64_t key = (uint64_t)((uintptr_t)address - (uintptr_t)domain);
    uint64_t mixed = (key >> 2) * 0x9E3779B97F4A7C15u;
    return &domain->buckets[mixed >> 58];
}

uint32_t wrt_futex_count_waiters(struct wrt_futex_domain *domain, const void *address)
{
    if (resolve(&domain) != WRT_OK)
        return 0;
    struct wrt_futex_bucket *bucket = wrt_futex_find_bucket(domain, address);
    return wrt_futex_look(bucket) -
           __atomic_load_n(&bucket->is_move_target, __ATOMIC_RELAXED);
}

/* ---- wait, wake, requeue ---- */

static enum wrt_status check_domain(struct wrt_futex_domain **domain)
{
    enum wrt_status status = resolve(domain);
    if (status != WRT_OK)
        return status;
    return __atomic_load_n(&(*domain)->is_broken, __ATOMIC_RELAXED) ? WRT_ERR_CORRUPT : WRT_OK;
}

enum wrt_status wrt_futex_wait(struct wrt_futex_domain *domain, const uint32_t *address,
                               uint32_t expected, uint64_t deadline_ns,
                               const struct wrt_interrupt *interrupt)
{
    if ((uintptr_t)address % sizeof *address != 0)
        return WRT_ERR_ALIGNMENT;
    enum wrt_status status = check_domain(&domain);
    if (status != WRT_OK)
        return status;
    struct wrt_futex_request request = { .address = address, .expected = expected,
                                         .deadline_ns = deadline_ns, .interrupt = interrupt };
    return domain->kind == WRT_FUTEX_HOST ? wrt_host_wait(domain, &request)
                                          : wrt_park_wait(domain, &request);
}

enum wrt_status wrt_futex_wait64(struct wrt_futex_domain *domain, const uint64_t *address,
                                 uint64_t expected, uint64_t deadline_ns,
                                 const struct wrt_interrupt *interrupt)
{
    if ((uintptr_t)address % sizeof *address != 0)
        return WRT_ERR_ALIGNMENT;
    enum wrt_status status = check_domain(&domain);
    if (status != WRT_OK)
        return status;
    if (domain->kind == WRT_FUTEX_HOST && domain->is_shared)
        return WRT_ERR_UNSUPPORTED;
    struct wrt_futex_request request = { .address = address, .expected = expected,
                                         .deadline_ns = deadline_ns, .interrupt = interrupt,
                                         .is_64_bit = true };
    return wrt_park_wait(domain, &request);
}

enum wrt_status wrt_futex_wake(struct wrt_futex_domain *domain, const void *address,
                               uint32_t count, uint32_t *out_woken)
{
    if ((uintptr_t)address % sizeof(uint32_t) != 0)
        return WRT_ERR_ALIGNMENT;
    enum wrt_status status = check_domain(&domain);
    if (status != WRT_OK)
        return status;
    uint32_t ignored;
    if (!out_woken)
        out_woken = &ignored;
    return domain->kind == WRT_FUTEX_HOST
               ? wrt_host_wake(domain, address, count, out_woken)
               : wrt_park_wake(domain, address, count, out_woken);
}

enum wrt_status wrt_futex_requeue(struct wrt_futex_domain *domain, const uint32_t *from,
                                  uint32_t expected, uint32_t wake_count, const uint32_t *to,
                                  uint32_t move_count, uint32_t *out_woken,
                                  uint32_t *out_moved)
{
    if ((uintptr_t)from % sizeof *from != 0 || (uintptr_t)to % sizeof *to != 0)
        return WRT_ERR_ALIGNMENT;
    enum wrt_status status = check_domain(&domain);
    if (status != WRT_OK)
        return status;
    uint32_t woken = 0, moved = 0;
    status = domain->kind == WRT_FUTEX_HOST
                 ? wrt_host_requeue(domain, from, expected, wake_count, to, move_count, &woken,
                                    &moved)
                 : wrt_park_requeue(domain, from, &expected, wake_count, to, move_count, &woken,
                                    &moved);
    if (status != WRT_OK)
        return status;
    if (out_woken)
        *out_woken = woken;
    if (out_moved)
        *out_moved = moved;
    return WRT_OK;
}

/* ---- interrupts ---- */

enum wrt_status wrt_interrupt_raise(struct wrt_futex_domain *domain,
                                    struct wrt_interrupt *interrupt)
{
    enum wrt_status status = check_domain(&domain);
    if (status != WRT_OK)
        return status;
    __atomic_store_n(&interrupt->is_raised, 1, __ATOMIC_RELEASE);
    if (domain->kind == WRT_FUTEX_HOST) {
        uint32_t woken;
        status = wrt_port_wake(&interrupt->is_raised, UINT32_MAX, domain->is_shared, &woken);
        if (status != WRT_OK)
            return status;
    }
    return wrt_park_interrupt(domain, interrupt);
}

void wrt_interrupt_clear(struct wrt_interrupt *interrupt)
{
    __atomic_store_n(&interrupt->is_raised, 0, __ATOMIC_RELEASE);
}

bool wrt_interrupt_is_raised(const struct wrt_interrupt *interrupt)
{
    return __atomic_load_n(&interrupt->is_raised, __ATOMIC_ACQUIRE) != 0;
}
