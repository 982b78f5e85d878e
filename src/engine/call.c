/* engine/call.c - into the guest, out to the host, across instances; pause and resume.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A call from the host is an activation. Activations nest when a host function calls back;
 * each runs on the part of the value stack above exec->top. Only the innermost may be paused:
 * when a host function returns while a call it made is paused, that call is dropped.
 *
 * A call into another instance goes through a record on the value stack, and returns through
 * instance_exit, which reads it:
 *
 *   0 return address   1 caller's fp   2 caller's instance   3 where results go   4 how many
 *
 * The callee's frame follows the record.
 */
#include <string.h>

#include "native.h"

/* What each call from the host goes through. */
#define INLINE static inline __attribute__((always_inline))

INLINE void enter_instance(struct wrt_exec *exec, struct wrt_instance *instance)
{
    exec->instance = instance;
    exec->memory_base = NULL;
    exec->memory_bytes = 0;
    exec->globals = NULL;
    if (instance == NULL)
        return;
    exec->globals = instance->globals;
    exec->counters = instance->counters;
    if (instance->memories != NULL) {
        exec->memory_base = instance->memories[0]->pages.base;
        exec->memory_bytes = instance->memories[0]->pages.size_bytes;
    }
}

void wrt_exec_enter_instance(struct wrt_exec *exec, struct wrt_instance *instance)
{
    enter_instance(exec, instance);
}

/* Few as a rule, so a call of memcpy would take longer. */
INLINE void copy_slots(union wrt_slot *to, const union wrt_slot *from, uint32_t count)
{
    for (; count != 0; count--) {
        *to++ = *from++;
        __asm__ volatile(""); /* no call of memcpy */
    }
}

static bool has_room(const struct wrt_exec *exec, const union cell *base, uint64_t cells)
{
    return cells <= (uint64_t)(exec->stack_end - base);
}

static enum wrt_run trapped(struct wrt_exec *exec, enum wrt_trap_kind kind)
{
    exec->trap.kind = kind;
    return WRT_RUN_TRAP;
}

/* ---- stop points ---- */

static bool take_fuel(struct wrt_exec *exec)
{
    const int64_t wanted = WRT_FUEL_SLICE - exec->fuel; /* exec->fuel < 0 */
    const int64_t reserve = (int64_t)exec->fuel_reserve;
    const int64_t taken = wanted < reserve ? wanted : reserve;
    exec->fuel_reserve -= (uint64_t)taken;
    exec->fuel += taken;
    return exec->fuel >= 0;
}

static enum wrt_run pause_for(struct wrt_exec *exec, enum wrt_pause_reason reason)
{
    exec->pause_reason = reason;
    return WRT_RUN_PAUSED;
}

bool wrt_should_stop(const struct wrt_exec *exec)
{
    return atomic_load_explicit(&exec->interrupt, memory_order_relaxed) ||
           (exec->deadline_ns != 0 && wrt_time_now_ns() >= exec->deadline_ns);
}

enum wrt_run wrt_stop_point(struct wrt_exec *exec)
{
    if (atomic_exchange_explicit(&exec->interrupt, false, memory_order_relaxed))
        return pause_for(exec, WRT_PAUSE_INTERRUPT);
    if (exec->deadline_ns != 0 && wrt_time_now_ns() >= exec->deadline_ns)
        return pause_for(exec, WRT_PAUSE_DEADLINE);
    if (exec->fuel < 0 && !take_fuel(exec))
        return pause_for(exec, WRT_PAUSE_FUEL);
    return WRT_RUN_CONTINUE;
}

/* ---- host functions ---- */

/* Ends the innermost activation. */
INLINE void drop(struct wrt_store *store)
{
    struct wrt_exec *exec = &store->exec;
    struct wrt_activation *a = &store->activations[--exec->depth];
    store->exceptions.searching = false; /* that was the innermost's */
    if (a->native != NULL)
        wrt_native_leave(store, a);
    exec->top = a->top;
    exec->pc = a->pc;
    exec->fp = a->fp;
    enter_instance(exec, a->instance);
}

