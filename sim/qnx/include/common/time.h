/* time.h - clocks. Ids: facts 5.3.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QNXSIM_TIME_H
#define QNXSIM_TIME_H
#include <stddef.h>
#include <sys/types.h>
struct timespec {
    time_t tv_sec;
    long tv_nsec;
};
struct itimerspec {
    struct timespec it_value, it_interval;
};
struct tm {
    int tm_sec, tm_min, tm_hour, tm_mday, tm_mon, tm_year, tm_wday, tm_yday, tm_isdst;
    long tm_gmtoff;
    const char *tm_zone;
};
typedef long clock_t;
#define CLOCKS_PER_SEC 1000000L
#define CLOCK_REALTIME 0
#if QNXSIM_RELEASE < 700
#define CLOCK_SOFTTIME 1
#endif
#define CLOCK_MONOTONIC 2
#define CLOCK_PROCESS_CPUTIME_ID 3
#define CLOCK_THREAD_CPUTIME_ID 4
#define TIMER_ABSTIME 0x80000000 /* facts 5.3 */
int clock_gettime(clockid_t id, struct timespec *out) QNXSIM_AS(clock_gettime);
int clock_getres(clockid_t id, struct timespec *out) QNXSIM_AS(clock_getres);
int nanosleep(const struct timespec *time, struct timespec *left) QNXSIM_AS(nanosleep);
int clock_nanosleep(clockid_t id, int flags, const struct timespec *time,
                    struct timespec *left) QNXSIM_AS(clock_nanosleep);
time_t time(time_t *out);
clock_t clock(void);
struct tm *gmtime_r(const time_t *restrict, struct tm *restrict);
struct tm *localtime_r(const time_t *restrict, struct tm *restrict);
size_t strftime(char *restrict, size_t, const char *restrict, const struct tm *restrict);
#endif
