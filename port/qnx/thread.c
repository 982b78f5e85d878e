/* port/qnx/thread.c - a thread's priority, processors, name and stack.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "qnx.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "../posix/posix.h"

enum { DEFAULT_STACK_BYTES = 256 * 1024, NAME_MOST = 15 };
enum { PRIORITY_MOST = 250 }; /* 8.0 keeps 255 and others to itself */

/* ---- the calling thread ---- */

/* Of threads that we started: the lowest byte of the stack. NULL: not known. */
static _Thread_local const uint8_t *stack_low;
/* What set_priority(0) goes back to; 0: it was never changed. */
static _Thread_local int first_priority;

uint32_t wrt_port_thread_id(void)
{
    /* Unique in the process; what several processes share is refused by this port. */
    return (uint32_t)pthread_self();
}

int wrt_qnx_current_priority(void)
{
    struct sched_param parameters;
    int policy;

    if (pthread_getschedparam(pthread_self(), &policy, &parameters) != 0)
        return 1;
    return parameters.sched_curpriority;
}

/* The caller may get this; its own process's most is lower without PROCMGR_AID_PRIORITY,
 * which the kernel answers with EPERM. */
static bool is_priority(int priority)
{
    int most = sched_get_priority_max(SCHED_FIFO);

    return priority >= 1 && priority <= PRIORITY_MOST && priority <= most;
}

static enum wrt_status set_native_priority(int policy, int priority)
{
    struct sched_param parameters;

    memset(&parameters, 0, sizeof parameters); /* reserved words must be zero */
    parameters.sched_priority = priority;
    if (SchedSet(0, 0, policy, &parameters) == -1)
        return wrt_qnx_to_status(errno);
    return WRT_OK;
}

enum wrt_status wrt_port_thread_set_priority(int priority)
{
    int before = first_priority;
    enum wrt_status status;

    if (priority == 0)
        return before == 0 ? WRT_OK : set_native_priority(SCHED_RR, before);
    wrt_qnx_note_requested(WRT_QNX_REALTIME);
    if (!is_priority(priority))
        return WRT_ERR_ARGUMENT;
    if (before == 0)
        before = wrt_qnx_current_priority();
    status = set_native_priority(SCHED_FIFO, priority);
    if (status != WRT_OK) {
        wrt_qnx_note_refused(WRT_QNX_REALTIME, "above 63 it takes PROCMGR_AID_PRIORITY");
        return status;
    }
    first_priority = before;
    wrt_qnx_note_active(WRT_QNX_REALTIME);
    return WRT_OK;
}

enum wrt_status wrt_port_thread_get_priority(int *out)
{
    struct sched_param parameters;
    int policy;
    int error = pthread_getschedparam(pthread_self(), &policy, &parameters);

    if (error != 0)
        return wrt_qnx_to_status(error);
    *out = policy == SCHED_FIFO ? parameters.sched_priority : 0;
    return WRT_OK;
}

enum wrt_status wrt_port_thread_set_affinity(uint64_t mask)
{
    wrt_qnx_note_requested(WRT_QNX_RUN_MASK);
    if (mask == 0)
        return WRT_ERR_ARGUMENT;
    if (mask > UINT32_MAX) /* this command knows 32 processors */
        return WRT_ERR_UNSUPPORTED;
    if (ThreadCtl(_NTO_TCTL_RUNMASK, (void *)(uintptr_t)mask) == -1)
        return wrt_qnx_to_status(errno);
    wrt_qnx_note_active(WRT_QNX_RUN_MASK);
    return WRT_OK;
}

enum wrt_status wrt_port_thread_stack_left(size_t *out)
{
    const uint8_t here = 0;

    if (stack_low == NULL) /* no release tells of stacks that others made */
        return WRT_ERR_UNSUPPORTED;
    *out = (size_t)((uintptr_t)&here - (uintptr_t)stack_low);
    return WRT_OK;
}

/* ---- of threads that start ---- */

void wrt_posix_name_thread(const char *name)
{
    struct { /* as _NTO_TCTL_NAME takes it */
        int new_length, old_length;
        char text[NAME_MOST + 1];
    } request = {.new_length = (int)strnlen(name, NAME_MOST)};

    memcpy(request.text, name, (size_t)request.new_length);
    (void)ThreadCtl(_NTO_TCTL_NAME, &request);
}

/* Where this thread's stack ends, a page spared for what lies above our first frame. */
void wrt_posix_thread_starts(size_t stack_bytes)
{
    const uint8_t here = 0;
    uintptr_t low = (uintptr_t)&here - (stack_bytes - wrt_port_page_bytes());

    stack_low = (const uint8_t *)low;
}

int wrt_posix_set_stack(pthread_attr_t *attributes, size_t bytes)
{
    int error = pthread_attr_setstacksize(attributes, bytes);

#if !WRT_QNX_SINCE_8 && WRT_QNX_RELEASE >= 660
    if (error == 0) /* every page now: a lazy one could fault on a real-time path */
        error = pthread_attr_setstacklazy(attributes, PTHREAD_STACK_NOTLAZY);
#endif
    return error;
}

size_t wrt_posix_stack_bytes(size_t asked)
{
    size_t page = wrt_port_page_bytes();
    size_t bytes = asked != 0 ? asked : DEFAULT_STACK_BYTES;

    if (bytes < 4 * page) /* PTHREAD_STACK_MIN is 256 bytes before 8.0 */
        bytes = 4 * page;
    return (bytes + page - 1) & ~(page - 1);
}
