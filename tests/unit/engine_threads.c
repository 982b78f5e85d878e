/* engine_threads.c - several stores, each in a thread of its own, that share one memory.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <time.h>

#include "engine_fixture.h"
#include "wasm_writer.h"

enum { PAGE = 65536, MOST = 8 };

/* One partition and one module; a store for each guest thread. */
struct guests {
    struct wrt_partition *partition;
    struct wrt_module *module;
    struct wrt_store *stores[MOST];
    struct wrt_instance *instances[MOST];
    struct wrt_memory *memories[MOST];
    uint32_t count;
    struct wrt_error error;
};

static void open_guests(struct guests *g, uint32_t count)
{
    const struct wrt_arena_config arena = {.is_shared = true};
    const struct wrt_partition_config config = {.name = "threads", .arena = &arena};
    size_t size;
    uint8_t *bytes = fixture_bytes("threads", &size);
    memset(g, 0, sizeof *g);
    assert_status(wrt_partition_create(NULL, &config, &g->partition, &g->error), WRT_OK);
    assert_status(wrt_module_load(g->partition, NULL, bytes, size, &g->module, &g->error),
                  WRT_OK);
    free(bytes);
    g->count = count;
    for (uint32_t i = 0; i < count; i++) {
        const struct wrt_memory_type type = {
            .limits = {.minimum = 1, .maximum = 16, .has_maximum = true}, .is_shared = true};
        struct wrt_extern item = {.kind = WRT_EXTERN_MEMORY};
        assert_status(wrt_store_create(g->partition, NULL, &g->stores[i], &g->error), WRT_OK);
        if (i == 0)
            assert_status(wrt_memory_create(g->stores[0], &type, &item.of.memory, &g->error),
                          WRT_OK);
        else
            assert_status(wrt_memory_share(g->memories[0], g->stores[i], &item.of.memory,
                                           &g->error), WRT_OK);
        g->memories[i] = item.of.memory;
        assert_status(wrt_store_instantiate_with(g->stores[i], g->module, &item, 1, false,
                                                 &g->instances[i], &g->error), WRT_OK);
    }
}

static void close_guests(struct guests *g)
{
    for (uint32_t i = 0; i < g->count; i++)
        assert_status(wrt_store_destroy(g->stores[i]), WRT_OK);
    assert_status(wrt_module_destroy(g->module), WRT_OK);
    assert_int_equal(partition_live_bytes(g->partition), 0);
    assert_status(wrt_partition_destroy(g->partition, &g->error), WRT_OK);
}

static struct wrt_function *function(struct guests *g, uint32_t guest, const char *name)
{
    struct wrt_extern item;
    assert_status(wrt_instance_export(g->instances[guest], name, &item), WRT_OK);
    return item.of.function;
}

static enum wrt_status call(struct guests *g, uint32_t guest, const char *name, uint32_t argument,
                            uint32_t *out)
{
    const union wrt_slot value = {.i32 = argument};
    union wrt_slot result = {.i64 = 0};
    const enum wrt_status status = wrt_function_call_slots(
        g->stores[guest], function(g, guest, name), &value, 1, &result, 1);
    *out = result.i32;
    return status;
}

static enum wrt_status call_2(struct guests *g, uint32_t guest, const char *name, uint32_t at,
                              uint64_t second, uint32_t *out)
{
    const union wrt_slot values[] = {{.i32 = at}, {.i64 = second}};
    union wrt_slot result = {.i64 = 0};
    const enum wrt_status status = wrt_function_call_slots(
        g->stores[guest], function(g, guest, name), values, 2, &result, 1);
    *out = result.i32;
    return status;
}

static uint32_t must(struct guests *g, uint32_t guest, const char *name, uint32_t argument)
{
    uint32_t out = 0;
    assert_status(call(g, guest, name, argument, &out), WRT_OK);
    return out;
}

static void require_trap(struct guests *g, uint32_t guest, const char *name, uint32_t argument,
                         enum wrt_trap_kind kind)
{
    uint32_t out = 0;
    assert_status(call(g, guest, name, argument, &out), WRT_ERR_TRAP);
    assert_int_equal(wrt_store_trap(g->stores[guest])->kind, kind);
}

