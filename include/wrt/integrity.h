/* wrt/integrity.h - memory whose flipped bits are found and whose writes are all or nothing.
 * SPDX-License-Identifier: Apache-2.0
 *
 * An atomic memory guards a region (any pointer and size, or a linear memory) by what it
 * keeps in a second region, the store: a CRC-32C and a sequence number per block, a journal,
 * and at Critical a copy of everything.
 *
 *   store | header | checksums | sequences | journal | copy (Critical) |
 *
 *   I1  outside a write, checksum[b] is the CRC of block b
 *   I2  a write first stands whole in the journal, under a checksum of its own; one store of
 *       8 bytes commits it; then it is applied; then one store forgets it. So a write that
 *       stops anywhere leaves the old content (not committed) or the new one (the next open
 *       applies it again), in the order of stores of the program. For power cuts the memory
 *       must keep that order (flushes are the platform's).
 *   I3  sequence[b] is odd while block b is being written; a reader accepts what it copied
 *       only if no sequence of its blocks changed meanwhile
 *
 * Levels (checks of the room "integrity"): Off plain copies, no store needed; Minimal keeps
 * checksums; Standard verifies each block that a read or write touches; Full reads each write
 * back; Critical repairs from the copy: two of block, copy and checksum that agree repair the
 * third, and where block and copy are both damaged, in up to 8 bits together, the choice
 * among those bits that has the stored checksum is taken (at most 256 checksums).
 *
 * Threads: any number of readers may run beside one writer. A second writer, and a repair,
 * gets ERR_BUSY (nothing waits here: callers order their writers). write, copy_within, scrub
 * and verify are wait-free; a read is wait-free with at most 64 attempts, then ERR_BUSY.
 */
#ifndef WRT_INTEGRITY_H
#define WRT_INTEGRITY_H

#include "wrt/base.h"
#include "wrt/memory.h"
#include "wrt/verification.h"

WRT_BEGIN_DECLS

/* Zero-fill, set what you need. */
struct wrt_atomic_memory_config {
    void *memory;          /* keeps; 8-byte aligned; written only through these calls */
    uint64_t size_bytes;   /* 8 .. 2^40, a multiple of 8 */
    uint32_t block_bytes;  /* power of two 64 .. 4096; 0 = 256. The last block may be shorter */
    uint32_t journal_bytes;/* the largest write; multiple of 8, 8 .. 2^30; 0 = 4096 */
    void *store;           /* keeps; 8-byte aligned; wrt_atomic_memory_store_bytes large. May
                              be persistent. Not used at Off */
    uint64_t store_bytes;
    enum wrt_verification_level level; /* 0 = Standard */
};

struct wrt_atomic_memory_counters {
    uint64_t reads, writes, retries;  /* retries: of readers that met a writer */
    uint64_t detected, repaired;      /* damaged blocks found; of those, repaired */
    uint64_t scrubbed_blocks, recovered_writes;
};

/* One atomic memory; private fields. */
struct wrt_atomic_memory {
    uint8_t *memory, *copy;
    uint64_t size_bytes, blocks;
    uint32_t block_bytes, journal_bytes;
    uint32_t *checksum, *sequence;
    struct wrt_integrity_journal *journal;
    uint64_t next_scrub;
    uint32_t writer; /* 1 while a write runs */
    enum wrt_verification_level level;
    struct wrt_atomic_memory_counters counters;
};

/* Bytes of store that the configuration needs; 0 at Off or if it is not valid.
 * Cost: O(1), never blocks, never faults; 288 bytes of stack. */
WRT_API uint64_t
wrt_atomic_memory_store_bytes(const struct wrt_atomic_memory_config *config);

