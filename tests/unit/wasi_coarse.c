/* tests/unit/wasi_coarse.c - clocks in steps, and steps moved at random: never back, never off by
 * more than a step, the same each time, and the edges where nobody can count on them.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wasi/coarse.h"
#include "wrt/partition.h"
#include "wrt/wasi.h"

#include <string.h>

enum { STEP = 1000, STEPS = 2000 };

static struct wasi_coarse make(uint64_t resolution_ns, uint8_t seed)
{
    struct wasi_coarse coarse = {.resolution_ns = resolution_ns};
    uint8_t key[WRT_CHACHA_KEY_BYTES] = {seed};

    if (seed != 0)
        wrt_wasi_coarse_key(&coarse, key);
    return coarse;
}

static void without_resolution(void **state)
{
    const struct wasi_coarse coarse = {0};

    (void)state;
    assert_int_equal(wrt_wasi_coarse_show(&coarse, 1, 123456789), 123456789);
    assert_int_equal(wrt_wasi_coarse_deadline(&coarse, 1, 123456789), 123456789);
}

static void steps_without_jitter(void **state)
{
    const struct wasi_coarse coarse = make(STEP, 0);

    (void)state;
    assert_int_equal(wrt_wasi_coarse_show(&coarse, 0, 0), 0);
    assert_int_equal(wrt_wasi_coarse_show(&coarse, 0, 999), 0);
    assert_int_equal(wrt_wasi_coarse_show(&coarse, 0, 1000), 1000);
    assert_int_equal(wrt_wasi_coarse_deadline(&coarse, 0, 1000), 1000);
    assert_int_equal(wrt_wasi_coarse_deadline(&coarse, 0, 1001), 2000);
    assert_int_equal(wrt_wasi_coarse_deadline(&coarse, 0, UINT64_MAX), UINT64_MAX);
}

/* One pass over each nanosecond of many steps; where each edge lies within its step. */
static uint32_t edges(const struct wasi_coarse *coarse, uint32_t clock, uint16_t *out)
{
    uint64_t before = wrt_wasi_coarse_show(coarse, clock, 0);
    uint32_t count = 0;

    for (uint64_t now = 1; now < (uint64_t)STEP * STEPS; now++) {
        const uint64_t shown = wrt_wasi_coarse_show(coarse, clock, now);
        assert_true(shown >= before);                        /* never back */
        assert_int_equal(shown % STEP, 0);                   /* in steps */
        assert_true(shown <= now + STEP && now < shown + STEP); /* off by less than a step */
        assert_true(shown - before <= 2 * STEP);
        for (; before < shown; before += STEP)
            out[count++] = (uint16_t)(now % STEP);
    }
    return count;
}

static void steps_with_jitter(void **state)
{
    static uint16_t at[STEPS + 2], again[STEPS + 2], other[STEPS + 2], clock[STEPS + 2];
    const struct wasi_coarse coarse = make(STEP, 7), same = make(STEP, 7), differs = make(STEP, 8);
    uint32_t tenths[10] = {0}, equal_other = 0, equal_clock = 0;
    double chi_square = 0;

    (void)state;
    const uint32_t count = edges(&coarse, 1, at);
    assert_in_range(count, STEPS - 1, STEPS + 1);
    assert_int_equal(edges(&same, 1, again), count);
    assert_memory_equal(at, again, count * sizeof *at);
    const uint32_t other_count = edges(&differs, 1, other), clock_count = edges(&coarse, 0, clock);
    for (uint32_t i = 0; i < count && i < other_count && i < clock_count; i++) {
        equal_other += at[i] == other[i];
        equal_clock += at[i] == clock[i];
    }
    assert_true(equal_other < 30 && equal_clock < 30); /* chance gives 2 */
    for (uint32_t i = 0; i < count; i++)
        tenths[at[i] / 100]++;
    for (int i = 0; i < 10; i++) {
        const double off = (double)tenths[i] - (double)count / 10;
        chi_square += off * off / ((double)count / 10);
    }
    assert_true(chi_square < 33.7); /* 9 degrees of freedom, p = 10^-4; the seed is fixed */
}

/* Who waits is not woken on an edge that he could measure against, and never early. */
static void waits_with_jitter(void **state)
{
    const struct wasi_coarse coarse = make(STEP, 7);
    uint32_t on_the_edge = 0;

    (void)state;
    for (uint64_t time = 0; time < (uint64_t)STEP * STEPS; time += 777) {
        const uint64_t end = wrt_wasi_coarse_deadline(&coarse, 1, time);
        assert_true(end >= time && end < time + 2 * STEP);
        assert_true(wrt_wasi_coarse_show(&coarse, 1, end) >= time);
        on_the_edge += end % STEP == 0;
    }
    assert_true(on_the_edge < 20);
    assert_int_equal(wrt_wasi_coarse_deadline(&coarse, 1, UINT64_MAX), UINT64_MAX);
}

static void bad_configs(void **state)
{
    const struct wrt_wasi_config config = {.clock_jitter = true, .clocks = WRT_WASI_CLOCK_ALL};
    struct wrt_partition *partition;
    struct wrt_wasi *wasi = NULL;
    struct wrt_error error = {0};

    (void)state;
    assert_int_equal(wrt_partition_create(NULL, NULL, &partition, NULL), WRT_OK);
    assert_int_equal(wrt_wasi_create(partition, &config, &wasi, &error), WRT_ERR_ARGUMENT);
    assert_non_null(strstr(error.text, "clock_jitter without clock_resolution_ns"));
    assert_null(wasi);
    assert_int_equal(wrt_partition_destroy(partition, NULL), WRT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_resolution), cmocka_unit_test(steps_without_jitter),
        cmocka_unit_test(steps_with_jitter), cmocka_unit_test(waits_with_jitter),
        cmocka_unit_test(bad_configs)};

    return cmocka_run_group_tests_name("coarse clocks", tests, NULL, NULL);
}
