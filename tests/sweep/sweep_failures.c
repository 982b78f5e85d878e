/* sweep_failures.c - load, link, instantiate, run, grow and teardown, with the 1st, 2nd, …
 * call of the port failing, then the 1st, 2nd, … charge of the partition.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Every run ends in a documented status, leaves the partition at zero, gives back all that
 * was taken from the system, and never takes the guest down a path it would not know: a
 * failed memory.grow is -1 to it.
 */
#include "engine_fixture.h"
#include "fault.h"
#include "partition_fault.h"

struct scenario {
    const struct wrt_page_config *pages;
    uint8_t *bytes[2];
    size_t sizes[2];
};

struct attempt {
    struct wrt_partition *partition;
    struct wrt_store *store;
    struct wrt_module *modules[2];
    struct wrt_instance *instances[2];
    struct wrt_error error;
};

static enum wrt_status host_nothing(struct wrt_caller *caller, void *context,
                                    const union wrt_slot *arguments, union wrt_slot *results)
{
    (void)caller;
    (void)context;
    (void)arguments;
    (void)results;
    return WRT_OK;
}

static enum wrt_status make_objects(struct attempt *a)
{
    const struct wrt_memory_type memory_type = {
        .limits = {.minimum = 1, .maximum = 2, .has_maximum = true}, .page_bytes = 65536};
    const struct wrt_table_type table_type = {.element = WRT_EXTERNREF, .limits = {.minimum = 4}};
    const struct wrt_global_type global_type = {.content = WRT_I64, .is_mutable = true};
    const union wrt_slot null = {.external = NULL};
    struct wrt_table *table;
    struct wrt_extern memory = {.kind = WRT_EXTERN_MEMORY};
    struct wrt_global *global;
    uint64_t old;
    enum wrt_status status = wrt_store_define_function(a->store, "host", "nothing", "iI:",
                                                       host_nothing, NULL, &a->error);
    if (status == WRT_OK)
        status = wrt_memory_create(a->store, &memory_type, &memory.of.memory, &a->error);
    if (status == WRT_OK)
        status = wrt_store_define(a->store, "host", "memory", memory, &a->error);
    if (status == WRT_OK)
        status = wrt_memory_grow(memory.of.memory, 1, &old, &a->error);
    if (status == WRT_OK)
        status = wrt_table_create(a->store, &table_type, null, &table, &a->error);
    if (status == WRT_OK)
        status = wrt_table_grow(table, 100, null, &old, &a->error);
    if (status == WRT_OK)
        status = wrt_global_create(a->store, &global_type, null, &global, &a->error);
    return status;
}

static enum wrt_status start_module(struct attempt *a, const struct scenario *scenario,
                                    unsigned i)
{
    enum wrt_status status = wrt_module_load(a->partition, NULL, scenario->bytes[i],
                                             scenario->sizes[i], &a->modules[i], &a->error);
    if (status == WRT_OK)
        status = wrt_store_instantiate(a->store, a->modules[i], &a->instances[i], &a->error);
    if (status == WRT_OK)
        status = wrt_store_define_instance(a->store, i == 0 ? "a" : "b", a->instances[i],
                                           &a->error);
    return status;
}

static uint32_t call(struct attempt *a, const char *name, uint32_t argument)
{
    struct fixture f = {.store = a->store, .instance = a->instances[1]};
    uint32_t result;
    assert_status(fixture_call(&f, name, argument, &result), WRT_OK);
    return result;
}

/* A guest that runs sees a refusal only where it asked for memory. */
static void run_guest(struct attempt *a)
{
    uint32_t grown = call(a, "grow_memory", 2);
    assert_true(grown == 1 || grown == UINT32_MAX);
    uint32_t table = call(a, "grow_table", 8);
    assert_true(table == 4 || table == UINT32_MAX);
    assert_int_equal(call(a, "fib", 9), 34);
    assert_int_equal(call(a, "sieve", 120), 30);
    assert_int_equal(call(a, "grow_memory", 0), grown == 1 ? 3 : 1);
}

