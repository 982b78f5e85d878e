/* bench/memory.c - linear memories beside the best sequence of system calls for the same job.
 * SPDX-License-Identifier: Apache-2.0
 *
 *     bench_memory
 *
 * Each row times our call and the bare system calls that cannot be avoided, alternating in
 * one run, and prints the medians of 2,001 rounds and their ratio. Linux only.
 */
#define _GNU_SOURCE
#include "wrt/memory.h"

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
    printf("%-44s take %6.0f, give back %6.0f, both %6.0f ns\n", what, median(take),
           median(ours), take[ROUNDS / 2] + ours[ROUNDS / 2]);
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
    must(wrt_partition_destroy(partition, NULL), "destroy");
    return 0;
}
