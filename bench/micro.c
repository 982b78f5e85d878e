/* bench/micro.c - what loading, starting, calling and growing cost.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

enum { ROUNDS = 101, CALLS = 200000, SAMPLES = 20001 };

static void print_time(const char *what, double value, const char *unit)
{
    printf("%-52s %10.2f %s\n", what, value, unit);
    bench_record("micro", what, unit, value);
}

/* One guest from bytes to nothing, with a call in between: the whole and its steps. */
static void lifecycle(struct bench_bytes bytes)
{
    uint64_t whole[ROUNDS], load[ROUNDS], start[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        struct bench_guest guest;
        struct wrt_error error = {0};
        union wrt_slot in[2] = {{.i32 = 1}, {.i32 = 2}}, out;
        uint64_t begin_ns = wrt_time_now_ns();
        bench_open(&guest, bytes);
        bench_must(wrt_function_call_slots(guest.store, bench_function(&guest, "add"), in, 2, &out,
                                           1), "add", NULL);
        bench_close(&guest);
        whole[i] = wrt_time_now_ns() - begin_ns;

        bench_must(wrt_partition_create(NULL, NULL, &guest.partition, &error), "partition", &error);
        begin_ns = wrt_time_now_ns();
        bench_must(wrt_module_load(guest.partition, NULL, bytes.data, bytes.size_bytes,
                                   &guest.module, &error), "load", &error);
        load[i] = wrt_time_now_ns() - begin_ns;
        bench_must(wrt_module_destroy(guest.module), "module", NULL);
        bench_must(wrt_partition_destroy(guest.partition, &error), "partition", &error);

        bench_open(&guest, bytes);
        begin_ns = wrt_time_now_ns();
        bench_must(wrt_store_instantiate(guest.store, guest.module, &guest.instance, &error),
                   "instantiate", &error);
        start[i] = wrt_time_now_ns() - begin_ns;
        bench_close(&guest);
    }
    print_time("partition + load + instantiate + call + free", (double)bench_median(whole, ROUNDS) / 1e3, "us");
    print_time("load of ten functions", (double)bench_median(load, ROUNDS) / 1e3, "us");
    print_time("instantiate", (double)bench_median(start, ROUNDS) / 1e3, "us");
}

/* The same without the partition, which stays and keeps what it may for the next guest; its linear
 * memory from a pool, or (NULL) new. *start: what instantiating took. */
static uint64_t life_in(struct wrt_partition *partition, struct bench_bytes bytes,
                        struct wrt_page_pool *pool, uint64_t *start)
{
    const struct wrt_store_config config = {
        .max_memory_pages = pool != NULL ? 16 : 0,
        .pages = {.provider = pool != NULL ? WRT_PAGES_POOLED : WRT_PAGES_RESERVED, .pool = pool}};
    const uint64_t begin_ns = wrt_time_now_ns();
    struct bench_guest guest = {.partition = partition};
    union wrt_slot in[2] = {{.i32 = 1}, {.i32 = 2}}, out;
    struct wrt_error error = {0};
    bench_must(wrt_module_load(partition, NULL, bytes.data, bytes.size_bytes, &guest.module,
                               &error), "load", &error);
    bench_must(wrt_store_create(partition, &config, &guest.store, &error), "store", &error);
    bench_define(&guest);
    *start = wrt_time_now_ns();
    bench_must(wrt_store_instantiate(guest.store, guest.module, &guest.instance, &error),
               "instantiate", &error);
    *start = wrt_time_now_ns() - *start;
    bench_must(wrt_function_call_slots(guest.store, bench_function(&guest, "add"), in, 2, &out, 1),
               "add", NULL);
    bench_must(wrt_store_destroy(guest.store), "store", NULL);
    bench_must(wrt_module_destroy(guest.module), "module", NULL);
    return wrt_time_now_ns() - begin_ns;
}

