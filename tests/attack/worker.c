/* tests/attack/worker.c - the tier "process": calls, limits, and workers that die, hang or lie.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wrt/wrt.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint8_t module[1 << 16];
static size_t module_bytes;

static bool is_linux(void)
{
    return strcmp(wrt_system_name(), "linux") == 0;
}

static int read_module(void **state)
{
    FILE *file = fopen(WRT_TEST_MODULES "/tenant.wasm", "rb");

    (void)state;
    if (file == NULL)
        return -1;
    module_bytes = fread(module, 1, sizeof module, file);
    fclose(file);
    return 0;
}

static struct wrt_partition *make_partition(uint64_t max_bytes)
{
    const struct wrt_partition_config config = {
        .name = "host", .max_bytes = max_bytes, .flags = WRT_PARTITION_CONTAINER};
    struct wrt_partition *partition;
    struct wrt_error error;

    if (wrt_partition_create(NULL, &config, &partition, &error) != WRT_OK)
        fail_msg("%s", error.text);
    return partition;
}

static struct wrt_worker_config default_config(void)
{
    return (struct wrt_worker_config){.program = WRT_TENANT_PROGRAM, .module = module,
                                      .module_bytes = module_bytes};
}

static struct wrt_worker *start(struct wrt_partition *partition,
                                const struct wrt_worker_config *config)
{
    struct wrt_worker *worker;
    struct wrt_error error = {.text = ""};

    if (wrt_worker_create(partition, config, &worker, &error) != WRT_OK)
        fail_msg("%s", error.text);
    return worker;
}

static struct wrt_worker_info info_of(const struct wrt_worker *worker)
{
    struct wrt_worker_info info;

    wrt_worker_get_info(worker, &info);
    return info;
}

static struct wrt_partition_info partition_info(const struct wrt_partition *partition)
{
    struct wrt_partition_info info;

    wrt_partition_get_info(partition, &info);
    return info;
}

/* Nothing of a worker is left: no charge, no process, and the partition ends. */
static void destroy(struct wrt_partition *partition)
{
    struct wrt_error error;

    assert_int_equal(partition_info(partition).current_bytes[WRT_CHARGE_PROCESS], 0);
    assert_int_equal(partition_info(partition).current_bytes[WRT_CHARGE_HOST], 0);
    if (wrt_partition_destroy(partition, &error) != WRT_OK)
        fail_msg("%s", error.text);
}

static uint64_t in_ms(uint64_t ms)
{
    return wrt_time_now_ns() + ms * 1000000;
}

static enum wrt_status call(struct wrt_worker *worker, const char *name, uint64_t ms,
                            struct wrt_error *error)
{
    const struct wrt_worker_budget budget = {.deadline_ns = ms != 0 ? in_ms(ms) : 0};
    struct wrt_value results[4];

    return wrt_worker_call(worker, name, NULL, 0, results, 4, NULL, &budget, error);
}

static void calls_carry_values(void **state)
{
    const struct wrt_worker_config config = default_config();
    struct wrt_partition *partition = make_partition(64 << 20);
    struct wrt_worker *worker = start(partition, &config);
    struct wrt_value arguments[4] = {{.type = WRT_I32, .of.i32 = 40}, {.type = WRT_I32, .of.i32 = 2}};
    struct wrt_value results[4];
    struct wrt_error error;
    uint32_t count;

    (void)state;
    assert_int_equal(wrt_worker_call(worker, "add", arguments, 2, results, 4, &count, NULL, &error),
                     WRT_OK);
    assert_int_equal(count, 1);
    assert_int_equal(results[0].type, WRT_I32);
    assert_int_equal(results[0].of.i32, 42);
    arguments[0] = (struct wrt_value){.type = WRT_I32, .of.i32 = 0xFFFFFFFF};
    arguments[1] = (struct wrt_value){.type = WRT_I64, .of.i64 = UINT64_MAX - 1};
    arguments[2] = (struct wrt_value){.type = WRT_F32, .of.f32 = 1.5f};
    arguments[3] = (struct wrt_value){.type = WRT_F64, .of.f64 = -0.0};
    assert_int_equal(wrt_worker_call(worker, "four", arguments, 4, results, 4, &count, NULL, &error),
                     WRT_OK);
    assert_int_equal(count, 4);
    assert_memory_equal(&results[0].of.f64, &arguments[3].of.f64, 8);
    assert_true(results[1].of.f32 == 1.5f);
    assert_true(results[2].of.i64 == UINT64_MAX - 1);
    assert_int_equal(results[3].of.i32, 0xFFFFFFFF);
    for (uint32_t i = 1; i <= 100; i++) { /* more than the rings hold */
        assert_int_equal(wrt_worker_call(worker, "count", NULL, 0, results, 1, &count, NULL, &error),
                         WRT_OK);
        assert_int_equal(results[0].of.i32, i);
    }
    assert_int_equal(call(worker, "beat", 0, &error), WRT_OK);
    assert_int_equal(info_of(worker).heartbeats, 1);
    assert_true(info_of(worker).fuel_used > 0);
    assert_true(info_of(worker).guest_used_bytes > 65536);
    if (is_linux()) /* QNX tells no residence of another process */
        assert_true(info_of(worker).resident_bytes > 65536);
    assert_int_equal(partition_info(partition).tier, WRT_TIER_PROCESS);
    wrt_worker_destroy(worker, in_ms(1000));
    assert_int_equal(partition_info(partition).tier, WRT_TIER_SOFTWARE);
    destroy(partition);
}

