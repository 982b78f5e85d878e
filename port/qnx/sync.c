/* port/qnx/sync.c - locks with options. The host's futex calls do not exist here.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "qnx.h"

#include <pthread.h>
#include <time.h>

#include "port_sync.h"

static pthread_mutex_t *native(struct wrt_port_mutex *lock)
{
    return (pthread_mutex_t *)(void *)lock;
}

static enum wrt_status lock_status(int error)
{
    switch (error) {
    case EOK:
        return WRT_OK;
    case EBUSY:
        return WRT_ERR_BUSY;
    case EDEADLK: /* told by the default type too */
        return WRT_ERR_DEADLOCK;
    case EPERM:
    case EINVAL: /* a priority above the ceiling */
        return WRT_ERR_DENIED;
    case ETIMEDOUT:
        return WRT_ERR_TIMEOUT;
#if WRT_QNX_SINCE_7
    case EOWNERDEAD:
        return WRT_OWNER_DIED;
    case ENOTRECOVERABLE:
        return WRT_ERR_CORRUPT;
#endif
    default:
        return wrt_qnx_to_status(error);
    }
}

static int set_robust(pthread_mutexattr_t *attributes)
{
#if WRT_QNX_SINCE_7
    return pthread_mutexattr_setrobust(attributes, PTHREAD_MUTEX_ROBUST);
#else
    (void)attributes;
    return ENOTSUP;
#endif
}

static int set_attributes(pthread_mutexattr_t *attributes,
                          const struct wrt_port_lock_config *config)
{
    int protocol = config->ceiling > 0 ? PTHREAD_PRIO_PROTECT : PTHREAD_PRIO_INHERIT;
    int error = pthread_mutexattr_setprotocol(attributes, protocol);

    if (error == 0)
        error = pthread_mutexattr_settype(attributes, PTHREAD_MUTEX_ERRORCHECK);
    if (error == 0 && config->ceiling > 0)
        error = pthread_mutexattr_setprioceiling(attributes, config->ceiling);
    if (error == 0 && config->is_shared)
        error = pthread_mutexattr_setpshared(attributes, PTHREAD_PROCESS_SHARED);
    if (error == 0 && config->is_robust)
        error = set_robust(attributes);
    return error;
}

enum wrt_status wrt_port_lock_init(struct wrt_port_mutex *lock,
                                   const struct wrt_port_lock_config *config)
{
    pthread_mutexattr_t attributes;
    int error = pthread_mutexattr_init(&attributes);

    if (error != 0)
        return wrt_qnx_to_status(error);
    error = set_attributes(&attributes, config);
    if (error == 0)
        error = pthread_mutex_init(native(lock), &attributes);
    (void)pthread_mutexattr_destroy(&attributes);
    return wrt_qnx_to_status(error);
}

bool wrt_port_lock_knows_holder(const struct wrt_port_mutex *lock)
{
    (void)lock;
    return false;
}

enum wrt_status wrt_port_lock_deinit(struct wrt_port_mutex *lock)
{
    return lock_status(pthread_mutex_destroy(native(lock)));
}

enum wrt_status wrt_port_lock_take(struct wrt_port_mutex *lock)
{
    return lock_status(pthread_mutex_lock(native(lock)));
}

enum wrt_status wrt_port_lock_try(struct wrt_port_mutex *lock)
{
    return lock_status(pthread_mutex_trylock(native(lock)));
}

enum wrt_status wrt_port_lock_take_until(struct wrt_port_mutex *lock, uint64_t deadline_ns)
{
    if (deadline_ns == UINT64_MAX)
        return wrt_port_lock_take(lock);
#if WRT_QNX_SINCE_7
    struct timespec deadline = {.tv_sec = (time_t)(deadline_ns / 1000000000u),
                                .tv_nsec = (long)(deadline_ns % 1000000000u)};

    return lock_status(pthread_mutex_timedlock_monotonic(native(lock), &deadline));
#else
    return WRT_ERR_UNSUPPORTED; /* only against a clock that can be set */
#endif
}

enum wrt_status wrt_port_lock_give(struct wrt_port_mutex *lock)
{
    return lock_status(pthread_mutex_unlock(native(lock)));
}

enum wrt_status wrt_port_lock_repair(struct wrt_port_mutex *lock)
{
#if WRT_QNX_SINCE_7
    return pthread_mutex_consistent(native(lock)) == 0 ? WRT_OK : WRT_ERR_STATE;
#else
    (void)lock;
    return WRT_ERR_UNSUPPORTED;
#endif
}

/* ---- not here ---- */

enum wrt_status wrt_port_futex_query(void)
{
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_futex_wait(const struct wrt_port_futex_word *words, uint32_t word_count,
                                    uint64_t deadline_ns, bool is_shared, uint32_t *out_index)
{
    (void)words, (void)word_count, (void)deadline_ns, (void)is_shared, (void)out_index;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_futex_requeue(const uint32_t *from, uint32_t expected,
                                       uint32_t wake_count, const uint32_t *to,
                                       uint32_t move_count, bool is_shared, uint32_t *out_woken,
                                       uint32_t *out_moved)
{
    (void)from, (void)expected, (void)wake_count, (void)to, (void)move_count, (void)is_shared;
    (void)out_woken, (void)out_moved;
    return WRT_ERR_UNSUPPORTED;
}

uint32_t wrt_port_stack(const void **out, uint32_t capacity)
{
    (void)out, (void)capacity;
    return 0;
}
