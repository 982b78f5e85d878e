/* src/wasi/threads.c - the threads of one guest; see wrt/threads.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One gate guards the phase and the list of threads. Whoever changes the phase interrupts the
 * stores of all others; each of them comes back from its call as paused, sees the phase and
 * either sleeps here until it changes again or goes.
 *
 *   T1  the store of a thread in the list lives while its state is RUNNING or PARKED
 *   T2  phase PAUSED: each thread is PARKED, or on its way there
 *   T3  ENDING is the last phase
 *
 * Limit: a thread that is in a long call of the host is waited for.
 */
#include "base/error.h"
#include "port.h"
#include "wasi/state.h"
#include "wrt/threads.h"

#include <string.h>

enum { DEFAULT_THREADS = 16, MOST_THREADS = 254, NAME_BYTES = 128 };
enum { GUEST_EAGAIN = -6, MOST_IDS = 0x1FFFFFFF };
#define DEFAULT_HOST_STACK UINT64_C(262144)

enum phase { PHASE_RUNNING, PHASE_PAUSED, PHASE_ENDING };
enum state {
    STATE_FREE,
    STATE_MAKING,  /* by the thread that spawns it, which waits until it is in the partition */
    STATE_RUNNING, /* the guest, or about to */
    STATE_PARKED,
    STATE_LEAVING, /* its store is gone, or going */
    STATE_GONE     /* to be joined */
};

struct thread {
    struct wrt_threads *group;
    enum state state;
    struct wrt_store *store;
    struct wrt_wasi *wasi;
    struct wrt_instance *instance;
    struct wrt_function *entry;
    struct wrt_port_thread host;
    uint32_t id, argument;
    bool is_shut_out; /* the partition did not let it in */
};

struct wrt_threads {
    struct wrt_partition *partition;
    struct wrt_store *store; /* the first thread's */
    struct wrt_module *module;
    struct wrt_wasi *wasi;
    struct wrt_memory *memory; /* the first store's view */
    struct wrt_threads_config config;
    char memory_module[NAME_BYTES], memory_name[NAME_BYTES];
    struct wrt_mutex gate;
    struct wrt_condition changed;
    enum phase phase;
    bool has_interrupted_first;
    struct wrt_threads_outcome outcome;
    uint32_t last_id;
    struct thread threads[];
};

static size_t group_bytes(const struct wrt_threads_config *config)
{
    return sizeof(struct wrt_threads) + config->max_threads * sizeof(struct thread);
}

static void enter(struct wrt_threads *group)
{
    (void)!wrt_mutex_lock(&group->gate);
}

static void leave(struct wrt_threads *group)
{
    (void)wrt_mutex_unlock(&group->gate);
}

static void wait_for_change(struct wrt_threads *group)
{
    (void)!wrt_condition_wait(&group->changed, &group->gate, UINT64_MAX, NULL);
}

/* ---- the phase; the gate is held ---- */

static bool is_running(const struct thread *thread)
{
    return thread->state == STATE_RUNNING || thread->state == STATE_PARKED;
}

/* `by`: the thread that does it; NULL: the first. */
static void change_phase(struct wrt_threads *group, enum phase phase, const struct thread *by)
{
    group->phase = phase;
    if (phase != PHASE_RUNNING) {
        for (uint32_t i = 0; i < group->config.max_threads; i++)
            if (is_running(&group->threads[i]) && &group->threads[i] != by)
                wrt_store_interrupt(group->threads[i].store);
        if (by) {
            group->has_interrupted_first = true;
            wrt_store_interrupt(group->store);
        }
    }
    (void)wrt_condition_broadcast(&group->changed);
}

static void note_outcome(struct wrt_threads *group, enum wrt_status status, uint32_t id,
                         struct wrt_store *store)
{
    group->outcome = (struct wrt_threads_outcome){
        .status = status,
        .thread = id,
        .exit_code = status == WRT_EXITED ? wrt_store_exit_code(store) : 0,
        .pause_reason = status == WRT_PAUSED ? wrt_store_pause_reason(store) : WRT_PAUSE_NONE,
    };
    if (status == WRT_ERR_TRAP)
        group->outcome.trap = *wrt_store_trap(store);
}

