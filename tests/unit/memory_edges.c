/* tests/unit/memory_edges.c - page providers at their limits: pairs of refused fields, empty and
 * grown slots, shared memories of one side, blocks that are too small.
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

enum { PAGE = 65536, SLOTS = 12 };

static struct wrt_partition *partition;

static int start(void **state)
{
    const struct wrt_partition_config config = {.name = "edges", .max_bytes = 16 << 20};

    (void)state;
    return wrt_partition_create(NULL, &config, &partition, NULL);
}

static int end(void **state)
{
    (void)state;
    return wrt_partition_destroy(partition, NULL);
}

static void refused(const struct wrt_page_config *config, enum wrt_status status,
                    const char *words)
{
    struct wrt_page_allocator pages;
    struct wrt_error error = {.text = ""};
    enum wrt_status got = wrt_pages_allocate(&pages, partition, config, &error);

    assert_string_equal(wrt_status_name(got), wrt_status_name(status));
    if (strstr(error.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.text, words);
}

static void allocate(struct wrt_page_allocator *pages, const struct wrt_page_config *config)
{
    struct wrt_error error;

    if (wrt_pages_allocate(pages, partition, config, &error) != WRT_OK)
        fail_msg("%s", error.text);
}

static struct wrt_page_image make_image(uint64_t size_bytes)
{
    static const uint8_t bytes[3 * PAGE] = {1, 2, 3};
    struct wrt_page_image image;
    enum wrt_status status = wrt_page_image_create(&image, partition, bytes, size_bytes, NULL);

    if (status == WRT_ERR_UNSUPPORTED) {
        print_message("this port has no copy-on-write images\n");
        skip();
    }
    assert_int_equal(status, WRT_OK);
    return image;
}

static void fields_of_other_providers_are_refused(void **state)
{
    static uint8_t block[PAGE] __attribute__((aligned(4096)));
    struct wrt_page_image image = {.size_bytes = PAGE}; /* refused before it is looked at */
    struct wrt_page_config native = {.provider = WRT_PAGES_NATIVE, .maximum_pages = 1};
    struct wrt_page_config config = native;

    (void)state;
    config.prefault = true;
    refused(&config, WRT_ERR_UNSUPPORTED, "prefault");
    config = native;
    config.lock = true;
    refused(&config, WRT_ERR_UNSUPPORTED, "lock");
    config = native;
    config.colour.count = 2;
    refused(&config, WRT_ERR_UNSUPPORTED, "colour");
    config = (struct wrt_page_config){.initial_pages = 1, .maximum_pages = 1, .image = &image,
                                      .colour.count = 2};
    refused(&config, WRT_ERR_UNSUPPORTED, "colour");
    config.image = NULL;
    config.huge_pages = WRT_HUGE_ADVISE;
    refused(&config, WRT_ERR_UNSUPPORTED, "huge_pages");
    config = (struct wrt_page_config){.provider = WRT_PAGES_STATIC, .static_block = block,
                                      .static_block_bytes = sizeof block, .image = &image};
    refused(&config, WRT_ERR_UNSUPPORTED, "image");
}

static void a_static_block_ends_before_its_maximum(void **state)
{
    static uint8_t block[2 * PAGE] __attribute__((aligned(4096)));
    const struct wrt_page_config config = {.provider = WRT_PAGES_STATIC, .static_block = block,
                                           .static_block_bytes = sizeof block,
                                           .initial_pages = 1, .maximum_pages = 9};
    struct wrt_page_allocator pages;
    struct wrt_error error = {.text = ""};
    void *rest;

    (void)state;
    allocate(&pages, &config);
    assert_int_equal(wrt_pages_grow(&pages, 2, &error), WRT_ERR_NO_SPACE);
    assert_non_null(strstr(error.text, "static block"));
    /* The bytes are there, and the partition has none left for them. */
    struct wrt_partition_info info;
    wrt_partition_get_info(partition, &info);
    uint64_t left = info.max_bytes - info.used_bytes;
    assert_int_equal(wrt_partition_charge(partition, WRT_CHARGE_HOST, left, NULL), WRT_OK);
    assert_int_equal(wrt_pages_grow(&pages, 1, &error), WRT_ERR_PARTITION_MAX);
    assert_int_equal(pages.size_bytes, PAGE);
    const struct wrt_page_config heap = {.provider = WRT_PAGES_NATIVE, .initial_pages = 1,
                                         .maximum_pages = 1};
    refused(&heap, WRT_ERR_PARTITION_MAX, "edges");
    wrt_partition_uncharge(partition, WRT_CHARGE_HOST, left);
    assert_int_equal(wrt_pages_grow(&pages, 1, &error), WRT_OK);
    wrt_pages_free(&pages);
    assert_int_equal(wrt_partition_allocate(partition, WRT_CHARGE_HOST, 16, 0, &rest, NULL),
                     WRT_OK);
    wrt_partition_free(partition, WRT_CHARGE_HOST, rest, 16);
}

