/* src/sync/rwlock.c - the reader-writer lock of wrt/lock.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   W1  a writer writes only while it holds the gate and no reader is inside
 *   W2  readers come in only while they hold the gate
 *
 * Limit: readers inside do not inherit; 2^31 - 1 of them.
 */
#include "wrt/lock.h"

#define WRITER_WAITS 0x80000000u

enum wrt_status wrt_rwlock_init(struct wrt_rwlock *lock)
{
    enum wrt_status status = wrt_mutex_init(&lock->gate, NULL);
    if (status == WRT_OK)
        __atomic_store_n(&lock->readers, 0, __ATOMIC_RELEASE);
    return status;
}

enum wrt_status wrt_rwlock_deinit(struct wrt_rwlock *lock)
{
    if (__atomic_load_n(&lock->readers, __ATOMIC_ACQUIRE) != 0)
        return WRT_ERR_BUSY;
    return wrt_mutex_deinit(&lock->gate);
}

enum wrt_status wrt_rwlock_read(struct wrt_rwlock *lock, uint64_t deadline_ns)
{
    enum wrt_status status = wrt_mutex_lock_until(&lock->gate, deadline_ns);
    if (status != WRT_OK)
        return status;
    /* No writer waits now: it would hold the gate. */
    if (__atomic_load_n(&lock->readers, __ATOMIC_RELAXED) == WRITER_WAITS - 1)
        status = WRT_ERR_LIMIT;
    else
        (void)__atomic_fetch_add(&lock->readers, 1, __ATOMIC_ACQUIRE);
    (void)wrt_mutex_unlock(&lock->gate);
    return status;
}

enum wrt_status wrt_rwlock_end_read(struct wrt_rwlock *lock)
{
    uint32_t readers = __atomic_load_n(&lock->readers, __ATOMIC_RELAXED);
    do {
        if ((readers & ~WRITER_WAITS) == 0)
            return WRT_ERR_STATE;
    } while (!__atomic_compare_exchange_n(&lock->readers, &readers, readers - 1, true,
                                          __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    if (readers == (WRITER_WAITS | 1))
        return wrt_futex_wake(NULL, &lock->readers, 1, NULL);
    return WRT_OK;
}

/* The gate is held. */
static enum wrt_status wait_for_readers(struct wrt_rwlock *lock, uint64_t deadline_ns)
{
    uint32_t readers = __atomic_fetch_or(&lock->readers, WRITER_WAITS, __ATOMIC_ACQUIRE);
    while ((readers & ~WRITER_WAITS) != 0) {
        enum wrt_status status = wrt_futex_wait(NULL, &lock->readers, readers | WRITER_WAITS,
                                                deadline_ns, NULL);
        if (status < 0) {
            (void)__atomic_fetch_and(&lock->readers, ~WRITER_WAITS, __ATOMIC_RELEASE);
            return status;
        }
        readers = __atomic_load_n(&lock->readers, __ATOMIC_ACQUIRE);
    }
    (void)__atomic_fetch_and(&lock->readers, ~WRITER_WAITS, __ATOMIC_ACQUIRE);
    return WRT_OK;
}

enum wrt_status wrt_rwlock_write(struct wrt_rwlock *lock, uint64_t deadline_ns)
{
    enum wrt_status status = wrt_mutex_lock_until(&lock->gate, deadline_ns);
    if (status != WRT_OK)
        return status;
    status = wait_for_readers(lock, deadline_ns);
    if (status != WRT_OK)
        (void)wrt_mutex_unlock(&lock->gate);
    return status;
}

enum wrt_status wrt_rwlock_end_write(struct wrt_rwlock *lock)
{
    return wrt_mutex_unlock(&lock->gate);
}
