/* tests/unit/memory_pool.c - images and pools of slots.
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

enum { PAGE = 65536, SLOTS = 6 };

static struct wrt_partition *partition;
static struct wrt_page_image image;
static struct wrt_page_pool pool;
static uint8_t content[PAGE / 2 + 100];

static struct wrt_partition_info info(void)
{
    struct wrt_partition_info out;

    wrt_partition_get_info(partition, &out);
    return out;
}

static int start(void **state)
{
    struct wrt_partition_config config = {.name = "pool", .max_bytes = 64 << 20,
                                          .verification = WRT_VERIFY_CRITICAL};

    (void)state;
    for (size_t i = 0; i < sizeof content; i++)
        content[i] = (uint8_t)(i * 7 + 1);
    return wrt_partition_create(NULL, &config, &partition, NULL);
}

static int end(void **state)
{
    (void)state;
    return wrt_partition_destroy(partition, NULL);
}

static void make_image(void)
{
    struct wrt_error error;
    enum wrt_status status =
        wrt_page_image_create(&image, partition, content, sizeof content, &error);

    if (status == WRT_ERR_UNSUPPORTED) {
        print_message("this port has no copy-on-write images: %s\n", error.text);
        skip();
    }
    assert_int_equal(status, WRT_OK);
}

static void make_pool(uint64_t keep_bytes)
{
    struct wrt_page_pool_config config = {.slots = SLOTS, .slot_bytes = 4 * PAGE,
                                          .guard_bytes = 100, .keep_bytes = keep_bytes};
    struct wrt_error error;

    if (wrt_page_pool_create(&pool, partition, &config, &error) != WRT_OK)
        fail_msg("%s", error.text);
}

static void check_fresh(const struct wrt_page_allocator *pages, bool has_image)
{
    for (uint64_t i = 0; i < pages->size_bytes; i++) {
        uint8_t expected = has_image && i < sizeof content ? content[i] : 0;
        if (pages->base[i] != expected)
            fail_msg("byte %d is %d, not %d", (int)i, pages->base[i], expected);
    }
}

static void take(struct wrt_page_allocator *pages, uint64_t initial, bool has_image)
{
    struct wrt_page_config config = {.provider = WRT_PAGES_POOLED, .initial_pages = initial,
                                     .maximum_pages = 65536, .pool = &pool,
                                     .image = has_image ? &image : NULL};
    struct wrt_error error;

    if (wrt_pages_allocate(pages, partition, &config, &error) != WRT_OK)
        fail_msg("%s", error.text);
    check_fresh(pages, has_image);
}

/* Dirty slots of every kind come back fresh, whatever was in them before. */
static void slots_are_fresh_each_time(void **state)
{
    static const uint64_t keep[] = {0, 8192, PAGE, 4 * PAGE};
    uint32_t turn = 1;

    (void)state;
    make_image();
    for (size_t k = 0; k < sizeof keep / sizeof *keep; k++) {
        struct wrt_page_allocator pages[SLOTS] = {{0}};

        make_pool(keep[k]);
        for (int step = 0; step < 400; step++) {
            struct wrt_page_allocator *p;

            turn = turn * 1664525u + 1013904223u;
            p = &pages[(turn >> 16) % SLOTS];
            if (p->partition == NULL) {
                take(p, 1 + (turn >> 8) % 3, (turn >> 12) % 3 != 0);
                continue;
            }
            if ((turn >> 13) % 2)
                (void)!wrt_pages_grow(p, 1, NULL);
            memset(p->base, 0xEE, (size_t)p->size_bytes);
            if ((turn >> 14) % 4 == 0)
                assert_int_equal(wrt_pages_protect(p, 0, wrt_port_page_bytes(), WRT_PAGE_NONE,
                                                   NULL), WRT_OK);
            wrt_pages_free(p);
        }
        for (int i = 0; i < SLOTS; i++)
            wrt_pages_free(&pages[i]);
        assert_int_equal(info().current_bytes[WRT_CHARGE_LINEAR], keep[k] * SLOTS);
        assert_int_equal(wrt_page_image_destroy(&image, NULL), WRT_ERR_BUSY);
        assert_int_equal(wrt_page_pool_destroy(&pool, NULL), WRT_OK);
    }
    assert_int_equal(wrt_page_image_destroy(&image, NULL), WRT_OK);
    assert_int_equal(info().current_bytes[WRT_CHARGE_DATA], 0);
}