/* No bytes, no reservation: the heap gives a base all the same, and nothing is told of it. */
static void an_empty_heap_memory_owns_nothing(void **state)
{
    const struct wrt_page_config config = {.provider = WRT_PAGES_NATIVE, .maximum_pages = 2};
    struct wrt_page_allocator pages;
    struct wrt_page_info info;
    int64_t offset = 7;

    (void)state;
    allocate(&pages, &config);
    assert_non_null(pages.base);
    assert_false(wrt_pages_owns(&pages, pages.base, &offset));
    assert_int_equal(offset, 7);
    wrt_pages_get_info(&pages, &info);
    assert_false(info.has_figures);
    assert_int_equal(wrt_pages_grow(&pages, 1, NULL), WRT_OK);
    assert_true(wrt_pages_owns(&pages, pages.base + 100, &offset));
    assert_int_equal(offset, 100);
    assert_false(wrt_pages_owns(&pages, pages.base + PAGE, &offset));
    wrt_pages_free(&pages);
}

static void each_right_is_told_from_a_wrong_one(void **state)
{
    const struct wrt_page_config config = {.initial_pages = 1, .maximum_pages = 1};
    const uint64_t page = wrt_port_page_bytes();
    struct wrt_page_allocator pages;

    (void)state;
    allocate(&pages, &config);
    assert_int_equal(wrt_pages_protect(&pages, 0, page, WRT_PAGE_READ_EXECUTE, NULL), WRT_OK);
    assert_int_equal(wrt_pages_protect(&pages, 0, page, WRT_PAGE_NONE, NULL), WRT_OK);
    assert_int_equal(wrt_pages_protect(&pages, 0, page, WRT_PAGE_READ, NULL), WRT_OK);
    assert_int_equal(wrt_pages_protect(&pages, 0, page, WRT_PAGE_READ_WRITE, NULL), WRT_OK);
    pages.base[0] = 7;
    assert_int_equal(wrt_pages_protect(&pages, 0, page, (enum wrt_page_rights)2, NULL),
                     WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_pages_protect(&pages, 0, page, (enum wrt_page_rights)7, NULL),
                     WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_pages_reset(&pages, NULL), WRT_OK);
    pages.base[0] = 1;
    wrt_pages_free(&pages);
}

static void one_guard_can_be_readable(void **state)
{
    const struct wrt_page_config config = {.maximum_pages = 1, .guard_after_bytes = 1,
                                           .guard_is_readable = true};
    struct wrt_page_allocator pages;

    (void)state;
    allocate(&pages, &config);
    const uint8_t *guard = pages.reservation + pages.reservation_bytes - pages.guard_after_bytes;
    assert_int_equal(pages.guard_before_bytes, 0);
    assert_int_equal(guard[0], 0);
    wrt_pages_free(&pages);
}

