/* bench/memory.c - linear memories beside the best sequence of system calls for the same job.
 * SPDX-License-Identifier: Apache-2.0
 *
 *     bench_memory
 *
 * Each row times our call and the bare system calls that cannot be avoided, alternating in
 * one run, and prints the medians of 2,001 rounds and their ratio. Then whole instances: a
 * module whose data makes a 1 MiB image, instantiated from a pool again and again; the figure
 * beside it is the one that Wasmtime publishes for its pooling allocator, not measured here.
 * Linux only.
 */
#define _GNU_SOURCE
#include "wasm_writer.h"
#include "wrt/memory.h"
#include "wrt/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { ROUNDS = 2001, PAGE = 65536, MIB = 1 << 20 };

static struct wrt_partition *partition;

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof *values, by_value);
    return values[ROUNDS / 2];
}

static double ours[ROUNDS], bare[ROUNDS];

static void print(const char *what)
{
    double a = median(ours), b = median(bare);

    printf("%-44s %9.0f %9.0f %7.2f\n", what, a, b, a / b);
}

static void must(enum wrt_status status, const char *what)
{
    if (status != WRT_OK) {
        fprintf(stderr, "%s: %s\n", what, wrt_status_text(status));
        exit(1);
    }
}

static struct wrt_page_allocator make(uint64_t initial, uint64_t maximum, uint64_t guard)
{
    struct wrt_page_config config = {.initial_pages = initial, .maximum_pages = maximum,
                                     .guard_after_bytes = guard};
    struct wrt_page_allocator pages;

    must(wrt_pages_allocate(&pages, partition, &config, NULL), "allocate");
    return pages;
}

static uint8_t *bare_make(size_t committed, size_t whole)
{
    uint8_t *base = mmap(NULL, whole, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED || (committed && mprotect(base, committed, PROT_READ | PROT_WRITE)))
        exit(1);
    return base;
}

static void create_and_destroy(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        for (int turn = i; turn < i + 2; turn++) {
            double start = now_ns();

            if (turn % 2) {
                struct wrt_page_allocator pages = make(1, 65536, PAGE);
                wrt_pages_free(&pages);
                ours[i] = now_ns() - start;
            } else {
                munmap(bare_make(PAGE, (size_t)65537 * PAGE), (size_t)65537 * PAGE);
                bare[i] = now_ns() - start;
            }
        }
    }
    print("create and destroy, 1 page of 65,536");
}

static void grow(uint64_t delta, const char *what)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct wrt_page_allocator pages = make(1, 65536, 0);
        uint8_t *base = bare_make(PAGE, (size_t)65536 * PAGE);

        for (int turn = i; turn < i + 2; turn++) {
            double start = now_ns();

            if (turn % 2) {
                must(wrt_pages_grow(&pages, delta, NULL), "grow");
                ours[i] = now_ns() - start;
            } else {
                if (mprotect(base + PAGE, delta * PAGE, PROT_READ | PROT_WRITE) != 0)
                    exit(1);
                bare[i] = now_ns() - start;
            }
        }
        wrt_pages_free(&pages);
        munmap(base, (size_t)65536 * PAGE);
    }
    print(what);
}

static void touch(uint8_t *base, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += 4096)
        *(volatile uint8_t *)(base + at) = 1;
}

static void first_touch(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct wrt_page_allocator pages = make(1, 1, 0);
        uint8_t *base = bare_make(PAGE, PAGE);

        for (int turn = i; turn < i + 2; turn++) {
            double start = now_ns();

            touch(turn % 2 ? pages.base : base, PAGE);
            *(turn % 2 ? &ours[i] : &bare[i]) = now_ns() - start;
        }
        wrt_pages_free(&pages);
        munmap(base, PAGE);
    }
    print("first touch of a page (16 host pages)");
}