static void what_goes_wrong_inside_is_told(void **state)
{
    const struct wrt_worker_config config = default_config();
    struct wrt_partition *partition = make_partition(64 << 20);
    struct wrt_worker *worker = start(partition, &config);
    struct wrt_value value = {.type = WRT_I64};
    struct wrt_value many[33];
    char name[300];
    struct wrt_error error;

    (void)state;
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    memset(many, 0, sizeof many);
    for (int i = 0; i < 33; i++)
        many[i].type = WRT_I32;
    assert_int_equal(call(worker, "trap", 0, &error), WRT_ERR_TRAP);
    assert_non_null(strstr(error.text, "unreachable"));
    assert_int_equal(call(worker, "recurse", 0, &error), WRT_ERR_TRAP);
    assert_int_equal(call(worker, "nothing", 0, &error), WRT_ERR_NOT_FOUND);
    assert_int_equal(call(worker, "memory", 0, &error), WRT_ERR_NOT_FOUND);
    assert_int_equal(wrt_worker_call(worker, "read", &value, 1, NULL, 0, NULL, NULL, &error),
                     WRT_ERR_TYPE);
    assert_int_equal(wrt_worker_call(worker, name, NULL, 0, NULL, 0, NULL, NULL, &error),
                     WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_worker_call(worker, "add", many, 33, NULL, 0, NULL, NULL, &error),
                     WRT_ERR_ARGUMENT);
    many[0] = (struct wrt_value){.type = WRT_EXTERNREF, .of.external = &error};
    assert_int_equal(wrt_worker_call(worker, "add", many, 1, NULL, 0, NULL, NULL, &error),
                     WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_worker_call(worker, "count", NULL, 0, NULL, 0, NULL, NULL, &error),
                     WRT_ERR_NO_SPACE);
    value = (struct wrt_value){.type = WRT_I32, .of.i32 = 77};
    assert_int_equal(wrt_worker_call(worker, "exit", &value, 1, NULL, 0, NULL, NULL, &error),
                     WRT_EXITED);
    assert_int_equal(info_of(worker).guest_exit_code, 77);
    assert_int_equal(call(worker, "beat", 0, &error), WRT_OK); /* none of it ended the worker */
    assert_int_equal(wrt_worker_collect(worker, NULL, 0, NULL, 0, &error), WRT_ERR_STATE);
    assert_int_equal(wrt_worker_drop(worker), WRT_ERR_STATE);
    assert_int_equal(wrt_worker_post_resume(worker, NULL, &error), WRT_ERR_STATE);
    wrt_worker_destroy(worker, 0);
    destroy(partition);
}

static void calls_pause_and_resume(void **state)
{
    struct wrt_worker_config config = default_config();
    struct wrt_partition *partition = make_partition(64 << 20);
    struct wrt_worker *worker;
    struct wrt_worker_budget budget = {.fuel = 3000000};
    struct wrt_error error;
    uint64_t used;

    (void)state;
    config.grace_ns = 10000000000; /* on a machine with much else to do */
    worker = start(partition, &config);
    assert_int_equal(wrt_worker_call(worker, "spin", NULL, 0, NULL, 0, NULL, &budget, &error),
                     WRT_PAUSED);
    assert_int_equal(info_of(worker).pause, WRT_PAUSE_FUEL);
    used = info_of(worker).fuel_used;
    assert_true(used >= 3000000 && used < 3100000);
    assert_int_equal(wrt_worker_post(worker, "beat", NULL, 0, NULL, &error), WRT_ERR_BUSY);
    assert_int_equal(wrt_worker_post_resume(worker, &budget, &error), WRT_OK);
    assert_int_equal(wrt_worker_collect(worker, NULL, 0, NULL, UINT64_MAX, &error), WRT_PAUSED);
    assert_true(info_of(worker).fuel_used >= 2 * used - 100000);
    assert_int_equal(wrt_worker_drop(worker), WRT_OK);
    assert_int_equal(call(worker, "beat", 0, &error), WRT_OK);

    assert_int_equal(call(worker, "spin", 20, &error), WRT_PAUSED);
    assert_int_equal(info_of(worker).pause, WRT_PAUSE_DEADLINE);
    assert_int_equal(wrt_worker_drop(worker), WRT_OK);

    assert_int_equal(wrt_worker_post(worker, "spin", NULL, 0, NULL, &error), WRT_OK);
    assert_int_equal(wrt_worker_collect(worker, NULL, 0, NULL, in_ms(20), &error),
                     WRT_ERR_TIMEOUT);
    wrt_worker_interrupt(worker);
    assert_int_equal(wrt_worker_collect(worker, NULL, 0, NULL, in_ms(5000), &error), WRT_PAUSED);
    assert_int_equal(info_of(worker).pause, WRT_PAUSE_INTERRUPT);
    wrt_worker_destroy(worker, in_ms(1000));
    destroy(partition);
}

