/* src/wasi/guest.c - the guest's memory: spans, vectors, paths.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Addresses and lengths are hostile: nothing is used before the engine has checked it.
 */
#include "base/bytes.h"
#include "wasi/state.h"

uint8_t *wrt_wasi_span(struct wasi_call *call, uint32_t address, uint64_t size_bytes)
{
    uint8_t *span;
    if (wrt_caller_span(call->caller, address, size_bytes, &span) != WRT_OK)
        return NULL;
    return span;
}

void wrt_wasi_charge(struct wasi_call *call, uint64_t size_bytes)
{
    wrt_caller_charge_fuel(call->caller, size_bytes / WASI_BYTES_PER_FUEL);
}

static void keep(struct wasi_buffers *buffers, uint8_t *data, size_t size_bytes)
{
    size_t room = WASI_MAX_TRANSFER_BYTES - buffers->size_bytes;
    if (size_bytes > room)
        size_bytes = room;
    if (size_bytes == 0 || buffers->count == WRT_PORT_MAX_BUFFERS)
        return;
    buffers->item[buffers->count++] =
        (struct wrt_port_buffer){.data = data, .size_bytes = size_bytes};
    buffers->size_bytes += size_bytes;
}

enum wrt_errno wrt_wasi_buffers(struct wasi_call *call, uint32_t address, uint32_t count,
                                struct wasi_buffers *out)
{
    uint64_t total = 0;
    out->count = 0;
    out->size_bytes = 0;
    if (count > WASI_MAX_VECTORS)
        return WRT_ERRNO_INVAL;
    const uint8_t *vectors = wrt_wasi_span(call, address, (uint64_t)count * WASI_SIZE_IOVEC);
    if (!vectors)
        return WRT_ERRNO_FAULT;
    for (uint32_t i = 0; i < count; i++, vectors += WASI_SIZE_IOVEC) {
        uint32_t size_bytes = wrt_read_u32(vectors + 4);
        uint8_t *data = wrt_wasi_span(call, wrt_read_u32(vectors), size_bytes);
        if (!data)
            return WRT_ERRNO_FAULT;
        total += size_bytes;
        keep(out, data, size_bytes);
    }
    return total > UINT32_MAX ? WRT_ERRNO_INVAL : WRT_ERRNO_OK; /* the count must fit */
}

enum wrt_errno wrt_wasi_path(struct wasi_call *call, unsigned which, uint32_t address,
                             uint32_t size_bytes)
{
    char *path = call->wasi->path[which];
    if (size_bytes > call->wasi->max_path_bytes)
        return WRT_ERRNO_NAMETOOLONG;
    if (wrt_caller_read(call->caller, address, path, size_bytes) != WRT_OK)
        return WRT_ERRNO_FAULT;
    if (memchr(path, '\0', size_bytes))
        return WRT_ERRNO_INVAL;
    path[size_bytes] = '\0';
    return WRT_ERRNO_OK;
}
