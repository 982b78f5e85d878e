/* sync_schedules.c - the lock-free structures under every schedule of a few preemptions.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The sources themselves are compiled here with a step before each atomic operation
 * (tests/support/schedules.h). Memory is sequentially consistent here: orders are the litmus
 * tests' (proofs/litmus).
 *
 * This finds what stress does not: a guard that matters only when a thread sleeps through a
 * whole round of a ring.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void step(void);

#define __atomic_load_n(p, order) (step(), __atomic_load_n(p, order))
#define __atomic_store_n(p, value, order) (step(), __atomic_store_n(p, value, order))
#define __atomic_compare_exchange_n(p, expected, desired, weak, success, failure) \
    (step(), __atomic_compare_exchange_n(p, expected, desired, weak, success, failure))

#include "../../src/sync/pool.c"
#undef BATCH
#include "../../src/sync/ring_mpsc.c"
#undef MAX_CAPACITY
#include "../../src/sync/ring_mpmc.c"
#undef MAX_CAPACITY
#define cell_at broadcast_cell_at
#include "../../src/sync/broadcast.c"
#undef cell_at

#include "schedules.h"

/* ---- what every ring promises: each item once, each producer's in order ---- */

enum { ITEMS = 32 };
static uint32_t pushed[ITEMS], popped[ITEMS], last_of[MAX_TASKS];

static void forget_items(void)
{
    memset(pushed, 0, sizeof pushed);
    memset(popped, 0, sizeof popped);
}

/* Items are 10 * producer + number. */
static void judge_items(void)
{
    for (uint32_t i = 0; i < ITEMS; i++)
        assert_int_equal(popped[i], pushed[i]);
}

/* ---- many to many: a thread sleeps between reading tail and filling the cell ---- */

static struct wrt_mpmc_ring mpmc;
static uint32_t mpmc_items[2], mpmc_links[2];
static uint64_t mpmc_cells[2];

static void set_up_mpmc(void)
{
    forget_items();
    assert_int_equal(wrt_mpmc_ring_init(&mpmc, mpmc_items, mpmc_links, mpmc_cells, 2, 4), WRT_OK);
}

static void push_mpmc(uint32_t item)
{
    if (wrt_mpmc_push(&mpmc, &item) == WRT_OK)
        pushed[item]++;
}

static void pop_mpmc(void)
{
    uint32_t item = 0;
    if (wrt_mpmc_pop(&mpmc, &item) == WRT_OK && item < ITEMS)
        popped[item]++;
}

static void use_mpmc(uint32_t task)
{
    if (task == 0) {
        push_mpmc(1);
        return;
    }
    for (uint32_t i = 0; i < 3; i++) { /* tail goes a whole round and one further */
        push_mpmc(10 + i);
        if (i < 2)
            pop_mpmc();
    }
}

static void judge_mpmc(void)
{
    for (int i = 0; i < 4; i++)
        pop_mpmc();
    judge_items();
    assert_int_equal(wrt_object_pool_count_free(&mpmc.slots), 2);
}

static void test_mpmc_two(void **state)
{
    (void)state;
    explore(2, 3, set_up_mpmc, use_mpmc, judge_mpmc);
}

/* A ring that is never empty never says that it is. */
static void set_up_filled(void)
{
    set_up_mpmc();
    push_mpmc(20);
}

static void pop_what_is_there(void)
{
    uint32_t item = ITEMS;
    assert_int_equal(wrt_mpmc_pop(&mpmc, &item), WRT_OK);
    popped[item]++;
}

static void use_filled(uint32_t task)
{
    for (uint32_t i = 0; task == 1 && i < 3; i++) {
        const uint32_t item = 10 + i;
        if (wrt_mpmc_push(&mpmc, &item) != WRT_OK)
            continue;
        pushed[item]++;
        pop_what_is_there();
    }
    if (task == 0)
        pop_what_is_there();
}

static void test_mpmc_never_empty(void **state)
{
    (void)state;
    explore(2, 3, set_up_filled, use_filled, judge_mpmc);
}

static void use_mpmc_three(uint32_t task)
{
    if (task == 2) {
        pop_mpmc();
        pop_mpmc();
        return;
    }
    push_mpmc(10 * task + 1);
    push_mpmc(10 * task + 2);
}

static void test_mpmc_three(void **state)
{
    (void)state;
    explore(3, 2, set_up_mpmc, use_mpmc_three, judge_mpmc);
}

/* ---- many to one ---- */