static void shared_memory_has_one_size(void **state)
{
    struct wrt_shared_memory shared;
    struct wrt_partition *peer;
    struct wrt_page_allocator owner, other;
    struct wrt_page_config config = {.provider = WRT_PAGES_SHARED, .initial_pages = 1,
                                     .maximum_pages = 1, .shared = &shared};

    (void)state;
    assert_int_equal(wrt_partition_create(NULL, NULL, &peer, NULL), WRT_OK);
    enum wrt_status status = wrt_shared_memory_create(&shared, partition, peer, false, PAGE, NULL);
    if (status == WRT_ERR_UNSUPPORTED) {
        assert_int_equal(wrt_partition_destroy(peer, NULL), WRT_OK);
        print_message("this port has no memory objects\n");
        skip();
    }
    assert_int_equal(status, WRT_OK);
    config.maximum_pages = 2;
    refused(&config, WRT_ERR_ARGUMENT, "initial and maximum");
    config.maximum_pages = 1;
    config.initial_pages = 0;
    refused(&config, WRT_ERR_ARGUMENT, "initial and maximum");
    config.initial_pages = 1;
    allocate(&owner, &config);
    assert_int_equal(wrt_pages_allocate(&other, peer, &config, NULL), WRT_OK);
    other.base[5] = 9; /* a peer that may write */
    assert_int_equal(owner.base[5], 9);
    wrt_pages_free(&owner);
    wrt_pages_free(&other);
    assert_int_equal(wrt_shared_memory_destroy(&shared, NULL), WRT_OK);
    assert_int_equal(wrt_shared_memory_create(&shared, partition, NULL, true, 0, NULL),
                     WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_partition_destroy(peer, NULL), WRT_OK);
}

static void make_pool(struct wrt_page_pool *pool, uint64_t keep_bytes)
{
    const struct wrt_page_pool_config config = {.slots = SLOTS, .slot_bytes = 4 * PAGE,
                                                .keep_bytes = keep_bytes};

    assert_int_equal(wrt_page_pool_create(pool, partition, &config, NULL), WRT_OK);
}

/* What a free slot holds ready keeps its image: trimming lets go of both. */
static void trimming_lets_images_go(void **state)
{
    struct wrt_page_image image = make_image(PAGE);
    struct wrt_page_pool pool;
    struct wrt_page_allocator pages;
    struct wrt_page_config config = {.provider = WRT_PAGES_POOLED, .initial_pages = 1,
                                     .maximum_pages = 4, .pool = &pool, .image = &image};

    (void)state;
    make_pool(&pool, 0);
    allocate(&pages, &config);
    wrt_pages_free(&pages);
    assert_int_equal(wrt_page_image_destroy(&image, NULL), WRT_ERR_BUSY);
    wrt_page_pool_trim(&pool);
    wrt_page_pool_trim(&pool); /* of slots that hold nothing */
    assert_int_equal(wrt_page_image_destroy(&image, NULL), WRT_OK);
    config.image = NULL;
    allocate(&pages, &config);
    assert_int_equal(pages.base[0], 0);
    wrt_pages_free(&pages);
    assert_int_equal(wrt_page_pool_destroy(&pool, NULL), WRT_OK);
}

/* The search for a slot with the same image ends after a few: any free one does then. */
static void any_slot_serves_when_none_fits(void **state)
{
    struct wrt_page_image image = make_image(2 * PAGE);
    struct wrt_page_pool pool;
    struct wrt_page_allocator pages[SLOTS];
    struct wrt_page_config config = {.provider = WRT_PAGES_POOLED, .initial_pages = 1,
                                     .maximum_pages = 4, .pool = &pool};

    (void)state;
    make_pool(&pool, PAGE);
    for (int i = 0; i < SLOTS; i++) {
        allocate(&pages[i], &config);
        pages[i].base[0] = 0xEE;
    }
    for (int i = 0; i < SLOTS; i++)
        wrt_pages_free(&pages[i]);
    config.image = &image;
    refused(&config, WRT_ERR_ARGUMENT, "an image of 131072 bytes for a memory of 65536");
    config.initial_pages = 2;
    struct wrt_partition_info info;
    wrt_partition_get_info(partition, &info);
    uint64_t left = info.max_bytes - info.used_bytes;
    assert_int_equal(wrt_partition_charge(partition, WRT_CHARGE_HOST, left, NULL), WRT_OK);
    refused(&config, WRT_ERR_PARTITION_MAX, "edges");
    wrt_partition_uncharge(partition, WRT_CHARGE_HOST, left);
    allocate(&pages[0], &config);
    assert_int_equal(pages[0].base[0], 1);
    assert_int_equal(pages[0].base[3], 0);
    wrt_pages_free(&pages[0]);
    assert_int_equal(wrt_page_pool_destroy(&pool, NULL), WRT_OK);
    assert_int_equal(wrt_page_image_destroy(&image, NULL), WRT_OK);
}

