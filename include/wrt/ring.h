/* wrt/ring.h - bounded queues between threads (or processes): one lock never taken.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   ring   producers  consumers  a call takes              when full / empty
 *   spsc   1          1          wait-free, 3 loads at most ERR_NO_SPACE / ERR_NOT_FOUND
 *   mpsc   many       1          producers lock-free,       the same, and ERR_BUSY: the next
 *                                consumer wait-free         item is claimed, not published
 *   mpmc   many       many       lock-free                  the same as spsc
 *
 * All are first in, first out by the order of publishing (mpsc: of claiming), hold items of one
 * fixed size in storage of the caller, and work without copying: a producer claims room, writes the
 * item there and publishes it; a consumer takes the item, reads it there and releases the room.
 * push and pop are the same with one copy.
 *
 * Positions count items for ever, modulo 2^32; capacity is a power of two, spsc 1 .. 2^31, mpsc 2 .. 2^31, mpmc 2 .. 2^30,
 * so `published - consumed` is the number of items and never ambiguous.
 *
 * Which to take: mpsc is the faster one, but a producer that is stopped between claim and publish
 * hides what others published after it (ERR_BUSY) until it runs again. In mpmc each producer and
 * consumer only withholds its own slot: whoever stops, the others go on.
 *
 * Threads: one thread at a time per producer or consumer handle of spsc and per consuming end
 * of mpsc; everything else may run together. Nothing blocks. Claim, publish, take and release are
 * inline, because a call would cost as much as they do.
 */
#ifndef WRT_RING_H
#define WRT_RING_H

#include "wrt/base.h"
#include "wrt/cacheline.h"
#include "wrt/pool.h"

WRT_BEGIN_DECLS

/* ---- one producer, one consumer ----
 *
 * Only the two words of wrt_spsc_words and the items are shared; each side keeps its own position,
 * the geometry and what it last saw of the other side in a handle of its own. So a peer in another
 * process, hostile even, can spoil items and say ERR_CORRUPT positions, but never make this side
 * touch memory outside its items.
 *
 * Memory orders: publish stores `published` with release, so that the items come before it; the
 * consumer loads it with acquire. Releasing room is the same the other way round: the consumer's
 * reads of an item come before the producer's overwriting. Own positions need no order.
 */
struct wrt_spsc_words { /* zero-fill */
    uint32_t published WRT_CACHE_ALIGNED; /* written by the producer only */
    uint32_t consumed WRT_CACHE_ALIGNED;  /* written by the consumer only */
};

struct wrt_spsc_producer { /* private */
    struct wrt_spsc_words *words;
    uint8_t *items;
    uint32_t position; /* of the next item to publish */
    uint32_t limit;    /* the ring is full there: consumed, as last seen, + capacity */
    uint32_t claim_end; /* the caller may write position .. claim_end now; may lie behind */
    uint32_t mask;     /* capacity - 1 */
    uint32_t item_bytes;
} WRT_CACHE_ALIGNED;

struct wrt_spsc_consumer { /* private */
    struct wrt_spsc_words *words;
    const uint8_t *items;
    uint32_t position; /* of the next item to consume */
    uint32_t limit;    /* published, as last seen: the ring is empty there */
    uint32_t claim_end; /* the caller may read position .. claim_end now; may lie behind */
    uint32_t mask;
    uint32_t item_bytes;
} WRT_CACHE_ALIGNED;

/* Joins a side to the ring where the words stand, so a side may be joined anew after its last
 * user is gone. Keeps words and items (capacity * item_bytes, aligned as the items need).
 * ERR_ARGUMENT, ERR_OVERFLOW; ERR_CORRUPT: the words do not fit the capacity.
 * Cost: O(1), never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_spsc_producer_init(struct wrt_spsc_producer *producer, struct wrt_spsc_words *words,
                       void *items, uint32_t capacity, uint32_t item_bytes);
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_spsc_consumer_init(struct wrt_spsc_consumer *consumer, struct wrt_spsc_words *words,
                       const void *items, uint32_t capacity, uint32_t item_bytes);

/* Private to the calls below: looks at the other side's word.
 * Cost: O(1), never blocks, never faults. */
