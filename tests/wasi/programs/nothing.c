/* tests/wasi/programs/nothing.c - a guest that was granted nothing but stderr has nothing.
 * SPDX-License-Identifier: Apache-2.0
 * run: --only-stderr --
 */
#include "check.h"

#include <fcntl.h>

int main(void)
{
    __wasi_timestamp_t time;
    __wasi_prestat_t prestat;
    __wasi_fdstat_t fdstat;
    uint8_t byte;
    extern char **environ;
    CHECK(!environ || !environ[0]);
    CHECK_EQUAL(__wasi_clock_time_get(__WASI_CLOCKID_REALTIME, 1, &time), __WASI_ERRNO_NOTCAPABLE);
    CHECK_EQUAL(__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &time),
                __WASI_ERRNO_NOTCAPABLE);
    CHECK_EQUAL(__wasi_clock_res_get(__WASI_CLOCKID_REALTIME, &time), __WASI_ERRNO_NOTCAPABLE);
    CHECK_EQUAL(__wasi_random_get(&byte, 1), __WASI_ERRNO_NOTCAPABLE);
    CHECK_EQUAL(__wasi_fd_fdstat_get(0, &fdstat), __WASI_ERRNO_BADF);
    CHECK_EQUAL(__wasi_fd_fdstat_get(1, &fdstat), __WASI_ERRNO_BADF);
    CHECK_EQUAL(__wasi_fd_fdstat_get(2, &fdstat), 0);
    for (__wasi_fd_t fd = 3; fd < 1000; fd++)
        CHECK_EQUAL(__wasi_fd_prestat_get(fd, &prestat), __WASI_ERRNO_BADF);
    CHECK(open("/etc/passwd", O_RDONLY) == -1);
    CHECK(open("file", O_RDONLY) == -1);
    CHECK(puts("lost") == EOF || fflush(stdout) == EOF);
    return check_end();
}
