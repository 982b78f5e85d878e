/* engine/native.c - runs code that was compiled ahead of time.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A compiled call runs on a guest stack of the store's own, never on the host's. Whatever it
 * needs of the host (a host function, growth, a table, a stop) it leaves for: it writes a
 * request and switches stacks, the host serves the request and switches back. So a guest that
 * pauses just is not switched to again until it is resumed, a trap needs no unwinding, and host
 * functions find the stack that they always had.
 *
 *    host stack: wrt_native_run ── switch ──> guest stack: entry, functions of the module
 *                                <── request ── leave
 *
 * Calls from one compiled instance to another stay on the guest stack. A call from compiled to
 * interpreted code is one that the host makes on its behalf, and cannot pause.
 *
 * The guest stack: guard page | ROOM_BYTES for the largest frames and what signals need |
 * stack_bytes | ... activations from the top downwards. Frames of what calls others begin above the
 * limit, none is larger than FRAME_BYTES. Below the lowest there may be one of a function that
 * calls none, and the bridge to the engine: with slots for 1000 values each, never the guard.
 */
#include "native.h"

#include "load.h"
#include "memory/guard.h"
#include "native_switch.h"
#include "sync/alarm.h"

#define ROOM_BYTES 65536u
#define FRAME_BYTES 16384u /* most that an object may say of its frames */
#define RED_ZONE_BYTES 256u
#define SLICE ((int64_t)1 << 20) /* fuel that compiled code gets at a time: some 0.1 ms */
_Static_assert(SLICE >= WRT_FUEL_SLICE, "what the interpreter has fits");

