/* bench/aot.c - compiled guests beside the same C compiled natively, in one process, interleaved.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Each program is compiled by `wrt compile` once for each column. As in bench.c a figure is the
 * smallest of the passes' medians of five calls, and what counts is the ratio to native of one
 * run. Programs that wasm2c cannot translate are left out.
 *
 *     bench_aot FOLDER-OF-MODULES WRT CC [PASSES [FILE-FOR-FIGURES [PROGRAM]]]
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "wrt/wrt.h"

enum { CALLS = 5, MAX_PROGRAMS = 32 };

#define PROGRAM(group, name, argument) int run_##group##_##name(int);
#include "programs.inc"
#undef PROGRAM

static const struct program {
    const char *group, *name;
    int argument;
    int (*native)(int);
} programs[] = {
#define PROGRAM(group, name, argument) {#group, #name, argument, run_##group##_##name},
#include "programs.inc"
#undef PROGRAM
};
enum { PROGRAM_COUNT = sizeof programs / sizeof programs[0] };

/* `figure` names it in the file. */
static const struct column {
    const char *title, *options, *figure;
} columns[] = {
    {"guard", "--memory guard --stop none", "guard pages"},
    {"+check", "--memory guard --stop check", "guard pages, stop checks"},
    {"+fuel", "--memory guard --stop fuel", "guard pages, fuel"},
    {"compare", "--memory compare --stop none", "compares"},
    {"+check", "--memory compare --stop check", "compares, stop checks"},
    {"+fuel", "--memory compare --stop fuel", "compares, fuel"},
};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

static FILE *record;

/* The group is "compiled GROUP". */
static void keep(const char *group, const char *name, int column, double value)
{
    if (record != NULL)
        fprintf(record, "compiled %s;%s;%s;%g\n", group, name, columns[column].figure, value);
}

struct guest {
    struct wrt_partition *partition;
    struct wrt_native *native;
    struct wrt_module *module;
    struct wrt_store *store;
    struct wrt_instance *instance;
    struct wrt_function *run;
};

static void must(enum wrt_status status, const char *what, const struct wrt_error *error)
{
    if (status == WRT_OK)
        return;
    fprintf(stderr, "bench: %s: %s %s\n", what, wrt_status_text(status),
            error != NULL ? error->text : "");
    exit(1);
}

static size_t read_file(const char *path, uint8_t **out)
{
    enum { MOST = 16 << 20 };
    FILE *file = fopen(path, "rb");
    *out = malloc(MOST);
    const size_t size = file != NULL && *out != NULL ? fread(*out, 1, MOST, file) : 0;
    if (file != NULL)
        fclose(file);
    return size;
}

static void open_guest(struct guest *g, const char *path)
{
    struct wrt_error error = {0};
    struct wrt_module_config config = {0};
    struct wrt_native_description what;
    struct wrt_extern item;
    uint8_t *bytes;
    const size_t size = read_file(path, &bytes);
    must(wrt_partition_create(NULL, NULL, &g->partition, &error), "partition", &error);
    must(wrt_native_open(g->partition, bytes, size, NULL, &g->native, &error), path, &error);
    config.native = wrt_native_get_object(g->native);
    wrt_native_describe(config.native, &what);
    must(wrt_module_load(g->partition, &config, what.module.data, what.module.size_bytes,
                         &g->module, &error), path, &error);
    must(wrt_store_create(g->partition, NULL, &g->store, &error), "store", &error);
    must(wrt_store_instantiate(g->store, g->module, &g->instance, &error), path, &error);
    must(wrt_instance_export(g->instance, "run", &item), path, NULL);
    g->run = item.of.function;
    free(bytes);
}

static void close_guest(struct guest *g)
{
    must(wrt_store_destroy(g->store), "store", NULL);
    must(wrt_module_destroy(g->module), "module", NULL);
    wrt_native_close(g->native);
    must(wrt_partition_destroy(g->partition, NULL), "partition", NULL);
}

static uint64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static uint64_t time_guest(const struct guest *g, int argument, int expected, const char *name)
{
    union wrt_slot in = {.i32 = (uint32_t)argument}, out;
    const uint64_t start = now_ns();
    must(wrt_function_call_slots(g->store, g->run, &in, 1, &out, 1), name, NULL);
    const uint64_t end = now_ns();
    if ((int)out.i32 != expected) {
        fprintf(stderr, "bench: %s gives %d, natively %d\n", name, (int)out.i32, expected);
        exit(1);
    }
    return end - start;
}

