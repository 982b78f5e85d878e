/* tests/unit/partition_edges.c - partitions in forms and states that other tests do not combine.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wrt/memory.h"
#include "wrt/partition.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wrt/system.h"

enum { MIB = 1 << 20 };

static struct wrt_partition *make(struct wrt_partition *parent,
                                  const struct wrt_partition_config *config)
{
    struct wrt_partition *partition;
    struct wrt_error error;

    if (wrt_partition_create(parent, config, &partition, &error) != WRT_OK)
        fail_msg("%s", error.text);
    return partition;
}

static void destroy(struct wrt_partition *partition)
{
    struct wrt_error error;

    if (wrt_partition_destroy(partition, &error) != WRT_OK)
        fail_msg("%s", error.text);
}

static struct wrt_partition_info info_of(const struct wrt_partition *partition)
{
    struct wrt_partition_info info;

    wrt_partition_get_info(partition, &info);
    return info;
}

/* The reserve falls first; when the new limits are refused it is what it was again. */
static void a_refused_change_restores_the_reserve(void **state)
{
    struct wrt_partition *root =
        make(NULL, &(struct wrt_partition_config){.name = "root", .max_bytes = 2 * MIB});
    struct wrt_partition *child =
        make(root, &(struct wrt_partition_config){.name = "child", .reserved_bytes = 256 << 10});
    struct wrt_partition_limits limits, after;

    (void)state;
    wrt_partition_get_limits(child, &limits);
    limits.reserved_bytes = 0;
    limits.min_bytes = 2 * MIB;
    limits.max_bytes = 2 * MIB;
    assert_int_equal(wrt_partition_set_limits(child, &limits, NULL), WRT_ERR_PARTITION_MAX);
    wrt_partition_get_limits(child, &after);
    assert_int_equal(after.reserved_bytes, 256 << 10);
    assert_int_equal(after.min_bytes, 0);
    limits.min_bytes = 0;
    assert_int_equal(wrt_partition_set_limits(child, &limits, NULL), WRT_OK);
    assert_int_equal(info_of(child).reserved_bytes, 0);
    destroy(child);
    destroy(root);
}

/* Both tiers are asked for: the process for its guests, the seal for what stands here. */
static void container_and_isolation_go_together(void **state)
{
    struct wrt_partition *both = make(NULL, &(struct wrt_partition_config){
        .name = "both", .max_bytes = 4 * MIB,
        .flags = WRT_PARTITION_CONTAINER | WRT_PARTITION_MEMORY_ISOLATION});
    struct wrt_partition_guard guard;
    void *block;

    (void)state;
    assert_int_equal(info_of(both).tier_requested, WRT_TIER_PROCESS);
    assert_int_equal(wrt_partition_guard_enter(&guard, both), WRT_OK);
    assert_int_equal(wrt_partition_allocate(both, WRT_CHARGE_HOST, 100, 0, &block, NULL), WRT_OK);
    wrt_partition_free(both, WRT_CHARGE_HOST, block, 100);
    assert_int_equal(wrt_partition_guard_leave(&guard), WRT_OK);
    destroy(both);
}

/* Blocks of another arena cannot be closed alone. */
static void arenas_of_a_parent_arena_are_not_sealed(void **state)
{
    static struct wrt_arena parent;
    struct wrt_arena_config of_parent = {.parent = &parent};
    struct wrt_partition_config config = {.name = "inner", .arena = &of_parent, .max_bytes = MIB,
                                          .flags = WRT_PARTITION_MEMORY_ISOLATION};
    struct wrt_partition *inner;
    struct wrt_error error = {.text = ""};

    (void)state;
    assert_int_equal(wrt_arena_init(&parent, NULL, NULL), WRT_OK);
    inner = make(NULL, &config);
    assert_int_equal(info_of(inner).tier, WRT_TIER_SOFTWARE);
    destroy(inner);
    config.flags |= WRT_PARTITION_REQUIRE;
    assert_int_equal(wrt_partition_create(NULL, &config, &inner, &error), WRT_ERR_UNSUPPORTED);
    assert_non_null(strstr(error.text, "cannot be sealed"));
    wrt_arena_deinit(&parent);
}

static bool make_sealed(struct wrt_partition **out, const char *name)
{
    *out = make(NULL, &(struct wrt_partition_config){.name = name, .max_bytes = 4 * MIB,
                                                     .flags = WRT_PARTITION_MEMORY_ISOLATION});
    if (info_of(*out).tier == WRT_TIER_SEALED)
        return true;
    print_message("not sealed here: %s\n", info_of(*out).tier_reason);
    destroy(*out);
    return false;
}

