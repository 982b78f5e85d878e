/* tests/unit/secure_oblivious.c - wrt_oblivious answers as an array does, refuses what it must, and
 * loses nothing when a stash is full. What it tells by addresses: tests/oblivious.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "secure/chacha.h"
#include "wrt/oblivious.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t seed[WRT_OBLIVIOUS_SEED_BYTES] = "a seed of exactly 32 bytes, told";

static uint64_t state = 1;

static uint32_t next_below(uint32_t bound) /* Knuth's MMIX generator; the high bits are good */
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((state >> 32) * bound >> 32);
}

struct fixture {
    struct wrt_oblivious *store;
    uint8_t *storage, *plain, *block;
    size_t size;
    uint32_t count, bytes;
    uint32_t refusals;
};

static struct fixture make(uint32_t count, uint32_t bytes, enum wrt_oblivious_kind kind,
                           uint32_t stash)
{
    const struct wrt_oblivious_config config = {.block_count = count, .block_bytes = bytes,
                                                .kind = kind, .stash_blocks = stash, .seed = seed};
    struct fixture f = {.count = count, .bytes = bytes};

    assert_int_equal(wrt_oblivious_storage_bytes(&config, &f.size), WRT_OK);
    f.storage = aligned_alloc(WRT_OBLIVIOUS_ALIGNMENT, f.size + 64);
    f.plain = calloc(count, bytes);
    f.block = malloc(bytes);
    assert_true(f.storage != NULL && f.plain != NULL && f.block != NULL);
    memset(f.storage, 0xA5, f.size + 64); /* neither is it zero, nor is what is behind touched */
    assert_int_equal(wrt_oblivious_create(&config, f.storage, f.size, &f.store), WRT_OK);
    return f;
}

static void unmake(struct fixture *f)
{
    wrt_oblivious_destroy(f->store);
    for (size_t i = 0; i < f->size; i++)
        assert_int_equal(f->storage[i], 0);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(f->storage[f->size + i], 0xA5);
    free(f->storage);
    free(f->plain);
    free(f->block);
}

static void access(struct fixture *f, uint32_t index, bool write)
{
    uint8_t *plain = f->plain + (size_t)index * f->bytes;

    for (uint32_t i = 0; i < f->bytes; i++)
        f->block[i] = (uint8_t)next_below(256);
    if (write)
        memcpy(plain, f->block, f->bytes);
    enum wrt_status status;
    while ((status = wrt_oblivious_access(f->store, index, write, f->block)) == WRT_ERR_NO_SPACE)
        f->refusals++;
    assert_int_equal(status, WRT_OK);
    assert_memory_equal(f->block, plain, f->bytes);
}

static void read_all(struct fixture *f)
{
    for (uint32_t i = 0; i < f->count; i++)
        access(f, i, false);
}

static void answers_as_an_array(void **unused)
{
    static const uint32_t counts[] = {1, 2, 3, 5, 16, 17, 100, 4096, 4097, 70000};
    static const uint32_t sizes[] = {1, 8, 15, 16, 17, 64, 100};

    (void)unused;
    for (int kind = WRT_OBLIVIOUS_BEST; kind <= WRT_OBLIVIOUS_TREE; kind++) {
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
            const uint32_t bytes = sizes[(c + (size_t)kind) % (sizeof sizes / sizeof sizes[0])];
            struct fixture f = make(counts[c], bytes, (enum wrt_oblivious_kind)kind, 0);
            const int accesses = counts[c] > 10000 && kind == WRT_OBLIVIOUS_SCAN ? 50 : 500;
            for (int i = 0; i < accesses; i++)
                access(&f, next_below(counts[c]), next_below(2) != 0);
            if (counts[c] <= 100)
                read_all(&f);
            assert_int_equal(f.refusals, 0);
            unmake(&f);
        }
    }
}

static void long_blocks(void **unused)
{
    (void)unused;
    for (int kind = WRT_OBLIVIOUS_SCAN; kind <= WRT_OBLIVIOUS_TREE; kind++) {
        struct fixture f = make(9, WRT_OBLIVIOUS_MAX_BLOCK_BYTES, (enum wrt_oblivious_kind)kind, 4);
        for (int i = 0; i < 30; i++)
            access(&f, next_below(9), next_below(2) != 0);
        read_all(&f);
        unmake(&f);
    }
}

