/* wrt/latest.h - the latest value of something, handed from one writer to readers.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   triple buffer   1 writer, 1 reader     wait-free both      no copy, any size
 *   seqlock         1 writer, any readers  writer wait-free    copies, readers may repeat
 *
 * Older values are overwritten, not queued: what a control loop wants of a sensor. For every
 * value see wrt/ring.h and wrt/broadcast.h.
 *
 * Threads: as in the table; two writers need a lock around them. Nothing blocks; the writers
 * and the triple buffer's reader are safe in signal handlers.
 */
#ifndef WRT_LATEST_H
#define WRT_LATEST_H

#include "wrt/base.h"
#include "wrt/cacheline.h"

WRT_BEGIN_DECLS

/* ---- triple buffer ----
 *
 * Three buffers: the writer's, the reader's and the middle one. To publish, the writer
 * exchanges its own with the middle one and marks it fresh; to read, the reader exchanges
 * its own with the middle one if that is fresh.
 *
 *   T1  writer's, middle's and reader's numbers are always a permutation of 0, 1, 2
 *
 * Step bound: one exchange. Memory orders: the exchange is acquire-release on both sides:
 * release, so that what was written (read) in the buffer given away comes before; acquire,
 * so that what happens in the buffer received comes after the other side left it.
 */
struct wrt_triple_buffer { /* private */
    uint32_t middle WRT_CACHE_ALIGNED; /* number, plus 4 when fresh */
    uint32_t back WRT_CACHE_ALIGNED;   /* the writer's */
    uint32_t front WRT_CACHE_ALIGNED;  /* the reader's */
    uint32_t stride_bytes WRT_CACHE_ALIGNED;
    uint8_t *buffers;
};

/* Bytes of storage, to be aligned to a cache line. For static arrays. */
#define WRT_TRIPLE_STRIDE(item_bytes) \
    (((size_t)(item_bytes) + WRT_CACHE_LINE_BYTES - 1) / WRT_CACHE_LINE_BYTES * \
     WRT_CACHE_LINE_BYTES)
#define WRT_TRIPLE_BYTES(item_bytes) (3 * WRT_TRIPLE_STRIDE(item_bytes))

/* Keeps storage of WRT_TRIPLE_BYTES. The first value read is what lies in its first
 * stride, so fill that before, or zero it. item_bytes 1 .. 2^30. ERR_ARGUMENT,
 * ERR_ALIGNMENT.
 * Cost: O(1), never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_triple_buffer_init(struct wrt_triple_buffer *triple, void *storage, uint32_t item_bytes);

/* Where the writer writes the next value; holds some older value. The same until publish.
 * Cost: O(1), never blocks, never faults. */
WRT_API void *wrt_triple_buffer_write(struct wrt_triple_buffer *triple);
/* Makes it the latest value. The pointer from wrt_triple_buffer_write is void after this.
 * Cost: O(1), never blocks, never faults; 10 steps. */
WRT_API void wrt_triple_buffer_publish(struct wrt_triple_buffer *triple);

/* The latest value, unchanging until the reader's next call. *out_is_new: not returned
 * before (may be NULL).
 * Cost: O(1), never blocks, never faults; 40 steps. */
WRT_API const void *wrt_triple_buffer_read(struct wrt_triple_buffer *triple, bool *out_is_new);

/* ---- seqlock ----
 *
 * sequence is odd while the writer writes. A reader copies and accepts the copy if the
 * sequence was even before and is the same after.
 *
 * Step bound: the writer stores the words and two sequences; a reader tries at most as often
 * as it says. Memory orders: each word is stored with release and loaded with acquire, so a
 * reader that sees a word of a write also sees the odd sequence that came before it, and the
 * second look at the sequence notices. (Stand-alone fences would do the same; the thread
 * sanitizer does not understand them.)
 */
struct wrt_seqlock { /* zero-fill */
    uint32_t sequence;
};

/* Copies word_count words from value (borrows) to shared. The shared words are touched by these two
 * calls only. A writer that ended in the middle leaves readers ERR_BUSY until the next
 * write.
 * Cost: O(word_count), never blocks, never faults. */
WRT_API void wrt_seqlock_write(struct wrt_seqlock *lock, uint64_t *shared,
                               const uint64_t *value, uint32_t word_count);

/* Copies the latest value to *out, which is unspecified unless OK. ERR_BUSY: a write was
 * under way at each of max_tries (>= 1) looks.
 * Cost: O(max_tries * word_count), never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_seqlock_read(const struct wrt_seqlock *lock, const uint64_t *shared, uint64_t *out,
                 uint32_t word_count, uint32_t max_tries);

WRT_END_DECLS
#endif
