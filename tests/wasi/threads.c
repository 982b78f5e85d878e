/* threads.c - the threads of one guest (wrt/threads.h), with guests/threads.c compiled by clang.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   threads FILE
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "engine/engine.h"
#include "partition_live.h"
#include "wrt/wrt.h"

#define assert_status(actual, expected)                                                       \
    assert_string_equal(wrt_status_name(actual), wrt_status_name(expected))

#if defined(__SANITIZE_THREAD__)
#define IS_THREAD_SANITIZED true
#elif defined(__has_feature)
#define IS_THREAD_SANITIZED __has_feature(thread_sanitizer)
#else
#define IS_THREAD_SANITIZED false
#endif

static const char *guest_file;

struct guest {
    struct wrt_partition *partition;
    struct wrt_module *module;
    struct wrt_store *store;
    struct wrt_wasi *wasi;
    struct wrt_instance *instance;
    struct wrt_threads *threads;
    struct wrt_error error;
};

static void load(struct guest *g)
{
    static uint8_t bytes[1 << 16];
    FILE *file = fopen(guest_file, "rb");
    assert_non_null(file);
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_status(wrt_module_load(g->partition, NULL, bytes, size, &g->module, &g->error),
                  WRT_OK);
}

static const struct wrt_arena_config arena = {.is_shared = true};

static void open_partition(struct guest *g, const struct wrt_partition_config *config)
{
    memset(g, 0, sizeof *g);
    assert_status(wrt_partition_create(NULL, config, &g->partition, &g->error), WRT_OK);
}

static void open_in_partition(struct guest *g, const struct wrt_threads_config *config)
{
    const struct wrt_wasi_config wasi = {.clocks = 0};
    load(g);
    const struct wrt_store_config *store = config ? &config->store : NULL;
    assert_status(wrt_store_create(g->partition, store, &g->store, &g->error), WRT_OK);
    assert_status(wrt_wasi_create(g->partition, &wasi, &g->wasi, &g->error), WRT_OK);
    assert_status(wrt_wasi_define(g->store, g->wasi, &g->error), WRT_OK);
    assert_status(wrt_threads_create(g->store, g->module, g->wasi, config, &g->threads,
                                     &g->error), WRT_OK);
    assert_status(wrt_store_instantiate(g->store, g->module, &g->instance, &g->error), WRT_OK);
}

static void open_guest(struct guest *g, const struct wrt_threads_config *config)
{
    open_partition(g, &(struct wrt_partition_config){.name = "guest", .arena = &arena,
                                                     .max_bytes = 16 << 20});
    open_in_partition(g, config);
}

static void give_guest_back(struct guest *g)
{
    wrt_threads_destroy(g->threads);
    assert_status(wrt_store_destroy(g->store), WRT_OK);
    wrt_wasi_destroy(g->wasi);
    assert_status(wrt_module_destroy(g->module), WRT_OK);
    assert_int_equal(partition_live_bytes(g->partition), 0);
}

static void close_guest(struct guest *g)
{
    give_guest_back(g);
    assert_status(wrt_partition_destroy(g->partition, &g->error), WRT_OK);
}

static enum wrt_status call(struct guest *g, const char *name, uint32_t a, uint32_t b,
                            uint32_t *out)
{
    const union wrt_slot values[2] = {{.i32 = a}, {.i32 = b}};
    union wrt_slot result = {.i64 = 0};
    struct wrt_extern item;
    assert_status(wrt_instance_export(g->instance, name, &item), WRT_OK);
    const enum wrt_status status =
        wrt_threads_call(g->threads, item.of.function, values, 2, &result, 1);
    *out = result.i32;
    return status;
}

static uint32_t must(struct guest *g, const char *name, uint32_t a, uint32_t b)
{
    uint32_t out = 0;
    assert_status(call(g, name, a, b, &out), WRT_OK);
    return out;
}

static void doze_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static void test_threads_count_together(void **state)
{
    (void)state;
    struct guest g;
    open_guest(&g, NULL);
    assert_int_equal(must(&g, "count", 4, 2000), 8000);
    assert_int_equal(must(&g, "count", 8, 500), 4000);
    assert_int_equal(must(&g, "grown", 0, 0), 77);
    close_guest(&g);
}

static void test_number_is_limited(void **state)
{
    (void)state;
    const struct wrt_threads_config three = {.max_threads = 3};
    struct guest g;
    open_guest(&g, &three);
    assert_int_equal(must(&g, "crowd", 12, 0), 3);
    for (int i = 0; i < 200 && wrt_threads_count(g.threads) != 0; i++)
        doze_ms(1);
    assert_int_equal(must(&g, "crowd", 2, 0), 2);
    close_guest(&g);
}

/* A full partition refuses a thread, and has lost nothing by it. */
static void test_memory_is_limited(void **state)
{
    (void)state;
    const struct wrt_threads_config large = {.max_threads = 12, .host_stack_bytes = 4 << 20};
    struct guest g;
    open_guest(&g, &large);
    const uint32_t started = must(&g, "crowd", 12, 0);
    assert_in_range(started, 1, 3);
    close_guest(&g);
}

