/* tests/prime_probe/colour.c - prime and probe on the second cache, between two tenants that take
 * turns on one processor, with and without cache colours.  SPDX-License-Identifier: Apache-2.0
 *
 *     colour PAGES.wasm shared|coloured      x86-64
 *
 * The victim is a guest that reads one of 16 host pages of its memory by its secret. The attacker, native
 * code with the cycle counter, fills the sets of the second cache page by page and times each. It
 * first learns what each secret looks like (the victim's physical pages are unknown to it), then
 * guesses. `coloured`: the victim's memory has colour 0 of 2, the attacker's colour 1.
 * Prints, for each secret, the time of each group of sets less its mean over all secrets, then
 * "guessed N of 32". Exit status 77: this machine gives no huge pages or does not tell its sets.
 */
#define _GNU_SOURCE
#include "wrt/memory.h"
#include "wrt/store.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <x86intrin.h>

enum { PAGE = 4096, LINE = 64, LINES = PAGE / LINE, MOST_WAYS = 16, MOST_GROUPS = 64, SECRETS = 16,
       ROUNDS = 150, BATCHES = 3 }; /* one to learn, two to guess */

static uint8_t *memory;
static size_t ways, groups, way_stride;
static double times[BATCHES][SECRETS][MOST_GROUPS];

static void must(enum wrt_status status, const char *what, const struct wrt_error *error)
{
    if (status == WRT_OK)
        return;
    fprintf(stderr, "colour: %s: %s\n", what, error->text);
    exit(status == WRT_ERR_UNSUPPORTED ? 77 : 2);
}

static uint8_t *line_at(size_t group, size_t index)
{
    return memory + group * PAGE + index / LINES * way_stride + index % LINES * LINE;
}