static void drop_to(struct wrt_store *store, uint32_t depth)
{
    store->exceptions.searching = false;
    while (store->exec.depth > depth)
        drop(store);
}

/* A host function ended otherwise than well; the guest's state is in exec again. */
static enum wrt_run host_ended(struct wrt_exec *exec, enum wrt_status status, bool is_hit)
{
    struct wrt_store *store = wrt_store_of(exec);
    switch (status) {
    case WRT_PAUSED: /* for what wrt_caller_should_stop told, or for a reason of its own */
        if (atomic_exchange_explicit(&exec->interrupt, false, memory_order_relaxed))
            return pause_for(exec, WRT_PAUSE_INTERRUPT);
        return pause_for(exec, wrt_should_stop(exec) ? WRT_PAUSE_DEADLINE : WRT_PAUSE_HOST);
    case WRT_EXITED: return WRT_RUN_EXITED;
    case WRT_ERR_EXCEPTION:
        if (store->exceptions.current == 0)
            break; /* it threw nothing */
        store->trapped_in_host = true;
        return WRT_RUN_THROWN;
    default: break;
    }
    store->trapped_in_host = true;
    if (is_hit)
        return WRT_RUN_TRAP;
    exec->trap.host_status = status;
    return trapped(exec, WRT_TRAP_HOST);
}

/* Runs a host function on cells at `base`: arguments there, results behind them, then moved
 * down. Between both stays one cell: the index of a call_indirect, which is looked up again if
 * the function pauses. The state of the calling guest, if any, is in exec and stays as it is. */
static enum wrt_run run_host(struct wrt_exec *exec, struct wrt_function *f, union cell *base)
{
    struct wrt_store *store = wrt_store_of(exec);
    const uint32_t arguments = f->parameter_slots, results = f->result_slots;
    if (!has_room(exec, base, (uint64_t)arguments + 1 + results))
        return trapped(exec, WRT_TRAP_CALL_STACK_EXHAUSTED);
    union cell *const out = base + arguments + 1;
    const union word *const pc = exec->pc;
    union cell *const fp = exec->fp, *const top = exec->top;
    struct wrt_instance *const instance = exec->instance;
    const uint32_t depth = exec->depth;
    struct wrt_caller caller = {.store = store, .instance = instance};
    exec->top = out + results;
    exec->trap.text[0] = '\0';
    bool is_hit = false;
    store->exceptions.current = 0;
    if (store->trace != NULL)
        wrt_trace_call(store, instance, f, &base->slot, NULL, WRT_OK, false);
    const enum wrt_status status =
        store->config.trap_guard_hits
            ? wrt_guarded_host(&caller, f, &base->slot, &out->slot, &is_hit)
            : f->host(&caller, f->context, &base->slot, &out->slot);
    if (store->trace != NULL)
        wrt_trace_call(store, instance, f, &base->slot, &out->slot, status, true);
    drop_to(store, depth);
    exec->pc = pc;
    exec->fp = fp;
    exec->top = top;
    enter_instance(exec, instance); /* a memory may have grown */
    if (status != WRT_OK)
        return host_ended(exec, status, is_hit);
    for (uint32_t i = 0; i < results; i++)
        base[i] = out[i];
    return WRT_RUN_CONTINUE;
}

/* The same for most calls, from a guest: at most one result, which is a scalar, and nobody
 * follows. What a call back into the guest changes in exec, its end has restored, and growth
 * renews the caches of the memory; a paused call is dropped, which restores as well. While the
 * guest runs nobody reads exec->top. */
