/* tests/tenant/schedule.c - who runs next, and the books of releases and budgets.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tenant/lane.h"

enum { TENANTS = 3 };
#define MS 1000000u

struct fixture {
    struct wrt_lane lane;
    struct wrt_tenant tenant[TENANTS];
    struct wrt_tenant *members[TENANTS];
    struct wrt_tenant_config config[TENANTS];
};

static struct fixture *fixture(struct fixture *f)
{
    *f = (struct fixture){.lane = {.count = TENANTS, .slice_ns = 1 * MS}};
    for (unsigned i = 0; i < TENANTS; i++) {
        f->tenant[i].config = &f->config[i];
        f->members[i] = &f->tenant[i];
    }
    f->lane.tenants = f->members;
    return f;
}

static void run_program(struct fixture *f, unsigned i)
{
    f->tenant[i].life.phase = WRT_TENANT_RUNNING;
    f->tenant[i].guest.step = WRT_GUEST_ACTIVE;
}

static void run_cyclic(struct fixture *f, unsigned i, uint64_t period_us, uint64_t now_ns)
{
    f->config[i].period_us = period_us;
    f->tenant[i].is_cyclic = true;
    f->tenant[i].life.phase = WRT_TENANT_RUNNING;
    f->tenant[i].guest.step = WRT_GUEST_IDLE;
    wrt_schedule_ready(&f->tenant[i], now_ns);
}

/* As the lane does: decide, and go round. */
static struct wrt_turn next(struct fixture *f, uint64_t now_ns)
{
    struct wrt_turn turn = wrt_schedule_next(&f->lane, now_ns);
    if (turn.place != 0)
        f->lane.cursor = turn.place % f->lane.count;
    return turn;
}

static void nobody_wants(void **state)
{
    (void)state;
    struct fixture f;
    struct wrt_turn turn = next(fixture(&f), 5);
    assert_null(turn.tenant);
    assert_true(turn.until_ns == UINT64_MAX);
    f.tenant[1].life.phase = WRT_TENANT_BACKOFF;
    f.tenant[1].life.due_ns = 77;
    turn = next(&f, 5);
    assert_null(turn.tenant);
    assert_int_equal(turn.until_ns, 77);
    assert_ptr_equal(next(&f, 77).tenant, &f.tenant[1]);
}

static void programs_take_turns_of_a_slice(void **state)
{
    (void)state;
    struct fixture f;
    fixture(&f);
    run_program(&f, 0);
    run_program(&f, 1);
    unsigned turns[TENANTS] = {0};
    for (unsigned i = 0; i < 100; i++) {
        struct wrt_turn turn = next(&f, 1000);
        assert_int_equal(turn.until_ns, 1000 + 1 * MS);
        turns[turn.tenant - f.tenant]++;
    }
    assert_int_equal(turns[0], 50); /* neighbours in a list with idle ones share alike */
    assert_int_equal(turns[1], 50);
}

static void a_release_ends_a_turn_and_comes_first(void **state)
{
    (void)state;
    struct fixture f;
    fixture(&f);
    run_program(&f, 0);
    run_cyclic(&f, 1, 1000, 10 * MS);
    f.tenant[1].release_ns = 10 * MS + 300;
    struct wrt_turn turn = next(&f, 10 * MS);
    assert_ptr_equal(turn.tenant, &f.tenant[0]);
    assert_int_equal(turn.until_ns, 10 * MS + 300);
    turn = next(&f, 10 * MS + 300);
    assert_ptr_equal(turn.tenant, &f.tenant[1]);
}

static void the_earliest_deadline_comes_first(void **state)
{
    (void)state;
    struct fixture f;
    fixture(&f);
    run_cyclic(&f, 0, 5000, 0);
    run_cyclic(&f, 1, 1000, 0);
    run_cyclic(&f, 2, 2000, 0);
    assert_ptr_equal(next(&f, 0).tenant, &f.tenant[1]);
    f.tenant[1].release_ns = 1 * MS;
    assert_ptr_equal(next(&f, 0).tenant, &f.tenant[2]);
    /* Closing comes before all of them. */
    f.tenant[0].stop_asked = true;
    assert_ptr_equal(next(&f, 0).tenant, &f.tenant[0]);
}

