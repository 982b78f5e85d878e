/* tests/tenant/frame.c - the cyclic executive's decisions, moment by moment.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tenant/lane.h"

#define US 1000u

/* a 0..2 ms, b 3..5 ms, a 6..8 ms of 10 ms. */
struct fixture {
    struct wrt_lane lane;
    struct wrt_tenant a, b;
    struct wrt_tenant *members[2];
    struct wrt_tenant_config config[2];
    struct wrt_frame_config frame;
    uint64_t epoch;
};

static void become_idle(struct wrt_tenant *tenant)
{
    tenant->in_frame = tenant->is_cyclic = true;
    tenant->life.phase = WRT_TENANT_RUNNING;
    tenant->guest.step = WRT_GUEST_IDLE;
    wrt_schedule_ready(tenant, 0);
}

static void window(struct fixture *f, const char *name, uint64_t offset, uint64_t duration,
                   struct wrt_tenant *tenant)
{
    struct wrt_window_config *w = &f->frame.windows[f->frame.window_count];
    strcpy(w->tenant, name);
    w->offset_us = offset;
    w->duration_us = duration;
    f->lane.frame.tenants[f->frame.window_count++] = tenant;
}

static struct fixture *fixture(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->lane.count = 2;
    f->lane.slice_ns = 1000 * US;
    f->members[0] = &f->a;
    f->members[1] = &f->b;
    f->lane.tenants = f->members;
    f->a.config = &f->config[0];
    f->b.config = &f->config[1];
    f->frame.major_us = 10000;
    f->lane.frame.config = &f->frame;
    window(f, "a", 0, 2000, &f->a);
    window(f, "b", 3000, 2000, &f->b);
    window(f, "a", 6000, 2000, &f->a);
    become_idle(&f->a);
    become_idle(&f->b);
    /* The first look sets the epoch a millisecond ahead. */
    struct wrt_turn turn = wrt_frame_next(&f->lane, 500);
    assert_null(turn.tenant);
    f->epoch = f->lane.frame.epoch_ns;
    assert_int_equal(turn.until_ns, f->epoch);
    assert_int_equal(f->epoch, 500 + 1000 * US);
    return f;
}

static void expect(struct fixture *f, uint64_t at_us, const struct wrt_tenant *tenant,
                   uint64_t until_us)
{
    struct wrt_turn turn = wrt_frame_next(&f->lane, f->epoch + at_us * US);
    assert_ptr_equal(turn.tenant, tenant);
    assert_int_equal(turn.until_ns - f->epoch, until_us * US);
}

static void windows_belong_to_their_tenants(void **state)
{
    (void)state;
    struct fixture f;
    fixture(&f);
    f.a.guest.step = f.b.guest.step = WRT_GUEST_ACTIVE; /* both always want to run */
    expect(&f, 0, &f.a, 2000);
    expect(&f, 1000, &f.a, 2000);
    expect(&f, 2000, NULL, 3000); /* nobody's time */
    expect(&f, 3000, &f.b, 5000);
    expect(&f, 6001, &f.a, 8000);
    expect(&f, 9000, NULL, 10000);
    expect(&f, 10000, &f.a, 12000); /* the next major frame */
    assert_int_equal(f.lane.frame.windows_run, 4);
    assert_int_equal(f.lane.frame.windows_lost, 0);
    assert_int_equal(f.lane.frame.jitter_max_ns, 1 * US);
    assert_int_equal(f.lane.frame.jitter_sum_ns, 1 * US);
}

static void a_window_releases_an_activation(void **state)
{
    (void)state;
    struct fixture f;
    fixture(&f);
    expect(&f, 0, &f.a, 2000);
    assert_int_equal(f.a.release_ns, f.epoch);
    wrt_schedule_begin(&f.a, f.epoch);
    wrt_schedule_finished(&f.a, true, f.epoch + 100 * US);
    expect(&f, 100, NULL, 3000); /* done: the rest of its window stays empty */
    expect(&f, 6000, &f.a, 8000); /* its second window releases it again */
    assert_int_equal(f.a.counters.activations, 1);
    assert_int_equal(f.lane.frame.windows_lost, 1); /* nobody looked into b's */
}

static void an_activation_goes_on_in_the_next_window(void **state)
{
    (void)state;
    struct fixture f;
    fixture(&f);
    expect(&f, 0, &f.a, 2000);
    wrt_schedule_begin(&f.a, f.epoch);
    f.a.guest.step = WRT_GUEST_ACTIVE;
    assert_true(wrt_schedule_overran(&f.a, f.epoch + 2000 * US));
    expect(&f, 6000, &f.a, 8000);
    assert_int_equal(f.a.release_ns, f.epoch); /* still the same one */
    assert_false(wrt_schedule_overran(&f.a, f.epoch + 8000 * US));
    assert_int_equal(f.a.counters.overruns, 1);
}

static void lost_windows_are_counted(void **state)
{
    (void)state;
    struct fixture f;
    fixture(&f);
    f.a.guest.step = WRT_GUEST_ACTIVE;
    expect(&f, 0, &f.a, 2000);
    expect(&f, 26500, &f.a, 28000); /* b, a; a, b, a; a, b were passed over */
    assert_int_equal(f.lane.frame.windows_lost, 7);
    assert_int_equal(f.lane.frame.jitter_max_ns, 500 * US);
}

static void starting_comes_before_the_epoch(void **state)
{
    (void)state;
    struct fixture f;
    fixture(&f);
    f.lane.frame.epoch_ns = 0;
    f.b.life.phase = WRT_TENANT_STARTING;
    f.b.guest.step = WRT_GUEST_CLOSED;
    struct wrt_turn turn = wrt_frame_next(&f.lane, 700);
    assert_ptr_equal(turn.tenant, &f.b);
    assert_int_equal(f.lane.frame.epoch_ns, 0);
    /* Later starts take place in the tenant's own windows. */
    f.lane.frame.epoch_ns = f.epoch;
    expect(&f, 100, &f.a, 2000);
    f.a.release_ns = UINT64_MAX;
    expect(&f, 200, NULL, 3000);
    expect(&f, 3000, &f.b, 5000);
}

static void closing_does_not_wait(void **state)
{
    (void)state;
    struct fixture f;
    fixture(&f);
    f.b.stop_asked = true;
    assert_ptr_equal(wrt_frame_next(&f.lane, f.epoch + 500).tenant, &f.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_belong_to_their_tenants),
        cmocka_unit_test(a_window_releases_an_activation),
        cmocka_unit_test(an_activation_goes_on_in_the_next_window),
        cmocka_unit_test(lost_windows_are_counted),
        cmocka_unit_test(starting_comes_before_the_epoch),
        cmocka_unit_test(closing_does_not_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
