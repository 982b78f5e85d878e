/* tests/unit/memory_pages.c - linear memories: growth, zeroes, charges, exact guards.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "port.h"
#include "wrt/memory.h"

#include <string.h>

enum { PAGE = 65536 };

static struct wrt_partition *partition;

static int make_partition(void **state)
{
    struct wrt_partition_config config = {.name = "test", .max_bytes = 64 << 20};

    (void)state;
    return wrt_partition_create(NULL, &config, &partition, NULL);
}

static int drop_partition(void **state)
{
    (void)state;
    return wrt_partition_destroy(partition, NULL); /* refuses if anything is still charged */
}

static uint64_t linear(void)
{
    struct wrt_partition_info info;

    wrt_partition_get_info(partition, &info);
    return info.current_bytes[WRT_CHARGE_LINEAR];
}

static void check_zero(const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != 0)
            fail_msg("byte %zu is %d, not zero", i, bytes[i]);
}

/* What holds for every provider: bytes kept, new ones zero, charge exact, refusals free. */
static void grow_and_check(const struct wrt_page_config *config, bool may_move)
{
    struct wrt_page_allocator pages;
    struct wrt_error error;
    uint8_t *base;

    assert_int_equal(wrt_pages_allocate(&pages, partition, config, &error), WRT_OK);
    base = pages.base;
    assert_int_equal(pages.size_bytes, PAGE);
    assert_int_equal(linear(), PAGE);
    check_zero(pages.base, PAGE);
    memset(pages.base, 0xAB, PAGE);
    assert_int_equal(wrt_pages_grow(&pages, 2, &error), WRT_OK);
    assert_int_equal(pages.size_bytes, 3 * PAGE);
    assert_int_equal(linear(), 3 * PAGE);
    if (!may_move)
        assert_ptr_equal(pages.base, base);
    for (int i = 0; i < PAGE; i++)
        assert_int_equal(pages.base[i], 0xAB);
    check_zero(pages.base + PAGE, 2 * PAGE);
    assert_int_equal(wrt_pages_grow(&pages, 2, &error), WRT_ERR_LIMIT);
    assert_non_null(strstr(error.text, "maximum, 4"));
    assert_int_equal(wrt_pages_grow(&pages, UINT64_MAX, &error), WRT_ERR_LIMIT);
    assert_int_equal(wrt_pages_grow(&pages, 0, &error), WRT_OK);
    assert_int_equal(pages.size_bytes, 3 * PAGE);
    wrt_pages_free(&pages);
    assert_int_equal(linear(), 0);
    assert_null(pages.base);
    wrt_pages_free(&pages); /* nothing happens */
}

static void every_provider_grows(void **state)
{
    static uint8_t block[4 * PAGE];
    struct wrt_page_config config = {.initial_pages = 1, .maximum_pages = 4};

    (void)state;
    grow_and_check(&config, false);
    config.guard_before_bytes = config.guard_after_bytes = 1;
    grow_and_check(&config, false);
    config.guard_before_bytes = config.guard_after_bytes = 0;
    config.provider = WRT_PAGES_NATIVE;
    grow_and_check(&config, true);
    memset(block, 0x77, sizeof block);
    config.provider = WRT_PAGES_STATIC;
    config.static_block = block;
    config.static_block_bytes = sizeof block;
    grow_and_check(&config, false);
}

static void expect_access(const uint8_t *at, bool allowed)
{
    enum wrt_status status = wrt_port_probe(at, WRT_PORT_WRITE);

    if (status == WRT_ERR_UNSUPPORTED) {
        print_message("port %s cannot probe memory\n", wrt_port_name());
        skip();
    }
    assert_int_equal(status, allowed ? WRT_OK : WRT_ERR_DENIED);
}

static void guards_are_exact_to_the_byte(void **state)
{
    struct wrt_page_config config = {.initial_pages = 1, .maximum_pages = 3,
                                     .guard_before_bytes = 1, .guard_after_bytes = 100000};
    struct wrt_page_allocator pages;
    size_t host = wrt_port_page_bytes();

    (void)state;
    assert_int_equal(wrt_pages_allocate(&pages, partition, &config, NULL), WRT_OK);
    assert_int_equal(pages.guard_before_bytes, host);
    expect_access(pages.base - host, false);
    for (int grown = 1; grown <= 3; grown++) {
        expect_access(pages.base - 1, false);
        expect_access(pages.base, true);
        expect_access(pages.base + pages.size_bytes - 1, true);
        expect_access(pages.base + pages.size_bytes, false);
        if (grown < 3)
            assert_int_equal(wrt_pages_grow(&pages, 1, NULL), WRT_OK);
    }
    expect_access(pages.base + pages.size_bytes + 99999, false);
    wrt_pages_free(&pages);
}

static void touch(void *address)
{
    *(volatile uint8_t *)address = 1;
}

