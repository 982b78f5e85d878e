/* port/qnx/file_wait.c - accepting, and waiting until something is ready.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "qnx.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../posix/file_resolve.h"
#include "../posix/posix.h"

const int wrt_posix_message_flags = 0; /* every socket was made not to block before */

enum wrt_errno wrt_port_socket_accept(int socket, int *out)
{
    int accepted = accept(socket, NULL, NULL);
    if (accepted < 0)
        return wrt_posix_errno(errno);
    /* Not in one step: a process that is spawned in between would inherit it. */
    enum wrt_errno error = fcntl(accepted, F_SETFD, FD_CLOEXEC) < 0
                               ? wrt_posix_errno(errno)
                               : wrt_port_socket_set_nonblocking(accepted);
    if (error != WRT_ERRNO_OK) {
        close(accepted);
        return error;
    }
    *out = accepted;
    return WRT_ERRNO_OK;
}

/* poll() counts milliseconds: rounded up, so that it never returns too early. */
static int to_milliseconds(uint64_t timeout_ns)
{
    uint64_t ms = timeout_ns / 1000000u + (timeout_ns % 1000000u != 0);
    return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

enum wrt_errno wrt_port_poll(struct wrt_port_poll *items, unsigned count, uint64_t timeout_ns)
{
    struct pollfd polled[WRT_PORT_MAX_POLL];
    if (count > WRT_PORT_MAX_POLL)
        return WRT_ERRNO_INVAL;
    for (unsigned i = 0; i < count; i++)
        polled[i] = (struct pollfd){.fd = items[i].file, .events = wrt_posix_poll_events(items[i].wanted)};
    int returned = poll(polled, count, to_milliseconds(timeout_ns));
    if (returned < 0 && errno != EINTR)
        return wrt_posix_errno(errno);
    for (unsigned i = 0; i < count; i++)
        items[i].ready = returned < 0 ? 0 : wrt_posix_poll_ready(polled[i].revents);
    return WRT_ERRNO_OK;
}