/* ---- a thread's life ---- */

static bool has_to_go(const struct wrt_threads *group)
{
    return group->phase == PHASE_ENDING;
}

/* Sleeps while the guest is paused. False: it has ended. */
static bool pass(struct thread *thread)
{
    struct wrt_threads *group = thread->group;
    enter(group);
    if (group->phase == PHASE_PAUSED) {
        thread->state = STATE_PARKED;
        (void)wrt_condition_broadcast(&group->changed); /* once: two would wake each other */
    }
    while (group->phase == PHASE_PAUSED)
        wait_for_change(group);
    thread->state = STATE_RUNNING;
    bool may_run = !has_to_go(group);
    leave(group);
    return may_run;
}

/* The thread's call paused: because all shall, or for a reason of its own, and then all do. */
static bool pause_and_pass(struct thread *thread)
{
    struct wrt_threads *group = thread->group;
    enter(group);
    if (group->phase == PHASE_RUNNING &&
        wrt_store_pause_reason(thread->store) != WRT_PAUSE_INTERRUPT) {
        note_outcome(group, WRT_PAUSED, thread->id, thread->store);
        change_phase(group, PHASE_PAUSED, thread);
    }
    leave(group);
    bool may_run = pass(thread);
    if (wrt_store_fuel_left(thread->store) == 0)
        wrt_store_set_fuel(thread->store, group->config.fuel);
    return may_run;
}

/* A call of WASI that touched a guard was left where it stood, with the gate of the descriptors
 * perhaps. Not the caller's: nothing happens. */
static void let_go_of_descriptors(struct wrt_wasi *wasi, enum wrt_status status)
{
    if (wasi && status == WRT_ERR_TRAP)
        wasi_leave(wasi);
}

/* Until the call that gave `status` ends. CLOSED: it was dropped. */
static enum wrt_status settle(struct thread *thread, enum wrt_status status)
{
    while (status == WRT_PAUSED) {
        if (!pause_and_pass(thread)) {
            wrt_store_drop(thread->store);
            return WRT_ERR_CLOSED;
        }
        status = wrt_store_resume_slots(thread->store, NULL, 0);
    }
    let_go_of_descriptors(thread->wasi, status);
    return status;
}

static enum wrt_status run_guest(struct thread *thread)
{
    if (!pass(thread))
        return WRT_ERR_CLOSED;
    enum wrt_status status = settle(thread, wrt_instance_start(thread->instance));
    if (status != WRT_OK)
        return status;
    const union wrt_slot arguments[2] = {{.i32 = thread->id}, {.i32 = thread->argument}};
    return settle(thread, wrt_function_call_slots(thread->store, thread->entry, arguments, 2,
                                                  NULL, 0));
}

/* Gives back what make_guest took. */
static void unmake_guest(struct thread *thread)
{
    struct wrt_threads *group = thread->group;
    (void)!wrt_store_destroy(thread->store);
    wrt_wasi_destroy_view(thread->wasi);
    wrt_partition_uncharge(group->partition, WRT_CHARGE_STACK, group->config.host_stack_bytes);
    thread->store = NULL;
    thread->wasi = NULL;
}

static void live(struct thread *thread)
{
    struct wrt_threads *group = thread->group;
    enum wrt_status status = run_guest(thread);
    enter(group);
    if (status != WRT_OK && status != WRT_ERR_CLOSED && group->phase != PHASE_ENDING) {
        note_outcome(group, status, thread->id, thread->store);
        change_phase(group, PHASE_ENDING, thread);
    }
    thread->state = STATE_LEAVING;
    leave(group);
    unmake_guest(thread);
    enter(group);
    thread->state = STATE_GONE;
    (void)wrt_condition_broadcast(&group->changed);
    leave(group);
}

/* Where and at what priority: as the partition says, then as the config does. */
static enum wrt_status take_its_place(const struct wrt_threads *group)
{
    enum wrt_status status = wrt_partition_adopt_thread(group->partition, NULL);
    if (status == WRT_OK && group->config.affinity != 0)
        status = wrt_port_thread_set_affinity(group->config.affinity);
    if (status == WRT_OK && group->config.priority != 0)
        status = wrt_port_thread_set_priority(group->config.priority);
    return status;
}