static void reset(size_t touched, const char *what)
{
    struct wrt_page_allocator pages = make(16, 16, 0);
    uint8_t *base = bare_make(MIB, MIB);

    touch(pages.base, MIB); /* so that both have page tables to walk, whatever lies beside */
    touch(base, MIB);
    for (int i = 0; i < ROUNDS; i++) {
        for (int turn = i; turn < i + 2; turn++) {
            double start;

            touch(turn % 2 ? pages.base : base, touched);
            start = now_ns();
            if (turn % 2) {
                must(wrt_pages_reset(&pages, NULL), "reset");
                ours[i] = now_ns() - start;
            } else {
                if (madvise(base, MIB, MADV_DONTNEED) != 0)
                    exit(1);
                bare[i] = now_ns() - start;
            }
        }
    }
    print(what);
    wrt_pages_free(&pages);
    munmap(base, MIB);
}

/* A memory of 1 MiB with a 1 MiB image from a pool, some of it written, given back. */
static void pooled(size_t written, uint64_t keep_bytes, const char *what)
{
    struct wrt_page_pool_config slots = {.slots = 4, .slot_bytes = 4 * MIB,
                                         .guard_bytes = PAGE, .keep_bytes = keep_bytes};
    static uint8_t content[MIB];
    struct wrt_page_image image;
    struct wrt_page_pool pool;
    struct wrt_page_config config = {.provider = WRT_PAGES_POOLED, .initial_pages = 16,
                                     .maximum_pages = 64, .pool = &pool, .image = &image};
    double take[ROUNDS];

    memset(content, 7, sizeof content);
    must(wrt_page_image_create(&image, partition, content, sizeof content, NULL), "image");
    must(wrt_page_pool_create(&pool, partition, &slots, NULL), "pool");
    for (int i = 0; i < ROUNDS; i++) {
        struct wrt_page_allocator pages;
        double start = now_ns();

        must(wrt_pages_allocate(&pages, partition, &config, NULL), "take");
        take[i] = now_ns() - start;
        touch(pages.base, written);
        start = now_ns();
        wrt_pages_free(&pages);
        ours[i] = now_ns() - start;
    }
    printf("%-44s take %6.0f, give back %6.0f ns\n", what, median(take), median(ours));
    must(wrt_page_pool_destroy(&pool, NULL), "pool");
    must(wrt_page_image_destroy(&image, NULL), "image");
}

static void statm(uint64_t *size, uint64_t *resident)
{
    FILE *file = fopen("/proc/self/statm", "r");

    if (file == NULL || fscanf(file, "%" SCNu64 " %" SCNu64, size, resident) != 2)
        exit(1);
    fclose(file);
    *size *= 4096;
    *resident *= 4096;
}

enum { IDLE = 10000 };

static void idle(bool is_touched)
{
    static struct wrt_page_allocator pages[IDLE];
    uint64_t size[2], resident[2];

    statm(&size[0], &resident[0]);
    for (int i = 0; i < IDLE; i++) {
        pages[i] = make(1, 16, 4096);
        if (is_touched)
            pages[i].base[0] = 1;
    }
    statm(&size[1], &resident[1]);
    printf("%d idle memories of one page%s: resident %" PRIu64 ", virtual %" PRIu64
           " bytes each\n",
           IDLE, is_touched ? ", one byte written" : "", (resident[1] - resident[0]) / IDLE,
           (size[1] - size[0]) / IDLE);
    for (int i = 0; i < IDLE; i++)
        wrt_pages_free(&pages[i]);
}

/* ---- instances ---- */