/* ---- threads ---- */

struct job {
    struct guests *guests;
    uint32_t guest, argument, result;
    uint64_t second;
    const char *name;
    enum wrt_status status;
    pthread_t thread;
};

static void *run_job(void *context)
{
    struct job *job = context;
    const bool waits = strncmp(job->name, "wait", 4) == 0;
    job->status = waits ? call_2(job->guests, job->guest, job->name, job->argument, job->second,
                                 &job->result)
                        : call(job->guests, job->guest, job->name, job->argument, &job->result);
    return NULL;
}

static void start(struct job *job)
{
    assert_int_equal(pthread_create(&job->thread, NULL, run_job, job), 0);
}

static void finish(struct job *job, enum wrt_status status, uint32_t result)
{
    assert_int_equal(pthread_join(job->thread, NULL), 0);
    assert_status(job->status, status);
    if (status == WRT_OK)
        assert_int_equal(job->result, result);
}

static void finish_ok(struct job *job)
{
    assert_int_equal(pthread_join(job->thread, NULL), 0);
    assert_status(job->status, WRT_OK);
}

static void doze(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Wakes until `count` were woken: the others may not be asleep yet. */
static void notify(struct guests *g, uint32_t guest, uint32_t at, uint32_t count)
{
    for (uint32_t total = 0; total < count; doze()) {
        uint32_t woken = 0;
        assert_status(call_2(g, guest, "notify", at, count - total, &woken), WRT_OK);
        assert_true(woken <= count - total);
        total += woken;
    }
}

static void test_atomics_add_up(void **state)
{
    (void)state;
    enum { THREADS = 4, ROUNDS = 50000 };
    struct guests g;
    struct job jobs[THREADS];
    open_guests(&g, THREADS);
    for (uint32_t i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){.guests = &g, .guest = i, .name = "add", .argument = ROUNDS};
        start(&jobs[i]);
    }
    for (uint32_t i = 0; i < THREADS; i++)
        finish_ok(&jobs[i]);
    assert_int_equal(must(&g, 0, "load_atomic", 64), THREADS * ROUNDS);
    close_guests(&g);
}

/* A lock of compare-and-swap, wait and notify, around a plain counter. */
static void test_lock_excludes(void **state)
{
    (void)state;
    enum { THREADS = 4, ROUNDS = 5000 };
    struct guests g;
    struct job jobs[THREADS];
    open_guests(&g, THREADS);
    for (uint32_t i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){.guests = &g, .guest = i, .name = "count", .argument = ROUNDS};
        start(&jobs[i]);
    }
    for (uint32_t i = 0; i < THREADS; i++)
        finish_ok(&jobs[i]);
    assert_int_equal(must(&g, 0, "load", 132), THREADS * ROUNDS);
    close_guests(&g);
}

static void test_wait_without_sleep(void **state)
{
    (void)state;
    struct guests g;
    uint32_t out = 9;
    open_guests(&g, 1);
    assert_status(call_2(&g, 0, "wait32", 8, 0, &out), WRT_OK);
    assert_int_equal(out, 2);
    assert_status(call_2(&g, 0, "wait64", 8, 1000000, &out), WRT_OK);
    assert_int_equal(out, 2);
    must(&g, 0, "store", 8);
    assert_status(call_2(&g, 0, "wait32", 8, UINT64_MAX, &out), WRT_OK);
    assert_int_equal(out, 1);
    assert_status(call_2(&g, 0, "wait64", 8, UINT64_MAX, &out), WRT_OK);
    assert_int_equal(out, 1);
    assert_status(call_2(&g, 0, "notify", 8, 1, &out), WRT_OK);
    assert_int_equal(out, 0);
    close_guests(&g);
}

static void test_notify_wakes_as_many_as_it_says(void **state)
{
    (void)state;
    struct guests g;
    struct job jobs[4];
    open_guests(&g, 5);
    for (uint32_t i = 0; i < 4; i++) {
        jobs[i] = (struct job){.guests = &g, .guest = i, .argument = 256, .second = UINT64_MAX,
                               .name = i % 2 ? "wait64" : "wait32"};
        start(&jobs[i]);
    }
    notify(&g, 4, 256, 4);
    for (uint32_t i = 0; i < 4; i++)
        finish(&jobs[i], WRT_OK, 0);
    close_guests(&g);
}