/* ---- limits ---- */

static void memory_has_two_limits(void **state)
{
    struct wrt_worker_config config = default_config();
    struct wrt_partition *partition = make_partition(64 << 20);
    struct wrt_value result;
    struct wrt_worker *worker;
    struct wrt_error error;
    uint32_t count;

    (void)state;
    config.memory_bytes = 10 << 20;
    worker = start(partition, &config);
    assert_int_equal(partition_info(partition).current_bytes[WRT_CHARGE_PROCESS],
                     (10 << 20) + (8 << 20));
    assert_int_equal(wrt_worker_call(worker, "grow", NULL, 0, &result, 1, &count, NULL, &error),
                     WRT_OK); /* the inner partition refuses, the guest goes on */
    assert_in_range(result.of.i32, 100, 160);
    assert_int_equal(wrt_worker_call(worker, "grow_table", NULL, 0, &result, 1, &count, NULL,
                                     &error), WRT_OK);
    assert_true(info_of(worker).guest_used_bytes <= 10 << 20);
    wrt_worker_destroy(worker, 0);

    config.memory_bytes = 200 << 20;
    assert_int_equal(wrt_worker_create(partition, &config, &worker, &error),
                     WRT_ERR_PARTITION_MAX);
    assert_non_null(strstr(error.text, "partition host"));
    destroy(partition);
}

/* The guest's partition is let believe in more than the process may have: the kernel ends it. */
static void the_kernel_holds_the_limit_too(void **state)
{
    struct wrt_worker_config config = default_config();
    struct wrt_partition *partition = make_partition(512 << 20);
    struct wrt_worker *worker;
    struct wrt_error error;

    (void)state;
    config.memory_bytes = 256u << 20;
    config.overhead_bytes = 1;
    worker = start(partition, &config);
    if (!(info_of(worker).in_force >> WRT_CONFINE_MEMORY & 1)) {
        wrt_worker_destroy(worker, 0);
        destroy(partition);
        skip();
    }
    /* 256 MiB of memory, and the program itself in the same bound */
    enum wrt_status status = call(worker, "grow", 60000, &error);
    assert_true(status == WRT_ERR_CLOSED || status == WRT_OK);
    if (status == WRT_OK)
        assert_true(info_of(worker).resident_bytes <= 256u << 20);
    else
        assert_true(info_of(worker).exit.by_signal);
    wrt_worker_destroy(worker, 0);
    destroy(partition);
}

static void required_features_are_checked(void **state)
{
    struct wrt_worker_config config = default_config();
    struct wrt_partition *partition = make_partition(64 << 20);
    struct wrt_worker *worker = start(partition, &config);
    uint32_t in_force = info_of(worker).in_force, missing;
    struct wrt_error error;

    (void)state;
    for (unsigned feature = 0; feature < WRT_CONFINE_COUNT; feature++) {
        bool is_there = in_force >> feature & 1;

        printf("%-18s %s\n", wrt_confine_name((enum wrt_confine)feature),
               is_there ? "in force" : info_of(worker).missing_reason[feature]);
        assert_true(is_there == (info_of(worker).missing_reason[feature] == NULL));
    }
    wrt_worker_destroy(worker, 0);
    config.require = in_force;
    worker = start(partition, &config);
    wrt_worker_destroy(worker, 0);
    missing = ~in_force & ((1u << WRT_CONFINE_COUNT) - 1);
    if (missing != 0) { /* the processor budget, at least: the partition has none */
        config.require = missing;
        assert_int_equal(wrt_worker_create(partition, &config, &worker, &error),
                         WRT_ERR_UNSUPPORTED);
        assert_non_null(strstr(error.text, "requires"));
    }
    destroy(partition);
}

/* A line of /proc/PID/status. */
static void status_line(int64_t process_id, const char *name, char *out, size_t size)
{
    char path[64];

    *out = '\0';
    snprintf(path, sizeof path, "/proc/%lld/status", (long long)process_id);
    FILE *in = fopen(path, "r");
    while (in != NULL && fgets(out, (int)size, in) != NULL && strncmp(out, name, strlen(name)) != 0)
        *out = '\0';
    if (in != NULL)
        fclose(in);
}

