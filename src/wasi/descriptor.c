/* src/wasi/descriptor.c - the table of descriptors and the rights on them.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Rights are what the guest may do; what the host's descriptor could do besides stays out
 * of reach. They are set when a slot is filled and only ever shrink.
 */
#include "wasi/state.h"

#define FIRST_NUMBER 3u

enum wrt_errno wrt_wasi_find_kind(struct wasi_call *call, uint32_t number, enum wasi_kind kind,
                                  enum wrt_errno otherwise, uint64_t rights,
                                  struct wasi_descriptor **out)
{
    struct wrt_wasi *wasi = call->wasi;
    if (number >= wasi->descriptor_count || wasi->descriptors[number].kind == WASI_KIND_FREE)
        return WRT_ERRNO_BADF;
    struct wasi_descriptor *found = &wasi->descriptors[number];
    if (kind != WASI_KIND_FREE && found->kind != kind)
        return otherwise;
    if ((found->rights & rights) != rights)
        return WRT_ERRNO_NOTCAPABLE;
    *out = found;
    return WRT_ERRNO_OK;
}

enum wrt_errno wrt_wasi_find(struct wasi_call *call, uint32_t number, uint64_t rights,
                             struct wasi_descriptor **out)
{
    return wrt_wasi_find_kind(call, number, WASI_KIND_FREE, WRT_ERRNO_OK, rights, out);
}

enum wrt_errno wrt_wasi_free_slot(struct wrt_wasi *wasi, uint32_t *out_number)
{
    for (uint32_t i = FIRST_NUMBER; i < wasi->descriptor_count; i++) {
        if (wasi->descriptors[i].kind == WASI_KIND_FREE) {
            *out_number = i;
            return WRT_ERRNO_OK;
        }
    }
    return WRT_ERRNO_MFILE;
}

static enum wasi_kind kind_of(enum wrt_port_file_type type)
{
    switch (type) {
    case WRT_PORT_TYPE_REGULAR:
    case WRT_PORT_TYPE_BLOCK_DEVICE:
        return WASI_KIND_FILE;
    case WRT_PORT_TYPE_DIRECTORY:
        return WASI_KIND_DIRECTORY;
    case WRT_PORT_TYPE_SOCKET_DATAGRAM:
    case WRT_PORT_TYPE_SOCKET_STREAM:
        return WASI_KIND_SOCKET;
    default:
        return WASI_KIND_STREAM;
    }
}

static const uint64_t rights_of_kind[] = {
    [WASI_KIND_FREE] = 0,
    [WASI_KIND_FILE] = WASI_RIGHTS_OF_FILE,
    [WASI_KIND_DIRECTORY] = WASI_RIGHTS_OF_DIRECTORY,
    [WASI_KIND_STREAM] = WASI_RIGHTS_OF_STREAM,
    [WASI_KIND_SOCKET] = WASI_RIGHTS_OF_SOCKET,
};

static const uint64_t inheriting_of_kind[] = {
    [WASI_KIND_FREE] = 0,
    [WASI_KIND_FILE] = 0,
    [WASI_KIND_DIRECTORY] = WASI_RIGHTS_ALL & ~WASI_RIGHT_SOCK_ACCEPT,
    [WASI_KIND_STREAM] = 0,
    [WASI_KIND_SOCKET] = WASI_RIGHTS_OF_CONNECTION,
};

enum wrt_errno wrt_wasi_describe(int file, bool is_owned, struct wasi_descriptor *out)
{
    struct wrt_port_file_status status;
    enum wrt_errno error = wrt_port_file_stat(file, &status);
    if (error != WRT_ERRNO_OK)
        return error;
    enum wasi_kind kind = kind_of(status.type);
    *out = (struct wasi_descriptor){
        .kind = kind,
        .type = status.type,
        .file = file,
        .is_owned = is_owned,
        .rights = rights_of_kind[kind],
        .inheriting = inheriting_of_kind[kind],
    };
    return WRT_ERRNO_OK;
}

void wrt_wasi_release(struct wasi_descriptor *descriptor)
{
    if (descriptor->kind != WASI_KIND_FREE && descriptor->is_owned)
        wrt_port_file_close(descriptor->file);
    *descriptor = (struct wasi_descriptor){.kind = WASI_KIND_FREE};
}
