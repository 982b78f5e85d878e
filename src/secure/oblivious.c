/* src/secure/oblivious.c - see wrt/oblivious.h: the scan, and the map of positions over the trees.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tree 0 holds the blocks; tree k + 1 holds the leaves of the blocks of tree k, FAN to a block, as
 * long as there are more than TOP of them; those of the last tree stand in `top` and are scanned.
 * A position is leaf + 1. 0 means that the block was never put: then the path of a random leaf is
 * taken, so that a first access looks like any other.
 */
#include "wrt/oblivious.h"

#include "port.h"
#include "secure/chacha.h"
#include "secure/mask.h"
#include "secure/oblivious_tree.h"

enum { FAN = 16, MAP_BYTES = FAN * 4, TOP = 4096, MAX_TREES = 4, DEFAULT_STASH = 96 };

/* BEST takes the scan up to here: measured, see docs/hardening.md. */
enum { SCAN_BLOCKS = 4096, SCAN_BYTES = 2 << 20 };

struct wrt_oblivious {
    struct wrt_oblivious_config config;
    uint32_t stride; /* block_bytes, to a multiple of 16 */
    uint32_t tree_count;
    size_t storage_bytes;
    uint64_t accesses, refusals;
    uint8_t *given; /* the caller's bytes, padded */
    uint8_t *blocks, *found; /* scan */
    uint32_t *top, top_count;
    struct wrt_chacha random;
    struct wrt_tree trees[MAX_TREES];
};

/* ---- layout ---- */

/* Lays regions out behind each other, each on a line of its own. */
struct layout {
    uint8_t *base; /* NULL: only the sum is wanted, and all regions are NULL */
    uint64_t bytes;
};

static uint8_t *carve(struct layout *layout, uint64_t bytes)
{
    const uint64_t at = layout->bytes;

    layout->bytes += (bytes + WRT_OBLIVIOUS_ALIGNMENT - 1) & ~(uint64_t)(WRT_OBLIVIOUS_ALIGNMENT - 1);
    return layout->base == NULL ? NULL : layout->base + at;
}

static bool is_valid(const struct wrt_oblivious_config *config)
{
    return config->block_count >= 1 && config->block_count <= WRT_OBLIVIOUS_MAX_BLOCKS &&
           config->block_bytes >= 1 && config->block_bytes <= WRT_OBLIVIOUS_MAX_BLOCK_BYTES &&
           config->kind <= WRT_OBLIVIOUS_TREE && config->stash_blocks <= WRT_OBLIVIOUS_MAX_STASH;
}

static void plan_scan(struct wrt_oblivious *store, struct layout *layout)
{
    store->found = carve(layout, store->stride);
    store->blocks = carve(layout, (uint64_t)store->config.block_count * store->stride);
}

static void plan_trees(struct wrt_oblivious *store, struct layout *layout)
{
    uint32_t count = store->config.block_count, bytes = store->stride;

    for (;;) {
        struct wrt_tree *tree = &store->trees[store->tree_count++];
        wrt_tree_plan(tree, count, bytes, store->config.stash_blocks);
        tree->block = carve(layout, bytes);
        tree->work = carve(layout, wrt_tree_work_bytes(tree));
        tree->slots = carve(layout, wrt_tree_slots_bytes(tree));
        if (count <= TOP)
            break;
        count = (count + FAN - 1) / FAN;
        bytes = MAP_BYTES;
    }
    store->top_count = count;
    store->top = (uint32_t *)(void *)carve(layout, (uint64_t)count * sizeof *store->top);
}

/* Fills *store with what the config means, its regions counted from `base`. The sum stays far
 * below 2^64: at most 2^24 blocks of 2^17 bytes, ten entries each. */
static uint64_t plan(const struct wrt_oblivious_config *config, uint8_t *base,
                     struct wrt_oblivious *store)
{
    struct layout layout = {.base = base};

    *store = (struct wrt_oblivious){.config = *config};
    store->stride = (config->block_bytes + 15) & ~UINT32_C(15);
    if (config->kind == WRT_OBLIVIOUS_BEST)
        store->config.kind =
            config->block_count <= SCAN_BLOCKS &&
                    (uint64_t)config->block_count * store->stride <= SCAN_BYTES
                ? WRT_OBLIVIOUS_SCAN
                : WRT_OBLIVIOUS_TREE;
    if (config->stash_blocks == 0)
        store->config.stash_blocks = DEFAULT_STASH;
    carve(&layout, sizeof *store);
    store->given = carve(&layout, store->stride);
    if (store->config.kind == WRT_OBLIVIOUS_SCAN)
        plan_scan(store, &layout);
    else
        plan_trees(store, &layout);
    return layout.bytes;
}

