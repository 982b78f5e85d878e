/* port/linux/sync.c - locks with options, futexes of several words, call stacks.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "linux.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <unwind.h>

#include "port_sync.h"

static const uint64_t second_ns = 1000000000u;

static pthread_mutex_t *native(struct wrt_port_mutex *lock)
{
    return (pthread_mutex_t *)(void *)lock;
}

static struct timespec to_timespec(uint64_t ns)
{
    return (struct timespec){ .tv_sec = (time_t)(ns / second_ns),
                              .tv_nsec = (long)(ns % second_ns) };
}

static enum wrt_status lock_status(int error)
{
    switch (error) {
    case 0:
        return WRT_OK;
    case EOWNERDEAD:
        return WRT_OWNER_DIED;
    case EBUSY:
        return WRT_ERR_BUSY;
    case EDEADLK:
        return WRT_ERR_DEADLOCK;
    case EPERM: /* not the holder, or no right to run at the ceiling */
        return WRT_ERR_DENIED;
    case EINVAL: /* a priority above the ceiling */
        return WRT_ERR_DENIED;
    case ETIMEDOUT:
        return WRT_ERR_TIMEOUT;
    case ENOTRECOVERABLE:
        return WRT_ERR_CORRUPT;
    case ENOTSUP:
        return WRT_ERR_UNSUPPORTED;
    default:
        return wrt_linux_to_status(error);
    }
}

static int set_attributes(pthread_mutexattr_t *attributes,
                          const struct wrt_port_lock_config *config)
{
    int protocol = config->ceiling > 0 ? PTHREAD_PRIO_PROTECT : PTHREAD_PRIO_INHERIT;
    int error = pthread_mutexattr_setprotocol(attributes, protocol);
    if (error == 0)
        error = pthread_mutexattr_settype(attributes, config->is_checked
                                                          ? PTHREAD_MUTEX_ERRORCHECK
                                                          : PTHREAD_MUTEX_NORMAL);
    if (error == 0 && config->ceiling > 0)
        error = pthread_mutexattr_setprioceiling(attributes, config->ceiling);
    if (error == 0 && config->is_shared)
        error = pthread_mutexattr_setpshared(attributes, PTHREAD_PROCESS_SHARED);
    if (error == 0 && config->is_robust)
        error = pthread_mutexattr_setrobust(attributes, PTHREAD_MUTEX_ROBUST);
    return error;
}

enum wrt_status wrt_port_lock_init(struct wrt_port_mutex *lock,
                                   const struct wrt_port_lock_config *config)
{
    pthread_mutexattr_t attributes;
    int error = pthread_mutexattr_init(&attributes);
    if (error != 0)
        return wrt_linux_to_status(error);
    error = set_attributes(&attributes, config);
    if (error == 0)
        error = pthread_mutex_init(native(lock), &attributes);
    pthread_mutexattr_destroy(&attributes);
    return error == ENOTSUP ? WRT_ERR_UNSUPPORTED : wrt_linux_to_status(error);
}

enum wrt_status wrt_port_lock_deinit(struct wrt_port_mutex *lock)
{
    return lock_status(pthread_mutex_destroy(native(lock)));
}

enum wrt_status wrt_port_lock_take(struct wrt_port_mutex *lock)
{
    int error = pthread_mutex_lock(native(lock));
    return error == 0 ? WRT_OK : lock_status(error);
}

enum wrt_status wrt_port_lock_try(struct wrt_port_mutex *lock)
{
    int error = pthread_mutex_trylock(native(lock));
    return error == 0 ? WRT_OK : lock_status(error);
}

enum wrt_status wrt_port_lock_take_until(struct wrt_port_mutex *lock, uint64_t deadline_ns)
{
    if (deadline_ns == UINT64_MAX)
        return wrt_port_lock_take(lock);
    struct timespec deadline = to_timespec(deadline_ns);
    return lock_status(pthread_mutex_clocklock(native(lock), CLOCK_MONOTONIC, &deadline));
}

enum wrt_status wrt_port_lock_give(struct wrt_port_mutex *lock)
{
    int error = pthread_mutex_unlock(native(lock));
    return error == 0 ? WRT_OK : lock_status(error);
}

enum wrt_status wrt_port_lock_repair(struct wrt_port_mutex *lock)
{
    return pthread_mutex_consistent(native(lock)) == 0 ? WRT_OK : WRT_ERR_STATE;
}