/* A thread is inside of its partition as long as it lives, asleep too: what it sleeps on is in
 * there. Until it is inside, the one that spawns it is and waits. */
static void body(void *context)
{
    struct thread *thread = context;
    struct wrt_threads *group = thread->group;
    struct wrt_partition_guard guard;
    bool is_inside = wrt_partition_guard_enter(&guard, group->partition) == WRT_OK;
    if (is_inside && take_its_place(group) != WRT_OK) {
        (void)wrt_partition_guard_leave(&guard); /* who spawns is inside */
        is_inside = false;
    }
    enter(group);
    if (is_inside)
        thread->state = STATE_RUNNING;
    thread->is_shut_out = !is_inside;
    (void)wrt_condition_broadcast(&group->changed);
    leave(group);
    if (!is_inside)
        return;
    live(thread);
    (void)wrt_partition_guard_leave(&guard);
}

/* ---- spawning ---- */

static enum wrt_status define_imports(struct wrt_threads *group, struct wrt_store *store,
                                      struct wrt_memory *memory, struct wrt_error *error);

static enum wrt_status find_imports(struct thread *thread, struct wrt_extern *imports,
                                    uint32_t count, struct wrt_error *error)
{
    for (uint32_t i = 0; i < count; i++) {
        struct wrt_module_import import;
        if (wrt_module_get_import(thread->group->module, i, &import) != WRT_OK ||
            !wrt_store_find(thread->store, import.module, import.name, &imports[i]))
            return wrt_fail(error, WRT_ERR_UNLINKABLE, "import %u of a thread is unknown", i);
    }
    return WRT_OK;
}

/* Everything of the instance but its start function, which is the thread's to run. */
static enum wrt_status instantiate(struct thread *thread, struct wrt_error *error)
{
    struct wrt_partition *partition = thread->group->partition;
    struct wrt_module_info info;
    void *imports = NULL;
    wrt_module_get_info(thread->group->module, &info);
    const size_t bytes = info.import_count * sizeof(struct wrt_extern);
    enum wrt_status status =
        wrt_partition_allocate(partition, WRT_CHARGE_HOST, bytes, 0, &imports, error);
    if (status != WRT_OK)
        return status;
    status = find_imports(thread, imports, info.import_count, error);
    if (status == WRT_OK)
        status = wrt_store_instantiate_with(thread->store, thread->group->module, imports,
                                            info.import_count, true, &thread->instance, error);
    wrt_partition_free(partition, WRT_CHARGE_HOST, imports, bytes);
    return status;
}

static enum wrt_status find_entry(struct thread *thread, struct wrt_error *error)
{
    struct wrt_extern item;
    struct wrt_extern_type type;
    if (wrt_instance_export(thread->instance, "wasi_thread_start", &item) != WRT_OK ||
        item.kind != WRT_EXTERN_FUNCTION)
        return wrt_fail(error, WRT_ERR_NOT_FOUND, "no function wasi_thread_start is exported");
    wrt_extern_get_type(item, &type);
    if (type.function.parameter_count != 2 || type.function.result_count != 0 ||
        type.function.parameters[0] != WRT_I32 || type.function.parameters[1] != WRT_I32)
        return wrt_fail(error, WRT_ERR_TYPE, "wasi_thread_start is not (i32, i32)");
    thread->entry = item.of.function;
    return WRT_OK;
}

static enum wrt_status fill_store(struct thread *thread, struct wrt_error *error)
{
    struct wrt_threads *group = thread->group;
    struct wrt_memory *memory = NULL;
    wrt_store_set_fuel(thread->store, group->config.fuel);
    enum wrt_status status = wrt_memory_share(group->memory, thread->store, &memory, error);
    if (status == WRT_OK && group->wasi)
        status = wrt_wasi_create_view(group->wasi, &thread->wasi, error);
    if (status == WRT_OK && group->wasi)
        status = wrt_wasi_define(thread->store, thread->wasi, error);
    if (status == WRT_OK)
        status = define_imports(group, thread->store, memory, error);
    if (status == WRT_OK && group->config.define)
        status = group->config.define(group->config.context, thread->store, error);
    if (status == WRT_OK)
        status = instantiate(thread, error);
    return status == WRT_OK ? find_entry(thread, error) : status;
}

