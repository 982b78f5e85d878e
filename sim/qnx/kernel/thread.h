/* thread.h - starting and joining threads, for pthread.c and the tests' calls.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QNXSIM_THREAD_H
#define QNXSIM_THREAD_H
#include "kernel.h"
struct thread_start {
    void *(*body)(void *);
    void *argument;
    struct process *process; /* NULL: the caller's */
    size_t stack_bytes;
    int priority, policy; /* 0: the creator's */
    bool is_detached;
};
int thread_create(const struct thread_start *start, int *out_tid); /* 0 or errno */
int thread_join(int tid, void **result);
#endif
