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
 * of mpsc; everything else may run together. Nothing blocks. Claim, publish, take and release of
 * spsc and mpsc are inline, because a call would cost as much as they do.
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
    uint32_t capacity;
    uint32_t item_bytes;
    uint32_t position;  /* of the next item to publish */
    uint32_t consumed;  /* as last seen */
    uint32_t claimed;   /* items the caller may write now */
} WRT_CACHE_ALIGNED;

struct wrt_spsc_consumer { /* private */
    struct wrt_spsc_words *words;
    const uint8_t *items;
    uint32_t capacity;
    uint32_t item_bytes;
    uint32_t position;  /* of the next item to consume */
    uint32_t published; /* as last seen */
    uint32_t claimed;   /* items the caller may read now */
} WRT_CACHE_ALIGNED;

/* Joins a side to the ring where the words stand, so a side may be joined anew after its last
 * user is gone. Keeps words and items (capacity * item_bytes, aligned as the items need).
 * ERR_ARGUMENT, ERR_OVERFLOW; ERR_CORRUPT: the words do not fit the capacity. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_spsc_producer_init(struct wrt_spsc_producer *producer, struct wrt_spsc_words *words,
                       void *items, uint32_t capacity, uint32_t item_bytes);
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_spsc_consumer_init(struct wrt_spsc_consumer *consumer, struct wrt_spsc_words *words,
                       const void *items, uint32_t capacity, uint32_t item_bytes);

/* Private to the calls below: looks at the other side's word. */
WRT_MUST_CHECK static inline enum wrt_status
wrt_spsc_refresh_room(struct wrt_spsc_producer *producer)
{
    uint32_t consumed = __atomic_load_n(&producer->words->consumed, __ATOMIC_ACQUIRE);
    uint32_t used = producer->position - consumed;
    if (used > producer->capacity)
        return WRT_ERR_CORRUPT;
    producer->consumed = consumed;
    return used == producer->capacity ? WRT_ERR_NO_SPACE : WRT_OK;
}

WRT_MUST_CHECK static inline enum wrt_status
wrt_spsc_refresh_items(struct wrt_spsc_consumer *consumer)
{
    uint32_t published = __atomic_load_n(&consumer->words->published, __ATOMIC_ACQUIRE);
    uint32_t items = published - consumer->position;
    if (items > consumer->capacity)
        return WRT_ERR_CORRUPT;
    consumer->published = published;
    return items == 0 ? WRT_ERR_NOT_FOUND : WRT_OK;
}

/* Items that lie side by side from `position` on: at most until the storage's end. */
static inline uint32_t wrt_spsc_run(uint32_t capacity, uint32_t position, uint32_t available,
                                    uint32_t wanted)
{
    if (wanted == 1)
        return 1; /* often a constant: the rest is not compiled then */
    uint32_t until_end = capacity - (position & (capacity - 1));
    uint32_t run = available < until_end ? available : until_end;
    return run < wanted ? run : wanted;
}

/* Claims up to `wanted` (>= 1) items that lie side by side: *out_items is the first,
 * 1 <= *out_count <= wanted. Claiming again without publishing claims anew. */
WRT_MUST_CHECK static inline enum wrt_status
wrt_spsc_claim(struct wrt_spsc_producer *producer, uint32_t wanted, void **out_items,
               uint32_t *out_count)
{
    uint32_t position = producer->position;
    if (position - producer->consumed == producer->capacity) {
        enum wrt_status status = wrt_spsc_refresh_room(producer);
        if (status != WRT_OK)
            return status;
    }
    uint32_t room = producer->capacity - (position - producer->consumed);
    producer->claimed = wrt_spsc_run(producer->capacity, position, room, wanted);
    size_t slot = position & (producer->capacity - 1);
    *out_items = producer->items + slot * producer->item_bytes;
    *out_count = producer->claimed;
    return WRT_OK;
}

/* Shows the first `count` claimed items to the consumer. ERR_ARGUMENT: more than claimed. */
WRT_MUST_CHECK static inline enum wrt_status
wrt_spsc_publish(struct wrt_spsc_producer *producer, uint32_t count)
{
    if (count > producer->claimed)
        return WRT_ERR_ARGUMENT;
    producer->claimed = 0;
    producer->position += count;
    __atomic_store_n(&producer->words->published, producer->position, __ATOMIC_RELEASE);
    return WRT_OK;
}

/* The consumer's claim: items to be read, until released. */
WRT_MUST_CHECK static inline enum wrt_status
wrt_spsc_take(struct wrt_spsc_consumer *consumer, uint32_t wanted, const void **out_items,
              uint32_t *out_count)
{
    uint32_t position = consumer->position;
    if (position == consumer->published) {
        enum wrt_status status = wrt_spsc_refresh_items(consumer);
        if (status != WRT_OK)
            return status;
    }
    uint32_t items = consumer->published - position;
    consumer->claimed = wrt_spsc_run(consumer->capacity, position, items, wanted);
    size_t slot = position & (consumer->capacity - 1);
    *out_items = consumer->items + slot * consumer->item_bytes;
    *out_count = consumer->claimed;
    return WRT_OK;
}