/* The lines of a group in random order, each found by the one before. */
static void link_lines(size_t group)
{
    static uint16_t order[MOST_WAYS * LINES];
    const size_t count = ways * LINES;

    for (size_t i = 0; i < count; i++)
        order[i] = (uint16_t)i;
    for (size_t i = count - 1; i > 0; i--) {
        const size_t j = (size_t)rand() % (i + 1);
        const uint16_t kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
    for (size_t i = 0; i < count; i++) {
        uint8_t *next = line_at(group, order[(i + 1) % count]);
        memcpy(line_at(group, order[i]), &next, sizeof next);
    }
}

/* Fills the group's sets again, too. */
static uint32_t probe(size_t group)
{
    uint32_t aux;
    uint8_t *at = line_at(group, 0);

    _mm_lfence();
    const uint64_t from = __rdtscp(&aux);
    _mm_lfence();
    for (size_t i = 0; i < ways * LINES; i++)
        memcpy(&at, at, sizeof at);
    __asm__ volatile("" : : "r"(at) : "memory");
    _mm_lfence();
    return (uint32_t)(__rdtscp(&aux) - from);
}

static int by_size(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double median(uint32_t *all)
{
    qsort(all, ROUNDS, sizeof *all, by_size);
    return all[ROUNDS / 2];
}

static void spy(struct wrt_store *store, struct wrt_function *victim, int batch)
{
    static uint32_t all[SECRETS][MOST_GROUPS][ROUNDS];
    const struct wrt_error none = {.text = "call"};

    for (int round = 0; round < ROUNDS; round++) {
        unsigned order[SECRETS]; /* so that nothing but the secret tells one from another */

        for (unsigned i = 0; i < SECRETS; i++) {
            const unsigned j = (unsigned)rand() % (i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        for (unsigned i = 0; i < SECRETS; i++) {
            const unsigned secret = order[i];
            const union wrt_slot argument = {.i32 = secret};
            union wrt_slot result;

            for (size_t group = 0; group < groups; group++)
                (void)probe(group);
            must(wrt_function_call_slots(store, victim, &argument, 1, &result, 1), "call", &none);
            for (size_t group = 0; group < groups; group++)
                all[secret][group][round] = probe(group);
        }
    }
    for (unsigned secret = 0; secret < SECRETS; secret++)
        for (size_t group = 0; group < groups; group++)
            times[batch][secret][group] = median(all[secret][group]);
    for (size_t group = 0; group < groups; group++) { /* what all have in common says nothing */
        double mean = 0;
        for (unsigned secret = 0; secret < SECRETS; secret++)
            mean += times[batch][secret][group] / SECRETS;
        for (unsigned secret = 0; secret < SECRETS; secret++)
            times[batch][secret][group] -= mean;
    }
}

/* The secret whose learned picture is the most like what was seen. */
static unsigned guess(const double *seen)
{
    unsigned best = 0;
    double most = -1e300;

    for (unsigned secret = 0; secret < SECRETS; secret++) {
        double distance = 0;
        for (size_t group = 0; group < groups; group++) {
            const double d = seen[group] - times[0][secret][group];
            distance -= d * d;
        }
        if (distance > most)
            best = secret, most = distance;
    }
    return best;
}

static void report(void)
{
    unsigned guessed = 0;

    for (unsigned secret = 0; secret < SECRETS; secret++) {
        for (size_t group = 0; group < groups; group++)
            printf("%s%.1f", group > 0 ? " " : "", times[0][secret][group]);
        putchar('\n');
        for (int batch = 1; batch < BATCHES; batch++)
            guessed += guess(times[batch][secret]) == secret;
    }
    printf("guessed %u of %d\n", guessed, SECRETS * (BATCHES - 1));
}

static uint8_t *read_file(const char *path, size_t *size)
{
    static uint8_t bytes[1 << 16];
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        exit(2);
    *size = fread(bytes, 1, sizeof bytes, in);
    fclose(in);
    return bytes;
}

static void stay_on_one_processor(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((unsigned)sched_getcpu(), &set);
    (void)sched_setaffinity(0, sizeof set, &set);
}

/* As many sets as it can have: all in one huge page, or those of its colour. */
static void make_attacker(bool is_coloured, const struct wrt_colour_runs *runs)
{
    static struct wrt_page_allocator pages;
    struct wrt_page_config config = {.initial_pages = 32, .maximum_pages = 32, .prefault = true};
    struct wrt_partition *partition;
    struct wrt_error error = {.text = ""};
    const long assoc = sysconf(_SC_LEVEL2_CACHE_ASSOC);

    ways = assoc > 0 && assoc <= MOST_WAYS ? (size_t)assoc : 8;
    groups = is_coloured ? runs->run_bytes / PAGE : runs->period_bytes / PAGE;
    way_stride = groups * PAGE;
    config.initial_pages = config.maximum_pages = (ways * way_stride + 65535) / 65536;
    if (is_coloured)
        config.colour = (struct wrt_cache_colour){.count = 2, .index = 1};
    else
        config.huge_pages = WRT_HUGE_ADVISE, config.initial_pages = config.maximum_pages = 32;
    if (groups > MOST_GROUPS || ways * way_stride > 2 << 20)
        exit(77);
    must(wrt_partition_create(NULL, NULL, &partition, &error), "partition", &error);
    must(wrt_pages_allocate(&pages, partition, &config, &error), "the attacker's memory", &error);
    memory = pages.base;
    for (size_t group = 0; group < groups; group++)
        link_lines(group);
}

int main(int count, char **arguments)
{
    struct wrt_partition *partition;
    struct wrt_store *store;
    struct wrt_module *module;
    struct wrt_instance *instance;
    struct wrt_extern item;
    struct wrt_colour_runs runs;
    struct wrt_store_config config = {.max_memory_pages = 0};
    struct wrt_error error = {.text = ""};
    const struct wrt_cache_colour colour = {.count = 2, .index = 0};
    size_t size;

    if (count != 3)
        return 2;
    const bool is_coloured = strcmp(arguments[2], "coloured") == 0;
    uint8_t *bytes = read_file(arguments[1], &size);
    stay_on_one_processor();
    must(wrt_cache_colour_runs(&colour, &runs, &error), "colours", &error);
    if (is_coloured)
        config.pages.colour = colour;
    must(wrt_partition_create(NULL, NULL, &partition, &error), "partition", &error);
    must(wrt_module_load(partition, NULL, bytes, size, &module, &error), "load", &error);
    must(wrt_store_create(partition, &config, &store, &error), "store", &error);
    must(wrt_store_instantiate(store, module, &instance, &error), "instantiate", &error);
    must(wrt_instance_export(instance, "read", &item), "read", &error);
    make_attacker(is_coloured, &runs);
    for (int batch = 0; batch < BATCHES; batch++)
        spy(store, item.of.function, batch);
    report();
    return 0;
}