static void a_full_pool_refuses_and_slots_are_apart(void **state)
{
    struct wrt_page_allocator pages[SLOTS];
    struct wrt_page_config config = {.provider = WRT_PAGES_POOLED, .initial_pages = 1,
                                     .maximum_pages = 2, .pool = &pool};
    struct wrt_page_allocator more;
    struct wrt_error error;

    (void)state;
    make_pool(0);
    for (int i = 0; i < SLOTS; i++)
        take(&pages[i], 1, false);
    assert_int_equal(wrt_pages_allocate(&more, partition, &config, &error), WRT_ERR_NO_SPACE);
    assert_non_null(strstr(error.text, "6 slots"));
    assert_int_equal(info().current_bytes[WRT_CHARGE_LINEAR], SLOTS * PAGE);
    for (int i = 0; i < SLOTS; i++) {
        assert_true(wrt_fault_is_ours(pages[i].base - 1));
        if (wrt_port_probe(pages[i].base - 1, WRT_PORT_READ) != WRT_ERR_UNSUPPORTED) {
            assert_int_equal(wrt_port_probe(pages[i].base - 1, WRT_PORT_READ), WRT_ERR_DENIED);
            assert_int_equal(wrt_port_probe(pages[i].base + PAGE, WRT_PORT_READ),
                             WRT_ERR_DENIED);
        }
    }
    assert_int_equal(wrt_pages_grow(&pages[0], 3, &error), WRT_OK); /* up to the slot */
    assert_int_equal(wrt_pages_grow(&pages[0], 1, &error), WRT_ERR_LIMIT);
    assert_int_equal(wrt_page_pool_destroy(&pool, &error), WRT_ERR_BUSY);
    assert_non_null(strstr(error.text, "6 slots"));
    for (int i = 0; i < SLOTS; i++)
        wrt_pages_free(&pages[i]);
    config.initial_pages = 5;
    config.maximum_pages = 5;
    assert_int_equal(wrt_pages_allocate(&more, partition, &config, &error), WRT_ERR_LIMIT);
    assert_int_equal(wrt_page_pool_destroy(&pool, &error), WRT_OK);
    assert_int_equal(info().current_bytes[WRT_CHARGE_RUNTIME], 0);
}

static void an_image_serves_a_reserved_memory_too(void **state)
{
    struct wrt_page_config config = {.initial_pages = 1, .maximum_pages = 4, .image = &image};
    struct wrt_page_allocator pages;

    (void)state;
    make_image();
    assert_int_equal(wrt_pages_allocate(&pages, partition, &config, NULL), WRT_OK);
    check_fresh(&pages, true);
    memset(pages.base, 3, PAGE);
    assert_int_equal(wrt_pages_grow(&pages, 1, NULL), WRT_OK);
    assert_int_equal(wrt_page_image_destroy(&image, NULL), WRT_ERR_BUSY);
    assert_int_equal(wrt_pages_reset(&pages, NULL), WRT_OK);
    check_fresh(&pages, true);
    assert_memory_equal(image.bytes, content, sizeof content); /* nothing got through */
    wrt_pages_free(&pages);
    assert_int_equal(wrt_page_image_destroy(&image, NULL), WRT_OK);
}

static void wrong_pools_and_images_are_refused(void **state)
{
    const struct wrt_page_pool_config wrong[] = {
        {.slots = 0, .slot_bytes = PAGE},
        {.slots = 1000001, .slot_bytes = PAGE},
        {.slots = 1, .slot_bytes = 0},
        {.slots = 1, .slot_bytes = 100},
        {.slots = 1, .slot_bytes = PAGE, .keep_bytes = 100},
        {.slots = 1, .slot_bytes = PAGE, .keep_bytes = 2 * PAGE},
        {.slots = 1, .slot_bytes = PAGE, .guard_bytes = UINT64_MAX},
        {.slots = 1000000, .slot_bytes = (uint64_t)1 << 50},
        {.slots = 1100, .slot_bytes = PAGE, .keep_bytes = PAGE},
    };
    struct wrt_error error;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        enum wrt_status status = wrt_page_pool_create(&pool, partition, &wrong[i], &error);

        if (i == 8) /* 1,100 kept pages are more than the partition has */
            assert_int_equal(status, WRT_ERR_PARTITION_MAX);
        assert_true(status < 0 && strlen(error.text) > 0);
    }
    assert_int_equal(wrt_page_image_create(&image, partition, content, 0, &error),
                     WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_page_image_create(&image, partition, content, UINT64_MAX, &error),
                     WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_page_image_create(&image, partition, content, 65 << 20, &error),
                     WRT_ERR_PARTITION_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_are_fresh_each_time),
        cmocka_unit_test(a_full_pool_refuses_and_slots_are_apart),
        cmocka_unit_test(an_image_serves_a_reserved_memory_too),
        cmocka_unit_test(wrong_pools_and_images_are_refused),
    };
    return cmocka_run_group_tests(tests, start, end);
}