WRT_MUST_CHECK static inline enum wrt_status
wrt_spsc_refresh_room(struct wrt_spsc_producer *producer)
{
    uint32_t consumed = __atomic_load_n(&producer->words->consumed, __ATOMIC_ACQUIRE);
    uint32_t used = producer->position - consumed;
    if (used > producer->mask)
        return used == producer->mask + 1 ? WRT_ERR_NO_SPACE : WRT_ERR_CORRUPT;
    producer->limit = consumed + producer->mask + 1;
    return WRT_OK;
}

/* Cost: O(1), never blocks, never faults. */
WRT_MUST_CHECK static inline enum wrt_status
wrt_spsc_refresh_items(struct wrt_spsc_consumer *consumer)
{
    uint32_t published = __atomic_load_n(&consumer->words->published, __ATOMIC_ACQUIRE);
    uint32_t items = published - consumer->position;
    if (items - 1 > consumer->mask)
        return items == 0 ? WRT_ERR_NOT_FOUND : WRT_ERR_CORRUPT;
    consumer->limit = published;
    return WRT_OK;
}

/* Items that lie side by side from `position` on: at most until the storage's end.
 * Cost: O(1), never blocks, never faults. */
static inline uint32_t wrt_spsc_run(uint32_t mask, uint32_t position, uint32_t available,
                                    uint32_t wanted)
{
    if (wanted == 1)
        return 1; /* often a constant: the rest is not compiled then */
    uint32_t until_end = mask + 1 - (position & mask);
    uint32_t run = available < until_end ? available : until_end;
    return run < wanted ? run : wanted;
}

/* May the caller pass on `count` items? A single push may have gone past what was claimed.
 * Cost: O(1), never blocks, never faults. */
static inline bool wrt_spsc_is_claimed(uint32_t position, uint32_t claim_end, uint32_t limit,
                                       uint32_t count)
{
    uint32_t claimed = claim_end - position;
    return claimed <= limit - position && count <= claimed;
}

/* Claims up to `wanted` (>= 1) items that lie side by side: *out_items is the first,
 * 1 <= *out_count <= wanted. Claiming again without publishing claims anew.
 * Cost: O(1), never blocks, never faults. */
WRT_MUST_CHECK static inline enum wrt_status
wrt_spsc_claim(struct wrt_spsc_producer *producer, uint32_t wanted, void **out_items,
               uint32_t *out_count)
{
    const uint32_t position = producer->position;
    if (position == producer->limit) {
        enum wrt_status status = wrt_spsc_refresh_room(producer);
        if (status != WRT_OK)
            return status;
    }
    uint32_t run = wrt_spsc_run(producer->mask, position, producer->limit - position, wanted);
    producer->claim_end = position + run;
    *out_items = producer->items + (size_t)(position & producer->mask) * producer->item_bytes;
    *out_count = run;
    return WRT_OK;
}

/* Shows the first `count` claimed items to the consumer. ERR_ARGUMENT: more than claimed.
 * Cost: O(1), never blocks, never faults. */
WRT_MUST_CHECK static inline enum wrt_status
wrt_spsc_publish(struct wrt_spsc_producer *producer, uint32_t count)
{
    const uint32_t position = producer->position;
    if (!wrt_spsc_is_claimed(position, producer->claim_end, producer->limit, count))
        return WRT_ERR_ARGUMENT;
    producer->position = producer->claim_end = position + count;
    __atomic_store_n(&producer->words->published, position + count, __ATOMIC_RELEASE);
    return WRT_OK;
}

/* The consumer's claim: items to be read, until released.
 * Cost: O(1), never blocks, never faults. */
