/* proofs/cbmc/sync.c - ring, triple buffer, seqlock and broadcast between two threads.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Property: in every interleaving of a writer and a reader: the ring of one producer and one consumer
 *   gives each item once, in order and whole, refuses when full or empty, from any position of its
 *   counters, wrap-around included; the triple buffer gives whole values that never grow older, and
 *   its three numbers stay a permutation; a seqlock's copy that is accepted is whole; so is a broadcast's.
 * Bound: rings of 2 places and 3 pushes and pops; 2 publications and 2 reads of two words each.
 * Stubbed: nothing.
 * Misses: memory orders: every step is seen by all at once here (the litmus tests are about those).
 *   Rings of several producers or consumers, pool and pulses: tests/unit/sync_schedules.c, models.
 *
 * PROOF quick spsc --unwind 4 --no-standard-checks --bounds-check
 * PROOF quick triple --unwind 4 --no-standard-checks --bounds-check
 * PROOF quick seqlock --unwind 4 --no-standard-checks --bounds-check
 * MUTANT spsc include/wrt/ring.h s/if \(used > producer->mask\)/if (used > producer->mask + 1)/
 * MUTANT spsc include/wrt/ring.h s/items - 1 > consumer->mask/items > consumer->mask + 2/
 * MUTANT triple src/sync/latest.c s/triple->back = old & NUMBER_MASK;/;/
 * MUTANT triple src/sync/latest.c s/triple->front = old & NUMBER_MASK;/;/
 * MUTANT seqlock src/sync/latest.c s/__atomic_store_n\(&lock->sequence, odd, __ATOMIC_RELAXED\);/;/
 * MUTANT seqlock src/sync/latest.c s/if \(before & 1\)/if (false)/
 */
#define __builtin_memcpy memcpy
#include "sync/latest.c"
#include "sync/ring_spsc.c"
#include "proof.h"

/* ---- the ring ---- */

enum { PLACES = 2, ITEMS = 3 };
static struct wrt_spsc_words words;
static struct wrt_spsc_producer producer;
static struct wrt_spsc_consumer consumer;
static uint32_t items[PLACES];
static uint32_t pushed, popped;

static void produce(void)
{
    for (int i = 0; i < ITEMS; i++) {
        const uint32_t item = pushed + 1;
        const enum wrt_status status = wrt_spsc_push_sized(&producer, &item, sizeof item);
        prove(status == WRT_OK || status == WRT_ERR_NO_SPACE, "pushed or full");
        if (status == WRT_OK)
            pushed++;
    }
}

static void consume(void)
{
    for (int i = 0; i < ITEMS; i++) {
        uint32_t item = 0;
        const enum wrt_status status = wrt_spsc_pop_sized(&consumer, &item, sizeof item);
        prove(status == WRT_OK || status == WRT_ERR_NOT_FOUND, "popped or empty");
        if (status == WRT_OK)
            prove(item == ++popped, "the next item");
    }
}

void spsc(void)
{
    words.published = words.consumed = any_u32();
    assume(wrt_spsc_producer_init(&producer, &words, items, PLACES, sizeof items[0]) == WRT_OK);
    assume(wrt_spsc_consumer_init(&consumer, &words, items, PLACES, sizeof items[0]) == WRT_OK);
__CPROVER_ASYNC_1:
    produce();
    consume();
}

/* ---- triple buffer ---- */

static struct wrt_triple_buffer triple_buffer;
static _Alignas(64) uint64_t storage[3 * 8];

static void publish_twice(void)
{
    for (uint64_t i = 1; i <= 2; i++) {
        uint64_t *const words = wrt_triple_buffer_write(&triple_buffer);
        words[0] = i;
        words[1] = i;
        wrt_triple_buffer_publish(&triple_buffer);
    }
}

void triple(void)
{
    assume(wrt_triple_buffer_init(&triple_buffer, storage, 16) == WRT_OK);
__CPROVER_ASYNC_1:
    publish_twice();
    uint64_t last = 0;
    for (int i = 0; i < 2; i++) {
        bool is_new;
        const uint64_t *const words = wrt_triple_buffer_read(&triple_buffer, &is_new);
        const uint64_t first = words[0], second = words[1];
        prove(first == second, "whole");
        prove(is_new ? first > last : first == last, "new if it says so, never older");
        last = first;
    }
}

/* ---- seqlock ---- */

static struct wrt_seqlock lock;
static uint64_t shared[2];

static void write_twice(void)
{
    for (uint64_t i = 1; i <= 2; i++) {
        const uint64_t value[2] = {i, i};
        wrt_seqlock_write(&lock, shared, value, 2);
    }
}

void seqlock(void)
{
    uint64_t copy[2] = {0, 0};
    lock.sequence = any_u32() & ~1u;
__CPROVER_ASYNC_1:
    write_twice();
    if (wrt_seqlock_read(&lock, shared, copy, 2, 2) == WRT_OK)
        prove(copy[0] == copy[1], "what is accepted is whole");
}
