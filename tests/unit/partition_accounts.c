/* tests/unit/partition_accounts.c - charges, limits, guarantees; the sums are exact.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "partition/node.h"
#include "port.h"
#include "wrt/partition.h"

#include <string.h>

static struct wrt_partition_info info_of(const struct wrt_partition *partition)
{
    struct wrt_partition_info info;
    uint64_t sum = 0;

    wrt_partition_get_info(partition, &info);
    for (int kind = 0; kind < WRT_CHARGE_COUNT; kind++) {
        sum += info.current_bytes[kind];
        assert_true(info.peak_bytes[kind] >= info.current_bytes[kind]);
    }
    assert_int_equal(sum, info.used_bytes);
    assert_true(info.used_bytes <= info.max_bytes);
    assert_true(info.high_water_bytes >= info.used_bytes);
    return info;
}

static struct wrt_partition *make(struct wrt_partition *parent, const char *name, uint64_t min,
                                  uint64_t max)
{
    struct wrt_partition_config config = {.name = name, .min_bytes = min, .max_bytes = max};
    struct wrt_partition *partition;
    struct wrt_error error;

    if (wrt_partition_create(parent, &config, &partition, &error) != WRT_OK)
        fail_msg("%s", error.text);
    return partition;
}

static void destroy(struct wrt_partition *partition)
{
    struct wrt_error error;

    if (wrt_partition_destroy(partition, &error) != WRT_OK)
        fail_msg("%s", error.text);
}

static void blocks_are_charged_to_their_kind(void **state)
{
    struct wrt_partition *p = make(NULL, "p", 0, 1 << 20);
    uint64_t empty = info_of(p).used_bytes;
    void *a, *b;

    (void)state;
    assert_true(empty <= 4096);
    assert_int_equal(wrt_partition_allocate(p, WRT_CHARGE_CODE, 1000, 0, &a, NULL), WRT_OK);
    assert_int_equal(wrt_partition_allocate(p, WRT_CHARGE_TABLE, 100000, 4096, &b, NULL),
                     WRT_OK);
    assert_int_equal((uintptr_t)b % 4096, 0);
    assert_int_equal(info_of(p).current_bytes[WRT_CHARGE_CODE], 1000);
    assert_int_equal(info_of(p).current_bytes[WRT_CHARGE_TABLE], 100000);
    assert_true(info_of(p).used_bytes >= 101000);
    assert_int_equal(wrt_partition_destroy(p, NULL), WRT_ERR_BUSY);
    wrt_partition_free(p, WRT_CHARGE_CODE, a, 1000);
    wrt_partition_free(p, WRT_CHARGE_TABLE, b, 100000);
    assert_int_equal(info_of(p).current_bytes[WRT_CHARGE_CODE], 0);
    assert_int_equal(info_of(p).peak_bytes[WRT_CHARGE_CODE], 1000);
    assert_int_equal(info_of(p).damages, 0);
    destroy(p);
}

static void a_refusal_names_partition_and_limit_and_changes_nothing(void **state)
{
    struct wrt_partition *p = make(NULL, "small", 0, 1 << 20);
    struct wrt_partition_info before = info_of(p);
    struct wrt_error error;
    void *out = NULL;

    (void)state;
    assert_int_equal(wrt_partition_charge(p, WRT_CHARGE_LINEAR, 1 << 20, &error),
                     WRT_ERR_PARTITION_MAX);
    assert_non_null(strstr(error.text, "small"));
    assert_non_null(strstr(error.text, "max 1048576"));
    assert_non_null(strstr(error.text, "4096 too many"));
    assert_int_equal(wrt_partition_allocate(p, WRT_CHARGE_CODE, 2 << 20, 0, &out, &error),
                     WRT_ERR_PARTITION_MAX);
    assert_null(out);
    assert_int_equal(info_of(p).used_bytes, before.used_bytes);
    assert_int_equal(info_of(p).refusals, 2);
    assert_int_equal(wrt_partition_charge(p, WRT_CHARGE_LINEAR, (1 << 20) - before.used_bytes,
                                          &error), WRT_OK);
    assert_int_equal(info_of(p).used_bytes, 1 << 20);
    wrt_partition_uncharge(p, WRT_CHARGE_LINEAR, (1 << 20) - before.used_bytes);
    destroy(p);
}

static void a_parent_refuses_for_its_child(void **state)
{
    struct wrt_partition *root = make(NULL, "root", 0, 1 << 20);
    struct wrt_partition *child = make(root, "child", 0, 0);
    struct wrt_error error;

    (void)state;
    assert_int_equal(info_of(child).max_bytes, 1 << 20);
    assert_int_equal(wrt_partition_charge(child, WRT_CHARGE_LINEAR, 1 << 20, &error),
                     WRT_ERR_PARTITION_MAX);
    assert_non_null(strstr(error.text, "partition root"));
    assert_int_equal(info_of(child).used_bytes, 0);
    assert_int_equal(info_of(child).refusals, 0);
    assert_int_equal(info_of(root).refusals, 1);
    assert_int_equal(wrt_partition_destroy(root, &error), WRT_ERR_BUSY);
    assert_non_null(strstr(error.text, "1 children"));
    destroy(child);
    destroy(root);
}

static void a_minimum_is_taken_at_once_and_used_without_refusal(void **state)
{
    struct wrt_partition *root = make(NULL, "root", 0, 1 << 20);
    struct wrt_partition *one, *two;
    uint64_t base, free_bytes;

    (void)state;
    one = make(root, "one", 512 * 1024, 0);
    two = make(root, "two", 0, 0);
    base = info_of(root).used_bytes - 512 * 1024;
    assert_int_equal(info_of(root).current_bytes[WRT_CHARGE_GUARANTEE], 512 * 1024);
    free_bytes = (1 << 20) - info_of(root).used_bytes;
    assert_int_equal(wrt_partition_charge(two, WRT_CHARGE_LINEAR, free_bytes + 1, NULL),
                     WRT_ERR_PARTITION_MAX);
    assert_int_equal(wrt_partition_charge(two, WRT_CHARGE_LINEAR, free_bytes, NULL), WRT_OK);
    assert_int_equal(wrt_partition_charge(one, WRT_CHARGE_LINEAR, 512 * 1024, NULL), WRT_OK);
    assert_int_equal(info_of(root).current_bytes[WRT_CHARGE_GUARANTEE], 0);
    assert_int_equal(wrt_partition_charge(one, WRT_CHARGE_LINEAR, 1, NULL),
                     WRT_ERR_PARTITION_MAX);
    wrt_partition_uncharge(two, WRT_CHARGE_LINEAR, free_bytes);
    assert_int_equal(wrt_partition_charge(one, WRT_CHARGE_LINEAR, 1, NULL), WRT_OK);
    wrt_partition_uncharge(one, WRT_CHARGE_LINEAR, 512 * 1024 + 1);
    assert_int_equal(info_of(root).current_bytes[WRT_CHARGE_GUARANTEE], 512 * 1024);
    assert_int_equal(info_of(root).used_bytes, base + 512 * 1024);
    destroy(one);
    destroy(two);
    assert_int_equal(info_of(root).current_bytes[WRT_CHARGE_RUNTIME], 0);
    assert_int_equal(info_of(root).current_bytes[WRT_CHARGE_GUARANTEE], 0);
    destroy(root);
}

static uint64_t random_state = 0x9E3779B97F4A7C15u;

static uint32_t random_below(uint32_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 33) % bound;
}

/* Three levels, random charges: each node's sums hold after each step (info_of), and the
 * root ends where it began. */