WRT_MUST_CHECK static inline enum wrt_status
wrt_spsc_take(struct wrt_spsc_consumer *consumer, uint32_t wanted, const void **out_items,
              uint32_t *out_count)
{
    const uint32_t position = consumer->position;
    if (position == consumer->limit) {
        enum wrt_status status = wrt_spsc_refresh_items(consumer);
        if (status != WRT_OK)
            return status;
    }
    uint32_t run = wrt_spsc_run(consumer->mask, position, consumer->limit - position, wanted);
    consumer->claim_end = position + run;
    *out_items = consumer->items + (size_t)(position & consumer->mask) * consumer->item_bytes;
    *out_count = run;
    return WRT_OK;
}

/* Gives the room of the first `count` taken items back. ERR_ARGUMENT: more than taken.
 * Cost: O(1), never blocks, never faults. */
WRT_MUST_CHECK static inline enum wrt_status
wrt_spsc_release(struct wrt_spsc_consumer *consumer, uint32_t count)
{
    const uint32_t position = consumer->position;
    if (!wrt_spsc_is_claimed(position, consumer->claim_end, consumer->limit, count))
        return WRT_ERR_ARGUMENT;
    consumer->position = consumer->claim_end = position + count;
    __atomic_store_n(&consumer->words->consumed, position + count, __ATOMIC_RELEASE);
    return WRT_OK;
}

/* One item by copy, of a size that is known when this is compiled; both borrow it. ERR_ARGUMENT:
 * it is not the ring's item_bytes. They use up the first claimed item. (Fields are read first,
 * because the compiler must take the copy for one that could change them.)
 * Cost: O(item_bytes), never blocks, never faults. */
WRT_MUST_CHECK static inline enum wrt_status
wrt_spsc_push_sized(struct wrt_spsc_producer *producer, const void *item, size_t item_bytes)
{
    struct wrt_spsc_words *words = producer->words;
    const uint32_t position = producer->position;
    uint8_t *slot = producer->items + (size_t)(position & producer->mask) * item_bytes;
    if (item_bytes != producer->item_bytes)
        return WRT_ERR_ARGUMENT;
    if (position == producer->limit) {
        enum wrt_status status = wrt_spsc_refresh_room(producer);
        if (status != WRT_OK)
            return status;
    }
    __builtin_memcpy(slot, item, item_bytes);
    producer->position = position + 1;
    __atomic_store_n(&words->published, position + 1, __ATOMIC_RELEASE);
    return WRT_OK;
}

/* Cost: O(item_bytes), never blocks, never faults. */
WRT_MUST_CHECK static inline enum wrt_status
wrt_spsc_pop_sized(struct wrt_spsc_consumer *consumer, void *out_item, size_t item_bytes)
{
    struct wrt_spsc_words *words = consumer->words;
    const uint32_t position = consumer->position;
    const uint8_t *slot = consumer->items + (size_t)(position & consumer->mask) * item_bytes;
    if (item_bytes != consumer->item_bytes)
        return WRT_ERR_ARGUMENT;
    if (position == consumer->limit) {
        enum wrt_status status = wrt_spsc_refresh_items(consumer);
        if (status != WRT_OK)
            return status;
    }
    __builtin_memcpy(out_item, slot, item_bytes);
    consumer->position = position + 1;
    __atomic_store_n(&words->consumed, position + 1, __ATOMIC_RELEASE);
    return WRT_OK;
}

/* One item by copy; both borrow it.
 * Cost: O(item_bytes), never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_spsc_push(struct wrt_spsc_producer *producer, const void *item);
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_spsc_pop(struct wrt_spsc_consumer *consumer, void *out_item);

/* ---- what the rings with many ends hand out ---- */

struct wrt_ring_slot {
    void *item;
    uint32_t position; /* private */
};

/* ---- many producers, one consumer ----
 *
 * Each cell holds its turn: `turn == position` free for that position, `position + 1` published.
 *
 * Step bound: a claim repeats only when another producer claimed in between; per attempt 2 loads
 * and one compare-and-swap. The consumer: 3 loads at most.
 *
 * Memory orders: publish stores the turn with release (the item comes before), the consumer loads
 * it with acquire; release and claim are the same the other way round. `claimed` is relaxed: it
 * only deals out numbers, the turn carries the order.
 */