/* One that never ends takes turns with the programs from its deadline on. */
static void a_late_activation_starves_nobody(void **state)
{
    (void)state;
    struct fixture f;
    fixture(&f);
    run_program(&f, 0);
    run_cyclic(&f, 1, 1000, 0);
    run_cyclic(&f, 2, 5000, 0);
    f.tenant[1].guest.step = WRT_GUEST_ACTIVE;
    assert_ptr_equal(next(&f, 500).tenant, &f.tenant[1]);
    assert_true(wrt_schedule_overran(&f.tenant[1], 1 * MS));
    assert_ptr_equal(next(&f, 1 * MS).tenant, &f.tenant[2]);
    f.tenant[2].release_ns = 100 * MS;
    unsigned turns[TENANTS] = {0};
    for (unsigned i = 0; i < 10; i++)
        turns[next(&f, 2 * MS).tenant - f.tenant]++;
    assert_int_equal(turns[0], 5);
    assert_int_equal(turns[1], 5);
}

/* One activation from `start` to `end`. */
static void activation(struct wrt_tenant *tenant, uint64_t start_ns, uint64_t end_ns)
{
    wrt_schedule_begin(tenant, start_ns);
    tenant->guest.step = WRT_GUEST_ACTIVE;
    tenant->guest.step = WRT_GUEST_IDLE;
    wrt_schedule_finished(tenant, true, end_ns);
}

static void lateness_and_response(void **state)
{
    (void)state;
    struct fixture f;
    fixture(&f);
    run_cyclic(&f, 0, 1000, 0);
    struct wrt_tenant *t = &f.tenant[0];
    activation(t, 100, 400);
    activation(t, 1 * MS + 50, 1 * MS + 900);
    assert_int_equal(t->counters.activations, 2);
    assert_int_equal(t->counters.lateness_max_ns, 100);
    assert_int_equal(t->counters.lateness_sum_ns, 150);
    assert_int_equal(t->counters.response_max_ns, 900);
    assert_int_equal(t->counters.overruns, 0);
    assert_int_equal(t->release_ns, 2 * MS);
    assert_int_equal(wrt_schedule_wants(t, 1 * MS + 901), 2 * MS);
}

/* Releases at 0, 1, 2 ... ms; the first activation ends at 2.5 ms. */
static struct wrt_tenant *overrun(struct fixture *f, enum wrt_overrun policy)
{
    fixture(f);
    run_cyclic(f, 0, 1000, 0);
    f->config[0].overrun = policy;
    wrt_schedule_begin(&f->tenant[0], 0);
    f->tenant[0].guest.step = WRT_GUEST_ACTIVE;
    assert_false(wrt_schedule_overran(&f->tenant[0], 1 * MS - 1));
    assert_true(wrt_schedule_overran(&f->tenant[0], 1 * MS));
    assert_false(wrt_schedule_overran(&f->tenant[0], 2 * MS)); /* told once */
    f->tenant[0].guest.step = WRT_GUEST_IDLE;
    return &f->tenant[0];
}

static void skipping_loses_the_releases_that_passed(void **state)
{
    (void)state;
    struct fixture f;
    struct wrt_tenant *t = overrun(&f, WRT_OVERRUN_SKIP);
    wrt_schedule_finished(t, true, 2 * MS + MS / 2);
    assert_int_equal(t->counters.overruns, 1);
    assert_int_equal(t->counters.misses, 2); /* those of 1 and 2 ms */
    assert_int_equal(t->release_ns, 3 * MS);
}

static void catching_up_loses_none(void **state)
{
    (void)state;
    struct fixture f;
    struct wrt_tenant *t = overrun(&f, WRT_OVERRUN_CATCH_UP);
    wrt_schedule_finished(t, true, 2 * MS + MS / 2);
    assert_int_equal(t->counters.overruns, 1);
    assert_int_equal(t->counters.misses, 0);
    assert_int_equal(t->release_ns, 1 * MS);
    assert_true(wrt_schedule_wants(t, 2 * MS + MS / 2) <= 2 * MS + MS / 2);
}

