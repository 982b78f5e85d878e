/* partition_schedules.c - charging, giving back and moving limits under every schedule of a few
 * preemptions.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The accounting tree itself is compiled here with a step before each atomic operation. After
 * every step: used <= max (C1), and a parent's use covers what its children may use (C2). At the
 * end the sums are exact, and so are the kinds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void step(void);

#define __atomic_load_n(p, order) (step(), __atomic_load_n(p, order))
#define __atomic_compare_exchange_n(p, expected, desired, weak, success, failure) \
    (step(), __atomic_compare_exchange_n(p, expected, desired, weak, success, failure))

#include "../../src/arena/account.c"

#include "schedules.h"

/* ---- a root, a child with a minimum, a grandchild below it, and a child without ---- */

enum node { ROOT, MIDDLE, LEAF, OTHER, NODES };

static struct wrt_account_tree tree;
static struct wrt_account nodes[NODES];
static uint64_t held[NODES]; /* what stands charged at each */
static enum wrt_status answers[8];

static uint64_t share_of(enum node node)
{
    return share(wrt_account_used(&nodes[node]), wrt_account_limits(&nodes[node]).min_bytes);
}

static uint64_t shares_below(enum node node)
{
    return node == ROOT ? share_of(MIDDLE) + share_of(OTHER) : node == MIDDLE ? share_of(LEAF) : 0;
}

static void look(void)
{
    for (enum node node = ROOT; node < NODES; node++) {
        assert_true(wrt_account_used(&nodes[node]) <= wrt_account_limits(&nodes[node]).max_bytes);
        assert_true(wrt_account_used(&nodes[node]) >= held[node] + shares_below(node));
    }
}

static void judge_sums(void)
{
    for (enum node node = ROOT; node < NODES; node++) {
        struct wrt_partition_info info;
        uint64_t sum = 0;

        wrt_account_read(&nodes[node], &info);
        assert_int_equal(info.used_bytes, held[node] + shares_below(node));
        for (int kind = 0; kind < WRT_CHARGE_COUNT; kind++)
            sum += info.current_bytes[kind];
        assert_int_equal(sum, info.used_bytes);
        assert_true(info.high_water_bytes >= info.used_bytes);
    }
}

static void add(enum node node, enum node parent, uint64_t min_bytes, uint64_t max_bytes)
{
    assert_int_equal(wrt_account_init_child(&nodes[node], &nodes[parent], "node", min_bytes,
                                            max_bytes, NULL), WRT_OK);
}

static void build(uint64_t root_max, uint64_t middle_min, uint64_t leaf_min)
{
    world.look = look;
    memset(held, 0, sizeof held);
    for (size_t i = 0; i < 8; i++)
        answers[i] = WRT_ERR_STATE;
    assert_int_equal(wrt_account_init_root(&nodes[ROOT], &tree, "root", 0, root_max), WRT_OK);
    add(MIDDLE, ROOT, middle_min, root_max);
    add(LEAF, MIDDLE, leaf_min, root_max);
    add(OTHER, ROOT, 0, root_max);
}

static enum wrt_status charge(enum node node, uint64_t size_bytes)
{
    enum wrt_status status = wrt_account_charge(&nodes[node], WRT_CHARGE_HOST, size_bytes, NULL);

    if (status == WRT_OK)
        held[node] += size_bytes;
    else
        assert_int_equal(status, WRT_ERR_PARTITION_MAX);
    return status;
}

static void uncharge(enum node node, uint64_t size_bytes)
{
    held[node] -= size_bytes; /* before: a look may come in between */
    wrt_account_uncharge(&nodes[node], WRT_CHARGE_HOST, size_bytes);
}

/* ---- two that want what is left of the root, through a minimum that one of them has ---- */

static void set_up_tight(void) { build(160, 100, 0); }

static void use_tight(uint32_t task)
{
    const enum node node = task == 0 ? LEAF : OTHER;
    const uint64_t size_bytes = task == 0 ? 150 : 40;

    answers[task] = charge(node, size_bytes);
    if (answers[task] == WRT_OK)
        uncharge(node, size_bytes / 2);
}

/* 60 are left beside the minimum: who comes first gets them, the other one may. */
static void judge_tight(void)
{
    judge_sums();
    assert_true(answers[0] == WRT_OK || answers[1] == WRT_OK);
}

static void test_tight(void **state)
{
    (void)state;
    explore(2, 3, set_up_tight, use_tight, judge_tight);
}

/* ---- nobody keeps a partition from its own minimum ---- */

static void set_up_guaranteed(void) { build(200, 100, 100); }

static void use_guaranteed(uint32_t task)
{
    if (task < 2) {
        answers[task] = charge(LEAF, 50);
        return;
    }
    answers[task] = charge(OTHER, 100);
    if (answers[task] == WRT_OK)
        uncharge(OTHER, 1);
    (void)!charge(OTHER, 50);
}

static void judge_guaranteed(void)
{
    judge_sums();
    for (int task = 0; task < 3; task++)
        assert_int_equal(answers[task], WRT_OK);
}

static void test_guaranteed(void **state)
{
    (void)state;
    explore(3, 2, set_up_guaranteed, use_guaranteed, judge_guaranteed);
}

/* ---- a minimum that moves while it is used ---- */

static void set_up_moving(void) { build(400, 100, 0); }

static void use_moving(uint32_t task)
{
    static const uint64_t minimums[] = {20, 200, 60};

    if (task == 1) {
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(wrt_account_set_limits(&nodes[MIDDLE], minimums[i], 400, NULL),
                             WRT_OK);
        return;
    }
    assert_int_equal(charge(LEAF, 80), WRT_OK);
    uncharge(LEAF, 50);
    assert_int_equal(charge(LEAF, 90), WRT_OK);
}

static void test_moving(void **state)
{
    (void)state;
    explore(2, 2, set_up_moving, use_moving, judge_sums);
}

/* ---- a maximum that falls under a charge ---- */

static void set_up_falling(void) { build(400, 0, 0); }

static void use_falling(uint32_t task)
{
    if (task == 0) {
        answers[0] = charge(LEAF, 60);
        return;
    }
    answers[1] = wrt_account_set_limits(&nodes[MIDDLE], 0, 50, NULL);
}

static void judge_falling(void)
{
    judge_sums();
    assert_true((answers[0] == WRT_OK && answers[1] == WRT_ERR_BUSY) ||
                (answers[0] == WRT_ERR_PARTITION_MAX && answers[1] == WRT_OK));
}

static void test_falling(void **state)
{
    (void)state;
    explore(2, 3, set_up_falling, use_falling, judge_falling);
}

/* ---- three at once ---- */

static void set_up_three(void) { build(160, 60, 40); }

static void use_three(uint32_t task)
{
    if (task == 2) {
        (void)!wrt_account_set_limits(&nodes[LEAF], 70, 160, NULL);
        return;
    }
    if (charge(task == 0 ? LEAF : OTHER, 90) == WRT_OK)
        uncharge(task == 0 ? LEAF : OTHER, 80);
}

static void test_three(void **state)
{
    (void)state;
    explore(3, 2, set_up_three, use_three, judge_sums);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tight),   cmocka_unit_test(test_guaranteed),
        cmocka_unit_test(test_moving),  cmocka_unit_test(test_falling),
        cmocka_unit_test(test_three),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