static void test_bad_waits_trap(void **state)
{
    (void)state;
    struct guests g;
    uint32_t out;
    open_guests(&g, 1);
    assert_status(call_2(&g, 0, "wait32", 2, 0, &out), WRT_ERR_TRAP);
    assert_int_equal(wrt_store_trap(g.stores[0])->kind, WRT_TRAP_UNALIGNED_ATOMIC);
    assert_string_equal(wrt_store_trap(g.stores[0])->text, "unaligned atomic");
    assert_status(call_2(&g, 0, "wait64", 4, 0, &out), WRT_ERR_TRAP);
    assert_int_equal(wrt_store_trap(g.stores[0])->kind, WRT_TRAP_UNALIGNED_ATOMIC);
    assert_status(call_2(&g, 0, "wait32", PAGE, 0, &out), WRT_ERR_TRAP);
    assert_int_equal(wrt_store_trap(g.stores[0])->kind, WRT_TRAP_OUT_OF_BOUNDS_MEMORY);
    assert_status(call_2(&g, 0, "notify", UINT32_MAX - 3, 1, &out), WRT_ERR_TRAP);
    assert_int_equal(wrt_store_trap(g.stores[0])->kind, WRT_TRAP_OUT_OF_BOUNDS_MEMORY);
    require_trap(&g, 0, "load_atomic", 2, WRT_TRAP_UNALIGNED_ATOMIC);
    require_trap(&g, 0, "load_atomic", PAGE, WRT_TRAP_OUT_OF_BOUNDS_MEMORY);
    close_guests(&g);
}

static void test_memory_of_one_thread(void **state)
{
    (void)state;
    struct fixture f;
    uint32_t out;
    fixture_start(&f, "unshared");
    assert_status(fixture_call(&f, "wait", 0, &out), WRT_ERR_TRAP);
    assert_string_equal(wrt_store_trap(f.store)->text, "expected shared memory");
    assert_status(fixture_call(&f, "notify", 0, &out), WRT_OK);
    assert_int_equal(out, 0);
    assert_status(fixture_call(&f, "add", 0, &out), WRT_OK);
    assert_int_equal(out, 3);
    assert_status(fixture_call(&f, "add", 1, &out), WRT_ERR_TRAP);
    assert_string_equal(wrt_store_trap(f.store)->text, "unaligned atomic");
    fixture_close(&f);
}

static enum wrt_status call_64(struct fixture *f, const char *name, uint64_t argument,
                               uint64_t *out)
{
    const union wrt_slot value = {.i64 = argument};
    union wrt_slot result = {.i64 = 0};
    const enum wrt_status status =
        wrt_function_call_slots(f->store, fixture_function(f, name), &value, 1, &result, 1);
    *out = result.i64;
    return status;
}

static void test_64_bit_addresses(void **state)
{
    (void)state;
    static const char *const accesses[] = {"add", "wait", "notify", "swap"};
    struct fixture f;
    uint64_t out;
    fixture_start(&f, "threads64");
    assert_status(call_64(&f, "add", 0, &out), WRT_OK);
    assert_int_equal((uint32_t)out, 0);
    assert_status(call_64(&f, "swap", 0, &out), WRT_OK);
    assert_int_equal(out, 5);
    assert_status(call_64(&f, "swap", 0, &out), WRT_OK);
    assert_int_equal(out, 6);
    assert_status(call_64(&f, "wait", 0, &out), WRT_OK);
    assert_int_equal((uint32_t)out, 1);
    for (unsigned i = 0; i < 4; i++) { /* the sum of address and offset does not wrap */
        assert_status(call_64(&f, accesses[i], UINT64_MAX - 7, &out), WRT_ERR_TRAP);
        assert_int_equal(wrt_store_trap(f.store)->kind, WRT_TRAP_OUT_OF_BOUNDS_MEMORY);
        assert_status(call_64(&f, accesses[i], (UINT64_C(1) << 32), &out), WRT_ERR_TRAP);
        assert_int_equal(wrt_store_trap(f.store)->kind, WRT_TRAP_OUT_OF_BOUNDS_MEMORY);
        assert_status(call_64(&f, accesses[i], 2, &out), WRT_ERR_TRAP);
        assert_int_equal(wrt_store_trap(f.store)->kind, WRT_TRAP_UNALIGNED_ATOMIC);
    }
    assert_status(call_64(&f, "grow", 1, &out), WRT_OK);
    assert_int_equal(out, 1);
    assert_status(call_64(&f, "grow", 1, &out), WRT_OK);
    assert_int_equal(out, UINT64_MAX);
    assert_status(call_64(&f, "size", 0, &out), WRT_OK);
    assert_int_equal(out, 2);
    assert_status(call_64(&f, "add", PAGE, &out), WRT_OK);
    fixture_close(&f);
}

