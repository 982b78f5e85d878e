/* bench/oblivious.c - wrt_oblivious beside a plain array, by number of blocks; and its stash.
 * SPDX-License-Identifier: Apache-2.0
 *
 *     bench_oblivious [BLOCK_BYTES]            the table (default 64)
 *     bench_oblivious stash ACCESSES           how full the stash gets, against the bound
 *
 * Microseconds per access at random indexes (processor time of the thread, the middle of five
 * runs); the plain array is copied from and to at the same indexes.
 */
#define _GNU_SOURCE
#include "wrt/oblivious.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RUNS = 5, MOST_POWER = 20, LEAST_POWER = 6, STASH_COUNT = 1024, SHOWN = 12 };

static uint64_t random_state = UINT64_C(0x9E3779B97F4A7C15);

static uint32_t random_below(uint32_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 32) * bound >> 32);
}

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void must(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "bench_oblivious: %s\n", what);
        exit(1);
    }
}

static int by_size(const void *x, const void *y)
{
    const double l = *(const double *)x, r = *(const double *)y;
    return (l > r) - (l < r);
}

static struct wrt_oblivious *make(uint32_t count, uint32_t bytes, enum wrt_oblivious_kind kind,
                                  uint32_t stash, size_t *out_size, void **out_storage)
{
    const struct wrt_oblivious_config config = {.block_count = count, .block_bytes = bytes,
                                                .kind = kind, .stash_blocks = stash};
    struct wrt_oblivious *store;

    must(wrt_oblivious_storage_bytes(&config, out_size) == WRT_OK, "bad size");
    *out_storage = aligned_alloc(WRT_OBLIVIOUS_ALIGNMENT, *out_size);
    must(*out_storage != NULL, "no memory");
    must(wrt_oblivious_create(&config, *out_storage, *out_size, &store) == WRT_OK, "no store");
    return store;
}

static double per_access(uint32_t count, uint32_t bytes, enum wrt_oblivious_kind kind,
                         uint32_t accesses, double *out_mib)
{
    static uint8_t block[WRT_OBLIVIOUS_MAX_BLOCK_BYTES];
    double took[RUNS];
    size_t size;
    void *storage;
    struct wrt_oblivious *store = make(count, bytes, kind, 0, &size, &storage);

    *out_mib = (double)size / 1048576;
    for (int run = 0; run < RUNS; run++) {
        const double from = now_us();
        for (uint32_t i = 0; i < accesses; i++)
            must(wrt_oblivious_access(store, random_below(count), i & 1, block) == WRT_OK, "refused");
        took[run] = (now_us() - from) / accesses;
    }
    free(storage);
    qsort(took, RUNS, sizeof *took, by_size);
    return took[RUNS / 2];
}

static double plain(uint32_t count, uint32_t bytes)
{
    static uint8_t block[WRT_OBLIVIOUS_MAX_BLOCK_BYTES];
    uint8_t *blocks = calloc(count, bytes);
    double took[RUNS];

    must(blocks != NULL, "no memory");
    memset(blocks, 1, (size_t)count * bytes);
    for (int run = 0; run < RUNS; run++) {
        const double from = now_us();
        for (uint32_t i = 0; i < 1000000; i++) {
            uint8_t *at = blocks + (size_t)random_below(count) * bytes;
            memcpy(i & 1 ? at : block, i & 1 ? block : at, bytes);
            __asm__ volatile("" : : "r"(at), "r"(block) : "memory");
        }
        took[run] = (now_us() - from) / 1000000;
    }
    free(blocks);
    qsort(took, RUNS, sizeof *took, by_size);
    return took[RUNS / 2];
}

static void table(uint32_t bytes)
{
    printf("Blocks of %u bytes\n\n", bytes);
    puts("| blocks | plain us | scan us | tree us | scan / plain | tree / plain | tree MiB |");
    puts("|---|---|---|---|---|---|---|");
    for (int power = LEAST_POWER; power <= MOST_POWER; power++) {
        const uint32_t count = UINT32_C(1) << power;
        const uint32_t scans = (uint32_t)(30000000 / ((uint64_t)count * bytes)) + 2;
        double mib;
        const double base = plain(count, bytes);
        const double by_scan = per_access(count, bytes, WRT_OBLIVIOUS_SCAN, scans, &mib);
        const double by_tree = per_access(count, bytes, WRT_OBLIVIOUS_TREE, 1000, &mib);
        printf("| 2^%d | %.4f | %.2f | %.1f | %.0f | %.0f | %.1f |\n", power, base, by_scan, by_tree,
               by_scan / base, by_tree / base, mib);
        fflush(stdout);
    }
}

/* How often more than R blocks are left: counted by stashes of R, all given the same accesses, of
 * all blocks in turn, which the paper found to be the hardest. */
static void stash(uint32_t accesses)
{
    printf("%u accesses to %d blocks in turn; refused accesses by size R of the stash\n\n", accesses,
           STASH_COUNT);
    puts("| R | refused | of accesses | bound 14 * 0.6002^R |");
    puts("|---|---|---|---|");
    for (uint32_t r = 1; r <= SHOWN; r++) {
        struct wrt_oblivious_info info;
        size_t size;
        void *storage;
        uint8_t block[16] = {0};
        struct wrt_oblivious *store = make(STASH_COUNT, 16, WRT_OBLIVIOUS_TREE, r, &size, &storage);
        for (uint32_t i = 0; i < accesses; i++) {
            while (wrt_oblivious_access(store, i % STASH_COUNT, 1, block) == WRT_ERR_NO_SPACE)
                continue;
        }
        wrt_oblivious_get_info(store, &info);
        printf("| %u | %llu | %.2g | %.2g |\n", r, (unsigned long long)info.refusals,
               (double)info.refusals / accesses, 14 * pow(0.6002, r));
        fflush(stdout);
        free(storage);
    }
}

int main(int count, char **arguments)
{
    if (count == 3 && strcmp(arguments[1], "stash") == 0)
        stash((uint32_t)strtoul(arguments[2], NULL, 10));
    else
        table(count > 1 ? (uint32_t)strtoul(arguments[1], NULL, 10) : 64);
    return 0;
}
