/* src/wasi/socket.c - sockets that the host granted: accept, receive, send, shut down.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A guest cannot make a socket; it is given listening or connected ones.
 */
#include "base/bytes.h"
#include "wasi/state.h"

static enum wrt_errno find_socket(struct wasi_call *call, uint64_t right,
                                  struct wasi_descriptor **out)
{
    return wrt_wasi_find_kind(call, wasi_u32(call, 0), WASI_KIND_SOCKET, WRT_ERRNO_NOTSOCK,
                              right, out);
}

/* ---- accept ---- */

static enum wrt_errno accept_when_ready(struct wasi_call *call,
                                        const struct wasi_descriptor *listening, int *out)
{
    for (;;) {
        enum wrt_errno error = wrt_wasi_wait(call, listening, WRT_PORT_POLL_READ);
        if (error != WRT_ERRNO_OK || call->outcome != WRT_OK)
            return error;
        error = wrt_port_socket_accept(listening->file, out);
        if (error != WRT_ERRNO_INTR &&
            (error != WRT_ERRNO_AGAIN || listening->flags & WASI_FDFLAG_NONBLOCK))
            return error;
    }
}

enum wrt_errno wrt_wasi_sock_accept(struct wasi_call *call)
{
    struct wasi_descriptor *listening, accepted;
    uint32_t flags = wasi_u32(call, 1), number;
    int file;
    enum wrt_errno error = find_socket(call, WASI_RIGHT_SOCK_ACCEPT, &listening);
    if (error == WRT_ERRNO_OK && flags & ~(uint32_t)WASI_FDFLAG_NONBLOCK)
        error = WRT_ERRNO_INVAL;
    if (error == WRT_ERRNO_OK)
        error = wrt_wasi_free_slot(call->wasi, &number);
    if (error != WRT_ERRNO_OK)
        return error;
    uint8_t *out = wrt_wasi_span(call, wasi_u32(call, 2), 4);
    if (!out)
        return WRT_ERRNO_FAULT;
    error = accept_when_ready(call, listening, &file);
    if (error != WRT_ERRNO_OK || call->outcome != WRT_OK)
        return error;
    error = wrt_wasi_describe(file, true, &accepted);
    if (error != WRT_ERRNO_OK) {
        wrt_port_file_close(file);
        return error;
    }
    accepted.flags = (uint16_t)flags;
    accepted.rights = listening->inheriting & WASI_RIGHTS_OF_CONNECTION;
    accepted.inheriting = 0;
    call->wasi->descriptors[number] = accepted;
    wrt_write_u32(out, number);
    return WRT_ERRNO_OK;
}

/* ---- receive ---- */

struct receiving {
    const struct wasi_descriptor *socket;
    struct wasi_buffers buffers;
    uint32_t flags;
    size_t received;
    bool truncated;
};

/* Takes the bytes that have arrived off the front of the buffers. */
static void skip_received(struct wasi_buffers *buffers, size_t bytes)
{
    unsigned first = 0;
    while (first < buffers->count && bytes >= buffers->item[first].size_bytes)
        bytes -= buffers->item[first++].size_bytes;
    for (unsigned i = first; i < buffers->count; i++)
        buffers->item[i - first] = buffers->item[i];
    buffers->count -= first;
    if (buffers->count != 0) {
        buffers->item[0].data += bytes;
        buffers->item[0].size_bytes -= bytes;
    }
}

static enum wrt_errno receive_once(struct wasi_call *call, struct receiving *receiving,
                                   size_t *got)
{
    const struct wasi_descriptor *socket = receiving->socket;
    for (;;) {
        enum wrt_errno error = wrt_wasi_wait(call, socket, WRT_PORT_POLL_READ);
        if (error != WRT_ERRNO_OK || call->outcome != WRT_OK)
            return error;
        error = wrt_port_socket_receive(socket->file, receiving->buffers.item,
                                        receiving->buffers.count,
                                        receiving->flags & WASI_RIFLAG_PEEK, got,
                                        &receiving->truncated);
        if (error != WRT_ERRNO_INTR &&
            (error != WRT_ERRNO_AGAIN || socket->flags & WASI_FDFLAG_NONBLOCK))
            return error;
    }
}

/* All of it: until the buffers are full, the other end has closed, or something stops us.
 * What has arrived by then is told, as POSIX does for a signal. */