/* Once the guest has started its three threads, however long that takes. */
static void *interrupt_later(void *context)
{
    struct guest *g = context;
    for (int i = 0; i < 10000 && wrt_threads_count(g->threads) != 3; i++)
        doze_ms(1);
    doze_ms(20);
    wrt_store_interrupt(g->store);
    return NULL;
}

static void interrupt_soon(struct guest *g, pthread_t *thread)
{
    assert_int_equal(pthread_create(thread, NULL, interrupt_later, g), 0);
}

static void test_deadlock_is_interruptible(void **state)
{
    (void)state;
    struct guest g;
    struct wrt_threads_outcome outcome;
    pthread_t thread;
    uint32_t out;
    union wrt_slot result;
    open_guest(&g, NULL);
    interrupt_soon(&g, &thread);
    assert_status(call(&g, "deadlock", 3, 0, &out), WRT_PAUSED);
    pthread_join(thread, NULL);
    wrt_threads_get_outcome(g.threads, &outcome);
    assert_status(outcome.status, WRT_PAUSED);
    assert_int_equal(outcome.pause_reason, WRT_PAUSE_INTERRUPT);
    assert_int_equal(outcome.thread, 0);
    assert_int_equal(wrt_threads_count(g.threads), 3);
    interrupt_soon(&g, &thread);
    assert_status(wrt_threads_resume(g.threads, &result, 1), WRT_PAUSED);
    pthread_join(thread, NULL);
    wrt_store_set_deadline(g.store, wrt_time_now_ns() + 20000000);
    assert_status(wrt_threads_resume(g.threads, &result, 1), WRT_PAUSED);
    wrt_threads_get_outcome(g.threads, &outcome);
    assert_int_equal(outcome.pause_reason, WRT_PAUSE_DEADLINE);
    close_guest(&g);
}

/* The spinners' counters, read by the host. */
static uint32_t counter(struct guest *g, uint32_t at, uint32_t number)
{
    static const uint8_t module[] = "env", name[] = "memory";
    struct wrt_extern item;
    uint32_t value = 0;
    assert_true(wrt_store_find(g->store, (struct wrt_bytes){module, 3},
                               (struct wrt_bytes){name, 6}, &item));
    assert_status(wrt_memory_read(item.of.memory, at + 4 * number, &value, sizeof value), WRT_OK);
    return value;
}

