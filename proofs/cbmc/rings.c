/* proofs/cbmc/rings.c - the rings of one consumer, by contract: one operation from any state that holds.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What holds of the ring of one producer: consumed <= published <= consumed + capacity; a side stands at its own
 *   word, and sees no more room, or items, than there are. Of the ring of many: each position from the next to
 *   consume on, capacity of them, has its turn in its cell: itself while it is free or being written, itself + 1
 *   once published, and none behind `claimed` is published.
 *
 * Property: each operation leaves what holds, as all others do meanwhile, so by induction any number of threads;
 *   a push is refused only if the ring is full, and a pop only if nothing is there; a push fills the place of its
 *   position alone and a pop reads that of its own, so what was pushed is popped, once and in order; what is
 *   claimed is free, lies in the storage and is nobody else's. With any bytes at all in the other side's word
 *   nothing outside of the storage is touched.
 * Bound: none on the number of places (powers of 2 up to 2^31; for runs and for claims among many producers up to
 *   4), positions, wrap-around included, and operations; items of 8 bytes; a claim that is overtaken up to twice.
 * Stubbed: atomic operations: before an exchange others may have claimed, published and consumed.
 * Misses: memory orders (litmus tests), the ring of many consumers, a producer that sleeps through 2^31 items.
 *
 * PROOF quick spsc_push --slice-formula
 * PROOF quick spsc_pop --slice-formula
 * PROOF quick spsc_runs --slice-formula
 * PROOF quick spsc_hostile --slice-formula
 * PROOF quick mpsc_claim --unwind 5 --slice-formula
 * PROOF quick mpsc_publish --slice-formula
 * PROOF quick mpsc_pop --slice-formula
 * MUTANT spsc_push include/wrt/ring.h s/if \(used > producer->mask\)/if (used > producer->mask + 1)/
 * MUTANT spsc_push include/wrt/ring.h s/producer->limit = consumed \+ producer->mask \+ 1;/producer->limit = consumed + producer->mask;/
 * MUTANT spsc_pop include/wrt/ring.h s/consumer->limit = published;/consumer->limit = published + 1;/
 * MUTANT spsc_runs include/wrt/ring.h s/return claimed <= limit - position && count <= claimed;/return claimed <= limit - position;/
 * MUTANT spsc_runs include/wrt/ring.h s/uint32_t until_end = mask \+ 1 - \(position & mask\);/uint32_t until_end = mask + 1;/
 * MUTANT spsc_hostile include/wrt/ring.h s/\(size_t\)\(position & producer->mask\) \* producer->item_bytes/(size_t)position * producer->item_bytes/
 * MUTANT mpsc_claim include/wrt/ring.h s/if \(ahead < 0\)/if (ahead < -1)/
 * MUTANT mpsc_claim include/wrt/ring.h s/&position, position \+ 1, true,/\&position, position + 2, true,/
 * MUTANT mpsc_publish include/wrt/ring.h s/slot.position \+ 1, __ATOMIC_RELEASE/slot.position, __ATOMIC_RELEASE/
 * MUTANT mpsc_pop include/wrt/ring.h s/slot.position \+ ring->capacity, __ATOMIC_RELEASE/slot.position + 1, __ATOMIC_RELEASE/
 * MUTANT mpsc_pop include/wrt/ring.h s/if \(turn != position \+ 1\)/if (turn != position)/
 */
#include <stdlib.h>

#include "proof.h"
#include "wrt/pool.h" /* no part of this */

static uint32_t hooked_load(const uint32_t *at);
static bool hooked_exchange(uint32_t *at, uint32_t *old, uint32_t new);
#define __atomic_load_n(at, order) hooked_load(at)
#define __atomic_store_n(at, value, order) (*(at) = (value))
#define __atomic_compare_exchange_n(at, old, new, weak, order, other_order) hooked_exchange(at, old, new)
#define __builtin_memcpy memcpy
#include "wrt/ring.h"
#include "sync/ring_mpsc.c"
#undef MAX_CAPACITY
#include "sync/ring_spsc.c"

enum { ITEM_BYTES = 8, CELL_BYTES = 16, ANY = 32, FEW = 3 }; /* places: powers of 2 below these */
static uint32_t capacity, look; /* look: any position, so each */
static uint8_t *storage;

static void any_storage(size_t bytes_each, int log_limit)
{
    capacity = UINT32_C(1) << any_below((uint64_t)log_limit);
    static uint64_t few[1 << (FEW - 1)][2];
    __CPROVER_havoc_object(few);
    storage = log_limit == FEW ? (uint8_t *)few + sizeof few - capacity * bytes_each : malloc(capacity * bytes_each);
    assume(storage != NULL);
    look = any_u32();
}

static uint32_t mask(void)
{
    return capacity - 1;
}