/* Memory of 16 pages with 1 MiB less a page of data; "get" reads and writes one byte. */
static size_t write_module(uint8_t *bytes, size_t capacity, uint32_t pages, uint32_t data_bytes)
{
    struct wasm_writer w = {.bytes = bytes, .capacity = capacity};
    size_t at, body;

    wasm_header(&w);
    at = wasm_open_section(&w, WASM_TYPE);
    wasm_u32(&w, 1);
    wasm_type(&w, "i:i");
    wasm_close(&w, at);
    at = wasm_open_section(&w, WASM_FUNCTION);
    wasm_bytes(&w, "\1\0", 2);
    wasm_close(&w, at);
    at = wasm_open_section(&w, WASM_MEMORY);
    wasm_bytes(&w, "\1\0", 2);
    wasm_u32(&w, pages);
    wasm_close(&w, at);
    at = wasm_open_section(&w, WASM_EXPORT);
    wasm_u32(&w, 1);
    wasm_name(&w, "get");
    wasm_bytes(&w, "\0\0", 2);
    wasm_close(&w, at);
    at = wasm_open_section(&w, WASM_CODE);
    wasm_u32(&w, 1);
    body = wasm_open(&w);
    wasm_bytes(&w, "\0\x20\0\x41\1\x3A\0\0\x20\0\x2D\0\0\x0B", 14);
    wasm_close(&w, body);
    wasm_close(&w, at);
    if (data_bytes != 0) {
        at = wasm_open_section(&w, WASM_DATA);
        wasm_bytes(&w, "\1\0\x41\0\x0B", 5);
        wasm_u32(&w, data_bytes);
        for (uint32_t i = 0; i < data_bytes; i++)
            wasm_byte(&w, i % 251 + 1);
        wasm_close(&w, at);
    }
    if (w.overflowed)
        exit(1);
    return w.size;
}

static struct wrt_module *load_module(struct wrt_partition *in, uint32_t pages,
                                      uint32_t data_bytes)
{
    static uint8_t bytes[2 * MIB];
    struct wrt_module *module;
    size_t size = write_module(bytes, sizeof bytes, pages, data_bytes);

    must(wrt_module_load(in, NULL, bytes, size, &module, NULL), "load");
    return module;
}

static double call_times[ROUNDS], create_times[ROUNDS], destroy_times[ROUNDS];

/* One request: store, instance, a call that touches a page, everything given back. */
static void request(struct wrt_partition *in, const struct wrt_store_config *config,
                    struct wrt_module *module, int i)
{
    union wrt_slot argument = {.i32 = 5000}, result;
    struct wrt_store *store;
    struct wrt_instance *instance;
    struct wrt_extern item;
    double start = now_ns();

    must(wrt_store_create(in, config, &store, NULL), "store");
    create_times[i] = now_ns() - start;
    start = now_ns();
    must(wrt_store_instantiate(store, module, &instance, NULL), "instantiate");
    ours[i] = now_ns() - start;
    must(wrt_instance_export(instance, "get", &item), "export");
    start = now_ns();
    must(wrt_function_call_slots(store, item.of.function, &argument, 1, &result, 1), "call");
    call_times[i] = now_ns() - start;
    start = now_ns();
    must(wrt_store_destroy(store), "destroy");
    destroy_times[i] = now_ns() - start;
}

/* An arena that keeps the value stack's 256 KiB: no call of the system in a request. */
static struct wrt_partition *request_partition(enum wrt_verification_level level)
{
    static const struct wrt_arena_config arena = {.arena_bytes = 256 << 10,
                                                  .large_bytes = 512 << 10};
    const struct wrt_partition_config config = {
        .name = "requests", .max_bytes = (uint64_t)1 << 30, .verification = level, .arena = &arena};
    struct wrt_partition *made;

    must(wrt_partition_create(NULL, &config, &made, NULL), "partition");
    return made;
}

static void instances(enum wrt_verification_level level, bool is_pooled)
{
    struct wrt_page_pool_config slots = {.slots = 8, .slot_bytes = MIB, .guard_bytes = PAGE};
    struct wrt_partition *in = request_partition(level);
    struct wrt_module *module = load_module(in, 16, MIB - PAGE);
    struct wrt_page_pool pool;
    struct wrt_store_config config = {.pages = {.provider = WRT_PAGES_POOLED, .pool = &pool}};

    if (is_pooled)
        must(wrt_page_pool_create(&pool, in, &slots, NULL), "pool");
    else
        config.pages = (struct wrt_page_config){.provider = WRT_PAGES_RESERVED};
    for (int i = 0; i < ROUNDS; i++)
        request(in, &config, module, i);
    printf("%-8s %-9s store %6.0f, instantiate %6.0f, first call %6.0f, destroy %6.0f ns\n",
           is_pooled ? "pooled" : "reserved", wrt_verification_level_name(level),
           median(create_times), median(ours), median(call_times), median(destroy_times));
    if (is_pooled)
        must(wrt_page_pool_destroy(&pool, NULL), "pool");
    must(wrt_module_destroy(module), "module");
    must(wrt_partition_destroy(in, NULL), "partition");
}

