/* tests/unit/partition_lines.c - no two tenants share a page, so none shares a cache line: what is
 * given to one partition lies in pages of its own, whatever is allocated, freed and grown in turn.
 * SPDX-License-Identifier: Apache-2.0
 *
 * By the addresses themselves. The twin, two users of one partition, must be found to share.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wrt/memory.h"
#include "wrt/partition.h"

#include <stdlib.h>
#include <string.h>

enum { TENANTS = 3, BLOCKS = 400, MOST_PAGES = 1 << 16, PAGE = 4096 };

struct block {
    void *at;
    size_t size;
};

struct tenant {
    struct wrt_partition *partition;
    struct block blocks[BLOCKS];
};

static uint64_t random_state = 1;

static uint32_t below(uint32_t bound) /* Knuth's MMIX generator; the high bits are good */
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((random_state >> 32) * bound >> 32);
}

/* Which tenant has a page: a table by hash of the page's number, open addressing. */
static struct {
    uintptr_t page;
    int owner;
} owners[MOST_PAGES];
static unsigned shared;

static void claim(const struct block *block, int owner)
{
    const uintptr_t first = (uintptr_t)block->at / PAGE;
    const uintptr_t last = ((uintptr_t)block->at + block->size - 1) / PAGE;

    for (uintptr_t page = first; page <= last; page++) {
        size_t at = (page * UINT64_C(0x9E3779B97F4A7C15)) >> 48;
        while (owners[at].page != 0 && owners[at].page != page)
            at = (at + 1) % MOST_PAGES;
        if (owners[at].page == page && owners[at].owner != owner)
            shared++;
        owners[at].page = page;
        owners[at].owner = owner;
    }
}

/* The pages of all live blocks; how many have two owners. */
static unsigned count_shared(const struct tenant *tenants)
{
    memset(owners, 0, sizeof owners);
    shared = 0;
    for (int t = 0; t < TENANTS; t++) {
        for (int b = 0; b < BLOCKS; b++) {
            if (tenants[t].blocks[b].at != NULL)
                claim(&tenants[t].blocks[b], t);
        }
    }
    return shared;
}

static void allocate(struct tenant *tenant, struct block *block)
{
    static const uint32_t most[] = {16, 64, 200, 3000, 20000, 300000};

    block->size = 1 + below(most[below(6)]);
    assert_int_equal(wrt_partition_allocate(tenant->partition, WRT_CHARGE_DATA, block->size, 0,
                                            &block->at, NULL), WRT_OK);
    memset(block->at, 0xA5, block->size);
}

static void release(struct tenant *tenant, struct block *block)
{
    wrt_partition_free(tenant->partition, WRT_CHARGE_DATA, block->at, block->size);
    *block = (struct block){0};
}

/* Tenants allocate and free by turns, so that freed memory is there to be given to another. */
static void churn(struct tenant *tenants)
{
    for (int step = 0; step < 20000; step++) {
        struct tenant *tenant = &tenants[below(TENANTS)];
        struct block *block = &tenant->blocks[below(BLOCKS)];
        if (block->at == NULL)
            allocate(tenant, block);
        else
            release(tenant, block);
        if (step % 2000 == 0)
            assert_int_equal(count_shared(tenants), 0);
    }
}

static void empty(struct tenant *tenants)
{
    for (int t = 0; t < TENANTS; t++) {
        for (int b = 0; b < BLOCKS; b++) {
            if (tenants[t].blocks[b].at != NULL)
                release(&tenants[t], &tenants[t].blocks[b]);
        }
    }
}

static void run(bool is_child)
{
    static struct tenant tenants[TENANTS];
    struct wrt_partition *root = NULL;

    memset(tenants, 0, sizeof tenants);
    if (is_child)
        assert_int_equal(wrt_partition_create(NULL, NULL, &root, NULL), WRT_OK);
    for (int t = 0; t < TENANTS; t++)
        assert_int_equal(wrt_partition_create(root, NULL, &tenants[t].partition, NULL), WRT_OK);
    churn(tenants);
    assert_int_equal(count_shared(tenants), 0);
    empty(tenants);
    for (int t = 0; t < TENANTS; t++)
        assert_int_equal(wrt_partition_destroy(tenants[t].partition, NULL), WRT_OK);
    if (is_child)
        assert_int_equal(wrt_partition_destroy(root, NULL), WRT_OK);
}

static void partitions_of_one_tree_share_no_page(void **state)
{
    (void)state;
    run(true);
}

static void roots_share_no_page(void **state)
{
    (void)state;
    run(false);
}

static void one_partition_shared_by_all_is_found(void **state)
{
    static struct tenant tenants[TENANTS];
    struct wrt_partition *partition;

    (void)state;
    assert_int_equal(wrt_partition_create(NULL, NULL, &partition, NULL), WRT_OK);
    for (int t = 0; t < TENANTS; t++) {
        tenants[t].partition = partition;
        for (int b = 0; b < BLOCKS; b++)
            allocate(&tenants[t], &tenants[t].blocks[b]);
    }
    assert_true(count_shared(tenants) > 0);
    empty(tenants);
    assert_int_equal(wrt_partition_destroy(partition, NULL), WRT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partitions_of_one_tree_share_no_page), cmocka_unit_test(roots_share_no_page),
        cmocka_unit_test(one_partition_shared_by_all_is_found)};

    return cmocka_run_group_tests_name("pages of tenants", tests, NULL, NULL);
}
