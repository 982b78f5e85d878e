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

/* A plain lock is a futex with priority inheritance, used as the kernel's contract says: 0 is
 * free, else the word is its holder's thread number and the kernel's flags. Without contention
 * that is one compare-and-swap each way; it knows its holder, and the kernel answers a circle of
 * waiters. All others are the C library's. */
struct lock {
    pthread_mutex_t mutex; /* unless is_word */
    uint32_t word;
    uint32_t is_word;
};
_Static_assert(sizeof(struct lock) <= sizeof(struct wrt_port_mutex), "a lock fits its room");

static struct lock *lock_of(struct wrt_port_mutex *lock)
{
    return (struct lock *)(void *)lock;
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

/* ---- words ---- */

/* Of the calling thread; 0: not asked yet. (initial-exec: found without a call.) */
static _Thread_local uint32_t own_number __attribute__((tls_model("initial-exec")));

static void forget_own_number(void)
{
    own_number = 0;
}

static uint32_t number_of_caller(void)
{
    if (__builtin_expect(own_number == 0, 0))
        own_number = (uint32_t)syscall(SYS_gettid);
    return own_number;
}

/* A child of fork is another thread. Said once for the process. */
static int watch_forks(void)
{
    static uint32_t is_watching;
    if (__atomic_exchange_n(&is_watching, 1, __ATOMIC_RELAXED))
        return 0;
    return pthread_atfork(NULL, NULL, forget_own_number);
}

static bool is_held_by(const struct lock *lock, uint32_t number)
{
    return (__atomic_load_n(&lock->word, __ATOMIC_RELAXED) & FUTEX_TID_MASK) == number;
}

/* LOCK_PI2 takes a monotonic deadline; kernels before 5.14 lack it, and their clock can be set. */
static long lock_until(struct lock *lock, uint64_t deadline_ns)
{
    enum { LOCK_PI2 = 13 };
    struct timespec deadline = to_timespec(deadline_ns), now, real;
    long result = syscall(SYS_futex, &lock->word, LOCK_PI2 | FUTEX_PRIVATE_FLAG, 0, &deadline,
                          NULL, 0);
    if (result == 0 || errno != ENOSYS)
        return result;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0 || clock_gettime(CLOCK_REALTIME, &real) != 0)
        return -1;
    uint64_t now_ns = (uint64_t)now.tv_sec * second_ns + (uint64_t)now.tv_nsec;
    uint64_t left = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    deadline = to_timespec((uint64_t)real.tv_sec * second_ns + (uint64_t)real.tv_nsec + left);
    return syscall(SYS_futex, &lock->word, FUTEX_LOCK_PI_PRIVATE, 0, &deadline, NULL, 0);
}

static enum wrt_status wait_for_word(struct lock *lock, uint64_t deadline_ns)
{
    if (is_held_by(lock, number_of_caller()))
        return WRT_ERR_DEADLOCK;
    for (;;) {
        long result = deadline_ns == UINT64_MAX
                          ? syscall(SYS_futex, &lock->word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0)
                          : lock_until(lock, deadline_ns);
        if (result == 0)
            break;
        if (errno == ESRCH) /* its holder ended holding it */
            return WRT_ERR_CORRUPT;
        if (errno != EINTR && errno != EAGAIN)
            return lock_status(errno);
    }
    /* What the kernel did to the word, in the memory model's terms. */
    (void)__atomic_load_n(&lock->word, __ATOMIC_ACQUIRE);
    return WRT_OK;
}