static enum wrt_run run_plain_host(struct wrt_exec *exec, struct wrt_function *f, union cell *base)
{
    struct wrt_store *store = wrt_store_of(exec);
    union cell *const out = base + f->parameter_slots + 1;
    const uint32_t depth = exec->depth;
    struct wrt_caller caller = {.store = store, .instance = exec->instance};
    if (!has_room(exec, base, (uint64_t)f->parameter_slots + 2))
        return trapped(exec, WRT_TRAP_CALL_STACK_EXHAUSTED);
    exec->top = out + 1;
    exec->trap.text[0] = '\0';
    store->exceptions.current = 0;
    const enum wrt_status status = f->host(&caller, f->context, &base->slot, &out->slot);
    if (exec->depth != depth)
        drop_to(store, depth);
    if (status != WRT_OK)
        return host_ended(exec, status, false);
    /* What was written as 32 bits is read as 32: a wider load would wait for the store. */
    if (f->host_result == WRT_HOST_RESULT_32) {
        exec->A = base->i64 = out->i32;
        exec->F = out->f32;
    } else if (f->host_result == WRT_HOST_RESULT_64) {
        exec->A = base->i64 = out->i64;
        exec->D = out->f64;
    }
    return WRT_RUN_CONTINUE;
}

enum wrt_run wrt_call_host(struct wrt_exec *exec, struct wrt_function *f, union wrt_slot *slots)
{
    union cell *base = exec->top;
    if (!has_room(exec, base, f->parameter_slots))
        return trapped(exec, WRT_TRAP_CALL_STACK_EXHAUSTED);
    for (uint32_t i = 0; i < f->parameter_slots; i++)
        base[i].slot = slots[i];
    const enum wrt_run how = run_host(exec, f, base);
    for (uint32_t i = 0; how == WRT_RUN_CONTINUE && i < f->result_slots; i++)
        slots[i] = base[i].slot;
    return how;
}

void wrt_load_accumulators(struct wrt_exec *exec, const union cell *result)
{
    exec->A = result->i64;
    exec->F = result->f32;
    exec->D = result->f64;
}

/* ---- calls that leave the instance; exec->pc stands at the call instruction ---- */

/* Starts a guest function whose frame is at `base`; the arguments are there. */
INLINE bool start_frame(struct wrt_exec *exec, struct wrt_function *f, union cell *base,
                        const union word *back, union cell *caller)
{
    const struct wrt_code *code = f->code;
    if (!has_room(exec, base, code->frame_slots))
        return false;
    union cell *header = base + code->header_slot;
    header[0].pc = back;
    header[1].fp = caller;
    for (uint32_t i = 0; i < code->zero_count; i++)
        header[WRT_FRAME_HEADER + i].i64 = 0;
    exec->pc = code->entry;
    exec->fp = base;
    enter_instance(exec, f->instance);
    return true;
}

