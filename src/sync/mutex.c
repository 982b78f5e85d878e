/* src/sync/mutex.c - the mutex of wrt/lock.h on the port's.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Idea: the kernel does sleeping, inheriting and owner death. Where the port's plain lock does not
 * know its holder, it is noted here.
 * Limit: robust and shared mutexes are checked by the kernel's identity of threads, with that.
 */
#include "port.h"
#include "port_sync.h"
#include "sync/lock_order.h"

_Static_assert(sizeof((struct wrt_mutex){ 0 }.native) == sizeof(struct wrt_port_mutex),
               "a mutex holds the port's");

/* Its address tells threads of this process apart. (initial-exec: found without a call.) */
static _Thread_local char thread_mark __attribute__((tls_model("initial-exec")));

static uintptr_t self(void) { return (uintptr_t)&thread_mark; }

static struct wrt_port_mutex *native(struct wrt_mutex *mutex)
{
    return (struct wrt_port_mutex *)(void *)mutex->native;
}

enum wrt_status wrt_mutex_init(struct wrt_mutex *mutex, const struct wrt_mutex_config *config)
{
    static const struct wrt_mutex_config defaults = { .ceiling = 0 };
    if (!config)
        config = &defaults;
    if (!mutex || config->ceiling < 0)
        return WRT_ERR_ARGUMENT;
    bool is_checked = config->is_robust || config->is_shared;
    struct wrt_port_lock_config port_config = { .ceiling = config->ceiling,
                                                .is_shared = config->is_shared,
                                                .is_robust = config->is_robust,
                                                .is_checked = is_checked };
    enum wrt_status status = wrt_port_lock_init(native(mutex), &port_config);
    if (status != WRT_OK)
        return status;
    mutex->holder = 0;
    mutex->is_checked = is_checked || wrt_port_lock_knows_holder(native(mutex));
    wrt_order_add(mutex);
    return WRT_OK;
}

static uintptr_t holder_of(const struct wrt_mutex *mutex)
{
    return __atomic_load_n(&mutex->holder, __ATOMIC_RELAXED);
}

enum wrt_status wrt_mutex_deinit(struct wrt_mutex *mutex)
{
    enum wrt_status status = wrt_port_lock_try(native(mutex));
    if (status == WRT_ERR_BUSY || status == WRT_ERR_DEADLOCK)
        return WRT_ERR_BUSY;
    if (status >= 0)
        (void)!wrt_port_lock_give(native(mutex));
    status = wrt_port_lock_deinit(native(mutex));
    if (status == WRT_OK)
        wrt_order_remove(mutex);
    return status;
}

static bool is_held_by_caller(const struct wrt_mutex *mutex)
{
    return !mutex->is_checked && holder_of(mutex) == self();
}

static enum wrt_status note_taken(struct wrt_mutex *mutex, enum wrt_status status)
{
    if (status >= 0) {
        if (!mutex->is_checked)
            __atomic_store_n(&mutex->holder, self(), __ATOMIC_RELAXED);
        wrt_order_taken(mutex);
    }
    return status;
}

enum wrt_status wrt_mutex_try_lock(struct wrt_mutex *mutex)
{
    if (is_held_by_caller(mutex))
        return WRT_ERR_DEADLOCK;
    return note_taken(mutex, wrt_port_lock_try(native(mutex)));
}

enum wrt_status wrt_mutex_lock(struct wrt_mutex *mutex)
{
    if (is_held_by_caller(mutex))
        return WRT_ERR_DEADLOCK;
    enum wrt_status status = wrt_order_wait(mutex);
    if (status != WRT_OK)
        return status;
    status = wrt_port_lock_take(native(mutex));
    wrt_order_stop_waiting(mutex);
    return note_taken(mutex, status);
}

enum wrt_status wrt_mutex_lock_until(struct wrt_mutex *mutex, uint64_t deadline_ns)
{
    if (deadline_ns == UINT64_MAX)
        return wrt_mutex_lock(mutex);
    /* A wait with an end closes no circle for ever: the recorder need not refuse it. */
    enum wrt_status status = wrt_mutex_try_lock(mutex);
    if (status != WRT_ERR_BUSY)
        return status;
    if (deadline_ns == 0)
        return WRT_ERR_TIMEOUT;
    return note_taken(mutex, wrt_port_lock_take_until(native(mutex), deadline_ns));
}

enum wrt_status wrt_mutex_unlock(struct wrt_mutex *mutex)
{
    if (!mutex->is_checked) {
        if (holder_of(mutex) != self())
            return WRT_ERR_DENIED;
        __atomic_store_n(&mutex->holder, 0, __ATOMIC_RELAXED);
    }
    wrt_order_given(mutex);
    return wrt_port_lock_give(native(mutex));
}

enum wrt_status wrt_mutex_repair(struct wrt_mutex *mutex)
{
    return wrt_port_lock_repair(native(mutex));
}