/* A module with one memory and one function of no type whose body is `code`. */
static enum wrt_status load_code(const char *memory, size_t memory_bytes, const char *code,
                                 size_t code_bytes, uint64_t features_off)
{
    uint8_t bytes[256];
    struct wasm_writer w = {.bytes = bytes, .capacity = sizeof bytes};
    struct wrt_partition *partition;
    struct wrt_module *module = NULL;
    struct wrt_error error;
    const struct wrt_module_config config = {.features_off = features_off};
    wasm_header(&w);
    size_t section = wasm_open_section(&w, WASM_TYPE);
    wasm_u32(&w, 1);
    wasm_type(&w, ":");
    wasm_close(&w, section);
    section = wasm_open_section(&w, WASM_FUNCTION);
    wasm_bytes(&w, "\1\0", 2);
    wasm_close(&w, section);
    section = wasm_open_section(&w, WASM_MEMORY);
    wasm_byte(&w, 1);
    wasm_bytes(&w, memory, memory_bytes);
    wasm_close(&w, section);
    section = wasm_open_section(&w, WASM_CODE);
    wasm_byte(&w, 1);
    size_t function = wasm_open(&w);
    wasm_byte(&w, 0);
    wasm_bytes(&w, code, code_bytes);
    wasm_byte(&w, 0x0B);
    wasm_close(&w, function);
    wasm_close(&w, section);
    assert_false(w.overflowed);
    assert_status(wrt_partition_create(NULL, NULL, &partition, &error), WRT_OK);
    const enum wrt_status status =
        wrt_module_load(partition, &config, bytes, w.size, &module, &error);
    assert_status(wrt_module_destroy(module), WRT_OK);
    assert_status(wrt_partition_destroy(partition, &error), WRT_OK);
    return status;
}

#define SHARED "\3\1\2", 3
#define CODE(text) text, sizeof(text) - 1

static void test_what_is_invalid(void **state)
{
    (void)state;
    /* i32.const 0; i32.atomic.load; drop, with alignments 2 (natural), 1, 3 */
    assert_status(load_code(SHARED, CODE("\x41\0\xFE\x10\2\0\x1A"), 0), WRT_OK);
    assert_status(load_code(SHARED, CODE("\x41\0\xFE\x10\1\0\x1A"), 0), WRT_ERR_INVALID);
    assert_status(load_code(SHARED, CODE("\x41\0\xFE\x10\3\0\x1A"), 0), WRT_ERR_INVALID);
    /* operands of other types: i64.atomic.store of an i32 */
    assert_status(load_code(SHARED, CODE("\x41\0\x41\0\xFE\x18\3\0"), 0), WRT_ERR_INVALID);
    assert_status(load_code(SHARED, CODE("\x41\0\x42\0\xFE\x18\3\0"), 0), WRT_OK);
    /* fence, its zero byte, and one that is not zero */
    assert_status(load_code(SHARED, CODE("\xFE\3\0"), 0), WRT_OK);
    assert_status(load_code(SHARED, CODE("\xFE\3\1"), 0), WRT_ERR_MALFORMED);
    /* opcodes that do not exist, before and behind the accesses */
    assert_status(load_code(SHARED, CODE("\xFE\4"), 0), WRT_ERR_MALFORMED);
    assert_status(load_code(SHARED, CODE("\xFE\x0F"), 0), WRT_ERR_MALFORMED);
    assert_status(load_code(SHARED, CODE("\xFE\x4F\2\0"), 0), WRT_ERR_MALFORMED);
    /* a shared memory without a maximum; turned off */
    assert_status(load_code("\2\1", 2, CODE(""), 0), WRT_ERR_INVALID);
    assert_status(load_code(SHARED, CODE(""), WRT_FEATURE_BIT(THREADS)), WRT_ERR_INVALID);
    assert_status(load_code("\1\1\2", 3, CODE("\xFE\3\0"), WRT_FEATURE_BIT(THREADS)),
                  WRT_ERR_INVALID);
    /* nothing is emitted for code that cannot run, and it is validated all the same */
    assert_status(load_code(SHARED, CODE("\0\xFE\x48\2\0\x1A"), 0), WRT_OK);
    assert_status(load_code(SHARED, CODE("\0\xFE\2\3\0\xFE\x10\2\0\x1A"), 0), WRT_OK);
    assert_status(load_code(SHARED, CODE("\0\xFE\2\2\0\x1A"), 0), WRT_ERR_INVALID);
}