/* ---- one producer ---- */

static struct wrt_spsc_words words;
static struct wrt_spsc_producer producer;
static struct wrt_spsc_consumer consumer;

static bool spsc_holds(void)
{
    const uint32_t used = words.published - words.consumed;
    return used <= capacity && producer.position == words.published && consumer.position == words.consumed &&
           producer.limit - producer.position <= capacity - used && consumer.limit - consumer.position <= used;
}

static void any_spsc(int log_limit)
{
    any_storage(ITEM_BYTES, log_limit);
    words.published = any_u32(), words.consumed = any_u32();
    producer = (struct wrt_spsc_producer){.words = &words, .items = storage, .mask = mask(), .item_bytes = ITEM_BYTES,
                                          .position = words.published, .limit = any_u32(), .claim_end = any_u32()};
    consumer = (struct wrt_spsc_consumer){.words = &words, .items = storage, .mask = mask(), .item_bytes = ITEM_BYTES,
                                          .position = words.consumed, .limit = any_u32(), .claim_end = any_u32()};
    assume(spsc_holds());
}

static uint64_t item_at(uint32_t position)
{
    uint64_t item;
    memcpy(&item, storage + (size_t)(position & mask()) * ITEM_BYTES, sizeof item);
    return item;
}

static bool is_in(uint32_t position)
{
    return position - words.consumed < words.published - words.consumed;
}

void spsc_push(void)
{
    any_spsc(ANY);
    const uint32_t position = words.published, used = position - words.consumed;
    const uint64_t item = any_u64(), was = item_at(look);
    const bool looked_in = is_in(look);
    const enum wrt_status status =
        any_bool() ? wrt_spsc_push(&producer, &item) : wrt_spsc_push_sized(&producer, &item, sizeof item);
    prove(status == (used == capacity ? WRT_ERR_NO_SPACE : WRT_OK), "refused only if it is full");
    prove(spsc_holds(), "what holds");
    prove(!looked_in || item_at(look) == was, "what is in it stays");
    if (status == WRT_OK)
        prove(words.published == position + 1 && item_at(position) == item, "one more, in its place");
    else
        prove(words.published == position, "nothing changed");
}

void spsc_pop(void)
{
    any_spsc(ANY);
    const uint32_t position = words.consumed, used = words.published - position;
    const uint64_t expected = item_at(position);
    uint64_t item = 0;
    const enum wrt_status status =
        any_bool() ? wrt_spsc_pop(&consumer, &item) : wrt_spsc_pop_sized(&consumer, &item, sizeof item);
    prove(status == (used == 0 ? WRT_ERR_NOT_FOUND : WRT_OK), "refused only if it is empty");
    prove(spsc_holds(), "what holds");
    if (status == WRT_OK)
        prove(words.consumed == position + 1 && item == expected, "the next one");
    else
        prove(words.consumed == position, "nothing changed");
}

/* Runs of items, of any wish, of which any number is passed on. */
void spsc_runs(void)
{
    any_spsc(FEW);
    const uint32_t wanted = any_u32(), passed = any_u32(), used = words.published - words.consumed;
    void *to = NULL;
    const void *from = NULL;
    uint32_t count = 0;
    assume(wanted != 0);
    if (any_bool()) {
        if (wrt_spsc_claim(&producer, wanted, &to, &count) != WRT_OK)
            return;
        prove(count != 0 && count <= wanted && count <= capacity - used, "room that there is");
        prove(__CPROVER_w_ok(to, (size_t)count * ITEM_BYTES), "side by side in the storage");
        prove((wrt_spsc_publish(&producer, passed) == WRT_OK) == (passed <= count), "no more than was claimed");
        prove(words.published - words.consumed == used + (passed <= count ? passed : 0), "as many more");
    } else {
        if (wrt_spsc_take(&consumer, wanted, &from, &count) != WRT_OK)
            return;
        prove(count != 0 && count <= wanted && count <= used, "items that there are");
        prove(__CPROVER_r_ok(from, (size_t)count * ITEM_BYTES), "side by side in the storage");
        prove((wrt_spsc_release(&consumer, passed) == WRT_OK) == (passed <= count), "no more than were taken");
        prove(words.published - words.consumed == used - (passed <= count ? passed : 0), "as many less");
    }
    prove(spsc_holds(), "what holds");
}

/* The other side writes into its word, and into ours, what it likes. */
void spsc_hostile(void)
{
    any_spsc(ANY);
    uint64_t item = any_u64();
    words.published = any_u32(), words.consumed = any_u32();
    const uint32_t position = producer.position, other = consumer.position;
    const enum wrt_status pushed = wrt_spsc_push(&producer, &item);
    words.published = any_u32(), words.consumed = any_u32();
    const enum wrt_status popped = wrt_spsc_pop(&consumer, &item);
    prove(producer.position == position + (pushed == WRT_OK) && consumer.position == other + (popped == WRT_OK),
          "a side's own position is its own");
}

