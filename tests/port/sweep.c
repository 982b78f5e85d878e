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
#include "port.h"
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

/* Images, pools and shared memories. A slot that could not be cleared is lost to its pool;
 * giving it back still works. */
static enum wrt_status pool_scenario(void)
{
    const struct wrt_partition_config limits = {.name = "sweep", .max_bytes = 8 << 20,
                                                .verification = WRT_VERIFY_FULL};
    const struct wrt_page_pool_config slots = {.slots = 2, .slot_bytes = 1 << 18,
                                               .guard_bytes = 1};
    struct wrt_page_config config = {.provider = WRT_PAGES_POOLED, .initial_pages = 1,
                                     .maximum_pages = 3};
    struct wrt_page_config sharing = {.provider = WRT_PAGES_SHARED, .initial_pages = 1,
                                      .maximum_pages = 1};
    struct wrt_page_allocator one = {0}, two = {0};
    struct wrt_shared_memory shared = {0};
    struct wrt_partition *root = NULL;
    struct wrt_page_image image = {0};
    struct wrt_page_pool pool = {0};
    enum wrt_status status;

    status = wrt_partition_create(NULL, &limits, &root, NULL);
    if (status != WRT_OK)
        return status;
    status = wrt_page_image_create(&image, root, "image", 6, NULL);
    if (status == WRT_OK)
        status = wrt_page_pool_create(&pool, root, &slots, NULL);
    config.image = &image;
    config.pool = &pool;
    for (int round = 0; round < 3 && status == WRT_OK; round++) {
        status = wrt_pages_allocate(&one, root, &config, NULL);
        if (status == WRT_OK)
            status = wrt_pages_grow(&one, 2, NULL);
        if (status == WRT_OK)
            status = wrt_pages_reset(&one, NULL);
        wrt_pages_free(&one);
        config.image = round == 1 ? &image : NULL;
    }
    sharing.shared = &shared;
    if (status == WRT_OK)
        status = wrt_shared_memory_create(&shared, root, NULL, false, 65536, NULL);
    if (status == WRT_OK)
        status = wrt_pages_allocate(&two, root, &sharing, NULL);
    wrt_pages_free(&two);
    assert_int_equal(wrt_shared_memory_destroy(&shared, NULL), WRT_OK);
    assert_int_equal(wrt_page_pool_destroy(&pool, NULL), WRT_OK);
    assert_int_equal(wrt_page_image_destroy(&image, NULL), WRT_OK);
    assert_int_equal(wrt_partition_destroy(root, NULL), WRT_OK);
    return status;
}

/* Takes a slot, wears it, gives it back; what comes next is fresh whatever failed before. (Giving
 * back tells no status: a slot whose rights the system does not restore is lost to the pool.) */
static enum wrt_status wear(struct wrt_partition *root, const struct wrt_page_config *config)
{
    struct wrt_page_allocator pages = {0};
    enum wrt_status status = wrt_pages_allocate(&pages, root, config, NULL);

    if (status != WRT_OK)
        return status;
    for (uint64_t i = 0; i < pages.size_bytes; i++)
        if (pages.base[i] != (config->image != NULL && i < 5 ? (uint8_t)"image"[i] : 0))
            fail_msg("byte %d of a slot is not fresh", (int)i);
    status = wrt_pages_grow(&pages, 1, NULL);
    memset(pages.base, 0xEE, (size_t)pages.size_bytes);
    if (status == WRT_OK)
        status = wrt_pages_protect(&pages, 0, wrt_port_page_bytes(), WRT_PAGE_NONE, NULL);
    wrt_pages_free(&pages);
    return status;
}

static enum wrt_status worn_scenario(void)
{
    const struct wrt_partition_config limits = {.name = "sweep", .max_bytes = 8 << 20};
    const struct wrt_page_pool_config slots = {.slots = 2, .slot_bytes = 1 << 18,
                                               .keep_bytes = 8192};
    struct wrt_page_config config = {.provider = WRT_PAGES_POOLED, .initial_pages = 1,
                                     .maximum_pages = 3};
    struct wrt_partition *root = NULL;
    struct wrt_page_image image = {0};
    struct wrt_page_pool pool = {0};
    enum wrt_status status = wrt_partition_create(NULL, &limits, &root, NULL);

    if (status != WRT_OK)
        return status;
    status = wrt_page_image_create(&image, root, "image", 6, NULL);
    if (status == WRT_OK)
        status = wrt_page_pool_create(&pool, root, &slots, NULL);
    config.pool = &pool;
    for (int round = 0; round < 8 && pool.slots != 0; round++) {
        config.image = round % 4 < 2 ? NULL : &image;
        config.initial_pages = 1 + (uint64_t)round % 2;
        enum wrt_status worn = wear(root, &config);
        if (status == WRT_OK)
            status = worn;
        if (round == 5)
            wrt_page_pool_trim(&pool);
    }
    assert_int_equal(wrt_page_pool_destroy(&pool, NULL), WRT_OK);
    assert_int_equal(wrt_page_image_destroy(&image, NULL), WRT_OK);
    assert_int_equal(wrt_partition_destroy(root, NULL), WRT_OK);
    return status;
}

/* Some failures have a way round and need not show. */
static bool has_fallback(const char *name)
{
    return strcmp(name, "wrt_port_entropy") == 0 || strcmp(name, "wrt_port_probe") == 0 ||
           strcmp(name, "wrt_port_reset") == 0 || strcmp(name, "wrt_port_decommit") == 0 ||
           strcmp(name, "wrt_port_object_freeze") == 0;
}

static void sweep(enum wrt_status (*run)(void))
{
    struct port_taken before, after;
    uint64_t nth = 0;

    port_fault_arm(0);
    enum wrt_status first = run(); /* what stays for good is taken here */
    if (first == WRT_ERR_UNSUPPORTED) {
        print_message("port %s does not serve all of it\n", wrt_port_name());
        skip();
    }
    assert_int_equal(first, WRT_OK);
    before = port_fault_taken();
    do {
        enum wrt_status status;

        port_fault_arm(++nth);
        status = run();
        after = port_fault_taken();
        if (memcmp(&before, &after, sizeof before) != 0)
            fail_msg("failing call %d (%s) leaks", (int)nth, port_fault_name());
        if (port_fault_fired() && status == WRT_OK && !has_fallback(port_fault_name()) &&
            !(run == worn_scenario && strcmp(port_fault_name(), "wrt_port_protect") == 0))
            fail_msg("failing call %d (%s) was not reported", (int)nth, port_fault_name());
    } while (port_fault_fired());
    print_message("%d calls failed in turn\n", (int)nth - 1);
    assert_true(nth > 10);
}

static void each_failure_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    sweep(scenario);
}

static void worn_slots_come_back_fresh_or_not_at_all(void **state)
{
    (void)state;
    sweep(worn_scenario);
}

static void so_with_pools_images_and_shared_memories(void **state)
{
    (void)state;
    sweep(pool_scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failure_is_reported_and_leaks_nothing),
        cmocka_unit_test(so_with_pools_images_and_shared_memories),
        cmocka_unit_test(worn_slots_come_back_fresh_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