static void sums_hold_after_any_sequence(void **state)
{
    struct wrt_partition *node[4];
    uint64_t held[4][WRT_CHARGE_SYNC + 1] = {{0}};
    uint64_t start;

    (void)state;
    node[0] = make(NULL, "root", 0, 4 << 20);
    start = info_of(node[0]).used_bytes;
    node[1] = make(node[0], "a", 1 << 20, 2 << 20);
    node[2] = make(node[1], "a.a", 300000, 600000);
    node[3] = make(node[1], "a.b", 200000, 0);
    for (int step = 0; step < 20000; step++) {
        uint32_t n = random_below(4);
        uint32_t kind = random_below(WRT_CHARGE_SYNC + 1);
        uint64_t size = random_below(200000);

        if (random_below(2) != 0) {
            if (wrt_partition_charge(node[n], (enum wrt_charge)kind, size, NULL) == WRT_OK)
                held[n][kind] += size;
        } else if (size <= held[n][kind]) {
            wrt_partition_uncharge(node[n], (enum wrt_charge)kind, size);
            held[n][kind] -= size;
        }
        for (int i = 0; i < 4; i++)
            info_of(node[i]);
    }
    for (int n = 3; n >= 0; n--)
        for (uint32_t kind = 0; kind <= WRT_CHARGE_SYNC; kind++)
            wrt_partition_uncharge(node[n], (enum wrt_charge)kind, held[n][kind]);
    destroy(node[3]);
    destroy(node[2]);
    destroy(node[1]);
    assert_int_equal(info_of(node[0]).used_bytes - info_of(node[0]).current_bytes[WRT_CHARGE_ARENA],
                     0);
    assert_true(start <= info_of(node[0]).used_bytes);
    destroy(node[0]);
}

