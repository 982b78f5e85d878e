/* partition.c - charges, blocks, guards and watches.  SPDX-License-Identifier: Apache-2.0 */
#include "timing.h"

enum { LEVELS = 4, BYTES = 65536 };

static struct wrt_partition *level[LEVELS], *leaf;
static struct wrt_partition_guard guards[WRT_PARTITION_MAX_NESTING];
static uint32_t depth;
static struct wrt_error error;
static void *block;
static struct wrt_partition_watch watch;
static struct wrt_partition_news news;
static struct wrt_partition_info info;

static void begin_levels(int count, uint64_t max_bytes, uint32_t flags)
{
    for (int i = 0; i < count; i++) {
        const struct wrt_partition_config config = {.name = "level", .max_bytes = max_bytes,
                                                    .flags = flags};

        TIMING_MUST(wrt_partition_create(i == 0 ? NULL : level[i - 1], &config, &level[i], NULL));
        leaf = level[i];
    }
    for (int i = count; i < LEVELS; i++)
        level[i] = NULL;
}

static void end_levels(void)
{
    for (int i = LEVELS - 1; i >= 0; i--)
        if (level[i] != NULL)
            TIMING_MUST(wrt_partition_destroy(level[i], NULL));
}

static void begin_one(void)
{
    begin_levels(1, 0, 0);
}

static void begin_four(void)
{
    begin_levels(4, 0, 0);
}

static void begin_small(void)
{
    begin_levels(4, 1 << 20, 0);
}

static void charge(void)
{
    timing_status = wrt_partition_charge(leaf, WRT_CHARGE_HOST, BYTES, &error);
}

static void uncharge(void)
{
    wrt_partition_uncharge(leaf, WRT_CHARGE_HOST, BYTES);
}

static void undo_charge(uint32_t turn)
{
    (void)turn;
    uncharge();
}

static void first_charge(uint32_t turn)
{
    (void)turn;
    TIMING_MUST(wrt_partition_charge(leaf, WRT_CHARGE_HOST, BYTES, &error));
}

/* Refused by the root, after three levels were charged: undone, and told in words. */
static void charge_too_much(void)
{
    enum wrt_status status = wrt_partition_charge(leaf, WRT_CHARGE_HOST, UINT64_C(1) << 60, &error);

    timing_status = status == WRT_ERR_PARTITION_MAX ? WRT_OK : WRT_ERR_STATE;
}

static void allocate(void)
{
    timing_status = wrt_partition_allocate(leaf, WRT_CHARGE_HOST, 200, 0, &block, &error);
}

static void release(void)
{
    wrt_partition_free(leaf, WRT_CHARGE_HOST, block, 200);
}

static void undo_allocate(uint32_t turn)
{
    (void)turn;
    release();
}

static void first_allocate(uint32_t turn)
{
    (void)turn;
    allocate();
    TIMING_MUST(timing_status);
}

static void enter(void)
{
    timing_status = wrt_partition_guard_enter(&guards[depth], leaf);
}

static void leave(void)
{
    timing_status = wrt_partition_guard_leave(&guards[depth]);
}

static void undo_enter(uint32_t turn)
{
    (void)turn;
    leave();
    TIMING_MUST(timing_status);
}

static void first_enter(uint32_t turn)
{
    (void)turn;
    enter();
    TIMING_MUST(timing_status);
}

static void begin_nested(void)
{
    begin_one();
    for (depth = 0; depth < WRT_PARTITION_MAX_NESTING - 1; depth++) {
        enter();
        TIMING_MUST(timing_status);
    }
}

static void end_nested(void)
{
    while (depth > 0) {
        depth--;
        leave();
        TIMING_MUST(timing_status);
    }
    end_levels();
}

static void begin_sealed(void)
{
    begin_levels(1, 0, WRT_PARTITION_MEMORY_ISOLATION);
    enter(); /* so that there is an arena to open and close */
    allocate();
    wrt_partition_get_info(leaf, &info);
    release();
    leave();
    if (info.tier != WRT_TIER_SEALED)
        timing_status = WRT_ERR_UNSUPPORTED;
}