struct wrt_mpsc_ring { /* private */
    uint32_t claimed WRT_CACHE_ALIGNED;  /* next position to claim; all producers */
    uint32_t position WRT_CACHE_ALIGNED; /* next to consume; the consumer only */
    uint32_t capacity WRT_CACHE_ALIGNED;
    uint32_t cell_bytes;
    uint32_t item_bytes;
    uint8_t *cells;
};

/* Bytes of the storage of a ring with many producers; align it to 8. For static arrays. */
#define WRT_MPSC_CELL_BYTES(item_bytes) ((((size_t)(item_bytes) + 7u) & ~(size_t)7u) + 8u)
#define WRT_MPSC_BYTES(capacity, item_bytes) \
    ((size_t)(capacity) * WRT_MPSC_CELL_BYTES(item_bytes))

/* Keeps storage of WRT_MPSC_BYTES, 8-aligned. ERR_ARGUMENT, ERR_ALIGNMENT,
 * ERR_OVERFLOW.
 * Cost: O(capacity), never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_mpsc_ring_init(struct wrt_mpsc_ring *ring, void *storage, uint32_t capacity,
                   uint32_t item_bytes);

/* Private to the calls below: a cell is its turn, 4 unused bytes, and the item.
 * Cost: O(1), never blocks, never faults. */
static inline uint8_t *wrt_mpsc_cell(const struct wrt_mpsc_ring *ring, uint32_t position)
{
    return ring->cells + (size_t)(position & (ring->capacity - 1)) * ring->cell_bytes;
}

/* Cost: O(1), never blocks, never faults. */
static inline uint32_t *wrt_mpsc_turn(uint8_t *cell)
{
    return (uint32_t *)(void *)cell;
}

/* Producers. Every claimed slot must be published, by the thread that claimed it.
 * Cost: O(1), repeated only when another producer claimed, never blocks, never faults. */