static void what_the_processor_guesses_is_asked_for(void **state)
{
    const uint32_t all = 1u << WRT_CONFINE_STORE_BYPASS | 1u << WRT_CONFINE_INDIRECT_BRANCH |
                         1u << WRT_CONFINE_L1D_FLUSH | 1u << WRT_CONFINE_CORE;
    struct wrt_worker_config config = default_config();
    struct wrt_partition *partition = make_partition(64 << 20);
    struct wrt_worker *worker = start(partition, &config);
    struct wrt_error error;
    char line[128];

    (void)state;
    assert_int_equal(info_of(worker).in_force & all, 0);
    assert_non_null(strstr(info_of(worker).missing_reason[WRT_CONFINE_L1D_FLUSH], "not asked for"));
    wrt_worker_destroy(worker, 0);

    config.isolate = all;
    worker = start(partition, &config);
    const struct wrt_worker_info info = info_of(worker);
    for (unsigned feature = WRT_CONFINE_STORE_BYPASS; feature <= WRT_CONFINE_CORE; feature++) {
        if (!(info.in_force >> feature & 1))
            assert_null(strstr(info.missing_reason[feature], "not asked for"));
    }
    /* The kernel's own word on it. */
    status_line(info.process_id, "Speculation_Store_Bypass", line, sizeof line);
    if (info.in_force >> WRT_CONFINE_STORE_BYPASS & 1)
        assert_true(strstr(line, "mitigated") != NULL || strstr(line, "not vulnerable") != NULL);
    else
        assert_null(strstr(line, "thread force mitigated"));
    wrt_worker_destroy(worker, 0);

    config.isolate = 1u << WRT_CONFINE_FILES;
    assert_int_equal(wrt_worker_create(partition, &config, &worker, &error), WRT_ERR_ARGUMENT);
    assert_non_null(strstr(error.text, "isolate"));
    destroy(partition);
}

/* Where no resctrl is mounted, the wish is reported as not met, and the demand is refused. */
static void cache_ways_are_asked_for(void **state)
{
    const uint32_t ways = 1u << WRT_CONFINE_CACHE;
    struct wrt_worker_config config = default_config();
    struct wrt_partition *partition = make_partition(64 << 20);
    struct wrt_worker *worker = start(partition, &config);
    struct wrt_error error;

    (void)state;
    assert_int_equal(info_of(worker).in_force & ways, 0);
    assert_non_null(strstr(info_of(worker).missing_reason[WRT_CONFINE_CACHE], "not asked for"));
    wrt_worker_destroy(worker, 0);
    config.cache_ways = 3;
    worker = start(partition, &config);
    const struct wrt_worker_info info = info_of(worker);
    if (!(info.in_force & ways))
        assert_non_null(strstr(info.missing_reason[WRT_CONFINE_CACHE], "resctrl"));
    wrt_worker_destroy(worker, 0);
    config.require = ways;
    if (info.in_force & ways) {
        worker = start(partition, &config);
        wrt_worker_destroy(worker, 0);
    } else {
        assert_int_equal(wrt_worker_create(partition, &config, &worker, &error),
                         WRT_ERR_UNSUPPORTED);
        assert_non_null(strstr(error.text, "cache-ways"));
    }
    destroy(partition);
}

static void the_processor_budget_holds(void **state)
{
    const struct wrt_partition_config partition_config = {
        .name = "slow", .max_bytes = 64 << 20, .cpu_permille = 100};
    struct wrt_worker_config config = default_config();
    struct wrt_partition *partition;
    struct wrt_worker *worker;
    struct wrt_error error;
    uint64_t before;

    (void)state;
    assert_int_equal(wrt_partition_create(NULL, &partition_config, &partition, &error), WRT_OK);
    worker = start(partition, &config);
    if (!(info_of(worker).in_force >> WRT_CONFINE_CPU & 1)) {
        wrt_worker_destroy(worker, 0);
        destroy(partition);
        skip();
    }
    before = info_of(worker).cpu_ns;
    assert_int_equal(wrt_worker_post(worker, "spin", NULL, 0, NULL, &error), WRT_OK);
    assert_int_equal(wrt_worker_collect(worker, NULL, 0, NULL, in_ms(1500), &error),
                     WRT_ERR_TIMEOUT);
    assert_in_range(info_of(worker).cpu_ns - before, 50000000, 300000000); /* 150 ms of 1,500 */
    assert_true(partition_info(partition).cpu_in_force);
    wrt_worker_destroy(worker, 0);
    destroy(partition);
}

/* ---- workers that die or hang ---- */

static void a_dead_worker_is_noticed(void **state)
{
    const struct wrt_worker_config config = default_config();
    struct wrt_partition *partition = make_partition(64 << 20);
    struct wrt_worker *worker = start(partition, &config);
    struct wrt_partition_watch watch;
    struct wrt_partition_news news;
    struct wrt_error error;
    uint64_t from;

    (void)state;
    assert_int_equal(wrt_partition_watch_add(partition, &watch,
                                             &(struct wrt_partition_watch_config){
                                                 .events = 1u << WRT_EVENT_EXIT}, NULL), WRT_OK);
    assert_int_equal(wrt_worker_post(worker, "spin", NULL, 0, NULL, &error), WRT_OK);
    assert_int_equal(kill((pid_t)info_of(worker).process_id, SIGKILL), 0);
    from = wrt_time_now_ns();
    assert_int_equal(wrt_worker_collect(worker, NULL, 0, NULL, UINT64_MAX, &error),
                     WRT_ERR_CLOSED);
    assert_true(wrt_time_now_ns() - from < 500000000); /* 5 ms and a busy machine */
    assert_int_equal(info_of(worker).state, WRT_WORKER_ENDED);
    assert_true(info_of(worker).exit.by_signal);
    assert_int_equal(info_of(worker).exit.code, SIGKILL);
    assert_false(info_of(worker).was_killed);
    assert_int_equal(partition_info(partition).current_bytes[WRT_CHARGE_PROCESS], 0);
    assert_true(wrt_partition_watch_take(&watch, &news));
    assert_int_equal(news.count[WRT_EVENT_EXIT], 1);
    assert_int_equal(wrt_worker_post(worker, "beat", NULL, 0, NULL, &error), WRT_ERR_CLOSED);
    wrt_worker_destroy(worker, in_ms(1000));
    assert_int_equal(wrt_partition_watch_remove(&watch), WRT_OK);
    destroy(partition);
}

