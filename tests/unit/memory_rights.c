/* tests/unit/memory_rights.c - rights, reset, placement, levels, shared memory, native heap.
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

static struct wrt_partition *partition, *other;

static struct wrt_partition *make(const char *name, enum wrt_verification_level level)
{
    struct wrt_partition_config config = {.name = name, .max_bytes = 64 << 20,
                                          .verification = level};
    struct wrt_partition *made;

    assert_int_equal(wrt_partition_create(NULL, &config, &made, NULL), WRT_OK);
    return made;
}

static int start(void **state)
{
    (void)state;
    partition = make("one", WRT_VERIFY_STANDARD);
    other = make("two", WRT_VERIFY_STANDARD);
    return 0;
}

static int end(void **state)
{
    (void)state;
    return wrt_partition_destroy(partition, NULL) || wrt_partition_destroy(other, NULL);
}

static uint64_t linear(const struct wrt_partition *of)
{
    struct wrt_partition_info info;

    wrt_partition_get_info(of, &info);
    return info.current_bytes[WRT_CHARGE_LINEAR];
}

static void expect_access(const uint8_t *at, unsigned rights, bool allowed)
{
    enum wrt_status status = wrt_port_probe(at, rights);

    if (status != WRT_ERR_UNSUPPORTED)
        assert_int_equal(status, allowed ? WRT_OK : WRT_ERR_DENIED);
}

static void rights_are_exact_and_kept_across_growth(void **state)
{
    struct wrt_page_config config = {.initial_pages = 2, .maximum_pages = 4};
    struct wrt_page_allocator pages;
    uint64_t host = wrt_port_page_bytes();

    (void)state;
    assert_int_equal(wrt_pages_allocate(&pages, partition, &config, NULL), WRT_OK);
    pages.base[host] = 7;
    assert_int_equal(wrt_pages_protect(&pages, host, host, WRT_PAGE_READ, NULL), WRT_OK);
    assert_int_equal(wrt_pages_protect(&pages, 3 * host, host, WRT_PAGE_NONE, NULL), WRT_OK);
    assert_int_equal(wrt_pages_grow(&pages, 1, NULL), WRT_OK);
    expect_access(pages.base + host - 1, WRT_PORT_WRITE, true);
    expect_access(pages.base + host, WRT_PORT_READ, true);
    expect_access(pages.base + 2 * host - 1, WRT_PORT_WRITE, false);
    expect_access(pages.base + 2 * host, WRT_PORT_WRITE, true);
    expect_access(pages.base + 3 * host, WRT_PORT_READ, false);
    assert_int_equal(wrt_pages_reset(&pages, NULL), WRT_OK);
    expect_access(pages.base + host, WRT_PORT_WRITE, true);
    expect_access(pages.base + 3 * host, WRT_PORT_WRITE, true);
    assert_int_equal(pages.base[host], 0);
    wrt_pages_free(&pages);
}

static void wrong_rights_are_refused(void **state)
{
    struct wrt_page_config config = {.initial_pages = 1, .maximum_pages = 4};
    struct wrt_page_allocator pages;
    uint64_t host = wrt_port_page_bytes();
    const struct {
        uint64_t offset, size;
        int rights;
        enum wrt_status status;
    } wrong[] = {
        {0, host, 7, WRT_ERR_ARGUMENT},           /* writable and executable */
        {0, host, 6, WRT_ERR_ARGUMENT},
        {0, host, 2, WRT_ERR_ARGUMENT},
        {0, 0, WRT_PAGE_READ, WRT_ERR_ARGUMENT},
        {1, host, WRT_PAGE_READ, WRT_ERR_ALIGNMENT},
        {0, host - 1, WRT_PAGE_READ, WRT_ERR_ALIGNMENT},
        {0, PAGE + host, WRT_PAGE_READ, WRT_ERR_BOUNDS},
        {PAGE, host, WRT_PAGE_READ, WRT_ERR_BOUNDS}, /* inside the reservation all the same */
        {UINT64_MAX - host + 1, host, WRT_PAGE_READ, WRT_ERR_OVERFLOW},
        {host, UINT64_MAX - host + 1, WRT_PAGE_READ, WRT_ERR_OVERFLOW},
    };

    (void)state;
    assert_int_equal(wrt_pages_allocate(&pages, partition, &config, NULL), WRT_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(wrt_pages_protect(&pages, wrong[i].offset, wrong[i].size,
                                           (enum wrt_page_rights)wrong[i].rights, NULL),
                         wrong[i].status);
    expect_access(pages.base, WRT_PORT_WRITE, true);
    wrt_pages_free(&pages);
    config.provider = WRT_PAGES_NATIVE;
    assert_int_equal(wrt_pages_allocate(&pages, partition, &config, NULL), WRT_OK);
    assert_int_equal(wrt_pages_protect(&pages, 0, host, WRT_PAGE_READ, NULL),
                     WRT_ERR_UNSUPPORTED);
    wrt_pages_free(&pages);
}

