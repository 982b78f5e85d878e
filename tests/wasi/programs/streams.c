/* tests/wasi/programs/streams.c - standard streams: fd_read, fd_write, and poll_oneoff on them.
 * SPDX-License-Identifier: Apache-2.0
 * run: --clocks all -- <"one\ntwo\n"
 * stdout: "in: one\nin: two\nend\n"
 */
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

int main(void)
{
    char line[64];
    struct pollfd ready[2] = {{.fd = 0, .events = POLLIN}, {.fd = 1, .events = POLLOUT}};
    CHECK_EQUAL(poll(ready, 1, 5000), 1); /* until the other end has written */
    CHECK_EQUAL(poll(ready, 2, 1000), 2);
    CHECK(ready[0].revents & POLLIN);
    CHECK(ready[1].revents & POLLOUT);
    while (fgets(line, sizeof line, stdin))
        printf("in: %s", line);
    CHECK(feof(stdin));
    puts("end");
    CHECK_ERRNO(lseek(0, 0, SEEK_CUR), ESPIPE);
    CHECK_ERRNO(write(0, "x", 1), EBADF);
    CHECK_ERRNO(read(1, line, 1), EBADF);
    struct pollfd bad = {.fd = 99, .events = POLLIN};
    CHECK_EQUAL(poll(&bad, 1, 1000), 1);
    CHECK_EQUAL(bad.revents, POLLNVAL);
    __wasi_fdstat_t stat;
    CHECK_EQUAL(__wasi_fd_fdstat_get(0, &stat), 0);
    CHECK_EQUAL(stat.fs_rights_base & __WASI_RIGHTS_FD_WRITE, 0);
    CHECK_EQUAL(fcntl(0, F_SETFL, O_NONBLOCK), 0);
    CHECK_EQUAL(read(0, line, 1), 0); /* the end stays the end */
    return check_end();
}
