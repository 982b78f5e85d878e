/* core_edges.c - what configurations of arenas and partitions are refused one by one, the cache
 * of arenas at exactly its limits, and looking for the piece that an address lies in.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wrt/wrt.h"

static void refused_arena(const struct wrt_arena_config *config, enum wrt_status expected)
{
    struct wrt_arena arena;
    struct wrt_error error = {0};

    assert_string_equal(wrt_status_name(wrt_arena_init(&arena, config, &error)),
                        wrt_status_name(expected));
    assert_true(error.text[0] != '\0');
}

static void arenas_refuse(void **state)
{
    static uint8_t storage[65536] __attribute__((aligned(4096)));
    struct wrt_arena parent;
    struct wrt_arena_config config;

    (void)state;
    refused_arena(&(struct wrt_arena_config){.static_block = storage,
                                             .static_block_bytes = SIZE_MAX}, WRT_ERR_ARGUMENT);
    refused_arena(&(struct wrt_arena_config){.static_block_bytes = 65536}, WRT_ERR_ARGUMENT);
    refused_arena(&(struct wrt_arena_config){.static_block = storage, .static_block_bytes = 4095},
                  WRT_ERR_ARGUMENT);
    refused_arena(&(struct wrt_arena_config){.tags = (enum wrt_tagging)77}, WRT_ERR_ARGUMENT);
    refused_arena(&(struct wrt_arena_config){.static_block = storage,
                                             .static_block_bytes = sizeof storage,
                                             .tags = WRT_TAGGING_REQUIRED}, WRT_ERR_UNSUPPORTED);
    assert_int_equal(wrt_arena_init(&parent, NULL, NULL), WRT_OK);
    config = (struct wrt_arena_config){.parent = &parent, .tags = WRT_TAGGING_REQUIRED};
    refused_arena(&config, WRT_ERR_UNSUPPORTED);
    wrt_arena_deinit(&parent);
}

/* 4,095 bytes are refused, 0 is as if it was not there, 4,096 are taken. */
static void an_arena_size_of_the_environment_has_an_end(void **state)
{
    static const struct { const char *text; enum wrt_status expected; } cases[] = {
        {"4095", WRT_ERR_ARGUMENT}, {"1", WRT_ERR_ARGUMENT},       {"0", WRT_OK},
        {"4096", WRT_OK},           {"99999999", WRT_ERR_ARGUMENT},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wrt_arena_config config = {0};
        struct wrt_error error = {0};

        setenv("WRT_ARENA_SIZE", cases[i].text, 1);
        assert_int_equal(wrt_arena_config_from_environment(&config, &error), cases[i].expected);
        assert_true((cases[i].expected == WRT_OK) || strstr(error.text, "WRT_ARENA_SIZE") != NULL);
    }
    unsetenv("WRT_ARENA_SIZE");
}

/* Freed arenas are kept up to the limit, the byte that fills it included, and no further. */
static void the_cache_is_full_at_exactly_its_limit(void **state)
{
    enum { ARENA = 32768, BLOCK = 30000, KEPT = 2 };
    const struct wrt_arena_config by_bytes = {.no_quick = true, .cache_bytes = KEPT * ARENA};
    const struct wrt_arena_config by_count = {.no_quick = true, .cache_blocks = KEPT};
    const struct wrt_arena_config *const configs[] = {&by_bytes, &by_count};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct wrt_arena arena;
        struct wrt_arena_info info;
        void *blocks[KEPT + 2];

        assert_int_equal(wrt_arena_init(&arena, configs[i], NULL), WRT_OK);
        for (int b = 0; b < KEPT + 2; b++)
            assert_int_equal(wrt_arena_allocate(&arena, BLOCK, 0, &blocks[b], NULL), WRT_OK);
        for (int b = 0; b < KEPT + 2; b++)
            assert_int_equal(wrt_arena_free(&arena, blocks[b]), WRT_OK);
        wrt_arena_get_info(&arena, &info);
        assert_int_equal(info.cached_arenas, KEPT);
        assert_int_equal(info.cached_bytes, KEPT * ARENA);
        assert_int_equal(info.arenas_returned, 2);
        wrt_arena_deinit(&arena);
    }
}

