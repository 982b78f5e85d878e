/* engine_pause.c - fuel counts the same however often a guest pauses, and a paused guest
 * continues as if nothing had happened.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine_fixture.h"

static const struct program {
    const char *name;
    uint32_t argument;
} programs[] = {
    {"fib", 9},      {"sum", 60},   {"sieve", 120}, {"dispatch", 40}, {"switch", 50},
    {"floats", 30},  {"even", 61},  {"bulk", 3},    {"values", 25},
};

enum { PROGRAMS = sizeof programs / sizeof *programs };

struct ending {
    uint32_t result;
    uint64_t fuel;
};

/* Runs the program in a fresh instance: first with `first` fuel, then with `step` each. */
static struct ending run(const struct program *program, uint64_t first, uint64_t step)
{
    struct fixture f;
    struct ending ending = {0};
    fixture_start(&f, "programs");
    wrt_store_set_fuel(f.store, first);
    enum wrt_status status = fixture_call(&f, program->name, program->argument, &ending.result);
    ending.fuel = wrt_store_fuel_used(f.store);
    while (status == WRT_PAUSED) {
        assert_int_equal(wrt_store_pause_reason(f.store), WRT_PAUSE_FUEL);
        assert_int_equal(wrt_store_fuel_left(f.store), 0);
        wrt_store_set_fuel(f.store, step);
        assert_int_equal(wrt_store_fuel_used(f.store), 0);
        status = fixture_resume(&f, &ending.result);
        ending.fuel += wrt_store_fuel_used(f.store);
    }
    assert_status(status, WRT_OK);
    assert_int_equal(wrt_store_pause_reason(f.store), WRT_PAUSE_NONE);
    fixture_close(&f);
    return ending;
}

static void require_same(const struct program *program, struct ending a, struct ending b,
                         uint64_t fuel)
{
    if (a.result != b.result || a.fuel != b.fuel)
        fail_msg("%s with %llu fuel: result %u and %llu fuel, not %u and %llu", program->name,
                 (unsigned long long)fuel, b.result, (unsigned long long)b.fuel, a.result,
                 (unsigned long long)a.fuel);
}

static void test_results(void **state)
{
    (void)state;
    static const uint32_t wanted[] = {34, 5490, 30};
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(run(&programs[i], UINT64_MAX, 0).result, wanted[i]);
}

static void test_fuel_is_counted_instructions(void **state)
{
    (void)state;
    const struct program fib0 = {"fib", 0}, sum1 = {"sum", 1}, sum2 = {"sum", 2};
    /* local.get, i32.const, i32.lt_u, if, local.get */
    assert_int_equal(run(&fib0, UINT64_MAX, 0).fuel, 5);
    /* 6 for the sum, 5 for the loop's end and branch, 1 for the result */
    assert_int_equal(run(&sum1, UINT64_MAX, 0).fuel, 12);
    assert_int_equal(run(&sum2, UINT64_MAX, 0).fuel, 23);
}

static void test_every_first_fuel(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PROGRAMS; i++) {
        struct ending straight = run(&programs[i], UINT64_MAX, 0);
        uint64_t most = straight.fuel < 400 ? straight.fuel : 400;
        for (uint64_t first = 0; first <= most; first++)
            require_same(&programs[i], straight, run(&programs[i], first, UINT64_MAX), first);
    }
}

static void test_every_step(void **state)
{
    (void)state;
    static const uint64_t steps[] = {1, 2, 3, 5, 7, 11, 16, 31, 64, 127, 500};
    for (unsigned i = 0; i < PROGRAMS; i++) {
        struct ending straight = run(&programs[i], UINT64_MAX, 0);
        for (unsigned k = 0; k < sizeof steps / sizeof *steps; k++)
            require_same(&programs[i], straight, run(&programs[i], steps[k], steps[k]), steps[k]);
    }
}

/* Not before the fuel is used up, and not long after. */
static void test_pauses_near_the_limit(void **state)
{
    (void)state;
    struct fixture f;
    uint32_t result;
    fixture_start(&f, "programs");
    for (uint64_t fuel = 0; fuel < 300; fuel += 7) {
        wrt_store_set_fuel(f.store, fuel);
        assert_status(fixture_call(&f, "sum", 1000, &result), WRT_PAUSED);
        assert_in_range(wrt_store_fuel_used(f.store), fuel, fuel + 24);
        wrt_store_drop(f.store);
    }
    fixture_close(&f);
}

