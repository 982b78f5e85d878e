/* tests/tenant/plan.c - start order, lanes, frames, and what stands against a set.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "manifest_fixture.h"

#include "tenant/plan.h"

static struct wrt_partition *partition;
static struct wrt_manifest *manifest;
static struct reported reported;
static struct wrt_plan plan;

/* Loads, plans, and looks at each tenant's limits; nothing outside the manifest. */
static enum wrt_status make(const char *text)
{
    enum wrt_status status =
        load_bytes(text, strlen(text), &reported, &partition, &manifest);
    if (status != WRT_OK)
        fail_msg("line %u: %s", reported.first.line, reported.first.text);
    struct wrt_problems problems = {.report = keep_report, .context = &reported};
    wrt_plan_make(manifest, &plan, &problems);
    for (uint32_t i = 0; i < manifest->tenant_count; i++)
        wrt_check_limits(manifest, manifest->tenants[i], &problems);
    return problems.first;
}

static uint32_t place_of(const char *name)
{
    uint32_t index = wrt_manifest_find(manifest, name), place = 0;
    while (plan.order[place] != index)
        place++;
    return place;
}

#define TENANT(name) "[tenant " name "]\nmodule = m\n"

static void dependencies_come_first(void **state)
{
    (void)state;
    assert_int_equal(make(TENANT("a") "after = c b\n" TENANT("b") "after = d\n" TENANT("c")
                          TENANT("d") TENANT("e")), WRT_OK);
    assert_true(place_of("c") < place_of("a"));
    assert_true(place_of("b") < place_of("a"));
    assert_true(place_of("d") < place_of("b"));
    assert_int_equal(place_of("e"), 4);
    unload(partition, manifest);
}

static void circles_are_spelled(void **state)
{
    (void)state;
    assert_int_equal(make(TENANT("a") "after = b\n" TENANT("b") "after = c\n" TENANT("c")
                          "after = b\n"), WRT_ERR_ARGUMENT);
    expect_problem(&reported, WRT_ERR_ARGUMENT, 6, "in a circle: b after c after b");
    unload(partition, manifest);
    assert_int_equal(make(TENANT("me") "after = me\n"), WRT_ERR_ARGUMENT);
    expect_problem(&reported, WRT_ERR_ARGUMENT, 3, "in a circle: me after me");
    unload(partition, manifest);
}

static void a_long_circle_and_a_long_chain(void **state)
{
    (void)state;
    static char text[400000];
    size_t used = 0;
    for (int i = 0; i < 4096; i++)
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "[tenant t%d]\nmodule = m\nafter = t%d\n", i, (i + 1) % 4096);
    assert_int_equal(make(text), WRT_ERR_ARGUMENT);
    assert_non_null(strstr(reported.first.text, "in a circle: t0 after t1 after"));
    unload(partition, manifest);
    /* Without the last link it is a chain, and starts from its end. */
    text[used - strlen("after = t0\n")] = '\0';
    assert_int_equal(make(text), WRT_OK);
    assert_int_equal(plan.order[0], 4095);
    assert_int_equal(plan.order[4095], 0);
    unload(partition, manifest);
}

static void unknown_dependencies_are_named(void **state)
{
    (void)state;
    assert_int_equal(make(TENANT("a") "after = nobody\n"), WRT_ERR_NOT_FOUND);
    expect_problem(&reported, WRT_ERR_NOT_FOUND, 3, "'nobody', which there is not");
    unload(partition, manifest);
}

static uint16_t lane_of(const char *name)
{
    return plan.lane_of[wrt_manifest_find(manifest, name)];
}

static void lanes_by_priority_affinity_frame_and_process(void **state)
{
    (void)state;
    assert_int_equal(make(TENANT("a") TENANT("b") TENANT("c") "priority = 5\n" TENANT("d")
                          "affinity = 1\n" TENANT("e") "tier = process\n" TENANT("f")
                          "tier = process\n" TENANT("g") TENANT("h")
                          "[frame x]\nmajor_us = 1000\nwindow = g 0 100\nwindow = h 100 100\n"),
                     WRT_OK);
    assert_int_equal(plan.lane_count, 6);
    assert_int_equal(lane_of("a"), lane_of("b"));
    assert_int_not_equal(lane_of("a"), lane_of("c"));
    assert_int_not_equal(lane_of("a"), lane_of("d"));
    assert_int_not_equal(lane_of("e"), lane_of("f"));
    assert_int_equal(lane_of("g"), lane_of("h"));
    assert_ptr_equal(plan.lanes[lane_of("g")].frame, manifest->frames[0]);
    assert_int_equal(plan.lanes[lane_of("a")].tenants, 2);
    unload(partition, manifest);
}

