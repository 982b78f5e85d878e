/* tests/unit/memory_colour.c - memory of a cache colour: linear memories and arenas.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Where the kernel shows physical addresses (/proc/self/pagemap, to root), every page is looked at.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "port_hardware.h"
#include "wrt/memory.h"
#include "wrt/partition.h"

static struct wrt_partition *partition;
static struct wrt_error error;

static int begin(void **state)
{
    (void)state;
    return wrt_partition_create(NULL, &(struct wrt_partition_config){.name = "colour"}, &partition,
                                &error) != WRT_OK;
}

static int end(void **state)
{
    (void)state;
    return wrt_partition_destroy(partition, &error) != WRT_OK;
}

/* 0: the system does not say. */
static uint64_t physical_address(const void *page)
{
    uint64_t entry = 0;
    FILE *map = fopen("/proc/self/pagemap", "rb");

    if (map == NULL)
        return 0;
    if (fseek(map, (long)((uintptr_t)page / wrt_port_page_bytes() * sizeof entry), SEEK_SET) != 0 ||
        fread(&entry, sizeof entry, 1, map) != 1)
        entry = 0;
    fclose(map);
    return (entry & (UINT64_MAX >> 9)) * wrt_port_page_bytes();
}

/* How many pages are seen, all of which must have the colour if `has_colour`. */
static unsigned pages_of_colour(const uint8_t *bytes, size_t size, const struct wrt_colour_runs *runs,
                                unsigned *out_others)
{
    unsigned seen = 0, others = 0;

    for (size_t at = 0; at < size; at += wrt_port_page_bytes()) {
        const uint64_t address = physical_address(bytes + at);
        const uint64_t within = address & (runs->period_bytes - 1);

        if (address == 0)
            continue;
        if (within >= runs->offset_bytes && within < runs->offset_bytes + runs->run_bytes)
            seen++;
        else
            others++;
    }
    *out_others = others;
    return seen;
}

static void all_have_it(const uint8_t *bytes, size_t size, const struct wrt_colour_runs *runs)
{
    unsigned others;
    const unsigned seen = pages_of_colour(bytes, size, runs, &others);

    if (seen + others == 0) {
        print_message("the system shows no physical addresses\n");
        return;
    }
    assert_int_equal(others, 0);
    assert_int_equal(seen, size / wrt_port_page_bytes());
}

/* A system whose memory is in pieces may have a huge page now and none a moment later. */
static bool is_out_of_huge_pages(enum wrt_status status)
{
    if (status == WRT_ERR_UNSUPPORTED)
        print_message("%s\n", error.text);
    else
        assert_int_equal(status, WRT_OK);
    return status != WRT_OK;
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
    while (size != 0 && *bytes == 0)
        bytes++, size--;
    return size == 0;
}

/* With colour 1 of 2, or skipped where the machine cannot. */
static struct wrt_page_config config_or_skip(struct wrt_colour_runs *runs)
{
    const struct wrt_page_config config = {.initial_pages = 3, .maximum_pages = 40,
                                           .guard_before_bytes = 1, .guard_after_bytes = 1,
                                           .colour = {.count = 2, .index = 1}};
    struct wrt_page_allocator pages;
    enum wrt_status status = wrt_cache_colour_runs(&config.colour, runs, &error);

    if (status == WRT_OK) {
        assert_int_equal(runs->run_bytes * 2, runs->period_bytes);
        assert_int_equal(runs->offset_bytes, runs->run_bytes);
        status = wrt_pages_allocate(&pages, partition, &config, &error);
    }
    if (status == WRT_OK) {
        wrt_pages_free(&pages);
        return config;
    }
    assert_int_equal(status, WRT_ERR_UNSUPPORTED);
    assert_string_not_equal(error.text, "");
    print_message("%s\n", error.text);
    skip();
    return config;
}

static void linear_memories_have_it(void **state)
{
    struct wrt_colour_runs runs;
    const struct wrt_page_config config = config_or_skip(&runs);
    struct wrt_page_allocator pages;

    (void)state;
    if (is_out_of_huge_pages(wrt_pages_allocate(&pages, partition, &config, &error)))
        skip();
    assert_true(is_zero(pages.base, pages.size_bytes));
    all_have_it(pages.base, pages.size_bytes, &runs);
    memset(pages.base, 7, pages.size_bytes);
    if (is_out_of_huge_pages(wrt_pages_grow(&pages, 30, &error))) { /* more than one huge page has */
        wrt_pages_free(&pages);
        skip();
    }
    assert_int_equal(pages.base[3 * 65536 - 1], 7);
    assert_true(is_zero(pages.base + 3 * 65536, pages.size_bytes - 3 * 65536));
    all_have_it(pages.base, pages.size_bytes, &runs);
    assert_int_equal(wrt_pages_reset(&pages, &error), WRT_OK);
    assert_int_equal(pages.size_bytes, 3 * 65536);
    assert_true(is_zero(pages.base, pages.size_bytes));
    all_have_it(pages.base, pages.size_bytes, &runs);
    assert_int_equal(wrt_port_probe(pages.base + pages.size_bytes, WRT_PORT_READ), WRT_ERR_DENIED);
    assert_int_equal(wrt_port_probe(pages.base - 1, WRT_PORT_READ), WRT_ERR_DENIED);
    wrt_pages_free(&pages);
}