/* ---- stopping a wait ---- */

/* Two guests wait for ever for each other's lock; both can be stopped, resumed and dropped. */
static void test_deadlock_is_interruptible(void **state)
{
    (void)state;
    struct guests g;
    struct job jobs[2];
    open_guests(&g, 3);
    assert_status(wrt_function_call_slots(g.stores[2], function(&g, 2, "hold"), NULL, 0, NULL, 0),
                  WRT_OK);
    for (uint32_t i = 0; i < 2; i++) {
        jobs[i] = (struct job){.guests = &g, .guest = i, .name = "count", .argument = 1};
        start(&jobs[i]);
    }
    for (int i = 0; i < 5; i++)
        doze();
    for (uint32_t i = 0; i < 2; i++) {
        wrt_store_interrupt(g.stores[i]);
        finish(&jobs[i], WRT_PAUSED, 0);
        assert_int_equal(wrt_store_pause_reason(g.stores[i]), WRT_PAUSE_INTERRUPT);
    }
    uint32_t out;
    assert_status(call(&g, 0, "size", 0, &out), WRT_ERR_BUSY);
    wrt_store_drop(g.stores[0]);
    assert_int_equal(must(&g, 0, "size", 0), 1);
    close_guests(&g); /* the other one is still paused */
}

static void *resume_job(void *context)
{
    struct job *job = context;
    union wrt_slot result = {.i64 = 0};
    job->status = wrt_store_resume_slots(job->guests->stores[job->guest], &result, 1);
    job->result = result.i32;
    return NULL;
}

static void test_paused_wait_goes_on(void **state)
{
    (void)state;
    struct guests g;
    open_guests(&g, 2);
    struct job job = {.guests = &g, .guest = 0, .name = "wait32", .argument = 16,
                      .second = UINT64_MAX};
    start(&job);
    doze();
    for (int round = 0; round < 20; round++) {
        wrt_store_interrupt(g.stores[0]);
        finish(&job, WRT_PAUSED, 0);
        assert_int_equal(pthread_create(&job.thread, NULL, resume_job, &job), 0);
    }
    notify(&g, 1, 16, 1);
    finish(&job, WRT_OK, 0);
    close_guests(&g);
}

/* An interrupt that comes before the wait is not slept over. */
static void test_interrupt_before_wait(void **state)
{
    (void)state;
    struct guests g;
    uint32_t out;
    open_guests(&g, 1);
    wrt_store_interrupt(g.stores[0]);
    assert_status(call_2(&g, 0, "wait32", 16, UINT64_MAX, &out), WRT_PAUSED);
    close_guests(&g);
}