static int compare_times(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static void keep_median(uint64_t *least, uint64_t times[CALLS])
{
    qsort(times, CALLS, sizeof *times, compare_times);
    if (*least == 0 || times[CALLS / 2] < *least)
        *least = times[CALLS / 2];
}

/* [0] native, then the columns. */
static void pass(const struct program *p, const struct guest guests[COLUMNS],
                 uint64_t least[COLUMNS + 1])
{
    uint64_t times[COLUMNS + 1][CALLS];
    const int expected = p->native(p->argument);
    for (int k = 0; k < COLUMNS; k++)
        (void)time_guest(&guests[k], p->argument, expected, p->name);
    for (int i = 0; i < CALLS; i++) {
        const uint64_t start = now_ns();
        (void)p->native(p->argument);
        times[0][i] = now_ns() - start;
        for (int k = 0; k < COLUMNS; k++)
            times[k + 1][i] = time_guest(&guests[k], p->argument, expected, p->name);
    }
    for (int k = 0; k <= COLUMNS; k++)
        keep_median(&least[k], times[k]);
}

/* False: wasm2c cannot. */
static bool compile(const struct program *p, const char *folder, const char *wrt, const char *cc,
                    int k, char path[1024])
{
    char command[4096];
    snprintf(path, 1024, "%s/%s_%s.%d.so", folder, p->group, p->name, k);
    snprintf(command, sizeof command, "'%s' compile %s --cc '%s' -o '%s' '%s/%s_%s.wasm' 2>'%s.log'",
             wrt, columns[k].options, cc, path, folder, p->group, p->name, path);
    return system(command) == 0;
}

static bool measure(const struct program *p, const char *folder, const char *wrt, const char *cc,
                    int passes, uint64_t least[COLUMNS + 1])
{
    struct guest guests[COLUMNS];
    char path[1024];
    for (int k = 0; k < COLUMNS; k++) {
        if (!compile(p, folder, wrt, cc, k, path))
            return false;
        open_guest(&guests[k], path);
    }
    for (int i = 0; i < passes; i++)
        pass(p, guests, least);
    for (int k = 0; k < COLUMNS; k++)
        close_guest(&guests[k]);
    return true;
}

static void print_line(const char *group, const char *name, const uint64_t least[COLUMNS + 1], double logarithms[COLUMNS])
{
    printf("%-10s %10.2f", name, (double)least[0] / 1e6);
    for (int k = 0; k < COLUMNS; k++) {
        const double ratio = (double)least[k + 1] / (double)least[0];
        printf(" %8.2f", ratio);
        keep(group, name, k, ratio);
        logarithms[k] += log(ratio);
    }
    putchar('\n');
    fflush(stdout);
}

static void print_means(const char *group, const double logarithms[COLUMNS], int count)
{
    if (count == 0)
        return;
    printf("%-10s %10s", "mean", "");
    for (int k = 0; k < COLUMNS; k++) {
        printf(" %8.2f", exp(logarithms[k] / count));
        keep(group, "geometric mean", k, exp(logarithms[k] / count));
    }
    puts("   (geometric)\n");
}

static void run_group(const char *group, char **argv, int passes, const char *only)
{
    double logarithms[COLUMNS] = {0};
    int count = 0;
    printf("%-10s %10s", group, "native ms");
    for (int k = 0; k < COLUMNS; k++)
        printf(" %8s", columns[k].title);
    putchar('\n');
    for (int i = 0; i < PROGRAM_COUNT; i++) {
        uint64_t least[COLUMNS + 1] = {0};
        if (strcmp(programs[i].group, group) != 0 ||
            (only != NULL && strcmp(only, programs[i].name) != 0))
            continue;
        if (!measure(&programs[i], argv[1], argv[2], argv[3], passes, least)) {
            printf("%-10s   not translated, see %s/*.log\n", programs[i].name, argv[1]);
            continue;
        }
        print_line(group, programs[i].name, least, logarithms);
        count++;
    }
    print_means(group, logarithms, count);
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc > 7) {
        fprintf(stderr, "usage: bench_aot FOLDER-OF-MODULES WRT CC [PASSES [FILE-FOR-FIGURES "
                        "[PROGRAM]]]\n");
        return 2;
    }
    const int passes = argc > 4 ? atoi(argv[4]) : 3;
    if (argc > 5 && (record = fopen(argv[5], "a")) == NULL) {
        perror(argv[5]);
        return 1;
    }
    for (int i = 0; i < PROGRAM_COUNT; i++)
        if (i == 0 || strcmp(programs[i].group, programs[i - 1].group) != 0)
            run_group(programs[i].group, argv, passes, argc > 6 ? argv[6] : NULL);
    return record != NULL && fclose(record) != 0;
}