static struct wrt_mpsc_ring mpsc;
static uint64_t mpsc_storage[WRT_MPSC_BYTES(2, 4) / 8];

static void set_up_mpsc(void)
{
    forget_items();
    memset(last_of, 0, sizeof last_of);
    assert_int_equal(wrt_mpsc_ring_init(&mpsc, mpsc_storage, 2, 4), WRT_OK);
}

static void pop_mpsc(void)
{
    uint32_t item = 0;
    if (wrt_mpsc_pop(&mpsc, &item) != WRT_OK || item >= ITEMS)
        return;
    popped[item]++;
    assert_true(item % 10 > last_of[item / 10]);
    last_of[item / 10] = item % 10;
}

static void use_mpsc(uint32_t task)
{
    for (uint32_t i = 1; i <= 2; i++) {
        const uint32_t item = 10 * task + i;
        if (task == 2)
            pop_mpsc();
        else if (wrt_mpsc_push(&mpsc, &item) == WRT_OK)
            pushed[item]++;
    }
}

static void judge_mpsc(void)
{
    for (int i = 0; i < 4; i++)
        pop_mpsc();
    judge_items();
}

static void test_mpsc(void **state)
{
    (void)state;
    explore(3, 3, set_up_mpsc, use_mpsc, judge_mpsc);
}

/* ---- pool: ABA ---- */

static struct wrt_object_pool pool;
static uint32_t pool_objects[3], pool_links[3], owners[3];

static void set_up_pool(void)
{
    memset(owners, 0, sizeof owners);
    assert_int_equal(wrt_object_pool_init(&pool, pool_objects, pool_links, 3, 4), WRT_OK);
}

static uint32_t *take_object(void)
{
    void *object = NULL;
    if (wrt_object_pool_take(&pool, &object) != WRT_OK)
        return NULL;
    const ptrdiff_t number = (uint32_t *)object - pool_objects;
    assert_int_equal(owners[number], 0); /* nobody else has it */
    owners[number]++;
    return object;
}

static void give_object(uint32_t *object)
{
    if (object == NULL)
        return;
    owners[object - pool_objects]--;
    assert_int_equal(wrt_object_pool_give(&pool, object), WRT_OK);
}

static void use_pool(uint32_t task)
{
    if (task == 0) {
        uint32_t *own = take_object(), *second = take_object();
        give_object(own);
        give_object(second);
        return;
    }
    uint32_t *a = take_object(), *b = take_object();
    give_object(a);
    uint32_t *c = take_object();
    give_object(b);
    give_object(c);
}

static void judge_pool(void)
{
    assert_int_equal(wrt_object_pool_count_free(&pool), 3);
}

static void test_pool(void **state)
{
    (void)state;
    explore(2, 4, set_up_pool, use_pool, judge_pool);
}

/* ---- broadcast: the writer comes round while a reader copies ---- */

enum { PUBLISHED = 5 };
static struct wrt_broadcast_ring broadcast;
static struct wrt_broadcast_reader reader;
static uint64_t broadcast_cells[2 * 3], received;

static void set_up_broadcast(void)
{
    received = 0;
    assert_int_equal(wrt_broadcast_ring_init(&broadcast, broadcast_cells, 2, 2), WRT_OK);
    wrt_broadcast_reader_init(&reader, &broadcast, true);
}

static void receive_one(void)
{
    uint64_t item[2] = {0, 0};
    const uint64_t before = reader.position;
    if (wrt_broadcast_receive(&reader, item) != WRT_OK)
        return;
    received++;
    assert_true(reader.position > before);
    assert_int_equal(item[0], 100 + reader.position - 1); /* whole, and the right one */
    assert_int_equal(item[1], 200 + reader.position - 1);
}

static void use_broadcast(uint32_t task)
{
    for (uint64_t i = 0; i < PUBLISHED; i++) {
        const uint64_t item[2] = {100 + i, 200 + i};
        if (task == 0)
            receive_one();
        else
            wrt_broadcast_publish(&broadcast, item);
    }
}

static void judge_broadcast(void)
{
    for (int i = 0; i < PUBLISHED; i++)
        receive_one();
    assert_int_equal(received + reader.lost, PUBLISHED);
}

static void test_broadcast(void **state)
{
    (void)state;
    explore(2, 3, set_up_broadcast, use_broadcast, judge_broadcast);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mpmc_two),   cmocka_unit_test(test_mpmc_never_empty),
        cmocka_unit_test(test_mpmc_three), cmocka_unit_test(test_mpsc),
        cmocka_unit_test(test_pool),       cmocka_unit_test(test_broadcast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