static void test_deadline_keeps_the_rest_of_the_timeout(void **state)
{
    (void)state;
    struct guests g;
    uint32_t out = 9;
    const uint64_t ms = 1000000, begun = wrt_time_now_ns();
    union wrt_slot result = {.i64 = 0};
    open_guests(&g, 1);
    wrt_store_set_deadline(g.stores[0], begun + 30 * ms);
    assert_status(call_2(&g, 0, "wait32", 16, 400 * ms, &out), WRT_PAUSED);
    assert_int_equal(wrt_store_pause_reason(g.stores[0]), WRT_PAUSE_DEADLINE);
    for (uint64_t i = 2; i <= 10; i++) {
        wrt_store_set_deadline(g.stores[0], begun + i * 30 * ms);
        assert_status(wrt_store_resume_slots(g.stores[0], &result, 1), WRT_PAUSED);
    }
    wrt_store_set_deadline(g.stores[0], 0);
    assert_status(wrt_store_resume_slots(g.stores[0], &result, 1), WRT_OK);
    assert_int_equal(result.i32, 2);
    const uint64_t took = wrt_time_now_ns() - begun;
    assert_true(took >= 400 * ms && took < 650 * ms); /* anew from the last pause: 700 */
    close_guests(&g);
}

/* ---- growth ---- */

static void test_growth_is_seen(void **state)
{
    (void)state;
    static const char *const accesses[] = {"load", "load_atomic", "store", "fill", "copy"};
    struct guests g;
    uint8_t byte = 1;
    open_guests(&g, 2);
    for (uint32_t i = 0; i < 5; i++) {
        const uint32_t end = (i + 1) * PAGE;
        require_trap(&g, 1, accesses[i], end, WRT_TRAP_OUT_OF_BOUNDS_MEMORY);
        assert_status(wrt_memory_read(g.memories[1], end, &byte, 1), WRT_ERR_BOUNDS);
        assert_int_equal(must(&g, 0, "grow", 1), i + 1);
        (void)must(&g, 1, accesses[i], end);
        require_trap(&g, 1, accesses[i], end + PAGE, WRT_TRAP_OUT_OF_BOUNDS_MEMORY);
    }
    assert_int_equal(must(&g, 0, "grow", 1), 6);
    assert_int_equal(wrt_memory_size_pages(g.memories[1]), 7);
    assert_status(wrt_memory_read(g.memories[1], 7 * PAGE - 1, &byte, 1), WRT_OK);
    assert_int_equal(byte, 0);
    assert_int_equal(must(&g, 1, "size", 0), 7);
    assert_int_equal(must(&g, 1, "grow", 2), 7);
    assert_int_equal(must(&g, 0, "grow", 8), UINT32_MAX);
    assert_int_equal(must(&g, 0, "grow", 0), 9);
    close_guests(&g);
}

struct growing {
    struct guests *guests;
    uint32_t guest;
};

static void *grow_by_turns(void *context)
{
    const struct growing *growing = context;
    for (uint32_t i = 0; i < 5; i++) {
        uint32_t old = 0, out = 0;
        if (call(growing->guests, growing->guest, "grow", 1, &old) != WRT_OK ||
            old == UINT32_MAX ||
            call(growing->guests, growing->guest, "store", old * PAGE, &out) != WRT_OK || out != 7)
            return context;
    }
    return NULL;
}

