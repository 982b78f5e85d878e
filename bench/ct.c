/* bench/ct.c - wrt_ct_equal and wrt_ct_is_zero beside libsodium's sodium_memcmp, sodium_is_zero.
 * SPDX-License-Identifier: Apache-2.0
 *
 *     bench_ct
 *
 * Nanoseconds per call (processor time of the thread, the middle of nine runs) and their ratio,
 * for sizes from a token to a page. The bytes are equal: then a comparison that stops early
 * would look at all of them too, so memcmp, which tells secrets, is shown beside.
 */
#define _GNU_SOURCE
#include "wrt/secure.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RUNS = 9, MOST = 4096, WORK = 1 << 23 };

static uint8_t a[MOST + 1], b[MOST + 1];
static volatile uint64_t sink;

static uint64_t ours(const void *x, const void *y, size_t n) { return wrt_ct_equal(x, y, n); }
static uint64_t theirs(const void *x, const void *y, size_t n) { return (uint64_t)sodium_memcmp(x, y, n); }
static uint64_t plain(const void *x, const void *y, size_t n) { return (uint64_t)memcmp(x, y, n); }

static uint64_t our_zero(const void *x, const void *y, size_t n)
{
    (void)y;
    return wrt_ct_is_zero(x, n);
}

static uint64_t their_zero(const void *x, const void *y, size_t n)
{
    (void)y;
    return (uint64_t)sodium_is_zero(x, n);
}

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int by_size(const void *x, const void *y)
{
    const double l = *(const double *)x, r = *(const double *)y;
    return (l > r) - (l < r);
}

static double per_call(uint64_t (*volatile call)(const void *, const void *, size_t), size_t size)
{
    double took[RUNS];
    const size_t calls = WORK / (size + 64);

    for (int run = 0; run < RUNS; run++) {
        const double from = now_ns();
        for (size_t i = 0; i < calls; i++)
            sink = call(a, b, size);
        took[run] = (now_ns() - from) / (double)calls;
    }
    qsort(took, RUNS, sizeof *took, by_size);
    return took[RUNS / 2];
}

int main(void)
{
    static const size_t sizes[] = {16, 32, 33, 64, 256, 1024, 4096};

    if (sodium_init() < 0)
        return 1;
    puts("| bytes | wrt_ct_equal ns | sodium_memcmp ns | ratio | memcmp ns | wrt_ct_is_zero ns | "
         "sodium_is_zero ns | ratio |");
    puts("|---|---|---|---|---|---|---|---|");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const double us = per_call(ours, sizes[i]), them = per_call(theirs, sizes[i]);
        const double leaky = per_call(plain, sizes[i]);
        const double zero = per_call(our_zero, sizes[i]), zeros = per_call(their_zero, sizes[i]);
        printf("| %zu | %.1f | %.1f | %.2f | %.1f | %.1f | %.1f | %.2f |\n", sizes[i], us, them,
               us / them, leaky, zero, zeros, zero / zeros);
    }
    return 0;
}
