/* tests/wasi/programs/sockets.c - sock_accept, sock_recv, sock_send, sock_shutdown.
 * SPDX-License-Identifier: Apache-2.0
 * run: --dir TMP::/ --listen --clocks all --
 * The runner grants a listening socket as descriptor 4. Its client sends "ping", waits for
 * "pong" and the end of the stream, and then closes; it exits with a fault otherwise.
 */
#include "check.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
    char text[16] = "";
    __wasi_fdstat_t stat;
    const int listening = 4;
    CHECK_EQUAL(__wasi_fd_fdstat_get(listening, &stat), 0);
    CHECK_EQUAL(stat.fs_filetype, __WASI_FILETYPE_SOCKET_STREAM);
    CHECK_ERRNO(accept(3, NULL, NULL), ENOTSOCK);
    CHECK_ERRNO(recv(3, text, 1, 0), ENOTSOCK);
    CHECK_ERRNO(send(3, text, 1, 0), ENOTSOCK);
    CHECK_ERRNO(shutdown(3, SHUT_RD), ENOTSOCK);
    CHECK_ERRNO(accept(99, NULL, NULL), EBADF);
    CHECK_ERRNO(recv(99, text, 1, 0), EBADF);

    struct pollfd ready = {.fd = listening, .events = POLLIN};
    CHECK_EQUAL(poll(&ready, 1, 5000), 1);
    int fd = accept(listening, NULL, NULL);
    CHECK(fd > 4);
    CHECK_EQUAL(recv(fd, text, 2, MSG_WAITALL), 2);
    CHECK_EQUAL(recv(fd, text + 2, 2, MSG_WAITALL | MSG_PEEK) >= 1, 1);
    CHECK_EQUAL(recv(fd, text + 2, 2, MSG_WAITALL), 2);
    CHECK(memcmp(text, "ping", 4) == 0);
    CHECK_EQUAL(send(fd, "po", 2, 0), 2);
    CHECK_EQUAL(write(fd, "ng", 2), 2);
    __wasi_size_t sent;
    __wasi_ciovec_t vector = {.buf = (const uint8_t *)"x", .buf_len = 1};
    CHECK_EQUAL(__wasi_sock_send(fd, &vector, 1, 1, &sent), __WASI_ERRNO_INVAL);
    CHECK_EQUAL(__wasi_sock_shutdown(fd, 0), __WASI_ERRNO_INVAL);
    CHECK_EQUAL(shutdown(fd, SHUT_WR), 0);
    CHECK_EQUAL(recv(fd, text, 1, 0), 0); /* the client has closed */
    CHECK_ERRNO(send(fd, "x", 1, 0), EPIPE);
    CHECK_EQUAL(close(fd), 0);
    return check_end();
}