static inline bool take_free_word(struct lock *lock)
{
    uint32_t expected = 0;
    return __atomic_compare_exchange_n(&lock->word, &expected, number_of_caller(), false,
                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static enum wrt_status give_contended_word(struct lock *lock)
{
    if (!is_held_by(lock, number_of_caller()))
        return WRT_ERR_DENIED;
    (void)__atomic_fetch_or(&lock->word, 0, __ATOMIC_RELEASE); /* likewise */
    long result = syscall(SYS_futex, &lock->word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
    return result == 0 ? WRT_OK : lock_status(errno);
}

static enum wrt_status give_word(struct lock *lock)
{
    uint32_t expected = number_of_caller();
    if (__atomic_compare_exchange_n(&lock->word, &expected, 0, false, __ATOMIC_RELEASE,
                                    __ATOMIC_RELAXED))
        return WRT_OK;
    return give_contended_word(lock);
}

/* ---- the port's calls ---- */

static enum wrt_status init_mutex(pthread_mutex_t *mutex,
                                  const struct wrt_port_lock_config *config)
{
    pthread_mutexattr_t attributes;
    int error = pthread_mutexattr_init(&attributes);
    if (error != 0)
        return wrt_linux_to_status(error);
    error = set_attributes(&attributes, config);
    if (error == 0)
        error = pthread_mutex_init(mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return error == ENOTSUP ? WRT_ERR_UNSUPPORTED : wrt_linux_to_status(error);
}

enum wrt_status wrt_port_lock_init(struct wrt_port_mutex *native,
                                   const struct wrt_port_lock_config *config)
{
    struct lock *lock = lock_of(native);
    lock->word = 0;
    lock->is_word = config->ceiling == 0 && !config->is_shared && !config->is_robust;
    if (!lock->is_word)
        return init_mutex(&lock->mutex, config);
    int error = watch_forks();
    return error == 0 ? WRT_OK : wrt_linux_to_status(error);
}

bool wrt_port_lock_knows_holder(const struct wrt_port_mutex *native)
{
    return ((const struct lock *)(const void *)native)->is_word != 0;
}

enum wrt_status wrt_port_lock_deinit(struct wrt_port_mutex *native)
{
    struct lock *lock = lock_of(native);
    if (lock->is_word)
        return __atomic_load_n(&lock->word, __ATOMIC_RELAXED) == 0 ? WRT_OK : WRT_ERR_BUSY;
    return lock_status(pthread_mutex_destroy(&lock->mutex));
}

static enum wrt_status take_mutex(struct lock *lock)
{
    int error = pthread_mutex_lock(&lock->mutex);
    return error == 0 ? WRT_OK : lock_status(error);
}

enum wrt_status wrt_port_lock_take(struct wrt_port_mutex *native)
{
    struct lock *lock = lock_of(native);
    if (!lock->is_word)
        return take_mutex(lock);
    return take_free_word(lock) ? WRT_OK : wait_for_word(lock, UINT64_MAX);
}

enum wrt_status wrt_port_lock_try(struct wrt_port_mutex *native)
{
    struct lock *lock = lock_of(native);
    if (!lock->is_word)
        return lock_status(pthread_mutex_trylock(&lock->mutex));
    if (take_free_word(lock))
        return WRT_OK;
    return is_held_by(lock, number_of_caller()) ? WRT_ERR_DEADLOCK : WRT_ERR_BUSY;
}

enum wrt_status wrt_port_lock_take_until(struct wrt_port_mutex *native, uint64_t deadline_ns)
{
    struct lock *lock = lock_of(native);
    if (deadline_ns == UINT64_MAX)
        return wrt_port_lock_take(native);
    if (lock->is_word)
        return take_free_word(lock) ? WRT_OK : wait_for_word(lock, deadline_ns);
    struct timespec deadline = to_timespec(deadline_ns);
    return lock_status(pthread_mutex_clocklock(&lock->mutex, CLOCK_MONOTONIC, &deadline));
}

static enum wrt_status give_mutex(struct lock *lock)
{
    int error = pthread_mutex_unlock(&lock->mutex);
    return error == 0 ? WRT_OK : lock_status(error);
}

enum wrt_status wrt_port_lock_give(struct wrt_port_mutex *native)
{
    struct lock *lock = lock_of(native);
    return lock->is_word ? give_word(lock) : give_mutex(lock);
}

enum wrt_status wrt_port_lock_repair(struct wrt_port_mutex *native)
{
    struct lock *lock = lock_of(native);
    if (lock->is_word)
        return WRT_ERR_STATE;
    return pthread_mutex_consistent(&lock->mutex) == 0 ? WRT_OK : WRT_ERR_STATE;
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
