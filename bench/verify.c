/* bench/verify.c - what each check of wrt/verification.h costs.
 * SPDX-License-Identifier: Apache-2.0
 *
 *     bench_verify [--write FILE]     (FILE: src/base/check_costs.def)
 *
 * Each check is timed as the difference between a level's work with it and without it (all
 * checks of lower levels on), the smaller of many rounds each. Figures are of this machine:
 * read them as orders of magnitude, and measure again on the target.
 */
#define _GNU_SOURCE
#include "wrt/arena.h"
#include "wrt/integrity.h"
#include "wasm_writer.h"
#include "wrt/memory.h"
#include "wrt/store.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 200, CALLS = 500, PAGE = 65536 };

static char texts[WRT_CHECK_COUNT][80];

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void must(enum wrt_status status)
{
    if (status != WRT_OK) {
        fprintf(stderr, "%s\n", wrt_status_text(status));
        exit(1);
    }
}

WRT_PRINTF(2, 3)
static void note(enum wrt_check check, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(texts[check], sizeof texts[check], format, arguments);
    va_end(arguments);
}

static double positive(double value)
{
    return value > 0 ? value : 0;
}

/* ---- arena ---- */

static double time_arena(enum wrt_verification_level level, uint32_t checks, size_t size)
{
    struct wrt_arena_config config = {.verification = level};
    struct wrt_arena arena;
    double least = 1e18;

    must(wrt_arena_init(&arena, &config, NULL));
    arena.checks = checks;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns(), each;

        for (int i = 0; i < CALLS; i++) {
            void *block;
            must(wrt_arena_allocate(&arena, size, 0, &block, NULL));
            must(wrt_arena_free(&arena, block));
        }
        each = (now_ns() - start) / (double)CALLS;
        least = each < least ? each : least;
    }
    wrt_arena_deinit(&arena);
    return least;
}

/* The checks up to and without `check`, and those with it, at the level of the latter, so
 * that both have the same layout. Guards change only what is mapped: timed by a new arena. */
static void arena_costs(void)
{
    uint32_t below = 0;

    for (int check = WRT_CHECK_ARENA_HEADER; check <= WRT_CHECK_ARENA_NEIGHBOURS; check++) {
        struct wrt_check_info info;
        uint32_t with = below | 1u << check;
        double small, large;

        must(wrt_check_get((enum wrt_check)check, &info));
        if (check == WRT_CHECK_ARENA_GUARD)
            continue;
        small = time_arena(info.level, with, 64) - time_arena(info.level, below, 64);
        large = time_arena(info.level, with, 5000) - time_arena(info.level, below, 5000);
        note((enum wrt_check)check, "%.1f ns per allocation and free of 64 B, %.1f of 5,000",
             positive(small), positive(large));
        below = with;
    }
}

static double time_growth(enum wrt_verification_level level, bool has_guard)
{
    double least = 1e18;

    for (int round = 0; round < ROUNDS; round++) {
        struct wrt_arena_config config = {.verification = level, .no_cache = true};
        struct wrt_arena arena;
        double start, each;
        void *block;

        must(wrt_arena_init(&arena, &config, NULL));
        if (!has_guard)
            arena.checks &= ~(1u << WRT_CHECK_ARENA_GUARD);
        start = now_ns();
        must(wrt_arena_allocate(&arena, 64, 0, &block, NULL));
        each = now_ns() - start;
        least = each < least ? each : least;
        wrt_arena_deinit(&arena);
    }
    return least;
}

/* ---- memory and partition ---- */

static struct wrt_partition *make_partition(enum wrt_verification_level level)
{
    struct wrt_partition_config config = {.name = "bench", .verification = level};
    struct wrt_partition *partition;

    must(wrt_partition_create(NULL, &config, &partition, NULL));
    return partition;
}

