/* tests/tenant/slow_read.c - preloaded: reading a file named "fifo" takes half a minute, as of a
 * disk that does not answer. For a tenant that hangs in the host.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static void wait_if_slow(int fd)
{
    struct timespec rest = {.tv_sec = 30};
    char link[64], path[512];
    ssize_t bytes;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    bytes = readlink(link, path, sizeof path - 1);
    if (bytes < 5 || memcmp(path + bytes - 5, "/fifo", 5) != 0)
        return;
    while (nanosleep(&rest, &rest) != 0) { /* a signal does not help */
    }
}

ssize_t readv(int fd, const struct iovec *parts, int count)
{
    ssize_t (*next)(int, const struct iovec *, int);

    *(void **)&next = dlsym(RTLD_NEXT, "readv");
    wait_if_slow(fd);
    return next(fd, parts, count);
}

ssize_t preadv64(int fd, const struct iovec *parts, int count, off64_t offset)
{
    ssize_t (*next)(int, const struct iovec *, int, off64_t);

    *(void **)&next = dlsym(RTLD_NEXT, "preadv64");
    wait_if_slow(fd);
    return next(fd, parts, count, offset);
}
