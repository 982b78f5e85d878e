/* proofs/cbmc/pool.c - the pool of objects: its free stack.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Property: an object that was taken is nobody else's until it is given; taking fails only if all are
 *   taken; a number that is not taken, or none of the pool's, is refused; the last given is the first
 *   taken.
 * Bound: 3 objects and any 5 operations, in order.
 * Stubbed: nothing.
 * Misses: two threads (see rounds), caches of a thread, addresses.
 *
 * PROOF quick in_order --unwind 6
 * MUTANT in_order include/wrt/pool.h s/if \(number == WRT_POOL_END\)/if (false)/
 * MUTANT in_order include/wrt/pool.h s/, WRT_POOL_TAKEN, __ATOMIC_RELAXED\);/, 0, __ATOMIC_RELAXED);/
 * MUTANT in_order include/wrt/pool.h s/number >= pool->object_count \|\|/number > pool->object_count ||/
 */
#include "sync/pool.c"
#include "proof.h"

enum { OBJECTS = 3 };
static struct wrt_object_pool pool;
static uint32_t links[OBJECTS];
static uint8_t objects[OBJECTS];

/* ---- one after the other ---- */

static bool is_taken[OBJECTS];
static uint32_t taken, last_given = WRT_POOL_NONE;

static void take(void)
{
    const uint32_t number = wrt_object_pool_take_number(&pool);
    prove((number == WRT_POOL_NONE) == (taken == OBJECTS), "taking fails if all are taken, and only then");
    if (number == WRT_POOL_NONE)
        return;
    prove(number < OBJECTS && !is_taken[number], "a free one");
    prove(last_given == WRT_POOL_NONE || number == last_given, "the last given first");
    is_taken[number] = true;
    taken++;
    last_given = WRT_POOL_NONE;
}

static void give(void)
{
    const uint32_t number = any_u32();
    const bool given = wrt_object_pool_give_number(&pool, number);
    prove(given == (number < OBJECTS && is_taken[number]), "what is not taken is refused");
    if (!given)
        return;
    is_taken[number] = false;
    taken--;
    last_given = number;
}

void in_order(void)
{
    assume(wrt_object_pool_init(&pool, objects, links, OBJECTS, 1) == WRT_OK);
    for (int i = 0; i < 5; i++) {
        if (any_bool())
            take();
        else
            give();
        prove(wrt_object_pool_is_valid(&pool), "valid");
    }
    prove(wrt_object_pool_count_free(&pool) == OBJECTS - taken, "the others are free");
}