/* Takes all memory that the thread needs, and nothing if that is refused. */
static enum wrt_status make_guest(struct thread *thread)
{
    struct wrt_threads *group = thread->group;
    struct wrt_error error = {0};
    enum wrt_status status = wrt_partition_charge(group->partition, WRT_CHARGE_STACK,
                                                  group->config.host_stack_bytes, &error);
    if (status != WRT_OK)
        return status;
    thread->store = NULL;
    thread->wasi = NULL;
    status = wrt_store_create(group->partition, &group->config.store, &thread->store, &error);
    if (status == WRT_OK)
        status = fill_store(thread, &error);
    if (status != WRT_OK)
        unmake_guest(thread);
    return status;
}

/* A place in the list, MAKING; NULL if there is none or the guest ends. The gate is held. */
static struct thread *take_place(struct wrt_threads *group)
{
    for (uint32_t i = 0; i < group->config.max_threads && !has_to_go(group); i++) {
        struct thread *thread = &group->threads[i];
        if (thread->state == STATE_GONE && wrt_port_thread_join(&thread->host) == WRT_OK)
            thread->state = STATE_FREE;
        if (thread->state != STATE_FREE)
            continue;
        thread->state = STATE_MAKING;
        group->last_id = group->last_id == MOST_IDS ? 1 : group->last_id + 1;
        thread->id = group->last_id;
        return thread;
    }
    return NULL;
}

static void set_state(struct thread *thread, enum state state)
{
    enter(thread->group);
    thread->state = state;
    (void)wrt_condition_broadcast(&thread->group->changed);
    leave(thread->group);
}

/* Waits until the new thread is in the partition, or found that it cannot be. */
static bool is_let_in(struct thread *thread)
{
    enter(thread->group);
    while (thread->state == STATE_MAKING && !thread->is_shut_out)
        wait_for_change(thread->group);
    const bool is_in = !thread->is_shut_out;
    leave(thread->group);
    return is_in;
}

static enum wrt_status start(struct thread *thread)
{
    const struct wrt_threads_config *config = &thread->group->config;
    const struct wrt_port_thread_config host = {
        .stack_bytes = (size_t)config->host_stack_bytes,
        .name = "wrt-guest",
    };
    enum wrt_status status = make_guest(thread);
    if (status != WRT_OK)
        return status;
    thread->is_shut_out = false;
    status = wrt_port_thread_create(&host, body, thread, &thread->host);
    if (status == WRT_OK && !is_let_in(thread))
        status = wrt_port_thread_join(&thread->host) == WRT_OK ? WRT_ERR_DENIED : WRT_ERR_IO;
    if (status != WRT_OK)
        unmake_guest(thread);
    return status;
}

/* wasi.thread-spawn */
static enum wrt_status spawn(struct wrt_caller *caller, void *context,
                             const union wrt_slot *arguments, union wrt_slot *results)
{
    struct wrt_threads *group = context;
    (void)caller;
    results[0].i32 = (uint32_t)GUEST_EAGAIN;
    enter(group);
    struct thread *thread = take_place(group);
    leave(group);
    if (!thread)
        return WRT_OK;
    const uint32_t id = thread->id;
    thread->argument = arguments[0].i32;
    if (start(thread) == WRT_OK)
        results[0].i32 = id;
    else
        set_state(thread, STATE_FREE);
    return WRT_OK;
}

static enum wrt_status define_imports(struct wrt_threads *group, struct wrt_store *store,
                                      struct wrt_memory *memory, struct wrt_error *error)
{
    const struct wrt_extern item = {.kind = WRT_EXTERN_MEMORY, .of.memory = memory};
    enum wrt_status status =
        wrt_store_define(store, group->memory_module, group->memory_name, item, error);
    return status == WRT_OK ? wrt_store_define_function(store, "wasi", "thread-spawn", "i:i",
                                                        spawn, group, error)
                            : status;
}

