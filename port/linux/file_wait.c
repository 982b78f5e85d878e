/* port/linux/file_wait.c - accepting, and waiting until something is ready.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include "../posix/file_resolve.h"
#include "../posix/posix.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#define NANOSECONDS 1000000000u

const int wrt_posix_message_flags = MSG_DONTWAIT;

enum wrt_errno wrt_port_socket_accept(int socket, int *out)
{
    int accepted = accept4(socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted < 0)
        return wrt_posix_errno(errno);
    *out = accepted;
    return WRT_ERRNO_OK;
}

enum wrt_errno wrt_port_poll(struct wrt_port_poll *items, unsigned count, uint64_t timeout_ns)
{
    struct pollfd polled[WRT_PORT_MAX_POLL];
    struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / NANOSECONDS),
                               .tv_nsec = (long)(timeout_ns % NANOSECONDS)};
    if (count > WRT_PORT_MAX_POLL)
        return WRT_ERRNO_INVAL;
    for (unsigned i = 0; i < count; i++)
        polled[i] = (struct pollfd){.fd = items[i].file, .events = wrt_posix_poll_events(items[i].wanted)};
    int returned = ppoll(polled, count, &timeout, NULL);
    if (returned < 0 && errno != EINTR)
        return wrt_posix_errno(errno);
    for (unsigned i = 0; i < count; i++)
        items[i].ready = returned < 0 ? 0 : wrt_posix_poll_ready(polled[i].revents);
    return WRT_ERRNO_OK;
}
