/* tests/unit/partition_limits.c - flags, policies, live limits, and what bad input is told.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "port.h"
#include "wrt/partition.h"

#include <string.h>

static struct wrt_partition *make(struct wrt_partition *parent,
                                  const struct wrt_partition_config *config)
{
    struct wrt_partition *partition;
    struct wrt_error error;

    if (wrt_partition_create(parent, config, &partition, &error) != WRT_OK)
        fail_msg("%s", error.text);
    return partition;
}

static struct wrt_partition_info info_of(const struct wrt_partition *partition)
{
    struct wrt_partition_info info;
    uint64_t sum = 0;

    wrt_partition_get_info(partition, &info);
    for (int kind = 0; kind < WRT_CHARGE_COUNT; kind++)
        sum += info.current_bytes[kind];
    assert_int_equal(sum, info.used_bytes);
    assert_true(info.used_bytes <= info.max_bytes);
    return info;
}

static void destroy(struct wrt_partition *partition)
{
    struct wrt_error error;

    if (wrt_partition_destroy(partition, &error) != WRT_OK)
        fail_msg("%s", error.text);
}

/* Refused with that status and those words, and nothing changed in the parent. */
static void refused(struct wrt_partition *parent, struct wrt_partition_config config,
                    enum wrt_status status, const char *words)
{
    struct wrt_partition_info before = {.used_bytes = 0}, after = {.used_bytes = 0};
    struct wrt_partition *out = NULL;
    struct wrt_error error = {.text = ""};