static void test_enough_fuel_does_not_pause(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PROGRAMS; i++) {
        struct fixture f;
        uint32_t result;
        uint64_t fuel = run(&programs[i], UINT64_MAX, 0).fuel;
        fixture_start(&f, "programs");
        wrt_store_set_fuel(f.store, fuel + 1);
        assert_status(fixture_call(&f, programs[i].name, programs[i].argument, &result), WRT_OK);
        assert_int_equal(wrt_store_fuel_left(f.store), 1);
        fixture_close(&f);
    }
}

static void test_drop(void **state)
{
    (void)state;
    struct fixture f;
    uint32_t result;
    fixture_start(&f, "programs");
    for (uint64_t fuel = 0; fuel < 200; fuel += 3) {
        wrt_store_set_fuel(f.store, fuel);
        assert_status(fixture_call(&f, "fib", 15, &result), WRT_PAUSED);
        wrt_store_drop(f.store);
        assert_int_equal(wrt_store_pause_reason(f.store), WRT_PAUSE_NONE);
        assert_status(fixture_resume(&f, &result), WRT_ERR_STATE);
        wrt_store_set_fuel(f.store, UINT64_MAX);
        assert_status(fixture_call(&f, "fib", 9, &result), WRT_OK);
        assert_int_equal(result, 34);
    }
    fixture_close(&f);
}

static void test_one_call_at_a_time(void **state)
{
    (void)state;
    struct fixture f;
    uint32_t result;
    fixture_start(&f, "programs");
    assert_status(fixture_resume(&f, &result), WRT_ERR_STATE);
    wrt_store_set_fuel(f.store, 10);
    assert_status(fixture_call(&f, "fib", 9, &result), WRT_PAUSED);
    assert_status(fixture_call(&f, "fib", 9, &result), WRT_ERR_BUSY);
    wrt_store_set_fuel(f.store, UINT64_MAX);
    assert_status(fixture_resume(&f, &result), WRT_OK);
    assert_int_equal(result, 34);
    fixture_close(&f);
}

static void test_destroyed_while_paused(void **state)
{
    (void)state;
    struct fixture f;
    uint32_t result;
    fixture_start(&f, "programs");
    wrt_store_set_fuel(f.store, 50);
    assert_status(fixture_call(&f, "fib", 20, &result), WRT_PAUSED);
    fixture_close(&f);
}

/* Loops, calls and tail calls all have a stop point. */
static void test_endless_guests_stop(void **state)
{
    (void)state;
    static const char *const names[] = {"forever", "forever_calls", "forever_tail"};
    for (unsigned i = 0; i < 3; i++) {
        struct fixture f;
        fixture_start(&f, "programs");
        wrt_store_set_fuel(f.store, 100000);
        struct wrt_function *function = fixture_function(&f, names[i]);
        assert_status(wrt_function_call(f.store, function, NULL, 0, NULL, 0), WRT_PAUSED);
        wrt_store_set_fuel(f.store, 1000);
        assert_status(wrt_store_resume(f.store, NULL, 0), WRT_PAUSED);
        fixture_close(&f);
    }
}

static void test_where_it_stands(void **state)
{
    (void)state;
    struct fixture f;
    struct wrt_frame frame;
    uint32_t result;
    fixture_start(&f, "programs");
    wrt_store_set_fuel(f.store, 60);
    assert_status(fixture_call(&f, "fib", 15, &result), WRT_PAUSED);
    uint32_t depth = wrt_store_frame_count(f.store);
    assert_in_range(depth, 2, 16);
    for (uint32_t i = 0; i < depth; i++) {
        assert_status(wrt_store_get_frame(f.store, i, &frame), WRT_OK);
        assert_false(frame.is_host);
        assert_int_equal(frame.name.size_bytes, 3);
        assert_memory_equal(frame.name.data, "fib", 3);
    }
    assert_status(wrt_store_get_frame(f.store, depth, &frame), WRT_ERR_BOUNDS);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_fuel_is_counted_instructions),
        cmocka_unit_test(test_every_first_fuel),
        cmocka_unit_test(test_every_step),
        cmocka_unit_test(test_pauses_near_the_limit),
        cmocka_unit_test(test_enough_fuel_does_not_pause),
        cmocka_unit_test(test_drop),
        cmocka_unit_test(test_one_call_at_a_time),
        cmocka_unit_test(test_destroyed_while_paused),
        cmocka_unit_test(test_endless_guests_stop),
        cmocka_unit_test(test_where_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
