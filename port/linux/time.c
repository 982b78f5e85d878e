/* port/linux/time.c - the monotonic clock, and waiting on a word by futex.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "linux.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const uint64_t second_ns = 1000000000u;

static uint64_t to_ns(const struct timespec *time)
{
    return (uint64_t)time->tv_sec * second_ns + (uint64_t)time->tv_nsec;
}

enum wrt_status wrt_port_time_now(uint64_t *out_ns)
{
    struct timespec now;

    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return wrt_linux_to_status(errno);
    *out_ns = to_ns(&now);
    return WRT_OK;
}

enum wrt_status wrt_port_time_resolution(uint64_t *out_ns)
{
    struct timespec resolution;

    if (clock_getres(CLOCK_MONOTONIC, &resolution) != 0)
        return wrt_linux_to_status(errno);
    *out_ns = to_ns(&resolution);
    return WRT_OK;
}

static enum wrt_status wait_status(int error)
{
    switch (error) {
    case EAGAIN:
        return WRT_ERR_STATE;
    case ETIMEDOUT:
        return WRT_ERR_TIMEOUT;
    case EINTR:
        return WRT_ERR_INTERRUPTED;
    default:
        return wrt_linux_to_status(error);
    }
}

enum wrt_status wrt_port_wait(const uint32_t *word, uint32_t expected, uint64_t deadline_ns,
                              bool is_shared)
{
    struct timespec deadline = {.tv_sec = (time_t)(deadline_ns / second_ns),
                                .tv_nsec = (long)(deadline_ns % second_ns)};
    int operation = FUTEX_WAIT_BITSET | (is_shared ? 0 : FUTEX_PRIVATE_FLAG);

    if (syscall(SYS_futex, word, operation, expected,
                deadline_ns == UINT64_MAX ? NULL : &deadline, NULL,
                FUTEX_BITSET_MATCH_ANY) != 0)
        return wait_status(errno);
    return WRT_OK;
}

enum wrt_status wrt_port_wake(const uint32_t *word, uint32_t count, bool is_shared,
                              uint32_t *out_woken)
{
    int operation = FUTEX_WAKE | (is_shared ? 0 : FUTEX_PRIVATE_FLAG);
    uint32_t most = count > INT_MAX ? INT_MAX : count;
    long woken;

    if (most == 0) { /* the kernel wakes one when asked for none */
        *out_woken = 0;
        return WRT_OK;
    }
    woken = syscall(SYS_futex, word, operation, most, NULL, NULL, 0);
    if (woken < 0)
        return wrt_linux_to_status(errno);
    *out_woken = (uint32_t)woken;
    return WRT_OK;
}

enum wrt_status wrt_port_entropy(void *out, size_t size_bytes)
{
    uint8_t *to = out;

    while (size_bytes != 0) {
        ssize_t got = getrandom(to, size_bytes, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return wrt_linux_to_status(errno);
        to += got;
        size_bytes -= (size_t)got;
    }
    return WRT_OK;
}