/* The power of the look at physical addresses: memory without a colour has several. */
static void others_do_not(void **state)
{
    struct wrt_colour_runs runs;
    struct wrt_page_config config = config_or_skip(&runs);
    struct wrt_page_allocator pages;
    unsigned others, seen;

    (void)state;
    config.colour.count = 0;
    config.maximum_pages = config.initial_pages = 64;
    assert_int_equal(wrt_pages_allocate(&pages, partition, &config, &error), WRT_OK);
    memset(pages.base, 7, pages.size_bytes);
    seen = pages_of_colour(pages.base, pages.size_bytes, &runs, &others);
    if (seen + others == 0)
        print_message("the system shows no physical addresses\n");
    else
        assert_int_not_equal(others, 0);
    wrt_pages_free(&pages);
}

static void arenas_have_it(void **state)
{
    struct wrt_colour_runs runs;
    const struct wrt_page_config config = config_or_skip(&runs);
    const struct wrt_arena_config coloured = {.arena_bytes = 256 << 10, .colour = config.colour};
    const struct wrt_partition_config tenant = {.name = "tenant", .arena = &coloured,
                                                .max_bytes = 8 << 20};
    struct wrt_partition *child;
    void *small, *large;

    (void)state;
    assert_int_equal(wrt_partition_create(NULL, &tenant, &child, &error), WRT_OK);
    if (is_out_of_huge_pages(wrt_partition_allocate(child, WRT_CHARGE_HOST, 100, 0, &small, &error))) {
        (void)!wrt_partition_destroy(child, &error);
        skip();
    }
    if (is_out_of_huge_pages(wrt_partition_allocate(child, WRT_CHARGE_HOST, 300000, 0, &large, &error))) {
        wrt_partition_free(child, WRT_CHARGE_HOST, small, 100);
        (void)!wrt_partition_destroy(child, &error);
        skip();
    }
    memset(small, 1, 100);
    memset(large, 1, 300000);
    const uintptr_t page = wrt_port_page_bytes();
    all_have_it((const uint8_t *)((uintptr_t)small & ~(page - 1)), page, &runs);
    all_have_it((const uint8_t *)((uintptr_t)large & ~(page - 1)), 300000 / page * page, &runs);
    wrt_partition_free(child, WRT_CHARGE_HOST, small, 100);
    wrt_partition_free(child, WRT_CHARGE_HOST, large, 300000);
    assert_int_equal(wrt_partition_destroy(child, &error), WRT_OK);
}

static void bad_ones_are_named(void **state)
{
    static const struct wrt_cache_colour bad[] = {
        {.count = 1}, {.count = 3}, {.count = 2, .index = 2}, {.count = 2, .level = 1},
        {.count = 2, .level = 4}};
    struct wrt_colour_runs runs = {.period_bytes = 5};
    struct wrt_page_allocator pages;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct wrt_page_config config = {.maximum_pages = 1, .colour = bad[i]};
        const struct wrt_arena_config arena_config = {.colour = bad[i]};
        struct wrt_arena arena;

        assert_int_equal(wrt_cache_colour_runs(&bad[i], &runs, &error), WRT_ERR_ARGUMENT);
        assert_int_equal(wrt_pages_allocate(&pages, partition, &config, &error), WRT_ERR_ARGUMENT);
        assert_int_equal(wrt_arena_init(&arena, &arena_config, &error), WRT_ERR_ARGUMENT);
    }
    assert_int_equal(wrt_cache_colour_runs(NULL, &runs, &error), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_cache_colour_runs(&(struct wrt_cache_colour){.count = 1u << 30}, &runs,
                                           &error), WRT_ERR_UNSUPPORTED);
    assert_int_equal(runs.period_bytes, 5);
}

static void what_cannot_have_it_is_refused(void **state)
{
    const struct wrt_cache_colour colour = {.count = 2};
    struct wrt_page_config config = {.provider = WRT_PAGES_NATIVE, .maximum_pages = 1,
                                     .colour = colour};
    static _Alignas(16) uint8_t block[8192];
    const struct wrt_arena_config fixed = {.static_block = block, .static_block_bytes = sizeof block,
                                           .colour = colour};
    struct wrt_page_allocator pages;
    struct wrt_arena arena;

    (void)state;
    assert_int_equal(wrt_pages_allocate(&pages, partition, &config, &error), WRT_ERR_UNSUPPORTED);
    assert_non_null(strstr(error.text, "colour"));
    config.provider = WRT_PAGES_RESERVED;
    config.huge_pages = WRT_HUGE_ADVISE;
    assert_int_equal(wrt_pages_allocate(&pages, partition, &config, &error), WRT_ERR_UNSUPPORTED);
    assert_int_equal(wrt_arena_init(&arena, &fixed, &error), WRT_ERR_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(linear_memories_have_it, begin, end),
        cmocka_unit_test_setup_teardown(others_do_not, begin, end),
        cmocka_unit_test_setup_teardown(arenas_have_it, begin, end),
        cmocka_unit_test_setup_teardown(bad_ones_are_named, begin, end),
        cmocka_unit_test_setup_teardown(what_cannot_have_it_is_refused, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
