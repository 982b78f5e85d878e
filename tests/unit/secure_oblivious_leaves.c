/* tests/unit/secure_oblivious_leaves.c - which paths a tree's accesses take: uniformly drawn and
 * independent, whatever is asked for (chi-square), recorded where paths are copied.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The seed is fixed, so the outcome is the same each time; the thresholds are those that chance
 * passes once in 10^6 draws. A twin that does not draw a new leaf must fail them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "secure/mask.h" /* before memcpy is replaced */
#include "wrt/oblivious.h"

#include <stdlib.h>
#include <string.h>

static void *recording_copy(void *to, const void *from, size_t size);
#define memcpy recording_copy
#include "../../src/secure/oblivious_tree.c"
#undef memcpy

enum { BLOCKS = 64, ACCESSES = 6400, GROUPS = 8 };

/* 63 degrees of freedom, p = 10^-6. */
static const double LIMIT_63 = 131.5;

static uint8_t *recorded_from; /* what is loaded from there on is the path of the data tree */
static uint32_t leaves[ACCESSES], recorded;

/* The recorder: the leaf's bucket is the first that load_path copies. */
static void *recording_copy(void *to, const void *from, size_t size)
{
    const uint8_t *at = from;
    const size_t first = (BLOCKS - 1) * size, end = (2 * BLOCKS - 1) * size;

    if (recorded_from != NULL && at >= recorded_from + first && at < recorded_from + end &&
        recorded < ACCESSES)
        leaves[recorded++] = (uint32_t)((size_t)(at - recorded_from) / size) - (BLOCKS - 1);
    return memmove(to, from, size);
}

static double chi_square(const uint32_t *counts, uint32_t cells, double expected)
{
    double sum = 0;

    for (uint32_t i = 0; i < cells; i++)
        sum += ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
    return sum;
}

static double of_leaves(void)
{
    uint32_t counts[BLOCKS] = {0};

    for (uint32_t i = 0; i < recorded; i++)
        counts[leaves[i]]++;
    return chi_square(counts, BLOCKS, (double)recorded / (double)(size_t)BLOCKS);
}

/* Each leaf against the one before: independence, with the margins known. */
static double of_pairs(void)
{
    uint32_t counts[GROUPS * GROUPS] = {0};

    for (uint32_t i = 1; i < recorded; i++)
        counts[leaves[i - 1] % GROUPS * GROUPS + leaves[i] % GROUPS]++;
    return chi_square(counts, GROUPS * GROUPS, (double)(recorded - 1) / (double)(size_t)(GROUPS * GROUPS));
}

/* ---- what is asked for ---- */

static uint32_t always_the_same(uint32_t i) { (void)i; return 7; }
static uint32_t in_turn(uint32_t i) { return i % BLOCKS; }
static uint32_t two_by_turns(uint32_t i) { return i % 2 == 0 ? 3 : 60; }
static uint32_t at_random(uint32_t i) { return (i * UINT32_C(2654435761)) >> 26; }

typedef uint32_t request(uint32_t);
static request *const requests[] = {always_the_same, in_turn, two_by_turns, at_random};

static void run(request *next, bool write)
{
    static const uint8_t seed[WRT_OBLIVIOUS_SEED_BYTES] = "another seed of 32 bytes, told!";
    const struct wrt_oblivious_config config = {.block_count = BLOCKS, .block_bytes = 16,
                                                .kind = WRT_OBLIVIOUS_TREE, .seed = seed};
    static _Alignas(64) uint8_t storage[1 << 17];
    struct wrt_oblivious *store;
    struct wrt_tree tree;
    uint8_t block[16] = {0};

    assert_int_equal(wrt_oblivious_create(&config, storage, sizeof storage, &store), WRT_OK);
    /* The slots are the last region but the map's, of 64 positions. */
    size_t wanted;
    assert_int_equal(wrt_oblivious_storage_bytes(&config, &wanted), WRT_OK);
    wrt_tree_plan(&tree, BLOCKS, 16, 96);
    recorded_from = storage + wanted - 4 * BLOCKS - ((wrt_tree_slots_bytes(&tree) + 63) & ~UINT64_C(63));
    recorded = 0;
    for (uint32_t i = 0; i < ACCESSES; i++)
        assert_int_equal(wrt_oblivious_access(store, next(i), write, block), WRT_OK);
    recorded_from = NULL;
    assert_int_equal(recorded, ACCESSES);
}

static void leaves_are_uniform_and_independent(void **unused)
{
    (void)unused;
    for (size_t r = 0; r < sizeof requests / sizeof requests[0]; r++) {
        for (int write = 0; write <= 1; write++) {
            run(requests[r], write != 0);
            const double alone = of_leaves(), pairs = of_pairs();
            print_message("requests %zu, write %d: chi-square %.1f (63), of pairs %.1f (63)\n", r,
                          write, alone, pairs);
            assert_true(alone < LIMIT_63);
            assert_true(pairs < LIMIT_63);
        }
    }
}

/* Two requests are told apart by their histograms if at all. */
static void histograms_do_not_differ(void **unused)
{
    uint32_t first[BLOCKS] = {0}, second[BLOCKS];

    (void)unused;
    run(at_random, false);
    for (uint32_t i = 0; i < recorded; i++)
        first[leaves[i]]++;
    for (size_t r = 0; r + 1 < sizeof requests / sizeof requests[0]; r++) {
        double sum = 0;
        run(requests[r], true);
        memset(second, 0, sizeof second);
        for (uint32_t i = 0; i < recorded; i++)
            second[leaves[i]]++;
        for (uint32_t i = 0; i < BLOCKS; i++) {
            const double a = first[i], b = second[i];
            sum += (a - b) * (a - b) / (a + b);
        }
        assert_true(sum < LIMIT_63);
    }
}

/* The twin: a block keeps its leaf. Always asking for one, and in turn, must both be found. */
static void a_tree_that_keeps_leaves_is_found(void **unused)
{
    static _Alignas(64) uint8_t slots[1 << 17], work[1 << 15], block[64];
    struct wrt_tree tree;

    (void)unused;
    for (int in_order = 0; in_order <= 1; in_order++) {
        memset(slots, 0, sizeof slots);
        memset(work, 0, sizeof work);
        wrt_tree_plan(&tree, BLOCKS, 16, 96);
        assert_true(wrt_tree_slots_bytes(&tree) <= sizeof slots);
        assert_true(wrt_tree_work_bytes(&tree) <= sizeof work);
        tree.slots = slots, tree.work = work, tree.block = block;
        recorded_from = slots;
        recorded = 0;
        for (uint32_t i = 0; i < ACCESSES; i++) {
            const uint32_t index = in_order ? i % BLOCKS : 7, leaf = index * 37 % BLOCKS;
            wrt_tree_take(&tree, index, leaf);
            wrt_tree_put(&tree, index, leaf, leaf);
        }
        recorded_from = NULL;
        assert_true(in_order ? of_pairs() > LIMIT_63 : of_leaves() > LIMIT_63);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(leaves_are_uniform_and_independent),
                                       cmocka_unit_test(histograms_do_not_differ),
                                       cmocka_unit_test(a_tree_that_keeps_leaves_is_found)};

    return cmocka_run_group_tests_name("oblivious leaves", tests, NULL, NULL);
}