static enum wrt_status attempt(struct attempt *a, const struct scenario *scenario)
{
    const struct wrt_partition_config partition = {.name = "sweep", .max_bytes = 8 << 20};
    struct wrt_store_config config = {.stack_bytes = 65536};
    if (scenario->pages != NULL)
        config.pages = *scenario->pages;
    enum wrt_status status = wrt_partition_create(NULL, &partition, &a->partition, &a->error);
    if (status == WRT_OK)
        status = wrt_store_create(a->partition, &config, &a->store, &a->error);
    if (status == WRT_OK)
        status = make_objects(a);
    if (status == WRT_OK)
        status = start_module(a, scenario, 0);
    if (status == WRT_OK)
        status = start_module(a, scenario, 1);
    if (status == WRT_OK)
        run_guest(a);
    return status;
}

static void give_back(struct attempt *a)
{
    assert_status(wrt_store_destroy(a->store), WRT_OK);
    assert_status(wrt_module_destroy(a->modules[0]), WRT_OK);
    assert_status(wrt_module_destroy(a->modules[1]), WRT_OK);
    if (a->partition == NULL)
        return;
    assert_int_equal(partition_live_bytes(a->partition), 0);
    assert_status(wrt_partition_destroy(a->partition, NULL), WRT_OK);
}

static bool documented(enum wrt_status status)
{
    return status == WRT_ERR_NO_MEMORY || status == WRT_ERR_PARTITION_MAX ||
           status == WRT_ERR_LIMIT || status == WRT_ERR_DENIED || status == WRT_ERR_UNSUPPORTED ||
           status == WRT_ERR_IO;
}

static void run_once(const struct scenario *scenario, bool fired(void), const char *what,
                     uint64_t nth)
{
    struct attempt a = {.error = {.text = ""}};
    struct port_taken before = port_fault_taken();
    enum wrt_status status = attempt(&a, scenario);
    if (status != WRT_OK && !fired())
        fail_msg("it fails without a planted failure: %s", a.error.text);
    if (status != WRT_OK && (!documented(status) || a.error.status != status))
        fail_msg("%s %llu: %s (the error says %s)", what, (unsigned long long)nth,
                 wrt_status_name(status), wrt_status_name(a.error.status));
    give_back(&a);
    struct port_taken after = port_fault_taken();
    if (nth != 0 && memcmp(&before, &after, sizeof before) != 0)
        fail_msg("%s %llu leaks", what, (unsigned long long)nth);
}

static void sweep(const struct scenario *scenario, void arm(uint64_t nth), bool fired(void),
                  const char *what, uint64_t least)
{
    uint64_t nth = 0;
    port_fault_arm(0);
    partition_fault_arm(0);
    run_once(scenario, fired, what, 0); /* what stays for good is taken here */
    do {
        arm(++nth);
        run_once(scenario, fired, what, nth);
    } while (fired());
    arm(0);
    print_message("%llu times %s failed\n", (unsigned long long)(nth - 1), what);
    assert_true(nth > least);
}

static struct scenario open_scenario(const struct wrt_page_config *pages)
{
    struct scenario scenario = {.pages = pages};
    scenario.bytes[0] = fixture_bytes("everything", &scenario.sizes[0]);
    scenario.bytes[1] = fixture_bytes("programs", &scenario.sizes[1]);
    return scenario;
}

static void close_scenario(struct scenario *scenario)
{
    free(scenario->bytes[0]);
    free(scenario->bytes[1]);
}

static const struct wrt_page_config configs[] = {
    {.provider = WRT_PAGES_RESERVED, .guard_before_bytes = 4096, .guard_after_bytes = 4096},
    {.provider = WRT_PAGES_NATIVE},
};

static void test_port_calls(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct scenario scenario = open_scenario(&configs[i]);
        sweep(&scenario, port_fault_arm, port_fault_fired, "call of the port", 5);
        close_scenario(&scenario);
    }
}

static void test_partition_calls(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct scenario scenario = open_scenario(&configs[i]);
        sweep(&scenario, partition_fault_arm, partition_fault_fired, "charge of the partition", 20);
        close_scenario(&scenario);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_port_calls),
        cmocka_unit_test(test_partition_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
