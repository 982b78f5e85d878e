/* tests/tenant/events.c - the ring of events: order, overwriting, and how a reader notices.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tenant/events.h"

static struct wrt_events events;

static void an_empty_ring_has_nothing(void **state)
{
    (void)state;
    struct wrt_tenant_event event;
    assert_int_equal(wrt_events_init(&events), WRT_OK);
    assert_int_equal(wrt_events_next(&events, 0, &event), WRT_ERR_NOT_FOUND);
    wrt_events_deinit(&events);
}

static void events_come_in_order(void **state)
{
    (void)state;
    struct wrt_tenant_event event;
    assert_int_equal(wrt_events_init(&events), WRT_OK);
    wrt_events_add(&events, "a", "started", "number %d", 1);
    wrt_events_add(&events, "b", "failed", "number %d", 2);
    assert_int_equal(wrt_events_next(&events, 0, &event), WRT_OK);
    assert_int_equal(event.sequence, 1);
    assert_string_equal(event.tenant, "a");
    assert_string_equal(event.text, "number 1");
    assert_int_equal(wrt_events_next(&events, 1, &event), WRT_OK);
    assert_string_equal(event.what, "failed");
    assert_int_equal(wrt_events_next(&events, 2, &event), WRT_ERR_NOT_FOUND);
    assert_int_equal(wrt_events_next(&events, UINT64_MAX - 1, &event), WRT_ERR_NOT_FOUND);
    wrt_events_deinit(&events);
}

static void the_oldest_are_lost_and_that_shows(void **state)
{
    (void)state;
    struct wrt_tenant_event event;
    char expected[16];
    uint64_t after = 0;
    assert_int_equal(wrt_events_init(&events), WRT_OK);
    for (unsigned i = 1; i <= WRT_EVENTS_KEPT + 10; i++)
        wrt_events_add(&events, "", "tick", "%u", i);
    assert_int_equal(wrt_events_next(&events, 0, &event), WRT_OK);
    assert_int_equal(event.sequence, 11);
    for (unsigned seen = 0; seen < WRT_EVENTS_KEPT; seen++) {
        assert_int_equal(wrt_events_next(&events, after, &event), WRT_OK);
        after = event.sequence;
        snprintf(expected, sizeof expected, "%u", seen + 11);
        assert_string_equal(event.text, expected);
    }
    assert_int_equal(wrt_events_next(&events, after, &event), WRT_ERR_NOT_FOUND);
    wrt_events_deinit(&events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_ring_has_nothing),
        cmocka_unit_test(events_come_in_order),
        cmocka_unit_test(the_oldest_are_lost_and_that_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
