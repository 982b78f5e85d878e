/* src/secure/oblivious_tree.c - see oblivious_tree.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * An access copies a path beside the stash, gives each entry there a key (the bucket it goes to),
 * sorts by the key with a network of exchanges that depends on the number of entries alone, and
 * copies the path back. Loops run over all entries; addresses follow from their numbers and
 * from the leaf, which load_path and store_path alone use as an address.
 */
#include "secure/oblivious_tree.h"

#include "secure/mask.h"

enum { HEAD = sizeof(struct wrt_tree_entry) };

static struct wrt_tree_entry *entry_at(const struct wrt_tree *tree, uint32_t index)
{
    return (struct wrt_tree_entry *)(void *)(tree->work + (size_t)index * tree->entry_bytes);
}

static uint8_t *bytes_of(struct wrt_tree_entry *entry)
{
    return (uint8_t *)entry + HEAD;
}

void wrt_tree_plan(struct wrt_tree *tree, uint32_t count, uint32_t block_bytes,
                   uint32_t stash_blocks)
{
    *tree = (struct wrt_tree){.levels = 1, .stash_blocks = stash_blocks,
                              .entry_bytes = HEAD + block_bytes};
    while (UINT32_C(1) << (tree->levels - 1) < count)
        tree->levels++;
    tree->path_entries = tree->levels * WRT_TREE_BUCKET;
    tree->work_entries = tree->path_entries + stash_blocks + 1;
}

uint64_t wrt_tree_slots_bytes(const struct wrt_tree *tree)
{
    return ((UINT64_C(1) << tree->levels) - 1) * WRT_TREE_BUCKET * tree->entry_bytes;
}

uint64_t wrt_tree_work_bytes(const struct wrt_tree *tree)
{
    return (uint64_t)tree->work_entries * tree->entry_bytes;
}

/* ---- a path: the only use of a leaf as an address ---- */

static uint8_t *bucket_of(const struct wrt_tree *tree, uint32_t leaf, uint32_t above)
{
    const uint32_t level = tree->levels - 1 - above;
    const size_t bucket = ((size_t)1 << level) - 1 + (leaf >> above);

    return tree->slots + bucket * WRT_TREE_BUCKET * tree->entry_bytes;
}

__attribute__((noinline)) static void load_path(struct wrt_tree *tree, uint32_t leaf)
{
    const size_t bytes = (size_t)WRT_TREE_BUCKET * tree->entry_bytes;

    for (uint32_t above = 0; above < tree->levels; above++)
        memcpy(tree->work + above * bytes, bucket_of(tree, leaf, above), bytes);
}

__attribute__((noinline)) static void store_path(struct wrt_tree *tree, uint32_t leaf)
{
    const size_t bytes = (size_t)WRT_TREE_BUCKET * tree->entry_bytes;

    for (uint32_t above = 0; above < tree->levels; above++)
        memcpy(bucket_of(tree, leaf, above), tree->work + above * bytes, bytes);
}

/* ---- keys ---- */

/* From the leaf's bucket up, each takes up to BUCKET blocks whose leaf is below it too. What is
 * left has the stash's key. room[k]: entries that bucket k still wants. */
static void place_blocks(struct wrt_tree *tree, uint32_t leaf, uint32_t *room)
{
    const uint32_t levels = tree->levels;

    for (uint32_t i = 0; i < tree->work_entries; i++) {
        struct wrt_tree_entry *entry = entry_at(tree, i);
        entry->apart = entry->leaf ^ leaf;
        entry->key = levels;
    }
    for (uint32_t above = 0; above < levels; above++) {
        uint32_t taken = 0;
        for (uint32_t i = 0; i < tree->work_entries; i++) {
            struct wrt_tree_entry *entry = entry_at(tree, i);
            const uint32_t fits = ~wrt_mask_zero(entry->id) & wrt_mask_zero(entry->apart >> above) &
                                  wrt_mask_equal(entry->key, levels) &
                                  wrt_mask_less(taken, WRT_TREE_BUCKET);
            entry->key = wrt_mask_pick(fits, above, entry->key);
            taken += fits & 1;
        }
        room[above] = WRT_TREE_BUCKET - taken;
    }
}

