/* sys/resource.h - per-process limits. Facts 3.2 item 2.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QNXSIM_SYS_RESOURCE_H
#define QNXSIM_SYS_RESOURCE_H
#include <sys/time.h>
#include <sys/types.h>
#define RLIMIT_CPU 0
#define RLIMIT_FSIZE 1
#define RLIMIT_DATA 2
#define RLIMIT_STACK 3
#define RLIMIT_CORE 4
#define RLIMIT_NOFILE 5
#define RLIMIT_AS 6
#define RLIMIT_VMEM RLIMIT_AS
#define RLIMIT_RSS RLIMIT_AS
#define RLIMIT_MEMLOCK 7
#define RLIMIT_NPROC 8
#define RLIMIT_NTHR 9
#if QNXSIM_RELEASE >= 700
#define RLIMIT_FREEMEM 10
#define RLIMIT_NOCONN_NP 11
#define RLIMIT_SIGEVENT_NP 12
#define RLIMIT_TIMERS_NP 13
#endif
#if QNXSIM_RELEASE >= 800
#define RLIMIT_CHANNELS_NP 14
#define RLIMIT_SHM_HANDLES_NP 15
#define RLIMIT_MQUEUE_SIZE_NP 16
#define RLIMIT_MQUEUE_NUM_NP 17
#define RLIMIT_SYNC_NP 18
#define RLIM_NLIMITS 19
#else
#define RLIM_NLIMITS 14
#endif
/* The 32-bit structure has hidden words between the fields: positional initialisers are
 * wrong there (trap 16). */
#if defined(__LP64__)
typedef uint64_t rlim_t;
#define RLIM_INFINITY ((rlim_t)-3)
struct rlimit {
    rlim_t rlim_cur;
    rlim_t rlim_max;
};
#else
typedef uint32_t rlim_t;
#define RLIM_INFINITY 0x7fffffffu
struct rlimit {
    rlim_t rlim_cur;
    rlim_t rlim_cur_hi;
    rlim_t rlim_max;
    rlim_t rlim_max_hi;
};
#endif
int getrlimit(int resource, struct rlimit *limit) QNXSIM_AS(getrlimit);
int setrlimit(int resource, const struct rlimit *limit) QNXSIM_AS(setrlimit);
#if QNXSIM_EXT && QNXSIM_RELEASE >= 800
int prlimit(pid_t process, int resource, const struct rlimit *limit, struct rlimit *old)
    QNXSIM_AS(prlimit);
#endif
#endif
