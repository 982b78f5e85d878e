/* src/sync/broadcast.c - the broadcast ring; see wrt/broadcast.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Idea: a ring of seqlocks, and readers that know how far behind they are.
 * Limit: one writer; items are copied, since the writer may overwrite at any time.
 */
#include "wrt/broadcast.h"

enum { ATTEMPTS = 4 };

enum wrt_status wrt_broadcast_ring_init(struct wrt_broadcast_ring *ring, uint64_t *storage,
                                        uint32_t capacity, uint32_t item_words)
{
    if (!ring || !storage || item_words == 0 || item_words > 1u << 16)
        return WRT_ERR_ARGUMENT;
    if (capacity < 2 || capacity > 1u << 30 || (capacity & (capacity - 1)) != 0)
        return WRT_ERR_ARGUMENT;
    ring->cells = storage;
    ring->capacity = capacity;
    ring->item_words = item_words;
    for (size_t i = 0; i < capacity; i++)
        __atomic_store_n(&storage[i * (item_words + 1u)], 0, __ATOMIC_RELAXED);
    __atomic_store_n(&ring->published, 0, __ATOMIC_RELEASE);
    return WRT_OK;
}

static uint64_t *cell_at(const struct wrt_broadcast_ring *ring, uint64_t position)
{
    size_t number = (size_t)(position & (ring->capacity - 1));
    return ring->cells + number * (ring->item_words + 1u);
}

void wrt_broadcast_publish(struct wrt_broadcast_ring *ring, const uint64_t *item)
{
    uint64_t position = __atomic_load_n(&ring->published, __ATOMIC_RELAXED);
    uint64_t *cell = cell_at(ring, position);
    __atomic_store_n(&cell[0], 2 * position + 1, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < ring->item_words; i++)
        __atomic_store_n(&cell[1 + i], item[i], __ATOMIC_RELEASE);
    __atomic_store_n(&cell[0], 2 * position + 2, __ATOMIC_RELEASE);
    __atomic_store_n(&ring->published, position + 1, __ATOMIC_RELEASE);
}

void wrt_broadcast_reader_init(struct wrt_broadcast_reader *reader,
                               const struct wrt_broadcast_ring *ring, bool from_oldest)
{
    uint64_t published = __atomic_load_n(&ring->published, __ATOMIC_ACQUIRE);
    uint64_t kept = published < ring->capacity ? published : ring->capacity;
    reader->ring = ring;
    reader->position = from_oldest ? published - kept : published;
    reader->lost = 0;
}

static bool copy_item(const struct wrt_broadcast_ring *ring, uint64_t position, uint64_t *out)
{
    const uint64_t *cell = cell_at(ring, position);
    uint64_t whole = 2 * position + 2;
    if (__atomic_load_n(&cell[0], __ATOMIC_ACQUIRE) != whole)
        return false;
    for (uint32_t i = 0; i < ring->item_words; i++)
        out[i] = __atomic_load_n(&cell[1 + i], __ATOMIC_ACQUIRE);
    return __atomic_load_n(&cell[0], __ATOMIC_RELAXED) == whole;
}

static void skip_lost(struct wrt_broadcast_reader *reader, uint64_t published)
{
    uint64_t behind = published - reader->position;
    if (behind > reader->ring->capacity) {
        reader->lost += behind - reader->ring->capacity;
        reader->position = published - reader->ring->capacity;
    }
}

enum wrt_status wrt_broadcast_receive(struct wrt_broadcast_reader *reader, uint64_t *out)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        uint64_t published = __atomic_load_n(&reader->ring->published, __ATOMIC_ACQUIRE);
        if (published == reader->position)
            return WRT_ERR_NOT_FOUND;
        skip_lost(reader, published);
        if (copy_item(reader->ring, reader->position, out)) {
            reader->position++;
            return WRT_OK;
        }
        /* Overwritten, or being so: this item is gone for good. */
        reader->lost++;
        reader->position++;
    }
    return WRT_ERR_BUSY;
}