static void a_guard_hit_is_caught_and_named(void **state)
{
    struct wrt_page_config config = {.initial_pages = 1, .maximum_pages = 2,
                                     .guard_before_bytes = 1};
    struct wrt_page_allocator pages;
    struct wrt_port_fault fault = {0};
    uint8_t *past;

    (void)state;
    assert_int_equal(wrt_pages_allocate(&pages, partition, &config, NULL), WRT_OK);
    past = pages.base + PAGE;
    for (int again = 0; again < 3; again++) {
        assert_int_equal(wrt_port_fault_run(touch, past + again, &fault), WRT_ERR_TRAP);
        assert_ptr_equal(fault.address, past + again);
        assert_non_null(fault.instruction);
    }
    assert_int_equal(wrt_port_fault_run(touch, pages.base - 1, &fault), WRT_ERR_TRAP);
    assert_int_equal(wrt_port_fault_run(touch, pages.base, &fault), WRT_OK);
    assert_int_equal(pages.base[0], 1);
    assert_true(wrt_fault_is_ours(past));
    wrt_pages_free(&pages);
    assert_false(wrt_fault_is_ours(past));
}

static void a_partition_refuses_growth_and_nothing_changes(void **state)
{
    struct wrt_page_config config = {.initial_pages = 1, .maximum_pages = 65536};
    struct wrt_page_allocator pages, before;
    struct wrt_error error;

    (void)state;
    assert_int_equal(wrt_pages_allocate(&pages, partition, &config, &error), WRT_OK);
    before = pages;
    assert_int_equal(wrt_pages_grow(&pages, 1024, &error), WRT_ERR_PARTITION_MAX);
    assert_non_null(strstr(error.text, "partition test"));
    assert_memory_equal(&pages, &before, sizeof pages);
    wrt_pages_free(&pages);
}

static void bad_configurations_are_refused(void **state)
{
    static uint8_t block[PAGE];
    const struct {
        struct wrt_page_config config;
        enum wrt_status status;
    } wrong[] = {
        {{.initial_pages = 2, .maximum_pages = 1}, WRT_ERR_ARGUMENT},
        {{.page_bytes = 3}, WRT_ERR_ARGUMENT},
        {{.page_bytes = 131072}, WRT_ERR_ARGUMENT},
        {{.maximum_pages = UINT64_MAX}, WRT_ERR_OVERFLOW},
        {{.maximum_pages = UINT64_MAX / PAGE}, WRT_ERR_OVERFLOW},
        {{.maximum_pages = 1, .guard_after_bytes = UINT64_MAX}, WRT_ERR_OVERFLOW},
        {{.maximum_pages = 1, .guard_after_bytes = (uint64_t)1 << 62}, WRT_ERR_NO_MEMORY},
        {{.provider = (enum wrt_page_provider)7}, WRT_ERR_ARGUMENT},
        {{.provider = WRT_PAGES_NATIVE, .guard_after_bytes = 1}, WRT_ERR_UNSUPPORTED},
        {{.provider = WRT_PAGES_STATIC}, WRT_ERR_ARGUMENT},
        {{.provider = WRT_PAGES_STATIC, .static_block = block, .static_block_bytes = PAGE,
          .initial_pages = 2, .maximum_pages = 2}, WRT_ERR_NO_SPACE},
        {{.initial_pages = 2000, .maximum_pages = 2000}, WRT_ERR_PARTITION_MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct wrt_page_allocator pages = {.size_bytes = 42};
        struct wrt_error error = {.text = ""};

        assert_int_equal(wrt_pages_allocate(&pages, partition, &wrong[i].config, &error),
                         wrong[i].status);
        assert_int_equal(error.status, wrong[i].status);
        assert_int_not_equal(strlen(error.text), 0);
        assert_int_equal(pages.size_bytes, 42);
        assert_int_equal(linear(), 0);
    }
}

static void pages_of_one_byte_work(void **state)
{
    struct wrt_page_config config = {.page_bytes = 1, .initial_pages = 5000,
                                     .maximum_pages = 10000};
    struct wrt_page_allocator pages;

    (void)state;
    assert_int_equal(wrt_pages_allocate(&pages, partition, &config, NULL), WRT_OK);
    assert_int_equal(pages.size_bytes, 5000);
    assert_int_equal(linear(), 8192);
    assert_int_equal(wrt_pages_grow(&pages, 3192, NULL), WRT_OK);
    assert_int_equal(linear(), 8192);
    assert_int_equal(wrt_pages_grow(&pages, 1, NULL), WRT_OK);
    assert_int_equal(linear(), 12288);
    pages.base[8192] = 1;
    wrt_pages_free(&pages);
}

static void an_empty_memory_has_a_base(void **state)
{
    struct wrt_page_config config = {0};
    struct wrt_page_allocator pages;

    (void)state;
    assert_int_equal(wrt_pages_allocate(&pages, partition, &config, NULL), WRT_OK);
    assert_non_null(pages.base);
    assert_int_equal(pages.size_bytes, 0);
    assert_int_equal(linear(), 0);
    assert_int_equal(wrt_pages_grow(&pages, 1, NULL), WRT_ERR_LIMIT);
    wrt_pages_free(&pages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_provider_grows),
        cmocka_unit_test(guards_are_exact_to_the_byte),
        cmocka_unit_test(a_guard_hit_is_caught_and_named),
        cmocka_unit_test(a_partition_refuses_growth_and_nothing_changes),
        cmocka_unit_test(bad_configurations_are_refused),
        cmocka_unit_test(pages_of_one_byte_work),
        cmocka_unit_test(an_empty_memory_has_a_base),
    };
    return cmocka_run_group_tests(tests, make_partition, drop_partition);
}