static double time_memory_growth(enum wrt_verification_level level)
{
    struct wrt_partition *partition = make_partition(level);
    double least = 1e18;

    for (int round = 0; round < ROUNDS; round++) {
        struct wrt_page_config config = {.initial_pages = 1, .maximum_pages = 2,
                                         .guard_before_bytes = 1, .guard_after_bytes = 1};
        struct wrt_page_allocator pages;
        double start, each;

        must(wrt_pages_allocate(&pages, partition, &config, NULL));
        start = now_ns();
        must(wrt_pages_grow(&pages, 1, NULL));
        each = now_ns() - start;
        least = each < least ? each : least;
        wrt_pages_free(&pages);
    }
    must(wrt_partition_destroy(partition, NULL));
    return least;
}

static double time_charge(enum wrt_verification_level level)
{
    struct wrt_partition *partition = make_partition(level);
    double least = 1e18;

    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns(), each;

        for (int i = 0; i < CALLS; i++) {
            must(wrt_partition_charge(partition, WRT_CHARGE_HOST, 1, NULL));
            wrt_partition_uncharge(partition, WRT_CHARGE_HOST, 1);
        }
        each = (now_ns() - start) / (double)CALLS;
        least = each < least ? each : least;
    }
    must(wrt_partition_destroy(partition, NULL));
    return least;
}

/* ---- integrity ---- */

static double time_integrity(enum wrt_verification_level level, bool is_write)
{
    static _Alignas(8) uint8_t memory[16384], store[65536];
    struct wrt_atomic_memory_config config = {.memory = memory, .size_bytes = sizeof memory,
                                              .store = store, .store_bytes = sizeof store,
                                              .level = level};
    struct wrt_atomic_memory atomic;
    uint64_t word = 0;
    double least = 1e18;

    must(wrt_atomic_memory_format(&atomic, &config, NULL));
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns(), each;

        for (uint64_t i = 0; i < CALLS; i++)
            must(is_write ? wrt_atomic_memory_write(&atomic, i * 8, &word, 8)
                          : wrt_atomic_memory_read(&atomic, i * 8, &word, 8));
        each = (now_ns() - start) / (double)CALLS;
        least = each < least ? each : least;
    }
    return least;
}

static void integrity_costs(void)
{
    double read[WRT_VERIFY_CRITICAL + 1], write[WRT_VERIFY_CRITICAL + 1];

    for (int level = WRT_VERIFY_OFF; level <= WRT_VERIFY_CRITICAL; level++) {
        read[level] = time_integrity((enum wrt_verification_level)level, false);
        write[level] = time_integrity((enum wrt_verification_level)level, true);
    }
    note(WRT_CHECK_INTEGRITY_STORE, "%.0f ns per write of 8 B",
         positive(write[WRT_VERIFY_MINIMAL] - write[WRT_VERIFY_OFF]));
    note(WRT_CHECK_INTEGRITY_READ, "%.0f ns per read of 8 B, %.0f per write",
         positive(read[WRT_VERIFY_STANDARD] - read[WRT_VERIFY_MINIMAL]),
         positive(write[WRT_VERIFY_STANDARD] - write[WRT_VERIFY_MINIMAL]));
    note(WRT_CHECK_INTEGRITY_WRITE, "%.0f ns per write of 8 B",
         positive(write[WRT_VERIFY_FULL] - write[WRT_VERIFY_STANDARD]));
    note(WRT_CHECK_INTEGRITY_COPY, "%.0f ns per write of 8 B, and the region's size again",
         positive(write[WRT_VERIFY_CRITICAL] - write[WRT_VERIFY_FULL]));
}

/* ---- engine ---- */

enum { ELEMENTS = 5120, CODE_BYTES = 1 << 20 };

/* A table of 5,120 functions; "fill" writes it once, "set" one element 1,000 times; and one
 * function of a megabyte that nobody calls. */