/* From outside nothing is given back, and it is counted; the block is still there inside. */
static void a_free_from_outside_of_a_seal_is_a_damage(void **state)
{
    struct wrt_partition *sealed;
    struct wrt_partition_guard guard;
    void *block;

    (void)state;
    if (!make_sealed(&sealed, "sealed"))
        skip();
    assert_int_equal(wrt_partition_guard_enter(&guard, sealed), WRT_OK);
    assert_int_equal(wrt_partition_allocate(sealed, WRT_CHARGE_HOST, 64, 0, &block, NULL), WRT_OK);
    assert_int_equal(wrt_partition_guard_leave(&guard), WRT_OK);
    wrt_partition_free(sealed, WRT_CHARGE_HOST, block, 64);
    assert_int_equal(info_of(sealed).damages, 1);
    assert_int_equal(info_of(sealed).current_bytes[WRT_CHARGE_HOST], 64);
    /* Full, with a cache that cannot be looked at from outside: refused as it is. */
    uint64_t left = info_of(sealed).max_bytes - info_of(sealed).used_bytes;
    assert_int_equal(wrt_partition_charge(sealed, WRT_CHARGE_LINEAR, left + 1, NULL),
                     WRT_ERR_PARTITION_MAX);
    assert_int_equal(wrt_partition_guard_enter(&guard, sealed), WRT_OK);
    wrt_partition_free(sealed, WRT_CHARGE_HOST, block, 64);
    assert_int_equal(wrt_partition_guard_leave(&guard), WRT_OK);
    assert_int_equal(info_of(sealed).current_bytes[WRT_CHARGE_HOST], 0);
    destroy(sealed);
}

/* Of two sealed partitions the inner one closes when it is left, the outer one stays open. */
static void two_seals_nest(void **state)
{
    struct wrt_partition *outer, *inner;
    struct wrt_partition_guard first, second, again;

    (void)state;
    if (!make_sealed(&outer, "outer"))
        skip();
    assert_true(make_sealed(&inner, "inner"));
    assert_int_equal(wrt_partition_guard_enter(&first, outer), WRT_OK);
    assert_int_equal(wrt_partition_guard_enter(&second, inner), WRT_OK);
    assert_int_equal(wrt_partition_guard_enter(&again, outer), WRT_OK);
    assert_int_equal(wrt_partition_guard_leave(&again), WRT_OK);
    assert_int_equal(info_of(outer).entered, 1);
    assert_int_equal(wrt_partition_guard_leave(&second), WRT_OK);
    assert_int_equal(info_of(inner).entered, 0);
    assert_int_equal(wrt_partition_guard_leave(&first), WRT_OK);
    destroy(inner);
    destroy(outer);
}

/* A block that was written past its end is kept and counted, not taken back. */
static void a_block_that_was_overrun_is_kept(void **state)
{
    struct wrt_partition *partition =
        make(NULL, &(struct wrt_partition_config){.name = "overrun", .max_bytes = MIB});
    uint8_t *bytes;
    void *block;

    (void)state;
    assert_int_equal(wrt_partition_allocate(partition, WRT_CHARGE_HOST, 40, 0, &block, NULL),
                     WRT_OK);
    bytes = block;
    uint8_t kept[16];
    memcpy(kept, bytes + 40, sizeof kept);
    memset(bytes + 40, 0x5A, 8); /* the canary */
    wrt_partition_free(partition, WRT_CHARGE_HOST, block, 40);
    assert_int_equal(info_of(partition).damages, 1);
    memcpy(bytes + 40, kept, sizeof kept);
    assert_int_equal(wrt_partition_destroy(partition, NULL), WRT_ERR_BUSY);
    wrt_partition_free(partition, WRT_CHARGE_HOST, block, 40);
    assert_int_equal(wrt_partition_destroy(partition, NULL), WRT_OK);
}

/* A charge walks to the root, so there is an end to how far that is. */
static void partitions_nest_to_a_limit(void **state)
{
    struct wrt_partition *level[64] = {NULL};
    struct wrt_error error = {.text = ""};
    enum wrt_status status = WRT_OK;
    int depth = 0;

    (void)state;
    while (depth < 64 && status == WRT_OK) {
        status = wrt_partition_create(depth > 0 ? level[depth - 1] : NULL, NULL, &level[depth],
                                      &error);
        depth += status == WRT_OK;
    }
    assert_int_equal(status, WRT_ERR_LIMIT);
    assert_non_null(strstr(error.text, "deeper than"));
    assert_int_equal(wrt_partition_charge(level[depth - 1], WRT_CHARGE_HOST, 1000, NULL), WRT_OK);
    assert_true(info_of(level[0]).used_bytes >= 1000);
    wrt_partition_uncharge(level[depth - 1], WRT_CHARGE_HOST, 1000);
    while (depth-- > 0)
        destroy(level[depth]);
}