    if (parent != NULL)
        before = info_of(parent);
    assert_int_equal(wrt_partition_create(parent, &config, &out, &error), status);
    if (strstr(error.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.text, words);
    assert_null(out);
    if (parent != NULL)
        after = info_of(parent);
    assert_int_equal(before.used_bytes - before.current_bytes[WRT_CHARGE_ARENA],
                     after.used_bytes - after.current_bytes[WRT_CHARGE_ARENA]);
    assert_int_equal(before.children, after.children);
}

static void bad_configurations_are_named(void **state)
{
    struct wrt_partition *root = make(NULL, &(struct wrt_partition_config){
                                                .name = "root", .max_bytes = 1 << 20,
                                                .cpu_permille = 500});
    struct wrt_partition *first =
        make(root, &(struct wrt_partition_config){.name = "first", .cpu_permille = 300});

    (void)state;
    refused(root, (struct wrt_partition_config){.name = "a", .min_bytes = 2, .max_bytes = 1},
            WRT_ERR_ARGUMENT, "min 2 is above max 1");
    refused(root, (struct wrt_partition_config){.name = "a", .max_bytes = 2 << 20},
            WRT_ERR_ARGUMENT, "above that of root");
    refused(root, (struct wrt_partition_config){.name = "a", .min_bytes = 1 << 20},
            WRT_ERR_PARTITION_MAX, "partition root: max 1048576");
    refused(root, (struct wrt_partition_config){.name = "first"}, WRT_ERR_EXISTS, "first");
    refused(root, (struct wrt_partition_config){.name = ""}, WRT_ERR_ARGUMENT, "1 to 31 bytes");
    refused(root, (struct wrt_partition_config){.name = "12345678901234567890123456789012"},
            WRT_ERR_ARGUMENT, "1 to 31 bytes");
    refused(root, (struct wrt_partition_config){.name = "a\nb"}, WRT_ERR_ARGUMENT, "byte 1");
    refused(root, (struct wrt_partition_config){.name = "a\x1b[2J"}, WRT_ERR_ARGUMENT, "0x1b");
    refused(root, (struct wrt_partition_config){.name = "caf\xc3\xa9"}, WRT_ERR_ARGUMENT, "0xc3");
    refused(root, (struct wrt_partition_config){.name = "a\"b"}, WRT_ERR_ARGUMENT, "0x22");
    refused(root, (struct wrt_partition_config){.name = "a", .flags = 32}, WRT_ERR_ARGUMENT,
            "flags 0x20");
    refused(root, (struct wrt_partition_config){.name = "a",
                                                .flags = WRT_PARTITION_HIERARCHICAL |
                                                         WRT_PARTITION_ROOT_ACCOUNTING},
            WRT_ERR_ARGUMENT, "do not go together");
    refused(root, (struct wrt_partition_config){.name = "a", .policies = 8}, WRT_ERR_ARGUMENT,
            "policies");
    refused(root, (struct wrt_partition_config){.name = "a",
                                                .isolation = (enum wrt_isolation_tier)4},
            WRT_ERR_ARGUMENT, "tier");
    refused(root, (struct wrt_partition_config){.name = "a", .isolation = WRT_TIER_SOFTWARE,
                                                .flags = WRT_PARTITION_MEMORY_ISOLATION},
            WRT_ERR_ARGUMENT, "tier software");
    refused(root, (struct wrt_partition_config){.name = "a", .cpu_permille = 201},
            WRT_ERR_ARGUMENT, "501 of its 500");
    refused(first, (struct wrt_partition_config){.name = "a", .cpu_permille = 301},
            WRT_ERR_ARGUMENT, "301 of its 300");
    refused(root, (struct wrt_partition_config){.name = "a", .priority = -1}, WRT_ERR_ARGUMENT,
            "priority");
    refused(root, (struct wrt_partition_config){.name = "a",
                                                .verification =
                                                    (enum wrt_verification_level)99},
            WRT_ERR_ARGUMENT, "verification");
    destroy(first);
    destroy(root);
}

static void budgets_do_not_skip_a_generation(void **state)
{
    struct wrt_partition *root =
        make(NULL, &(struct wrt_partition_config){.name = "root", .cpu_permille = 100});
    struct wrt_partition *middle = make(root, &(struct wrt_partition_config){.name = "middle"});

    (void)state;
    refused(middle, (struct wrt_partition_config){.name = "leaf", .cpu_permille = 900},
            WRT_ERR_ARGUMENT, "has none to give");
    destroy(middle);
    destroy(root);
}

static void root_accounting_skips_what_lies_between(void **state)
{
    struct wrt_partition *root =
        make(NULL, &(struct wrt_partition_config){.name = "root", .max_bytes = 8 << 20});
    struct wrt_partition *middle = make(root, &(struct wrt_partition_config){.name = "middle"});
    struct wrt_partition *leaf = make(
        middle, &(struct wrt_partition_config){.name = "leaf", .min_bytes = 4096,
                                               .flags = WRT_PARTITION_ROOT_ACCOUNTING});
    uint64_t before_middle = info_of(middle).used_bytes, before_root = info_of(root).used_bytes;
    struct wrt_error error;

    (void)state;
    assert_int_equal(info_of(root).current_bytes[WRT_CHARGE_GUARANTEE], 4096);
    assert_int_equal(info_of(middle).current_bytes[WRT_CHARGE_GUARANTEE], 0);
    assert_int_equal(wrt_partition_charge(leaf, WRT_CHARGE_LINEAR, 100000, NULL), WRT_OK);
    assert_int_equal(info_of(leaf).used_bytes, 100000);
    assert_int_equal(info_of(middle).used_bytes, before_middle);
    assert_int_equal(info_of(root).used_bytes, before_root + 100000 - 4096);
    assert_int_equal(wrt_partition_charge(leaf, WRT_CHARGE_LINEAR, 8 << 20, &error),
                     WRT_ERR_PARTITION_MAX);
    assert_non_null(strstr(error.text, "partition leaf"));
    wrt_partition_uncharge(leaf, WRT_CHARGE_LINEAR, 100000);
    destroy(leaf);
    assert_int_equal(info_of(root).current_bytes[WRT_CHARGE_GUARANTEE], 0);
    destroy(middle);
    destroy(root);
}

static void limits_move_while_it_lives(void **state)
{
    struct wrt_partition *root =
        make(NULL, &(struct wrt_partition_config){.name = "root", .max_bytes = 1 << 20});
    struct wrt_partition *p = make(
        root, &(struct wrt_partition_config){.name = "p", .min_bytes = 10000, .max_bytes = 50000});
    uint64_t rest = info_of(root).used_bytes - 10000;
    struct wrt_partition_limits limits, now;
    struct wrt_error error;

    (void)state;
    wrt_partition_get_limits(p, &limits);
    limits.min_bytes = 40000;
    assert_int_equal(wrt_partition_set_limits(p, &limits, &error), WRT_OK);
    assert_int_equal(info_of(root).used_bytes, rest + 40000);
    assert_int_equal(wrt_partition_charge(p, WRT_CHARGE_LINEAR, 30000, NULL), WRT_OK);
    assert_int_equal(info_of(root).used_bytes, rest + 40000);
    limits.min_bytes = 0;
    assert_int_equal(wrt_partition_set_limits(p, &limits, &error), WRT_OK);
    assert_int_equal(info_of(root).used_bytes, rest + 30000);
    assert_int_equal(info_of(root).current_bytes[WRT_CHARGE_GUARANTEE], 0);
    limits.max_bytes = 29999;
    assert_int_equal(wrt_partition_set_limits(p, &limits, &error), WRT_ERR_BUSY);
    assert_non_null(strstr(error.text, "30000 bytes are used, above a max of 29999"));
    limits.max_bytes = 2 << 20;
    assert_int_equal(wrt_partition_set_limits(p, &limits, &error), WRT_ERR_ARGUMENT);
    limits.max_bytes = 1 << 20;
    limits.min_bytes = 1 << 20;
    assert_int_equal(wrt_partition_set_limits(p, &limits, &error), WRT_ERR_PARTITION_MAX);
    assert_non_null(strstr(error.text, "partition root"));
    wrt_partition_get_limits(p, &now);
    assert_int_equal(now.max_bytes, 50000);
    assert_int_equal(now.min_bytes, 0);
    limits = now;
    limits.max_bytes = 0;
    assert_int_equal(wrt_partition_set_limits(p, &limits, &error), WRT_ERR_ARGUMENT);
    wrt_partition_uncharge(p, WRT_CHARGE_LINEAR, 30000);
    destroy(p);
    assert_int_equal(info_of(root).used_bytes -
                         info_of(root).current_bytes[WRT_CHARGE_ARENA], 0);
    destroy(root);
}

static void the_reserve_moves_too(void **state)
{
    struct wrt_partition *p = make(
        NULL, &(struct wrt_partition_config){.name = "p", .max_bytes = 1 << 20,
                                             .reserved_bytes = 65536,
                                             .flags = WRT_PARTITION_MEMORY_ISOLATION});
    uint64_t first = info_of(p).used_bytes;
    struct wrt_partition_limits limits;
    struct wrt_error error;

    (void)state;
    wrt_partition_get_limits(p, &limits);
    limits.reserved_bytes = 262144;
    assert_int_equal(wrt_partition_set_limits(p, &limits, &error), WRT_OK);
    assert_int_equal(info_of(p).used_bytes, first + 262144 - 65536);
    assert_int_equal(info_of(p).entered, 0);
    limits.reserved_bytes = (1 << 20) - 100; /* with the record more than max */
    assert_int_equal(wrt_partition_set_limits(p, &limits, &error), WRT_ERR_PARTITION_MAX);
    assert_int_equal(info_of(p).reserved_bytes, 262144);
    limits.reserved_bytes = 0;
    assert_int_equal(wrt_partition_set_limits(p, &limits, &error), WRT_OK);
    assert_int_equal(info_of(p).reserved_bytes, 0);
    destroy(p);
}

static void policies_only_tighten(void **state)
{
    struct wrt_partition *root = make(NULL, NULL);
    struct wrt_partition *p = make(root, &(struct wrt_partition_config){
                                             .name = "p", .policies = WRT_POLICY_TERMINAL});
    struct wrt_partition_limits limits;
    struct wrt_error error;

    (void)state;
    refused(p, (struct wrt_partition_config){.name = "child"}, WRT_ERR_DENIED, "terminal");
    wrt_partition_get_limits(p, &limits);
    limits.policies = 0;
    assert_int_equal(wrt_partition_set_limits(p, &limits, &error), WRT_ERR_ARGUMENT);
    limits.policies = WRT_POLICY_TERMINAL | WRT_POLICY_CONFIG_LOCK;
    limits.max_bytes = 1 << 20;
    assert_int_equal(wrt_partition_set_limits(p, &limits, &error), WRT_OK);
    limits.max_bytes = 2 << 20;
    assert_int_equal(wrt_partition_set_limits(p, &limits, &error), WRT_ERR_DENIED);
    assert_non_null(strstr(error.text, "locked"));
    assert_int_equal(info_of(p).max_bytes, 1 << 20);
    destroy(p);
    p = make(root, &(struct wrt_partition_config){.name = "p",
                                                  .policies = WRT_POLICY_PERMANENT});
    assert_int_equal(wrt_partition_destroy(p, &error), WRT_ERR_DENIED);
    assert_non_null(strstr(error.text, "permanent"));
    assert_int_equal(wrt_partition_destroy(root, &error), WRT_ERR_BUSY);
    assert_non_null(strstr(error.text, "1 children")); /* and so both stay, as they must */
}

static void the_tier_in_force_is_told(void **state)
{
    static uint8_t block[65536] __attribute__((aligned(4096)));
    struct wrt_arena_config arena = {.static_block = block, .static_block_bytes = sizeof block};
    struct wrt_partition_config config = {.name = "p", .isolation = WRT_TIER_SEALED,
                                          .arena = &arena};
    struct wrt_partition *p = make(NULL, &config);

    (void)state;
    assert_int_equal(info_of(p).tier_requested, WRT_TIER_SEALED);
    assert_int_equal(info_of(p).tier, WRT_TIER_SOFTWARE);
    assert_non_null(strstr(info_of(p).tier_reason, "block of the caller"));
    destroy(p);
    config.flags = WRT_PARTITION_REQUIRE;
    refused(NULL, config, WRT_ERR_UNSUPPORTED, "cannot be sealed");
    p = make(NULL, &(struct wrt_partition_config){.flags = WRT_PARTITION_CONTAINER});
    assert_int_equal(info_of(p).tier_requested, WRT_TIER_PROCESS);
    assert_int_equal(info_of(p).tier, WRT_TIER_SOFTWARE);
    assert_non_null(strstr(info_of(p).tier_reason, "no confined process"));
    destroy(p);
    assert_string_equal(wrt_tier_name(WRT_TIER_PROCESS), "process");
    assert_string_equal(wrt_tier_name((enum wrt_isolation_tier)77), "?");
}

/* The sum of what the port handed out, as the kernel sees it, against what is charged. */
static void use_equals_what_the_system_gave(void **state)
{
    struct wrt_arena_config arena = {.no_cache = true, .no_quick = true};
    struct wrt_partition *p = make(NULL, &(struct wrt_partition_config){
                                             .name = "p", .arena = &arena,
                                             .flags = WRT_PARTITION_MEMORY_ISOLATION});
    struct wrt_partition_guard guard;
    struct wrt_port_range_info range;
    uint64_t seen, charged;
    uint8_t *blocks[8];

    (void)state;
    assert_int_equal(wrt_partition_guard_enter(&guard, p), WRT_OK);
    for (int i = 0; i < 8; i++) {
        void *block;

        assert_int_equal(wrt_partition_allocate(p, WRT_CHARGE_HOST, 200000, 4096, &block, NULL),
                         WRT_OK);
        blocks[i] = block;
        memset(block, i + 1, 200000);
    }
    if (wrt_port_query(blocks[0], 4096, &range) != WRT_OK) { /* its row of pages: all the slab's */
        print_message("port %s does not tell what is resident\n", wrt_port_name());
        skip();
    }
    seen = range.resident_bytes;
    charged = info_of(p).used_bytes;
    assert_true(seen <= charged);
    assert_true(charged - seen <= 8 * 2 * 4096 + 8192); /* headers of the mappings, the record */
    for (int i = 0; i < 8; i++)
        wrt_partition_free(p, WRT_CHARGE_HOST, blocks[i], 200000);
    assert_int_equal(wrt_partition_guard_leave(&guard), WRT_OK);
    destroy(p);
}

static uint64_t bytes_after_use(struct wrt_partition *partition, size_t size_bytes)
{
    void *block;

    assert_int_equal(wrt_partition_allocate(partition, WRT_CHARGE_RUNTIME, size_bytes, 0, &block,
                                            NULL), WRT_OK);
    wrt_partition_free(partition, WRT_CHARGE_RUNTIME, block, size_bytes);
    return info_of(partition).current_bytes[WRT_CHARGE_ARENA];
}

/* What its arenas keep of freed large blocks is charged, and goes for whoever needs the room. */
static void kept_large_mappings_give_way_to_the_limit(void **state)
{
    struct wrt_partition *partition = make(NULL, &(struct wrt_partition_config){
        .max_bytes = 1 << 20});
    const uint64_t own_bytes = info_of(partition).current_bytes[WRT_CHARGE_ARENA];
    uint64_t kept_bytes;

    (void)state;
    kept_bytes = bytes_after_use(partition, 400000);
    assert_true(kept_bytes > own_bytes + 400000 && kept_bytes < own_bytes + 410000);
    assert_int_equal(bytes_after_use(partition, 400000), kept_bytes);
    wrt_partition_trim(partition);
    assert_int_equal(info_of(partition).current_bytes[WRT_CHARGE_ARENA], own_bytes);
    assert_int_equal(bytes_after_use(partition, 400000), kept_bytes);
    (void)bytes_after_use(partition, 900000); /* does not fit beside it */
    (void)bytes_after_use(partition, 500000);
    assert_int_equal(wrt_partition_charge(partition, WRT_CHARGE_LINEAR, 900000, NULL), WRT_OK);
    assert_int_equal(info_of(partition).current_bytes[WRT_CHARGE_ARENA], own_bytes);
    wrt_partition_uncharge(partition, WRT_CHARGE_LINEAR, 900000);
    destroy(partition);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_configurations_are_named),
        cmocka_unit_test(budgets_do_not_skip_a_generation),
        cmocka_unit_test(root_accounting_skips_what_lies_between),
        cmocka_unit_test(limits_move_while_it_lives),
        cmocka_unit_test(the_reserve_moves_too),
        cmocka_unit_test(policies_only_tighten),
        cmocka_unit_test(the_tier_in_force_is_told),
        cmocka_unit_test(kept_large_mappings_give_way_to_the_limit),
        cmocka_unit_test(use_equals_what_the_system_gave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
