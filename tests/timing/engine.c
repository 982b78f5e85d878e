/* engine.c - calls in and out of a guest, and what a host reads of it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "timing.h"

#include "timing_module.h"

static struct wrt_partition *partition;
static struct wrt_module *module;
static struct wrt_store *store;
static struct wrt_instance *instance;
static struct wrt_error error;
static struct wrt_extern found;
static union wrt_slot in[2], out;
static uint8_t bytes[65536];

static enum wrt_status host_nothing(struct wrt_caller *caller, void *context,
                                    const union wrt_slot *arguments, union wrt_slot *results)
{
    (void)caller;
    (void)context;
    (void)arguments;
    (void)results;
    return WRT_OK;
}

static void begin_export(const char *name)
{
    TIMING_MUST(wrt_partition_create(NULL, NULL, &partition, &error));
    TIMING_MUST(wrt_module_load(partition, NULL, timing_module, sizeof timing_module, &module,
                                &error));
    TIMING_MUST(wrt_store_create(partition, NULL, &store, &error));
    TIMING_MUST(wrt_store_define_function(store, "host", "nothing", ":", host_nothing, NULL,
                                          &error));
    TIMING_MUST(wrt_store_instantiate(store, module, &instance, &error));
    TIMING_MUST(wrt_instance_export(instance, name, &found));
}

static void end_guest(void)
{
    TIMING_MUST(wrt_store_destroy(store));
    TIMING_MUST(wrt_module_destroy(module));
    TIMING_MUST(wrt_partition_destroy(partition, &error));
}

#define BEGIN(export)                    \
    static void begin_##export(void)     \
    {                                    \
        begin_export(#export);           \
    }
BEGIN(add)
BEGIN(call_host)
BEGIN(grow)
BEGIN(trap)
BEGIN(indirect)
BEGIN(down)
BEGIN(fill)
BEGIN(spin)
BEGIN(memory)
BEGIN(table)
BEGIN(global)

static void call_slots(uint32_t parameters, uint32_t results)
{
    timing_status = wrt_function_call_slots(store, found.of.function, in, parameters, &out, results);
}

static void call_add(void)
{
    call_slots(2, 1);
}

static void call_add_checked(void)
{
    static const struct wrt_value arguments[2] = {{.type = WRT_I32}, {.type = WRT_I32}};
    struct wrt_value result;

    timing_status = wrt_function_call(store, found.of.function, arguments, 2, &result, 1);
}

static void call_nothing(void)
{
    call_slots(0, 0);
}

static void call_result(void)
{
    call_slots(0, 1);
}

static void call_down(void)
{
    in[0].i32 = 1000;
    call_slots(1, 0);
}

static void call_trap(void)
{
    call_slots(0, 0);
    timing_status = timing_status == WRT_ERR_TRAP ? WRT_OK : WRT_ERR_STATE;
}

/* ---- pausing ---- */

static void give_fuel(uint32_t turn)
{
    (void)turn;
    wrt_store_set_fuel(store, 1);
}

static void start_spinning(uint32_t turn)
{
    give_fuel(turn);
    call_slots(0, 0);
    wrt_store_set_fuel(store, 1);
}

static void pause(void)
{
    call_slots(0, 0);
    timing_status = timing_status == WRT_PAUSED ? WRT_OK : WRT_ERR_STATE;
}

static void resume(void)
{
    enum wrt_status status = wrt_store_resume_slots(store, NULL, 0);

    timing_status = status == WRT_PAUSED ? WRT_OK : WRT_ERR_STATE;
}

static void drop(uint32_t turn)
{
    (void)turn;
    wrt_store_drop(store);
}

static void interrupt(void)
{
    wrt_store_interrupt(store);
}

static void clear_interrupt(uint32_t turn)
{
    (void)turn;
    wrt_store_clear_interrupt(store);
}

/* ---- objects ---- */

static void renew(uint32_t turn)
{
    (void)turn;
    end_guest();
    begin_grow();
}

static void find_export(void)
{
    struct wrt_extern item;

    timing_status = wrt_instance_export(instance, "spin", &item);
}

static void read_word(void)
{
    timing_status = wrt_memory_read(found.of.memory, 65528, bytes, 8);
}

