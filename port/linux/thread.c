/* port/linux/thread.c - a thread's priority, processors, name and stack.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "linux.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../posix/posix.h"

enum { DEFAULT_STACK_BYTES = 256 * 1024 };

size_t wrt_posix_stack_bytes(size_t asked)
{
    size_t page = wrt_port_page_bytes();
    size_t bytes = asked != 0 ? asked : DEFAULT_STACK_BYTES;

    if (bytes < (size_t)PTHREAD_STACK_MIN)
        bytes = (size_t)PTHREAD_STACK_MIN;
    return (bytes + page - 1) & ~(page - 1);
}

int wrt_posix_set_stack(pthread_attr_t *attributes, size_t stack_bytes)
{
    return pthread_attr_setstacksize(attributes, stack_bytes);
}

void wrt_posix_thread_starts(size_t stack_bytes)
{
    (void)stack_bytes; /* wrt_port_thread_stack_left asks the system */
}

void wrt_posix_name_thread(const char *name)
{
    char shorter[16] = {0};

    strncpy(shorter, name, sizeof shorter - 1);
    (void)pthread_setname_np(pthread_self(), shorter);
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

static void copy_mask(uint64_t mask, cpu_set_t *out)
{
    CPU_ZERO(out);
    for (size_t n = 0; n < 64; n++)
        if (mask >> n & 1)
            CPU_SET(n, out);
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
