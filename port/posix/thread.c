/* port/posix/thread.c - starting and joining threads, and the inheriting mutex.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#define _QNX_SOURCE
#include "posix.h"

#include <errno.h>
#include <pthread.h>

enum { LOOK_AGAIN_NS = 100000000 };

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
        return wrt_posix_to_status(error);
    error = pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    if (error == 0)
        error = pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    if (error == 0)
        error = pthread_mutex_init(native(mutex), &attributes);
    (void)pthread_mutexattr_destroy(&attributes);
    return wrt_posix_to_status(error);
}

enum wrt_status wrt_port_mutex_lock(struct wrt_port_mutex *mutex)
{
    int error = pthread_mutex_lock(native(mutex));

    return error == EDEADLK ? WRT_ERR_BUSY : wrt_posix_to_status(error);
}

void wrt_port_mutex_unlock(struct wrt_port_mutex *mutex)
{
    (void)pthread_mutex_unlock(native(mutex));
}

void wrt_port_mutex_deinit(struct wrt_port_mutex *mutex)
{
    (void)pthread_mutex_destroy(native(mutex));
}

/* ---- starting threads ---- */

/* What the new thread needs; it lives on the creator's stack until `ready`. */
struct start {
    void (*body)(void *);
    void *context;
    const struct wrt_port_thread_config *config;
    size_t stack_bytes;
    uint32_t ready;
    enum wrt_status status;
};

static enum wrt_status apply_config(const struct wrt_port_thread_config *config)
{
    enum wrt_status status = WRT_OK;

    if (config->name != NULL)
        wrt_posix_name_thread(config->name);
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

    wrt_posix_thread_starts(start->stack_bytes);
    start->status = status;
    __atomic_store_n(&start->ready, 1, __ATOMIC_SEQ_CST);
    /* *start may be gone from here on; the wake only names its address. */
    (void)!wrt_port_wake(&start->ready, 1, false, &woken);
    if (status == WRT_OK)
        body(context);
    return NULL;
}

/* Looks again now and then: the wake may have failed for want of kernel memory, and nobody
 * could tell. */
static void await(const uint32_t *ready)
{
    while (__atomic_load_n(ready, __ATOMIC_ACQUIRE) == 0) {
        uint64_t now = 0;

        (void)!wrt_port_time_now(&now);
        (void)!wrt_port_wait(ready, 0, now + LOOK_AGAIN_NS, false);
    }
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
        return wrt_posix_to_status(error);
    start.stack_bytes = wrt_posix_stack_bytes(config->stack_bytes);
    error = wrt_posix_set_stack(&attributes, start.stack_bytes);
    if (error == 0)
        error = pthread_create(&thread, &attributes, run, &start);
    (void)pthread_attr_destroy(&attributes);
    if (error != 0)
        return wrt_posix_to_status(error);
    await(&start.ready);
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
        return error == EDEADLK ? WRT_ERR_BUSY : wrt_posix_to_status(error);
    thread->is_valid = false;
    return WRT_OK;
}
