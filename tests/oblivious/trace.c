/* tests/oblivious/trace.c - a few accesses, for a recorder of all addresses (valgrind's lackey).
 * SPDX-License-Identifier: Apache-2.0
 *
 *     trace scan|tree|twin REQUESTS     REQUESTS: one letter, a to d
 *
 * Prints where the tree's buckets are: "FROM TO BUCKET-BYTES LEVELS", in hexadecimal.
 */
#include "../../src/secure/oblivious.c"

#include <stdio.h>

enum { BLOCKS = 32, BYTES = 16, ACCESSES = 12, SPACE = 1 << 16 };

static _Alignas(64) uint8_t storage[SPACE];
static volatile uint8_t plain[BLOCKS * BYTES];
static const uint8_t seed_bytes[WRT_OBLIVIOUS_SEED_BYTES] = "thirty-two bytes that are known";

enum wrt_status wrt_port_entropy(void *out, size_t size_bytes) /* not called: a seed is given */
{
    (void)out, (void)size_bytes;
    return WRT_ERR_UNSUPPORTED;
}

/* By arithmetic, so that asking is the same for all. */
static uint32_t request(uint32_t kind, uint32_t i)
{
    return (kind * 5 + i * (0x1F0B0100u >> 8 * kind & 31)) % BLOCKS;
}

int main(int count, char **arguments)
{
    uint8_t block[BYTES] = {1};
    struct wrt_oblivious *store;

    if (count != 3)
        return 2;
    const bool scans = strcmp(arguments[1], "scan") == 0, twin = strcmp(arguments[1], "twin") == 0;
    const struct wrt_oblivious_config config = {
        .block_count = BLOCKS, .block_bytes = BYTES, .stash_blocks = 8, .seed = seed_bytes,
        .kind = scans ? WRT_OBLIVIOUS_SCAN : WRT_OBLIVIOUS_TREE};
    const uint32_t kind = (uint32_t)(arguments[2][0] - 'a') % 4;
    if (wrt_oblivious_create(&config, storage, sizeof storage, &store) != WRT_OK)
        return 2;
    const struct wrt_tree *tree = &store->trees[0];
    if (!scans)
        printf("%zx %zx %x %x\n", (size_t)tree->slots, (size_t)tree->slots + (size_t)wrt_tree_slots_bytes(tree),
               WRT_TREE_BUCKET * tree->entry_bytes, tree->levels);
    fflush(stdout);
    for (uint32_t i = 0; i < ACCESSES; i++) {
        if (twin)
            plain[request(kind, i) * BYTES] = block[0];
        else if (wrt_oblivious_access(store, request(kind, i), (kind >> (i % 2)) & 1, block) != WRT_OK)
            return 2;
    }
    return 0;
}