static void a_hanging_worker_is_killed(void **state)
{
    const struct wrt_worker_config config = default_config();
    struct wrt_partition *partition = make_partition(64 << 20);
    struct wrt_worker *worker = start(partition, &config);
    struct wrt_worker_budget budget;
    struct wrt_error error;

    (void)state;
    budget = (struct wrt_worker_budget){.deadline_ns = in_ms(30)};
    assert_int_equal(wrt_worker_post(worker, "spin", NULL, 0, &budget, &error), WRT_OK);
    assert_int_equal(wrt_worker_suspend(worker, true), WRT_OK); /* it cannot pause now */
    assert_int_equal(wrt_worker_collect(worker, NULL, 0, NULL, UINT64_MAX, &error),
                     WRT_ERR_CLOSED);
    assert_non_null(strstr(error.text, "hung"));
    assert_true(info_of(worker).was_killed);
    wrt_worker_destroy(worker, 0);
    destroy(partition);
}

static void a_suspended_worker_goes_on(void **state)
{
    const struct wrt_worker_config config = default_config();
    struct wrt_partition *partition = make_partition(64 << 20);
    struct wrt_worker *worker = start(partition, &config);
    struct wrt_value result;
    struct wrt_error error;

    (void)state;
    assert_int_equal(wrt_worker_suspend(worker, true), WRT_OK);
    assert_int_equal(wrt_worker_post(worker, "count", NULL, 0, NULL, &error), WRT_OK);
    assert_int_equal(wrt_worker_collect(worker, &result, 1, NULL, in_ms(30), &error),
                     WRT_ERR_TIMEOUT);
    assert_int_equal(wrt_worker_suspend(worker, false), WRT_OK);
    assert_int_equal(wrt_worker_collect(worker, &result, 1, NULL, in_ms(5000), &error), WRT_OK);
    assert_int_equal(result.of.i32, 1);
    wrt_worker_destroy(worker, 0);
    destroy(partition);
}

static void bad_starts_leave_nothing(void **state)
{
    struct wrt_worker_config config = default_config();
    struct wrt_partition *partition = make_partition(64 << 20);
    struct wrt_worker *worker = NULL;
    struct wrt_error error;
    uint8_t broken[8] = {0, 'a', 's', 'm', 9, 0, 0, 0};

    (void)state;
    config.program = "/nonexistent/wrt-tenant";
    assert_int_equal(wrt_worker_create(partition, &config, &worker, &error), WRT_ERR_NOT_FOUND);
    config.program = "/etc/passwd"; /* no program */
    assert_true(wrt_worker_create(partition, &config, &worker, &error) < 0);
    config.program = "/bin/true"; /* one that says nothing and ends */
    assert_int_equal(wrt_worker_create(partition, &config, &worker, &error), WRT_ERR_CLOSED);
    config.program = "relative";
    assert_int_equal(wrt_worker_create(partition, &config, &worker, &error), WRT_ERR_ARGUMENT);
    config = default_config();
    config.module = broken;
    config.module_bytes = sizeof broken;
    assert_int_equal(wrt_worker_create(partition, &config, &worker, &error), WRT_ERR_MALFORMED);
    config = default_config();
    config.memory_bytes = 1000; /* too little for a store */
    assert_int_equal(wrt_worker_create(partition, &config, &worker, &error),
                     WRT_ERR_PARTITION_MAX);
    config = default_config();
    config.module_bytes = 0;
    assert_int_equal(wrt_worker_create(partition, &config, &worker, &error), WRT_ERR_ARGUMENT);
    assert_null(worker);
    destroy(partition);
}

static void a_granted_directory_is_all_it_sees(void **state)
{
    const struct wrt_worker_directory directory = {.host_path = "/usr/share", .read_only = true,
                                                   .guest_path = "/data"};
    struct wrt_worker_config config = default_config();
    struct wrt_partition *partition = make_partition(64 << 20);
    struct wrt_worker *worker;
    struct wrt_error error;

    (void)state;
    config.directories = &directory;
    config.directory_count = 1;
    worker = start(partition, &config);
    assert_int_equal(call(worker, "beat", 0, &error), WRT_OK);
    wrt_worker_destroy(worker, 0);
    config.directories = &(struct wrt_worker_directory){.host_path = "/nonexistent"};
    assert_int_equal(wrt_worker_create(partition, &config, &worker, &error), WRT_ERR_NOT_FOUND);
    destroy(partition);
}

