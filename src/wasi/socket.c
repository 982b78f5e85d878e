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

static enum wrt_errno accept_once(const struct wasi_descriptor *listening, void *context)
{
    return wrt_port_socket_accept(listening->file, context);
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
    error = wrt_wasi_when_ready(call, listening, WRT_PORT_POLL_READ, accept_once, &file);
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
    struct wasi_buffers buffers;
    uint32_t flags;
    size_t got; /* by the last step */
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

static enum wrt_errno receive_once(const struct wasi_descriptor *socket, void *context)
{
    struct receiving *receiving = context;
    return wrt_port_socket_receive(socket->file, receiving->buffers.item,
                                   receiving->buffers.count,
                                   receiving->flags & WASI_RIFLAG_PEEK, &receiving->got,
                                   &receiving->truncated);
}

static enum wrt_errno receive(struct wasi_call *call, const struct wasi_descriptor *socket,
                              struct receiving *receiving)
{
    receiving->got = 0;
    enum wrt_errno error =
        wrt_wasi_when_ready(call, socket, WRT_PORT_POLL_READ, receive_once, receiving);
    receiving->received += receiving->got;
    return error;
}

/* All of it: until the buffers are full, the other end has closed, or something stops us.
 * What has arrived by then is told, as POSIX does for a signal. */
static enum wrt_errno receive_all(struct wasi_call *call, const struct wasi_descriptor *socket,
                                  struct receiving *receiving)
{
    while (receiving->buffers.count != 0) {
        enum wrt_errno error = receive(call, socket, receiving);
        if (receiving->received != 0 && (error != WRT_ERRNO_OK || call->outcome != WRT_OK)) {
            call->outcome = WRT_OK;
            return WRT_ERRNO_OK;
        }
        if (error != WRT_ERRNO_OK || call->outcome != WRT_OK || receiving->got == 0)
            return error;
        skip_received(&receiving->buffers, receiving->got);
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
    bool is_stream = socket->type == WRT_PORT_TYPE_SOCKET_STREAM;
    if (receiving.flags == WASI_RIFLAG_WAITALL && is_stream)
        error = receive_all(call, socket, &receiving);
    else if (receiving.buffers.count != 0 || !is_stream)
        error = receive(call, socket, &receiving);
    if (error != WRT_ERRNO_OK || call->outcome != WRT_OK)
        return error;
    wrt_wasi_charge(call, receiving.received);
    wrt_write_u32(out_size, (uint32_t)receiving.received);
    wrt_write_u16(out_flags, receiving.truncated ? WASI_ROFLAG_TRUNCATED : 0);
    return WRT_ERRNO_OK;
}

/* ---- send and shut down ---- */

struct sending {
    struct wasi_buffers buffers;
    size_t sent;
};

static enum wrt_errno send_once(const struct wasi_descriptor *socket, void *context)
{
    struct sending *sending = context;
    return wrt_port_socket_send(socket->file, sending->buffers.item, sending->buffers.count,
                                &sending->sent);
}

enum wrt_errno wrt_wasi_sock_send(struct wasi_call *call)
{
    struct wasi_descriptor *socket;
    struct sending sending = {.sent = 0};
    enum wrt_errno error = find_socket(call, WASI_RIGHT_FD_WRITE, &socket);
    if (error == WRT_ERRNO_OK)
        error = wrt_wasi_buffers(call, wasi_u32(call, 1), wasi_u32(call, 2), &sending.buffers);
    if (error != WRT_ERRNO_OK)
        return error;
    uint8_t *out = wrt_wasi_span(call, wasi_u32(call, 4), 4);
    if (!out)
        return WRT_ERRNO_FAULT;
    if (wasi_u32(call, 3) != 0) /* no flag is defined */
        return WRT_ERRNO_INVAL;
    error = wrt_wasi_when_ready(call, socket, WRT_PORT_POLL_WRITE, send_once, &sending);
    if (error != WRT_ERRNO_OK || call->outcome != WRT_OK)
        return error;
    wrt_wasi_charge(call, sending.sent);
    wrt_write_u32(out, (uint32_t)sending.sent);
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