/* Starts a function of another instance, results to `arguments`. */
static enum wrt_run enter_foreign(struct wrt_exec *exec, struct wrt_function *f,
                                  union cell *arguments, union cell *record,
                                  const union word *back, union cell *caller)
{
    if (!has_room(exec, record, (uint64_t)WRT_RECORD_CELLS + f->code->frame_slots))
        return trapped(exec, WRT_TRAP_CALL_STACK_EXHAUSTED);
    union cell *frame = record + WRT_RECORD_CELLS;
    /* Upwards, and possibly overlapping: the record lies behind the arguments. */
    memmove(frame, arguments, f->parameter_slots * sizeof *frame);
    record[0].pc = back;
    record[1].fp = caller;
    record[2].pointer = exec->instance;
    record[3].fp = arguments;
    record[4].i64 = f->result_slots;
    (void)start_frame(exec, f, frame, wrt_store_of(exec)->instance_exit_words, record);
    return exec->fuel < 0 ? wrt_stop_point(exec) : WRT_RUN_CONTINUE;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static bool is_plain_host(const struct wrt_store *store, const struct wrt_function *f)
{
    return f->host_result != WRT_HOST_RESULT_OTHER && store->trace == NULL &&
           !store->config.trap_guard_hits;
}

/* A call of the host that the guest does not come back from, or not now. */
static enum wrt_run leave_call(struct wrt_exec *exec, enum wrt_run how)
{
    if (how == WRT_RUN_PAUSED)
        exec->fuel += exec->pc[1].k.imm; /* the call will be settled again */
    return how == WRT_RUN_THROWN ? wrt_raise(exec) : how;
}

static enum wrt_run call_host(struct wrt_exec *exec, struct wrt_function *callee,
                              union cell *arguments, const union word *next)
{
    const bool is_plain = is_plain_host(wrt_store_of(exec), callee);
    const enum wrt_run how = is_plain ? run_plain_host(exec, callee, arguments)
                                      : run_host(exec, callee, arguments);
    if (how != WRT_RUN_CONTINUE)
        return leave_call(exec, how);
    if (!is_plain && callee->result_slots == 1)
        wrt_load_accumulators(exec, arguments);
    exec->pc = next;
    return WRT_RUN_CONTINUE;
}

enum wrt_run wrt_call_foreign(struct wrt_exec *exec, struct wrt_function *callee,
                              union cell *arguments, const union word *next)
{
    if (callee->instance != NULL) {
        const uint32_t slots = larger(callee->parameter_slots, callee->result_slots);
        if (!has_room(exec, arguments, slots))
            return trapped(exec, WRT_TRAP_CALL_STACK_EXHAUSTED);
        return enter_foreign(exec, callee, arguments, arguments + slots, next, exec->fp);
    }
    return call_host(exec, callee, arguments, next);
}

enum wrt_run wrt_tail_foreign(struct wrt_exec *exec, struct wrt_function *callee)
{
    const union word *pc = exec->pc;
    union cell *fp = exec->fp, *arguments = fp + pc[1].k.d;
    const union cell *header = fp + pc[3].k.a;
    const union word *back = header[0].pc;
    union cell *caller = header[1].fp;
    if (callee->instance == NULL) {
        const enum wrt_run how = run_host(exec, callee, arguments);
        if (how == WRT_RUN_PAUSED)
            exec->fuel += pc[1].k.imm;
        if (how == WRT_RUN_THROWN)
            return wrt_raise_from(exec, back, caller); /* this frame is left already */
        if (how != WRT_RUN_CONTINUE)
            return how;
        for (uint32_t i = 0; i < callee->result_slots; i++)
            fp[i] = arguments[i];
        if (callee->result_slots == 1)
            wrt_load_accumulators(exec, fp);
        exec->pc = back;
        exec->fp = caller;
        return WRT_RUN_CONTINUE;
    }
    if (back == wrt_store_of(exec)->instance_exit_words) {
        /* This frame already returns through a record: reuse it, so that chains of tail
         * calls between instances do not grow the stack. */
        if (!has_room(exec, fp, callee->code->frame_slots))
            return trapped(exec, WRT_TRAP_CALL_STACK_EXHAUSTED);
        memmove(fp, arguments, callee->parameter_slots * sizeof *fp);
        (void)start_frame(exec, callee, fp, back, caller);
        return exec->fuel < 0 ? wrt_stop_point(exec) : WRT_RUN_CONTINUE;
    }
    const uint32_t below = larger(callee->parameter_slots, callee->result_slots);
    if (!has_room(exec, fp, below))
        return trapped(exec, WRT_TRAP_CALL_STACK_EXHAUSTED);
    if (!has_room(exec, fp, (uint64_t)below + WRT_RECORD_CELLS + callee->code->frame_slots))
        return trapped(exec, WRT_TRAP_CALL_STACK_EXHAUSTED);
    memmove(fp, arguments, callee->parameter_slots * sizeof *fp);
    return enter_foreign(exec, callee, fp, fp + below, back, caller);
}

enum wrt_run wrt_return_to_instance(struct wrt_exec *exec)
{
    const union cell *record = exec->fp;
    union cell *to = record[3].fp;
    const uint64_t count = record[4].i64;
    const union word *back = record[0].pc;
    union cell *caller = record[1].fp;
    struct wrt_instance *instance = record[2].pointer;
    const union cell *results = record + WRT_RECORD_CELLS;
    for (uint64_t i = 0; i < count; i++)
        to[i] = results[i];
    if (count == 1)
        wrt_load_accumulators(exec, to);
    exec->pc = back;
    exec->fp = caller;
    enter_instance(exec, instance);
    return WRT_RUN_CONTINUE;
}

/* ---- activations ---- */

static struct wrt_activation *innermost(struct wrt_store *store)
{
    return store->exec.depth == 0 ? NULL : &store->activations[store->exec.depth - 1];
}

/* What a run's end means for the innermost activation, which did not return. */
static enum wrt_status settle_other(struct wrt_store *store, enum wrt_run how)
{
    struct wrt_exec *exec = &store->exec;
    if (how == WRT_RUN_PAUSED) {
        innermost(store)->paused = true;
        return WRT_PAUSED;
    }
    if (how == WRT_RUN_THROWN)
        exec->trap.kind = WRT_TRAP_UNCAUGHT_EXCEPTION;
    if (how == WRT_RUN_TRAP || how == WRT_RUN_THROWN) {
        wrt_set_trap(store, exec->trap.kind);
        if (!store->native.has_frames)
            wrt_capture_frames(store);
        store->native.has_frames = false;
        if (exec->trap.kind == WRT_TRAP_GUARD_HIT)
            wrt_describe_guard_hit(store);
    }
    drop(store);
    switch (how) {
    case WRT_RUN_EXITED: return WRT_EXITED;
    case WRT_RUN_THROWN: return WRT_ERR_EXCEPTION;
    default: return WRT_ERR_TRAP;
    }
}

INLINE enum wrt_status settle(struct wrt_store *store, enum wrt_run how, union wrt_slot *results)
{
    const struct wrt_activation *a = innermost(store);
    if (how != WRT_RUN_DONE)
        return settle_other(store, how);
    copy_slots(results, &a->base->slot, a->function->result_slots);
    drop(store);
    return WRT_OK;
}

INLINE enum wrt_run interpret(struct wrt_store *store)
{
    return store->config.trap_guard_hits ? wrt_guarded_interpret(&store->exec)
                                         : wrt_interpret(&store->exec);
}

/* Another thread may have grown the memory: the instruction changed nothing yet. */
static enum wrt_run trapped_or_on(struct wrt_store *store)
{
    struct wrt_exec *exec = &store->exec;
    enum wrt_run how = WRT_RUN_TRAP;
    while (how == WRT_RUN_TRAP && exec->trap.kind == WRT_TRAP_OUT_OF_BOUNDS_MEMORY &&
           wrt_share_refresh(exec)) {
        exec->trap.kind = WRT_TRAP_NONE;
        how = interpret(store);
    }
    return how;
}

static enum wrt_run run_other(struct wrt_store *store, struct wrt_activation *a)
{
    if (a->compiled)
        return wrt_native_run(store, a);
    const enum wrt_run how = run_host(&store->exec, a->function, a->base);
    return how == WRT_RUN_CONTINUE ? WRT_RUN_DONE : how;
}

/* Runs the innermost activation, whose state is in exec. */
INLINE enum wrt_run run(struct wrt_store *store)
{
    struct wrt_activation *a = innermost(store);
    if (a->compiled || a->function->instance == NULL)
        return run_other(store, a);
    const enum wrt_run how = interpret(store);
    return how == WRT_RUN_TRAP ? trapped_or_on(store) : how;
}

/* Would a call from the host be refused now? */
enum wrt_status wrt_store_can_call(const struct wrt_store *store)
{
    const uint32_t depth = store->exec.depth;
    if (depth != 0 && store->activations[depth - 1].paused)
        return WRT_ERR_BUSY;
    return depth > store->config.max_host_depth ? WRT_ERR_LIMIT : WRT_OK;
}

INLINE enum wrt_status begin(struct wrt_store *store, struct wrt_function *f,
                             const union wrt_slot *arguments)
{
    struct wrt_exec *exec = &store->exec;
    enum wrt_status status = wrt_store_can_call(store);
    if (status == WRT_OK)
        status = wrt_seal_before_call(store);
    const bool compiled = f->native.key != NULL;
    if (status == WRT_OK && compiled)
        status = wrt_native_can_run(f);
    if (status != WRT_OK)
        return status;
    union cell *base = exec->top;
    const uint32_t cells = larger(f->parameter_slots, f->result_slots);
    store->frame_count = store->kept_frames = 0;
    store->trapped_in_host = store->trapped_in_guard = false;
    store->exceptions.current = 0;
    memset(&exec->trap, 0, offsetof(struct wrt_trap, text) + 1);
    exec->pause_reason = WRT_PAUSE_NONE;
    store->activations[exec->depth] = (struct wrt_activation){
        .base = base, .function = f, .instance = exec->instance, .pc = exec->pc, .fp = exec->fp,
        .top = exec->top, .compiled = compiled};
    const bool fits = has_room(exec, base, cells);
    if (fits && arguments != &base->slot) /* else they are there already */
        copy_slots(&base->slot, arguments, f->parameter_slots);
    if (!fits || (f->instance != NULL && !compiled &&
                  !start_frame(exec, f, base, store->exit_code_words, base))) {
        wrt_set_trap(store, WRT_TRAP_CALL_STACK_EXHAUSTED);
        return WRT_ERR_TRAP;
    }
    exec->depth++;
    exec->top = base + cells;
    if (f->instance == NULL)
        enter_instance(exec, NULL);
    return WRT_OK;
}

enum wrt_status wrt_function_call_slots(struct wrt_store *store, struct wrt_function *function,
                                        const union wrt_slot *arguments, uint32_t argument_count,
                                        union wrt_slot *results, uint32_t result_count)
{
    if (store == NULL || function == NULL || function->store != store)
        return WRT_ERR_ARGUMENT;
    if (argument_count != function->parameter_slots || result_count != function->result_slots)
        return WRT_ERR_TYPE;
    const enum wrt_status status = begin(store, function, arguments);
    if (status != WRT_OK)
        return status;
    return settle(store, run(store), results);
}

enum wrt_status wrt_store_resume_slots(struct wrt_store *store, union wrt_slot *results,
                                       uint32_t result_count)
{
    struct wrt_activation *a = innermost(store);
    if (a == NULL || !a->paused)
        return WRT_ERR_STATE;
    if (result_count != a->function->result_slots)
        return WRT_ERR_TYPE;
    const enum wrt_status status = wrt_seal_before_call(store);
    if (status != WRT_OK)
        return status;
    struct wrt_exec *exec = &store->exec;
    exec->pause_reason = WRT_PAUSE_NONE;
    const enum wrt_run how = wrt_stop_point(exec);
    if (how == WRT_RUN_PAUSED)
        return WRT_PAUSED;
    a->paused = false;
    return settle(store, run(store), results);
}

enum wrt_status wrt_store_paused_type(const struct wrt_store *store,
                                      struct wrt_function_type *out)
{
    const uint32_t depth = store->exec.depth;
    if (depth == 0 || !store->activations[depth - 1].paused)
        return WRT_ERR_STATE;
    *out = *store->activations[depth - 1].function->type;
    return WRT_OK;
}

void wrt_store_drop(struct wrt_store *store)
{
    const struct wrt_activation *a = innermost(store);
    if (a == NULL || !a->paused)
        return;
    drop(store);
    store->exec.pause_reason = WRT_PAUSE_NONE;
}

/* ---- the same with types ---- */

/* A reference is given with the parameter's type or any abstract one of its hierarchy. */
static bool same_kind(const struct wrt_function *f, wrt_type given, wrt_type parameter)
{
    if (given == parameter || !wrt_is_reference(given) || !wrt_is_reference(parameter))
        return given == parameter;
    const enum wrt_type_kind kind =
        wrt_is_concrete(parameter)
            ? (enum wrt_type_kind)f->instance->rtts[wrt_heap_of(parameter)]->def->kind
            : WRT_KIND_FUNCTION;
    return !wrt_is_concrete(given) && wrt_top_of(wrt_heap_of(given), WRT_KIND_FUNCTION) ==
                                          wrt_top_of(wrt_heap_of(parameter), kind);
}

/* Values are checked, then their slots used where they are, one by one on the stack. */
static enum wrt_status begin_values(struct wrt_store *store, struct wrt_function *f,
                                    const struct wrt_value *arguments)
{
    const struct wrt_function_type *type = f->type;
    union cell *base = store->exec.top;
    struct wrt_rtt *const *scope = f->instance != NULL ? f->instance->rtts : NULL;
    for (uint32_t i = 0; i < type->parameter_count; i++) {
        if (!same_kind(f, arguments[i].type, type->parameters[i]))
            return WRT_ERR_TYPE;
        if (!wrt_slot_fits(store, scope, type->parameters[i], arguments[i].of))
            return WRT_ERR_ARGUMENT;
    }
    /* What is refused is refused before arguments are read. */
    if (wrt_store_can_call(store) == WRT_OK && has_room(&store->exec, base, f->parameter_slots)) {
        union cell *at = base;
        for (uint32_t i = 0; i < type->parameter_count; i++)
            for (uint32_t k = 0; k < wrt_type_slots(type->parameters[i]); k++)
                (at++)->slot = arguments[i].slots[k];
    }
    return begin(store, f, &base->slot);
}

/* Hosts name no types of a module: a reference to one is given as what kind it is of. */
static wrt_type host_type(const struct wrt_function *f, wrt_type type)
{
    static const uint8_t own[] = {WRT_FUNCREF, WRT_STRUCTREF, WRT_ARRAYREF};
    if (!wrt_is_concrete(type))
        return type;
    const struct wrt_type_def *def = f->instance->rtts[wrt_heap_of(type)]->def;
    return WRT_REF_TYPE(wrt_is_nullable(type), WRT_HEAP_ABSTRACT | own[def->kind]);
}

static void give_values(const struct wrt_function *f, const union cell *from,
                        struct wrt_value *results)
{
    const struct wrt_function_type *type = f->type;
    for (uint32_t i = 0; i < type->result_count; i++) {
        results[i].type = host_type(f, type->results[i]);
        for (uint32_t k = 0; k < wrt_type_slots(type->results[i]); k++)
            results[i].slots[k] = (from++)->slot;
    }
}

/* The results of an ended activation are still at its base. */
static enum wrt_status settle_values(struct wrt_store *store, enum wrt_run how,
                                     struct wrt_value *results)
{
    const struct wrt_activation *a = innermost(store);
    const union cell *base = a->base;
    if (how == WRT_RUN_DONE) {
        give_values(a->function, base, results);
        drop(store);
        return WRT_OK;
    }
    return settle_other(store, how);
}

enum wrt_status wrt_function_call(struct wrt_store *store, struct wrt_function *function,
                                  const struct wrt_value *arguments, uint32_t argument_count,
                                  struct wrt_value *results, uint32_t result_count)
{
    if (store == NULL || function == NULL || function->store != store)
        return WRT_ERR_ARGUMENT;
    if (argument_count != function->type->parameter_count ||
        result_count != function->type->result_count)
        return WRT_ERR_TYPE;
    const enum wrt_status status = begin_values(store, function, arguments);
    return status != WRT_OK ? status : settle_values(store, run(store), results);
}

enum wrt_status wrt_store_resume(struct wrt_store *store, struct wrt_value *results,
                                 uint32_t result_count)
{
    struct wrt_activation *a = innermost(store);
    if (a == NULL || !a->paused)
        return WRT_ERR_STATE;
    if (result_count != a->function->type->result_count)
        return WRT_ERR_TYPE;
    const enum wrt_status status = wrt_seal_before_call(store);
    if (status != WRT_OK)
        return status;
    store->exec.pause_reason = WRT_PAUSE_NONE;
    if (wrt_stop_point(&store->exec) == WRT_RUN_PAUSED)
        return WRT_PAUSED;
    a->paused = false;
    return settle_values(store, run(store), results);
}

enum wrt_pause_reason wrt_store_pause_reason(const struct wrt_store *store)
{
    return store->exec.pause_reason;
}

uint32_t wrt_store_exit_code(const struct wrt_store *store)
{
    return store->exec.exit_code;
}

/* ---- for host functions ---- */

struct wrt_store *wrt_caller_store(struct wrt_caller *caller)
{
    return caller->store;
}

struct wrt_instance *wrt_caller_instance(struct wrt_caller *caller)
{
    return caller->instance;
}

static struct wrt_memory *memory_of(const struct wrt_caller *caller)
{
    const struct wrt_instance *instance = caller->instance;
    return instance == NULL || instance->memories == NULL ? NULL : instance->memories[0];
}

enum wrt_status wrt_caller_read(struct wrt_caller *caller, uint64_t address, void *out,
                                size_t size_bytes)
{
    const struct wrt_memory *memory = memory_of(caller);
    return memory == NULL ? WRT_ERR_NOT_FOUND : wrt_memory_read(memory, address, out, size_bytes);
}

enum wrt_status wrt_caller_write(struct wrt_caller *caller, uint64_t address, const void *bytes,
                                 size_t size_bytes)
{
    struct wrt_memory *memory = memory_of(caller);
    return memory == NULL ? WRT_ERR_NOT_FOUND
                          : wrt_memory_write(memory, address, bytes, size_bytes);
}

enum wrt_status wrt_caller_span(struct wrt_caller *caller, uint64_t address, uint64_t size_bytes,
                                uint8_t **out)
{
    struct wrt_memory *memory = memory_of(caller);
    if (memory == NULL)
        return WRT_ERR_NOT_FOUND;
    const uint64_t size = wrt_memory_size_bytes(memory);
    if (address > size || size_bytes > size - address)
        return WRT_ERR_BOUNDS;
    *out = memory->pages.base + address;
    return WRT_OK;
}

enum wrt_status wrt_caller_trap(struct wrt_caller *caller, const char *text)
{
    char *to = caller->store->exec.trap.text;
    const size_t room = sizeof caller->store->exec.trap.text - 1;
    const size_t size = strlen(text) < room ? strlen(text) : room;
    memcpy(to, text, size);
    to[size] = '\0';
    return WRT_ERR_TRAP;
}

enum wrt_status wrt_caller_exit(struct wrt_caller *caller, uint32_t code)
{
    caller->store->exec.exit_code = code;
    return WRT_EXITED;
}

/* Charges add up until a stop point, so their sum has a floor far from overflow. */
void wrt_caller_charge_fuel(struct wrt_caller *caller, uint64_t fuel)
{
    struct wrt_exec *exec = &caller->store->exec;
    const int64_t most = INT64_MAX / 4;
    const int64_t charge = fuel < (uint64_t)most ? (int64_t)fuel : most;
    exec->fuel = exec->fuel - charge < -most ? -most : exec->fuel - charge;
}

bool wrt_caller_should_stop(struct wrt_caller *caller)
{
    return wrt_should_stop(&caller->store->exec);
}