static void bad_configurations_are_refused_by_name(void **state)
{
    const struct wrt_partition_config wrong[] = {
        {.name = "min-above-max", .min_bytes = 2, .max_bytes = 1},
        {.name = "reserved-above-max", .reserved_bytes = 2 << 20, .max_bytes = 1 << 20},
        {.name = "level", .verification = (enum wrt_verification_level)9},
        {.name = "above-parent", .max_bytes = 2 << 20},
        {.name = "too-much", .min_bytes = (1 << 20) - 1},
        {.name = ""},
        {.name = "a-name-that-is-longer-than-31-bytes"},
    };
    struct wrt_partition *root = make(NULL, "root", 0, 1 << 20);
    struct wrt_partition *out = NULL;
    struct wrt_error error;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_true(wrt_partition_create(root, &wrong[i], &out, &error) < 0);
        if (i < 4)
            assert_non_null(strstr(error.text, wrong[i].name));
        assert_null(out);
        assert_int_equal(info_of(root).children, 0);
        assert_int_equal(info_of(root).current_bytes[WRT_CHARGE_RUNTIME], 0);
    }
    destroy(root);
}

static void wrong_frees_are_refused_and_counted(void **state)
{
    struct wrt_partition *p = make(NULL, "p", 0, 0);
    void *block;

    (void)state;
    assert_int_equal(wrt_partition_allocate(p, WRT_CHARGE_HOST, 100, 0, &block, NULL), WRT_OK);
    wrt_partition_free(p, WRT_CHARGE_HOST, block, 99);
    assert_int_equal(info_of(p).damages, 1);
    assert_int_equal(info_of(p).current_bytes[WRT_CHARGE_HOST], 100);
    wrt_partition_free(p, WRT_CHARGE_HOST, block, 100);
    wrt_partition_free(p, WRT_CHARGE_HOST, block, 100);
    assert_int_equal(info_of(p).damages, 2);
    assert_int_equal(wrt_partition_allocate(p, WRT_CHARGE_ARENA, 1, 0, &block, NULL),
                     WRT_ERR_ARGUMENT);
    destroy(p);
}

static void a_reserve_is_held_from_the_start(void **state)
{
    struct wrt_partition_config config = {.name = "r", .max_bytes = 4 << 20,
                                          .reserved_bytes = 200000};
    struct wrt_partition *p;
    uint64_t held;
    void *block[10];

    (void)state;
    assert_int_equal(wrt_partition_create(NULL, &config, &p, NULL), WRT_OK);
    held = info_of(p).used_bytes;
    assert_true(held >= 200000);
    assert_int_equal(info_of(p).reserved_bytes, 200000);
    for (int i = 0; i < 5; i++)
        assert_int_equal(wrt_partition_allocate(p, WRT_CHARGE_CODE, 30000, 0, &block[i], NULL),
                         WRT_OK);
    assert_int_equal(info_of(p).used_bytes, held); /* served by what was there */
    for (int i = 0; i < 5; i++)
        wrt_partition_free(p, WRT_CHARGE_CODE, block[i], 30000);
    destroy(p);
    config.max_bytes = 100000;
    assert_int_equal(wrt_partition_create(NULL, &config, &p, NULL), WRT_ERR_ARGUMENT);
    config.max_bytes = 200000; /* not enough for the reserve in whole arenas */
    assert_int_equal(wrt_partition_create(NULL, &config, &p, NULL), WRT_ERR_PARTITION_MAX);
}

static void kept_memory_never_causes_a_refusal(void **state)
{
    struct wrt_partition *p = make(NULL, "p", 0, 1 << 20);
    uint64_t rest;
    void *block[20];

    (void)state;
    for (int i = 0; i < 20; i++)
        assert_int_equal(wrt_partition_allocate(p, WRT_CHARGE_CODE, 30000, 0, &block[i], NULL),
                         WRT_OK);
    for (int i = 0; i < 20; i++)
        wrt_partition_free(p, WRT_CHARGE_CODE, block[i], 30000);
    rest = (1 << 20) - 4096;
    assert_int_equal(wrt_partition_charge(p, WRT_CHARGE_LINEAR, rest, NULL), WRT_OK);
    wrt_partition_uncharge(p, WRT_CHARGE_LINEAR, rest);
    destroy(p);
}