/* ---- create ---- */

static enum wrt_status check_config(struct wrt_threads_config *config, struct wrt_error *error)
{
    if (config->max_threads == 0)
        config->max_threads = DEFAULT_THREADS;
    if (config->host_stack_bytes == 0)
        config->host_stack_bytes = DEFAULT_HOST_STACK;
    if (config->fuel == 0)
        config->fuel = UINT64_MAX;
    if (config->max_threads > MOST_THREADS)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "max_threads is above %d", MOST_THREADS);
    if (config->host_stack_bytes < 65536 || config->host_stack_bytes > (UINT64_C(1) << 30))
        return wrt_fail(error, WRT_ERR_ARGUMENT, "host_stack_bytes is not in 64 KiB .. 1 GiB");
    if (config->priority < 0)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "priority is %d", config->priority);
    return WRT_OK;
}

static bool copy_name(struct wrt_bytes name, char out[NAME_BYTES])
{
    if (name.size_bytes >= NAME_BYTES || memchr(name.data, '\0', name.size_bytes))
        return false;
    memcpy(out, name.data, name.size_bytes);
    out[name.size_bytes] = '\0';
    return true;
}

static enum wrt_status make_memory(struct wrt_threads *group, struct wrt_error *error)
{
    struct wrt_module_import import;
    for (uint32_t i = 0; wrt_module_get_import(group->module, i, &import) == WRT_OK; i++) {
        if (import.type.kind != WRT_EXTERN_MEMORY || !import.type.memory.is_shared)
            continue;
        if (!copy_name(import.module, group->memory_module) ||
            !copy_name(import.name, group->memory_name))
            return wrt_fail(error, WRT_ERR_LIMIT, "the name of the memory is too long");
        return wrt_memory_create(group->store, &import.type.memory, &group->memory, error);
    }
    return wrt_fail(error, WRT_ERR_ARGUMENT, "the module imports no shared memory");
}

static enum wrt_status init_group(struct wrt_threads *group, struct wrt_error *error)
{
    enum wrt_status status = wrt_mutex_init(&group->gate, NULL);
    if (status != WRT_OK)
        return wrt_fail(error, status, "this system has no locks");
    for (uint32_t i = 0; i < group->config.max_threads; i++)
        group->threads[i].group = group;
    if (group->wasi)
        status = wrt_wasi_make_shareable(group->wasi);
    if (status == WRT_OK)
        status = make_memory(group, error);
    if (status == WRT_OK)
        status = define_imports(group, group->store, group->memory, error);
    if (status != WRT_OK)
        (void)!wrt_mutex_deinit(&group->gate);
    return status;
}

enum wrt_status wrt_threads_create(struct wrt_store *store, struct wrt_module *module,
                                   struct wrt_wasi *wasi,
                                   const struct wrt_threads_config *config,
                                   struct wrt_threads **out, struct wrt_error *error)
{
    struct wrt_threads_config chosen = {0};
    void *block = NULL;
    if (!store || !module || !out)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "store, module and out must not be NULL");
    if (config)
        chosen = *config;
    enum wrt_status status = check_config(&chosen, error);
    struct wrt_partition *partition = wrt_store_partition(store);
    if (status == WRT_OK)
        status = wrt_partition_allocate(partition, WRT_CHARGE_HOST, group_bytes(&chosen), 0,
                                        &block, error);
    if (status != WRT_OK)
        return status;
    memset(block, 0, group_bytes(&chosen));
    struct wrt_threads *group = block;
    group->partition = partition;
    group->store = store;
    group->module = module;
    group->wasi = wasi;
    group->config = chosen;
    status = init_group(group, error);
    if (status == WRT_OK)
        *out = group;
    else
        wrt_partition_free(partition, WRT_CHARGE_HOST, group, group_bytes(&chosen));
    return status;
}

/* ---- the first thread ---- */

static bool some_are(const struct wrt_threads *group, enum state least, enum state most)
{
    for (uint32_t i = 0; i < group->config.max_threads; i++)
        if (group->threads[i].state >= least && group->threads[i].state <= most)
            return true;
    return false;
}