static void print_life(const char *what, struct bench_bytes bytes, bool is_pooled)
{
    static const struct wrt_page_pool_config slots = {.slots = 2, .slot_bytes = 16 << 16,
                                                      .guard_bytes = 65536, .keep_bytes = 65536};
    uint64_t whole[ROUNDS], start[ROUNDS];
    struct wrt_partition *partition;
    struct wrt_page_pool pool;
    struct wrt_error error = {0};
    bench_must(wrt_partition_create(NULL, NULL, &partition, &error), "partition", &error);
    if (is_pooled)
        bench_must(wrt_page_pool_create(&pool, partition, &slots, &error), "pool", &error);
    for (int i = 0; i < ROUNDS; i++)
        whole[i] = life_in(partition, bytes, is_pooled ? &pool : NULL, &start[i]);
    print_time(what, (double)bench_median(whole, ROUNDS) / 1e3, "us");
    if (is_pooled) {
        print_time("instantiate, pooled", (double)bench_median(start, ROUNDS) / 1e3, "us");
        bench_must(wrt_page_pool_destroy(&pool, &error), "pool", &error);
    }
    bench_must(wrt_partition_destroy(partition, &error), "partition", &error);
}

static void lives(struct bench_bytes small, struct bench_bytes medium)
{
    print_life("load + instantiate + call + free, same partition", small, false);
    print_life("the same, pooled", small, true);
    print_life("the same of a module of 12 KB, not pooled", medium, false);
}

/* Nanoseconds for one call of `name`, made `count` times from the host. */
static double time_calls(const struct bench_guest *guest, const char *name, uint32_t argument,
                         int count)
{
    struct wrt_function *function = bench_function(guest, name);
    union wrt_slot in[2] = {{.i32 = argument}, {.i32 = 2}}, out;
    uint32_t parameters = argument == 0 ? 2 : 1;
    uint64_t times[5];
    for (int round = 0; round < 5; round++) {
        uint64_t begin_ns = bench_processor_ns();
        for (int i = 0; i < count; i++)
            bench_must(wrt_function_call_slots(guest->store, function, in, parameters, &out, 1),
                       name, NULL);
        times[round] = bench_processor_ns() - begin_ns;
    }
    return (double)bench_median(times, 5) / count;
}

static void calls(struct bench_bytes bytes)
{
    struct bench_guest guest;
    bench_open(&guest, bytes);
    print_time("host -> wasm call of add", time_calls(&guest, "add", 0, CALLS), "ns");
    double with = time_calls(&guest, "call_host", CALLS, 1);
    double without = time_calls(&guest, "call_nothing", CALLS, 1);
    print_time("wasm -> host call in a loop (the loop subtracted)", (with - without) / (int)CALLS, "ns");
    bench_close(&guest);
}

/* A fresh guest each round, so that every page is new. */
static double time_growth(struct bench_bytes bytes, uint32_t pages)
{
    uint64_t times[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        struct bench_guest guest;
        union wrt_slot in = {.i32 = pages}, out;
        bench_open(&guest, bytes);
        struct wrt_function *grow = bench_function(&guest, "grow");
        uint64_t begin_ns = wrt_time_now_ns();
        bench_must(wrt_function_call_slots(guest.store, grow, &in, 1, &out, 1), "grow", NULL);
        times[i] = wrt_time_now_ns() - begin_ns;
        if (out.i32 == UINT32_MAX) {
            fprintf(stderr, "bench: memory.grow(%u) failed\n", pages);
            exit(1);
        }
        bench_close(&guest);
    }
    return (double)bench_median(times, ROUNDS) / 1e3;
}

/* ---- latency: each operation timed alone, the clock's own time included ---- */

static uint64_t samples[SAMPLES];

static void print_latency(const char *what, int count)
{
    const double median = (double)bench_median(samples, count);
    const double high = (double)samples[(int)((int64_t)count * 999 / 1000)];
    const double most = (double)samples[count - 1];
    printf("%-40s %10.0f %10.0f %10.0f ns\n", what, median, high, most);
    bench_record("latency", what, "median ns", median);
    bench_record("latency", what, "99.9th ns", high);
    bench_record("latency", what, "maximum ns", most);
}

static void latency_of_clock(void)
{
    for (int i = 0; i < SAMPLES; i++) {
        const uint64_t begin_ns = wrt_time_now_ns();
        samples[i] = wrt_time_now_ns() - begin_ns;
    }
    print_latency("nothing (the clock alone)", SAMPLES);
}