static void dropping_makes_room_for_the_release_that_is_due(void **state)
{
    (void)state;
    struct fixture f;
    struct wrt_tenant *t = overrun(&f, WRT_OVERRUN_DROP);
    wrt_schedule_finished(t, false, 1 * MS + 10);
    assert_int_equal(t->counters.overruns, 1);
    assert_int_equal(t->counters.activations, 0);
    assert_int_equal(t->counters.misses, 0);
    assert_int_equal(t->release_ns, 1 * MS);
}

static void a_limit_is_an_overrun_too(void **state)
{
    (void)state;
    struct fixture f;
    fixture(&f);
    run_cyclic(&f, 0, 1000, 0);
    wrt_schedule_begin(&f.tenant[0], 0);
    wrt_schedule_finished(&f.tenant[0], false, 400); /* out of fuel long before its period ends */
    assert_int_equal(f.tenant[0].counters.overruns, 1);
    assert_int_equal(f.tenant[0].release_ns, 1 * MS);
}

/* S2: in each window of 100 ms it runs cpu_permille of it. */
static void budgets_throttle(void **state)
{
    (void)state;
    struct fixture f;
    fixture(&f);
    run_program(&f, 0);
    f.config[0].cpu_permille = 200; /* 20 ms of 100 */
    const uint64_t base = 1000 * MS;
    wrt_schedule_charge(&f.tenant[0], 0, base);
    assert_int_equal(f.tenant[0].window_ns % WRT_BUDGET_WINDOW_NS, 0);
    wrt_schedule_charge(&f.tenant[0], 19 * MS + MS / 2, base + 30 * MS);
    struct wrt_turn turn = next(&f, base + 30 * MS);
    assert_ptr_equal(turn.tenant, &f.tenant[0]);
    assert_int_equal(turn.until_ns, base + 30 * MS + MS / 2); /* what is left */
    wrt_schedule_charge(&f.tenant[0], MS, base + 31 * MS);
    assert_int_equal(f.tenant[0].counters.throttled, 1);
    turn = next(&f, base + 31 * MS);
    assert_null(turn.tenant);
    assert_int_equal(turn.until_ns, base + 100 * MS);
    turn = next(&f, base + 100 * MS);
    assert_ptr_equal(turn.tenant, &f.tenant[0]);
    /* The new window's book begins empty. */
    wrt_schedule_charge(&f.tenant[0], 2 * MS, base + 103 * MS);
    turn = next(&f, base + 103 * MS);
    assert_ptr_equal(turn.tenant, &f.tenant[0]);
    assert_int_equal(f.tenant[0].window_ns, base + 100 * MS);
    wrt_schedule_charge(&f.tenant[0], 18 * MS, base + 130 * MS);
    assert_null(next(&f, base + 131 * MS).tenant);
    /* It can still be stopped while throttled. */
    f.tenant[0].stop_asked = true;
    assert_ptr_equal(next(&f, base + 132 * MS).tenant, &f.tenant[0]);
}

static void a_throttled_cyclic_tenant_waits_for_its_window(void **state)
{
    (void)state;
    struct fixture f;
    fixture(&f);
    run_cyclic(&f, 0, 1000, 0);
    f.config[0].cpu_permille = 10;
    wrt_schedule_charge(&f.tenant[0], 5 * MS, 50 * MS);
    f.tenant[0].release_ns = 51 * MS;
    assert_int_equal(wrt_schedule_wants(&f.tenant[0], 51 * MS), 100 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_wants),
        cmocka_unit_test(programs_take_turns_of_a_slice),
        cmocka_unit_test(a_release_ends_a_turn_and_comes_first),
        cmocka_unit_test(the_earliest_deadline_comes_first),
        cmocka_unit_test(a_late_activation_starves_nobody),
        cmocka_unit_test(lateness_and_response),
        cmocka_unit_test(skipping_loses_the_releases_that_passed),
        cmocka_unit_test(catching_up_loses_none),
        cmocka_unit_test(dropping_makes_room_for_the_release_that_is_due),
        cmocka_unit_test(a_limit_is_an_overrun_too),
        cmocka_unit_test(budgets_throttle),
        cmocka_unit_test(a_throttled_cyclic_tenant_waits_for_its_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
