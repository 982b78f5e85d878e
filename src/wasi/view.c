/* src/wasi/view.c - what a further thread of a guest has of its WASI.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A view shares descriptors and strings with the first thread's WASI and has scratch of its own,
 * so that calls of several threads touch nothing in common but the table of descriptors. That
 * is used by one call at a time, behind the first one's gate; a call that waits leaves it.
 */
#include "base/bytes.h"
#include "base/checked.h"
#include "wasi/state.h"

enum wrt_status wrt_wasi_make_shareable(struct wrt_wasi *wasi)
{
    if (wasi->gate)
        return WRT_OK;
    enum wrt_status status = wrt_mutex_init(&wasi->own_gate, NULL);
    if (status == WRT_OK)
        wasi->gate = &wasi->own_gate;
    return status;
}

static bool lay_out_view(const struct wrt_wasi *first, size_t *subscriptions, size_t *items,
                         size_t *end)
{
    size_t bytes;
    return wrt_align_size(sizeof(struct wrt_wasi), 16, subscriptions) &&
           wrt_mul_size(first->max_subscriptions, sizeof(struct wasi_subscription), &bytes) &&
           wrt_add_size(*subscriptions, bytes, end) && wrt_align_size(*end, 16, items) &&
           wrt_mul_size(first->max_subscriptions, sizeof(struct wrt_port_poll), &bytes) &&
           wrt_add_size(*items, bytes, end);
}

enum wrt_status wrt_wasi_create_view(struct wrt_wasi *first, struct wrt_wasi **out,
                                     struct wrt_error *error)
{
    size_t subscriptions, items, end;
    void *block;
    if (!lay_out_view(first, &subscriptions, &items, &end))
        return WRT_ERR_OVERFLOW;
    enum wrt_status status =
        wrt_partition_allocate(first->partition, WRT_CHARGE_HOST, end, 16, &block, error);
    if (status != WRT_OK)
        return status;
    wrt_fill(block, 0, end);
    struct wrt_wasi *view = block;
    view->partition = first->partition;
    view->block_bytes = end;
    view->first = first;
    view->gate = first->gate;
    view->arguments = first->arguments;
    view->environment = first->environment;
    view->descriptors = first->descriptors;
    view->descriptor_count = first->descriptor_count;
    view->subscriptions = (struct wasi_subscription *)(void *)((uint8_t *)block + subscriptions);
    view->items = (struct wrt_port_poll *)(void *)((uint8_t *)block + items);
    view->max_subscriptions = first->max_subscriptions;
    view->max_path_bytes = first->max_path_bytes;
    view->clocks = first->clocks;
    view->coarse = first->coarse;
    view->monotonic_start_ns = first->monotonic_start_ns;
    view->random = first->random;
    view->resolver = first->resolver;
    *out = view;
    return WRT_OK;
}

void wrt_wasi_destroy_view(struct wrt_wasi *view)
{
    if (view)
        wrt_partition_free(view->partition, WRT_CHARGE_HOST, view, view->block_bytes);
}
