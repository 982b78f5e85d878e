/* src/sync/ring_mpsc.c - the ring with many producers and one consumer; see wrt/ring.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Idea: the turn in each cell says whose move it is, so producers share one counter and
 * nothing else.
 * Limit: a producer stopped between claim and publish hides what comes after it. 32-bit
 * turns: a producer that sleeps inside a claim through exactly a multiple of 2^32 items
 * would be fooled.
 */
#include <string.h>

#include "wrt/ring.h"

#define MAX_CAPACITY 0x80000000u

enum wrt_status wrt_mpsc_ring_init(struct wrt_mpsc_ring *ring, void *storage,
                                   uint32_t capacity, uint32_t item_bytes)
{
    if (!ring || !storage || item_bytes == 0)
        return WRT_ERR_ARGUMENT;
    if (capacity < 2 || capacity > MAX_CAPACITY || (capacity & (capacity - 1)) != 0)
        return WRT_ERR_ARGUMENT;
    if ((uintptr_t)storage % 8 != 0)
        return WRT_ERR_ALIGNMENT;
    uint64_t cell_bytes = ((uint64_t)item_bytes + 7) / 8 * 8 + 8;
    if (cell_bytes > UINT32_MAX || capacity * cell_bytes > PTRDIFF_MAX)
        return WRT_ERR_OVERFLOW;
    ring->capacity = capacity;
    ring->cell_bytes = (uint32_t)cell_bytes;
    ring->item_bytes = item_bytes;
    ring->cells = (uint8_t *)storage;
    ring->position = 0;
    for (uint32_t i = 0; i < capacity; i++)
        __atomic_store_n(wrt_mpsc_turn(wrt_mpsc_cell(ring, i)), i, __ATOMIC_RELAXED);
    __atomic_store_n(&ring->claimed, 0, __ATOMIC_RELEASE);
    return WRT_OK;
}

enum wrt_status wrt_mpsc_push(struct wrt_mpsc_ring *ring, const void *item)
{
    struct wrt_ring_slot slot;
    enum wrt_status status = wrt_mpsc_claim(ring, &slot);
    if (status != WRT_OK)
        return status;
    memcpy(slot.item, item, ring->item_bytes);
    wrt_mpsc_publish(ring, slot);
    return WRT_OK;
}

enum wrt_status wrt_mpsc_pop(struct wrt_mpsc_ring *ring, void *out_item)
{
    struct wrt_ring_slot slot;
    enum wrt_status status = wrt_mpsc_take(ring, &slot);
    if (status != WRT_OK)
        return status;
    memcpy(out_item, slot.item, ring->item_bytes);
    wrt_mpsc_release(ring, slot);
    return WRT_OK;
}
