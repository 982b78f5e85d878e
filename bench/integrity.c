/* bench/integrity.c - what atomic memory finds of random bit flips, and what it costs.
 * SPDX-License-Identifier: Apache-2.0
 *
 *     bench_integrity [FLIPS]     (trials per level and kind; default 1000000)
 *
 * Flips go into the region's data, into the stored checksums, or into the copy, in the
 * proportion of their sizes. "single": one bit; "multiple": 2 to 8 bits within one block
 * and its checksum. A trial counts as found if a verified read of that block or the scrubber
 * reports or repairs it, and as repaired if the region then has its right bytes again.
 */
#define _GNU_SOURCE
#include "base/crc32c.h"
#include "wrt/integrity.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SIZE = 16384, BLOCK = 256, BLOCKS = SIZE / BLOCK, STORE = 65536 };

static _Alignas(8) uint8_t memory[SIZE], store[STORE];
static uint8_t right[SIZE];
static uint64_t random_state = UINT64_C(0x9E3779B97F4A7C15);

static uint32_t random_below(uint32_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 32) * bound >> 32);
}

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static struct wrt_atomic_memory make(enum wrt_verification_level level, uint32_t block_bytes)
{
    struct wrt_atomic_memory_config config = {.memory = memory, .size_bytes = SIZE,
                                              .block_bytes = block_bytes, .store = store,
                                              .store_bytes = STORE, .level = level};
    struct wrt_atomic_memory atomic;

    memcpy(memory, right, SIZE);
    if (wrt_atomic_memory_format(&atomic, &config, NULL) != WRT_OK)
        exit(1);
    return atomic;
}

/* One of the bytes that belong to a block: data, checksum, copy. */
static uint8_t *byte_of(struct wrt_atomic_memory *atomic, uint32_t block)
{
    uint32_t pick = random_below(atomic->copy != NULL ? 2 * BLOCK + 4 : BLOCK + 4);

    if (pick < BLOCK)
        return &memory[block * BLOCK + pick];
    if (pick < BLOCK + 4)
        return (uint8_t *)&atomic->checksum[block] + (pick - BLOCK);
    return &atomic->copy[block * BLOCK + (pick - BLOCK - 4)];
}

struct tally {
    uint64_t trials, found, repaired, wrong; /* wrong: bytes that were read and are not right */
};

static void restore(struct wrt_atomic_memory *atomic, uint32_t block)
{
    memcpy(memory + block * BLOCK, right + block * BLOCK, BLOCK);
    atomic->checksum[block] = wrt_crc32c(0, right + block * BLOCK, BLOCK);
    if (atomic->copy != NULL)
        memcpy(atomic->copy + block * BLOCK, right + block * BLOCK, BLOCK);
}

/* Flips `bits` different bits; what they do to each other is nothing. */
static void flip(struct wrt_atomic_memory *atomic, uint32_t block, int bits)
{
    uint8_t *at[8];
    uint8_t mask[8];

    for (int i = 0; i < bits; i++) {
        bool is_new = true;

        at[i] = byte_of(atomic, block);
        mask[i] = (uint8_t)(1u << random_below(8));
        for (int j = 0; j < i; j++)
            is_new = is_new && !(at[j] == at[i] && mask[j] == mask[i]);
        if (!is_new) {
            i--;
            continue;
        }
        *at[i] ^= mask[i];
    }
}

static void trial(struct wrt_atomic_memory *atomic, int bits, struct tally *tally)
{
    uint32_t block = random_below(BLOCKS);
    uint64_t detected = atomic->counters.detected;
    uint8_t out[BLOCK];
    enum wrt_status status;
    bool is_found;

    flip(atomic, block, bits);
    status = wrt_atomic_memory_read(atomic, block * BLOCK, out, BLOCK);
    if (status == WRT_OK && memcmp(out, right + block * BLOCK, BLOCK) != 0)
        tally->wrong++;
    is_found = status == WRT_ERR_CORRUPT || atomic->counters.detected != detected;
    atomic->next_scrub = block;
    if (wrt_atomic_memory_scrub(atomic, 1) == WRT_ERR_CORRUPT ||
        atomic->counters.detected != detected)
        is_found = true;
    tally->trials++;
    tally->found += is_found;
    tally->repaired += is_found && atomic->copy != NULL &&
                       memcmp(memory + block * BLOCK, right + block * BLOCK, BLOCK) == 0 &&
                       memcmp(atomic->copy + block * BLOCK, right + block * BLOCK, BLOCK) == 0;
    restore(atomic, block);
}

