/* bench/bench.c - each program by the engine and natively, in one process, interleaved.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Per pass and program: one warm-up call, then five timed calls, engine and native in turn.
 * A figure is the smallest of the passes' medians, which is the one that other work on the
 * machine disturbed least; what counts is the ratio of two figures of one run. Time is what the
 * thread got of a processor, so that a busy machine does not count as a slow engine.
 *
 *     wrt_bench FOLDER-OF-MODULES [PASSES [FILE-FOR-FIGURES]]
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

enum { CALLS = 5, MAX_PROGRAMS = 32 };

#define PROGRAM(group, name, argument) int run_##group##_##name(int);
#include "programs.inc"
#undef PROGRAM

static const struct bench_program programs[] = {
#define PROGRAM(group, name, argument) {#group, #name, argument, run_##group##_##name},
#include "programs.inc"
#undef PROGRAM
};
enum { PROGRAM_COUNT = sizeof programs / sizeof programs[0] };

struct figures {
    uint64_t native_ns, engine_ns, fuel;
};

static FILE *record;

void bench_record(const char *group, const char *name, const char *figure, double value)
{
    if (record != NULL)
        fprintf(record, "%s;%s;%s;%.6g\n", group, name, figure, value);
}

void bench_must(enum wrt_status status, const char *what, const struct wrt_error *error)
{
    if (status == WRT_OK)
        return;
    fprintf(stderr, "bench: %s: %s %s\n", what, wrt_status_text(status),
            error != NULL ? error->text : "");
    exit(1);
}

struct bench_bytes bench_read(const char *folder, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.wasm", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    enum { MOST = 16 << 20 };
    struct bench_bytes bytes = {.data = malloc(MOST)};
    if (bytes.data != NULL)
        bytes.size_bytes = fread(bytes.data, 1, MOST, file);
    fclose(file);
    return bytes;
}

static enum wrt_status next(struct wrt_caller *caller, void *context,
                            const union wrt_slot *arguments, union wrt_slot *results)
{
    (void)caller;
    (void)context;
    results[0].i32 = arguments[0].i32 + 1;
    return WRT_OK;
}

void bench_define(struct bench_guest *guest)
{
    struct wrt_error error = {0};
    bench_must(wrt_store_define_function(guest->store, "host", "next", "i:i", next, NULL, &error),
               "define", &error);
}

void bench_open_as(struct bench_guest *guest, struct bench_bytes bytes,
                   const struct bench_setup *setup)
{
    struct wrt_error error = {0};
    const struct wrt_partition_config partition = {.verification = setup->verification};
    bench_must(wrt_partition_create(NULL, &partition, &guest->partition, &error), "partition",
               &error);
    bench_must(wrt_module_load(guest->partition, &setup->module, bytes.data, bytes.size_bytes,
                               &guest->module, &error), "load", &error);
    bench_must(wrt_store_create(guest->partition, &setup->store, &guest->store, &error), "store",
               &error);
    bench_define(guest);
    bench_must(wrt_store_instantiate(guest->store, guest->module, &guest->instance, &error),
               "instantiate", &error);
}

void bench_open(struct bench_guest *guest, struct bench_bytes bytes)
{
    static const struct bench_setup by_default;
    bench_open_as(guest, bytes, &by_default);
}

void bench_close(struct bench_guest *guest)
{
    struct wrt_error error = {0};
    bench_must(wrt_store_destroy(guest->store), "store", NULL);
    bench_must(wrt_module_destroy(guest->module), "module", NULL);
    bench_must(wrt_partition_destroy(guest->partition, &error), "partition", &error);
}

struct wrt_function *bench_function(const struct bench_guest *guest, const char *name)
{
    struct wrt_extern item;
    bench_must(wrt_instance_export(guest->instance, name, &item), name, NULL);
    return item.of.function;
}

static int compare_times(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

uint64_t bench_median(uint64_t *times, int count)
{
    qsort(times, (size_t)count, sizeof *times, compare_times);
    return times[count / 2];
}

uint64_t bench_processor_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static uint64_t time_native(const struct bench_program *program, int *checksum)
{
    uint64_t start_ns = bench_processor_ns();
    *checksum = program->native(program->argument);
    return bench_processor_ns() - start_ns;
}

uint64_t bench_time_engine(const struct bench_guest *guest, struct wrt_function *run, int argument,
                           int *checksum)
{
    union wrt_slot in = {.i32 = (uint32_t)argument}, out;
    uint64_t start_ns = bench_processor_ns();
    bench_must(wrt_function_call_slots(guest->store, run, &in, 1, &out, 1), "run", NULL);
    uint64_t end_ns = bench_processor_ns();
    *checksum = (int)out.i32;
    return end_ns - start_ns;
}

static void keep_smaller(uint64_t *least, uint64_t value)
{
    if (*least == 0 || value < *least)
        *least = value;
}

static void pass(const struct bench_program *program, const struct bench_guest *guest,
                 struct figures *figures)
{
    struct wrt_function *run = bench_function(guest, "run");
    uint64_t native[CALLS], engine[CALLS];
    int expected, got;
    (void)time_native(program, &expected);
    wrt_store_set_fuel(guest->store, UINT64_MAX);
    (void)bench_time_engine(guest, run, program->argument, &got);
    figures->fuel = wrt_store_fuel_used(guest->store);
    if (got != expected) {
        fprintf(stderr, "bench: %s gives %d, natively %d\n", program->name, got, expected);
        exit(1);
    }
    for (int i = 0; i < CALLS; i++) {
        native[i] = time_native(program, &expected);
        engine[i] = bench_time_engine(guest, run, program->argument, &got);
    }
    keep_smaller(&figures->native_ns, bench_median(native, CALLS));
    keep_smaller(&figures->engine_ns, bench_median(engine, CALLS));
}

static void measure(const struct bench_program *program, const char *folder, struct figures *figures)
{
    char name[64];
    snprintf(name, sizeof name, "%s_%s", program->group, program->name);
    struct bench_bytes bytes = bench_read(folder, name);
    struct bench_guest guest;
    bench_open(&guest, bytes);
    pass(program, &guest, figures);
    bench_close(&guest);
    free(bytes.data);
}

static void print_group(const char *group, const struct figures *figures)
{
    double logarithms = 0;
    int count = 0;
    printf("%-10s %12s %12s %9s %14s %9s\n", group, "native ms", "wrt ms", "ratio", "instructions",
           "ns each");
    for (int i = 0; i < PROGRAM_COUNT; i++) {
        if (strcmp(programs[i].group, group) != 0)
            continue;
        double native = (double)figures[i].native_ns, engine = (double)figures[i].engine_ns;
        printf("%-10s %12.2f %12.2f %9.2f %14llu %9.3f\n", programs[i].name, native / 1e6,
               engine / 1e6, engine / native, (unsigned long long)figures[i].fuel,
               engine / (double)figures[i].fuel);
        bench_record(group, programs[i].name, "native ms", native / 1e6);
        bench_record(group, programs[i].name, "ratio", engine / native);
        logarithms += log(engine / native);
        count++;
    }
    printf("%-10s %35.2f   (geometric mean)\n\n", "", exp(logarithms / count));
    bench_record(group, "geometric mean", "ratio", exp(logarithms / count));
}

int main(int argc, char **argv)
{
    static struct figures figures[PROGRAM_COUNT];
    int passes = argc > 2 ? atoi(argv[2]) : 3;
    if (argc < 2 || argc > 4 || passes < 1) {
        fprintf(stderr, "usage: %s FOLDER-OF-MODULES [PASSES [FILE-FOR-FIGURES]]\n", argv[0]);
        return 2;
    }
    if (argc == 4 && (record = fopen(argv[3], "w")) == NULL) {
        perror(argv[3]);
        return 1;
    }
    for (int i = 0; i < passes; i++)
        for (int p = 0; p < PROGRAM_COUNT; p++)
            measure(&programs[p], argv[1], &figures[p]);
    for (int p = 0; p < PROGRAM_COUNT; p++)
        if (p == 0 || strcmp(programs[p].group, programs[p - 1].group) != 0)
            print_group(programs[p].group, figures);
    bench_options(argv[1], programs[PROGRAM_COUNT - 1].group, programs, PROGRAM_COUNT);
    bench_micro(argv[1]);
    bench_translate(argv[1]);
    return record != NULL && fclose(record) != 0;
}