static size_t write_module(uint8_t *bytes, size_t capacity)
{
    struct wasm_writer w = {.bytes = bytes, .capacity = capacity};
    size_t at, body;

    wasm_header(&w);
    at = wasm_open_section(&w, WASM_TYPE);
    wasm_u32(&w, 1);
    wasm_type(&w, "i:i");
    wasm_close(&w, at);
    at = wasm_open_section(&w, WASM_FUNCTION);
    wasm_bytes(&w, "\3\0\0\0", 4);
    wasm_close(&w, at);
    at = wasm_open_section(&w, WASM_TABLE);
    wasm_bytes(&w, "\1\x70\0", 3);
    wasm_u32(&w, ELEMENTS);
    wasm_close(&w, at);
    at = wasm_open_section(&w, WASM_EXPORT);
    wasm_u32(&w, 2);
    wasm_name(&w, "fill");
    wasm_bytes(&w, "\0\0", 2);
    wasm_name(&w, "set");
    wasm_bytes(&w, "\0\1", 2);
    wasm_close(&w, at);
    at = wasm_open_section(&w, WASM_CODE);
    wasm_u32(&w, 3);
    body = wasm_open(&w); /* table.fill 0 (ref.null func) 5120 */
    wasm_bytes(&w, "\0\x41\0\xD0\x70\x41", 6);
    wasm_s32(&w, ELEMENTS);
    wasm_bytes(&w, "\xFC\x11\0\x20\0\x0B", 6);
    wasm_close(&w, body);
    body = wasm_open(&w); /* do { table.set n null } while (--n) */
    wasm_bytes(&w, "\0\x03\x40\x20\0\xD0\x70\x26\0\x20\0\x41\1\x6B\x22\0\x0D\0\x0B\x20\0\x0B", 22);
    wasm_close(&w, body);
    body = wasm_open(&w);
    wasm_byte(&w, 0);
    for (uint32_t i = 0; i < CODE_BYTES / 24; i++) /* each is some 24 bytes of code */
        wasm_bytes(&w, "\x20\0\x41\3\x6C\x21\0", 7);
    wasm_bytes(&w, "\x20\0\x0B", 3);
    wasm_close(&w, body);
    wasm_close(&w, at);
    if (w.overflowed)
        exit(1);
    return w.size;
}

struct engine_times {
    double verify_ns, instantiate_ns, call_ns, fill_ns, set_ns, scrub_ns;
    double code_kib;
};

static double least_of(double least, double start)
{
    double now = now_ns() - start;
    return now < least ? now : least;
}

static struct engine_times time_engine(enum wrt_verification_level level)
{
    static uint8_t bytes[1 << 19];
    struct engine_times t = {1e18, 1e18, 1e18, 1e18, 1e18, 1e18, 0};
    size_t size = write_module(bytes, sizeof bytes);

    for (int round = 0; round < ROUNDS / 10; round++) {
        struct wrt_partition *partition = make_partition(level);
        union wrt_slot in = {.i32 = 1}, out;
        struct wrt_module_info info;
        struct wrt_module *module;
        struct wrt_store *store;
        struct wrt_instance *instance;
        struct wrt_extern fill, set;
        double start;

        must(wrt_module_load(partition, NULL, bytes, size, &module, NULL));
        wrt_module_get_info(module, &info);
        start = now_ns();
        must(wrt_module_verify(module, NULL));
        t.verify_ns = least_of(t.verify_ns, start);
        t.code_kib = (double)info.code_bytes / 1024;
        must(wrt_store_create(partition, NULL, &store, NULL));
        start = now_ns();
        must(wrt_store_instantiate(store, module, &instance, NULL));
        t.instantiate_ns = least_of(t.instantiate_ns, start);
        must(wrt_instance_export(instance, "fill", &fill));
        must(wrt_instance_export(instance, "set", &set));
        start = now_ns();
        must(wrt_function_call_slots(store, set.of.function, &in, 1, &out, 1));
        t.call_ns = least_of(t.call_ns, start);
        start = now_ns();
        must(wrt_function_call_slots(store, fill.of.function, &in, 1, &out, 1));
        t.fill_ns = least_of(t.fill_ns, start);
        in.i32 = 1000;
        start = now_ns();
        must(wrt_function_call_slots(store, set.of.function, &in, 1, &out, 1));
        t.set_ns = least_of(t.set_ns, start);
        start = now_ns();
        must(wrt_store_scrub(store, 100, NULL));
        t.scrub_ns = least_of(t.scrub_ns, start);
        must(wrt_store_destroy(store));
        must(wrt_module_destroy(module));
        must(wrt_partition_destroy(partition, NULL));
    }
    return t;
}

