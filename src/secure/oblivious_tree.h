/* src/secure/oblivious_tree.h - one tree of Path ORAM; which leaf a block has is its user's to know.
 * SPDX-License-Identifier: Apache-2.0
 *
 * `slots` are the buckets in the order of a heap, each BUCKET entries. `work` holds the path of the
 * present access in its first path_entries, from the leaf up, then the stash, which stays.
 *
 *   T1  a block is in one entry: of the stash, or of a bucket on the path to its leaf
 *   T2  between accesses at most stash_blocks + 1 entries of the stash are used, and if that
 *       many are, the next access must be a relief
 *
 * T2 holds because what came from the path has room there: only the block that was
 * accessed may add to the stash, and placing the deepest first places as many as can be.
 */
#ifndef WRT_SECURE_OBLIVIOUS_TREE_H
#define WRT_SECURE_OBLIVIOUS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WRT_TREE_BUCKET = 5, WRT_TREE_MAX_LEVELS = 25 };

/* In front of each block's bytes; 16 bytes, so that entries move in vectors. */
struct wrt_tree_entry {
    uint32_t id;   /* index + 1; 0 = empty */
    uint32_t leaf;
    uint32_t key;  /* place to go: 0 the leaf's bucket .. levels - 1 the root, then the stash */
    uint32_t apart; /* leaf ^ the leaf of the path */
};

struct wrt_tree {
    uint32_t levels;       /* of buckets; 2^(levels - 1) leaves */
    uint32_t entry_bytes;  /* struct wrt_tree_entry and the block, a multiple of 16 */
    uint32_t path_entries; /* levels * BUCKET */
    uint32_t work_entries; /* path_entries + stash_blocks + 1 */
    uint32_t stash_blocks;
    uint32_t held, most;   /* in the stash; secret */
    uint8_t *slots, *work;
    uint8_t *block;        /* of the present access */
};

/* Sets everything but the pointers. block_bytes is a multiple of 16; count >= 1. */
void wrt_tree_plan(struct wrt_tree *tree, uint32_t count, uint32_t block_bytes,
                   uint32_t stash_blocks);
/* Each at most 2^52. */
uint64_t wrt_tree_slots_bytes(const struct wrt_tree *tree);
uint64_t wrt_tree_work_bytes(const struct wrt_tree *tree);

static inline uint32_t wrt_tree_leaf_mask(const struct wrt_tree *tree)
{
    return (UINT32_C(1) << (tree->levels - 1)) - 1;
}

/* Must the next access be a relief? Tells that. */
bool wrt_tree_is_full(const struct wrt_tree *tree);

/* Takes block `index` (secret) out of the path to `leaf` (told by the access) into tree->block;
 * zeros if it was never put. */
void wrt_tree_take(struct wrt_tree *tree, uint32_t index, uint32_t leaf);
/* Puts tree->block back as that block with a new leaf (secret), and the path back as well. */
void wrt_tree_put(struct wrt_tree *tree, uint32_t index, uint32_t new_leaf, uint32_t leaf);
/* Reads and writes a path, so that the stash may lose to it. */
void wrt_tree_relieve(struct wrt_tree *tree, uint32_t leaf);

#endif
