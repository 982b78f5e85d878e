/* sweep_quiet.c - a running guest asks nobody for memory: no call of the port, no charge of
 * the partition, except by memory.grow and table.grow.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine_fixture.h"
#include "fault.h"
#include "partition_fault.h"

static void start_counting(void)
{
    port_fault_arm(0);
    partition_fault_arm(0);
}

static void require_quiet(const struct fixture *f, uint64_t used_before)
{
    assert_int_equal(partition_fault_calls(), 0);
    assert_int_equal(port_fault_calls(), 0);
    assert_int_equal(fixture_used(f), used_before);
}

/* Calls, pauses, resumes, drops, traps: everything short of growing. */
static void test_running_allocates_nothing(void **state)
{
    (void)state;
    static const struct { const char *name; uint32_t argument; } programs[] = {
        {"fib", 12},     {"sum", 100},  {"sieve", 500}, {"dispatch", 100}, {"switch", 50},
        {"floats", 100}, {"even", 101}, {"bulk", 5},    {"values", 50},    {"down", 0},
    };
    struct fixture f;
    uint32_t result;
    fixture_start(&f, "programs");
    uint64_t used = fixture_used(&f);
    start_counting();
    for (unsigned i = 0; i < sizeof programs / sizeof *programs; i++) {
        wrt_store_set_fuel(f.store, 37);
        enum wrt_status status = fixture_call(&f, programs[i].name, programs[i].argument, &result);
        while (status == WRT_PAUSED) {
            wrt_store_set_fuel(f.store, 37);
            status = fixture_resume(&f, &result);
        }
        assert_status(status, i == 9 ? WRT_ERR_TRAP : WRT_OK);
        wrt_store_set_fuel(f.store, 11);
        if (fixture_call(&f, programs[i].name, programs[i].argument, &result) == WRT_PAUSED)
            wrt_store_drop(f.store);
    }
    require_quiet(&f, used);
    fixture_close(&f);
}

/* Growing is charged, and by the amount that was asked for. */
static void test_growing_does(void **state)
{
    (void)state;
    struct fixture f;
    uint32_t result;
    fixture_start(&f, "programs");
    uint64_t used = fixture_used(&f);
    start_counting();
    assert_status(fixture_call(&f, "grow_memory", 2, &result), WRT_OK);
    assert_int_equal(result, 1);
    assert_true(partition_fault_calls() > 0);
    assert_int_equal(fixture_used(&f), used + 2 * 65536);
    start_counting();
    assert_status(fixture_call(&f, "grow_memory", 100, &result), WRT_OK);
    assert_int_equal(result, UINT32_MAX); /* above the memory's own maximum */
    assert_int_equal(fixture_used(&f), used + 2 * 65536);
    fixture_close(&f);
}

/* A call with a deadline reads the clock, and nothing more. */
static void test_deadline_reads_only_the_clock(void **state)
{
    (void)state;
    struct fixture f;
    uint32_t result;
    fixture_start(&f, "programs");
    uint64_t used = fixture_used(&f);
    wrt_store_set_deadline(f.store, wrt_time_now_ns() + 60000000000);
    start_counting();
    assert_status(fixture_call(&f, "sum", 100000, &result), WRT_OK);
    assert_int_equal(partition_fault_calls(), 0);
    assert_int_equal(fixture_used(&f), used);
    /* about 1.1 million units of fuel, a look each 4,096 or so */
    assert_true(port_fault_calls() < 1000);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_running_allocates_nothing),
        cmocka_unit_test(test_growing_does),
        cmocka_unit_test(test_deadline_reads_only_the_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