/* As the kernel reads it; declared here because headers before Linux 5.16 lack it. */
struct waitv_word {
    uint64_t expected;
    uint64_t address;
    uint32_t flags;
    uint32_t reserved;
};

enum { WAITV_NUMBER = 449, WAITV_32_BITS = 2 };

enum wrt_status wrt_port_futex_query(void)
{
    /* No word at all is an error of its own on a kernel that knows the call. */
    long result = syscall(WAITV_NUMBER, NULL, 0u, 0u, NULL, CLOCK_MONOTONIC);
    return result < 0 && errno == EINVAL ? WRT_OK : WRT_ERR_UNSUPPORTED;
}

static enum wrt_status futex_status(int error)
{
    switch (error) {
    case EAGAIN:
        return WRT_ERR_STATE;
    case ETIMEDOUT:
        return WRT_ERR_TIMEOUT;
    case EINTR:
        return WRT_ERR_INTERRUPTED;
    case EFAULT:
        return WRT_ERR_BOUNDS;
    default:
        return wrt_linux_to_status(error);
    }
}

static long wait_for_words(const struct wrt_port_futex_word *words, uint32_t word_count,
                           const struct timespec *deadline, bool is_shared)
{
    struct waitv_word list[WRT_PORT_FUTEX_MAX_WORDS] = { { 0 } };
    for (uint32_t i = 0; i < word_count; i++) {
        list[i].expected = words[i].expected;
        list[i].address = (uint64_t)(uintptr_t)words[i].address;
        list[i].flags = WAITV_32_BITS | (is_shared ? 0u : (uint32_t)FUTEX_PRIVATE_FLAG);
    }
    return syscall(WAITV_NUMBER, list, word_count, 0u, deadline, CLOCK_MONOTONIC);
}

enum wrt_status wrt_port_futex_wait(const struct wrt_port_futex_word *words,
                                    uint32_t word_count, uint64_t deadline_ns,
                                    bool is_shared, uint32_t *out_index)
{
    if (word_count == 0 || word_count > WRT_PORT_FUTEX_MAX_WORDS)
        return WRT_ERR_ARGUMENT;
    struct timespec until = to_timespec(deadline_ns);
    const struct timespec *deadline = deadline_ns == UINT64_MAX ? NULL : &until;
    int operation = FUTEX_WAIT_BITSET | (is_shared ? 0 : FUTEX_PRIVATE_FLAG);
    long result = word_count == 1
                      ? syscall(SYS_futex, words[0].address, operation, words[0].expected,
                                deadline, NULL, FUTEX_BITSET_MATCH_ANY)
                      : wait_for_words(words, word_count, deadline, is_shared);
    if (result < 0)
        return futex_status(errno);
    *out_index = (uint32_t)result;
    return WRT_OK;
}

static uint32_t at_most_int(uint32_t count) { return count > INT_MAX ? INT_MAX : count; }

enum wrt_status wrt_port_futex_requeue(const uint32_t *from, uint32_t expected,
                                       uint32_t wake_count, const uint32_t *to,
                                       uint32_t move_count, bool is_shared,
                                       uint32_t *out_woken, uint32_t *out_moved)
{
    int operation = FUTEX_CMP_REQUEUE | (is_shared ? 0 : FUTEX_PRIVATE_FLAG);
    uint32_t most = at_most_int(wake_count);
    long total = syscall(SYS_futex, from, operation, most, (long)at_most_int(move_count), to,
                         expected);
    if (total < 0)
        return futex_status(errno);
    *out_woken = (uint32_t)total < most ? (uint32_t)total : most;
    *out_moved = (uint32_t)total - *out_woken;
    return WRT_OK;
}

struct stack_walk {
    const void **out;
    uint32_t capacity;
    uint32_t count;
};

static _Unwind_Reason_Code note_frame(struct _Unwind_Context *context, void *argument)
{
    struct stack_walk *walk = argument;
    if (walk->count == walk->capacity)
        return _URC_END_OF_STACK;
    walk->out[walk->count++] = (const void *)(uintptr_t)_Unwind_GetIP(context);
    return _URC_NO_REASON;
}

uint32_t wrt_port_stack(const void **out, uint32_t capacity)
{
    struct stack_walk walk = { .out = out, .capacity = capacity };
    (void)_Unwind_Backtrace(note_frame, &walk);
    return walk.count;
}