/* Each page is given to one grower only, and is there at once. */
static void test_growth_in_threads(void **state)
{
    (void)state;
    struct guests g;
    pthread_t threads[3];
    struct growing growing[3];
    open_guests(&g, 3);
    for (uint32_t i = 0; i < 3; i++) {
        growing[i] = (struct growing){&g, i};
        assert_int_equal(pthread_create(&threads[i], NULL, grow_by_turns, &growing[i]), 0);
    }
    for (uint32_t i = 0; i < 3; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(must(&g, i, "size", 0), 16);
    for (uint32_t page = 1; page < 16; page++)
        assert_int_equal(must(&g, page % 3, "load", page * PAGE), 7);
    close_guests(&g);
}

/* ---- fuel, limits, refusals ---- */

static void test_fuel_does_not_depend_on_others(void **state)
{
    (void)state;
    struct guests g;
    open_guests(&g, 2);
    wrt_store_set_fuel(g.stores[0], UINT64_MAX);
    (void)must(&g, 0, "add", 5000);
    const uint64_t alone = wrt_store_fuel_used(g.stores[0]);
    struct job other = {.guests = &g, .guest = 1, .name = "add", .argument = 20000};
    wrt_store_set_fuel(g.stores[0], UINT64_MAX);
    start(&other);
    (void)must(&g, 0, "add", 5000);
    finish_ok(&other);
    assert_int_equal(wrt_store_fuel_used(g.stores[0]), alone);
    close_guests(&g);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    struct guests g;
    struct fixture f;
    struct wrt_memory *memory = NULL;
    struct wrt_memory_type type = {.limits = {.minimum = 1}, .is_shared = true};
    open_guests(&g, 1);
    assert_status(wrt_memory_create(g.stores[0], &type, &memory, &g.error), WRT_ERR_ARGUMENT);
    fixture_start(&f, "unshared");
    struct wrt_extern own;
    assert_status(wrt_instance_export(f.instance, "memory", &own), WRT_OK);
    assert_status(wrt_memory_share(own.of.memory, g.stores[0], &memory, &g.error),
                  WRT_ERR_ARGUMENT);
    fixture_close(&f);
    const struct wrt_store_config native = {.pages.provider = WRT_PAGES_NATIVE};
    struct wrt_store *store = NULL;
    type.limits = (struct wrt_limits){.minimum = 1, .maximum = 2, .has_maximum = true};
    assert_status(wrt_store_create(g.partition, &native, &store, &g.error), WRT_OK);
    const uint64_t before = partition_live_bytes(g.partition);
    assert_status(wrt_memory_create(store, &type, &memory, &g.error), WRT_ERR_UNSUPPORTED);
    assert_int_equal(partition_live_bytes(g.partition), before);
    assert_status(wrt_store_destroy(store), WRT_OK);
    close_guests(&g);
}

static _Atomic uint32_t trapped;

static void *wait_for_ever(void *context)
{
    struct wrt_store *store = context;
    struct wrt_function *wait;
    struct wrt_extern item;
    const union wrt_slot values[] = {{.i32 = 32}, {.i64 = UINT64_MAX}};
    union wrt_slot result = {.i64 = 9};
    if (!wrt_store_find(store, (struct wrt_bytes){(const uint8_t *)"m", 1},
                        (struct wrt_bytes){(const uint8_t *)"wait64", 6}, &item))
        return NULL;
    wait = item.of.function;
    const enum wrt_status status = wrt_function_call_slots(store, wait, values, 2, &result, 1);
    if (status == WRT_ERR_TRAP && wrt_store_trap(store)->kind == WRT_TRAP_TOO_MANY_WAITERS)
        trapped++;
    return status == WRT_OK || status == WRT_ERR_TRAP ? context : NULL;
}

/* More waiters than a memory has places for: those beyond trap, the others wait on. */
static void test_too_many_waiters(void **state)
{
    (void)state;
    enum { WAITERS = WRT_FUTEX_MAX_WAITERS + 2 };
    static struct wrt_store *stores[WAITERS];
    static pthread_t threads[WAITERS];
    const struct wrt_store_config small = {.stack_bytes = 8192};
    pthread_attr_t attributes;
    struct guests g;
    open_guests(&g, 1);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 256 * 1024);
    for (uint32_t i = 0; i < WAITERS; i++) {
        struct wrt_extern item = {.kind = WRT_EXTERN_MEMORY};
        struct wrt_instance *instance;
        assert_status(wrt_store_create(g.partition, &small, &stores[i], &g.error), WRT_OK);
        assert_status(wrt_memory_share(g.memories[0], stores[i], &item.of.memory, &g.error),
                      WRT_OK);
        assert_status(wrt_store_instantiate_with(stores[i], g.module, &item, 1, false, &instance,
                                                 &g.error), WRT_OK);
        assert_status(wrt_store_define_instance(stores[i], "m", instance, &g.error), WRT_OK);
        assert_int_equal(pthread_create(&threads[i], &attributes, wait_for_ever, stores[i]), 0);
    }
    while (trapped < WAITERS - WRT_FUTEX_MAX_WAITERS)
        doze();
    notify(&g, 0, 32, WRT_FUTEX_MAX_WAITERS);
    for (uint32_t i = 0; i < WAITERS; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_non_null(result);
        assert_status(wrt_store_destroy(stores[i]), WRT_OK);
    }
    assert_int_equal(trapped, WAITERS - WRT_FUTEX_MAX_WAITERS);
    pthread_attr_destroy(&attributes);
    close_guests(&g);
}