/* With a stash of one block many accesses are refused, and every block keeps its bytes. */
static void a_full_stash_loses_nothing(void **unused)
{
    struct wrt_oblivious_info info;
    struct fixture f = make(256, 16, WRT_OBLIVIOUS_TREE, 1);
    uint32_t accesses = 0;

    (void)unused;
    for (; accesses < 20000; accesses++)
        access(&f, accesses % 256, true);
    read_all(&f);
    assert_true(f.refusals > 10);
    wrt_oblivious_get_info(f.store, &info);
    assert_int_equal(info.refusals, f.refusals);
    assert_int_equal(info.accesses, accesses + 256);
    assert_int_equal(info.stash_most, 2); /* T2 */
    unmake(&f);
}

/* A refused access leaves the caller's bytes, and tells which tree was full by nothing. */
static void a_refusal_touches_nothing(void **unused)
{
    struct fixture f = make(5000, 16, WRT_OBLIVIOUS_TREE, 1);
    uint8_t block[16], before[16];
    uint32_t refused = 0;

    (void)unused;
    for (uint32_t i = 0; i < 20000 && refused < 5; i++) {
        memset(block, (int)i, sizeof block);
        memcpy(before, block, sizeof block);
        if (wrt_oblivious_access(f.store, i % 5000, 0, block) == WRT_ERR_NO_SPACE) {
            assert_memory_equal(block, before, sizeof block);
            refused++;
        }
    }
    assert_int_equal(refused, 5);
    unmake(&f);
}

static void info_is_right(void **unused)
{
    struct wrt_oblivious_info info;
    static const struct {
        uint32_t count, bytes;
        enum wrt_oblivious_kind kind, becomes;
        uint32_t trees;
    } cases[] = {{4096, 64, WRT_OBLIVIOUS_BEST, WRT_OBLIVIOUS_SCAN, 0},
                 {4097, 64, WRT_OBLIVIOUS_BEST, WRT_OBLIVIOUS_TREE, 2},
                 {4096, 1024, WRT_OBLIVIOUS_BEST, WRT_OBLIVIOUS_TREE, 1},
                 {4096, 16, WRT_OBLIVIOUS_TREE, WRT_OBLIVIOUS_TREE, 1},
                 {65537, 16, WRT_OBLIVIOUS_TREE, WRT_OBLIVIOUS_TREE, 3}};

    (void)unused;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f = make(cases[i].count, cases[i].bytes, cases[i].kind, 0);
        wrt_oblivious_get_info(f.store, &info);
        assert_int_equal(info.kind, cases[i].becomes);
        assert_int_equal(info.tree_count, cases[i].trees);
        assert_int_equal(info.stash_blocks, cases[i].trees > 0 ? 96 : 0);
        assert_int_equal(info.block_count, cases[i].count);
        unmake(&f);
    }
}

static void bad_input(void **unused)
{
    static const struct {
        struct wrt_oblivious_config config;
        enum wrt_status status;
    } cases[] = {
        {{.block_count = 0, .block_bytes = 8}, WRT_ERR_ARGUMENT},
        {{.block_count = 8, .block_bytes = 0}, WRT_ERR_ARGUMENT},
        {{.block_count = WRT_OBLIVIOUS_MAX_BLOCKS + 1, .block_bytes = 8}, WRT_ERR_ARGUMENT},
        {{.block_count = 8, .block_bytes = WRT_OBLIVIOUS_MAX_BLOCK_BYTES + 1}, WRT_ERR_ARGUMENT},
        {{.block_count = 8, .block_bytes = 8, .kind = (enum wrt_oblivious_kind)3}, WRT_ERR_ARGUMENT},
        {{.block_count = 8, .block_bytes = 8, .stash_blocks = WRT_OBLIVIOUS_MAX_STASH + 1},
         WRT_ERR_ARGUMENT}};
    static _Alignas(64) uint8_t storage[1 << 16];
    struct wrt_oblivious *store = NULL;
    size_t size = 7;

    (void)unused;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(wrt_oblivious_storage_bytes(&cases[i].config, &size), cases[i].status);
        assert_int_equal(wrt_oblivious_create(&cases[i].config, storage, sizeof storage, &store),
                         cases[i].status);
    }
    assert_int_equal(size, 7);
    const struct wrt_oblivious_config good = {.block_count = 8, .block_bytes = 8};
    assert_int_equal(wrt_oblivious_storage_bytes(&good, &size), WRT_OK);
    assert_int_equal(wrt_oblivious_create(&good, NULL, size, &store), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_oblivious_create(&good, storage + 8, size, &store), WRT_ERR_ALIGNMENT);
    assert_int_equal(wrt_oblivious_create(&good, storage, size - 1, &store), WRT_ERR_NO_SPACE);
    assert_null(store);
    wrt_oblivious_destroy(NULL);
}