static void reset_gives_back_growth_and_zeroes(void **state)
{
    static const enum wrt_page_provider providers[] = {WRT_PAGES_RESERVED, WRT_PAGES_NATIVE,
                                                       WRT_PAGES_STATIC};
    static uint8_t block[4 * PAGE];

    (void)state;
    for (size_t p = 0; p < 3; p++) {
        struct wrt_page_config config = {.provider = providers[p], .initial_pages = 1,
                                         .maximum_pages = 4};
        struct wrt_page_allocator pages;

        if (providers[p] == WRT_PAGES_STATIC) {
            config.static_block = block;
            config.static_block_bytes = sizeof block;
        }
        assert_int_equal(wrt_pages_allocate(&pages, partition, &config, NULL), WRT_OK);
        for (int round = 0; round < 3; round++) {
            assert_int_equal(wrt_pages_grow(&pages, 2, NULL), WRT_OK);
            for (int i = 0; i < 3 * PAGE; i++)
                if (pages.base[i] != 0)
                    fail_msg("provider %d round %d byte %d", (int)p, round, i);
            memset(pages.base, 0xAB, 3 * PAGE);
            assert_int_equal(wrt_pages_reset(&pages, NULL), WRT_OK);
            assert_int_equal(pages.size_bytes, PAGE);
            if (providers[p] == WRT_PAGES_RESERVED) {
                assert_int_equal(linear(partition), PAGE);
                expect_access(pages.base + PAGE, WRT_PORT_READ, false);
            }
        }
        wrt_pages_free(&pages);
        assert_int_equal(linear(partition), 0);
    }
}

static void prefaulted_and_locked_memory_is_resident(void **state)
{
    struct wrt_page_config config = {.initial_pages = 2, .maximum_pages = 4, .prefault = true};
    struct wrt_page_allocator pages;
    struct wrt_page_info info;
    enum wrt_status status;

    (void)state;
    assert_int_equal(wrt_pages_allocate(&pages, partition, &config, NULL), WRT_OK);
    assert_int_equal(wrt_pages_grow(&pages, 1, NULL), WRT_OK);
    wrt_pages_get_info(&pages, &info);
    if (info.has_figures)
        assert_true(info.resident_bytes >= 3 * PAGE);
    assert_int_equal(info.committed_bytes, 3 * PAGE);
    wrt_pages_free(&pages);
    config.prefault = false;
    config.lock = true;
    status = wrt_pages_allocate(&pages, partition, &config, NULL);
    if (status == WRT_OK) {
        wrt_pages_get_info(&pages, &info);
        assert_true(!info.has_figures || info.resident_bytes >= 2 * PAGE);
        wrt_pages_free(&pages);
    } else {
        assert_true(status == WRT_ERR_DENIED || status == WRT_ERR_LIMIT);
        assert_int_equal(linear(partition), 0);
    }
    config.lock = false;
    assert_int_equal(wrt_pages_allocate(&pages, partition, &config, NULL), WRT_OK);
    wrt_pages_get_info(&pages, &info);
    assert_true(!info.has_figures || info.resident_bytes < PAGE); /* nothing was touched */
    wrt_pages_free(&pages);
}