/* Everybody else is joined. The gate is held. */
static void wait_for_end(struct wrt_threads *group)
{
    while (some_are(group, STATE_MAKING, STATE_LEAVING))
        wait_for_change(group);
    for (uint32_t i = 0; i < group->config.max_threads; i++) {
        struct thread *thread = &group->threads[i];
        if (thread->state == STATE_GONE && wrt_port_thread_join(&thread->host) == WRT_OK)
            thread->state = STATE_FREE;
    }
}

static enum wrt_status pause_all(struct wrt_threads *group)
{
    if (group->phase == PHASE_RUNNING) {
        note_outcome(group, WRT_PAUSED, 0, group->store);
        change_phase(group, PHASE_PAUSED, NULL);
    }
    while (group->phase == PHASE_PAUSED &&
           (some_are(group, STATE_MAKING, STATE_RUNNING) ||
            some_are(group, STATE_LEAVING, STATE_LEAVING)))
        wait_for_change(group);
    return WRT_PAUSED;
}

/* What the end or pause of the first store's call means for all. */
static enum wrt_status conclude(struct wrt_threads *group, enum wrt_status status)
{
    let_go_of_descriptors(group->wasi, status);
    enter(group);
    if (status == WRT_PAUSED && group->phase != PHASE_ENDING)
        status = pause_all(group);
    if (group->phase == PHASE_ENDING) { /* another thread's doing */
        wrt_store_drop(group->store);
        status = group->outcome.status;
    } else if (status == WRT_EXITED || status == WRT_ERR_TRAP) {
        note_outcome(group, status, 0, group->store);
        change_phase(group, PHASE_ENDING, NULL);
    }
    if (group->phase == PHASE_ENDING)
        wait_for_end(group);
    leave(group);
    return status;
}

/* All may run. False: the guest has ended. */
static bool let_run(struct wrt_threads *group)
{
    enter(group);
    const bool may_run = !has_to_go(group);
    if (may_run) {
        /* What a thread asked of the first one has been answered. */
        if (group->has_interrupted_first)
            wrt_store_clear_interrupt(group->store);
        group->has_interrupted_first = false;
        group->outcome = (struct wrt_threads_outcome){.status = WRT_OK};
        change_phase(group, PHASE_RUNNING, NULL);
    }
    leave(group);
    return may_run;
}

enum wrt_status wrt_threads_call(struct wrt_threads *threads, struct wrt_function *function,
                                 const union wrt_slot *arguments, uint32_t argument_count,
                                 union wrt_slot *results, uint32_t result_count)
{
    if (!let_run(threads))
        return WRT_ERR_STATE;
    return conclude(threads, wrt_function_call_slots(threads->store, function, arguments,
                                                     argument_count, results, result_count));
}

enum wrt_status wrt_threads_resume(struct wrt_threads *threads, union wrt_slot *results,
                                   uint32_t result_count)
{
    if (!let_run(threads))
        return WRT_ERR_STATE;
    return conclude(threads, wrt_store_resume_slots(threads->store, results, result_count));
}

void wrt_threads_get_outcome(struct wrt_threads *threads, struct wrt_threads_outcome *out)
{
    enter(threads);
    *out = threads->outcome;
    leave(threads);
}

uint32_t wrt_threads_count(struct wrt_threads *threads)
{
    uint32_t count = 0;
    enter(threads);
    for (uint32_t i = 0; i < threads->config.max_threads; i++)
        count += threads->threads[i].state != STATE_FREE && threads->threads[i].state != STATE_GONE;
    leave(threads);
    return count;
}

void wrt_threads_destroy(struct wrt_threads *threads)
{
    if (!threads)
        return;
    enter(threads);
    change_phase(threads, PHASE_ENDING, NULL);
    wait_for_end(threads);
    leave(threads);
    wrt_store_drop(threads->store);
    (void)!wrt_mutex_deinit(&threads->gate);
    wrt_partition_free(threads->partition, WRT_CHARGE_HOST, threads,
                       group_bytes(&threads->config));
}
