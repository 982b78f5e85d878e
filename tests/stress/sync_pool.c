/* tests/stress/sync_pool.c - no object to two owners, none lost, under contention.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "history.h"
#include "stress.h"
#include "wrt/pool.h"

enum { THREADS = 4, EVENTS = 400000, OBJECTS = 6, MANY = 160, HELD = 3 };

static struct history histories[THREADS];
static uint64_t objects[MANY];
static uint32_t links[MANY];
static struct wrt_object_pool pool;
static uint32_t twice; /* an object was somebody else's */

static uint32_t number_of(const uint64_t *object) { return (uint32_t)(object - objects); }

static uint64_t *take_and_note(struct history *history)
{
    void *object = NULL;
    uint64_t start = stress_now();
    enum wrt_status status = wrt_object_pool_take(&pool, &object);
    uint64_t end = stress_now();
    if (status == WRT_OK)
        (void)history_add(history, HISTORY_POP, number_of(object), start, end);
    else
        (void)history_add(history, HISTORY_EMPTY, 0, start, end);
    return object;
}

static void give_and_note(struct history *history, uint64_t *object)
{
    uint64_t start = stress_now();
    if (wrt_object_pool_give(&pool, object) != WRT_OK)
        __atomic_store_n(&twice, 1, __ATOMIC_RELAXED);
    (void)history_add(history, HISTORY_PUSH, number_of(object), start,
                      stress_now_visible());
}

static void use_pool(struct stress_thread *thread)
{
    struct history *history = &histories[thread->number];
    uint64_t *held[HELD] = { NULL };
    while (stress_goes_on(thread) && history->count + 2 * HELD < history->capacity) {
        uint32_t slot = stress_random(&thread->random) % HELD;
        if (held[slot]) {
            if (*held[slot] != thread->number)
                __atomic_store_n(&twice, 1, __ATOMIC_RELAXED);
            give_and_note(history, held[slot]);
            held[slot] = NULL;
        } else if ((held[slot] = take_and_note(history)) != NULL) {
            *held[slot] = thread->number;
        } else {
            sched_yield();
        }
        stress_delay(&thread->random);
    }
    for (int i = 0; i < HELD; i++)
        if (held[i])
            give_and_note(history, held[i]);
}

static void pool_is_a_pool(void **state)
{
    (void)state;
    for (int on_one = 0; on_one < 2; on_one++) {
        twice = 0;
        assert_int_equal(wrt_object_pool_init(&pool, objects, links, OBJECTS, sizeof *objects),
                         WRT_OK);
        pool.head |= 0xFFFFFFF0ull << 32; /* the tag wraps on the way */
        for (uint32_t i = 0; i < THREADS; i++) {
            histories[i].count = 0;
            histories[i].capacity = EVENTS;
            histories[i].events =
                realloc(histories[i].events, EVENTS * sizeof *histories[i].events);
            assert_non_null(histories[i].events);
        }
        assert_true(stress_run(THREADS, on_one, use_pool));
        const char *fault = history_check_pool(histories, THREADS, OBJECTS);
        if (fault)
            fail_msg("%s", fault);
        assert_int_equal(twice, 0);
        assert_int_equal(wrt_object_pool_count_free(&pool), OBJECTS);
        assert_true(histories[0].count > 100);
    }
}

static void use_cache(struct stress_thread *thread)
{
    struct wrt_object_cache cache = { .pool = &pool };
    void *held[48];
    uint32_t count = 0;
    while (stress_goes_on(thread)) {
        bool wants_more = stress_random(&thread->random) % 2 == 0;
        uint32_t number = stress_random(&thread->random) % 24;
        while (number-- > 0 && (wants_more ? count < 48 : count > 0)) {
            if (!wants_more) {
                uint64_t *object = held[--count];
                if (*object != thread->number || wrt_object_cache_give(&cache, object) != WRT_OK)
                    __atomic_store_n(&twice, 1, __ATOMIC_RELAXED);
            } else if (wrt_object_cache_take(&cache, &held[count]) == WRT_OK) {
                *(uint64_t *)held[count++] = thread->number;
            } else {
                break;
            }
        }
        stress_delay(&thread->random);
    }
    while (count > 0)
        if (wrt_object_cache_give(&cache, held[--count]) != WRT_OK)
            __atomic_store_n(&twice, 1, __ATOMIC_RELAXED);
    wrt_object_cache_drain(&cache);
}

static void caches_lose_nothing(void **state)
{
    (void)state;
    for (int on_one = 0; on_one < 2; on_one++) {
        twice = 0;
        assert_int_equal(wrt_object_pool_init(&pool, objects, links, MANY, sizeof *objects),
                         WRT_OK);
        assert_true(stress_run(THREADS, on_one, use_cache));
        assert_int_equal(twice, 0);
        assert_int_equal(wrt_object_pool_count_free(&pool), MANY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pool_is_a_pool),
        cmocka_unit_test(caches_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
