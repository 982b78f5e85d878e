/* engine/profile.c - counts of instructions, and the trace of host calls: see wrt/profile.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A counter stands at the start of each run of instructions that are entered together: behind
 * a label, a branch or a call.
 */
#include "emit.h"

/* ---- while a body is translated ---- */

bool wrt_profile_ends_run(uint8_t opcode)
{
    return opcode <= 0x15 || opcode == 0x1F || opcode == 0xD5 || opcode == 0xD6 || opcode == 0xFB;
}

/* The number behind a prefix, if the bytes are there; what follows finds what is wrong. */
static uint32_t whole_opcode(const struct translator *t, uint8_t opcode)
{
    struct wrt_reader ahead = t->r;
    uint32_t number = 0;
    ahead.error = NULL;
    if (opcode < 0xFB || !wrt_read_u32(&ahead, &number))
        return opcode;
    return (uint32_t)opcode << 16 | (number & 0xFFFF);
}

static bool emit_count(struct translator *t)
{
    union word *w = wrt_append(t, OP_count, 2);
    if (w == NULL)
        return false;
    w[1].k.imm = (int32_t)t->counter_count++;
    t->barrier = t->code_count;
    t->count_next = false;
    return true;
}

bool wrt_profile_instruction(struct translator *t, uint8_t opcode)
{
    if (t->count_next && !emit_count(t))
        return false;
    if (!wrt_grow_scratch(t, &t->profile, &t->profile_capacity, t->profile_count + 1,
                          sizeof *t->profile))
        return false;
    t->profile[t->profile_count++] = (struct wrt_profile_entry){
        .byte = t->instruction, .opcode = whole_opcode(t, opcode), .counter = t->counter_count - 1};
    return true;
}

/* ---- reading ---- */

enum wrt_status wrt_instance_get_profile(const struct wrt_instance *instance,
                                         uint32_t function_index, uint32_t index,
                                         struct wrt_profile_item *out)
{
    if (instance == NULL || out == NULL)
        return WRT_ERR_ARGUMENT;
    const struct wrt_module *m = instance->module;
    const uint32_t imported = m->info.imported_function_count;
    if (!m->config.instrument)
        return WRT_ERR_STATE;
    if (function_index < imported || function_index >= m->info.function_count ||
        index >= m->profiles[function_index - imported].count)
        return WRT_ERR_BOUNDS;
    const struct wrt_profile_entry *e = &m->profiles[function_index - imported].entries[index];
    *out = (struct wrt_profile_item){
        .byte_offset = m->codes[function_index - imported].body_offset + e->byte,
        .opcode = e->opcode,
        .count = instance->counters[e->counter]};
    return WRT_OK;
}

/* ---- the trace of host calls ---- */

void wrt_store_set_trace(struct wrt_store *store, wrt_trace *trace, void *context)
{
    store->trace = trace;
    store->trace_context = context;
}

static void name_import(const struct wrt_instance *caller, const struct wrt_function *function,
                        struct wrt_trace_event *event)
{
    const struct wrt_module *m = caller->module;
    for (uint32_t i = 0; i < m->info.import_count; i++) {
        const struct wrt_import *import = &m->imports[i];
        if (import->kind != WRT_EXTERN_FUNCTION || caller->functions[import->index] != function)
            continue;
        event->module = import->module;
        event->name = import->name;
        return;
    }
}

void wrt_trace_call(struct wrt_store *store, const struct wrt_instance *caller,
                    const struct wrt_function *function, const union wrt_slot *arguments,
                    const union wrt_slot *results, enum wrt_status status, bool has_returned)
{
    struct wrt_trace_event event = {.caller = caller,
                                    .type = function->type,
                                    .arguments = arguments,
                                    .results = status == WRT_OK ? results : NULL,
                                    .status = status,
                                    .has_returned = has_returned};
    if (caller != NULL)
        name_import(caller, function, &event);
    store->trace(store->trace_context, &event);
}
