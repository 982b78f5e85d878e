/* tests/welch/welch.c - does the time of wrt_ct_* depend on the secret? Welch's t on fixed
 * against random secrets (the method of dudect: Reparaz, Balasch, Verbauwhede 2017).
 * SPDX-License-Identifier: Apache-2.0
 *
 *     welch [SAMPLES]      default 200000 of each kind
 *
 * Each sample runs one operation on a secret of one of two classes, picked at random: the fixed
 * secret (for which a leaky twin is fast or slow) or a random one. The times are compared as a
 * whole and cropped at six percentiles, which keep the interrupts out; the greatest |t| counts,
 * and of three such runs the middle one. Above 10 the classes are told apart.
 * One line per operation and its leaky twin: name, |t|, and whether that is as it should be.
 */
#define _GNU_SOURCE
#include "wrt/secure.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BYTES = 256, ENTRIES = 64, CROPS = 7, RUNS = 3, BATCH = 4, WARM_UP = 16, CHUNK = 32 };

struct secret {
    uint8_t bytes[BYTES];
    uint64_t number; /* below ENTRIES */
};

static uint8_t reference[BYTES], table[ENTRIES * 16], out[BYTES];
static volatile uint64_t sink;
static uint64_t random_state = UINT64_C(0x9E3779B97F4A7C15);

static uint64_t random_bits(void) /* xorshift64* */
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * UINT64_C(0x2545F4914F6CDD1D);
}