/* Starts anew: takes the region's bytes as they are. ERR_ARGUMENT, ERR_ALIGNMENT,
 * ERR_NO_SPACE (store_bytes too small), each named.
 * Cost: O(size), never blocks, may fault; 4500 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_atomic_memory_format(struct wrt_atomic_memory *atomic,
                         const struct wrt_atomic_memory_config *config,
                         struct wrt_error *error);

/* Opens a store that was formatted with the same configuration, perhaps in another run:
 * finishes a committed write, forgets an uncommitted one. The contents are not verified.
 * ERR_CORRUPT: no such store, or its header or journal is damaged.
 * Cost: O(journal), never blocks, may fault; 608 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_atomic_memory_open(struct wrt_atomic_memory *atomic,
                       const struct wrt_atomic_memory_config *config, struct wrt_error *error);

/* A configuration over a linear memory's current bytes. It must not grow or move meanwhile.
 * Cost: O(1), never blocks, never faults. */
WRT_API struct wrt_atomic_memory_config
wrt_atomic_memory_over_pages(const struct wrt_page_allocator *pages);

/* Writes all of it or nothing. ERR_BOUNDS, ERR_LIMIT (above journal_bytes), ERR_BUSY;
 * ERR_CORRUPT: a touched block was damaged and could not be repaired, nothing was written
 * (a write that covers the whole block heals it).
 * Cost: O(size + 2 blocks), never blocks, may fault; 8600 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_atomic_memory_write(struct wrt_atomic_memory *atomic, uint64_t offset, const void *bytes,
                        uint64_t size_bytes);

/* Reads; *out is complete and verified, or ERR_CORRUPT, ERR_BOUNDS, ERR_BUSY and out is
 * unspecified. Needs the object not const for its counters only.
 * Cost: O(size + 2 blocks), at most 64 attempts beside a writer, never blocks, may fault; 8500
 * bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_atomic_memory_read(struct wrt_atomic_memory *atomic, uint64_t offset, void *out,
                       uint64_t size_bytes);

/* As memmove within the region, as one write.
 * Cost: O(size + 4 blocks), never blocks, may fault; 8600 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_atomic_memory_copy_within(struct wrt_atomic_memory *atomic, uint64_t to, uint64_t from,
                              uint64_t size_bytes);

/* Verifies (and at Critical repairs) every block. ERR_CORRUPT names the first that stays
 * damaged in *out_block (NULL allowed).
 * Cost: O(size), never blocks, may fault; 8500 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_atomic_memory_verify(struct wrt_atomic_memory *atomic, uint64_t *out_block);

/* The same for the next `blocks` blocks, going round.
 * Cost: O(blocks), never blocks, may fault; 8500 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_atomic_memory_scrub(struct wrt_atomic_memory *atomic, uint64_t blocks);

/* Cost: O(1), never blocks, never faults. */
WRT_API enum wrt_verification_level
wrt_atomic_memory_level(const struct wrt_atomic_memory *atomic);
WRT_API void wrt_atomic_memory_get_counters(const struct wrt_atomic_memory *atomic,
                                            struct wrt_atomic_memory_counters *out);

/* ---- seals: for what is written once, such as translated code or tables ---- */

/* A range that must not change, with checksums per 4 KiB in memory that the caller gives. */
struct wrt_seal {
    const uint8_t *bytes;
    uint64_t size_bytes, next;
    uint32_t *checksum;
};

/* Checksums needed for a range: one per started 4 KiB.
 * Cost: O(1), never blocks, never faults. */
WRT_API uint64_t wrt_seal_checksums(uint64_t size_bytes);

/* Keeps bytes and checksum (room for wrt_seal_checksums) until the seal is forgotten.
 * Cost: O(size), never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_seal_set(struct wrt_seal *seal, const void *bytes, uint64_t size_bytes, uint32_t *checksum,
             uint64_t checksum_count);

/* ERR_CORRUPT if a byte changed; *out_offset (NULL allowed): start of the first bad 4 KiB.
 * Cost: O(size), never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_seal_check(const struct wrt_seal *seal, uint64_t *out_offset);

/* The same for the next `steps` pieces of 4 KiB, going round.
 * Cost: O(steps), never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status wrt_seal_scrub(struct wrt_seal *seal, uint64_t steps);

WRT_END_DECLS
#endif
