/* capi/trap.c - traps as objects: a message, and the frames it left behind.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "capi.h"

static wasm_trap_t *make_trap(wasm_store_t *store, const char *text, size_t size)
{
    wasm_trap_t *trap = capi_ref_self(store, REF_TRAP, sizeof *trap);
    if (trap == NULL)
        return NULL;
    const bool ends = size != 0 && text[size - 1] == '\0';
    wasm_byte_vec_new_uninitialized(&trap->message, size + (ends ? 0 : 1));
    for (size_t i = 0; i < size && i < trap->message.size; i++)
        trap->message.data[i] = text[i];
    return trap;
}

wasm_trap_t *wasm_trap_new(wasm_store_t *store, const wasm_message_t *message)
{
    return make_trap(store, message->data, message->size);
}

wasm_trap_t *capi_trap_text(wasm_store_t *store, const char *text)
{
    return make_trap(store, text, strlen(text));
}

void wasm_trap_message(const wasm_trap_t *trap, wasm_message_t *out)
{
    wasm_byte_vec_copy(out, &trap->message);
}

/* ---- frames ---- */

static uint64_t start_of_function(const struct wrt_instance *instance, uint32_t function)
{
    const struct wrt_module *module = instance->module;
    return module->codes[function - module->info.imported_function_count].body_offset;
}

static wasm_frame_t *make_frame(wasm_store_t *store, const struct wrt_frame *from)
{
    wasm_frame_t *frame = calloc(1, sizeof *frame);
    if (frame == NULL)
        return NULL;
    frame->instance = capi_ref(store, REF_INSTANCE, from->instance, sizeof(wasm_instance_t));
    if (frame->instance == NULL) {
        free(frame);
        return NULL;
    }
    frame->func_index = from->function_index;
    frame->module_offset = (size_t)from->byte_offset;
    frame->func_offset =
        (size_t)(from->byte_offset - start_of_function(from->instance, from->function_index));
    return frame;
}

/* The guest's frames, as far as there is memory for them; a host function has none. */
static void take_frames(wasm_store_t *store, wasm_frame_vec_t *out)
{
    struct wrt_frame frame;
    size_t count = 0;
    wasm_frame_vec_delete(out);
    for (uint32_t i = 0; wrt_store_get_frame(store->store, i, &frame) == WRT_OK; i++)
        count += !frame.is_host;
    wasm_frame_vec_new_uninitialized(out, count);
    count = 0;
    for (uint32_t i = 0; wrt_store_get_frame(store->store, i, &frame) == WRT_OK; i++) {
        if (frame.is_host || count >= out->size)
            continue;
        out->data[count] = make_frame(store, &frame);
        if (out->data[count] == NULL)
            out->size = count;
        else
            count++;
    }
}

wasm_trap_t *capi_trap_of(wasm_store_t *store, enum wrt_status status, const char *text)
{
    wasm_trap_t *trap = store->raised;
    const struct wrt_trap *last = wrt_store_trap(store->store);
    const bool left_guest = status == WRT_ERR_TRAP || status == WRT_ERR_EXCEPTION;
    store->raised = NULL;
    if (status != WRT_ERR_TRAP || last->kind != WRT_TRAP_HOST) {
        wasm_trap_delete(trap);
        trap = NULL;
    }
    if (trap == NULL)
        trap = capi_trap_text(store, left_guest && last->text[0] != '\0' ? last->text
                                     : text != NULL && text[0] != '\0' ? text
                                                                       : wrt_status_text(status));
    if (trap != NULL && left_guest)
        take_frames(store, &trap->frames);
    return trap;
}

wasm_frame_t *wasm_trap_origin(const wasm_trap_t *trap)
{
    return trap->frames.size == 0 ? NULL : wasm_frame_copy(trap->frames.data[0]);
}

void wasm_trap_trace(const wasm_trap_t *trap, wasm_frame_vec_t *out)
{
    wasm_frame_vec_copy(out, &trap->frames);
}

void wasm_frame_delete(wasm_frame_t *frame)
{
    if (frame == NULL)
        return;
    wasm_instance_delete(frame->instance);
    free(frame);
}

wasm_frame_t *wasm_frame_copy(const wasm_frame_t *frame)
{
    wasm_frame_t *copy = calloc(1, sizeof *copy);
    if (copy == NULL)
        return NULL;
    *copy = *frame;
    copy->instance = wasm_instance_copy(frame->instance);
    return copy;
}

wasm_instance_t *wasm_frame_instance(const wasm_frame_t *frame)
{
    return frame->instance;
}

uint32_t wasm_frame_func_index(const wasm_frame_t *frame)
{
    return frame->func_index;
}

size_t wasm_frame_func_offset(const wasm_frame_t *frame)
{
    return frame->func_offset;
}

size_t wasm_frame_module_offset(const wasm_frame_t *frame)
{
    return frame->module_offset;
}