static uint64_t ticks(void)
{
#if defined(__x86_64__)
    uint32_t low, high;
    __asm__ volatile("lfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
}

/* ---- operations and twins ---- */

static void equal(const struct secret *secret)
{
    sink = wrt_ct_equal(secret->bytes, reference, BYTES);
}

static void __attribute__((noinline)) leaky_equal(const struct secret *secret)
{
    for (size_t i = 0; i < BYTES; i++) {
        if (secret->bytes[i] != reference[i]) {
            sink = i;
            return;
        }
    }
    sink = 1;
}

static void compare(const struct secret *secret)
{
    sink = (uint64_t)wrt_ct_compare(secret->bytes, reference, BYTES);
}

static void is_zero(const struct secret *secret)
{
    sink = wrt_ct_is_zero(secret->bytes, BYTES);
}

static void lookup(const struct secret *secret)
{
    sink = wrt_ct_lookup(out, table, 16, ENTRIES, secret->number);
}

static void __attribute__((noinline)) leaky_lookup(const struct secret *secret)
{
    for (size_t i = 0; i < ENTRIES; i++) { /* stops where it finds it */
        if (i == secret->number) {
            memcpy(out, table + 16 * i, 16);
            sink = i;
            return;
        }
        __asm__ volatile("" : : "r"(i) : "memory");
    }
}

static void copy_if(const struct secret *secret)
{
    wrt_ct_copy_if(secret->number, out, reference, BYTES);
}

static void __attribute__((noinline)) leaky_copy_if(const struct secret *secret)
{
    if (secret->number != 0) {
        memcpy(out, reference, BYTES);
        __asm__ volatile("" : : "r"(out) : "memory");
        memcpy(out, table, BYTES);
        __asm__ volatile("" : : "r"(out) : "memory");
    }
}

/* ---- Welch's t, on line (Welford's method) ---- */

struct moments {
    double count, mean, squares;
};

static void take(struct moments *m, double x)
{
    m->count += 1;
    const double delta = x - m->mean;
    m->mean += delta / m->count;
    m->squares += delta * (x - m->mean);
}

static double welch_t(const struct moments *a, const struct moments *b)
{
    if (a->count < 100 || b->count < 100)
        return 0;
    const double error =
        a->squares / (a->count - 1) / a->count + b->squares / (b->count - 1) / b->count;
    return error <= 0 ? 0 : fabs(a->mean - b->mean) / sqrt(error);
}

/* ---- measuring ---- */

static void fill(struct secret *secret, bool fixed)
{
    for (size_t i = 0; i < BYTES; i += 8) {
        const uint64_t bits = random_bits();
        memcpy(secret->bytes + i, &bits, sizeof bits);
    }
    secret->number = random_bits() % ENTRIES;
    if (fixed) { /* the bytes are made all the same, so that both kinds cost that much */
        memcpy(secret->bytes, reference, BYTES);
        secret->number = 0;
    }
}

static int by_size(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double greatest_t(const uint32_t *times, const uint8_t *classes, size_t count,
                         uint32_t *sorted)
{
    static const double keep[CROPS] = {1, 0.99, 0.95, 0.9, 0.75, 0.5, 0.25};
    double most = 0;

    memcpy(sorted, times, count * sizeof *times);
    qsort(sorted, count, sizeof *sorted, by_size);
    for (int crop = 0; crop < CROPS; crop++) {
        const uint32_t limit = sorted[(size_t)((double)(count - 1) * keep[crop])];
        struct moments of[2] = {{0, 0, 0}, {0, 0, 0}};
        for (size_t i = 0; i < count; i++) {
            if (times[i] <= limit)
                take(&of[classes[i]], times[i]);
        }
        const double t = welch_t(&of[0], &of[1]);
        if (t > most)
            most = t;
    }
    return most;
}

static double run(void (*operation)(const struct secret *), size_t count)
{
    static struct secret secrets[CHUNK];
    uint32_t *times = calloc(2 * count, sizeof *times);
    uint8_t *classes = calloc(count + CHUNK, 1);

    if (times == NULL || classes == NULL)
        exit(2);
    for (size_t i = 0; i < count; i += CHUNK - WARM_UP) {
        uint8_t *class = classes + i;
        for (size_t s = 0; s < CHUNK; s++) /* all before, so that making one is not measured */
            fill(&secrets[s], s < WARM_UP || (class[s - WARM_UP] = random_bits() >> 63) != 0);
        for (size_t s = 0; s < CHUNK; s++) {
            const uint64_t from = ticks();
            for (int again = 0; again < BATCH; again++)
                operation(&secrets[s]);
            const uint64_t took = ticks() - from;
            if (s >= WARM_UP && i + s - WARM_UP < count)
                times[i + s - WARM_UP] = took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;
        }
    }
    const double t = greatest_t(times, classes, count, times + count);
    free(times);
    free(classes);
    return t;
}

static double middle_of_three(void (*operation)(const struct secret *), size_t count)
{
    double t[RUNS];

    for (int i = 0; i < RUNS; i++)
        t[i] = run(operation, count);
    return fmax(fmin(t[0], t[1]), fmin(fmax(t[0], t[1]), t[2]));
}

int main(int arguments, char **argument)
{
    static const struct {
        const char *name;
        void (*operation)(const struct secret *);
        bool leaks;
    } cases[] = {{"wrt_ct_equal", equal, false},     {"wrt_ct_compare", compare, false},
                 {"wrt_ct_is_zero", is_zero, false}, {"wrt_ct_lookup", lookup, false},
                 {"wrt_ct_copy_if", copy_if, false}, {"leaky equal", leaky_equal, true},
                 {"leaky lookup", leaky_lookup, true}, {"leaky copy_if", leaky_copy_if, true}};
    const size_t count = 2 * (arguments > 1 ? strtoul(argument[1], NULL, 10) : 200000);
    bool all = true;

    if (count < 2000) {
        fprintf(stderr, "usage: welch [SAMPLES, at least 1000]\n");
        return 2;
    }
    for (size_t i = 0; i < BYTES; i++)
        reference[i] = (uint8_t)random_bits();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const double t = middle_of_three(cases[i].operation, count);
        const bool good = (t > 10) == cases[i].leaks;
        printf("%s %s: |t| = %.1f of %zu samples, %s 10\n", good ? "PASS" : "FAIL", cases[i].name, t,
               count, cases[i].leaks ? "must be above" : "must not be above");
        all = all && good;
    }
    return all ? 0 : 1;
}