static void engine_costs(void)
{
    struct engine_times minimal = time_engine(WRT_VERIFY_MINIMAL);
    struct engine_times standard = time_engine(WRT_VERIFY_STANDARD);
    struct engine_times full = time_engine(WRT_VERIFY_FULL);
    struct engine_times critical = time_engine(WRT_VERIFY_CRITICAL);
    double mib = 1024 / standard.code_kib;

    /* Keeping checksums at the end of a load reads what a verify reads, once. */
    note(WRT_CHECK_ENGINE_SEAL, "%.0f us per MiB of code at load; %.0f ns per 4 KiB scrubbed",
         positive(standard.verify_ns - minimal.verify_ns) / 1e3 * mib, standard.scrub_ns / 100);
    note(WRT_CHECK_ENGINE_TABLE, "%.1f ns per table.set, %.1f per element of table.fill",
         positive(standard.set_ns - minimal.set_ns) / 1000,
         positive(standard.fill_ns - minimal.fill_ns) / (double)ELEMENTS);
    note(WRT_CHECK_ENGINE_LOAD, "%.0f us per instantiation and MiB of code",
         positive(full.instantiate_ns - standard.instantiate_ns) / 1e3 * mib);
    note(WRT_CHECK_ENGINE_CALL, "%.0f us per call from the host and MiB of code",
         positive(critical.call_ns - full.call_ns) / 1e3 * mib);
}

/* ---- the table ---- */

static void write_table(const char *path)
{
    static const char *const ids[WRT_CHECK_COUNT] = {
#define CHECK_ID(id, room, name, level, text) #id,
        WRT_CHECK_LIST(CHECK_ID)
#undef CHECK_ID
    };
    FILE *file = fopen(path, "w");

    if (file == NULL) {
        perror(path);
        exit(1);
    }
    fputs("/* src/base/check_costs.def - what each check costs, as bench/verify measured it.\n"
          " * SPDX-License-Identifier: Apache-2.0\n"
          " * COST(id, text); rewritten by: bench_verify --write src/base/check_costs.def */\n",
          file);
    for (int check = 0; check < WRT_CHECK_COUNT; check++)
        fprintf(file, "COST(%s, \"%s\")\n", ids[check], texts[check]);
    fclose(file);
}

int main(int count, char **arguments)
{
    arena_costs();
    note(WRT_CHECK_ARENA_GUARD, "%.0f ns per arena mapped, and 2 host pages of addresses",
         positive(time_growth(WRT_VERIFY_FULL, true) - time_growth(WRT_VERIFY_FULL, false)));
    note(WRT_CHECK_MEMORY_PROBE, "%.0f ns per creation or growth",
         positive(time_memory_growth(WRT_VERIFY_FULL) -
                  time_memory_growth(WRT_VERIFY_STANDARD)));
    note(WRT_CHECK_MEMORY_ZERO, "%.0f ns per new page of 64 KiB, which becomes resident",
         positive(time_memory_growth(WRT_VERIFY_CRITICAL) -
                  time_memory_growth(WRT_VERIFY_FULL)));
    note(WRT_CHECK_PARTITION_SUM, "%.0f ns per charge",
         positive(time_charge(WRT_VERIFY_FULL) - time_charge(WRT_VERIFY_STANDARD)));
    integrity_costs();
    engine_costs();
    for (int check = 0; check < WRT_CHECK_COUNT; check++) {
        struct wrt_check_info info;

        must(wrt_check_get((enum wrt_check)check, &info));
        printf("%-10s %-11s %-9s %s\n", info.room, info.name,
               wrt_verification_level_name(info.level), texts[check]);
    }
    if (count == 3 && strcmp(arguments[1], "--write") == 0)
        write_table(arguments[2]);
    return 0;
}