struct bad {
    const char *text, *part;
    uint32_t line;
    enum wrt_status status;
};

#define FRAME "[frame f]\nmajor_us = 1000\n"
static const struct bad bad_sets[] = {
    {TENANT("a") "min = 2M\nmax = 1M\n", "min 2097152 is above max 1048576", 3, WRT_ERR_ARGUMENT},
    {TENANT("a") "reserved = 2M\nmax = 1M\n", "reserved 2097152 is above", 3, WRT_ERR_ARGUMENT},
    {"[supervisor]\nmemory_max = 1M\n" TENANT("a") "max = 2M\n", "above the memory_max 1048576", 5,
     WRT_ERR_PARTITION_MAX},
    {TENANT("a") "deadline_us = 300\nperiod_us = 200\n", "deadline_us 300 is above period_us 200",
     3, WRT_ERR_ARGUMENT},
    {TENANT("a") "overrun = drop\n", "overrun is for", 3, WRT_ERR_ARGUMENT},
    {TENANT("a") "watchdog_ms = 30\n", "without a watchdog", 3, WRT_ERR_ARGUMENT},
    {TENANT("a") "backoff_ms = 20\nbackoff_max_ms = 10\n", "above backoff_max_ms", 3,
     WRT_ERR_ARGUMENT},
    {TENANT("a") "cpu_permille = 600\n" TENANT("b") "cpu_permille = 600\n", "add up to 1200", 6,
     WRT_ERR_LIMIT},
    {TENANT("a") FRAME "window = b 0 10\n", "b, which there is not", 5, WRT_ERR_NOT_FOUND},
    {TENANT("a") FRAME "window = a 900 200\n", "ends at 1100 us, after frame f", 5, WRT_ERR_BOUNDS},
    {TENANT("a") FRAME "window = a 0 200\nwindow = a 100 50\n", "before the one in line 5 ends", 6,
     WRT_ERR_ARGUMENT},
    {TENANT("a") FRAME "window = a 0 10\n[frame g]\nmajor_us = 1000\nwindow = a 0 10\n",
     "windows in another frame", 8, WRT_ERR_EXISTS},
    {TENANT("a") "period_us = 1000\n" FRAME "window = a 0 10\n", "no period_us", 3,
     WRT_ERR_ARGUMENT},
    {TENANT("a") "priority = 3\n" FRAME "window = a 0 10\n", "are its frame's", 1,
     WRT_ERR_ARGUMENT},
    {TENANT("a") "isolate = l1d-flush\n", "only a process can be isolated so", 3, WRT_ERR_ARGUMENT},
    {TENANT("a") "cache_ways = 0x3\n", "only a process can have cache ways", 3, WRT_ERR_ARGUMENT},
    {TENANT("a") "tier = sealed\ncache_colour = 0/2\n", "only tier software can have a cache colour", 4,
     WRT_ERR_UNSUPPORTED},
    {TENANT("a") "tier = process\ncache_colour = 0/2\n", "its tier is process", 4,
     WRT_ERR_UNSUPPORTED},
    {TENANT("a") "worker = /bin/true\n", "only a process has a worker", 3, WRT_ERR_ARGUMENT},
    {TENANT("a") "tier = process\nworker = wrt-tenant\n", "no absolute path", 4, WRT_ERR_ARGUMENT},
    {TENANT("a") "tier = sealed\nrequire = ipc\n", "its tier is sealed", 4, WRT_ERR_ARGUMENT},
    {TENANT("a") "require = network\n", "only a process can be confined", 3, WRT_ERR_ARGUMENT},
};

static void bad_sets_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_sets / sizeof bad_sets[0]; i++) {
        const struct bad *bad = &bad_sets[i];
        if (make(bad->text) == WRT_OK)
            fail_msg("accepted: %s", bad->text);
        expect_problem(&reported, bad->status, bad->line, bad->part);
        unload(partition, manifest);
    }
}

static void too_many_lanes(void **state)
{
    (void)state;
    static char text[20000];
    size_t used = 0;
    for (int i = 0; i < 257; i++)
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "[tenant t%d]\nmodule = m\ntier = process\n", i);
    assert_int_equal(make(text), WRT_ERR_LIMIT);
    expect_problem(&reported, WRT_ERR_LIMIT, 256 * 3 + 1, "lane number 257");
    unload(partition, manifest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dependencies_come_first),
        cmocka_unit_test(circles_are_spelled),
        cmocka_unit_test(a_long_circle_and_a_long_chain),
        cmocka_unit_test(unknown_dependencies_are_named),
        cmocka_unit_test(lanes_by_priority_affinity_frame_and_process),
        cmocka_unit_test(bad_sets_are_named),
        cmocka_unit_test(too_many_lanes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