/* ---- files of a granted directory ---- */

static char work[64];

static void in_work(const char *name, const char *text)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", work, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int32_t call_files(struct wrt_worker *worker, const char *function)
{
    struct wrt_value result;
    struct wrt_error error = {.text = ""};

    if (wrt_worker_call(worker, function, NULL, 0, &result, 1, NULL, NULL, &error) != WRT_OK)
        fail_msg("%s: %s", function, error.text);
    return (int32_t)result.of.i32;
}

static struct wrt_worker *start_files(struct wrt_partition *partition, bool read_only)
{
    static uint8_t files[1 << 12];
    struct wrt_worker_config config = default_config();
    struct wrt_worker_directory directory = {.guest_path = "/data", .read_only = read_only};
    FILE *file = fopen(WRT_TEST_MODULES "/files.wasm", "rb");
    char path[128];

    assert_non_null(file);
    config.module = files;
    config.module_bytes = fread(files, 1, sizeof files, file);
    fclose(file);
    snprintf(path, sizeof path, "%s/data", work);
    directory.host_path = path;
    config.directories = &directory;
    config.directory_count = 1;
    return start(partition, &config);
}

/* Through the confinement: reading and writing beneath the directory, nothing beside it, and
 * nothing new where it is read-only. */
static void a_worker_uses_its_directory(void **state)
{
    enum { NOT_CAPABLE = 76, READ_ONLY = 69 };
    struct wrt_partition *partition = make_partition(64 << 20);
    char path[128];
    struct wrt_worker *worker;
    int32_t answer;

    (void)state;
    strcpy(work, "/tmp/wrt-worker-XXXXXX");
    assert_non_null(mkdtemp(work));
    snprintf(path, sizeof path, "%s/data", work);
    assert_int_equal(mkdir(path, 0700), 0);
    in_work("data/in", "r");
    in_work("secret", "s");

    worker = start_files(partition, true);
    assert_int_equal(call_files(worker, "read"), 'r');
    assert_true(call_files(worker, "leave") < 0);
    answer = call_files(worker, "write");
    assert_true(answer == -NOT_CAPABLE || answer == -READ_ONLY);
    wrt_worker_destroy(worker, in_ms(5000));

    worker = start_files(partition, false);
    assert_int_equal(call_files(worker, "read"), 'r');
    assert_true(call_files(worker, "leave") < 0);
    assert_int_equal(call_files(worker, "write"), 'w');
    wrt_worker_destroy(worker, in_ms(5000));
    destroy(partition);

    snprintf(path, sizeof path, "%s/data/out", work);
    assert_int_equal(unlink(path), 0); /* it is there */
    snprintf(path, sizeof path, "%s/data/in", work);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/data", work);
    assert_int_equal(rmdir(path), 0);
    snprintf(path, sizeof path, "%s/secret", work);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(work), 0);
}

/* ---- attaching a process that is no worker ---- */

static pid_t start_sleeper(void)
{
    pid_t child = fork();

    if (child == 0) {
        for (;;)
            pause();
    }
    return child;
}

