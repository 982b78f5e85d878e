/* bench/options.c - what each safety option costs, beside the default in the same run.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Bounds are compared, fuel is counted and interrupts are seen in every row: the engine has no
 * form without them.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

enum { CALLS = 3 };

static const struct bench_setup setups[] = {
    {.name = "default"},
    {.name = "verification off", .verification = WRT_VERIFY_OFF},
    {.name = "verification critical", .verification = WRT_VERIFY_CRITICAL},
    {.name = "canonical NaN", .module = {.canonical_nan = true}},
    {.name = "guard hits are traps", .store = {.trap_guard_hits = true}},
    {.name = "counts of what runs", .module = {.instrument = true}},
};
enum { SETUPS = sizeof setups / sizeof setups[0] };

/* Calls under each setup in turn, so that what slows the machine slows them all. */
static void time_program(const struct bench_program *program, struct bench_bytes bytes,
                         double medians_ns[SETUPS])
{
    uint64_t times[SETUPS][CALLS];
    struct bench_guest guests[SETUPS];
    int checksum;
    for (int s = 0; s < SETUPS; s++) {
        bench_open_as(&guests[s], bytes, &setups[s]);
        wrt_store_set_fuel(guests[s].store, UINT64_MAX);
    }
    for (int call = 0; call < CALLS; call++)
        for (int s = 0; s < SETUPS; s++)
            times[s][call] = bench_time_engine(&guests[s], bench_function(&guests[s], "run"),
                                               program->argument, &checksum);
    for (int s = 0; s < SETUPS; s++) {
        medians_ns[s] = (double)bench_median(times[s], CALLS);
        bench_close(&guests[s]);
    }
}

void bench_options(const char *folder, const char *group, const struct bench_program *programs,
                   int count)
{
    double logarithms[SETUPS] = {0};
    int measured = 0;
    for (int p = 0; p < count; p++) {
        char name[64];
        double medians_ns[SETUPS];
        if (strcmp(programs[p].group, group) != 0)
            continue;
        snprintf(name, sizeof name, "%s_%s", group, programs[p].name);
        struct bench_bytes bytes = bench_read(folder, name);
        time_program(&programs[p], bytes, medians_ns);
        free(bytes.data);
        for (int s = 0; s < SETUPS; s++)
            logarithms[s] += log(medians_ns[s] / medians_ns[0]);
        measured++;
    }
    printf("%-40s %12s\n", "option", "of default");
    for (int s = 1; s < SETUPS; s++) {
        double ratio = exp(logarithms[s] / measured);
        printf("%-40s %12.3f\n", setups[s].name, ratio);
        bench_record("options", setups[s].name, "of default", ratio);
    }
    printf("\n");
}
