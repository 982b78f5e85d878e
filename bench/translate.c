/* bench/translate.c - how fast a module is read, validated and translated, and what it takes then:
 * sixty kernels and the parts of the C library that they use, loaded whole.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

enum { ROUNDS = 21 };

static void line(const char *what, double value, const char *unit)
{
    printf("%-52s %10.2f %s\n", what, value, unit);
    bench_record("micro", what, unit, value);
}

void bench_translate(const char *folder)
{
    struct bench_bytes bytes = bench_read(folder, "kernels");
    uint64_t times[ROUNDS], used_bytes = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct wrt_partition *partition;
        struct wrt_module *module;
        struct wrt_partition_info before, after;
        struct wrt_error error = {0};
        bench_must(wrt_partition_create(NULL, NULL, &partition, &error), "partition", &error);
        wrt_partition_get_info(partition, &before);
        const uint64_t begin_ns = bench_processor_ns();
        bench_must(wrt_module_load(partition, NULL, bytes.data, bytes.size_bytes, &module, &error),
                   "load", &error);
        times[i] = bench_processor_ns() - begin_ns;
        wrt_partition_get_info(partition, &after);
        used_bytes = after.used_bytes - before.used_bytes;
        bench_must(wrt_module_destroy(module), "module", NULL);
        bench_must(wrt_partition_destroy(partition, &error), "partition", &error);
    }
    const double size_bytes = (double)bytes.size_bytes;
    line("translation of a module with a C library", size_bytes * 1e3 / (double)bench_median(times, ROUNDS),
         "MB/s");
    line("memory of the loaded module, per byte of its file", (double)used_bytes / size_bytes, "bytes");
    free(bytes.data);
}