/* What was not charged under a kind is not given back under it, at any level. */
static void uncharging_another_kind_is_refused(void **state)
{
    (void)state;
    for (int level = WRT_VERIFY_OFF; level <= WRT_VERIFY_CRITICAL; level++) {
        struct wrt_partition_config config = {
            .name = "u", .verification = (enum wrt_verification_level)level};
        struct wrt_partition *p;

        assert_int_equal(wrt_partition_create(NULL, &config, &p, NULL), WRT_OK);
        assert_int_equal(wrt_partition_charge(p, WRT_CHARGE_LINEAR, 100, NULL), WRT_OK);
        const uint64_t used = info_of(p).used_bytes;
        wrt_partition_uncharge(p, WRT_CHARGE_CODE, 100);
        wrt_partition_uncharge(p, WRT_CHARGE_LINEAR, 101);
        wrt_partition_uncharge(p, WRT_CHARGE_COUNT, 100);
        assert_int_equal(info_of(p).used_bytes, used);
        assert_int_equal(info_of(p).damages, 3);
        wrt_partition_uncharge(p, WRT_CHARGE_LINEAR, 100);
        assert_int_equal(wrt_partition_destroy(p, NULL), WRT_OK);
    }
}

/* The check "sum": a flipped bit in the count of a kind, where a charge does not look at it. */
static void sum_finds_a_flipped_count_from_full_up(void **state)
{
    (void)state;
    for (int level = WRT_VERIFY_OFF; level <= WRT_VERIFY_CRITICAL; level++) {
        struct wrt_partition_config config = {
            .name = "s", .verification = (enum wrt_verification_level)level};
        struct wrt_partition *p;
        struct wrt_error error;
        bool is_found = level >= WRT_VERIFY_FULL;

        assert_int_equal(wrt_partition_create(NULL, &config, &p, NULL), WRT_OK);
        p->account.current_bytes[WRT_CHARGE_CODE] ^= UINT64_C(1) << 40;
        assert_int_equal(wrt_partition_charge(p, WRT_CHARGE_HOST, 1, &error),
                         is_found ? WRT_ERR_CORRUPT : WRT_OK);
        if (is_found)
            assert_non_null(strstr(error.text, "code"));
        else
            wrt_partition_uncharge(p, WRT_CHARGE_HOST, 1);
        p->account.current_bytes[WRT_CHARGE_CODE] ^= UINT64_C(1) << 40;
        assert_int_equal(wrt_partition_destroy(p, NULL), WRT_OK);
    }
}

/* Two tenants in two threads below one root: the sums are exact when they are done. */
static void run_tenant(void *context)
{
    struct wrt_partition *partition = context;

    for (int i = 0; i < 5000; i++) {
        size_t size = 1 + (size_t)i * 37 % 40000;
        void *block;

        if (wrt_partition_charge(partition, WRT_CHARGE_LINEAR, size, NULL) != WRT_OK)
            continue;
        if (wrt_partition_allocate(partition, WRT_CHARGE_CODE, size, 0, &block, NULL) == WRT_OK)
            wrt_partition_free(partition, WRT_CHARGE_CODE, block, size);
        wrt_partition_uncharge(partition, WRT_CHARGE_LINEAR, size);
    }
}

static void tenants_in_threads_leave_exact_sums(void **state)
{
    struct wrt_partition *root = make(NULL, "root", 0, 8 << 20);
    struct wrt_partition *tenant[2] = {make(root, "a", 100000, 0), make(root, "b", 0, 1 << 20)};
    struct wrt_port_thread_config config = {0};
    struct wrt_port_thread thread[2];

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(wrt_port_thread_create(&config, run_tenant, tenant[i], &thread[i]),
                         WRT_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(wrt_port_thread_join(&thread[i]), WRT_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(info_of(tenant[i]).current_bytes[WRT_CHARGE_CODE], 0);
        assert_int_equal(info_of(tenant[i]).current_bytes[WRT_CHARGE_LINEAR], 0);
        assert_int_equal(info_of(tenant[i]).damages, 0);
        destroy(tenant[i]);
    }
    assert_int_equal(info_of(root).current_bytes[WRT_CHARGE_CODE], 0);
    assert_int_equal(info_of(root).current_bytes[WRT_CHARGE_GUARANTEE], 0);
    destroy(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_charged_to_their_kind),
        cmocka_unit_test(a_refusal_names_partition_and_limit_and_changes_nothing),
        cmocka_unit_test(a_parent_refuses_for_its_child),
        cmocka_unit_test(a_minimum_is_taken_at_once_and_used_without_refusal),
        cmocka_unit_test(sums_hold_after_any_sequence),
        cmocka_unit_test(bad_configurations_are_refused_by_name),
        cmocka_unit_test(wrong_frees_are_refused_and_counted),
        cmocka_unit_test(a_reserve_is_held_from_the_start),
        cmocka_unit_test(uncharging_another_kind_is_refused),
        cmocka_unit_test(sum_finds_a_flipped_count_from_full_up),
        cmocka_unit_test(tenants_in_threads_leave_exact_sums),
        cmocka_unit_test(kept_memory_never_causes_a_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