static void begin_watched(void)
{
    struct wrt_partition_watch_config config = {.events = 1u << WRT_EVENT_OVER};

    begin_four();
    wrt_partition_get_info(level[0], &info);
    config.over_bytes = info.used_bytes + BYTES / 2;
    TIMING_MUST(wrt_partition_watch_add(level[0], &watch, &config, NULL));
}

static void end_watched(void)
{
    TIMING_MUST(wrt_partition_watch_remove(&watch));
    end_levels();
}

static void undo_watched(uint32_t turn)
{
    undo_charge(turn);
    (void)wrt_partition_watch_take(&watch, &news);
}

static void take_news(void)
{
    timing_status = wrt_partition_watch_take(&watch, &news) ? WRT_OK : WRT_ERR_STATE;
}

static void ask(void)
{
    wrt_partition_get_info(leaf, &info);
}

static void current(void)
{
    timing_status = wrt_partition_current() == NULL ? WRT_OK : WRT_ERR_STATE;
}

static const struct timing_operation operations[] = {
    {.name = "wrt_partition_charge: a root", .bound = "one compare-and-swap for each ancestor",
     .begin = begin_one, .run = charge, .after = undo_charge, .end = end_levels},
    {.name = "wrt_partition_charge: four levels", .bound = "one compare-and-swap for each ancestor",
     .begin = begin_four, .run = charge, .after = undo_charge, .end = end_levels},
    {.name = "wrt_partition_charge: refused, told in words", .bound = "O(depth), and the text",
     .begin = begin_small, .run = charge_too_much, .end = end_levels},
    {.name = "wrt_partition_charge: four levels, a watch is told", .bound = "O(depth + watches), a lock",
     .begin = begin_watched, .run = charge, .after = undo_watched, .end = end_watched},
    {.name = "wrt_partition_watch_take", .bound = "O(1), a lock", .begin = begin_watched,
     .before = first_charge, .run = take_news, .after = undo_watched, .end = end_watched},
    {.name = "wrt_partition_uncharge: four levels", .bound = "one compare-and-swap for each ancestor",
     .begin = begin_four, .before = first_charge, .run = uncharge, .end = end_levels},
    {.name = "wrt_partition_allocate: four levels", .bound = "O(1) within an arena",
     .begin = begin_four, .run = allocate, .after = undo_allocate, .end = end_levels},
    {.name = "wrt_partition_free: four levels", .bound = "O(1) within an arena",
     .begin = begin_four, .before = first_allocate, .run = release, .end = end_levels},
    {.name = "wrt_partition_guard_enter: software", .bound = "no kernel call",
     .begin = begin_one, .run = enter, .after = undo_enter, .end = end_levels},
    {.name = "wrt_partition_guard_leave: software", .bound = "no kernel call",
     .begin = begin_one, .before = first_enter, .run = leave, .end = end_levels},
    {.name = "wrt_partition_guard_enter: the 32nd", .bound = "no kernel call",
     .begin = begin_nested, .run = enter, .after = undo_enter, .end = end_nested},
    {.name = "wrt_partition_guard_enter: sealed", .bound = "one kernel call for each region",
     .begin = begin_sealed, .run = enter, .after = undo_enter, .end = end_levels,
     .system_calls = 1, .most_runs = 2000000, .is_native = true},
    {.name = "wrt_partition_guard_leave: sealed", .bound = "one kernel call for each region",
     .begin = begin_sealed, .before = first_enter, .run = leave, .end = end_levels,
     .system_calls = 1, .most_runs = 2000000, .is_native = true},
    {.name = "wrt_partition_current", .bound = "O(1)", .run = current},
    {.name = "wrt_partition_get_info: four levels", .bound = "O(1)", .begin = begin_four,
     .run = ask, .end = end_levels},
};
const struct timing_list timing_partition = {operations, sizeof operations / sizeof *operations};
