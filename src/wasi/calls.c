/* src/wasi/calls.c - from the engine to the handler of a call, and the module's definition.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "wasi/state.h"

static const struct {
    const char *name, *signature;
    wasi_handler *handler;
} calls[WASI_CALL_COUNT] = {
#define WASI_TABLE_CALL(name, signature) {#name, signature, wrt_wasi_##name},
    WASI_CALL_LIST(WASI_TABLE_CALL)
#undef WASI_TABLE_CALL
};

static enum wrt_status dispatch(struct wrt_caller *caller, void *context,
                                const union wrt_slot *arguments, union wrt_slot *results)
{
    const struct wasi_binding *binding = context;
    struct wasi_call call = {.wasi = binding->wasi, .caller = caller, .arguments = arguments};
    wasi_handler *handler = calls[binding->index].handler;
    if (handler != wrt_wasi_poll_oneoff) /* then a paused one was dropped, not resumed */
        call.wasi->paused_poll.is_set = false;
    wasi_enter(call.wasi);
    enum wrt_errno error = handler(&call);
    wasi_leave(call.wasi);
    if (call.outcome == WRT_OK)
        results[0].i32 = (uint32_t)error;
    return call.outcome;
}

enum wrt_status wrt_wasi_define(struct wrt_store *store, struct wrt_wasi *wasi,
                                struct wrt_error *error)
{
    for (uint32_t i = 0; i < WASI_CALL_COUNT; i++) {
        wasi->bindings[i] = (struct wasi_binding){.wasi = wasi, .index = i};
        enum wrt_status status =
            wrt_store_define_function(store, "wasi_snapshot_preview1", calls[i].name,
                                      calls[i].signature, dispatch, &wasi->bindings[i], error);
        if (status != WRT_OK)
            return status;
    }
    return WRT_OK;
}
