/* secure.c - constant time and oblivious stores.  SPDX-License-Identifier: Apache-2.0 */
#include "timing.h"

enum { SMALL = 32, LARGE = 4096, ENTRIES = 256, SCANNED = 64, TREE = 8192, BLOCK_BYTES = 64 };

static uint8_t a[LARGE], b[LARGE], table[ENTRIES * SMALL], block[BLOCK_BYTES];
static struct wrt_oblivious *store;
static void *storage;
static uint64_t next_index;
static uint32_t block_count;

static void yes(wrt_ct_mask answer)
{
    timing_status = answer != 0 ? WRT_OK : WRT_ERR_STATE;
}

static void equal_small(void)
{
    yes(wrt_ct_equal(a, b, SMALL));
}

static void equal_large(void)
{
    yes(wrt_ct_equal(a, b, LARGE));
}

static void compare(void)
{
    timing_status = wrt_ct_compare(a, b, SMALL) == 0 ? WRT_OK : WRT_ERR_STATE;
}

static void look_up(void)
{
    uint8_t out[SMALL];

    yes(wrt_ct_lookup(out, table, SMALL, ENTRIES, ENTRIES - 1));
}

static void zeroise(void)
{
    wrt_ct_zeroise(a, LARGE);
}

static void begin_store(enum wrt_oblivious_kind kind, uint32_t count)
{
    static const uint8_t seed[WRT_OBLIVIOUS_SEED_BYTES] = {1};
    const struct wrt_oblivious_config config = {.block_count = count, .block_bytes = BLOCK_BYTES,
                                                .kind = kind, .seed = seed};
    size_t bytes;

    TIMING_MUST(wrt_oblivious_storage_bytes(&config, &bytes));
    storage = aligned_alloc(WRT_OBLIVIOUS_ALIGNMENT, (bytes + 63) / 64 * 64);
    if (storage == NULL)
        abort();
    TIMING_MUST(wrt_oblivious_create(&config, storage, bytes, &store));
    block_count = count;
}

static void begin_scan(void)
{
    begin_store(WRT_OBLIVIOUS_SCAN, SCANNED);
}

static void begin_tree(void)
{
    begin_store(WRT_OBLIVIOUS_TREE, TREE);
}

static void end_store(void)
{
    wrt_oblivious_destroy(store);
    free(storage);
}

static void pick(uint32_t turn)
{
    next_index = turn * UINT64_C(2654435761) % block_count;
}

static void access_block(void)
{
    timing_status = wrt_oblivious_access(store, next_index, 1, block);
}

static const struct timing_operation operations[] = {
    {.name = "wrt_ct_equal: 32 bytes", .bound = "O(size)", .run = equal_small},
    {.name = "wrt_ct_equal: 4096 bytes", .bound = "O(size)", .run = equal_large},
    {.name = "wrt_ct_compare: 32 bytes", .bound = "O(size)", .run = compare},
    {.name = "wrt_ct_lookup: 256 entries of 32 bytes", .bound = "O(count x size)", .run = look_up},
    {.name = "wrt_ct_zeroise: 4096 bytes", .bound = "O(size)", .run = zeroise},
    {.name = "wrt_oblivious_access: scan of 64 blocks", .bound = "O(count)", .begin = begin_scan,
     .before = pick, .run = access_block, .end = end_store},
    {.name = "wrt_oblivious_access: tree of 8192 blocks", .bound = "O(log^3 count)",
     .begin = begin_tree, .before = pick, .run = access_block, .end = end_store,
     .most_runs = 100000},
};
const struct timing_list timing_secure = {operations, sizeof operations / sizeof *operations};