static pid_t idle_child(void)
{
    pid_t child = fork();

    if (child == 0) {
        alarm(60);
        for (;;)
            pause();
    }
    assert_true(child > 0);
    return child;
}

static enum wrt_status attach(struct wrt_partition *partition, pid_t child, uint64_t bytes,
                              struct wrt_partition_process *process)
{
    return wrt_partition_attach_process(partition, child, bytes, process, NULL);
}

/* Processes of one partition are let go in any order; what was charged for each comes back. */
static void processes_come_and_go_in_any_order(void **state)
{
    struct wrt_partition *bounded, *boundless;
    struct wrt_partition_process first, second, third = {.partition = NULL};
    struct wrt_partition_exit end;

    (void)state;
    if (strcmp(wrt_system_name(), "linux") != 0) {
        print_message("processes of the simulated kernel are no children of this one\n");
        skip();
    }
    bounded = make(NULL, &(struct wrt_partition_config){.name = "bounded", .max_bytes = 64 * MIB});
    boundless = make(NULL, &(struct wrt_partition_config){.name = "boundless"});
    pid_t one = idle_child(), two = idle_child();
    assert_int_equal(attach(bounded, one, 8 * MIB, &first), WRT_OK);
    assert_int_equal(attach(bounded, two, 0, &second), WRT_OK); /* all that is left */
    assert_int_equal(info_of(bounded).used_bytes, info_of(bounded).max_bytes);
    assert_int_equal(attach(bounded, one, 1, &third), WRT_ERR_EXISTS);
    assert_int_equal(attach(bounded, two, 1, &third), WRT_ERR_EXISTS);
    assert_int_equal(info_of(bounded).processes, 2);
    assert_int_equal(wrt_partition_detach_process(&first), WRT_OK); /* the older one: not the first in the list */
    assert_int_equal(wrt_partition_detach_process(&first), WRT_ERR_STATE);
    assert_int_equal(wrt_partition_reap_process(&first, 0, &end), WRT_ERR_STATE);
    assert_int_equal(info_of(bounded).processes, 1);
    assert_int_equal(wrt_partition_reap_process(&second, 0, &end), WRT_ERR_TIMEOUT);
    /* Without a maximum nothing is charged for "all that is left". */
    assert_int_equal(attach(boundless, one, 0, &third), WRT_OK);
    assert_int_equal(info_of(boundless).current_bytes[WRT_CHARGE_PROCESS], 0);
    /* Somebody else was told of the end: it is over all the same. */
    assert_int_equal(kill(one, SIGKILL), 0);
    assert_int_equal(waitpid(one, NULL, 0), one);
    assert_int_equal(wrt_partition_reap_process(&third, UINT64_MAX, &end), WRT_OK);
    assert_false(end.is_known);
    assert_int_equal(kill(two, SIGKILL), 0);
    assert_int_equal(wrt_partition_reap_process(&second, UINT64_MAX, &end), WRT_OK);
    assert_true(end.is_known && end.by_signal);
    assert_int_equal(info_of(bounded).current_bytes[WRT_CHARGE_PROCESS], 0);
    destroy(bounded);
    destroy(boundless);
}

static void read_a_guard(void *argument)
{
    const volatile uint8_t *at = argument;

    (void)*at;
}

/* A memory that is not sealed has guards too: the hit is a trap, and says which way it came. */
static void a_guard_hit_is_a_trap(void **state)
{
    struct wrt_partition *partition =
        make(NULL, &(struct wrt_partition_config){.name = "plain", .max_bytes = MIB});
    const struct wrt_page_config config = {.initial_pages = 1, .maximum_pages = 1,
                                           .guard_after_bytes = 1};
    struct wrt_page_allocator pages;
    struct wrt_error error = {.text = ""};
    bool ran = false;

    (void)state;
    assert_int_equal(wrt_pages_allocate(&pages, partition, &config, NULL), WRT_OK);
    enum wrt_status status =
        wrt_partition_run(partition, read_a_guard, pages.base + pages.size_bytes, &error);
    ran = status == WRT_ERR_TRAP;
    wrt_pages_free(&pages);
    destroy(partition);
    assert_true(ran);
    assert_non_null(strstr(error.text, "plain"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_change_restores_the_reserve),
        cmocka_unit_test(container_and_isolation_go_together),
        cmocka_unit_test(arenas_of_a_parent_arena_are_not_sealed),
        cmocka_unit_test(a_free_from_outside_of_a_seal_is_a_damage),
        cmocka_unit_test(two_seals_nest),
        cmocka_unit_test(a_block_that_was_overrun_is_kept),
        cmocka_unit_test(partitions_nest_to_a_limit),
        cmocka_unit_test(processes_come_and_go_in_any_order),
        cmocka_unit_test(a_guard_hit_is_a_trap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
