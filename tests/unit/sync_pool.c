/* tests/unit/sync_pool.c - object pool and cache used by one thread.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wrt/pool.h"

enum { COUNT = 50, BYTES = 24 };
static uint8_t objects[COUNT * BYTES];
static uint32_t links[COUNT];
static struct wrt_object_pool pool;

static void setup_pool(void)
{
    assert_int_equal(wrt_object_pool_init(&pool, objects, links, COUNT, BYTES), WRT_OK);
    assert_true(wrt_object_pool_is_valid(&pool));
}

static void every_object_once(void **state)
{
    (void)state;
    setup_pool();
    bool is_taken[COUNT] = { false };
    void *object = NULL;
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(wrt_object_pool_take(&pool, &object), WRT_OK);
        size_t offset = (size_t)((uint8_t *)object - objects);
        assert_int_equal(offset % BYTES, 0);
        assert_false(is_taken[offset / BYTES]);
        is_taken[offset / BYTES] = true;
    }
    object = &pool;
    assert_int_equal(wrt_object_pool_take(&pool, &object), WRT_ERR_NO_SPACE);
    assert_ptr_equal(object, &pool);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(wrt_object_pool_give(&pool, objects + i * BYTES), WRT_OK);
    assert_int_equal(wrt_object_pool_count_free(&pool), COUNT);
}

static void gives_are_checked(void **state)
{
    (void)state;
    setup_pool();
    void *object = NULL;
    assert_int_equal(wrt_object_pool_take(&pool, &object), WRT_OK);
    assert_int_equal(wrt_object_pool_give(&pool, (uint8_t *)object + 1), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_object_pool_give(&pool, objects + COUNT * BYTES), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_object_pool_give(&pool, (void *)((uintptr_t)objects - BYTES)),
                     WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_object_pool_give(&pool, NULL), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_object_pool_give(&pool, object), WRT_OK);
    assert_int_equal(wrt_object_pool_give(&pool, object), WRT_ERR_STATE);
    assert_int_equal(wrt_object_pool_count_free(&pool), COUNT);
}

static void bad_geometry(void **state)
{
    (void)state;
    struct wrt_object_pool other;
    assert_int_equal(wrt_object_pool_init(NULL, objects, links, 1, 1), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_object_pool_init(&other, NULL, links, 1, 1), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_object_pool_init(&other, objects, NULL, 1, 1), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_object_pool_init(&other, objects, links, 0, 1), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_object_pool_init(&other, objects, links, 1, 0), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_object_pool_init(&other, objects, links, 0x80000000u, 1),
                     WRT_ERR_ARGUMENT);
    memset(&other, 0, sizeof other);
    assert_false(wrt_object_pool_is_valid(&other));
}

static void cache_takes_all_and_gives_all(void **state)
{
    (void)state;
    setup_pool();
    struct wrt_object_cache cache = { .pool = &pool };
    bool is_taken[COUNT] = { false };
    void *object = NULL;
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(wrt_object_cache_take(&cache, &object), WRT_OK);
        size_t number = (size_t)((uint8_t *)object - objects) / BYTES;
        assert_false(is_taken[number]);
        is_taken[number] = true;
    }
    assert_int_equal(wrt_object_cache_take(&cache, &object), WRT_ERR_NO_SPACE);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(wrt_object_cache_give(&cache, objects + i * BYTES), WRT_OK);
        assert_int_equal(wrt_object_cache_give(&cache, objects + i * BYTES), WRT_ERR_STATE);
    }
    assert_in_range(cache.count, 1, WRT_OBJECT_CACHE_SIZE);
    /* What a cache holds is free for nobody else, and is no double give to find. */
    assert_int_equal(wrt_object_pool_count_free(&pool) + cache.count, COUNT);
    assert_int_equal(wrt_object_pool_give(&pool, objects + (COUNT - 1) * BYTES), WRT_ERR_STATE);
    wrt_object_cache_drain(&cache);
    assert_int_equal(wrt_object_pool_count_free(&pool), COUNT);
    wrt_object_cache_drain(&cache);
    assert_int_equal(wrt_object_pool_count_free(&pool), COUNT);
}

static void tag_moves_with_every_change(void **state)
{
    (void)state;
    setup_pool();
    uint64_t before = pool.head;
    void *object = NULL;
    assert_int_equal(wrt_object_pool_take(&pool, &object), WRT_OK);
    assert_int_equal(wrt_object_pool_give(&pool, object), WRT_OK);
    assert_int_equal((uint32_t)pool.head, (uint32_t)before);
    assert_int_equal(pool.head >> 32, (before >> 32) + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_object_once),
        cmocka_unit_test(gives_are_checked),
        cmocka_unit_test(bad_geometry),
        cmocka_unit_test(cache_takes_all_and_gives_all),
        cmocka_unit_test(tag_moves_with_every_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
