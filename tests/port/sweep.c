/* tests/port/sweep.c - every port call fails in turn below partitions and linear memories.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One scenario is run again and again with call 1, 2, 3 ... failing until it passes with
 * none. Each run must end in a documented status and give back all it took.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fault.h"
#include "wrt/memory.h"
#include "wrt/partition.h"

#include <string.h>

/* Takes what it can; stops at the first refusal and gives everything back. */
static enum wrt_status scenario(void)
{
    const struct wrt_partition_config limits = {.name = "sweep", .max_bytes = 8 << 20};
    const struct wrt_partition_config child_limits = {.name = "child", .min_bytes = 1 << 20};
    struct wrt_page_config reserved = {.initial_pages = 1, .maximum_pages = 8,
                                       .guard_before_bytes = 1, .guard_after_bytes = 1};
    struct wrt_page_config native = {.provider = WRT_PAGES_NATIVE, .initial_pages = 1,
                                     .maximum_pages = 8};
    struct wrt_page_allocator one = {0}, two = {0};
    struct wrt_partition *root = NULL, *child = NULL;
    void *block = NULL, *large = NULL;
    enum wrt_status status;

    status = wrt_partition_create(NULL, &limits, &root, NULL);
    if (status != WRT_OK)
        return status;
    status = wrt_partition_create(root, &child_limits, &child, NULL);
    if (status == WRT_OK)
        status = wrt_partition_allocate(child, WRT_CHARGE_CODE, 100, 0, &block, NULL);
    if (status == WRT_OK)
        status = wrt_partition_allocate(child, WRT_CHARGE_CODE, 200000, 0, &large, NULL);
    if (status == WRT_OK)
        status = wrt_pages_allocate(&one, child, &reserved, NULL);
    if (status == WRT_OK)
        status = wrt_pages_allocate(&two, root, &native, NULL);
    if (status == WRT_OK)
        status = wrt_pages_grow(&one, 3, NULL);
    if (status == WRT_OK)
        status = wrt_pages_grow(&two, 3, NULL);
    wrt_pages_free(&two);
    wrt_pages_free(&one);
    if (child != NULL) {
        wrt_partition_free(child, WRT_CHARGE_CODE, large, 200000);
        wrt_partition_free(child, WRT_CHARGE_CODE, block, 100);
        assert_int_equal(wrt_partition_destroy(child, NULL), WRT_OK);
    }
    assert_int_equal(wrt_partition_destroy(root, NULL), WRT_OK);
    return status;
}

static void each_failure_is_reported_and_leaks_nothing(void **state)
{
    struct port_taken before, after;
    uint64_t nth = 0;

    (void)state;
    port_fault_arm(0);
    assert_int_equal(scenario(), WRT_OK); /* what stays for good is taken here */
    before = port_fault_taken();
    do {
        enum wrt_status status;

        port_fault_arm(++nth);
        status = scenario();
        after = port_fault_taken();
        if (memcmp(&before, &after, sizeof before) != 0)
            fail_msg("failing call %d (%s) leaks", (int)nth, port_fault_name());
        if (port_fault_fired() && status == WRT_OK)
            assert_string_equal(port_fault_name(), "wrt_port_entropy"); /* has a fallback */
    } while (port_fault_fired());
    print_message("%d calls failed in turn\n", (int)nth - 1);
    assert_true(nth > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failure_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