static enum wrt_errno receive_all(struct wasi_call *call, struct receiving *receiving)
{
    while (receiving->buffers.count != 0) {
        size_t got = 0;
        enum wrt_errno error = receive_once(call, receiving, &got);
        if (receiving->received != 0 && (error != WRT_ERRNO_OK || call->outcome != WRT_OK)) {
            call->outcome = WRT_OK;
            return WRT_ERRNO_OK;
        }
        if (error != WRT_ERRNO_OK || call->outcome != WRT_OK || got == 0)
            return error;
        receiving->received += got;
        skip_received(&receiving->buffers, got);
    }
    return WRT_ERRNO_OK;
}

enum wrt_errno wrt_wasi_sock_recv(struct wasi_call *call)
{
    struct receiving receiving = {.flags = wasi_u32(call, 3)};
    struct wasi_descriptor *socket;
    enum wrt_errno error = find_socket(call, WASI_RIGHT_FD_READ, &socket);
    if (error == WRT_ERRNO_OK)
        error = wrt_wasi_buffers(call, wasi_u32(call, 1), wasi_u32(call, 2), &receiving.buffers);
    if (error != WRT_ERRNO_OK)
        return error;
    uint8_t *out_size = wrt_wasi_span(call, wasi_u32(call, 4), 4);
    uint8_t *out_flags = wrt_wasi_span(call, wasi_u32(call, 5), 2);
    if (!out_size || !out_flags)
        return WRT_ERRNO_FAULT;
    if (receiving.flags & ~(uint32_t)(WASI_RIFLAG_PEEK | WASI_RIFLAG_WAITALL))
        return WRT_ERRNO_INVAL;
    receiving.socket = socket;
    bool is_stream = socket->type == WRT_PORT_TYPE_SOCKET_STREAM;
    if (receiving.flags == WASI_RIFLAG_WAITALL && is_stream)
        error = receive_all(call, &receiving);
    else if (receiving.buffers.count != 0 || !is_stream)
        error = receive_once(call, &receiving, &receiving.received);
    if (error != WRT_ERRNO_OK || call->outcome != WRT_OK)
        return error;
    wrt_wasi_charge(call, receiving.received);
    wrt_write_u32(out_size, (uint32_t)receiving.received);
    wrt_write_u16(out_flags, receiving.truncated ? WASI_ROFLAG_TRUNCATED : 0);
    return WRT_ERRNO_OK;
}

/* ---- send and shut down ---- */

static enum wrt_errno send_when_ready(struct wasi_call *call,
                                      const struct wasi_descriptor *socket,
                                      const struct wasi_buffers *buffers, size_t *sent)
{
    for (;;) {
        enum wrt_errno error = wrt_wasi_wait(call, socket, WRT_PORT_POLL_WRITE);
        if (error != WRT_ERRNO_OK || call->outcome != WRT_OK)
            return error;
        error = wrt_port_socket_send(socket->file, buffers->item, buffers->count, sent);
        if (error != WRT_ERRNO_INTR &&
            (error != WRT_ERRNO_AGAIN || socket->flags & WASI_FDFLAG_NONBLOCK))
            return error;
    }
}

enum wrt_errno wrt_wasi_sock_send(struct wasi_call *call)
{
    struct wasi_descriptor *socket;
    struct wasi_buffers buffers;
    size_t sent = 0;
    enum wrt_errno error = find_socket(call, WASI_RIGHT_FD_WRITE, &socket);
    if (error == WRT_ERRNO_OK)
        error = wrt_wasi_buffers(call, wasi_u32(call, 1), wasi_u32(call, 2), &buffers);
    if (error != WRT_ERRNO_OK)
        return error;
    uint8_t *out = wrt_wasi_span(call, wasi_u32(call, 4), 4);
    if (!out)
        return WRT_ERRNO_FAULT;
    if (wasi_u32(call, 3) != 0) /* no flag is defined */
        return WRT_ERRNO_INVAL;
    error = send_when_ready(call, socket, &buffers, &sent);
    if (error != WRT_ERRNO_OK || call->outcome != WRT_OK)
        return error;
    wrt_wasi_charge(call, sent);
    wrt_write_u32(out, (uint32_t)sent);
    return WRT_ERRNO_OK;
}

enum wrt_errno wrt_wasi_sock_shutdown(struct wasi_call *call)
{
    struct wasi_descriptor *socket;
    uint32_t how = wasi_u32(call, 1);
    enum wrt_errno error = find_socket(call, WASI_RIGHT_SOCK_SHUTDOWN, &socket);
    if (error != WRT_ERRNO_OK)
        return error;
    if (how == 0 || how & ~(uint32_t)(WASI_SDFLAG_RD | WASI_SDFLAG_WR))
        return WRT_ERRNO_INVAL;
    return wrt_port_socket_shutdown(socket->file, how & WASI_SDFLAG_RD, how & WASI_SDFLAG_WR);
}