static void huge_pages_are_reported_as_they_are(void **state)
{
    struct wrt_page_config config = {.initial_pages = 128, .maximum_pages = 128,
                                     .huge_pages = WRT_HUGE_ADVISE};
    struct wrt_page_allocator pages;
    struct wrt_page_info info;

    (void)state;
    assert_int_equal(wrt_pages_allocate(&pages, partition, &config, NULL), WRT_OK);
    memset(pages.base, 1, (size_t)pages.size_bytes);
    wrt_pages_get_info(&pages, &info);
    assert_int_equal(info.huge_requested, WRT_HUGE_ADVISE);
    if (info.has_figures) {
        print_message("huge pages granted: %d KiB of %d\n", (int)(info.huge_bytes / 1024),
                      (int)(info.size_bytes / 1024));
        assert_true(info.huge_bytes <= info.resident_bytes);
    }
    wrt_pages_free(&pages);
    config.huge_pages = WRT_HUGE_NEVER;
    assert_int_equal(wrt_pages_allocate(&pages, partition, &config, NULL), WRT_OK);
    memset(pages.base, 1, (size_t)pages.size_bytes);
    wrt_pages_get_info(&pages, &info);
    assert_int_equal(info.huge_bytes, 0);
    wrt_pages_free(&pages);
}