static void write_all(void)
{
    timing_status = wrt_memory_write(found.of.memory, 0, bytes, sizeof bytes);
}

static void read_beyond(void)
{
    enum wrt_status status = wrt_memory_read(found.of.memory, UINT64_MAX, bytes, 8);

    timing_status = status == WRT_ERR_BOUNDS ? WRT_OK : WRT_ERR_STATE;
}

static void get_element(void)
{
    timing_status = wrt_table_get(found.of.table, 0, &out);
}

static void set_element(void)
{
    timing_status = wrt_table_set(found.of.table, 15, out);
}

static void get_global(void)
{
    out = wrt_global_get(found.of.global);
}

static void set_global(void)
{
    timing_status = wrt_global_set(found.of.global, out);
}

static void scrub(void)
{
    timing_status = wrt_store_scrub(store, 1, &error);
}

static void read_clock(void)
{
    out.i64 = wrt_time_now_ns();
}

#define CALL(text, begin_function, run_function)                                             \
    {.name = "wrt_function_call_slots: " text, .bound = "by the guest's fuel; allocates nothing", \
     .begin = begin_function, .run = run_function, .end = end_guest}

static const struct timing_operation operations[] = {
    CALL("add", begin_add, call_add),
    {.name = "wrt_function_call: add, with types", .bound = "by the guest's fuel; allocates nothing",
     .begin = begin_add, .run = call_add_checked, .end = end_guest},
    CALL("and out to a host function", begin_call_host, call_nothing),
    CALL("an indirect call", begin_indirect, call_result),
    {.name = "wrt_function_call_slots: 1,000 calls deep", .bound = "by the guest's fuel",
     .begin = begin_down, .run = call_down, .end = end_guest, .most_runs = 1000000},
    CALL("memory.fill of 64 KiB", begin_fill, call_nothing),
    CALL("a trap", begin_trap, call_trap),
    {.name = "wrt_function_call_slots: memory.grow by a page", .bound = "two calls of the system",
     .begin = begin_grow, .before = renew, .run = call_result, .end = end_guest, .system_calls = 2,
     .most_runs = 20000},
    {.name = "wrt_function_call_slots: paused by fuel", .bound = "a loop turn",
     .begin = begin_spin, .before = give_fuel, .run = pause, .after = drop, .end = end_guest},
    {.name = "wrt_store_resume_slots: paused again", .bound = "a loop turn",
     .begin = begin_spin, .before = start_spinning, .run = resume, .after = drop,
     .end = end_guest},
    {.name = "wrt_store_interrupt", .bound = "O(buckets + waiters)", .begin = begin_spin,
     .run = interrupt, .after = clear_interrupt, .end = end_guest},
    {.name = "wrt_instance_export: of 12", .bound = "O(log exports)", .begin = begin_add,
     .run = find_export, .end = end_guest},
    {.name = "wrt_memory_read: 8 bytes", .bound = "O(size)", .begin = begin_memory,
     .run = read_word, .end = end_guest},
    {.name = "wrt_memory_read: refused", .bound = "O(1)", .begin = begin_memory,
     .run = read_beyond, .end = end_guest},
    {.name = "wrt_memory_write: 64 KiB", .bound = "O(size)", .begin = begin_memory,
     .run = write_all, .end = end_guest, .most_runs = 1000000},
    {.name = "wrt_table_get", .bound = "O(1)", .begin = begin_table, .run = get_element,
     .end = end_guest},
    {.name = "wrt_table_set", .bound = "O(1)", .begin = begin_table, .run = set_element,
     .end = end_guest},
    {.name = "wrt_global_get", .bound = "O(1)", .begin = begin_global, .run = get_global,
     .end = end_guest},
    {.name = "wrt_global_set", .bound = "O(1)", .begin = begin_global, .run = set_global,
     .end = end_guest},
    {.name = "wrt_store_scrub: one piece", .bound = "O(pieces)", .begin = begin_add,
     .run = scrub, .end = end_guest, .turns = 16},
    {.name = "wrt_time_now_ns", .bound = "one reading of the clock", .run = read_clock},
};
const struct timing_list timing_engine = {operations, sizeof operations / sizeof *operations};