/* Without quick lists no block is kept unmerged, and none is found there. */
static void no_quick_is_no_quick(void **state)
{
    const struct wrt_arena_config none = {.no_quick = true};
    struct wrt_arena plain, quick;
    struct wrt_arena_info info;
    void *block;

    (void)state;
    assert_int_equal(wrt_arena_init(&plain, &none, NULL), WRT_OK);
    assert_int_equal(wrt_arena_init(&quick, NULL, NULL), WRT_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(wrt_arena_allocate(&plain, 100, 0, &block, NULL), WRT_OK);
        assert_int_equal(wrt_arena_free(&plain, block), WRT_OK);
        assert_int_equal(wrt_arena_allocate(&quick, 100, 0, &block, NULL), WRT_OK);
        assert_int_equal(wrt_arena_free(&quick, block), WRT_OK);
    }
    wrt_arena_get_info(&plain, &info);
    assert_int_equal(info.quick_hits, 0);
    assert_int_equal(info.quick_blocks, 0);
    wrt_arena_get_info(&quick, &info);
    assert_int_equal(info.quick_hits, 2);
    assert_int_equal(info.quick_blocks, 1);
    wrt_arena_deinit(&quick);
    wrt_arena_deinit(&plain);
}

static bool stop_at_second(void *context, const struct wrt_arena_piece *piece)
{
    (void)piece;
    return ++*(int *)context < 2;
}

static void pieces_are_found_by_address(void **state)
{
    struct wrt_arena arena;
    struct wrt_arena_piece piece;
    void *small, *kept, *large;
    int visits = 0;

    (void)state;
    assert_int_equal(wrt_arena_init(&arena, NULL, NULL), WRT_OK);
    assert_int_equal(wrt_arena_allocate(&arena, 100, 0, &small, NULL), WRT_OK);
    assert_int_equal(wrt_arena_allocate(&arena, 200, 0, &kept, NULL), WRT_OK);
    assert_int_equal(wrt_arena_allocate(&arena, 100000, 0, &large, NULL), WRT_OK);
    assert_true(wrt_arena_find(&arena, (char *)small + 99, &piece));
    assert_ptr_equal(piece.address, small);
    assert_int_equal(piece.size_bytes, 100);
    assert_int_equal(piece.kind, WRT_PIECE_LIVE);
    assert_true(wrt_arena_find(&arena, (char *)kept - 1, &piece)); /* its header */
    assert_ptr_equal(piece.address, kept);
    assert_true(wrt_arena_find(&arena, (char *)large + 50000, &piece));
    assert_int_equal(piece.kind, WRT_PIECE_LARGE);
    assert_int_equal(piece.size_bytes, 100000);
    assert_int_equal(wrt_arena_free(&arena, small), WRT_OK);
    assert_true(wrt_arena_find(&arena, small, &piece));
    assert_int_equal(piece.kind, WRT_PIECE_QUICK);
    assert_true(wrt_arena_find(&arena, (char *)kept + 1000, &piece));
    assert_int_equal(piece.kind, WRT_PIECE_FREE);
    assert_false(wrt_arena_find(&arena, &arena, &piece));
    wrt_arena_walk(&arena, stop_at_second, &visits);
    assert_int_equal(visits, 2);
    wrt_arena_deinit(&arena);
}

/* ---- partitions ---- */

static void refused(struct wrt_partition *parent, const struct wrt_partition_config *config,
                    enum wrt_status expected, const char *word)
{
    struct wrt_partition *out = NULL;
    struct wrt_error error = {0};
    enum wrt_status status = wrt_partition_create(parent, config, &out, &error);

    if (status != expected || strstr(error.text, word) == NULL || out != NULL)
        fail_msg("%s: %s; expected %s with '%s'", wrt_status_name(status), error.text,
                 wrt_status_name(expected), word);
}

static void partitions_refuse(void **state)
{
    static const char *const names[] = {"a b", "a\"b", "a\\b", "a\x7F", "\x1F", "",
                                        "12345678901234567890123456789012"};

    (void)state;
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        refused(NULL, &(struct wrt_partition_config){.name = names[i]}, WRT_ERR_ARGUMENT, "name");
    refused(NULL, &(struct wrt_partition_config){.cpu_permille = UINT32_MAX}, WRT_ERR_ARGUMENT,
            "cpu_permille");
    refused(NULL, &(struct wrt_partition_config){.seal = (enum wrt_seal_method)9},
            WRT_ERR_ARGUMENT, "seal");
    refused(NULL, &(struct wrt_partition_config){.isolation = (enum wrt_isolation_tier)9},
            WRT_ERR_ARGUMENT, "tier");
    refused(NULL, &(struct wrt_partition_config){.flags = WRT_PARTITION_CONTAINER,
                                                 .isolation = WRT_TIER_SEALED},
            WRT_ERR_ARGUMENT, "below");
    refused(NULL, &(struct wrt_partition_config){.flags = WRT_PARTITION_MEMORY_ISOLATION,
                                                 .isolation = WRT_TIER_SOFTWARE},
            WRT_ERR_ARGUMENT, "below");
    refused(NULL, &(struct wrt_partition_config){.policies = 1u << 20}, WRT_ERR_ARGUMENT, "polic");
    refused(NULL, &(struct wrt_partition_config){.flags = 1u << 20}, WRT_ERR_ARGUMENT, "flags");
}