#define SAME_TRAP(native, name) \
    _Static_assert((int)WRT_NATIVE_TRAP_##native == (int)WRT_TRAP_##name, "one number")
SAME_TRAP(UNREACHABLE, UNREACHABLE);
SAME_TRAP(DIVIDE_BY_ZERO, INTEGER_DIVIDE_BY_ZERO);
SAME_TRAP(OVERFLOW, INTEGER_OVERFLOW);
SAME_TRAP(CONVERSION, INVALID_CONVERSION);
SAME_TRAP(MEMORY, OUT_OF_BOUNDS_MEMORY);
SAME_TRAP(TABLE, OUT_OF_BOUNDS_TABLE);
SAME_TRAP(STACK, CALL_STACK_EXHAUSTED);
_Static_assert(sizeof(struct wrt_global) <= WRT_NATIVE_GLOBAL_BYTES, "fits between globals");
_Static_assert(sizeof(union wrt_native_slot) == sizeof(union wrt_slot), "one slot");
_Static_assert(offsetof(struct wrt_function, native) == 0, "the head that code sees");

enum request { REQUEST_NONE, REQUEST_DONE, REQUEST_TRAP, REQUEST_STOP, REQUEST_CALL,
               REQUEST_OPERATE };

struct wrt_native_run {
    void *guest_stack, *host_stack; /* where the other side stands */
    struct wrt_store *store;
    const struct wrt_function *function;
    union cell *base;               /* its arguments, then its results */
    uint8_t *outer_top;
    struct wrt_native_guest *guest; /* whose code runs, or left */
    enum request request;
    uint32_t trap;
    struct wrt_function *callee;
    union wrt_native_slot *slots;   /* of a call or an operation, on the guest stack */
    union word operation[2];
    uint32_t operation_number;
    uint64_t result;
    const void *frame, *fault;      /* where it stands, for backtraces */
};

static const struct wrt_native_calls calls;

static struct wrt_instance *instance_of(const struct wrt_native_guest *guest)
{
    return guest->instance;
}

static const struct wrt_native_object *object_of(const struct wrt_instance *instance)
{
    return instance->module->config.native;
}

static enum wrt_native_stop_mode stop_mode(const struct wrt_instance *instance)
{
    return (enum wrt_native_stop_mode)object_of(instance)->info->stop_mode;
}

/* ---- binding an object to its module ---- */

static enum wrt_status refuse(const struct wrt_module *module, const char *why,
                              struct wrt_error *error)
{
    return wrt_fail(error, WRT_ERR_UNSUPPORTED, "compiled code: %s (compiled by %.60s)", why,
                    module->config.native->info->compiler);
}

static enum wrt_status check_counts(const struct wrt_module *module, struct wrt_error *error)
{
    const struct wrt_native_object *o = module->config.native;
    const struct wrt_module_info *m = &module->info;
    if (o->info->module_bytes != m->module_bytes || o->type_count != m->type_count ||
        o->imported_function_count != m->imported_function_count ||
        o->function_count != m->function_count - m->imported_function_count ||
        o->table_count != m->table_count || o->imported_global_count != m->imported_global_count ||
        o->global_count != m->global_count - m->imported_global_count)
        return wrt_fail(error, WRT_ERR_CORRUPT, "compiled code is of another module");
    return WRT_OK;
}

static enum wrt_status check_object(const struct wrt_module *module, struct wrt_error *error)
{
    const struct wrt_native_info *info = module->config.native->info;
    if (memcmp(info->magic, WRT_NATIVE_MAGIC, sizeof info->magic) != 0)
        return wrt_fail(error, WRT_ERR_CORRUPT, "compiled code does not begin as it should");
    if (info->abi != WRT_NATIVE_ABI || info->info_bytes != sizeof *info)
        return wrt_fail(error, WRT_ERR_UNSUPPORTED, "compiled code has ABI %u, this build has %u",
                        info->abi, WRT_NATIVE_ABI);
    if (info->pointer_bits != 8 * sizeof(void *) || !WRT_NATIVE_CAN_SWITCH)
        return wrt_fail(error, WRT_ERR_UNSUPPORTED, "compiled code is for another machine: %.31s",
                        info->target);
    if (info->memory_mode > WRT_NATIVE_GUARD || info->stop_mode > WRT_NATIVE_STOP_FUEL ||
        info->frame_bytes > FRAME_BYTES)
        return wrt_fail(error, WRT_ERR_CORRUPT, "compiled code has options that nobody knows");
    if (module->config.canonical_nan || module->config.deterministic)
        return refuse(module, "NaNs are not made canonical in it", error);
    if (module->config.instrument)
        return refuse(module, "it counts nothing", error);
    if (module->config.index_masking)
        return refuse(module, "indexes are not masked in it", error);
    return check_counts(module, error);
}

static uintptr_t address_at(const struct wrt_native_object *object, uint32_t i)
{
    return (uintptr_t)object->codes[i];
}

static bool is_below(const void *context, uint32_t a, uint32_t b)
{
    const struct wrt_native_object *object = context;
    return address_at(object, a) < address_at(object, b);
}

enum wrt_status wrt_native_bind(struct wrt_module *module, struct wrt_error *error)
{
    const struct wrt_native_object *object = module->config.native;
    if (object == NULL)
        return WRT_OK;
    enum wrt_status status = check_object(module, error);
    const uint32_t count = object->function_count;
    if (status == WRT_OK)
        status = wrt_block_take(module->partition, &module->blocks, WRT_CHARGE_CODE, count,
                                sizeof *module->native_by_address, &module->native_by_address,
                                error);
    if (status != WRT_OK)
        return status;
    for (uint32_t i = 0; i < count; i++)
        module->native_by_address[i] = i;
    wrt_sort(module->native_by_address, count, is_below, object);
    return WRT_OK;
}

/* ---- instances ---- */

static enum wrt_status make_stack(struct wrt_store *store, struct wrt_error *error)
{
    struct wrt_native_state *native = &store->native;
    const uint64_t page = 65536;
    const uint64_t pages = (store->config.stack_bytes + page - 1) / page + ROOM_BYTES / page;
    const struct wrt_page_config config = {.initial_pages = pages, .maximum_pages = pages,
                                           .guard_before_bytes = page};
    if (native->stack.base != NULL)
        return WRT_OK;
    const enum wrt_status status =
        wrt_pages_allocate(&native->stack, store->partition, &config, error);
    if (status != WRT_OK)
        return status;
    native->top = native->stack.base + native->stack.size_bytes;
    native->limit = (uintptr_t)native->stack.base + ROOM_BYTES;
    return WRT_OK;
}

enum wrt_status wrt_native_make(struct wrt_instance *instance, struct wrt_block **blocks,
                                struct wrt_error *error)
{
    const struct wrt_native_object *object = object_of(instance);
    struct wrt_store *store = instance->store;
    if (object == NULL)
        return WRT_OK;
    if (wrt_native_has_shadow_stack())
        return wrt_fail(error, WRT_ERR_UNSUPPORTED,
                        "compiled code switches stacks, and this thread has a shadow stack");
    if (store->heap.base != NULL)
        return wrt_fail(error, WRT_ERR_UNSUPPORTED,
                        "compiled code in a store with a garbage-collected heap");
    enum wrt_status status = make_stack(store, error);
    const uint64_t bytes = object->guest_bytes > object->type_count ? object->guest_bytes
                                                                     : object->type_count;
    if (status == WRT_OK)
        status = wrt_block_take(store->partition, blocks, WRT_CHARGE_TABLE, bytes, 1,
                                &instance->native, error);
    if (status == WRT_OK && object->info->memory_mode == WRT_NATIVE_GUARD)
        status = wrt_guarded_start(error);
    if (status == WRT_OK && object->info->memory_mode == WRT_NATIVE_GUARD)
        store->native.is_guarded = true;
    return status;
}

struct wrt_global *wrt_native_globals(const struct wrt_instance *instance)
{
    return (struct wrt_global *)(void *)((uint8_t *)instance->native +
                                         object_of(instance)->globals_offset);
}

void wrt_native_set_function(struct wrt_instance *instance, struct wrt_function *function)
{
    const struct wrt_native_object *object = object_of(instance);
    if (object == NULL)
        return;
    const uint32_t own = function->index - object->imported_function_count;
    function->native.key =
        (const uint8_t *)instance->native + instance->module->function_types[function->index];
    function->native.code = object->codes[own];
}

void wrt_native_widen(const struct wrt_module *module, struct wrt_page_config *config)
{
    const struct wrt_native_object *object = module->config.native;
    if (object != NULL && object->info->memory_mode == WRT_NATIVE_GUARD &&
        config->guard_after_bytes < WRT_NATIVE_GUARD_BYTES)
        config->guard_after_bytes = WRT_NATIVE_GUARD_BYTES;
}

/* Does a touch of any byte that the code can name, beyond the memory, fault? */
static bool is_guarded(const struct wrt_page_allocator *pages)
{
    const uint8_t *end = pages->reservation + pages->reservation_bytes;
    return !pages->guard_is_readable && pages->reservation != NULL &&
           (uint64_t)(end - pages->base) >= WRT_NATIVE_GUARD_BYTES;
}

static enum wrt_status check_memory(const struct wrt_instance *instance,
                                    const struct wrt_memory *memory, struct wrt_error *error)
{
    const struct wrt_page_allocator *pages = &memory->pages;
    if (pages->provider == WRT_PAGES_NATIVE || memory->share != NULL)
        return refuse(instance->module, "a memory that moves or is shared", error);
    if (object_of(instance)->info->memory_mode == WRT_NATIVE_GUARD && !is_guarded(pages))
        return refuse(instance->module, "a memory without guards of 8 GiB; compile with "
                      "--memory compare", error);
    return WRT_OK;
}

enum wrt_status wrt_native_link(struct wrt_instance *instance, struct wrt_error *error)
{
    const struct wrt_native_object *object = object_of(instance);
    struct wrt_native_guest *guest = instance->native;
    enum wrt_status status = WRT_OK;
    if (object == NULL)
        return WRT_OK;
    if (instance->memories != NULL)
        status = check_memory(instance, instance->memories[0], error);
    if (status != WRT_OK)
        return status;
    guest->table_count = object->table_count;
    guest->calls = &calls;
    guest->instance = instance;
    guest->tables =
        (struct wrt_native_table *)(void *)((uint8_t *)guest + object->tables_offset);
    guest->globals = (void *const *)(void *)instance->globals;
    for (uint32_t t = 0; t < guest->table_count; t++) {
        guest->tables[t].index = t;
        status = wrt_table_make_callees(instance->tables[t], error);
        if (status != WRT_OK)
            return status;
    }
    object->setup(guest);
    return WRT_OK;
}

void wrt_native_free(struct wrt_store *store)
{
    if (store->native.stack.base != NULL)
        wrt_pages_free(&store->native.stack);
}

/* ---- the guest's view of its instance ---- */

static void look(struct wrt_native_guest *guest)
{
    const struct wrt_instance *instance = instance_of(guest);
    if (instance->memories != NULL) {
        guest->memory_base = instance->memories[0]->pages.base;
        guest->memory_bytes = instance->memories[0]->pages.size_bytes;
    }
    for (uint32_t t = 0; t < guest->table_count; t++) {
        guest->tables[t].elements =
            (union wrt_native_slot *)(void *)instance->tables[t]->elements;
        guest->tables[t].callees = instance->tables[t]->callees;
        guest->tables[t].size = (uint32_t)instance->tables[t]->size;
    }
}

/* More than the interpreter's slice: a body is charged whole, and charges quickly. */
static void give_fuel(struct wrt_store *store, struct wrt_native_guest *guest)
{
    struct wrt_exec *exec = &store->exec;
    guest->fuel = exec->fuel;
    if (exec->fuel < 0 || stop_mode(instance_of(guest)) != WRT_NATIVE_STOP_FUEL)
        return;
    const uint64_t most = (uint64_t)(SLICE - exec->fuel);
    const uint64_t more = most < exec->fuel_reserve ? most : exec->fuel_reserve;
    exec->fuel_reserve -= more;
    guest->fuel += (int64_t)more;
}

/* What asks from another thread writes `asked`, then to the guest that runs; this the other way
 * round: so one of both sees the other. */
static void enter(struct wrt_store *store, struct wrt_native_guest *guest)
{
    look(guest);
    give_fuel(store, guest);
    guest->stop = 0;
    guest->stack_limit = store->native.limit;
    atomic_store_explicit(&store->native.running, guest, memory_order_seq_cst);
    if (atomic_load_explicit(&store->native.asked, memory_order_seq_cst) ||
        atomic_load_explicit(&store->exec.interrupt, memory_order_relaxed)) {
        guest->stop = 1;
        guest->stack_limit = UINTPTR_MAX;
    }
}

/* Back from compiled code: what is more than a slice goes to the reserve again. */
static void put_fuel(struct wrt_store *store, const struct wrt_native_guest *guest)
{
    struct wrt_exec *exec = &store->exec;
    if (stop_mode(instance_of(guest)) != WRT_NATIVE_STOP_FUEL)
        return;
    const int64_t kept = guest->fuel < WRT_FUEL_SLICE ? guest->fuel : WRT_FUEL_SLICE;
    exec->fuel_reserve += (uint64_t)(guest->fuel - kept);
    exec->fuel = kept;
}

void wrt_native_ask(struct wrt_store *store)
{
    atomic_store_explicit(&store->native.asked, true, memory_order_seq_cst);
    struct wrt_native_guest *guest =
        atomic_load_explicit(&store->native.running, memory_order_seq_cst);
    if (guest != NULL) {
        guest->stop = 1;
        guest->stack_limit = UINTPTR_MAX;
    }
}

static void ring(void *context)
{
    wrt_native_ask(context);
}

/* ---- on the guest stack ---- */

static struct wrt_native_run *run_of(const struct wrt_native_guest *guest)
{
    return instance_of(guest)->store->native.run;
}

static void leave(struct wrt_native_guest *guest, enum request request, void *frame)
{
    struct wrt_native_run *run = run_of(guest);
    run->guest = guest;
    run->request = request;
    run->frame = frame;
    wrt_native_switch(&run->guest_stack, run->host_stack);
}

static void call_trap(struct wrt_native_guest *guest, uint32_t kind, void *frame)
{
    run_of(guest)->trap = kind;
    for (;;)
        leave(guest, REQUEST_TRAP, frame);
}

static void call_stop(struct wrt_native_guest *guest, void *frame)
{
    const struct wrt_store *store = instance_of(guest)->store;
    const uintptr_t caller = *(const uintptr_t *)frame; /* the frame of who asks */
    if (caller < store->native.limit)
        call_trap(guest, WRT_NATIVE_TRAP_STACK, frame);
    leave(guest, REQUEST_STOP, frame);
}

static wrt_native_entry *entry_of(const struct wrt_function *function)
{
    const struct wrt_native_object *object = object_of(function->instance);
    return object->entries[function->index - object->imported_function_count];
}

/* Another compiled instance: its code runs here, on the same stack. */
static void call_compiled(struct wrt_native_guest *guest, struct wrt_function *function,
                          union wrt_native_slot *slots, void *frame)
{
    struct wrt_store *store = instance_of(guest)->store;
    struct wrt_native_guest *callee = function->instance->native;
    if ((uintptr_t)frame < store->native.limit)
        call_trap(guest, WRT_NATIVE_TRAP_STACK, frame);
    put_fuel(store, guest);
    enter(store, callee);
    entry_of(function)(callee, function->native.code, slots);
    put_fuel(store, callee);
    enter(store, guest);
}

static void call_function(struct wrt_native_guest *guest, struct wrt_native_function *native,
                          union wrt_native_slot *slots, void *frame)
{
    struct wrt_function *function = (struct wrt_function *)(void *)native;
    struct wrt_native_run *run = run_of(guest);
    if (native->key != NULL) {
        call_compiled(guest, function, slots, frame);
        return;
    }
    run->callee = function;
    run->slots = slots;
    leave(guest, REQUEST_CALL, frame);
}

static struct wrt_native_function *call_index(struct wrt_native_guest *guest, uint32_t index)
{
    return &instance_of(guest)->functions[index]->native;
}

static struct wrt_native_function *call_indirect(struct wrt_native_guest *guest, uint32_t table,
                                                 uint32_t index, uint32_t type, void *frame)
{
    const struct wrt_instance *instance = instance_of(guest);
    const struct wrt_table *t = instance->tables[table];
    if (index >= t->size)
        call_trap(guest, WRT_TRAP_UNDEFINED_ELEMENT, frame);
    struct wrt_function *function = t->elements[index].function;
    if (function == NULL)
        call_trap(guest, WRT_TRAP_UNINITIALIZED_ELEMENT, frame);
    if (!wrt_rtt_is(function->rtt, instance->rtts[type]))
        call_trap(guest, WRT_TRAP_INDIRECT_CALL_TYPE_MISMATCH, frame);
    return &function->native;
}

static uint64_t call_operate(struct wrt_native_guest *guest, enum wrt_native_operation operation,
                             uint32_t a, uint32_t b, union wrt_native_slot *operands, void *frame)
{
    struct wrt_native_run *run = run_of(guest);
    run->operation[1].k.d = 0;
    run->operation[1].k.a = (uint16_t)a;
    run->operation[1].k.imm = (int32_t)b;
    run->operation_number = operation;
    run->slots = operands;
    leave(guest, REQUEST_OPERATE, frame);
    return run->result;
}

static const struct wrt_native_calls calls = {call_function, call_index, call_indirect,
                                              call_operate, call_trap, call_stop};

static void begin_guest(void *context)
{
    struct wrt_native_run *run = context;
    const struct wrt_function *function = run->function;
    struct wrt_native_guest *guest = function->instance->native;
    entry_of(function)(guest, function->native.code, (union wrt_native_slot *)(void *)run->base);
    for (;;)
        leave(guest, REQUEST_DONE, NULL);
}

/* ---- on the host stack: requests ---- */

/* A call of interpreted code, as if a host function stood between. */
static enum wrt_run call_interpreted(struct wrt_store *store, struct wrt_native_run *run)
{
    union wrt_slot *slots = (union wrt_slot *)(void *)run->slots;
    struct wrt_function *f = run->callee;
    const enum wrt_status status = wrt_function_call_slots(
        store, f, slots, f->parameter_slots, slots, f->result_slots);
    switch (status) {
    case WRT_OK: return WRT_RUN_CONTINUE;
    case WRT_EXITED: return WRT_RUN_EXITED;
    case WRT_ERR_EXCEPTION: store->native.has_frames = true; return WRT_RUN_THROWN;
    case WRT_ERR_TRAP: store->native.has_frames = true; return WRT_RUN_TRAP;
    case WRT_PAUSED:
        wrt_store_drop(store);
        strcpy(store->exec.trap.text, "interpreted code that compiled code called was stopped");
        break;
    default: break;
    }
    store->exec.trap.host_status = status;
    store->exec.trap.kind = status == WRT_ERR_LIMIT ? WRT_TRAP_CALL_STACK_EXHAUSTED
                                                     : WRT_TRAP_HOST;
    return WRT_RUN_TRAP;
}

static enum wrt_run serve_call(struct wrt_store *store, struct wrt_native_run *run)
{
    if (run->callee->instance != NULL)
        return call_interpreted(store, run);
    return wrt_call_host(&store->exec, run->callee, (union wrt_slot *)(void *)run->slots);
}

typedef enum wrt_run operation_function(struct wrt_exec *exec);

static enum wrt_run serve_operation(struct wrt_store *store, struct wrt_native_run *run)
{
    static operation_function *const functions[] = {
        [WRT_NATIVE_MEMORY_GROW] = wrt_cold_memory_grow,
        [WRT_NATIVE_MEMORY_FILL] = wrt_cold_memory_fill,
        [WRT_NATIVE_MEMORY_COPY] = wrt_cold_memory_copy,
        [WRT_NATIVE_MEMORY_INIT] = wrt_cold_memory_init,
        [WRT_NATIVE_DATA_DROP] = wrt_cold_data_drop,
        [WRT_NATIVE_TABLE_SET] = wrt_cold_table_set,
        [WRT_NATIVE_TABLE_GROW] = wrt_cold_table_grow,
        [WRT_NATIVE_TABLE_FILL] = wrt_cold_table_fill,
        [WRT_NATIVE_TABLE_COPY] = wrt_cold_table_copy,
        [WRT_NATIVE_TABLE_INIT] = wrt_cold_table_init,
        [WRT_NATIVE_ELEM_DROP] = wrt_cold_elem_drop,
    };
    struct wrt_exec *exec = &store->exec;
    exec->pc = run->operation;
    exec->fp = (union cell *)(void *)run->slots;
    const enum wrt_run how = functions[run->operation_number](exec);
    run->result = exec->A;
    exec->pc = NULL;
    exec->fp = NULL;
    return how;
}

static enum wrt_run serve(struct wrt_store *store, struct wrt_native_run *run)
{
    switch (run->request) {
    case REQUEST_DONE: return WRT_RUN_DONE;
    case REQUEST_TRAP: store->exec.trap.kind = (enum wrt_trap_kind)run->trap; return WRT_RUN_TRAP;
    case REQUEST_STOP:
        atomic_store_explicit(&store->native.asked, false, memory_order_relaxed);
        return wrt_stop_point(&store->exec);
    case REQUEST_CALL: return serve_call(store, run);
    case REQUEST_OPERATE: return serve_operation(store, run);
    case REQUEST_NONE: break;
    }
    return WRT_RUN_CONTINUE;
}

/* ---- on the host stack: switching ---- */

static void switch_in(void *context)
{
    struct wrt_native_run *run = context;
    wrt_native_switch(&run->host_stack, run->guest_stack);
}

/* The innermost memory that the fault is in, and where: beyond it, or on pages that were closed. */
static void note_fault(struct wrt_store *store, struct wrt_native_run *run,
                       const struct wrt_guard_hit *hit)
{
    struct wrt_trap *trap = &store->exec.trap;
    run->fault = hit->instruction;
    run->frame = hit->frame;
    run->request = REQUEST_TRAP;
    run->trap = WRT_TRAP_GUARD_HIT;
    run->guest = atomic_load_explicit(&store->native.running, memory_order_relaxed);
    trap->is_known_write = hit->is_known_write;
    trap->memory_offset = (int64_t)(intptr_t)hit->address;
    for (struct wrt_memory *m = store->memories; m != NULL; m = m->next)
        if (wrt_pages_owns(&m->pages, hit->address, &trap->memory_offset)) {
            trap->memory = m;
            if (trap->memory_offset >= (int64_t)m->pages.size_bytes)
                run->trap = WRT_TRAP_OUT_OF_BOUNDS_MEMORY;
            return;
        }
}

/* Nested calls use the part of the guest stack below where this one stands. */
static void lower_top(struct wrt_native_state *native, const struct wrt_native_run *run)
{
    uint8_t *top = (uint8_t *)run->guest_stack - RED_ZONE_BYTES;
    native->top = top - ((uintptr_t)top & 63);
}

static enum wrt_run go_on(struct wrt_store *store, struct wrt_native_run *run)
{
    struct wrt_native_guest *guest = run->guest;
    struct wrt_guard_hit hit;
    enter(store, guest);
    store->native.run = run;
    run->request = REQUEST_NONE;
    if (store->native.is_guarded || store->config.trap_guard_hits) {
        const enum wrt_status status = wrt_guard_run(switch_in, run, &hit);
        if (status != WRT_OK)
            note_fault(store, run, &hit);
    } else {
        switch_in(run);
    }
    put_fuel(store, run->guest);
    lower_top(&store->native, run);
    atomic_store_explicit(&store->native.running, NULL, memory_order_relaxed);
    wrt_exec_enter_instance(&store->exec, instance_of(run->guest));
    return serve(store, run);
}

static struct wrt_native_run *start(struct wrt_store *store, struct wrt_activation *activation)
{
    struct wrt_native_state *native = &store->native;
    uint8_t *top = native->top - sizeof(struct wrt_native_run);
    top -= (uintptr_t)top & 63;
    struct wrt_native_run *run = (struct wrt_native_run *)(void *)top;
    *run = (struct wrt_native_run){.store = store, .function = activation->function,
                                   .base = activation->base, .outer_top = native->top,
                                   .guest = activation->function->instance->native};
    run->guest_stack = wrt_native_new_stack(top, begin_guest, run);
    activation->native = run;
    return run;
}

enum wrt_status wrt_native_can_run(const struct wrt_function *function)
{
    const struct wrt_store *store = function->store;
    const enum wrt_native_stop_mode mode = stop_mode(function->instance);
    if (store->exec.fuel_limit != UINT64_MAX && mode != WRT_NATIVE_STOP_FUEL)
        return WRT_ERR_UNSUPPORTED;
    if (store->exec.deadline_ns == 0 || mode == WRT_NATIVE_STOP_FUEL)
        return WRT_OK;
    /* The thread that watches the clock has no way into a sealed partition. */
    struct wrt_partition_info info;
    wrt_partition_get_info(store->partition, &info);
    return mode == WRT_NATIVE_STOP_NONE || info.tier == WRT_TIER_SEALED ? WRT_ERR_UNSUPPORTED
                                                                       : WRT_OK;
}

static enum wrt_run drive(struct wrt_store *store, struct wrt_native_run *run)
{
    enum wrt_run how = WRT_RUN_CONTINUE;
    /* What it paused in is done again; a stop was the resume itself. */
    if (run->request == REQUEST_CALL || run->request == REQUEST_OPERATE)
        how = serve(store, run);
    while (how == WRT_RUN_CONTINUE) {
        how = go_on(store, run);
        if (how == WRT_RUN_PAUSED && run->request == REQUEST_STOP)
            run->request = REQUEST_NONE;
    }
    return how;
}

enum wrt_run wrt_native_run(struct wrt_store *store, struct wrt_activation *activation)
{
    struct wrt_native_state *native = &store->native;
    struct wrt_native_run *const outer = native->run;
    struct wrt_alarm *alarm = &native->alarm;
    struct wrt_native_run *run = activation->native;
    const uint64_t deadline_ns = store->exec.deadline_ns;
    const bool is_timed = deadline_ns != 0 && !alarm->is_set &&
                          stop_mode(activation->function->instance) == WRT_NATIVE_STOP_CHECK;
    if (native->top <= (uint8_t *)native->limit + 2 * sizeof *run) {
        store->exec.trap.kind = WRT_TRAP_CALL_STACK_EXHAUSTED;
        return WRT_RUN_TRAP;
    }
    if (run == NULL)
        run = start(store, activation);
    native->run = run;
    native->has_frames = false;
    wrt_exec_enter_instance(&store->exec, instance_of(run->guest));
    if (is_timed && wrt_alarm_set(alarm, deadline_ns, ring, store) != WRT_OK) {
        store->exec.trap.host_status = WRT_ERR_LIMIT;
        store->exec.trap.kind = WRT_TRAP_HOST;
        return WRT_RUN_TRAP;
    }
    const enum wrt_run how = drive(store, run);
    if (is_timed)
        wrt_alarm_clear(alarm);
    native->run = outer;
    return how;
}

void wrt_native_leave(struct wrt_store *store, struct wrt_activation *activation)
{
    if (activation->native == NULL)
        return;
    store->native.top = activation->native->outer_top;
    activation->native = NULL;
}

/* ---- backtraces ---- */

/* The last function that begins at or before `pc`. O(log functions). */
static bool find_function(const struct wrt_module *module, uintptr_t pc, uint32_t *out)
{
    const struct wrt_native_object *object = module->config.native;
    uint32_t low = 0, high = object->function_count;
    if (pc < (uintptr_t)object->text_start || pc >= (uintptr_t)object->text_end)
        return false;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (address_at(object, module->native_by_address[middle]) <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return false;
    *out = module->native_by_address[low - 1];
    return true;
}

/* Several objects of one image share a section: the nearest beginning is whose code it is. */
static bool find_frame(const struct wrt_store *store, uintptr_t pc, struct wrt_frame *out)
{
    uintptr_t nearest = 0;
    for (struct wrt_instance *i = store->instances; i != NULL; i = i->next) {
        uint32_t own;
        if (i->native == NULL || !find_function(i->module, pc, &own) ||
            address_at(object_of(i), own) <= nearest)
            continue;
        nearest = address_at(object_of(i), own);
        *out = (struct wrt_frame){
            .instance = i, .byte_offset = i->module->codes[own].body_offset,
            .function_index = object_of(i)->imported_function_count + own};
    }
    return nearest != 0;
}

/* Frames link upwards, and lie in this activation's part of the guest stack. */
static bool is_frame(const struct wrt_native_run *run, const void *frame)
{
    const uintptr_t at = (uintptr_t)frame;
    return at % sizeof(void *) == 0 && at >= run->store->native.limit - ROOM_BYTES &&
           at < (uintptr_t)run - 2 * sizeof(void *);
}

bool wrt_native_next_frame(const struct wrt_store *store, const struct wrt_activation *activation,
                           const void **cursor, struct wrt_frame *out)
{
    const struct wrt_native_run *run = activation->native;
    if (run == NULL)
        return false;
    if (*cursor == NULL) {
        *cursor = run->frame;
        if (run->fault != NULL && find_frame(store, (uintptr_t)run->fault, out))
            return true;
    }
    while (is_frame(run, *cursor)) {
        const uintptr_t *frame = *cursor;
        const uintptr_t next = frame[0], pc = frame[1];
        *cursor = (const void *)(next > (uintptr_t)frame ? next : 0);
        if (*cursor == NULL)
            *cursor = run; /* the end, not the start */
        if (find_frame(store, pc - 1, out))
            return true;
    }
    return false;
}
