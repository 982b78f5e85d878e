/* bench/hardening.c - one piece of work, for bench/hardening, which compares builds by it.
 * SPDX-License-Identifier: Apache-2.0
 *
 *     bench_hardening once|best LEVEL OPTIONS guest MODULE ARGUMENT
 *     bench_hardening once|best LEVEL OPTIONS alloc|call|memory COUNT
 *
 *   guest    calls `run` of the module
 *   alloc    so many allocations and frees of 16 to 4,096 bytes, 256 of them alive
 *   call     so many calls of an exported function that adds two numbers
 *   memory   so many linear memories, made, grown by a page, written and freed
 *
 * OPTIONS are letters: g (a guard page before and behind each linear memory), t (memory tags, checked
 * synchronously), n (none). `best` prints the least processor time of three in ns. `once` does it
 * once, for who counts the instructions of `measured`.
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "wrt/hardware.h"
#include "wrt/memory.h"
#include "wrt/store.h"

enum { LIVE = 256, MOST = 4 << 20 };

static struct wrt_error error;
static struct wrt_partition *partition;
static struct wrt_page_config pages_config;
static struct wrt_store *store;
static struct wrt_function *function;
static uint32_t count;

void measured(void (*work)(void));

static void must(enum wrt_status status, const char *what)
{
    if (status == WRT_OK)
        return;
    fprintf(stderr, "bench_hardening: %s: %s %s\n", what, wrt_status_text(status), error.text);
    exit(1);
}

static void run_guest(void)
{
    union wrt_slot in = {.i32 = count}, out;

    must(wrt_function_call_slots(store, function, &in, 1, &out, 1), "run");
}

static void call(void)
{
    union wrt_slot in[2] = {{.i32 = 1}, {.i32 = 2}}, out;

    for (uint32_t i = 0; i < count; i++)
        must(wrt_function_call_slots(store, function, in, 2, &out, 1), "add");
}

static void allocate(void)
{
    void *slot[LIVE] = {NULL};
    size_t size[LIVE];
    uint32_t random = 1;

    for (uint32_t i = 0; i < count + LIVE; i++) {
        const uint32_t at = i % LIVE;

        if (slot[at] != NULL)
            wrt_partition_free(partition, WRT_CHARGE_HOST, slot[at], size[at]);
        slot[at] = NULL;
        if (i >= count)
            continue;
        random = random * 1664525u + 1013904223u;
        size[at] = ((size_t)16 << (random >> 29)) + (random >> 9 & 15);
        must(wrt_partition_allocate(partition, WRT_CHARGE_HOST, size[at], 0, &slot[at], &error), "allocate");
        memset(slot[at], 1, 16);
    }
}

static void make_memories(void)
{
    for (uint32_t i = 0; i < count; i++) {
        struct wrt_page_allocator pages = {0};

        must(wrt_pages_allocate(&pages, partition, &pages_config, &error), "a memory");
        must(wrt_pages_grow(&pages, 1, &error), "growth");
        pages.base[pages.size_bytes - 1] = 1;
        wrt_pages_free(&pages);
    }
}

__attribute__((noinline)) void measured(void (*work)(void))
{
    work();
    __asm__ volatile("" : : : "memory");
}

static unsigned long long processor_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (unsigned long long)time.tv_sec * 1000000000u + (unsigned long long)time.tv_nsec;
}

static void load(const void *bytes, size_t size_bytes, const char *name)
{
    struct wrt_store_config config = {.pages = pages_config};
    struct wrt_module *module = NULL;
    struct wrt_instance *instance = NULL;
    struct wrt_extern item;

    must(wrt_module_load(partition, NULL, bytes, size_bytes, &module, &error), "load");
    must(wrt_store_create(partition, &config, &store, &error), "store");
    must(wrt_store_instantiate(store, module, &instance, &error), "instantiate");
    must(wrt_instance_export(instance, name, &item), name);
    function = item.of.function;
}

static void load_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    void *bytes = malloc(MOST);

    if (file == NULL || bytes == NULL) {
        perror(path);
        exit(1);
    }
    load(bytes, fread(bytes, 1, MOST, file), "run");
    fclose(file);
}

/* (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add) */
static const unsigned char adder[] = {
    0, 'a', 's', 'm', 1, 0, 0, 0, 1, 7, 1, 0x60, 2, 0x7f, 0x7f, 1, 0x7f, 3, 2, 1, 0, 7, 7, 1, 3,
    'a', 'd', 'd', 0, 0, 10, 9, 1, 7, 0, 0x20, 0, 0x20, 1, 0x6a, 0x0b};

static void (*choose(int argc, char **argv))(void)
{
    if (argc == 7 && strcmp(argv[4], "guest") == 0) {
        load_file(argv[5]);
        count = (uint32_t)atoi(argv[6]);
        return run_guest;
    }
    if (argc != 6)
        return NULL;
    count = (uint32_t)atoi(argv[5]);
    if (strcmp(argv[4], "call") == 0)
        load(adder, sizeof adder, "add");
    return strcmp(argv[4], "call") == 0     ? call
           : strcmp(argv[4], "alloc") == 0  ? allocate
           : strcmp(argv[4], "memory") == 0 ? make_memories
                                            : NULL;
}

int main(int argc, char **argv)
{
    unsigned long long least = ~0ull;
    struct wrt_partition_config config = {.name = "bench"};
    struct wrt_arena_config arena = {0};

    if (argc > 3) {
        const size_t page = 4096;

        config.verification = (enum wrt_verification_level)atoi(argv[2]);
        pages_config = (struct wrt_page_config){
            .initial_pages = 1, .maximum_pages = 16,
            .guard_before_bytes = strchr(argv[3], 'g') != NULL ? page : 0,
            .guard_after_bytes = strchr(argv[3], 'g') != NULL ? page : 0};
        if (strchr(argv[3], 't') != NULL) {
            must(wrt_hardware_set_tag_mode(WRT_TAG_MODE_SYNC), "tags");
            pages_config.tags = WRT_TAGGING_REQUIRED;
            arena.tags = WRT_TAGGING_REQUIRED;
            config.arena = &arena;
        }
        must(wrt_partition_create(NULL, &config, &partition, &error), "partition");
    }
    void (*work)(void) = choose(argc, argv);
    if (work == NULL) {
        fprintf(stderr, "usage: at the head of bench/hardening.c\n");
        return 2;
    }
    for (int i = strcmp(argv[1], "once") == 0 ? 2 : 0; i < 3; i++) {
        const unsigned long long start = processor_ns();

        measured(work);
        const unsigned long long took = processor_ns() - start;
        if (took < least)
            least = took;
    }
    printf("%llu\n", least);
    return 0;
}
