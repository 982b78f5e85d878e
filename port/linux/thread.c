/* port/linux/thread.c - threads, their priority and place, and the inheriting mutex.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "linux.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DEFAULT_STACK_BYTES = 256 * 1024 };

_Static_assert(sizeof(pthread_mutex_t) <= sizeof(struct wrt_port_mutex), "mutex must fit");
_Static_assert(_Alignof(pthread_mutex_t) <= _Alignof(struct wrt_port_mutex), "and align");

static pthread_mutex_t *native(struct wrt_port_mutex *mutex)
{
    return (pthread_mutex_t *)(void *)mutex;
}

enum wrt_status wrt_port_mutex_init(struct wrt_port_mutex *mutex)
{
    pthread_mutexattr_t attributes;
    int error = pthread_mutexattr_init(&attributes);

    if (error != 0)
        return wrt_linux_to_status(error);
    error = pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    if (error == 0)
        error = pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    if (error == 0)
        error = pthread_mutex_init(native(mutex), &attributes);
    pthread_mutexattr_destroy(&attributes);
    return wrt_linux_to_status(error);
}

enum wrt_status wrt_port_mutex_lock(struct wrt_port_mutex *mutex)
{
    int error = pthread_mutex_lock(native(mutex));

    return error == EDEADLK ? WRT_ERR_BUSY : wrt_linux_to_status(error);
}

void wrt_port_mutex_unlock(struct wrt_port_mutex *mutex)
{
    (void)pthread_mutex_unlock(native(mutex));
}

void wrt_port_mutex_deinit(struct wrt_port_mutex *mutex)
{
    (void)pthread_mutex_destroy(native(mutex));
}

/* What the new thread needs; it lives on the creator's stack until `ready`. */
struct start {
    void (*body)(void *);
    void *context;
    const struct wrt_port_thread_config *config;
    uint32_t ready;
    enum wrt_status status;
};

static void copy_mask(uint64_t mask, cpu_set_t *out)
{
    CPU_ZERO(out);
    for (size_t n = 0; n < 64; n++)
        if (mask >> n & 1)
            CPU_SET(n, out);
}

static enum wrt_status apply_config(const struct wrt_port_thread_config *config)
{
    enum wrt_status status = WRT_OK;
    char name[16] = {0};

    if (config->name != NULL) {
        strncpy(name, config->name, sizeof name - 1);
        (void)pthread_setname_np(pthread_self(), name);
    }
    if (config->affinity != 0)
        status = wrt_port_thread_set_affinity(config->affinity);
    if (status == WRT_OK && config->priority != 0)
        status = wrt_port_thread_set_priority(config->priority);
    return status;
}

static void *run(void *argument)
{
    struct start *start = argument;
    void (*body)(void *) = start->body;
    void *context = start->context;
    enum wrt_status status = apply_config(start->config);
    uint32_t woken;

    start->status = status;
    __atomic_store_n(&start->ready, 1, __ATOMIC_RELEASE);
    /* *start may be gone from here on; the wake only names its address. */
    (void)!wrt_port_wake(&start->ready, 1, false, &woken);
    if (status == WRT_OK)
        body(context);
    return NULL;
}

static int set_stack(pthread_attr_t *attributes, size_t stack_bytes)
{
    size_t page = wrt_port_page_bytes();
    size_t bytes = stack_bytes != 0 ? stack_bytes : DEFAULT_STACK_BYTES;

    if (bytes < (size_t)PTHREAD_STACK_MIN)
        bytes = (size_t)PTHREAD_STACK_MIN;
    return pthread_attr_setstacksize(attributes, (bytes + page - 1) & ~(page - 1));
}

enum wrt_status wrt_port_thread_create(const struct wrt_port_thread_config *config,
                                       void (*body)(void *), void *context,
                                       struct wrt_port_thread *out)
{
    struct start start = {.body = body, .context = context, .config = config};
    pthread_attr_t attributes;
    pthread_t thread;
    int error;

    if (config->stack_bytes > SIZE_MAX / 2)
        return WRT_ERR_ARGUMENT;
    error = pthread_attr_init(&attributes);
    if (error != 0)
        return wrt_linux_to_status(error);
    error = set_stack(&attributes, config->stack_bytes);
    if (error == 0)
        error = pthread_create(&thread, &attributes, run, &start);
    pthread_attr_destroy(&attributes);
    if (error != 0)
        return wrt_linux_to_status(error);
    while (__atomic_load_n(&start.ready, __ATOMIC_ACQUIRE) == 0)
        (void)!wrt_port_wait(&start.ready, 0, UINT64_MAX, false);
    if (start.status != WRT_OK) {
        (void)pthread_join(thread, NULL);
        return start.status;
    }
    out->id = (uint64_t)thread;
    out->is_valid = true;
    return WRT_OK;
}

enum wrt_status wrt_port_thread_join(struct wrt_port_thread *thread)
{
    int error;

    if (!thread->is_valid)
        return WRT_ERR_STATE;
    error = pthread_join((pthread_t)thread->id, NULL);
    if (error != 0)
        return error == EDEADLK ? WRT_ERR_BUSY : wrt_linux_to_status(error);
    thread->is_valid = false;
    return WRT_OK;
}

uint32_t wrt_port_thread_id(void)
{
    static _Thread_local uint32_t known;

    if (known == 0)
        known = (uint32_t)syscall(SYS_gettid);
    return known;
}

enum wrt_status wrt_port_thread_set_priority(int priority)
{
    struct sched_param parameters = {.sched_priority = priority};
    int policy = priority > 0 ? SCHED_FIFO : SCHED_OTHER;
    int error;

    wrt_linux_note_requested(WRT_LINUX_REALTIME);
    if (priority < 0 || priority > sched_get_priority_max(SCHED_FIFO))
        return WRT_ERR_ARGUMENT;
    error = pthread_setschedparam(pthread_self(), policy, &parameters);
    if (error == 0 && priority > 0)
        wrt_linux_note_active(WRT_LINUX_REALTIME);
    return wrt_linux_to_status(error);
}

enum wrt_status wrt_port_thread_get_priority(int *out)
{
    struct sched_param parameters;
    int policy;
    int error = pthread_getschedparam(pthread_self(), &policy, &parameters);

    if (error != 0)
        return wrt_linux_to_status(error);
    *out = policy == SCHED_FIFO || policy == SCHED_RR ? parameters.sched_priority : 0;
    return WRT_OK;
}

enum wrt_status wrt_port_thread_set_affinity(uint64_t mask)
{
    cpu_set_t set;

    if (mask == 0)
        return WRT_ERR_ARGUMENT;
    copy_mask(mask, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0)
        return errno == EINVAL ? WRT_ERR_ARGUMENT : wrt_linux_to_status(errno);
    return WRT_OK;
}

enum wrt_status wrt_port_thread_stack_left(size_t *out)
{
    pthread_attr_t attributes;
    void *lowest;
    size_t size_bytes;
    char here;
    int error = pthread_getattr_np(pthread_self(), &attributes);

    if (error != 0)
        return wrt_linux_to_status(error);
    error = pthread_attr_getstack(&attributes, &lowest, &size_bytes);
    pthread_attr_destroy(&attributes);
    if (error != 0)
        return wrt_linux_to_status(error);
    *out = (size_t)((uintptr_t)&here - (uintptr_t)lowest);
    return WRT_OK;
}