static uint64_t processor_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* While the guest is paused none of its threads moves; resumed, all do. */
static void test_all_pause_together(void **state)
{
    (void)state;
    enum { THREADS = 3 };
    struct guest g;
    pthread_t thread;
    uint32_t out, before[THREADS];
    union wrt_slot result;
    open_guest(&g, NULL);
    const uint32_t at = must(&g, "counters_at", 0, 0);
    interrupt_soon(&g, &thread);
    assert_status(call(&g, "spin_and_wait", THREADS, 0, &out), WRT_PAUSED);
    pthread_join(thread, NULL);
    for (uint32_t i = 0; i < THREADS; i++)
        before[i] = counter(&g, at, i);
    const uint64_t busy = processor_ns();
    doze_ms(40);
    assert_true(processor_ns() - busy < 10000000); /* nobody spins meanwhile */
    for (uint32_t i = 0; i < THREADS; i++)
        assert_int_equal(counter(&g, at, i), before[i]);
    wrt_store_set_deadline(g.store, wrt_time_now_ns() + 200000000);
    assert_status(wrt_threads_resume(g.threads, &result, 1), WRT_PAUSED);
    for (uint32_t i = 0; i < THREADS; i++)
        assert_int_not_equal(counter(&g, at, i), before[i]);
    close_guest(&g);
}

/* Where a thread is when its fuel is used up, and again when that of its resumption is. */
static void run_out(uint32_t out[2])
{
    const struct wrt_threads_config little = {.fuel = 50000};
    struct guest g;
    struct wrt_threads_outcome outcome;
    uint32_t ignored;
    union wrt_slot result;
    open_guest(&g, &little);
    const uint32_t at = must(&g, "counters_at", 0, 0);
    assert_status(call(&g, "spin_and_wait", 1, 0, &ignored), WRT_PAUSED);
    wrt_threads_get_outcome(g.threads, &outcome);
    assert_int_equal(outcome.pause_reason, WRT_PAUSE_FUEL);
    assert_int_equal(outcome.thread, 1);
    out[0] = counter(&g, at, 0);
    assert_status(wrt_threads_resume(g.threads, &result, 1), WRT_PAUSED);
    wrt_threads_get_outcome(g.threads, &outcome);
    assert_int_equal(outcome.pause_reason, WRT_PAUSE_FUEL);
    out[1] = counter(&g, at, 0);
    close_guest(&g);
}

static void test_fuel_of_a_thread(void **state)
{
    (void)state;
    uint32_t first[2], second[2];
    run_out(first);
    run_out(second);
    assert_int_equal(first[0], second[0]);
    assert_int_equal(first[1], second[1]);
    assert_true(first[0] > 1000 && first[1] > first[0] + 1000);
}

/* A simulated system's threads do not show in /proc. */
static void need_linux_threads(void)
{
    if (WRT_TEST_LINUX_THREADS)
        return;
    print_message("how threads are scheduled shows only with the port to Linux\n");
    skip();
}

/* How many threads of this process are guests with that processor mask and priority. */
static uint32_t count_scheduled(unsigned long mask, int priority)
{
    uint32_t count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *entry; tasks && (entry = readdir(tasks)) != NULL;) {
        char path[320], name[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *file = fopen(path, "r");
        if (!file)
            continue;
        const bool is_guest = fgets(name, sizeof name, file) && strcmp(name, "wrt-guest\n") == 0;
        fclose(file);
        const pid_t id = (pid_t)strtol(entry->d_name, NULL, 10);
        cpu_set_t set;
        struct sched_param parameters = {0};
        if (!is_guest || sched_getaffinity(id, sizeof set, &set) != 0 ||
            sched_getparam(id, &parameters) != 0)
            continue;
        unsigned long bits = 0;
        for (size_t i = 0; i < 64; i++)
            bits |= CPU_ISSET(i, &set) ? 1ul << i : 0;
        count += bits == mask && parameters.sched_priority == priority;
    }
    if (tasks)
        closedir(tasks);
    return count;
}

