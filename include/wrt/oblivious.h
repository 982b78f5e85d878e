/* wrt/oblivious.h - a store of blocks that does not tell by addresses or time which one is used.
 * SPDX-License-Identifier: Apache-2.0
 *
 * For tables that are looked up by a secret: who sees which addresses are touched (a tenant on
 * the same cache, a kernel that sees page faults) learns that there was an access, nothing else:
 * not the index, not whether it read or wrote, not whether the block was used before.
 *
 *   scan   every access reads and writes every block: O(count) each, the same addresses each time
 *   tree   Path ORAM (Stefanov et al. 2013): a tree of buckets of 5 blocks with as many leaves as
 *          blocks; each block is on the path to a leaf that is drawn anew at each access, which
 *          reads and writes one path: O(log count) each. Which leaf a block has is itself kept
 *          so, sixteen to a block, until 4096 are left, which are scanned.
 *
 * What finds no room on its path waits in a stash of `stash_blocks` (for each tree; there are up
 * to 4). Theorem 1 of the paper bounds the chance that an access leaves more than R there by
 * 14 * 0.6002^R: 2^-66 for the default of 96. Then the next access is refused (ERR_NO_SPACE), and
 * nothing is lost: see wrt_oblivious_access.
 *
 * The time and addresses of an access depend on the configuration and on random numbers alone
 * (`./check oblivious` shows it). Not hidden: that there is an access, its number, an index that
 * is out of range, a refusal; the contents from who can read the storage, as nothing is encrypted.
 * The buffer that the caller gives is read and written at its own address, whatever the index.
 *
 * Threads: one at a time for each store. Nothing here blocks (but create, which may ask the
 * system for a seed) or allocates.
 */
#ifndef WRT_OBLIVIOUS_H
#define WRT_OBLIVIOUS_H

#include "wrt/secure.h"

WRT_BEGIN_DECLS

enum wrt_oblivious_kind {
    WRT_OBLIVIOUS_BEST, /* the faster one, by what docs/hardening.md measured */
    WRT_OBLIVIOUS_SCAN,
    WRT_OBLIVIOUS_TREE
};

#define WRT_OBLIVIOUS_MAX_BLOCKS (UINT32_C(1) << 24)
#define WRT_OBLIVIOUS_MAX_BLOCK_BYTES UINT32_C(65536)
#define WRT_OBLIVIOUS_MAX_STASH UINT32_C(1024)
#define WRT_OBLIVIOUS_SEED_BYTES 32
#define WRT_OBLIVIOUS_ALIGNMENT 64 /* of the storage */

/* Zero-fill, then set the required fields. */
struct wrt_oblivious_config {
    uint32_t block_count;  /* required; 1 .. WRT_OBLIVIOUS_MAX_BLOCKS */
    uint32_t block_bytes;  /* required; 1 .. WRT_OBLIVIOUS_MAX_BLOCK_BYTES */
    enum wrt_oblivious_kind kind;
    uint32_t stash_blocks; /* tree: 1 .. WRT_OBLIVIOUS_MAX_STASH; 0 = 96; ignored by scan */
    const uint8_t *seed;   /* tree: WRT_OBLIVIOUS_SEED_BYTES secret random bytes, read by create;
                            * NULL = from the system. Whoever knows it can tell all leaves */
};

struct wrt_oblivious; /* lives at the start of its storage */

/* How much storage create wants. ERR_ARGUMENT: a field is out of its range; ERR_OVERFLOW: more
 * than PTRDIFF_MAX bytes. *out_bytes is then untouched.
 * Cost: O(log count), never blocks, never faults; 576 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_oblivious_storage_bytes(const struct wrt_oblivious_config *config, size_t *out_bytes);

/* Makes a store of zeros in `storage`, which the caller keeps alive and in place until destroy,
 * and touches by nothing else. ERR_NO_SPACE: it is too small; ERR_ALIGNMENT; otherwise as above,
 * or what the system says when asked for a seed.
 * Cost: O(storage_bytes wanted), may block (system), may fault; 672 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_oblivious_create(const struct wrt_oblivious_config *config, void *storage,
                     size_t storage_bytes, struct wrt_oblivious **out);

/* Overwrites all of it with zeros. NULL does nothing.
 * Cost: O(storage), never blocks, never faults. */
WRT_API void wrt_oblivious_destroy(struct wrt_oblivious *store);

/* One access: `is_write` not 0 puts the block_bytes of *bytes into block `index`, 0 puts the
 * block into *bytes. Secret: index, is_write, the bytes.
 * ERR_BOUNDS: index is not below block_count; the store was not touched.
 * ERR_NO_SPACE: the stash of a tree is full: nothing was read or written; a path was cleared
 * meanwhile, so that calling again goes on.
 * Cost: O(count) scan, O(log^3 count) tree, never blocks, never faults; 448 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_oblivious_access(struct wrt_oblivious *store, uint64_t index, uint64_t is_write,
                     void *bytes);

struct wrt_oblivious_info {
    enum wrt_oblivious_kind kind; /* what BEST became */
    uint32_t block_count, block_bytes;
    uint32_t tree_count, stash_blocks; /* 0 for scan */
    uint32_t stash_most;               /* in any stash, at any time; tells about the accesses */
    uint64_t accesses, refusals;
};
/* Cost: O(trees), at most 4, never blocks, never faults. */
WRT_API void wrt_oblivious_get_info(const struct wrt_oblivious *store,
                                    struct wrt_oblivious_info *out);

WRT_END_DECLS

#endif