static void inject(uint64_t trials)
{
    printf("%-10s %-9s %10s %12s %12s %14s\n", "level", "flips", "trials", "found",
           "repaired", "wrong reads");
    for (int level = WRT_VERIFY_OFF; level <= WRT_VERIFY_CRITICAL; level++) {
        for (int is_multiple = 0; is_multiple < 2; is_multiple++) {
            struct wrt_atomic_memory atomic =
                make((enum wrt_verification_level)level, BLOCK);
            struct tally tally = {0};

            if (level == WRT_VERIFY_OFF)
                continue; /* nothing is stored there: nothing to flip but data, nothing found */
            while (tally.trials < trials)
                trial(&atomic, is_multiple ? 2 + (int)random_below(7) : 1, &tally);
            printf("%-10s %-9s %10" PRIu64 " %11.4f%% %11.4f%% %14" PRIu64 "\n",
                   wrt_verification_level_name((enum wrt_verification_level)level),
                   is_multiple ? "multiple" : "single", tally.trials,
                   100.0 * (double)tally.found / (double)tally.trials,
                   100.0 * (double)tally.repaired / (double)tally.trials, tally.wrong);
        }
    }
}

/* Least time per call of several rounds, over the region in steps of size_bytes. */
static double time_calls(struct wrt_atomic_memory *atomic, uint64_t size_bytes, bool is_write)
{
    static uint8_t buffer[4096];
    double least = 1e18;

    for (int round = 0; round < 30; round++) {
        double start = now_ns(), each;
        int calls = 0;

        for (uint64_t at = 0; at + size_bytes <= SIZE; at += size_bytes, calls++) {
            enum wrt_status status =
                is_write ? wrt_atomic_memory_write(atomic, at, buffer, size_bytes)
                         : wrt_atomic_memory_read(atomic, at, buffer, size_bytes);
            if (status != WRT_OK)
                exit(1);
        }
        each = (now_ns() - start) / calls;
        least = each < least ? each : least;
    }
    return least;
}

static double time_memcpy(uint64_t size_bytes)
{
    static uint8_t buffer[4096];
    double least = 1e18;

    for (int round = 0; round < 30; round++) {
        double start = now_ns(), each;
        int calls = 0;

        for (uint64_t at = 0; at + size_bytes <= SIZE; at += size_bytes, calls++) {
            memcpy(buffer, memory + at, size_bytes);
            __asm__ volatile("" ::"r"(buffer) : "memory");
        }
        each = (now_ns() - start) / calls;
        least = each < least ? each : least;
    }
    return least;
}

static void throughput(uint32_t block_bytes)
{
    double plain = time_memcpy(4096);

    printf("\nblocks of %u bytes; memcpy of 4 KiB %.0f ns (fractions of its throughput)\n",
           block_bytes, plain);
    printf("%-10s %14s %14s %18s %18s\n", "level", "read 4 KiB", "write 4 KiB",
           "read 8 bytes, ns", "write 8 bytes, ns");
    for (int level = WRT_VERIFY_OFF; level <= WRT_VERIFY_CRITICAL; level++) {
        struct wrt_atomic_memory atomic =
            make((enum wrt_verification_level)level, block_bytes);

        printf("%-10s %14.3f %14.3f %18.1f %18.1f\n",
               wrt_verification_level_name((enum wrt_verification_level)level),
               plain / time_calls(&atomic, 4096, false),
               plain / time_calls(&atomic, 4096, true), time_calls(&atomic, 8, false),
               time_calls(&atomic, 8, true));
    }
}

typedef uint32_t checksum(uint32_t crc, const void *bytes, size_t size_bytes);

static double gigabytes_per_second(checksum *form)
{
    double least = 1e18;

    for (int round = 0; round < 200; round++) {
        double start = now_ns(), each;
        uint32_t crc = form(0, memory, SIZE);

        __asm__ volatile("" ::"r"(crc));
        each = now_ns() - start;
        least = each < least ? each : least;
    }
    return (double)SIZE / least;
}

static void checksum_speed(void)
{
    printf("\nCRC-32C: %.2f GB/s by table, %.2f GB/s by %s\n",
           gigabytes_per_second(wrt_crc32c_by_table),
           gigabytes_per_second(wrt_crc32c_by_hardware),
           wrt_crc32c_has_hardware() ? "instruction" : "table again");
}

int main(int count, char **arguments)
{
    uint64_t trials = count > 1 ? strtoull(arguments[1], NULL, 10) : 1000000;

    for (int i = 0; i < SIZE; i++)
        right[i] = (uint8_t)random_below(256);
    inject(trials);
    throughput(64);
    throughput(256);
    checksum_speed();
    return 0;
}