static void budgets_come_out_of_the_parents(void **state)
{
    const struct wrt_partition_config free_one = {.name = "free"};
    const struct wrt_partition_config half = {.name = "half", .cpu_permille = 500};
    const struct wrt_partition_config none = {.name = "none"};
    const struct wrt_partition_config quarter = {.name = "quarter", .cpu_permille = 250};
    struct wrt_partition *unbound, *root, *between, *child;
    struct wrt_partition_limits limits;
    struct wrt_error error = {0};

    (void)state;
    assert_int_equal(wrt_partition_create(NULL, &free_one, &unbound, NULL), WRT_OK);
    assert_int_equal(wrt_partition_create(unbound, &none, &between, NULL), WRT_OK);
    assert_int_equal(wrt_partition_create(between, &quarter, &child, NULL), WRT_OK);
    assert_int_equal(wrt_partition_destroy(child, NULL), WRT_OK);
    assert_int_equal(wrt_partition_destroy(between, NULL), WRT_OK);
    assert_int_equal(wrt_partition_destroy(unbound, NULL), WRT_OK);

    assert_int_equal(wrt_partition_create(NULL, &half, &root, NULL), WRT_OK);
    assert_int_equal(wrt_partition_create(root, &none, &between, NULL), WRT_OK);
    refused(between, &quarter, WRT_ERR_ARGUMENT, "has none to give");
    assert_int_equal(wrt_partition_create(root, &quarter, &child, NULL), WRT_OK);
    refused(root, &(struct wrt_partition_config){.name = "more", .cpu_permille = 251},
            WRT_ERR_ARGUMENT, "501");
    wrt_partition_get_limits(root, &limits);
    limits.cpu_permille = 249; /* below what its child has */
    assert_int_equal(wrt_partition_set_limits(root, &limits, &error), WRT_ERR_BUSY);
    limits.cpu_permille = 250;
    assert_int_equal(wrt_partition_set_limits(root, &limits, &error), WRT_OK);
    wrt_partition_get_limits(child, &limits);
    limits.cpu_permille = 251; /* itself is not counted twice */
    assert_int_equal(wrt_partition_set_limits(child, &limits, &error), WRT_ERR_ARGUMENT);
    limits.cpu_permille = 250;
    assert_int_equal(wrt_partition_set_limits(child, &limits, &error), WRT_OK);
    assert_int_equal(wrt_partition_destroy(child, NULL), WRT_OK);
    assert_int_equal(wrt_partition_destroy(between, NULL), WRT_OK);
    assert_int_equal(wrt_partition_destroy(root, NULL), WRT_OK);
}

static void limits_refuse(void **state)
{
    struct wrt_partition *partition;
    struct wrt_partition_limits limits, good;

    (void)state;
    assert_int_equal(wrt_partition_create(NULL, &(struct wrt_partition_config){
        .policies = WRT_POLICY_TERMINAL}, &partition, NULL), WRT_OK);
    wrt_partition_get_limits(partition, &good);
    limits = good;
    limits.policies = 0; /* one is taken away */
    assert_int_equal(wrt_partition_set_limits(partition, &limits, NULL), WRT_ERR_ARGUMENT);
    limits = good;
    limits.policies |= 1u << 20;
    assert_int_equal(wrt_partition_set_limits(partition, &limits, NULL), WRT_ERR_ARGUMENT);
    limits = good;
    limits.max_bytes = 0;
    assert_int_equal(wrt_partition_set_limits(partition, &limits, NULL), WRT_ERR_ARGUMENT);
    limits = good;
    limits.priority = -1;
    assert_int_equal(wrt_partition_set_limits(partition, &limits, NULL), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_partition_set_limits(partition, &good, NULL), WRT_OK);
    assert_int_equal(wrt_partition_destroy(partition, NULL), WRT_OK);
    assert_int_equal(wrt_partition_destroy(NULL, NULL), WRT_OK);
}