/* Gives the room of the first `count` taken items back. ERR_ARGUMENT: more than taken. */
WRT_MUST_CHECK static inline enum wrt_status
wrt_spsc_release(struct wrt_spsc_consumer *consumer, uint32_t count)
{
    if (count > consumer->claimed)
        return WRT_ERR_ARGUMENT;
    consumer->claimed = 0;
    consumer->position += count;
    __atomic_store_n(&consumer->words->consumed, consumer->position, __ATOMIC_RELEASE);
    return WRT_OK;
}

/* One item by copy, of a size that is known when this is compiled; both borrow it. ERR_ARGUMENT:
 * it is not the ring's item_bytes. */
WRT_MUST_CHECK static inline enum wrt_status
wrt_spsc_push_sized(struct wrt_spsc_producer *producer, const void *item, size_t item_bytes)
{
    const uint32_t position = producer->position;
    if (item_bytes != producer->item_bytes)
        return WRT_ERR_ARGUMENT;
    if (position - producer->consumed == producer->capacity) {
        enum wrt_status status = wrt_spsc_refresh_room(producer);
        if (status != WRT_OK)
            return status;
    }
    size_t slot = position & (producer->capacity - 1);
    __builtin_memcpy(producer->items + slot * item_bytes, item, item_bytes);
    producer->claimed = 0;
    producer->position = position + 1;
    __atomic_store_n(&producer->words->published, position + 1, __ATOMIC_RELEASE);
    return WRT_OK;
}

WRT_MUST_CHECK static inline enum wrt_status
wrt_spsc_pop_sized(struct wrt_spsc_consumer *consumer, void *out_item, size_t item_bytes)
{
    const uint32_t position = consumer->position;
    if (item_bytes != consumer->item_bytes)
        return WRT_ERR_ARGUMENT;
    if (position == consumer->published) {
        enum wrt_status status = wrt_spsc_refresh_items(consumer);
        if (status != WRT_OK)
            return status;
    }
    size_t slot = position & (consumer->capacity - 1);
    __builtin_memcpy(out_item, consumer->items + slot * item_bytes, item_bytes);
    consumer->claimed = 0;
    consumer->position = position + 1;
    __atomic_store_n(&consumer->words->consumed, position + 1, __ATOMIC_RELEASE);
    return WRT_OK;
}

/* One item by copy; both borrow it. */
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

/* Keeps storage of WRT_MPSC_BYTES, 8-aligned. O(capacity). ERR_ARGUMENT, ERR_ALIGNMENT,
 * ERR_OVERFLOW. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_mpsc_ring_init(struct wrt_mpsc_ring *ring, void *storage, uint32_t capacity,
                   uint32_t item_bytes);

/* Private to the calls below: a cell is its turn, 4 unused bytes, and the item. */
static inline uint8_t *wrt_mpsc_cell(const struct wrt_mpsc_ring *ring, uint32_t position)
{
    return ring->cells + (size_t)(position & (ring->capacity - 1)) * ring->cell_bytes;
}

static inline uint32_t *wrt_mpsc_turn(uint8_t *cell)
{
    return (uint32_t *)(void *)cell;
}

/* Producers. Every claimed slot must be published, by the thread that claimed it. */
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

static inline void wrt_mpsc_publish(struct wrt_mpsc_ring *ring, struct wrt_ring_slot slot)
{
    uint8_t *cell = wrt_mpsc_cell(ring, slot.position);
    __atomic_store_n(wrt_mpsc_turn(cell), slot.position + 1, __ATOMIC_RELEASE);
}

/* The consumer. Taking twice without a release gives the same slot. ERR_NOT_FOUND: empty;
 * ERR_BUSY: the next item is claimed and not published yet. */
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

static inline void wrt_mpsc_release(struct wrt_mpsc_ring *ring, struct wrt_ring_slot slot)
{
    uint8_t *cell = wrt_mpsc_cell(ring, slot.position);
    ring->position = slot.position + 1;
    __atomic_store_n(wrt_mpsc_turn(cell), slot.position + ring->capacity, __ATOMIC_RELEASE);
}

/* One item by copy; both borrow it. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_mpsc_push(struct wrt_mpsc_ring *ring, const void *item);
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
 * power of two 2 .. 2^30. O(capacity). ERR_ARGUMENT, ERR_OVERFLOW. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_mpmc_ring_init(struct wrt_mpmc_ring *ring, void *items, uint32_t *links, uint64_t *cells,
                   uint32_t capacity, uint32_t item_bytes);

WRT_MUST_CHECK WRT_API enum wrt_status
wrt_mpmc_claim(struct wrt_mpmc_ring *ring, struct wrt_ring_slot *out);
WRT_API void wrt_mpmc_publish(struct wrt_mpmc_ring *ring, struct wrt_ring_slot slot);
/* Gives a claimed slot back unused. */
WRT_API void wrt_mpmc_abandon(struct wrt_mpmc_ring *ring, struct wrt_ring_slot slot);
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_mpmc_push(struct wrt_mpmc_ring *ring, const void *item);

/* ERR_NOT_FOUND: empty. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_mpmc_take(struct wrt_mpmc_ring *ring, struct wrt_ring_slot *out);
WRT_API void wrt_mpmc_release(struct wrt_mpmc_ring *ring, struct wrt_ring_slot slot);
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_mpmc_pop(struct wrt_mpmc_ring *ring, void *out_item);

WRT_END_DECLS
#endif