/* Slots that began empty, grew, and had rights taken away come back as new. */
static void an_empty_slot_that_grew_comes_back(void **state)
{
    struct wrt_page_pool pool;
    struct wrt_page_allocator pages;
    const struct wrt_page_config config = {.provider = WRT_PAGES_POOLED, .maximum_pages = 4,
                                           .pool = &pool};

    (void)state;
    make_pool(&pool, 8192);
    for (int round = 0; round < 2 * SLOTS; round++) {
        allocate(&pages, &config);
        assert_int_equal(pages.size_bytes, 0);
        assert_int_equal(wrt_pages_grow(&pages, 3, NULL), WRT_OK);
        assert_int_equal(pages.base[2 * PAGE], 0);
        memset(pages.base, 0xEE, (size_t)pages.size_bytes);
        assert_int_equal(wrt_pages_protect(&pages, 0, PAGE, WRT_PAGE_READ, NULL), WRT_OK);
        wrt_pages_free(&pages);
    }
    assert_int_equal(wrt_page_pool_destroy(&pool, NULL), WRT_OK);
}

static void a_sealed_memory_grows_only_from_inside(void **state)
{
    const struct wrt_partition_config config = {.name = "sealed", .max_bytes = 8 << 20,
                                                .flags = WRT_PARTITION_MEMORY_ISOLATION};
    const struct wrt_page_config two = {.initial_pages = 1, .maximum_pages = 2};
    struct wrt_partition *sealed;
    struct wrt_partition_info info;
    struct wrt_partition_guard guard;
    struct wrt_page_allocator first, second, third;

    (void)state;
    assert_int_equal(wrt_partition_create(NULL, &config, &sealed, NULL), WRT_OK);
    wrt_partition_get_info(sealed, &info);
    if (info.tier != WRT_TIER_SEALED) {
        assert_int_equal(wrt_partition_destroy(sealed, NULL), WRT_OK);
        print_message("not sealed here: %s\n", info.tier_reason);
        skip();
    }
    assert_int_equal(wrt_partition_guard_enter(&guard, sealed), WRT_OK);
    assert_int_equal(wrt_pages_allocate(&first, sealed, &two, NULL), WRT_OK);
    assert_int_equal(wrt_pages_allocate(&second, sealed, &two, NULL), WRT_OK);
    assert_int_equal(wrt_partition_guard_leave(&guard), WRT_OK);
    assert_int_equal(wrt_pages_grow(&first, 1, NULL), WRT_ERR_STATE);
    assert_int_equal(first.size_bytes, PAGE);
    assert_int_equal(wrt_partition_guard_enter(&guard, sealed), WRT_OK);
    assert_int_equal(wrt_pages_grow(&first, 1, NULL), WRT_OK);
    assert_int_equal(wrt_pages_allocate(&third, sealed, &two, NULL), WRT_OK);
    wrt_pages_free(&first); /* the list goes on with the others, whichever end it was at */
    wrt_pages_free(&third);
    second.base[0] = 1;
    assert_int_equal(wrt_partition_guard_leave(&guard), WRT_OK);
    assert_int_equal(wrt_partition_guard_enter(&guard, sealed), WRT_OK);
    assert_int_equal(second.base[0], 1);
    wrt_pages_free(&second);
    assert_int_equal(wrt_partition_guard_leave(&guard), WRT_OK);
    assert_int_equal(wrt_partition_destroy(sealed, NULL), WRT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_of_other_providers_are_refused),
        cmocka_unit_test(a_static_block_ends_before_its_maximum),
        cmocka_unit_test(an_empty_heap_memory_owns_nothing),
        cmocka_unit_test(each_right_is_told_from_a_wrong_one),
        cmocka_unit_test(one_guard_can_be_readable),
        cmocka_unit_test(shared_memory_has_one_size),
        cmocka_unit_test(trimming_lets_images_go),
        cmocka_unit_test(any_slot_serves_when_none_fits),
        cmocka_unit_test(an_empty_slot_that_grew_comes_back),
        cmocka_unit_test(a_sealed_memory_grows_only_from_inside),
    };
    return cmocka_run_group_tests(tests, start, end);
}