static void a_living_process_can_be_let_go(void **state)
{
    struct wrt_partition *partition = make_partition(64 << 20);
    struct wrt_partition_watch watch;
    const struct wrt_partition_watch_config watched = {.events = 1u << WRT_EVENT_EXIT};
    struct wrt_partition_process process = {.partition = NULL};
    struct wrt_partition_news news;
    struct wrt_error error;
    pid_t child = start_sleeper();

    (void)state;
    assert_int_equal(wrt_partition_watch_add(partition, &watch, &watched, &error), WRT_OK);
    assert_int_equal(wrt_partition_attach_process(partition, child, 16 << 20, &process, &error),
                     WRT_OK);
    assert_int_equal(wrt_partition_detach_process(&process), WRT_OK);
    assert_int_equal(kill(child, 0), 0);
    assert_int_equal(waitpid(child, NULL, WNOHANG), 0); /* it runs, and is still ours to reap */
    assert_int_equal(partition_info(partition).processes, 0);
    assert_int_equal(partition_info(partition).current_bytes[WRT_CHARGE_PROCESS], 0);
    assert_true(wrt_partition_watch_take(&watch, &news));
    assert_int_equal(news.count[WRT_EVENT_EXIT], 1);
    assert_int_equal(wrt_partition_detach_process(&process), WRT_ERR_STATE);
    assert_int_equal(wrt_partition_attach_process(partition, child, 16 << 20, &process, &error),
                     WRT_OK); /* and may come back */
    assert_int_equal(wrt_partition_detach_process(&process), WRT_OK);
    assert_int_equal(wrt_partition_watch_remove(&watch), WRT_OK);
    destroy(partition);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

/* ---- priority and affinity ---- */

static bool runs_on(pid_t process, int processor)
{
    cpu_set_t set;

    assert_int_equal(sched_getaffinity(process, sizeof set, &set), 0);
    return CPU_COUNT(&set) == 1 && CPU_ISSET((size_t)processor, &set);
}

static int priority_of(pid_t process)
{
    struct sched_param parameters;

    assert_int_equal(sched_getparam(process, &parameters), 0);
    return parameters.sched_priority;
}

/* The last processor that this process may use. */
static int last_processor(void)
{
    cpu_set_t set;
    int last = 0;

    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    for (int i = 0; i < 64; i++)
        last = CPU_ISSET((size_t)i, &set) ? i : last;
    return last;
}

static bool may_be_real_time(void)
{
    struct sched_param parameters = {.sched_priority = 1};
    pid_t child = start_sleeper();
    bool may = sched_setscheduler(child, SCHED_FIFO, &parameters) == 0;

    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    return may;
}

static void priority_and_affinity_reach_attached_processes(void **state)
{
    const int processor = last_processor();
    const struct wrt_partition_config config = {
        .name = "timed", .max_bytes = 64 << 20, .affinity = UINT64_C(1) << processor,
        .priority = may_be_real_time() ? 3 : 0};
    struct wrt_partition *partition;
    struct wrt_partition_process process = {.partition = NULL};
    struct wrt_partition_limits limits;
    struct wrt_error error;
    pid_t child = start_sleeper();

    (void)state;
    assert_int_equal(wrt_partition_create(NULL, &config, &partition, &error), WRT_OK);
    assert_int_equal(wrt_partition_attach_process(partition, child, 16 << 20, &process, &error),
                     WRT_OK);
    assert_true(runs_on(child, processor));
    assert_int_equal(priority_of(child), config.priority);
    assert_true(partition_info(partition).cpu_in_force);

    wrt_partition_get_limits(partition, &limits); /* live */
    limits.priority = config.priority != 0 ? 5 : 0;
    assert_int_equal(wrt_partition_set_limits(partition, &limits, &error), WRT_OK);
    assert_int_equal(priority_of(child), limits.priority);
    limits.affinity = UINT64_C(1) << 63; /* a processor that there is not: told */
    assert_int_equal(wrt_partition_set_limits(partition, &limits, &error), WRT_OK);
    assert_false(partition_info(partition).cpu_in_force);
    assert_true(runs_on(child, processor));
    assert_int_equal(wrt_partition_detach_process(&process), WRT_OK);
    destroy(partition);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

/* A worker is as any process. */
static void priority_and_affinity_reach_workers(void **state)
{
    const int processor = last_processor();
    const struct wrt_partition_config config = {
        .name = "timed", .max_bytes = 64 << 20, .affinity = UINT64_C(1) << processor,
        .priority = may_be_real_time() ? 3 : 0, .flags = WRT_PARTITION_CONTAINER};
    struct wrt_worker_config started = default_config();
    struct wrt_partition *partition;
    struct wrt_worker *worker;
    struct wrt_error error;
    pid_t id;

    (void)state;
    assert_int_equal(wrt_partition_create(NULL, &config, &partition, &error), WRT_OK);
    worker = start(partition, &started);
    id = (pid_t)info_of(worker).process_id;
    assert_true(runs_on(id, processor));
    assert_int_equal(priority_of(id), config.priority);
    assert_int_equal(call(worker, "beat", 0, &error), WRT_OK);
    wrt_worker_destroy(worker, in_ms(5000));
    destroy(partition);
}

/* In a thread of its own, because there is no way back. */
static void *adopt(void *text)
{
    const struct wrt_partition_config config = {
        .name = "timed", .affinity = UINT64_C(1) << last_processor(),
        .priority = may_be_real_time() ? 3 : 0};
    struct wrt_partition_limits limits;
    struct wrt_partition *partition;
    struct wrt_error error;

    assert_int_equal(wrt_partition_create(NULL, &config, &partition, &error), WRT_OK);
    assert_int_equal(wrt_partition_adopt_thread(partition, &error), WRT_OK);
    assert_true(runs_on(0, last_processor()));
    assert_int_equal(priority_of(0), config.priority);
    wrt_partition_get_limits(partition, &limits);
    limits.cpu_permille = 100; /* with a budget for critical threads: QNX has them for threads */
    limits.cpu_critical_ms = 5;
    assert_int_equal(wrt_partition_set_limits(partition, &limits, &error), WRT_OK);
    assert_int_equal(wrt_partition_adopt_thread(partition, &error), WRT_ERR_UNSUPPORTED);
    memcpy(text, error.text, sizeof error.text);
    destroy(partition);
    return NULL;
}

static void a_thread_can_be_adopted(void **state)
{
    static char text[sizeof((struct wrt_error *)NULL)->text];
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, adopt, text), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_non_null(strstr(text, "partition timed: the thread cannot have its processor budget"));
}

static void any_process_can_be_attached(void **state)
{
    struct wrt_partition *partition = make_partition(64 << 20);
    struct wrt_partition_process process = {.partition = NULL};
    struct wrt_partition_exit end;
    struct wrt_error error;
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        for (;;)
            pause();
    }
    assert_int_equal(wrt_partition_attach_process(partition, 0, 0, &process, &error),
                     WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_partition_attach_process(partition, -1, 0, &process, &error),
                     WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_partition_attach_process(partition, INT64_MAX, 0, &process, &error),
                     WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_partition_attach_process(partition, getpid(), 0, &process, &error),
                     WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_partition_attach_process(partition, 4194304, 0, &process, &error),
                     WRT_ERR_NOT_FOUND); /* above the kernel's largest number */
    assert_int_equal(wrt_partition_attach_process(partition, child, 128 << 20, &process, &error),
                     WRT_ERR_PARTITION_MAX);
    assert_int_equal(wrt_partition_attach_process(partition, child, 16 << 20, &process, &error),
                     WRT_OK);
    assert_int_equal(partition_info(partition).processes, 1);
    assert_int_equal(partition_info(partition).current_bytes[WRT_CHARGE_PROCESS], 16 << 20);
    {
        struct wrt_partition_process again;

        assert_int_equal(wrt_partition_attach_process(partition, child, 0, &again, &error),
                         WRT_ERR_EXISTS);
    }
    assert_int_equal(wrt_partition_destroy(partition, &error), WRT_ERR_BUSY);
    assert_non_null(strstr(error.text, "has process"));
    assert_int_equal(wrt_partition_reap_process(&process, 0, &end), WRT_ERR_TIMEOUT);
    assert_int_equal(kill(child, SIGTERM), 0);
    assert_int_equal(wrt_partition_reap_process(&process, in_ms(5000), &end), WRT_OK);
    assert_true(end.is_known && end.by_signal);
    assert_int_equal(end.code, SIGTERM);
    assert_int_equal(wrt_partition_reap_process(&process, 0, &end), WRT_ERR_STATE);
    assert_int_equal(wrt_partition_detach_process(&process), WRT_ERR_STATE);
    destroy(partition);
}