/* Empty entries fill what room is left; those beyond go behind the stash's blocks. */
static void place_empty(struct wrt_tree *tree, const uint32_t *room)
{
    uint32_t placed = 0, held = 0;

    for (uint32_t i = 0; i < tree->work_entries; i++) {
        struct wrt_tree_entry *entry = entry_at(tree, i);
        const uint32_t empty = wrt_mask_zero(entry->id);
        uint32_t key = 0, until = 0;
        for (uint32_t above = 0; above < tree->levels; above++) {
            until += room[above];
            key += ~wrt_mask_less(placed, until) & 1;
        }
        key += wrt_mask_equal(key, tree->levels) & 1;
        held += ~empty & wrt_mask_equal(entry->key, tree->levels) & 1;
        entry->key = wrt_mask_pick(empty, key, entry->key);
        placed += empty & 1;
    }
    tree->held = held;
    tree->most = wrt_mask_pick(wrt_mask_less(tree->most, held), held, tree->most);
}

/* ---- sorting: Batcher's merge exchange (Knuth, volume 3, 5.2.2, algorithm M) ---- */

static void exchange(struct wrt_tree *tree, uint32_t a, uint32_t b)
{
    struct wrt_tree_entry *left = entry_at(tree, a), *right = entry_at(tree, b);

    wrt_mask_swap(wrt_mask_less(right->key, left->key), (uint8_t *)left, (uint8_t *)right,
                  tree->entry_bytes);
}

static void sort_by_key(struct wrt_tree *tree)
{
    const uint32_t count = tree->work_entries;
    uint32_t top = 1;

    while (2 * top < count)
        top *= 2;
    for (uint32_t p = top; p > 0; p /= 2) {
        uint32_t q = top, r = 0, d = p;
        for (;;) {
            for (uint32_t i = 0; i + d < count; i++) {
                if ((i & p) == r)
                    exchange(tree, i, i + d);
            }
            if (q == p)
                break;
            d = q - p;
            q /= 2;
            r = p;
        }
    }
}

static void put_back(struct wrt_tree *tree, uint32_t leaf)
{
    uint32_t room[WRT_TREE_MAX_LEVELS];

    place_blocks(tree, leaf, room);
    place_empty(tree, room);
    sort_by_key(tree);
    store_path(tree, leaf);
}

/* ---- accesses ---- */

bool wrt_tree_is_full(const struct wrt_tree *tree)
{
    bool full = wrt_mask_less(tree->stash_blocks, tree->held) != 0;

    WRT_MASK_TELL(full);
    return full;
}

void wrt_tree_take(struct wrt_tree *tree, uint32_t index, uint32_t leaf)
{
    const size_t bytes = tree->entry_bytes - HEAD;

    load_path(tree, leaf);
    memset(tree->block, 0, bytes);
    for (uint32_t i = 0; i < tree->work_entries; i++) {
        struct wrt_tree_entry *entry = entry_at(tree, i);
        const uint32_t is_it = wrt_mask_equal(entry->id, index + 1);
        wrt_mask_gather(is_it, tree->block, bytes_of(entry), bytes);
        entry->id &= ~is_it;
    }
}

/* The last entry is empty, as the stash was not full and its blocks were sorted before it. */
void wrt_tree_put(struct wrt_tree *tree, uint32_t index, uint32_t new_leaf, uint32_t leaf)
{
    struct wrt_tree_entry *entry = entry_at(tree, tree->work_entries - 1);

    entry->id = index + 1;
    entry->leaf = new_leaf;
    memcpy(bytes_of(entry), tree->block, tree->entry_bytes - HEAD);
    put_back(tree, leaf);
}

void wrt_tree_relieve(struct wrt_tree *tree, uint32_t leaf)
{
    load_path(tree, leaf);
    put_back(tree, leaf);
}