/* Threads that sleep run where and at what priority the tenant says. */
static void test_threads_are_scheduled_as_told(void **state)
{
    (void)state;
    need_linux_threads();
    struct wrt_threads_config config = {.affinity = 1, .priority = 3};
    struct guest g;
    uint32_t out;
    open_guest(&g, &config);
    wrt_store_set_deadline(g.store, wrt_time_now_ns() + 50000000);
    enum wrt_status status = call(&g, "deadlock", 3, 0, &out);
    const bool is_permitted = status == WRT_PAUSED;
    if (is_permitted)
        assert_int_equal(count_scheduled(1, 3), 3);
    close_guest(&g);
    if (is_permitted)
        return;
    print_message("real-time priorities are not permitted: only the processor was checked\n");
    config.priority = 0;
    open_guest(&g, &config);
    wrt_store_set_deadline(g.store, wrt_time_now_ns() + 50000000);
    assert_status(call(&g, "deadlock", 3, 0, &out), WRT_PAUSED);
    assert_int_equal(count_scheduled(1, 0), 3);
    close_guest(&g);
}

static void test_the_partition_says_where(void **state)
{
    (void)state;
    need_linux_threads();
    struct guest g;
    uint32_t out;
    open_partition(&g, &(struct wrt_partition_config){.name = "guest", .arena = &arena,
                                                      .affinity = 1});
    open_in_partition(&g, NULL);
    wrt_store_set_deadline(g.store, wrt_time_now_ns() + 50000000);
    assert_status(call(&g, "deadlock", 2, 0, &out), WRT_PAUSED);
    assert_int_equal(count_scheduled(1, 0), 2);
    close_guest(&g);
}

/* The host leaves a sealed partition while threads of the guest run and sleep in there. */
static void test_sealed_partition(void **state)
{
    (void)state;
    struct guest g;
    struct wrt_partition_guard guard;
    uint32_t out;
    open_partition(&g, &(struct wrt_partition_config){.name = "guest", .arena = &arena,
                                                      .flags = WRT_PARTITION_MEMORY_ISOLATION});
    assert_status(wrt_partition_guard_enter(&guard, g.partition), WRT_OK);
    open_in_partition(&g, NULL);
    assert_int_equal(must(&g, "spinners", 2, 0), 2);
    assert_status(wrt_partition_guard_leave(&guard), WRT_OK);
    doze_ms(10);
    assert_status(wrt_partition_guard_enter(&guard, g.partition), WRT_OK);
    wrt_store_set_deadline(g.store, wrt_time_now_ns() + 20000000);
    assert_status(call(&g, "deadlock", 0, 0, &out), WRT_PAUSED);
    assert_status(wrt_partition_guard_leave(&guard), WRT_OK);
    doze_ms(10);
    assert_status(wrt_partition_guard_enter(&guard, g.partition), WRT_OK);
    give_guest_back(&g);
    assert_status(wrt_partition_guard_leave(&guard), WRT_OK);
    assert_status(wrt_partition_destroy(g.partition, &g.error), WRT_OK);
}

static void test_trap_of_a_thread(void **state)
{
    (void)state;
    struct guest g;
    struct wrt_threads_outcome outcome;
    uint32_t out;
    open_guest(&g, NULL);
    assert_status(call(&g, "trap", 0, 1, &out), WRT_ERR_TRAP);
    wrt_threads_get_outcome(g.threads, &outcome);
    assert_status(outcome.status, WRT_ERR_TRAP);
    assert_int_equal(outcome.trap.kind, WRT_TRAP_INTEGER_DIVIDE_BY_ZERO);
    assert_int_equal(outcome.thread, 2);
    assert_int_equal(wrt_threads_count(g.threads), 0);
    assert_status(call(&g, "count", 1, 1, &out), WRT_ERR_STATE);
    close_guest(&g);
}

