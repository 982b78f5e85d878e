/* src/sync/ring_spsc.c - the ring with one producer and one consumer; see wrt/ring.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Idea: a side looks at the other side's word only when what it last saw does not suffice,
 * so the two cache lines travel once per batch, not once per item.
 * Limit: a handle is one thread's.
 */
#include <string.h>

#include "wrt/ring.h"

#define MAX_CAPACITY 0x80000000u

static enum wrt_status check_geometry(const void *words, const void *items, uint32_t capacity,
                                      uint32_t item_bytes)
{
    if (!words || !items || item_bytes == 0)
        return WRT_ERR_ARGUMENT;
    if (capacity == 0 || capacity > MAX_CAPACITY || (capacity & (capacity - 1)) != 0)
        return WRT_ERR_ARGUMENT;
    if ((uint64_t)capacity * item_bytes > PTRDIFF_MAX)
        return WRT_ERR_OVERFLOW;
    return WRT_OK;
}

enum wrt_status wrt_spsc_producer_init(struct wrt_spsc_producer *producer,
                                       struct wrt_spsc_words *words, void *items,
                                       uint32_t capacity, uint32_t item_bytes)
{
    if (!producer)
        return WRT_ERR_ARGUMENT;
    enum wrt_status status = check_geometry(words, items, capacity, item_bytes);
    if (status != WRT_OK)
        return status;
    uint32_t published = __atomic_load_n(&words->published, __ATOMIC_RELAXED);
    uint32_t consumed = __atomic_load_n(&words->consumed, __ATOMIC_ACQUIRE);
    if (published - consumed > capacity)
        return WRT_ERR_CORRUPT;
    *producer = (struct wrt_spsc_producer){ .words = words, .items = (uint8_t *)items,
                                            .mask = capacity - 1, .item_bytes = item_bytes,
                                            .position = published, .claim_end = published,
                                            .limit = consumed + capacity };
    return WRT_OK;
}

enum wrt_status wrt_spsc_consumer_init(struct wrt_spsc_consumer *consumer,
                                       struct wrt_spsc_words *words, const void *items,
                                       uint32_t capacity, uint32_t item_bytes)
{
    if (!consumer)
        return WRT_ERR_ARGUMENT;
    enum wrt_status status = check_geometry(words, items, capacity, item_bytes);
    if (status != WRT_OK)
        return status;
    uint32_t consumed = __atomic_load_n(&words->consumed, __ATOMIC_RELAXED);
    uint32_t published = __atomic_load_n(&words->published, __ATOMIC_ACQUIRE);
    if (published - consumed > capacity)
        return WRT_ERR_CORRUPT;
    *consumer = (struct wrt_spsc_consumer){ .words = words, .items = (const uint8_t *)items,
                                            .mask = capacity - 1, .item_bytes = item_bytes,
                                            .position = consumed, .claim_end = consumed,
                                            .limit = published };
    return WRT_OK;
}

enum wrt_status wrt_spsc_push(struct wrt_spsc_producer *producer, const void *item)
{
    void *room;
    uint32_t count;
    enum wrt_status status = wrt_spsc_claim(producer, 1, &room, &count);
    if (status != WRT_OK)
        return status;
    memcpy(room, item, producer->item_bytes);
    return wrt_spsc_publish(producer, 1);
}

enum wrt_status wrt_spsc_pop(struct wrt_spsc_consumer *consumer, void *out_item)
{
    const void *item;
    uint32_t count;
    enum wrt_status status = wrt_spsc_take(consumer, 1, &item, &count);
    if (status != WRT_OK)
        return status;
    memcpy(out_item, item, consumer->item_bytes);
    return wrt_spsc_release(consumer, 1);
}