WRT_MUST_CHECK static inline enum wrt_status
wrt_mpsc_claim(struct wrt_mpsc_ring *ring, struct wrt_ring_slot *out)
{
    uint32_t position = __atomic_load_n(&ring->claimed, __ATOMIC_RELAXED);
    for (;;) {
        uint8_t *cell = wrt_mpsc_cell(ring, position);
        uint32_t turn = __atomic_load_n(wrt_mpsc_turn(cell), __ATOMIC_ACQUIRE);
        int32_t ahead = (int32_t)(turn - position);
        if (ahead < 0)
            return WRT_ERR_NO_SPACE;
        if (ahead > 0) { /* another producer claimed this position */
            position = __atomic_load_n(&ring->claimed, __ATOMIC_RELAXED);
            continue;
        }
        if (__atomic_compare_exchange_n(&ring->claimed, &position, position + 1, true,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            out->item = cell + 8;
            out->position = position;
            return WRT_OK;
        }
    }
}

/* Cost: O(1), never blocks, never faults. */
static inline void wrt_mpsc_publish(struct wrt_mpsc_ring *ring, struct wrt_ring_slot slot)
{
    uint8_t *cell = wrt_mpsc_cell(ring, slot.position);
    __atomic_store_n(wrt_mpsc_turn(cell), slot.position + 1, __ATOMIC_RELEASE);
}

/* The consumer. Taking twice without a release gives the same slot. ERR_NOT_FOUND: empty;
 * ERR_BUSY: the next item is claimed and not published yet.
 * Cost: O(1), never blocks, never faults. */
WRT_MUST_CHECK static inline enum wrt_status
wrt_mpsc_take(struct wrt_mpsc_ring *ring, struct wrt_ring_slot *out)
{
    uint32_t position = ring->position;
    uint8_t *cell = wrt_mpsc_cell(ring, position);
    uint32_t turn = __atomic_load_n(wrt_mpsc_turn(cell), __ATOMIC_ACQUIRE);
    if (turn != position + 1) {
        bool is_claimed = __atomic_load_n(&ring->claimed, __ATOMIC_RELAXED) != position;
        return is_claimed ? WRT_ERR_BUSY : WRT_ERR_NOT_FOUND;
    }
    out->item = cell + 8;
    out->position = position;
    return WRT_OK;
}

/* Cost: O(1), never blocks, never faults. */
static inline void wrt_mpsc_release(struct wrt_mpsc_ring *ring, struct wrt_ring_slot slot)
{
    uint8_t *cell = wrt_mpsc_cell(ring, slot.position);
    ring->position = slot.position + 1;
    __atomic_store_n(wrt_mpsc_turn(cell), slot.position + ring->capacity, __ATOMIC_RELEASE);
}

/* One item by copy; both borrow it.
 * Cost: O(item_bytes), a claim repeated only when another producer claimed, never blocks, never
 * faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_mpsc_push(struct wrt_mpsc_ring *ring, const void *item);
/* Cost: O(item_bytes), never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_mpsc_pop(struct wrt_mpsc_ring *ring, void *out_item);

/* ---- many producers, many consumers ----
 *
 * A pool of slots and a queue of slot numbers. A claim takes a slot out of the pool, publish
 * queues its number, take dequeues one, release gives the slot back to the pool: each of them
 * is one complete lock-free operation, and what a stopped thread holds is its slot alone. So
 * ERR_NO_SPACE means: every slot is queued, being written or being read.
 *
 * A cell of the queue is { tag, number }; the tag is the position it was filled for, plus one.
 * There are never more numbers than cells, so a cell is free when its turn comes.
 *
 * Step bound: each repeat means that another thread's call went a step ahead; per attempt 3
 * loads and 2 compare-and-swaps (the pool's come on top).
 *
 * Memory orders: filling a cell releases the item, reading the cell acquires it. head and tail
 * move by acquire-release read-modify-writes, so whoever sees a position passed sees the cell
 * that it passed.
 */
struct wrt_mpmc_ring { /* private */
    struct wrt_object_pool slots;
    uint32_t head WRT_CACHE_ALIGNED; /* next position to take */
    uint32_t tail WRT_CACHE_ALIGNED; /* next position to fill, or behind it by one */
    uint64_t *cells WRT_CACHE_ALIGNED;
    uint32_t capacity;
};

/* Keeps `items` (capacity * item_bytes), `links` and `cells` (capacity each). capacity: a
 * power of two 2 .. 2^30. ERR_ARGUMENT, ERR_OVERFLOW.
 * Cost: O(capacity), never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_mpmc_ring_init(struct wrt_mpmc_ring *ring, void *items, uint32_t *links, uint64_t *cells,
                   uint32_t capacity, uint32_t item_bytes);

/* Private to the calls below.
 * Cost: O(1), never blocks, never faults. */
static inline uint64_t *wrt_mpmc_cell(const struct wrt_mpmc_ring *ring, uint32_t position)
{
    return &ring->cells[position & (ring->capacity - 1)];
}

/* Moves a counter from `from` to the next position, unless it moved already.
 * Cost: O(1), never blocks, never faults. */
static inline bool wrt_mpmc_advance(uint32_t *counter, uint32_t from)
{
    return __atomic_compare_exchange_n(counter, &from, from + 1, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

/* Cost: O(1), repeated only when another thread went a step ahead, never blocks, never faults. */
static inline void wrt_mpmc_enqueue(struct wrt_mpmc_ring *ring, uint32_t number)
{
    for (;;) {
        uint32_t position = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
        uint64_t *cell = wrt_mpmc_cell(ring, position);
        uint64_t seen = __atomic_load_n(cell, __ATOMIC_ACQUIRE);
        uint32_t tag = (uint32_t)(seen >> 32);
        if (tag == position + 1) { /* filled, its thread has not moved tail yet */
            (void)wrt_mpmc_advance(&ring->tail, position);
            continue;
        }
        if (tag != position + 1 - ring->capacity)
            continue; /* tail moved on a whole round since it was read */
        if (__atomic_compare_exchange_n(cell, &seen, (uint64_t)(position + 1) << 32 | number,
                                        false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
            (void)wrt_mpmc_advance(&ring->tail, position);
            return;
        }
    }
}

/* WRT_POOL_NONE when the queue is empty.
 * Cost: O(1), repeated only when another thread went a step ahead, never blocks, never faults. */
static inline uint32_t wrt_mpmc_dequeue(struct wrt_mpmc_ring *ring)
{
    for (;;) {
        uint32_t position = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
        uint64_t seen = __atomic_load_n(wrt_mpmc_cell(ring, position), __ATOMIC_ACQUIRE);
        if ((uint32_t)(seen >> 32) == position + 1) {
            if (wrt_mpmc_advance(&ring->head, position))
                return (uint32_t)seen;
        } else if (__atomic_load_n(&ring->head, __ATOMIC_RELAXED) == position) {
            return WRT_POOL_NONE; /* head stood still, so its cell was empty when read */
        }
    }
}

/* Cost: O(1), never blocks, never faults. */
static inline struct wrt_ring_slot wrt_mpmc_slot(const struct wrt_mpmc_ring *ring, uint32_t number)
{
    struct wrt_ring_slot slot;
    slot.item = ring->slots.objects + (size_t)number * ring->slots.object_bytes;
    slot.position = number;
    return slot;
}

/* Cost: O(1), repeated only when another thread went a step ahead, never blocks, never faults. */
WRT_MUST_CHECK static inline enum wrt_status
wrt_mpmc_claim(struct wrt_mpmc_ring *ring, struct wrt_ring_slot *out)
{
    uint32_t number = wrt_object_pool_take_number(&ring->slots);
    if (number == WRT_POOL_NONE)
        return WRT_ERR_NO_SPACE;
    *out = wrt_mpmc_slot(ring, number);
    return WRT_OK;
}

/* Cost: O(1), repeated only when another thread went a step ahead, never blocks, never faults. */
static inline void wrt_mpmc_publish(struct wrt_mpmc_ring *ring, struct wrt_ring_slot slot)
{
    wrt_mpmc_enqueue(ring, slot.position);
}

/* Gives a claimed slot back unused.
 * Cost: O(1), repeated only when another thread went a step ahead, never blocks, never faults. */
static inline void wrt_mpmc_abandon(struct wrt_mpmc_ring *ring, struct wrt_ring_slot slot)
{
    (void)wrt_object_pool_give_number(&ring->slots, slot.position);
}

/* ERR_NOT_FOUND: empty.
 * Cost: O(1), repeated only when another thread went a step ahead, never blocks, never faults. */
WRT_MUST_CHECK static inline enum wrt_status
wrt_mpmc_take(struct wrt_mpmc_ring *ring, struct wrt_ring_slot *out)
{
    uint32_t number = wrt_mpmc_dequeue(ring);
    if (number == WRT_POOL_NONE)
        return WRT_ERR_NOT_FOUND;
    *out = wrt_mpmc_slot(ring, number);
    return WRT_OK;
}

/* Cost: O(1), repeated only when another thread went a step ahead, never blocks, never faults. */
static inline void wrt_mpmc_release(struct wrt_mpmc_ring *ring, struct wrt_ring_slot slot)
{
    (void)wrt_object_pool_give_number(&ring->slots, slot.position);
}

/* One item by copy; both borrow it.
 * Cost: O(item_bytes), repeated only when another thread went a step ahead, never blocks, never
 * faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_mpmc_push(struct wrt_mpmc_ring *ring, const void *item);
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_mpmc_pop(struct wrt_mpmc_ring *ring, void *out_item);

WRT_END_DECLS
#endif
