/* engine/guarded.c - a touch of a guard page becomes a trap of the call that made it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Bounds are compared before every guest access, so a guest reaches a guard only where rights
 * were taken away (wrt_pages_protect, memory shared for reading) or by a fault of ours; a host
 * function, by going past a span. Both are left where they stand, so nothing that must be
 * undone may be under way: host functions hold no lock there (wrt/store.h), and the
 * interpreter holds none while it touches guest memory.
 *
 * At a call of a host function the guest's registers are in the store, so the trap has all
 * frames. Of the interpreter they are lost: the trap has one frame, the function that the
 * host called, without a place in it.
 */
#include <stdio.h>

#include "engine.h"
#include "memory/guard.h"

struct host_call {
    const struct wrt_function *function;
    struct wrt_caller *caller;
    const union wrt_slot *arguments;
    union wrt_slot *results;
    enum wrt_status status;
};

static void call_host(void *context)
{
    struct host_call *call = context;
    call->status = call->function->host(call->caller, call->function->context, call->arguments,
                                        call->results);
}

struct guest_run {
    struct wrt_exec *exec;
    enum wrt_run how;
};

static void run_guest(void *context)
{
    struct guest_run *run = context;
    run->how = wrt_interpret(run->exec);
}

/* Which memory, and where in it? Or at which address. */
static void note_hit(struct wrt_store *store, const struct wrt_guard_hit *hit)
{
    struct wrt_trap *trap = &store->exec.trap;
    *trap = (struct wrt_trap){.kind = WRT_TRAP_GUARD_HIT, .is_known_write = hit->is_known_write};
    for (struct wrt_memory *m = store->memories; m != NULL; m = m->next)
        if (wrt_pages_owns(&m->pages, hit->address, &trap->memory_offset)) {
            trap->memory = m;
            return;
        }
    trap->memory_offset = (int64_t)(intptr_t)hit->address;
}

enum wrt_status wrt_guarded_host(struct wrt_caller *caller, const struct wrt_function *f,
                                 const union wrt_slot *arguments, union wrt_slot *results,
                                 bool *out_is_hit)
{
    struct wrt_guard_hit hit;
    struct host_call call = {f, caller, arguments, results, WRT_OK};
    if (wrt_guard_run(call_host, &call, &hit) == WRT_OK)
        return call.status;
    note_hit(caller->store, &hit);
    *out_is_hit = true;
    return WRT_ERR_TRAP;
}

enum wrt_run wrt_guarded_interpret(struct wrt_exec *exec)
{
    struct wrt_store *store = wrt_store_of(exec);
    struct wrt_guard_hit hit;
    struct guest_run run = {.exec = exec};
    if (wrt_guard_run(run_guest, &run, &hit) == WRT_OK)
        return run.how;
    note_hit(store, &hit);
    store->trapped_in_guard = true;
    return WRT_RUN_TRAP;
}

static void nothing(void *context)
{
    (void)context;
}

enum wrt_status wrt_guarded_start(struct wrt_error *error)
{
    struct wrt_guard_hit hit;
    const enum wrt_status status = wrt_guard_run(nothing, NULL, &hit);
    return status == WRT_OK
               ? WRT_OK
               : wrt_fail(error, status, "trap_guard_hits: the system has no fault handler");
}

/* ---- the sentence ---- */

/* The index that the function's module knows the memory by; UINT32_MAX if by none. */
static uint32_t index_of(const struct wrt_instance *instance, const struct wrt_memory *memory)
{
    for (uint32_t m = 0; instance != NULL && m < instance->module->info.memory_count; m++)
        if (instance->memories[m] == memory)
            return m;
    return UINT32_MAX;
}

static const struct wrt_frame *guest_frame(const struct wrt_store *store)
{
    for (uint32_t i = 0; i < store->kept_frames; i++)
        if (store->frames[i].instance != NULL)
            return &store->frames[i];
    return NULL;
}

/* After the frames were captured: the function is that of the innermost guest frame. */
void wrt_describe_guard_hit(struct wrt_store *store)
{
    struct wrt_trap *trap = &store->exec.trap;
    const struct wrt_frame *frame = guest_frame(store);
    const uint32_t index =
        trap->memory != NULL && frame != NULL ? index_of(frame->instance, trap->memory)
                                              : UINT32_MAX;
    const char *what = trap->is_known_write ? "write" : "access";
    const void *address = (const void *)(intptr_t)trap->memory_offset;
    char owner[32];
    int n = snprintf(trap->text, sizeof trap->text, "%s: ", wrt_trap_text(trap->kind));
    char *to = trap->text + n;
    size_t room = sizeof trap->text - (size_t)n;
    if (trap->memory == NULL && wrt_partition_find_owner(address, owner))
        n = snprintf(to, room, "%s in memory of partition %s", what, owner);
    else if (trap->memory == NULL)
        n = snprintf(to, room, "%s in no memory of this store", what);
    else if (index == UINT32_MAX)
        n = snprintf(to, room, "%s at offset %lld of a memory", what,
                     (long long)trap->memory_offset);
    else
        n = snprintf(to, room, "%s at offset %lld of memory %u", what,
                     (long long)trap->memory_offset, index);
    if (frame != NULL)
        (void)snprintf(to + n, room - (size_t)n, ", in function %u%s", frame->function_index,
                       frame == &store->frames[0] ? "" : "'s call of the host");
}
