/* port/posix/file_socket.c - sockets and clocks for WASI.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sockets never block here: whoever wants to wait polls, in steps it can interrupt.
 */
#define _GNU_SOURCE
#define _QNX_SOURCE
#define _FILE_OFFSET_BITS 64
#include "file_resolve.h"
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define NANOSECONDS 1000000000u

static enum wrt_errno result_of(int returned)
{
    return returned < 0 ? wrt_posix_errno(errno) : WRT_ERRNO_OK;
}

/* ---- sockets ---- */

enum wrt_errno wrt_port_socket_set_nonblocking(int socket)
{
    int kind;
    socklen_t kind_bytes = sizeof kind;
    if (getsockopt(socket, SOL_SOCKET, SO_TYPE, &kind, &kind_bytes) < 0)
        return wrt_posix_errno(errno);
    int flags = fcntl(socket, F_GETFL);
    if (flags < 0)
        return wrt_posix_errno(errno);
    return result_of(fcntl(socket, F_SETFL, flags | O_NONBLOCK));
}

static void to_message(const struct wrt_port_buffer *buffers, unsigned count,
                       struct iovec vectors[WRT_PORT_MAX_BUFFERS], struct msghdr *message)
{
    unsigned used = 0;
    for (; used < count && used < WRT_PORT_MAX_BUFFERS; used++)
        vectors[used] = (struct iovec){.iov_base = buffers[used].data,
                                       .iov_len = buffers[used].size_bytes};
    *message = (struct msghdr){.msg_iov = vectors, .msg_iovlen = used};
}

enum wrt_errno wrt_port_socket_receive(int socket, const struct wrt_port_buffer *buffers,
                                       unsigned count, bool peek, size_t *out_bytes,
                                       bool *out_truncated)
{
    struct iovec vectors[WRT_PORT_MAX_BUFFERS];
    struct msghdr message;
    to_message(buffers, count, vectors, &message);
    ssize_t got = recvmsg(socket, &message, wrt_posix_message_flags | (peek ? MSG_PEEK : 0));
    if (got < 0)
        return wrt_posix_errno(errno);
    *out_bytes = (size_t)got;
    *out_truncated = (message.msg_flags & MSG_TRUNC) != 0;
    return WRT_ERRNO_OK;
}

enum wrt_errno wrt_port_socket_send(int socket, const struct wrt_port_buffer *buffers,
                                    unsigned count, size_t *out_bytes)
{
    struct iovec vectors[WRT_PORT_MAX_BUFFERS];
    struct msghdr message;
    to_message(buffers, count, vectors, &message);
    ssize_t sent = sendmsg(socket, &message, wrt_posix_message_flags | MSG_NOSIGNAL);
    if (sent < 0)
        return wrt_posix_errno(errno);
    *out_bytes = (size_t)sent;
    return WRT_ERRNO_OK;
}

enum wrt_errno wrt_port_socket_shutdown(int socket, bool read, bool write)
{
    if (!read && !write)
        return WRT_ERRNO_INVAL;
    return result_of(shutdown(socket, read && write ? SHUT_RDWR : read ? SHUT_RD : SHUT_WR));
}

/* ---- readiness ---- */

short wrt_posix_poll_events(uint8_t wanted)
{
    int events = (wanted & WRT_PORT_POLL_READ ? POLLIN : 0) |
                 (wanted & WRT_PORT_POLL_WRITE ? POLLOUT : 0);
    return (short)events;
}

uint8_t wrt_posix_poll_ready(short events)
{
    int ready = (events & POLLIN ? WRT_PORT_POLL_READ : 0) |
                (events & POLLOUT ? WRT_PORT_POLL_WRITE : 0) |
                (events & POLLHUP ? WRT_PORT_POLL_HANGUP : 0) |
                (events & (POLLERR | POLLNVAL) ? WRT_PORT_POLL_ERROR : 0);
    return (uint8_t)ready;
}

/* ---- clocks ---- */

static clockid_t system_clock(enum wrt_port_clock clock)
{
    static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC,
                                       CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};
    return clocks[clock];
}

static uint64_t nanoseconds_of(const struct timespec *time)
{
    return (uint64_t)time->tv_sec * NANOSECONDS + (uint64_t)time->tv_nsec;
}

enum wrt_errno wrt_port_clock_read(enum wrt_port_clock clock, uint64_t *out_ns)
{
    struct timespec now;
    if (clock_gettime(system_clock(clock), &now) < 0)
        return wrt_posix_errno(errno);
    *out_ns = nanoseconds_of(&now);
    return WRT_ERRNO_OK;
}

enum wrt_errno wrt_port_clock_resolution(enum wrt_port_clock clock, uint64_t *out_ns)
{
    struct timespec resolution;
    if (clock_getres(system_clock(clock), &resolution) < 0)
        return wrt_posix_errno(errno);
    *out_ns = nanoseconds_of(&resolution);
    return WRT_ERRNO_OK;
}

enum wrt_errno wrt_port_yield(void)
{
    return result_of(sched_yield());
}