/* WASI is left in the middle of a call; what it held must not stop the other threads. */
static void touch_guard(bool by_thread)
{
    enum { AT = 126976, BYTES = 4096 }; /* the last of two pages' host pages */
    static const uint8_t module[] = "env", name[] = "memory";
    const struct wrt_threads_config traps = {.store = {.trap_guard_hits = true}};
    struct guest g;
    struct wrt_threads_outcome outcome;
    struct wrt_extern item;
    uint32_t out;
    if (IS_THREAD_SANITIZED) {
        print_message("the thread sanitizer does not follow a jump out of a fault handler\n");
        skip();
    }
    open_guest(&g, &traps);
    assert_true(wrt_store_find(g.store, (struct wrt_bytes){module, 3},
                               (struct wrt_bytes){name, 6}, &item));
    assert_status(wrt_pages_protect(&item.of.memory->share->pages, AT, BYTES, WRT_PAGE_READ,
                                    &g.error), WRT_OK);
    assert_status(call(&g, "touch_guard", by_thread, AT + 8, &out), WRT_ERR_TRAP);
    wrt_threads_get_outcome(g.threads, &outcome);
    assert_int_equal(outcome.thread, by_thread ? 1 : 0);
    assert_int_equal(outcome.trap.kind, WRT_TRAP_GUARD_HIT);
    assert_int_equal(outcome.trap.memory_offset, AT + 8);
    close_guest(&g);
}

static void test_touched_guards(void **state)
{
    (void)state;
    signal(SIGSEGV, SIG_DFL); /* cmocka's; the runtime's is set once, so this is one test */
    touch_guard(true);
    touch_guard(false);
}

static void test_exit_of_a_thread(void **state)
{
    (void)state;
    struct guest g;
    struct wrt_threads_outcome outcome;
    uint32_t out;
    open_guest(&g, NULL);
    assert_status(call(&g, "exit_by_thread", 0, 42, &out), WRT_EXITED);
    wrt_threads_get_outcome(g.threads, &outcome);
    assert_int_equal(outcome.exit_code, 42);
    assert_int_equal(outcome.thread, 2);
    assert_int_equal(wrt_threads_count(g.threads), 0);
    close_guest(&g);
}

/* Threads that would run for ever die with the guest. */
static void test_threads_die_with_it(void **state)
{
    (void)state;
    struct guest g;
    open_guest(&g, NULL);
    assert_int_equal(must(&g, "spinners", 4, 0), 4);
    assert_int_equal(wrt_threads_count(g.threads), 4);
    close_guest(&g);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    struct wrt_threads *threads = NULL;
    struct guest g;
    open_guest(&g, NULL);
    const uint64_t before = partition_live_bytes(g.partition);
    struct wrt_threads_config config = {.max_threads = 255};
    assert_status(wrt_threads_create(g.store, g.module, NULL, &config, &threads, &g.error),
                  WRT_ERR_ARGUMENT);
    config = (struct wrt_threads_config){.host_stack_bytes = 1000};
    assert_status(wrt_threads_create(g.store, g.module, NULL, &config, &threads, &g.error),
                  WRT_ERR_ARGUMENT);
    config = (struct wrt_threads_config){.priority = -1};
    assert_status(wrt_threads_create(g.store, g.module, NULL, &config, &threads, &g.error),
                  WRT_ERR_ARGUMENT);
    static const uint8_t empty[] = "\0asm\1\0\0";
    struct wrt_module *module;
    assert_status(wrt_module_load(g.partition, NULL, empty, 8, &module, &g.error), WRT_OK);
    assert_status(wrt_threads_create(g.store, module, NULL, NULL, &threads, &g.error),
                  WRT_ERR_ARGUMENT);
    assert_status(wrt_module_destroy(module), WRT_OK);
    assert_int_equal(partition_live_bytes(g.partition), before);
    close_guest(&g);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_count_together),
        cmocka_unit_test(test_number_is_limited),
        cmocka_unit_test(test_memory_is_limited),
        cmocka_unit_test(test_deadlock_is_interruptible),
        cmocka_unit_test(test_all_pause_together),
        cmocka_unit_test(test_fuel_of_a_thread),
        cmocka_unit_test(test_threads_are_scheduled_as_told),
        cmocka_unit_test(test_the_partition_says_where),
        cmocka_unit_test(test_sealed_partition),
        cmocka_unit_test(test_trap_of_a_thread),
        cmocka_unit_test(test_touched_guards),
        cmocka_unit_test(test_exit_of_a_thread),
        cmocka_unit_test(test_threads_die_with_it),
        cmocka_unit_test(test_what_is_refused),
    };
    if (argc != 2)
        return 2;
    guest_file = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