/* It tries to take four times what it may: refused or ended, in any case not given. */
static void an_attached_process_is_limited_for_real(void **state)
{
    enum { LIMIT = 32 << 20, WANTED = 128 << 20 };
    struct wrt_partition *partition = make_partition(256 << 20);
    struct wrt_partition_process process = {.partition = NULL};
    struct wrt_partition_exit end;
    struct wrt_error error;
    int go[2];
    pid_t child;

    (void)state;
    assert_int_equal(pipe(go), 0);
    child = fork();
    if (child == 0) {
        char byte;
        volatile char *block;

        if (read(go[0], &byte, 1) != 1)
            _exit(9);
        block = malloc(WANTED);
        if (block == NULL)
            _exit(1);
        for (size_t at = 0; at < WANTED; at += 4096)
            block[at] = 1;
        _exit(0);
    }
    assert_int_equal(wrt_partition_attach_process(partition, child, LIMIT, &process, &error),
                     WRT_OK);
    assert_int_equal(write(go[1], "g", 1), 1);
    assert_int_equal(wrt_partition_reap_process(&process, in_ms(60000), &end), WRT_OK);
    assert_true(end.is_known && (end.by_signal || end.code == 1));
    close(go[0]), close(go[1]);
    destroy(partition);
}

int main(void)
{
    int failed;
    const struct CMUnitTest everywhere[] = {
        cmocka_unit_test(calls_carry_values),
        cmocka_unit_test(what_goes_wrong_inside_is_told),
        cmocka_unit_test(calls_pause_and_resume),
        cmocka_unit_test(memory_has_two_limits),
        cmocka_unit_test(required_features_are_checked),
        cmocka_unit_test(a_dead_worker_is_noticed),
        cmocka_unit_test(a_hanging_worker_is_killed),
        cmocka_unit_test(a_suspended_worker_goes_on),
        cmocka_unit_test(bad_starts_leave_nothing),
        cmocka_unit_test(a_granted_directory_is_all_it_sees),
        cmocka_unit_test(a_worker_uses_its_directory),
    };
    const struct CMUnitTest on_linux[] = {
        cmocka_unit_test(the_kernel_holds_the_limit_too),
        cmocka_unit_test(what_the_processor_guesses_is_asked_for),
        cmocka_unit_test(cache_ways_are_asked_for),
        cmocka_unit_test(the_processor_budget_holds),
        cmocka_unit_test(any_process_can_be_attached),
        cmocka_unit_test(a_living_process_can_be_let_go),
        cmocka_unit_test(priority_and_affinity_reach_attached_processes),
        cmocka_unit_test(priority_and_affinity_reach_workers),
        cmocka_unit_test(a_thread_can_be_adopted),
        cmocka_unit_test(an_attached_process_is_limited_for_real),
    };
#ifdef WRT_SANITIZED
    printf("a sanitizer's own system calls are not on the worker's list\n");
    return 77;
#endif
    if (WRT_TENANT_PROGRAM[0] == '\0') {
        printf("this port starts no worker processes\n");
        return 77;
    }
    failed = cmocka_run_group_tests(everywhere, read_module, NULL);
    if (is_linux())
        failed += cmocka_run_group_tests(on_linux, read_module, NULL);
    return failed;
}
