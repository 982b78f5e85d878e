/* port/qnx/time.c - the monotonic clock and unpredictable bytes.
 * SPDX-License-Identifier: Apache-2.0
 *
 * clock_gettime rather than ClockCycles: cycle counters of several processors need not
 * agree on x86, and the port does not pin its callers.
 */
#include "qnx.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

static uint64_t to_ns(const struct timespec *time)
{
    return (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_nsec;
}

enum wrt_status wrt_port_time_now(uint64_t *out_ns)
{
    struct timespec now;

    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return wrt_qnx_to_status(errno);
    *out_ns = to_ns(&now);
    return WRT_OK;
}

enum wrt_status wrt_port_time_resolution(uint64_t *out_ns)
{
    struct timespec resolution;

    if (clock_getres(CLOCK_MONOTONIC, &resolution) != 0)
        return wrt_qnx_to_status(errno);
    *out_ns = to_ns(&resolution);
    return WRT_OK;
}

static enum wrt_status fill(int file, uint8_t *to, size_t size_bytes)
{
    while (size_bytes != 0) {
        ssize_t got = read(file, to, size_bytes);

        if (got < 0 && errno == EINTR) /* there is no SA_RESTART */
            continue;
        if (got <= 0)
            return WRT_ERR_IO;
        to += got;
        size_bytes -= (size_t)got;
    }
    return WRT_OK;
}

enum wrt_status wrt_port_entropy(void *out, size_t size_bytes)
{
    int file = open("/dev/random", O_RDONLY | O_CLOEXEC);
    enum wrt_status status;

    if (file == -1) /* the random service does not run */
        return WRT_ERR_UNSUPPORTED;
    status = fill(file, out, size_bytes);
    (void)close(file);
    return status;
}