/* A memory outlives the store that made it, until its last view is gone. */
static void test_maker_goes_first(void **state)
{
    (void)state;
    struct guests g;
    open_guests(&g, 2);
    (void)must(&g, 0, "store", 512);
    assert_status(wrt_store_destroy(g.stores[0]), WRT_OK);
    assert_int_equal(must(&g, 1, "load", 512), 7);
    assert_int_equal(must(&g, 1, "grow", 1), 1);
    g.stores[0] = NULL;
    close_guests(&g);
}

/* ---- snapshots: only of a memory that no other store has ---- */

struct snapshot {
    uint8_t bytes[256 * 1024];
    size_t size;
};

static enum wrt_status keep(void *context, const void *bytes, size_t size)
{
    struct snapshot *s = context;
    if (size > sizeof s->bytes - s->size)
        return WRT_ERR_NO_SPACE;
    memcpy(s->bytes + s->size, bytes, size);
    s->size += size;
    return WRT_OK;
}

static void test_snapshot(void **state)
{
    (void)state;
    static struct snapshot s;
    struct guests from, to, pair;
    union wrt_slot result = {.i64 = 0};
    uint32_t out;
    open_guests(&from, 1);
    open_guests(&to, 1);
    open_guests(&pair, 2);
    s.size = 0;
    assert_status(wrt_memory_grow(from.memories[0], 2, NULL, NULL), WRT_OK);
    assert_status(wrt_memory_write(from.memories[0], 2 * PAGE + 7, "shared", 6), WRT_OK);
    wrt_store_set_fuel(from.stores[0], 500);
    assert_status(call(&from, 0, "add", 1000, &out), WRT_PAUSED);
    assert_status(wrt_instance_snapshot(from.instances[0], keep, &s, &from.error), WRT_OK);
    assert_status(wrt_instance_restore(pair.instances[1], s.bytes, s.size, &pair.error),
                  WRT_ERR_UNSUPPORTED);
    assert_non_null(strstr(pair.error.text, "other stores use"));
    assert_status(wrt_instance_restore(to.instances[0], s.bytes, s.size, &to.error), WRT_OK);
    assert_int_equal(wrt_memory_size_pages(to.memories[0]), 3);
    char text[6];
    assert_status(wrt_memory_read(to.memories[0], 2 * PAGE + 7, text, 6), WRT_OK);
    assert_memory_equal(text, "shared", 6);
    wrt_store_add_fuel(to.stores[0], UINT64_MAX);
    assert_status(wrt_store_resume_slots(to.stores[0], &result, 1), WRT_OK);
    assert_int_equal(result.i32, 1000);
    s.size = 0;
    assert_status(wrt_instance_snapshot(pair.instances[0], keep, &s, &pair.error),
                  WRT_ERR_UNSUPPORTED);
    close_guests(&pair);
    close_guests(&to);
    close_guests(&from);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_atomics_add_up),
        cmocka_unit_test(test_lock_excludes),
        cmocka_unit_test(test_wait_without_sleep),
        cmocka_unit_test(test_notify_wakes_as_many_as_it_says),
        cmocka_unit_test(test_bad_waits_trap),
        cmocka_unit_test(test_memory_of_one_thread),
        cmocka_unit_test(test_64_bit_addresses),
        cmocka_unit_test(test_what_is_invalid),
        cmocka_unit_test(test_deadlock_is_interruptible),
        cmocka_unit_test(test_paused_wait_goes_on),
        cmocka_unit_test(test_interrupt_before_wait),
        cmocka_unit_test(test_deadline_keeps_the_rest_of_the_timeout),
        cmocka_unit_test(test_growth_is_seen),
        cmocka_unit_test(test_growth_in_threads),
        cmocka_unit_test(test_fuel_does_not_depend_on_others),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_too_many_waiters),
        cmocka_unit_test(test_snapshot),
        cmocka_unit_test(test_maker_goes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
