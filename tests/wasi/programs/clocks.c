/* tests/wasi/programs/clocks.c - clock_res_get, clock_time_get, and poll_oneoff on clocks.
 * SPDX-License-Identifier: Apache-2.0
 * run: --clocks all --
 */
#include "check.h"

#include <time.h>

static const __wasi_timestamp_t millisecond = 1000000;

static __wasi_timestamp_t now(__wasi_clockid_t clock)
{
    __wasi_timestamp_t time = 0;
    CHECK_EQUAL(__wasi_clock_time_get(clock, 1, &time), 0);
    return time;
}

static void check_reading(void)
{
    for (__wasi_clockid_t clock = 0; clock < 4; clock++) {
        __wasi_timestamp_t resolution = 0;
        CHECK_EQUAL(__wasi_clock_res_get(clock, &resolution), 0);
        CHECK(resolution >= 1 && resolution <= 1000 * millisecond);
        __wasi_timestamp_t before = now(clock);
        CHECK(now(clock) >= before);
    }
    __wasi_timestamp_t unused;
    CHECK_EQUAL(__wasi_clock_time_get(4, 1, &unused), __WASI_ERRNO_INVAL);
    CHECK_EQUAL(__wasi_clock_res_get(77, &unused), __WASI_ERRNO_INVAL);
    CHECK(time(NULL) > 1700000000); /* later than this was written */
}

static void check_cpu_time(void)
{
    __wasi_timestamp_t start = now(__WASI_CLOCKID_THREAD_CPUTIME_ID);
    volatile unsigned spin = 0;
    while (now(__WASI_CLOCKID_THREAD_CPUTIME_ID) < start + 2 * millisecond)
        spin++;
    CHECK(spin > 0);
    CHECK(now(__WASI_CLOCKID_PROCESS_CPUTIME_ID) > 0);
}

static void check_sleeping(void)
{
    struct timespec half = {.tv_nsec = 50 * 1000000};
    __wasi_timestamp_t start = now(__WASI_CLOCKID_MONOTONIC);
    CHECK_EQUAL(nanosleep(&half, NULL), 0);
    __wasi_timestamp_t slept = now(__WASI_CLOCKID_MONOTONIC) - start;
    CHECK(slept >= 50 * millisecond && slept < 2000 * millisecond);

    struct timespec until;
    CHECK_EQUAL(clock_gettime(CLOCK_REALTIME, &until), 0);
    until.tv_sec += until.tv_nsec / 1000000 >= 970;
    until.tv_nsec = (until.tv_nsec + 30 * 1000000) % 1000000000;
    CHECK_EQUAL(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL), 0);
    struct timespec after;
    CHECK_EQUAL(clock_gettime(CLOCK_REALTIME, &after), 0);
    CHECK(after.tv_sec > until.tv_sec ||
          (after.tv_sec == until.tv_sec && after.tv_nsec >= until.tv_nsec));
}

static void check_several(void)
{
    __wasi_subscription_t wanted[3] = {0};
    __wasi_event_t events[3];
    __wasi_size_t count = 0;
    for (unsigned i = 0; i < 3; i++) {
        wanted[i].userdata = 100 + i;
        wanted[i].u.tag = __WASI_EVENTTYPE_CLOCK;
        wanted[i].u.u.clock.id = __WASI_CLOCKID_MONOTONIC;
    }
    wanted[0].u.u.clock.timeout = 5000 * millisecond;
    wanted[1].u.u.clock.timeout = 20 * millisecond;
    wanted[2].u.u.clock.timeout = now(__WASI_CLOCKID_MONOTONIC) + 5000 * millisecond;
    wanted[2].u.u.clock.flags = __WASI_SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME;
    CHECK_EQUAL(__wasi_poll_oneoff(wanted, events, 3, &count), 0);
    CHECK_EQUAL(count, 1);
    CHECK_EQUAL(events[0].userdata, 101);
    CHECK_EQUAL(events[0].error, 0);
    CHECK_EQUAL(events[0].type, __WASI_EVENTTYPE_CLOCK);
    wanted[0].u.u.clock.timeout = 0;
    wanted[2].u.u.clock.timeout = 1; /* long past */
    CHECK_EQUAL(__wasi_poll_oneoff(wanted, events, 3, &count), 0);
    CHECK_EQUAL(count, 2);
    CHECK_EQUAL(events[0].userdata, 100);
    CHECK_EQUAL(events[1].userdata, 102);
    CHECK_EQUAL(__wasi_poll_oneoff(wanted, events, 0, &count), __WASI_ERRNO_INVAL);
}

int main(void)
{
    check_reading();
    check_cpu_time();
    check_sleeping();
    check_several();
    return check_end();
}