enum wrt_status wrt_oblivious_storage_bytes(const struct wrt_oblivious_config *config,
                                            size_t *out_bytes)
{
    struct wrt_oblivious store;

    if (!is_valid(config))
        return WRT_ERR_ARGUMENT;
    const uint64_t bytes = plan(config, NULL, &store);
    if (bytes > PTRDIFF_MAX)
        return WRT_ERR_OVERFLOW;
    *out_bytes = (size_t)bytes;
    return WRT_OK;
}

static enum wrt_status seed(struct wrt_oblivious *store)
{
    uint8_t key[WRT_CHACHA_KEY_BYTES];

    if (store->config.kind == WRT_OBLIVIOUS_SCAN)
        return WRT_OK;
    if (store->config.seed != NULL) {
        wrt_chacha_begin(&store->random, store->config.seed);
        return WRT_OK;
    }
    const enum wrt_status status = wrt_port_entropy(key, sizeof key);
    if (status == WRT_OK)
        wrt_chacha_begin(&store->random, key);
    wrt_ct_zeroise(key, sizeof key);
    return status;
}

enum wrt_status wrt_oblivious_create(const struct wrt_oblivious_config *config, void *storage,
                                     size_t storage_bytes, struct wrt_oblivious **out)
{
    struct wrt_oblivious store;
    size_t wanted;
    enum wrt_status status = wrt_oblivious_storage_bytes(config, &wanted);

    if (status != WRT_OK)
        return status;
    if (storage == NULL)
        return WRT_ERR_ARGUMENT;
    if ((uintptr_t)storage % WRT_OBLIVIOUS_ALIGNMENT != 0)
        return WRT_ERR_ALIGNMENT;
    if (storage_bytes < wanted)
        return WRT_ERR_NO_SPACE;
    (void)plan(config, storage, &store); /* as before, now with addresses */
    status = seed(&store);
    if (status == WRT_OK) {
        memset(storage, 0, wanted);
        store.storage_bytes = wanted;
        store.config.seed = NULL; /* not ours to keep */
        *out = memcpy(storage, &store, sizeof store);
    }
    wrt_ct_zeroise(&store, sizeof store);
    return status;
}

void wrt_oblivious_destroy(struct wrt_oblivious *store)
{
    if (store != NULL)
        wrt_ct_zeroise(store, store->storage_bytes);
}

void wrt_oblivious_get_info(const struct wrt_oblivious *store, struct wrt_oblivious_info *out)
{
    *out = (struct wrt_oblivious_info){.kind = store->config.kind,
                                       .block_count = store->config.block_count,
                                       .block_bytes = store->config.block_bytes,
                                       .tree_count = store->tree_count,
                                       .accesses = store->accesses,
                                       .refusals = store->refusals};
    if (store->tree_count > 0)
        out->stash_blocks = store->config.stash_blocks;
    for (uint32_t t = 0; t < store->tree_count; t++) {
        if (store->trees[t].most > out->stash_most)
            out->stash_most = store->trees[t].most;
    }
}

/* ---- scan ---- */

/* store->given holds the caller's bytes; store->found becomes the block as it was. */
static void scan(struct wrt_oblivious *store, uint32_t index, uint32_t write)
{
    uint8_t *block = store->blocks;

    memset(store->found, 0, store->stride);
    for (uint32_t i = 0; i < store->config.block_count; i++, block += store->stride) {
        const uint32_t is_it = wrt_mask_equal(i, index);
        wrt_mask_gather(is_it, store->found, block, store->stride);
        wrt_mask_copy(is_it & write, block, store->given, store->stride);
    }
}

/* ---- positions ---- */

typedef uint32_t four __attribute__((vector_size(16)));

/* Exchanges entry `index` of a row of positions for `with`; all entries are read and written, by
 * fours: the row ends at a line. */
