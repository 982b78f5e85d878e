/* src/sync/latest.c - triple buffer and seqlock; see wrt/latest.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Idea: ownership of whole buffers changes in one exchange; or, where the value is small,
 * readers copy and check.
 * Limit: one writer.
 */
#include "wrt/latest.h"

enum { FRESH = 4, NUMBER_MASK = 3 };

enum wrt_status wrt_triple_buffer_init(struct wrt_triple_buffer *triple, void *storage,
                                       uint32_t item_bytes)
{
    if (!triple || !storage || item_bytes == 0 || item_bytes > 1u << 30)
        return WRT_ERR_ARGUMENT;
    if ((uintptr_t)storage % WRT_CACHE_LINE_BYTES != 0)
        return WRT_ERR_ALIGNMENT;
    triple->buffers = (uint8_t *)storage;
    triple->stride_bytes = (uint32_t)WRT_TRIPLE_STRIDE(item_bytes);
    triple->front = 0;
    triple->back = 1;
    __atomic_store_n(&triple->middle, 2, __ATOMIC_RELEASE);
    return WRT_OK;
}

static void *buffer_at(const struct wrt_triple_buffer *triple, uint32_t number)
{
    return triple->buffers + (size_t)number * triple->stride_bytes;
}

void *wrt_triple_buffer_write(struct wrt_triple_buffer *triple)
{
    return buffer_at(triple, triple->back);
}

void wrt_triple_buffer_publish(struct wrt_triple_buffer *triple)
{
    uint32_t old =
        __atomic_exchange_n(&triple->middle, triple->back | FRESH, __ATOMIC_ACQ_REL);
    triple->back = old & NUMBER_MASK;
}

const void *wrt_triple_buffer_read(struct wrt_triple_buffer *triple, bool *out_is_new)
{
    /* Relaxed: it only decides whether to exchange. */
    bool is_new = (__atomic_load_n(&triple->middle, __ATOMIC_RELAXED) & FRESH) != 0;
    if (is_new) {
        uint32_t old = __atomic_exchange_n(&triple->middle, triple->front, __ATOMIC_ACQ_REL);
        triple->front = old & NUMBER_MASK;
    }
    if (out_is_new)
        *out_is_new = is_new;
    return buffer_at(triple, triple->front);
}

void wrt_seqlock_write(struct wrt_seqlock *lock, uint64_t *shared, const uint64_t *value,
                       uint32_t word_count)
{
    uint32_t odd = __atomic_load_n(&lock->sequence, __ATOMIC_RELAXED) | 1;
    __atomic_store_n(&lock->sequence, odd, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < word_count; i++)
        __atomic_store_n(&shared[i], value[i], __ATOMIC_RELEASE);
    __atomic_store_n(&lock->sequence, odd + 1, __ATOMIC_RELEASE);
}

enum wrt_status wrt_seqlock_read(const struct wrt_seqlock *lock, const uint64_t *shared,
                                 uint64_t *out, uint32_t word_count, uint32_t max_tries)
{
    for (uint32_t try = 0; try < max_tries; try++) {
        uint32_t before = __atomic_load_n(&lock->sequence, __ATOMIC_ACQUIRE);
        if (before & 1)
            continue;
        for (uint32_t i = 0; i < word_count; i++)
            out[i] = __atomic_load_n(&shared[i], __ATOMIC_ACQUIRE);
        if (__atomic_load_n(&lock->sequence, __ATOMIC_RELAXED) == before)
            return WRT_OK;
    }
    return WRT_ERR_BUSY;
}