/* ---- many producers ---- */

static struct wrt_mpsc_ring ring;
static int overtaken;
static bool is_many;

/* The position that a cell is for now. */
static uint32_t current(uint32_t position)
{
    return ring.position + ((position - ring.position) & mask());
}

static uint32_t *turn_of(uint32_t position)
{
    return (uint32_t *)(void *)(storage + (size_t)(position & mask()) * CELL_BYTES);
}

static bool has_its_turn(uint32_t position)
{
    const uint32_t now = current(position), turn = *turn_of(position);
    const bool is_claimed = now - ring.position < ring.claimed - ring.position;
    return turn == now || (is_claimed && turn == now + 1);
}

static bool counts_hold(void)
{
    return ring.claimed - ring.position <= capacity;
}

/* What is looked at holds, as all does. */
static uint32_t hooked_load(const uint32_t *at)
{
    if (is_many && __CPROVER_same_object(at, storage))
        assume(has_its_turn((uint32_t)(((const uint8_t *)at - storage) / CELL_BYTES)));
    return *at;
}

/* What others may have done before: claimed, published, consumed. */
static void others(uint32_t mine)
{
    const uint32_t claimed = ring.claimed, position = ring.position;
    ring.claimed = any_u32(), ring.position = any_u32();
    assume(ring.claimed - claimed < UINT32_C(1) << 30 && ring.position - position <= ring.claimed - position);
    assume(counts_hold() && ring.position - position < UINT32_C(1) << 31);
    *turn_of(mine) = any_u32(), *turn_of(look) = any_u32();
    assume(has_its_turn(mine) && has_its_turn(look));
}

static bool hooked_exchange(uint32_t *at, uint32_t *old, uint32_t new)
{
    if (overtaken < 2 && any_bool()) {
        overtaken++;
        others(*old);
    }
    const bool is_same = *at == *old;
    if (is_same)
        *at = new;
    else
        *old = *at;
    return is_same;
}

static void any_mpsc(int log_limit)
{
    any_storage(CELL_BYTES, log_limit);
    assume(capacity >= 2);
    is_many = true;
    ring = (struct wrt_mpsc_ring){.claimed = any_u32(), .position = any_u32(), .capacity = capacity,
                                  .cell_bytes = CELL_BYTES, .item_bytes = ITEM_BYTES, .cells = storage};
    assume(counts_hold() && has_its_turn(look));
}

void mpsc_claim(void)
{
    any_mpsc(FEW);
    struct wrt_ring_slot slot = {0};
    const enum wrt_status status = wrt_mpsc_claim(&ring, &slot);
    prove(counts_hold() && has_its_turn(look), "what holds");
    if (status == WRT_OK) {
        prove(ring.claimed == slot.position + 1, "the next position, and nobody else's");
        prove(*turn_of(slot.position) == slot.position && current(slot.position) == slot.position, "a free place");
        prove(slot.item == (void *)(turn_of(slot.position) + 2) && __CPROVER_w_ok(slot.item, ITEM_BYTES), "its room");
    } else {
        prove(status == WRT_ERR_NO_SPACE && ring.claimed - ring.position == capacity, "refused only if it is full");
    }
}

void mpsc_publish(void)
{
    any_mpsc(ANY);
    const struct wrt_ring_slot slot = {.item = NULL, .position = any_u32()};
    assume(slot.position - ring.position < ring.claimed - ring.position); /* claimed by this thread */
    assume(*turn_of(slot.position) == slot.position);
    const uint32_t before = *turn_of(look);
    wrt_mpsc_publish(&ring, slot);
    prove(has_its_turn(look) && has_its_turn(slot.position), "what holds");
    prove(*turn_of(slot.position) == slot.position + 1, "published");
    prove(((look ^ slot.position) & mask()) == 0 || *turn_of(look) == before, "and no other");
}

void mpsc_pop(void)
{
    any_mpsc(ANY);
    const uint32_t position = ring.position;
    uint64_t expected, item = 0;
    assume(has_its_turn(position));
    const uint32_t turn = *turn_of(position);
    memcpy(&expected, turn_of(position) + 2, sizeof expected);
    const enum wrt_status status = wrt_mpsc_pop(&ring, &item);
    prove(counts_hold() && has_its_turn(look) && has_its_turn(position), "what holds");
    if (status == WRT_OK)
        prove(turn == position + 1 && ring.position == position + 1 && item == expected, "the next one");
    else
        prove(turn == position && ring.position == position &&
                  status == (ring.claimed == position ? WRT_ERR_NOT_FOUND : WRT_ERR_BUSY), "only if it is not there");
}
