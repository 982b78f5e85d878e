/* src/sync/counters.c - the snapshot counter set; see wrt/counters.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Idea: the single-writer register with one buffer per reader of Chen and Burns, so that
 * buffers are never shared while they change and need no atomic access themselves.
 * Limit: one writer, 14 readers.
 */
#include <string.h>

#include "wrt/counters.h"

#define NOT_READING 0xFFFFFFFFu
#define PENDING 0xFFFFFFFEu

enum wrt_status wrt_counters_init(struct wrt_counters *set, uint64_t *storage,
                                  uint32_t counter_count, uint32_t reader_count)
{
    if (!set || !storage || counter_count == 0 || counter_count > WRT_COUNTERS_MAX)
        return WRT_ERR_ARGUMENT;
    if (reader_count == 0 || reader_count > WRT_COUNTERS_MAX_READERS)
        return WRT_ERR_ARGUMENT;
    memset(storage, 0, WRT_COUNTERS_WORDS(counter_count, reader_count) * sizeof *storage);
    set->working = storage;
    set->buffers = storage + counter_count;
    set->counter_count = counter_count;
    set->reader_count = reader_count;
    for (uint32_t i = 0; i < WRT_COUNTERS_MAX_READERS; i++)
        __atomic_store_n(&set->reading[i], NOT_READING, __ATOMIC_RELAXED);
    __atomic_store_n(&set->latest, 0, __ATOMIC_RELEASE);
    return WRT_OK;
}

static uint64_t *buffer_at(const struct wrt_counters *set, uint32_t number)
{
    return set->buffers + (size_t)number * set->counter_count;
}

enum wrt_status wrt_counters_add(struct wrt_counters *set, uint32_t index, uint64_t amount)
{
    if (index >= set->counter_count)
        return WRT_ERR_BOUNDS;
    set->working[index] += amount;
    return WRT_OK;
}

/* A buffer that is neither the latest nor announced; by counting there is one. */
static uint32_t find_free_buffer(const struct wrt_counters *set, uint32_t latest)
{
    uint32_t in_use = 1u << latest;
    for (uint32_t r = 0; r < set->reader_count; r++) {
        uint32_t number = __atomic_load_n(&set->reading[r], __ATOMIC_ACQUIRE);
        if (number < set->reader_count + 2)
            in_use |= 1u << number;
    }
    return (uint32_t)__builtin_ctz(~in_use);
}

void wrt_counters_publish(struct wrt_counters *set)
{
    uint32_t number = find_free_buffer(set, __atomic_load_n(&set->latest, __ATOMIC_RELAXED));
    memcpy(buffer_at(set, number), set->working, set->counter_count * sizeof *set->working);
    __atomic_store_n(&set->latest, number, __ATOMIC_SEQ_CST);
    for (uint32_t r = 0; r < set->reader_count; r++) {
        uint32_t expected = PENDING;
        (void)__atomic_compare_exchange_n(&set->reading[r], &expected, number, false,
                                          __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
}

/* Announces a buffer and returns its number. */
static uint32_t announce(struct wrt_counters *set, uint32_t reader)
{
    (void)__atomic_exchange_n(&set->reading[reader], PENDING, __ATOMIC_SEQ_CST);
    uint32_t latest = __atomic_load_n(&set->latest, __ATOMIC_SEQ_CST);
    uint32_t announced = PENDING;
    if (__atomic_compare_exchange_n(&set->reading[reader], &announced, latest, false,
                                    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        return latest;
    return announced; /* the writer was first and chose a later one */
}

enum wrt_status wrt_counters_snapshot(struct wrt_counters *set, uint32_t reader, uint64_t *out)
{
    if (reader >= set->reader_count)
        return WRT_ERR_BOUNDS;
    uint32_t number = announce(set, reader);
    memcpy(out, buffer_at(set, number), set->counter_count * sizeof *out);
    __atomic_store_n(&set->reading[reader], NOT_READING, __ATOMIC_RELEASE);
    return WRT_OK;
}
