/* tests/tenant/life.c - the life of a tenant, without threads, clocks or guests.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tenant/life.h"

#define MS 1000000u

static const struct wrt_life_policy on_failure = {
    .restart = WRT_RESTART_ON_FAILURE, .backoff_ns = 10 * MS, .backoff_max_ns = 60 * MS,
    .window_ns = 1000 * MS, .max_restarts = 3};

static void start_and_run(struct wrt_life *life, uint64_t now_ns)
{
    if (life->phase == WRT_TENANT_BACKOFF)
        assert_true(wrt_life_due(life, now_ns));
    else
        wrt_life_start(life, now_ns);
    assert_int_equal(life->phase, WRT_TENANT_STARTING);
    assert_true(wrt_life_is_up(life));
    assert_false(wrt_life_is_ready(life));
    wrt_life_ready(life);
    assert_true(wrt_life_is_ready(life));
}

static void begins_waiting(void **state)
{
    (void)state;
    const struct wrt_life life = {0};
    assert_int_equal(life.phase, WRT_TENANT_WAITING);
    assert_false(wrt_life_is_up(&life));
    assert_false(wrt_life_is_ready(&life));
}

static void never_restarts(void **state)
{
    (void)state;
    const struct wrt_life_policy never = {.restart = WRT_RESTART_NEVER};
    struct wrt_life life = {0};
    start_and_run(&life, 1);
    assert_false(wrt_life_ended(&life, &never, false, 2));
    assert_int_equal(life.phase, WRT_TENANT_DONE);
    assert_true(wrt_life_is_ready(&life)); /* what comes after it may start */
    start_and_run(&life, 3);
    assert_true(wrt_life_ended(&life, &never, true, 4)); /* given up: escalate */
    assert_int_equal(life.phase, WRT_TENANT_FAILED);
    assert_int_equal(life.failures, 1);
    assert_int_equal(life.restarts, 0);
}

static void failure_is_told_from_an_end(void **state)
{
    (void)state;
    struct wrt_life life = {0};
    start_and_run(&life, 1);
    assert_false(wrt_life_ended(&life, &on_failure, false, 2));
    assert_int_equal(life.phase, WRT_TENANT_DONE);
    const struct wrt_life_policy always = {.restart = WRT_RESTART_ALWAYS};
    start_and_run(&life, 3);
    assert_false(wrt_life_ended(&life, &always, false, 4));
    assert_int_equal(life.phase, WRT_TENANT_BACKOFF);
}

static void backoff_doubles_up_to_its_most(void **state)
{
    (void)state;
    struct wrt_life_policy policy = on_failure;
    policy.max_restarts = 0;
    struct wrt_life life = {0};
    static const uint64_t pauses[] = {10, 20, 40, 60, 60};
    uint64_t now = 5;
    start_and_run(&life, now);
    for (unsigned i = 0; i < 5; i++) {
        assert_false(wrt_life_ended(&life, &policy, true, now));
        assert_int_equal(life.due_ns - now, pauses[i] * MS);
        assert_false(wrt_life_due(&life, life.due_ns - 1));
        now = life.due_ns;
        start_and_run(&life, now);
    }
    assert_int_equal(life.restarts, 5);
    /* A long healthy run forgets the row. */
    now += policy.window_ns;
    assert_false(wrt_life_ended(&life, &policy, true, now));
    assert_int_equal(life.due_ns - now, 10 * MS);
}

static void no_backoff_is_no_endless_loop(void **state)
{
    (void)state;
    const struct wrt_life_policy policy = {.restart = WRT_RESTART_ALWAYS};
    struct wrt_life life = {0};
    start_and_run(&life, 1);
    for (unsigned i = 0; i < 1000; i++) {
        assert_false(wrt_life_ended(&life, &policy, true, 2));
        assert_int_equal(life.due_ns, 2);
        start_and_run(&life, 2);
    }
    assert_int_equal(life.restarts, 1000);
}

/* L1: at most max_restarts in any window. */
static void gives_up_after_too_many(void **state)
{
    (void)state;
    struct wrt_life life = {0};
    uint64_t now = 1;
    start_and_run(&life, now);
    for (unsigned i = 0; i < 3; i++) {
        assert_false(wrt_life_ended(&life, &on_failure, true, now));
        now = life.due_ns;
        start_and_run(&life, now);
    }
    assert_true(wrt_life_ended(&life, &on_failure, true, now));
    assert_int_equal(life.phase, WRT_TENANT_FAILED);
    /* A command starts it with a clean slate. */
    start_and_run(&life, now);
    assert_false(wrt_life_ended(&life, &on_failure, true, now));
    assert_int_equal(life.phase, WRT_TENANT_BACKOFF);
}

static void old_restarts_leave_the_window(void **state)
{
    (void)state;
    struct wrt_life life = {0};
    uint64_t now = 1;
    start_and_run(&life, now);
    for (unsigned i = 0; i < 40; i++) { /* also around the ring of 32 */
        now += 400 * MS;
        assert_false(wrt_life_ended(&life, &on_failure, true, now));
        assert_int_equal(life.phase, WRT_TENANT_BACKOFF);
        start_and_run(&life, life.due_ns);
    }
}

static void stop_and_give_up(void **state)
{
    (void)state;
    struct wrt_life life = {0};
    start_and_run(&life, 1);
    assert_false(wrt_life_ended(&life, &on_failure, true, 2));
    wrt_life_stop(&life);
    assert_int_equal(life.phase, WRT_TENANT_STOPPED);
    assert_false(wrt_life_due(&life, UINT64_MAX)); /* it stays stopped */
    assert_false(wrt_life_is_ready(&life));
    wrt_life_give_up(&life);
    assert_int_equal(life.phase, WRT_TENANT_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_waiting),
        cmocka_unit_test(never_restarts),
        cmocka_unit_test(failure_is_told_from_an_end),
        cmocka_unit_test(backoff_doubles_up_to_its_most),
        cmocka_unit_test(no_backoff_is_no_endless_loop),
        cmocka_unit_test(gives_up_after_too_many),
        cmocka_unit_test(old_restarts_leave_the_window),
        cmocka_unit_test(stop_and_give_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
