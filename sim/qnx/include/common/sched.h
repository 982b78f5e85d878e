/* sched.h - scheduling parameters. Facts 5.5.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QNXSIM_SCHED_H
#define QNXSIM_SCHED_H
#include <time.h>
#define SCHED_FIFO 1
#define SCHED_RR 2
#define SCHED_OTHER 3
#define SCHED_SPORADIC 4
#define SCHED_ADJTOHEAD 5
#define SCHED_ADJTOTAIL 6
#define SCHED_SETPRIO 7

/* 40 bytes on ILP32, 48 on LP64: two ints and words that must be zero. */
struct sched_param {
    int32_t sched_priority;
    int32_t sched_curpriority;
    union {
#if defined(__LP64__)
        int32_t reserved[10];
#else
        int32_t reserved[8];
#endif
        struct {
            int32_t __ss_low_priority;
            int32_t __ss_max_repl;
            struct timespec __ss_repl_period;
            struct timespec __ss_init_budget;
        } __ss;
    } __ss_un;
};
#define sched_ss_low_priority __ss_un.__ss.__ss_low_priority
#define sched_ss_max_repl __ss_un.__ss.__ss_max_repl
#define sched_ss_repl_period __ss_un.__ss.__ss_repl_period
#define sched_ss_init_budget __ss_un.__ss.__ss_init_budget
int sched_get_priority_max(int policy) QNXSIM_AS(sched_get_priority_max);
int sched_get_priority_min(int policy) QNXSIM_AS(sched_get_priority_min);
int sched_yield(void) QNXSIM_AS(sched_yield);
#if QNXSIM_EXT && QNXSIM_RELEASE >= 700
#define SCHED_PRIO_LIMIT_SATURATE(p) ((p) | 0x10000)
#endif
#endif
