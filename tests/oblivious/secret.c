/* tests/oblivious/secret.c - accesses with secrets that valgrind holds for uninitialised: it then
 * reports each branch and address that depends on one. SPDX-License-Identifier: Apache-2.0
 *
 * `secret scan|tree` must be clean; `secret twin` runs what a careless store would do. All of the
 * runtime's code that takes part is compiled with it, so that WRT_MASK_TELL is valgrind's here.
 */
#include <stddef.h>
#include <stdint.h>
#include <valgrind/memcheck.h>
#define WRT_MASK_TELL(value) ((void)VALGRIND_MAKE_MEM_DEFINED(&(value), sizeof(value)))

#include "../../src/secure/chacha.c"
#include "../../src/secure/oblivious.c"
#include "../../src/secure/oblivious_tree.c"

#include <stdio.h>
#include <stdlib.h>

enum { BLOCKS = 5000, BYTES = 40, ACCESSES = 6 };

static const uint8_t seed_bytes[WRT_OBLIVIOUS_SEED_BYTES] = "thirty-two bytes that are known";

/* Links without the port; with a seed given it is not called. */
enum wrt_status wrt_port_entropy(void *out, size_t size_bytes)
{
    (void)out, (void)size_bytes;
    return WRT_ERR_UNSUPPORTED;
}

static int accesses(enum wrt_oblivious_kind kind)
{
    const struct wrt_oblivious_config config = {.block_count = BLOCKS, .block_bytes = BYTES,
                                                .kind = kind, .stash_blocks = 8, .seed = seed_bytes};
    struct wrt_oblivious *store;
    uint8_t bytes[BYTES] = {1};
    size_t size;

    if (wrt_oblivious_storage_bytes(&config, &size) != WRT_OK)
        return 2;
    void *storage = aligned_alloc(WRT_OBLIVIOUS_ALIGNMENT, size);
    if (storage == NULL || wrt_oblivious_create(&config, storage, size, &store) != WRT_OK)
        return 2;
    for (uint64_t i = 0; i < ACCESSES; i++) {
        uint64_t index = i * 997 % BLOCKS, is_write = i % 2;
        VALGRIND_MAKE_MEM_UNDEFINED(&index, sizeof index);
        VALGRIND_MAKE_MEM_UNDEFINED(&is_write, sizeof is_write);
        VALGRIND_MAKE_MEM_UNDEFINED(bytes, sizeof bytes);
        if (wrt_oblivious_access(store, index, is_write, bytes) != WRT_OK)
            return 2;
    }
    free(storage);
    return 0;
}

static volatile uint8_t sink;

static int twin(void)
{
    static volatile uint8_t blocks[BLOCKS];
    volatile uint32_t index = 7;

    VALGRIND_MAKE_MEM_UNDEFINED(&index, sizeof index);
    sink = blocks[index % BLOCKS];
    return 0;
}

int main(int count, char **arguments)
{
    const char *mode = count == 2 ? arguments[1] : "";

    if (!RUNNING_ON_VALGRIND)
        return 2;
    if (strcmp(mode, "scan") == 0)
        return accesses(WRT_OBLIVIOUS_SCAN);
    if (strcmp(mode, "tree") == 0)
        return accesses(WRT_OBLIVIOUS_TREE);
    return strcmp(mode, "twin") == 0 ? twin() : 2;
}