static void latency_of_call(const struct bench_guest *guest, const char *what, const char *name,
                            uint32_t argument, uint32_t parameters)
{
    struct wrt_function *function = bench_function(guest, name);
    union wrt_slot in[2] = {{.i32 = argument}, {.i32 = 2}}, out;
    for (int i = 0; i < SAMPLES; i++) {
        const uint64_t begin_ns = wrt_time_now_ns();
        bench_must(wrt_function_call_slots(guest->store, function, in, parameters, &out, 1), name,
                   NULL);
        samples[i] = wrt_time_now_ns() - begin_ns;
    }
    print_latency(what, SAMPLES);
}

static void latency_of_instances(struct bench_bytes bytes)
{
    enum { TIMES = 1001 };
    for (int i = 0; i < TIMES; i++) {
        struct bench_guest guest;
        struct wrt_error error = {0};
        bench_open(&guest, bytes);
        const uint64_t begin_ns = wrt_time_now_ns();
        bench_must(wrt_store_instantiate(guest.store, guest.module, &guest.instance, &error),
                   "instantiate", &error);
        samples[i] = wrt_time_now_ns() - begin_ns;
        bench_close(&guest);
    }
    print_latency("instantiate", TIMES);
}

static void latencies(struct bench_bytes bytes)
{
    struct bench_guest guest;
    printf("\n%-40s %10s %10s %10s\n", "latency", "median", "99.9th", "maximum");
    latency_of_clock();
    bench_open(&guest, bytes);
    latency_of_call(&guest, "call of add", "add", 1, 2);
    latency_of_call(&guest, "call that calls the host ten times", "call_host", 10, 1);
    bench_close(&guest);
    latency_of_instances(bytes);
    putchar('\n');
}

/* ---- memory ---- */

/* Of this process; 0: not known. */
static double resident_bytes(void)
{
    unsigned long long all = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL)
        return 0;
    const bool known = fscanf(file, "%llu %llu", &all, &resident) == 2;
    fclose(file);
    return known ? (double)resident * 4096 : 0;
}

/* Guests of their own partition, module and store, with the stack that peers were measured with. */
static void idle_guests(struct bench_bytes bytes)
{
    enum { GUESTS = 200 };
    static struct bench_guest guests[GUESTS];
    static const struct bench_setup small = {.store = {.stack_bytes = 8192}};
    struct wrt_partition_info info;
    const double before = resident_bytes();
    for (int i = 0; i < GUESTS; i++)
        bench_open_as(&guests[i], bytes, &small);
    wrt_partition_get_info(guests[0].partition, &info);
    print_time("the same with a stack of 8 KiB",
               (double)(info.used_bytes - info.current_bytes[WRT_CHARGE_LINEAR]) / 1024, "KiB");
    print_time("resident for each idle guest with a stack of 8 KiB",
               (resident_bytes() - before) / (int)GUESTS / 1024, "KiB");
    for (int i = 0; i < GUESTS; i++)
        bench_close(&guests[i]);
}

static void footprint(struct bench_bytes bytes)
{
    struct bench_guest guest;
    struct wrt_partition_info info;
    bench_open(&guest, bytes);
    wrt_partition_get_info(guest.partition, &info);
    uint64_t linear = info.current_bytes[WRT_CHARGE_LINEAR];
    print_time("memory of that guest, linear memory excluded",
               (double)(info.used_bytes - linear) / 1024, "KiB");
    bench_close(&guest);
}

void bench_micro(const char *folder)
{
    struct bench_bytes bytes = bench_read(folder, "micro");
    struct bench_bytes medium = bench_read(folder, "medium");
    lifecycle(bytes);
    lives(bytes, medium);
    free(medium.data);
    calls(bytes);
    print_time("memory.grow(1)", time_growth(bytes, 1), "us");
    print_time("memory.grow(100)", time_growth(bytes, 100), "us");
    footprint(bytes);
    idle_guests(bytes);
    latencies(bytes);
    free(bytes.data);
}
