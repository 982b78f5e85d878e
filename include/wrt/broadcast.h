/* wrt/broadcast.h - every reader gets every item, or the exact number it missed.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The writer never waits: it overwrites the oldest item. Each reader has a position of its
 * own, so readers neither slow the writer nor each other.
 *
 *   B1  received + lost + (published - position) is constant for a reader: nothing is lost
 *       without being counted
 *
 * Each cell is a seqlock: sequence 2p+1 while item p is written, 2p+2 when it is whole.
 *
 * Progress: wait-free on both sides. publish stores item_words + 3 words. receive makes at
 * most 4 attempts of item_words + 4 loads, each failed one because the writer overtook it.
 *
 * Memory orders: as in the seqlock of wrt/latest.h: words released and acquired one by one, so
 * a torn copy is noticed; `published` is released after its item and acquired before.
 *
 * Threads: one writer; each reader struct is one thread's. Nothing blocks.
 */
#ifndef WRT_BROADCAST_H
#define WRT_BROADCAST_H

#include "wrt/base.h"
#include "wrt/cacheline.h"

WRT_BEGIN_DECLS

struct wrt_broadcast_ring { /* private */
    uint64_t published WRT_CACHE_ALIGNED; /* items ever published */
    uint64_t *cells WRT_CACHE_ALIGNED;
    uint32_t capacity;
    uint32_t item_words;
};

struct wrt_broadcast_reader {
    const struct wrt_broadcast_ring *ring; /* keeps */
    uint64_t position;                     /* of the next item to receive */
    uint64_t lost;                         /* items overwritten before they were received */
};

/* Words of storage. For static arrays. */
#define WRT_BROADCAST_WORDS(capacity, item_words) \
    ((size_t)(capacity) * ((size_t)(item_words) + 1u))

/* Keeps storage of WRT_BROADCAST_WORDS. capacity: a power of two 2 .. 2^30, item_words 1 ..
 * 2^16 (64-bit words). ERR_ARGUMENT.
 * Cost: O(capacity), never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_broadcast_ring_init(struct wrt_broadcast_ring *ring, uint64_t *storage, uint32_t capacity,
                        uint32_t item_words);

/* Appends one item (borrows item_words words).
 * Cost: O(item_words), never blocks, never faults. */
WRT_API void wrt_broadcast_publish(struct wrt_broadcast_ring *ring, const uint64_t *item);

/* Starts a reader at the next item to be published, or at the oldest one kept.
 * Cost: O(1), never blocks, never faults. */
WRT_API void wrt_broadcast_reader_init(struct wrt_broadcast_reader *reader,
                                       const struct wrt_broadcast_ring *ring,
                                       bool from_oldest);

/* Copies the next item to *out, which is unspecified unless OK. ERR_NOT_FOUND: nothing new.
 * ERR_BUSY: the writer overtook each attempt; what was lost is counted, call again.
 * Cost: O(item_words), at most 4 attempts, never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_broadcast_receive(struct wrt_broadcast_reader *reader, uint64_t *out);

WRT_END_DECLS
#endif
