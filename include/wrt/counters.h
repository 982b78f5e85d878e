/* wrt/counters.h - a set of counters whose snapshots are consistent, without a lock.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One writer counts in a private copy and publishes it as a whole; up to 14 readers take
 * snapshots: all values of one snapshot come from one publish, and a later snapshot never
 * comes from an earlier publish. (Several writers: a set each, summed by the reader; then each
 * set is consistent in itself, and the sum is not one instant.)
 *
 * There are reader_count + 2 buffers: the latest, one per reader, and one left to write. A
 * reader first announces PENDING, then tries to replace that by the latest number; the
 * writer, after making a buffer the latest, replaces every PENDING by it. Whoever comes
 * first, the reader ends up with a buffer that the writer knows to leave alone.
 *
 *   C1  the writer writes in no buffer that is the latest or announced
 *
 * Progress: wait-free on both sides. A snapshot is one exchange, one load, one
 * compare-and-swap and counter_count copies; a publish is reader_count loads, as many
 * compare-and-swaps and counter_count copies. An add is one addition.
 *
 * Memory orders: announcing and then loading `latest`, against storing `latest` and then
 * looking for announcements, is the store-then-load pattern on both sides, so all four are
 * sequentially consistent: at least one side sees the other. Leaving a buffer is a release,
 * the writer's look at it an acquire.
 *
 * Threads: one writer; each reader number is one thread's at a time. Nothing blocks.
 */
#ifndef WRT_COUNTERS_H
#define WRT_COUNTERS_H

#include "wrt/base.h"
#include "wrt/cacheline.h"

WRT_BEGIN_DECLS

#define WRT_COUNTERS_MAX_READERS 14u
#define WRT_COUNTERS_MAX 4096u

struct wrt_counters { /* private */
    uint32_t latest WRT_CACHE_ALIGNED; /* number of the buffer published last */
    uint32_t reading[WRT_COUNTERS_MAX_READERS]; /* announced by each reader */
    uint64_t *working WRT_CACHE_ALIGNED;        /* the writer's own */
    uint64_t *buffers;
    uint32_t counter_count;
    uint32_t reader_count;
};

/* Words of storage. For static arrays. */
#define WRT_COUNTERS_WORDS(counter_count, reader_count) \
    ((size_t)(counter_count) * ((size_t)(reader_count) + 3u))

/* Keeps storage of WRT_COUNTERS_WORDS and zeroes it. counter_count 1 .. WRT_COUNTERS_MAX,
 * reader_count 1 .. WRT_COUNTERS_MAX_READERS. ERR_ARGUMENT.
 * Cost: O(counter_count * reader_count), never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_counters_init(struct wrt_counters *set, uint64_t *storage, uint32_t counter_count,
                  uint32_t reader_count);

/* The writer. add: index < counter_count (else ERR_BOUNDS);
 * wraps modulo 2^64; not seen by readers before publish.
 * Cost: O(1), never blocks, never faults; 20 steps. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_counters_add(struct wrt_counters *set, uint32_t index, uint64_t amount);
/* Cost: O(counter_count + reader_count), never blocks, never faults. */
WRT_API void wrt_counters_publish(struct wrt_counters *set);

/* Reader number `reader` copies the latest set to out[counter_count]. ERR_BOUNDS.
 * Cost: O(counter_count), never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_counters_snapshot(struct wrt_counters *set, uint32_t reader, uint64_t *out);

WRT_END_DECLS
#endif
