/* src/sync/ring_mpmc.c - the ring with many producers and consumers; see wrt/ring.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Idea: what travels is a slot's number, small enough to be written together with its
 * position in one exchange, so no thread ever waits for another one's second step.
 *
 *   M1  cell (p mod capacity) has tag p + 1 from when position p is filled until
 *       position p + capacity is
 *   M2  head <= the first position not filled, tail is that position or one behind it
 *   M3  fills - takes < numbers in circulation = capacity, so position p + capacity is
 *       filled after position p was taken
 *
 * Limit: 32-bit positions, as in wrt/pool.h for the tag.
 */
#include <string.h>

#include "wrt/ring.h"

#define MAX_CAPACITY 0x40000000u

static uint64_t make_cell(uint32_t tag, uint32_t number)
{
    return (uint64_t)tag << 32 | number;
}

static uint32_t tag_of(uint64_t cell) { return (uint32_t)(cell >> 32); }

static uint64_t *cell_at(const struct wrt_mpmc_ring *ring, uint32_t position)
{
    return &ring->cells[position & (ring->capacity - 1)];
}

enum wrt_status wrt_mpmc_ring_init(struct wrt_mpmc_ring *ring, void *items, uint32_t *links,
                                   uint64_t *cells, uint32_t capacity, uint32_t item_bytes)
{
    if (!ring || !cells)
        return WRT_ERR_ARGUMENT;
    if (capacity < 2 || capacity > MAX_CAPACITY || (capacity & (capacity - 1)) != 0)
        return WRT_ERR_ARGUMENT;
    enum wrt_status status =
        wrt_object_pool_init(&ring->slots, items, links, capacity, item_bytes);
    if (status != WRT_OK)
        return status;
    ring->cells = cells;
    ring->capacity = capacity;
    for (uint32_t i = 0; i < capacity; i++)
        __atomic_store_n(&cells[i], make_cell(i + 1 - capacity, 0), __ATOMIC_RELAXED);
    __atomic_store_n(&ring->head, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&ring->tail, 0, __ATOMIC_RELEASE);
    return WRT_OK;
}

/* Moves a counter from `from` to the next position, unless it moved already. */
static bool advance(uint32_t *counter, uint32_t from)
{
    return __atomic_compare_exchange_n(counter, &from, from + 1, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

static void enqueue_number(struct wrt_mpmc_ring *ring, uint32_t number)
{
    for (;;) {
        uint32_t position = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
        uint64_t *cell = cell_at(ring, position);
        uint64_t seen = __atomic_load_n(cell, __ATOMIC_ACQUIRE);
        if (tag_of(seen) == position + 1) { /* filled, its thread has not moved tail yet */
            (void)advance(&ring->tail, position);
            continue;
        }
        if (tag_of(seen) != position + 1 - ring->capacity)
            continue; /* tail moved on a whole round since it was read */
        if (__atomic_compare_exchange_n(cell, &seen, make_cell(position + 1, number), false,
                                        __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
            (void)advance(&ring->tail, position);
            return;
        }
    }
}

/* WRT_POOL_NONE when the queue is empty. */
static uint32_t dequeue_number(struct wrt_mpmc_ring *ring)
{
    for (;;) {
        uint32_t position = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
        uint64_t seen = __atomic_load_n(cell_at(ring, position), __ATOMIC_ACQUIRE);
        if (tag_of(seen) == position + 1) {
            if (advance(&ring->head, position))
                return (uint32_t)seen;
        } else if (__atomic_load_n(&ring->head, __ATOMIC_RELAXED) == position) {
            return WRT_POOL_NONE; /* head stood still, so its cell was empty when read */
        }
    }
}

static void *item_at(const struct wrt_mpmc_ring *ring, uint32_t number)
{
    return ring->slots.objects + (size_t)number * ring->slots.object_bytes;
}

enum wrt_status wrt_mpmc_claim(struct wrt_mpmc_ring *ring, struct wrt_ring_slot *out)
{
    uint32_t number = wrt_object_pool_take_number(&ring->slots);
    if (number == WRT_POOL_NONE)
        return WRT_ERR_NO_SPACE;
    *out = (struct wrt_ring_slot){ .item = item_at(ring, number), .position = number };
    return WRT_OK;
}

void wrt_mpmc_publish(struct wrt_mpmc_ring *ring, struct wrt_ring_slot slot)
{
    enqueue_number(ring, slot.position);
}

void wrt_mpmc_abandon(struct wrt_mpmc_ring *ring, struct wrt_ring_slot slot)
{
    (void)wrt_object_pool_give_number(&ring->slots, slot.position);
}

enum wrt_status wrt_mpmc_take(struct wrt_mpmc_ring *ring, struct wrt_ring_slot *out)
{
    uint32_t number = dequeue_number(ring);
    if (number == WRT_POOL_NONE)
        return WRT_ERR_NOT_FOUND;
    *out = (struct wrt_ring_slot){ .item = item_at(ring, number), .position = number };
    return WRT_OK;
}

void wrt_mpmc_release(struct wrt_mpmc_ring *ring, struct wrt_ring_slot slot)
{
    (void)wrt_object_pool_give_number(&ring->slots, slot.position);
}

enum wrt_status wrt_mpmc_push(struct wrt_mpmc_ring *ring, const void *item)
{
    struct wrt_ring_slot slot;
    enum wrt_status status = wrt_mpmc_claim(ring, &slot);
    if (status != WRT_OK)
        return status;
    memcpy(slot.item, item, ring->slots.object_bytes);
    wrt_mpmc_publish(ring, slot);
    return WRT_OK;
}

enum wrt_status wrt_mpmc_pop(struct wrt_mpmc_ring *ring, void *out_item)
{
    struct wrt_ring_slot slot;
    enum wrt_status status = wrt_mpmc_take(ring, &slot);
    if (status != WRT_OK)
        return status;
    memcpy(out_item, slot.item, ring->slots.object_bytes);
    wrt_mpmc_release(ring, slot);
    return WRT_OK;
}
