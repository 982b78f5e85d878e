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