/* Instances of a module of one page, in one store, that do nothing. */
static void idle_instances(void)
{
    const struct wrt_store_config config = {.max_instances = IDLE, .max_memory_pages = 16};
    struct wrt_partition *in = request_partition(WRT_VERIFY_STANDARD);
    struct wrt_module *module = load_module(in, 1, 0);
    struct wrt_partition_info info;
    uint64_t size[2], resident[2], used;
    struct wrt_store *store;

    must(wrt_store_create(in, &config, &store, NULL), "store");
    wrt_partition_get_info(in, &info);
    used = info.used_bytes;
    statm(&size[0], &resident[0]);
    for (int i = 0; i < IDLE; i++) {
        struct wrt_instance *instance;
        must(wrt_store_instantiate(store, module, &instance, NULL), "instantiate");
    }
    statm(&size[1], &resident[1]);
    wrt_partition_get_info(in, &info);
    printf("%d idle instances of one page: resident %" PRIu64 ", virtual %" PRIu64
           " bytes each; charged %" PRIu64 ", of that %" PRIu64 " linear\n",
           IDLE, (resident[1] - resident[0]) / IDLE, (size[1] - size[0]) / IDLE,
           (info.used_bytes - used) / IDLE, info.current_bytes[WRT_CHARGE_LINEAR] / IDLE);
    must(wrt_store_destroy(store), "destroy");
    must(wrt_module_destroy(module), "module");
    must(wrt_partition_destroy(in, NULL), "partition");
}

/* What a partition costs before its first allocation. */
static void partition_overhead(void)
{
    struct wrt_partition *parent, *child;
    struct wrt_partition_info before, after;

    must(wrt_partition_create(NULL, NULL, &parent, NULL), "partition");
    wrt_partition_get_info(parent, &before);
    must(wrt_partition_create(parent, NULL, &child, NULL), "partition");
    wrt_partition_get_info(parent, &after);
    printf("an empty partition: %" PRIu64 " bytes as a root, %" PRIu64 " as a child\n",
           before.used_bytes,
           after.current_bytes[WRT_CHARGE_RUNTIME] - before.current_bytes[WRT_CHARGE_RUNTIME]);
    must(wrt_partition_destroy(child, NULL), "partition");
    must(wrt_partition_destroy(parent, NULL), "partition");
}

int main(void)
{
    struct wrt_partition_config config = {.name = "bench", .max_bytes = (uint64_t)8 << 30};

    must(wrt_partition_create(NULL, &config, &partition, NULL), "partition");
    printf("%-44s %9s %9s %7s  (ns, medians)\n", "", "ours", "bare", "ratio");
    create_and_destroy();
    grow(1, "grow by 1 page");
    grow(100, "grow by 100 pages");
    first_touch();
    reset(0, "reset 1 MiB, nothing written");
    reset(PAGE, "reset 1 MiB, 64 KiB written");
    reset(MIB, "reset 1 MiB, all written");
    pooled(0, 0, "pooled 1 MiB image, nothing written");
    pooled(16384, 0, "pooled 1 MiB image, 16 KiB written");
    pooled(16384, 16384, "the same, 16 KiB kept resident");
    idle(false);
    idle(true);
    printf("\na module with a 1 MiB image (Wasmtime's published figure for pooled instantiation: "
           "about 5,000 ns)\n");
    for (int level = WRT_VERIFY_OFF; level <= WRT_VERIFY_CRITICAL; level++)
        instances((enum wrt_verification_level)level, true);
    instances(WRT_VERIFY_STANDARD, false);
    idle_instances();
    partition_overhead();
    must(wrt_partition_destroy(partition, NULL), "destroy");
    return 0;
}