/* Charges and frees of no kind: counted as damage, or refused, and nothing moves. */
static void kinds_that_there_are_not(void **state)
{
    static const enum wrt_charge wrong[] = {WRT_CHARGE_ARENA, WRT_CHARGE_GUARANTEE,
                                            WRT_CHARGE_COUNT, (enum wrt_charge)1000};
    struct wrt_partition *partition;
    struct wrt_partition_info before, after;
    void *block, *other;

    (void)state;
    assert_int_equal(wrt_partition_create(NULL, NULL, &partition, NULL), WRT_OK);
    assert_int_equal(wrt_partition_allocate(partition, WRT_CHARGE_HOST, 64, 0, &block, NULL), WRT_OK);
    wrt_partition_get_info(partition, &before);
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(wrt_partition_charge(partition, wrong[i], 1, NULL), WRT_ERR_ARGUMENT);
        assert_int_equal(wrt_partition_allocate(partition, wrong[i], 1, 0, &other, NULL),
                         WRT_ERR_ARGUMENT);
        wrt_partition_uncharge(partition, wrong[i], 1);
        wrt_partition_free(partition, wrong[i], block, 64);
    }
    wrt_partition_uncharge(partition, WRT_CHARGE_HOST, 65); /* more than there is of it */
    wrt_partition_uncharge(partition, WRT_CHARGE_LINEAR, 1);
    wrt_partition_get_info(partition, &after);
    assert_int_equal(after.used_bytes, before.used_bytes);
    assert_int_equal(after.damages, 10);
    wrt_partition_free(partition, WRT_CHARGE_HOST, block, 64);
    assert_int_equal(wrt_partition_destroy(partition, NULL), WRT_OK);
    assert_string_equal(wrt_charge_name(WRT_CHARGE_COUNT), "?");
    assert_string_equal(wrt_tier_name((enum wrt_isolation_tier)99), "?");
}

/* Keys and tags: in force, or page protection and the reason; required, refused. */
static void seals_fall_back_to_pages(void **state)
{
    static const enum wrt_seal_method methods[] = {WRT_SEAL_KEYS, WRT_SEAL_TAGS};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct wrt_partition_config config = {.flags = WRT_PARTITION_MEMORY_ISOLATION,
                                              .seal = methods[i]};
        struct wrt_partition *partition;
        struct wrt_partition_info info;
        struct wrt_partition_guard guard;
        struct wrt_error error = {0};
        enum wrt_status status = wrt_partition_create(NULL, &config, &partition, &error);

        assert_int_equal(status, WRT_OK);
        wrt_partition_get_info(partition, &info);
        assert_non_null(info.tier_reason);
        assert_int_equal(wrt_partition_guard_enter(&guard, partition), WRT_OK);
        assert_int_equal(wrt_partition_guard_leave(&guard), WRT_OK);
        assert_int_equal(wrt_partition_destroy(partition, NULL), WRT_OK);
        config.flags |= WRT_PARTITION_REQUIRE;
        status = wrt_partition_create(NULL, &config, &partition, &error);
        assert_true(status == WRT_OK || status == WRT_ERR_UNSUPPORTED);
        if (status == WRT_OK)
            assert_int_equal(wrt_partition_destroy(partition, NULL), WRT_OK);
    }
}

/* Another order, or another partition at the same depth, is refused, and nothing happens. */
static void a_thread_leaves_by_the_innermost_guard(void **state)
{
    struct wrt_partition *one, *two;
    struct wrt_partition_guard outer, inner, stray = {0};

    (void)state;
    assert_int_equal(wrt_partition_create(NULL, NULL, &one, NULL), WRT_OK);
    assert_int_equal(wrt_partition_create(NULL, NULL, &two, NULL), WRT_OK);
    assert_int_equal(wrt_partition_guard_leave(&stray), WRT_ERR_STATE);
    assert_int_equal(wrt_partition_guard_enter(&outer, one), WRT_OK);
    assert_int_equal(wrt_partition_guard_enter(&inner, two), WRT_OK);
    assert_int_equal(wrt_partition_guard_leave(&outer), WRT_ERR_STATE);
    stray = inner;
    stray.partition = one; /* the right depth of another partition */
    assert_int_equal(wrt_partition_guard_leave(&stray), WRT_ERR_STATE);
    assert_ptr_equal(wrt_partition_current(), two);
    assert_int_equal(wrt_partition_destroy(two, NULL), WRT_ERR_BUSY);
    assert_int_equal(wrt_partition_guard_leave(&inner), WRT_OK);
    assert_int_equal(wrt_partition_guard_leave(&outer), WRT_OK);
    assert_int_equal(wrt_partition_guard_leave(&outer), WRT_ERR_STATE);
    assert_int_equal(wrt_partition_destroy(two, NULL), WRT_OK);
    assert_int_equal(wrt_partition_destroy(one, NULL), WRT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arenas_refuse),
        cmocka_unit_test(an_arena_size_of_the_environment_has_an_end),
        cmocka_unit_test(the_cache_is_full_at_exactly_its_limit),
        cmocka_unit_test(no_quick_is_no_quick),
        cmocka_unit_test(pieces_are_found_by_address),
        cmocka_unit_test(partitions_refuse),
        cmocka_unit_test(budgets_come_out_of_the_parents),
        cmocka_unit_test(limits_refuse),
        cmocka_unit_test(kinds_that_there_are_not),
        cmocka_unit_test(seals_fall_back_to_pages),
        cmocka_unit_test(a_thread_leaves_by_the_innermost_guard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