static void an_index_too_large(void **unused)
{
    (void)unused;
    for (int kind = WRT_OBLIVIOUS_SCAN; kind <= WRT_OBLIVIOUS_TREE; kind++) {
        struct fixture f = make(10, 16, (enum wrt_oblivious_kind)kind, 0);
        uint8_t *copy = malloc(f.size), block[16] = {1, 2, 3};
        assert_non_null(copy);
        memcpy(copy, f.storage, f.size);
        assert_int_equal(wrt_oblivious_access(f.store, 10, 1, block), WRT_ERR_BOUNDS);
        assert_int_equal(wrt_oblivious_access(f.store, UINT64_C(1) << 32, 0, block), WRT_ERR_BOUNDS);
        assert_int_equal(wrt_oblivious_access(f.store, UINT64_MAX, 0, block), WRT_ERR_BOUNDS);
        assert_memory_equal(copy, f.storage, f.size);
        assert_int_equal(block[2], 3);
        free(copy);
        unmake(&f);
    }
}

static void seeds_from_the_system_differ(void **unused)
{
    const struct wrt_oblivious_config config = {.block_count = 64, .block_bytes = 16,
                                                .kind = WRT_OBLIVIOUS_TREE, .stash_blocks = 4};
    uint8_t *storage[2], block[16] = {9};
    struct wrt_oblivious *store[2];
    size_t size;

    (void)unused;
    assert_int_equal(wrt_oblivious_storage_bytes(&config, &size), WRT_OK);
    for (int i = 0; i < 2; i++) {
        storage[i] = aligned_alloc(WRT_OBLIVIOUS_ALIGNMENT, size);
        assert_non_null(storage[i]);
        assert_int_equal(wrt_oblivious_create(&config, storage[i], size, &store[i]), WRT_OK);
        for (int j = 0; j < 8; j++)
            assert_int_equal(wrt_oblivious_access(store[i], 5, 1, block), WRT_OK);
    }
    /* Behind the structs, which hold addresses: where the block went. */
    assert_memory_not_equal(storage[0] + 2048, storage[1] + 2048, size - 2048);
    for (int i = 0; i < 2; i++)
        free(storage[i]);
}

static void chacha_as_in_rfc_8439(void **unused) /* 2.3.2: counter 1, its nonce in our fields */
{
    static const uint32_t expected[WRT_CHACHA_WORDS] = {
        0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3, 0xc7f4d1c7, 0x0368c033, 0x9aaa2204, 0x4e6cd4c3,
        0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9, 0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2};
    uint8_t key[WRT_CHACHA_KEY_BYTES];
    uint32_t words[WRT_CHACHA_WORDS];
    struct wrt_chacha random;

    (void)unused;
    for (unsigned i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    wrt_chacha_begin(&random, key);
    random.counter = UINT64_C(0x0900000000000001);
    random.nonce = UINT64_C(0x000000004a000000);
    wrt_chacha_block(&random, words);
    assert_memory_equal(words, expected, sizeof words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_as_an_array), cmocka_unit_test(long_blocks),
        cmocka_unit_test(a_full_stash_loses_nothing), cmocka_unit_test(a_refusal_touches_nothing),
        cmocka_unit_test(info_is_right), cmocka_unit_test(bad_input),
        cmocka_unit_test(an_index_too_large), cmocka_unit_test(seeds_from_the_system_differ),
        cmocka_unit_test(chacha_as_in_rfc_8439)};

    return cmocka_run_group_tests_name("oblivious", tests, NULL, NULL);
}