static void impossible_placement_is_refused_by_name(void **state)
{
    struct wrt_page_image image = {.size_bytes = 4096};
    const struct {
        const char *word;
        struct wrt_page_config config;
    } wrong[] = {
        {"typed_pool", {.typed_pool = "/memory/below4G/nowhere", .maximum_pages = 1}},
        {"numa_node", {.has_node = true, .numa_node = 63, .maximum_pages = 1}},
        {"huge_pages", {.provider = WRT_PAGES_NATIVE, .huge_pages = WRT_HUGE_ADVISE}},
        {"prefault", {.provider = WRT_PAGES_NATIVE, .lock = true}},
        {"image", {.provider = WRT_PAGES_NATIVE, .image = &image}},
        {"numa_node", {.provider = WRT_PAGES_POOLED, .has_node = true}},
        {"guards", {.provider = WRT_PAGES_POOLED, .guard_after_bytes = 1}},
        {"pool", {.provider = WRT_PAGES_POOLED}},
        {"shared", {.provider = WRT_PAGES_SHARED}},
        {"image", {.image = &image, .maximum_pages = 1}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct wrt_page_allocator pages;
        struct wrt_error error = {.text = ""};

        assert_true(wrt_pages_allocate(&pages, partition, &wrong[i].config, &error) < 0);
        if (strstr(error.text, wrong[i].word) == NULL)
            fail_msg("no %s in '%s'", wrong[i].word, error.text);
        assert_int_equal(linear(partition), 0);
    }
}

static void a_readable_guard_refuses_writes_only(void **state)
{
    struct wrt_page_config config = {.initial_pages = 1, .maximum_pages = 1,
                                     .guard_before_bytes = 1, .guard_after_bytes = 1,
                                     .guard_is_readable = true};
    struct wrt_page_allocator pages;

    (void)state;
    assert_int_equal(wrt_pages_allocate(&pages, partition, &config, NULL), WRT_OK);
    expect_access(pages.base - 1, WRT_PORT_READ, true);
    expect_access(pages.base - 1, WRT_PORT_WRITE, false);
    expect_access(pages.base + PAGE, WRT_PORT_READ, true);
    expect_access(pages.base + PAGE, WRT_PORT_WRITE, false);
    wrt_pages_free(&pages);
}

/* The check "probe": a hole made in the guard is found from Full up, not below. */
static void probe_finds_an_open_guard_from_full_up(void **state)
{
    (void)state;
    for (int level = WRT_VERIFY_OFF; level <= WRT_VERIFY_CRITICAL; level++) {
        struct wrt_partition *p = make("level", (enum wrt_verification_level)level);
        struct wrt_page_config config = {.initial_pages = 1, .maximum_pages = 4,
                                         .guard_before_bytes = 1};
        struct wrt_page_allocator pages;
        struct wrt_error error;
        struct wrt_page_info info;
        size_t host = wrt_port_page_bytes();

        assert_int_equal(wrt_pages_allocate(&pages, p, &config, NULL), WRT_OK);
        wrt_pages_get_info(&pages, &info);
        assert_true(level < WRT_VERIFY_FULL ? !info.guards_are_probed : true);
        assert_int_equal(
            wrt_port_commit(pages.base - host, host, WRT_PORT_READ), WRT_OK); /* the fault */
        if (info.guards_are_probed) {
            assert_int_equal(wrt_pages_grow(&pages, 1, &error), WRT_ERR_CORRUPT);
            assert_non_null(strstr(error.text, "guard before"));
            assert_int_equal(pages.size_bytes, PAGE);
            assert_int_equal(linear(p), PAGE);
        } else {
            assert_int_equal(wrt_pages_grow(&pages, 1, &error), WRT_OK);
        }
        wrt_pages_free(&pages);
        assert_int_equal(wrt_partition_destroy(p, NULL), WRT_OK);
    }
}

/* The check "zero": pages that were dirtied behind the allocator's back. */
static void zero_finds_dirty_new_pages_at_critical(void **state)
{
    (void)state;
    if (strcmp(wrt_port_name(), "linux") != 0) {
        print_message("port %s maps anew when it commits: pages cannot be dirtied before\n",
                      wrt_port_name());
        skip();
    }
    for (int level = WRT_VERIFY_OFF; level <= WRT_VERIFY_CRITICAL; level++) {
        struct wrt_partition *p = make("level", (enum wrt_verification_level)level);
        struct wrt_page_config config = {.initial_pages = 1, .maximum_pages = 4};
        struct wrt_page_allocator pages;
        /* QNX commits by mapping anew: nothing dirty survives that. */
        bool is_found = level == WRT_VERIFY_CRITICAL && strcmp(wrt_port_name(), "qnx") != 0;
        size_t host = wrt_port_page_bytes();

        assert_int_equal(wrt_pages_allocate(&pages, p, &config, NULL), WRT_OK);
        assert_int_equal(wrt_port_commit(pages.base + PAGE, host, WRT_PORT_READ_WRITE), WRT_OK);
        pages.base[PAGE + 5] = 1;
        assert_int_equal(wrt_port_protect(pages.base + PAGE, host, WRT_PORT_NONE), WRT_OK);
        assert_int_equal(wrt_pages_grow(&pages, 1, NULL), is_found ? WRT_ERR_CORRUPT : WRT_OK);
        wrt_pages_free(&pages);
        assert_int_equal(wrt_partition_destroy(p, NULL), WRT_OK);
    }
}

static void two_partitions_share_and_a_third_may_not(void **state)
{
    struct wrt_page_config config = {.provider = WRT_PAGES_SHARED, .initial_pages = 1,
                                     .maximum_pages = 1, .guard_after_bytes = 1};
    struct wrt_page_allocator one, two, three;
    struct wrt_shared_memory shared;
    struct wrt_partition *third = make("third", WRT_VERIFY_STANDARD);
    struct wrt_error error;

    (void)state;
    assert_int_equal(
        wrt_shared_memory_create(&shared, partition, other, true, PAGE, &error), WRT_OK);
    config.shared = &shared;
    assert_int_equal(wrt_pages_allocate(&one, partition, &config, &error), WRT_OK);
    assert_int_equal(wrt_pages_allocate(&two, other, &config, &error), WRT_OK);
    assert_int_equal(wrt_pages_allocate(&three, third, &config, &error), WRT_ERR_DENIED);
    assert_int_equal(linear(partition), PAGE); /* once, to the owner */
    assert_int_equal(linear(other), 0);
    one.base[77] = 9;
    assert_int_equal(two.base[77], 9);
    expect_access(two.base, WRT_PORT_WRITE, false);
    expect_access(one.base, WRT_PORT_WRITE, true);
    expect_access(one.base + PAGE, WRT_PORT_READ, false);
    assert_int_equal(wrt_pages_grow(&one, 1, &error), WRT_ERR_LIMIT);
    assert_int_equal(wrt_pages_reset(&one, &error), WRT_ERR_UNSUPPORTED);
    assert_int_equal(wrt_shared_memory_destroy(&shared, &error), WRT_ERR_BUSY);
    wrt_pages_free(&one);
    wrt_pages_free(&two);
    config.initial_pages = 0;
    assert_int_equal(wrt_pages_allocate(&one, partition, &config, &error), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_shared_memory_destroy(&shared, &error), WRT_OK);
    assert_int_equal(linear(partition), 0);
    assert_int_equal(wrt_shared_memory_create(&shared, partition, other, true, 100, &error),
                     WRT_ERR_ALIGNMENT);
    assert_int_equal(wrt_shared_memory_create(&shared, partition, other, true, 0, &error),
                     WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_partition_destroy(third, NULL), WRT_OK);
}

static void addresses_are_placed_in_their_memory(void **state)
{
    struct wrt_page_config config = {.initial_pages = 1, .maximum_pages = 2,
                                     .guard_before_bytes = 1};
    struct wrt_page_allocator pages;
    int64_t offset = 0;

    (void)state;
    assert_int_equal(wrt_pages_allocate(&pages, partition, &config, NULL), WRT_OK);
    assert_true(wrt_pages_owns(&pages, pages.base + 5, &offset) && offset == 5);
    assert_true(wrt_pages_owns(&pages, pages.base - 1, &offset) && offset == -1);
    assert_true(wrt_pages_owns(&pages, pages.base + 2 * PAGE - 1, &offset));
    assert_false(wrt_pages_owns(&pages, pages.base + 2 * PAGE, &offset));
    assert_false(wrt_pages_owns(&pages, &pages, &offset));
    wrt_pages_free(&pages);
}

static void the_native_heap_reports_each_option(void **state)
{
    struct wrt_native_heap_options options = {.arena_bytes = 65536, .cache_bytes = 1 << 20,
                                              .free_now = true};
    struct wrt_native_heap_outcome outcome[WRT_NATIVE_HEAP_OPTIONS];

    (void)state;
    assert_int_equal(wrt_native_heap_configure(&options, outcome), WRT_OK);
    for (int i = 0; i < WRT_NATIVE_HEAP_OPTIONS; i++) {
        bool is_wanted = strcmp(outcome[i].name, "arena_bytes") == 0 ||
                         strcmp(outcome[i].name, "cache_bytes") == 0 ||
                         strcmp(outcome[i].name, "free_now") == 0;
        assert_int_equal(outcome[i].is_requested, is_wanted);
        assert_true(strlen(outcome[i].why) > 0);
        if (!is_wanted)
            assert_false(outcome[i].is_applied);
    }
    options.cache_blocks = UINT64_MAX;
    assert_int_equal(wrt_native_heap_configure(&options, outcome), WRT_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rights_are_exact_and_kept_across_growth),
        cmocka_unit_test(wrong_rights_are_refused),
        cmocka_unit_test(reset_gives_back_growth_and_zeroes),
        cmocka_unit_test(prefaulted_and_locked_memory_is_resident),
        cmocka_unit_test(huge_pages_are_reported_as_they_are),
        cmocka_unit_test(impossible_placement_is_refused_by_name),
        cmocka_unit_test(a_readable_guard_refuses_writes_only),
        cmocka_unit_test(probe_finds_an_open_guard_from_full_up),
        cmocka_unit_test(zero_finds_dirty_new_pages_at_critical),
        cmocka_unit_test(two_partitions_share_and_a_third_may_not),
        cmocka_unit_test(addresses_are_placed_in_their_memory),
        cmocka_unit_test(the_native_heap_reports_each_option),
    };
    return cmocka_run_group_tests(tests, start, end);
}