static uint32_t exchange_position(uint32_t *row, uint32_t count, uint32_t index, uint32_t with)
{
    const four wanted = {index, index, index, index}, put = {with, with, with, with};
    four at = {0, 1, 2, 3}, was = {0, 0, 0, 0};

    for (uint32_t i = 0; i < count; i += 4, at += 4) {
        const four is_it = (four)(at == wanted);
        four entries;
        memcpy(&entries, row + i, sizeof entries);
        was |= entries & is_it;
        entries ^= (entries ^ put) & is_it;
        memcpy(row + i, &entries, sizeof entries);
    }
    return was[0] | was[1] | was[2] | was[3];
}

static uint32_t draw_leaf(struct wrt_oblivious *store, const struct wrt_tree *tree)
{
    return wrt_chacha_next(&store->random) & wrt_tree_leaf_mask(tree);
}

/* The leaf that a position means, from here on told; a random one if it means none. */
static uint32_t leaf_of(struct wrt_oblivious *store, const struct wrt_tree *tree,
                        uint32_t position)
{
    const uint32_t other = draw_leaf(store, tree);
    uint32_t leaf = wrt_mask_pick(wrt_mask_zero(position), other, position - 1);

    WRT_MASK_TELL(leaf);
    return leaf;
}

/* Walks from the top to tree 0, giving each tree's block a new leaf on the way; takes the block
 * `index` into trees[0].block. *out_leaf and *out_new are for putting it back. */
static void take(struct wrt_oblivious *store, uint32_t index, uint32_t *out_leaf,
                 uint32_t *out_new)
{
    uint32_t t = store->tree_count - 1;
    uint32_t new_leaf = draw_leaf(store, &store->trees[t]);
    uint32_t position =
        exchange_position(store->top, store->top_count, index >> 4 * t, new_leaf + 1);

    for (; t > 0; t--) {
        struct wrt_tree *map = &store->trees[t];
        const uint32_t here = index >> 4 * t, below = index >> 4 * (t - 1);
        const uint32_t leaf = leaf_of(store, map, position);
        const uint32_t next = draw_leaf(store, &store->trees[t - 1]);
        wrt_tree_take(map, here, leaf);
        position = exchange_position((uint32_t *)(void *)map->block, FAN, below % FAN, next + 1);
        wrt_tree_put(map, here, new_leaf, leaf);
        new_leaf = next;
    }
    *out_leaf = leaf_of(store, &store->trees[0], position);
    *out_new = new_leaf;
    wrt_tree_take(&store->trees[0], index, *out_leaf);
}

/* Afterwards store->given holds the block as it was, if it was read. */
static void walk(struct wrt_oblivious *store, uint32_t index, uint32_t write)
{
    struct wrt_tree *tree = &store->trees[0];
    uint32_t leaf, new_leaf;

    take(store, index, &leaf, &new_leaf);
    wrt_mask_swap(~UINT32_C(0), tree->block, store->given, store->stride); /* what is, what is given */
    wrt_mask_copy(~write, tree->block, store->given, store->stride);
    wrt_tree_put(tree, index, new_leaf, leaf);
}

static bool relieve(struct wrt_oblivious *store)
{
    bool any = false;

    for (uint32_t t = 0; t < store->tree_count; t++) {
        struct wrt_tree *tree = &store->trees[t];
        if (!wrt_tree_is_full(tree))
            continue;
        wrt_tree_relieve(tree, draw_leaf(store, tree));
        any = true;
    }
    return any;
}

enum wrt_status wrt_oblivious_access(struct wrt_oblivious *store, uint64_t index,
                                     uint64_t is_write, void *bytes)
{
    const uint32_t size = store->config.block_bytes;
    bool in_range = wrt_ct_less_than(index, store->config.block_count) != 0;

    WRT_MASK_TELL(in_range);
    if (!in_range)
        return WRT_ERR_BOUNDS;
    if (relieve(store)) {
        store->refusals++;
        return WRT_ERR_NO_SPACE;
    }
    const uint32_t write = (uint32_t)wrt_ct_select(is_write, UINT32_MAX, 0);
    memcpy(store->given, bytes, size);
    if (store->config.kind == WRT_OBLIVIOUS_SCAN) {
        scan(store, (uint32_t)index, write);
        wrt_ct_copy_if(~write, bytes, store->found, size);
    } else {
        walk(store, (uint32_t)index, write);
        wrt_ct_copy_if(~write, bytes, store->given, size);
    }
    store->accesses++;
    return WRT_OK;
}
